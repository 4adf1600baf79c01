"""Robust linear regression as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin

from fastlr.errors import ConditionWarning, ConvergenceWarning, InputError, RankWarning, user_level
from fastlr.estimators._features import check_features
from fastlr.estimators._linear import LinearEstimator
from fastlr.estimators._sgd_rows import as_vector
from fastlr.input.arguments import as_features
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_alpha, as_flag, as_number, as_whole
from fastlr.input.threads import lock_of
from fastlr.least_squares.fit import problem_of
from fastlr.least_squares.huber import HuberFit, fit_huber
from fastlr.storage.schema import Count, Field, Numbers

__all__ = ["HuberRegressor"]

_FIELDS: Mapping[str, Field] = {
    "coef": Numbers("p", must_be_finite=True),
    "intercept": Numbers("", must_be_finite=True),
    "scale": Numbers("", at_least=0.0, must_be_finite=True),
    "n_iter": Count(0),
}


_FAR = 1e9  # distances of the farthest target


class HuberRegressor(LinearEstimator, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Linear regression that outliers in y do not decide: scikit-learn's ``HuberRegressor``.

    Minimises ``sum w (s + s H(r / s)) + alpha |coef|^2`` over the coefficients, the constant and the scale s, with
    residuals r and H a square up to epsilon and a line beyond.

    Parameters
    ----------
    epsilon : float, default=1.35
        Beyond so many scales a residual counts by its size instead of its square: from 1, the most robust, on.
    max_iter : int, default=100
        Most steps of Newton's method; three to ten are usual.
    alpha : float, default=0.0001
        Penalty of the squares of the coefficients.
    warm_start : bool, default=False
        Start from the coefficients of the last ``fit``.
    fit_intercept : bool, default=True
        Whether to fit a constant, which is not penalised.
    tol : float, default=1e-5
        The steps end when the next one would lower the objective by less than ``tol**2 / 1000`` of itself.
        (scikit-learn's is a bound on the gradient.)
    n_threads : int, optional
        Threads to use; by default all that the process may. Results do not depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients.
    intercept_ : float
        The constant; 0.0 if ``fit_intercept=False``.
    scale_ : float
        The scale s of the errors.
    outliers_ : ndarray of shape (n_samples,)
        Which rows have residuals beyond ``epsilon * scale_``. Files do not keep it.
    n_iter_ : int
        Steps that were taken.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had names that are all strings.

    Notes
    -----
    With the best scale for its residuals put in, the objective is a convex function of the coefficients. Each step of
    Newton's method is a pass over the rows for weighted moments and two for residuals, and the best place along it is
    looked for. Where no scale is best, as with ``epsilon=1`` or with fewer rows than columns, the scale goes to zero
    by and by, which takes more steps. A call that fails leaves the estimator as it was.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import HuberRegressor
    >>> X = np.arange(10.0)[:, np.newaxis]
    >>> y = 2.0 * X.ravel() + 1.0 + 0.1 * np.sin(7.0 * X.ravel())
    >>> y[9] = 100.0
    >>> model = HuberRegressor().fit(X, y)
    >>> print(model.coef_.round(2), model.outliers_.nonzero()[0])
    [1.99] [9]
    """

    coef_: FloatArray
    intercept_: float
    scale_: float
    outliers_: npt.NDArray[np.bool_]
    n_iter_: int

    def __init__(
        self,
        *,
        epsilon: float = 1.35,
        max_iter: int = 100,
        alpha: float = 0.0001,
        warm_start: bool = False,
        fit_intercept: bool = True,
        tol: float = 1e-05,
        n_threads: int | None = None,
    ) -> None:
        self.epsilon = epsilon
        self.max_iter = max_iter
        self.alpha = alpha
        self.warm_start = warm_start
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.n_threads = n_threads

    def fit(self, X: object, y: object, sample_weight: object = None) -> HuberRegressor:
        """Fit to these rows.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Target values.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights; a row of weight two counts as two rows.

        Returns
        -------
        HuberRegressor
            This estimator.
        """
        epsilon = as_number(self.epsilon, "epsilon", "a finite number >= 1")
        if not 1.0 <= epsilon < np.inf:
            raise InputError(f"epsilon={self.epsilon!r} is not a finite number >= 1: pass 1.35.")
        tol = as_number(self.tol, "tol", "a finite number >= 0")
        if not 0.0 <= tol < np.inf:
            raise InputError(f"tol={self.tol!r} is not a finite number >= 0: pass 1e-5.")
        alpha, max_iter = as_alpha(self.alpha), as_whole(self.max_iter, "max_iter", least=0)
        is_warm = as_flag(self.warm_start, "warm_start")
        features = as_features(X)
        target = as_vector(y, features)
        problem, _ = problem_of(
            features, target, sample_weight, self.fit_intercept, None, self.n_threads
        )
        start = None
        if is_warm and hasattr(self, "coef_"):
            if len(self.coef_) != problem.n_features:
                raise InputError(
                    f"X has {problem.n_features} features, but warm_start goes on with {len(self.coef_)}: pass the "
                    "same ones, or warm_start=False."
                )
            start = self.coef_, float(self.intercept_)
        found = fit_huber(problem, epsilon, alpha, tol, max_iter, start)
        with lock_of(self):
            check_features(self, X, features, reset=True)
            self.__dict__.update(
                coef_=found.coef.copy(),
                intercept_=np.float64(found.intercept),
                scale_=found.scale,
                outliers_=found.outliers,
                n_iter_=found.n_iter,
            )
        self._warn(found, alpha)
        return self

    def _warn(self, found: HuberFit, alpha: float) -> None:
        if not found.is_at_minimum:
            warnings.warn(
                f"Stopped after max_iter={self.max_iter} steps, when the next one would still lower the objective by "
                f"{found.remaining:.2g} of itself. Increase max_iter, or tol={self.tol!r}.",
                ConvergenceWarning,
                stacklevel=user_level(),
            )
        if found.reach > _FAR:
            warnings.warn(
                f"A target lies {found.reach:.2g} times as far from the median of y as half of the others do: its part "
                "of the objective hides theirs behind rounding errors, and coefficients may be right to few digits. "
                "Drop such rows, or replace their y by one that is nearer.",
                ConditionWarning,
                stacklevel=user_level(),
            )
        if found.rank < len(found.coef) and alpha == 0.0:
            warnings.warn(
                f"The features have rank {found.rank} of {len(found.coef)}: infinitely many coefficients fit equally "
                "well, and one of them was taken. Drop columns, or pass alpha > 0.",
                RankWarning,
                stacklevel=user_level(),
            )

    @classmethod
    def stored_fields(cls) -> Mapping[str, Field]:
        """Coefficients, the constant, the scale, and the passes."""
        return _FIELDS

    def stored_values(self) -> dict[str, Any]:
        """Coefficients, the constant, the scale, and the passes."""
        return {
            "coef": self.coef_.tolist(),
            "intercept": float(self.intercept_),
            "scale": self.scale_,
            "n_iter": self.n_iter_,
        }

    def restore(self, values: Mapping[str, Any]) -> None:
        """Set every attribute of a fitted estimator but ``outliers_``, which is of its rows."""
        self.__dict__.update(
            coef_=values["coef"],
            intercept_=np.float64(values["intercept"]),
            scale_=float(values["scale"]),
            n_iter_=int(values["n_iter"]),
        )
