"""Moments in double-double: against rational arithmetic."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from fastlr._kernels import available_levels, load_level
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


def whole(values):
    """(whole numbers, unit): floats as multiples of one power of two, exactly."""
    ratios = [float(value).as_integer_ratio() for value in values]
    unit = max(denominator for _, denominator in ratios)
    return [numerator * (unit // denominator) for numerator, denominator in ratios], unit


def exact_moments(columns, weight):
    """(means, centred cross-products) as fractions."""
    weight, unit = whole(weight)
    columns = [whole(column) for column in columns.T]
    total = sum(weight)
    weighted = [[w * x for w, x in zip(weight, column, strict=True)] for column, _ in columns]
    sums = [sum(column) for column in weighted]
    means = [Fraction(s, total * u) for s, (_, u) in zip(sums, columns, strict=True)]
    cross = [[Fraction(0)] * len(columns) for _ in columns]
    for i, j in itertools.combinations_with_replacement(range(len(columns)), 2):
        products = sum(a * b for a, b in zip(weighted[i], columns[j][0], strict=True))
        centred = products * total - sums[i] * sums[j]
        cross[i][j] = cross[j][i] = Fraction(centred, total * unit * columns[i][1] * columns[j][1])
    return means, cross


def fraction_at(pairs, *index):
    return Fraction(float(pairs[(0, *index)])) + Fraction(float(pairs[(1, *index)]))


@pytest.mark.parametrize(("n", "p"), [(2, 1), (65, 3), (300, 9)])
@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_keep_thirty_digits(n, p, offset, weighted):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, p)) + offset, rng.normal(size=(n, 1))
    weight = rng.uniform(size=n) if weighted else None
    weights = np.ones(n) if weight is None else weight
    means, products = exact_moments(np.hstack([X, y]), weights)
    for level in available_levels():
        total, mean, cross = one_pass(load_level(level), X, y, weight)
        assert total == pytest.approx(weights.sum(), rel=1e-15), level
        for i in range(p + 1):
            assert abs(fraction_at(mean, i) - means[i]) < (1 + offset) * 1e-28, level
            for j in range(p + 1):
                assert abs(fraction_at(cross, i, j) - products[i][j]) < n * 1e-28, level


def test_exact_moments_are_those_of_plain_fractions():
    rng = np.random.default_rng(4)
    columns, weight = rng.normal(size=(7, 3)), rng.uniform(size=7)
    exact = [[Fraction(value) for value in column] for column in columns.T.tolist()]
    of_rows = [Fraction(value) for value in weight.tolist()]
    total = sum(of_rows)
    means = [sum(map(Fraction.__mul__, of_rows, column)) / total for column in exact]
    centred = [[x - m for x in column] for column, m in zip(exact, means, strict=True)]
    cross = [
        [sum(w * a * b for w, a, b in zip(of_rows, u, v, strict=True)) for v in centred]
        for u in centred
    ]
    assert exact_moments(columns, weight) == (means, cross)


def test_layouts_and_threads_do_not_change_a_bit(kernels):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(1500, 5)), rng.normal(size=(1500, 1))
    want = one_pass(kernels, X, y, n_threads=1)
    for layout, laid_out in LAYOUTS.items():
        for got, expected in zip(one_pass(kernels, laid_out(X), y), want, strict=True):
            np.testing.assert_array_equal(got, expected, err_msg=layout)


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
        4, weight, mean, cross, True, None, True
    )
    design = np.column_stack([np.ones(60), X])
    want = np.linalg.lstsq(design, y, rcond=None)[0]
    assert (status, rank) == ("ok", 4)
    assert digits > 14.9
    unscale = scale[:4] / scale[4:, np.newaxis]
    np.testing.assert_allclose(coef[0].reshape(2, 4) * unscale, want[1:].T, rtol=1e-12)
    np.testing.assert_allclose(intercept[0] / scale[4:], want[0], rtol=1e-12)
