"""What is wrong with rows in chunks is named: file, column, row; threads and Ctrl-C change nothing of it."""

import gzip
import os
import signal
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import fastlr


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=3000) for name in "aby"}


def lines(table, start, stop):
    rows = zip(*(table[name][start:stop] for name in "aby"), strict=True)
    return "".join(",".join(map(repr, map(float, row))) + "\n" for row in rows)


@pytest.fixture
def directory(table, tmp_path):
    """Two files of rows, as text and as Parquet."""
    for k in range(2):
        part = slice(1500 * k, 1500 * (k + 1))
        (tmp_path / f"part{k}.csv").write_text("a,b,y\n" + lines(table, part.start, part.stop))
        rows = pa.table({name: values[part] for name, values in table.items()})
        pq.write_table(rows, tmp_path / f"part{k}.parquet", row_group_size=250, compression="none")
    return tmp_path


def fitted(source, **options):
    block = {"block_bytes": 4000} if str(source).endswith("csv") else {}
    return fastlr.ols(fastlr.scan(source, **{"target": "y", "chunk_rows": 200, **block, **options}))


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_gap_is_named_by_file_and_row(directory, table, kind, n_threads):
    if kind == "csv":
        text = (directory / "part1.csv").read_text().splitlines()
        text[1200] = "1.0,,2.0"
        text[1300] = "1.0,2.0,"
        (directory / "part1.csv").write_text("\n".join(text) + "\n")
    else:
        b = table["b"][1500:].copy()
        b[[1199, 1299]] = np.nan
        rows = pa.table({"a": table["a"][1500:], "b": b, "y": table["y"][1500:]})
        pq.write_table(rows, directory / "part1.parquet", row_group_size=250)
    words = rf"part1\.{kind}: column 'b' has no value in row 1200: .*missing='drop'"
    with pytest.raises(fastlr.InputError, match=words):
        fitted(str(directory / f"*.{kind}"), n_threads=n_threads)
    assert fitted(str(directory / f"*.{kind}"), missing="drop").n_dropped == 2


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_cell_that_is_no_number_is_named_by_its_row(directory, monkeypatch, n_threads):
    text = (directory / "part0.csv").read_text().splitlines()
    text[1000], text[1400] = "1.0,x,2.0", "z,1.0,2.0"
    monkeypatch.setattr("fastlr.files._delimited._HEAD_BYTES", 1 << 14)
    (directory / "part0.csv").write_text("\n".join(text) + "\n")
    with pytest.raises(
        fastlr.FileFormatError, match=r"part0\.csv: column 'b', row 1000: 'x' is not"
    ):
        fitted(directory / "part0.csv", n_threads=n_threads)


def test_infinite_values_and_negative_weights_are_named(directory, table):
    values = {**table, "w": np.ones(3000)}
    for name, value, words in (("a", np.inf, "inf is not a finite"), ("w", -1.0, "weight -1.0 is")):
        bad = {k: v.copy() for k, v in values.items()}
        bad[name][2222] = value
        pq.write_table(pa.table(bad), directory / "bad.parquet", row_group_size=300)
        with pytest.raises(fastlr.InputError, match=rf"column '{name}', row 2223: {words}"):
            fitted(directory / "bad.parquet", weights="w")


def test_files_that_differ_are_named(directory, table):
    pq.write_table(pa.table({n: table[n] for n in "ay"}), directory / "part2.parquet")
    with pytest.raises(fastlr.FileFormatError, match=r"part2\.parquet lacks 'b'"):
        fitted(str(directory / "*.parquet"))
    text = {"a": table["a"], "b": ["one", "two", "three"] * 1000, "y": table["y"]}
    pq.write_table(pa.table(text), directory / "part2.parquet")
    with pytest.raises(fastlr.FileFormatError, match=r"'b' holds in .*part2\.parquet text"):
        fitted(str(directory / "*.parquet"))


