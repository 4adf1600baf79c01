"""Claim: what digits cost. Ratios in one run, interleaved, medians: `python -m benchmarks.accuracy_cost`."""

import statistics
import time
import warnings

import numpy as np

import fastlr

ROUNDS = 9


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def interleaved(calls, rounds=ROUNDS):
    """Median seconds of each call; all of them take turns, so that what else runs hits all alike."""
    times = {name: [] for name in calls}
    for name, call in calls.items():
        call()
        times[name].clear()
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(seconds(call))
    return {name: statistics.median(values) for name, values in times.items()}


def collinear(X, condition):
    """The same rows with a last column that makes the condition number about what is asked."""
    X = X.copy()
    X[:, -1] = X[:, 0] + 2.0 / condition * X[:, -1]
    return X


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10**6, 32))
    y = X.sum(axis=1) + rng.normal(size=len(X))
    five, seven = collinear(X, 1e5), collinear(X, 1e7)
    calls = {
        "fast": lambda: fastlr.ols(X, y, accuracy="fast"),
        "auto": lambda: fastlr.ols(X, y),
        "max": lambda: fastlr.ols(X, y, accuracy="max"),
        "auto, condition 1e5": lambda: fastlr.ols(five, y),
        "auto, condition 1e7": lambda: fastlr.ols(seven, y),
    }
    times = interleaved(calls)
    print("1e6 x 32".ljust(28) + "ms".rjust(8) + "x fast".rjust(9))
    for name, value in times.items():
        print(f"{name:28}{1e3 * value:8.1f}{value / times['fast']:9.2f}")

    W, v = rng.normal(size=(200, 5000)), rng.normal(size=200)
    times = interleaved(
        {
            "fastlr.ols": lambda: fastlr.ols(W, v),
            "fastlr.ols, fast": lambda: fastlr.ols(W, v, accuracy="fast"),
            "numpy.linalg.lstsq": lambda: np.linalg.lstsq(W, v, rcond=None),
        }
    )
    print("\n" + "200 x 5000".ljust(28) + "ms".rjust(8) + "x fastlr".rjust(9))
    for name, value in times.items():
        print(f"{name:28}{1e3 * value:8.1f}{value / times['fastlr.ols']:9.2f}")

    Z = rng.normal(size=(10**6, 10))
    times = interleaved(
        {
            "double": lambda: fastlr.Moments.from_arrays(Z, y),
            "double_double": lambda: fastlr.Moments.from_arrays(Z, y, precision="double_double"),
        }
    )
    print("\n" + "Moments, 1e6 x 10".ljust(28) + "ms".rjust(8) + "x double".rjust(9))
    for name, value in times.items():
        print(f"{name:28}{1e3 * value:8.1f}{value / times['double']:9.2f}")

    small = rng.normal(size=(100, 3))
    target = small.sum(axis=1)
    times = interleaved(
        {a: lambda a=a: fastlr.ols(small, target, accuracy=a) for a in ("fast", "auto")}, 2001
    )
    print("\n" + "100 x 3".ljust(28) + "us".rjust(8))
    for name, value in times.items():
        print(f"{name:28}{1e6 * value:8.1f}")


if __name__ == "__main__":
    main()
