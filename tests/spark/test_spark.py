"""Frames of Spark's: what a scan of the same batches gives, whatever tasks have to be done again."""

import os
import shutil
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fastlr
import fastlr.spark

sql = pytest.importorskip(
    "pyspark.sql", reason="pyspark is not installed: pip install 'fastlr[spark]'"
)
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("there is no Java, which Spark needs", allow_module_level=True)

# Spark's own Python worker and its sockets warn of what is theirs.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning:pyspark"
)
N_ROWS, N_PARTS = 600, 6


@pytest.fixture(scope="module")
def session():
    """One session for all tests: two threads, four attempts at a task."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = sql.SparkSession.builder.master("local[2,4]").appName("fastlr")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
        "spark.log.level": "OFF",
    }.items():
        builder = builder.config(name, value)
    found = builder.getOrCreate()
    yield found
    found.stop()


def rows(offset=0.0):
    rng = np.random.default_rng(3)
    X = offset + rng.normal(size=(N_ROWS, 3))
    y = (X - offset) @ [1.0, -2.0, 0.5] + (1 + np.abs(X[:, 0] - offset)) * rng.normal(size=N_ROWS)
    towns = [f"t{k % 7}" for k in range(N_ROWS)]
    return pd.DataFrame({"a b": X[:, 0], "b`": X[:, 1], "c.d": X[:, 2], "town": towns, "y": y})


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """A file for each partition, far from zero."""
    place = tmp_path_factory.mktemp("parts")
    table = rows(1e7).rename(columns={"c.d": "c"})
    step = N_ROWS // N_PARTS
    for k in range(N_PARTS):
        part = pa.Table.from_pandas(table.iloc[k * step : k * step + step], preserve_index=False)
        pq.write_table(part, place / f"{k}.parquet")
    return f"{place}/*.parquet"


def in_parts(session, table):
    """A frame of Spark's whose partitions are consecutive rows."""
    step = N_ROWS // N_PARTS
    columns = table.to_dict("list")

    def part(batches):
        for batch in batches:
            for k in batch.column(0).to_pylist():
                own = {name: values[k * step : k * step + step] for name, values in columns.items()}
                yield pa.RecordBatch.from_pydict(dict(zip("abcde", own.values(), strict=True)))

    kinds = "a double, b double, c double, d string, e double"
    frame = session.range(0, N_PARTS, 1, N_PARTS).mapInArrow(part, kinds)
    return frame.toDF(*table.columns).cache()


def bits_of(moments):
    return [
        part.tobytes() if isinstance(part, np.ndarray) else part for part in moments.for_kernels()
    ]


def test_files_that_executors_read_have_the_bits_of_a_scan(session, paths):
    named = {"target": "y", "exclude": "town"}
    whole = fastlr.scan(paths, **named)
    moments = fastlr.spark.moments(files=paths, session=session, **named)
    assert bits_of(moments) == bits_of(fastlr.Moments.from_rows(whole))
    fit = fastlr.spark.ols(files=paths, cov_type="HC1", **named)
    expected = fastlr.ols(whole, cov_type="HC1")
    assert fit.coef.tobytes() == expected.coef.tobytes()
    assert fit.bse_coef.tobytes() == expected.bse_coef.tobytes()


def test_every_pass_runs_on_frames_of_any_names_and_columns_far_from_zero_keep_their_digits(
    session,
):
    table = rows(1e7)
    frame = in_parts(session, table)
    X, y = table[["a b", "b`", "c.d"]].to_numpy(), table["y"].to_numpy()
    expected = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean(), rcond=None)[0]
    named = {"target": "y", "exclude": "town"}
    fit = fastlr.spark.ols(frame, accuracy="max", **named)
    assert fit.feature_names == ("a b", "b`", "c.d")
    assert np.abs(fit.coef - expected).max() < 1e-8
    clusters = fastlr.spark.ols(frame, cov_type="cluster", cov_kwds={"groups": "town"}, **named)
    local = fastlr.ols(fastlr.scan(table, **named), cov_type="cluster", cov_kwds={"groups": "town"})
    assert np.abs(clusters.bse_coef / local.bse_coef - 1).max() < 1e-7
    path = fastlr.spark.ridge_path(frame, alphas=[1.0], **named)
    assert np.allclose(path.coef, fastlr.ridge_path(X, y, [1.0]).coef, rtol=1e-9)


def test_stages_of_merging_and_tasks_that_fail_once_change_no_bit(session, monkeypatch, tmp_path):
    from fastlr.spark import engine

    frame = in_parts(session, rows())
    named = {"target": "y", "exclude": "town"}
    whole = bits_of(fastlr.spark.moments(frame, **named))
    monkeypatch.setattr(engine, "_MERGED_BYTES", 300)  # two states
    monkeypatch.setattr(engine, "_UNKNOWN", 8)
    assert bits_of(fastlr.spark.moments(frame, **named)) == whole
    monkeypatch.undo()
    mark = str(tmp_path / "mark")

    def fails_once(batches):
        from pathlib import Path

        if not Path(mark).exists():
            Path(mark).touch()
            raise OSError("the disk is tired")
        yield from batches

    plain = frame.toDF("a", "b", "c", "town", "y")
    again = plain.mapInArrow(fails_once, plain.schema)
    repeated = fastlr.spark.moments(again, **named)
    assert bits_of(repeated) == bits_of(fastlr.spark.moments(plain, **named))
    assert (tmp_path / "mark").exists()


def test_partitions_without_rows_add_nothing(session):
    frame = in_parts(session, rows())
    some = frame.where("`a b` > 2")
    named = {"target": "y", "exclude": "town"}
    assert fastlr.spark.moments(some, **named).n_samples == int((rows()["a b"] > 2).sum())
    with pytest.raises(fastlr.FileFormatError, match="the Spark frame has no rows"):
        fastlr.spark.moments(frame.where("`a b` > 99"), **named)


def test_bad_values_are_named_by_partition_and_row_without_a_second_try(session):
    table = rows()
    table.loc[350, "c.d"] = np.nan
    frame = in_parts(session, table)
    with pytest.raises(fastlr.InputError, match=r"partition 3.*'c\.d'.*row 51"):
        fastlr.spark.moments(frame, target="y", exclude="town")
    dropped = fastlr.spark.moments(frame, target="y", exclude="town", missing="drop")
    assert (dropped.n_samples, dropped.n_dropped) == (N_ROWS - 1, 1)

    def breaks(chunk):
        raise ArithmeticError(f"nothing comes of {chunk.features.n_samples} rows")

    held = fastlr.spark.rows(frame, target="y", exclude="town", missing="drop")
    with pytest.raises(
        RuntimeError, match=r"partition \d failed: ArithmeticError: nothing comes of"
    ):
        held.map_merge(breaks, max)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("nothing", {}, "pass either data"),
        ("array", {}, "data is a ndarray: pass a pyspark.sql.DataFrame"),
        ("frame", {"target": "z"}, "has no column 'z'"),
        ("frame", {"target": "town"}, "'town' holds text"),
        ("frame", {}, "needs the name of a column"),
        ("frame", {"threads_per_task": 0}, "threads_per_task=0"),
        ("frame", {"colour": 1}, "rows has no argument 'colour'"),
        ("nothing", {"files": "x", "session": 3, "target": "y"}, "no file x|session is a int"),
    ],
)
def test_bad_arguments_are_refused_by_name(session, given, options, message):
    frame = session.createDataFrame(rows()) if given == "frame" else None
    data = np.ones((3, 2)) if given == "array" else frame
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=message):
        fastlr.spark.moments(data, **options)
