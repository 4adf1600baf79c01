"""Claims on gradient descent, each beside the loop that a learner writes: `python -m benchmarks.descent [row ...]`.

Candidates of one row run in turns on the same arrays, and medians are compared. What happens once
(statistics of the rows, choosing a rate) is part of the time, as is the loop's own set-up.
"""

import statistics
import sys
import time
import warnings

import numpy as np

import fastlr
from fastlr.bench import measure_roofline
from fastlr.input.threads import resolve_threads

RATE = 0.01


def rows(n, p):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, X @ rng.standard_normal(p) + 1.0 + rng.standard_normal(n)


def numpy_full_batch(X, y, epochs):
    """The loop of the textbooks: predict, residual, gradient, update; and the loss, to watch it."""
    n = len(y)
    w, b, losses = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        r = X @ w + b - y
        losses.append(r @ r / (2 * n))
        w -= RATE * (X.T @ r) / n
        b -= RATE * r.mean()
    return w


def numpy_batches(X, y, size, epochs):
    """Descend by minibatches in NumPy: shuffle the rows, cut them into batches, gather each, take its step."""
    rng = np.random.default_rng(0)
    n = len(y)
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(epochs):
        order = rng.permutation(n)
        for start in range(0, n, size):
            batch = order[start : start + size]
            A = X[batch]
            r = A @ w + b - y[batch]
            w -= RATE * (A.T @ r) / len(batch)
            b -= RATE * r.mean()
    return w


def torch_batches(X, y, size, steps):
    """The same with PyTorch's tensors, autograd and optimizer, over shuffled indices."""
    import torch

    A, t = torch.from_numpy(X), torch.from_numpy(y)
    model = torch.nn.Linear(X.shape[1], 1, dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    order = torch.randperm(len(t))
    for step in range(steps):
        batch = order[step * size : (step + 1) * size]
        optimizer.zero_grad()
        loss = 0.5 * torch.mean((model(A[batch]).squeeze(1) - t[batch]) ** 2)
        loss.backward()
        optimizer.step()
    return model.weight.detach().numpy().ravel()


def line(row, name, seconds, ours, wanted=None):
    ratio = seconds / ours
    verdict = (
        "" if wanted is None else f"   (at least {wanted:g}: {'yes' if ratio >= wanted else 'NO'})"
    )
    print(f"{row:<28} {name:<22} {seconds * 1e3:11.3f} ms {ratio:9.1f}x{verdict}", flush=True)


def median(times):
    return statistics.median(times)


def measure(candidates, rounds, rest=0.15):
    """Median seconds by name, the candidates in turns, each after a moment of rest.

    BLAS threads spin for a while when their work is done, and would slow down whatever comes next.
    """
    for run in candidates.values():
        run()
    times = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            time.sleep(rest)
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: median(values) for name, values in times.items()}


def epochs_of(X, y, epochs, **options):
    """Seconds of each epoch but the first, whose time holds the statistics of the rows."""
    stamps = []
    fastlr.descend(
        X,
        y,
        epochs=epochs,
        tol=None,
        callback=lambda _: stamps.append(time.perf_counter()),
        **options,
    )
    return np.diff(stamps)


def rows_engine(p):
    """Seconds an epoch, beside NumPy's loop and the bandwidth measured in the same rounds."""
    X, y = rows(10**6, p)
    n_epochs = 4 if p < 50 else 2
    ours, numpys, bandwidths = [], [], []
    for _ in range(9):
        time.sleep(0.15)
        ours.extend(epochs_of(X, y, 12, learning_rate=RATE, engine="rows"))
        start = time.perf_counter()
        numpy_full_batch(X, y, n_epochs)
        numpys.append((time.perf_counter() - start) / n_epochs)
        time.sleep(0.15)
        bandwidths.append(measure_roofline(resolve_threads(None)).bandwidth)
    epoch, bandwidth = median(ours), median(bandwidths)
    used = (X.nbytes + y.nbytes) / epoch
    row = f"rows engine 1e6 x {p}"
    line(row, "fastlr, an epoch", epoch, epoch)
    line(row, "NumPy, an epoch", median(numpys), epoch, 6)
    share = used / bandwidth
    print(
        f"{row:<28} {used / 1e9:.1f} GB/s of {bandwidth / 1e9:.1f}: {100 * share:.0f} %"
        f"   (at least 85 %: {'yes' if share >= 0.85 else 'NO'})"
    )
    twice = 2 * X.nbytes / bandwidth
    print(f"{row:<28} NumPy's loop reads X twice: {twice * 1e3:.1f} ms at that bandwidth")