def test_damage_is_named_by_file_and_row_group(directory):
    path = directory / "part1.parquet"
    data = bytearray(path.read_bytes())
    chunk = pq.ParquetFile(path).metadata.row_group(3).column(1)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data[start : start + 16] = b"\xff" * 16
    path.write_bytes(data)
    for chunk_rows in (None, 300):  # several row groups are one chunk, or each is one
        with pytest.raises(
            fastlr.FileFormatError, match=r"part1\.parquet is damaged .*\(row group 3\)"
        ):
            fitted(path, chunk_rows=chunk_rows)
    path.write_bytes(bytes(data)[: len(data) // 2])
    with pytest.raises(fastlr.FileFormatError, match=r"part1\.parquet is damaged"):
        fitted(path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_changes_between_passes_is_an_error(directory, kind):
    path = directory / f"part0.{kind}"
    rows = fastlr.scan(path, target="y")
    fastlr.ols(rows)
    stamp = path.stat().st_mtime_ns
    path.write_bytes((directory / f"part1.{kind}").read_bytes())
    os.utime(path, ns=(stamp + 1000, stamp + 1000))
    with pytest.raises(
        fastlr.FileFormatError, match=rf"part0\.{kind} has changed while it was read"
    ):
        fastlr.ols(rows)


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ([], {}, "no file is named"),
        (iter(()), {}, "source has no batches"),
        (
            [{"a": np.ones(3), "y": np.full(3, np.nan)}],
            {"missing": "drop"},
            "every row has a missing",
        ),
        (
            [{"a": np.ones(3), "y": np.ones(3), "w": np.zeros(3)}],
            {"weights": "w"},
            "weights are zero",
        ),
        (
            [{"a": np.ones(3), "y": np.ones(3)}, {"y": np.ones(3)}],
            {},
            "batch 1 of source has no column 'a'",
        ),
        ([{"a": np.ones(3), "y": np.ones(4)}], {}, "batch 0 of source differ in length"),
        (lambda: None, {}, "source gave a NoneType when it was called"),
        ([{"a": np.ones(3)}], {}, "target='y': the batches has no column 'y'"),
        ([(np.ones((3, 1)), np.ones(3))], {}, "say themselves what the target"),
        ([{"a": np.ones(3), "y": np.ones(3)}], {"chunk_rows": 0}, "chunk_rows=0"),
        ([{"a": np.ones(3), "y": np.ones(3)}], {"missing": "skip"}, "missing='skip'"),
        ([{"a": np.ones(3), "y": np.ones(3)}], {"skip": 1}, "skip is for files of text"),
        (3, {}, "source is a int"),
        (
            [{"a": np.ones(3), "y": np.array(["x", "y", "z"])}],
            {},
            "'y' holds values of type <U1, not numb",
        ),
    ],
)
def test_sources_and_options_that_fit_nothing_are_refused(source, options, words):
    with pytest.raises(ValueError, match=words):
        fastlr.ols(fastlr.scan(source, **{"target": "y", **options}))


@pytest.mark.parametrize(
    ("batch", "column"),
    [
        ((np.ones((3, 2)), np.ones(3)), "'x1'"),
        ((np.ones((3, 1)), np.ones(3), np.ones(3)), "'sample_weight'"),
        ((np.ones((3, 1)), np.ones((3, 2))), "'y'"),
    ],
)
def test_no_column_of_a_later_batch_is_left_out_unsaid(batch, column):
    X = np.arange(3.0)[:, np.newaxis]
    with pytest.raises(fastlr.InputError, match=f"batch 1 of source has (a|no) column {column}"):
        fastlr.ols(fastlr.scan([(X, X[:, 0]), batch]))


@pytest.mark.parametrize(
    ("later", "words"),
    [
        ({"a": [1.0], "b": [2.0], "y": [3.0]}, "batch 1 of source has a column 'b'"),
        ({"y": [3.0]}, "batch 1 of source has no column 'a'"),
        ({"a": ["one"], "y": [3.0]}, "column 'a' of (batch 1 of source holds text|a batch has)"),
    ],
)
@pytest.mark.parametrize("wrap", [pa.table, dict])
def test_later_frames_are_like_the_first_one(later, words, wrap):
    first = {"a": np.arange(3.0), "y": np.arange(3.0)}
    with pytest.raises(ValueError, match=words):
        fastlr.ols(fastlr.scan([wrap(first), wrap(later)], target="y"))


def test_targets_and_weights_that_are_text_are_named(tmp_path):
    pq.write_table(
        pa.table({"x": [1.0, 2.0], "t": ["a", "b"], "y": [1.0, 2.0]}), tmp_path / "t.parquet"
    )
    for options in ({"target": "t"}, {"target": "y", "weights": "t"}):
        with pytest.raises(fastlr.FileFormatError, match=r"t\.parquet: column 't' holds text, not"):
            fastlr.scan(tmp_path / "t.parquet", features="x", **options)


@pytest.mark.parametrize("kind", ["parquet", "feather", "npy", "csv.gz"])
def test_files_that_are_cut_short_are_named(tmp_path, table, kind):
    path = tmp_path / f"rows.{kind}"
    if kind == "npy":
        np.save(path, np.column_stack(list(table.values())))
    elif kind == "csv.gz":
        text = "a,b,y\n" + "".join(f"{x!r},{x!r},{x!r}\n" for x in table["a"].tolist())
        path.write_bytes(gzip.compress(text.encode()))
    elif kind == "feather":
        pa.feather.write_feather(pa.table(table), path)
    else:
        pq.write_table(pa.table(table), path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(fastlr.FileFormatError, match=rf"rows\.{kind} is damaged"):
        fitted(path)


def test_nothing_is_left_where_every_row_has_a_gap(tmp_path, table):
    gaps = {**table, "b": np.full(3000, np.nan)}
    pq.write_table(pa.table(gaps), tmp_path / "rows.parquet", row_group_size=300)
    with pytest.raises(fastlr.InputError, match=r"rows\.parquet: no row is left to fit: every row"):
        fitted(tmp_path / "rows.parquet", missing="drop")


@pytest.mark.parametrize("kind", [list, iter])
def test_batches_without_rows_add_nothing(kind):
    X = np.arange(6.0)[:, np.newaxis]
    empty = X[:0], X[:0, 0]
    fit = fastlr.ols(
        fastlr.scan(kind([empty, (X[:3], 2 * X[:3, 0]), empty, (X[3:], 2 * X[3:, 0])]))
    )
    assert (fit.n_samples, float(fit.coef[0])) == (6, 2.0)
    with pytest.raises(fastlr.InputError, match="no batches with rows"):
        fastlr.scan(kind([empty]))


@pytest.mark.parametrize("groups", [np.arange(3), 3, None])
def test_clusters_of_a_scan_that_are_no_names_are_refused(directory, groups):
    rows = fastlr.scan(directory / "part0.parquet", target="y", features="a")
    with pytest.raises(fastlr.InputError, match="does not name the clusters of a scan"):
        fastlr.ols(rows, cov_type="cluster", cov_kwds={"groups": groups})


def test_an_empty_directory_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is a directory without a table file in it"):
        fastlr.scan(tmp_path, target="y")


def test_a_second_pass_over_what_is_read_once_says_what_to_pass(table, monkeypatch):
    monkeypatch.setattr("fastlr.streams.rows._MOST_REMEMBERED", 100)
    parts = ({name: v[i : i + 500] for name, v in table.items()} for i in range(0, 3000, 500))
    with pytest.raises(
        fastlr.InputError, match=r"can be read once, and cov_type='HC1'.*pass a path"
    ):
        fastlr.ols(fastlr.scan(parts, target="y"), cov_type="HC1")


def test_a_function_that_gives_other_rows_is_found_out(table):
    calls = []

    def batches():
        calls.append(1)
        n = 3000 if len(calls) < 3 else 2900
        yield {name: values[:n] for name, values in table.items()}

    with pytest.raises(
        fastlr.InputError, match="had 3000 rows when it was read first, and 2900 now"
    ):
        fastlr.ols(fastlr.scan(batches, target="y"), cov_type="HC0")


@pytest.mark.parametrize(
    "argument", ["y", "sample_weight", "missing", "n_threads", "feature_names"]
)
def test_what_a_scan_says_is_not_said_twice(directory, argument):
    rows = fastlr.scan(directory / "part0.csv", target="y")
    value = {"missing": "drop", "n_threads": 2, "feature_names": ["a", "b"]}.get(
        argument, np.ones(3)
    )
    with pytest.raises(fastlr.InputError, match=f"{argument} is given beside a scan"):
        fastlr.ols(rows, **{argument: value})


def test_moments_that_do_not_fit_the_memory_are_refused_by_their_bytes(monkeypatch):
    monkeypatch.setattr("fastlr.moments.streamed._free_memory", lambda: 1 << 20)
    monkeypatch.setattr("fastlr.moments.streamed._WORTH_ASKING", 1)
    X = np.broadcast_to(np.zeros(1), (1, 2000))
    with pytest.raises(fastlr.InputError, match=r"2001 columns take 32,032,008 bytes"):
        fastlr.ols(fastlr.scan([(X, np.ones(1))]))


def test_covariances_over_time_are_not_of_chunks(directory):
    with pytest.raises(fastlr.InputError, match="cov_type='HAC' needs rows in the order of time"):
        fastlr.ols(fastlr.scan(directory / "part0.csv", target="y"), cov_type="HAC")


@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_ends_a_pass_soon(n_threads):
    interrupted = threading.Event()

    def batches():
        for _ in range(2000):  # two hundred seconds, unless somebody ends it
            time.sleep(0.1)
            if interrupted.is_set():
                return
            yield np.ones((10, 2)), np.ones(10)

    pressed = []

    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    rows = fastlr.scan(batches, n_threads=n_threads)
    timer = threading.Timer(0.35, press)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            fastlr.ols(rows)
        late = time.monotonic() - pressed[0]
    finally:
        interrupted.set()
        timer.cancel()
    assert late < 2.0  # some 0.1 s on a machine that has nothing else to do


def test_text_that_is_no_feature_is_sent_where_categories_are_fitted(tmp_path):
    (tmp_path / "rows.csv").write_text("x,town,y\n1,Rome,2\n2,Oslo,3\n4,Rome,5\n")
    with pytest.raises(
        fastlr.FileFormatError, match=r"exclude=\['town'\].*pass categories=\['town'\]"
    ):
        fastlr.scan(tmp_path / "rows.csv", target="y")
