"""Paths of penalties, products of chosen columns and best subsets: against plain NumPy, on every level."""

import itertools

import numpy as np
import pytest

from layouts import LAYOUTS


def table(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 2.0
    y = X[:, 0] - X[:, p // 2] + rng.normal(size=n)
    return X, y, rng.uniform(0.5, 2.0, size=n)


@pytest.mark.parametrize(("n", "p"), [(1, 1), (130, 7), (2200, 260), (300, 500)])
def test_column_products_are_those_of_dense_matrices(kernels, n, p):
    X, y, weights = table(n, p)
    shift = np.append(X[0], y[0])
    Z = np.column_stack([X, y]) - shift
    for chosen, weighted in itertools.product(([p], [0, p // 2, p], []), (False, True)):
        w = weights if weighted else np.ones(n)
        want = np.column_stack([Z[:, chosen], np.ones(n)]).T @ (Z * w[:, np.newaxis])
        got = kernels.column_products(X, y, weights if weighted else None, shift, chosen, 2)
        size = np.abs(Z).max() ** 2 * n * 4
        np.testing.assert_allclose(got, want, atol=1e-15 * size, err_msg=f"{chosen}, {weighted}")


def test_column_products_depend_on_no_layout_and_no_thread(kernels):
    X, y, weights = table(400, 250)
    shift = np.zeros(251)
    want = kernels.column_products(X, y, weights, shift, [3, 249, 250], 1)
    for layout, laid_out in LAYOUTS.items():
        got = kernels.column_products(laid_out(X), y, weights, shift, [3, 249, 250], 3)
        np.testing.assert_array_equal(got, want, err_msg=layout)


def equations(X, y):
    Xc, yc = X - X.mean(axis=0), y - y.mean()
    return np.ascontiguousarray(Xc.T @ Xc), Xc.T @ yc, float(yc @ yc)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("n", "p"), [(200, 12), (60, 100)])
def test_paths_of_moments_and_of_rows_meet_the_optimality_conditions(kernels, n, p, positive):
    X, y, _ = table(n, p)
    A, q, square_y = equations(X, y)
    l1 = np.abs(q).max() * np.array([1.0, 0.3, 0.1, 0.03])
    l2 = 0.1 * l1
    ones = np.ones(p)
    paths = [
        kernels.penalised_path(
            A, square_y, q, ones, ones, ones, positive, l1, l2, np.zeros(p), 500, 1e-14, random, 7
        )
        for random in (False, True)
    ]
    mean = X.mean(axis=0)
    rows = kernels.penalised_path_of_rows(
        X, None, float(n), np.zeros(p), mean, p, 2, square_y, q, ones, ones, ones, positive, l1, l2,
        np.zeros(p), 500, 1e-14,
    )  # fmt: skip
    assert rows[4] == len(l1)
    for coefs, gaps, _n_iter in (*paths, rows[:3]):
        assert gaps.max() <= 1e-12 * square_y
        for k, b in enumerate(coefs):
            slope = q - A @ b - l2[k] * b
            active = b != 0.0
            level = 1e-6 * l1[0]
            np.testing.assert_allclose(slope[active], np.sign(b[active]) * l1[k], atol=level)
            assert np.all((slope if positive else np.abs(slope)) <= l1[k] + level)
            assert not positive or b.min() >= 0.0


def test_a_path_of_rows_ends_before_it_needs_more_columns_than_it_may(kernels):
    X, y, _ = table(300, 200)
    _, q, square_y = equations(X, y)
    l1 = np.abs(q).max() * np.geomspace(1.0, 1e-3, 8)
    ones, zeros = np.ones(200), np.zeros(200)
    *_, n_known, n_done = kernels.penalised_path_of_rows(
        X, None, 300.0, zeros, X.mean(axis=0), 70, 1, square_y, q, ones, ones, ones, False, l1, 0.0 * l1,
        zeros, 500, 1e-6,
    )  # fmt: skip
    assert 0 < n_done < 8
    assert n_known <= 70 + 64


def test_best_subsets_are_those_of_an_exhaustive_search(kernels):
    for seed in range(4):
        p = 5 + seed
        X, y, _ = table(40, p, seed)
        if seed == 3:
            X[:, 2] = X[:, 0] + X[:, 1]
        A, q, square_y = equations(X, y)
        length = np.sqrt(A.diagonal())
        A, q = A / np.outer(length, length), q / length
        rss, columns, n_looked_at = kernels.best_subsets(A, q, square_y)
        assert 0 < n_looked_at <= 2**p
        for size in range(p + 1):
            least = min(
                square_y
                - q[list(some)] @ np.linalg.pinv(A[np.ix_(some, some)], rcond=1e-10) @ q[list(some)]
                if some
                else square_y
                for some in itertools.combinations(range(p), size)
            )
            assert rss[size] == pytest.approx(least, rel=1e-10)
            assert int(columns[size]).bit_count() == size
