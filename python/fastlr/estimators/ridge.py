"""Ridge regression as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin

from fastlr.errors import InputError
from fastlr.estimators._features import check_features
from fastlr.estimators._linear import LinearEstimator
from fastlr.estimators._ridge_stored import RIDGE_FIELDS, SINGLE, check_parts, fit_as_data
from fastlr.estimators._scanned import as_scan, remember_features
from fastlr.estimators._shapes import as_constant, as_single, is_single
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice, as_flag, as_number, as_whole
from fastlr.input.penalties import as_penalties
from fastlr.input.threads import lock_of
from fastlr.least_squares.fit import fit_problem, problem_of
from fastlr.least_squares.non_negative import fit_non_negative
from fastlr.least_squares.streamed import state_and_fit
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of_state
from fastlr.moments.state import State
from fastlr.results import LinearFit
from fastlr.storage.schema import Field

__all__ = ["Ridge", "RidgePredictor", "attributes_of"]

_SOLVERS = ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs")


class RidgePredictor(LinearEstimator, MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """What fitted ridge estimators have in common: how a result is kept, in files too."""

    n_threads: int | None
    fit_: LinearFit
    moments_: Moments | None
    coef_: FloatArray
    intercept_: float | FloatArray

    @classmethod
    def stored_fields(cls) -> Mapping[str, Field]:
        """The fit, and moments of few columns."""
        return {**RIDGE_FIELDS, **SINGLE}

    def stored_values(self) -> dict[str, Any]:
        """The fit, and moments of few columns."""
        own = fit_as_data(self.fit_, self.moments_)
        return {**own, "is_single": True} if is_single(self.coef_) else own

    def restore(self, values: Mapping[str, Any]) -> None:
        """Set the attributes that all ridge estimators have, from fields that have been checked."""
        fit, moments = values["fit"], values["moments"]
        check_parts(fit, moments, vars(self)["n_features_in_"])
        single = bool(values["is_single"])
        self.__dict__.update(attributes_of(fit, moments, single=single))


def attributes_of(fit: LinearFit, moments: Moments | None, *, single: bool) -> dict[str, Any]:
    """Fitted attributes, in scikit-learn's shapes: coefficients of a single target are 1-D, whatever y was.

    ``single`` says that all features were float32, as coefficients are then, too.
    """
    coef: Any = fit.coef.copy()
    intercept = fit.intercept if fit.fit_intercept else 0.0
    if single:
        coef, rounded = as_single(coef, intercept, fit.feature_mean)
        intercept = rounded if fit.fit_intercept else 0.0
    return {
        "fit_": fit,
        "moments_": moments,
        "coef_": coef[0] if coef.shape[0] == 1 and coef.ndim == 2 else coef,
        "intercept_": as_constant(intercept),
    }


class Ridge(RidgePredictor):
    """Linear least squares with a squared penalty: scikit-learn's ``Ridge``, exact.

    Minimises ``sum w (y - intercept - X @ coef)^2 + alpha |coef|^2``; the intercept is never penalised.

    Parameters
    ----------
    alpha : float or array-like, default=1.0
        Penalty. n_targets values are one for each target, as in scikit-learn; n_features values (of another number
        than there are targets), or an array of shape (1, n_features), one for each coefficient; an array of shape
        (n_targets, n_features) both.
    fit_intercept : bool, default=True
        Whether to fit a constant.
    copy_X : bool, default=True
        Accepted for scikit-learn's sake: X is never changed, nor copied.
    max_iter : int, optional
        Accepted: nothing is iterated.
    tol : float, default=1e-4
        Accepted: solutions are exact.
    solver : {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}, default="auto"
        Accepted: all give the one minimum, found by Cholesky's factor of the moments or, with fewer rows than columns,
        of the n x n products of rows; sparse X goes with all of them. "lbfgs" needs ``positive=True``, and this "lbfgs"
        or "auto", as in scikit-learn.
    positive : bool, default=False
        Whether coefficients must not be negative.
    random_state : int, RandomState or None, default=None
        Accepted: nothing is random.
    n_threads : int, optional
        Threads to use; by default all that the process may. Results do not depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, float32 if all of X is, else float64; ``fit_.coef`` has all digits.
    intercept_ : float or ndarray of shape (n_targets,)
        The constant, float64; 0.0 if ``fit_intercept=False``. It fits the coefficients as they are rounded.
    n_iter_ : None
        Nothing is iterated.
    solver_ : str
        The ``solver`` that was asked for by name, as in scikit-learn. With "auto" how it was solved: as in `LinearFit`,
        or "non_negative". ``fit_.solver`` says that in any case.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had names that are all strings.
    fit_ : LinearFit
        The whole result.
    moments_ : Moments or None
        What was learned from the rows; None with fewer rows than columns, of which no moments are needed, and from
        files, which keep those of up to 32 columns.

    Notes
    -----
    ``RankWarning`` and ``ConditionWarning`` as in `fastlr.ols`. A fit that fails leaves the estimator as it was.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Ridge
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> Ridge(alpha=5.0).fit(X, [3.0, 5.0, 7.0, 9.0]).coef_
    array([1.])
    """

    solver_: str
    n_iter_: int | None

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
        n_threads: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state
        self.n_threads = n_threads

    def fit(self, X: object, y: object = None, sample_weight: object = None) -> Ridge:
        """Fit to these rows.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features), or Scan
            Features; or what `fastlr.scan` gave, which knows y and the weights.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), optional
            Targets; needed unless X is a scan.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights, or one number for all rows: precisions, as in `fastlr.ols`. alpha is measured against
            their sum, as in scikit-learn.

        Returns
        -------
        Ridge
            This estimator.
        """
        is_positive = self._check_options()
        stream = as_scan(X, y, sample_weight)
        if stream is not None:
            sizes = len(stream.feature_names), len(stream.target_names)
            alpha = as_penalties(self.alpha, *sizes, targets_first=True)
            found, fit = state_and_fit(
                stream, self.fit_intercept, alpha, "auto", None, positive=is_positive
            )
            with lock_of(self):
                remember_features(self, stream)
                self.__dict__.update(
                    attributes_of(fit, moments_of_state(found), single=False),
                    solver_=self._solver_of(fit),
                    n_iter_=None,
                )
            return self
        problem, is_vector = problem_of(
            X, y, sample_weight, self.fit_intercept, None, self.n_threads
        )
        alpha = as_penalties(
            self.alpha, problem.n_features, problem.targets.n_columns, targets_first=True
        )
        state: State | None
        if is_positive:
            state, fit = fit_non_negative(problem, is_vector, alpha)
        else:
            state, fit = fit_problem(problem, is_vector, "auto", None, alpha)
        moments = None if state is None else moments_of_state(state)
        with lock_of(self):
            check_features(self, X, problem.features, reset=True)
            self.__dict__.update(
                attributes_of(fit, moments, single=problem.features.all_float32),
                solver_=self._solver_of(fit),
                n_iter_=None,
            )
        return self

    def _solver_of(self, fit: LinearFit) -> str:
        return fit.solver if self.solver == "auto" else self.solver

    def restore(self, values: Mapping[str, Any]) -> None:
        """Set every attribute of a fitted estimator."""
        super().restore(values)
        self.__dict__.update(solver_=self._solver_of(self.fit_), n_iter_=None)

    def _check_options(self) -> bool:
        """Whether coefficients must not be negative, once all options are known to have a meaning."""
        solver = as_choice(self.solver, _SOLVERS, "solver")
        is_positive = as_flag(self.positive, "positive")
        as_flag(self.copy_X, "copy_X")
        if self.max_iter is not None:
            as_whole(self.max_iter, "max_iter")
        if not as_number(self.tol, "tol", "a number >= 0") >= 0.0:
            raise InputError(f"tol={self.tol!r} is negative: pass a number >= 0.")
        if solver == "lbfgs" and not is_positive:
            raise InputError(
                "'lbfgs' solver can be used only when positive=True: pass solver=\"auto\", or positive=True."
            )
        if is_positive and solver not in ("auto", "lbfgs"):
            raise InputError(
                f"solver='{solver}' does not support positive fitting: set the solver to 'auto' or 'lbfgs', or set "
                "positive=False."
            )
        return is_positive
