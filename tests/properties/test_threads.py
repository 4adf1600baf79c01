"""Objects shared by threads: no row is lost, and nobody sees half a change."""

import copy
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastlr

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1600, 3))
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=1600)
BATCHES = [slice(i, i + 10) for i in range(10, 1600, 10)]


@pytest.fixture(autouse=True)
def _eager_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(work, items):
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, items))


def watched(read, is_sound, while_doing):
    """What a reader sees meanwhile that is not sound."""
    torn, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            seen = read()
            if not is_sound(seen):
                torn.append(seen)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        while_doing()
    finally:
        stop.set()
        reader.join()
    return torn


def test_moments_lose_no_row_and_are_never_half_updated():
    moments = fastlr.Moments.from_arrays(X[:10], Y[:10], n_threads=1)

    def fit():
        still = moments.snapshot()
        return still.n_samples, still.total_weight, fastlr.solve(moments).n_samples

    torn = watched(
        fit,
        lambda seen: seen[0] == seen[1] and seen[2] % 10 == 0,
        lambda: in_threads(lambda rows: moments.update(X[rows], Y[rows], n_threads=1), BATCHES),
    )
    assert not torn
    assert moments.n_samples == 1600
    want = fastlr.Moments.from_arrays(X, Y)
    np.testing.assert_allclose(moments.cross_products, want.cross_products, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("starts_empty", [True, False])
def test_partial_fit_loses_no_row(starts_empty):
    model, batches = fastlr.LinearRegression(n_threads=1), [slice(0, 10), *BATCHES]
    if not starts_empty:
        model.partial_fit(X[:10], Y[:10])
        batches = BATCHES
    in_threads(lambda rows: model.partial_fit(X[rows], Y[rows]), batches)
    assert model.moments_.n_samples == 1600
    np.testing.assert_allclose(model.coef_, fastlr.ols(X, Y).coef, rtol=1e-10)


def test_sgd_takes_one_epoch_after_the_other():
    model = fastlr.SGDRegressor(eta0=1e-4, n_threads=1)
    in_threads(lambda rows: model.partial_fit(X[rows], Y[rows]), BATCHES)
    assert model.t_ == 1.0 + 1590


def test_predictions_belong_to_one_fit():
    """Fits of y = 0 and of y = c (x - 1) predict 0 at x = 1; half of one and half of the other do not."""
    x = np.linspace(0.0, 2.0, 20).reshape(-1, 1)
    model = fastlr.LinearRegression(n_threads=1).fit(x, 0 * x[:, 0])

    def fits():
        for _ in range(150):
            model.fit(x, 1e6 * (x[:, 0] - 1.0))
            model.fit(x, 0 * x[:, 0])

    assert not watched(lambda: model.predict([[1.0]])[0], lambda value: abs(value) < 1.0, fits)


def test_what_was_updated_can_be_copied_and_pickled():
    moments = fastlr.Moments.from_arrays(X[:10], Y[:10]).update(X[10:20], Y[10:20])
    model = fastlr.LinearRegression().partial_fit(X[:10], Y[:10]).partial_fit(X[10:20], Y[10:20])
    stepped = fastlr.SGDRegressor().partial_fit(X[:10], Y[:10])
    for how in (copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))):
        other = how(moments)
        assert other == moments
        other.update(X[20:30], Y[20:30])
        assert (moments.n_samples, other.n_samples) == (20, 30)
        assert how(model).partial_fit(X[20:30], Y[20:30]).moments_.n_samples == 30
        assert model.moments_.n_samples == 20
        assert how(stepped).partial_fit(X[:10], Y[:10]).t_ == 21.0
    assert stepped.t_ == 11.0


def test_an_update_that_fails_changes_nothing():
    moments = fastlr.Moments.from_arrays(X[:10], Y[:10])
    model = fastlr.LinearRegression().partial_fit(X[:10], Y[:10])
    before, fitted = moments.to_bytes(), pickle.dumps(model)
    for bad in ((X[:5], Y[:4]), (np.full((3, 3), np.nan), Y[:3]), (X[:5, :2], Y[:5])):
        with pytest.raises(ValueError, match=r"rows|NaN|features"):
            moments.update(*bad)
        with pytest.raises(ValueError, match=r"rows|NaN|features"):
            model.partial_fit(*bad)
    assert moments.to_bytes() == before
    assert pickle.dumps(model) == fitted
    moments.update(X[10:20], Y[10:20])  # the lock was given back
    model.partial_fit(X[10:20], Y[10:20])
    assert moments.n_samples == model.moments_.n_samples == 20
