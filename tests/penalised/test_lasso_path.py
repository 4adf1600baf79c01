"""Lasso and elastic net: optimality, scikit-learn's coefficients, weights, degenerate columns, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet as SklearnNet

import fastlr


def table(n=80, p=9, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.1, 10.0, size=p) + 3.0
    y = X[:, 0] - 2.0 * X[:, 1] + rng.normal(size=n)
    return X, y, rng.integers(0, 4, size=n).astype(float)


def slopes(X, y, w, b, intercept):
    """X'W(y - a - X b) / sum w of the very numbers, in rational arithmetic."""
    rows = [[Fraction(v) for v in row] for row in X]
    exact = [Fraction(v) for v in b]
    weights = [Fraction(v) for v in w]
    errors = [
        Fraction(t) - Fraction(intercept) - sum(v * c for v, c in zip(row, exact, strict=True))
        for row, t in zip(rows, y, strict=True)
    ]
    total = sum(weights)
    return np.array(
        [
            float(
                sum(wi * e * row[j] for wi, e, row in zip(weights, errors, rows, strict=True))
                / total
            )
            for j in range(len(b))
        ]
    )


@pytest.mark.usefixtures("level")
def test_the_optimality_conditions_hold_in_rational_arithmetic():
    X, y, w = table(n=30, p=6)
    factors = np.array([1.0, 0.5, 2.0, 0.0, 1.0, 1.0])
    for positive, ratio in ((False, 1.0), (True, 1.0), (False, 0.4)):
        path = fastlr.enet_path(
            X, y, l1_ratio=ratio, alphas=[1.0, 0.1], sample_weight=w, positive=positive,
            penalty_factors=factors, tol=1e-15,
        )  # fmt: skip
        for k, alpha in enumerate(path.alphas):
            b = path.coefs[:, k]
            slope = slopes(X, y, w, b, path.intercepts[k]) - alpha * (1 - ratio) * factors * b
            limit = alpha * ratio * factors
            active = b != 0.0
            case = f"{positive=}, {ratio=}, {alpha=}"
            np.testing.assert_allclose(
                slope[active], (np.sign(b) * limit)[active], atol=1e-9, err_msg=case
            )
            assert np.all((slope if positive else np.abs(slope)) <= limit + 1e-9), case


@pytest.mark.parametrize("solver", ["moments", "rows"])
@pytest.mark.parametrize(("n", "p"), [(200, 8), (40, 70)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_coefficients_are_scikit_learns_at_the_same_gap(n, p, solver):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, p)) + 1.0
    y = X[:, 0] - X[:, 3] + rng.normal(size=n)
    weights = rng.uniform(0.1, 2.0, size=n)
    for ratio, positive, intercept, w in (
        (1.0, False, True, None),
        (0.5, False, True, weights),
        (1.0, True, True, weights),
        (0.7, False, False, weights),
    ):
        path = fastlr.enet_path(
            X, y, l1_ratio=ratio, alphas=[0.5, 0.05], sample_weight=w, positive=positive,
            fit_intercept=intercept, tol=1e-14, solver=solver,
        )  # fmt: skip
        assert path.solver == solver
        for k, alpha in enumerate(path.alphas):
            theirs = SklearnNet(
                alpha=alpha, l1_ratio=ratio, positive=positive, fit_intercept=intercept, tol=1e-14,
                max_iter=20000,
            ).fit(X, y, w)  # fmt: skip
            np.testing.assert_allclose(path.coefs[:, k], theirs.coef_, atol=1e-8)
            np.testing.assert_allclose(path.intercepts[k], theirs.intercept_, atol=1e-7)
            assert path.dual_gaps[k] < 1e-12


