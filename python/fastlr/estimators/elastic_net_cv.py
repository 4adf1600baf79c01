"""Lasso and elastic net whose penalty cross-validation chooses, as scikit-learn estimators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from fastlr.errors import InputError, InputTypeError
from fastlr.estimators._features import check_features
from fastlr.estimators._folds import folds_of
from fastlr.estimators._net_stored import NET_CV_FIELDS, choice_of, net_of
from fastlr.estimators._scanned import (
    as_scan,
    check_single_target,
    folds_of_scan,
    remember_features,
)
from fastlr.estimators._sgd_rows import as_vector
from fastlr.estimators._shapes import as_constant, as_single
from fastlr.estimators.elastic_net import SparseCoefficients, descent_rules
from fastlr.input.arguments import as_features
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_flag, as_number
from fastlr.input.threads import lock_of, threads_of_jobs
from fastlr.least_squares.fit import problem_of
from fastlr.penalised.arguments import as_alphas, as_share
from fastlr.penalised.lasso import enet_path, lasso_path
from fastlr.penalised.lasso_cv import CrossValidated
from fastlr.penalised.tracing import grid_of, traced, warn_of_gaps
from fastlr.storage.schema import Field

__all__ = ["ElasticNetCV", "LassoCV"]


class _CrossValidatedNet(SparseCoefficients):
    """What LassoCV and ElasticNetCV have in common."""

    alpha_: float
    alphas_: FloatArray
    mse_path_: FloatArray
    dual_gap_: float
    n_iter_: int
    solver_: str

    def fit(
        self, X: object, y: object = None, sample_weight: object = None, **params: object
    ) -> _CrossValidatedNet:
        """Choose the penalty by cross-validation, and fit all rows with it.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features), or Scan
            Features; or what `fastlr.scan` gave, which knows y and the weights.
        y : array-like of shape (n_samples,), optional
            Target; needed unless X is a scan.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights, of fits and of errors; folds count alike.
        **params : dict
            For the splitter, such as ``groups``, where scikit-learn's metadata routing is enabled.

        Returns
        -------
        estimator
            This estimator.
        """
        ratios = self._ratios()
        rules = descent_rules(self)
        grid = as_alphas(100 if self.alphas is None else self.alphas)
        eps = as_number(self.eps, "eps", "a number between 0 and 1")
        if not eps > 0.0:
            raise InputError(f"eps={self.eps!r} is not positive: pass a ratio such as 1e-3.")
        flag = as_flag(self.fit_intercept, "fit_intercept")
        stream = as_scan(X, y, sample_weight)
        if stream is not None:
            check_single_target(stream)
            features, is_single = None, False
            rows = CrossValidated.of_stream(stream, folds_of_scan(self.cv), flag)
        else:
            features = as_features(X)
            target, threads = as_vector(y, features), threads_of_jobs(None, self.n_jobs)
            problem, _ = problem_of(features, target, sample_weight, flag, None, threads)
            for_split = self._for_split(sample_weight, params)
            folds = folds_of(self.cv, problem.targets.column(0), for_split)
            rows = CrossValidated.of_problem(problem, folds)
            features, is_single = problem.features, problem.features.all_float32
        p = rows.whole.n_features
        ones = np.ones(p)
        grids = [
            grid_of(rows.whole, 1, grid, eps, ratio, ones, rules.positive)
            if isinstance(grid, int)
            else grid
            for ratio in ratios
        ]
        errors = np.stack(
            [rows.errors(of, ratio, ones, rules) for of, ratio in zip(grids, ratios, strict=True)]
        )
        means = errors.mean(axis=2)
        best, at = np.unravel_index(int(np.argmin(means)), means.shape)
        alpha = float(grids[best][at])
        chosen = np.array([alpha])
        path = traced(rows.whole, 0, chosen, ratios[best], ones, rules)
        warn_of_gaps(rows.whole, path, chosen, rules)
        coef: Any = path.coefs[0]
        intercept: Any = float(path.intercepts[0]) * flag
        if is_single:
            coef, intercept = as_single(coef, intercept, rows.whole.column_means[:p])
        alphas = np.stack(grids) if isinstance(grid, int) and len(ratios) > 1 else grids[0]
        with lock_of(self):
            if stream is not None:
                remember_features(self, stream)
            elif features is not None:
                check_features(self, X, features, reset=True)
            self.__dict__.update(
                alpha_=alpha,
                alphas_=alphas,
                mse_path_=np.squeeze(errors),
                coef_=coef,
                intercept_=as_constant(float(intercept)),
                dual_gap_=float(path.gaps[0]),
                n_iter_=int(path.n_iter[0]),
                solver_=rows.whole.solver,
                **self._chosen(ratios[best]),
            )
        return self

    @classmethod
    def stored_fields(cls) -> Mapping[str, Field]:
        """The coefficients, how they were found, and the choice of the penalty."""
        return NET_CV_FIELDS

    def stored_values(self) -> dict[str, Any]:
        """The coefficients, how they were found, and the choice of the penalty."""
        return {
            **super().stored_values(),
            "alpha": self.alpha_,
            "l1_ratio": vars(self).get("l1_ratio_"),
            "alphas": self.alphas_.tolist(),
            "mse_path": self.mse_path_.tolist(),
        }

    def restore(self, values: Mapping[str, Any]) -> None:
        """Set every attribute of a fitted estimator."""
        ratio = values["l1_ratio"]
        chosen = {} if ratio is None else self._chosen(ratio)
        if (ratio is None) is not (not self._chosen(1.0)):
            raise InputError(f"l1_ratio={ratio!r} is not what {type(self).__name__} chooses.")
        net = net_of(values["net"], vars(self)["n_features_in_"], is_single=True)
        self.__dict__.update(net, **choice_of(values), **chosen)

    def _ratios(self) -> list[float]:
        return [1.0]

    def _chosen(self, l1_ratio: float) -> dict[str, float]:
        return {}

    def _for_split(self, sample_weight: object, params: dict[str, object]) -> dict[str, Any]:
        """Return the keyword arguments that the splitter's `split` is given."""
        if params and not get_config()["enable_metadata_routing"]:
            raise InputTypeError(
                f"Passing {', '.join(sorted(params))} to fit is only supported if enable_metadata_routing=True, which "
                "hands them to the splitter: call sklearn.set_config(enable_metadata_routing=True), or pass cv as a "
                "list of splits."
            )
        if not params:
            return {}
        routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
        return dict(routed["splitter"]["split"])

    def get_metadata_routing(self) -> Any:
        """Say which arguments of ``fit`` go where."""
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                splitter=check_cv(self.cv),
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )


