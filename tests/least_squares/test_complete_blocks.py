"""One-hot rows with all levels: the smallest coefficients, found without asking what depends on what."""

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import OneHotEncoder

import fastlr
from fastlr.least_squares.complete_blocks import complete_blocks

FIELDS = ("coef", "intercept", "rss", "tss", "bse_coef", "bse_intercept", "residual_sd")


def coded(n, *sizes, seed=0):
    rng = np.random.default_rng(seed)
    levels = np.column_stack([rng.integers(0, size, size=n) for size in sizes])
    return OneHotEncoder().fit_transform(levels), levels, rng


def blocks_of(matrix):
    from fastlr.input.arguments import as_features

    return complete_blocks(as_features(matrix))


def test_the_smallest_coefficients_are_those_of_the_filled_rows(level):
    X, levels, rng = coded(400, 5, 12, 3)
    number = sp.csr_array(rng.normal(size=(400, 1)))
    y = np.sin(levels).sum(axis=1) + rng.normal(size=400)
    weights = rng.uniform(0.5, 2.0, size=400)
    for rows in (X, sp.hstack([number, X]).tocsr(), sp.hstack([X, number]).tocsr()):
        assert len(blocks_of(rows)) == 3
        for w in (None, weights):
            for target in (y, np.column_stack([y, y**2])):
                fit = fastlr.ols(rows, target, sample_weight=w)
                expected = fastlr.ols(rows.toarray(), target, sample_weight=w)
                assert (fit.rank, fit.solver) == (expected.rank, "minimum_norm")
                assert fit.status == expected.status
                for name in FIELDS:
                    found, wanted = getattr(fit, name), getattr(expected, name)
                    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-12, err_msg=name)


def test_blocks_are_told_from_what_looks_like_them():
    X, levels, rng = coded(60, 4, 3)
    assert blocks_of(X) == [range(4), range(4, 7)]
    twos = X.copy()
    twos.data[5] = 2.0
    assert len(blocks_of(twos)) == 1
    assert blocks_of(OneHotEncoder(drop="first").fit_transform(levels)) == []
    same = sp.csr_array(np.repeat([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]], 30, axis=0))
    assert blocks_of(same) == []  # as many ones as rows, but two in half of them
    numbers = sp.csr_array(rng.normal(size=(60, 3)))
    assert blocks_of(numbers) == []


def test_other_dependences_are_still_found():
    X, levels, rng = coded(80, 4, 3)
    twice = sp.hstack([X, X[:, [1]]]).tocsr()
    y = levels[:, 0] + rng.normal(size=80)
    fit, expected = fastlr.ols(twice, y), fastlr.ols(twice.toarray(), y)
    np.testing.assert_allclose(fit.coef, expected.coef, rtol=1e-10, atol=1e-12)
    assert fit.rank == expected.rank == 5
