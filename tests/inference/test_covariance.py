"""Robust covariances: beside statsmodels, figures of Stata, the repeated table, and where nothing can be said."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import statsmodels.api as sm
from statsmodels.datasets import grunfeld, macrodata
from statsmodels.regression.tests.results import results_grunfeld_ols_robust_cluster as stata_panel
from statsmodels.regression.tests.results import results_macro_ols_robust as stata_macro

import fastlr
from fastlr.inference.clusters import as_clusters

TOLERANCE = 1e-10


def drawn(seed=0, n=200, offset=5.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) + offset
    y = X @ [1.0, 0.2, -0.3] + rng.normal(size=n) * (1.0 + np.abs(X[:, 0] - offset))
    return X, y, rng.integers(0, 12, size=n), rng.integers(0, 7, size=n)


def kinds(first, second):
    return [
        ("HC0", {}),
        ("HC1", {}),
        ("HC2", {}),
        ("HC3", {"use_t": True}),
        ("cluster", {"groups": first}),
        ("cluster", {"groups": first, "use_t": True}),
        ("cluster", {"groups": first, "use_correction": False, "df_correction": False}),
        ("cluster", {"groups": np.column_stack([first, second])}),
        ("HAC", {"maxlags": 0}),
        ("HAC", {"maxlags": 4, "use_correction": True}),
        ("HAC", {"maxlags": None}),
    ]


def assert_like(fit, theirs, what, tolerance=TOLERANCE):
    for name, of_statsmodels in (
        ("std_errors", "bse"),
        ("tvalues", "tvalues"),
        ("pvalues", "pvalues"),
        ("fvalue", "fvalue"),
        ("f_pvalue", "f_pvalue"),
        ("use_t", "use_t"),
    ):
        expected = np.asarray(getattr(theirs, of_statsmodels), dtype=float)
        ours = np.asarray(getattr(fit, name), dtype=float)
        close = 100 * tolerance if "pvalue" in name else tolerance
        np.testing.assert_allclose(
            ours, expected, rtol=close, atol=1e-250, err_msg=str((what, name))
        )
    np.testing.assert_allclose(
        fit.cov_params(), theirs.cov_params(), rtol=tolerance, err_msg=what[0]
    )
    np.testing.assert_allclose(fit.conf_int(), theirs.conf_int(), rtol=tolerance, err_msg=what[0])


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("has_weights", [False, True])
def test_covariances_are_those_of_statsmodels(has_weights, fit_intercept):
    X, y, first, second = drawn()
    weights = np.random.default_rng(1).uniform(0.5, 2.0, size=len(y)) if has_weights else None
    plain = fastlr.ols(X, y, sample_weight=weights, fit_intercept=fit_intercept)
    design = sm.add_constant(X) if fit_intercept else X
    model = sm.WLS(y, design, weights=1.0 if weights is None else weights)
    for cov_type, options in kinds(first, second):
        kwds = {name: value for name, value in options.items() if name != "use_t"}
        theirs = model.fit(cov_type=cov_type, cov_kwds=kwds, use_t=options.get("use_t"))
        if not fit_intercept:
            theirs.k_constant = 0
        at_once = fastlr.ols(
            X,
            y,
            sample_weight=weights,
            fit_intercept=fit_intercept,
            cov_type=cov_type,
            cov_kwds=options,
        )
        after = plain.with_covariance(cov_type, X, y, sample_weight=weights, **options)
        for fit in (at_once, after):
            assert_like(fit, theirs, (cov_type, *kwds))
            assert fit.cov_type == cov_type
            np.testing.assert_array_equal(fit.params, plain.params)


@pytest.mark.usefixtures("level")
def test_collinear_columns_lose_no_square_of_their_condition_number():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(100, 2))
    X = np.column_stack([X, X[:, 0] + 1e-4 * rng.normal(size=100)])
    y = X @ [1.0, 2.0, 3.0] + rng.normal(size=100)
    # The same model in other columns, which are far from dependent, tells what is right.
    easy = np.column_stack([X[:, :2], (X[:, 2] - X[:, 0]) * 1e4])
    back = np.eye(4)
    back[1, 3], back[3, 3] = -1e4, 1e4
    for cov_type, options in kinds(np.arange(100) % 9, np.arange(100) % 5):
        hard = np.asarray(fastlr.ols(X, y, cov_type=cov_type, cov_kwds=options).cov_params())
        right = np.asarray(fastlr.ols(easy, y, cov_type=cov_type, cov_kwds=options).cov_params())
        np.testing.assert_allclose(hard, back @ right @ back.T, rtol=1e-9, err_msg=cov_type)


def panel():
    table = grunfeld.data.load_pandas()
    X = table.exog[["value", "capital"]].iloc[:200].to_numpy(float)
    return X, table.endog.iloc[:200].to_numpy(float), table.exog.iloc[:200]


def assert_stata(fit, stata, *, tolerance=1e-7):
    order = [1, 2, 0]  # Stata has the constant last, and single precision data
    np.testing.assert_allclose(np.asarray(fit.params)[order], stata.params, rtol=tolerance)
    np.testing.assert_allclose(np.asarray(fit.std_errors)[order], stata.bse, rtol=tolerance)
    covariance = np.asarray(fit.cov_params())[np.ix_(order, order)]
    np.testing.assert_allclose(covariance, stata.cov, rtol=10 * tolerance)


def test_clusters_are_those_of_stata():
    X, y, exog = panel()
    firms = exog["firm"].to_numpy()
    years = exog["year"].to_numpy()
    small = fastlr.ols(X, y, cov_type="cluster", cov_kwds={"groups": firms, "use_t": True})
    assert_stata(small, stata_panel.results_cluster)
    np.testing.assert_allclose(small.fvalue, stata_panel.results_cluster.F, rtol=1e-7)
    table = stata_panel.results_cluster.params_table
    np.testing.assert_allclose(np.asarray(small.pvalues)[[1, 2, 0]], table[:, 3], rtol=1e-6)
    np.testing.assert_allclose(np.asarray(small.conf_int())[[1, 2, 0]], table[:, 4:6], rtol=1e-6)
    large = {"groups": firms, "use_correction": False}
    assert_stata(
        fastlr.ols(X, y, cov_type="cluster", cov_kwds=large), stata_panel.results_cluster_large
    )
    both = pd.DataFrame({"firm": firms, "year": years})
    # ivreg2 takes the factor of the fewest clusters for all parts, as fixest does.
    two_ways = fastlr.ols(
        X, y, cov_type="cluster", cov_kwds={"groups": both, "use_correction": "min"}
    )
    assert_stata(two_ways, stata_panel.results_cluster_2groups_small)
    without = {"groups": (firms, years), "use_correction": False}
    assert_stata(
        fastlr.ols(X, y, cov_type="cluster", cov_kwds=without),
        stata_panel.results_cluster_2groups_large,
    )


def test_survey_weights_are_those_of_stata():
    X, y, _ = panel()
    weights = 1.0 / X[:, 0]
    fit = fastlr.ols(X, y, sample_weight=weights, weight_type="probability")
    assert (fit.weight_type, fit.cov_type) == ("probability", "HC1")
    assert_stata(fit, stata_panel.results_hc1_wls_small)
    np.testing.assert_allclose(fit.residual_sd, stata_panel.results_hc1_wls_small.rmse, rtol=1e-7)
    tenfold = fastlr.ols(X, y, sample_weight=10.0 * weights, weight_type="probability")
    for name in ("std_errors", "residual_sd", "llf"):
        np.testing.assert_allclose(getattr(fit, name), getattr(tenfold, name), rtol=1e-11)
    moments = fastlr.Moments.from_arrays(X, y, weights)
    later = fastlr.solve(moments, weight_type="probability")
    assert later.inference_status.code == "needs_rows"
    assert np.isnan([later.fvalue, later.f_pvalue, later.f_test("x0 = 0").pvalue]).all()
    later = later.with_covariance("HC1", X, y, sample_weight=weights)
    np.testing.assert_allclose(later.std_errors, fit.std_errors, rtol=1e-9)
    assert later.inference_status.code == "ok"


def test_time_series_are_those_of_stata():
    table = macrodata.load_pandas().data
    growth = 400 * np.log(table[["realinv", "realgdp"]]).diff().iloc[1:]
    X = np.column_stack([growth["realgdp"], table["realint"].iloc[:-1]])
    y = growth["realinv"].to_numpy()
    for stata, cov_type, options in (
        (stata_macro.results_hc0, "HC1", {}),
        (stata_macro.results_ivhc0_large, "HC0", {}),
        (stata_macro.results_newey4, "HAC", {"maxlags": 4, "use_correction": True}),
        (stata_macro.results_ivhac4_large, "HAC", {"maxlags": 4}),
    ):
        assert_stata(fastlr.ols(X, y, cov_type=cov_type, cov_kwds=options), stata)


@pytest.mark.usefixtures("level")
def test_frequencies_have_the_covariances_of_the_repeated_table():
    X, y, first, second = drawn()
    counts = np.random.default_rng(2).integers(0, 4, size=len(y))
    long = X.repeat(counts, axis=0), y.repeat(counts)
    for cov_type, options in kinds(first, second)[:8]:
        longer = dict(options)
        if "groups" in options:
            longer["groups"] = options["groups"].repeat(counts, axis=0)
        fit = fastlr.ols(
            X,
            y,
            sample_weight=counts,
            weight_type="frequency",
            cov_type=cov_type,
            cov_kwds=options,
        )
        repeated = fastlr.ols(*long, cov_type=cov_type, cov_kwds=longer)
        for name in ("std_errors", "pvalues", "fvalue", "cov_params"):
            ours, theirs = (getattr(one, name) for one in (fit, repeated))
            ours, theirs = (v() if callable(v) else v for v in (ours, theirs))
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, err_msg=cov_type)
    with pytest.raises(fastlr.InputError, match="frequencies say nothing of when rows were seen"):
        fastlr.ols(X, y, sample_weight=counts, weight_type="frequency", cov_type="HAC")


def test_ridge_has_the_sandwich_and_its_effective_degrees_of_freedom():
    X, y, _, _ = drawn()
    alpha = np.array([10.0, 0.0, 50.0])
    Z = X - X.mean(axis=0)
    G, A = Z.T @ Z, np.linalg.inv(Z.T @ Z + np.diag(alpha))
    plain = fastlr.ols(X, y, alpha=alpha)
    left = plain.residuals(X, y)
    df = len(y) - 1 - np.trace(A @ G)
    assert np.isnan(plain.std_errors).all()
    robust = plain.with_covariance("HC1", X, y)
    meat = (Z * left[:, np.newaxis] ** 2).T @ Z
    expected = len(y) / df * A @ meat @ A
    np.testing.assert_allclose(np.asarray(robust.cov_params())[1:, 1:], expected, rtol=1e-10)
    classical = plain.with_covariance("nonrobust")
    expected = plain.rss / df * A @ G @ A
    np.testing.assert_allclose(np.asarray(classical.cov_params())[1:, 1:], expected, rtol=1e-10)
    np.testing.assert_allclose(classical.residual_sd**2, plain.rss / df, rtol=1e-12)
    assert classical.df_inference == pytest.approx(df, rel=1e-12)
    assert classical.cov_kwds["effective_df"] == pytest.approx(len(y) - df, rel=1e-12)
    several = fastlr.ols(X, np.column_stack([y, y]), alpha=[1.0, 2.0])
    with pytest.raises(fastlr.InputError, match="alpha differs between targets"):
        several.with_covariance("nonrobust")


def test_layouts_and_several_targets_give_the_same_covariances():
    X, y, first, _ = drawn()
    Y = np.column_stack([y, y**2])
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    from scipy import sparse

    for cov_type, options in (("HC3", {}), ("cluster", {"groups": first}), ("HAC", {"maxlags": 3})):
        both = fastlr.ols(X, Y, cov_type=cov_type, cov_kwds=options)
        for target in range(2):
            one = np.asarray(
                fastlr.ols(X, Y[:, target], cov_type=cov_type, cov_kwds=options).cov_params()
            )
            np.testing.assert_allclose(both.cov_params()[target], one, rtol=1e-12)
        for other in (frame, np.asfortranarray(X), X[::-1].copy()[::-1], sparse.csr_array(X)):
            fit = fastlr.ols(other, Y, cov_type=cov_type, cov_kwds=options)
            np.testing.assert_allclose(fit.cov_params(), both.cov_params(), rtol=1e-10)


@pytest.mark.filterwarnings("ignore::fastlr.RankWarning")
def test_predictions_of_dependent_columns_have_robust_errors_where_rows_determine_them():
    """Dummies, totals and copies: the hat matrix P is that of any basis, and P diag(r^2) P' the sandwich."""
    rng = np.random.default_rng(3)
    x, level = rng.normal(size=(40, 1)), np.eye(3)[rng.integers(0, 3, size=40)]
    y = x[:, 0] + rng.normal(size=40)
    for Z in (level, np.c_[level, x, level * x], np.c_[x, 2 * x], np.c_[x, np.ones(40)]):
        whole = np.c_[np.ones(40), Z]
        hat = whole @ np.linalg.pinv(whole)
        expected = np.sqrt(np.diag((hat * (y - hat @ y) ** 2) @ hat.T))
        for rank in ("min_norm", "basic"):
            fit = fastlr.ols(Z, y, rank=rank, cov_type="HC0")
            np.testing.assert_allclose(fit.get_prediction(Z).se_mean, expected, rtol=1e-9)
            unknown = np.isnan(fit.std_errors)
            assert unknown.any()
            np.testing.assert_array_equal(np.isnan(fit.cov_params()).all(axis=1), unknown)
            alone = Z[:1] + np.eye(Z.shape[1])[-1:]  # the last column without those it depends on
            apart = fit.get_prediction(alone).se_mean
            assert np.isnan(apart).all() == (rank == "min_norm")


