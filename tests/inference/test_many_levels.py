"""Fits with a category of so many levels that nobody can hold the covariances of all its coefficients."""

import numpy as np
import pytest

import fastlr

N_LEVELS = 20_000
BYTES = 8 * (N_LEVELS + 1) ** 2


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    shop = np.repeat(np.arange(N_LEVELS), 2)
    table = {"x": rng.normal(size=2 * N_LEVELS), "shop": shop.astype(str)}
    return table, table["x"] + rng.normal(size=2 * N_LEVELS), shop


@pytest.fixture(scope="module")
def fit(rows):
    table, y, _ = rows
    return fastlr.ols(table, y, categories=["shop"])


def test_what_needs_all_covariances_says_how_large_they_are(fit, rows):
    table, y, shop = rows
    for ask in (
        lambda: fit.cov_params(),
        lambda: fit.normalized_cov_params,
        lambda: fit.get_influence(table, y),
        lambda: fit.f_test("x = 0"),
        lambda: fit.wald_test("x = 0"),
        lambda: fit.t_test("x = 0"),
        lambda: fit.contrasts("shop"),
        lambda: fit.wild_cluster_bootstrap("x", table, y, shop),
        lambda: fastlr.anova(fit, X=table, y=y),
    ):
        with pytest.raises(fastlr.InputError, match=rf"{BYTES} bytes \(3.0 GiB\).*less|join rare"):
            ask()


def test_what_needs_none_is_answered(fit, rows):
    table, y, _ = rows
    within = [
        v.reshape(-1, 2) - v.reshape(-1, 2).mean(axis=1)[:, np.newaxis] for v in (table["x"], y)
    ]
    x, centred = (v.ravel() for v in within)
    slope = x @ centred / (x @ x)
    left = centred - slope * x
    error = np.sqrt(left @ left / (len(y) - N_LEVELS - 1) / (x @ x))
    assert fit.params["x"] == pytest.approx(slope, rel=1e-10)
    assert fit.std_errors["x"] == pytest.approx(error, rel=1e-10)
    assert fit.inference_status.code == "not_kept"
    assert f"covariances of {N_LEVELS + 1} parameters" in fit.inference_status
    each = fit.augment(table, y)
    np.testing.assert_allclose(each["resid"], left, atol=1e-9)
    assert np.isnan(each["hat"]).all()
    assert "R2" in str(fit.summary())


def test_robust_errors_and_tests_of_some_parameters_need_no_matrix_of_all(fit, rows):
    table, y, shop = rows
    x, centred = (v - (np.bincount(shop, v) / np.bincount(shop))[shop] for v in (table["x"], y))
    left = centred - x * (x @ centred) / (x @ x)
    of_shops = np.bincount(shop, x * left)
    for kind, options, meat in (
        ("HC0", {}, (x * left) @ (x * left)),
        ("cluster", {"groups": shop, "use_correction": False}, of_shops @ of_shops),
    ):
        robust = fastlr.ols(table, y, categories=["shop"], cov_type=kind, cov_kwds=options)
        assert robust.std_errors["x"] == pytest.approx(np.sqrt(meat) / (x @ x), rel=1e-10)
        assert np.isfinite(robust.std_errors).all()
        tested = robust.t_test("x = 1")
        assert tested.sd[0] == pytest.approx(robust.std_errors["x"], rel=1e-12)
        assert robust.f_test("x = shop[T.7] = 0").df_num == 2
        assert np.isnan(robust.fvalue)
        assert "std error" in robust.summary()
    difference = fit.with_covariance("nonrobust", table, y).t_test("shop[T.7] = shop[T.8]")
    means = [x_of[shop == g].mean() for x_of in (table["x"],) for g in (7, 8)]
    scale = fit.residual_sd**2
    variance = scale * (1.0 + (means[0] - means[1]) ** 2 / (x @ x))  # of two rows each
    assert difference.sd[0] == pytest.approx(np.sqrt(variance), rel=1e-10)


def test_the_advice_gives_the_same_coefficient_and_robust_errors(fit, rows):
    """Columns less their means by level, without the category and an intercept (Frisch and Waugh)."""
    table, y, shop = rows
    x, centred = (v - (np.bincount(shop, v) / np.bincount(shop))[shop] for v in (table["x"], y))
    alone = fastlr.ols(x[:, np.newaxis], centred, fit_intercept=False, cov_type="HC0")
    left = centred - x * alone.coef[0]
    assert alone.coef[0] == pytest.approx(fit.params["x"], rel=1e-10)
    assert alone.bse_coef[0] == pytest.approx(np.sqrt((x * left) @ (x * left)) / (x @ x), rel=1e-10)


def test_names_of_many_parameters_are_not_all_listed():
    rng = np.random.default_rng(0)
    many = fastlr.ols(rng.normal(size=(100, 40)), rng.normal(size=100))
    for ask in (
        lambda: many.t_test("nobody = 0"),
        lambda: many.wild_cluster_bootstrap("nobody", [[0.0]], [0.0], [0]),
    ):
        with pytest.raises(fastlr.InputError, match=r"'x18' and 21 more|'x18'\) and 21 more"):
            ask()
