"""Cross-products in another basis, and shifted Cholesky QR."""

import functools

import numpy as np
import pytest

from fastlr import reference


def moments_in_basis(kernels, X, y, basis, weight=None, *, n_threads=2):
    n, q = len(X), X.shape[1] + y.shape[1]
    n_slots, slot_size, n_parts = kernels.plan_pass(n, q)
    shift, scale = np.zeros(q), np.ones(q)
    slots = np.zeros((n_slots, slot_size))
    for part in range(n_parts):
        kernels.accumulate(X, y, weight, shift, scale, part, n_threads, slots, basis)
    weight, _, _, mean, cross = kernels.centre(n, q, shift, scale, slots)
    return weight, mean, cross


def orthogonalised(kernels, X, y, fit_intercept=True):
    """(K, R, coef, number of passes)."""
    moments = reference.centred_moments(X, y)
    mean = np.vstack([moments.mean, np.zeros_like(moments.mean)])
    p = X.shape[1]
    system = (p, moments.total_weight, mean, moments.cross_products, fit_intercept)
    scale = kernels.solve_normal_equations(*system, None)[0][3]
    K, R, coef, done = kernels.first_basis(*system)
    frame = X * scale[:p]
    targets = y * scale[p:]
    if fit_intercept:
        frame = frame - frame.mean(axis=0)
        targets = targets - targets.mean(axis=0)
    n_passes, done = 0, False
    while not done:
        n_passes += 1
        weight, mean, cross = moments_in_basis(kernels, frame, targets, K)
        K, R, coef, done = kernels.next_basis(K, R, weight, mean, cross, fit_intercept)
    return frame, targets, K, R, coef, n_passes


@pytest.mark.parametrize(("n", "p"), [(1, 1), (40, 5), (130, 8), (500, 23), (300, 70)])
def test_products_in_a_basis_are_those_of_the_product(kernels, n, p):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, p)) + 2, rng.normal(size=(n, 2))
    basis = np.triu(rng.normal(size=(p, p)))
    weight = rng.uniform(size=n)
    want = reference.centred_moments(X @ basis, y, weight)
    size = np.abs(want.cross_products).max() + 1
    for n_threads in (1, 3):
        close = functools.partial(np.testing.assert_allclose, err_msg=f"{n_threads=}")
        total, mean, cross = moments_in_basis(kernels, X, y, basis, weight, n_threads=n_threads)
        close(cross, want.cross_products, atol=1e-12 * size * p)
        close(mean[0], want.mean, rtol=1e-11, atol=1e-11 * p)
        assert total == pytest.approx(want.total_weight), n_threads


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("decimals", [2, 7, 11])
def test_shifted_cholesky_qr_makes_columns_orthonormal(kernels, decimals, fit_intercept):
    rng = np.random.default_rng(decimals)
    Q = np.linalg.qr(rng.normal(size=(200, 6)))[0]
    V = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    X = (Q * np.geomspace(1, 10.0**-decimals, 6)) @ V.T
    y = rng.normal(size=(200, 1))
    frame, targets, K, R, coef, n_passes = orthogonalised(kernels, X, y, fit_intercept)
    # Orthonormal up to rounding times the condition number of the columns.
    W = frame @ K
    assert np.abs(W.T @ W - np.eye(6)).max() < 1e-13 * 10**decimals
    np.testing.assert_allclose(K @ R, np.eye(6), atol=1e-14 * 10**decimals)
    assert n_passes <= 2
    size = np.linalg.norm(frame @ np.linalg.lstsq(frame, targets, rcond=1e-15)[0])
    assert np.linalg.norm(frame @ coef.T) == pytest.approx(size, rel=1e-13 * 10**decimals)


@pytest.mark.parametrize("fill", [np.nan, np.inf, 0.0])
def test_products_that_have_no_factor_end_in_one(kernels, fill):
    """Whatever comes in, the search for a shift ends."""
    K = R = np.eye(3)
    cross = np.full((4, 4), fill)
    basis, _, _, is_orthonormal = kernels.next_basis(K, R, 5.0, np.zeros((2, 4)), cross, True)
    assert basis.shape == (3, 3)
    assert not is_orthonormal


def test_condition_numbers_are_those_of_columns_of_unit_length(kernels):
    rng = np.random.default_rng(0)
    for p in (1, 2, 5, 40, 130):
        for decimals in (0, 3, 9):
            Q, V = (np.linalg.qr(rng.normal(size=(p, p)))[0] for _ in range(2))
            A = (Q * np.geomspace(1, 10.0**-decimals, p)) @ V.T * rng.uniform(0.1, 10, size=p)
            R = np.linalg.qr(A)[1]
            want = np.linalg.cond(R / np.linalg.norm(R, axis=0))
            got = kernels.condition_number(R, np.linalg.inv(R))
            assert got == pytest.approx(want, rel=0.005)


def test_columns_of_zeros_do_not_count_in_condition_numbers(kernels):
    R, K = np.diag([2.0, 0.0, 3.0]), np.diag([0.5, 0.0, 1 / 3])
    R[0, 2], K[0, 2] = 1.0, -1 / 6
    smaller = np.delete(np.delete(R, 1, 0), 1, 1)
    want = np.linalg.cond(smaller / np.linalg.norm(smaller, axis=0))
    assert kernels.condition_number(R, K) == pytest.approx(want, rel=1e-6)
