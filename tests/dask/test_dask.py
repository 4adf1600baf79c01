"""Frames and arrays of Dask's: the bits of a scan of the same partitions, whatever happens to workers."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.base import clone

import fastlr
import fastlr.distributed

da = pytest.importorskip("dask.array", reason="Dask is not installed: pip install 'fastlr[dask]'")
dd = pytest.importorskip("dask.dataframe", reason="dask.dataframe is not installed")
dask = pytest.importorskip("dask")

N_ROWS = 960


def table(offset=0.0):
    rng = np.random.default_rng(5)
    X = offset + rng.normal(size=(N_ROWS, 4))
    noise = (1 + np.abs(X[:, 0] - offset)) * rng.normal(size=N_ROWS)
    return X, (X - offset) @ [1.0, -2.0, 3.0, 0.5] + noise


def frame():
    X, y = table()
    towns = [f"t{k % 7}" for k in range(N_ROWS)]
    return pd.DataFrame({**{f"x{j}": X[:, j] for j in range(4)}, "town": towns, "y": y})


def pieces(*arrays, size=96):
    return [
        tuple(array[start : start + size] for array in arrays) for start in range(0, N_ROWS, size)
    ]


def bits_of(moments):
    return [
        part.tobytes() if isinstance(part, np.ndarray) else part for part in moments.for_kernels()
    ]


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="sync"):
        yield


def test_arrays_have_the_bits_of_a_scan_however_they_are_grouped_and_cut():
    X, y = table(1e7)
    whole = bits_of(fastlr.Moments.from_rows(fastlr.scan(pieces(X, y))))
    by_columns = da.from_array(X, chunks=(96, 3))
    for size in (None, 1, 4):
        for other in (da.from_array(y, chunks=96), da.from_array(y, chunks=70)):
            moments = fastlr.dask.moments((by_columns, other), chunks_per_task=size)
            assert bits_of(moments) == whole, f"chunks_per_task={size}"
    unknown = by_columns[by_columns[:, 0] > -np.inf]
    assert np.isnan(unknown.shape[0])
    target = da.from_array(y, chunks=96)[by_columns[:, 0] > -np.inf]
    assert bits_of(fastlr.dask.moments((unknown, target))) == whole


def test_columns_far_from_zero_keep_their_digits():
    X, y = table(1e7)
    expected = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean(), rcond=None)[0]
    fit = fastlr.dask.ols((da.from_array(X, chunks=96), da.from_array(y, chunks=96)))
    assert np.abs(fit.coef - expected).max() < 1e-8


def test_every_pass_runs_on_frames_and_gives_what_a_scan_gives():
    rows = frame()
    parts = dd.from_pandas(rows, npartitions=10)
    local = fastlr.scan(
        lambda: (rows.iloc[i : i + 96] for i in range(0, N_ROWS, 96)), target="y", exclude="town"
    )
    for options in (
        {"accuracy": "max"},
        {"cov_type": "HC2"},
        {"cov_type": "cluster", "cov_kwds": {"groups": "town"}},
        {"alpha": 0.5},
    ):
        expected = fastlr.ols(local, **options)
        fit = fastlr.dask.ols(parts, target="y", exclude="town", **options)
        assert fit.coef.tobytes() == expected.coef.tobytes(), options
        assert fit.bse_coef.tobytes() == expected.bse_coef.tobytes(), options
    assert fastlr.dask.ridge(parts, target="y", exclude="town").coef.shape == (4,)
    named = {"target": "y", "exclude": "town"}
    path = fastlr.dask.ridge_path(parts, alphas=[0.1, 1.0], **named)
    assert np.array_equal(path.coef, fastlr.ridge_path(local, alphas=[0.1, 1.0]).coef)
    lasso = fastlr.dask.lasso_path(parts, n_alphas=5, **named)
    assert np.array_equal(lasso.coefs, fastlr.lasso_path(local, n_alphas=5).coefs)
    nets = fastlr.dask.enet_path(parts, n_alphas=5, l1_ratio=0.5, **named)
    assert np.array_equal(nets.coefs, fastlr.enet_path(local, n_alphas=5).coefs)
    subset = fastlr.dask.best_subset(parts, criterion="kfold", **named)
    assert subset.best.features == fastlr.best_subset(local, criterion="kfold").best.features


@pytest.mark.parametrize(
    "estimator",
    [
        fastlr.LinearRegression(),
        fastlr.Ridge(alpha=2.0),
        fastlr.Lasso(alpha=0.1),
        fastlr.ElasticNet(alpha=0.1),
        fastlr.RidgeCV(cv=3),
        fastlr.LassoCV(cv=3),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_estimators_take_arrays_and_frames_by_their_type(estimator):
    X, y = table()
    weights = 1 + np.arange(N_ROWS) % 3.0
    arrays = [da.from_array(part, chunks=96) for part in (X, y, weights)]
    fitted = clone(estimator).fit(arrays[0], arrays[1])
    expected = clone(estimator).fit(fastlr.scan(pieces(X, y)))
    assert fitted.coef_.tobytes() == expected.coef_.tobytes()
    assert not hasattr(fitted, "feature_names_in_")
    parts = dd.from_pandas(frame(), npartitions=10)
    named = clone(estimator).fit(parts[["x0", "x1", "x2", "x3"]], parts["y"])
    assert list(named.feature_names_in_) == ["x0", "x1", "x2", "x3"]
    assert np.array_equal(named.coef_, fitted.coef_)
    weighted = clone(estimator).fit(arrays[0], arrays[1], arrays[2])
    assert not np.array_equal(weighted.coef_, fitted.coef_)
    with pytest.raises(fastlr.InputTypeError, match=r"data is \(Array, ndarray\)"):
        clone(estimator).fit(arrays[0], y)


def test_estimators_do_not_import_dask():
    code = (
        "import sys, numpy as np, fastlr; fastlr.Ridge().fit(np.eye(3), [1.0, 2.0, 4.0]);"
        "assert not {'dask', 'distributed', 'pyspark'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_weights_and_frames_as_x_and_y_give_what_arrays_give():
    X, y = table()
    weights = np.arange(N_ROWS) % 3.0
    whole = bits_of(fastlr.Moments.from_rows(fastlr.scan(pieces(X, y, weights))))
    arrays = tuple(da.from_array(part, chunks=96) for part in (X, y, weights))
    assert bits_of(fastlr.dask.moments(arrays)) == whole
    named = dd.from_pandas(frame().assign(w=weights), npartitions=10)
    fit = fastlr.dask.ols((named[["x0", "x1", "x2", "x3"]], named["y"], named["w"]))
    expected = fastlr.ols(X, y, sample_weight=weights)
    assert fit.feature_names == ("x0", "x1", "x2", "x3")
    assert np.abs(fit.coef / expected.coef - 1).max() < 1e-12
    two = fastlr.dask.ols((arrays[0], da.stack([arrays[1], 2 * arrays[1]], axis=1)))
    assert two.coef.shape == (2, 4)


def test_row_groups_of_files_have_the_bits_of_a_scan(tmp_path):
    for k in range(3):
        rows = pa.Table.from_pandas(frame().iloc[k * 320 : k * 320 + 320], preserve_index=False)
        pq.write_table(rows, tmp_path / f"{k}.parquet", row_group_size=64)
    named = {"target": "y", "exclude": "town", "chunk_rows": 64}
    moments = fastlr.dask.moments(files=f"{tmp_path}/*.parquet", **named)
    assert bits_of(moments) == bits_of(
        fastlr.Moments.from_rows(fastlr.scan(f"{tmp_path}/*.parquet", **named))
    )


def test_tasks_are_groups_of_partitions_and_what_is_shared_is_made_once(tmp_path):
    made = tmp_path / "made"

    def block(block_info=None):
        number = block_info[None]["chunk-location"][0]
        with made.open("a") as file:
            file.write(f"{number}\n")
        return np.random.default_rng(number).normal(size=(2, 3))

    X = da.map_blocks(block, chunks=((2,) * 500, (3,)), dtype=float, meta=np.zeros((0, 0)))
    rows = fastlr.dask.rows((X, X.sum(axis=1)))
    seen = []

    class Counting(dask.callbacks.Callback):
        def _pretask(self, key, dsk, state):
            seen.append(key)

    with Counting():
        assert fastlr.Moments.from_rows(rows).n_samples == 1000
    assert sorted(map(int, made.read_text().split())) == list(range(500))
    assert len(seen) < 150
    shuffled = dd.from_pandas(frame(), npartitions=4).shuffle("town")
    moments = fastlr.dask.moments(shuffled, target="y", exclude="town")
    assert moments.n_samples == N_ROWS


def test_kernels_use_the_threads_that_a_task_is_given():
    X, y = table()
    data = da.from_array(X, chunks=96), da.from_array(y, chunks=96)

    def threads_of(chunk):
        return {chunk.n_threads}

    assert fastlr.dask.rows(data).map_merge(threads_of, set.union) == {1}
    rows = fastlr.dask.rows(data, threads_per_task=2)
    assert rows.map_merge(threads_of, set.union) == {2}


def test_moments_know_their_size_and_equal_ones_are_equal_to_dask():
    from dask.base import tokenize
    from dask.sizeof import sizeof

    X, y = table()
    first, second = fastlr.Moments.from_arrays(X, y), fastlr.Moments.from_arrays(X, y)
    assert tokenize(first) == tokenize(second)
    assert tokenize(first) != tokenize(fastlr.Moments.from_arrays(X[:-1], y[:-1]))
    assert sizeof(first) > 8 * 5 * 5
    wide = fastlr.Moments.from_arrays(np.tile(X, 25), y)
    assert 8 * 101**2 < sizeof(wide) < 12 * 101**2
    assert 8 * 101**2 < sizeof(wide.for_kernels()) < 16 * 101**2


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"x0": np.nan}, r"partition 6.*'x0'.*row 4"),
        ({"x0": "text"}, "partition 6: column 'x0' holds text"),
        ({"y": "text"}, "partition 6: column 'y' holds text"),
        ("x1", "partition 6 failed: KeyError: .*x1"),
    ],
)
def test_a_partition_that_cannot_be_used_is_named(bad, message):
    rows = frame()
    usual = rows.iloc[:0]

    def load(k):
        part = rows.iloc[k * 96 : k * 96 + 96].reset_index(drop=True)
        if k == 6 and isinstance(bad, str):
            return part.drop(columns=bad)
        if k == 6:
            (name, value), *_ = bad.items()
            column = part[name].astype(object) if isinstance(value, str) else part[name].copy()
            column[3] = value
            return part.assign(**{name: column})
        return part

    parts = dd.from_map(load, range(10), meta=usual, enforce_metadata=False)
    with pytest.raises((ValueError, RuntimeError), match=message):
        fastlr.dask.moments(parts, target="y", exclude="town")


def test_partitions_without_rows_add_nothing():
    parts = dd.from_pandas(frame(), npartitions=10)
    moments = fastlr.dask.moments(parts[parts["x0"] > 1.5], target="y", exclude="town")
    assert moments.n_samples == int((frame()["x0"] > 1.5).sum())
    with pytest.raises(fastlr.FileFormatError, match="no rows"):
        fastlr.dask.moments(parts[parts["x0"] > 100], target="y", exclude="town")


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (None, {}, "pass either data"),
        (np.ones((3, 2)), {}, "data is a ndarray: pass a dask.dataframe.DataFrame"),
        ((np.ones((3, 2)), np.ones(3)), {}, r"data is \(ndarray, ndarray\): pass \(X, y\)"),
        ("short", {}, "X has 960 rows and y has 950"),
        ("blocks", {}, "X has 10 blocks of rows and y has 5, of lengths that Dask does not know"),
        ("frame", {"target": "z"}, "has no column 'z'"),
        ("frame", {"target": "town"}, "'town' holds text"),
        ("frame", {}, "needs the name of a column"),
        ("pair", {"target": "y"}, r"batches \(X, y\) say themselves"),
        ("pair", {"client": 3}, "client is a int"),
        ("pair", {"chunks_per_task": 6}, "pass 4 or 8"),
        ("pair", {"threads_per_task": 0}, "threads_per_task=0"),
        ("pair", {"colour": 1}, "rows has no argument 'colour'"),
    ],
)
def test_bad_arguments_are_refused_by_name(data, options, message):
    X, y = (da.from_array(part, chunks=96) for part in table())
    known = {
        "pair": (X, y),
        "short": (X, y[:950]),
        "blocks": (X, y.rechunk(192)[y.rechunk(192) > -np.inf]),
        "frame": dd.from_pandas(frame(), npartitions=3),
    }
    given = known.get(data, data) if isinstance(data, str) else data
    with pytest.raises((ValueError, TypeError), match=message):
        fastlr.dask.moments(given, **options)


def test_killed_workers_change_no_bit(tmp_path):
    distributed = pytest.importorskip("distributed")
    X, y = table(1e7)
    whole = bits_of(fastlr.Moments.from_rows(fastlr.scan(pieces(X, y, size=24))))
    log = tmp_path / "log"

    def slowly(block):
        with log.open("ab", buffering=0) as file:
            file.write(b"%d\n" % os.getpid())
        time.sleep(0.03)
        return block

    data = da.from_array(X, chunks=(24, 4)).map_blocks(slowly), da.from_array(y, chunks=24)
    settings = {"distributed.scheduler.allowed-failures": 10, "scheduler": None}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        before = set(client.run(os.getpid).values())
        found = []
        rows = fastlr.dask.rows(data, client=client, chunks_per_task=2)
        pass_over = threading.Thread(
            target=lambda: found.append(fastlr.Moments.from_rows(rows)), daemon=True
        )
        pass_over.start()
        for victim in before:  # both die, each in the middle of its work
            begun = log.read_bytes().count(b"\n") if log.exists() else 0
            latest = time.monotonic() + 30
            while time.monotonic() < latest:
                if log.exists() and log.read_bytes().count(b"\n") >= begun + 5:
                    break
                time.sleep(0.01)
            os.kill(victim, signal.SIGKILL)
        pass_over.join(60)
        assert found[0].n_samples == N_ROWS
        assert bits_of(found[0]) == whole
        assert set(map(int, log.read_text().split())) - before, "others went on with the work"
        held = [part.persist() for part in data]
        assert bits_of(fastlr.dask.moments(tuple(held), client=client)) == whole
        fit = fastlr.dask.ols(tuple(held), cov_type="HC0")
        assert np.isfinite(fit.bse_coef).all()
    assert pickle.loads(pickle.dumps(found[0])) == found[0]