def moments_engine():
    X, y = rows(10**6, 20)
    at = measure(
        {
            "fastlr": lambda: fastlr.descend(X, y, learning_rate=RATE, epochs=1000, tol=None),
            "NumPy": lambda: numpy_full_batch(X, y, 4),
        },
        5,
    )
    line("moments, 1000 epochs", "fastlr", at["fastlr"], at["fastlr"])
    line("moments, 1000 epochs", "NumPy (from 4)", at["NumPy"] * 250, at["fastlr"], 1000)


def batches(size):
    n, epochs, steps = 10**6, 10, 2000
    X, y = rows(n, 20)
    candidates = {
        "fastlr": lambda: fastlr.descend(
            X, y, batch_size=size, learning_rate=RATE, epochs=epochs, tol=None, random_state=0
        ),
        "NumPy": lambda: numpy_batches(X, y, size, 1),
    }
    if size == 32:
        candidates["PyTorch"] = lambda: torch_batches(X, y, size, steps)
    at = measure(candidates, 5)
    row = f"batches of {size}, 1e6 x 20"
    epoch = at["fastlr"] / epochs
    line(row, "fastlr, an epoch", epoch, epoch)
    line(row, "NumPy, an epoch", at["NumPy"], epoch, 15 if size == 32 else 10)
    if "PyTorch" in at:
        line(row, f"PyTorch (from {steps} steps)", at["PyTorch"] * n / (steps * size), epoch, 40)


def single_rows(loss="squared_error"):
    from sklearn.linear_model import SGDRegressor

    X, y = rows(10**6, 20)
    options = {"loss": loss, "max_iter": 5, "tol": None, "random_state": 0}
    at = measure(
        {
            "fastlr": lambda: fastlr.SGDRegressor(**options).fit(X, y),
            "scikit-learn": lambda: SGDRegressor(**options).fit(X, y),
        },
        3,
    )
    row = "single rows, 5 passes" + (f", {loss}" if loss != "squared_error" else "")
    line(row, "fastlr.SGDRegressor", at["fastlr"], at["fastlr"])
    line(row, "scikit-learn", at["scikit-learn"], at["fastlr"], 8)


def small():
    X, y = rows(1000, 3)
    at = measure(
        {
            "fastlr": lambda: fastlr.descend(X, y, learning_rate=RATE, epochs=500, tol=None),
            "rows engine": lambda: fastlr.descend(
                X, y, learning_rate=RATE, epochs=500, tol=None, engine="rows"
            ),
            "NumPy": lambda: numpy_full_batch(X, y, 500),
        },
        51,
        rest=0.0,
    )
    line("1000 x 3, 500 epochs", "fastlr", at["fastlr"], at["fastlr"])
    line("1000 x 3, 500 epochs", "fastlr, rows engine", at["rows engine"], at["fastlr"])
    line("1000 x 3, 500 epochs", "NumPy", at["NumPy"], at["fastlr"], 10)


def memory():
    """What a call adds to the resident set of a fresh process, whatever n; the peak, as the system counts it."""
    import subprocess

    code = """
import re, sys
from pathlib import Path
import numpy as np, fastlr
n, p, options = int(sys.argv[1]), 20, eval(sys.argv[2])
X, y = np.ones((n, p)), np.ones(n)
X[::2] = 0.5
small = fastlr.descend(X[:8], y[:8], learning_rate=1e-3, epochs=1, **options)
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
fastlr.descend(X, y, learning_rate=1e-3, epochs=2, **options)
print(peak() - before)
"""
    for name, options in (
        ("moments", "{}"),
        ("rows", "{'engine': 'rows'}"),
        ("batches", "{'batch_size': 4}"),
    ):
        for n in (10**6, 8 * 10**6):
            result = subprocess.run(
                [sys.executable, "-c", code, str(n), options],
                capture_output=True,
                text=True,
                check=True,
            )
            print(f"memory, {name:<20} n = {n:.0e}: {int(result.stdout) / 1024:6.1f} MiB beyond X")


ROWS = {
    "rows20": lambda: rows_engine(20),
    "rows100": lambda: rows_engine(100),
    "moments": moments_engine,
    "batch32": lambda: batches(32),
    "batch256": lambda: batches(256),
    "single": single_rows,
    "huber": lambda: single_rows("huber"),
    "small": small,
    "memory": memory,
}


def main():
    warnings.simplefilter("ignore")
    for name in sys.argv[1:] or ROWS:
        ROWS[name]()


if __name__ == "__main__":
    main()
