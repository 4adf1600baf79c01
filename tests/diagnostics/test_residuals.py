"""Tests of residuals beside statsmodels, and what they say where nothing can be said."""

import functools

import faraway.datasets.fat
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import statsmodels.api as sm
from statsmodels.stats import diagnostic, stattools
from statsmodels.stats.outliers_influence import variance_inflation_factor

import fastlr
from fastlr import diagnostics


def standardised(X):
    """Columns that span the same beside a constant, with which statsmodels keeps digits."""
    X = np.asarray(X, dtype=float)
    return sm.add_constant((X - X.mean(axis=0)) / X.std(axis=0))


@functools.cache
def examples():
    """Designs, targets and statsmodels' fits: Longley, body fat, and noise that grows."""
    longley = sm.datasets.longley.load_pandas()
    fat = faraway.datasets.fat.load().dropna()
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(200, 3))
    noise = rng.normal(size=200) * (1.0 + np.abs(drawn[:, 0]))
    found = []
    for X, y in (
        (longley.exog, longley.endog),
        (fat[["age", "weight", "height", "abdom", "wrist"]], fat["brozek"]),
        (drawn, drawn @ [1.0, 2.0, 3.0] + noise),
    ):
        found.append((X, y, sm.OLS(np.asarray(y), standardised(X)).fit()))
    return found


@functools.cache
def expected(name):
    """What statsmodels finds for each example."""
    out = []
    for _, y, theirs in examples():
        left, Z = theirs.resid, theirs.model.exog
        if name == "pagan":
            out.append(
                (
                    *diagnostic.het_breuschpagan(left, Z),
                    diagnostic.het_breuschpagan(left, Z, robust=False)[0],
                )
            )
        elif name == "white":
            out.append(diagnostic.het_white(left, Z) if len(y) > 20 else None)
        elif name == "quandt":
            out.append(
                diagnostic.het_goldfeldquandt(np.asarray(y), Z, idx=2, result_object=False)[:2]
            )
        else:
            out.append(stattools.jarque_bera(left))
    return out


@pytest.mark.usefixtures("level")
def test_breusch_pagan_is_that_of_statsmodels():
    for (X, y, _), theirs in zip(examples(), expected("pagan"), strict=True):
        fit = fastlr.ols(X, y)
        found = diagnostics.het_breuschpagan(fit, X, y)
        ours = found.statistic, found.pvalue, found.fvalue, found.f_pvalue
        np.testing.assert_allclose(ours, theirs[:4], rtol=1e-10)
        assert found.df == fit.n_features
        normal = diagnostics.het_breuschpagan(fit, X, y, robust=False)
        np.testing.assert_allclose(normal.statistic, theirs[4], rtol=1e-10)
        given = diagnostics.het_breuschpagan(fit, X, y, exog_het=X)
        assert given.statistic == found.statistic


@pytest.mark.usefixtures("level")
def test_white_is_that_of_statsmodels_in_one_block_or_many(monkeypatch):
    for (X, y, _), theirs in zip(examples(), expected("white"), strict=True):
        fit = fastlr.ols(X, y)
        found = diagnostics.het_white(fit, X, y)
        if theirs is None:
            assert np.isnan(found.pvalue)
            assert "16 observations are too few" in str(found)
            continue
        ours = found.statistic, found.pvalue, found.fvalue, found.f_pvalue
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
        with monkeypatch.context() as patch:
            patch.setattr(diagnostics.heteroscedasticity, "rows_of_block", lambda k: 37)
            blocks = diagnostics.het_white(fit, X, y)
        np.testing.assert_allclose(blocks.statistic, found.statistic, rtol=1e-9)


@pytest.mark.usefixtures("level")
def test_goldfeld_quandt_is_that_of_statsmodels():
    for (X, y, _), theirs in zip(examples(), expected("quandt"), strict=True):
        fit = fastlr.ols(X, y)
        by_position = diagnostics.het_goldfeldquandt(fit, X, y, sort_by=1)
        np.testing.assert_allclose((by_position.statistic, by_position.pvalue), theirs, rtol=1e-9)
        by_name = diagnostics.het_goldfeldquandt(fit, X, y, sort_by=fit.feature_names[1])
        by_values = diagnostics.het_goldfeldquandt(fit, X, y, sort_by=np.asarray(X)[:, 1] * 2)
        assert by_name == by_position == by_values
    X, y, _ = examples()[2]
    fit = fastlr.ols(X, y)
    uneven = diagnostics.het_goldfeldquandt(fit, X, y, split=0.3, drop=20, alternative="two-sided")
    first, last = fastlr.ols(X[:60], y[:60]), fastlr.ols(X[80:], y[80:])
    np.testing.assert_allclose(uneven.statistic, last.scale / first.scale, rtol=1e-11)
    assert uneven.df == (116.0, 56.0)


