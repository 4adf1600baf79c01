"""Adjusted means and their differences, beside R's emmeans and statsmodels."""

import numpy as np
import pandas as pd
import pytest

import fastlr
from tables_of_r import warpbreaks


def table_of_yarn():
    return warpbreaks().assign(age=np.arange(54.0) ** 1.5)


def test_warpbreaks_have_the_means_and_differences_of_emmeans():
    fit = fastlr.ols("breaks ~ wool * tension", data=table_of_yarn())
    found = fit.contrasts("tension", at={"wool": "A"}, adjust="none")
    np.testing.assert_allclose(found.means, [44.6, 24.0, 24.6], atol=0.05)
    np.testing.assert_allclose(found.se_means, 3.65, atol=0.005)
    assert found.labels == ("M - L", "H - L", "H - M")
    np.testing.assert_allclose(found.effect, [-20.556, -20.000, 0.556], atol=5e-4)
    np.testing.assert_allclose(found.sd, 5.16, atol=0.005)
    np.testing.assert_allclose(found.statistic, [-3.986, -3.878, 0.108], atol=5e-4)
    averaged = fit.contrasts("tension")
    np.testing.assert_allclose(averaged.means, [36.4, 26.4, 21.7], atol=0.05)
    np.testing.assert_allclose(averaged.se_means, 2.58, atol=0.005)
    assert "Means by tension, averaged over wool:" in str(averaged)


def test_differences_without_interactions_are_those_of_the_parameters_in_every_way():
    table = table_of_yarn()
    X, y = table[["wool", "tension", "age"]], table["breaks"]
    formula = fastlr.ols("breaks ~ wool + tension + age", data=table)
    indicators = fastlr.ols(X, y, categories=["wool", "tension"])
    robust = formula.with_covariance("HC3", table, y)
    for fit in (formula, indicators, robust):
        names = ["tension[T.M]", "tension[T.H]"]
        for options in ({}, {"data": table}, {"at": {"age": 3.0, "wool": "B"}}):
            found = fit.contrasts("tension", compare="reference", adjust="bonferroni", **options)
            for j, name in enumerate(names):
                np.testing.assert_allclose(found.effect[j], fit.params[name], rtol=1e-12)
                np.testing.assert_allclose(found.sd[j], fit.std_errors[name], rtol=1e-11)
                np.testing.assert_allclose(found.pvalue[j], fit.pvalues[name], rtol=1e-9)
                np.testing.assert_allclose(
                    found.conf_int(0.9)[j], fit.conf_int(0.9)[name], rtol=1e-10
                )
            np.testing.assert_allclose(found.pvalue_adjusted, np.minimum(1, 2 * found.pvalue))
        mean = fit.contrasts("tension", compare="mean")
        np.testing.assert_allclose(mean.effect.sum(), 0.0, atol=1e-12)
        assert mean.labels == ("L - mean", "M - mean", "H - mean")


def test_means_over_the_rows_are_averages_of_predictions():
    table = table_of_yarn().iloc[::3].reset_index(drop=True)
    weights = np.arange(len(table)) + 1.0
    fit = fastlr.ols("breaks ~ wool * np.log(age + 1) + tension", data=table)
    found = fit.contrasts("wool", data=table, sample_weight=weights)
    for mean, level in zip(found.means, found.levels, strict=True):
        predicted = fit.predict(table.assign(wool=level))
        np.testing.assert_allclose(mean, np.average(predicted, weights=weights), rtol=1e-12)
    held = fit.contrasts("wool", at={"age": 20.0, "tension": "M"})
    rows = pd.DataFrame({"wool": ["A", "B"], "age": 20.0, "tension": "M"})
    expected = fit.get_prediction(rows)
    np.testing.assert_allclose(held.means, expected.predicted_mean, rtol=1e-12)
    np.testing.assert_allclose(held.se_means, expected.se_mean, rtol=1e-10)
    np.testing.assert_allclose(held.conf_int_means(0.9), expected.conf_int(0.9), rtol=1e-10)
    with pytest.raises(fastlr.InputError, match=r"at=\{'age': ...\}"):
        fit.contrasts("wool")


