"""Penalties in `ols` and `solve`: against exact arithmetic, and as identities."""

import itertools

import numpy as np
import pytest

import fastlr
from rational import exact_least_squares
from real_tables import table


def exact_ridge(X, y, root, *, fit_intercept, weights=None):
    """[intercept, *coef] as floats: least squares with rows root_j e_j of target 0, over the rationals."""
    columns = np.column_stack([np.ones(len(X)), X]) if fit_intercept else X
    extra = np.diag(np.concatenate([[0.0], root]) if fit_intercept else root)
    extra = extra[extra.any(axis=1)]
    w = None if weights is None else np.concatenate([weights, np.ones(len(extra))])
    exact = exact_least_squares(
        np.vstack([columns, extra]),
        np.concatenate([y, np.zeros(len(extra))]),
        fit_intercept=False,
        sample_weight=w,
    )
    found = np.array([float(value) for value in exact])
    return found if fit_intercept else np.concatenate([[0.0], found])


def digits_right(fit, want):
    got = np.concatenate([np.atleast_1d(fit.intercept), fit.coef])
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(got == want, 0.0, np.abs(got / want - 1.0))
    return 16.0 if off.max() == 0 else -np.log10(off.max())


@pytest.mark.usefixtures("level")
def test_every_penalty_is_exact():
    rng = np.random.default_rng(0)
    for (n, p), fit_intercept, weighted in itertools.product(
        [(12, 4), (6, 9)], (True, False), (False, True)
    ):
        X = np.round(rng.normal(size=(n, p)) * 64) / 64 + 8.0
        X[:, -1] = X[:, 0] + np.round(rng.normal(size=n) * 2) / 4096  # nearly the first one
        y = np.round(rng.normal(size=n) * 64) / 64
        weights = rng.integers(1, 4, size=n).astype(float) if weighted else None
        roots = [np.full(p, 2.0**-8), np.full(p, 4.0), 2.0 ** rng.integers(-6, 4, size=p)]
        if n > p:
            roots.append(np.where(np.arange(p) % 2, 1.0, 0.0))  # some are free
        for root in roots:
            want = exact_ridge(X, y, root, fit_intercept=fit_intercept, weights=weights)
            for accuracy in ("fast", "auto", "max"):
                fit = fastlr.ols(
                    X,
                    y,
                    alpha=root**2,
                    sample_weight=weights,
                    fit_intercept=fit_intercept,
                    accuracy=accuracy,
                )
                right = digits_right(fit, want)
                case = f"{n} x {p} {fit_intercept=} {weighted=} {root} {accuracy} {fit.solver}"
                assert right >= min(fit.digits, 14.5), f"{case}: {right} of {fit.digits}"
                if accuracy != "fast":
                    assert right > 12.5, f"{case}: {right}"


def test_no_penalty_is_least_squares():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
    want = fastlr.ols(X, y)
    for alpha in (0, 0.0, np.zeros(4), np.zeros((2, 1))):
        fit = fastlr.ols(X, y, alpha=alpha)
        np.testing.assert_array_equal(fit.coef, want.coef)
        np.testing.assert_array_equal(fit.bse_coef, want.bse_coef)
    near = fastlr.ols(X, y, alpha=1e-12)
    np.testing.assert_allclose(near.coef, want.coef, rtol=1e-10)
    large = fastlr.ols(X, y, alpha=1e14)
    assert np.abs(large.coef).max() < 1e-11
    np.testing.assert_allclose(large.intercept, y.mean(axis=0), rtol=1e-10)


def test_targets_have_penalties_of_their_own():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(25, 3)), rng.normal(size=(25, 4))
    moments = fastlr.Moments.from_arrays(X, y)
    alpha = np.array([0.0, 1.0, 10.0, 1.0])
    both = alpha[:, None] * [1.0, 2.0, 4.0]
    for given, wide in ((alpha, np.tile(alpha[:, None], 3)), (both, both)):
        for fit in (fastlr.ols(X, y, alpha=given), fastlr.solve(moments, alpha=given)):
            np.testing.assert_array_equal(fit.alpha, wide)
            for k in range(4):
                one = fastlr.ols(X, y[:, k], alpha=wide[k])
                np.testing.assert_allclose(fit.coef[k], one.coef, rtol=1e-11)
                np.testing.assert_allclose(fit.rss[k], one.rss, rtol=1e-11)
                np.testing.assert_allclose(fit.intercept[k], one.intercept, rtol=1e-9)


def test_nothing_is_said_of_errors_that_does_not_hold():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(25, 3)), rng.normal(size=25)
    wide, its_y = rng.normal(size=(5, 9)), rng.normal(size=5)
    moments = fastlr.Moments.from_arrays(X, y)
    for fit in (
        fastlr.ols(X, y, alpha=1.0),
        fastlr.ols(X, y, alpha=[1.0, 0.0, 0.0]),
        fastlr.solve(moments, alpha=[1.0, 0.0, 0.0]),
        fastlr.ols(wide, its_y, alpha=1.0),
    ):
        assert np.isnan(fit.bse_coef).all()
        assert np.isnan(fit.bse_intercept)
        assert np.isnan(fit.residual_sd)
        assert np.isnan(fit.bse_digits)
        assert "ridge regression, alpha" in fit.summary()
        again = fastlr.LinearFit.from_dict(fit.to_dict())
        np.testing.assert_array_equal(again.alpha, fit.alpha)
        np.testing.assert_array_equal(again.coef, fit.coef)


