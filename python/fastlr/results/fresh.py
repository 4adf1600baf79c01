"""Fits as solvers make them: what is known, what can wait, and the rows and the design that they remember."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fastlr.input.columns import Columns
from fastlr.input.designs import Design
from fastlr.results.influential_rows import MOST_REMEMBERED
from fastlr.results.linear_fit import LinearFit

__all__ = ["fit_of", "with_design", "with_rows"]

_Fit = TypeVar("_Fit", bound=LinearFit)


def with_design(fit: _Fit, design: Design) -> _Fit:
    """Let a fresh fit remember how its features were made."""
    vars(fit)["design"] = design
    return fit


def with_rows(
    fit: _Fit,
    features: Columns,
    targets: Columns,
    weights: npt.NDArray[Any] | None,
    keep: npt.NDArray[np.bool_] | None,
    n_threads: int | None,
) -> _Fit:
    """Let a fresh fit remember copies of its rows, if they are few, until somebody asks which of them it leans on.

    ``keep`` says which of the caller's rows they are.
    """
    n_values = features.n_samples * (features.n_columns + targets.n_columns + 1)
    if n_values > MOST_REMEMBERED:
        return fit
    X, y = features.source, targets.source
    X = X.copy() if isinstance(X, np.ndarray) else np.array(features.as_matrix())
    y = y.copy() if isinstance(y, np.ndarray) else np.array(targets.as_matrix())
    sample_weight = None if weights is None else weights.copy()
    vars(fit)["_rows"] = X, y, sample_weight, keep, n_threads
    return fit


def fit_of(
    known: dict[str, Any], on_request: Mapping[str, Callable[[Any, LinearFit], Any]], later: object
) -> LinearFit:
    """A fit of which some fields are known, and the others functions of ``later`` and itself, computed on request.

    The dictionary of known fields becomes the fit's own.
    """
    array = np.ndarray
    for value in known.values():
        if type(value) is array:
            value.setflags(write=False)
    known["_on_request"] = on_request
    known["_later"] = later
    fit: LinearFit = object.__new__(LinearFit)
    object.__setattr__(fit, "__dict__", known)
    return fit