@pytest.mark.parametrize("solver", ["moments", "rows"])
def test_no_coefficient_still_moves_where_a_path_stops(solver):
    for seed, (n, p), tol in ((0, (60, 100), 1e-4), (1, (300, 20), 1e-4), (2, (50, 8), 1e-6)):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, p)) @ (np.eye(p) + rng.normal(size=(p, p)) / np.sqrt(p))
        X *= np.exp(rng.normal(size=p))
        y = X[:, : p // 2].sum(axis=1) + rng.normal(size=n)
        Xc, yc = X - X.mean(axis=0), y - y.mean()
        squares = np.square(Xc).sum(axis=0)
        for ratio, positive in ((1.0, False), (0.5, True)):
            path = fastlr.enet_path(
                X, y, l1_ratio=ratio, positive=positive, n_alphas=20, tol=tol, solver=solver
            )
            for alpha, b in zip(path.alphas[1:], path.coefs.T[1:], strict=True):
                slope = Xc.T @ (yc - Xc @ b) + squares * b
                size = np.maximum((slope if positive else np.abs(slope)) - n * alpha * ratio, 0.0)
                next_one = np.sign(slope) * size / (squares + n * alpha * (1.0 - ratio))
                assert np.abs(next_one - b).max() <= 3.0 * tol * np.abs(b).max(), (seed, alpha)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_at_the_default_tolerance_the_optimum_is_no_farther_than_scikit_learns():
    for seed, (n, p) in enumerate(((200, 10), (100, 200), (300, 50), (40, 150))):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.5 * rng.normal(size=(p, p)) / np.sqrt(p))
        y = X[:, : p // 3].sum(axis=1) + rng.normal(size=n)
        for share in (0.5, 0.05, 0.005):
            alpha = share * np.abs((X - X.mean(axis=0)).T @ (y - y.mean())).max() / n
            best = fastlr.lasso_path(X, y, alphas=[alpha], tol=1e-14).coefs[:, 0]
            ours = fastlr.lasso_path(X, y, alphas=[alpha]).coefs[:, 0]
            theirs = SklearnNet(alpha=alpha, l1_ratio=1.0).fit(X, y).coef_
            off, theirs_off = np.abs(ours - best).max(), np.abs(theirs - best).max()
            assert off <= max(theirs_off, 1e-9 * np.abs(best).max()), (seed, share)


def test_weights_are_repeated_rows():
    X, y, w = table()
    repeated = np.repeat(np.arange(len(y)), w.astype(int))
    one = fastlr.lasso_path(X, y, sample_weight=w, n_alphas=10, tol=1e-14)
    many = fastlr.lasso_path(X[repeated], y[repeated], n_alphas=10, tol=1e-14)
    np.testing.assert_allclose(one.alphas, many.alphas, rtol=1e-12)
    np.testing.assert_allclose(one.coefs, many.coefs, rtol=1e-9, atol=1e-12)


def test_rows_and_moments_give_one_path():
    X, y, w = table()
    path = fastlr.lasso_path(X, y, sample_weight=w, n_alphas=12)
    same = fastlr.lasso_path(fastlr.Moments.from_arrays(X, y, w), n_alphas=12)
    np.testing.assert_array_equal(path.coefs, same.coefs)
    np.testing.assert_array_equal(path.intercepts, same.intercepts)
    assert path.predict(X).shape == (80, 12)
    np.testing.assert_allclose(path.predict(X), X @ path.coefs + path.intercepts, rtol=1e-12)
    assert not path.coefs.flags.writeable


@pytest.mark.parametrize("solver", ["moments", "rows"])
def test_constant_and_zero_columns_get_nothing_and_equal_ones_share(solver):
    X, y, _ = table()
    X = np.column_stack([X, np.zeros(len(y)), np.full(len(y), 7.0), X[:, 0]])
    path = fastlr.lasso_path(X, y, n_alphas=20, tol=1e-10, solver=solver)
    assert not path.coefs[9:11].any()
    without = fastlr.lasso_path(X[:, :9], y, alphas=path.alphas, tol=1e-10)
    both = path.coefs[0] + path.coefs[11]
    np.testing.assert_allclose(both, without.coefs[0], atol=1e-4)
    np.testing.assert_allclose(path.coefs[1:9], without.coefs[1:], atol=1e-3)


def test_no_penalty_is_least_squares_and_a_large_one_leaves_nothing():
    X, y, w = table()
    path = fastlr.lasso_path(X, y, sample_weight=w, alphas=[0.0, 1e6])
    assert list(path.alphas) == [1e6, 0.0]
    assert not path.coefs[:, 0].any()
    assert path.intercepts[0] == pytest.approx(np.average(y, weights=w))
    np.testing.assert_allclose(path.coefs[:, 1], fastlr.ols(X, y, sample_weight=w).coef, rtol=1e-9)
    automatic = fastlr.lasso_path(X, y, n_alphas=5)
    assert not automatic.coefs[:, 0].any()
    assert automatic.coefs[:, 1].any()
    assert list(automatic.df) == list(np.count_nonzero(automatic.coefs, axis=0))


def test_a_coefficient_without_penalty_is_there_from_the_start():
    X, y, _ = table()
    factors = np.ones(9)
    factors[4] = 0.0
    path = fastlr.lasso_path(X, y, penalty_factors=factors, n_alphas=8, tol=1e-12)
    alone = fastlr.ols(X[:, [4]], y).coef[0]
    assert path.coefs[4, 0] == pytest.approx(alone)
    assert np.count_nonzero(path.coefs[:, 0]) == 1
    assert np.count_nonzero(path.coefs[:, 1]) > 1


def test_several_targets_are_fitted_each_on_its_own():
    X, y, _ = table()
    alphas = [1.0, 0.1]
    both = fastlr.lasso_path(X, np.column_stack([y, X[:, 2] - y]), alphas=alphas)
    assert both.coefs.shape == (2, 9, 2)
    np.testing.assert_array_equal(both.coefs[0], fastlr.lasso_path(X, y, alphas=alphas).coefs)
    assert both.predict(X).shape == (2, 80, 2)


def test_units_do_not_matter_even_where_squares_leave_the_range():
    X, y, _ = table()
    path = fastlr.lasso_path(X, y, n_alphas=6, tol=1e-12)
    tiny = fastlr.lasso_path(X * 1e-165, y * 1e120, n_alphas=6, tol=1e-12, solver="rows")
    np.testing.assert_allclose(tiny.coefs * 1e-285, path.coefs, rtol=1e-9)
    assert tiny.solver == "moments"


def test_correlated_columns_arrive_within_a_few_sweeps():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 120)) + 5.0 * rng.normal(size=(300, 1))
    y = X @ np.where(rng.random(120) < 0.3, 1.0, 0.0) + rng.normal(size=300)
    path = fastlr.lasso_path(X, y, n_alphas=30, tol=1e-12)
    assert path.n_iter.max() < 300
    assert path.dual_gaps.max() <= 1e-12 * y.var()


