"""A fitted linear regression: frozen, to predict from, to read and to keep."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.inference.inverse import CrossInverse
from fastlr.input.arguments import as_features, as_targets
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.convert import index_of
from fastlr.input.designs import Design
from fastlr.input.names import GeneratedNames, check_same_features
from fastlr.input.refusals import refuse_non_finite
from fastlr.results.influential_rows import InfluentialRows, RememberedRows
from fastlr.results.pictures import Pictures
from fastlr.results.prediction import predict_linear
from fastlr.results.questions import Questions
from fastlr.results.ranking import WeightRanking, ranked
from fastlr.results.row_questions import RowQuestions
from fastlr.results.statistics import Statistics
from fastlr.results.status import Status
from fastlr.results.stored import as_data, restored
from fastlr.results.term_questions import TermQuestions
from fastlr.results.told import Told
from fastlr.storage import Storable

__all__ = ["LinearFit"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearFit(Questions, RowQuestions, TermQuestions, Told, Pictures, Statistics, Storable):
    """A fitted linear regression: ``y = intercept + X @ coef``.

    Attributes
    ----------
    coef : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients in the units of the data.
    intercept : float or ndarray of shape (n_targets,)
        The constant; 0.0 when fitted without one.
    feature_names, target_names : tuple of str
        Names of the columns.
    n_samples : int
        Rows that counted: those of positive weight.
    total_weight : float
        Sum of the weights (``n_samples`` without weights).
    rank : int
        Rank of the features (centred, if there is an intercept).
    condition_number : float
        Ratio of the largest to the smallest singular value (that is not zero) of the (centred) features, each scaled
        to unit length: 1 is ideal, 1e8 means that half the digits of the data are lost. Right to two digits up to 1000
        features, an estimate beyond.
    solver : str
        How it was solved: "normal" (Cholesky factor of the normal equations of one pass), "refined" (then corrected by
        sweeps), "preconditioned" (columns orthogonalised first), "minimum_norm" or "basic" (columns that depend on
        one another), "absorbed" (normal equations of what varies within the levels of a category), "dual" and
        "double_double" (with a penalty: products of rows; moments in twice the working precision).
    digits : float
        Estimated number of right digits of the worst coefficient, intercept included, at most 15: for the data taken
        as exact. Meant never to be above the truth; low without a warning where that coefficient is zero but for
        rounding.
    passes : int
        How often the rows were read.
    status : Status
        A sentence on how it went, with a ``code``: "ok", "ill_conditioned" or "rank_deficient".
    rss, tss : float or ndarray of shape (n_targets,)
        Residual sum of squares ``sum w (y - prediction)^2``, and total sum of squares: about the mean with an
        intercept, about zero without.
    log_likelihood : float or ndarray of shape (n_targets,)
        Gaussian log-likelihood at the maximum-likelihood variance rss / n, for what weights mean by ``weight_type``;
        NaN without degrees of freedom.
    bse_coef : ndarray of shape (n_features,) or (n_targets, n_features)
        Standard errors of the coefficients, by ``cov_type``; NaN for a column that depends on others, with a penalty
        (unless ``cov_type`` was given), and without degrees of freedom.
    bse_intercept : float or ndarray of shape (n_targets,)
        That of the intercept; 0.0 when fitted without one.
    residual_sd : float or ndarray of shape (n_targets,)
        Residual standard deviation, ``sqrt(rss / df_resid)``; NaN with a penalty.
    fit_intercept : bool
        Whether there is an intercept.
    alpha : float or ndarray of the shape of coef
        The L2 penalty of ``sum w r^2 + alpha |coef|^2``; an array where coefficients or targets have penalties of their
        own.
    feature_mean, feature_std : ndarray of shape (n_features,)
        Weighted means and population standard deviations of the features.
    bse_digits : float
        Estimated number of right digits of the standard errors, at most 15; NaN for fits that were saved before it was
        estimated.
    n_dropped : int
        Rows that were left out because a value was missing (``missing="drop"``).
    design : Design or None
        How the columns of a table become the features, if there was a formula or there were categories: `predict`
        then takes tables with the columns ``design.variables``.
    target_mean, target_std : float or ndarray of shape (n_targets,)
        Weighted means and population standard deviations of the targets.
    weight_type : str
        What weights mean: "precision", "frequency" or "probability".
    cov_type : str
        The covariance behind standard errors, tests and intervals: "nonrobust", "HC0" to "HC3", "cluster" or "HAC".
    cov_options : tuple of (str, value) pairs
        Its options, and what it found: ``cov_kwds`` has them as a dictionary.
    inverse : CrossInverse or None
        A root of the inverse of the features' cross-products, computed when it is asked for; None if it was not kept.
    covariance : ndarray of shape (n_targets, n_params, n_params) or None
        Covariances of the parameters where they are not the inverse times ``scale``; `cov_params` has NaN for those
        that columns leave undetermined.
    covariance_at_means : ndarray of shape (n_targets, n_params) or None
        Beside ``covariance``, with an intercept: the variance of the prediction at the features' means, and its
        covariances with the coefficients. Far from zero the intercept's do not tell them.
    influential : tuple of InfluentialRows or None
        For each target the rows that the fit leans on, which `summary` speaks of, by positions from 0 on: known for
        small tables (8192 numbers at most), and after `with_influence`.

    Notes
    -----
    Tests, intervals and measures of the fit have the names of statsmodels: see `params`, `bse`, `tvalues`,
    `pvalues`, `conf_int`, `cov_params`, `rsquared_adj`, `fvalue`, `aic` and their like.

    Examples
    --------
    >>> import fastlr
    >>> fit = fastlr.ols([[1.0], [2.0], [3.0]], [3.0, 5.0, 7.0])
    >>> fit.predict([[4.0]]).round(12)
    array([9.])
    """

    coef: FloatArray
    intercept: float | FloatArray
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    n_samples: int
    total_weight: float
    rank: int
    condition_number: float
    solver: str
    status: Status
    digits: float
    passes: int
    rss: float | FloatArray
    tss: float | FloatArray
    log_likelihood: float | FloatArray
    bse_coef: FloatArray
    bse_intercept: float | FloatArray
    residual_sd: float | FloatArray
    fit_intercept: bool
    alpha: float | FloatArray
    feature_mean: FloatArray
    feature_std: FloatArray
    bse_digits: float = field(default_factory=lambda: math.nan)
    n_dropped: int = 0
    design: Design | None = None
    target_mean: float | FloatArray = field(default_factory=lambda: math.nan)
    target_std: float | FloatArray = field(default_factory=lambda: math.nan)
    weight_type: str = "precision"
    cov_type: str = "nonrobust"
    cov_options: tuple[tuple[str, Any], ...] = ()
    inverse: CrossInverse | None = field(default_factory=lambda: None)
    covariance: FloatArray | None = None
    influential: tuple[InfluentialRows, ...] | None = field(default_factory=lambda: None)
    covariance_at_means: FloatArray | None = None

    def __post_init__(self) -> None:
        array = np.ndarray
        for value in vars(self).values():
            if isinstance(value, array):
                value.setflags(write=False)

    if not TYPE_CHECKING:  # for whom all fields are there from the start

        def __getattr__(self, name: str) -> Any:
            """Compute a field that nobody has asked for yet; pickles of earlier versions may lack it."""
            compute = vars(self).get("_on_request", _NOTHING).get(name)
            if compute is None:
                unknown = _UNKNOWN.get(name)
                if unknown is not None:
                    return unknown()
                what = f"{type(self).__name__!r} object has no attribute {name!r}"
                raise AttributeError(what, name=name, obj=self)
            value = compute(vars(self)["_later"], self)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            return vars(self).setdefault(name, value)  # one step: all threads get the same one

    def __getstate__(self) -> dict[str, Any]:
        """Give every field, for pickles and copies."""
        state = vars(self)
        if "_on_request" not in state:
            return state
        return {field.name: getattr(self, field.name) for field in fields(LinearFit)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the fields of a pickle, of this version or an earlier one with fewer of them; arrays are frozen."""
        if "bse" in state:  # as version 0.1.0 called them
            state = {name: value for name, value in state.items() if name != "bse"} | {
                "bse_coef": state["bse"]
            }
        vars(self).update(state)
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def has_feature_names(self) -> bool:
        """Whether the features' names were given, and are compared with those of later data."""
        return not isinstance(self.feature_names, GeneratedNames)

    @property
    def remembered_rows(self) -> RememberedRows | None:
        """The rows of a fresh fit of a small table, which pickles and files do not hold."""
        copies = vars(self).get("_rows")
        return None if copies is None else RememberedRows(*copies)

    def predict(self, X: object, *, n_threads: int | None = None) -> npt.NDArray[Any]:
        """Predictions for new rows.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            The features of the fit, in the same order. If the fit and X both have names, they must be the same ones in
            the same order, whatever they look like; rows without names are taken by position, and so are all rows if
            the fit was given no names. After a formula, or with categories, a table with the columns that the fit was
            made of.
        n_threads : int, optional
            Threads to use; by default all that the process may.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            float32 if all of X is, else float64.

        Raises
        ------
        InputError
            If X has other features than the fit, or has them in another order, or a value is NaN or infinite, or a
            category has a level that the fit has not seen.
        """
        return predict_linear(
            self.features_of(X), self.coef, self.intercept, n_threads, names=self.feature_names
        )

    def features_of(self, X: object) -> Columns:
        """Return the features of the fit for rows X, as `predict` takes them; refuse rows that do not have them."""
        if self.design is not None:
            return self.design.features(X)
        features = as_features(X)
        check_same_features(features, self.feature_names, argument="X", owner="this fit")
        return features

    def residuals(self, X: object, y: object) -> npt.NDArray[Any]:
        """What the fit leaves unexplained: y - predict(X).

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Features, as for `predict`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets, as many as were fitted.

        Returns
        -------
        ndarray of the shape of the predictions
            In the units of y.

        Raises
        ------
        InputError
            If a shape does not fit or a value is NaN or infinite.
        """
        predicted = self.predict(X)
        targets = as_targets(y, len(predicted), index=index_of(X))
        if targets.n_columns != self.n_targets:
            raise InputError(
                f"y has {targets.n_columns} targets but this fit has {self.n_targets}: pass the same targets."
            )
        refuse_non_finite(targets, self.target_names, argument="y", may_drop=False)
        residuals: npt.NDArray[Any] = targets.as_matrix().reshape(predicted.shape) - predicted
        return residuals

    def weights_by_size(self, *, standardized: bool = False, target: int = 0) -> WeightRanking:
        """Names and coefficients by falling magnitude.

        Parameters
        ----------
        standardized : bool, default=False
            Give the coefficients of the standardised features (mean 0, population standard deviation 1), which
            can be compared with one another: ``coef * feature_std``.
        target : int, default=0
            Which target, if there are several.

        Returns
        -------
        WeightRanking
            A tuple of (name, weight) pairs that prints as a table.
        """
        if not 0 <= target < self.n_targets:
            raise InputError(
                f"target={target} is out of range: this fit has {self.n_targets} targets."
            )
        weights = np.atleast_2d(self.coef)[target]
        if standardized:
            weights = weights * self.feature_std
        return ranked(self.feature_names, weights)

    def __repr__(self) -> str:
        return (
            f"<LinearFit of {', '.join(self.target_names)} on {self.n_features} features, "
            f"{self.n_samples} rows: {self.status}>"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and lists, from which `from_dict` restores the same bits."""
        values = {field.name: getattr(self, field.name) for field in fields(LinearFit)}
        return as_data(values, has_feature_names=self.has_feature_names)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LinearFit:
        """Restore what `to_dict` gave.

        Raises
        ------
        InputError
            If a field is missing, unknown, or of the wrong type, shape or range.
        """
        return LinearFit(**restored(data))

    def to_onnx(self, *, dtype: str = "float64") -> Any:
        """The fit as an ONNX graph, which runtimes in C++, Java, C# or JavaScript evaluate without Python.

        Parameters
        ----------
        dtype : {"float64", "float32"}, default="float64"
            Type of the input ``X``, of shape (n_samples, n_features), and of the output ``y``, which has the shape of
            predictions. In float32 coefficients are rounded, and predictions have seven digits at most.

        Returns
        -------
        onnx.ModelProto
            Write it to a file with ``onnx.save``. Names of features and targets are in its metadata, as JSON.

        Raises
        ------
        ImportError
            If onnx is not installed (the extra ``onnx``).
        """
        from fastlr.results.onnx_model import linear_onnx

        return linear_onnx(self.coef, self.intercept, self.feature_names, self.target_names, dtype)

    def to_document(self) -> dict[str, Any]:
        """What `save` writes: of a fit, what `to_dict` gives."""
        return self.to_dict()

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> LinearFit:
        """Restore what `to_document` gave; an `InputError` if a field is missing, unknown or against its rule."""
        return cls.from_dict(data)


_NOTHING: Mapping[str, Any] = {}
_UNKNOWN: dict[str, Any] = {
    each.name: each.default_factory
    for each in fields(LinearFit)
    if each.default is MISSING and each.default_factory is not MISSING
}
"""What is taken for fields that are computed on request, and that no class attribute may hide."""