def test_numbers_may_be_categories_and_dependent_levels_are_nan():
    table = table_of_yarn().assign(dose=np.arange(54) % 3)
    found = fastlr.ols("breaks ~ C(dose) + wool", data=table).contrasts("dose")
    assert found.levels == (0, 1, 2)
    assert found.labels[0] == "1 - 0"
    assert np.isfinite(found.pvalue).all()
    twice = table.assign(again=table["wool"])
    fit = fastlr.ols("breaks ~ wool + again + tension", data=twice, rank="min_norm")
    assert np.isnan(fit.contrasts("wool").pvalue).all()
    assert np.isfinite(fit.contrasts("tension").pvalue).all()


def test_what_cannot_be_compared_is_refused():
    table = table_of_yarn()
    fit = fastlr.ols("breaks ~ wool + tension + age", data=table)
    for arguments, message in (
        (
            {"variable": "age"},
            "'age' is no category of this fit, whose categories are 'wool', 'tension'",
        ),
        ({"variable": "wool", "at": {"wool": "A"}}, "at holds 'wool', whose levels are compared"),
        ({"variable": "wool", "at": {"q": 1}}, "at holds 'q', which is no variable"),
        ({"variable": "wool", "at": {"tension": "Q"}}, "none of its levels, 'L', 'M', 'H'"),
        ({"variable": "wool", "data": table[["wool", "age"]]}, "data has no column 'tension'"),
        ({"variable": "wool", "sample_weight": 1.0}, "pass data"),
        ({"variable": "wool", "compare": "all"}, "compare='all'"),
        ({"variable": "wool", "adjust": "sidak"}, "adjust='sidak'"),
        ({"variable": "wool", "target": 1}, "target=1 is out of range"),
    ):
        with pytest.raises(fastlr.InputError, match=message):
            fit.contrasts(**arguments)
    with pytest.raises(TypeError, match="is text, and 'age' holds numbers"):
        fit.contrasts("wool", at={"age": "old"})
    with pytest.raises(fastlr.InputError, match="whose categories are none"):
        fastlr.ols([[1.0], [2.0], [4.0]], [1.0, 2.0, 5.0]).contrasts("x0")


def test_tukeys_differences_are_those_that_r_prints():
    """TukeyHSD(aov(breaks ~ wool + tension, data = warpbreaks), "tension")."""
    fit = fastlr.ols("breaks ~ wool + tension", data=warpbreaks())
    found = fit.contrasts("tension", adjust="tukey")
    assert found.labels == ("M - L", "H - L", "H - M")
    np.testing.assert_allclose(found.effect, [-10.0, -14.722222, -4.722222], atol=5e-7)
    np.testing.assert_allclose(found.pvalue_adjusted, [0.0336262, 0.0011218, 0.4474210], atol=1e-6)
    printed = [[-19.35342, -0.6465793], [-24.07564, -5.3688015], [-14.07564, 4.6311985]]
    np.testing.assert_allclose(found.conf_int(), printed, atol=5e-6)
    assert "(p by tukey)" in str(found)
    robust = fastlr.ols("breaks ~ wool + tension", data=warpbreaks(), cov_type="HC1")
    z = robust.contrasts("tension", adjust="tukey")  # of a known variance
    assert (z.pvalue_adjusted > z.pvalue).all()
    with pytest.raises(fastlr.InputError, match=r'for all pairs of levels.*compare="pairwise"'):
        fit.contrasts("tension", compare="reference", adjust="tukey")


def test_a_p_value_that_float64_does_not_hold_is_said_to_be_small():
    rng = np.random.default_rng(0)
    group = np.repeat(["a", "b"], 50)
    y = rng.normal(size=100) + 1e6 * (group == "b")
    fit = fastlr.ols("y ~ C(group)", data={"group": group, "y": y})
    assert "p < 1e-300" in str(fit.contrasts("group"))