def test_a_gap_that_is_not_reached_is_told():
    X, y, _ = table()
    with pytest.warns(
        fastlr.ConvergenceWarning,
        match="Objective did not converge.*max_iter=1 sweeps.*raise max_iter or tol",
    ):
        fastlr.lasso_path(X, y, alphas=[1e-3], tol=1e-14, max_iter=1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"alphas": [1.0, -1.0]}, r"alphas\[1\] == -1, must be >= 0.0"),
        ({"alphas": [np.nan]}, r"alphas\[0\] == nan"),
        ({"alphas": []}, "alphas has shape"),
        ({"alphas": "many"}, "is not made of numbers"),
        ({"n_alphas": 0}, "below 1"),
        ({"eps": 0.0}, "eps=0.0 is not between"),
        ({"penalty_factors": [1.0]}, r"shape \(1,\) for 9 features"),
        ({"penalty_factors": [-1.0] * 9}, r"penalty_factors\[0\]=-1"),
        ({"tol": -1.0}, "tol=-1.0"),
        ({"max_iter": 0}, "max_iter=0 is below 1"),
        ({"solver": "magic"}, "solver='magic' is unknown"),
        ({"positive": "yes"}, "positive='yes'"),
        ({"sample_weight": [1.0]}, "sample_weight"),
    ],
)
def test_bad_arguments_are_named(options, says):
    X, y, _ = table()
    with pytest.raises(ValueError, match=says):
        fastlr.lasso_path(X, y, **options)


