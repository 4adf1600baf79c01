"""Chunks on the workers of executors: the bits of a scan, whatever fails on the way."""

import multiprocessing
import os
import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fastlr
from fastlr import distributed
from fastlr.distributed.work import Work
from fastlr.results.streamed_influence import streamed_influence


def batch(k, offset=0.0):
    """Rows of a chunk, some chunks larger than others."""
    rng = np.random.default_rng(k)
    X = offset + rng.normal(size=(60 + 40 * (k % 3), 4))
    noise = 0.1 * (1 + np.abs(X[:, 0] - offset)) * rng.normal(size=len(X))
    return X, (X - offset) @ [1.0, -2.0, 3.0, 0.5] + noise


def frame(k):
    X, y = batch(k)
    columns = {f"x{j}": X[:, j] for j in range(4)}
    return pa.table({**columns, "town": [f"t{i % 7}" for i in range(len(y))], "y": y})


class Carried(Executor):
    """Whatever is submitted is pickled, as on the way to another process, and done at once."""

    def __init__(self):
        self.n_tasks = 0

    def submit(self, function, /, *args):
        self.n_tasks += 1
        function, args = pickle.loads(pickle.dumps((function, args)))
        future = Future()
        try:
            future.set_result(pickle.loads(pickle.dumps(function(*args))))
        except Exception as error:  # noqa: BLE001 - raised by whoever asks
            future.set_exception(pickle.loads(pickle.dumps(error)))
        return future


def bits_of(moments):
    return [
        part.tobytes() if isinstance(part, np.ndarray) else part for part in moments.for_kernels()
    ]


@pytest.fixture
def threads():
    with ThreadPoolExecutor(3) as executor:
        yield executor


def test_moments_have_the_bits_of_a_scan_however_chunks_are_grouped(threads):
    n = 37
    chunks = [partial(batch, k, 1e7) for k in range(n)]
    whole = fastlr.Moments.from_rows(fastlr.scan(lambda: (chunk() for chunk in chunks)))
    for size in (None, 1, 2, 8, 64):
        for executor in (threads, Carried()):
            moments = distributed.moments(executor, chunks, chunks_per_task=size, in_flight=5)
            assert bits_of(moments) == bits_of(whole), f"chunks_per_task={size}"


def test_every_pass_runs_on_workers_and_gives_what_a_scan_gives():
    frames = [partial(frame, k) for k in range(9)]
    local = fastlr.scan(lambda: (made() for made in frames), target="y", exclude="town")
    for options in (
        {"accuracy": "max"},
        {"cov_type": "HC1"},
        {"cov_type": "HC3"},
        {"cov_type": "cluster", "cov_kwds": {"groups": "town"}},
        {"weight_type": "probability"},
        {"alpha": 0.5},
    ):
        expected = fastlr.ols(local, **options)
        workers = Carried()
        fit = distributed.ols(workers, frames, target="y", exclude="town", **options)
        assert fit.coef.tobytes() == expected.coef.tobytes(), options
        assert fit.bse_coef.tobytes() == expected.bse_coef.tobytes(), options
        assert fit.passes == expected.passes, options
        assert workers.n_tasks > 9 or "alpha" in options, options


def test_paths_and_subsets_of_workers_are_those_of_a_scan(threads):
    chunks = [partial(batch, k) for k in range(6)]
    local = fastlr.scan(lambda: (chunk() for chunk in chunks))
    ridge = distributed.ridge_path(threads, chunks, alphas=[0.1, 1.0])
    assert np.array_equal(ridge.coef, fastlr.ridge_path(local, alphas=[0.1, 1.0]).coef)
    lasso = distributed.lasso_path(threads, chunks, n_alphas=5)
    assert np.array_equal(lasso.coefs, fastlr.lasso_path(local, n_alphas=5).coefs)
    nets = distributed.enet_path(threads, chunks, n_alphas=5, l1_ratio=0.3)
    assert np.array_equal(nets.coefs, fastlr.enet_path(local, n_alphas=5, l1_ratio=0.3).coefs)
    subset = distributed.best_subset(threads, chunks, criterion="kfold")
    assert subset.best.features == fastlr.best_subset(local, criterion="kfold").best.features
    assert (
        distributed.ridge(threads, chunks).coef.tobytes()
        == fastlr.ols(local, alpha=1.0).coef.tobytes()
    )


def test_influence_folds_and_steps_of_workers_are_those_of_a_scan():
    chunks = [partial(batch, k) for k in range(9)]
    workers = distributed.rows(Carried(), chunks, chunks_per_task=2)
    local = fastlr.scan(lambda: (chunk() for chunk in chunks))
    found = streamed_influence(fastlr.ols(workers), workers)
    assert found[0].far, "some rows lie far off"
    assert found == streamed_influence(fastlr.ols(local), local)
    alphas = [fastlr.LassoCV(cv=3).fit(rows).alpha_ for rows in (workers, local)]
    assert alphas[0] == alphas[1]
    fits = [fastlr.descend(rows, loss="huber") for rows in (workers, local)]
    assert np.array_equal(fits[0].coef, fits[1].coef)
    with pytest.raises(
        fastlr.InputError, match="the 9 chunks are read where they are, not in turn"
    ):
        fastlr.descend(workers, batch_size=10)


