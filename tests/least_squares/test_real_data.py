"""Real tables and textbook examples through the public front, with the figures that books print."""

import random

import faraway.datasets.fat
import numpy as np
import pytest

import fastlr

pytestmark = pytest.mark.usefixtures("level")

FEATURES = [
    "age",
    "weight",
    "height",
    "adipos",
    "neck",
    "chest",
    "abdom",
    "hip",
    "thigh",
    "knee",
    "ankle",
    "biceps",
    "forearm",
    "wrist",
]


@pytest.fixture(scope="module")
def body_fat():
    """252 men, 14 measurements and Brozek's percentage of body fat."""
    return faraway.datasets.fat.load()


# Weights on standardised features (population sd) by falling magnitude, to three decimals.
BODY_FAT_WEIGHTS = {
    "abdom": 9.459,
    "weight": -2.385,
    "hip": -1.452,
    "wrist": -1.378,
    "thigh": 1.191,
    "neck": -1.080,
    "forearm": 0.867,
    "age": 0.715,
    "biceps": 0.448,
    "ankle": 0.266,
    "chest": -0.260,
    "adipos": 0.222,
    "height": -0.194,
    "knee": -0.002,
}


def test_body_fat_weights_are_ranked_by_size_with_their_names(body_fat):
    fit = fastlr.ols(body_fat[FEATURES], body_fat["brozek"])
    ranking = fit.weights_by_size(standardized=True)
    assert {name: round(weight, 3) for name, weight in ranking} == BODY_FAT_WEIGHTS
    assert [name for name, _ in ranking] == list(BODY_FAT_WEIGHTS)

    lines = str(ranking).splitlines()
    printed = [name for line in lines for name in FEATURES if name in line.split()]
    assert printed == list(BODY_FAT_WEIGHTS)
    assert "9.459" in str(ranking)


def test_standardising_first_gives_the_same_weights(body_fat):
    X = body_fat[FEATURES].to_numpy(dtype=float)
    y = body_fat["brozek"].to_numpy()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    on_standardised = fastlr.ols(Z, y, feature_names=FEATURES)
    on_raw = fastlr.ols(X, y, feature_names=FEATURES)
    assert {
        name: round(weight, 3) for name, weight in on_standardised.weights_by_size()
    } == BODY_FAT_WEIGHTS
    assert on_standardised.intercept == pytest.approx(y.mean(), rel=1e-13)
    # Weight, adiposity and height nearly determine one another: condition number 1e2, squared.
    np.testing.assert_allclose(on_raw.coef * X.std(axis=0), on_standardised.coef, rtol=1e-9)
    np.testing.assert_allclose(on_raw.predict(X), on_standardised.predict(Z), rtol=1e-11)


def test_body_fat_from_integers_and_floats_column_by_column(body_fat):
    """Age and weight have different dtypes in the table; reading them in place changes nothing."""
    assert body_fat["age"].dtype != body_fat["weight"].dtype
    from_table = fastlr.ols(body_fat[FEATURES], body_fat["brozek"])
    from_array = fastlr.ols(body_fat[FEATURES].to_numpy(dtype=float), body_fat["brozek"])
    np.testing.assert_allclose(from_table.coef, from_array.coef, rtol=1e-10)
    assert from_table.feature_names == tuple(FEATURES)


def test_forward_pass_of_the_textbook():
    """Weights [0.5, 1.2] are the exact fit of their own predictions; those of [3, 5, 8] miss."""
    X = [[1, 2], [1, 4], [1, 6]]
    fit = fastlr.ols(X, [2.9, 5.3, 7.7], fit_intercept=False)
    np.testing.assert_allclose(fit.coef, [0.5, 1.2], rtol=1e-12)
    np.testing.assert_allclose(fit.predict(X), [2.9, 5.3, 7.7], rtol=1e-14)
    residuals = fit.residuals(X, [3, 5, 8])
    np.testing.assert_allclose(residuals, [0.1, -0.3, 0.3], rtol=1e-11)
    assert round(float(np.mean(residuals**2)), 4) == 0.0633


@pytest.fixture
def five_points():
    """y = 2 x - 1 with noise of standard deviation 4."""
    draw = random.Random(42)
    x = [draw.uniform(-5, 5) for _ in range(5)]
    return [[value] for value in x], [2 * value - 1 + draw.gauss(0, 4) for value in x]


def test_five_points_of_the_textbook(five_points):
    fit = fastlr.ols(*five_points)
    assert round(float(fit.coef[0]), 5) == 2.55567
    assert round(fit.intercept, 5) == -0.89231
    assert round(fit.mse, 3) == 16.774


def test_the_estimator_gives_the_textbook_figures_too(five_points):
    model = fastlr.LinearRegression().fit(*five_points)
    assert round(float(model.coef_[0]), 5) == 2.55567
    assert round(float(model.intercept_), 5) == -0.89231
