"""Tests of restrictions, intervals of predictions, the wild bootstrap and power."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.power import FTestPowerF2

import fastlr


def drawn(seed=0, n=60):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) + 5.0
    return X, X @ [1.0, 2.0, 3.0] + rng.normal(size=n), rng.integers(0, 8, size=n)


def fits():
    X, y, groups = drawn()
    plain = fastlr.ols({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]}, y)
    theirs = sm.OLS(y, pd.DataFrame(sm.add_constant(X), columns=["const", "a", "b", "c"])).fit()
    yield plain, theirs
    robust = plain.with_covariance("HC3", X, y)
    yield robust, theirs.model.fit(cov_type="HC3")
    options = {"groups": groups, "use_t": True}
    yield (
        plain.with_covariance("cluster", X, y, **options),
        theirs.model.fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True),
    )


@pytest.mark.parametrize("text", ["a = b = 0", "a - b = 1", "2*a + b - c = 0.5, a = 1", "b"])
def test_restrictions_as_text_are_tested_as_statsmodels_does(text):
    for fit, theirs in fits():
        ours, expected = fit.f_test(text), theirs.f_test(text)
        np.testing.assert_allclose(ours.fvalue, expected.fvalue, rtol=1e-10)
        np.testing.assert_allclose(ours.pvalue, expected.pvalue, rtol=1e-9)
        assert (ours.df_num, ours.df_denom) == (expected.df_num, expected.df_denom)
        chi2, expected = (
            fit.wald_test(text, use_f=False),
            theirs.wald_test(text, use_f=False, scalar=True),
        )
        np.testing.assert_allclose(chi2.statistic, expected.statistic, rtol=1e-10)
        np.testing.assert_allclose(chi2.pvalue, expected.pvalue, rtol=1e-9)
        assert fit.wald_test(text).distribution == ("F" if fit.use_t else "chi2")
        if text == "a = b = 0":
            continue  # which statsmodels' t_test reads otherwise
        each, expected = fit.t_test(text), theirs.t_test(text)
        for name in ("effect", "sd", "tvalue", "pvalue"):
            values = np.ravel(getattr(expected, name))
            np.testing.assert_allclose(getattr(each, name), values, rtol=1e-9, err_msg=name)
        np.testing.assert_allclose(each.conf_int(0.9), expected.conf_int(0.1), rtol=1e-10)


def test_matrices_and_text_are_the_same_restrictions():
    fit, _ = next(fits())
    text = fit.f_test("(intercept) = 2, a - c = 1")
    matrix = fit.f_test(([[1, 0, 0, 0], [0, 1, 0, -1]], [2, 1]))
    assert text.statistic == pytest.approx(matrix.statistic, rel=1e-14)
    assert matrix.restrictions == ("(intercept) = 2", "a - c = 1")
    assert fit.t_test([0, 1, 0, 0]).tvalue[0] == pytest.approx(fit.tvalues["a"], rel=1e-13)
    assert fit.f_test("a = b = c = 0").fvalue == pytest.approx(fit.fvalue, rel=1e-11)


def test_several_targets_are_tested_one_by_one():
    X, y, _ = drawn()
    both = fastlr.ols(X, np.column_stack([y, y**2])).f_test("x0 = x1")
    one = fastlr.ols(X, y**2).f_test("x0 = x1")
    np.testing.assert_allclose(both.statistic[1], one.statistic, rtol=1e-11)
    assert both.pvalue.shape == (2,)


@pytest.mark.parametrize(
    ("restrictions", "message"),
    [
        ("a = q", "cannot be read"),
        ("a = = b", "cannot be read"),
        ("a = b, b = a", "depend on one another"),
        ("a = a", "speaks of no parameter"),
        (np.eye(3), r"restrictions have shape \(3, 3\)"),
        ([[0, 1, 0, np.nan]], "must be finite"),
    ],
)
def test_restrictions_that_mean_nothing_are_refused(restrictions, message):
    fit, _ = next(fits())
    with pytest.raises(fastlr.InputError, match=message):
        fit.f_test(restrictions)


def test_restrictions_of_dependent_columns_are_nan_and_others_stand():
    X, y, _ = drawn()
    fit = fastlr.ols(np.column_stack([X, X[:, 0]]), y, rank="min_norm")
    assert np.isnan(fit.f_test("x0 = 0").pvalue)
    expected = fastlr.ols(X, y).f_test("x1 = x2")
    assert fit.f_test("x1 = x2").statistic == pytest.approx(expected.statistic, rel=1e-9)


def test_predictions_have_the_intervals_of_statsmodels():
    new = np.random.default_rng(1).normal(size=(5, 3)) + 5.0
    frame = pd.DataFrame(new, columns=["a", "b", "c"], index=list("vwxyz"))
    for fit, theirs in fits():
        expected = theirs.get_prediction(sm.add_constant(new)).summary_frame(0.1)
        for table in (frame, pl.from_pandas(frame), {name: frame[name] for name in frame}):
            found = fit.get_prediction(table).summary_frame(0.9)
            assert list(getattr(found, "columns", found)) == list(expected.columns)
            has_own_df = fit.df_inference != fit.df_resid  # which theirs leaves out of predictions
            for name in expected.columns[: 2 if has_own_df else None]:
                np.testing.assert_allclose(found[name], expected[name], rtol=1e-10, err_msg=name)
        found = fit.get_prediction(frame).summary_frame()
        assert list(found.index) == list("vwxyz")
        assert isinstance(fit.get_prediction(pl.from_pandas(frame)).summary_frame(), pl.DataFrame)


def test_predictions_of_several_targets_are_those_of_each():
    X, y, _ = drawn()
    both = fastlr.ols(X, np.column_stack([y, y**2])).get_prediction(X)
    one = fastlr.ols(X, y**2).get_prediction(X)
    np.testing.assert_allclose(both.se_mean[:, 1], one.se_mean, rtol=1e-11)
    assert "y1_mean" in both.summary_frame()


@pytest.mark.usefixtures("level")
def test_predictions_outside_of_what_the_rows_span_are_not_stated():
    X, y, _ = drawn()
    doubled = np.column_stack([X, X[:, 0] * 2.0])
    fit = fastlr.ols(doubled, y, rank="min_norm")
    new = doubled[:3].copy()
    new[1, 3] += 1.0
    found = fit.get_prediction(new)
    expected = fastlr.ols(X, y).get_prediction(X[:3])
    assert np.isnan(found.se_mean[1])
    np.testing.assert_allclose(found.se_mean[[0, 2]], expected.se_mean[[0, 2]], rtol=1e-9)
    with pytest.warns(fastlr.RankWarning):
        wide = fastlr.ols(X[:2], y[:2])
    assert np.isnan(wide.get_prediction(X).se_obs).all()


def test_a_constant_column_takes_no_part():
    X, y, groups = drawn()
    constant = np.column_stack([X, np.full(len(y), 7.0)])
    fit, expected = fastlr.ols(constant, y, rank="min_norm"), fastlr.ols(X, y)
    found = fit.get_prediction(constant[:5])
    np.testing.assert_allclose(found.se_mean, expected.get_prediction(X[:5]).se_mean, rtol=1e-11)
    for cov_type, options in (("HC3", {}), ("cluster", {"groups": groups})):
        robust = fit.with_covariance(cov_type, constant, y, **options)
        right = expected.with_covariance(cov_type, X, y, **options)
        np.testing.assert_allclose(robust.bse_coef[:3], right.bse_coef, rtol=1e-11)
        assert np.isnan([robust.bse_coef[3], robust.bse_intercept, fit.bse_intercept]).all()
    basic = fastlr.ols(constant, y, rank="basic")
    np.testing.assert_allclose(basic.bse_intercept, expected.bse_intercept, rtol=1e-11)


def brute_bootstrap(X, y, groups, column, value, n_groups):
    """All sign changes, by refits."""
    design = np.column_stack([np.ones(len(y)), X])
    inverse = np.linalg.inv(design.T @ design)

    def t(target):
        coef = inverse @ design.T @ target
        scores = design * (target - design @ coef)[:, np.newaxis]
        sums = np.array([scores[groups == g].sum(axis=0) for g in range(n_groups)])
        return (coef[column] - value) / np.sqrt((inverse @ sums.T @ sums @ inverse)[column, column])

    others = np.delete(design, column, axis=1)
    free = np.linalg.lstsq(others, y - value * design[:, column], rcond=None)[0]
    restricted = others @ free + value * design[:, column]
    draws = []
    for number in range(2**n_groups):
        signs = 1.0 - 2.0 * (number >> np.arange(n_groups) & 1)
        draws.append(abs(t(restricted + signs[groups] * (y - restricted))))
    return np.mean(np.array(draws) >= abs(t(y)) * (1 - 1e-9))


@pytest.mark.parametrize("column", [0, 1])
def test_the_wild_bootstrap_is_that_of_refits(column):
    X, y, groups = drawn()
    y = y + np.random.default_rng(3).normal(size=8)[groups]
    fit = fastlr.ols(X, y)
    name = fit.param_names[column]
    value = float(
        fit.params[name]
        - 1.5 * fit.with_covariance("cluster", X, y, groups=groups).std_errors[name]
    )
    found = fit.wild_cluster_bootstrap(name, X, y, groups, value=value)
    assert found.is_enumerated
    assert found.n_boot == 256
    assert found.pvalue == brute_bootstrap(X, y, groups, column, value, 8)
    clustered = fit.with_covariance("cluster", X, y, groups=groups, use_t=True)
    assert found.statistic == pytest.approx(
        (fit.params[name] - value) / clustered.std_errors[name], rel=1e-10
    )
    lower, upper = found.conf_int
    assert lower < fit.params[name] < upper
    inside, outside = (
        fit.wild_cluster_bootstrap(name, X, y, groups, value=upper + step).pvalue
        for step in (-1e-6, 1e-6)
    )
    assert inside > 0.05 >= outside


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_where_too_few_sign_changes_reject_the_interval_has_no_ends(offset):
    """Two of 2^G draws always tie, so that fewer than six clusters never reject at 5 %, however far the value."""
    for n_groups in (2, 3, 4, 5, 6):
        rng = np.random.default_rng(n_groups)
        X, y = rng.normal(size=(48, 2)) + offset, rng.normal(size=48)
        groups = np.arange(48) % n_groups
        found = fastlr.ols(X, y).wild_cluster_bootstrap("x0", X, y, groups)
        assert np.isinf(found.conf_int).tolist() == [n_groups < 6] * 2, (n_groups, found)
        far = fastlr.ols(X, y).wild_cluster_bootstrap("x0", X, y, groups, value=1e15)
        assert far.pvalue >= 2.0 / 2**n_groups


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"value": np.nan}, "value=nan is not finite"),
        ({"value": "0"}, "value='0' is not a number"),
        ({"seed": "a", "weights": "webb"}, "seed='a' starts no random numbers"),
        ({"seed": -1, "weights": "webb"}, "seed=-1 starts no random numbers"),
    ],
)
def test_options_of_the_wild_bootstrap_are_checked(options, message):
    X, y, groups = drawn()
    with pytest.raises((fastlr.InputError, fastlr.InputTypeError), match=message):
        fastlr.ols(X, y).wild_cluster_bootstrap("x1", X, y, groups, **options)


def test_an_exact_fit_has_nothing_to_bootstrap():
    X, _, groups = drawn()
    X = X.round()
    fit = fastlr.ols(X, X @ [1.0, 2.0, 0.0])
    with pytest.raises(fastlr.InputError, match="no spread to test it by"):
        fit.wild_cluster_bootstrap("x1", X, X @ [1.0, 2.0, 0.0], groups)


def test_the_wild_bootstrap_takes_weights_and_seeds():
    X, y, groups = drawn()
    weights = np.arange(1.0, 61.0)
    fit = fastlr.ols(X, y, sample_weight=weights)
    options = {"sample_weight": weights, "n_boot": 199, "seed": 4, "weights": "webb"}
    found, again = (
        fit.wild_cluster_bootstrap("x1", X, y, groups, value=1.9, **options) for _ in range(2)
    )
    assert found == again
    assert not found.is_enumerated
    assert 0.0 < found.pvalue < 1.0
    repeated = fastlr.ols(
        X, y, sample_weight=np.arange(60) % 3 + 1, weight_type="frequency"
    ).wild_cluster_bootstrap("x1", X, y, groups, sample_weight=np.arange(60) % 3 + 1, value=1.9)
    counts = np.arange(60) % 3 + 1
    long = X.repeat(counts, axis=0), y.repeat(counts)
    expected = fastlr.ols(*long).wild_cluster_bootstrap(
        "x1", *long, groups.repeat(counts), value=1.9
    )
    assert repeated.pvalue == expected.pvalue
    with pytest.raises(fastlr.InputError, match="'z' is not among the parameters"):
        fit.wild_cluster_bootstrap("z", X, y, groups)


def test_power_is_that_of_the_noncentral_f():
    found = fastlr.power(0.1, n=100, p=5)
    assert found.power == pytest.approx(
        FTestPowerF2().power(0.1, df_num=5, df_denom=94, alpha=0.05, ncc=1), rel=1e-10
    )
    n = fastlr.power(0.15, power=0.8, p=3)
    assert n.n == 77  # as G*Power has it
    assert n.power >= 0.8 > fastlr.power(0.15, n=76, p=3).power
    effect = fastlr.power(n=77, power=0.8, p=3, n_controls=2)
    assert fastlr.power(effect.effect, n=77, p=3, n_controls=2).power == pytest.approx(
        0.8, rel=1e-9
    )
    one = fastlr.power(0.2, n=40, p=1)
    shift = np.sqrt(0.2 * 40)
    limit = stats.t.isf(0.025, 38)
    two_sided = stats.nct.sf(limit, 38, shift) + stats.nct.cdf(-limit, 38, shift)
    assert one.power == pytest.approx(two_sided, rel=1e-9)
    assert fastlr.power(0.0, n=50, p=2, alpha=0.01).power == 0.01


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"effect": 0.1, "p": 2}, "takes two of effect, n and power"),
        ({"effect": -0.1, "n": 10, "p": 2}, "effect=-0.1 is not a finite number >= 0"),
        ({"effect": 0.1, "n": 3, "p": 2}, "n=3 is below 4"),
        ({"effect": 0.1, "power": 0.01, "p": 2}, "power=0.01 is not above alpha=0.05"),
        ({"effect": 0.0, "power": 0.9, "p": 2}, "effect=0.0 is none at all"),
        ({"effect": 1e-12, "power": 0.9, "p": 2}, "takes more than 1e9 rows"),
        ({"effect": 0.1, "n": 10, "p": 2, "alpha": 5}, "alpha=5 is not between 0 and 1"),
    ],
)
def test_plans_that_cannot_be_are_refused(given, message):
    with pytest.raises((fastlr.InputError, fastlr.InputTypeError), match=message):
        fastlr.power(**given)


def test_probabilities_too_small_for_a_number_are_not_printed_as_zero():
    rows = np.arange(4000.0)[:, np.newaxis]
    fit = fastlr.ols(rows, rows[:, 0] + np.sin(rows[:, 0]))
    assert fit.pvalues["x0"] == 0.0
    for printed in (fit.f_test("x0 = 0"), fit.t_test("x0 = 0"), fastlr.anova(fit)):
        assert "1e-300" in str(printed)
    unknown = fastlr.ols(rows[:2], [1.0, 3.0])
    assert str(unknown.f_test("x0 = 0")).endswith("p unknown")
