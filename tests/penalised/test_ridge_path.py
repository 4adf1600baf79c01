"""Ridge paths: every alpha is the fit with this alpha, and what is said of it holds."""

import itertools
import pickle

import numpy as np
import pytest

import fastlr

ALPHAS = np.array([1e-3, 1.0, 100.0])


def tables(seed=0):
    rng = np.random.default_rng(seed)
    for (n, p), t, weighted in itertools.product([(40, 5), (15, 30)], (0, 2), (False, True)):
        X = rng.normal(size=(n, p)) * np.geomspace(0.1, 10.0, p) + 3.0
        y = rng.normal(size=(n, t) if t else n) + (X[:, :1] if t else X[:, 0])
        yield X, y, rng.integers(0, 3, size=n) + 0.5 if weighted else None


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_every_alpha_is_the_fit_with_this_alpha(fit_intercept):
    for X, y, weights in tables():
        n, p = X.shape
        options = {"sample_weight": weights, "fit_intercept": fit_intercept}
        path = fastlr.ridge_path(X, y, ALPHAS, **options)
        w = np.ones(n) if weights is None else weights
        Z = X - (w @ X / w.sum() if fit_intercept else 0.0)
        assert path.solver == ("dual" if n < p else "eigen")
        assert path.passes == (2 if n < p else 1)
        for k, alpha in enumerate(ALPHAS):
            case = f"{X.shape} {y.shape} {weights is not None} {alpha}"
            fit = fastlr.ols(X, y, alpha=alpha, **options)
            size = np.abs(fit.coef).max()
            np.testing.assert_allclose(
                path.coef[k], fit.coef, rtol=1e-9, atol=1e-11 * size, err_msg=case
            )
            np.testing.assert_allclose(path.predict(X, at=k), fit.predict(X), rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(path.rss[k], fit.rss, rtol=1e-8, err_msg=case)
            hat = Z @ np.linalg.solve(Z.T @ (w[:, None] * Z) + alpha * np.eye(p), Z.T * w)
            freedom = np.trace(hat)
            np.testing.assert_allclose(path.degrees_of_freedom[k], freedom, rtol=1e-8, err_msg=case)
            left = 1.0 - (freedom + fit_intercept) / n
            np.testing.assert_allclose(path.gcv[k], fit.rss / w.sum() / left**2, rtol=1e-6)
            assert path.digits[k] > 8
        np.testing.assert_allclose(path.tss, fit.tss, rtol=1e-10)
        if y.ndim == 1:
            assert path.best == path.gcv.argmin()
            assert path.best_alpha == ALPHAS[path.best]


def test_moments_give_the_same_path():
    X, y, weights = next(itertools.islice(tables(), 1, None))
    path = fastlr.ridge_path(X, y, ALPHAS, sample_weight=weights)
    merged = fastlr.Moments.from_arrays(X[:9], y[:9], weights[:9])
    merged += fastlr.Moments.from_arrays(X[9:], y[9:], weights[9:])
    again = fastlr.ridge_path(merged, alphas=ALPHAS)
    np.testing.assert_allclose(again.coef, path.coef, rtol=1e-10)
    assert again.passes == 0
    pickled = pickle.loads(pickle.dumps(path))
    np.testing.assert_array_equal(pickled.coef, path.coef)
    assert "3 alphas" in repr(pickled)
    with pytest.raises(ValueError, match="read-only"):
        path.coef[0] = 0.0


def test_the_default_grid_goes_from_all_coefficients_to_none():
    for X, y, _ in tables(1):
        path = fastlr.ridge_path(X, y)
        freedom = path.degrees_of_freedom
        assert len(path.alphas) == 100
        assert (np.diff(freedom) < 0).all()
        assert freedom[-1] < 0.1
        assert np.isfinite(path.gcv[path.best]).all()


def test_columns_of_other_sizes_keep_their_digits():
    # Eigenvalues from 1e-10 to 1e10: an eigendecomposition alone knows the small ones to no digit.
    rng = np.random.default_rng(2)
    sizes = np.geomspace(1e-5, 1e5, 6)
    X = rng.normal(size=(200, 6)) * sizes
    y = X @ (1.0 / sizes) + rng.normal(size=200)
    alphas = np.array([0.0, 1e-12, 1e-6, 1.0, 1e6, 1e12])
    path = fastlr.ridge_path(X, y, alphas)
    for k, alpha in enumerate(alphas):
        exact = fastlr.ols(X, y, alpha=alpha, accuracy="max")
        off = np.abs(path.coef[k] - exact.coef) * sizes
        relative = off.max() / (np.abs(exact.coef) * sizes).max()
        assert relative < 1e-12, alpha
        assert -np.log10(max(relative, 1e-16)) >= path.digits[k] - 0.1


def test_an_alpha_below_what_rounding_can_tell_is_warned_of():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 3))
    X[:, 2] = X[:, 0] + 1e-9 * X[:, 1]
    y = rng.normal(size=50)
    with pytest.warns(fastlr.ConditionWarning, match=r"for 1 of 2 alphas \(up to alpha=1e-13\)"):
        path = fastlr.ridge_path(X, y, [1e-13, 1.0])
    assert path.status.code == "ill_conditioned"
    assert path.digits[0] < 4 < 12 < path.digits[1]


BAD = [
    ({"alphas": []}, "alphas is empty"),
    ({"alphas": [1.0, -1.0]}, r"alphas\[1\] == -1, must be > 0.0"),
    ({"alphas": np.nan}, r"alphas\[0\] == nan"),
    ({"alphas": "all"}, "alphas='all' is not made of numbers"),
    ({"alphas": [[1.0]]}, "alphas has shape"),
    ({"fit_intercept": 2}, "fit_intercept=2 is neither"),
    ({"sample_weight": [-1.0] * 40}, "weights must not be negative"),
]


def test_bad_input_is_named():
    X, y, _ = next(tables())
    for options, message in BAD:
        with pytest.raises((ValueError, TypeError), match=message):
            fastlr.ridge_path(X, y, **options)
    with pytest.raises(fastlr.InputError, match="X are Moments"):
        fastlr.ridge_path(fastlr.Moments.from_arrays(X, y), y)
    with pytest.raises(fastlr.InputError, match="target y is None"):
        fastlr.ridge_path(X)
    path = fastlr.ridge_path(X, y, 1.0)
    with pytest.raises(fastlr.InputError, match="at=1 is out of range"):
        path.predict(X, at=1)
    with pytest.raises(fastlr.InputError, match="expecting 5 features"):
        path.predict(X[:, :3])


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_one_row_is_a_table(fit_intercept):
    X, y, alphas = np.array([[1.0, 2.0, 3.0]]), np.array([2.0]), [0.0, 1.0, 2.0]
    path = fastlr.ridge_path(X, y, alphas, fit_intercept=fit_intercept)
    for k, alpha in enumerate(alphas):
        fit = fastlr.ols(X, y, alpha=alpha, fit_intercept=fit_intercept, rank="min_norm")
        np.testing.assert_allclose(path.coef[k], fit.coef, rtol=1e-13, atol=1e-15)
        assert path.intercept[k] == pytest.approx(fit.intercept, abs=1e-14)