def test_variances_that_are_not_positive_are_unknown_and_said_to_be():
    seen = set()
    for seed in range(
        40
    ):  # of two ways by two clusters: the difference of matrices is often indefinite
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(8, 2)), rng.normal(size=8)
        groups = rng.permutation(np.arange(8) % 2), rng.permutation(np.arange(8) % 2)
        fit = fastlr.ols(X, y, cov_type="cluster", cov_kwds={"groups": groups})
        unknown = np.isnan(fit.std_errors)
        seen.add(int(unknown.sum()))
        assert fit.inference_status.code == ("not_positive" if unknown.any() else "ok")
        for what in (fit.tvalues, fit.pvalues, fit.conf_int()[:, 0]):
            np.testing.assert_array_equal(np.isnan(what), unknown)
    assert len(seen) > 1


def test_groups_may_be_words_and_the_name_of_a_formulas_column():
    X, y, first, _ = drawn()
    words = np.array([f"group {code}" for code in first])
    table = pd.DataFrame({"y": y, "a": X[:, 0], "b": X[:, 1], "firm": words})
    by_name = fastlr.ols("y ~ a + b", data=table, cov_type="cluster", cov_kwds={"groups": "firm"})
    by_code = fastlr.ols(X[:, :2], y, cov_type="cluster", cov_kwds={"groups": first})
    np.testing.assert_allclose(by_name.std_errors, by_code.std_errors, rtol=1e-12)
    assert by_name.cov_kwds["n_groups"] == 12
    assert by_name.df_inference == 11