def test_bad_ratios_and_rows_are_named():
    X, y, _ = table()
    with pytest.raises(fastlr.InputError, match=r"l1_ratio=1\.5 is not between 0 and 1"):
        fastlr.enet_path(X, y, l1_ratio=1.5)
    with pytest.raises(fastlr.InputError, match=r"l1_ratio=0\. Please supply a grid"):
        fastlr.enet_path(X, y, l1_ratio=0.0)
    with pytest.raises(fastlr.InputError, match="Moments alone"):
        fastlr.lasso_path(fastlr.Moments.from_arrays(X, y), y)
    X[3, 2] = np.nan
    for solver in ("moments", "rows"):
        with pytest.raises(fastlr.InputError, match="row 3, column 'x2'"):
            fastlr.lasso_path(X, y, solver=solver)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("solver", ["moments", "rows"])
@pytest.mark.parametrize("positive", [False, True])
def test_coefficients_without_a_penalty_leave_zero_where_nothing_else_does(solver, positive):
    X, y, w = table(n=40, p=5)
    X[:, 3] = X[:, 0] * 2.0  # of which one may stay at zero
    y = y + 3.0 * X[:, 2]
    factors = np.array([1.0, 1.0, 0.0, 0.0, 1.0])
    for ratio, alpha, given in ((1.0, 1e6, factors), (0.0, 1e9, factors), (1.0, 0.0, None)):
        path = fastlr.enet_path(
            X, y, l1_ratio=ratio, alphas=[alpha], penalty_factors=given, sample_weight=w,
            positive=positive, solver=solver, tol=1e-15,
        )  # fmt: skip
        b = path.coefs[:, 0]
        free = factors == 0.0 if alpha else np.ones(5, dtype=bool)
        slope = slopes(X, y, w, b, path.intercepts[0])[free]
        case = f"{ratio=}, {alpha=}: {b}"
        assert np.abs(b[free]).max() > 0.01, case
        np.testing.assert_allclose(slope[b[free] != 0.0], 0.0, atol=1e-6, err_msg=case)
        assert np.all((slope if positive else np.abs(slope)) <= 1e-6), case


@pytest.mark.parametrize("solver", ["moments", "rows"])
@pytest.mark.parametrize("scale", [2.0**-530, 2.0**-400, 2.0**400])
def test_units_of_columns_change_nothing_but_coefficients(solver, scale):
    X, y, _ = table(n=30, p=4)
    X[:, 2] = 1.0
    for ratio in (1.0, 0.5):
        plain = fastlr.enet_path(
            X, y, l1_ratio=ratio, alphas=[1.0, 0.1, 0.0], fit_intercept=False,
            penalty_factors=[0.0, 1.0, 1.0, 0.0], tol=1e-14,
        )  # fmt: skip
        # Squares of coefficients grow by the square of 1 / scale, so only the lasso has the same path.
        alphas = plain.alphas * scale if ratio == 1.0 else [0.0]
        path = fastlr.enet_path(
            X * scale, y, l1_ratio=ratio, alphas=alphas, fit_intercept=False,
            penalty_factors=[0.0, 1.0, 1.0, 0.0], tol=1e-14, solver=solver,
        )  # fmt: skip
        expected = plain.coefs[:, -len(path.alphas) :]
        np.testing.assert_allclose(path.coefs * scale, expected, rtol=1e-6, atol=1e-9)
        assert np.isfinite(path.df).all() or solver == "rows"
