"""Figures that R, Stata, gretl and EViews print, as statsmodels' own tests carry them: nobody here computed them."""

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.stats.tests
from statsmodels.datasets import ccard, longley, macrodata
from statsmodels.regression.tests.results.results_regression import CCardWLS, Longley

import fastlr
from fastlr import diagnostics

FILES = Path(statsmodels.stats.tests.__file__).parent


@functools.cache
def investment():
    """Growth of real investment by that of GDP and last quarter's real interest: R's ``fm``."""
    table = macrodata.load_pandas().data
    growth = 400.0 * np.log(table[["realinv", "realgdp"]]).diff().iloc[1:]
    X = pd.DataFrame(
        {"ggdp": growth["realgdp"].to_numpy(), "lint": table["realint"].to_numpy()[:-1]}
    )
    y = growth["realinv"].to_numpy()
    return X, y, fastlr.ols(X, y)


@functools.cache
def petersen():
    """Petersen's panel of 500 firms and 10 years: firm, year, x, y."""
    return pd.read_csv(
        FILES / "test_data.txt", sep=r"\s+", header=None, names=["firm", "year", "x", "y"]
    )


def assert_figures(fit, printed, digits=1e-7):
    """The figures that a class of statsmodels' results has, the constant last."""
    order = [*range(1, fit.n_params), 0]
    for ours, theirs in (
        (fit.params, printed.params),
        (fit.std_errors, printed.bse),
    ):
        np.testing.assert_allclose(np.asarray(ours)[order], theirs, rtol=2e-9)
    np.testing.assert_allclose(np.asarray(fit.pvalues)[order], printed.pvalues, atol=5e-9)
    for name in [
        "ssr",
        "ess",
        "mse_model",
        "mse_resid",
        "mse_total",
        "fvalue",
        "rsquared",
        "df_model",
        "df_resid",
    ]:
        assert getattr(fit, name) == pytest.approx(getattr(printed, name), rel=1e-11), name
    for name in ["rsquared_adj", "llf", "aic", "bic"]:
        assert getattr(fit, name) == pytest.approx(getattr(printed, name), rel=digits), name


def test_longley_is_that_of_nist_r_and_stata():
    data = longley.load_pandas()
    fit, printed = fastlr.ols(data.exog, data.endog), Longley()
    assert_figures(fit, printed, digits=4e-7)
    order = [*range(1, 7), 0]
    intervals = np.asarray(fit.conf_int())[order]
    np.testing.assert_allclose(intervals, printed.conf_int(), rtol=4e-6)
    np.testing.assert_allclose(fit.residuals(data.exog, data.endog), printed.resid, atol=5e-6)
    for kind in ("HC0", "HC1", "HC2", "HC3"):
        errors = fit.with_covariance(kind, data.exog, data.endog).std_errors
        theirs = getattr(printed, f"{kind}_se")
        np.testing.assert_allclose(np.asarray(errors)[order], theirs, rtol=1e-6, atol=6e-6)


def test_weights_are_those_of_r():
    data = ccard.load_pandas()
    weights = 1.0 / data.exog["INCOMESQ"].to_numpy()
    fit, printed = fastlr.ols(data.exog, data.endog, sample_weight=weights), CCardWLS()
    order = [1, 2, 3, 4, 0]
    np.testing.assert_allclose(np.asarray(fit.params)[order], printed.params, rtol=1e-9)
    np.testing.assert_allclose(np.asarray(fit.std_errors)[order], printed.bse, rtol=1e-8)
    np.testing.assert_allclose(np.asarray(fit.pvalues)[order], printed.pvalues, rtol=1e-9)
    for name in ["rsquared", "rsquared_adj", "fvalue", "df_model", "df_resid"]:
        assert getattr(fit, name) == pytest.approx(getattr(printed, name), rel=1e-9), name