def test_rows_without_values_leave_their_groups_out():
    X, y, first, second = drawn()
    gaps = X.copy()
    gaps[[3, 50], 1] = np.nan
    keep = np.setdiff1d(np.arange(len(y)), [3, 50])
    fit = fastlr.ols(gaps, y, missing="drop", cov_type="cluster", cov_kwds={"groups": first})
    kept = fastlr.ols(X[keep], y[keep], cov_type="cluster", cov_kwds={"groups": first[keep]})
    np.testing.assert_allclose(fit.std_errors, kept.std_errors, rtol=1e-12)
    ways = (first, second.astype(str))
    fit = fastlr.ols(gaps, y, missing="drop", cov_type="cluster", cov_kwds={"groups": ways})
    ways = (first[keep], second[keep])
    kept = fastlr.ols(X[keep], y[keep], cov_type="cluster", cov_kwds={"groups": ways})
    np.testing.assert_allclose(fit.std_errors, kept.std_errors, rtol=1e-12)


def test_rows_of_weight_zero_count_nowhere():
    X, y, first, _ = drawn()
    weights = (np.arange(len(y)) % 3 > 0) * 2.0
    labels = np.where(weights > 0, first, 99)
    kept = weights > 0
    for cov_type, options in (("HC2", {}), ("cluster", {"groups": labels})):
        fit = fastlr.ols(X, y, sample_weight=weights, cov_type=cov_type, cov_kwds=options)
        fewer = {name: value[kept] for name, value in options.items()}
        without = fastlr.ols(
            X[kept], y[kept], sample_weight=weights[kept], cov_type=cov_type, cov_kwds=fewer
        )
        np.testing.assert_allclose(fit.std_errors, without.std_errors, rtol=1e-11)


