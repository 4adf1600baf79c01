"""`fastlr report`: one page about a fit of a table file."""

import html
import re

import pytest


def words(text):
    """What a page says, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """Pages have no pictures, which tests/report looks at."""
    monkeypatch.setattr("fastlr.report.page.pictures_of", lambda *given, **options: [])


def test_a_table_becomes_a_page(run, directory):
    result = run("report", "longley.csv", "--target", "employed", "-o", "page.html")
    assert result.exit_code == 0
    assert re.fullmatch(r"page\.html written: 16 rows, 6 features\n", result.stdout)
    text = words((directory / "page.html").read_text(encoding="utf-8"))
    assert "employed on 6 features" in text
    assert "16 rows, 9 degrees of freedom · longley.csv" in text
    assert "row 5 (0.61)" in text
    assert "Rows are counted from 1 on." in text


def test_rows_keep_the_numbers_they_have_in_the_table(run, directory):
    lines = (directory / "longley.csv").read_text().splitlines()
    holes = [lines[0], ",,,,,,", *lines[1:3], ",,,,,,", *lines[3:]]
    (directory / "holes.csv").write_text("\n".join(holes) + "\n")
    options = ["--target", "employed", "-o", "-", "--missing", "drop"]
    result = run("report", "holes.csv", *options)
    assert result.exit_code == 0
    text = words(result.stdout)
    assert "row 7 (0.61)" in text
    assert "2 rows with missing values were left out" in text


def test_options_are_those_of_fit(run):
    result = run(
        *("report", "longley.csv", "--target", "EMPLOYED", "--features", "year,gnp", "-o", "-"),
        *("--robust", "HC3", "--level", "0.9", "--models", "subset,lasso"),
    )
    text = words(result.stdout)
    assert "90 % interval" in text
    assert "unequal variances (HC3)" in text
    assert "best subset (2 features)" in text
    formula = run("report", "longley.csv", "--formula", "employed ~ year + I(gnp ** 2)", "-o", "-")
    assert "employed on 2 features" in words(formula.stdout)
    categories = run(
        *("report", "names.csv", "--target", "yield", "--categories", "city", "-o", "-"),
        *("--exclude", "sun"),
    )
    assert "city[T.Ulm]" in words(categories.stdout)


def test_the_input_is_never_overwritten(refused, directory):
    before = (directory / "longley.csv").read_bytes()
    arguments = ["report", "longley.csv", "--target", "employed", "-o", "longley.csv"]
    assert "would overwrite longley.csv" in refused(2, *arguments)
    (directory / "other.csv").hardlink_to(directory / "longley.csv")
    assert "would overwrite" in refused(2, *arguments[:-1], "other.csv")
    assert (directory / "longley.csv").read_bytes() == before


def test_refusals_leave_no_page(refused, directory):
    for arguments, exit_code, message in (
        (["--target", "rain,sun"], 2, "one target"),
        (["--target", "yield", "--models", "forest"], 2, "--models forest: name some of subset"),
        (["--target", "yield", "--models", "lasso"], 1, "not enough"),
        (["--target", "yield", "--weight-type", "frequency"], 2, "needs --weights"),
        ([], 2, "Missing option '--target'"),
    ):
        error = refused(exit_code, "report", "plots.csv", "-o", "page.html", *arguments)
        assert message in error, arguments
    assert "no directory" in refused(
        1, "report", "plots.csv", "--target", "yield", "-o", "nowhere/page.html"
    )
    assert not list(directory.rglob("page.html"))
