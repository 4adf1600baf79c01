"""Exact least squares: from rows or from moments to coefficients."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlr.errors import ConditionWarning, InputTypeError, RankWarning, user_level
from fastlr.indicators import expected_dependence
from fastlr.input.arguments import as_features, as_targets, as_weights
from fastlr.input.columns import FloatArray
from fastlr.input.names import names_of
from fastlr.input.options import as_alpha, as_choice, as_flag
from fastlr.ladder import ACCURACIES, RANK_RULES, Climb, Table, climb, solve_at_once
from fastlr.moments import Moments
from fastlr.null_space import dependencies
from fastlr.results import LinearFit, Status
from fastlr.wide import RowSummary, climb_wide, is_wide

__all__ = ["ols", "solve"]

_FEW_DIGITS = 4.0  # fewer certain digits than these deserve a warning
_U = 2.0**-53
_EXACT_CONDITION = 1000  # features up to which the condition number is computed, not estimated
_NEARLY_SINGULAR = 1e8  # condition number at which half of the data's digits say nothing


def ols(
    X: object,
    y: object,
    *,
    sample_weight: object = None,
    fit_intercept: bool = True,
    accuracy: str = "auto",
    rank: str | None = None,
    feature_names: Sequence[str] | None = None,
    n_threads: int | None = None,
) -> LinearFit:
    """Ordinary (or weighted) least squares: minimise ``sum w (y - intercept - X @ coef)^2``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Array of any stride, data frame, or mapping from names to columns; numbers of any type (float64,
        float32, half precision, integers, booleans, either byte order), read as float64 where they lie.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target values.
    sample_weight : float or array-like of shape (n_samples,), optional
        Non-negative weights, not all zero, or one number for all rows: precisions, to which the variances of the rows'
        errors are inversely proportional. Coefficients are those of a table that has a row of weight 2 twice, standard
        errors are not; weight 0 leaves a row out.
    fit_intercept : bool, default=True
        Whether to fit a constant.
    accuracy : {"auto", "fast", "max"}, default="auto"
        "fast" solves the normal equations of one pass over the rows. "auto" adds passes where that leaves an error
        above 1e-13 of a coefficient or of its standard error; small data always get one. "max" goes on until every
        coefficient, the intercept included, is right to the last digit or two.
    rank : {None, "min_norm", "basic", "full", "raise"}, default=None
        What to do if columns depend on one another: the coefficients of smallest norm (intercept free); coefficients
        of the first columns that are independent, 0 for the others (as R does); nothing, for collinearity that
        is known to be real; or ``numpy.linalg.LinAlgError``. None is "min_norm" with a RankWarning where the
        dependence may surprise; "min_norm" by name is a choice, and not warned of.
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
    numpy.linalg.LinAlgError
        With ``rank="raise"``, if columns depend on one another; with ``rank="full"``, if there are fewer rows than
        coefficients.

    Warns
    -----
    RankWarning
        If columns depend on one another at the rounding level of the data, unless ``rank="min_norm"`` was chosen, or
        only constant columns and complete sets of dummies do: ``status`` has a line for these.
    ConditionWarning
        If they nearly do. "auto" and "max" never leave such columns out; "fast" cannot tell them from dependent ones
        beyond a condition number of about 1e7, and then warns as of those.

    Notes
    -----
    One pass over the rows (about ``n p^2`` flops, extra memory ``O(p^2)``) gives centred moments, then Cholesky's
    factor of the equilibrated normal equations. This loses twice the decimals of ``condition_number``. Where that is
    too much, sweeps over the rows (some 22 flops a value) take residual and gradient in about twice the working
    precision and correct the coefficients: corrected semi-normal equations (Bjorck 1987) with Dot2 (Ogita, Rump and
    Oishi 2005). Condition numbers above 1400 need one to three passes that orthogonalise the columns first (shifted
    CholeskyQR3, Fukaya et al. 2020). With fewer rows than columns everything goes through the n x n dual. ``passes``
    counts them all; ``digits`` estimates, on the safe side, how many digits of the worst coefficient are right.

    Examples
    --------
    >>> import fastlr
    >>> fit = fastlr.ols([[1.0], [2.0], [3.0]], [3.0, 5.0, 7.0])
    >>> fit.coef.round(12), round(fit.intercept, 12)
    (array([2.]), 1.0)
    """
    table, is_vector = table_of(X, y, sample_weight, fit_intercept, feature_names, n_threads)
    return fit_table(table, is_vector, accuracy, rank)[1]


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
    penalty = as_alpha(alpha)
    moments = moments.snapshot()  # of which no thread takes notice any more
    return solve_moments(moments, fit_intercept, penalty, moments.n_targets == 1)


def table_of(
    X: object,
    y: object,
    sample_weight: object,
    fit_intercept: bool,
    feature_names: Sequence[str] | None,
    n_threads: int | None,
) -> tuple[Table, bool]:
    """Validated rows, and whether y was one-dimensional (then coefficients are, too)."""
    features = as_features(X)
    targets = as_targets(y, features.n_samples, index=features.index)
    names, labels = names_of(features, targets, feature_names, None)
    weights = as_weights(sample_weight, features.n_samples, index=features.index)
    return Table(
        features,
        targets,
        weights,
        names,
        labels,
        as_flag(fit_intercept, "fit_intercept"),
        n_threads,
    ), targets.is_vector


def fit_table(
    table: Table, is_vector: bool, accuracy: str, rank: str | None
) -> tuple[Moments | None, LinearFit]:
    """Climb the ladder, and warn of what the caller should know; no moments if there are fewer rows than columns."""
    as_choice(accuracy, ACCURACIES, "accuracy")
    rule = _rule(rank)
    if is_wide(table):
        n, p = table.features.n_samples, table.n_features
        if rule == "full":
            raise np.linalg.LinAlgError(
                f'rank="full" asks for {p} independent coefficients of {n} rows, and there are at most {n}: add rows, '
                'or let rank="min_norm" or "basic" choose among the coefficients.'
            )
        wide = climb_wide(table, accuracy, rule)
        if wide is not None:
            summary, result = wide
            return None, linear_fit(summary, result, table.fit_intercept, 0.0, is_vector, rank)
    moments, result = climb(table, accuracy, rule)
    return moments, linear_fit(moments, result, table.fit_intercept, 0.0, is_vector, rank)


def solve_moments(
    moments: Moments, fit_intercept: object, alpha: float, is_vector: bool, rank: str | None = None
) -> LinearFit:
    """Solve, and warn of what the caller should know."""
    flag = as_flag(fit_intercept, "fit_intercept")
    result = solve_at_once(moments, flag, alpha, _rule(rank))
    return linear_fit(moments, result, flag, alpha, is_vector, rank)


def _rule(rank: str | None) -> str:
    """The rule for columns that depend on one another; nobody's choice is the smallest norm."""
    return "min_norm" if rank is None else as_choice(rank, RANK_RULES, "rank")


