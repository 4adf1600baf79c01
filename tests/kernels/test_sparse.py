"""Kernels of sparse rows: against the same rows with their zeros."""

import numpy as np
import pytest
import scipy.sparse as sp


def parts_of(matrix, dtype=np.int32):
    return matrix.indptr.astype(dtype), matrix.indices.astype(dtype), matrix.data


def rows_of(n, p, density=0.1):
    rng = np.random.default_rng(0)
    X = sp.random_array((n, p), density=density, rng=rng, format="csr")
    X.data = rng.normal(size=len(X.data))
    return X, rng


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_sums_are_those_of_the_filled_rows_however_they_are_cut(kernels, dtype):
    for n, p, d in ((12, 3, 1), (700, 17, 2), (5000, 40, 9)):
        X, rng = rows_of(n, p)
        dense = rng.normal(size=(n, d)) + 5.0
        weight = rng.uniform(0.5, 2.0, size=n)
        parts, shift = parts_of(X, dtype), np.full(d, 5.0)
        is_sound, is_canonical, n_products, counts = kernels.survey_sparse(parts, n, p)
        assert is_sound
        assert is_canonical
        assert counts.tolist() == np.bincount(X.indices, minlength=p).tolist()
        in_rows = np.diff(X.indptr)
        assert n_products == (in_rows * (in_rows + 1) / 2).sum()
        found = []
        for cut, threads in ((0, 1), (n // 3, 1), (n // 3, 3)):
            sums = np.zeros(kernels.sparse_sums_size(p, d))
            for first, last in ((0, cut), (cut, n)):
                kernels.accumulate_sparse(
                    parts, p, [dense], weight, shift, counts, first, last, threads, sums
                )
            found.append(kernels.centre_sparse(p, d, shift, sums))
        Z = np.hstack([X.toarray(), dense])
        mean = np.average(Z, axis=0, weights=weight)
        cross = ((Z - mean) * weight[:, np.newaxis]).T @ (Z - mean)
        size = np.sqrt(np.outer(cross.diagonal(), cross.diagonal())) + 1e-300
        for total, n_positive, sum_log, means, products in found:
            assert total == pytest.approx(weight.sum(), rel=1e-15)
            assert n_positive == n
            assert sum_log == pytest.approx(np.log(weight).sum(), rel=1e-13, abs=1e-12)
            np.testing.assert_allclose(means.sum(axis=0), mean, rtol=1e-13, atol=1e-15)
            assert np.all(np.abs(products - cross) <= 1e-12 * size + 1e-25)
        np.testing.assert_array_equal(found[1][4], found[2][4])


def test_long_sums_are_folded(kernels):
    """Ones and their negatives beside a large number: what plain sums would drop is still there."""
    n, p = 40_000, 2
    values = np.ones((n, p))
    values[0, 1] = 2.0**53
    X = sp.csr_array(values)
    counts = kernels.survey_sparse(parts_of(X), n, p)[3]
    sums = np.zeros(kernels.sparse_sums_size(p, 1))
    kernels.accumulate_sparse(
        parts_of(X), p, [np.zeros(n)], None, np.zeros(1), counts, 0, n, 2, sums
    )
    mean = kernels.centre_sparse(p, 1, np.zeros(1), sums)[3]
    assert abs((mean[0, 1] - 2.0**53 / n) + mean[1, 1] - (n - 1) / n) <= 1025 / n


def test_damage_and_disorder_are_told(kernels):
    X, _ = rows_of(50, 6, 0.5)
    start, columns, values = parts_of(X)
    row = int(np.flatnonzero(np.diff(start) > 1)[0])
    swapped = columns.copy()
    swapped[start[row] : start[row] + 2] = swapped[start[row] : start[row] + 2][::-1]
    assert kernels.survey_sparse((start, swapped, values), 50, 6)[:2] == (True, False)
    for wrong in (-1, 6):
        damaged = columns.copy()
        damaged[3] = wrong
        assert not kernels.survey_sparse((start, damaged, values), 50, 6)[0]
    crossing = start.copy()
    crossing[10] = crossing[12] + 1
    assert not kernels.survey_sparse((crossing, columns, values), 50, 6)[0]
    with pytest.raises(ValueError, match="do not fit together"):
        kernels.survey_sparse((start, columns[:-1], values), 50, 6)
    with pytest.raises(ValueError, match="contiguous float64"):
        kernels.survey_sparse((start, columns, values.astype(np.float32)), 50, 6)


def test_predictions_are_those_of_the_filled_rows(kernels):
    X, rng = rows_of(3000, 30)
    coef, intercept = rng.normal(size=(2, 30)), rng.normal(size=2)
    out = np.zeros((3000, 2))
    for first, last in ((0, 1000), (1000, 3000)):
        kernels.predict_sparse(parts_of(X), 3000, 30, first, last, coef, intercept, 2, out)
    np.testing.assert_allclose(out, X @ coef.T + intercept, rtol=1e-13, atol=1e-13)
