"""The analysis of variance beside R's printed tables and statsmodels."""

import functools

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.datasets import longley
from statsmodels.stats.anova import anova_lm

import fastlr
from tables_of_r import kidney, unbalanced_kidney, warpbreaks

FORMULAS = (
    "np.log(Days+1) ~ C(Duration, Sum) * C(Weight, Sum)",
    "np.log(Days+1) ~ C(Duration, Sum) * C(Weight, Sum) - 1",
    "np.log(Days+1) ~ x + C(Duration) * C(Weight) + C(Weight):x",
)


@functools.cache
def of_statsmodels(text, typ):
    return anova_lm(smf.ols(text, unbalanced_kidney()).fit(), typ=typ)


@functools.cache
def longley_tables():
    data = longley.load_pandas()
    frame = data.exog.assign(TOTEMP=data.endog)
    first = smf.ols("TOTEMP ~ GNP + YEAR", frame).fit()
    whole = smf.ols("TOTEMP ~ GNP + YEAR + UNEMP + ARMED", frame).fit()
    return frame, anova_lm(first, whole)


def test_terms_of_warpbreaks_are_those_that_r_prints():
    table = fastlr.anova(fastlr.ols("breaks ~ wool * tension", data=warpbreaks()))
    assert table.terms == ("wool", "tension", "wool:tension", "residuals")
    assert table.df.tolist() == [1, 2, 2, 48]
    np.testing.assert_allclose(table.sum_sq, [450.7, 2034.3, 1002.8, 5745.1], atol=0.05)
    np.testing.assert_allclose(table.fvalue[:3], [3.7653, 8.4980, 4.1891], atol=5e-5)
    np.testing.assert_allclose(table.pvalue[:3], [0.0582130, 0.0006926, 0.0210442], atol=5e-8)
    assert "wool:tension   2  1002.8    501.4  4.189     0.021" in str(table)


def test_terms_of_kidney_are_those_that_r_prints():
    table = fastlr.anova(fastlr.ols("np.log(Days+1) ~ C(Duration) * C(Weight)", data=kidney()))
    np.testing.assert_allclose(table.sum_sq, [2.339693, 16.97129, 0.6356584, 28.9892], rtol=1e-6)
    np.testing.assert_allclose(table.fvalue[:3], [4.358293, 15.80674, 0.5920404], rtol=1e-6)
    np.testing.assert_allclose(table.pvalue[:3], [0.0415617, 3.944502e-06, 0.5567479], rtol=2e-6)
    unbalanced = fastlr.ols(FORMULAS[0], data=unbalanced_kidney())
    second = fastlr.anova(unbalanced, typ=2)
    np.testing.assert_allclose(second.sum_sq, [3.067066, 13.27205, 0.1905093, 27.60181], rtol=1e-6)
    np.testing.assert_allclose(second.pvalue[:2], [0.02106078, 4.487909e-05], rtol=2e-6)


@pytest.mark.usefixtures("level")
def test_all_types_are_those_of_statsmodels():
    for text in FORMULAS:
        fit = fastlr.ols(text, data=unbalanced_kidney())
        for typ in (1, 2, 3):
            if typ == 1 and "x" in text:
                continue  # patsy puts numbers after categories
            expected = of_statsmodels(text, typ)
            table = fastlr.anova(fit, typ=typ)
            names = {"(intercept)": "Intercept", "residuals": "Residual"}
            rows = expected.loc[[names.get(term, term) for term in table.terms]]
            assert len(rows) == len(expected)
            for ours, theirs in (
                (table.df, "df"),
                (table.sum_sq, "sum_sq"),
                (table.fvalue, "F"),
                (table.pvalue, "PR(>F)"),
            ):
                np.testing.assert_allclose(ours, rows[theirs], rtol=1e-10, err_msg=f"{text} {typ}")


