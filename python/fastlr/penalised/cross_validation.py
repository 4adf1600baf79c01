"""Cross-validation of ridge penalties: exact leave-one-out, and folds from moments, for all penalties at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr._kernels.parts import in_parts
from fastlr.errors import InputError, InputWarning, user_level
from fastlr.input.columns import FloatArray
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.problem import Problem
from fastlr.moments.state import State
from fastlr.penalised.dual import dual_equations, solve_dual_for_all
from fastlr.penalised.equations import PenalisedSolutions, equations_of, solve_for_all
from fastlr.penalised.folds import Fold, Folds, moments_of_folds
from fastlr.penalised.spectrum import Spectrum, spectrum_of

__all__ = [
    "FAST_SCORES",
    "CrossValidation",
    "factors_of",
    "leave_one_out",
    "scores_of_folds",
    "validate_folds",
    "without_each_row",
]

FAST_SCORES = ("neg_mean_squared_error", "neg_root_mean_squared_error", "r2")
_ROWS_WORTH_FACTORS = 100  # for each penalty: fewer rows do not pay for factors
_NEGLIGIBLE = 2.0**-53  # of the largest singular value
_SHARE_OF_WORK = 0.75  # that is left to do, at most, if factors are to be used

# What makes scores of predictions: (coef (n_alphas, t, p), intercept (n_alphas, t), test rows) -> (n_alphas,).
Scorer = Callable[[FloatArray, FloatArray, npt.NDArray[np.intp]], FloatArray]


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """How well every penalty predicts rows that it was not fitted to.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
        The penalties.
    squared_errors : ndarray of shape (n_alphas, n_targets) or None
        Leave-one-out: ``sum w e^2`` of the rows' errors e.
    scores : ndarray of shape (n_folds, n_alphas) or None
        Folds: the score of every fold and penalty, greater is better.
    errors : ndarray of shape (n_samples, n_targets, n_alphas) or None
        Leave-one-out, if they were to be kept: every row's error e.
    method : str
        "leave_one_out", "folds" (moments of test folds that partition the rows) or "splits" (moments of each split's
        own rows).
    passes : int
        How often the rows were read.
    state : State or None
        Moments of all rows, where there are any.
    """

    alphas: FloatArray
    squared_errors: FloatArray | None
    scores: FloatArray | None
    errors: FloatArray | None
    method: str
    passes: int
    state: State | None


def leave_one_out(problem: Problem, alphas: FloatArray, *, keep: bool) -> CrossValidation:
    """Errors of every row, predicted by the fit to all other rows, from one fit to all.

    A row's error without it is its residual divided by 1 - h, h its leverage (Allen 1974).
    """
    n = problem.features.n_samples
    if n < 2:
        raise InputError(
            f"leave-one-out of n_samples={n} leaves no row to fit to: pass two rows or more."
        )
    shape = n, problem.targets.n_columns, len(alphas)
    errors = np.zeros(shape) if keep else None
    if n < problem.n_features:
        squares = np.zeros((len(alphas), shape[1]))
        _leave_one_out_wide(problem, alphas, squares, errors)
        return CrossValidation(alphas, squares, None, errors, "leave_one_out", 2, None)
    state, passes = problem.pass_over()
    squares = without_each_row(state, problem.fit_intercept, alphas).squares(problem, errors)
    return CrossValidation(alphas, squares, None, errors, "leave_one_out", passes + 1, state)


@dataclass(frozen=True, slots=True)
class WithoutEachRow:
    """What a pass over the rows needs to know of all of them, to predict each one by the fit to all others."""

    mean: FloatArray
    spectrum: Spectrum
    alphas: FloatArray
    along: FloatArray
    """Coefficients (t, p, n_alphas) in the basis of eigenvectors: one product of a row predicts for all alphas."""
    of_mean: float

    def squares(self, problem: Problem, errors: FloatArray | None) -> FloatArray:
        """Sums of squared errors (n_alphas, t) over rows; every error goes to ``errors``, if that is an array."""
        return _squares_without_each_row(
            problem, self.mean, self.spectrum, self.alphas, self.along, self.of_mean, errors
        )


def without_each_row(state: State, fit_intercept: bool, alphas: FloatArray) -> WithoutEachRow:
    """The fits to all rows, by their moments."""
    solutions, equations = solve_for_all(state, fit_intercept, alphas)
    spectrum = spectrum_of(equations.products, equations.with_targets)
    return WithoutEachRow(
        np.concatenate([equations.mean, equations.target_mean]),
        spectrum,
        alphas,
        np.moveaxis(solutions.coef @ spectrum.vectors, 0, 2),
        1.0 / state.total_weight if fit_intercept else 0.0,
    )


def _squares_without_each_row(
    problem: Problem,
    mean: FloatArray,
    spectrum: Spectrum,
    alphas: FloatArray,
    along: FloatArray,
    of_mean: float,
    errors: FloatArray | None,
) -> FloatArray:
    """Sums of squared errors (n_alphas, t), from one pass; every error goes to ``errors``, if that is an array."""
    n, p = problem.features.n_samples, problem.n_features
    t, n_alphas = len(along), len(alphas)
    plan = kernels.plan_leave_one_out(n, p, t, n_alphas)
    is_long = n > _ROWS_WORTH_FACTORS * n_alphas
    for part, slots in in_parts(plan):
        kernels.leave_one_out(
            problem.leading_features.source,
            problem.targets.source,
            problem.weights,
            mean,
            np.ascontiguousarray(spectrum.vectors),
            factors_of(spectrum.weights(alphas), is_long),
            [factors_of(matrix, is_long) for matrix in along],
            of_mean,
            n_alphas,
            part,
            resolve_threads(problem.n_threads),
            slots,
            errors,
        )
    sums, rest = slots.reshape(len(slots), 2, t, -1)[..., :n_alphas].sum(axis=0)
    squares: FloatArray = np.where(np.isfinite(sums), sums + rest, np.inf).T.copy()
    return squares


def factors_of(matrix: FloatArray, is_worth_it: bool) -> list[FloatArray]:
    """A matrix (p, n_alphas), or two whose product it is to rounding, if that is so much less work for a row.

    Rows times functions of alpha as smooth as 1 / (d + alpha) have few directions that are more than rounding.
    """
    p, n_alphas = matrix.shape
    matrix = np.ascontiguousarray(matrix)
    if not is_worth_it:
        return [matrix]
    size = np.abs(matrix).max(axis=1, keepdims=True)
    size[size == 0.0] = 1.0
    unit = matrix / size
    left, values, _ = np.linalg.svd(unit, full_matrices=False)
    rank = max(1, int(np.count_nonzero(values > _NEGLIGIBLE * values[0])))
    if rank * (p + n_alphas) > _SHARE_OF_WORK * p * n_alphas:
        return [matrix]
    left = left[:, :rank]
    return [np.ascontiguousarray(left * size), np.ascontiguousarray(left.T @ unit)]


def _account(
    left: FloatArray,
    remaining: FloatArray,
    weight: npt.NDArray[Any] | None,
    rows: slice | npt.NDArray[np.intp],
    squares: FloatArray,
    errors: FloatArray | None,
) -> None:
    """Residuals (t, n, n_alphas), in place, over 1 - leverage (n, n_alphas): to the sums, and kept if asked for."""
    left /= remaining
    if np.isnan(remaining.min()):
        left[np.isnan(left)] = np.inf
    if errors is not None:
        errors[rows] = np.moveaxis(left, 1, 0)
    if weight is not None and not weight.all():
        left[:, weight == 0] = 0.0
    np.square(left, out=left)
    of_rows = np.ones(left.shape[1]) if weight is None else weight.astype(np.float64)
    for k, found in enumerate(left):
        squares[:, k] += of_rows @ found


def _by_target(values: FloatArray, n_alphas: int) -> FloatArray:
    """(n, n_alphas * t) as (n, t, n_alphas)."""
    return np.moveaxis(values.reshape(len(values), n_alphas, -1), 1, 2)


def _leave_one_out_wide(
    problem: Problem, alphas: FloatArray, squares: FloatArray, errors: FloatArray | None
) -> None:
    dual = dual_equations(problem)
    spectrum, root = dual.spectrum, np.sqrt(dual.weights)
    # Of (H + alpha I)^-1, whose products with alpha are residuals and 1 - leverage.
    remaining = np.square(spectrum.vectors) @ spectrum.weights(alphas)
    remaining[~(remaining > 0.0)] = np.nan
    left = np.moveaxis(spectrum.solve(alphas) / root, 0, 2)  # (t, n, n_alphas)
    counts: slice | npt.NDArray[np.intp] = slice(None)
    if problem.weights is not None and len(root) < problem.features.n_samples:
        counts = np.flatnonzero(problem.weights)
    _account(left, remaining, dual.weights, counts, squares, errors)
    if errors is None or isinstance(counts, slice):
        return
    others = np.flatnonzero(problem.weights == 0)  # which no fit was ever told of
    solutions = solve_dual_for_all(dual, alphas)
    p = problem.n_features
    rows = problem.features.take_rows(others).as_matrix()
    predicted = rows @ solutions.coef.reshape(-1, p).T + solutions.intercept.reshape(-1)
    target = problem.targets.take_rows(others).as_matrix()
    errors[others] = target[:, :, np.newaxis] - _by_target(predicted, len(alphas))


def validate_folds(
    problem: Problem, folds: Folds, alphas: FloatArray, score: str | Scorer
) -> CrossValidation:
    """Scores of all folds and penalties; ``score`` is one of `FAST_SCORES`, or what scores predictions.

    Weights count in fits and in these scores. Errors of a test fold follow from its moments; with fewer rows than
    columns, from predictions.
    """
    scores = np.empty((len(folds), len(alphas)))
    if problem.features.n_samples < problem.n_features:
        for k, test in enumerate(folds.test):
            train = problem.take_rows(folds.train_of(k))
            solutions = solve_dual_for_all(dual_equations(train), alphas)
            if isinstance(score, str):
                scores[k] = _score(score, *_squares_of_rows(problem, test, solutions), k)
            else:
                scores[k] = score(solutions.coef, solutions.intercept, test)
        _warn_of_single_rows(scores, score)
        return CrossValidation(alphas, None, scores, None, "splits", 3 * len(folds), None)
    found, whole, passes = moments_of_folds(problem, folds, with_tests=isinstance(score, str))
    if isinstance(score, str):
        scores = scores_of_folds(found, problem.fit_intercept, alphas, score)
    else:
        for k, fold in enumerate(found):
            solutions, _ = solve_for_all(fold.train, problem.fit_intercept, alphas)
            scores[k] = score(solutions.coef, solutions.intercept, fold.test)
    _warn_of_single_rows(scores, score)
    method = "folds" if folds.is_partition else "splits"
    return CrossValidation(alphas, None, scores, None, method, passes, whole)


def scores_of_folds(
    folds: Sequence[Fold], fit_intercept: bool, alphas: FloatArray, score: str
) -> FloatArray:
    """Scores (n_folds, n_alphas) by one of `FAST_SCORES`, from the moments of training and test rows."""
    scores = np.empty((len(folds), len(alphas)))
    for k, fold in enumerate(folds):
        if fold.test_moments is None:
            raise _nothing_to_score(k)
        solutions, _ = solve_for_all(fold.train, fit_intercept, alphas)
        scores[k] = _score(score, *_squares_of_moments(fold.test_moments, solutions), k)
    return scores


def _squares_of_moments(
    test: State, solutions: PenalisedSolutions
) -> tuple[FloatArray, FloatArray, float, int]:
    """Squared errors (n_alphas, t), total squares (t,), weight and rows of a test fold, from its moments."""
    equations = equations_of(test, True)
    shift = equations.target_mean - solutions.coef @ equations.mean - solutions.intercept
    squares = equations.squares(solutions.coef) + equations.weight * np.square(shift)
    return squares, equations.of_targets, test.total_weight, test.n_samples


def _squares_of_rows(
    problem: Problem, test: npt.NDArray[np.intp], solutions: PenalisedSolutions
) -> tuple[FloatArray, FloatArray, float, int]:
    """Squared errors (n_alphas, t), total squares (t,), weight and rows of a test fold, from the rows."""
    n_alphas = len(solutions.coef)
    rows = problem.features.take_rows(test).as_matrix()
    target = problem.targets.take_rows(test).as_matrix().astype(np.float64)
    predicted = rows @ solutions.coef.reshape(-1, problem.n_features).T
    left = target[:, :, np.newaxis] - _by_target(
        predicted + solutions.intercept.reshape(-1), n_alphas
    )
    weights = np.ones(len(test)) if problem.weights is None else problem.weights[test]
    weight = float(weights.sum())
    total: FloatArray = weights @ np.square(target - weights @ target / max(weight, 1e-300))
    return np.einsum("i,ita,ita->at", weights, left, left), total, weight, len(test)


def _warn_of_single_rows(scores: FloatArray, score: str | Scorer) -> None:
    """Warn where R2 is not defined, since then all alphas are as good as one another."""
    undefined = np.flatnonzero(np.isnan(scores).all(axis=1))
    if score == "r2" and undefined.size:
        warnings.warn(
            f"The test rows of {undefined.size} of {len(scores)} splits are a single one, of which R^2 is not defined: "
            'the mean score is NaN, and the first of the alphas is taken. Pass scoring="neg_mean_squared_error", or '
            "fewer folds.",
            InputWarning,
            stacklevel=user_level(),
        )


def _nothing_to_score(k: int) -> InputError:
    return InputError(f"no test row of split {k} has a positive weight: use fewer folds.")


def _score(
    score: str, squares: FloatArray, total: FloatArray, weight: float, n_rows: int, k: int
) -> FloatArray:
    """Scores (n_alphas,) of a test fold, the mean over targets."""
    if not weight > 0:
        raise _nothing_to_score(k)
    if score == "r2":
        if n_rows < 2:  # as scikit-learn's score of one row
            return np.full(len(squares), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = 1.0 - squares / total
        # A target that does not vary: all or nothing, as in scikit-learn.
        r2 = np.where(total > 0, r2, np.where(squares > 0, 0.0, 1.0))
        means: FloatArray = r2.mean(axis=1)
        return means
    losses = squares / weight
    means = (np.sqrt(losses) if "root" in score else losses).mean(axis=1)
    return -means