@functools.cache
def with_powers(example, power):
    """Statsmodels' test of powers of the predictions, centred and scaled lest they be singular."""
    _, y, theirs = examples()[example]
    predicted = theirs.fittedvalues - theirs.fittedvalues.mean()
    predicted /= np.abs(predicted).max()
    powers = np.column_stack([predicted**k for k in range(2, power + 1)])
    larger = sm.OLS(np.asarray(y), np.column_stack([theirs.model.exog, powers])).fit()
    return larger.f_test(np.eye(larger.model.exog.shape[1])[-powers.shape[1] :])


@pytest.mark.usefixtures("level")
def test_reset_is_that_of_statsmodels():
    for k, (X, y, _) in enumerate(examples()):
        fit = fastlr.ols(X, y)
        for power in (2, 4):
            by_f = with_powers(k, power)
            found = diagnostics.linear_reset(fit, X, y, power)
            np.testing.assert_allclose(
                (found.statistic, found.pvalue), (by_f.fvalue, by_f.pvalue), rtol=1e-9
            )
            assert found.df == (power - 1.0, fit.df_resid - power + 1.0)
            chi2 = diagnostics.linear_reset(fit, X, y, power, use_f=False)
            np.testing.assert_allclose(chi2.statistic, by_f.fvalue * (power - 1), rtol=1e-9)
    X, y, theirs = examples()[2]
    direct = diagnostic.linear_reset(theirs, power=3, use_f=True)
    found = diagnostics.linear_reset(fastlr.ols(X, y), X, y)
    np.testing.assert_allclose(
        (found.statistic, found.pvalue), (direct.fvalue, direct.pvalue), rtol=1e-10
    )


@pytest.mark.usefixtures("level")
def test_jarque_bera_is_that_of_statsmodels():
    for (X, y, _), theirs in zip(examples(), expected("bera"), strict=True):
        found = diagnostics.jarque_bera(fastlr.ols(X, y), X, y)
        ours = found.statistic, found.pvalue, found.skew, found.kurtosis
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_durbin_watson_has_the_distribution_of_its_features(monkeypatch):
    for X, y, theirs in examples():
        found = diagnostics.durbin_watson(fastlr.ols(X, y), X, y)
        np.testing.assert_allclose(
            found.statistic, stattools.durbin_watson(theirs.resid), rtol=1e-10
        )
    X, y, theirs = examples()[0]
    Z = theirs.model.exog
    project = np.eye(len(Z)) - Z @ np.linalg.pinv(Z)
    errors = np.random.default_rng(0).normal(size=(20_000, len(Z))) @ project
    drawn = np.sum(np.diff(errors, axis=1) ** 2, axis=1) / np.sum(errors**2, axis=1)
    found = diagnostics.durbin_watson(fastlr.ols(X, y), X, y)
    assert found.pvalue == pytest.approx(np.mean(drawn < found.statistic), abs=0.012)
    negative = diagnostics.durbin_watson(fastlr.ols(X, y), X, y, alternative="negative")
    assert negative.pvalue == pytest.approx(1.0 - found.pvalue, abs=1e-9)
    X, y, _ = examples()[2]
    fit = fastlr.ols(X, y, sample_weight=np.linspace(1, 2, 200))
    rows = X, y
    exact = diagnostics.durbin_watson(fit, *rows, sample_weight=np.linspace(1, 2, 200)).pvalue
    tests = diagnostics.residual_tests
    monkeypatch.setattr(tests, "_MOST_EXACT", 0)
    beta = diagnostics.durbin_watson(fit, *rows, sample_weight=np.linspace(1, 2, 200)).pvalue
    assert beta == pytest.approx(exact, abs=1e-3)
    whole = tests._traces(*args_of_traces(fit, rows))
    for step in (1, 7, 99, 197, 198, 199):
        monkeypatch.setattr(tests, "rows_of_block", lambda r, step=step: step)
        np.testing.assert_allclose(tests._traces(*args_of_traces(fit, rows)), whole, rtol=1e-12)


def args_of_traces(fit, rows):
    weights = np.linspace(1, 2, 200)
    found = diagnostics.fitted_rows.rows_of(fit, *rows, weights, None, "a test")[2]
    return found, found.inverse, 200


