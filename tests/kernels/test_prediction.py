"""Predictions: against the reference, wherever the rows lie."""

import numpy as np
import pytest

from fastlr import reference
from layouts import LAYOUTS


@pytest.mark.parametrize("n_targets", [1, 3])
def test_prediction_matches_the_reference(kernels, n_targets):
    for dtype in ("f8", "f4", "i4", "?"):
        rng = np.random.default_rng(0)
        X = (rng.normal(size=(5003, 7)) * 4).astype(dtype)
        coef, intercept = rng.normal(size=(n_targets, 7)), rng.normal(size=n_targets)
        want = reference.predict(X.astype(float), coef, intercept)
        for layout, laid_out in LAYOUTS.items():
            out = np.full((5003, n_targets), np.nan)
            kernels.predict(laid_out(X), 0, 5003, coef, intercept, 2, out)
            np.testing.assert_allclose(
                out, want, rtol=1e-12, atol=1e-12, err_msg=f"{dtype}, {layout}"
            )


def test_only_the_rows_asked_for_are_written(kernels):
    X, out = np.ones((20, 2)), np.full((20, 1), -1.0)
    kernels.predict(X, 5, 9, np.array([[1.0, 2.0]]), np.zeros(1), 1, out)
    np.testing.assert_array_equal(out[:, 0], [-1] * 5 + [3] * 4 + [-1] * 11)


def test_float32_output_is_the_rounded_float64_one(kernels):
    X = np.random.default_rng(1).normal(size=(999, 3)).astype(np.float32)
    coef, intercept = np.array([[1.0, 1e-9, -3.0]]), np.array([0.25])
    wide, narrow = np.empty((999, 1)), np.empty((999, 1), dtype=np.float32)
    kernels.predict(X, 0, 999, coef, intercept, 1, wide)
    kernels.predict(X, 0, 999, coef, intercept, 1, narrow)
    np.testing.assert_array_equal(narrow, wide.astype(np.float32))


@pytest.mark.parametrize("n_features", [1, 2, 7, 8, 19])
def test_a_prediction_depends_neither_on_layout_nor_on_place(kernels, n_features):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(613, n_features)).astype(np.float32).astype(float)
    coef, intercept = rng.normal(size=(2, n_features)), rng.normal(size=2)

    def predicted(rows):
        out = np.empty((len(X), 2))
        kernels.predict(rows, 0, len(X), coef, intercept, 2, out)
        return out

    want = predicted(X)
    for layout in LAYOUTS.values():
        np.testing.assert_array_equal(predicted(layout(X)), want)
        np.testing.assert_array_equal(predicted(layout(X.astype(np.float32))), want)
    out = np.empty((5, 2))
    kernels.predict(X[300:305], 0, 5, coef, intercept, 1, out)
    np.testing.assert_array_equal(out, want[300:305])
