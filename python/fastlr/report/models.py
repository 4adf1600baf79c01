"""Other models beside least squares: the best subset, ridge and lasso, judged by the same rows held out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastlr.errors import InputError
from fastlr.input.arguments import as_features
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice
from fastlr.least_squares.fit import problem_of
from fastlr.least_squares.from_moments import solve
from fastlr.least_squares.problem import Problem
from fastlr.moments import Moments
from fastlr.penalised.arguments import DescentRules
from fastlr.penalised.cross_validation import validate_folds
from fastlr.penalised.folds import consecutive_folds
from fastlr.penalised.lasso_cv import CrossValidated
from fastlr.penalised.selection import best_subset
from fastlr.penalised.tracing import grid_of, traced
from fastlr.results import LinearFit
from fastlr.results.summary_words import counted, method_of
from fastlr.typesetting.figures import significant

__all__ = ["MODELS", "Model", "as_models", "models_beside", "sentence_on"]

MODELS = ("subset", "ridge", "lasso")
"""Models that can stand beside least squares."""
_N_FOLDS = 5
_LEAST_ROWS = 10
_SEED = 0
_NOTICEABLE = 0.02  # of the error
_RULES = DescentRules(positive=False, tol=1e-6, max_iter=10_000)


@dataclass(frozen=True)
class Model:
    """One of the models that a report compares.

    Attributes
    ----------
    name : str
    choice : str
        What was chosen by rows held out: "alpha 3.2", "3 features"; empty for least squares.
    error : float
        Root mean squared error of rows held out; NaN if unknown.
    per_sd : ndarray of shape (n_features,)
        Change of the target for one standard deviation of each feature.
    """

    name: str
    choice: str
    error: float
    per_sd: FloatArray

    @property
    def n_used(self) -> int:
        """Number of features with a coefficient."""
        return int(np.count_nonzero(self.per_sd))


def as_models(models: str | Iterable[str]) -> tuple[str, ...]:
    """Names of models, each once and known."""
    if isinstance(models, str):
        models = (models,)
    return tuple(dict.fromkeys(as_choice(name, MODELS, "models") for name in models))


def models_beside(
    fit: LinearFit, X: object, y: object, sample_weight: object, wanted: tuple[str, ...]
) -> list[Model]:
    """Least squares and the models wanted, each chosen and judged by the same folds.

    Features have mean 0 and standard deviation 1, so that penalties treat all units alike; rows are dealt to folds at
    random, always the same way. The rows are copied once.

    Raises
    ------
    InputError
        If the fit is not one by least squares, or has no features or too few rows.
    """
    method = method_of(fit)
    if not method.startswith("least squares"):
        raise InputError(
            f"models={wanted!r} stand beside least squares, and this fit is by {method}: leave models out."
        )
    problem = _standardised(fit, X, y, sample_weight)
    n, p = problem.features.n_samples, problem.n_features
    if n < _LEAST_ROWS or p == 0:
        raise InputError(
            f"models={wanted!r} are judged by rows held out, for which {counted(n, 'row')} with "
            f"{counted(p, 'feature')} are not enough: leave models out."
        )
    folds = consecutive_folds(n, _N_FOLDS)
    of_fit = np.nan_to_num(np.atleast_2d(fit.coef)[0] * fit.feature_std)
    has_enough = n - math.ceil(n / _N_FOLDS) > p + fit.fit_intercept and fit.rank == p
    total = float(n if problem.weights is None else problem.weights.sum())
    grid = total * np.logspace(-6.0, 2.0, 49)
    alphas = np.concatenate([[0.0], grid]) if has_enough else grid
    scores = validate_folds(problem, folds, alphas, "neg_mean_squared_error").scores
    if scores is None:
        raise AssertionError("folds have scores")
    errors = np.sqrt(np.maximum(-scores.mean(axis=0), 0.0))
    of_least_squares = float(errors[0]) if has_enough else math.nan
    found = [Model("least squares", "", of_least_squares, of_fit)]
    for name in wanted:
        if name == "ridge":
            found.append(_ridge(problem, grid, errors[-len(grid) :], total))
        elif name == "lasso":
            found.append(_lasso(problem))
        else:
            found.append(_subset(problem))
    return found


def sentence_on(models: list[Model]) -> str:
    """Which model predicts rows held out best, and whether that matters."""
    plain, best = models[0], min(models, key=lambda model: np.nan_to_num(model.error, nan=np.inf))
    if math.isnan(plain.error):
        return (
            "Least squares cannot be judged by rows held out: the others do not determine its coefficients. Of the "
            f"other models {best.name} has the smallest error, {significant(best.error, 4)}."
        )
    if best.error >= (1.0 - _NOTICEABLE) * plain.error:
        fewest = min(models, key=lambda model: (model.n_used, model.error))
        told = "No model predicts rows held out noticeably better than least squares"
        if fewest.n_used < plain.n_used and fewest.error <= (1.0 + _NOTICEABLE) * plain.error:
            return f"{told}, but {fewest.name} does it as well with {counted(fewest.n_used, 'feature')}."
        return f"{told}."
    return (
        f"Rows held out are predicted best by {best.name}: its error is {significant(best.error, 4)}, "
        f"{100 * (1 - best.error / plain.error):.0f} % below that of least squares."
    )


def _standardised(fit: LinearFit, X: object, y: object, sample_weight: object) -> Problem:
    """Rows that count in random order, with features of mean 0 (with an intercept) and standard deviation 1."""
    rows = fit.given_rows(X, y, sample_weight)
    weights = None if rows.weights is None else np.asarray(rows.weights, dtype=np.float64)
    counts = np.arange(rows.features.n_samples) if weights is None else np.flatnonzero(weights)
    order = np.random.default_rng(_SEED).permutation(counts)
    Z: FloatArray = np.array(rows.features.take_rows(order).as_matrix(), dtype=np.float64)
    if fit.fit_intercept:
        Z -= fit.feature_mean
    sd = np.where(fit.feature_std > 0, fit.feature_std, 1.0)
    Z /= sd
    target: Any = rows.targets.take_rows(order).as_matrix()
    problem, _ = problem_of(
        as_features(Z),
        np.asarray(target, dtype=np.float64).reshape(-1),
        None if weights is None else weights[order],
        fit.fit_intercept,
        [str(name) for name in fit.feature_names],
        None,
    )
    return problem


def _ridge(problem: Problem, grid: FloatArray, errors: FloatArray, total: float) -> Model:
    best = int(np.argmin(errors))
    moments = Moments.from_arrays(
        problem.features.as_matrix(), problem.targets.column(0), problem.weights
    )
    fit = solve(moments, fit_intercept=problem.fit_intercept, alpha=float(grid[best]))
    choice = f"alpha {grid[best] / total:.2g} per row"
    return Model("ridge", choice, float(errors[best]), np.asarray(fit.coef, dtype=np.float64))


def _lasso(problem: Problem) -> Model:
    rows = CrossValidated.of_problem(
        problem, consecutive_folds(problem.features.n_samples, _N_FOLDS)
    )
    ones = np.ones(problem.n_features)
    alphas = grid_of(rows.whole, 1, 60, 1e-4, 1.0, ones, _RULES.positive)
    errors = rows.errors(alphas, 1.0, ones, _RULES).mean(axis=1)
    best = int(np.argmin(errors))
    path = traced(rows.whole, 0, alphas[[best]], 1.0, ones, _RULES)
    choice = f"alpha {alphas[best]:.2g}"
    return Model("lasso", choice, math.sqrt(float(errors[best])), path.coefs[0])


def _subset(problem: Problem) -> Model:
    found = best_subset(
        problem.features.as_matrix(),
        problem.targets.column(0),
        sample_weight=problem.weights,
        fit_intercept=problem.fit_intercept,
        criterion="kfold",
        cv=_N_FOLDS,
        feature_names=problem.feature_names,
    )
    per_sd = np.zeros(problem.n_features)
    if found.fit is not None:
        places = [problem.feature_names.index(name) for name in found.fit.feature_names]
        per_sd[places] = np.atleast_2d(found.fit.coef)[0]
    size = counted(found.best.size, "feature")
    name = "best subset" if found.method == "exact" else "stepwise subset"
    return Model(name, size, math.sqrt(found.best.cv_error), per_sd)
