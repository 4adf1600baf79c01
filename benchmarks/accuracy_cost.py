"""Claim: what digits cost. Ratios in one run, in turns, medians: `python -m benchmarks.accuracy_cost`."""

import warnings

import numpy as np

import fastlr
from fastlr.bench import in_turns

SMALL_FITS = 1000


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
    times = in_turns(calls, rounds=9)
    print("1e6 x 32".ljust(28) + "ms".rjust(8) + "x fast".rjust(9))
    for name, value in times.items():
        print(f"{name:28}{1e3 * value:8.1f}{value / times['fast']:9.2f}")

    W, v = rng.normal(size=(200, 5000)), rng.normal(size=200)
    times = in_turns(
        {
            "fastlr.ols": lambda: fastlr.ols(W, v),
            "fastlr.ols, fast": lambda: fastlr.ols(W, v, accuracy="fast"),
            "numpy.linalg.lstsq": lambda: np.linalg.lstsq(W, v, rcond=None),
        },
        rounds=9,
    )
    print("\n" + "200 x 5000".ljust(28) + "ms".rjust(8) + "x fastlr".rjust(9))
    for name, value in times.items():
        print(f"{name:28}{1e3 * value:8.1f}{value / times['fastlr.ols']:9.2f}")

    Z = rng.normal(size=(10**6, 10))
    times = in_turns(
        {
            "double": lambda: fastlr.Moments.from_arrays(Z, y),
            "double_double": lambda: fastlr.Moments.from_arrays(Z, y, precision="double_double"),
        },
        rounds=9,
    )
    print("\n" + "Moments, 1e6 x 10".ljust(28) + "ms".rjust(8) + "x double".rjust(9))
    for name, value in times.items():
        print(f"{name:28}{1e3 * value:8.1f}{value / times['double']:9.2f}")

    small = rng.normal(size=(100, 3))
    target = small.sum(axis=1)
    times = in_turns(
        {
            accuracy: lambda accuracy=accuracy: [
                fastlr.ols(small, target, accuracy=accuracy) for _ in range(SMALL_FITS)
            ]
            for accuracy in ("fast", "auto")
        },
        rounds=9,
    )
    print("\n" + "100 x 3".ljust(28) + "us".rjust(8))
    for name, value in times.items():
        print(f"{name:28}{1e6 * value / SMALL_FITS:8.1f}")


if __name__ == "__main__":
    main()
