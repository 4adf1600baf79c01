"""Claim: on 1e6 x 1000 rows of scipy.sparse, 1 % of them not zero, `fastlr.LinearRegression` takes no longer where
columns are on different scales. There it is many times as fast as scikit-learn's LinearRegression (LSQR) and as its
Ridge by conjugate gradients, which iterate; where all columns are alike, these take less time."""

import sys

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LinearRegression, Ridge

import fastlr
import fastlr.bench as bench


def make_sparse_rows(n, p, density, decades=0.0, seed=0):
    """Rows with about ``density * p`` normal values each, in columns drawn at random, on scales over some decades."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.integers(0, n, size=int(n * p * density)))
    columns = rng.integers(0, p, size=len(rows))
    scale = 10.0 ** rng.uniform(-decades / 2, decades / 2, size=p)
    values = rng.normal(size=len(rows)) * scale[columns]
    X = sp.csr_array((values, (rows, columns)), shape=(n, p))
    y = X @ (rng.normal(size=p) / scale) + 1.0 + rng.normal(size=n)
    return X, y


def main(n=10**6, p=1000, density=0.01, rounds=5):
    for decades in (0, 2):
        compare(n, p, density, decades, rounds)


def compare(n, p, density, decades, rounds):
    X, y = make_sparse_rows(n, p, density, decades)
    models = {
        "fastlr.LinearRegression": fastlr.LinearRegression(),
        'fastlr, accuracy="fast"': fastlr.LinearRegression(accuracy="fast"),
        "LinearRegression (LSQR)": LinearRegression(),
        "Ridge (sparse_cg)": Ridge(1e-6, solver="sparse_cg"),
        "Ridge (cholesky)": Ridge(1e-6, solver="cholesky", fit_intercept=False),
    }
    times = bench.in_turns(
        {name: lambda model=model: model.fit(X, y) for name, model in models.items()},
        rounds=rounds,
        pause=0.3,
    )
    ours = models["fastlr.LinearRegression"]
    own = times["fastlr.LinearRegression"]
    print(
        f"\n{n} x {p}, {X.nnz / n / p:.1%} not zero, columns on scales over {decades} decades; "
        f"{ours.digits_:.1f} digits"
    )
    print("".ljust(28) + "seconds".rjust(9) + "x".rjust(7) + "  error, in standard errors")
    for name, value in times.items():
        error = np.abs((models[name].coef_ - ours.coef_) / ours.fit_.bse_coef).max()
        print(f"{name:28}{value:9.3f}{value / own:7.2f}  {error:.1e}")


if __name__ == "__main__":
    main(*(int(float(text)) for text in sys.argv[1:3]))