def test_columns_far_from_zero_keep_their_digits_on_workers(threads):
    chunks = [partial(batch, k, 1e7) for k in range(20)]
    X, y = (np.concatenate(parts) for parts in zip(*(c() for c in chunks), strict=True))
    Z = X - X.mean(axis=0)
    expected = np.linalg.lstsq(Z, y - y.mean(), rcond=None)[0]
    fit = distributed.ols(threads, chunks)
    assert np.abs(fit.coef - expected).max() < 1e-8


def test_collinear_columns_get_their_digits_by_further_passes_of_workers():
    def nearly_equal(k):
        X, _ = batch(k)
        X[:, 1] = X[:, 0] + 1e-6 * X[:, 1]
        return X, X @ [1.0, 2.0, 3.0, 4.0]

    chunks = [partial(nearly_equal, k) for k in range(5)]
    with ThreadPoolExecutor(2) as executor:
        fit = distributed.ols(executor, chunks, accuracy="max")
    assert fit.passes > 2
    assert np.abs(fit.coef - [1.0, 2.0, 3.0, 4.0]).max() < 1e-9


def test_row_groups_are_shared_out_with_the_bits_of_a_scan(tmp_path, threads):
    for k in range(3):
        table = pa.concat_tables([frame(10 * k + i) for i in range(5)])
        pq.write_table(table, tmp_path / f"{k}.parquet", row_group_size=70)
    named = {"target": "y", "exclude": "town", "chunk_rows": 50}
    whole = fastlr.Moments.from_rows(fastlr.scan(f"{tmp_path}/*.parquet", **named))
    workers = Carried()
    for executor, paths in (
        (threads, f"{tmp_path}/*.parquet"),
        (workers, [tmp_path / f"{k}.parquet" for k in range(3)]),
    ):
        moments = distributed.moments(executor, paths, chunks_per_task=1, **named)
        assert bits_of(moments) == bits_of(whole)
    assert workers.n_tasks > 15
    for k in range(3):
        (tmp_path / f"{k}.csv").write_text("x,y\n1,2\n2,3\n3,5\n")
    fit = distributed.ols(threads, tmp_path.glob("*.csv") and f"{tmp_path}/*.csv", target="y")
    assert (fit.n_samples, round(float(fit.coef[0]), 9)) == (9, 1.5)


def test_processes_give_the_bits_of_a_scan_and_one_that_dies_is_told_with_its_chunks():
    chunks = [batch(k) for k in range(8)]
    whole = fastlr.ols(fastlr.scan(chunks), cov_type="HC0")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        fit = distributed.ols(executor, chunks, cov_type="HC0")
        with pytest.raises(RuntimeError, match="chunks 1 to 1 of the 2 chunks"):
            distributed.moments(executor, [chunks[0], partial(os._exit, 3)])
    assert fit.coef.tobytes() == whole.coef.tobytes()
    assert fit.bse_coef.tobytes() == whole.bse_coef.tobytes()


def test_merging_changes_nothing_that_was_found():
    found = []

    class Watched(Carried):
        def submit(self, function, /, *args):
            future = super().submit(function, *args)
            gathered = future.result()
            if hasattr(gathered, "found"):
                for part in gathered.found.value:
                    if isinstance(part, np.ndarray):
                        part.flags.writeable = False
                found.append((gathered, pickle.dumps(gathered)))
            return future

    distributed.moments(Watched(), [batch(k) for k in range(11)])
    assert len(found) == 11
    assert all(pickle.dumps(gathered) == before for gathered, before in found)


def test_empty_chunks_add_nothing(threads):
    empty = np.zeros((0, 4)), np.zeros(0)
    full = [batch(k) for k in range(5)]
    chunks = [empty, full[0], empty, empty, *full[1:], empty]
    fit = distributed.ols(threads, chunks)
    assert fit.n_samples == sum(len(y) for _, y in full)
    none = pa.table({"x": pa.array([], pa.null()), "y": pa.array([], pa.null())})
    frames = [none, pa.table({"x": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.0]}), none]
    assert distributed.ols(threads, frames, target="y").n_samples == 3
    with pytest.raises(fastlr.InputError, match="the 2 chunks have no rows"):
        distributed.ols(threads, [empty, empty])


