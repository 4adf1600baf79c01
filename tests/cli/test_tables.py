"""`fastlr fit` and `fastlr predict` on tables as they come: other people's text, several files."""

import json
from pathlib import Path

import numpy as np
import pytest

EUROPEAN = "Fläche;Ertrag\r\n1,5;5\r\n2;6,5\r\n4;11\r\n5;?\r\nSUMME;22,5\r\n"


def fitted(run, *arguments, stdin=None):
    result = run("fit", *arguments, "--format", "json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def predicted(run, *arguments, stdin=None):
    result = run("predict", "model.json", *arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()[1:]


# Text as others write it


@pytest.fixture
def european(directory):
    (directory / "eu.csv").write_bytes(("Stand: Mai\r\n" + EUROPEAN).encode("cp1252"))
    return (
        *("--decimal", ",", "--encoding", "cp1252", "--skip", "1"),
        *("--na", "?", "--na", "SUMME"),
    )


def test_a_european_spreadsheet_is_fitted_and_predicted(run, european):
    document = fitted(
        run, "eu.csv", *european, "--target", "Ertrag", "--missing", "drop", "-o", "model.json"
    )
    (directory_fit,) = document["targets"]
    assert (document["feature_names"], document["n_rows_dropped"]) == (["Fläche"], 2)
    slope = np.polyfit([1.5, 2, 4], [5, 6.5, 11], 1)[0]
    assert directory_fit["coefficients"]["Fläche"] == pytest.approx(slope, rel=1e-12)
    lines = predicted(run, "eu.csv", *european, "--missing", "keep")
    assert [line == "NA" for line in lines] == [False, False, False, False, True]
    stdin = Path("eu.csv").read_bytes()
    assert predicted(run, "-", *european, "--missing", "keep", stdin=stdin) == lines


def test_following_the_errors_leads_to_a_fit(refused, run, european, directory):
    """Every message names the option that takes one step further."""
    fit = ("fit", "eu.csv", "--target", "Ertrag")
    assert "--encoding cp1252" in refused(1, *fit, "--skip", "1")
    arguments = list(european[2:6])
    error = refused(1, *fit, *arguments)
    assert "'Fläche' holds text ('1,5' in row 1: --decimal ,)" in error
    arguments += ["--decimal", ","]
    error = refused(1, *fit, *arguments)
    assert "4 of 5 cells are numbers; row 5 says 'SUMME' (a footer?): --na SUMME" in error
    arguments += ["--na", "SUMME"]
    error = refused(1, *fit, *arguments)
    assert "4 of 5 cells are numbers; row 4 says '?': --na '?'" in error
    arguments += ["--na", "?"]
    assert "use --missing drop" in refused(1, *fit, *arguments)
    assert run(*fit, *arguments, "--missing", "drop").exit_code == 0


def test_a_table_that_is_not_split_proposes_its_delimiter(refused, run, directory):
    (directory / "colons.csv").write_text("a:b\n1:2\n2:3\n4:4\n")
    assert "(not split? --delimiter :)" in refused(2, "fit", "colons.csv", "--target", "b")
    assert fitted(run, "colons.csv", "--target=b", "--delimiter", ":")["feature_names"] == ["a"]
    (directory / "comment.csv").write_text("# by hand\n# in May\na\n1\n")
    assert "(a comment? --skip 2)" in refused(2, "fit", "comment.csv", "--target", "b")
    (directory / "spaces.txt").write_text("a b\n1 2\n2 3\n4 4\n")
    assert fitted(run, "spaces.txt", "--target=b", "--delimiter=space")["feature_names"] == ["a"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--delimiter", "::"], "--delimiter :: cannot separate columns"),
        (["--decimal", ";"], "'--decimal'"),
        (["--encoding", "klingon"], "--encoding klingon is unknown"),
        (["--skip", "-1"], "'--skip'"),
    ],
)
def test_a_wrong_option_of_text_is_a_usage_error(refused, run, arguments, message):
    run("fit", "plots.csv", "--target", "yield", "--output", "model.json")
    assert message in refused(2, "fit", "plots.csv", "--target", "yield", *arguments)
    assert message in refused(2, "predict", "model.json", "plots.csv", *arguments)


def test_options_of_text_for_what_is_none_are_a_usage_error(refused, directory):
    np.save(directory / "plots.npy", np.eye(3))
    error = refused(2, "fit", "plots.npy", "--target", "x0", "--decimal", ",")
    assert "--decimal , is for text, and plots.npy is none: omit it" in error


# Several files


@pytest.fixture
def parts(directory):
    """plots.csv in three files: one with its columns turned round, one compressed, one binary."""
    header, *rows = (directory / "plots.csv").read_text().splitlines()
    place = directory / "parts"
    place.mkdir()
    (place / "1.csv").write_text("\n".join([header, *rows[:2]]) + "\n")
    turned = [",".join(line.split(",")[::-1]) for line in (header, *rows[2:4])]
    (place / "2.csv").write_text("\n".join(turned) + "\n")
    values = np.array([row.split(",") for row in rows[4:]], dtype=float)
    np.savez(place / "3.npz", **dict(zip(header.split(","), values.T, strict=True)))
    return ["parts/1.csv", "parts/2.csv", "parts/3.npz"]


def test_several_files_a_directory_and_a_pattern_are_one_table(run, parts):
    whole = fitted(run, "plots.csv", "--target", "yield")
    for names in (parts, ["parts"], ["parts/*"], ["parts/1.csv", "parts/[23].*"]):
        document = fitted(run, *names, "--target", "yield")
        assert document["files"] == parts
        assert document["file"] == (names[0] if len(names) == 1 else None)
        assert {**document, "file": "plots.csv", "files": ["plots.csv"]} == whole


def test_predictions_of_several_files_follow_one_another(run, parts):
    run("fit", "plots.csv", "--target", "yield", "--output", "model.json")
    whole = predicted(run, "plots.csv")
    assert predicted(run, *parts) == whole
    assert predicted(run, "parts") == whole
    assert predicted(run, "parts/1.csv", "-", stdin=Path("plots.csv").read_bytes()) == (
        whole[:2] + whole
    )


def test_a_bad_row_is_named_by_its_file_and_counted_in_it(refused, run, directory, parts):
    (directory / "parts" / "2.csv").write_text("rain,sun,yield\n1,2,3\n1,,3\n")
    error = refused(1, "fit", "parts", "--target", "yield")
    assert "parts/2.csv: column 'sun' has no value in row 2" in error
    run("fit", "plots.csv", "--target", "yield", "--output", "model.json")
    error = refused(1, "predict", "model.json", "parts", "--output", "out.csv")
    assert "parts/2.csv: column 'sun' has no value in row 2" in error


def test_a_file_of_other_columns_is_named(refused, directory, parts):
    (directory / "parts" / "2.csv").write_text("rain,wind,yield\n1,2,3\n")
    error = refused(1, "fit", "parts", "--target", "yield")
    assert "parts/2.csv lacks 'sun' and has 'wind' besides, compared with parts/1.csv" in error


def test_no_input_is_overwritten_however_it_was_named(refused, run, parts):
    before = Path(parts[1]).read_bytes()
    error = refused(2, "fit", "parts/*", "--target", "yield", "--output", parts[1])
    assert f"--output {parts[1]} would overwrite {parts[1]}: name another file" in error
    run("fit", "plots.csv", "--target", "yield", "--output", "model.json")
    for names in (["parts"], parts):
        assert "overwrite" in refused(2, "predict", "model.json", *names, "--output", parts[1])
    assert Path(parts[1]).read_bytes() == before


# What is no file


@pytest.mark.parametrize(
    ("url", "pipe"),
    [
        ("https://example.org/t.csv", "curl -fsSL https://example.org/t.csv | fastlr fit - "),
        ("http://example.org/t?x=1", "curl -fsSL 'http://example.org/t?x=1' | fastlr fit - "),
        ("s3://bucket/t.csv", "aws s3 cp s3://bucket/t.csv - | fastlr fit - "),
        ("gs://bucket/t.csv", "gcloud storage cat gs://bucket/t.csv | fastlr fit - "),
    ],
)
def test_a_url_is_to_be_piped(refused, url, pipe):
    error = refused(1, "fit", url, "--target", "the yield")
    assert f"{pipe}--target 'the yield'" in error


def test_a_url_to_predict_is_to_be_piped_likewise(refused, run):
    run("fit", "plots.csv", "--target", "yield", "--output", "model.json")
    error = refused(1, "predict", "model.json", "https://example.org/t.csv")
    assert "pipe it: curl -fsSL https://example.org/t.csv | fastlr predict model.json -" in error