def test_influence_is_that_of_r():
    X, y, fit = investment()
    influence = fit.get_influence(X, y)
    printed = json.loads((FILES / "results" / "influence_lsdiag_R.json").read_text())  # ls.diag
    for name, ours in {
        "hat": influence.hat_matrix_diag,
        "std.res": influence.resid_studentized_internal,
        "stud.res": influence.resid_studentized_external,
        "cooks": influence.cooks_distance[0],
        "dfits": influence.dffits[0],
        "std.err": fit.std_errors,
        "cov.scaled": np.ravel(fit.cov_params()),
        "cov.unscaled": np.ravel(fit.normalized_cov_params),
        "std.dev": fit.residual_sd,
    }.items():
        np.testing.assert_allclose(ours, np.ravel(printed[name]), rtol=1e-10, atol=1e-13)
    table = pd.read_csv(FILES / "results" / "influence_measures_R.csv", index_col=0)
    dfbetas = table[["dfb.1_", "dfb.ggdp", "dfb.lint"]].to_numpy()
    np.testing.assert_allclose(influence.dfbetas, dfbetas, rtol=1e-10, atol=1e-13)
    for column, ours in {
        "dffit": influence.dffits[0],
        "cov.r": influence.cov_ratio,
        "cook.d": influence.cooks_distance[0],
        "hat": influence.hat_matrix_diag,
    }.items():
        np.testing.assert_allclose(ours, table[column], rtol=1e-10, atol=1e-13)


def test_residuals_are_tested_as_by_r_gretl_and_eviews():
    X, y, fit = investment()
    studentised = diagnostics.het_breuschpagan(fit, X, y)  # lmtest
    assert studentised.statistic == pytest.approx(0.709924388395087, rel=1e-12)
    assert studentised.pvalue == pytest.approx(0.701199952134347, rel=1e-12)
    plain = diagnostics.het_breuschpagan(fit, X, y, robust=False)
    assert plain.statistic == pytest.approx(1.302014063483341, rel=1e-11)
    assert plain.pvalue == pytest.approx(0.5215203247110649, rel=1e-11)
    white = diagnostics.het_white(fit, X, y)  # EViews
    assert white.statistic == pytest.approx(33.503722896538441, rel=1e-12)
    assert white.pvalue == pytest.approx(2.9887960597830259e-06, rel=1e-9)
    for power, statistic, pvalue in ((2, 7.268492, 0.00762), (3, 5.219019, 0.00619)):  # gretl
        reset = diagnostics.linear_reset(fit, X, y, power)
        assert reset.statistic == pytest.approx(statistic, abs=5e-7)
        assert reset.pvalue == pytest.approx(pvalue, abs=5e-6)
    watson = diagnostics.durbin_watson(fit, X, y)
    assert watson.statistic == pytest.approx(2.213805, abs=5e-7)


def test_clusters_of_petersens_panel_are_those_that_he_prints():
    panel = petersen()
    fit = fastlr.ols(panel[["x"]], panel["y"])

    def errors(kind, **options):
        return np.asarray(fit.with_covariance(kind, panel[["x"]], panel["y"], **options).std_errors)

    both = panel[["firm", "year"]].to_numpy()
    np.testing.assert_allclose(errors("HC0"), [0.0284, 0.0284], atol=5e-5)
    for groups, printed in (
        (panel["firm"], [0.0670, 0.0506]),
        (panel["year"], [0.0234, 0.0334]),
        (both, [0.0651, 0.0536]),
    ):
        np.testing.assert_allclose(errors("cluster", groups=groups), printed, atol=5e-5)


@pytest.mark.parametrize(
    ("ways", "use_correction", "printed"),
    [
        (["firm"], True, [4.490702e-03, -6.473517e-05, 2.559927e-03]),  # and Stata's
        (["firm"], False, [4.480825e-03, -6.459277e-05, 2.554297e-03]),
        (["firm", "year"], True, [4.233313e-03, -2.845344e-05, 2.868462e-03]),
        (["firm", "year"], False, [4.168965e-03, -3.079638e-05, 2.751471e-03]),
    ],
)
def test_clusters_are_those_that_sandwich_prints(ways, use_correction, printed):
    """vcovCL(lm(y ~ x), type = "HC1"), or without corrections type = "HC0", cadjust = FALSE."""
    panel = petersen()
    fit = fastlr.ols(panel[["x"]], panel["y"])
    groups = panel[ways].to_numpy()
    ours = fit.with_covariance(
        "cluster",
        panel[["x"]],
        panel["y"],
        groups=groups[:, 0] if len(ways) == 1 else groups,
        use_correction=use_correction,
    ).cov_params()
    found = [ours["(intercept)", "(intercept)"], ours["(intercept)", "x"], ours["x", "x"]]
    np.testing.assert_allclose(found, printed, rtol=3e-7, atol=1e-10)  # the file has fewer digits
