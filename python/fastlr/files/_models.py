"""Model files of fits: what the command line writes and predicts from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fastlr.errors import ModelFileError
from fastlr.storage.documents import ADVICE, MODEL_VERSION, read_document
from fastlr.storage.schema import shown

if TYPE_CHECKING:
    from fastlr.results import LinearFit

__all__ = ["MODEL_VERSION", "load_model", "save_model"]


def save_model(fit: LinearFit, path: str | os.PathLike[str]) -> None:
    """Write a fit to ``path`` as JSON; a file already there is replaced whole or not touched.

    Of a descent this keeps the fit alone; `Descent.save` keeps its history as well.

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
    alone: LinearFit = fit.to_fit() if hasattr(fit, "to_fit") else fit
    alone.save(path)


def load_model(path: str | os.PathLike[str]) -> LinearFit:
    """Read a fit that ``save_model``, its method ``save`` or ``fastlr fit --output`` wrote; see also `fastlr.load`.

    Raises
    ------
    ModelFileError
        The file is not a fastlr model, of a later version, or damaged, or holds something else than a fit.
    OSError
        There is no such file, or it cannot be read.

    Examples
    --------
    See ``save_model``.
    """
    document = read_document(path)
    kind: type[LinearFit]
    if document.kind == "LinearFit":
        from fastlr.results import LinearFit

        kind = LinearFit
    elif document.kind == "PolynomialFit":
        from fastlr.least_squares.polynomial import PolynomialFit

        kind = PolynomialFit
    elif document.kind == "Descent":
        from fastlr.descent.result import Descent

        kind = Descent
    else:
        raise ModelFileError(
            f"{document.label} holds {shown(document.kind)}, which is not a fit: read it with fastlr.load, or {ADVICE}"
        )
    fit: LinearFit = document.restored_by(kind.from_document)
    return fit
