"""Claim: one row is predicted in 10 us by a fit and in 40 us by an estimator, warm, with all checks of the input."""

import time

import numpy as np
from sklearn import linear_model

import fastlr
from fastlr.bench import make_rows

ROUNDS, CALLS = 25, 300
LIMITS = {"fastlr.LinearFit": 10.0, "fastlr.LinearRegression": 40.0, "fastlr.SGDRegressor": 40.0}
PREDICTORS = (*LIMITS, "scikit-learn LinearRegression", "scikit-learn SGDRegressor")


def predictors(n_features=10):
    """Fitted models by name, and a row for all of them."""
    X, y = make_rows(1000, n_features)
    models = (
        fastlr.ols(X, y),
        fastlr.LinearRegression().fit(X, y),
        fastlr.SGDRegressor(random_state=0).fit(X, y),
        linear_model.LinearRegression().fit(X, y),
        linear_model.SGDRegressor(random_state=0).fit(X, y),
    )
    return dict(zip(PREDICTORS, models, strict=True)), X[:1].copy()


def main():
    """Medians of CPU time, in turns: other processes may have the machine as well."""
    models, row = predictors()
    times = {name: [] for name in models}
    for _ in range(ROUNDS):
        for name, model in models.items():
            start = time.thread_time_ns()
            for _ in range(CALLS):
                model.predict(row)
            times[name].append((time.thread_time_ns() - start) / CALLS / 1000)
    theirs = np.median(times["scikit-learn LinearRegression"])
    print(
        "one row of 10 features".ljust(32)
        + "us".rjust(8)
        + "of scikit-learn's".rjust(18)
        + "limit".rjust(8)
    )
    for name, values in times.items():
        median = float(np.median(values))
        limit = f"{LIMITS[name]:8.0f}" if name in LIMITS else ""
        print(f"{name:32}{median:8.1f}{median / theirs:18.2f}{limit}")


if __name__ == "__main__":
    main()
