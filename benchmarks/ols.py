"""Claim: `fastlr.ols` on 1e6 x 20 is at least twice as fast as the fastest of NumPy and scikit-learn."""

import fastlr.bench as bench
from benchmarks.peers import show
from fastlr.input.threads import resolve_threads


def main():
    names = ("fastlr", "NumPy", "scikit-learn LinearRegression", "scikit-learn Ridge")
    peers = [peer for peer in bench.installed_peers() if peer.name.startswith(names)]
    bench.compare(
        [(10**6, 20)], peers, bench.RooflineMeter(resolve_threads(None)), rounds=7, on_cell=show
    )


if __name__ == "__main__":
    main()
