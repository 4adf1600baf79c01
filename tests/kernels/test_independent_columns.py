"""Which columns are independent, what is left of combinations of them, and the way to the smallest norm."""

import functools
import itertools
from fractions import Fraction

import numpy as np
import pytest

THRESHOLD = 1e-10


def dependent(rng, n, rank, n_more):
    """Columns of whole numbers, of which ``n_more`` are combinations of the others, in random order."""
    independent = rng.integers(-9, 10, size=(n, rank)).astype(float)
    shares = rng.integers(-2, 3, size=(rank, n_more)).astype(float)
    return np.hstack([independent, independent @ shares])[:, rng.permutation(rank + n_more)]


@pytest.mark.parametrize(("rank", "n_more"), [(1, 0), (3, 2), (8, 8), (60, 50), (110, 3)])
def test_columns_that_are_left_are_combinations_of_the_chosen_ones(kernels, rank, n_more):
    X = dependent(np.random.default_rng(rank), 200, rank, n_more)
    A = X.T @ X
    chosen, others, root, shares = kernels.choose_columns(A, np.full(len(A), THRESHOLD))
    assert sorted(chosen + others) == list(range(len(A)))
    assert len(chosen) == np.linalg.matrix_rank(X)
    assert others == sorted(others)
    square = A[np.ix_(chosen, chosen)]
    np.testing.assert_allclose(root @ root.T @ square, np.eye(len(chosen)), atol=1e-8)
    np.testing.assert_array_equal(root, np.triu(root))
    left = X[:, others] - X[:, chosen] @ shares.T
    assert np.abs(left).max(initial=0) < 1e-8 * np.abs(X).max()


def test_the_first_of_equally_good_columns_is_chosen(kernels):
    rng = np.random.default_rng(0)
    dummies = np.eye(4)[rng.integers(0, 4, size=100)]
    X = np.column_stack([dummies, np.ones(100)])
    chosen, others, *_ = kernels.choose_columns(X.T @ X, np.full(5, THRESHOLD))
    assert len(chosen) == 4
    assert len(others) == 1
    twice = np.column_stack([dummies, 3 * dummies])
    chosen, others, *_ = kernels.choose_columns(twice.T @ twice, np.full(8, THRESHOLD))
    assert sorted(chosen) == [0, 1, 2, 3]


def test_a_column_of_zeros_is_never_chosen(kernels):
    A = np.diag([1.0, 0.0, 2.0])
    chosen, others, root, shares = kernels.choose_columns(A, np.full(3, THRESHOLD))
    assert (sorted(chosen), others) == ([0, 2], [1])
    assert np.isfinite(root).all()
    np.testing.assert_array_equal(shares, np.zeros((1, 2)))


def combined(kernels, X, weight, pairs, constants, centred, *, n_threads=2):
    n, p = X.shape
    k = pairs.shape[1]
    n_slots, slot_size, n_parts = kernels.plan_combinations(n, p, k)
    slots = np.zeros((n_slots, slot_size))
    for part in range(n_parts):
        kernels.combine(X, weight, np.ones(p), pairs, constants, part, n_threads, slots)
    total = float(n if weight is None else weight.sum())
    return kernels.combined_products(n, p, k, total, centred, slots)


@pytest.mark.parametrize(("n", "p", "k"), [(1, 1, 1), (70, 5, 3), (700, 20, 15)])
def test_products_of_combinations_are_those_of_the_product(kernels, n, p, k):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, p))
    V = rng.normal(size=(k, p)) * (rng.uniform(size=(k, p)) < 0.7)
    constants = np.zeros((2, k))
    constants[0] = rng.normal(size=k)
    weight = rng.uniform(size=n)
    pairs = np.stack([V, np.zeros_like(V)])
    r = X @ V.T + constants[0]
    about_zero = (r.T * weight) @ r
    r -= weight @ r / weight.sum()
    about_mean = (r.T * weight) @ r
    for order, n_threads in itertools.product("CF", (1, 3)):
        close = functools.partial(np.testing.assert_allclose, err_msg=f"{order}, {n_threads=}")
        table = (np.asarray(X, order=order), weight, pairs, constants)
        got = combined(kernels, *table, False, n_threads=n_threads)
        close(got, about_zero, rtol=1e-12, atol=1e-12 * n)
        got = combined(kernels, *table, True, n_threads=n_threads)
        close(got, about_mean, rtol=1e-11, atol=1e-12 * n)


