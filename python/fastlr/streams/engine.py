"""One pass over the chunks of a table by the threads of this process: decode, compute, merge."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from fastlr.errors import FileFormatError, InputError
from fastlr.files import Chunk
from fastlr.input.row_stream import StaticTree

__all__ = ["Work", "map_chunks"]

Work = Callable[[int, Chunk, int, int], tuple[Any, int]]
"""From a chunk, the rows of its file above it, and threads, to what the pass is for (or None), and the rows read."""

_LOOK = 0.05  # seconds between looks at Ctrl-C and progress
_GRACE = 0.1  # seconds that threads have to end after Ctrl-C


def map_chunks(
    chunks: Iterator[Chunk],
    work: Work,
    merge: Callable[[Any, Any], Any],
    *,
    n_threads: int,
    progress: Callable[[int, int], None] | None = None,
) -> Any:
    """``work`` on every chunk, merged in an order that their numbers alone decide; None if there is nothing.

    Every thread takes a whole chunk, decodes it and works on it, with one thread; if there are fewer chunks than
    threads, each has several. ``progress`` is told, on the calling thread, how many bytes and rows are done. Of several
    errors the one of the first chunk is raised.
    """
    return _Pass(chunks, work, merge, n_threads, progress).run()


class _Pass:
    """What the threads of a pass share."""

    def __init__(
        self,
        chunks: Iterator[Chunk],
        work: Work,
        merge: Callable[[Any, Any], Any],
        n_threads: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        first = list(itertools.islice(chunks, n_threads))
        self._n_workers = max(1, min(n_threads, len(first)))
        self._threads_per_chunk = max(1, n_threads // self._n_workers)
        self._chunks = enumerate(itertools.chain(first, chunks))
        self._work, self._progress = work, progress
        self._tree = StaticTree(merge)
        self._sizes: dict[int, tuple[str, int]] = {}
        self._errors: dict[int, tuple[Chunk | None, BaseException]] = {}
        self._taking, self._giving = threading.Lock(), threading.Lock()
        self._n_taken = self._n_bytes = self._n_rows = 0
        self._is_ending = False

    def run(self) -> Any:
        """Take all chunks of the pass, and return what they merge to."""
        if self._n_workers == 1:
            self._take_all(is_alone=True)
        else:
            self._run_threads()
        self._raise_first()
        return self._tree.result()

    def _run_threads(self) -> None:
        workers = [
            threading.Thread(target=self._take_all, daemon=True) for _ in range(self._n_workers)
        ]
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                while worker.is_alive():  # until the rows end, with breaks in which Ctrl-C is heard
                    worker.join(_LOOK)
                    self._tell()
        except BaseException:
            self._is_ending = True
            latest = time.monotonic() + _GRACE
            for worker in workers:
                if worker.ident is not None:
                    worker.join(max(0.0, latest - time.monotonic()))
            raise

    def _take_all(self, *, is_alone: bool = False) -> None:
        """Take chunks in turn until there are none, somebody failed, or the pass is given up."""
        while not self._is_ending:
            with self._taking:
                number, chunk = self._n_taken, None
                try:
                    number, chunk = next(self._chunks)
                except StopIteration:
                    return
                except Exception as error:  # noqa: BLE001 - raised by the thread that waits
                    self._fail(number, None, error)
                    return
                self._n_taken = number + 1
            try:
                before, n_threads = chunk.rows_before or 0, self._threads_per_chunk
                value, n_rows = self._work(number, chunk, before, n_threads)
                chunk.check()
                with self._giving:
                    self._tree.add(number, value)
                    self._sizes[number] = chunk.label, n_rows
                    self._n_bytes += chunk.n_bytes
                    self._n_rows += n_rows
            except Exception as error:  # noqa: BLE001 - raised by the thread that waits
                self._fail(number, chunk, error)
                return
            if is_alone:
                self._tell()

    def _fail(self, number: int, chunk: Chunk | None, error: BaseException) -> None:
        self._errors[number] = chunk, error
        self._is_ending = True

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._n_bytes, self._n_rows)

    def _raise_first(self) -> None:
        """Raise the error of the first chunk that has one, with the numbers of its rows."""
        if not self._errors:
            return
        number = min(self._errors)
        chunk, error = self._errors[number]
        if chunk is not None:
            chunk.check()
            if chunk.rows_before is None and isinstance(error, InputError | FileFormatError):
                before = [self._sizes[k] for k in range(number)]  # chunks before it were all taken
                rows_before = sum(n_rows for label, n_rows in before if label == chunk.label)
                self._work(number, chunk, rows_before, 1)
        raise error
