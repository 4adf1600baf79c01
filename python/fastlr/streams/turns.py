"""Chunks in turn: the next one is decoded while the last one is used."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from fastlr.files import Chunk
from fastlr.input.row_stream import RowChunk

__all__ = ["in_turn"]

T = TypeVar("T")
_LOOK = 0.05  # seconds between looks at Ctrl-C


def in_turn(
    chunks: Iterable[tuple[int, Chunk]], read: Callable[[int, Chunk], list[RowChunk]]
) -> Iterator[RowChunk]:
    """The rows of numbered chunks, which ``read`` decodes on another thread, one chunk ahead."""
    decoder = ThreadPoolExecutor(1, "fastlr-decoder")
    try:
        ahead: Future[list[RowChunk]] | None = None
        for item in itertools.chain(chunks, [None]):
            following = None if item is None else decoder.submit(read, *item)
            if ahead is not None:
                yield from _of(ahead)
            ahead = following
    finally:
        decoder.shutdown(wait=False, cancel_futures=True)


def _of(ahead: Future[T]) -> T:
    """What another thread gives, with breaks in which Ctrl-C is heard."""
    while not ahead.done():  # until the chunk is decoded
        wait([ahead], _LOOK)
    return ahead.result()