def test_nested_fits_are_compared_as_r_and_statsmodels_do():
    table = kidney()
    small = fastlr.ols("np.log(Days+1) ~ C(Duration) + C(Weight)", data=table)
    large = fastlr.ols("np.log(Days+1) ~ C(Duration) * C(Weight)", data=table)
    for fits, sign in (((small, large), 1), ((large, small), -1)):
        found = fastlr.anova(*fits)
        assert found.df[1] == 2 * sign
        np.testing.assert_allclose(found.sum_sq[1], 0.6356584 * sign, rtol=1e-6)
        np.testing.assert_allclose(found.fvalue[1], 0.5920404, rtol=1e-6)
        np.testing.assert_allclose(found.pvalue[1], 0.5567479, rtol=1e-6)
        assert str(found).endswith(
            "Model 2 does not certainly explain more than model 1 (p = 0.56)."
        ) == (sign > 0)
    frame, expected = longley_tables()
    y = frame["TOTEMP"]
    columns = ["GNP", "YEAR", "UNEMP", "ARMED"]
    found = fastlr.anova(fastlr.ols(frame[columns[:2]], y), fastlr.ols(frame[columns], y))
    np.testing.assert_allclose(found.rss, expected["ssr"], rtol=1e-10)
    np.testing.assert_allclose(found.fvalue[1], expected["F"][1], rtol=1e-9)
    np.testing.assert_allclose(found.pvalue[1], expected["Pr(>F)"][1], rtol=1e-9)
    assert pd.DataFrame(found.to_dict()).shape == (2, 7)


def test_arrays_without_names_are_nested_by_their_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = X @ [1.0, 0.5, 0.0] + rng.normal(size=40)
    whole = fastlr.ols(X, y)
    compared = fastlr.anova(fastlr.ols(X[:, 1:], y), whole)
    np.testing.assert_allclose(compared.fvalue[1], whole.tvalues[1] ** 2, rtol=1e-11)
    moments = fastlr.solve(fastlr.Moments.from_arrays(X, y))
    kept = fastlr.LinearFit.from_dict(whole.to_dict())
    for other in (moments, kept):
        again = fastlr.anova(other, typ=2)
        np.testing.assert_allclose(again.sum_sq, fastlr.anova(whole, typ=2).sum_sq, rtol=1e-11)
    third = fastlr.anova(whole, typ=3)
    np.testing.assert_allclose(third.fvalue[:-1], whole.tvalues**2, rtol=1e-11)
    with pytest.raises(fastlr.InputError, match="are not nested as far as can be seen"):
        fastlr.anova(fastlr.ols(X[:, :2] ** 2, y), whole)


@pytest.mark.usefixtures("level")
def test_frequencies_are_repeated_rows_and_precisions_their_own_regression():
    table = warpbreaks().iloc[::2]
    counts = np.arange(len(table)) % 3 + 1
    text = "breaks ~ wool + tension"
    counted = fastlr.anova(
        fastlr.ols(text, data=table, sample_weight=counts, weight_type="frequency"), typ=2
    )
    repeated = fastlr.anova(fastlr.ols(text, data=table.loc[table.index.repeat(counts)]), typ=2)
    for name in ("df", "sum_sq", "fvalue", "pvalue"):
        np.testing.assert_allclose(getattr(counted, name), getattr(repeated, name), rtol=1e-11)
    weighted = fastlr.anova(fastlr.ols(text, data=table, sample_weight=counts), typ=2)
    expected = anova_lm(smf.wls(text, table, weights=counts).fit(), typ=2)
    np.testing.assert_allclose(weighted.sum_sq, expected["sum_sq"], rtol=1e-10)
    np.testing.assert_allclose(weighted.pvalue[:2], expected["PR(>F)"][:2], rtol=1e-10)


