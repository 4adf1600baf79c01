"""Long work: interrupted at once, with the GIL free, on the threads allowed, in little memory."""

import functools
import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastlr
from fastlr.input.threads import interruptible, resolve_threads


def run(code, **environment):
    (result,) = run_at_once([code], **environment)
    return result


def run_at_once(codes, **environment):
    """The ends of processes of their own that run together."""
    with ThreadPoolExecutor(len(codes)) as pool:
        return list(pool.map(functools.partial(_run, environment), codes))


def _run(environment, code):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


# Rows that cost nothing to hold: one row, seen a million times.
def endless_rows(n_samples, n_features):
    row = np.random.default_rng(0).normal(size=n_features)
    return np.lib.stride_tricks.as_strided(row, (n_samples, n_features), (0, 8)), np.zeros(
        n_samples
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_ctrl_c_stops_a_long_pass_and_changes_nothing(method):
    X, y = endless_rows(3_000_000, 300)
    small = np.random.default_rng(1).normal(size=(1000, 300))
    model = fastlr.LinearRegression().fit(small, small[:, 0])
    before = model.moments_.to_bytes(), model.coef_.copy()
    sent = []

    def interrupt():
        time.sleep(0.5)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        getattr(model, method)(X, y)
    stopped = time.monotonic()
    thread.join()
    # A bound on the answer to Ctrl-C, generous for a busy machine: a whole pass takes far longer.
    assert stopped - sent[0] < 2.0
    assert model.moments_.to_bytes() == before[0]
    np.testing.assert_array_equal(model.coef_, before[1])


def interrupted(call):
    """Seconds from Ctrl-C to the end of a call that would go on for long."""
    sent = []

    def interrupt():
        time.sleep(0.3)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        call()
    stopped = time.monotonic()
    thread.join()
    return stopped - sent[0]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_stops_long_predictions():
    small = np.random.default_rng(0).normal(size=(3000, 1000))
    fit = fastlr.ols(small, small[:, :3])
    X, _ = endless_rows(20_000_000, 1000)
    # As generous as above; a call of the kernel takes a few milliseconds.
    assert interrupted(lambda: fit.predict(X)) < 1.0
    x = np.linspace(-1, 1, 10_000_000)
    polynomial = fastlr.polyfit(x[::10_000], np.cos(x[::10_000]), 20)
    assert interrupted(lambda: [polynomial.predict(x) for _ in range(50)]) < 1.0


@pytest.mark.parametrize(
    ("n_samples", "n_features", "n_targets"),
    [(20_000_000, 1, 1), (3_000_000, 10, 1), (40_000, 2000, 3), (3000, 300, 300)],
)
@pytest.mark.parametrize("n_threads", [1, 2])
def test_predictions_are_made_in_short_calls_that_take_every_row_once(
    monkeypatch, n_samples, n_features, n_targets, n_threads
):
    from fastlr.input.arguments import as_features
    from fastlr.results import prediction

    calls = []

    class Kernels:
        @staticmethod
        def predict(source, first, last, coef, intercept, threads, out):
            calls.append((first, last))
            out[first:last] = 0.0

    monkeypatch.setattr(prediction, "kernels", Kernels)
    X = np.broadcast_to(np.zeros(1), (n_samples, n_features))
    prediction.predict_linear(
        as_features(X),
        np.zeros((n_targets, n_features)),
        np.zeros(n_targets),
        n_threads,
        names=(),
    )
    assert [first for first, _ in calls] == [0, *(last for _, last in calls[:-1])]
    assert calls[-1][1] == n_samples
    # 2^23 products take a core some 10 ms where memory is near, and 50 where it is not.
    most = max(last - first for first, last in calls)
    assert most * n_features * n_targets <= n_threads * max(1 << 23, 256 * n_features * n_targets)


@pytest.mark.parametrize("frame", [False, True])
def test_a_value_that_is_not_finite_is_named_wherever_it_lies(frame):
    X = np.zeros((900_000, 5))
    fit = fastlr.ols(np.random.default_rng(0).normal(size=(20, 5)), np.arange(20.0))
    for row, column in ((899_999, 0), (700_000, 4), (0, 2)):
        X[row, column] = np.nan
        data = {f"x{j}": X[:, j] for j in range(5)} if frame else X
        with pytest.raises(fastlr.InputError, match=rf"NaN .row {row}, column 'x{column}'"):
            fit.predict(data)
        with pytest.raises(fastlr.InputError, match=rf"NaN .row {row}, column 'x{column}'"):
            fastlr.ols(data, np.arange(900_000.0))


def test_other_threads_run_during_a_pass():
    X, y = endless_rows(100_000, 300)
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.monotonic()
    fastlr.Moments.from_arrays(X, y, n_threads=1)
    end = time.monotonic()
    done.set()
    thread.join()
    assert sum(start < t < end for t in ticks) >= 5


def test_python_threads_fit_the_same_rows_to_the_same_bits():
    X = np.random.default_rng(0).normal(size=(20_000, 12))
    y = X.sum(axis=1)
    answers = [None] * 16

    def fit(k):
        answers[k] = fastlr.ols(X, y).coef.tobytes()

    threads = [threading.Thread(target=fit, args=(k,)) for k in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {fastlr.ols(X, y).coef.tobytes()}


def test_threads_come_from_what_the_process_may_use():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    assert 1 <= resolve_threads(None) <= len(os.sched_getaffinity(0))
    with threadpoolctl.threadpool_limits(1):
        assert resolve_threads(None) == 1
    assert resolve_threads(7) == 7
    code = "from fastlr.input.threads import resolve_threads; print(resolve_threads(None))"
    assert run(code, OMP_NUM_THREADS="1").stdout.strip() == "1"
    pinned = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); " + code
    assert run(pinned).stdout.strip() == "1"


def test_the_control_groups_quota_is_honoured(monkeypatch, tmp_path):
    from fastlr.input import threads

    for text, limit in (("max 100000", None), ("150000 100000", 2), ("50000 100000", 1)):
        (tmp_path / "cpu.max").write_text(text)
        monkeypatch.setattr(threads, "Path", lambda _, name="cpu.max": tmp_path / name)
        threads._cgroup_limit.cache_clear()
        assert threads._cgroup_limit() == limit
    threads._cgroup_limit.cache_clear()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(("n_samples", "n_features"), [(600_000, 20), (30_000, 400)])
def test_extra_memory_does_not_grow_with_the_rows(n_samples, n_features):
    code = f"""
    import numpy as np, fastlr, resource
    small = np.random.default_rng(0).normal(size=(3000, {n_features}))
    fastlr.ols(small, small[:, 0])
    X = np.empty(({n_samples}, {n_features}), order=ORDER)
    for first in range(0, len(X), 3000):
        X[first : first + 3000] = small
    y = X[:, 0].copy()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fastlr.ols(X, y)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    for result in run_at_once([f"ORDER = {order!r}\n" + textwrap.dedent(code) for order in "CF"]):
        extra = int(result.stdout)  # KiB; a copy of the rows would be 96 MB
        assert extra <= 64 * 1024 + 3 * 8 * n_features**2 / 1024


def test_a_read_only_memory_map_is_fitted_in_place(tmp_path):
    X = np.random.default_rng(0).normal(size=(5000, 7))
    y = X.sum(axis=1)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert fastlr.ols(mapped, y).to_dict() == fastlr.ols(X, y).to_dict()


OTHERS = ("numpy", "scipy.linalg", "sklearn.linear_model", "pyarrow", "polars", "pandas")


def test_import_order_does_not_matter():
    """fastlr before all that bring threads and libraries of their own, and after them, who come in turn."""
    others = [name for name in OTHERS if importlib.util.find_spec(name.split(".")[0])]
    orders = (["fastlr", *others], [*reversed(others), "fastlr"])
    codes = [
        f"import {', '.join(order)}\nprint(fastlr.ols([[1.0], [2.0], [4.0]], [1.0, 2.0, 4.0]).coef)"
        for order in orders
    ]
    for order, result in zip(orders, run_at_once(codes, PYTHONWARNINGS="ignore"), strict=True):
        assert result.stdout.strip() == "[1.]", f"{order}: {result.stderr}"


def test_fork_after_threads_does_not_hang():
    code = """
    import multiprocessing as mp, numpy as np, fastlr
    X = np.random.default_rng(0).normal(size=(100_000, 10)); y = X.sum(axis=1)
    def child(_): return fastlr.ols(X, y).coef.tobytes()
    parent = fastlr.ols(X, y).coef.tobytes()
    with mp.get_context("fork").Pool(3) as pool: answers = pool.map(child, range(6))
    assert answers == [parent] * 6
    """
    result = run(code, PYTHONWARNINGS="ignore")
    assert result.returncode == 0, result.stderr


def test_subnormal_numbers_live_on_after_import_and_threads():
    X = np.random.default_rng(0).normal(size=(50_000, 5))
    fastlr.ols(X, X[:, 0])
    tiny = np.array([5e-324])
    assert (tiny / 1.0)[0] == 5e-324
    answers = []
    thread = threading.Thread(target=lambda: answers.append((tiny * 1.0)[0]))
    thread.start()
    thread.join()
    assert answers == [5e-324]


def test_algebra_that_waits_in_a_thread_gives_and_raises_the_same():
    A = np.random.default_rng(0).normal(size=(420, 420))
    np.testing.assert_array_equal(interruptible(np.linalg.qr, A)[0], np.linalg.qr(A)[0])
    np.testing.assert_array_equal(
        interruptible(np.linalg.svd, A, compute_uv=False), np.linalg.svd(A, compute_uv=False)
    )
    with pytest.raises(np.linalg.LinAlgError):
        interruptible(np.linalg.cholesky, -np.eye(420))


def test_algebra_does_without_a_thread_where_none_starts(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert interruptible(np.trace, np.eye(420)) == 420


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_does_not_wait_for_algebra():
    started, ended = threading.Event(), threading.Event()
    waits = []

    def endless(matrix):
        started.set()
        waits.append(ended.wait(60))

    def interrupt():
        started.wait(60)
        time.sleep(0.3)  # until the main thread waits
        os.kill(os.getpid(), signal.SIGINT)

    # A handler as some libraries install it (polars does): calls that a signal interrupts begin again.
    signal.siginterrupt(signal.SIGINT, False)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            interruptible(endless, np.eye(420))
        assert not waits
    finally:
        ended.set()
        thread.join()
        signal.siginterrupt(signal.SIGINT, True)
