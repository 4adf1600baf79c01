"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file beside ``path`` and move it there at the end; on failure nothing has changed.

    The new file keeps the permissions of the one it replaces, and a link stays a link. A device or
    pipe, which cannot be replaced, is written directly.

    Raises
    ------
    OSError
        The directory does not exist or cannot be written.

    Examples
    --------
    >>> from fastlr.files import replaced
    >>> with replaced("numbers.txt") as file:
    ...     file.write(b"1 2 3")
    5
    """
    check_writable(path)
    target = Path(path).resolve()
    if _is_device(path):
        with Path(path).open("wb") as file:
            yield file
        return
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix="~")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_permissions(target))
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink()
        raise


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise ``OSError`` if ``path`` is a directory or lies in none: before long work, not after."""
    target = Path(path).resolve()
    if target.is_dir():
        raise IsADirectoryError(f"{os.fspath(path)} is a directory: name a file in it")
    if not target.parent.is_dir() and not _is_device(path):
        raise FileNotFoundError(f"there is no directory {target.parent} to write {target.name} in")


def _is_device(path: str | os.PathLike[str]) -> bool:
    """Whether there is something to write to that is no file, such as /dev/stdout."""
    return Path(path).exists() and not Path(path).is_file()


def _permissions(target: Path) -> int:
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
