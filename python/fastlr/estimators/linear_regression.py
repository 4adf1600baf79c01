"""Ordinary least squares as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from fastlr.estimators._features import check_features
from fastlr.input.arguments import as_features, as_targets
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.names import check_same_targets
from fastlr.input.sparse import SparseColumns
from fastlr.input.threads import lock_of
from fastlr.least_squares.fit import fit_problem, problem_of, solve_moments
from fastlr.least_squares.problem import Problem
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of, moments_of_state
from fastlr.results import LinearFit, Status, predict_linear

__all__ = ["LinearRegression"]


class LinearRegression(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ordinary least squares, with scikit-learn's names and an exact ``partial_fit``.

    Minimises ``sum w (y - intercept - X @ coef)^2``.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether to fit a constant.
    accuracy : {"auto", "fast", "max"}, default="auto"
        How many digits are wanted: see `fastlr.ols`. ``partial_fit``, which cannot read earlier rows again, solves
        the normal equations whatever it says; of ``rank``, all rules hold there too.
    rank : {None, "min_norm", "basic", "full", "raise"}, default=None
        What to do if columns depend on one another: see `fastlr.ols`. None is "min_norm" with a RankWarning.
    n_threads : int, optional
        Threads to use; by default all that the process may. Results do not depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients; 1-D if y was. Always float64: rounded to float32, they would not fit their intercept any more.
    intercept_ : float or ndarray of shape (n_targets,)
        The constant; 0.0 if ``fit_intercept=False``.
    rank_ : int
        Rank of the (centred) features.
    solver_, digits_, condition_number_, passes_, status_
        How the fit went: as in `LinearFit`.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had names that are all strings.
    fit_ : LinearFit
        The whole result: errors, likelihood, condition number, ranking of weights, summary.
    moments_ : Moments
        What was learned from the rows; ``partial_fit`` adds to it.

    Notes
    -----
    ``fit`` starts anew; ``partial_fit`` adds rows to those of the last ``fit`` or ``partial_fit`` and ends with the
    coefficients that one ``fit`` of all the rows would give (up to rounding); threads may call it on the same
    estimator at the same time. A call that fails leaves the estimator as it was. Features that had names keep them:
    later frames are checked against them, rows without names are taken by position, with scikit-learn's warning. A
    target keeps its first name. Cost and method: see `fastlr.ols`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import LinearRegression
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> y = np.array([3.0, 5.0, 7.0, 9.0])
    >>> model = LinearRegression().partial_fit(X[:2], y[:2]).partial_fit(X[2:], y[2:])
    >>> model.predict([[10.0]]).round(9)
    array([21.])
    """

    _moments: Moments | None
    _rows: Any  # copies of few rows, of which no moments were needed yet
    fit_: LinearFit
    coef_: FloatArray
    intercept_: float | FloatArray
    rank_: int
    solver_: str
    digits_: float
    condition_number_: float
    passes_: int
    status_: Status

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        accuracy: str = "auto",
        rank: str | None = None,
        n_threads: int | None = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.accuracy = accuracy
        self.rank = rank
        self.n_threads = n_threads

    def __sklearn_tags__(self) -> Any:
        """Say that X may be sparse."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: object, y: object, sample_weight: object = None) -> LinearRegression:
        """Fit to these rows, forgetting earlier ones.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights, or one number for all rows: precisions, as in `fastlr.ols`.

        Returns
        -------
        LinearRegression
            This estimator.
        """
        table, is_vector = problem_of(X, y, sample_weight, self.fit_intercept, None, self.n_threads)
        state, fit = fit_problem(table, is_vector, self.accuracy, self.rank)
        moments = None if state is None else moments_of_state(state)
        rows = None if state is not None else _copied(table)
        with lock_of(self):
            check_features(self, X, table.features, reset=True)
            self._accept(moments, rows, fit)
        return self

    def partial_fit(self, X: object, y: object, sample_weight: object = None) -> LinearRegression:
        """Add rows to those already fitted: exactly the fit of all of them together.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`; the same features and targets as before.

        Returns
        -------
        LinearRegression
            This estimator.
        """
        with lock_of(self):
            if not hasattr(self, "fit_"):
                return self.fit(X, y, sample_weight)
        features = as_features(X)
        check_features(self, X, features, reset=False)
        targets = as_targets(y, features.n_samples, index=features.index)
        check_same_targets(targets, self.moments_.target_names, owner="this estimator")
        more, is_vector = moments_of(
            features,
            targets,
            sample_weight,
            self.fit_.feature_names,
            self.fit_.target_names,
            self.n_threads,
        )
        with lock_of(
            self
        ):  # adding, solving and accepting in one step: no other thread's rows get lost
            moments = self.moments_ + more
            is_vector = is_vector and self.coef_.ndim == 1
            fit = solve_moments(moments, self.fit_intercept, 0.0, is_vector, self.rank)
            self._accept(moments, None, fit)
        return self

    def _accept(self, moments: Moments | None, rows: Any, fit: LinearFit) -> None:
        """Set every attribute, in one step, once nothing can fail any more: a failed fit changes nothing."""
        self.__dict__.update(
            _moments=moments,
            _rows=rows,
            fit_=fit,
            coef_=fit.coef.copy(),
            intercept_=fit.intercept,
            rank_=fit.rank,
            solver_=fit.solver,
            digits_=fit.digits,
            condition_number_=fit.condition_number,
            passes_=fit.passes,
            status_=fit.status,
        )

    @property
    def moments_(self) -> Moments:
        """What was learned from the rows; ``partial_fit`` adds to it."""
        if "_moments" not in self.__dict__:
            raise AttributeError("moments_ are there after fit or partial_fit")
        with lock_of(self):
            if self._moments is None:  # fewer rows than columns were kept instead
                X, y, sample_weight = self._rows
                fit = self.fit_
                self._moments, _ = moments_of(
                    X, y, sample_weight, fit.feature_names, fit.target_names, self.n_threads
                )
                self._rows = None
            return self._moments

    def predict(self, X: object) -> npt.NDArray[Any]:
        """Predict targets: ``X @ coef_.T + intercept_``.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            float32 if all of X is, else float64.
        """
        check_is_fitted(self)
        features = as_features(X)
        check_features(self, X, features, reset=False)
        fitted = self.__dict__.copy()  # one step: coefficients and intercept belong together
        return predict_linear(
            features,
            fitted["coef_"],
            fitted["intercept_"],
            self.n_threads,
            names=fitted["fit_"].feature_names,
        )


def _copied(table: Problem) -> tuple[Any, ...]:
    """Rows fewer than columns, kept as they are smaller than their moments: for a ``partial_fit`` that may follow."""

    def copy(columns: Columns) -> Any:
        if isinstance(columns, SparseColumns):
            return columns.copied()
        if columns.is_vector:
            return columns.column(0).copy()
        return np.array(columns.as_matrix())

    weights = None if table.weights is None else table.weights.copy()
    return copy(table.features), copy(table.targets), weights
