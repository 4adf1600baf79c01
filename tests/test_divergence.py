"""A descent that grows is recognised, told, and undone."""

import numpy as np
import pytest

import fastlr


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2))
    return X, X @ [1.0, -2.0] + 3.0 + rng.normal(size=200)


@pytest.mark.parametrize("batch_size", [None, 10])
@pytest.mark.parametrize("engine", ["rows", "auto"])
def test_divergence_is_told_long_before_nan(rows, batch_size, engine):
    X, y = rows
    if batch_size and engine == "rows":
        engine = "auto"
    hessian = np.c_[X, np.ones(200)].T @ np.c_[X, np.ones(200)] / 200
    stable = 2 / np.linalg.eigvalsh(hessian)[-1]
    with pytest.warns(fastlr.ConvergenceWarning, match="2 / L") as caught:
        fit = fastlr.descend(
            X,
            y,
            learning_rate=1.3 * stable * (3 if batch_size else 1),
            batch_size=batch_size,
            engine=engine,
        )
    assert fit.status.code == "diverged"
    assert fit.largest_stable_rate == pytest.approx(stable, rel=1e-9)
    assert f"{stable:.6g}" in str(caught[0].message)
    assert np.isfinite(fit.coef).all()
    assert np.isfinite(fit.history.loss[:-1]).all()
    assert fit.loss <= fit.history.loss[0] * (1 + 1e-12)
    assert fit.n_epochs < 60
    assert caught[0].filename == __file__


@pytest.mark.parametrize("kind", ["sse", "mse", "half_mse"])
def test_the_largest_stable_rate_is_the_watershed(rows, kind):
    X, y = rows
    stable = fastlr.descend(X, y, loss=kind, epochs=1).largest_stable_rate
    below = fastlr.descend(X, y, loss=kind, learning_rate=0.999 * stable, epochs=20_000)
    assert below.status.code == "converged"
    with pytest.warns(fastlr.ConvergenceWarning):
        above = fastlr.descend(X, y, loss=kind, learning_rate=1.01 * stable, epochs=20_000)
    assert above.status.code == "diverged"


def test_too_few_epochs_to_explode_are_divergence_too(rows):
    X, y = rows
    stable = fastlr.descend(X, y, epochs=1).largest_stable_rate
    with pytest.warns(fastlr.ConvergenceWarning, match="grew"):
        fit = fastlr.descend(X, y, learning_rate=1.4 * stable, epochs=4)
    assert fit.status.code == "diverged"