@pytest.mark.usefixtures("level")
def test_variance_inflation_is_that_of_statsmodels():
    for X, y, theirs in examples():
        found = diagnostics.variance_inflation_factor(fastlr.ols(X, y))
        Z = theirs.model.exog
        each = [variance_inflation_factor(Z, j) for j in range(1, Z.shape[1])]
        np.testing.assert_allclose(found.factors, each, rtol=1e-10)
    X, y, _ = examples()[0]
    assert "Other features resemble GNP" in str(
        diagnostics.variance_inflation_factor(fastlr.ols(X, y))
    )
    through_zero = diagnostics.variance_inflation_factor(fastlr.ols(X, y, fit_intercept=False))
    raw = np.asarray(X) / np.linalg.norm(X, axis=0)
    np.testing.assert_allclose(
        through_zero.factors, np.linalg.inv(raw.T @ raw).diagonal(), rtol=1e-8
    )
    dependent = X.assign(again=2 * X["GNP"], constant=1.0)
    smallest = fastlr.ols(dependent, y, rank="min_norm")
    with pytest.warns(fastlr.RankWarning):
        basic = fastlr.ols(dependent, y, rank="basic")
    for fit in (smallest, basic):
        found = diagnostics.variance_inflation_factor(fit).factors
        assert np.isinf(found["again"])
        assert np.isinf(found["GNP"]) == (fit is smallest)  # the other one has left out its double
        assert np.isnan(found["constant"])
        np.testing.assert_allclose(found["YEAR"], 758.980597, rtol=1e-6)


@pytest.mark.usefixtures("level")
def test_frequencies_are_repeated_rows():
    X, y, _ = examples()[2]
    X, y = X[:80], y[:80]
    counts = np.arange(80) % 4
    kind = {"sample_weight": counts, "weight_type": "frequency"}
    fit = fastlr.ols(X, y, **kind)
    rows = X.repeat(counts, axis=0), y.repeat(counts)
    repeated = fastlr.ols(*rows)
    for test in (
        diagnostics.het_breuschpagan,
        diagnostics.het_white,
        diagnostics.het_goldfeldquandt,
        diagnostics.jarque_bera,
        diagnostics.linear_reset,
    ):
        ours, theirs = test(fit, X, y, sample_weight=counts), test(repeated, *rows)
        np.testing.assert_allclose(
            (ours.statistic, ours.pvalue), (theirs.statistic, theirs.pvalue), rtol=1e-9
        )
        assert ours.df == theirs.df
    ours = diagnostics.variance_inflation_factor(fit).factors
    np.testing.assert_allclose(
        ours, diagnostics.variance_inflation_factor(repeated).factors, rtol=1e-11
    )


@pytest.mark.usefixtures("level")
def test_precisions_are_those_of_a_whitened_regression():
    X, y, _ = examples()[2]
    w = np.linspace(0.0, 3.0, len(y))
    fit = fastlr.ols(X, y, sample_weight=w)
    theirs = sm.WLS(y[1:], sm.add_constant(X[1:]), w[1:]).fit()
    found = diagnostics.het_breuschpagan(fit, X, y, sample_weight=w)
    lm = diagnostic.het_breuschpagan(theirs.wresid, theirs.model.exog)[0]
    np.testing.assert_allclose(found.statistic, lm, rtol=1e-10)
    larger = sm.WLS(y[1:], np.column_stack([sm.add_constant(X[1:]), theirs.fittedvalues**2]), w[1:])
    found = diagnostics.linear_reset(fit, X, y, 2, sample_weight=w).statistic
    np.testing.assert_allclose(found, larger.fit().tvalues[-1] ** 2, rtol=1e-9)
    found = diagnostics.durbin_watson(fit, X, y, sample_weight=w).statistic
    np.testing.assert_allclose(found, stattools.durbin_watson(theirs.wresid), rtol=1e-10)
    found = diagnostics.jarque_bera(fit, X, y, sample_weight=w).statistic
    np.testing.assert_allclose(found, stattools.jarque_bera(theirs.wresid)[0], rtol=1e-10)


TESTS = (
    diagnostics.het_breuschpagan,
    diagnostics.het_white,
    diagnostics.het_goldfeldquandt,
    diagnostics.linear_reset,
    diagnostics.durbin_watson,
    diagnostics.jarque_bera,
)


