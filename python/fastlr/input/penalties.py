"""Penalties on squared coefficients: one number, one per coefficient, one per target, or both."""

from __future__ import annotations

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_alpha

__all__ = ["as_penalties", "as_penalty_grid", "numbers_of", "refuse_negative"]


def as_penalties(
    alpha: object, n_features: int, n_targets: int, *, targets_first: bool = False
) -> float | FloatArray:
    """A penalty for all coefficients as one number, or an array of shape (n_targets, n_features).

    Of as many values as there are features and targets nobody knows which are meant, and they are refused; with
    ``targets_first`` they belong to the targets, as in scikit-learn.
    """
    if not hasattr(alpha, "__len__") or isinstance(alpha, str | bytes) or _is_one(alpha):
        return as_alpha(alpha)
    values = numbers_of(alpha, "alpha")
    wrong = np.argwhere(~((values >= 0.0) & (values < np.inf)))
    if len(wrong):
        where = ", ".join(map(str, wrong[0]))
        raise InputError(
            f"alpha[{where}]={values[tuple(wrong[0])]!s} is not a finite number >= 0: pass 0 for no penalty."
        )
    shape = values.shape
    if shape == (1,):
        return float(values[0])
    if len(shape) == 1 and shape[0] in (n_features, n_targets):
        if n_features == n_targets and not targets_first:
            raise InputError(
                f"alpha has {shape[0]} values, and there are as many features as targets: pass alpha.reshape(1, -1) "
                "for a penalty per coefficient, or alpha.reshape(-1, 1) for one per target."
            )
        values = values[:, np.newaxis] if shape[0] == n_targets else values[np.newaxis]
    if values.ndim != 2 or any(
        of_alpha not in (1, wanted)
        for of_alpha, wanted in zip(values.shape, (n_targets, n_features), strict=True)
    ):
        counts = f"{shape[0]} != {n_targets}" if len(shape) == 1 else f"{shape}"
        raise InputError(
            f"alpha has shape {shape}. Number of targets and number of penalties do not correspond: {counts}. Pass one "
            f"number, {n_features} values (a penalty per coefficient), {n_targets} (one per target), or an array of "
            f"shape ({n_targets}, {n_features})."
        )
    return np.array(np.broadcast_to(values, (n_targets, n_features)))


def as_penalty_grid(alphas: object, argument: str = "alphas") -> FloatArray:
    """Penalties to choose from, (n_alphas,): one number, or several, each finite and not negative."""
    values = numbers_of(alphas, argument)
    if values.ndim > 1:
        raise InputError(f"{argument} has shape {values.shape}: pass a list of numbers >= 0.")
    values = values.reshape(-1)
    if values.size == 0:
        raise InputError(f"{argument} is empty: pass at least one number >= 0.")
    refuse_negative(values, argument, "> 0.0 (or 0.0, for no penalty)")
    return np.array(values)


def refuse_negative(values: FloatArray, argument: str, rule: str = ">= 0.0") -> None:
    """Refuse penalties of which one is negative or not finite, and name it."""
    wrong = np.flatnonzero(~((values >= 0.0) & (values < np.inf)))
    if wrong.size:
        raise InputError(
            f"{argument}[{wrong[0]}] == {values[wrong[0]]:g}, must be {rule} and finite: pass penalties from 0 on."
        )


def _is_one(alpha: object) -> bool:
    return isinstance(alpha, np.ndarray) and alpha.ndim == 0


def numbers_of(values: object, argument: str) -> FloatArray:
    """An array of real numbers as float64; of a list with anything else in it the message names the entry."""
    for k, value in enumerate(values) if isinstance(values, list | tuple) else ():
        if value is None or isinstance(value, str | bytes | bool):
            raise InputTypeError(
                f"{argument}[{k}] must be an instance of float, not {type(value).__name__}: {argument}={values!r} is "
                "not made of numbers. Pass numbers >= 0."
            )
    try:
        array = np.asarray(values)
        if array.size and array.dtype.kind not in "iuf":
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise InputTypeError(
            f"{argument}={values!r} is not made of numbers: pass numbers >= 0."
        ) from None
