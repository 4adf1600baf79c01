"""Where features and targets are far from zero, or of any size, nothing depends on it that should not."""

import numpy as np
import pandas as pd
import pytest

import fastlr

FAR = 2.0**27  # timestamps of minutes in seconds, about
TOLERANCE = 1e-12
KINDS = ("nonrobust", "HC0", "HC1", "HC2", "HC3", "cluster", "HAC")


def drawn(weight_type):
    """Rows on a grid so coarse that moving them by FAR rounds nothing, and the same rows moved."""
    rng = np.random.default_rng(1)
    X = np.round(rng.normal(size=(40, 2)) * 1024) / 1024
    y = np.round((X.sum(axis=1) + rng.normal(size=40) * (1 + X[:, 0] ** 2)) * 1024) / 1024
    weights = None if weight_type is None else rng.integers(1, 4, size=40).astype(float)
    return X, y, weights


def fitted(X, y, weights, weight_type, kind):
    fit = fastlr.ols(X, y, sample_weight=weights, weight_type=weight_type or "precision")
    options = {"groups": np.arange(40) % 7} if kind == "cluster" else {}
    return fit.with_covariance(kind, X, y, sample_weight=weights, **options)


@pytest.mark.parametrize("weight_type", [None, "precision", "frequency"])
def test_errors_and_intervals_of_predictions_do_not_move_with_the_rows(weight_type):
    X, y, weights = drawn(weight_type)
    for kind in KINDS:
        if kind == "HAC" and weight_type == "frequency":
            continue
        near = fitted(X, y, weights, weight_type, kind)
        far = fitted(X + FAR, y - 3 * FAR, weights, weight_type, kind)
        for name in ("bse_coef", "fvalue", "residual_sd"):
            ours, expected = getattr(far, name), getattr(near, name)
            np.testing.assert_allclose(ours, expected, rtol=TOLERANCE, err_msg=f"{kind} {name}")
        ours, expected = far.get_prediction(X + FAR), near.get_prediction(X)
        for name in ("se_mean", "se_obs"):
            np.testing.assert_allclose(
                getattr(ours, name), getattr(expected, name), rtol=TOLERANCE, err_msg=kind
            )
        restored = fastlr.LinearFit.from_dict(far.to_dict()).get_prediction(X + FAR)
        np.testing.assert_array_equal(restored.se_mean, ours.se_mean)
        at = X[3] + FAR
        there = far.t_test([[1.0, *at]])  # a prediction, as a restriction
        np.testing.assert_allclose(there.sd, ours.se_mean[[3]], rtol=1e-8, err_msg=kind)


def test_influence_does_not_move_with_the_rows():
    for weight_type in (None, "precision", "frequency"):
        X, y, weights = drawn(weight_type)
        near = fitted(X, y, weights, weight_type, "nonrobust")
        far = fitted(X + FAR, y - 3 * FAR, weights, weight_type, "nonrobust")
        ours = far.get_influence(X + FAR, y - 3 * FAR, sample_weight=weights)
        expected = near.get_influence(X, y, sample_weight=weights)
        for name in ("resid", "hat_matrix_diag", "resid_press", "resid_studentized_external"):
            np.testing.assert_allclose(
                getattr(ours, name), getattr(expected, name), rtol=1e-11, atol=1e-13, err_msg=name
            )
        slopes = slice(1, None)
        np.testing.assert_allclose(
            ours.dfbetas[:, slopes], expected.dfbetas[:, slopes], rtol=1e-10, atol=1e-13
        )


def test_adjusted_means_do_not_move_with_a_covariate():
    X, y, _ = drawn(None)
    near = pd.DataFrame({"group": list("abcd") * 10, "time": X[:, 0], "y": y})
    far = near.assign(time=near["time"] + FAR, y=near["y"] + FAR)
    for kind in ("nonrobust", "HC3"):
        found = [
            fastlr.ols("y ~ group + time", data=table, cov_type=kind).contrasts("group")
            for table in (near, far)
        ]
        np.testing.assert_allclose(found[1].se_means, found[0].se_means, rtol=1e-8, err_msg=kind)
        np.testing.assert_allclose(found[1].sd, found[0].sd, rtol=TOLERANCE, err_msg=kind)
        np.testing.assert_allclose(found[1].means - FAR, found[0].means, atol=1e-6)


def test_an_intercept_is_tested_by_its_own_error_however_far_the_rows():
    X, y, _ = drawn(None)
    for moved in (X, X + FAR):
        for kind in ("nonrobust", "HC1"):
            fit = fitted(moved, y, None, None, kind)
            test = fit.t_test("(intercept) = 0")
            np.testing.assert_array_equal(test.effect, fit.params[:1])
            np.testing.assert_allclose(test.sd, fit.std_errors[:1], rtol=1e-12)


def test_units_of_any_size_change_no_statistic():
    X, y, _ = drawn(None)
    for of_X, of_y in ((1, 2.0**480), (2.0**480, 1), (2.0**-480, 2.0**-480), (2.0**-400, 2.0**450)):
        for kind in KINDS:
            near = fitted(X, y, None, None, kind)
            moved = fitted(X * of_X, y * of_y, None, None, kind)
            for name in ("tvalues", "pvalues"):
                ours, expected = getattr(moved, name), getattr(near, name)
                np.testing.assert_allclose(ours, expected, rtol=1e-12, err_msg=f"{kind} {name}")
