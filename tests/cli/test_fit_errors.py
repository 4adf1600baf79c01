"""`fastlr fit` says what is wrong: with the data (exit code 1) or the command line (2)."""

import pytest

# Exit code 1


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("absent.csv", "there is no file absent.csv: check the name"),
        ("nothing", "nothing is a directory without a table file in it"),
        ("empty.csv", "empty.csv is empty"),
        ("header.csv", "header.csv has columns but no rows"),
        ("ragged.csv", "ragged.csv: row 2 has 2 fields, but the header names 3 columns"),
        ("garbage.csv", "garbage.csv is not a table fastlr knows"),
        ("headerless.csv", "headerless.csv: the first line holds only numbers"),
        ("gaps.csv", "gaps.csv: column 'sun' has no value in row 2: fill it in, or use --missing"),
        ("infinite.csv", "infinite.csv: column 'sun', row 2: inf is not a finite number"),
        (
            "text.csv",
            "text.csv: not every column can be a feature: 'sun' holds text (2 of 3 cells are "
            "numbers; row 3 says '?'",
        ),
        ("names.csv", "'city' holds text ('Ulm' in row 1). Add --exclude city, or choose"),
        ("index.csv", "'column_1' is a nameless index. Add --exclude column_1, or choose"),
    ],
)
def test_bad_files_are_refused(refused, directory, file, message):
    (directory / "nothing").mkdir()
    for name, data in {
        "empty.csv": b"",
        "header.csv": b"rain,sun,yield\n",
        "ragged.csv": b"rain,sun,yield\n1,2,3\n4,5\n",
        "garbage.csv": bytes(range(256)),
        "headerless.csv": b"1,2,3\n4,5,6\n",
        "infinite.csv": b"rain,sun,yield\n1,2,3\n4,inf,6\n",
        "text.csv": b"rain,sun,yield\n1,2,3\n4,5,6\n7,?,8\n",
        "index.csv": b",rain,yield\n0,1,2\n1,2,3\n",
    }.items():
        (directory / name).write_bytes(data)
    error = refused(1, "fit", file, "--target", "yield")
    assert error.startswith("Error: ")
    assert message in error
    assert error.count("\n") == 1


def test_infinite_values_are_refused_even_when_gaps_are_dropped(refused, directory):
    (directory / "infinite.csv").write_text("rain,yield\n1,2\n-inf,3\n")
    error = refused(1, "fit", "infinite.csv", "--target", "yield", "--missing", "drop")
    assert "column 'rain', row 2: -inf is not a finite number" in error


def test_accuracy_is_for_exact_fits(refused):
    error = refused(
        2, "fit", "plots.csv", "--target", "yield", "--method", "gd", "--accuracy", "max"
    )
    assert "--accuracy max: is for exact fits" in error


def test_text_in_a_chosen_column_is_refused(refused):
    error = refused(1, "fit", "names.csv", "--target", "yield", "--features", "rain,city")
    assert "column 'city' holds text ('Ulm' in row 1), not numbers" in error
    error = refused(1, "fit", "names.csv", "--target", "city", "--features", "rain")
    assert "column 'city' holds text" in error


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,2,1\n2,3,-1\n", "column 'w', row 2: weight -1.0 is negative: weights are 0 or more"),
        ("1,2,0\n2,3,0\n", "no row is left to fit: all weights are zero"),
        ("1,2,1\n2,3,\n", "column 'w' has no value in row 2"),
    ],
)
def test_bad_weights_are_refused(refused, directory, rows, message):
    (directory / "weighted.csv").write_text("x,y,w\n" + rows)
    assert message in refused(1, "fit", "weighted.csv", "--target", "y", "--weights", "w")


def test_dropping_every_row_is_refused(refused, directory):
    (directory / "gaps.csv").write_text("x,y\n1,\n,2\n")
    error = refused(1, "fit", "gaps.csv", "--target", "y", "--missing", "drop")
    assert "no row is left to fit: every row has a missing value" in error


# Exit code 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '--target'"),
        (["--target", "yeild"], "has no column 'yeild'; did you mean yield?"),
        (["--target", "q"], "has no column 'q'; it has rain, sun and yield"),
        (
            ["--target", "yield", "--features", "rain,wind"],
            "--features wind: plots.csv has no column",
        ),
        (
            ["--target", "yield", "--exclude", "wind"],
            "--exclude wind: plots.csv has no column 'wind'",
        ),
        (
            ["--target", "yield", "--weights", "wind"],
            "--weights wind: plots.csv has no column 'wind'",
        ),
        (
            ["--target", "yield", "--features", "rain,yield"],
            "--features yield is named in --target as well",
        ),
        (
            ["--target", "yield", "--exclude", "yield"],
            "--exclude yield is named in --target as well",
        ),
        (
            ["--target", "yield", "--weights", "yield"],
            "--weights yield is named in --target as well",
        ),
        (
            ["--target=yield", "--features=rain", "--weights=rain"],
            "--features rain is named in --weights as well",
        ),
        (
            ["--target=yield", "--features=rain", "--exclude=rain"],
            "--features rain is named in --exclude as well",
        ),
        (["--target", "yield", "--features", "rain,RAIN"], "--features rain is named twice"),
        (["--target", "yield", "--features", "rain,,sun"], "name one or more columns"),
        (["--target", "yield", "--features", ""], "name one or more columns"),
        (["--target", "yield", "--exclude", "rain,sun"], "no column of plots.csv is left to be a"),
        (["--target", "yield", "--threads", "0"], "'--threads'"),
        (["--target", "yield", "--missing", "guess"], "'--missing'"),
        (["--target", "yield", "--format", "xml"], "'--format'"),
        (["--target", "yield", "--colour"], "No such option"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(refused, arguments, message):
    error = refused(2, "fit", "plots.csv", *arguments)
    assert error.startswith("Usage: ")
    assert message in error


def test_help_documents_the_exit_codes(run):
    for arguments in (["--help"], ["fit", "--help"], ["predict", "--help"]):
        result = run(*arguments)
        assert result.exit_code == 0
        for line in ("0    done", "1    the data", "2    the command", "130  interrupted"):
            assert line in result.stdout
