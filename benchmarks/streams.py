"""Claim: files beyond memory are fitted at 85 % of the speed of decoding them, CSV 1.5 x as fast as polars and NumPy.

``python -m benchmarks.streams [ROWS] [THREADS]`` writes a Parquet file of 21 columns (twice: with row groups of 131072
and of 1048576 rows; 2 GB with the usual 12 million rows) and a CSV file of a quarter of the rows (1 GB) to a temporary
directory, and measures each way in a process of its own, in turns. Wall times need a quiet machine; ratios of CPU time
do not. The peak of memory is above that after import. "slow" is a pass whose kernel sleeps longer than decoding takes.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import fastlr
from fastlr.moments.combining import added
from fastlr.moments.streamed import MomentsKernel

N_FEATURES, ROUNDS = 20, 5
PAUSE = 0.03  # seconds
NAMES = [f"x{j}" for j in range(N_FEATURES)]
GROUP = 1 << 17


def write(directory, n_rows):
    """Parquet of plain numbers, in small and in large row groups, and CSV."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    schema = pa.schema([(name, pa.float64()) for name in [*NAMES, "y"]])
    options = {"use_dictionary": False, "compression": "none"}
    with (
        pq.ParquetWriter(directory / "small.parquet", schema, **options) as small,
        pq.ParquetWriter(directory / "large.parquet", schema, **options) as large,
        pa.csv.CSVWriter(directory / "rows.csv", schema) as text,
    ):
        for start in range(0, n_rows, 8 * GROUP):
            n = min(8 * GROUP, n_rows - start)
            X = rng.normal(size=(N_FEATURES, n))
            columns = [*X, X.sum(axis=0) + rng.normal(size=n)]
            table = pa.Table.from_arrays(columns, schema=schema)
            small.write_table(table, row_group_size=GROUP)
            large.write_table(table, row_group_size=8 * GROUP)
            if start < n_rows // 4:
                text.write_table(table)


def decode(path, n_threads):
    """Read all row groups and drop them: each thread has a file of its own."""
    import pyarrow.parquet as pq

    metadata = pq.ParquetFile(path).metadata
    waiting, lock = iter(range(metadata.num_row_groups)), threading.Lock()

    def work():
        file = pq.ParquetFile(path, metadata=metadata, pre_buffer=False)
        while True:
            with lock:
                group = next(waiting, None)
            if group is None:
                return
            file.read_row_group(group, use_threads=False)

    threads = [threading.Thread(target=work) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def fit(path, n_threads):
    """Fit the rows of a file by least squares, as `fastlr.scan` reads them."""
    fastlr.ols(fastlr.scan(path, target="y", n_threads=n_threads))


def robust(path, n_threads):
    """Least squares and robust errors: a second pass."""
    fastlr.ols(fastlr.scan(path, target="y", n_threads=n_threads), cov_type="HC1")


def slow(path, n_threads):
    """Moments by a kernel that takes its time: what is decoded meanwhile must not pile up."""
    rows = fastlr.scan(path, target="y", n_threads=n_threads)
    kernel = MomentsKernel(rows.feature_names, rows.target_names, "double")

    def slowly(chunk):
        time.sleep(PAUSE)
        return kernel(chunk)

    rows.map_merge(slowly, added)


def polars_and_numpy(path, n_threads):
    """Read all rows into memory by polars, then solve the normal equations in NumPy."""
    import polars as pl

    X = pl.read_csv(path).to_numpy()
    centred = X - X.mean(axis=0)
    products = centred.T @ centred
    np.linalg.solve(products[:-1, :-1], products[:-1, -1])


WAYS = {way.__name__: way for way in (decode, fit, robust, slow, polars_and_numpy)}
CASES = [
    ("small.parquet", "decode"),
    ("small.parquet", "fit"),
    ("small.parquet", "robust"),
    ("small.parquet", "slow"),
    ("large.parquet", "decode"),
    ("large.parquet", "fit"),
    ("large.parquet", "slow"),
    ("rows.csv", "polars_and_numpy"),
    ("rows.csv", "fit"),
    ("rows.csv", "slow"),
]
CLAIMS = [
    ("Parquet to ols, as a share of decoding alone", "small.parquet", "decode", 0.85),
    ("the same, large row groups", "large.parquet", "decode", 0.85),
    ("CSV to ols, times as fast as polars and NumPy", "rows.csv", "polars_and_numpy", 1.5),
]
MOST_MB = 300
OURS = ("fit", "robust", "slow")


def peak():
    """The largest memory of this process so far, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def measure(way, path, n_threads):
    """Seconds of wall time and of CPU time, and MB of memory above those after import, of one run after another."""
    import polars  # noqa: F401 - both ways have it
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401

    small = [(np.ones((3, 1)), np.arange(3.0))]
    fastlr.ols(fastlr.scan(small), rank="min_norm")
    before = peak()
    wall, cpu = time.perf_counter(), time.process_time()
    WAYS[way](path, n_threads)
    found = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps([*found, (peak() - before) / 1024]))


def main(n_rows=12_000_000, n_threads=2):
    """Tables: the least wall and CPU time of each way and its memory, and what is claimed of them."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write(directory, n_rows)
        found = {case: [] for case in CASES}
        for _ in range(ROUNDS):
            for file, way in CASES:
                command = [sys.executable, "-m", "benchmarks.streams", way, str(directory / file)]
                output = subprocess.run(
                    [*command, str(n_threads)], check=True, capture_output=True, text=True
                )
                found[file, way].append(json.loads(output.stdout))
        print(f"{n_rows} rows of {N_FEATURES + 1} numbers, {n_threads} threads")
        print(f"{'':36}{'GB':>6}{'wall s':>9}{'GB/s':>7}{'CPU s':>9}{'MB':>7}")
        for (file, way), values in found.items():
            size = (directory / file).stat().st_size / 1e9
            wall, cpu, memory = np.array(values).min(axis=0)
            memory = max(row[2] for row in values)
            print(
                f"{file + ' ' + way:36}{size:6.2f}{wall:9.2f}{size / wall:7.2f}{cpu:9.2f}{memory:7.0f}"
            )
    print(f"\n{'medians of ratios in the same round':50}{'wall':>7}{'CPU':>7}{'claimed':>9}")
    for what, file, other, claimed in CLAIMS:
        ratios = np.array(found[file, other])[:, :2] / np.array(found[file, "fit"])[:, :2]
        wall, cpu = np.median(ratios, axis=0)
        print(f"{what:50}{wall:7.2f}{cpu:7.2f}{claimed:9.2f}")
    ours = [np.array(values)[:, 2].max() for (_, way), values in found.items() if way in OURS]
    print(f"{'peak of memory of a scan, MB':50}{max(ours):14.0f}{MOST_MB:9}")


if __name__ == "__main__":
    if len(sys.argv) > 3:
        measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