def test_a_row_that_alone_determines_a_parameter_leaves_hc3_unstated():
    X, y, _, _ = drawn(n=30)
    X = np.column_stack([X, np.arange(30) == 7])
    fit = fastlr.ols(X, y, cov_type="HC3")
    assert np.isnan(fit.std_errors).all()
    assert fit.inference_status.code == "leverage"
    assert "1 row" in fit.inference_status


def test_covariances_survive_files(tmp_path):
    X, y, first, _ = drawn()
    fit = fastlr.ols(X, y, cov_type="cluster", cov_kwds={"groups": first, "use_t": True})
    fit.save(tmp_path / "fit.json")
    restored = fastlr.load(tmp_path / "fit.json")
    np.testing.assert_array_equal(restored.cov_params(), fit.cov_params())
    np.testing.assert_array_equal(restored.pvalues, fit.pvalues)
    assert restored.cov_kwds == fit.cov_kwds
    plain = fastlr.ols(X, y)
    plain.save(tmp_path / "plain.json")
    without = fastlr.LinearFit.from_dict({**plain.to_dict(), "inverse": None})
    for cov_type in ("nonrobust", "HC3"):  # from the rows alone
        expected = plain.with_covariance(cov_type, X, y)
        anew = without.with_covariance(cov_type, X, y)
        np.testing.assert_allclose(anew.cov_params(), expected.cov_params(), rtol=1e-10)