def test_columns_that_depend_on_earlier_ones_add_nothing():
    frame, _ = longley_tables()
    y = frame["TOTEMP"]
    X = frame[["GNP", "YEAR", "UNEMP"]]
    doubled = X.assign(again=2 * X["GNP"] - X["YEAR"])[["GNP", "YEAR", "again", "UNEMP"]]
    expected = fastlr.anova(fastlr.ols(X, y))
    with pytest.warns(fastlr.RankWarning):
        basic = fastlr.ols(doubled, y, rank="basic")
    smallest = fastlr.ols(doubled, y, rank="min_norm")
    for found in (fastlr.anova(basic), fastlr.anova(smallest, X=doubled, y=y)):
        assert found.terms == expected.terms
        np.testing.assert_allclose(found.sum_sq, expected.sum_sq, rtol=1e-9)
    with pytest.raises(fastlr.InputError, match='fit with rank="basic"'):
        fastlr.anova(smallest)
    with pytest.raises(fastlr.InputError, match="typ=2"):
        fastlr.anova(basic, typ=2)


def test_exact_fits_have_no_f():
    X = np.arange(8.0)[:, np.newaxis]
    table = fastlr.anova(fastlr.ols(X, 3 * X[:, 0] + 1))
    assert np.isnan(table.fvalue).all()
    assert np.isnan(table.pvalue).all()


def test_levels_with_brackets_and_colons_belong_to_their_terms():
    rng = np.random.default_rng(0)
    table = {
        "g": np.tile(["a]:b[x]", "c:d", "e]"], 8),
        "h": np.repeat(["[1]", ":"], 12),
        "y": rng.normal(size=24),
    }
    found = fastlr.anova(fastlr.ols("y ~ g + g:h", data=table))
    assert found.terms == ("g", "g:h", "residuals")
    assert found.df.tolist() == [2, 3, 18]
    categories = fastlr.anova(
        fastlr.ols({"g": table["g"], "x": rng.normal(size=24)}, table["y"], categories=["g"])
    )
    assert categories.terms == ("g", "x", "residuals")


def test_fits_that_cannot_be_compared_are_refused():
    table = warpbreaks()
    fit = fastlr.ols("breaks ~ wool", data=table)
    large = fastlr.ols("breaks ~ wool + tension", data=table)
    weights = np.arange(54) + 1.0
    for other, message in (
        (fastlr.ols("breaks ~ wool + tension", data=table[:50]), "54 and 50 rows"),
        (
            fastlr.ols("breaks ~ wool + tension", data=table.assign(breaks=table["breaks"] + 1)),
            "other means",
        ),
        (
            fastlr.ols("wool_b ~ tension", data=table.assign(wool_b=table["breaks"])),
            "different targets",
        ),
        (
            fastlr.ols("breaks ~ wool + tension", data=table, sample_weight=weights),
            "weights that add up",
        ),
        (
            fastlr.ols("breaks ~ wool + tension", data=table, weight_type="frequency"),
            "'precision' and 'frequency'",
        ),
        (fastlr.ols("breaks ~ tension", data=table), "are not nested"),
        (fastlr.ols("breaks ~ wool", data=table), "nothing to test"),
        (fastlr.ols("breaks ~ wool + tension", data=table, alpha=1.0), "with a penalty"),
        (large.with_covariance("HC1", table, table["breaks"]), "f_test"),
        (
            fastlr.ols(
                "breaks ~ wool + tension",
                data=table,
                sample_weight=weights,
                weight_type="probability",
            ),
            'weight_type="probability"',
        ),
    ):
        with pytest.raises(fastlr.InputError, match=message):
            fastlr.anova(fit, other)
    with pytest.raises(TypeError, match="needs a fit"):
        fastlr.anova()
    with pytest.raises(TypeError, match="fit is a str"):
        fastlr.anova("breaks ~ wool")
    with pytest.raises(fastlr.InputError, match="choose 1, 2 or 3"):
        fastlr.anova(fit, typ=4)
    both = fastlr.ols(np.arange(6.0)[:, np.newaxis], np.arange(12.0).reshape(6, 2) ** 2)
    with pytest.raises(fastlr.InputError, match="target=0"):
        fastlr.anova(both)
    assert fastlr.anova(both, target=1).target == both.target_names[1]
