"""Ridge regression with its penalty chosen by cross-validation, as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import get_config
from sklearn.metrics import check_scoring, get_scorer
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from fastlr.errors import InputError, user_level
from fastlr.estimators._features import check_features
from fastlr.estimators._folds import folds_of
from fastlr.estimators._ridge_scores import Line, scores_without_each_row, weights_for
from fastlr.estimators._ridge_stored import RIDGE_CV_FIELDS, choice_as_data, choice_of
from fastlr.estimators._scanned import (
    as_scan,
    folds_of_scan,
    remember_features,
    score_of_scan,
)
from fastlr.estimators.ridge import RidgePredictor, attributes_of
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice, as_flag
from fastlr.input.penalties import as_penalty_grid
from fastlr.input.row_stream import RowStream
from fastlr.input.sparse import SparseColumns
from fastlr.input.threads import lock_of
from fastlr.least_squares.fit import fit_problem, problem_of
from fastlr.least_squares.from_moments import solve_moments
from fastlr.least_squares.problem import Problem
from fastlr.least_squares.streamed import state_and_fit
from fastlr.moments.moments import moments_of_state
from fastlr.penalised.cross_validation import (
    FAST_SCORES,
    CrossValidation,
    leave_one_out,
    validate_folds,
)
from fastlr.penalised.stream_validation import (
    leave_one_out_of_stream,
    validate_folds_of_stream,
)
from fastlr.results import LinearFit
from fastlr.storage.schema import Field

__all__ = ["RidgeCV"]

_GCV_MODES = ("auto", "svd", "eigen")


class RidgeCV(RidgePredictor):
    """Ridge regression with alpha chosen by cross-validation: scikit-learn's ``RidgeCV``, from one pass or two.

    Minimises ``sum w (y - intercept - X @ coef)^2 + alpha |coef|^2``; the intercept is never penalised.

    Parameters
    ----------
    alphas : float or array-like of shape (n_alphas,), default=(0.1, 1.0, 10.0)
        Penalties to choose from, 0 or more.
    fit_intercept : bool, default=True
        Whether to fit a constant.
    scoring : str, callable or None, default=None
        What is to be highest, as in scikit-learn. None is the negative mean of squared errors for leave-one-out (of
        w e^2, with weights), and R^2 for folds.
    cv : int, splitter, iterable or None, default=None
        None for exact leave-one-out; a number of folds of consecutive rows; a splitter of scikit-learn; or pairs
        (train, test) of row positions.
    gcv_mode : {"auto", "svd", "eigen", None}, default=None
        Accepted: the eigendecomposition is of the p x p moments, or with fewer rows than columns of the n x n products
        of rows.
    store_cv_results : bool, default=False
        Whether to keep the errors of all rows, without ``cv``.
    alpha_per_target : bool, default=False
        Whether to choose an alpha for each target, without ``cv``.
    n_threads : int, optional
        Threads to use; by default all that the process may.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, always float64.
    intercept_ : float or ndarray of shape (n_targets,)
        The constant; 0.0 if ``fit_intercept=False``.
    alpha_ : float or ndarray of shape (n_targets,)
        The alpha of the best score.
    best_score_ : float or ndarray of shape (n_targets,)
        Its score.
    cv_results_ : ndarray of shape (n_samples, n_alphas) or (n_samples, n_targets, n_alphas)
        With ``store_cv_results``: squared errors w e^2 if ``scoring=None``, else predictions. Files do not keep them.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had names that are all strings.
    validation_ : CrossValidation
        Scores of all alphas (and folds), ``passes`` over the rows, and the ``method``: "leave_one_out"; "folds", from
        the moments of test folds that partition the rows; or "splits", from moments of each split's own rows.
    fit_ : LinearFit
        The fit to all rows with the best alpha.
    moments_ : Moments or None
        Moments of all rows; None with fewer rows than columns, and from files, which keep those of up to 32 columns.

    Notes
    -----
    Leave-one-out takes a second pass, in which every row's error follows from its residual and leverage. Test folds
    that partition the rows take one pass for all folds and alphas: training moments are sums of the other folds', and
    errors of a test fold follow from its moments. Weights count in the scores of folds as well, as in scikit-learn's
    ``GridSearchCV`` (with metadata routing, if the scorer asks for them). Other scores than mean squared errors and R^2
    are computed from predictions. Without metadata routing ``fit`` takes ``groups`` for the splitter all the same. A
    fit that fails leaves the estimator as it was.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import RidgeCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 3))
    >>> y = X @ [1.0, 0.0, -1.0] + rng.normal(size=60)
    >>> model = RidgeCV(alphas=np.logspace(-3, 3, 25), cv=5).fit(X, y)
    >>> model.validation_.method, model.validation_.passes
    ('folds', 1)
    """

    alpha_: float | FloatArray
    best_score_: float | FloatArray
    cv_results_: FloatArray
    validation_: CrossValidation

    def __init__(
        self,
        alphas: Any = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: Any = None,
        cv: Any = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target
        self.n_threads = n_threads

    def fit(
        self, X: object, y: object = None, sample_weight: object = None, **params: Any
    ) -> RidgeCV:
        """Choose alpha, and fit to all rows.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features), or Scan
            Features; or what `fastlr.scan` gave, which knows y and the weights.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), optional
            Targets; needed unless X is a scan.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights, or one number for all rows: precisions, as in `fastlr.ols`.
        **params : dict
            ``groups`` for the splitter; with metadata routing, whatever splitter and scorer ask for.

        Returns
        -------
        RidgeCV
            This estimator.
        """
        keep, per_target = self._check_options()
        grid = as_penalty_grid(self.alphas)
        stream = as_scan(X, y, sample_weight)
        if stream is not None:
            return self._fit_scan(stream, grid, keep, per_target, params)
        for_split, for_score = self._routed(sample_weight, params)
        problem, is_vector = problem_of(
            X, y, sample_weight, self.fit_intercept, None, self.n_threads
        )
        stored = {}
        if self.cv is None:
            self._warn_of_svd(problem)
            scorer = None if self.scoring is None else check_scoring(self, scoring=self.scoring)
            found = leave_one_out(problem, grid, keep=keep or scorer is not None)
            scores, results = scores_without_each_row(
                problem, found, scorer, for_score, per_target, is_vector
            )
            if keep:
                stored["cv_results_"] = results
        else:
            found = self._validated(problem, grid, for_split, for_score, is_vector)
            if found.scores is None:
                raise AssertionError("folds have scores")
            scores = found.scores.mean(axis=0)[:, np.newaxis]
        t, p = problem.targets.n_columns, problem.n_features

        def of_rows(penalty: float | FloatArray) -> LinearFit:
            return fit_problem(problem, is_vector, "auto", None, penalty)[1]

        chosen = self._chosen(
            found,
            scores,
            grid,
            (t, p),
            per_target,
            is_vector,
            of_rows,
            problem.features.all_float32,
        )
        with lock_of(self):
            check_features(self, X, problem.features, reset=True)
            self.__dict__.pop("cv_results_", None)
            self.__dict__.update(chosen, **stored)
        return self

    def _fit_scan(
        self,
        stream: RowStream,
        grid: FloatArray,
        keep: bool,
        per_target: bool,
        params: dict[str, Any],
    ) -> RidgeCV:
        """Fit rows that come in chunks; folds are dealt while they are read."""
        for name, value in {"store_cv_results": keep, **params}.items():
            if value is not False:
                raise InputError(
                    f"{name} is about single rows, and those of a scan are not kept: leave it out, or fit arrays."
                )
        flag = as_flag(self.fit_intercept, "fit_intercept")
        if self.cv is None:
            if self.scoring is not None:
                raise InputError(
                    f"scoring={self.scoring!r} of leave-one-out wants predictions of all rows at once: pass cv=5, or "
                    "leave scoring out."
                )
            found = leave_one_out_of_stream(stream, flag, grid)
            assert found.squared_errors is not None
            scores = -found.squared_errors
            if not per_target:
                scores = scores.mean(axis=1, keepdims=True)
        else:
            score = score_of_scan(self.scoring, "r2")
            found = validate_folds_of_stream(stream, folds_of_scan(self.cv), flag, grid, score)
            assert found.scores is not None
            scores = found.scores.mean(axis=0)[:, np.newaxis]
        t, p = len(stream.target_names), len(stream.feature_names)

        def of_rows(penalty: float | FloatArray) -> LinearFit:
            return state_and_fit(stream, flag, penalty, "auto", None)[1]

        chosen = self._chosen(
            found, scores, grid, (t, p), per_target, stream.is_vector, of_rows, False
        )
        if self.cv is None:
            assert stream.n_rows is not None  # read by now
            n_read = stream.n_rows - stream.n_dropped  # rows that do not count are rows
            chosen["best_score_"] = chosen["best_score_"] / n_read
        with lock_of(self):
            remember_features(self, stream)
            self.__dict__.pop("cv_results_", None)
            self.__dict__.update(chosen)
        return self

    def _chosen(
        self,
        found: CrossValidation,
        scores: FloatArray,
        grid: FloatArray,
        shape: tuple[int, int],
        per_target: bool,
        is_vector: bool,
        of_rows: Callable[[float | FloatArray], LinearFit],
        is_single: bool,
    ) -> dict[str, Any]:
        """Fitted attributes: the fit with the penalties of the highest scores (n_alphas, 1 or t), and the choice."""
        best = _best(scores)
        score, alpha = scores[best, np.arange(scores.shape[1])], grid[best]
        penalty, state = _penalty(alpha, *shape), found.state
        if state is None:
            moments, fit = None, of_rows(penalty)
        else:
            moments = moments_of_state(state)
            fit = solve_moments(moments, self.fit_intercept, penalty, is_vector)
        one_alpha = not per_target or shape[0] == 1
        return {
            **attributes_of(fit, moments, single=is_single),
            "validation_": found,
            "alpha_": float(alpha[0]) if one_alpha else alpha,
            "best_score_": float(score[0]) if is_vector or not per_target else score,
        }

    @classmethod
    def stored_fields(cls) -> Mapping[str, Field]:
        """The fit, moments of few columns, and the choice of alpha."""
        return RIDGE_CV_FIELDS

    def stored_values(self) -> dict[str, Any]:
        """The fit, moments of few columns, and the choice of alpha without the errors of single rows."""
        choice = choice_as_data(self.validation_, self.alpha_, self.best_score_)
        return {**super().stored_values(), "choice": choice}

    def restore(self, values: Mapping[str, Any]) -> None:
        """Set every attribute of a fitted estimator."""
        super().restore(values)
        self.__dict__.update(choice_of(values["choice"], self.fit_.n_targets, self.moments_))

    def _check_options(self) -> tuple[bool, bool]:
        """Whether to keep errors, and whether each target has its own alpha."""
        keep = as_flag(self.store_cv_results, "store_cv_results")
        per_target = as_flag(self.alpha_per_target, "alpha_per_target")
        if self.gcv_mode is not None:
            as_choice(self.gcv_mode, _GCV_MODES, "gcv_mode")
        if self.cv is not None:
            for name, flag in (("store_cv_results", keep), ("alpha_per_target", per_target)):
                if flag:
                    raise InputError(
                        f"cv!=None and {name}=True are incompatible: leave out one of them."
                    )
        return keep, per_target

    def _warn_of_svd(self, problem: Problem) -> None:
        """Warn, as scikit-learn does, of a mode that will be an error there from 1.11 on."""
        if self.gcv_mode == "svd" and isinstance(problem.features, SparseColumns):
            warnings.warn(
                "The 'svd' mode is not supported for sparse X: gcv_mode='eigen' is used, as always here, and "
                "scikit-learn will raise an error from 1.11 on. Pass gcv_mode='eigen', or leave it out.",
                FutureWarning,
                stacklevel=user_level(),
            )

    def _routed(
        self, sample_weight: object, params: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the splitter and the scorer are given."""
        if get_config()["enable_metadata_routing"]:
            if sample_weight is not None:
                params = {**params, "sample_weight": sample_weight}
            routed = process_routing(self, "fit", **params)
            return dict(routed.splitter.split), dict(routed.scorer.score)
        if unknown := sorted(set(params) - {"groups"}):
            raise InputError(
                f"{unknown[0]!r} is passed but not supported without metadata routing: call "
                "sklearn.set_config(enable_metadata_routing=True) and request it of the scorer or the splitter."
            )
        weights = self.cv is None and sample_weight is not None
        return params, {"sample_weight": sample_weight} if weights else {}

    def get_metadata_routing(self) -> MetadataRouter:
        """How metadata reach the scorer and the splitter: see scikit-learn's user guide.

        Returns
        -------
        MetadataRouter
        """
        scorer: Any = check_scoring(self, scoring=self.scoring, allow_none=True)
        if self.scoring is None and get_config()["enable_metadata_routing"]:
            scorer = get_scorer("neg_mean_squared_error").set_score_request(sample_weight=True)
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(scorer=scorer, method_mapping=MethodMapping().add(caller="fit", callee="score"))
            .add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        )

    def _validated(
        self,
        problem: Problem,
        grid: FloatArray,
        for_split: dict[str, Any],
        for_score: dict[str, Any],
        is_vector: bool,
    ) -> CrossValidation:
        folds = folds_of(self.cv, _target(problem, is_vector), for_split)
        scoring = "r2" if self.scoring is None else self.scoring
        is_routed = get_config()["enable_metadata_routing"] and self.scoring is not None
        is_weighted = not is_routed or problem.weights is None or "sample_weight" in for_score
        if isinstance(scoring, str) and scoring in FAST_SCORES and is_weighted:
            return validate_folds(problem, folds, grid, scoring)
        scorer = check_scoring(self, scoring=self.scoring)
        if not is_routed and problem.weights is not None:
            for_score = weights_for(scorer, problem.weights)

        def score(
            coef: FloatArray, intercept: FloatArray, test: npt.NDArray[np.intp]
        ) -> FloatArray:
            rows, target = problem.features.take_rows(test).as_matrix(), _target(problem, is_vector)
            given = {name: np.asarray(value)[test] for name, value in for_score.items()}
            return np.array(
                [
                    scorer(Line(*_shaped(b, a, is_vector)), rows, target[test], **given)
                    for b, a in zip(coef, intercept, strict=True)
                ]
            )

        return validate_folds(problem, folds, grid, score)


def _shaped(coef: FloatArray, intercept: FloatArray, is_vector: bool) -> tuple[FloatArray, Any]:
    return (coef[0], intercept[0]) if is_vector else (coef, intercept)


def _target(problem: Problem, is_vector: bool) -> npt.NDArray[Any]:
    return problem.targets.column(0) if is_vector else problem.targets.as_matrix()


def _penalty(alpha: FloatArray, n_targets: int, n_features: int) -> float | FloatArray:
    """Penalties of one alpha, or of one for each target."""
    if len(alpha) == 1:
        return float(alpha[0])
    return np.array(np.broadcast_to(alpha[:, np.newaxis], (n_targets, n_features)))


def _best(scores: FloatArray) -> npt.NDArray[np.intp]:
    """Positions (t,) of the first highest scores (n_alphas, t); those that are not numbers count as lowest."""
    best: npt.NDArray[np.intp] = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=0)
    return best
