"""fastlr beside every installed peer and beside the roofline: `python -m benchmarks.peers`.

Prints a table, writes JSON and the picture that the README shows.
"""

import argparse
import json
import math
from pathlib import Path
from statistics import geometric_mean

import fastlr.bench as bench
from fastlr._kernels import describe
from fastlr.input.threads import resolve_threads

SHAPES = [
    (10**7, 2),
    (5 * 10**6, 10),
    (2 * 10**6, 24),
    (10**6, 50),
    (10**6, 100),
    (10**5, 500),
    (10**5, 1000),
    (2 * 10**4, 2000),
]


def show(cell):
    ours = cell.seconds("fastlr")
    fastest = cell.fastest_peer
    print(
        f"\n{cell.n_samples} x {cell.n_features}: fastlr {ours * 1e3:.1f} ms, "
        f"{cell.limit / ours:.0%} of the roofline ({cell.roofline.bandwidth / 1e9:.0f} GB/s, "
        f"{cell.roofline.flops / 1e9:.0f} GFLOP/s: {cell.bound}), "
        f"{cell.limit_given / ours:.0%} of what the cores gave ({cell.roofline.tile_flops / 1e9:.0f} GFLOP/s), "
        f"{fastest.seconds / ours:.2f} x ahead of {fastest.peer}"
    )
    for timing in sorted(cell.timings, key=lambda t: t.seconds):
        print(
            f"  {timing.peer:<30} {timing.seconds * 1e3:10.1f} ms  {timing.seconds / ours:8.2f} x"
            f"  answers differ by {timing.disagreement:.0e}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=90.0, help="seconds per shape")
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the rows")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()

    meter = bench.RooflineMeter(resolve_threads(None))
    print(f"kernels {describe()['level']}, {meter.n_threads} threads")
    peers = bench.installed_peers()
    shapes = [(max(p + 2, int(n * arguments.scale)), p) for n, p in SHAPES]
    cells = bench.compare(
        shapes, peers, meter, rounds=arguments.rounds, budget=arguments.budget, on_cell=show
    )
    ahead = [cell.fastest_peer.seconds / cell.seconds("fastlr") for cell in cells]
    sklearn = [
        cell.seconds("scikit-learn LinearRegression") / cell.seconds("fastlr") for cell in cells
    ]
    print(
        f"\nahead of the fastest peer: geometric mean {geometric_mean(ahead):.2f} x, least {min(ahead):.2f} x"
    )
    if not any(map(math.isnan, sklearn)):
        print(
            f"ahead of scikit-learn's LinearRegression: geometric mean {geometric_mean(sklearn):.1f} x"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([cell.to_dict() for cell in cells], indent=1))
    if arguments.picture:
        bench.draw(cells, arguments.picture)


if __name__ == "__main__":
    main()