def linear_fit(
    moments: Moments | RowSummary,
    result: Climb,
    fit_intercept: bool,
    alpha: float,
    is_vector: bool,
    rank: str | None,
) -> LinearFit:
    """The result for the user: shapes as y has them, a status in words, warnings."""
    p = moments.n_features
    if not fit_intercept and isinstance(moments, Moments):
        moments.check_raw_squares()
    status = _status(
        result,
        moments.feature_names,
        moments.n_samples,
        fit_intercept,
        rank,
        _expected(result, moments, fit_intercept),
    )
    likelihood = _log_likelihood(moments, result.log_rss)

    def per_target(values: FloatArray) -> Any:
        return float(values[0]) if is_vector else values

    return LinearFit(
        coef=result.coef[0] if is_vector else result.coef,
        intercept=per_target(result.intercept),
        feature_names=moments.feature_names,
        target_names=moments.target_names,
        n_samples=moments.n_samples,
        total_weight=moments.total_weight,
        rank=result.rank,
        condition_number=result.condition_number,
        solver=result.solver,
        status=status,
        digits=result.digits,
        passes=result.passes,
        rss=per_target(result.rss),
        tss=per_target(result.tss),
        log_likelihood=per_target(likelihood),
        bse=result.bse[0] if is_vector else result.bse,
        bse_intercept=per_target(result.bse_intercept),
        residual_sd=per_target(result.residual_sd),
        fit_intercept=fit_intercept,
        alpha=alpha,
        feature_mean=moments.mean[:p],
        feature_std=moments.std[:p],
        bse_digits=result.bse_digits,
    )