@pytest.mark.parametrize(
    ("cov_type", "options", "message"),
    [
        ("HC4", {}, "cov_type='HC4' is unknown: choose one of 'nonrobust', 'HC0'"),
        ("HC1", {"maxlags": 2}, "cov_type='HC1' has no option 'maxlags': it knows use_t"),
        ("cluster", {}, 'cov_type="cluster" needs groups'),
        ("cluster", {"groups": np.zeros(200)}, "groups has one cluster only"),
        ("cluster", {"groups": np.arange(3)}, r"groups has shape \(3,\) for 200 rows"),
        ("cluster", {"groups": "firm"}, "there is no formula's table"),
        (
            "cluster",
            {"groups": (np.arange(3), np.arange(3))},
            r"groups has shape \(3,\) for 200 rows",
        ),
        ("HAC", {"maxlags": 200}, "maxlags=200 is not below the number of rows, 200"),
        ("HAC", {"maxlags": "plug-in"}, "maxlags='plug-in' is unknown: choose one of 'auto'"),
        ("HAC", {"kernel": "uniform"}, "kernel='uniform' is unknown"),
    ],
)
def test_options_are_checked(cov_type, options, message):
    X, y, _, _ = drawn()
    with pytest.raises(fastlr.InputError, match=message):
        fastlr.ols(X, y, cov_type=cov_type, cov_kwds=options)


def test_other_rows_than_the_fits_are_refused():
    X, y, _, _ = drawn()
    fit = fastlr.ols(X, y)
    with pytest.raises(fastlr.InputError, match="X has 199 rows of positive weight, and the fit"):
        fit.with_covariance("HC1", X[1:], y[1:])
    with pytest.raises(fastlr.InputError, match="these are not the rows of the fit"):
        fit.with_covariance("HC1", X[::-1], y)
    with pytest.raises(fastlr.InputError, match="the weights add up to 400"):
        fit.with_covariance("HC1", X, y, sample_weight=2.0)
    with pytest.raises(
        fastlr.InputError, match="cov_kwds has 'maxlags', but cov_type is not given"
    ):
        fastlr.ols(X, y, cov_kwds={"maxlags": 2})


def test_fits_without_an_inverse_say_why():
    X, y, _, _ = drawn()
    with pytest.warns(fastlr.RankWarning):
        wide = fastlr.ols(X[:2], y[:2], cov_type="HC1")
    assert np.isnan(wide.cov_params()).all()
    assert wide.inference_status.code == "no_degrees_of_freedom"
    with pytest.raises(fastlr.InputError, match="fit by fastlr"):
        fastlr.descend(X, y).with_covariance("HC1", X, y)


