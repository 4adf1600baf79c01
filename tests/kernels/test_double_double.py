"""Moments in double-double: against rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from layouts import LAYOUTS


def one_pass(kernels, X, y, weight=None, *, n_threads=2):
    pieces = X if isinstance(X, list) else [X]
    q = sum(1 if a.ndim == 1 else a.shape[1] for a in pieces) + y.shape[1]
    n_slots, slot_size, n_parts = kernels.plan_double_double(len(y), q)
    shift, scale = kernels.provisional_shift(X, y), np.ones(q)
    slots = np.zeros((n_slots, slot_size))
    for part in range(n_parts):
        kernels.accumulate_double_double(X, y, weight, shift, scale, part, n_threads, slots)
    return kernels.centre_double_double(len(y), q, shift, scale, slots)


def exact_moments(columns, weight):
    """(means, centred cross-products) as fractions."""
    columns = [[Fraction(float(x)) for x in column] for column in columns.T]
    weight = [Fraction(float(w)) for w in weight]
    total = sum(weight)
    means = [sum(map(Fraction.__mul__, weight, column)) / total for column in columns]
    centred = [[x - m for x in column] for column, m in zip(columns, means, strict=True)]
    cross = [
        [sum(w * a * b for w, a, b in zip(weight, u, v, strict=True)) for v in centred]
        for u in centred
    ]
    return means, cross


def fraction_at(pairs, *index):
    return Fraction(float(pairs[(0, *index)])) + Fraction(float(pairs[(1, *index)]))


@pytest.mark.parametrize(("n", "p"), [(2, 1), (65, 3), (300, 9)])
@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_keep_thirty_digits(kernels, n, p, offset, weighted):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, p)) + offset, rng.normal(size=(n, 1))
    weight = rng.uniform(size=n) if weighted else None
    total, mean, cross = one_pass(kernels, X, y, weight)
    weights = np.ones(n) if weight is None else weight
    means, products = exact_moments(np.hstack([X, y]), weights)
    assert total == pytest.approx(weights.sum(), rel=1e-15)
    for i in range(p + 1):
        assert abs(fraction_at(mean, i) - means[i]) < (1 + offset) * 1e-28
        for j in range(p + 1):
            assert abs(fraction_at(cross, i, j) - products[i][j]) < n * 1e-28


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_and_threads_do_not_change_a_bit(kernels, layout):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(1500, 5)), rng.normal(size=(1500, 1))
    want = one_pass(kernels, X, y, n_threads=1)
    for got, expected in zip(one_pass(kernels, LAYOUTS[layout](X), y), want, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_merge_gives_the_moments_of_all_rows_and_can_be_undone(kernels):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(90, 3)) + 50, rng.normal(size=(90, 1))
    whole = one_pass(kernels, X, y)
    a, b = one_pass(kernels, X[:30], y[:30]), one_pass(kernels, X[30:], y[30:])
    merged = kernels.merge_double_double(1.0, *a, *b)
    rest = kernels.merge_double_double(-1.0, *merged, *b)
    for got, want in ((merged, whole), (rest, a)):
        assert got[0] == want[0]
        for i in range(4):
            for j in range(4):
                gap = fraction_at(got[2], i, j) - fraction_at(want[2], i, j)
                assert abs(gap) < Fraction(1, 10**25)


def test_the_solution_is_that_of_the_normal_equations(kernels):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(60, 4)) + 2, rng.normal(size=(60, 2))
    weight, mean, cross = one_pass(kernels, X, y)
    (status, rank, _, scale, _, _, coef, intercept, *_), digits = kernels.solve_double_double(
        4, weight, mean, cross, True, 0.0, True
    )
    design = np.column_stack([np.ones(60), X])
    want = np.linalg.lstsq(design, y, rcond=None)[0]
    assert (status, rank) == ("ok", 4)
    assert digits > 14.9
    unscale = scale[:4] / scale[4:, np.newaxis]
    np.testing.assert_allclose(coef[0].reshape(2, 4) * unscale, want[1:].T, rtol=1e-12)
    np.testing.assert_allclose(intercept[0] / scale[4:], want[0], rtol=1e-12)
