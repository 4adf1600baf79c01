"""What a fit says about its parameters: beside statsmodels, NIST's certified figures, and where nothing can be said."""

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import statsmodels.api as sm

import fastlr
import nist
import real_tables

# Names that both have.
SHARED = {
    "params": "params",
    "bse": "bse",
    "tvalues": "tvalues",
    "pvalues": "pvalues",
    "rsquared": "rsquared",
    "rsquared_adj": "rsquared_adj",
    "fvalue": "fvalue",
    "f_pvalue": "f_pvalue",
    "llf": "llf",
    "aic": "aic",
    "bic": "bic",
    "df_model": "df_model",
    "df_resid": "df_resid",
    "scale": "scale",
    "mse_resid": "mse_resid",
    "mse_model": "mse_model",
    "mse_total": "mse_total",
    "ess": "ess",
    "ssr": "ssr",
    "centered_tss": "centered_tss",
    "uncentered_tss": "uncentered_tss",
    "nobs": "nobs",
    "use_t": "use_t",
    "normalized_cov_params": "normalized_cov_params",
}
TOLERANCE = 1e-10


def drawn(seed=0, n=60, p=4, offset=3.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * [1.0, 10.0, 0.1, 5.0][:p] + offset
    return X, X @ [1.0, -0.5, 20.0, 0.0][:p] + rng.normal(size=n)


def assert_like_statsmodels(fit, theirs, tolerance=TOLERANCE):
    for name, of_statsmodels in SHARED.items():
        ours = np.asarray(getattr(fit, name), dtype=float)
        expected = np.asarray(getattr(theirs, of_statsmodels), dtype=float)
        np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=1e-280, err_msg=name)
    np.testing.assert_allclose(fit.cov_params(), theirs.cov_params(), rtol=tolerance)
    np.testing.assert_allclose(fit.conf_int(0.9), theirs.conf_int(0.1), rtol=tolerance)


@pytest.mark.parametrize("has_weights", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_statistics_are_those_of_statsmodels(fit_intercept, has_weights):
    X, y = drawn()
    weights = np.random.default_rng(1).uniform(0.5, 3.0, size=len(y)) if has_weights else None
    fit = fastlr.ols(X, y, sample_weight=weights, fit_intercept=fit_intercept)
    design = sm.add_constant(X) if fit_intercept else X
    theirs = sm.WLS(y, design, weights=1.0 if weights is None else weights).fit()
    if not fit_intercept:
        theirs.k_constant = 0
    assert_like_statsmodels(fit, theirs)
    assert fit.inference_status.code == "ok"


def test_statistics_of_collinear_columns_are_those_of_statsmodels():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(80, 3))
    X = np.column_stack([X, X[:, 0] + 1e-3 * rng.normal(size=80)])
    y = X.sum(axis=1) + rng.normal(size=80)
    assert_like_statsmodels(fastlr.ols(X, y), sm.OLS(y, sm.add_constant(X)).fit(), 1e-9)


def test_statistics_of_body_fat_and_longley_are_those_of_statsmodels():
    fat = real_tables.table("fat")
    X, y = fat.drop(columns=["brozek", "siri", "density", "free"]), fat["brozek"]
    theirs = sm.OLS(y.to_numpy(), sm.add_constant(X.to_numpy(float))).fit()
    assert_like_statsmodels(fastlr.ols(X, y), theirs)
    longley = nist.load("Longley")
    theirs = sm.OLS(longley.y, sm.add_constant(longley.X)).fit()
    # NIST tells the last digits: theirs has lost some to a condition number of 5e9.
    assert_like_statsmodels(fastlr.ols(longley.X, longley.y), theirs, 1e-6)


