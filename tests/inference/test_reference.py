"""Fits, their covariances and influence beside the pages of the reference."""

import numpy as np
import pytest

import fastlr
from fastlr import reference


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_covariances_and_leverages_are_those_of_the_reference(is_weighted, fit_intercept):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 3)) * [1.0, 10.0, 0.1] + [5.0, -3.0, 0.0]
    y = X[:, 0] + rng.normal(size=60) * (1 + X[:, 2] ** 2)
    weight = rng.integers(0, 4, size=60).astype(float) if is_weighted else None
    groups = rng.integers(0, 7, size=60)
    fit = fastlr.ols(X, y, sample_weight=weight, fit_intercept=fit_intercept)
    kinds = {
        **{kind: {} for kind in ("nonrobust", "HC0", "HC1", "HC2", "HC3")},
        "cluster": {"groups": groups},
        "HAC": {"maxlags": 3},
    }
    if is_weighted:
        del kinds["HAC"]  # rows of weight 0 are periods, too
    r = fit.residuals(X, y)
    for kind, options in kinds.items():
        ours = fit.with_covariance(kind, X, y, sample_weight=weight, **options).cov_params()
        want = reference.covariance(X, r, kind, weight, fit_intercept=fit_intercept, **options)
        np.testing.assert_allclose(ours, want, rtol=1e-10, atol=1e-14, err_msg=kind)
    influence = fit.get_influence(X, y, sample_weight=weight)
    h = reference.leverages(X, weight, fit_intercept=fit_intercept)
    np.testing.assert_allclose(influence.hat_matrix_diag, h, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(h.sum(), 3 + fit_intercept, rtol=1e-13)


def test_residuals_without_the_own_row_are_those_of_fits_to_all_others():
    rng = np.random.default_rng(6)
    X, y, weight = rng.normal(size=(12, 2)), rng.normal(size=12), rng.uniform(0.5, 2.0, size=12)
    r = fastlr.ols(X, y, sample_weight=weight).residuals(X, y)
    others = [np.delete(np.arange(12), i) for i in range(12)]
    want = [
        y[i] - fastlr.ols(X[rest], y[rest], sample_weight=weight[rest]).predict(X[i : i + 1])[0]
        for i, rest in enumerate(others)
    ]
    ours = reference.residuals_without_own_row(X, r, weight)
    np.testing.assert_allclose(ours, want, rtol=1e-10)
