"""Ordinary least squares as a scikit-learn estimator."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LinearRegression as SklearnRegression

from fastlr.errors import InputError
from fastlr.estimators._features import check_features
from fastlr.estimators._linear import LinearEstimator
from fastlr.estimators._ridge_stored import MOST_KEPT, RIDGE_FIELDS, check_parts
from fastlr.estimators._scanned import as_scan, remember_features
from fastlr.estimators._shapes import as_constant
from fastlr.input.arguments import as_features, as_targets
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.names import check_same_targets
from fastlr.input.options import as_flag, as_number
from fastlr.input.sparse import SparseColumns, is_sparse
from fastlr.input.threads import interruptible, lock_of, threads_of_jobs
from fastlr.least_squares.fit import fit_problem, problem_of
from fastlr.least_squares.from_moments import solve_moments
from fastlr.least_squares.non_negative import fit_non_negative, solve_non_negative_moments
from fastlr.least_squares.problem import Problem
from fastlr.least_squares.streamed import state_and_fit
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of, moments_of_state
from fastlr.moments.state import State
from fastlr.results import LinearFit, Status
from fastlr.storage.schema import Field

__all__ = ["LinearRegression"]

_FORGOTTEN = (
    f"this model comes from a file or a pickle, which has no rows and no moments of more than {MOST_KEPT} columns. "
    "Call fit with all rows, or keep moments_.to_bytes() beside the file."
)


class LinearRegression(LinearEstimator, SklearnRegression):  # type: ignore[misc]
    """Ordinary least squares, with scikit-learn's names and an exact ``partial_fit``.

    Minimises ``sum w (y - intercept - X @ coef)^2``.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether to fit a constant.
    copy_X : bool, default=True
        Without meaning here, where X is never changed; scikit-learn's name.
    tol : float, default=1e-6
        Without meaning here: which columns depend on one another is decided by the rounding errors of the data, and
        the solution is not iterative to a tolerance. scikit-learn's name.
    n_jobs : int, optional
        Threads to use, counted as joblib does: -1 for all that the process may, -2 for all but one. None leaves it to
        ``n_threads``.
    positive : bool, default=False
        Fit coefficients of which none is negative, from the moments of one pass, without standard errors; the constant
        is free.
    accuracy : {"auto", "fast", "max"}, default="auto"
        How many digits are wanted: see `fastlr.ols`. ``partial_fit``, which cannot read earlier rows again, solves
        the normal equations whatever it says; of ``rank``, all rules hold there too.
    rank : {None, "min_norm", "basic", "full", "raise"}, default=None
        What to do if columns depend on one another: see `fastlr.ols`. None is "min_norm" with a RankWarning.
    n_threads : int, optional
        Threads to use; by default ``n_jobs``, or all that the process may. Results do not depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients; 1-D if y was. Always float64: rounded to float32, they would not fit their intercept any more.
    intercept_ : float or ndarray of shape (n_targets,)
        The constant; the number 0.0 if ``fit_intercept=False``, for several targets as well.
    rank_ : int
        Rank of the (centred) features.
    singular_ : ndarray of shape (min(n_samples, n_features),)
        Singular values of the (centred, weighted) features, computed when first asked for. With as many rows as columns
        or more they are roots of eigenvalues of the moments: those below 1e-8 of the largest are rounding errors.
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

    Files and pickles hold no rows. Files that ``save`` writes keep moments of up to 32 columns; pickles keep them
    whatever their size, but those of fits of fewer rows than columns, which have rows instead of moments, up to 32 as
    well. A model that comes back without moments predicts, and ``partial_fit`` says that it cannot go on.

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

    _parameter_constraints: ClassVar[
        dict[str, Any]
    ] = {}  # `fit` has checks, and messages, of its own
    _moments: Moments | None
    _rows: Any  # copies of few rows, of which no moments were needed yet
    fit_: LinearFit
    coef_: FloatArray
    intercept_: float | FloatArray
    rank_: int
    solver_: str
    digits_: float
    passes_: int

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
        accuracy: str = "auto",
        rank: str | None = None,
        n_threads: int | None = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive
        self.accuracy = accuracy
        self.rank = rank
        self.n_threads = n_threads

    def fit(self, X: object, y: object = None, sample_weight: object = None) -> LinearRegression:
        """Fit to these rows, forgetting earlier ones.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features), or Scan
            Features; or what `fastlr.scan` gave, which knows y and the weights.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), optional
            Targets; needed unless X is a scan.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights, or one number for all rows: precisions, as in `fastlr.ols`.

        Returns
        -------
        LinearRegression
            This estimator.
        """
        is_positive = self._check_parameters()
        stream = None if type(X) is np.ndarray else as_scan(X, y, sample_weight)
        if stream is not None:
            found, fit = state_and_fit(
                stream, self.fit_intercept, 0.0, self.accuracy, self.rank, positive=is_positive
            )
            with lock_of(self):
                remember_features(self, stream)
                self._accept(moments_of_state(found), None, fit)
            return self
        table, is_vector = problem_of(X, y, sample_weight, self.fit_intercept, None, self._threads)
        state: State | None
        if is_positive:
            state, fit = fit_non_negative(table, is_vector)
        else:
            state, fit = fit_problem(table, is_vector, self.accuracy, self.rank)
        moments = None if state is None else moments_of_state(state)
        rows = None if state is not None else _rows_of(table)
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
        is_positive = self._check_parameters()
        if self._is_forgetful:
            raise InputError(f"partial_fit cannot go on: {_FORGOTTEN}")
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
            self._threads,
        )
        with lock_of(
            self
        ):  # adding, solving and accepting in one step: no other thread's rows get lost
            moments = self.moments_ + more
            is_vector = is_vector and self.coef_.ndim == 1
            if is_positive:
                flag = as_flag(self.fit_intercept, "fit_intercept")
                fit = solve_non_negative_moments(moments, flag, is_vector)
            else:
                fit = solve_moments(moments, self.fit_intercept, 0.0, is_vector, self.rank)
            self._accept(moments, None, fit)
        return self

    def _accept(self, moments: Moments | None, rows: Any, fit: LinearFit) -> None:
        """Set every attribute, in one step, once nothing can fail any more: a failed fit changes nothing."""
        self.__dict__.pop("_singular", None)
        self.__dict__.update(
            _moments=moments,
            _rows=rows,
            fit_=fit,
            coef_=fit.coef.copy(),
            intercept_=as_constant(fit.intercept if fit.fit_intercept else 0.0),
            rank_=fit.rank,
            solver_=fit.solver,
            digits_=fit.digits,
            passes_=fit.passes,
        )

    @property
    def condition_number_(self) -> float:
        """The condition number of the features, as `LinearFit` tells it; computed when it is asked for."""
        return self._fit_for("condition_number_ is").condition_number

    @property
    def status_(self) -> Status:
        """A sentence on how the fit went, as of `LinearFit`."""
        return self._fit_for("status_ is").status

    def _fit_for(self, what: str) -> LinearFit:
        fit: LinearFit | None = self.__dict__.get("fit_")
        if fit is None:
            raise AttributeError(f"{what} there after fit or partial_fit")
        return fit

    @property
    def moments_(self) -> Moments:
        """What was learned from the rows; ``partial_fit`` adds to it."""
        if "_moments" not in self.__dict__:
            raise AttributeError("moments_ are there after fit or partial_fit")
        with lock_of(self):
            if self._is_forgetful:
                raise AttributeError(f"moments_ are not there: {_FORGOTTEN}")
            if self._moments is None:  # fewer rows than columns were kept instead
                X, y, sample_weight = self._rows
                fit = self.fit_
                self._moments, _ = moments_of(
                    X, y, sample_weight, fit.feature_names, fit.target_names, self._threads
                )
                self._rows = None
            return self._moments

    @property
    def singular_(self) -> FloatArray:
        """Singular values of the (centred, weighted) features, falling; to half the digits if there are many rows."""
        if "_singular" not in self.__dict__:
            if "_moments" not in self.__dict__:
                raise AttributeError("singular_ is there after fit or partial_fit")
            with lock_of(self):
                self.__dict__["_singular"] = (
                    _singular_of_moments(self.moments_, self.fit_)
                    if self._rows is None
                    else _singular_of_rows(self._rows[0], self._rows[2], self.fit_.fit_intercept)
                )
        singular: FloatArray = self.__dict__["_singular"]
        return singular

    @property
    def _threads(self) -> int | None:
        return threads_of_jobs(self.n_threads, self.n_jobs)

    @property
    def _is_forgetful(self) -> bool:
        """Whether neither moments nor rows came along with a file or pickle."""
        with lock_of(self):  # rows become moments in two steps
            return self._moments is None and self._rows is None

    def _check_parameters(self) -> bool:
        """Check what scikit-learn's names say, also where nothing depends on it; whether ``positive`` is asked for."""
        if self.copy_X is not True:
            as_flag(self.copy_X, "copy_X")
        tol = self.tol if type(self.tol) is float else as_number(self.tol, "tol", "one from 0 on")
        if not tol >= 0.0:
            raise InputError(f"tol={self.tol!r} is negative: pass a number from 0 on.")
        return self.positive is not False and as_flag(self.positive, "positive")

    @classmethod
    def stored_fields(cls) -> Mapping[str, Field]:
        """The fit, and moments of few columns."""
        return RIDGE_FIELDS

    def stored_values(self) -> dict[str, Any]:
        """The fit, and moments of few columns."""
        moments = self._small_moments()
        return {
            "fit": self.fit_.to_dict(),
            "moments": None if moments is None else moments.to_document(),
        }

    def restore(self, values: Mapping[str, Any]) -> None:
        """Set every attribute from a fit and, if they were kept, moments."""
        fit, moments = values["fit"], values["moments"]
        check_parts(fit, moments, self.n_features_in_)
        self._accept(moments, None, fit)

    def _small_moments(self) -> Moments | None:
        """Moments, if they are known or can be, of few columns."""
        if self.fit_.n_features + self.fit_.n_targets > MOST_KEPT or self._is_forgetful:
            return None
        return self.moments_

    def __getstate__(self) -> dict[str, Any]:
        """Give every attribute, for pickles, but no rows: those of wide fits become moments, or are left out."""
        with lock_of(self):
            if vars(self).get("_rows") is None:
                return super().__getstate__()
            return {**vars(self), "_moments": self._small_moments(), "_rows": None}

    def __copy__(self) -> LinearRegression:
        """Copy with everything, rows as well, unlike a pickle."""
        return self._copied(lambda state: state)

    def __deepcopy__(self, memo: dict[int, Any]) -> LinearRegression:
        """Copy with everything, rows as well, unlike a pickle."""
        return self._copied(lambda state: copy.deepcopy(state, memo))

    def _copied(self, copied: Any) -> LinearRegression:
        other = object.__new__(type(self))
        with lock_of(self):
            state = vars(self).copy()
        state.pop("_lock", None)
        other.__dict__.update(copied(state))
        return other