def test_damaged_covariances_are_refused():
    X, y, first, _ = drawn()
    fit = fastlr.ols(X, y, cov_type="cluster", cov_kwds={"groups": first})
    document = fit.to_dict()
    for name, damaged in (
        ("covariance", [[[1.0]]]),
        ("covariance", [[1.0]]),
        ("cov_type", "HC9"),
        ("cov_options", [1]),
        ("cov_options", {"use_t": "yes"}),
        ("cov_options", {"df_inference": "many"}),
        ("cov_options", {"n_groups": []}),
        ("cov_options", {"unheard": 1}),
        ("inverse", {"scale": 3}),
        ("inverse", {**document["inverse"], "root": [[1.0]]}),
        ("inverse", {**document["inverse"], "scale": [1.0], "root": [[1.0]]}),
        ("weight_type", "guess"),
    ):
        with pytest.raises(fastlr.InputError):
            fastlr.LinearFit.from_dict({**document, name: damaged})


def test_codes_do_not_depend_on_how_labels_are_written():
    X, y, first, _ = drawn()
    expected = fastlr.ols(X, y, cov_type="cluster", cov_kwds={"groups": first}).std_errors
    for labels in (
        first - 3,
        first * 10**12,
        first.astype(np.uint8),
        (first * 20 - 120).astype(np.int8),
        first.astype(np.uint64) + np.uint64(2**63),
        first.astype(float) / 7,
        first.astype(str),
        first.astype(object),
        pd.Series(first).astype("category"),
        list(first),
        np.datetime64("2020-01-01") + first,
        pd.period_range("2020", periods=20, freq="M")[first],
        [frozenset([int(label)]) for label in first],
        pl.Series(first.astype(str), dtype=pl.Categorical),
        pa.chunked_array([pa.array(first[:50]), pa.array(first[50:])]),
        np.array([str(label) if label else 1 for label in first], dtype=object),  # 1 and "1"
    ):
        fit = fastlr.ols(X, y, cov_type="cluster", cov_kwds={"groups": labels})
        np.testing.assert_allclose(fit.std_errors, expected, rtol=1e-12)


def test_a_missing_label_is_no_cluster_however_it_is_written():
    X, y, first, _ = drawn(n=20)
    words = [*first[:6].astype(str), pd.NA, *first[7:].astype(str)]
    for missing in (
        [*first[:6], np.nan, *first[7:]],
        [*first[:6], None, *first[7:]],
        np.array(words, dtype=object),
        pd.Series(words, dtype="string"),
        pd.Series(words, dtype="category"),
        pd.Series([*first[:6], pd.NA, *first[7:]], dtype="Int64"),
        pd.Series([pd.Timestamp(2020, 1, 1)] * 6 + [pd.NaT] + [pd.Timestamp(2021, 1, 1)] * 13),
        np.where(np.arange(20) == 6, np.datetime64("NaT"), np.datetime64("2020-01-01") + first),
        np.ma.array(first, mask=np.arange(20) == 6),
        pl.Series([*first[:6].tolist(), None, *first[7:].tolist()]),
        pa.array([*first[:6].tolist(), None, *first[7:].tolist()]),
    ):
        with pytest.raises(fastlr.InputError, match="groups misses the label of row 6"):
            fastlr.ols(X, y, cov_type="cluster", cov_kwds={"groups": missing})
    lists = np.empty(20, dtype=object)
    lists[:] = [[1]] * 20
    with pytest.raises(fastlr.InputTypeError, match=r"groups has the label \[1\] in row 0, a list"):
        fastlr.ols(X, y, cov_type="cluster", cov_kwds={"groups": lists})


def test_meat_of_many_columns_is_that_of_scores_written_down(level):
    """Beyond 255 columns threads share deep panels, here two folds and a piece of a third, the last one ragged."""
    n, p, lags = 2250, 264, 5
    rng = np.random.default_rng(7)
    X = rng.normal(size=(n, p))
    y = X @ rng.normal(size=p) + rng.normal(size=n) * (1.0 + np.abs(X[:, 0]))
    Z = np.column_stack([np.ones(n), X])
    inverse = np.linalg.inv(Z.T @ Z)
    residuals = y - Z @ (inverse @ (Z.T @ y))
    leverages = np.einsum("ij,jk,ik->i", Z, inverse, Z)
    scores = Z * residuals[:, None]
    leaving_out = scores / (1.0 - leverages)[:, None]
    hac = scores.T @ scores
    for lag in range(1, lags + 1):
        products = scores[lag:].T @ scores[:-lag]
        hac += (1.0 - lag / (lags + 1)) * (products + products.T)
    for cov_type, options, meat in (
        ("HC3", {}, leaving_out.T @ leaving_out),
        ("HAC", {"maxlags": lags}, hac),
    ):
        expected = np.sqrt(np.diag(inverse @ meat @ inverse))
        for n_threads in (1, 2):
            fit = fastlr.ols(X, y, cov_type=cov_type, cov_kwds=options or None, n_threads=n_threads)
            np.testing.assert_allclose(
                fit.std_errors, expected, rtol=1e-10, err_msg=f"{level} {cov_type} {n_threads}"
            )


