"""Model files: one object as versioned JSON of a few kB, exact to the last bit."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from fastlr.errors import InputError, InputTypeError, ModelFileError
from fastlr.storage.replacing import replaced
from fastlr.storage.schema import shown, strict_json

__all__ = [
    "ADVICE",
    "MODEL_FORMAT",
    "MODEL_VERSION",
    "Document",
    "read_document",
    "write_document",
]

MODEL_FORMAT = "fastlr.linear_model"
MODEL_VERSION = 2
ADVICE = "save it again with its method save, or with `fastlr fit --output`"
_ENOUGH_TO_KNOW = 64
_AS_THEY_ARE = {str, int, bool, type(None)}
_FIRST_KINDS = {None: "LinearFit", "polynomial": "PolynomialFit"}  # as version 1 wrote them

_T = TypeVar("_T")


class Document(NamedTuple):
    """What a model file holds: the name of a class, and the fields of one object of it, none of them checked yet."""

    label: str
    kind: str
    fields: dict[str, Any]

    def restored_by(self, read: Callable[[Mapping[str, Any]], _T]) -> _T:
        """Make the object of the fields; a `ModelFileError` that names the file if one is against its rule."""
        try:
            return read(self.fields)
        except (InputError, InputTypeError) as error:
            raise ModelFileError(
                f"{self.label} is a damaged model file ({error}): {ADVICE}"
            ) from error

    def refused(self) -> ModelFileError:
        """The error that there is no such kind of model, or none that the caller can take."""
        return ModelFileError(
            f"{self.label} is a damaged model file (its kind {shown(self.kind)} is not known): {ADVICE}"
        )


def write_document(path: str | os.PathLike[str], kind: str, fields: Mapping[str, Any]) -> None:
    """Write an object's fields to ``path`` as JSON; a file already there is replaced whole or not touched.

    Floats are written so that they read back as the same bits; infinite and NaN figures are the strings "inf", "-inf"
    and "nan", which keeps the file plain JSON.
    """
    document = {
        "format": MODEL_FORMAT,
        "version": MODEL_VERSION,
        "kind": kind,
        **{name: _plain(value) for name, value in fields.items()},
    }
    try:
        text = _lines(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:  # names that are not UTF-8, such as lone surrogates, are escaped
        text = _lines(document, ensure_ascii=True).encode("ascii")
    with replaced(path) as file:
        file.write(text)


def read_document(path: str | os.PathLike[str]) -> Document:
    """Read what `write_document` wrote, or an earlier version of it.

    Raises
    ------
    ModelFileError
        The file is not a fastlr model, of a later version, or no JSON.
    OSError
        There is no such file, or it cannot be read.
    """
    label = os.fspath(path)
    document = _json_of(Path(path), label)
    version = document.pop("version", None)
    if type(version) is not int or not 1 <= version <= MODEL_VERSION:
        newer = type(version) is int and version > MODEL_VERSION
        raise ModelFileError(
            f"{label} is a model file of version {shown(version)}, but this fastlr reads versions up to "
            f"{MODEL_VERSION}: " + ("install a newer fastlr" if newer else ADVICE)
        )
    kind = document.pop("kind", None)
    if version == 1 and (kind is None or isinstance(kind, str)):
        kind = _FIRST_KINDS.get(kind)
    if not isinstance(kind, str):
        raise Document(label, kind, {}).refused()
    return Document(label, kind, document)


def _json_of(path: Path, label: str) -> dict[str, Any]:
    if path.is_dir():
        raise IsADirectoryError(f"{label} is a directory: name the model file in it")
    if not path.exists():
        raise FileNotFoundError(f"there is no model file {label}: check the name")
    not_a_model = f"{label} is not a fastlr model file"
    with path.open("rb") as file:
        data = file.read(_ENOUGH_TO_KNOW)
        if not data.lstrip().startswith(b"{"):
            empty = "" if data else " (it is empty)"
            raise ModelFileError(f"{not_a_model}{empty}: {ADVICE}")
        data += file.read()
    try:
        document = strict_json(data)
    except ValueError as error:
        raise ModelFileError(f"{label} is damaged or not JSON ({error}): {ADVICE}") from error
    if document.pop("format", None) != MODEL_FORMAT:
        raise ModelFileError(f'{not_a_model} ("format" is not "{MODEL_FORMAT}"): {ADVICE}')
    return dict(document)


def _lines(document: Mapping[str, Any], *, ensure_ascii: bool) -> str:
    """A JSON object with a line for every field: Python's encoder is written in C unless it indents."""
    fields = (
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=ensure_ascii, allow_nan=False)}"
        for name, value in document.items()
    )
    return "{\n " + ",\n ".join(fields) + "\n}\n"


def _plain(value: Any) -> Any:
    """A copy of a structure that JSON can hold: arrays become lists, and non-finite floats strings."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        kinds = set(map(type, value))  # of long lists, all at once
        if kinds <= _AS_THEY_ARE or (kinds == {float} and all(map(math.isfinite, value))):
            return list(value)
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value
