"""Claims on ridge: `python -m benchmarks.ridge [n_samples n_features]`.

RidgeCV of 100 alphas and 5 folds beside one `fastlr.ols` of the same rows, in turns, medians; and beside scikit-learn's
GridSearchCV(Ridge), whose 501 fits (and 500 scores) are extrapolated from the median of a few, each made on four
fifths of the rows as the grid would.
"""

import statistics
import sys
import time

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

import fastlr
from fastlr.bench import in_turns

ALPHAS = np.geomspace(1e-2, 1e6, 100)
N_FOLDS = 5
SKLEARN_FITS = 3
WANTED = {"RidgeCV": 2.0, "grid": 100.0}


def rows(n, p):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, X @ rng.standard_normal(p) + rng.standard_normal(n)


def grid_seconds(X, y):
    """scikit-learn's grid search: what one fit of a fold and its score take, times all of them."""
    cut = len(X) // N_FOLDS
    seconds = []
    for alpha in ALPHAS[:: len(ALPHAS) // SKLEARN_FITS][:SKLEARN_FITS]:
        start = time.perf_counter()
        Ridge(alpha=alpha).fit(X[cut:], y[cut:]).score(X[:cut], y[:cut])
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * (len(ALPHAS) * N_FOLDS + 1)


def main():
    n, p = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (10**6, 50)
    X, y = rows(n, p)
    seconds = in_turns(
        {
            "ols": lambda: fastlr.ols(X, y),
            "ols(alpha=1)": lambda: fastlr.ols(X, y, alpha=1.0),
            "ridge_path": lambda: fastlr.ridge_path(X, y, ALPHAS),
            "RidgeCV": lambda: fastlr.RidgeCV(ALPHAS, cv=N_FOLDS).fit(X, y),
            "RidgeCV, shuffled": lambda: fastlr.RidgeCV(
                ALPHAS, cv=KFold(N_FOLDS, shuffle=True, random_state=0)
            ).fit(X, y),
            "leave-one-out": lambda: fastlr.RidgeCV(ALPHAS).fit(X, y),
        },
        rounds=7,
    )
    for name, value in seconds.items():
        print(f"{name:<18} {1e3 * value:9.1f} ms  {value / seconds['ols']:6.2f} x ols")
    grid = grid_seconds(X, y)
    ratio = grid / seconds["RidgeCV"]
    print(f"GridSearchCV     {grid:9.1f} s  (from {SKLEARN_FITS} fits)  {ratio:6.0f} x RidgeCV")
    is_kept = seconds["RidgeCV"] <= WANTED["RidgeCV"] * seconds["ols"] and ratio >= WANTED["grid"]
    print(f"at most 2 x one ols, and 100 x faster than the grid: {'yes' if is_kept else 'NO'}")


if __name__ == "__main__":
    main()
