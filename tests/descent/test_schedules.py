"""How the learning rate falls."""

import numpy as np
import pytest

import fastlr
from fastlr.descent.schedules import (
    Adaptive,
    Constant,
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    StepDecay,
)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2))
    return X, X @ [1.0, -2.0] + 3.0 + rng.normal(size=200)


SCHEDULES = {
    Constant(0.1): lambda e, t: 0.1,
    InverseScaling(0.1, power_t=0.5): lambda e, t: 0.1 / t**0.5,
    InverseScaling(0.1, power_t=0.6): lambda e, t: 0.1 / t**0.6,
    StepDecay(0.1, rate=0.5, every=3): lambda e, t: 0.1 * 0.5 ** (e // 3),
    ExponentialDecay(0.1, decay_rate=0.9, decay_epochs=2): lambda e, t: 0.1 * 0.9 ** (e / 2),
    CosineDecay(0.1, decay_epochs=8, alpha=0.1): lambda e, t: (
        0.1 * (0.1 + 0.9 * (1 + np.cos(np.pi * min(1, e / 8))) / 2)
    ),
}


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: repr(schedule))
@pytest.mark.parametrize("batch_size", [None, 20])
def test_schedules_follow_their_formulas(rows, schedule, batch_size):
    X, y = rows
    fit = fastlr.descend(
        X, y, learning_rate=schedule, epochs=12, batch_size=batch_size, tol=None, random_state=0
    )
    steps = 1 if batch_size is None else 10
    expected = [SCHEDULES[schedule](e, 1 + e * steps) for e in range(12)]
    np.testing.assert_allclose(fit.history.learning_rate, expected, rtol=1e-14)


def test_an_adaptive_rate_falls_when_the_loss_does_not(rows):
    X, y = rows
    fit = fastlr.descend(
        X,
        y,
        learning_rate=Adaptive(0.5),
        batch_size=5,
        tol=1e-3,
        patience=3,
        random_state=0,
        epochs=2000,
    )
    rates = np.unique(fit.history.learning_rate)
    assert fit.status.code == "converged"
    assert rates.min() <= 1e-6
    np.testing.assert_allclose(rates[1:] / rates[:-1], 5.0)
    with pytest.warns(fastlr.ConvergenceWarning, match="Settled in the noise"):
        constant = fastlr.descend(
            X, y, learning_rate=0.5, batch_size=5, tol=1e-3, patience=3, random_state=0
        )
    assert fit.gap < constant.gap


@pytest.mark.parametrize("batch_size", [None, 10])
def test_an_adaptive_rate_falls_when_the_validation_loss_does_not(rows, batch_size):
    X, y = rows
    fit = fastlr.descend(
        X,
        y,
        learning_rate=Adaptive(0.3),
        validation=0.2,
        tol=1e-3,
        batch_size=batch_size,
        random_state=0,
    )
    assert fit.status.code == "early_stopped"
    assert fit.history.learning_rate[-1] <= 1e-6


@pytest.mark.parametrize("batch_size", [None, 10])
@pytest.mark.parametrize(
    "schedule", [CosineDecay(0.01, decay_epochs=20), ExponentialDecay(0.01, decay_rate=0.5)]
)
def test_a_rate_that_vanished_is_no_convergence(rows, schedule, batch_size):
    X, y = rows
    with pytest.warns(fastlr.ConvergenceWarning, match="Stalled"):
        fit = fastlr.descend(
            X * [1.0, 0.05], y, learning_rate=schedule, batch_size=batch_size, random_state=0
        )
    assert fit.gap > 1e-3
    assert fit.status.code == "stalled"
    assert "the learning rate has fallen to" in fit.status


def test_named_schedules_start_from_the_automatic_rate(rows):
    X, y = rows
    automatic = fastlr.descend(X, y, epochs=1, tol=None).learning_rate
    for name in ("constant", "invscaling", "step", "exponential", "cosine", "adaptive"):
        fit = fastlr.descend(X, y, learning_rate=name, epochs=2, tol=None)
        assert fit.learning_rate == fit.history.learning_rate[0] == automatic
