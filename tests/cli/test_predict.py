"""`fastlr predict`: right rows, right digits, right columns, and nothing half done."""

import csv
import errno
import io
import json

import numpy as np
import pytest

from fastlr.cli import predict
from fastlr.files import load_model, open_tables


@pytest.fixture(autouse=True)
def model(run):
    """plots.csv without its weather is exactly linear: yield = 1 + 2 rain + 3 sun."""
    assert run("fit", "plots.csv", "--target", "yield", "--output", "model.json").exit_code == 0
    return load_model("model.json")


def predicted(run, *arguments, stdin=None):
    result = run("predict", "model.json", *arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, "")
    return list(csv.reader(io.StringIO(result.stdout)))


def test_every_row_is_predicted_in_order_to_the_last_bit(run, directory, model):
    rows = np.random.default_rng(1).normal(size=(300, 2))
    np.savetxt(directory / "new.csv", rows, "%.17g", ",", header="rain,sun", comments="")
    (header,), *lines = predicted(run, "new.csv")
    assert header == "yield_predicted"
    np.testing.assert_array_equal([float(value) for (value,) in lines], model.predict(rows))


def test_blocks_do_not_change_the_predictions(run, directory, model, monkeypatch):
    rows = np.random.default_rng(2).normal(size=(300, 2))
    np.savetxt(directory / "new.csv", rows, "%.17g", ",", header="rain,sun", comments="")
    whole = predicted(run, "new.csv")
    monkeypatch.setattr(
        "fastlr.cli._tables.open_tables",
        lambda paths, **text: open_tables(paths, block_bytes=500, **text),
    )
    assert predicted(run, "new.csv") == whole


def test_features_are_found_by_name(run, directory):
    (directory / "new.csv").write_text("city,SUN,rain\nUlm,1,10\n,2,20\n")
    (_, *lines) = predicted(run, "new.csv")
    np.testing.assert_allclose([float(value) for (value,) in lines], [24, 47], 1e-12)


def test_a_column_is_not_used_for_two_features(refused, run, directory):
    (directory / "cases.csv").write_text("a,A,y\n1,5,1\n2,3,4\n3,4,2\n4,4,4\n")
    assert run("fit", "cases.csv", "--target", "y", "-o", "cases.json").exit_code == 0
    (directory / "new.csv").write_text("a,b\n1,2\n")
    assert "lacks 1 of the model's 2 features: A;" in refused(1, "predict", "cases.json", "new.csv")


def test_standard_input_is_predicted_like_the_file(run, directory):
    from_file = predicted(run, "plots.csv")
    assert predicted(run, "-", stdin=(directory / "plots.csv").read_bytes()) == from_file


