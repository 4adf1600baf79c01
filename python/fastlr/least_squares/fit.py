"""Least squares from rows to a fit, with warnings of what the caller should know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.input.arguments import as_features, as_targets, as_weights
from fastlr.input.coded import CodedColumns
from fastlr.input.columns import Columns, FloatArray, tuple_of
from fastlr.input.missing import complete_rows, is_drop
from fastlr.input.names import names_of
from fastlr.input.options import as_choice, as_flag
from fastlr.input.penalties import as_penalties
from fastlr.input.row_stream import RowStream
from fastlr.input.sparse import SparseColumns
from fastlr.least_squares.absorbed import climb_absorbed, is_absorbed, refuse_many_indicators
from fastlr.least_squares.complete_blocks import climb_blocks, complete_blocks
from fastlr.least_squares.designed import designed_problem
from fastlr.least_squares.fitted import linear_fit
from fastlr.least_squares.ladder import ACCURACIES, RANK_RULES, climb
from fastlr.least_squares.problem import Problem, RowSummary, Solution
from fastlr.least_squares.ridge import climb_penalised
from fastlr.least_squares.wide import climb_wide
from fastlr.moments.state import State
from fastlr.moments.streamed import refuse_beside_scan
from fastlr.results import LinearFit
from fastlr.results.fresh import with_design, with_rows

__all__ = ["fit_problem", "ols", "problem_of"]


if TYPE_CHECKING:
    from fastlr.least_squares.asked import Asked

_UNPENALISED = 0.0
_AS_USUAL: Asked = (None, None, "precision")


def ols(
    X: object,
    y: object = None,
    *,
    data: object = None,
    sample_weight: object = None,
    weight_type: str = "precision",
    fit_intercept: bool = True,
    alpha: object = _UNPENALISED,
    accuracy: str = "auto",
    rank: str | None = None,
    feature_names: Sequence[str] | None = None,
    categories: Sequence[str] | str | None = "auto",
    missing: str = "error",
    cov_type: str | None = None,
    cov_kwds: Mapping[str, Any] | None = None,
    n_threads: int | None = None,
) -> LinearFit:
    """Ordinary (or weighted) least squares, or ridge: minimise ``sum w (y - intercept - X @ coef)^2 + alpha |coef|^2``.

    Parameters
    ----------
    X : array-like or sparse of shape (n_samples, n_features), or str
        Array of any stride, data frame, or mapping from names to columns; numbers of any type (float64,
        float32, half precision, integers, booleans, either byte order), read as float64 where they lie. Or a matrix
        or array of `scipy.sparse`, which is never filled. A formula such as ``"y ~ a + b * c"`` speaks of the columns
        of ``data``, and y is left out.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target values.
    data : data frame or mapping, optional
        The table that a formula speaks of.
    sample_weight : float or array-like of shape (n_samples,), or str with a formula, optional
        Non-negative weights, not all zero, or one number for all rows; weight 0 leaves a row out. Coefficients are
        those of a table that has a row of weight 2 twice, whatever weights mean.
    weight_type : {"precision", "frequency", "probability"}, default="precision"
        What weights mean, which standard errors, degrees of freedom and likelihood depend on: precisions, to which the
        variances of the rows' errors are inversely proportional; how often a row was seen, so that everything is that
        of the table with repeated rows; or how many units of a population a row stands for (survey weights), with the
        standard errors of Stata's ``pweight``: cov_type "HC1", one more pass.
    fit_intercept : bool, default=True
        Whether to fit a constant.
    alpha : float or array-like, default=0.0
        Penalty on the squares of the coefficients, in units of squared error summed over the rows: scikit-learn's
        ``Ridge``. One number; n_features values, a penalty for each coefficient (0 for none); n_targets values, one
        for each target; or an array of shape (n_targets, n_features), of which either size may be 1. The intercept is
        never penalised.
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
    categories : "auto", sequence of str or None, default="auto"
        Columns of X that become indicators (0 or 1) of all their levels but the first: those declared to hold
        categories (pandas, polars, Arrow dictionaries of text), or those named, which may hold text or numbers.
        Declared levels keep their order, others are sorted; levels that no row (of positive weight) has are left out.
        Indicators are made while rows are read. If they are many, the category of most levels is eliminated by its
        sums, so that 1e5 levels take no more memory than their coefficients and means.
    missing : {"error", "drop"}, default="error"
        Rows with a missing value in X, y or sample_weight (NaN, None, a null or a masked value): an error that names
        the first one, or left out; ``LinearFit.n_dropped`` counts them.
    cov_type : {None, "nonrobust", "HC0", "HC1", "HC2", "HC3", "cluster", "HAC"}, default=None
        The covariance behind standard errors, tests and intervals, in statsmodels' words, at one more pass over the
        rows; `LinearFit.with_covariance` says what they are. None is "nonrobust", and "HC1" for probability weights.
    cov_kwds : mapping, optional
        Its options, such as ``{"groups": ids}`` for "cluster" and ``{"maxlags": 4}`` for "HAC". With a formula, groups
        may be the name of a column of ``data``.
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

    With a penalty one pass is enough, unless it leaves fewer than 13 digits: then moments are taken again in twice the
    working precision. Fewer rows than columns, all penalised, go through the n x n dual. Standard errors and the
    residual standard deviation of penalised fits are NaN: those of least squares do not hold.

    Examples
    --------
    >>> import fastlr
    >>> fit = fastlr.ols([[1.0], [2.0], [3.0]], [3.0, 5.0, 7.0])
    >>> fit.coef.round(12), round(fit.intercept, 12)
    (array([2.]), 1.0)
    """
    asked = cov_type, cov_kwds, weight_type
    if asked != _AS_USUAL:
        from fastlr.least_squares.asked import check_asked

        check_asked(*asked)
    if type(X) is not np.ndarray or categories != "auto" or data is not None:
        if isinstance(X, RowStream):
            from fastlr.least_squares.streamed import fit_stream

            refuse_beside_scan(
                y=y,
                data=data,
                sample_weight=sample_weight,
                feature_names=feature_names,
                categories=None if categories == "auto" else categories,
                missing=None if missing == "error" else missing,
                n_threads=n_threads,
            )
            return fit_stream(X, fit_intercept, alpha, accuracy, rank, asked)
        X, made = designed_problem(
            X,
            y,
            data,
            sample_weight,
            fit_intercept,
            feature_names,
            categories,
            missing,
            n_threads,
            "ols",
        )
        if made is not None:
            problem, is_vector, design = made
            fit = _fitted(problem, is_vector, accuracy, rank, alpha, asked, data)
            return with_design(fit, design)
    problem, is_vector = problem_of(
        X, y, sample_weight, fit_intercept, feature_names, n_threads, missing
    )
    if asked == _AS_USUAL:
        return fit_problem(problem, is_vector, accuracy, rank, alpha)[1]
    return _fitted(problem, is_vector, accuracy, rank, alpha, asked)


def _fitted(
    problem: Problem,
    is_vector: bool,
    accuracy: str,
    rank: str | None,
    alpha: object,
    asked: Asked,
    data: object = None,
) -> LinearFit:
    """Fit rows, and take their covariances as they are asked for."""
    from fastlr.least_squares.asked import keeps_inverse, with_asked

    fit = fit_problem(
        problem,
        is_vector,
        accuracy,
        rank,
        alpha,
        weight_type=asked[2],
        keep_inverse=keeps_inverse(asked[0], problem),
    )[1]
    return with_asked(fit, problem, *asked, data)


def problem_of(
    X: object,
    y: object,
    sample_weight: object,
    fit_intercept: bool,
    feature_names: Sequence[str] | None,
    n_threads: int | None,
    missing: str = "error",
) -> tuple[Problem, bool]:
    """Validated rows, and whether y was one-dimensional (then coefficients are, too)."""
    n_dropped, weights, keep = 0, None, None
    if missing != "error" and is_drop(missing):
        features, targets, weights, n_dropped, keep = complete_rows(X, y, sample_weight)
    else:
        features = as_features(X)
        targets = as_targets(y, features.n_samples, index=features.index)
        if sample_weight is not None:
            weights = as_weights(sample_weight, features.n_samples, index=features.index)
    names, labels = names_of(features, targets, feature_names, None)
    flag = fit_intercept is True or as_flag(fit_intercept, "fit_intercept")
    fields = (features, targets, weights, names, labels, flag, n_threads, 1, n_dropped, keep)
    return tuple_of(Problem, (*fields, None, None)), targets.is_vector


def fit_problem(
    problem: Problem,
    is_vector: bool,
    accuracy: str,
    rank: str | None,
    alpha: object = _UNPENALISED,
    *,
    weight_type: str = "precision",
    keep_inverse: bool = False,
) -> tuple[State | None, LinearFit]:
    """Climb the ladder, and warn of what the caller should know; no moments if there are fewer rows than columns.

    ``alpha`` is what `as_penalties` takes, or what it gave.
    """
    if type(accuracy) is not str or accuracy != "auto":
        as_choice(accuracy, ACCURACIES, "accuracy")
    rule = "min_norm" if rank is None else as_choice(rank, RANK_RULES, "rank")
    features, targets, weights, _, _, flag, n_threads, n_terms, n_dropped, keep = problem[:10]
    penalty: float | FloatArray | None = None
    if alpha is not _UNPENALISED:
        penalty = as_penalties(alpha, features.n_columns, targets.n_columns)
        if not np.any(penalty):
            penalty = None
    rows: State | RowSummary
    if type(features) is Columns and features.n_samples >= features.n_columns and penalty is None:
        rows, result = climb(problem, accuracy, rule, condition_may_wait=True)
    else:
        rows, result = _climbed(problem, accuracy, rule, penalty, keep_inverse)
    fit = linear_fit(
        rows,
        result,
        flag,
        0.0 if penalty is None else penalty,
        is_vector,
        rank,
        n_dropped,
        weight_type,
        keep_inverse,
    )
    if n_terms == 1 and (not n_dropped or keep is not None):
        with_rows(fit, features, targets, weights, keep if n_dropped else None, n_threads)
    return (rows if isinstance(rows, State) else None), fit


def _climbed(
    problem: Problem,
    accuracy: str,
    rule: str,
    penalty: float | FloatArray | None,
    keep_inverse: bool,
) -> tuple[State | RowSummary, Solution]:
    """What is known of the rows, and the solution by the way that suits them, be it another than `climb`."""
    n, p = problem.features.n_samples, problem.features.n_columns
    features, flag = problem.features, problem.fit_intercept
    if penalty is not None:
        refuse_many_indicators(problem, "alpha")
        return climb_penalised(problem, penalty, accuracy, rule)
    if isinstance(features, CodedColumns) and is_absorbed(problem):
        if not keep_inverse:
            return climb_absorbed(problem, accuracy, rule)
        refuse_many_indicators(problem, 'cov_type="HAC"')
    if n < p and problem.n_terms == 1:
        if rule == "full":
            raise np.linalg.LinAlgError(
                f'rank="full" asks for {p} independent coefficients of {n} rows, and there are at most {n}: add rows, '
                'or let rank="min_norm" or "basic" choose among the coefficients.'
            )
        wide = climb_wide(problem, accuracy, rule)
        if wide is not None:
            return wide
    found = None
    may_drop = flag and rule == "min_norm" and n >= p and not keep_inverse
    if may_drop and isinstance(features, SparseColumns):
        blocks = complete_blocks(features)
        found = climb_blocks(problem, blocks, accuracy) if blocks else None
    return found or climb(problem, accuracy, rule)
