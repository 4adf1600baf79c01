"""What a fit says about its parameters and itself, in the words of statsmodels; all of it on request."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.inference.distributions import as_level, f_tail, quantile, two_sided_tail
from fastlr.inference.inverse import is_too_large, refuse_too_large
from fastlr.inference.named import INTERCEPT, NamedValues
from fastlr.input.columns import FloatArray
from fastlr.results.inference_status import inference_status_of, needs_rows
from fastlr.results.status import Status

if TYPE_CHECKING:
    from fastlr.inference import CrossInverse

__all__ = ["Statistics", "per_target"]

_QUIET: Any = {"divide": "ignore", "invalid": "ignore", "over": "ignore"}


def per_target(values: FloatArray, fit: Statistics) -> float | FloatArray:
    """One number for a fit of one target, (n_targets,) for several."""
    is_single = np.ndim(fit.coef) == 1
    return float(values.reshape(-1)[0]) if is_single else values


class Statistics:
    """The statistics of a fit: what `LinearFit` inherits.

    Names are those of statsmodels. Parameters are the intercept, named "(intercept)" and always first, and the
    coefficients: `params`, `bse`, `tvalues`, `pvalues`, `conf_int` and `cov_params` speak of all of them, in this
    order, while ``bse_coef`` stands beside ``coef``, and ``bse_intercept`` beside ``intercept``. With several targets
    arrays have a row for each. What cannot be stated is NaN, and `inference_status` says why.
    """

    __slots__ = ()

    if TYPE_CHECKING:  # what the fit has
        coef: FloatArray
        intercept: float | FloatArray
        feature_names: tuple[str, ...]
        target_names: tuple[str, ...]
        n_samples: int
        total_weight: float
        rank: int
        rss: float | FloatArray
        tss: float | FloatArray
        log_likelihood: float | FloatArray
        bse_coef: FloatArray
        bse_intercept: float | FloatArray
        residual_sd: float | FloatArray
        fit_intercept: bool
        alpha: float | FloatArray
        target_mean: float | FloatArray
        target_std: float | FloatArray
        weight_type: str
        cov_type: str
        cov_options: tuple[tuple[str, Any], ...]
        inverse: CrossInverse | None
        covariance: FloatArray | None
        covariance_at_means: FloatArray | None

    @property
    def n_features(self) -> int:
        """Number of features p, without the intercept."""
        return len(self.feature_names)

    @property
    def n_targets(self) -> int:
        """Number of targets."""
        return len(self.target_names)

    @property
    def df_resid(self) -> int | float:
        """Residual degrees of freedom: rows less coefficients, as many as the rank; penalised ones count in full.

        If weights are frequencies, the total weight takes the place of the rows.
        """
        if self.weight_type != "frequency":
            return self.n_samples - self.rank - self.fit_intercept
        left = self.total_weight - self.rank - self.fit_intercept
        return int(left) if left == int(left) else left

    @property
    def mse(self) -> float | FloatArray:
        """Mean squared error, rss / total_weight (divide rss by the degrees of freedom for a variance)."""
        return self.rss / self.total_weight

    @property
    def r2(self) -> float | FloatArray:
        """Share of tss that is explained, 1 - rss / tss; NaN if the target does not vary, or beyond 1e150 or so."""
        tss = np.asarray(self.tss)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(tss > 0, 1.0 - self.rss / tss, np.nan)
        return float(r2) if r2.ndim == 0 else r2

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters: "(intercept)", if there is one, then those of the features."""
        names = tuple(self.feature_names)
        return (INTERCEPT, *names) if self.fit_intercept else names

    @property
    def n_params(self) -> int:
        """Number of parameters k, intercept included."""
        return self.n_features + self.fit_intercept

    @property
    def params(self) -> NamedValues:
        """Intercept and coefficients by name: (k,), or (n_targets, k)."""
        return _named(self, _joined(self, self.intercept, self.coef))

    @property
    def bse(self) -> NamedValues:
        """Standard errors of `params`, intercept first."""
        return _named(self, _joined(self, self.bse_intercept, self.bse_coef))

    @property
    def std_errors(self) -> NamedValues:
        """Standard errors of `params`: ``bse`` in words."""
        return self.bse

    @property
    def tvalues(self) -> NamedValues:
        """`params` by their standard errors."""
        with np.errstate(**_QUIET):
            return _named(self, self.params / self.bse)

    @property
    def pvalues(self) -> NamedValues:
        """Two-sided p-values of `tvalues`: by Student's t, or by the normal distribution unless `use_t`."""
        return _named(self, two_sided_tail(self.tvalues.values, _df(self)))

    def conf_int(self, level: float = 0.95) -> NamedValues:
        """Confidence intervals of `params`.

        Parameters
        ----------
        level : float, default=0.95
            Probability with which an interval covers its parameter (statsmodels has ``alpha``, one minus this).

        Returns
        -------
        NamedValues of shape (k, 2), or (n_targets, k, 2)
            "lower" and "upper" ends.

        Raises
        ------
        InputError
            If the level is not between 0 and 1.
        """
        half = quantile(as_level(level), _df(self)) * self.bse
        center = self.params
        ends = np.stack([center - half, center + half], axis=-1)
        return NamedValues(ends, {-2: self.param_names, -1: ("lower", "upper")})

    def cov_params(self) -> NamedValues:
        """Covariances of `params`: (k, k), or (n_targets, k, k).

        Returns
        -------
        NamedValues
            ``fit.cov_params()["a", "b"]`` is one of them. NaN where nothing can be stated; `inference_status` says why.

        Notes
        -----
        The inverse of the cross-products, p x p, is computed once for all targets on the first request, about p^3
        flops. Fits of more than 1000 features keep what it needs only if ``cov_type`` was given by name; model files
        hold it for at most 100 features.
        """
        refuse_too_large(self.n_params, "covariances")
        axes = {-2: self.param_names, -1: self.param_names}
        return NamedValues(_covariance(self), axes)

    @property
    def normalized_cov_params(self) -> FloatArray:
        """The inverse of the cross-products of all columns, intercept first: (k, k)."""
        k = self.n_params
        refuse_too_large(k, "covariances")
        inverse: CrossInverse | None = self.inverse
        return np.full((k, k), np.nan) if inverse is None else inverse.of_parameters()

    @property
    def use_t(self) -> bool:
        """Whether p-values and intervals are Student's; by default those of robust covariances are normal."""
        return bool(self.cov_kwds.get("use_t", self.cov_type == "nonrobust"))

    @property
    def cov_kwds(self) -> dict[str, Any]:
        """How the covariance was computed: the options of ``cov_type``, and what it found."""
        return dict(self.cov_options)

    @property
    def df_model(self) -> int:
        """Degrees of freedom of the model: the rank, without the intercept."""
        return self.rank

    @property
    def df_inference(self) -> float:
        """Degrees of freedom of Student's t and of F: `df_resid`, or one less than there are clusters."""
        return float(self.cov_kwds.get("df_inference", self.df_resid))

    @property
    def nobs(self) -> float:
        """Number of observations: rows of positive weight, or their total weight if weights are frequencies."""
        return self.total_weight if self.weight_type == "frequency" else float(self.n_samples)

    @property
    def scale(self) -> float | FloatArray:
        """Variance of a residual (of weight 1): ssr by its degrees of freedom."""
        with np.errstate(over="ignore", under="ignore"):
            return per_target(np.square(np.asarray(self.residual_sd)), self)

    @property
    def mse_resid(self) -> float | FloatArray:
        """Mean square of the residuals, ``ssr / df_resid``: `scale`."""
        return self.scale

    @property
    def ssr(self) -> float | FloatArray:
        """Sum of squared residuals, weighted: ``rss``."""
        return self.rss

    @property
    def centered_tss(self) -> float | FloatArray:
        """Sum of squares of the target about its mean, weighted."""
        if self.fit_intercept:
            return self.tss
        return per_target(np.asarray(self.total_weight * np.square(self.target_std)), self)

    @property
    def uncentered_tss(self) -> float | FloatArray:
        """Sum of squares of the target about zero, weighted."""
        if not self.fit_intercept:
            return self.tss
        about_mean = np.asarray(self.tss)
        return per_target(about_mean + self.total_weight * np.square(self.target_mean), self)

    @property
    def ess(self) -> float | FloatArray:
        """Explained sum of squares, ``tss - rss``: about the mean with an intercept, about zero without."""
        return self.tss - self.rss

    @property
    def mse_model(self) -> float | FloatArray:
        """Explained mean square, ``ess / df_model``."""
        return _quotient(self, self.ess, self.df_model)

    @property
    def mse_total(self) -> float | FloatArray:
        """Mean square of the target: ``tss`` by its degrees of freedom."""
        return _quotient(self, self.tss, self.df_model + self.df_resid)

    @property
    def rsquared(self) -> float | FloatArray:
        """Share of the variation that is explained: ``r2``."""
        return self.r2

    @property
    def rsquared_adj(self) -> float | FloatArray:
        """As `rsquared`, by mean squares instead of sums: ``1 - (1 - R2) (nobs - intercept) / df_resid``."""
        if not _is_estimable(self):
            return _unknown(self)
        factor = (self.nobs - self.fit_intercept) / self.df_resid
        return per_target(1.0 - factor * (1.0 - np.asarray(self.r2)), self)

    @property
    def fvalue(self) -> float | FloatArray:
        """F statistic of all coefficients but the intercept being zero; Wald's with a robust covariance."""
        if not _is_estimable(self) or self.df_model == 0 or needs_rows(self):
            return _unknown(self)
        if self.cov_type != "nonrobust":
            if is_too_large(self.n_params):
                return _unknown(self)
            from fastlr.inference.restrictions import wald_of_all

            covariance = _covariance(self).reshape(self.n_targets, self.n_params, self.n_params)
            return per_target(wald_of_all(np.atleast_2d(self.coef), covariance), self)
        with np.errstate(**_QUIET):
            value = np.asarray(self.mse_model) / np.asarray(self.mse_resid)
        return per_target(value, self)

    @property
    def f_pvalue(self) -> float | FloatArray:
        """Probability of an F statistic above `fvalue`, if all coefficients but the intercept were zero."""
        return per_target(f_tail(self.fvalue, self.df_model, self.df_inference), self)

    @property
    def llf(self) -> float | FloatArray:
        """Gaussian log-likelihood: ``log_likelihood``; NaN if no degrees of freedom are left."""
        return self.log_likelihood if self.df_resid > 0 else _unknown(self)

    @property
    def aic(self) -> float | FloatArray:
        """Akaike's information criterion, ``2 (rank + intercept) - 2 llf``; NaN with a penalty."""
        return self._criterion(2.0)

    @property
    def bic(self) -> float | FloatArray:
        """Schwarz's information criterion, ``log(nobs) (rank + intercept) - 2 llf``; NaN with a penalty."""
        return self._criterion(math.log(self.nobs))

    def _criterion(self, price: float) -> float | FloatArray:
        if np.any(self.alpha):
            return _unknown(self)
        count = self.rank + self.fit_intercept
        return per_target(price * count - 2.0 * np.asarray(self.llf), self)

    @property
    def inference_status(self) -> Status:
        """What can be stated of the parameters' errors, in a sentence, with a ``code``.

        Codes are "ok", "no_degrees_of_freedom", "penalised", "rank_deficient", "not_estimated" (a descent),
        "needs_rows" (survey weights without the rows), "leverage" (HC2 or HC3 of a row that alone determines a
        parameter), "not_positive" (a robust variance that is not above zero) and "not_kept" (no covariances, only
        standard errors).
        """
        return inference_status_of(self)