def test_an_output_file_holds_what_standard_output_would(run, directory):
    (directory / "out.csv").write_text("old")
    shown = run("predict", "model.json", "plots.csv").stdout
    result = run("predict", "model.json", "plots.csv", "--output", "out.csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (directory / "out.csv").read_text() == shown
    assert run("predict", "model.json", "plots.csv", "--output", "-").stdout == shown


def test_several_targets_have_a_column_each(run):
    arguments = ["longley.csv", "--target", "employed", "--target", "year", "-o", "model.json"]
    assert run("fit", *arguments).exit_code == 0
    header, *lines = predicted(run, "longley.csv")
    assert header == ["employed_predicted", "year_predicted"]
    rows = np.loadtxt("longley.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(
        np.array(lines, dtype=float), load_model("model.json").predict(rows[:, :5])
    )


def test_a_target_with_a_comma_is_quoted(run, directory):
    table = (directory / "plots.csv").read_text().replace("yield", '"yield, t"')
    (directory / "comma.csv").write_text(table)
    arguments = ["comma.csv", "--target", '"yield, t"', "-o", "model.json"]
    assert run("fit", *arguments).exit_code == 0
    assert predicted(run, "comma.csv")[0] == ["yield, t_predicted"]


def test_missing_values_stop_or_are_kept_as_na(run, refused):
    message = refused(1, "predict", "model.json", "gaps.csv")
    assert (
        "gaps.csv: column 'sun' has no value in row 2: fill it in, or use --missing keep" in message
    )
    _, *lines = predicted(run, "gaps.csv", "--missing", "keep")
    assert [value == "NA" for (value,) in lines] == [False, True, False, False, False, True]
    assert float(lines[-2][0]) == pytest.approx(12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.json", "plots.csv"], "there is no model file absent.json"),
        (["plots.csv", "plots.csv"], "plots.csv is not a fastlr model file"),
        (["newer.json", "plots.csv"], "newer.json is a model file of version 3"),
        (["damaged.json", "plots.csv"], "damaged.json is a damaged model file"),
        (["model.json", "absent.csv"], "there is no file absent.csv"),
        (["model.json", "model.json"], "model.json is JSON, HTML or XML, not a table"),
        (["model.json", "other.csv"], "other.csv lacks 1 of the model's 2 features: rain"),
        (["model.json", "words.csv"], "column 'rain' holds text ('much' in row 1), not numbers"),
        (["model.json", "infinite.csv"], "column 'sun', row 2: inf is not a finite number"),
        (["model.json", "header.csv"], "header.csv has columns but no rows"),
    ],
)
def test_bad_models_and_tables_are_refused_with_exit_code_1(refused, directory, arguments, message):
    content = json.loads((directory / "model.json").read_text())
    for name, text in {
        "newer.json": json.dumps({**content, "version": 3}),
        "damaged.json": json.dumps({**content, "coef": [1]}),
        "other.csv": "drain,sun\n1,2\n",
        "words.csv": "rain,sun\nmuch,2\n",
        "infinite.csv": "rain,sun\n1,2\n3,inf\n",
        "header.csv": "rain,sun\n",
    }.items():
        (directory / name).write_text(text)
    error = refused(1, "predict", *arguments)
    assert message in error
    assert error.count("\n") == 1


def test_a_close_name_is_suggested(refused, directory):
    (directory / "other.csv").write_text("rains,sun\n1,2\n")
    assert "(did you mean rains?)" in refused(1, "predict", "model.json", "other.csv")


@pytest.mark.parametrize(
    "arguments", [[], ["model.json"], ["model.json", "plots.csv", "--missing", "drop"]]
)
def test_a_wrong_command_line_is_a_usage_error(refused, arguments):
    assert refused(2, "predict", *arguments).startswith("Usage: ")


@pytest.mark.parametrize("output", ["model.json", "plots.csv"])
def test_inputs_are_not_overwritten(refused, directory, output):
    before = (directory / output).read_bytes()
    error = refused(2, "predict", "model.json", "plots.csv", "--output", output)
    assert f"would overwrite {output}" in error
    assert (directory / output).read_bytes() == before


def test_a_failure_far_down_leaves_the_old_output(refused, directory):
    (directory / "new.csv").write_text("rain,sun\n" + "1,2\n" * 300_000 + "1,x\n")
    (directory / "out.csv").write_text("precious")
    before = sorted(directory.iterdir())
    error = refused(1, "predict", "model.json", "new.csv", "--output", "out.csv")
    assert "column 'sun', row 300001: 'x' is not a number" in error
    assert (directory / "out.csv").read_text() == "precious"
    assert sorted(directory.iterdir()) == before


@pytest.mark.parametrize("output", ["/dev/full", "full.csv"])
def test_an_output_that_cannot_be_finished_is_named(refused, directory, monkeypatch, output):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    before = sorted(directory.iterdir())
    error = refused(1, "predict", "model.json", "plots.csv", "--output", output)
    assert error == f"Error: {output}: No space left on device; it could not be written\n"
    assert sorted(directory.iterdir()) == before


def test_a_sink_that_takes_little_gets_all_and_one_that_takes_nothing_is_an_error():
    class Sink(io.BytesIO):
        def write(self, data):
            return super().write(bytes(data)[:most])

    most = 3
    sink = Sink()
    predict._write(sink, "yield\n12.5\n")
    assert sink.getvalue() == b"yield\n12.5\n"
    most = 0
    with pytest.raises(OSError, match="it takes no more bytes"):
        predict._write(Sink(), "yield\n")