def test_several_targets_have_the_statistics_of_each():
    X, y = drawn()
    Y = np.column_stack([y, np.square(y)])
    fit = fastlr.ols(X, Y)
    for target in range(2):
        single = fastlr.ols(X, Y[:, target])
        for name in [*SHARED, "fvalue"]:
            both = getattr(fit, name)
            one = np.asarray(getattr(single, name))
            values = np.asarray(both)
            shared = values.shape == one.shape
            np.testing.assert_allclose(values if shared else values[target], one, rtol=1e-11)
        np.testing.assert_allclose(fit.cov_params()[target], single.cov_params(), rtol=1e-11)
        np.testing.assert_allclose(fit.conf_int()[target], single.conf_int(), rtol=1e-11)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("name", nist.NAMES)
def test_errors_f_and_r2_of_nist_have_twelve_digits(name):
    problem = nist.load(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastlr.ConditionWarning)
        if name == "Filip":  # whose powers no float64 holds
            fit = fastlr.polyfit(problem.X[:, 0], problem.y, 10)
        else:
            fit = fastlr.ols(
                problem.X, problem.y, fit_intercept=problem.fit_intercept, accuracy="max"
            )
    if name in ("Wampler1", "Wampler2"):  # an exact fit: certified errors are zero
        assert fit.rsquared > 1 - 1e-15
        return
    certified = problem.certified
    covariance = np.asarray(fit.cov_params())
    for given, expected in (
        (fit.std_errors, certified["se"]),
        (np.sqrt(covariance.diagonal()), certified["se"]),
        (fit.residual_sd, certified["residual_sd"]),
        (fit.rsquared, certified["r2"]),
        (fit.fvalue, certified["F"]),
    ):
        np.testing.assert_allclose(given, expected, rtol=2e-12)


@pytest.mark.parametrize("is_whole", [True, False])
def test_frequencies_give_the_statistics_of_the_repeated_table(is_whole):
    X, y = drawn()
    counts = np.random.default_rng(4).integers(0, 4, size=len(y))
    weights = counts if is_whole else counts * 0.5
    fit = fastlr.ols(X, y, sample_weight=weights, weight_type="frequency")
    moments = fastlr.Moments.from_arrays(X, y, weights)
    from_moments = fastlr.solve(moments, weight_type="frequency")
    repeated = fastlr.ols(X.repeat(counts, axis=0), y.repeat(counts))
    assert fit.weight_type == from_moments.weight_type == "frequency"
    assert fit.nobs == counts.sum() * (1.0 if is_whole else 0.5)
    if not is_whole:
        assert fit.df_resid == counts.sum() / 2 - 5
        return
    for name in [*SHARED, "residual_sd", "bse_coef", "bse_intercept", "df_resid"]:
        expected = np.asarray(getattr(repeated, name), dtype=float)
        np.testing.assert_allclose(getattr(fit, name), expected, rtol=1e-12, err_msg=name)
        np.testing.assert_allclose(getattr(from_moments, name), expected, rtol=1e-10)
    np.testing.assert_allclose(fit.cov_params(), repeated.cov_params(), rtol=1e-12)


def test_frequencies_of_as_many_rows_as_parameters_have_errors():
    X, y, counts = np.array([[0.0], [1.0], [3.0]]), np.array([1.0, 2.0, 2.0]), [5, 4, 3]
    few = fastlr.ols(X[:2], y[:2], sample_weight=[5, 4], weight_type="frequency")
    assert few.df_resid == 7
    assert few.scale < 1e-30
    fit = fastlr.ols(X, y, sample_weight=counts, weight_type="frequency")
    repeated = fastlr.ols(X.repeat(counts, axis=0), y.repeat(counts))
    np.testing.assert_allclose(fit.std_errors, repeated.std_errors, rtol=1e-12)


def test_a_common_factor_changes_errors_of_frequencies_alone():
    X, y = drawn()
    weights = np.random.default_rng(2).uniform(1.0, 2.0, size=len(y))
    for weight_type, is_same in (("precision", True), ("frequency", False)):
        one, ten = (
            fastlr.ols(X, y, sample_weight=factor * weights, weight_type=weight_type)
            for factor in (1.0, 10.0)
        )
        assert np.allclose(one.std_errors, ten.std_errors, rtol=1e-12) == is_same


