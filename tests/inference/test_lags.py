"""Lags that the scores choose are those of R's sandwich."""

import numpy as np
import pytest
from statsmodels.datasets import macrodata

import fastlr
from fastlr.inference.lags import usual_lags

# sandwich's NeweyWest(fm, lag = 4, prewhite = FALSE), as statsmodels' tests have it
FOUR_LAGS = [
    [1.3855512908840137, -0.313309610252268500, -0.059720797683570477],
    [-0.3133096102522685, 0.108101169035130618, 0.000389440793564339],
    [-0.0597207976835705, 0.000389440793564336, 0.086211852740503622],
]


def investment():
    """Growth of GDP and last quarter's interest, and growth of investment."""
    table = macrodata.load_pandas().data
    growth = 400.0 * np.diff(np.log(table[["realgdp", "realinv"]].to_numpy()), axis=0)
    return np.column_stack([growth[:, 0], table["realint"].to_numpy()[:-1]]), growth[:, 1]


def bandwidth_of_r(scores):
    """What R's bwNeweyWest(prewhite = 0) computes for Bartlett's kernel; the first column is the intercept's."""
    n = len(scores)
    m = int(4 * (n / 100) ** (2 / 9))
    h = scores[:, 1:].sum(axis=1)
    sigma = [sum(h[: n - j] * h[j:]) / n for j in range(m + 1)]
    s0 = sigma[0] + 2 * sum(sigma[1:])
    s1 = 2 * sum(j * sigma[j] for j in range(1, m + 1))
    return 1.1447 * ((s1 / s0) ** 2) ** (1 / 3) * n ** (1 / 3)


def test_lags_and_covariances_are_those_of_r():
    X, y = investment()
    fit = fastlr.ols(X, y)
    four = fit.with_covariance("HAC", X, y, maxlags=4)
    np.testing.assert_allclose(four.cov_params(), FOUR_LAGS, rtol=1e-9)
    scores = np.column_stack([np.ones(len(X)), X]) * fit.residuals(X, y)[:, np.newaxis]
    automatic = fit.with_covariance("HAC", X, y, maxlags="auto")
    chosen = automatic.cov_kwds["maxlags"]
    assert chosen == int(bandwidth_of_r(scores))
    by_hand = fit.with_covariance("HAC", X, y, maxlags=chosen)
    np.testing.assert_array_equal(automatic.cov_params(), by_hand.cov_params())


@pytest.mark.parametrize("persistence", [0.0, 0.5, 0.95])
def test_lags_follow_the_series_and_each_target_has_its_own(persistence, tmp_path):
    rng = np.random.default_rng(3)
    n = 400
    noise, x = rng.normal(size=(2, n))
    errors = np.zeros(n)
    for t in range(1, n):
        errors[t] = persistence * errors[t - 1] + noise[t]
        x[t] += persistence * x[t - 1]
    y = np.column_stack([x + errors, x + noise])
    fit = fastlr.ols(x[:, None], y, cov_type="HAC", cov_kwds={"maxlags": "auto"})
    lags = np.broadcast_to(fit.cov_kwds["maxlags"], 2)
    for k in range(2):
        scores = np.column_stack([np.ones(n), x]) * fit.residuals(x[:, None], y)[:, k, None]
        assert lags[k] == int(bandwidth_of_r(scores))
    assert "correlation over" in fit.summary()
    path = tmp_path / "fit.json"
    fit.save(path)
    assert fastlr.load(path).cov_kwds == fit.cov_kwds


def test_series_that_say_nothing_have_lags_all_the_same():
    x = np.arange(5.0)
    for y in (x, 2.0 * x + 1.0, np.array([1.0, -1.0, 1.0, -1.0, 1.0])):
        fit = fastlr.ols(x[:, None], y, cov_type="HAC", cov_kwds={"maxlags": "auto"})
        assert 0 <= fit.cov_kwds["maxlags"] < 5
    assert [usual_lags(n) for n in (100, 202, 1000)] == [4, 4, 6]
