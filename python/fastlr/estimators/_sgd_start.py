"""Where a fit of SGDRegressor starts: at zeros, at what the caller gives, or where the last fit stood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastlr.descent.state import State
from fastlr.descent.table import Standardisation
from fastlr.errors import InputError
from fastlr.estimators._sgd_arguments import SGDSettings
from fastlr.input.columns import FloatArray

if TYPE_CHECKING:
    from fastlr.estimators.sgd_regressor import SGDRegressor

__all__ = ["start_of", "warm_state"]


def start_of(
    model: SGDRegressor, n_features: int, coef_init: object, intercept_init: object
) -> FloatArray:
    """Coefficients and constant, in the units of the data, that a fit starts from."""
    p = n_features
    theta = np.zeros(p + 1)
    if model.warm_start and hasattr(model, "coef_"):
        before = model.dense_coef
        if len(before) != p:
            raise InputError(
                f"X has {p} features, but warm_start goes on with {len(before)}: pass the same ones."
            )
        # As in scikit-learn the iterate goes on, not the mean of the iterates.
        theta[:] = model._state.theta if model.average else np.append(before, model.intercept_)
    if coef_init is not None:
        coef = np.asarray(coef_init, dtype=np.float64).ravel()
        if coef.shape != (p,):
            raise InputError(
                f"coef_init has {coef.size} values for {p} features: pass one for each."
            )
        theta[:p] = coef
    if intercept_init is not None:
        intercept = np.asarray(intercept_init, dtype=np.float64).ravel()
        if intercept.shape != (1,):
            raise InputError(f"intercept_init has {intercept.size} values: pass one number.")
        theta[p] = intercept[0]
    for name, values in (("coef_init", theta[:p]), ("intercept_init", theta[p:])):
        if not np.isfinite(values).all():
            raise InputError(f"{name} contains NaN or infinity: pass finite numbers.")
    return theta


def is_same_constant(shown: float, model: SGDRegressor) -> bool:
    """Whether the constant is that of the last fit, which makes up for coefficients that were rounded to float32."""
    rounding = vars(model).get("_rounding", 0.0)
    constant = np.asarray(model.intercept_)
    return constant.shape == (1,) and float(constant[0] - shown) == rounding


def warm_state(
    model: SGDRegressor, standardisation: Standardisation, settings: SGDSettings
) -> State | None:
    """Return where the last fit stood, if this one goes on from it and nobody has changed the coefficients.

    Plain steps begin at t = 1 again, as in scikit-learn; the other rules keep their memory and their time.
    """
    if not model.warm_start or not hasattr(model, "coef_"):
        return None
    known, state = model._scaled or (None, model._state)
    if known is None and not standardisation.is_trivial:
        return None
    if known is not None and not known.is_same(standardisation):
        return None
    is_mean = settings.average_from and state.n_updates >= settings.average_from
    shown = standardisation.to_raw(state.average if is_mean else state.theta)
    before = model.dense_coef
    if len(shown) != len(before) + 1 or not (
        np.array_equal(shown[:-1].astype(before.dtype), before)
        and is_same_constant(shown[-1], model)
    ):
        return None
    kept: State = state.copy()
    kept.start_again(forget=settings.rule.name == "gd")
    return kept
