"""Loss and gradient over all rows, in one pass: against the reference, wherever the rows lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastlr import reference
from fastlr._kernels import available_levels, load_level
from layouts import LAYOUTS


def sums(kernels, X, y, weight, theta, n_threads=2):
    n, p = len(y), len(theta) - 1
    n_slots, slot_size, n_parts = kernels.plan_loss(n, p)
    slots = np.zeros((n_slots, slot_size))
    for part in range(n_parts):
        kernels.accumulate_loss(X, y, weight, theta, part, n_threads, slots)
    return kernels.add_loss_slots(n, p, slots)


def expected(X, y, weight, theta):
    coef, intercept = theta[:-1], theta[-1]
    squares = reference.loss(X, y, coef, intercept, kind="sse", sample_weight=weight)
    slope = reference.gradient(X, y, coef, intercept, kind="sse", sample_weight=weight)
    return squares, np.append(slope.coef, slope.intercept) / 2


@pytest.mark.parametrize("n_features", [1, 7, 8, 20, 45])
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_and_gradient_match_the_reference(kernels, n_features, weighted):
    for dtype in ("f8", "f4", "i2", "?"):
        rng = np.random.default_rng(n_features)
        X = (4 * rng.normal(size=(1037, n_features))).astype(dtype)
        y, theta = rng.normal(size=1037), rng.normal(size=n_features + 1)
        weight = rng.uniform(0, 2, size=1037) if weighted else None
        of_reference, slope = expected(X.astype(float), y, weight, theta)
        size = np.abs(slope).max()
        for layout, laid_out in LAYOUTS.items():
            case = f"{dtype}, {layout}"
            squares, gradient = sums(kernels, laid_out(X), y, weight, theta)
            assert abs(squares - of_reference) <= 1e-12 * of_reference, case
            assert (np.abs(gradient - slope) <= 1e-10 * size + 1e-11 * np.abs(slope)).all(), case


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 700),
    p=st.integers(1, 70),
    order=st.sampled_from("CF"),
    dtype=st.sampled_from(["f8", "f4", "i8", "u1"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_shape_matches_the_reference(n, p, order, dtype, seed):
    rng = np.random.default_rng(seed)
    X = np.asarray((5 * rng.uniform(0, 10, size=(n, p))).astype(dtype), order=order)
    y, theta = rng.normal(size=n), rng.normal(size=p + 1)
    of_reference, slope = expected(X.astype(float), y, None, theta)
    for level in available_levels():
        squares, gradient = sums(load_level(level), X, y, None, theta)
        np.testing.assert_allclose(squares, of_reference, rtol=1e-11)
        np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-9 * np.abs(slope).max())


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("n", "p"), [(100_003, 5), (20_000, 40), (3000, 300)])
def test_threads_do_not_change_the_answer(kernels, n, p, order):
    rng = np.random.default_rng(0)
    X = np.asarray(rng.normal(size=(n, p)), order=order)
    y, theta = rng.normal(size=n), rng.normal(size=p + 1)
    squares, gradient = sums(kernels, X, y, None, theta, 1)
    for n_threads in (2, 3, 8):
        again = sums(kernels, X, y, None, theta, n_threads)
        assert again[0] == squares
        np.testing.assert_array_equal(again[1], gradient)


def test_columns_in_separate_buffers_give_the_bits_of_fortran_order(kernels):
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.normal(size=(5000, 6)))
    y, theta = rng.normal(size=5000), rng.normal(size=7)
    n_slots, slot_size, _ = kernels.plan_loss(5000, 6)
    slots = np.zeros((2, n_slots, slot_size))
    kernels.accumulate_loss(X, y, None, theta, 0, 2, slots[0])
    kernels.accumulate_loss([X[:, j].copy() for j in range(6)], y, None, theta, 0, 2, slots[1])
    np.testing.assert_array_equal(slots[0], slots[1])


@pytest.mark.parametrize("weighted", [False, True])
def test_largest_row_norm(kernels, weighted):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 11))
    weight = (rng.uniform(size=1500) < 0.5).astype(float) if weighted else None
    rows = X if weight is None else X[weight > 0]
    y = np.zeros(1500)
    assert kernels.largest_row_norm(X, y, weight, None, 0, 1500, 2) == pytest.approx(
        (rows**2).sum(axis=1).max(), rel=1e-13
    )
    standard = np.zeros((2, 16))
    standard[0, :11], standard[1, :11] = X.mean(axis=0), 1 / X.std(axis=0)
    z = (rows - X.mean(axis=0)) / X.std(axis=0)
    assert kernels.largest_row_norm(X, y, weight, standard, 0, 1500, 2) == pytest.approx(
        (z**2).sum(axis=1).max(), rel=1e-12
    )


@pytest.mark.parametrize("n_features", [1, 3, 8, 20, 45])
def test_sums_depend_neither_on_layout_nor_on_threads(kernels, n_features):
    for n, dtype in ((5, "f8"), (8, "f4"), (1037, "f8"), (1037, "f4"), (70_001, "f8")):
        rng = np.random.default_rng(n)
        X, y = rng.normal(size=(n, n_features)).astype(dtype), rng.normal(size=n)
        theta, weight = rng.normal(size=n_features + 1), rng.uniform(0, 2, size=n)
        squares, gradient = sums(kernels, X, y, weight, theta, n_threads=1)
        for layout, several in {
            "c_order": [2],
            "f_order": [1, 2],
            "every_other_row": [2],
            "within_nans": [1],
        }.items():
            laid_out = LAYOUTS[layout](X)
            for n_threads in several:
                case = f"{n} rows, {dtype}, {layout}, {n_threads} threads"
                found = sums(kernels, laid_out, y, weight, theta, n_threads)
                assert found[0] == squares, case
                np.testing.assert_array_equal(found[1], gradient, err_msg=case)