@pytest.mark.parametrize(
    "options",
    [
        {"weight_type": "probability", "sample_weight": [1.0, 2.0, 1.0, 3.0]},
        {"cov_type": "HC1"},
        {"cov_type": "cluster", "cov_kwds": {"groups": [0, 0, 1, 1]}},
        {"cov_type": "HAC", "cov_kwds": {"maxlags": 1, "use_correction": True}},
    ],
    ids=str,
)
def test_nothing_is_stated_where_no_degrees_of_freedom_are_left(options):
    X, y = np.random.default_rng(0).normal(size=(4, 3)), np.arange(4.0)
    fit = fastlr.ols(X, y, **options)
    assert np.isnan(fit.std_errors).all()
    assert "Nothing is left to estimate errors from" in str(fit.inference_status)


def test_labels_of_any_kind_make_the_same_clusters():
    """Their codes are in the order of the labels, whatever these are and however far they are apart."""
    rng = np.random.default_rng(0)
    code = rng.permutation(np.arange(3000) % 41)
    names = np.array([f"firm {k:02}" + "é" * (k % 3) for k in range(41)])
    ids = np.sort(rng.integers(-(2**62), 2**62, 41))
    for labels in (
        code,
        code.astype(np.int16) * np.int16(700) - np.int16(9000),
        ids[code],
        (ids + 2**62).astype(np.uint64)[code],
        ids.astype(float)[code],
        code * 1.0 - 7.0,
        ids.astype(np.longdouble)[code],
        ids.astype(">i8")[code],
        ids.astype("M8[ns]")[code],
        names[code],
        names.astype(">U9")[code],
        np.char.encode(names, "utf-8")[code],
        np.repeat(names[code], 2)[::2],
    ):
        clusters = as_clusters(labels, len(code))
        np.testing.assert_array_equal(clusters.codes[0], code, err_msg=str(labels.dtype))
        assert clusters.counts == [41]
    for labels in (names[code].astype(object), pd.Series(names[code], dtype="category")):
        clusters = as_clusters(labels, len(code))
        assert clusters.counts == [41]
        assert len({*zip(clusters.codes[0].tolist(), code.tolist(), strict=True)}) == 41
    zeros = np.where(np.arange(50) % 2, 0.0, -0.0) + np.where(np.arange(50) % 3, 0.5, 0.0)
    assert as_clusters(zeros, 50).counts == [2]


def test_a_table_of_two_columns_is_clusters_of_two_ways():
    X, y, first, second = drawn()
    names = first.astype(str)
    wanted = fastlr.ols(
        X, y, cov_type="cluster", cov_kwds={"groups": np.column_stack([first, second])}
    )
    for groups in (
        pd.DataFrame({"firm": pd.Categorical(names), "year": second}),
        pl.DataFrame({"firm": names, "year": second}),
        pa.table({"firm": names, "year": second}),
        (pd.Series(names), second),
    ):
        got = fastlr.ols(X, y, cov_type="cluster", cov_kwds={"groups": groups})
        np.testing.assert_allclose(got.std_errors, wanted.std_errors, rtol=1e-12)


def test_the_target_tells_no_clusters(tmp_path):
    X, y, first, _ = drawn()
    table = pd.DataFrame({"a": X[:, 0], "y": y, "firm": first})
    path = tmp_path / "rows.csv"
    table.to_csv(path, index=False)
    asked = {"cov_type": "cluster", "cov_kwds": {"groups": "y"}}
    for fit in (
        lambda: fastlr.ols("y ~ a", data=table, **asked),
        lambda: fastlr.ols(fastlr.scan(path, target="y", features=["a"]), **asked),
        lambda: fastlr.fit_file(path, "y", features=["a"], **asked),
        lambda: fastlr.fit_file(path, formula="log(y + 100) ~ a", **asked),
    ):
        with pytest.raises(fastlr.InputError, match="groups='y' is the target"):
            fit()