def test_what_is_left_of_a_combination_is_exact(kernels):
    """x2 = fl(x0 + x1): what is left is the rounding of the sum, which no arithmetic in float64 sees."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    X = np.column_stack([x, x.sum(axis=1)])
    left = [Fraction(a) + Fraction(b) - Fraction(c) for a, b, c in X.tolist()]
    want = float(sum(r * r for r in left))
    pairs = np.array([[[1.0, 1.0, -1.0]], [[0.0, 0.0, 0.0]]])
    got = combined(kernels, X, None, pairs, np.zeros((2, 1)), False)
    assert got[0, 0] == pytest.approx(want, rel=1e-12)
    assert want > 0
    pairs = np.array([[[3.0, 0.0, 0.0]], [[2.0**-60, 0.0, 0.0]]])
    x = np.round(X[5, 0] * 2.0**20) * 2.0**-20
    constants = np.array([[-3.0 * x], [-(2.0**-60) * x]])
    one = np.array([[x, 0.0, 0.0]])
    assert combined(kernels, one, None, pairs, constants, False)[0, 0] < 1e-60


def test_rows_of_weight_zero_may_hold_anything(kernels):
    X = np.array([[1.0], [1e300], [-2.0]])
    pairs = np.array([[[1e300]], [[0.0]]])
    got = combined(kernels, X, np.array([1.0, 0.0, 1.0]), pairs * 1e-300, np.zeros((2, 1)), True)
    assert got[0, 0] == pytest.approx(4.5)


def test_solutions_on_independent_columns_and_their_directions(kernels):
    rng = np.random.default_rng(3)
    X = dependent(rng, 120, 5, 3)
    y = rng.normal(size=(120, 1))
    Z = np.hstack([X, y])
    mean = np.stack([Z.mean(axis=0), np.zeros(9)])
    cross = (Z - mean[0]).T @ (Z - mean[0])
    solution, directions, others = kernels.solve_on_independent_columns(
        8, 120.0, mean, np.ascontiguousarray(cross), True, np.full(8, THRESHOLD)
    )
    scale, coef, rank = solution[3], solution[6], solution[1]
    assert (rank, len(others)) == (5, 3)
    centred = (X - mean[0, :8]) * scale[:8]
    for k, direction in enumerate(directions.reshape(2, 3, 8)[0]):
        assert direction[others[k]] == 1.0
        assert np.abs(centred @ direction).max() < 1e-12 * np.abs(centred).max() * 120
    b = coef[0] * scale[:8] / scale[8]
    want = np.linalg.lstsq(X - mean[0, :8], y[:, 0] - mean[0, 8], rcond=None)
    np.testing.assert_allclose((X - mean[0, :8]) @ b, (X - mean[0, :8]) @ want[0], atol=1e-9)


@pytest.mark.parametrize("decades", [0, 5, 100, 200, 290])
def test_the_smallest_norm_is_that_of_the_units_of_the_data(kernels, decades):
    """Directions (1, 1, 0) and (0, 1, 1) in a frame whose units lie far apart."""
    rng = np.random.default_rng(decades)
    scale = 2.0 ** np.round(rng.uniform(-1, 1, size=4) * decades * 3.32)
    directions = np.zeros((2, 2, 4))
    directions[0] = [[1.0, -2.0, 0.0, 1.0], [0.0, 1.0, 4.0, 0.0]]
    coef = np.zeros((2, 1, 4))
    coef[0, 0] = before = rng.integers(-5, 6, size=4).astype(float)
    intercept, mean = np.zeros((2, 1)), np.zeros((2, 5))
    kernels.move_to_minimum_norm(directions, np.zeros((2, 4)), scale, mean, True, coef, intercept)
    # The exact point: N y nearest to the coefficients, in the units of the data.
    units = [Fraction(float(s)) for s in scale]
    N = [[Fraction(int(v)) * u for v, u in zip(row, units, strict=True)] for row in directions[0]]
    b = [Fraction(int(v)) * u for v, u in zip(before, units, strict=True)]
    G = [[sum(u * v for u, v in zip(x, z, strict=True)) for z in N] for x in N]
    c = [sum(u * v for u, v in zip(x, b, strict=True)) for x in N]
    det = G[0][0] * G[1][1] - G[0][1] * G[1][0]
    y = [(G[1][1] * c[0] - G[0][1] * c[1]) / det, (G[0][0] * c[1] - G[1][0] * c[0]) / det]
    want = [float((b[j] - y[0] * N[0][j] - y[1] * N[1][j]) / units[j]) for j in range(4)]
    np.testing.assert_allclose(coef.sum(axis=0)[0], want, rtol=1e-14, atol=1e-30)
