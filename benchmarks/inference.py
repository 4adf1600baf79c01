"""Claims: on 1e6 x 20 rows a fit with its full summary takes at most 1.2 times as long as the plain fit, one with HC1
at most 2.5 times, one with 1e4 clusters at most 3 times, and the influence of all rows less than 4 passes; statsmodels
and pyfixest take many times as long."""

import importlib.util
import sys
import time
from statistics import median

import numpy as np

import fastlr

FIRST = "fastlr.ols"


def make_clustered_rows(n, p, n_clusters, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    groups = rng.integers(0, n_clusters, size=n).astype(np.int32)
    y = X @ rng.normal(size=p) + rng.normal(size=n_clusters)[groups] + rng.normal(size=n)
    return X, y, groups


def ours(X, y, groups, n_threads):
    """What is timed of fastlr, by what it is called."""
    plain = fastlr.ols(X, y, n_threads=n_threads)
    texts = np.array([f"firm {code}" for code in range(groups.max() + 1)])[groups]
    kinds = {"HC1": {}, "HC3": {}, "HAC": {}, "cluster": {"groups": groups}}
    kinds["cluster, int64"] = {"groups": groups.astype(np.int64)}
    kinds["cluster, texts"] = {"groups": texts}
    asked = {
        f"fastlr.ols, {kind}": lambda kind=kind, options=options: fastlr.ols(
            X, y, n_threads=n_threads, cov_type=kind.partition(",")[0], cov_kwds=options
        )
        for kind, options in kinds.items()
    }
    return {
        FIRST: lambda: fastlr.ols(X, y, n_threads=n_threads),
        "fastlr.ols, full summary": lambda: str(fastlr.ols(X, y, n_threads=n_threads).summary()),
        **asked,
        "fastlr, get_influence": lambda: plain.get_influence(X, y, n_threads=n_threads),
        "fastlr, influence, streamed": lambda: plain.get_influence(
            X, y, keep=False, n_threads=n_threads
        ),
    }


def theirs(X, y, groups):
    """Return the functions of other libraries that are timed, as far as these are installed."""
    runs = {}
    if importlib.util.find_spec("statsmodels"):
        import statsmodels.api as sm

        design = sm.add_constant(X)
        runs["statsmodels, fit"] = lambda: sm.OLS(y, design).fit().bse
        runs["statsmodels, full summary"] = lambda: str(sm.OLS(y, design).fit().summary())
        runs["statsmodels, HC1"] = lambda: sm.OLS(y, design).fit(cov_type="HC1").bse
        runs["statsmodels, cluster"] = lambda: (
            sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": groups}).bse
        )
        runs["statsmodels, influence"] = lambda: (
            sm.OLS(y, design).fit().get_influence().cooks_distance
        )
    else:
        print("statsmodels is not installed, so that it is left out.")
    if importlib.util.find_spec("pyfixest"):
        import pandas as pd
        import pyfixest

        names = [f"x{j}" for j in range(X.shape[1])]
        table = pd.DataFrame(X, columns=names).assign(y=y, g=groups)
        formula = "y ~ " + " + ".join(names)
        runs["pyfixest, CRV1"] = lambda: pyfixest.feols(formula, table, vcov={"CRV1": "g"})
    else:
        print("pyfixest is not installed, so that it is left out.")
    return runs


def measure(runs, rounds):
    """Seconds of the processors and of the clock, by run: (rounds, 2) each, in turns."""
    spent = {name: [] for name in runs}
    for turn in range(-1, rounds):
        for name, run in runs.items():
            clock, processors = time.perf_counter(), time.process_time()
            run()
            both = time.process_time() - processors, time.perf_counter() - clock
            if turn >= 0:
                spent[name].append(both)
    return spent


def main(n=10**6, p=20, n_clusters=10**4, rounds=7):
    X, y, groups = make_clustered_rows(n, p, n_clusters)
    for n_threads in (1, 2):
        print(f"\n{n} x {p}, {n_clusters} clusters, {n_threads} threads")
        show(measure(ours(X, y, groups, n_threads), rounds))
    print("\nbeside others, all threads")
    show(measure({**ours(X, y, groups, None), **theirs(X, y, groups)}, min(rounds, 3)))


def show(spent):
    print("".ljust(30) + "processors".rjust(12) + "x".rjust(8) + "clock".rjust(10) + "x".rjust(8))
    for name, times in spent.items():
        pairs = list(zip(times, spent[FIRST], strict=True))
        ratio, by_clock = (median(own[k] / base[k] for own, base in pairs) for k in (0, 1))
        seconds = [median(column) for column in zip(*times, strict=True)]
        print(f"{name:30}{seconds[0]:12.4f}{ratio:8.2f}{seconds[1]:10.4f}{by_clock:8.2f}")


if __name__ == "__main__":
    main(*(int(float(text)) for text in sys.argv[1:5]))