def _expected(result: Climb, moments: Moments | RowSummary, fit_intercept: bool) -> str | None:
    """The cause of a rank that is no surprise to anybody, or None."""
    if result.code != "rank_deficient" or _has_too_few_rows(result, moments):
        return None
    p = moments.n_features
    return expected_dependence(
        result.null_space,
        result.length,
        moments.mean[:p],
        moments.std[:p],
        moments.feature_names,
        fit_intercept,
    )


def _has_too_few_rows(result: Climb, moments: Moments | RowSummary) -> bool:
    n_null = len(result.null_space)
    return n_null == 0 or (moments.n_samples <= moments.n_features and n_null > 1)


def _log_likelihood(moments: Moments | RowSummary, log_rss: FloatArray) -> FloatArray:
    """-n/2 (log(2 pi rss / n) + 1) + sum(log w) / 2; infinite for a perfect fit."""
    n = moments.n_samples
    likelihood: FloatArray = (
        -0.5 * n * (math.log(2.0 * math.pi / n) + log_rss + 1.0) + 0.5 * moments.sum_log_weight
    )
    return likelihood


def _status(
    result: Climb,
    names: Sequence[str],
    n_samples: int,
    fit_intercept: bool,
    rank: str | None,
    expected: str | None,
) -> Status:
    """The outcome as a sentence, with a warning if the user should look."""
    condition, digits = result.condition_number, result.relevant_digits
    about = "about " if len(names) > _EXACT_CONDITION else ""
    if result.code != "rank_deficient":
        if condition < _NEARLY_SINGULAR and digits >= _FEW_DIGITS and result.code == "ok":
            return Status("ok", f"Solved: full rank, condition number {about}{condition:.3g}.")
        certain = f"about {math.floor(digits)} digits of the coefficients are certain"
        if result.code == "underflow":
            sentence = (
                f"Solved, but {certain}, since some are below the range of float64's full precision (2e-308): multiply "
                "y, or divide the columns, by a power of two."
            )
        elif condition**2 * _U > 10.0**-_FEW_DIGITS / 1000.0:
            sentence = (
                f"Solved, but the columns nearly depend on one another (condition number {about}{condition:.1e}): "
                f"{certain} for the data as they stand, and changes in the data are magnified as much. Centre or drop "
                "columns, or use a ridge penalty."
            )
        else:
            sentence = (
                f"Solved, but {certain}, since the sums of squares are what is left of much larger ones. Build the "
                'moments from the rows that remain, or with precision="double_double".'
            )
        warnings.warn(sentence, ConditionWarning, stacklevel=user_level())
        return Status("ill_conditioned", sentence)
    if len(result.null_space) == 0 or (n_samples <= len(names) and len(result.null_space) > 1):
        cause = f"there are {n_samples} rows for {len(names)} features"
    else:
        constant = "constant" if fit_intercept else "zero"
        equations = dependencies(result.null_space, result.length, names, constant)
        cause = "; ".join(equations) + " within rounding"
    problem = f"The features have rank {result.rank} of {len(names)}: {cause}. "
    if rank == "raise":
        raise np.linalg.LinAlgError(
            problem
            + 'Drop columns, add rows, or let rank="min_norm" or "basic" choose among the coefficients.'
        )
    if result.solver == "basic":
        choice = "those of columns that depend on earlier ones were set to 0"
    elif rank == "full":
        choice = "those of columns that do not vary were set to 0"
    else:
        choice = "the smallest ones (minimum norm) were taken"
    sentence = (
        f"{problem}Infinitely many coefficients fit equally well; {choice}, and predictions do not depend on that "
        "choice. Drop columns, add rows, or use a ridge penalty."
    )
    if expected is not None:
        sentence = (
            f"Solved: rank {result.rank} of {len(names)}, since {expected}; of the coefficients that fit equally well, "
            f"{choice}."
        )
    elif rank != "min_norm":
        warnings.warn(sentence, RankWarning, stacklevel=user_level())
    return Status("rank_deficient", sentence)
