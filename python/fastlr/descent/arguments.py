"""The arguments of gradient descent, checked; every message about them is written here."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastlr.errors import InputError, InputTypeError, user_level
from fastlr.input.arguments import as_features, as_targets, as_weights
from fastlr.input.columns import FloatArray
from fastlr.input.names import default_names, default_targets
from fastlr.input.options import as_flag, as_number, as_whole
from fastlr.input.refusals import refuse_bad_weights, refuse_non_finite
from fastlr.results import LinearFit

__all__ = [
    "as_batch_size",
    "as_callback",
    "as_init",
    "as_patience",
    "as_sampling",
    "as_standardize",
    "as_tol",
    "as_validation",
    "as_verbose",
    "seeds_of",
]

SAMPLINGS = ("shuffle", "random", "sequential")


def as_tol(tol: object) -> float | None:
    """Check ``tol``: a share of the loss in [0, 1), or None to run all epochs."""
    if tol is None:
        return None
    number = as_number(tol, "tol", "a number in [0, 1), or None to run all epochs")
    if not 0.0 <= number < 1.0:
        raise InputError(
            f"tol={tol!r} is not in [0, 1): pass a share of the loss such as 1e-6, or None to run all epochs."
        )
    return number


def as_patience(patience: object) -> int | None:
    """Check ``patience``: a number of epochs to wait, or None to wait for ever."""
    return None if patience is None else as_whole(patience, "patience")


def as_standardize(standardize: object) -> bool | None:
    """Check ``standardize``: True, False, or None for whatever the learning rate asks for."""
    return None if standardize is None else as_flag(standardize, "standardize")


def as_verbose(verbose: object) -> int:
    """Check ``verbose``: the number of epochs from one line to the next; True is 1, 0 prints nothing."""
    return int(verbose) if isinstance(verbose, bool | np.bool_) else as_whole(verbose, "verbose", 0)


def as_callback(callback: object) -> Callable[[Any], object] | None:
    """Check ``callback``: None, or what is called after each epoch."""
    if callback is None or callable(callback):
        return callback
    raise InputTypeError(
        f"callback={callback!r} cannot be called: pass a function of one Epoch, or None."
    )


def as_batch_size(batch_size: object, n_samples: int) -> int | None:
    """Check ``batch_size``; return None for all rows, also, with a warning, where it exceeds their number."""
    if batch_size is None:
        return None
    if isinstance(batch_size, bool):
        raise InputTypeError(
            f"batch_size={batch_size!r} is not a whole number: pass an integer, or None for all rows."
        )
    try:
        size = operator.index(batch_size)  # type: ignore[arg-type]
    except TypeError:
        raise InputTypeError(
            f"batch_size={batch_size!r} is not a whole number: pass an integer from 1 on, or None for all rows."
        ) from None
    if size < 1:
        raise InputError(
            f"batch_size={size} is below 1: pass 1 for single rows, or None for all rows."
        )
    if size > n_samples:
        warnings.warn(
            f"batch_size={size} is larger than the number of rows: all {n_samples} are used in each step.",
            UserWarning,
            stacklevel=user_level(),
        )
    return None if size >= n_samples else size


def as_sampling(sampling: object) -> str | Iterable[Any]:
    """Check ``sampling``: the name of a way to draw batches, or an iterable of index arrays."""
    if isinstance(sampling, str):
        if sampling in SAMPLINGS:
            return sampling
        raise InputError(
            f"sampling={sampling!r} is unknown: choose one of {', '.join(map(repr, SAMPLINGS))}, or pass an iterable "
            "of index arrays, one for each batch."
        )
    if isinstance(sampling, Iterable):
        return sampling
    raise InputTypeError(
        f"sampling={sampling!r} is neither a name nor an iterable of index arrays: choose one of "
        f"{', '.join(map(repr, SAMPLINGS))}."
    )


def as_init(
    init: object, n_features: int, fit_intercept: bool, draws: np.random.Generator
) -> FloatArray:
    """Turn ``init`` into parameters to start from, (coef, intercept) as one array, in the units of the data."""
    p = n_features
    if isinstance(init, str):
        if init == "zeros":
            return np.zeros(p + 1)
        if init == "random":
            theta = draws.uniform(-1.0, 1.0, size=p + 1)
            theta[p] *= fit_intercept
            return theta
        raise InputError(
            f"init={init!r} is unknown: pass 'zeros', 'random', (coef, intercept), or an earlier fit."
        )
    if isinstance(init, LinearFit):
        coef, intercept = init.coef, init.intercept
    else:
        try:
            coef, intercept = init  # type: ignore[misc]
        except (TypeError, ValueError):
            raise InputTypeError(
                f"init={init!r} is not a pair: pass 'zeros', 'random', (coef, intercept), or an earlier fit."
            ) from None
    try:
        slopes = np.asarray(coef, dtype=np.float64)
        constant = np.asarray(intercept, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputTypeError(
            "init holds something else than numbers: pass (coef, intercept)."
        ) from None
    if slopes.shape not in ((p,), (1, p)) or constant.size != 1:
        raise InputError(
            f"init has coef of shape {slopes.shape} and intercept of shape {constant.shape}, but X has {p} features: "
            f"pass ({p},) coefficients and one number."
        )
    theta = np.append(slopes.ravel(), constant.ravel())
    if not np.isfinite(theta).all():
        raise InputError("init contains NaN or infinity: pass finite coefficients and intercept.")
    if not fit_intercept and theta[p] != 0.0:
        raise InputError(f"init has intercept {theta[p]:g}, but fit_intercept=False: pass 0 there.")
    return theta


def as_validation(
    X: object,
    y: object,
    sample_weight: object,
    validation: object,
    *,
    argument: str = "validation",
) -> tuple[Any, Any, Any, tuple[Any, Any, Any] | None]:
    """Split into rows to learn from and rows held out: the last share (views, not copies), or a set of their own.

    ``argument`` is what the caller calls ``validation``, which may be a share alone or a set alone there.
    """
    if validation is None:
        return X, y, sample_weight, None
    if isinstance(validation, tuple | list):
        if len(validation) not in (2, 3):
            raise InputError(
                f"{argument} has {len(validation)} members: pass (X, y) or (X, y, sample_weight)"
                f"{', or a share of the rows' if argument == 'validation' else ''}."
            )
        held_out = (*validation, None) if len(validation) == 2 else tuple(validation)
        return X, y, sample_weight, (held_out[0], held_out[1], held_out[2])
    share = as_number(validation, argument, "a share of the rows such as 0.2, or (X, y)")
    if not 0.0 < share < 1.0:
        raise InputError(
            f"{argument}={validation!r} is not between 0 and 1: pass a share such as 0.2, or (X, y)."
        )
    features = as_features(X)
    n = features.n_samples
    targets = as_targets(y, n, index=features.index)
    weights = as_weights(sample_weight, n, index=features.index)
    n_held_out = math.ceil(share * n)
    if n_held_out >= n:
        raise InputError(
            f"{argument}={validation!r} holds all {n} rows out and leaves none to learn from: pass a smaller share, or "
            "more rows."
        )
    cut = n - n_held_out
    # What is set aside is checked here, where its rows still have the numbers that the user knows.
    names = features.names or default_names(features.n_columns)
    held_out_rows = slice(cut, n)
    refuse_non_finite(features.take_rows(held_out_rows), names, argument="X", first_row=cut)
    labels = targets.names or default_targets(targets.n_columns)
    refuse_non_finite(targets.take_rows(held_out_rows), labels, argument="y", first_row=cut)
    if weights is not None:
        refuse_bad_weights(weights)
    learned, kept = (
        (
            features.take_rows(rows),
            targets.take_rows(rows),
            None if weights is None else weights[rows],
        )
        for rows in (slice(0, cut), held_out_rows)
    )
    return (*learned, kept)


def seeds_of(
    random_state: object, argument: str = "random_state"
) -> tuple[int, np.random.Generator]:
    """Turn ``random_state`` into a 64-bit seed for the kernels and a generator for random starts."""
    if isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(0, 2**31 - 1))
    try:
        draws = np.random.default_rng(random_state)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputTypeError(
            f"{argument}={random_state!r} is not a seed: pass None, a non-negative integer, a Generator or a "
            "RandomState."
        ) from None
    return int(draws.integers(0, 2**63, dtype=np.int64)), draws