def test_dependent_columns_share_what_a_penalty_allows():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(40, 1)), rng.normal(size=40)
    for alpha in (1e-9, 1.0):
        twice = fastlr.ols(np.hstack([x, x]), y, alpha=alpha)
        once = fastlr.ols(x, y, alpha=alpha / 2)
        np.testing.assert_allclose(twice.coef, once.coef[0] / 2, rtol=1e-10)
        assert twice.status.code == "ok"


def test_units_beyond_float64s_squares_keep_their_penalty():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    want = fastlr.ols(X, y, alpha=[4.0, 1.0, 2.0])
    for power in (-600, 600):
        unit = 2.0 ** np.array([power, 0, 0])
        with np.errstate(over="ignore"):
            penalty = np.array([4.0, 1.0, 2.0]) * unit**2
        fit = fastlr.ols(X * unit, y, alpha=np.minimum(penalty, 1e300))
        if power < 0:  # a penalty of 4 unit^2 underflows to none
            want_here = fastlr.ols(X, y, alpha=[0.0, 1.0, 2.0])
            np.testing.assert_allclose(fit.coef * unit, want_here.coef, rtol=1e-11)
        else:
            assert fit.coef[0] > 0 or fit.coef[0] <= 0  # finite, whatever is left of it
    tiny = fastlr.ols(X * 1e-200, y, alpha=5.0)
    np.testing.assert_allclose(tiny.coef, X.T @ (y - y.mean()) * 1e-200 / 5.0, rtol=1e-12)
    np.testing.assert_allclose(fastlr.ols(X, y, alpha=1e300).coef, X.T @ (y - y.mean()) / 1e300)
    assert want.digits > 12


def test_real_tables_agree_with_their_augmented_rows():
    for name, target in (("fat", "brozek"), ("seatpos", "hipcenter"), ("prostate", "lpsa")):
        frame = table(name).select_dtypes("number").astype(float)
        X, y = frame.drop(columns=target).to_numpy(), frame[target].to_numpy()
        p = X.shape[1]
        Z = X - X.mean(axis=0)
        for alpha in (0.1, 100.0):
            rows = np.vstack([Z, np.sqrt(alpha) * np.eye(p)])
            want = fastlr.ols(
                rows, np.append(y - y.mean(), np.zeros(p)), fit_intercept=False, accuracy="max"
            )
            fit = fastlr.ols(X, y, alpha=alpha)
            size = np.abs(want.coef).max()
            np.testing.assert_allclose(
                fit.coef, want.coef, rtol=1e-9, atol=1e-11 * size, err_msg=name
            )


BAD = [
    (-1.0, "alpha=-1.0 is not a finite number >= 0"),
    ([1.0, -2.0, 1.0], r"alpha\[1\]=-2.0 is not a finite number >= 0"),
    ([[1.0, np.inf, 1.0]], r"alpha\[0, 1\]=inf"),
    ([1.0, 2.0, 3.0, 4.0], r"alpha has shape \(4,\).*3 values \(a penalty per coefficient\), 2"),
    (np.ones((3, 2)), r"alpha has shape \(3, 2\).*an array of shape \(2, 3\)"),
    ([], r"alpha has shape \(0,\)"),
    (np.ones((1, 1, 1)), r"alpha has shape \(1, 1, 1\)"),
    (["a", "b", "c"], "alpha=.* is not made of numbers"),
    ([True, False, True], "alpha=.* is not made of numbers"),
    (None, "alpha=None is not a number"),
]


def test_bad_penalties_are_named():
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    moments = fastlr.Moments.from_arrays(X, y)
    for alpha, message in BAD:
        with pytest.raises((ValueError, TypeError), match=message):
            fastlr.ols(X, y, alpha=alpha)
        with pytest.raises((ValueError, TypeError), match=message):
            fastlr.solve(moments, alpha=alpha)
    with pytest.raises(fastlr.InputError, match=r"as many features as targets: pass alpha.reshape"):
        fastlr.ols(X[:, :2], y, alpha=[1.0, 2.0])


@pytest.mark.usefixtures("level")
@pytest.mark.filterwarnings("ignore::fastlr.ConditionWarning", "ignore::fastlr.RankWarning")
def test_weights_over_thirty_decades_promise_no_digit_too_many():
    for seed in range(12):
        rng = np.random.default_rng(seed)
        n, p = [(6, 9), (5, 8), (9, 5)][seed % 3]
        X, y = rng.normal(size=(n, p)), rng.normal(size=n)
        weights = 10.0 ** rng.uniform(-15, 15, size=n)
        root = 2.0 ** rng.integers(-14, 6)
        want = exact_ridge(X, y, np.full(p, root), fit_intercept=True, weights=weights)
        for accuracy in ("auto", "max"):
            fit = fastlr.ols(X, y, alpha=root**2, sample_weight=weights, accuracy=accuracy)
            with np.errstate(divide="ignore"):
                right = -np.log10(np.abs(fit.coef / want[1:] - 1.0).max())
            assert right >= min(fit.digits, 14.5), f"{seed}, {accuracy}: {right} of {fit.digits}"


def test_digits_of_equal_rows_with_a_penalty_below_rounding_are_no_promise():
    X, y = np.full((2, 5), 1e8), np.array([-1.3, -1.0])
    with pytest.warns(fastlr.ConditionWarning):
        fit = fastlr.ols(X, y, alpha=1e-8, fit_intercept=False)
    exact = -1.15 / 5e8
    assert np.abs(fit.coef / exact - 1.0).max() <= 10.0 ** (1.0 - fit.digits)
    assert fit.coef == pytest.approx(np.full(5, exact), rel=1e-3)
