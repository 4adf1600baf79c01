"""Influence of the rows of a fit: of those at hand, and of those that it remembers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.inference.distributions import two_sided_tail
from fastlr.inference.influence import Influence
from fastlr.inference.inverse import is_too_large
from fastlr.results.covariances import check_squares, estimates_of, is_estimated, is_sum_of_squares
from fastlr.results.influential_rows import N_TOP, InfluentialRows
from fastlr.results.row_words import LARGE_DISTANCE

if TYPE_CHECKING:
    from fastlr.inference.estimates import GivenRows
    from fastlr.results.linear_fit import LinearFit

__all__ = [
    "checked_influence",
    "influence_of",
    "influential_rows",
    "is_perfect",
    "known_influence",
    "remembered_influence",
    "standing_out",
    "why_unknown",
]

_SURE = 0.05  # for the largest residual of all rows together
_NOTHING_LEFT = 1e-24  # of the sum of squares

_NOT_LEAST_SQUARES = "How much single rows have to say is known of fits by least squares alone."
_UNDETERMINED = (
    "How much single rows have to say is not known: the rows do not determine all coefficients, or leave no degrees of "
    "freedom."
)
_PERFECT = (
    "Nothing but rounding is left unexplained, so rows cannot be judged by what is left of them."
)
_PENALISED = (
    "With a penalty, distances and changes by single rows have no distribution to be judged by."
)


def why_unknown(fit: LinearFit, rows: GivenRows | None) -> str:
    """Why nothing can be said of single rows, as a sentence; empty if something can."""
    if not is_estimated(fit):
        return _NOT_LEAST_SQUARES
    if np.any(fit.alpha):
        return _PENALISED
    if is_too_large(fit.n_params):
        return f"How much single rows have to say takes a matrix of {fit.n_params} parameters, which are too many."
    if is_perfect(fit):
        return _PERFECT
    if is_too_large(fit.n_params):
        return f"How much single rows have to say takes a matrix of {fit.n_params} parameters, which are too many."
    if fit.df_resid <= 0 or estimates_of(fit, rows) is None:
        return _UNDETERMINED
    return ""


def is_perfect(fit: LinearFit) -> bool:
    """Whether nothing but rounding is left unexplained of a target, though there were degrees of freedom."""
    rss, squares = np.atleast_1d(fit.rss), np.atleast_1d(fit.uncentered_tss)
    return fit.df_resid > 0 and bool((rss <= _NOTHING_LEFT * squares).any())


def influence_of(
    fit: LinearFit,
    rows: GivenRows,
    *,
    target: int,
    keep: bool,
    frame: Any = None,
    check: Callable[[float], None],
) -> Influence:
    """The influence of rows that were found to be those of the fit."""
    estimates = estimates_of(fit, rows) if is_estimated(fit) else None
    if estimates is None:
        raise InputError(
            "influence is that of rows which determine the coefficients, by least squares with or without a "
            "penalty: leave out columns that depend on others, or fit by fastlr.ols."
        )
    return Influence(
        estimates,
        rows,
        target=target,
        param_names=fit.param_names,
        tss=float(np.atleast_1d(fit.tss)[target]),
        frame=frame,
        keep=keep,
        check=check,
    )


def influential_rows(
    top: Mapping[str, npt.NDArray[Any]],
    far: Mapping[str, npt.NDArray[Any]],
    *,
    n_undetermined: int,
    n_rows: int,
    df: float,
    names: Sequence[str],
) -> InfluentialRows:
    """What stands out among the first rows of `Influence.top` by Cook's distance and by studentised residuals.

    ``n_rows`` are all rows, ``df`` the residual degrees of freedom, and ``names`` those of the parameters to speak of.
    """
    distance = top["cooks_d"]
    n_large = int(np.count_nonzero(distance >= LARGE_DISTANCE))
    shown_rows = range(min(len(distance), max(1, n_large)))
    moves = {
        name: float(top[f"dfb_{name}"][0])
        for name in names
        if len(distance) and math.isfinite(float(top[f"dfb_{name}"][0]))
    }
    moved = max(moves, key=lambda key: abs(moves[key])) if moves else None
    outlying = None
    if df > 1 and len(far["row"]):
        residual = far["student_resid"]
        p = two_sided_tail(np.abs(residual), df - 1) * n_rows
        outlying = tuple(
            (int(far["row"][i]), float(residual[i])) for i in range(len(residual)) if p[i] < _SURE
        )
    return InfluentialRows(
        tuple((int(top["row"][i]), float(distance[i])) for i in shown_rows),
        None if moved is None else (moved, moves[moved]),
        outlying,
        n_undetermined,
    )


def standing_out(fit: LinearFit, influence: Influence) -> InfluentialRows:
    """What stands out by the influence of all rows."""
    return influential_rows(
        influence.top(N_TOP),
        influence.top(N_TOP, by="resid_studentized_external"),
        n_undetermined=influence.n_undetermined,
        n_rows=fit.n_samples,
        df=fit.df_resid,
        names=fit.feature_names or fit.param_names,
    )


def checked_influence(
    fit: LinearFit, rows: GivenRows, *, keep: bool
) -> tuple[InfluentialRows, ...] | None:
    """What stands out for each target; None where nothing can be said. An `InputError` for other rows."""
    if why_unknown(fit, rows):
        return None
    found = []
    for k in range(fit.n_targets):
        influence = influence_of(
            fit,
            rows,
            target=k,
            keep=keep,
            check=functools.partial(check_squares, fit, k),
        )
        found.append(standing_out(fit, influence))
    return tuple(found)


def known_influence(
    fit: LinearFit, rows: GivenRows, *, keep: bool
) -> tuple[InfluentialRows, ...] | None:
    """The influential rows among rows that are known to be the fit's; None where float64 cannot say residuals."""
    if why_unknown(fit, rows):
        return None
    found, squares = [], [math.nan]
    for k in range(fit.n_targets):
        influence = influence_of(fit, rows, target=k, keep=keep, check=squares.append)
        if not is_sum_of_squares(fit, k, squares[-1]):
            return None
        found.append(standing_out(fit, influence))
    return tuple(found)


def remembered_influence(fit: LinearFit) -> tuple[InfluentialRows, ...] | None:
    """What stands out among the rows that a fit remembers; None if it has none, or nothing can be said of them."""
    remembered = fit.remembered_rows
    if remembered is None:
        return None
    found = known_influence(fit, remembered.given, keep=True)
    if found is None or remembered.keep is None:
        return found
    labels = np.flatnonzero(remembered.keep)
    return tuple(each.renamed(lambda row: int(labels[row])) for each in found)
