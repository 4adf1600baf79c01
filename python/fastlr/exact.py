"""Exact least squares: from rows or from moments to coefficients, by the normal equations."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlr._arrays import FloatArray
from fastlr._kernels import kernels
from fastlr.errors import ConditionWarning, InputError, InputTypeError, RankWarning
from fastlr.moments import Moments, moments_of
from fastlr.results import LinearFit, Status

__all__ = ["ols", "solve"]


def ols(
    X: object,
    y: object,
    *,
    sample_weight: object = None,
    fit_intercept: bool = True,
    feature_names: Sequence[str] | None = None,
    n_threads: int | None = None,
) -> LinearFit:
    """Ordinary (or weighted) least squares: minimise ``sum w (y - intercept - X @ coef)^2``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Array of any stride, data frame, or mapping from names to columns; float64, float32, integers or booleans,
        read where they lie.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target values.
    sample_weight : array-like of shape (n_samples,), optional
        Non-negative weights, not all zero. Weight 0 leaves a row out; weight 2 counts it twice.
    fit_intercept : bool, default=True
        Whether to fit a constant.
    feature_names : sequence of str, optional
        Names; by default those of the data frame, or x0, x1, ...
    n_threads : int, optional
        Threads to use; by default all that the process may. The result does not depend on it.

    Returns
    -------
    LinearFit

    Raises
    ------
    InputError
        If a shape does not fit, a value is NaN or infinite, or a weight is negative.
    InputTypeError
        If a column does not hold real numbers.

    Warns
    -----
    RankWarning
        If columns depend on one another; the solution with the smallest coefficients is returned.
    ConditionWarning
        If they nearly do, so that few digits are certain.

    Notes
    -----
    One pass over the rows (about ``n p^2`` flops, extra memory ``O(p^2)``) gives centred moments; then Cholesky's
    factor of the equilibrated normal equations, ``p^3 / 3`` flops. Centring and scaling take most of the
    sensitivity away that normal equations are feared for; what is left is in ``condition_number``: about
    ``16 - 2 log10(condition_number)`` digits are certain. Method: Golub and Van Loan, Matrix Computations, 5.3.

    Examples
    --------
    >>> import fastlr
    >>> fit = fastlr.ols([[1.0], [2.0], [3.0]], [3.0, 5.0, 7.0])
    >>> fit.coef.round(12), round(fit.intercept, 12)
    (array([2.]), 1.0)
    """
    moments, is_vector = moments_of(X, y, sample_weight, feature_names, None, n_threads)
    return solve_moments(moments, fit_intercept, 0.0, is_vector)


def solve(moments: Moments, *, fit_intercept: bool = True, alpha: float = 0.0) -> LinearFit:
    """Least squares or ridge from moments: minimise ``sum w r^2 + alpha |coef|^2``, the intercept free.

    Parameters
    ----------
    moments : Moments
        Moments of the rows.
    fit_intercept : bool, default=True
        Whether to fit a constant.
    alpha : float, default=0.0
        L2 penalty, in units of squared error summed over the rows (scikit-learn's ``Ridge``; a penalty on the mean
        loss is ``alpha / n_samples``).

    Returns
    -------
    LinearFit
        ``coef`` is 1-D for a single target.

    Raises
    ------
    InputError
        If alpha is negative or not finite.
    InputTypeError
        If ``moments`` are not Moments.

    Warns
    -----
    RankWarning, ConditionWarning
        As `ols`.

    Notes
    -----
    ``p^3 / 3`` flops, whatever the number of rows was.

    Examples
    --------
    >>> import fastlr
    >>> moments = fastlr.Moments.from_arrays([[1.0], [2.0], [3.0]], [3.0, 5.0, 7.0])
    >>> fastlr.solve(moments, alpha=2.0).coef
    array([1.])
    """
    if not isinstance(moments, Moments):
        raise InputTypeError(
            f"moments is a {type(moments).__name__}: pass Moments, e.g. Moments.from_arrays(X, y)."
        )
    try:
        penalty = float(alpha)
    except (TypeError, ValueError):
        raise InputTypeError(
            f"alpha={alpha!r} is not a number: pass a finite number >= 0."
        ) from None
    if not 0.0 <= penalty < math.inf:
        raise InputError(f"alpha={alpha!r} is not a finite number >= 0: pass 0 for least squares.")
    return solve_moments(moments, fit_intercept, penalty, moments.n_targets == 1)


def solve_moments(
    moments: Moments, fit_intercept: bool, alpha: float, is_vector: bool
) -> LinearFit:
    """Solve, and warn of what the caller should know."""
    p = moments.n_features
    code, rank, condition, coef, intercept, rss, tss, length, null_space = (
        kernels.solve_normal_equations(
            p, moments.total_weight, moments._mean, moments._cross, bool(fit_intercept), alpha
        )
    )
    status = _status(code, rank, condition, length, null_space, moments)
    likelihood = _log_likelihood(moments, rss)

    def per_target(values: FloatArray) -> Any:
        return float(values[0]) if is_vector else values

    return LinearFit(
        coef=coef[0] if is_vector else coef,
        intercept=per_target(intercept),
        feature_names=moments.feature_names,
        target_names=moments.target_names,
        n_samples=moments.n_samples,
        total_weight=moments.total_weight,
        rank=rank,
        condition_number=condition,
        solver="minimum_norm" if rank < p else "normal",
        status=status,
        rss=per_target(rss),
        tss=per_target(tss),
        log_likelihood=per_target(likelihood),
        fit_intercept=bool(fit_intercept),
        alpha=alpha,
        feature_mean=moments.mean[:p],
        feature_std=np.sqrt(np.maximum(moments._cross.diagonal()[:p], 0.0) / moments.total_weight),
    )


def _log_likelihood(moments: Moments, rss: FloatArray) -> FloatArray:
    """-n/2 (log(2 pi rss / n) + 1) + sum(log w) / 2; infinite for a perfect fit."""
    n = moments.n_samples
    with np.errstate(divide="ignore"):
        likelihood: FloatArray = (
            -0.5 * n * (np.log(2.0 * np.pi * rss / n) + 1.0) + 0.5 * moments.sum_log_weight
        )
    return likelihood


def _status(
    code: str,
    rank: int,
    condition: float,
    length: FloatArray,
    null_space: FloatArray,
    moments: Moments,
) -> Status:
    """The outcome as a sentence, with a warning if the user should look."""
    names = moments.feature_names
    if code == "ok":
        return Status(code, f"Solved: full rank, condition number {condition:.3g}.")
    if code == "ill_conditioned":
        sentence = (
            f"Solved, but the columns nearly depend on one another (condition number {condition:.1e}): about "
            f"{max(0, round(16 - 2 * math.log10(condition)))} digits of the coefficients are certain. Centre or "
            "drop columns, or use a ridge penalty."
        )
        warnings.warn(sentence, ConditionWarning, stacklevel=_user_level())
        return Status(code, sentence)
    if moments.n_samples <= len(names):
        cause = f"there are {moments.n_samples} rows for {len(names)} features"
    else:
        cause = "; ".join(dependencies(null_space, length, names)) + " within rounding"
    sentence = (
        f"The features have rank {rank} of {len(names)}: {cause}. Infinitely many coefficients fit equally well; "
        "the smallest ones (minimum norm) were taken, and predictions do not depend on that choice. Drop columns, "
        "add rows, or use a ridge penalty."
    )
    warnings.warn(sentence, RankWarning, stacklevel=_user_level())
    return Status("rank_deficient", sentence)


def _user_level() -> int:
    """Stack level of the first caller outside fastlr, where a warning points to."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("fastlr."):
        frame, level = frame.f_back, level + 1
    return level