def test_missing_values_are_named_by_chunk_and_row_or_left_out(threads):
    chunks = [batch(k) for k in range(6)]
    chunks[4][0][7, 2] = np.nan
    with pytest.raises(fastlr.InputError, match=r"chunk 4.*'x2'.*row 8"):
        distributed.moments(threads, chunks)
    moments = distributed.moments(threads, chunks, missing="drop")
    assert moments.n_dropped == 1
    assert moments.n_samples == sum(len(y) for _, y in chunks) - 1


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (pa.table({"x": [1.0], "z": [2.0]}), "chunk 2 has no column 'y'; it has x, z"),
        (pa.table({"x": ["a"], "y": [2.0]}), "chunk 2: column 'x' holds text"),
        (pa.table({"x": [1.0], "y": ["b"]}), "chunk 2: column 'y' holds text"),
        ({"x": [1.0, 2.0], "y": [1.0]}, "chunk 2: columns of batch 0 of source differ in length"),
        (partial(int, "no number"), "chunk 2 failed: ValueError: invalid literal"),
    ],
)
def test_a_chunk_that_cannot_be_used_is_named(threads, chunk, message):
    usual = pa.table({"x": [1.0, 2.0], "y": [2.0, 3.0]})
    with pytest.raises((ValueError, RuntimeError), match=message):
        distributed.moments(threads, [usual, usual, chunk, usual], target="y")


def test_pairs_with_other_columns_are_refused(threads):
    wide = np.ones((3, 5)), np.ones(3)
    with pytest.raises(fastlr.InputError, match=r"chunk 1 has a column 'x4'.*the first one has x0"):
        distributed.moments(threads, [batch(0), wide])


def test_of_several_chunks_that_fail_the_first_one_is_told(threads):
    chunks = [
        partial(batch, k) if k not in (9, 21) else partial(int, f"bad {k}") for k in range(30)
    ]
    for _ in range(3):
        with pytest.raises(RuntimeError, match="chunk 9 failed"):
            distributed.moments(threads, chunks, chunks_per_task=2, in_flight=30)


def test_a_file_that_changes_before_a_worker_reads_it_is_refused(tmp_path, threads):
    pq.write_table(frame(0), tmp_path / "a.parquet")
    pq.write_table(frame(1), tmp_path / "b.parquet")
    rows = distributed.rows(threads, f"{tmp_path}/*.parquet", target="y", exclude="town")
    pq.write_table(frame(2), tmp_path / "b.parquet")
    with pytest.raises(fastlr.FileFormatError, match=r"b\.parquet has changed"):
        fastlr.ols(rows)


def test_chunks_that_differ_between_passes_are_refused(threads):
    seen = []

    def growing(k):
        seen.append(k)
        return tuple(part[: 50 + len(seen)] for part in batch(2))

    with pytest.raises(fastlr.InputError, match=r"chunk \d of the 3 chunks had other rows"):
        distributed.ols(threads, [partial(growing, k) for k in range(3)], cov_type="HC0")


def test_few_tasks_are_under_way_and_ctrl_c_cancels_the_rest():
    class Recording(Carried):
        most = 0

        def __init__(self, fails_at=None):
            super().__init__()
            self.futures, self.fails_at = [], fails_at

        def submit(self, function, /, *args):
            if isinstance(args[0], Work):
                if len(self.futures) == self.fails_at:
                    raise KeyboardInterrupt
                self.futures.append(Future())
                type(self).most = max(self.most, sum(not f.done() for f in self.futures))
                if len(self.futures) >= 3 and self.fails_at is None:
                    for future in [f for f in self.futures if not f.done()]:
                        future.set_result(None)
                return self.futures[-1]
            return super().submit(function, *args)

    chunks = [batch(k) for k in range(12)]
    with pytest.raises(fastlr.FileFormatError, match="no rows"):
        distributed.moments(Recording(), chunks, in_flight=3)
    assert Recording.most == 3
    stopped = Recording(fails_at=2)
    with pytest.raises(KeyboardInterrupt):
        distributed.moments(stopped, chunks, in_flight=4)
    assert all(future.cancelled() for future in stopped.futures)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"executor": 3}, "executor is a int: pass one of concurrent.futures"),
        ({"chunks": []}, "chunks is empty"),
        ({"chunks": 5}, "chunks is a int"),
        ({"chunks_per_task": 3}, "chunks_per_task=3 is no power of two.*pass 2 or 4"),
        ({"in_flight": 0}, "in_flight=0"),
        ({"threads_per_task": 0}, "threads_per_task=0"),
        ({"missing": "no"}, "missing='no'"),
        ({"target": "y"}, r"batches \(X, y\) say themselves"),
        ({"n_threads": 2}, "n_threads is given beside a scan"),
        ({"colour": 1}, "rows has no argument 'colour'"),
    ],
)
def test_bad_arguments_are_refused_by_name(threads, changed, message):
    given = {"executor": threads, "chunks": [batch(0), batch(1)], **changed}
    with pytest.raises((ValueError, TypeError), match=message):
        distributed.ols(given.pop("executor"), given.pop("chunks"), **given)


def test_clusters_may_be_features_as_well(threads):
    rng = np.random.default_rng(4)
    columns = {name: rng.normal(size=200) for name in "by"} | {"a": np.arange(200) % 7.0}
    options = {"cov_type": "cluster", "cov_kwds": {"groups": "a"}}
    table = pa.table(columns)
    ours = distributed.ols(threads, [table], target="y", **options)
    np.testing.assert_allclose(
        ours.bse, fastlr.ols(fastlr.scan([table], target="y"), **options).bse, rtol=1e-12
    )
