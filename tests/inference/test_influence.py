"""Influence: beside statsmodels, beside refits without the row, and where nothing can be said."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import statsmodels.api as sm
from statsmodels.datasets import longley

import fastlr
from fastlr.errors import InputError
from levels import on_every_level

TOLERANCE = 1e-10


def drawn(n=60, p=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 5.0
    y = X @ np.arange(1.0, p + 1) + rng.standard_t(3, size=n)
    return X, y, rng.uniform(0.5, 2.0, size=n)


def assert_like_statsmodels(ours, theirs, tolerance=TOLERANCE):
    for name in (
        "hat_matrix_diag",
        "resid_studentized",
        "resid_studentized_internal",
        "resid_studentized_external",
        "resid_press",
        "ess_press",
        "sigma2_not_obsi",
        "cov_ratio",
        "dfbetas",
    ):
        expected = np.asarray(getattr(theirs, name), dtype=float)
        size = np.abs(expected).max()
        np.testing.assert_allclose(
            getattr(ours, name), expected, rtol=tolerance, atol=tolerance * size, err_msg=name
        )
    for name in ("cooks_distance", "dffits", "dffits_internal"):
        expected = getattr(theirs, name)
        got = getattr(ours, name)
        size = np.abs(expected[0]).max()
        np.testing.assert_allclose(
            got[0], expected[0], rtol=tolerance, atol=tolerance * size, err_msg=name
        )
        np.testing.assert_allclose(got[1], expected[1], rtol=tolerance, atol=1e-10, err_msg=name)


def check_all(X, y, tolerance=TOLERANCE):
    for fit_intercept in (True, False):
        fit = fastlr.ols(X, y, fit_intercept=fit_intercept)
        design = sm.add_constant(X) if fit_intercept else X
        theirs = sm.OLS(y, design).fit().get_influence()
        assert_like_statsmodels(fit.get_influence(X, y), theirs, tolerance)


def test_measures_are_those_of_statsmodels():
    X, y, _ = drawn()
    on_every_level(check_all, X, y)


def test_longley_whose_columns_nearly_depend_on_one_another():
    data = longley.load()
    X, y = data.exog.to_numpy(float), data.endog.to_numpy(float)
    fit = fastlr.ols(X, y)
    # statsmodels fits each row's absence anew, about zero, where the columns' condition number is 5e9.
    theirs = sm.OLS(y, sm.add_constant((X - X.mean(axis=0)) / X.std(axis=0))).fit().get_influence()
    ours = fit.get_influence(X, y)
    for name in ("hat_matrix_diag", "resid_studentized_external", "resid_press"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9)
    np.testing.assert_allclose(ours.dfbetas[:, 1:], theirs.dfbetas[:, 1:], rtol=1e-8, atol=1e-9)


def test_weights_are_roots_that_rows_are_multiplied_by():
    X, y, w = drawn()
    fit = fastlr.ols(X, y, sample_weight=w)
    ours = fit.get_influence(X, y, sample_weight=w)
    root = np.sqrt(w)
    theirs = sm.OLS(root * y, root[:, None] * sm.add_constant(X)).fit().get_influence()
    np.testing.assert_allclose(root * ours.resid_press, theirs.resid_press, rtol=TOLERANCE)
    for name in ("hat_matrix_diag", "resid_studentized_external", "dfbetas", "ess_press"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), rtol=TOLERANCE, atol=1e-11
        )


def test_a_row_that_counts_several_times_is_each_of_the_repeated_rows():
    X, y, _ = drawn(30)
    counts = np.random.default_rng(1).integers(1, 4, len(y))
    fit = fastlr.ols(X, y, sample_weight=counts, weight_type="frequency")
    ours = fit.get_influence(X, y, sample_weight=counts)
    long_X, long_y = np.repeat(X, counts, axis=0), np.repeat(y, counts)
    whole = fastlr.ols(long_X, long_y).get_influence(long_X, long_y)
    for name in ("hat_matrix_diag", "resid_studentized_external", "resid_press", "dfbetas"):
        np.testing.assert_allclose(
            np.repeat(getattr(ours, name), counts, axis=0),
            getattr(whole, name),
            rtol=1e-11,
            atol=1e-13,
        )
    assert ours.ess_press == pytest.approx(whole.ess_press, rel=1e-12)


def test_a_row_that_counts_no_times_is_no_row():
    """It has no studentised residual, leaving it out changes nothing, and it is none of the top rows."""
    X, y, _ = drawn(30)
    counts = np.random.default_rng(1).integers(0, 4, len(y))
    y[np.flatnonzero(counts == 0)[0]] += 50.0
    options = {"sample_weight": counts}
    fit = fastlr.ols(X, y, weight_type="frequency", **options)
    ours = fit.get_influence(X, y, **options)
    rest = counts > 0
    alone = fit.get_influence(X[rest], y[rest], sample_weight=counts[rest])
    for name in ("resid_studentized_internal", "resid_studentized_external", "sigma2_not_obsi"):
        values = getattr(ours, name)
        np.testing.assert_array_equal(np.isnan(values), counts == 0)
        np.testing.assert_allclose(values[rest], getattr(alone, name), rtol=1e-12)
    for values in (ours.hat_matrix_diag, ours.cooks_distance[0], ours.dffits[0], ours.dfbetas):
        assert not values[~rest].any()
    streamed = fit.get_influence(X, y, keep=False, **options)
    for influence in (ours, streamed):
        top = influence.top(len(y), by="resid_studentized_external")["row"]
        np.testing.assert_array_equal(np.sort(top), np.flatnonzero(rest))


@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_the_error_of_leaving_one_row_out_is_that_of_refits(alpha):
    X, y, w = drawn(25)
    fit = fastlr.ols(X, y, alpha=alpha, sample_weight=w)
    ours = fit.get_influence(X, y, sample_weight=w)
    errors = []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        without = fastlr.ols(X[rest], y[rest], alpha=alpha, sample_weight=w[rest])
        errors.append(y[i] - without.predict(X[i : i + 1])[0])
    np.testing.assert_allclose(ours.resid_press, errors, rtol=1e-10)
    assert ours.ess_press == pytest.approx(np.sum(w * np.square(errors)), rel=1e-11)
    assert ours.mse_press == pytest.approx(np.average(np.square(errors), weights=w), rel=1e-11)
    assert ours.rsquared_press == pytest.approx(1 - ours.ess_press / fit.tss, rel=1e-12)
    assert np.isnan(ours.resid_studentized_external).all() == bool(alpha)


def test_the_top_rows_are_the_same_streamed_and_kept():
    X, y, _ = drawn(3000, 4)
    fit = fastlr.ols(X, y)
    kept, streamed = fit.get_influence(X, y), fit.get_influence(X, y, keep=False)
    assert streamed.ess_press == kept.ess_press
    for by in ("cooks_distance", "resid_studentized_external", "hat_matrix_diag", "resid_press"):
        for k in (1, 20, 150):
            a, b = kept.top(k, by=by), streamed.top(k, by=by)
            assert list(a) == list(b)
            for name in a:
                np.testing.assert_allclose(b[name], a[name], rtol=1e-13, err_msg=name)
    rows = kept.top(5)["row"]
    np.testing.assert_array_equal(rows, np.argsort(-kept.cooks_distance[0])[:5])
    np.testing.assert_array_equal(kept.top(5)["dfb_x2"], kept.dfbetas[rows, 3])
    with pytest.raises(InputError, match="keep=False keeps no numbers"):
        streamed.resid_press  # noqa: B018


def test_a_row_that_alone_determines_a_coefficient_leaves_nothing_to_say():
    X, y, _ = drawn(40)
    X = np.column_stack([X, np.arange(40) == 17])
    influence = fastlr.ols(X, y).get_influence(X, y)
    assert influence.n_undetermined == 1
    assert influence.hat_matrix_diag[17] == pytest.approx(1.0, rel=1e-13)
    for values in (
        influence.resid_studentized_internal,
        influence.resid_studentized_external,
        influence.resid_press,
        influence.cooks_distance[0],
        influence.cooks_distance[1],
        influence.dffits[0],
        influence.cov_ratio,
        influence.sigma2_not_obsi,
        influence.dfbetas[:, 2],
    ):
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(values)), [17])
    assert np.isnan(influence.ess_press)
    assert 17 not in influence.top(40)["row"]
    assert 17 not in fastlr.ols(X, y).get_influence(X, y, keep=False).top(40)["row"]
    robust = fastlr.ols(X, y, cov_type="HC3")
    assert np.isnan(robust.bse_coef).all()


def test_a_fit_through_every_row_has_no_influence():
    X, y, _ = drawn(4)
    influence = fastlr.ols(X, y).get_influence(X, y)
    np.testing.assert_allclose(influence.hat_matrix_diag, 1.0, rtol=1e-12)
    assert influence.n_undetermined == 4
    assert np.isnan(influence.resid_press).all()
    assert np.isnan(influence.scale)
    assert len(influence.top(3)["row"]) == 0


@pytest.mark.parametrize(
    "wrap",
    [np.asfortranarray, lambda X: X.astype(np.float32), scipy.sparse.csr_array, pd.DataFrame],
)
def test_rows_of_any_kind_have_the_same_influence(wrap):
    X, y, _ = drawn()
    X = np.round(X * 4) / 4
    expected = fastlr.ols(X, y).get_influence(X, y)
    wrapped = wrap(X)
    influence = fastlr.ols(wrapped, y).get_influence(wrapped, y)
    for name in ("hat_matrix_diag", "resid_press", "resid_studentized_external", "dfbetas"):
        np.testing.assert_allclose(
            getattr(influence, name), getattr(expected, name), rtol=1e-9, atol=1e-12
        )


def test_units_of_any_size_do_not_change_what_has_no_unit():
    X, y, _ = drawn()
    expected = fastlr.ols(X, y).get_influence(X, y)
    size = 2.0**300
    huge = fastlr.ols(X / size, y * size).get_influence(X / size, y * size)
    for name in ("hat_matrix_diag", "resid_studentized_external", "dfbetas"):
        np.testing.assert_allclose(
            getattr(huge, name), getattr(expected, name), rtol=1e-12, atol=1e-14
        )
    np.testing.assert_allclose(huge.resid_press, expected.resid_press * size, rtol=1e-12)


def test_the_summary_frame_is_of_the_library_of_the_rows():
    X, y, _ = drawn()
    frame = pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(60) + 100)
    fit = fastlr.ols(frame, y)
    ours = fit.get_influence(frame, y).summary_frame()
    theirs = sm.OLS(y, sm.add_constant(frame)).fit().get_influence().summary_frame()
    assert list(ours.columns[1:]) == list(theirs.columns[1:])
    assert ours.columns[0] == "dfb_(intercept)"
    assert ours.index.equals(frame.index)
    np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), rtol=1e-9, atol=1e-12)
    polars = pl.DataFrame({name: frame[name].to_numpy() for name in frame})
    assert isinstance(fit.get_influence(polars, y).summary_frame(), pl.DataFrame)
    assert isinstance(fastlr.ols(X, y).get_influence(X, y).summary_frame(), dict)


def test_one_of_several_targets_is_as_if_alone():
    X, y, _ = drawn()
    both = fastlr.ols(X, np.column_stack([y[::-1], y]))
    ours = both.get_influence(X, np.column_stack([y[::-1], y]), target=1)
    alone = fastlr.ols(X, y).get_influence(X, y)
    np.testing.assert_allclose(ours.cooks_distance[0], alone.cooks_distance[0], rtol=1e-11)


def test_rows_that_are_not_those_of_the_fit_are_refused():
    X, y, w = drawn()
    fit = fastlr.ols(X, y)
    with pytest.raises(InputError, match="not the rows of the fit"):
        fit.get_influence(X, y + np.linspace(0, 1, 60))
    with pytest.raises(InputError, match="50 rows"):
        fit.get_influence(X[:50], y[:50])
    with pytest.raises(InputError, match="weights add up"):
        fit.get_influence(X, y, sample_weight=w)
    X[3, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        fit.get_influence(X, y)
    with pytest.raises(InputError, match="target=1 is out of range"):
        fit.get_influence(X, y, target=1)
    with pytest.raises(InputError, match="by="):
        fastlr.ols(*drawn()[:2]).get_influence(*drawn()[:2]).top(by="size")
