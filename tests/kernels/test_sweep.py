"""Sweeps: residuals and gradients in about twice the working precision, on every level, layout and type."""

from fractions import Fraction

import numpy as np
import pytest

from fastlr._kernels import available_levels, load_level
from layouts import LAYOUTS


def run_sweep(kernels, X, y, coef, intercept, weight=None, *, n_threads=2, scale=None, n_terms=1):
    """(gradient (2, t, p), sum (2, t), rss) at coef (2, t, p)."""
    pieces = X if isinstance(X, list) else [X]
    n_columns = sum(1 if piece.ndim == 1 else piece.shape[1] for piece in pieces)
    n, t = len(y), y.shape[1]
    scale = np.ones(n_columns + t) if scale is None else scale
    n_slots, slot_size, n_parts = kernels.plan_sweep(n, n_columns, t)
    slots = np.zeros((n_slots, slot_size))
    for part in range(n_parts):
        kernels.sweep(X, y, weight, scale, n_terms, coef, intercept, part, n_threads, slots)
    return kernels.sweep_totals(n, n_columns // n_terms, t, n_terms, slots)


def draw(n, p, t=1, seed=0):
    """Coefficients that leave residuals of the size of rounding, so that a sweep has all to cancel."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 1e4
    coef = np.stack([rng.normal(size=(t, p)), 1e-17 * rng.normal(size=(t, p))])
    intercept = np.stack([rng.normal(size=t), 1e-17 * rng.normal(size=t)])
    y = X @ coef[0].T + intercept[0]
    return X, y, coef, intercept


def exact_sweep(X, y, coef, intercept, weight=None):
    """Gradient and sum of the first target in rational arithmetic."""
    b = [Fraction(float(h)) + Fraction(float(low)) for h, low in zip(*coef[:, 0], strict=True)]
    a = Fraction(float(intercept[0, 0])) + Fraction(float(intercept[1, 0]))
    gradient, total = [Fraction(0)] * len(b), Fraction(0)
    for i, row in enumerate(X):
        values = [Fraction(float(x)) for x in row]
        r = Fraction(float(y[i, 0])) - a - sum(map(Fraction.__mul__, values, b))
        r *= 1 if weight is None else Fraction(float(weight[i]))
        total += r
        gradient = [g + x * r for g, x in zip(gradient, values, strict=True)]
    return gradient, total


def as_fractions(pair):
    return [Fraction(float(h)) + Fraction(float(low)) for h, low in zip(*pair, strict=True)]


@pytest.mark.parametrize(("n", "p"), [(1, 1), (7, 3), (64, 8), (65, 9), (130, 17), (513, 2)])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_sweep_keeps_twice_the_digits(kernels, n, p, weighted):
    X, y, coef, intercept = draw(n, p)
    weight = np.random.default_rng(1).uniform(size=n) if weighted else None
    gradient, total, _ = run_sweep(kernels, X, y, coef, intercept, weight)
    exact_gradient, exact_total = exact_sweep(X, y, coef, intercept, weight)
    # Terms of a residual are of size 1e4 (p + 1), and their rounding errors 1e-32 of that each.
    size = 1e4 * (p + 1) * n
    assert abs(as_fractions(total)[0] - exact_total) < size * 1e-29
    for got, exact in zip(as_fractions(gradient[:, 0]), exact_gradient, strict=True):
        assert abs(got - exact) < 1e4 * size * 1e-29


def test_known_answers_of_the_error_free_transformations(kernels):
    """y - x b with x = 1 + 2^-30, b = 1 - 2^-30 and y = 1 leaves 2^-60, which no double product has."""
    X, y = np.full((11, 1), 1 + 2.0**-30), np.ones((11, 1))
    coef, intercept = np.zeros((2, 1, 1)), np.zeros((2, 1))
    coef[0] = 1 - 2.0**-30
    _, total, rss = run_sweep(kernels, X, y, coef, intercept)
    assert total[0, 0] + total[1, 0] == 11 * 2.0**-60
    assert rss[0] == 11 * 2.0**-120
    intercept[0, 0] = 2.0**-100
    assert as_fractions(run_sweep(kernels, X, y, coef, intercept)[1]) == [
        11 * (Fraction(2) ** -60 - Fraction(2) ** -100)
    ]


@pytest.mark.parametrize("p", [3, 19])
def test_layouts_and_types_do_not_change_a_bit(kernels, p):
    for dtype in ("f8", "f4", "i4", "u1", "?"):
        rng = np.random.default_rng(2)
        X = rng.integers(0, 2 if dtype == "?" else 100, size=(203, p)).astype(dtype)
        y = rng.normal(size=(203, 2))
        coef, intercept = rng.normal(size=(2, 2, p)), rng.normal(size=(2, 2))
        want = run_sweep(kernels, X.astype(np.float64), y, coef, intercept)
        for layout, laid_out in LAYOUTS.items():
            got = run_sweep(kernels, laid_out(X), y, coef, intercept)
            for a, b in zip(got, want, strict=True):
                np.testing.assert_array_equal(a, b, err_msg=f"{dtype}, {layout}")


@pytest.mark.parametrize("n_threads", [2, 3, 5, 8])
def test_threads_do_not_change_a_bit(kernels, n_threads):
    X, y, coef, intercept = draw(5000, 6, 2)
    one = run_sweep(kernels, X, y, coef, intercept, n_threads=1)
    for a, b in zip(
        run_sweep(kernels, X, y, coef, intercept, n_threads=n_threads), one, strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_scales_by_powers_of_two_change_no_bit_after_unscaling(kernels):
    X, y, coef, intercept = draw(300, 4)
    powers = 2.0 ** np.array([3, -40, 17, 0])
    plain = run_sweep(kernels, X, y, coef, intercept)
    scaled = run_sweep(
        kernels, X / powers, y, coef, intercept, scale=np.concatenate([powers, [1.0]])
    )
    for a, b in zip(scaled, plain, strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_limbs_are_one_table(kernels):
    X, y, coef, intercept = draw(100, 3)
    low = X * 2.0**-60
    gradient, _, _ = run_sweep(kernels, [X, low], y, coef, intercept, n_terms=2, scale=np.ones(7))
    exact = [
        [Fraction(float(h)) + Fraction(float(v)) for h, v in zip(a, b, strict=True)]
        for a, b in zip(X, low, strict=True)
    ]
    b = as_fractions(coef[:, 0])
    a = as_fractions(intercept)[0]
    want = [Fraction(0)] * 3
    for i, row in enumerate(exact):
        r = Fraction(float(y[i, 0])) - a - sum(map(Fraction.__mul__, row, b))
        want = [g + x * r for g, x in zip(want, row, strict=True)]
    for got, value in zip(as_fractions(gradient[:, 0]), want, strict=True):
        assert abs(got - value) < 1e4 * 1e4 * 4 * 100 * 1e-29


def test_levels_agree_to_the_last_digit():
    X, y, coef, intercept = draw(1000, 11, 2)
    results = [run_sweep(load_level(level), X, y, coef, intercept) for level in available_levels()]
    for gradient, total, rss in results[1:]:
        np.testing.assert_allclose(gradient[0], results[0][0][0], rtol=1e-13)
        np.testing.assert_allclose(total[0], results[0][1][0], rtol=1e-13)
        np.testing.assert_allclose(rss, results[0][2], rtol=1e-14)


def test_residuals_and_transposed_products_are_those_of_a_sweep(kernels):
    X, y, coef, intercept = draw(150, 300, 2)
    scale = np.ones(302)
    r = kernels.residuals(X, y, scale, 1, coef, intercept, 1, 2)
    gradient, total, rss = run_sweep(kernels, X, y, coef, intercept)
    np.testing.assert_allclose(r[0].sum(), total[0, 1], rtol=1e-9)
    np.testing.assert_allclose(r[0] @ r[0], rss[1], rtol=1e-12)
    product = kernels.transposed_product(X, scale[:300].copy(), r, 2)
    np.testing.assert_allclose(product.sum(axis=0), gradient[:, 1].sum(axis=0), rtol=1e-13)


def test_powers_keep_twice_the_digits(kernels):
    x = np.random.default_rng(0).normal(size=37)
    high, low = kernels.powers(x, 9)
    for k in range(9):
        for i, value in enumerate(x):
            exact = Fraction(float(value)) ** (k + 1)
            got = Fraction(float(high[k, i])) + Fraction(float(low[k, i]))
            assert abs(got - exact) <= abs(exact) * Fraction(1, 2**98)
