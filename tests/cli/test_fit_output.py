"""What `fastlr fit` writes: model files, JSON, warnings, and in which order."""

import errno
import json
import sys
import warnings
from pathlib import Path

import pytest

from command_line import coefficients, fitted
from fastlr.files import load_model

# The model file


def test_the_saved_model_is_the_fit(run):
    document = fitted(run, "plots.csv", "--target", "yield", "--output", "model.json")
    model = load_model("model.json")
    assert document["output"] == "model.json"
    assert model.feature_names == ("rain", "sun")
    assert [model.intercept, *model.coef] == list(coefficients(document).values())
    text = run("fit", "plots.csv", "--target", "yield", "--output", "other.json").stdout
    assert text.endswith("model saved to other.json\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["gaps.csv", "--target", "yield"],
        ["absent.csv", "--target", "yield"],
        ["plots.csv", "--target", "height"],
        ["names.csv", "--target", "yield"],
    ],
)
def test_a_failed_fit_leaves_the_old_model(run, directory, arguments):
    (directory / "model.json").write_text("precious")
    before = sorted(directory.iterdir())
    assert run("fit", *arguments, "--output", "model.json").exit_code in {1, 2}
    assert (directory / "model.json").read_text() == "precious"
    assert sorted(directory.iterdir()) == before


def test_the_table_is_not_overwritten_by_its_model(refused, directory):
    before = (directory / "plots.csv").read_bytes()
    message = refused(2, "fit", "plots.csv", "--target", "yield", "--output", "./plots.csv")
    assert "would overwrite plots.csv: name another file" in message
    assert (directory / "plots.csv").read_bytes() == before


def test_an_output_that_cannot_be_written_is_refused_before_the_table_is_read(refused):
    message = refused(1, "fit", "absent.csv", "--target", "yield", "--output", "no/such/model.json")
    assert "there is no directory" in message
    assert "the model goes to a file" in refused(2, "fit", "plots.csv", "--target=yield", "-o", "-")


# JSON and warnings


def test_json_is_one_document_and_nothing_else(run):
    result = run("fit", "plots.csv", "--target", "yield", "--format", "json", "-o", "model.json")
    assert result.stderr == ""
    document = json.loads(result.stdout, parse_constant=pytest.fail)
    assert set(document) == {
        "fastlr",
        "file",
        "files",
        "targets",
        "feature_names",
        "fit_intercept",
        "alpha",
        "n_samples",
        "n_dropped",
        "n_features",
        "total_weight",
        "rank",
        "df_resid",
        "condition_number",
        "solver",
        "digits",
        "passes",
        "method",
        "level",
        "cov_type",
        "weight_type",
        "attention",
        "status",
        "folds",
        "test",
        "weights",
        "n_rows_dropped",
        "warnings",
        "output",
        "history",
        "plot",
    }
    assert document["warnings"] == []


@pytest.mark.parametrize("layout", ["text", "json"])
def test_collinear_columns_are_fitted_with_one_line_of_warning(run, directory, layout):
    (directory / "twice.csv").write_text("a,b,y\n1,2,3\n2,4,5\n3,6,8\n4,8,9\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run("fit", "twice.csv", "--target", "y", "--format", layout)
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: The features have rank 1 of 2: b = 2 a")
    assert result.stderr.count("\n") == 1
    if layout == "json":
        document = json.loads(result.stdout, parse_constant=pytest.fail)
        assert document["status"]["code"] == "rank_deficient"
        assert [f"warning: {line}\n" for line in document["warnings"]] == [result.stderr]


# Reports come first, then files


@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_model_that_cannot_be_saved_costs_no_report(run, monkeypatch, layout):
    def full(fit, path):
        raise OSError(errno.ENOSPC, "No space left on device", ".model.json.1234~")

    plain = run("fit", "plots.csv", "--target", "yield", "--format", layout)
    monkeypatch.setattr("fastlr.cli._output.save_model", full)
    result = run("fit", "plots.csv", "--target", "yield", "--format", layout, "-o", "model.json")
    assert result.exit_code == 1
    assert result.stdout == plain.stdout.replace('"output": null', '"output": "model.json"')
    assert result.stderr == "Error: model.json: No space left on device; it could not be written\n"


def test_one_file_that_cannot_be_written_does_not_cost_the_others(run):
    gd = ("--method", "gd", "--history", "h.csv")
    result = run("fit", "plots.csv", "--target", "yield", *gd, "-o", "/dev/full")
    assert (result.exit_code, Path("h.csv").exists()) == (1, True)
    assert "Error: /dev/full: No space left on device" in result.stderr
    assert result.stdout.startswith("yield on 2 features")


@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_warning_is_printed_once(run, directory, layout):
    (directory / "twice.csv").write_text("a,b,y\n1,2,3\n2,4,5\n3,6,8\n4,8,9\n")
    result = run("fit", "twice.csv", "--target", "y", "--format", layout)
    assert result.stderr.count("Infinitely many") == 1
    if layout == "text":
        assert "Infinitely many" not in result.stdout
        assert "Rank deficient: see the warning on standard error." in result.stdout


def test_on_a_terminal_the_warning_stands_in_the_report(run, directory, monkeypatch):
    for place in ("_report", "_terminal"):
        monkeypatch.setattr(f"fastlr.cli.{place}.is_terminal", lambda stream: stream is sys.stdout)
    (directory / "twice.csv").write_text("a,b,y\n1,2,3\n2,4,5\n3,6,8\n4,8,9\n")
    result = run("fit", "twice.csv", "--target", "y")
    assert result.stderr == ""
    assert " ".join(result.stdout.split()).count("Infinitely many") == 1