def dependencies(
    null_space: FloatArray, length: FloatArray, names: Sequence[str], most: int = 5
) -> list[str]:
    """Each dependency as an equation, the last column it involves on the left: "x2 = 1 x0 + 1 x1".

    Parameters
    ----------
    null_space : ndarray of shape (n_null, n_features)
        Orthonormal rows N with ``sum_j N_kj x_j / length_j = 0`` for the centred columns x_j.
    length : ndarray of shape (n_features,)
        Lengths of the columns; 0 for a constant one.
    names : sequence of str
        Their names.
    most : int, default=5
        At most so many equations, and terms in an equation.
    """
    rows = null_space.copy()
    sentences: list[str] = []
    pivots: list[int] = []
    for k in range(
        len(rows)
    ):  # Gauss-Jordan from the last column back, so that later columns depend on earlier ones
        size = np.abs(rows[k:]).max(axis=0)
        size[pivots] = 0.0
        j = int(np.flatnonzero(size > 0.1 * size.max())[-1])
        best = k + int(np.abs(rows[k:, j]).argmax())
        rows[[k, best]] = rows[[best, k]]
        rows[k] /= rows[k, j]
        others = [i for i in range(len(rows)) if i != k]
        rows[others] -= np.outer(rows[others, j], rows[k])
        pivots.append(j)
    for k, j in sorted(enumerate(pivots), key=lambda item: item[1])[:most]:
        if length[j] == 0.0:
            sentences.append(f"{names[j]} is constant")
            continue
        involved = [
            i
            for i in map(int, np.flatnonzero(np.abs(rows[k]) > 1e-6))
            if i != j and length[i] > 0.0
        ]
        terms = [f"{-rows[k, i] * length[j] / length[i]:.6g} {names[i]}" for i in involved[:most]]
        if len(involved) > most:
            terms.append(f"... ({len(involved)} columns)")
        right = " + ".join(terms).replace("+ -", "- ")
        sentences.append(f"{names[j]} = {right}" if terms else f"{names[j]} is constant")
    if len(pivots) > most:
        sentences.append(f"... ({len(pivots)} dependencies in all)")
    return sentences
