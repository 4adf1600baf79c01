"""Bytes of a file or of standard input: counted, decompressed, their beginning known."""

from __future__ import annotations

import lzma
import os
import re
import sys
import tempfile
import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from fastlr.errors import FileFormatError, InputError

_CODECS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\x00": "xz"}
_MAGIC_LENGTH = 8
_READ_AT_ONCE = 1 << 20


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class ByteStream:
    """Bytes in sequence: ``read(n)`` gives n of them unless the end comes first.

    Reads are always filled, so the batches of a pipe are those of the same bytes in a file.
    """

    closed = False

    def __init__(self, raw: _Readable) -> None:
        # One system call at a time, so that Ctrl-C is heard while a pipe has nothing to say.
        self._read_some = getattr(raw, "read1", raw.read)
        self._ahead = b""
        self.n_read = 0

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, which stay to be read."""
        self._ahead += self._fill(size - len(self._ahead))
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer at the end."""
        first, self._ahead = self._ahead[:size], self._ahead[size:]
        result = first + self._fill(size - len(first))
        self.n_read += len(result)
        return result

    def _fill(self, size: int) -> bytes:
        parts = []
        while size > 0:
            part = self._read_some(min(size, _READ_AT_ONCE))
            if not part:
                break
            parts.append(bytes(part))
            size -= len(part)
        return b"".join(parts)

    def readable(self) -> bool:
        """Return True, as pyarrow asks of a Python file that it may read."""
        return True

    def close(self) -> None:
        """Do nothing: whoever opened the file below closes it."""


