"""Claim: 1e6 rows of 10 numbers and a category of 1e5 levels are fitted, with coefficients and standard errors of all
levels, in the time that pyfixest takes for those of the numbers alone."""

import sys

import numpy as np
import pandas as pd

import fastlr
import fastlr.bench as bench


def make_table(n, p, n_levels, seed=0):
    """Rows whose category shifts the numbers as well as the target, so that it cannot be left out."""
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(n_levels), rng.integers(0, n_levels, size=n - n_levels)])
    effects = rng.normal(size=n_levels)
    X = rng.normal(size=(n, p)) + 0.3 * effects[codes][:, np.newaxis]
    y = X @ np.arange(1.0, p + 1) + effects[codes] + rng.normal(size=n)
    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(p)])
    table["g"] = pd.Categorical.from_codes(codes, [f"level {k}" for k in range(n_levels)])
    return table, y


def main(n=10**6, p=10, n_levels=10**5, rounds=5):
    table, y = make_table(n, p, n_levels)
    with_target = table.assign(y=y)
    formula = " + ".join(table.columns[:p])
    runs = {
        "fastlr.ols": lambda: fastlr.ols(table, y),
        'fastlr, accuracy="fast"': lambda: fastlr.ols(table, y, accuracy="fast"),
        "fastlr, a formula": lambda: fastlr.ols(f"y ~ {formula} + C(g)", data=with_target),
        "fastlr without the category": lambda: fastlr.ols(table[table.columns[:p]], y),
    }
    try:
        import pyfixest
    except ImportError:
        print("pyfixest is not installed: fastlr alone")
    else:
        runs["pyfixest.feols(y ~ x | g)"] = lambda: pyfixest.feols(
            f"y ~ {formula} | g", data=with_target, vcov="iid"
        )
    times = bench.in_turns(runs, rounds=rounds, pause=0.3)
    own = times["fastlr.ols"]
    fit = fastlr.ols(table, y)
    print(f"{n} x {p} and {n_levels} levels; {fit.solver}, {fit.passes} passes")
    for name, value in times.items():
        print(f"{name:30}{value:9.3f} s{value / own:7.2f}")
    if "pyfixest.feols(y ~ x | g)" in times:
        other = runs["pyfixest.feols(y ~ x | g)"]()
        difference = np.abs(other.coef().to_numpy() / fit.coef[:p] - 1).max()
        print(f"largest relative difference of coefficients: {difference:.1e}")
        print(
            f"of standard errors: {np.abs(other.se().to_numpy() / fit.bse_coef[:p] - 1).max():.1e}"
        )
    print(f"indicators of a byte a row: {n * n_levels / 1e9:.0f} GB; their products: ", end="")
    print(f"{8 * n_levels**2 / 1e9:.0f} GB")


if __name__ == "__main__":
    main(*(int(float(text)) for text in sys.argv[1:4]))
