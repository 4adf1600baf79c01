"""Blocks of whole rows of a text, in buffers that serve one block after another."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fastlr.errors import FileFormatError
from fastlr.files._stream import Source

__all__ = ["TextBlock", "text_blocks", "whole_rows"]

_LONGEST_ROW = 64 << 20
_GLANCE = 64  # bytes that tell most blocks from white space

_Pool = list[bytearray]


class TextBlock:
    """Whole rows of a text. Once its buffer serves another block, its bytes are read from the file again."""

    def __init__(
        self,
        source: Source,
        buffer: bytes | bytearray,
        n_bytes: int,
        first: int | None,
        pool: _Pool,
    ) -> None:
        self._source, self._pool = source, pool
        self._buffer: bytes | bytearray | None = buffer
        self._first = first
        """Where it begins in the file; None if the file cannot be read at any place."""
        self.n_bytes = n_bytes

    def __enter__(self) -> memoryview:
        """The bytes, until the block is left."""
        if self._buffer is None:
            assert self._source.path is not None
            with self._source.path.open("rb") as file:
                file.seek(self._first or 0)
                self._buffer = file.read(self.n_bytes)
            if len(self._buffer) < self.n_bytes:
                raise FileFormatError(f"{self._source.label} has become shorter while it was read")
        return memoryview(self._buffer)[: self.n_bytes]

    def __exit__(self, *_: object) -> None:
        """Let other blocks use the buffer, if the file can be read again."""
        self.forget()

    def forget(self) -> None:
        """Let other blocks use the buffer, if the file can be read again."""
        if self._first is None:
            return
        if isinstance(self._buffer, bytearray):
            self._pool.append(self._buffer)
        self._buffer = None


def text_blocks(
    source: Source, start: int, block_bytes: int, newline: bytes
) -> Iterator[tuple[TextBlock, int]]:
    """Blocks of at most ``block_bytes``, longer if a row is, and how many bytes of the file are read after each.

    The first begins at ``start``. Blocks are the same ones for a file and for the same bytes in a pipe.
    """
    if source.path is None or source.n_bytes is None or source.is_decoded:
        yield from _of_stream(source, start, block_bytes, newline)
        return
    pool: _Pool = []
    file = source.file().fileno()
    size, is_last = block_bytes, False
    while not is_last:
        buffer = pool.pop() if pool and size == block_bytes else bytearray(size)
        n_read = _filled(file, buffer, start)
        is_last = n_read < size
        n_bytes = n_read if is_last else _cut(buffer, size, newline, block_bytes)
        if n_bytes == 0:  # a row longer than that
            size *= 2
            continue
        if not _is_blank(buffer, n_bytes):
            own = pool if size == block_bytes else []
            yield TextBlock(source, buffer, n_bytes, start, own), start + n_bytes
        size, start = block_bytes, start + n_bytes


def _of_stream(
    source: Source, start: int, block_bytes: int, newline: bytes
) -> Iterator[tuple[TextBlock, int]]:
    """Cut bytes that come in turn into blocks of whole lines, each with the bytes that it took."""
    stream = source.open()
    stream.read(start)
    text, size, is_last = b"", block_bytes, False
    while not is_last:
        text += stream.read(size - len(text))
        is_last = len(text) < size
        n_bytes = len(text) if is_last else _cut(text, size, newline, block_bytes)
        if n_bytes == 0:
            size *= 2
            continue
        if not _is_blank(text, n_bytes):
            yield TextBlock(source, text, n_bytes, None, []), source.bytes_read
        size, text = block_bytes, text[n_bytes:]


def _filled(file: int, buffer: bytearray, start: int) -> int:
    """Read a file from a place on until the buffer is full, or the file ends; how many bytes came."""
    n_read = 0
    with memoryview(buffer) as view:
        while n_read < len(buffer):
            n_more = os.preadv(file, [view[n_read:]], start + n_read)
            if not n_more:
                break
            n_read += n_more
    return n_read


def _cut(text: bytes | bytearray, n_bytes: int, newline: bytes, block_bytes: int) -> int:
    """How many bytes of a text that goes on are a block; 0 if more must be read to tell."""
    cut = whole_rows(text, newline, n_bytes)
    if not cut and n_bytes > max(_LONGEST_ROW, 2 * block_bytes):  # a quote that is never closed
        cut = text.rfind(newline, 0, n_bytes) + 1 or n_bytes
    return cut


def _is_blank(text: bytes | bytearray, n_bytes: int) -> bool:
    start = text[: min(n_bytes, _GLANCE)]
    return not start or (start.isspace() and text[:n_bytes].isspace())


def whole_rows(data: bytes | bytearray, newline: bytes, n_bytes: int | None = None) -> int:
    """Length of the longest beginning of ``data`` that ends a row: a newline outside quotes."""
    end = len(data) if n_bytes is None else n_bytes
    cut = data.rfind(newline, 0, end) + 1
    if data.find(b'"', 0, end) < 0:
        return cut
    n_quotes = data.count(b'"', 0, cut)
    while cut and n_quotes % 2:
        earlier = data.rfind(newline, 0, cut - 1) + 1
        n_quotes -= data.count(b'"', earlier, cut)
        cut = earlier
    return cut
