"""Squared penalties on coefficients, exactly: from moments, or through the dual where rows are fewer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.input.columns import FloatArray
from fastlr.least_squares.dual_ridge import climb_penalised_wide
from fastlr.least_squares.normal import solve_at_once
from fastlr.least_squares.problem import Problem, RowSummary, Solution
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of_state
from fastlr.moments.state import State

__all__ = ["climb_penalised", "groups_of_targets", "solve_penalised", "targets_of", "together"]

_ENOUGH_DIGITS = 13.0  # of the worst coefficient, for "auto"
# How far from plain a solution ended, for the worst of several.
_SEVERITY = ("ok", "ill_conditioned", "underflow", "rank_deficient")


def climb_penalised(
    problem: Problem, alpha: float | FloatArray, accuracy: str, rank: str
) -> tuple[State | RowSummary, Solution]:
    """Fit rows with penalties, a number or (n_targets, n_features), as exactly as is asked for.

    Moments of one pass, and of a second one in double-double where they leave fewer digits than "auto" or "max" want.
    With fewer rows than columns, all of them penalised, the n x n dual, refined.
    """
    n, p = problem.features.n_samples, problem.n_features
    if n < p and problem.n_terms == 1 and np.all(alpha):
        wide = climb_penalised_wide(problem, alpha, accuracy)
        if wide is not None:
            return wide
    state, passes = problem.pass_over()
    result = solve_penalised(
        moments_of_state(state),
        problem.fit_intercept,
        alpha,
        "min_norm" if rank == "raise" else rank,
        n_threads=problem.n_threads,
    )
    wanted = {"fast": 0.0, "auto": _ENOUGH_DIGITS, "max": 15.0}[accuracy]
    is_large = problem.features.n_samples * p > kernels.ALWAYS_POLISHED
    is_enough = accuracy == "auto" and is_large and result.is_enough
    if result.digits < wanted and not is_enough:
        precise, more = problem.pass_over("double_double")
        passes += more + 1
        result = solve_penalised(
            moments_of_state(precise),
            problem.fit_intercept,
            alpha,
            rank,
            n_threads=problem.n_threads,
        )
        result = result._replace(
            solver="double_double" if result.solver == "normal" else result.solver
        )
    return state, result._replace(passes=passes)


def solve_penalised(
    moments: Moments,
    fit_intercept: bool,
    alpha: float | FloatArray,
    rank: str,
    *,
    n_threads: int | None = None,
) -> Solution:
    """Coefficients from moments alone; targets of the same penalties share a factor."""
    if not isinstance(alpha, np.ndarray):
        return solve_at_once(moments, fit_intercept, alpha, rank, n_threads=n_threads)
    state = moments.for_kernels()
    parts: list[tuple[npt.NDArray[np.intp], Solution]] = []
    for penalty, targets in groups_of_targets(alpha):
        some = (
            moments if len(targets) == len(alpha) else moments_of_state(targets_of(state, targets))
        )
        result = solve_at_once(some, fit_intercept, penalty, rank, n_threads=n_threads)
        parts.append((targets, result))
    return together(parts, len(alpha))


def groups_of_targets(alpha: FloatArray) -> Iterator[tuple[FloatArray, npt.NDArray[np.intp]]]:
    """Penalties (n_features,), and the targets that have these."""
    distinct, members = np.unique(alpha, axis=0, return_inverse=True)
    for k, penalty in enumerate(distinct):
        yield penalty, np.flatnonzero(members.reshape(-1) == k)


def together(parts: list[tuple[npt.NDArray[np.intp], Solution]], n_targets: int) -> Solution:
    """One solution of all targets; what is said of all is what holds for the worst of them."""
    if len(parts) == 1:
        return parts[0][1]
    worst = max((result for _, result in parts), key=lambda r: (_SEVERITY.index(r.code), -r.digits))
    order = np.argsort(np.concatenate([targets for targets, _ in parts]))

    def of_targets(name: str) -> Any:
        return np.concatenate([getattr(result, name) for _, result in parts])[order]

    arrays = ("coef", "intercept", "rss", "tss", "bse", "bse_intercept", "residual_sd")
    logs = [result.log_rss for _, result in parts]
    known = [log for log in logs if log is not None]
    return worst._replace(
        **{name: of_targets(name) for name in arrays},
        log_rss=np.concatenate(known)[order] if len(known) == len(logs) else None,
        rank=min(result.rank for _, result in parts),
        condition_number=max(result.condition_number for _, result in parts),
        digits=min(result.digits for _, result in parts),
        relevant_digits=min(result.relevant_digits for _, result in parts),
        passes=max(result.passes for _, result in parts),
        is_enough=all(result.is_enough for _, result in parts),
        inverse=None,
    )


def targets_of(state: State, targets: npt.NDArray[np.intp]) -> State:
    """The moments of the features and of some targets."""
    p = state.n_features
    names = tuple(state.target_names[k] for k in targets)
    return state.taken(np.concatenate([np.arange(p), p + targets]), state.feature_names, names)
