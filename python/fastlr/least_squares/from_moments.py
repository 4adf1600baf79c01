"""Least squares from moments to a fit, with warnings of what the caller should know."""

from __future__ import annotations

from fastlr.errors import InputTypeError
from fastlr.inference.words import WEIGHT_TYPES
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice, as_flag
from fastlr.input.penalties import as_penalties
from fastlr.least_squares.fitted import linear_fit
from fastlr.least_squares.ladder import RANK_RULES
from fastlr.least_squares.ridge import solve_penalised
from fastlr.moments import Moments
from fastlr.results import LinearFit

__all__ = ["solve", "solve_moments"]


def solve(
    moments: Moments,
    *,
    weight_type: str = "precision",
    fit_intercept: bool = True,
    alpha: object = 0.0,
) -> LinearFit:
    """Least squares or ridge from moments: minimise ``sum w r^2 + alpha |coef|^2``, the intercept free.

    Parameters
    ----------
    moments : Moments
        Moments of the rows.
    weight_type : {"precision", "frequency", "probability"}, default="precision"
        What the rows' weights mean, as in `ols`; moments are the same for all. Standard errors under "probability" need
        the rows, so they are NaN until ``fit.with_covariance("HC1", X, y, sample_weight=...)``.
    fit_intercept : bool, default=True
        Whether to fit a constant.
    alpha : float or array-like, default=0.0
        L2 penalty, in units of squared error summed over the rows (scikit-learn's ``Ridge``; a penalty on the mean
        loss is ``alpha / n_samples``): one number, or one for each coefficient or target as in `ols`.

    Returns
    -------
    LinearFit
        ``coef`` is 1-D for a single target.

    Raises
    ------
    InputError
        If alpha is negative or not finite, or has another number of values.
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
    moments = moments.snapshot()  # of which no thread takes notice any more
    penalty = as_penalties(alpha, moments.n_features, moments.n_targets)
    return solve_moments(
        moments, fit_intercept, penalty, moments.n_targets == 1, weight_type=weight_type
    )


def solve_moments(
    moments: Moments,
    fit_intercept: object,
    alpha: float | FloatArray,
    is_vector: bool,
    rank: str | None = None,
    *,
    weight_type: str = "precision",
) -> LinearFit:
    """Fit from moments alone; a result that the caller should look at comes with a warning."""
    flag = as_flag(fit_intercept, "fit_intercept")
    rule = "min_norm" if rank is None else as_choice(rank, RANK_RULES, "rank")
    as_choice(weight_type, WEIGHT_TYPES, "weight_type")
    result = solve_penalised(moments, flag, alpha, rule)
    state = moments.for_kernels()
    return linear_fit(
        state, result, flag, alpha, is_vector, rank, state.n_dropped, weight_type=weight_type
    )
