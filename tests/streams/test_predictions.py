"""`fastlr.predict_file`: the predictions of the rows, in their order, or no file at all."""

import numpy as np
import polars
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import fastlr

READ = {".csv": pa.csv.read_csv, ".parquet": pq.read_table, ".feather": pa.feather.read_table}


@pytest.fixture(scope="module")
def fit(X, columns):
    return fastlr.ols(X, columns["y"])


@pytest.mark.parametrize("ending", READ)
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_predictions_of_files_are_those_of_their_rows(written, fit, X, tmp_path, ending, kind):
    output = tmp_path / f"predicted{ending}"
    block = {"block_bytes": 20_000} if kind == "csv" else {}
    assert fastlr.predict_file(fit, written[kind], output, **block) == len(X["a"])
    found = READ[ending](output)
    assert found.column_names == ["y_predicted"]
    np.testing.assert_array_equal(found["y_predicted"].to_numpy(), fit.predict(X))


def test_categories_and_several_targets_are_predicted(written, columns, tmp_path):
    X = {"a": columns["a"], "town": columns["town"]}
    fit = fastlr.ols(X, np.column_stack([columns["y"], columns["b"]]), categories=["town"])
    fastlr.predict_file(fit, written["parquet"], tmp_path / "both.parquet")
    found = pq.read_table(tmp_path / "both.parquet")
    both = np.column_stack([found["y0_predicted"], found["y1_predicted"]])
    np.testing.assert_array_equal(both, fit.predict(X))


def test_a_failed_run_leaves_what_was_there(fit, X, tmp_path):
    output = tmp_path / "predicted.csv"
    output.write_text("as it was")
    bad = {name: values.copy() for name, values in X.items()}
    bad["b"][3500] = np.nan
    with pytest.raises(fastlr.InputError, match=r"'b' has no value in row 3501: .*missing='keep'"):
        fastlr.predict_file(fit, [bad], output)
    assert output.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [output]
    assert fastlr.predict_file(fit, [bad], output, missing="keep") == 4000
    found = pa.csv.read_csv(output)["y_predicted"]
    assert (found.null_count, found[3500].as_py()) == (1, None)


@pytest.mark.parametrize(
    "named", [lambda p: p, lambda p: [p], lambda p: p.parent, lambda p: f"{p.parent}/*"]
)
def test_a_file_that_is_read_is_not_overwritten(fit, X, tmp_path, named):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(X), path)
    before = path.read_bytes()
    with pytest.raises(fastlr.InputError, match=r"would overwrite .*, which is read: name another"):
        fastlr.predict_file(fit, named(path), path.parent / "." / "rows.parquet")
    assert path.read_bytes() == before


class Relation:
    """What DuckDB's relations are to a scan: a stream of Arrow's, and the text of a query."""

    def __init__(self, path):
        self.path = path

    def __arrow_c_stream__(self, requested_schema=None):
        return pq.read_table(self.path).__arrow_c_stream__(requested_schema)

    def sql_query(self):
        return f"SELECT * FROM read_parquet('{self.path}')"


def test_what_a_query_reads_is_not_overwritten(fit, X, tmp_path):
    path, other = tmp_path / "rows.parquet", tmp_path / "others.parquet"
    pq.write_table(pa.table(X), path)
    before = path.read_bytes()
    other.write_bytes(before)
    for source in (Relation(path), polars.scan_parquet(path).select("a", "b", "c")):
        with pytest.raises(fastlr.InputError, match=r"would overwrite .*rows\.parquet, which is"):
            fastlr.predict_file(fit, source, path)
        assert path.read_bytes() == before
        assert fastlr.predict_file(fit, source, other) == 4000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"output": "predicted.txt"}, "output='predicted.txt' does not say what to write"),
        ({"source": [{"a": np.ones(2)}]}, "lacks 2 of the 3 features of the fit: b and c"),
        ({"missing": "drop"}, "missing='drop'"),
        ({"fit": 3}, "fit is a int"),
    ],
)
def test_what_cannot_be_predicted_is_refused(fit, X, tmp_path, monkeypatch, change, words):
    monkeypatch.chdir(tmp_path)
    given = {"fit": fit, "source": [X], "output": "predicted.csv", **change}
    with pytest.raises(ValueError, match=words):
        fastlr.predict_file(**given)
    assert not list(tmp_path.iterdir())