def _named(fit: Statistics, values: FloatArray) -> NamedValues:
    axes = {-1: fit.param_names}
    if values.ndim == 2:
        axes[-2] = fit.target_names
    return NamedValues(values, axes)


def _joined(fit: Statistics, of_intercept: float | FloatArray, of_coef: FloatArray) -> FloatArray:
    if not fit.fit_intercept:
        return of_coef
    first = np.asarray(of_intercept, dtype=np.float64)[..., np.newaxis]
    return np.concatenate([first, of_coef], axis=-1)


def _df(fit: Statistics) -> float | None:
    """Degrees of freedom of Student's t, or None for the normal distribution."""
    if fit.use_t:
        return fit.df_inference
    return None


def _covariance(fit: Statistics) -> FloatArray:
    covariance: FloatArray
    unknown = np.isnan(fit.bse.values)
    if fit.covariance is not None:
        covariance = (fit.covariance[0] if np.ndim(fit.coef) == 1 else fit.covariance).copy()
        unknown &= ~(
            np.diagonal(covariance, axis1=-2, axis2=-1) < 0
        )  # which is not positive, and known
    else:
        variance = np.asarray(fit.scale, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            covariance = variance[..., np.newaxis, np.newaxis] * fit.normalized_cov_params
    covariance[unknown] = np.nan
    np.swapaxes(covariance, -1, -2)[unknown] = np.nan
    return covariance


def _is_estimable(fit: Statistics) -> bool:
    return fit.df_resid > 0 and not np.any(fit.alpha)


def _unknown(fit: Statistics) -> float | FloatArray:
    return per_target(np.full(fit.n_targets, np.nan), fit)


def _quotient(fit: Statistics, value: float | FloatArray, df: float) -> float | FloatArray:
    return value / df if df > 0 else _unknown(fit)
