"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

_OPEN_FILES = "/proc/self/fd"
_NO_UNNAMED_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS}


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file beside ``path`` and move it there at the end; on failure nothing has changed.

    The new file keeps the permissions of the one it replaces, and a link stays a link. A device or
    pipe, which cannot be replaced, is written directly.

    Raises
    ------
    OSError
        The directory does not exist or cannot be written, the disk is full, the name is too long,
        or links lead in a circle. The message names ``path``.

    Notes
    -----
    Where the system can (Linux, on most file systems), the file has no name until it is complete,
    so that nothing stays behind even if the process is killed while it writes.

    Examples
    --------
    >>> from fastlr.files import replaced
    >>> with replaced("numbers.txt") as file:
    ...     file.write(b"1 2 3")
    5
    """
    check_writable(path)
    if _is_device(path):
        with _naming(path), io.BufferedWriter(_NamedFile(os.fspath(path), path)) as device:
            yield device
        return
    target = Path(path).resolve()
    with _naming(path):
        mode = target.stat().st_mode & 0o777 if target.exists() else None
        temporary = None
        handle = _unnamed_file(target.parent, 0o666 if mode is None else 0o600)
        if handle is None:
            temporary = _free_name(target)
            handle = _named_file(temporary, 0o666 if mode is None else 0o600)
    is_unnamed = temporary is None
    try:
        with io.BufferedWriter(_NamedFile(handle, path)) as file:
            yield file
            file.flush()
            with _naming(path):
                os.fsync(handle)
                if is_unnamed and mode is not None:
                    os.fchmod(handle, mode)
                elif temporary is not None and mode is not None:
                    temporary.chmod(mode)
                if is_unnamed and not _linked(handle, target):
                    temporary = _free_name(target)
                    if not _linked(handle, temporary):
                        _copy(handle, temporary)
        if temporary is not None:
            with _naming(path):
                temporary.replace(target)
    except BaseException:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()
        raise


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise ``OSError`` if no file can have the name ``path``: before long work, not after.

    It may be a directory, lie in none, be too long, or be one of links that lead in a circle.
    """
    with _naming(path), suppress(FileNotFoundError, NotADirectoryError):
        Path(path).stat()
    target = Path(path).resolve()
    if target.is_dir():
        raise IsADirectoryError(f"{os.fspath(path)} is a directory: name a file in it")
    if not target.parent.is_dir() and not _is_device(path):
        raise FileNotFoundError(f"there is no directory {target.parent} to write {target.name} in")


class _NamedFile(io.FileIO):
    """An open file whose errors name it as the user did."""

    def __init__(self, file: int | str, path: str | os.PathLike[str]) -> None:
        super().__init__(file, "wb")
        self._path = path

    def write(self, data: Any, /) -> int:
        with _naming(self._path):
            return super().write(data)


@contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Make errors of the system that name no file, or a temporary one, name ``path``."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename == os.fspath(path):
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _unnamed_file(directory: Path, mode: int) -> int | None:
    """A file without a name, which vanishes unless it is given one; None where there are none."""
    flag: int | None = getattr(os, "O_TMPFILE", None)
    if flag is None or not Path(_OPEN_FILES).is_dir():
        return None
    try:
        return os.open(directory, flag | os.O_RDWR, mode)
    except OSError as error:
        if error.errno in _NO_UNNAMED_FILES:
            return None
        raise


def _named_file(path: Path, mode: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)


def _free_name(target: Path) -> Path:
    """A name in the target's directory, short whatever the target's, that nobody else takes."""
    return target.with_name(f".fastlr-{secrets.token_hex(8)}~")


def _linked(handle: int, name: Path) -> bool:
    """Give an unnamed file its name, unless that is taken or the system will not."""
    descriptors = os.open(_OPEN_FILES, os.O_RDONLY)
    try:
        os.link(str(handle), name, src_dir_fd=descriptors, follow_symlinks=True)
    except OSError:
        return False
    finally:
        os.close(descriptors)
    return True


def _copy(handle: int, name: Path) -> None:
    """An unnamed file that cannot be linked is copied; the copy's errors are those of writing."""
    os.lseek(handle, 0, os.SEEK_SET)
    mode = os.fstat(handle).st_mode & 0o777
    with os.fdopen(_named_file(name, mode), "wb") as copy, os.fdopen(os.dup(handle), "rb") as file:
        shutil.copyfileobj(file, copy)
        copy.flush()
        os.fsync(copy.fileno())
    name.chmod(mode)


def _is_device(path: str | os.PathLike[str]) -> bool:
    """Whether there is something to write to that is no file, such as /dev/stdout."""
    return Path(path).exists() and not Path(path).is_file()
