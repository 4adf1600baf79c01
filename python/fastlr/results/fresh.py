"""Fits as solvers make them: what is known, what can wait, and the rows and the design that they remember."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fastlr.input.columns import Columns, FloatArray
from fastlr.input.designs import Design
from fastlr.results.influential_rows import MOST_REMEMBERED
from fastlr.results.linear_fit import LinearFit

__all__ = ["fit_of", "with_design", "with_rows"]

_Fit = TypeVar("_Fit", bound=LinearFit)
_new, _set = object.__new__, object.__setattr__


def with_design(fit: _Fit, design: Design) -> _Fit:
    """Let a fresh fit remember how its features were made."""
    vars(fit)["design"] = design
    return fit


def with_rows(
    fit: LinearFit,
    features: Columns,
    targets: Columns,
    weights: npt.NDArray[Any] | None,
    keep: npt.NDArray[np.bool_] | None,
    n_threads: int | None,
) -> None:
    """Let a fresh fit remember copies of its rows, if they are few, until somebody asks which of them it leans on.

    ``keep`` says which of the caller's rows they are.
    """
    if features.n_samples * (features.n_columns + targets.n_columns + 1) > MOST_REMEMBERED:
        return
    X, y = features.source, targets.source
    X = X.copy() if type(X) is np.ndarray else np.array(features.as_matrix())
    y = y.copy() if type(y) is np.ndarray else np.array(targets.as_matrix())
    sample_weight = None if weights is None else weights.copy()
    fit.__dict__["_rows"] = X, y, sample_weight, keep, n_threads


def fit_of(
    known: dict[str, Any],
    arrays: Iterable[FloatArray],
    on_request: Mapping[str, Callable[[Any, LinearFit], Any]],
    later: object,
) -> LinearFit:
    """A fit of which some fields are known, and the others functions of ``later`` and itself, computed on request.

    The dictionary of known fields becomes the fit's own, and ``arrays``, all that it has, are frozen.
    """
    for array in arrays:
        array.setflags(write=False)
    known["_on_request"] = on_request
    known["_later"] = later
    fit: LinearFit = _new(LinearFit)
    _set(fit, "__dict__", known)
    return fit
