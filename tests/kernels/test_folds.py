"""Passes of cross-validation: rows dealt to folds, and errors of rows that all others predict."""

import itertools

import numpy as np
import pytest

from fastlr._kernels.parts import in_parts
from layouts import LAYOUTS


def dealt(kernels, X, y, weights, label, n_folds, *, n_threads=2):
    n, q = len(y), len(X[0]) + y.shape[1]
    n_slots, size, n_parts = kernels.plan_folds(n, q)
    slots = np.zeros((n_folds, n_slots, size))
    shift, ones = np.full(q, 0.5), np.ones(q)
    for part in range(n_parts):
        kernels.accumulate_folds(X, y, weights, shift, ones, label, part, n_threads, slots)
    return kernels.centre_folds(n, q, shift, slots)


@pytest.mark.parametrize("p", [1, 6, 13, 40])
def test_rows_that_are_dealt_make_the_moments_of_their_folds(kernels, p):
    rng = np.random.default_rng(p)
    n, n_folds = 9000, 3
    X, y = rng.normal(size=(n, p)) + 1.0, rng.normal(size=(n, 2))
    label = rng.integers(0, n_folds, size=n).astype(np.int32)
    for weighted, as_laid in itertools.product((False, True), (np.asarray, np.asfortranarray)):
        weights = rng.integers(0, 4, size=n) / 2.0 if weighted else None
        folds = dealt(kernels, as_laid(X), y, weights, label, n_folds)
        for k, (weight, count, sum_log, mean, cross) in enumerate(folds):
            w = np.ones(n) if weights is None else weights
            w = w * (label == k)
            Z = np.hstack([X, y])
            want = w @ Z / w.sum()
            assert (weight, count) == (w.sum(), np.count_nonzero(w))
            assert np.isclose(sum_log, np.log(w[w > 0]).sum(), rtol=1e-12)
            np.testing.assert_allclose(mean.sum(axis=0), want, rtol=1e-13, atol=1e-13)
            product = (Z - want).T @ (w[:, None] * (Z - want))
            np.testing.assert_allclose(cross, product, rtol=1e-11, atol=1e-11 * n)


def test_neither_threads_nor_layout_change_a_bit_of_a_fold(kernels):
    rng = np.random.default_rng(0)
    n, p = 5000, 11
    X, y = rng.integers(-9, 9, size=(n, p)).astype("f4"), rng.normal(size=(n, 1))
    label = rng.integers(0, 4, size=n).astype(np.int32)
    want = dealt(kernels, X, y, None, label, 4, n_threads=1)
    for name, as_laid in LAYOUTS.items():
        n_slots, size, n_parts = kernels.plan_folds(n, p + 1)
        slots = np.zeros((4, n_slots, size))
        for part in range(n_parts):
            kernels.accumulate_folds(
                *(as_laid(X), y, None, np.full(p + 1, 0.5), np.ones(p + 1), label, part, 3, slots)
            )
        found = kernels.centre_folds(n, p + 1, np.full(p + 1, 0.5), slots)
        for fold, one in zip(found, want, strict=True):
            np.testing.assert_array_equal(fold[4], one[4], err_msg=name)


def test_labels_of_no_fold_are_refused(kernels):
    X, y = np.ones((9, 1)), np.ones((9, 1))
    for bad in (-1, 2):
        label = np.zeros(9, dtype=np.int32)
        label[4] = bad
        with pytest.raises(ValueError, match="a label is no fold's"):
            dealt(kernels, X, y, None, label, 2)


def left_out(kernels, X, y, weights, alphas, *, factored=False, n_threads=2, keep=True):
    """Sums (t, n_alphas) and errors (n, t, n_alphas) of the kernel, about zero with a constant beside."""
    n, p = X.shape
    t, m = y.shape[1], len(alphas)
    w = np.ones(n) if weights is None else weights
    mean = np.concatenate([w @ X, w @ y]) / w.sum()
    Z = X - mean[:p]
    values, vectors = np.linalg.eigh(Z.T @ (w[:, None] * Z))
    inverse = 1.0 / (values[:, None] + alphas)
    along = [
        (vectors.T @ (Z.T @ (w * (y[:, k] - mean[p + k]))))[:, None] * inverse for k in range(t)
    ]

    def factors(matrix):
        if not factored:
            return [np.ascontiguousarray(matrix)]
        left, singular, right = np.linalg.svd(matrix, full_matrices=False)
        return [np.ascontiguousarray(left * singular), np.ascontiguousarray(right)]

    errors = np.full((n, t, m), np.nan) if keep else None
    for part, slots in in_parts(kernels.plan_leave_one_out(n, p, t, m)):
        kernels.leave_one_out(
            *(X, y, weights, mean, np.ascontiguousarray(vectors), factors(inverse)),
            *([factors(one) for one in along], 1.0 / w.sum(), m, part, n_threads, slots, errors),
        )
    sums, rest = slots.reshape(len(slots), 2, t, -1)[..., :m].sum(axis=0)
    return np.where(np.isfinite(sums), sums + rest, np.inf), errors


@pytest.mark.parametrize(("n", "p", "t", "m"), [(3, 1, 1, 1), (130, 9, 2, 17), (2100, 17, 1, 8)])
def test_rows_left_out_are_predicted_by_the_others(kernels, n, p, t, m):
    rng = np.random.default_rng(n)
    X, y = rng.normal(size=(n, p)) + 2.0, rng.normal(size=(n, t))
    alphas = np.geomspace(0.1, 1e4, m)
    for weights, factored in itertools.product(
        (None, rng.integers(0, 3, size=n) + 0.0), (False, True)
    ):
        sums, errors = left_out(kernels, X, y, weights, alphas, factored=factored)
        w = np.ones(n) if weights is None else weights
        for i in range(0, n, max(1, n // 5)):
            others = w * (np.arange(n) != i)
            mean, y_mean = others @ X / others.sum(), others @ y / others.sum()
            Z = X - mean
            A, c = Z.T @ (others[:, None] * Z), Z.T @ (others[:, None] * (y - y_mean))
            for k, alpha in enumerate(alphas):
                coef = np.linalg.solve(A + alpha * np.eye(p), c)
                want = y[i] - y_mean - Z[i] @ coef
                np.testing.assert_allclose(errors[i, :, k], want, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(sums, np.einsum("i,itk->tk", w, errors**2), rtol=1e-12)


def test_sums_of_rows_left_out_do_not_depend_on_threads_or_on_what_is_kept(kernels):
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(3000, 5)), rng.normal(size=(3000, 1))
    alphas = np.geomspace(0.1, 10.0, 11)
    one, _ = left_out(kernels, X, y, None, alphas, n_threads=1)
    three, _ = left_out(kernels, X, y, None, alphas, n_threads=3, keep=False)
    np.testing.assert_array_equal(one, three)


def test_a_row_alone_has_an_infinite_error_and_no_other_row_has(kernels):
    rng = np.random.default_rng(6)
    X, y = np.zeros((40, 2)), rng.normal(size=(40, 2))
    X[:, 0], X[7, 1] = rng.normal(size=40), 1.0
    sums, errors = left_out(kernels, X, y, None, np.array([0.0, 1.0]))
    assert np.isinf(errors[7, :, 0]).all()
    assert np.isinf(sums[:, 0]).all()
    assert np.isfinite(np.delete(errors, 7, axis=0)).all()
    assert np.isfinite(sums[:, 1]).all()
