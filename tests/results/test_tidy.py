"""Frames of a fit: broom's words, the user's own library, and nothing of the user's touched."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import statsmodels.api as sm

import fastlr

LONGLEY = pd.read_csv(Path(__file__).parents[2] / "examples" / "longley.csv")
X, Y = LONGLEY.drop(columns="employed"), LONGLEY["employed"]
LIBRARIES = {
    "pandas": (lambda frame: frame, pd.DataFrame),
    "polars": (pl.from_pandas, pl.DataFrame),
    "pyarrow": (lambda frame: pa.Table.from_pandas(frame, preserve_index=False), pa.Table),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_frames_are_of_the_users_library(library):
    convert, kind = LIBRARIES[library]
    features = convert(X[["year", "gnp"]])
    fit = fastlr.ols(features, Y.to_numpy())
    by_formula = fastlr.ols("employed ~ year", data=convert(LONGLEY))
    series = fastlr.ols(X[["year"]].to_numpy(), convert(LONGLEY)["employed"])
    frames = [fit.tidy(), fit.glance(), fit.augment(features, Y.to_numpy()), by_formula.tidy()]
    if library != "pyarrow":  # whose columns have no names of their own
        frames.append(series.tidy())
    frames += [pickle.loads(pickle.dumps(fit)).tidy(), fastlr.ols(X, Y).tidy(backend=library)]
    frames.append(fit.with_covariance("HC0", features, Y.to_numpy()).tidy())
    assert all(isinstance(frame, kind) for frame in frames)


def test_arrays_give_arrays_and_any_frame_that_is_asked_for():
    fit = fastlr.ols(X.to_numpy(), Y.to_numpy())
    assert all(type(values) is np.ndarray for values in fit.tidy().values())
    assert isinstance(fit.glance(backend="polars"), pl.DataFrame)
    assert isinstance(fit.augment(X.to_numpy(), backend="pandas"), pd.DataFrame)
    loaded = fastlr.LinearFit.from_dict(fastlr.ols(X, Y).to_dict())
    assert isinstance(loaded.tidy(), dict)
    with pytest.raises(fastlr.InputError, match="backend='spark'"):
        fit.tidy(backend="spark")


def test_tidy_and_glance_are_what_statsmodels_says():
    fit = fastlr.ols(X, Y)
    other = sm.OLS(Y, sm.add_constant(X)).fit()
    tidy, glance = fit.tidy(level=0.9), fit.glance()
    assert list(tidy["term"]) == ["(intercept)", *X.columns]
    expected = {
        "estimate": other.params,
        "std_error": other.bse,
        "statistic": other.tvalues,
        "p_value": other.pvalues,
        "conf_low": other.conf_int(0.1)[0],
        "conf_high": other.conf_int(0.1)[1],
    }
    for name, values in expected.items():
        assert np.allclose(tidy[name], values, rtol=1e-7), name
    expected = {
        "r_squared": other.rsquared,
        "adj_r_squared": other.rsquared_adj,
        "sigma": np.sqrt(other.scale),
        "statistic": other.fvalue,
        "p_value": other.f_pvalue,
        "df": other.df_model,
        "log_lik": other.llf,
        "aic": other.aic,
        "bic": other.bic,
        "deviance": other.ssr,
        "df_residual": other.df_resid,
        "nobs": other.nobs,
    }
    assert list(glance.columns) == list(expected)
    for name, value in expected.items():
        assert np.allclose(glance[name], value, rtol=1e-8), name


@pytest.mark.parametrize("weighted", [False, True])
def test_augment_is_statsmodels_influence(weighted):
    weights = np.arange(1.0, 17) if weighted else None
    features = X[["year", "armed_forces"]]
    fit = fastlr.ols(features, Y, sample_weight=weights)
    rows = fit.augment(features, Y, sample_weight=weights)
    root = np.ones(16) if weights is None else np.sqrt(weights)
    model = sm.OLS(Y * root, sm.add_constant(features).mul(root, axis=0))
    influence = model.fit().get_influence()
    assert np.allclose(rows["hat"], influence.hat_matrix_diag, rtol=1e-6)
    assert np.allclose(rows["std_resid"], influence.resid_studentized_internal, rtol=1e-6)
    assert np.allclose(rows["cooks_d"], influence.cooks_distance[0], rtol=1e-6)
    without = np.sqrt(influence.sigma2_not_obsi)
    assert np.allclose(rows["sigma"], without, rtol=1e-6)
    assert np.allclose(rows["resid"], Y - rows["fitted"])


def test_augment_says_what_influence_says_and_nothing_where_that_says_nothing():
    rng = np.random.default_rng(0)
    rows, y, w = rng.normal(size=(12, 2)), rng.normal(size=12), np.arange(12.0) % 3
    alone = np.column_stack([rows[:, 0], np.arange(12) == 4])  # row 4 determines a coefficient
    outlier = np.where(np.arange(12) == 7, 1e9, 1e-9 * y)
    for features, target, options in (
        (rows, y, {}),
        (rows, y, {"sample_weight": w}),
        (rows, y, {"sample_weight": w, "weight_type": "frequency"}),
        (rows, y, {"alpha": 1.0}),
        (alone, y, {}),
        (rows, outlier, {}),
        (rows, np.ones(12), {}),
        (rows[:3], y[:3], {}),
    ):
        fit = fastlr.ols(features, target, **options)
        weights = options.get("sample_weight")
        augmented = fit.augment(features, target, sample_weight=weights)
        influence = fit.get_influence(features, target, sample_weight=weights)
        for name, expected in {
            "hat": influence.hat_matrix_diag,
            "std_resid": influence.resid_studentized_internal,
            "sigma": np.sqrt(influence.sigma2_not_obsi),
            "cooks_d": influence.cooks_distance[0],
        }.items():
            np.testing.assert_array_equal(augmented[name], expected, err_msg=f"{name} {options}")
        if weights is not None:  # a row of weight 0 is not one that could be left out
            assert np.isnan(augmented["sigma"][weights == 0]).all()
    with pytest.raises(fastlr.InputTypeError, match="target='y' is no whole number"):
        fit.get_influence(rows[:3], y[:3], target="y")


def test_a_target_is_never_lost_behind_a_feature_of_its_name():
    fit = fastlr.ols(X[["gnp", "year"]], Y.rename("gnp"))
    with pytest.raises(fastlr.InputError, match="X has a column 'gnp' as y has, with other values"):
        fit.augment(X[["gnp", "year"]], Y.rename("gnp"))
    by_formula = fastlr.ols("employed ~ year", data=LONGLEY)
    augmented = by_formula.augment(LONGLEY, LONGLEY["employed"])
    pd.testing.assert_frame_equal(augmented[LONGLEY.columns], LONGLEY)


def test_augment_keeps_the_rows_as_they_are():
    shuffled = X.sample(frac=1.0, random_state=0)
    before = shuffled.copy()
    y = Y.loc[shuffled.index]
    rows = fastlr.ols(shuffled, y).augment(shuffled, y)
    pd.testing.assert_frame_equal(shuffled, before)
    pd.testing.assert_frame_equal(rows[list(X)], before)
    assert (rows["employed"] == y).all()
    assert (rows.index == shuffled.index).all()


def test_augment_takes_new_rows_and_refuses_to_call_them_old():
    fit = fastlr.ols(X, Y)
    new = X.tail(3)
    assert list(fit.augment(new).columns) == [*X, "fitted"]
    assert list(fit.augment(new, Y.tail(3), newdata=True).columns)[-2:] == ["fitted", "resid"]
    with pytest.raises(fastlr.InputError, match="rows"):
        fit.augment(new, Y.tail(3))


def test_columns_of_the_same_name_are_not_lost():
    table = X[["year"]].rename(columns={"year": "fitted"})
    fit = fastlr.ols(table, Y)
    with pytest.raises(fastlr.InputError, match="prefix"):
        fit.augment(table, Y)
    assert {"fitted", ".fitted", ".hat"} <= set(fit.augment(table, Y, prefix="."))


def test_several_targets_are_rows_of_tidy_and_columns_of_augment():
    both = LONGLEY[["employed", "population"]]
    fit = fastlr.ols(X[["year"]], both)
    assert list(fit.tidy()["target"]) == ["employed"] * 2 + ["population"] * 2
    assert list(fit.glance()["target"]) == ["employed", "population"]
    rows = fit.augment(X[["year"]], both)
    alone = fastlr.ols(X[["year"]], both["population"]).augment(X[["year"]], both["population"])
    assert np.allclose(rows["cooks_d_population"], alone["cooks_d"])
    assert np.allclose(rows["hat"], alone["hat"])


def test_categories_are_augmented_by_their_own_columns():
    table = pd.DataFrame({"x": np.arange(8.0), "g": pd.Categorical(list("abcabcab"))})
    y = np.array([1.0, 2, 4, 3, 5, 8, 6, 7])
    rows = fastlr.ols(table, y).augment(table, y)
    assert list(rows.columns)[:4] == ["x", "g", "y", "fitted"]
    assert rows["hat"].sum() == pytest.approx(4)
