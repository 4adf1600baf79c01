"""One pytest-benchmark entry per claim on speed: `nox -s bench`, or `pytest benchmarks`.

A group holds what is to be compared; the modules beside this one print the ratios, in turns.
"""

from functools import lru_cache

import numpy as np
import pytest

import fastlr
from benchmarks.kernels import LAYOUTS, PASSES, pass_over
from benchmarks.one_row import PREDICTORS, predictors
from benchmarks.peers import SHAPES
from fastlr.bench import installed_peers, make_rows

rows = lru_cache(maxsize=1)(make_rows)
SMALL = (100, 3)
MIDDLE = (10**6, 20)
WIDE = (200, 5000)


def timed(benchmark, group, function):
    benchmark.group = group
    return benchmark.pedantic(function, rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", PASSES, ids=str)
def test_the_pass_nears_the_roofline(benchmark, shape, layout):
    X, y = rows(*shape)
    timed(benchmark, f"pass {shape}", pass_over(LAYOUTS[layout](X), y))


@pytest.mark.parametrize("peer", installed_peers(), ids=lambda peer: peer.name)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.filterwarnings("ignore")
def test_a_fit_is_ahead_of_every_peer(benchmark, shape, peer):
    if shape[0] * shape[1] > peer.max_values:
        pytest.skip("takes too long")
    timed(benchmark, f"fit {shape}", peer.prepare(*rows(*shape)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_float32_gains_where_memory_binds(benchmark, dtype):
    X, y = rows(10**7, 2)
    timed(benchmark, "dtype (10000000, 2)", pass_over(X.astype(dtype, copy=False), y))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_threads_gain_where_arithmetic_binds(benchmark, n_threads):
    X, y = rows(10**6, 100)
    timed(benchmark, "threads (1000000, 100)", pass_over(X, y, n_threads=n_threads))


@pytest.mark.parametrize("what", ["plain", "weighted", "five targets"])
def test_weights_and_targets_ride_along(benchmark, what):
    X, y = rows(2 * 10**6, 24)
    weight = np.random.default_rng(1).random(len(y)) if what == "weighted" else None
    targets = np.column_stack([y] * 5) if what == "five targets" else y
    timed(benchmark, "riding along (2000000, 24)", pass_over(X, targets, weight))


@pytest.mark.parametrize("accuracy", ["fast", "auto", "max"])
def test_accuracy_costs_little(benchmark, accuracy):
    X, y = rows(10**6, 32)
    timed(benchmark, "accuracy (1000000, 32)", lambda: fastlr.ols(X, y, accuracy=accuracy))


@pytest.mark.parametrize("who", ["fastlr", "NumPy lstsq"])
@pytest.mark.filterwarnings("ignore")
def test_wide_data_are_fitted_through_their_rows(benchmark, who):
    X, y = rows(*WIDE)
    A = np.column_stack([np.ones(len(y)), X])
    fit = {"fastlr": lambda: fastlr.ols(X, y), "NumPy lstsq": lambda: np.linalg.lstsq(A, y)}
    timed(benchmark, f"wide {WIDE}", fit[who])


@pytest.mark.parametrize("who", ["ols", "LinearRegression"])
def test_a_small_fit_pays_for_nothing(benchmark, who):
    X, y = rows(*SMALL)
    benchmark.group = f"small {SMALL}"
    benchmark(
        (lambda: fastlr.ols(X, y)) if who == "ols" else lambda: fastlr.LinearRegression().fit(X, y)
    )


@pytest.mark.parametrize("who", ["fastlr", "NumPy"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_prediction_is_one_read(benchmark, dtype, who):
    X, y = rows(*MIDDLE)
    fit = fastlr.ols(X, y)
    data, coef = X.astype(dtype), fit.coef.astype(dtype)
    constant = coef.dtype.type(fit.intercept)
    predict = {"fastlr": lambda: fit.predict(data), "NumPy": lambda: data @ coef + constant}
    timed(benchmark, f"predict {MIDDLE} {dtype}", predict[who])


@pytest.mark.parametrize("engine", ["rows", "moments"])
@pytest.mark.filterwarnings("ignore")
def test_descent_reads_the_rows_once_an_epoch_or_once(benchmark, engine):
    X, y = rows(*MIDDLE)
    timed(
        benchmark,
        f"20 epochs {MIDDLE}",
        lambda: fastlr.descend(X, y, learning_rate=0.01, epochs=20, tol=None, engine=engine),
    )


@pytest.mark.parametrize("batch_size", [1, 32, 256])
@pytest.mark.filterwarnings("ignore")
def test_batches_are_gathered_in_time(benchmark, batch_size):
    X, y = rows(*MIDDLE)
    timed(
        benchmark,
        f"an epoch in batches {MIDDLE}",
        lambda: fastlr.descend(
            X, y, learning_rate=0.001, epochs=1, tol=None, batch_size=batch_size, random_state=0
        ),
    )


@pytest.mark.parametrize("who", PREDICTORS)
def test_one_row_is_predicted_in_microseconds(benchmark, who):
    models, row = predictors()
    benchmark.group = "one row"
    benchmark(models[who].predict, row)