def _rows_of(table: Problem) -> tuple[Any, ...]:
    """Rows fewer than columns, kept as they are smaller than their moments: for a ``partial_fit`` that may follow."""

    def copy(columns: Columns) -> Any:
        if isinstance(columns, SparseColumns):
            return columns.copied()
        if columns.is_vector:
            return columns.column(0).copy()
        return np.array(columns.as_matrix())

    weights = None if table.weights is None else table.weights.copy()
    return copy(table.features), copy(table.targets), weights


def _singular_of_moments(moments: Moments, fit: LinearFit) -> FloatArray:
    p = moments.n_features
    products = moments.cross_products[:p, :p]
    if not fit.fit_intercept:
        mean = moments.mean[:p]
        products += moments.total_weight * np.outer(mean, mean)
    eigenvalues = interruptible(np.linalg.eigvalsh, products)[::-1][: min(fit.n_samples, p)]
    return np.asarray(np.sqrt(np.maximum(eigenvalues, 0.0)))


def _singular_of_rows(X: Any, weights: npt.NDArray[Any] | None, fit_intercept: bool) -> FloatArray:
    rows = np.asarray(X.toarray() if is_sparse(X) else X, dtype=np.float64)
    if fit_intercept:
        rows = rows - np.average(rows, axis=0, weights=weights)
    if weights is not None:
        rows = rows * np.sqrt(weights)[:, np.newaxis]
    return np.asarray(interruptible(np.linalg.svd, rows, compute_uv=False))
