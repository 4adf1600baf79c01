"""Products of rows: against dense matrices, for every layout."""

import itertools

import numpy as np
import pytest

from layouts import LAYOUTS


def row_products(kernels, X, n, p, root=None, *, fit_intercept=True, n_threads=2):
    padded = -(-n // 8) * 8
    H, mean, variance = np.zeros((padded, padded)), np.zeros(p), np.zeros(p)
    if root is not None:
        root = np.concatenate([root, np.zeros(padded - n)])
    half = p // 2
    for first, last in ((0, half), (half, p)):
        kernels.dual_products(
            X, np.ones(p), root, fit_intercept, first, last, n_threads, mean, variance, H
        )
    return np.tril(H[:n, :n]), mean, variance


@pytest.mark.parametrize(("n", "p"), [(1, 5), (6, 40), (17, 300), (70, 1000)])
def test_row_products_are_those_of_centred_columns(kernels, n, p):
    for fit_intercept, weighted in itertools.product((True, False), (False, True)):
        case = f"{fit_intercept=}, {weighted=}"
        rng = np.random.default_rng(0)
        X = rng.normal(size=(n, p)) + 3
        weight = rng.uniform(0.5, 2, size=n) if weighted else np.ones(n)
        root = np.sqrt(weight) if weighted else None
        mean = np.average(X, axis=0, weights=weight) * fit_intercept
        Z = np.sqrt(weight)[:, np.newaxis] * (X - mean)
        variance = (Z**2).sum(axis=0) / weight.sum()
        got = row_products(kernels, X, n, p, root, fit_intercept=fit_intercept)
        np.testing.assert_allclose(got[0], np.tril(Z @ Z.T), rtol=1e-12, atol=1e-11, err_msg=case)
        np.testing.assert_allclose(got[1], mean, rtol=1e-13, atol=1e-15, err_msg=case)
        np.testing.assert_allclose(got[2], variance, rtol=1e-11, atol=1e-13, err_msg=case)


def test_layouts_and_threads_do_not_change_a_bit(kernels):
    X = np.random.default_rng(1).normal(size=(19, 150))
    want = row_products(kernels, X, 19, 150, n_threads=1)
    for layout, laid_out in LAYOUTS.items():
        for got, expected in zip(row_products(kernels, laid_out(X), 19, 150), want, strict=True):
            np.testing.assert_array_equal(got, expected, err_msg=layout)


def test_the_factor_is_a_root_of_the_inverse(kernels):
    Z = np.random.default_rng(3).normal(size=(11, 40))
    H = np.zeros((16, 16))
    H[:11, :11] = Z @ Z.T
    condition, root = kernels.factor_dual(H, 11)
    np.testing.assert_allclose(root @ root.T, np.linalg.inv(Z @ Z.T), rtol=1e-10, atol=1e-13)
    assert np.linalg.cond(Z) / 3 < condition < 6 * np.linalg.cond(Z)


def test_no_root_of_a_matrix_that_is_not_positive(kernels):
    condition, root = kernels.factor_dual(np.zeros((8, 8)), 5)
    assert np.isinf(condition)
    assert root.shape == (5, 0)
