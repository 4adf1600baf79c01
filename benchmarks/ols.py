"""Claims: `fastlr.ols` on 1e6 x 20 is at least twice as fast as the fastest of NumPy and scikit-learn, and on 100 x 3,
with all that a fit knows, it takes less than twice as long as `numpy.linalg.lstsq` takes for the coefficients."""

import numpy as np

import fastlr
import fastlr.bench as bench
from benchmarks.peers import show
from fastlr._kernels import kernels
from fastlr.input.threads import resolve_threads

SMALL_FITS = 200


def small():
    """Microseconds for a fit of 100 x 3, medians in turns."""
    X, y = bench.make_rows(100, 3)

    def lstsq():
        return np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)

    calls = {
        "numpy.linalg.lstsq": lstsq,
        "the kernel of ols": lambda: kernels.climb(X, y, None, True, "auto", 1, False),
        "fastlr.ols": lambda: fastlr.ols(X, y),
        "fastlr.LinearRegression": lambda: fastlr.LinearRegression().fit(X, y),
    }
    times = bench.in_turns(
        {
            name: lambda call=call: [call() for _ in range(SMALL_FITS)]
            for name, call in calls.items()
        },
        rounds=25,
        pause=0.02,
    )
    print("\n" + "100 x 3".ljust(28) + "us".rjust(8) + "x lstsq".rjust(9))
    for name, value in times.items():
        print(f"{name:28}{1e6 * value / SMALL_FITS:8.1f}{value / times['numpy.linalg.lstsq']:9.2f}")


def main():
    small()
    names = ("fastlr", "NumPy", "scikit-learn LinearRegression", "scikit-learn Ridge")
    peers = [peer for peer in bench.installed_peers() if peer.name.startswith(names)]
    bench.compare(
        [(10**6, 20)], peers, bench.RooflineMeter(resolve_threads(None)), rounds=7, on_cell=show
    )


if __name__ == "__main__":
    main()
