"""From what a user names, files, directories and patterns, to the files of one table."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fastlr.errors import InputError, InputTypeError
from fastlr.files._stream import is_url

_ENDINGS = (
    *(".csv", ".tsv", ".tab", ".parquet", ".pq"),
    *(".feather", ".arrow", ".arrows", ".ipc", ".npy", ".npz"),
)
_PARTITION = re.compile("([^=]+)=(.*)", re.DOTALL)
_COMPRESSED = (".gz", ".bz2", ".zst", ".xz")


def file_among(output: str | os.PathLike[str], files: Iterable[str]) -> str | None:
    """The one of the files that a file to be written is, whatever it is called there; None if there is none."""
    place = Path(output)
    if not place.exists():
        return None
    return next((file for file in files if Path(file).exists() and place.samefile(file)), None)


def table_files(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """The files that ``paths`` name, in order: those of a directory or a pattern sorted by name.

    In a directory, files count whose name ends as that of a table does (.csv, .tsv, .tab, .parquet,
    .pq, .feather, .arrow, .arrows, .ipc, .npy, .npz, also compressed) and does not begin with a
    point or an underscore; directories in it do not count, but for those named ``key=value`` where
    there is no table beside them. A pattern is one of ``glob``, with
    ``**`` for directories of any depth. ``"-"`` is standard input.

    Raises
    ------
    InputError
        A file is named twice, or nothing at all is named.
    FileNotFoundError
        A directory holds no table, or a pattern fits none.

    Examples
    --------
    >>> from pathlib import Path
    >>> from fastlr.files import table_files
    >>> Path("days").mkdir()
    >>> for name in ("tuesday.csv", "monday.csv.gz", "notes.md"):
    ...     Path("days", name).touch()
    >>> table_files(["days"])
    ['days/monday.csv.gz', 'days/tuesday.csv']
    """
    if isinstance(paths, str | bytes) or not isinstance(paths, Iterable):
        raise InputTypeError(f"paths={paths!r} is not a list of paths: give a list of them")
    named = [as_path(path) for path in paths]
    if not named:
        raise InputError("no file is named: give at least one")
    files = [file for path in named for file in _files_of(path)]
    seen: dict[str, str] = {}
    for file in files:
        place = file if file == "-" else os.path.realpath(file)
        if place in seen:
            raise InputError(
                f"{file} is named twice (also as {seen[place]}), and its rows would count twice: "
                "name it once"
            )
        seen[place] = file
    return files


def as_path(path: object) -> str:
    """Return a path as text; what names no file is refused."""
    name = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(name, str):
        raise InputTypeError(f"{path!r} is not a path: give text, or a pathlib.Path")
    if not name:
        raise InputError("a path is empty (is a variable unset?): give the name of a file")
    return name


def _files_of(path: str) -> list[str]:
    if path == "-":
        return [path]
    if Path(path).is_dir():
        files = sorted(str(file) for file in Path(path).iterdir() if _is_table(file))
        if not files:
            files = _partitioned(Path(path))
        if not files:
            raise FileNotFoundError(
                f"{path} is a directory without a table file in it (names that end in "
                f"{', '.join(_ENDINGS)}; directories below are not searched): name files, or a "
                f"pattern such as '{path.rstrip('/')}/**/*.csv'"
            )
        return files
    if glob.has_magic(path) and not Path(path).exists() and not is_url(path):
        found = glob.glob(path, recursive=True)  # noqa: PTH207  (Path.glob takes no absolute ones)
        files = sorted(file for file in found if Path(file).is_file())
        if not files:
            raise FileNotFoundError(f"no file fits the pattern {path!r}: check it")
        return files
    return [path]


def _partitioned(directory: Path) -> list[str]:
    """The tables in directories named ``key=value``, one below the other."""
    files = []
    for below in sorted(directory.iterdir()):
        if below.is_dir() and _PARTITION.fullmatch(below.name):
            own = sorted(str(file) for file in below.iterdir() if _is_table(file))
            files += own or _partitioned(below)
    return files


def partitions_of(files: Sequence[str]) -> dict[str, list[Any]]:
    """What the directories named ``key=value`` above files say of each: numbers if all are, else text.

    Empty unless all files have the same keys.
    """
    found: list[dict[str, str]] = []
    for file in files:
        parts = [match for part in Path(file).parent.parts if (match := _PARTITION.fullmatch(part))]
        found.append({match[1]: unquote(match[2]) for match in parts})
    keys = found[0].keys() if found else {}.keys()
    if any(of_file.keys() != keys for of_file in found):
        return {}
    values: dict[str, list[Any]] = {}
    for key in keys:
        texts = [of_file[key] for of_file in found]
        try:
            values[key] = [float(text) for text in texts]
        except ValueError:
            values[key] = texts
    return values


def _is_table(file: Path) -> bool:
    name = file.name.lower()
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    return name.endswith(_ENDINGS) and not name.startswith((".", "_")) and file.is_file()
