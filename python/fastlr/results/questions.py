"""What one asks a fit: other covariances, tests of restrictions, intervals of predictions, the bootstrap."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fastlr.errors import InputError
from fastlr.inference.distributions import as_level
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice, as_number, as_whole
from fastlr.results.about_means import with_prediction_at_means
from fastlr.results.statistics import per_target
from fastlr.results.targets import chosen_target

if TYPE_CHECKING:
    from fastlr.inference.restrictions import Contrasts, RestrictionTest
    from fastlr.inference.wild_bootstrap import WildBootstrap
    from fastlr.results.intervals import Prediction
    from fastlr.results.linear_fit import LinearFit

__all__ = ["Questions"]


class Questions:
    """The questions that a fit answers: what `LinearFit` inherits."""

    __slots__ = ()

    def with_covariance(
        self,
        cov_type: str,
        X: object = None,
        y: object = None,
        *,
        sample_weight: object = None,
        **cov_kwds: Any,
    ) -> LinearFit:
        """The same fit with other covariances of its parameters: standard errors, tests and intervals follow them.

        Parameters
        ----------
        cov_type : {"nonrobust", "HC0", "HC1", "HC2", "HC3", "cluster", "HAC"}
            In statsmodels' words; see the notes.
        X, y : array-like, optional
            The rows of the fit, as they were fitted; not needed for "nonrobust".
        sample_weight : float or array-like of shape (n_samples,), optional
            The weights of the fit.
        **cov_kwds
            Options of the covariance. ``use_t``: Student's t instead of the normal distribution (by default of
            "nonrobust" alone, as in statsmodels). ``groups`` of "cluster": a label for each row, or two columns of
            labels. ``use_correction``: the factor for small samples, True by default of "cluster" (which also knows
            "min"), False of "HAC". ``df_correction`` of "cluster": clusters less one are the degrees of freedom
            (True). ``maxlags`` of "HAC": by default ``floor(4 (n / 100)^(2 / 9))``; "auto" lets the
            scores decide.

        Returns
        -------
        LinearFit
            A new fit; coefficients and everything else that does not depend on the covariance are the same.

        Raises
        ------
        InputError
            If the rows are not those of the fit, or an option is unknown or out of range.

        Notes
        -----
        With scores ``s = w r x`` and ``A`` the inverse of the cross-products, ``A (sum s s') A`` is "HC0"; "HC1" has
        ``n / (n - k)`` times that, "HC2" and "HC3" divide each residual by ``sqrt(1 - h)`` and ``1 - h``. "cluster"
        adds the scores of a cluster before they are squared, times ``G / (G - 1) (n - 1) / (n - k)`` for G clusters:
        Stata's, fixest's and statsmodels' factor. Two ways are those of each less those of their intersections, each
        with its own factor (statsmodels), or all with that of the fewest clusters (``use_correction="min"``, fixest).
        "HAC" adds products of scores up to ``maxlags`` rows apart with Bartlett's weights (Newey and West 1987), times
        ``n / (n - k)`` with a correction; "auto" is the plug-in rule of Newey and West (1994) for the sum of each row's
        scores but the intercept's, in the units of the features, as R's ``NeweyWest(prewhite = FALSE)`` has it. With a
        penalty A is the inverse with it, k the effective number of parameters, and "nonrobust" is ``A X'WX A`` times
        the variance. Weights that are frequencies stand for rows.

        Examples
        --------
        >>> import fastlr
        >>> X, y = [[1.0], [2.0], [3.0], [4.0]], [1.0, 3.0, 2.0, 6.0]
        >>> fastlr.ols(X, y).with_covariance("HC1", X, y).bse.round(6)
        array([0.818535, 0.463897])
        """
        from fastlr.results.covariances import with_covariance

        fit = _fit_of(self)
        rows = None if X is None else fit.given_rows(X, y, sample_weight)
        return with_covariance(fit, rows, cov_type, cov_kwds)

    def f_test(self, restrictions: object) -> RestrictionTest:
        """Test that restrictions of the parameters hold together, by F.

        Parameters
        ----------
        restrictions : str, array-like or (array-like, array-like)
            Text such as ``"x1 = x2 = 0"`` or ``"x1 - 2*x2 = -1, (intercept) = 0"`` (names that hold signs of
            arithmetic, commas or equals signs stand in backticks), a matrix with a column for each of `params`, or the
            matrix and what it should give.

        Returns
        -------
        RestrictionTest
            By the covariance of the fit: of ``cov_type``.

        Raises
        ------
        InputError
            If the text cannot be read, a shape does not fit, or restrictions depend on one another.

        Examples
        --------
        >>> import fastlr
        >>> fit = fastlr.ols(
        ...     [[1.0, 2.0], [2.0, 1.0], [3.0, 5.0], [4.0, 4.0], [6.0, 1.0]],
        ...     [1.0, 2.0, 2.0, 4.0, 5.0],
        ... )
        >>> print(fit.f_test("x0 = x1 = 0"))
        x0 = x1, x1 = 0: F(2, 2) = 14.8584, p = 0.06306
        """
        fit = _fit_of(self)
        return _together(fit, restrictions, fit.df_inference)

    def wald_test(self, restrictions: object, *, use_f: bool | None = None) -> RestrictionTest:
        """Test restrictions by Wald's chi-squared, or by F.

        Parameters
        ----------
        restrictions : str, array-like or (array-like, array-like)
            As in `f_test`.
        use_f : bool, optional
            Whether to use F; by default where `use_t` holds, as in statsmodels.

        Returns
        -------
        RestrictionTest
        """
        fit = _fit_of(self)
        by_f = fit.use_t if use_f is None else use_f
        return _together(fit, restrictions, fit.df_inference if by_f else None)

    def t_test(self, restrictions: object) -> Contrasts:
        """Test restrictions one by one, and give the combinations with their errors.

        Parameters
        ----------
        restrictions : str, array-like or (array-like, array-like)
            As in `f_test`: ``fit.t_test("x1 - x2 = 1")``.

        Returns
        -------
        Contrasts
            Effects, standard errors, t (or z unless `use_t`), p-values and intervals.
        """
        from fastlr.inference.restrictions import Contrasts, as_restrictions, tested_each

        fit = _fit_of(self)
        asked = as_restrictions(restrictions, fit.param_names)
        df = fit.df_inference if fit.use_t else None
        moved, params, covariance = _combined(fit, asked.matrix)
        found = tested_each(replace(asked, matrix=moved), params, covariance, df)
        is_single = np.ndim(fit.coef) == 1
        effect, sd, statistic, pvalue = (part[0] if is_single else part for part in found)
        return Contrasts(
            effect, sd, statistic, pvalue, math.inf if df is None else df, asked.labels
        )

    def get_prediction(self, X: object) -> Prediction:
        """Predictions with their standard errors: intervals of means and of observations.

        Parameters
        ----------
        X : array-like, sparse or data frame
            Rows as `predict` takes them.

        Returns
        -------
        Prediction
            ``summary_frame(level)`` has statsmodels' columns.

        Notes
        -----
        Rows that columns which depend on one another leave undetermined are NaN.
        """
        from fastlr.results.intervals import prediction_of

        return prediction_of(_fit_of(self), X)

    def wild_cluster_bootstrap(
        self,
        parameter: str,
        X: object,
        y: object,
        groups: object,
        *,
        sample_weight: object = None,
        value: float = 0.0,
        n_boot: int = 9999,
        seed: int | np.random.Generator | None = None,
        weights: str = "rademacher",
        level: float = 0.95,
        target: int = 0,
    ) -> WildBootstrap:
        """Test one parameter where there are few clusters, by the wild cluster bootstrap.

        Parameters
        ----------
        parameter : str
            Its name among `params`.
        X, y, sample_weight : array-like
            The rows of the fit.
        groups : array-like of shape (n_samples,)
            A label for each row.
        value : float, default=0.0
            What the parameter is, if the hypothesis holds.
        n_boot : int, default=9999
            Number of draws; all sign changes, if they are no more than that.
        seed : int or numpy.random.Generator, optional
            Where draws come from.
        weights : {"rademacher", "webb"}, default="rademacher"
            Signs, or Webb's six values for fewer than a dozen clusters.
        level : float, default=0.95
            Level of the interval.
        target : int, default=0
            Which target, if there are several.

        Returns
        -------
        WildBootstrap
            The p-value is the share of draws whose t is as large.

        Notes
        -----
        Residuals are those of the restricted fit, and t is by clusters (Roodman, Nielsen, MacKinnon and Webb 2019). One
        pass takes the cross-products of each cluster; draws and the interval need no rows.
        """
        from fastlr.inference.wild_bootstrap import WILD_WEIGHTS, wild_bootstrap
        from fastlr.results.covariances import estimates_of

        fit = _fit_of(self)
        names = fit.param_names
        if parameter not in names:
            more = f" and {len(names) - 20} more" if len(names) > 20 else ""
            raise InputError(f"{parameter!r} is not among the parameters {names[:20]!r}{more}.")
        target = chosen_target(fit, target)
        as_choice(weights, WILD_WEIGHTS, "weights")
        tested = as_number(value, "value", "a number")
        if not math.isfinite(tested):
            raise InputError(f"value={value!r} is not finite: pass what the parameter may be.")
        rows = fit.given_rows(X, y, sample_weight)
        estimates = estimates_of(fit, rows)
        if estimates is None or np.any(fit.alpha) or fit.df_resid <= 0:
            raise InputError(
                "the bootstrap needs coefficients that the rows determine: fit by fastlr.ols without a penalty, with "
                "more rows than coefficients and columns that do not depend on one another."
            )
        return wild_bootstrap(
            estimates,
            rows,
            groups,
            names.index(parameter),
            name=parameter,
            value=tested,
            level=as_level(level),
            n_boot=as_whole(n_boot, "n_boot"),
            seed=seed,
            weights=weights,
            target=target,
        )


def _fit_of(fit: Questions) -> LinearFit:
    return cast("LinearFit", fit)


def _together(fit: LinearFit, restrictions: Any, df: float | None) -> RestrictionTest:
    from fastlr.inference.restrictions import RestrictionTest, as_restrictions, tested_together

    asked = as_restrictions(restrictions, fit.param_names)
    moved, params, covariance = _combined(fit, asked.matrix)
    statistics, pvalues = tested_together(replace(asked, matrix=moved), params, covariance, df)
    return RestrictionTest(
        per_target(statistics, fit),
        per_target(pvalues, fit),
        len(asked.values),
        math.inf if df is None else df,
        "chi2" if df is None else "F",
        asked.labels,
    )


def _combined(fit: LinearFit, matrix: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Combinations (q, j) of parameters, these (t, j) and their covariances (t, j, j)."""
    from fastlr.inference.inverse import is_too_large, refuse_too_large

    if not is_too_large(fit.n_params):
        return with_prediction_at_means(fit, matrix)
    known = vars(fit).get("_by_levels")
    used = np.flatnonzero(matrix.any(axis=0))
    if known is None or is_too_large(len(used)):
        refuse_too_large(fit.n_params, "tests")
    assert known is not None
    params = np.asarray(fit.params).reshape(fit.n_targets, -1)
    return matrix[:, used], params[:, used], known.among(used)