class LassoCV(_CrossValidatedNet):
    """Lasso whose penalty cross-validation chooses, as scikit-learn's; one pass for all folds and penalties.

    Parameters
    ----------
    eps : float, default=1e-3
        Ratio of the smallest penalty to the largest, where they are chosen.
    alphas : int or array-like, default=100
        How many penalties to choose, or the penalties.
    fit_intercept : bool, default=True
        Whether to fit a constant, which is not penalised.
    precompute, copy_X, verbose
        Accepted for scikit-learn's sake: cross-products are always computed, X is never changed, nothing is printed.
    max_iter : int, default=1000
        Most sweeps over the coefficients, for each penalty.
    tol : float, default=1e-4
        Largest duality gap, as a share of the target's variance, and largest move of a coefficient in the last sweep,
        as a share of the largest coefficient.
    cv : int, splitter or iterable of (train, test), default=None
        As for scikit-learn's: None is five folds. Where every row is tested exactly once and trained on by all other
        splits, the moments of the folds, of one pass, serve all fits and errors.
    n_jobs : int, optional
        Threads to use, counted as joblib does: None and -1 are all that the process may, -2 all but one.
    positive : bool, default=False
        Only coefficients that are not negative.
    random_state : int, RandomState instance or None, default=None
        Seed of ``selection="random"``.
    selection : {"cyclic", "random"}, default="cyclic"
        Order of the coefficients in a sweep.

    Attributes
    ----------
    alpha_ : float
        The penalty that was chosen.
    coef_, sparse_coef_, intercept_, n_iter_, dual_gap_, solver_
        The fit of all rows with it: as in `Lasso`.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared errors of the test rows.
    alphas_ : ndarray of shape (n_alphas,)
        All penalties, from the largest on.
    n_features_in_, feature_names_in_
        Number and names of the features seen in ``fit``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import LassoCV
    >>> X = np.random.default_rng(0).normal(size=(50, 5))
    >>> model = LassoCV(cv=3).fit(X, 2.0 * X[:, 0] + 1.0)
    >>> model.coef_.round(1)
    array([2., 0., 0., 0., 0.])
    """

    path = staticmethod(lasso_path)

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: object = 100,
        fit_intercept: bool = True,
        precompute: object = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: object = None,
        verbose: object = False,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: object = None,
        selection: str = "cyclic",
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection


class ElasticNetCV(_CrossValidatedNet):
    """Elastic net whose penalty cross-validation chooses, as scikit-learn's; one pass for all folds and penalties.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        Share of the absolute values in the penalty; of several, cross-validation chooses one.
    eps, alphas, fit_intercept, precompute, max_iter, tol, cv, copy_X, verbose, n_jobs
        As those of `LassoCV`.
    positive, random_state, selection
        As those of `LassoCV`.

    Attributes
    ----------
    l1_ratio_ : float
        The share that was chosen.
    alpha_, coef_, sparse_coef_, intercept_, n_iter_, dual_gap_, solver_
        As in `LassoCV`.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratios, n_alphas, n_folds)
        Mean squared errors of the test rows.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratios, n_alphas)
        All penalties, from the largest on.
    n_features_in_, feature_names_in_
        Number and names of the features seen in ``fit``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import ElasticNetCV
    >>> X = np.random.default_rng(0).normal(size=(50, 5))
    >>> model = ElasticNetCV(cv=3, l1_ratio=[0.5, 0.9]).fit(X, 2.0 * X[:, 0] + 1.0)
    >>> model.coef_.round(1)
    array([2., 0., 0., 0., 0.])
    """

    l1_ratio_: float

    path = staticmethod(enet_path)

    def __init__(
        self,
        *,
        l1_ratio: object = 0.5,
        eps: float = 1e-3,
        alphas: object = 100,
        fit_intercept: bool = True,
        precompute: object = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: object = None,
        copy_X: bool = True,
        verbose: object = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: object = None,
        selection: str = "cyclic",
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def _ratios(self) -> list[float]:
        if np.ndim(self.l1_ratio) == 0:  # type: ignore[arg-type]
            return [as_share(self.l1_ratio)]
        given = list(self.l1_ratio)  # type: ignore[call-overload]
        if not given:
            raise InputError("l1_ratio is empty: pass a number from 0 to 1, or several.")
        return [as_share(ratio, f"l1_ratio[{k}]") for k, ratio in enumerate(given)]

    def _chosen(self, l1_ratio: float) -> dict[str, float]:
        return {"l1_ratio_": l1_ratio}