class _Decompressed:
    """Bytes below a codec; damage becomes a ``FileFormatError`` that names the file."""

    def __init__(self, packed: ByteStream, codec: str, label: str) -> None:
        self._codec, self._label = codec, label
        self._stream: Any
        if codec == "xz":
            self._stream = lzma.LZMAFile(packed)  # type: ignore[arg-type]  # noqa: SIM115
        else:
            pa = require_pyarrow(f"reading {codec} files")
            self._stream = pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), codec)

    def read(self, size: int, /) -> bytes:
        try:
            return bytes(self._stream.read(size))
        except (OSError, EOFError, lzma.LZMAError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise FileFormatError(
                f"{self._label} is damaged or cut short ({self._codec}: {error}): "
                "compress or copy it again"
            ) from error


class _Recoded:
    """Text of any encoding as UTF-8; bytes that are none become a ``FileFormatError``."""

    def __init__(self, coded: ByteStream, encoding: str, label: str) -> None:
        self._encoding, self._label = encoding, label
        pa = require_pyarrow("reading text tables")
        file = pa.PythonFile(coded, mode="r")
        self._stream = pa.transcoding_input_stream(file, encoding, "utf-8")

    def read(self, size: int, /) -> bytes:
        try:
            return bytes(self._stream.read(size))
        except UnicodeError as error:
            raise FileFormatError(
                f"{self._label} is not text in encoding={self._encoding!r} ({error}): give the "
                "encoding that it was saved in"
            ) from error


class Source:
    """A file, or standard input (``-``), with its first bytes at hand.

    A file can be opened any number of times, standard input once.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.resources = ExitStack()
        """What is to be closed with the source: its files, and what readers add."""
        weakref.finalize(self, self.resources.close)  # for those who read a scan and forget it
        self.path: Path | None = None if os.fspath(path) == "-" else Path(path)
        self.label = "standard input" if self.path is None else str(path)
        self.n_bytes: int | None = None
        self.is_compressed = False
        self._encoding: str | None = None
        self._on_disk: Path | None = None
        self._stamp: tuple[int, ...] | None = None
        self._file: BinaryIO | None = None
        self._packed: ByteStream
        self._untouched: ByteStream | None
        if self.path is None:
            self._untouched = self._unpacked(sys.stdin.buffer)
        else:
            _check_is_file(self.path)
            if self.path.is_file():
                self.n_bytes = self.path.stat().st_size
                self._stamp = _stamp(self.path)
            self._untouched = self._open_file(self.path)

    def peek(self, size: int) -> bytes:
        """The first ``size`` bytes, decompressed."""
        if self._untouched is None:
            self._untouched = self.open()
        return self._untouched.peek(size)

    def recode(self, encoding: str) -> None:
        """From here on, give text in ``encoding`` as UTF-8: before anything but ``peek``."""
        self._encoding = encoding
        if self._untouched is not None:
            self._untouched = ByteStream(_Recoded(self._untouched, encoding, self.label))

    def open(self) -> ByteStream:
        """The bytes from the beginning, decompressed."""
        stream, self._untouched = self._untouched, None
        if stream is not None:
            return stream
        if self.path is None or self.n_bytes is None:
            raise ValueError(f"{self.label} can be read only once")
        return self._open_file(self.path)

    @property
    def can_repeat(self) -> bool:
        """Whether the bytes can be read again, from the file or a temporary copy."""
        return self._on_disk is not None or (self.path is not None and self.n_bytes is not None)

    @property
    def is_decoded(self) -> bool:
        """Whether its bytes are not those of the file: they were compressed, or text in another encoding."""
        return self.is_compressed or self._encoding is not None

    @property
    def has_copy(self) -> bool:
        """Whether there is a temporary copy, which closing the source removes."""
        return self._on_disk is not None

    def check_unchanged(self) -> None:
        """Raise a `FileFormatError` if the file has changed since it was opened."""
        if self.path is None or self._stamp is None:
            return
        try:
            is_same = _stamp(self.path) == self._stamp
        except FileNotFoundError:
            is_same = False
        if not is_same:
            raise FileFormatError(
                f"{self.label} has changed while it was read: wait until it is written, and read it again"
            )

    def same_as(self, earlier: Source) -> Source:
        """Return this source, which must be the file that ``earlier`` was, unchanged."""
        self._stamp = earlier._stamp
        return self

    @property
    def bytes_read(self) -> int:
        """How far the stream opened last has come, in bytes as stored."""
        return self._packed.n_read

    def on_disk(self) -> Path:
        """A path with the decompressed bytes, for formats that must be read at random places."""
        if self.path is not None and self.n_bytes is not None and not self.is_compressed:
            return self.path
        if self._on_disk is not None:
            return self._on_disk
        temporary = tempfile.NamedTemporaryFile(prefix="fastlr-")  # noqa: SIM115
        spool = self.resources.enter_context(temporary)
        stream = self.open()
        while part := stream.read(1 << 20):
            spool.write(part)
        spool.flush()
        self.n_bytes = stream.n_read
        self._on_disk = Path(spool.name)
        return self._on_disk

    def close(self) -> None:
        """Close the files behind the streams and drop temporary ones."""
        self.resources.close()

    def file(self) -> BinaryIO:
        """The file as it is, to be read at any place: the one that was opened last."""
        if self._file is None or self._file.closed:
            assert self.path is not None
            self._file = self.resources.enter_context(self.path.open("rb"))
        return self._file

    def _open_file(self, path: Path) -> ByteStream:
        self._file = self.resources.enter_context(path.open("rb"))
        return self._unpacked(self._file)

    def _unpacked(self, raw: _Readable) -> ByteStream:
        self._packed = ByteStream(raw)
        magic = self._packed.peek(_MAGIC_LENGTH)
        stream = self._packed
        for start, codec in _CODECS.items():
            if magic.startswith(start):
                self.is_compressed = True
                stream = ByteStream(_Decompressed(self._packed, codec, self.label))
        if self._encoding is not None:
            stream = ByteStream(_Recoded(stream, self._encoding, self.label))
        return stream


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes with a file's bytes: inode, size, and time of the last change."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def require_pyarrow(purpose: str) -> Any:
    """The pyarrow module, imported when first needed."""
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(f'{purpose} needs pyarrow: pip install "fastlr[files]"') from error
    return pyarrow


def _check_is_file(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory: name one table file in it")
    if path.exists():
        return
    if is_url(os.fspath(path)):
        raise InputError(
            f"{path} is a URL, and fastlr reads files and standard input only: download it first, "
            "or pipe it in"
        )
    where = path.parent if path.parent.is_dir() else "no such directory either"
    raise FileNotFoundError(f"there is no file {path}: check the name (looked in {where})")


def is_url(path: str) -> bool:
    """Whether it begins as https://... or s3://... do (pathlib makes one slash of two)."""
    return re.match(r"[a-z][a-z0-9+.-]+:/", path, re.IGNORECASE) is not None
