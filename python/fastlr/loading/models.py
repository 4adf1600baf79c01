"""A model file becomes an object of the class that was saved."""

from __future__ import annotations

import os
from typing import Any

import fastlr
from fastlr.storage import Storable, read_document

__all__ = ["load"]


def load(path: str | os.PathLike[str]) -> Any:
    """Read what a method ``save``, ``fastlr.save_model`` or ``fastlr fit --output`` wrote: an object of the same class.

    Nothing that the file says is believed: every field is checked, and no code is run that the file brings along. (A
    pickle runs whatever its author wants.)

    Parameters
    ----------
    path : str or path
        A model file of this version of fastlr or an earlier one.

    Returns
    -------
    LinearFit, PolynomialFit, Descent, NetworkFit, Moments, LinearRegression, SGDRegressor, ...
        An object equal to the one that was saved, to the last bit.

    Raises
    ------
    ModelFileError
        If the file is not a fastlr model, of a later version, or damaged.
    OSError
        If there is no such file, or it cannot be read.

    Examples
    --------
    >>> import fastlr
    >>> fastlr.LinearRegression().fit([[1.0], [2.0], [4.0]], [3.0, 5.0, 9.0]).save("line.json")
    >>> fastlr.load("line.json").predict([[10.0]]).round(9)
    array([21.])
    """
    document = read_document(path)
    found = getattr(fastlr, document.kind) if document.kind in fastlr.__all__ else None
    if not (isinstance(found, type) and issubclass(found, Storable)):
        raise document.refused()
    return document.restored_by(found.from_document)
