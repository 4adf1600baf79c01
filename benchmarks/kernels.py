"""The pass beside the roofline, and what its variants cost: `python -m benchmarks.kernels`.

Wanted: 75 % of the roofline in C order, Fortran order and from separate columns; float32 at 1.5 x the speed of float64
where memory binds; two threads at 1.8 x one where arithmetic binds; weights or five targets at most 1.3 x; 64 MiB and
three p x p matrices of memory beyond X; 25 us for a small fit.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import fastlr
import fastlr.bench as bench
from fastlr.input.threads import resolve_threads

PASSES = [
    (10**7, 2),
    (10**7, 5),
    (5 * 10**6, 10),
    (2 * 10**6, 24),
    (10**6, 50),
    (10**6, 100),
    (3 * 10**5, 200),
    (10**5, 500),
    (2 * 10**4, 2000),
]
MEMORY = [(2 * 10**6, 10), (10**6, 100), (40_000, 2000), (10_000, 5000)]


def pass_over(X, y, sample_weight=None, n_threads=None):
    return lambda: fastlr.Moments.from_arrays(X, y, sample_weight, n_threads=n_threads)


def columns_of(X):
    return {f"x{j}": X[:, j].copy() for j in range(X.shape[1])}


LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "columns": columns_of}


def show_passes(rounds):
    meter = bench.RooflineMeter(resolve_threads(None))
    print("share of the peak / of what the cores gave to a tile in the nearest cache")
    print(f"{'rows x features':>18}  {'limit':>9}  {'C':>19}  {'F':>19}  {'columns':>19}")
    for n, p in PASSES:
        X, y = bench.make_rows(n, p)
        runs = {name: pass_over(lay_out(X), y) for name, lay_out in LAYOUTS.items()}
        seconds = bench.in_turns({"machine": meter, **runs}, rounds=rounds)
        roofline = meter.reading()
        limit, given = roofline.seconds(n, p), roofline.seconds_given(n, p)
        reached = "  ".join(
            f"{seconds[name] * 1e3:6.1f} ms {limit / seconds[name]:4.0%} /{given / seconds[name]:4.0%}"
            for name in runs
        )
        print(f"{n:>10} x {p:<5}  {limit * 1e3:6.1f} ms  {reached}  ({roofline.bound(p)})")


def show_ratios(rounds):
    def ratio(what, slow, fast):
        seconds = bench.in_turns({"slow": slow, "fast": fast}, rounds=rounds)
        print(f"{what:<58} {seconds['slow'] / seconds['fast']:5.2f}")

    for n, p in ((10**7, 2), (10**7, 5), (5 * 10**6, 10)):
        X, y = bench.make_rows(n, p)
        single = X.astype(np.float32), y.astype(np.float32)
        ratio(f"float64 / float32, {n} x {p}", pass_over(X, y), pass_over(*single))
        ratio(
            f"float64 / float32, {n} x {p}, Fortran order",
            pass_over(np.asfortranarray(X), y),
            pass_over(np.asfortranarray(single[0]), single[1]),
        )
    for n, p in ((10**6, 100), (10**5, 500), (2 * 10**4, 2000)):
        X, y = bench.make_rows(n, p)
        ratio(
            f"one thread / two, {n} x {p}",
            pass_over(X, y, n_threads=1),
            pass_over(X, y, n_threads=2),
        )
    for n, p in ((10**7, 2), (5 * 10**6, 10), (2 * 10**6, 24), (10**6, 100)):
        X, y = bench.make_rows(n, p)
        rng = np.random.default_rng(1)
        weight = rng.random(n)
        five = np.column_stack([y] + [rng.standard_normal(n) for _ in range(4)])
        ratio(f"weighted / plain, {n} x {p}", pass_over(X, y, weight), pass_over(X, y))
        ratio(f"five targets / one, {n} x {p}", pass_over(X, five), pass_over(X, y))
    X, y = bench.make_rows(10**6, 20)
    fit = fastlr.ols(X, y)
    for name, data in (("float64", X), ("float32", X.astype(np.float32))):
        coef = fit.coef.astype(data.dtype)
        ratio(
            f"NumPy's X @ b + a / predict, 1000000 x 20, {name}",
            lambda data=data, coef=coef: data @ coef + fit.intercept,
            lambda data=data: fit.predict(data),
        )


def show_late_threads(rounds):
    """BLAS threads that still spin after a product must not hold a pass up."""
    X, y = bench.make_rows(200_000, 50)
    A = np.random.default_rng(2).standard_normal((1200, 1200))
    fit = pass_over(X, y)

    def after_product():
        A @ A.T
        start = time.perf_counter()
        fit()
        return time.perf_counter() - start

    after = [after_product() for _ in range(4 * rounds)]
    alone = []
    for _ in range(4 * rounds):
        time.sleep(0.3)  # until nobody spins any more
        start = time.perf_counter()
        fit()
        alone.append(time.perf_counter() - start)
    slower = np.median(after) / np.median(alone)
    print(f"{'straight after X @ X.T / alone, 200000 x 50':<58} {slower:5.2f}")


def show_small():
    from fastlr.estimators import LinearRegression

    X, y = bench.make_rows(100, 3)
    many = 1000

    def repeated(function):
        return lambda: [function() for _ in range(many)]

    seconds = bench.in_turns(
        {
            "ols": repeated(lambda: fastlr.ols(X, y)),
            "LinearRegression().fit": repeated(lambda: LinearRegression().fit(X, y)),
            "numpy.linalg.lstsq": repeated(lambda: np.linalg.lstsq(X, y, rcond=None)),
        },
        rounds=9,
    )
    for name, value in seconds.items():
        print(f"{name + ', 100 x 3':<58} {value / many * 1e6:5.1f} us")


def peak():
    """MiB that this process had at most (Linux; getrusage would count the parent's share)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def grown_by(n, p):
    """MiB by which one fit raises the peak of a process that holds X already."""
    rng = np.random.default_rng(0)
    X = rng.random((n, p))
    y = rng.random(n)
    fastlr.ols(X[:, :2], y)
    before = peak()
    fastlr.ols(X, y, accuracy="fast")
    return peak() - before


def show_memory():
    for n, p in MEMORY:
        command = [sys.executable, "-m", "benchmarks.kernels", "--grown-by", str(n), str(p)]
        grown = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        allowed = 64 + 3 * p * p * 8 / 2**20
        print(f"extra memory, {n} x {p:<30} {grown:7.0f} MiB of {allowed:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--grown-by", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.grown_by:
        print(grown_by(*arguments.grown_by))
        return
    show_passes(arguments.rounds)
    print()
    show_ratios(arguments.rounds)
    show_late_threads(arguments.rounds)
    show_small()
    show_memory()


if __name__ == "__main__":
    main()