def test_parameters_are_an_array_a_mapping_and_a_table():
    X, y = drawn(p=2)
    fit = fastlr.ols({"dose": X[:, 0], "age": X[:, 1]}, y)
    assert fit.params.names == ("(intercept)", "dose", "age") == fit.params.keys()
    assert fit.params["dose"] == fit.coef[0] == fit.params[1]
    assert fit.params["(intercept)"] == fit.intercept
    for values in (fit.bse, fit.std_errors, fit.tvalues, fit.pvalues):
        assert values.names == fit.params.names
        assert values.shape == fit.params.shape
    assert fit.bse.tolist() == fit.std_errors.tolist() == [fit.bse_intercept, *fit.bse_coef]
    some = fit.params[["age", "(intercept)"]]
    assert some.to_dict() == {"age": fit.coef[1], "(intercept)": fit.intercept}
    assert fit.cov_params()["dose", ["age", "dose"]].names == ("age", "dose")
    assert fit.cov_params()[["age"], ["dose"]].shape == (1, 1)
    assert dict(fit.params) == {name: fit.params[name] for name in fit.params.names}
    assert "age" in fit.params
    assert "weight" not in fit.params
    assert fit.cov_params()["dose", "age"] == fit.cov_params()[1, 2]
    assert fit.conf_int()["age", "upper"] == fit.conf_int()[2, 1]
    np.testing.assert_array_equal(fit.params / 2.0, np.asarray(fit.params) * 0.5)
    with pytest.raises(KeyError, match="'weight' is not among the names '\\(intercept\\)', 'dose'"):
        fit.params["weight"]
    again = pickle.loads(pickle.dumps(fit.params))
    assert str(again) == str(fit.params)
    assert [line.split()[0] for line in str(fit.params).splitlines()] == list(fit.params.names)


def test_a_fit_remembers_its_covariance_through_files_and_pickles(tmp_path):
    X, y = drawn()
    fit = fastlr.ols(X, y, sample_weight=np.arange(1.0, 61.0), weight_type="frequency")
    fit.save(tmp_path / "fit.json")
    fresh = fastlr.ols(X, y, sample_weight=np.arange(1.0, 61.0), weight_type="frequency")
    for restored in (
        fastlr.load(tmp_path / "fit.json"),
        pickle.loads(pickle.dumps(fresh)),
        copy.deepcopy(fresh),
    ):
        assert restored.weight_type == "frequency"
        np.testing.assert_allclose(restored.cov_params(), fit.cov_params(), rtol=1e-15)
        assert restored.aic == fit.aic
        assert restored.uncentered_tss == fit.uncentered_tss


def test_large_inverses_are_not_saved_and_the_fit_says_so(tmp_path, monkeypatch):
    X, y = drawn()
    fit = fastlr.ols(X, y)
    monkeypatch.setattr("fastlr.results.stored.LARGEST_SAVED", 3)
    fit.save(tmp_path / "fit.json")
    restored = fastlr.load(tmp_path / "fit.json")
    assert np.isnan(restored.cov_params()).all()
    assert restored.inference_status.code == "not_kept"
    np.testing.assert_array_equal(restored.pvalues, fit.pvalues)


