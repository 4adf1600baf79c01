"""Errors where a category of many levels is eliminated are those of all its indicators as columns."""

import numpy as np
import pytest

import fastlr
from fastlr.results import covariances

rng = np.random.default_rng(0)
N = 240
SHOP = rng.integers(0, 12, N)
CITY = rng.integers(0, 4, N)
X = rng.normal(size=N) + SHOP
TABLE = {"x": X, "shop": SHOP.astype(str), "z": rng.exponential(size=N), "city": CITY.astype(str)}
Y = X - 2 * TABLE["z"] + CITY + rng.normal(size=N) * (1 + np.abs(X) / 5) + 100
BOTH = np.column_stack([Y, rng.normal(size=N)])
WEIGHTS = np.where(SHOP == 3, 1.0, rng.integers(0, 4, N))
FIRST, SECOND = rng.integers(0, 30, N), rng.integers(0, 9, N)
KINDS = (
    ("nonrobust", {}),
    ("HC0", {}),
    ("HC1", {"use_t": True}),
    ("HC2", {}),
    ("HC3", {}),
    ("cluster", {"groups": FIRST}),
    ("cluster", {"groups": SHOP}),
    ("cluster", {"groups": (FIRST, SECOND)}),
    ("cluster", {"groups": (FIRST, SECOND), "use_correction": "min"}),
)


@pytest.fixture
def by_levels(monkeypatch):
    """Whether the category is eliminated, whatever was kept."""

    def choose(flag, *, is_too_large=False):
        monkeypatch.setattr(covariances, "_is_eliminated", lambda *_: flag)
        monkeypatch.setattr(covariances, "is_too_large", lambda _: is_too_large)

    return choose


@pytest.mark.parametrize("columns", [["x", "shop", "z", "city"], ["shop"]])
def test_errors_of_an_eliminated_category_are_those_of_its_indicators(by_levels, columns):
    table = {name: TABLE[name] for name in columns}
    categories = [name for name in columns if name in ("shop", "city")]
    features = fastlr.ols(table, Y, categories=categories).features_of(table)
    indicators = np.array(features.as_matrix(), dtype=float)
    kinds = [kind for kind in KINDS if columns != ["shop"] or kind[1].get("groups") is not SHOP]
    for y, weights, weight_type in (
        (BOTH, None, "precision"),
        (Y, WEIGHTS, "precision"),
        (Y, WEIGHTS, "frequency"),
        (Y, WEIGHTS, "probability"),
    ):
        by_levels(False)
        given = {"sample_weight": weights}
        fit = fastlr.ols(table, y, categories=categories, weight_type=weight_type, **given)
        plain = fastlr.ols(indicators, y, weight_type=weight_type, **given)
        for kind, options in kinds[weight_type == "probability" :]:
            by_levels(False)
            wanted = plain.with_covariance(kind, indicators, y, **given, **options)
            by_levels(True)
            got = fit.with_covariance(kind, table, y, **given, **options)
            case = f"{columns}, {weight_type}, {kind}, {list(options)}"
            np.testing.assert_allclose(got.std_errors, wanted.std_errors, rtol=1e-10, err_msg=case)
            matrix = np.asarray(wanted.cov_params())
            atol = 1e-11 * np.nanmax(np.abs(matrix))
            np.testing.assert_allclose(got.cov_params(), matrix, rtol=0, atol=atol, err_msg=case)
            np.testing.assert_allclose(got.residual_sd, wanted.residual_sd, rtol=1e-12)
            assert got.cov_kwds == wanted.cov_kwds
            if weights is None:
                of_got, of_wanted = got.get_prediction(table), wanted.get_prediction(indicators)
                np.testing.assert_allclose(of_got.se_mean, of_wanted.se_mean, rtol=1e-9)
                by_levels(True, is_too_large=True)
                without = fit.with_covariance(kind, table, y, **given, **options)
                assert without.covariance is None
                np.testing.assert_array_equal(without.std_errors, got.std_errors)


def test_a_row_alone_in_its_level_leaves_the_errors_of_other_columns(by_levels):
    """Its residual is zero whatever the others are: HC3 of the rest is that of the table without the row."""
    table = {"x": X, "shop": np.where(np.arange(N) == 7, "alone", SHOP.astype(str))}
    fit = fastlr.ols(table, Y, categories=["shop"])
    by_levels(True)
    got = fit.with_covariance("HC3", table, Y)
    rest = np.arange(N) != 7
    others = {name: values[rest] for name, values in table.items()}
    by_levels(False)
    wanted = fastlr.ols(others, Y[rest], categories=["shop"], cov_type="HC3")
    assert got.std_errors["x"] == pytest.approx(wanted.std_errors["x"], rel=1e-10)
    assert np.isnan(got.std_errors["shop[T.alone]"])
    assert got.inference_status.code == "leverage"


def test_what_columns_leave_undetermined_is_not_stated(by_levels):
    table = {**TABLE, "of shop": np.sqrt(SHOP)}
    with pytest.warns(fastlr.RankWarning):
        fit = fastlr.ols(table, Y, categories=["shop", "city"])
    by_levels(True)
    assert np.isnan(fit.with_covariance("HC1", table, Y).std_errors).all()


def test_other_rows_and_sums_over_time_are_refused(by_levels):
    fit = fastlr.ols(TABLE, Y, categories=["shop", "city"])
    by_levels(True, is_too_large=True)
    with pytest.raises(fastlr.InputError, match="these are not the rows of the fit"):
        fit.with_covariance("HC1", TABLE, Y + np.arange(N))
    with pytest.raises(fastlr.InputError, match='cov_type="HAC" needs the covariances of all'):
        fit.with_covariance("HAC", TABLE, Y)
    with pytest.raises(fastlr.InputTypeError, match="pass X and y as they were fitted"):
        fit.with_covariance("nonrobust")
