"""Claims on networks, an epoch each, beside scikit-learn and others: `python -m benchmarks.networks [--cpu] [row]`.

Candidates of one row run in turns on the same 1e5 rows of 20 features, and medians of their times are compared. A fit
is measured as a whole, with checks of its input and what it sets up. PyTorch runs as its tutorials do it, eagerly over
shuffled indices, if it is installed, and so does Keras, once, with whatever its backend is. The share of the
multiply-add limit is that of the steps alone: what products of layers need, over what `measure_roofline` reaches in
the same rounds.

With ``--cpu`` everybody has one thread, and processor time is compared: what can be said on a machine that is busy.
"""

import importlib.util
import itertools
import statistics
import sys
import time
import warnings

import numpy as np
from threadpoolctl import threadpool_limits

import fastlr
from fastlr.bench import measure_roofline
from fastlr.input.threads import resolve_threads

N, P = 10**5, 20
ROUNDS = 5
IS_CPU = "--cpu" in sys.argv[1:]
THREADS = 1 if IS_CPU else None
clock = time.process_time if IS_CPU else time.perf_counter
# Name: hidden layers, activation, solver, batch; times scikit-learn in float64 and float32, PyTorch and Keras.
ROWS = {
    "100": ((100,), "relu", "adam", 200, 12.0, 16.0, None, None),
    "32": ((32,), "tanh", "sgd", 32, 25.0, None, 60.0, None),
    "64-64": ((64, 64), "relu", "adam", 64, 8.0, None, 15.0, 30.0),
    "256-256": ((256, 256), "relu", "adam", 256, 3.0, None, None, None),
}


def draw(n=N, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, P))
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(n)
    return X.astype(dtype), y.astype(dtype)


def regressor(kind, hidden, activation, solver, batch):
    own = {"n_threads": THREADS} if kind is fastlr.MLPRegressor else {}
    return kind(
        hidden_layer_sizes=hidden,
        activation=activation,
        solver=solver,
        batch_size=batch,
        max_iter=1,
        random_state=0,
        **own,
    )


def torch_epoch(X, y, hidden, activation, solver, batch):
    """Train a PyTorch network for one epoch, as in its tutorial's loop."""
    import torch

    functions = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}
    sizes = [X.shape[1], *hidden]
    layers = []
    for n_inputs, n_outputs in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(n_inputs, n_outputs), functions[activation]()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], 1))
    rule = torch.optim.Adam if solver == "adam" else torch.optim.SGD
    optimizer = rule(model.parameters(), lr=1e-3)
    A, t = torch.from_numpy(X), torch.from_numpy(y)
    order = torch.randperm(len(t))
    for k in range(0, len(t), batch):
        chosen = order[k : k + batch]
        optimizer.zero_grad()
        loss = 0.5 * torch.mean((model(A[chosen]).squeeze(1) - t[chosen]) ** 2)
        loss.backward()
        optimizer.step()


def keras_epoch(X, y, hidden, activation, solver, batch):
    """An epoch of `fit` in float32, as its guides have it, after a step that builds the model."""
    import keras

    layers = [keras.layers.Dense(size, activation) for size in hidden]
    model = keras.Sequential([keras.Input((X.shape[1],)), *layers, keras.layers.Dense(1)])
    model.compile(optimizer=solver, loss="mse")
    model.fit(X[:batch], y[:batch], batch_size=batch, verbose=0)

    def epoch():
        model.fit(X, y, batch_size=batch, verbose=0)

    return epoch


def multiply_adds(hidden):
    """Of one row: forwards and for the gradient every weight once, backwards all but the first layer's."""
    sizes = [P, *hidden, 1]
    weights = [a * b for a, b in itertools.pairwise(sizes)]
    return 2 * sum(weights) + sum(weights[1:])


def measure(candidates, rounds=ROUNDS, rest=0.15):
    """Median seconds by name, the candidates in turns."""
    times = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, run in candidates.items():
            time.sleep(rest)  # until threads of the one before have stopped to spin
            start = clock()
            run()
            if turn:
                times[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def line(row, name, seconds, ours, wanted=None):
    ratio = seconds / ours
    verdict = (
        "" if wanted is None else f"   (at least {wanted:g}: {'yes' if ratio >= wanted else 'NO'})"
    )
    print(f"{row:<26} {name:<24} {seconds * 1e3:9.1f} ms {ratio:7.1f}x{verdict}", flush=True)


def has(package):
    return importlib.util.find_spec(package) is not None


def row_of(name):
    from sklearn.neural_network import MLPRegressor as Theirs

    *of, wanted, wanted_single, wanted_torch, wanted_keras = ROWS[name]
    hidden, activation, solver, batch = of
    X, y = draw()
    Xs, ys = draw(dtype=np.float32)
    limits = []
    candidates = {
        "fastlr": lambda: regressor(fastlr.MLPRegressor, *of).fit(X, y),
        "scikit-learn": lambda: regressor(Theirs, *of).fit(X, y),
        "fastlr float32": lambda: regressor(fastlr.MLPRegressor, *of).fit(Xs, ys),
        "scikit-learn float32": lambda: regressor(Theirs, *of).fit(Xs, ys),
        "limit": lambda: limits.append(measure_roofline(resolve_threads(THREADS)).flops),
    }
    if has("torch"):
        candidates["PyTorch float32"] = lambda: torch_epoch(Xs, ys, *of)
    seconds = measure(candidates)
    ours, single = seconds["fastlr"], seconds["fastlr float32"]
    label = f"{hidden} {activation} {solver} {batch}"
    line(label, "fastlr", ours, ours)
    line(label, "scikit-learn", seconds["scikit-learn"], ours, wanted)
    line(label, "fastlr float32", single, single)
    line(label, "scikit-learn float32", seconds["scikit-learn float32"], single, wanted_single)
    if "PyTorch float32" in seconds:
        line(label, "PyTorch float32", seconds["PyTorch float32"], single, wanted_torch)
    if wanted_keras is not None and has("keras"):
        run = keras_epoch(Xs, ys, *of)
        start = clock()
        run()
        line(label, "Keras float32, once", clock() - start, single, wanted_keras)
    share = 2.0 * N * multiply_adds(hidden) / ours / statistics.median(limits)
    print(
        f"{label:<26} {share:.0%} of the multiply-add limit on {resolve_threads(THREADS)} thread(s)"
    )


def predictions():
    from sklearn.neural_network import MLPRegressor as Theirs

    X, y = draw()
    of = ((100,), "relu", "adam", 200)
    ours = regressor(fastlr.MLPRegressor, *of).fit(X, y)
    theirs = regressor(Theirs, *of).fit(X, y)
    rows, _ = draw(10**6)
    seconds = measure(
        {"fastlr": lambda: ours.predict(rows), "scikit-learn": lambda: theirs.predict(rows)}
    )
    line("predict 1e6 through (100,)", "fastlr", seconds["fastlr"], seconds["fastlr"])
    line(
        "predict 1e6 through (100,)",
        "scikit-learn",
        seconds["scikit-learn"],
        seconds["fastlr"],
        4.0,
    )


def main():
    names = [name for name in sys.argv[1:] if name != "--cpu"] or [*ROWS, "predict"]
    with warnings.catch_warnings(), threadpool_limits(THREADS):
        warnings.simplefilter("ignore")
        for name in names:
            predictions() if name == "predict" else row_of(name)


if __name__ == "__main__":
    main()