def test_what_cannot_be_stated_is_nan_with_a_sentence():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(30, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.normal(size=30)
    cases = {
        "no_degrees_of_freedom": fastlr.ols(X[:4], y[:4]),
        "penalised": fastlr.ols(X, y, alpha=1.0),
        "needs_rows": fastlr.solve(fastlr.Moments.from_arrays(X, y), weight_type="probability"),
    }
    for code, fit in cases.items():
        assert fit.inference_status.code == code
        for values in (fit.pvalues, fit.tvalues, fit.conf_int(), fit.cov_params(), fit.std_errors):
            assert np.isnan(values).all(), code
    for name in ("rsquared_adj", "fvalue", "f_pvalue", "aic", "bic", "llf"):
        assert np.isnan(getattr(cases["no_degrees_of_freedom"], name)), name
    with pytest.warns(fastlr.RankWarning):
        wide = fastlr.ols(X[:2], y[:2])
    assert np.isnan(wide.cov_params()).all()
    assert wide.inference_status.code == "no_degrees_of_freedom"


@pytest.mark.usefixtures("level")
def test_dependent_columns_have_no_covariances_and_the_others_do():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(40, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.normal(size=40)
    doubled = np.column_stack([X, X[:, 0]])
    with pytest.warns(fastlr.RankWarning):
        fit = fastlr.ols(doubled, y)
    of_three = fastlr.ols(X, y)
    assert fit.inference_status.code == "rank_deficient"
    assert "x0, x3" in fit.inference_status
    known = ["(intercept)", "x1", "x2"]
    for name in fit.param_names:
        is_known = name in known
        assert np.isfinite(fit.pvalues[name]) == is_known
        assert np.isfinite(fit.cov_params()[name, name]) == is_known
        if is_known:
            np.testing.assert_allclose(fit.pvalues[name], of_three.pvalues[name], rtol=1e-9)
            np.testing.assert_allclose(
                fit.cov_params()[name, "x1"], of_three.cov_params()[name, "x1"], rtol=1e-9
            )
    np.testing.assert_allclose(fit.fvalue, of_three.fvalue, rtol=1e-10)
    with pytest.warns(fastlr.RankWarning):
        basic = fastlr.ols(doubled, y, rank="basic")
    np.testing.assert_allclose(
        np.asarray(basic.cov_params())[:4, :4], of_three.cov_params(), rtol=1e-9
    )
    assert np.isnan(np.asarray(basic.cov_params())[4]).all()


def test_an_intercept_that_dummies_share_is_not_stated():
    rng = np.random.default_rng(7)
    group = rng.integers(0, 3, size=50)
    dummies = (group[:, np.newaxis] == np.arange(3)).astype(float)
    X = np.column_stack([dummies, rng.normal(size=50)])
    fit = fastlr.ols(X, group + rng.normal(size=50), rank="min_norm")
    assert np.isnan(fit.bse_intercept)
    assert np.isnan(fit.pvalues["(intercept)"])
    assert np.isfinite(fit.pvalues["x3"])
    assert np.isnan(np.asarray(fit.cov_params())[0]).all()


def test_words_and_levels_are_checked():
    X, y = drawn()
    with pytest.raises(fastlr.InputError, match="weight_type='survey' is unknown: choose one of"):
        fastlr.ols(X, y, weight_type="survey")
    with pytest.raises(fastlr.InputError, match="level=95 is not between 0 and 1"):
        fastlr.ols(X, y).conf_int(95)


def test_a_fit_does_not_import_scipy():
    code = (
        "import sys, fastlr; fit = fastlr.ols([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]); fit.bse; fit.aic;"
        "assert not [name for name in sys.modules if name.startswith('scipy')]; fit.pvalues"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_restored_fits_have_the_covariances_of_the_fit_to_the_bit():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(30, 3)) + rng.normal(size=3), rng.normal(size=30)
        fit = fastlr.ols(X, y)
        for each in (fit, fit.with_covariance("HC2", X, y)):
            restored = fastlr.LinearFit.from_dict(each.to_dict())
            np.testing.assert_array_equal(restored.cov_params(), each.cov_params())
            np.testing.assert_array_equal(
                restored.normalized_cov_params, each.normalized_cov_params
            )
            test = each.t_test("(intercept) + x0 = 0")
            np.testing.assert_array_equal(restored.t_test([[1, 1, 0, 0]]).sd, test.sd)
