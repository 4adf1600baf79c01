"""Few rows, dependent columns, constant targets and zero weights: numbers, or NaN with a sentence, and no warnings."""

import itertools
import pickle
import warnings

import numpy as np
import pytest

import fastlr

COVARIANCES = (None, "HC3", "cluster")


def odd_fits(seed):
    """Fits of up to eight rows of -1, 0 and 1 in up to four columns, with weights of 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(1, 9)), int(rng.integers(1, 5))
    X = rng.integers(-1, 2, size=(n, p)).astype(float)
    y = rng.normal(size=n) if seed % 4 else np.ones(n)
    w = rng.integers(0, 3, size=n).astype(float)
    w[0] = 1.0
    kinds = (None, "precision", "frequency", "probability")
    for kind, has_intercept, cov_type in itertools.product(kinds, (True, False), COVARIANCES):
        weights = None if kind is None else w
        groups = np.arange(n) % 3
        if cov_type == "cluster" and len(set(groups[w > 0] if kind else groups)) < 2:
            continue
        fit = fastlr.ols(
            X,
            y,
            sample_weight=weights,
            weight_type=kind or "precision",
            fit_intercept=has_intercept,
            cov_type=cov_type,
            cov_kwds={"groups": groups} if cov_type == "cluster" else None,
            rank="min_norm",
        )
        yield X, y, weights, fit


def test_what_cannot_be_stated_is_nan_with_a_sentence_and_never_a_warning():
    for seed in range(3):
        for X, y, weights, fit in odd_fits(seed):
            named = (seed, fit.weight_type, fit.fit_intercept, fit.cov_type)
            unknown = np.isnan(np.asarray(fit.std_errors))
            if unknown.any():
                assert fit.inference_status.code not in ("ok", "not_kept"), named
            assert np.isnan(np.asarray(fit.pvalues)[unknown]).all(), named
            assert np.isnan(np.asarray(fit.conf_int())[unknown]).all(), named
            if fit.df_resid <= 0:
                for name in ("fvalue", "f_pvalue", "llf", "aic", "bic", "rsquared_adj", "scale"):
                    assert np.isnan(getattr(fit, name)), (named, name)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                fit.get_prediction(X).summary_frame()
                fit.augment(X, y, sample_weight=weights)
                fit.glance()
                str(fit.t_test(np.eye(fit.n_params)[:1]))
                assert "nan" not in str(fit.summary()).lower(), named
                assert "nan" not in str(fastlr.compare(fit)).lower(), named


@pytest.mark.parametrize("size", [1e-155, 1e-150, 1e150])
def test_fits_of_very_small_and_large_targets_are_kept_and_summed_up(size):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2))
    fit = fastlr.ols(X, (X.sum(axis=1) + rng.normal(size=50)) * size)
    kept = pickle.loads(pickle.dumps(fit))
    assert str(kept.summary()) == str(fit.summary())
