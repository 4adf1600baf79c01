"""Model files: a fit as versioned JSON of a few kB, exact to the last bit."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastlr.errors import InputError, ModelFileError
from fastlr.files._replace import replaced
from fastlr.input.schema import shown, strict_json

if TYPE_CHECKING:
    from fastlr.results import LinearFit

MODEL_FORMAT = "fastlr.linear_model"
MODEL_VERSION = 1
_POLYNOMIAL = "polynomial"
_ENOUGH_TO_KNOW = 64
_NOT_FINITE = ("inf", "-inf", "nan")
_TEXT_FIELDS = {"feature_names", "target_names", "solver", "status", "design"}
_ADVICE = "save it again with fastlr.files.save_model or `fastlr fit --output`"


def save_model(fit: LinearFit, path: str | os.PathLike[str]) -> None:
    """Write a fit to ``path`` as JSON; a file already there is replaced whole or not touched.

    Notes
    -----
    Floats are written so that they read back as the same bits; infinite and NaN figures are the
    strings "inf", "-inf" and "nan", which keeps the file plain JSON. Polynomials come back as such.

    Raises
    ------
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import fastlr
    >>> from fastlr.files import load_model, save_model
    >>> fit = fastlr.ols([[1.0], [2.0], [4.0]], [3.0, 5.0, 9.0])
    >>> save_model(fit, "line.json")
    >>> load_model("line.json").predict([[10.0]]).round(9)
    array([21.])
    """
    from fastlr.least_squares.polynomial import PolynomialFit

    document = {"format": MODEL_FORMAT, "version": MODEL_VERSION, **_finite(fit.to_dict())}
    if isinstance(fit, PolynomialFit):
        document["kind"] = _POLYNOMIAL
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode("utf-8")
    except UnicodeEncodeError:  # names that are not UTF-8, such as lone surrogates, are escaped
        text = json.dumps(document, allow_nan=False, indent=1).encode("ascii")
    with replaced(path) as file:
        file.write(text + b"\n")


def load_model(path: str | os.PathLike[str]) -> LinearFit:
    """Read a fit that ``save_model`` or ``fastlr fit --output`` wrote.

    Raises
    ------
    ModelFileError
        The file is not a fastlr model, of another version, or damaged.
    OSError
        There is no such file, or it cannot be read.

    Examples
    --------
    See ``save_model``.
    """
    label = os.fspath(path)
    document = _document(Path(path), label)
    version = document.pop("version", None)
    if type(version) is not int or version != MODEL_VERSION:
        newer = type(version) is int and version > MODEL_VERSION
        raise ModelFileError(
            f"{label} is a model file of version {shown(version)}, but this fastlr reads version "
            f"{MODEL_VERSION}: " + ("install a newer fastlr" if newer else _ADVICE)
        )
    from fastlr.least_squares.polynomial import PolynomialFit
    from fastlr.results import LinearFit

    try:
        kind = document.pop("kind", None)
        if kind not in (None, _POLYNOMIAL):
            raise InputError("its kind is not known")
        return (LinearFit if kind is None else PolynomialFit).from_dict(_numbers(document))
    except InputError as error:
        raise ModelFileError(f"{label} is a damaged model file ({error}): {_ADVICE}") from error


def _document(path: Path, label: str) -> dict[str, Any]:
    if path.is_dir():
        raise IsADirectoryError(f"{label} is a directory: name the model file in it")
    if not path.exists():
        raise FileNotFoundError(f"there is no model file {label}: check the name")
    not_a_model = f"{label} is not a fastlr model file"
    with path.open("rb") as file:
        data = file.read(_ENOUGH_TO_KNOW)
        if not data.lstrip().startswith(b"{"):
            empty = "" if data else " (it is empty)"
            raise ModelFileError(f"{not_a_model}{empty}: {_ADVICE}")
        data += file.read()
    try:
        document = strict_json(data)
    except ValueError as error:
        raise ModelFileError(f"{label} is damaged or not JSON ({error}): {_ADVICE}") from error
    if document.pop("format", None) != MODEL_FORMAT:
        raise ModelFileError(f'{not_a_model} ("format" is not "{MODEL_FORMAT}"): {_ADVICE}')
    return dict(document)


def _finite(value: Any) -> Any:
    """Return a copy of a structure in which non-finite floats are strings."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def _numbers(document: dict[str, Any]) -> dict[str, Any]:
    """Undo ``_finite`` in the fields that hold numbers: in lists of lists, and no deeper."""

    def number(value: Any, depth: int) -> Any:
        if isinstance(value, list) and depth:
            return [number(item, depth - 1) for item in value]
        return float(value) if isinstance(value, str) and value in _NOT_FINITE else value

    return {key: v if key in _TEXT_FIELDS else number(v, 2) for key, v in document.items()}
