"""Least squares on rows that come in chunks: the accuracy ladder, one pass over the source for each of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr._kernels import kernels
from fastlr.errors import InputError
from fastlr.inference.estimates import GivenRows
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.options import as_choice, as_flag
from fastlr.input.penalties import as_penalties
from fastlr.input.row_stream import RowChunk, RowStream
from fastlr.least_squares.fitted import linear_fit
from fastlr.least_squares.ladder import ACCURACIES, RANK_RULES, climb, climb_from
from fastlr.least_squares.non_negative import solve_non_negative
from fastlr.least_squares.problem import Problem, RowSummary, Solution
from fastlr.least_squares.ridge import climb_penalised, solve_penalised
from fastlr.least_squares.stream_view import StreamView
from fastlr.least_squares.wide import climb_wide
from fastlr.moments.moments import moments_of_state
from fastlr.moments.state import State
from fastlr.moments.streamed import state_of_stream
from fastlr.results import LinearFit
from fastlr.results.covariances import with_covariance
from fastlr.results.fresh import with_design
from fastlr.storage.schema import shown

if TYPE_CHECKING:
    from fastlr.least_squares.asked import Asked

__all__ = [
    "climb_stream",
    "fit_stream",
    "gathered",
    "labels_asked_for",
    "problem_of_stream",
    "state_and_fit",
]

_ENOUGH_DIGITS = 13.0  # of the worst coefficient of a penalised fit, for "auto"
_IN_MEMORY = ("HAC",)


def fit_stream(
    stream: RowStream,
    fit_intercept: object,
    alpha: object,
    accuracy: str,
    rank: str | None,
    asked: Asked,
) -> LinearFit:
    """Fit the rows of a stream as `ols` fits arrays.

    Rows that can be read again are, for as many digits as are asked for; moments of others are kept in twice the
    working precision, unless accuracy is "fast".
    """
    as_choice(accuracy, ACCURACIES, "accuracy")
    rule = "min_norm" if rank is None else as_choice(rank, RANK_RULES, "rank")
    flag = as_flag(fit_intercept, "fit_intercept")
    cov_type, cov_kwds, weight_type = asked
    options, names = labels_asked_for(cov_type, cov_kwds)
    if names:
        from fastlr.least_squares.asked import refuse_target

        refuse_target(names, stream.target_names)
        stream = stream.with_labels(names)
    if cov_type not in (None, "nonrobust"):
        stream.check_repeatable(f"cov_type={cov_type!r}")
    penalty = as_penalties(alpha, len(stream.feature_names), len(stream.target_names))
    keep = cov_type is not None or weight_type == "probability"
    rows, result = climb_stream(stream, flag, penalty, accuracy, rule)
    fit = linear_fit(
        rows,
        result,
        flag,
        penalty,
        stream.is_vector,
        rank,
        stream.n_dropped,
        weight_type=weight_type,
        keep_inverse=keep,
    )
    if stream.design is not None:
        fit = with_design(fit, stream.design)
    if cov_type is None and not (weight_type == "probability" and stream.can_repeat):
        return fit
    problem = problem_of_stream(stream, fit.n_samples, flag)
    given = GivenRows(problem.features, problem.targets, None, stream.n_threads, stream)
    return with_covariance(fit, given, cov_type, options)


def state_and_fit(
    stream: RowStream,
    fit_intercept: object,
    alpha: object,
    accuracy: str,
    rank: str | None,
    *,
    positive: bool = False,
) -> tuple[State, LinearFit]:
    """The moments of a stream, and the fit of its rows, as estimators keep them."""
    as_choice(accuracy, ACCURACIES, "accuracy")
    rule = "min_norm" if rank is None else as_choice(rank, RANK_RULES, "rank")
    flag = as_flag(fit_intercept, "fit_intercept")
    penalty = as_penalties(alpha, len(stream.feature_names), len(stream.target_names))
    rows: State | RowSummary
    if positive:
        rows = state_of_stream(stream, "double" if stream.can_repeat else "double_double")
        result = solve_non_negative(moments_of_state(rows), flag, penalty)
        rank = None
    else:
        rows, result = climb_stream(stream, flag, penalty, accuracy, rule)
    fit = linear_fit(rows, result, flag, penalty, stream.is_vector, rank, stream.n_dropped)
    return (rows if isinstance(rows, State) else state_of_stream(stream)), fit


def climb_stream(
    stream: RowStream, fit_intercept: bool, alpha: float | FloatArray, accuracy: str, rank: str
) -> tuple[State | RowSummary, Solution]:
    """Moments and solution; of fewer rows than columns, which are fitted in memory, what a fit tells of its rows."""
    repeats = stream.can_repeat
    precision = "double" if repeats or accuracy == "fast" else "double_double"
    if stream.design is not None and not np.any(alpha):
        from fastlr.least_squares.streamed_levels import climb_levels, is_absorbed_stream

        if is_absorbed_stream(stream):
            return climb_levels(stream, fit_intercept, accuracy, rank)
    state = state_of_stream(stream, precision)
    if state.n_samples < state.n_features and repeats:
        return _climb_in_memory(gathered(stream, fit_intercept), alpha, accuracy, rank)
    moments = moments_of_state(state)
    is_penalised = bool(np.any(alpha))
    if not (is_penalised or precision == "double_double" or not repeats):
        problem = problem_of_stream(stream, state.n_samples, fit_intercept)
        return state, climb_from(moments, problem, accuracy, rank, 1, False)
    result = _solved(state, fit_intercept, alpha, rank, stream.n_threads)
    wanted = {"fast": 0.0, "auto": _ENOUGH_DIGITS, "max": 15.0}[accuracy]
    is_large = state.n_samples * state.n_features > kernels.ALWAYS_POLISHED
    is_enough = accuracy == "auto" and is_large and result.is_enough
    if is_penalised and repeats and result.digits < wanted and not is_enough:
        precise = state_of_stream(stream, "double_double")
        result = _solved(precise, fit_intercept, alpha, rank, stream.n_threads)
        return state, result._replace(passes=2)
    return state, result


def _climb_in_memory(
    problem: Problem, alpha: float | FloatArray, accuracy: str, rank: str
) -> tuple[State | RowSummary, Solution]:
    """Fewer rows than columns, which are few numbers."""
    if np.any(alpha):
        return climb_penalised(problem, alpha, accuracy, rank)
    if rank == "full":
        raise np.linalg.LinAlgError(
            f'rank="full" asks for {problem.n_features} independent coefficients of {problem.features.n_samples} rows: '
            'add rows, or let rank="min_norm" or "basic" choose among the coefficients.'
        )
    return climb_wide(problem, accuracy, rank) or climb(problem, accuracy, rank)


def _solved(
    state: State, fit_intercept: bool, alpha: float | FloatArray, rank: str, n_threads: int | None
) -> Solution:
    """Solve for coefficients by moments alone, when rows cannot be read again."""
    result = solve_penalised(
        moments_of_state(state), fit_intercept, alpha, rank, n_threads=n_threads
    )
    if state.precision == "double_double" and result.solver == "normal":
        return result._replace(solver="double_double")
    return result


def problem_of_stream(stream: RowStream, n_samples: int, fit_intercept: bool) -> Problem:
    """The rows of a stream as the ladder takes them."""
    p, t = len(stream.feature_names), len(stream.target_names)
    return Problem(
        Columns([], n_samples, p, stream.feature_names),
        Columns([], n_samples, t, stream.target_names, stream.is_vector),
        None,
        stream.feature_names,
        stream.target_names,
        fit_intercept,
        stream.n_threads,
        stream=StreamView(stream, t),
    )


def labels_asked_for(
    cov_type: str | None, cov_kwds: Mapping[str, Any] | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The options of a covariance of streamed rows, and the columns that hold the labels of clusters.

    Raises
    ------
    InputError
        The covariance needs all rows at once, or clusters are not the names of columns.
    """
    options = dict(cov_kwds or {})
    if cov_type in _IN_MEMORY:
        raise InputError(
            f"cov_type={cov_type!r} needs rows in the order of time beside one another, and those of a scan come in "
            "chunks: pass arrays."
        )
    if cov_type != "cluster":
        return options, ()
    groups = options.get("groups")
    names = (groups,) if isinstance(groups, str) else ()
    if isinstance(groups, list | tuple):
        names = tuple(groups)
    if len(names) not in (1, 2) or not all(isinstance(name, str) for name in names):
        raise InputError(
            f"groups={shown(groups)} does not name the clusters of a scan: pass the name of a column, or of two."
        )
    options["groups"] = names
    return options, names


def gathered(stream: RowStream, fit_intercept: bool) -> Problem:
    """Gather all rows in memory, where they are fewer than columns."""

    def kernel(rows: RowChunk) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        X, y = (
            np.array(part.as_matrix(), dtype=np.float64) for part in (rows.features, rows.targets)
        )
        return X, y, None if rows.weights is None else np.array(rows.weights, dtype=np.float64)

    def merge(first: Any, second: Any) -> Any:
        return tuple(
            None if a is None else np.concatenate([a, b])
            for a, b in zip(first, second, strict=True)
        )

    X, y, weights = stream.map_merge(kernel, merge)
    return Problem(
        Columns(X, len(X), X.shape[1], stream.feature_names),
        Columns(y, len(y), y.shape[1], stream.target_names, stream.is_vector),
        weights,
        stream.feature_names,
        stream.target_names,
        fit_intercept,
        stream.n_threads,
        n_dropped=stream.n_dropped,
    )
