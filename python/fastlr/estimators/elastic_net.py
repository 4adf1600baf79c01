"""Lasso and elastic net as scikit-learn estimators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from fastlr.errors import InputError
from fastlr.estimators._features import check_features
from fastlr.estimators._linear import LinearEstimator
from fastlr.estimators._net_precompute import check_precompute
from fastlr.estimators._net_stored import NET_FIELDS, net_as_data, net_of
from fastlr.estimators._scanned import as_scan, check_no_products, remember_features
from fastlr.estimators._shapes import as_constant, as_single
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_alpha, as_choice, as_flag, as_whole
from fastlr.input.threads import lock_of
from fastlr.least_squares.fit import problem_of
from fastlr.moments.streamed import state_of_stream
from fastlr.penalised.arguments import DescentRules, as_share, as_tolerance
from fastlr.penalised.lasso import enet_path
from fastlr.penalised.sources import OfMoments, Source, source_of
from fastlr.penalised.tracing import traced, warn_of_gaps
from fastlr.storage.schema import Field

__all__ = ["ElasticNet", "Lasso", "SparseCoefficients", "descent_rules"]


class SparseCoefficients(LinearEstimator, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """What fitted lassos and elastic nets have in common: coefficients of which many are zero."""

    coef_: FloatArray
    intercept_: float | FloatArray

    @property
    def sparse_coef_(self) -> Any:
        """The coefficients as a sparse array of shape (n_targets, n_features)."""
        check_is_fitted(self)
        return sparse.csr_array(np.atleast_2d(self.coef_))

    @classmethod
    def stored_fields(cls) -> Mapping[str, Field]:
        """The coefficients, and how they were found."""
        return NET_FIELDS

    def stored_values(self) -> dict[str, Any]:
        """The coefficients, and how they were found."""
        return {"net": net_as_data(vars(self))}

    def restore(self, values: Mapping[str, Any]) -> None:
        """Set every attribute of a fitted estimator."""
        self.__dict__.update(net_of(values["net"], vars(self)["n_features_in_"]))


class ElasticNet(MultiOutputMixin, SparseCoefficients):  # type: ignore[misc]
    """Linear regression with absolute values and squares of the coefficients as penalty, as scikit-learn's.

    Minimises ``1/(2 W) sum w (y - intercept - X @ coef)^2 + alpha l1_ratio |coef|_1
    + alpha (1 - l1_ratio) / 2 |coef|^2`` with W the sum of the weights; several targets each on its own.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty; 0 is least squares, which is solved without a descent.
    l1_ratio : float, default=0.5
        Share of the absolute values in the penalty.
    fit_intercept : bool, default=True
        Whether to fit a constant, which is not penalised.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        Accepted for scikit-learn's sake: cross-products are always computed, and never taken over. Some elements of a
        matrix are compared with those of X, as there.
    max_iter : int, default=1000
        Most sweeps over the coefficients.
    copy_X : bool, default=True
        Accepted for scikit-learn's sake: X is never changed, nor copied.
    tol : float, default=1e-4
        Largest duality gap, as a share of the target's variance, and largest move of a coefficient in the last sweep,
        as a share of the largest coefficient.
    warm_start : bool, default=False
        Start from the coefficients of the last ``fit``.
    positive : bool, default=False
        Only coefficients that are not negative.
    random_state : int, RandomState instance or None, default=None
        Seed of ``selection="random"``.
    selection : {"cyclic", "random"}, default="cyclic"
        Order of the coefficients in a sweep.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, float32 if all of X is, else float64.
    sparse_coef_ : sparse array of shape (n_targets, n_features)
        The same without their zeros.
    intercept_ : float or ndarray of shape (n_targets,)
        The constant, float64; 0.0 if ``fit_intercept=False``. It fits the coefficients as they are rounded.
    n_iter_ : int or list of int
        Sweeps that were taken, for each target.
    dual_gap_ : float or ndarray of shape (n_targets,)
        How far the objective lies above its minimum, at most.
    solver_ : str
        "moments" or "rows": see `fastlr.lasso_path`.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had names that are all strings.

    Notes
    -----
    Method: see `fastlr.lasso_path`. A call that fails leaves the estimator as it was.

    Examples
    --------
    >>> from fastlr import ElasticNet
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 2.0, 4.0, 6.0]
    >>> ElasticNet(alpha=1.25, l1_ratio=0.0, tol=1e-12).fit(X, y).coef_.round(6)
    array([1.])
    """

    __metadata_request__fit: ClassVar[dict[str, str]] = {"check_input": UNUSED}

    path = staticmethod(enet_path)

    n_iter_: int | list[int]
    dual_gap_: float | FloatArray
    solver_: str

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: object = False,
        max_iter: int | None = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: object = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def fit(
        self,
        X: object,
        y: object = None,
        sample_weight: object = None,
        check_input: bool = True,
    ) -> ElasticNet:
        """Fit to these rows.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features), or Scan
            Features; or what `fastlr.scan` gave, which knows y and the weights.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), optional
            Targets; needed unless X is a scan.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights; their scale does not matter.
        check_input : bool, default=True
            Accepted for scikit-learn's sake: input is always checked.

        Returns
        -------
        ElasticNet
            This estimator.
        """
        alpha, ratio = as_alpha(self.alpha), as_share(self.l1_ratio)
        rules = descent_rules(self)
        is_warm = as_flag(self.warm_start, "warm_start")
        flag = as_flag(self.fit_intercept, "fit_intercept")
        stream = as_scan(X, y, sample_weight)
        if stream is not None:
            check_no_products(self.precompute)
            p, t, is_vector = (
                len(stream.feature_names),
                len(stream.target_names),
                stream.is_vector,
            )
            features = None
        else:
            problem, is_vector = problem_of(X, y, sample_weight, flag, None, None)
            p, t, features = problem.n_features, problem.targets.n_columns, problem.features
        starts: list[FloatArray | None] = [None] * t
        if is_warm and hasattr(self, "coef_"):
            before = np.atleast_2d(self.coef_)
            if before.shape != (t, p):
                raise InputError(
                    f"warm_start=True continues from coefficients of shape {before.shape}, but these rows need "
                    f"({t}, {p}): pass the same features and targets, or warm_start=False."
                )
            starts = list(before)
        if stream is not None:
            source: Source = OfMoments(state_of_stream(stream), flag)
        else:
            source = source_of(problem, "auto", needs_all=alpha == 0.0)
            check_precompute(self.precompute, problem, source.column_means[:p])
        grid, ones = np.array([alpha]), np.ones(p)
        paths = [traced(source, k, grid, ratio, ones, rules, starts[k]) for k in range(t)]
        for path in paths:
            warn_of_gaps(source, path, grid, rules)
        coef = np.array([path.coefs[0] for path in paths])
        intercept: Any = np.array([path.intercepts[0] for path in paths]) * flag
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            raise InputError(
                "coefficients leave the range of float64: bring columns of X and y nearer to 1."
            )
        if features is not None and features.all_float32:
            coef, intercept = as_single(coef, intercept, source.column_means[:p])
        gaps = np.array([path.gaps[0] for path in paths])
        n_iter = [int(path.n_iter[0]) for path in paths]
        with lock_of(self):
            if stream is not None:
                remember_features(self, stream)
            elif features is not None:
                check_features(self, X, features, reset=True)
            self.__dict__.update(
                coef_=coef[0] if t == 1 else coef,
                intercept_=as_constant(float(intercept[0])) if is_vector or not flag else intercept,
                dual_gap_=float(gaps[0]) if t == 1 else gaps,
                n_iter_=n_iter[0] if t == 1 else n_iter,
                solver_=source.solver,
            )
        return self


class Lasso(ElasticNet):
    """Linear regression with absolute values of the coefficients as penalty, as scikit-learn's.

    Minimises ``1/(2 W) sum w (y - intercept - X @ coef)^2 + alpha |coef|_1`` with W the sum of the weights; several
    targets each on its own.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty; 0 is least squares, which is solved without a descent.
    fit_intercept, precompute, copy_X, max_iter, tol, warm_start, positive, random_state, selection
        As those of `ElasticNet`, which has the attributes as well.

    Examples
    --------
    >>> from fastlr import Lasso
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 2.0, 4.0, 6.0]
    >>> model = Lasso(alpha=1.25, tol=1e-12).fit(X, y)
    >>> print(model.coef_.round(6), model.intercept_.round(6))
    [1.] 1.5
    """

    l1_ratio: float

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: object = False,
        copy_X: bool = True,
        max_iter: int | None = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: object = None,
        selection: str = "cyclic",
    ) -> None:
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
        )


def descent_rules(model: Any) -> DescentRules:
    """Check what an estimator says of the descent; a seed is drawn if the order is random."""
    order = as_choice(model.selection, ("cyclic", "random"), "selection")
    is_random = order == "random"
    seed = (
        int(check_random_state(model.random_state).randint(1, np.iinfo(np.int32).max))
        if is_random
        else 0
    )
    return DescentRules(
        as_flag(model.positive, "positive"),
        as_tolerance(model.tol),
        1000 if model.max_iter is None else as_whole(model.max_iter, "max_iter"),
        is_random,
        seed,
    )