@pytest.mark.parametrize("test", TESTS)
def test_what_cannot_be_tested_is_nan_or_refused_and_each_target_has_its_own_answer(test):
    X, y, _ = examples()[2]
    exact = X @ [1.0, 2.0, 3.0]
    found = test(fastlr.ols(X, exact), X, exact)
    assert np.isnan(found.statistic)
    assert np.isnan(found.pvalue)
    assert "exact" in str(found)
    both = np.column_stack([y**2, y])
    fit = fastlr.ols(X, both)
    with pytest.raises(fastlr.InputError, match="target=0"):
        test(fit, X, both)
    one = test(fastlr.ols(X, y), X, y)
    assert test(fit, X, both, target=1).statistic == pytest.approx(one.statistic, rel=1e-10)
    doubled = np.column_stack([X, X[:, 0]])
    again = test(fastlr.ols(doubled, y, rank="min_norm"), doubled, y)
    assert again.statistic == pytest.approx(one.statistic, rel=1e-9)
    assert again.pvalue == pytest.approx(one.pvalue, rel=1e-7)
    thin = scipy.sparse.csc_array(X)
    assert test(fastlr.ols(thin, y), thin, y).statistic == pytest.approx(one.statistic, rel=1e-9)
    for weights, message in (("probability", "weight_type"), ("ridge", "with a penalty")):
        w = np.linspace(1, 2, len(y))
        if weights == "ridge":
            fit, w = fastlr.ols(X, y, alpha=1.0), None
        else:
            fit = fastlr.ols(X, y, sample_weight=w, weight_type=weights)
        with pytest.raises(fastlr.InputError, match=message):
            test(fit, X, y, sample_weight=w)
    with pytest.raises(fastlr.InputError, match="not the rows of the fit"):
        test(fastlr.ols(X, y), X, y + 1 + X[:, 0] ** 2)
    with pytest.raises(TypeError, match="fit is a"):
        test("a fit", X, y)


def test_options_are_checked():
    X, y, _ = examples()[2]
    fit = fastlr.ols(X, y)
    for test, options, message in (
        (diagnostics.linear_reset, {"power": 1}, "power=1"),
        (diagnostics.linear_reset, {"power": 11}, "power=11"),
        (diagnostics.het_goldfeldquandt, {"split": 250}, "split=250"),
        (diagnostics.het_goldfeldquandt, {"split": 2}, "is left to estimate"),
        (diagnostics.het_goldfeldquandt, {"drop": 0.6}, "leave 100 and -20"),
        (diagnostics.het_goldfeldquandt, {"sort_by": "q"}, "sort_by='q'"),
        (diagnostics.het_goldfeldquandt, {"sort_by": 3}, "out of range"),
        (diagnostics.het_goldfeldquandt, {"sort_by": np.ones(3)}, "sort_by has shape"),
        (diagnostics.het_goldfeldquandt, {"alternative": "up"}, "alternative='up'"),
        (diagnostics.durbin_watson, {"alternative": "up"}, "alternative='up'"),
        (diagnostics.het_breuschpagan, {"exog_het": np.ones((3, 1))}, "exog_het has 3 rows"),
        (diagnostics.het_breuschpagan, {"exog_het": np.full((200, 1), np.nan)}, "NaN"),
    ):
        with pytest.raises(fastlr.InputError, match=message):
            test(fit, X, y, **options)
    wide = np.random.default_rng(0).normal(size=(300, 90))
    target = np.random.default_rng(1).normal(size=300)
    with pytest.raises(fastlr.InputError, match="cross_terms=False"):
        diagnostics.het_white(fastlr.ols(wide, target), wide, target)
    counted = fastlr.ols(X, y, sample_weight=np.ones(200), weight_type="frequency")
    with pytest.raises(fastlr.InputError, match="order of time"):
        diagnostics.durbin_watson(counted, X, y, sample_weight=np.ones(200))


def test_predictions_of_one_set_of_indicators_have_no_powers_to_test():
    table = pd.DataFrame({"g": list("aabbccdd"), "y": [1.0, 2, 4, 5, 3, 1, 9, 8]})
    fit = fastlr.ols("y ~ g", data=table)
    found = diagnostics.linear_reset(fit, table, table["y"])
    assert np.isnan(found.pvalue)
    assert "already explain powers" in str(found)


def test_sentences_say_which_way():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 5, size=(200, 1))
    for slope, which in ((2.0, "more"), (-2.0, "less")):
        y = slope * x[:, 0] + rng.normal(size=200) * x[:, 0]
        found = str(diagnostics.het_breuschpagan(fastlr.ols(x, y), x, y))
        assert found.startswith(
            f"Residuals scatter {which} for larger predictions (Breusch-Pagan LM = "
        )
    y = np.resize([1.0, -1.0], 200) + 0.1 * rng.normal(size=200)
    assert "Residuals alternate with" in str(
        diagnostics.durbin_watson(fastlr.ols(x, y), x, y, alternative="negative")
    )
