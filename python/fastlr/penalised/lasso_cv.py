"""Cross-validation of lasso and elastic net: errors of all folds and penalties from one pass, where that suffices."""

from __future__ import annotations

import numpy as np

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.input.row_stream import RowStream
from fastlr.least_squares.problem import Problem
from fastlr.moments.state import State
from fastlr.penalised.arguments import DescentRules
from fastlr.penalised.folds import Fold, Folds, moments_of_folds
from fastlr.penalised.sources import OfMoments, Source, cheaper_solver, source_of
from fastlr.penalised.stream_folds import folds_of_stream
from fastlr.penalised.tracing import Traced, traced, warn_of_gaps
from fastlr.results import predict_linear

__all__ = ["CrossValidated", "Split"]


class Split:
    """One split: paths of its training rows, and their errors on its test rows."""

    def __init__(self, train: Source, test: OfMoments | Problem) -> None:
        self.train, self.test = train, test

    def mean_squares(self, path: Traced) -> FloatArray:
        """Weighted mean squared error of the test rows for every penalty (n_alphas,)."""
        if isinstance(self.test, OfMoments):
            return self.test.mean_squares(0, path.coefs, path.intercepts)
        problem = self.test
        predicted = predict_linear(
            problem.features,
            path.coefs,
            path.intercepts,
            problem.n_threads,
            names=problem.feature_names,
        )
        y = np.asarray(problem.targets.column(0), dtype=np.float64)[:, np.newaxis]
        result: FloatArray = np.average((y - predicted) ** 2, axis=0, weights=problem.weights)
        return result


class CrossValidated:
    """The rows of one target as all splits see them, and all of them together."""

    def __init__(self, splits: list[Split], whole: Source) -> None:
        self.splits, self.whole = splits, whole

    @classmethod
    def of_problem(cls, problem: Problem, folds: Folds) -> CrossValidated:
        """Rows at hand, by their moments or one by one, whichever is less work."""
        _check_weights(problem, folds)
        if cheaper_solver(problem) == "moments":
            found, whole, _ = moments_of_folds(problem, folds, with_tests=True)
            return cls(*_from_moments(found, whole, problem.fit_intercept))
        splits = [
            Split(source_of(problem.take_rows(folds.train_of(k)), "auto"), problem.take_rows(test))
            for k, test in enumerate(folds.test)
        ]
        return cls(splits, source_of(problem, "auto"))

    @classmethod
    def of_stream(cls, stream: RowStream, n_folds: int, fit_intercept: bool) -> CrossValidated:
        """Rows that come in chunks: one pass, which deals those of every chunk to the folds."""
        return cls(*_from_moments(*folds_of_stream(stream, n_folds), fit_intercept))

    def errors(
        self, alphas: FloatArray, l1_ratio: float, factors: FloatArray, rules: DescentRules
    ) -> FloatArray:
        """Mean squared errors (n_alphas, n_folds)."""
        columns = []
        for split in self.splits:
            path = traced(split.train, 0, alphas, l1_ratio, factors, rules)
            warn_of_gaps(split.train, path, alphas, rules)
            columns.append(split.mean_squares(path))
        return np.stack(columns, axis=1)


def _from_moments(
    found: list[Fold], whole: State, fit_intercept: bool
) -> tuple[list[Split], OfMoments]:
    """Build the problems of all splits, and of all rows, from moments of the folds."""
    splits = []
    for fold in found:
        assert fold.test_moments is not None  # since weights were looked at
        train = OfMoments(fold.train, fit_intercept)
        splits.append(Split(train, OfMoments(fold.test_moments, fit_intercept=True)))
    return splits, OfMoments(whole, fit_intercept)


def _check_weights(problem: Problem, folds: Folds) -> None:
    if problem.weights is None:
        return
    for k, test in enumerate(folds.test):
        if not np.any(problem.weights[test] != 0):
            raise InputError(
                f"sample_weight is zero in all test rows of split {k}, which then has no error: use fewer folds, or "
                "leave rows of weight zero out."
            )
