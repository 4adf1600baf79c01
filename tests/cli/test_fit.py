"""`fastlr fit`: the numbers, the options, penalties."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import fastlr
from command_line import coefficients, fitted
from fastlr.files import open_table, open_tables

GOLDEN = Path(__file__).parents[1] / "data" / "cli"


# The numbers


def test_the_fit_is_that_of_ols(run):
    rows = np.loadtxt("longley.csv", delimiter=",", skiprows=1)
    expected = fastlr.ols(rows[:, :-1], rows[:, -1])
    document = fitted(run, "longley.csv", "--target", "employed")
    np.testing.assert_array_equal(
        list(coefficients(document).values()), [expected.intercept, *expected.coef]
    )
    assert document["n_samples"] == 16
    assert document["targets"][0]["r2"] == expected.r2


@pytest.mark.parametrize(("accuracy", "solver"), [("fast", "normal"), ("max", "refined")])
def test_accuracy_is_that_of_ols(run, accuracy, solver):
    rows = np.loadtxt("longley.csv", delimiter=",", skiprows=1)
    expected = fastlr.ols(rows[:, :-1], rows[:, -1], accuracy=accuracy)
    document = fitted(run, "longley.csv", "--target", "employed", "--accuracy", accuracy)
    np.testing.assert_array_equal(
        list(coefficients(document).values()), [expected.intercept, *expected.coef]
    )
    assert document["solver"] == solver
    assert document["digits"] == expected.digits


@pytest.mark.parametrize("accuracy", ["auto", "max"])
def test_a_table_that_is_read_once_is_fitted_from_moments(run, monkeypatch, accuracy):
    monkeypatch.setattr("fastlr.streams.rows._MOST_REMEMBERED", 10)
    rows = np.loadtxt("longley.csv", delimiter=",", skiprows=1)
    text = Path("longley.csv").read_text()
    options = "--target", "employed", "--accuracy", accuracy
    document = fitted(run, "-", *options, stdin=text)
    expected = fastlr.ols(rows[:, :-1], rows[:, -1])
    np.testing.assert_allclose(
        list(coefficients(document).values()), [expected.intercept, *expected.coef], rtol=1e-9
    )
    assert document["solver"] == "double_double"
    assert document["digits"] > 14


def test_a_table_for_people_is_the_golden_text(run):
    result = run("fit", "plots.csv", "--target", "yield", "--features", "rain")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (GOLDEN / "fit_plots.txt").read_text(encoding="utf-8")


def test_text_has_no_colour_codes_unless_on_a_terminal(run):
    assert "\x1b" not in run("fit", "plots.csv", "--target", "yield").stdout


def test_long_names_are_not_cut_when_piped(run, directory):
    name = "rain_" * 60
    table = (directory / "plots.csv").read_text().replace("rain", name)
    (directory / "long.csv").write_text(table)
    assert name in run("fit", "long.csv", "--target", "yield").stdout


def test_names_with_markup_are_shown_as_they_are(run, directory):
    table = (directory / "plots.csv").read_text().replace("rain", "[red]rain[/]")
    (directory / "markup.csv").write_text(table)
    assert "[red]rain[/]" in run("fit", "markup.csv", "--target", "yield").stdout


def test_several_batches_give_the_fit_of_all_rows(run, directory, monkeypatch):
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(400, 4)) * [1, 10, 0.1, 1] + [0, 5, 100, 0]
    np.savetxt(directory / "rows.csv", rows, "%.17g", ",", header="a,b,c,y", comments="")
    monkeypatch.setattr(
        "fastlr.cli._tables.open_tables",
        lambda paths, **text: open_tables(paths, block_bytes=1000, **text),
    )
    with open_table("rows.csv", block_bytes=1000) as table:
        assert len(list(table.batches())) > 10
    expected = fastlr.ols(rows[:, :3], rows[:, 3])
    found = coefficients(fitted(run, "rows.csv", "--target", "y"))
    np.testing.assert_allclose(list(found.values()), [expected.intercept, *expected.coef], 1e-12)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_threads_do_not_change_the_answer(run, threads):
    one, many = (
        fitted(run, "longley.csv", "--target", "employed", *more)
        for more in ([], ["--threads", threads])
    )
    assert one == many


def test_standard_input_gives_the_fit_of_the_file(run, directory):
    document = fitted(run, "plots.csv", "--target", "yield")
    raw = (directory / "plots.csv").read_bytes()
    pa.parquet.write_table(
        pa.table({"rain": [0, 1, 0, 2, 1], "sun": [0, 0, 1, 1, 3], "yield": [1, 3, 4, 8, 12]}),
        directory / "plots.parquet",
    )
    for stdin in (raw, gzip.compress(raw), (directory / "plots.parquet").read_bytes()):
        piped = fitted(run, "-", "--target", "yield", stdin=stdin)
        assert piped == {**document, "file": "-", "files": ["-"]}


# The options


def test_features_and_exclude_choose_columns(run):
    by_name = fitted(run, "plots.csv", "--target", "yield", "--features", "sun")
    by_rest = fitted(run, "plots.csv", "--target", "yield", "--exclude", "rain")
    assert by_name == by_rest
    assert by_name["feature_names"] == ["sun"]


def test_features_keep_the_order_asked_for(run):
    document = fitted(run, "plots.csv", "--target", "yield", "--features", "sun, rain")
    assert document["feature_names"] == ["sun", "rain"]
    again = fitted(run, "plots.csv", "--target", "yield", "--features", "sun", "--features", "rain")
    assert again == document


def test_a_name_with_a_comma_stands_in_quotes(run, directory):
    table = (directory / "plots.csv").read_text().replace("rain", '"rain, mm"')
    (directory / "comma.csv").write_text(table)
    document = fitted(run, "comma.csv", "--target", "yield", "--features", '"rain, mm",sun')
    assert document["feature_names"] == ["rain, mm", "sun"]
    assert fitted(run, "comma.csv", "--target", '"rain, mm"')["targets"][0]["name"] == "rain, mm"


def test_case_does_not_matter_unless_it_must(refused, run, directory):
    assert fitted(run, "plots.csv", "--target", "YIELD", "--features", "Sun")["feature_names"] == [
        "sun"
    ]
    (directory / "cases.csv").write_text("x,X,y\n1,0,1\n2,1,2\n3,0,5\n4,3,1\n")
    exact = fitted(run, "cases.csv", "--target", "y", "--features", "X")
    assert exact["feature_names"] == ["X"]
    (directory / "cases.csv").write_text("ab,AB,y\n1,0,1\n2,1,2\n3,0,5\n4,3,1\n")
    message = refused(2, "fit", "cases.csv", "--target", "y", "--features", "Ab")
    assert "ab and AB differ only in case: write the one you mean" in message


def test_no_intercept_fits_through_the_origin(run):
    document = fitted(run, "plots.csv", "--target", "yield", "--no-intercept")
    assert document["fit_intercept"] is False
    assert coefficients(document)["intercept"] == 0


def test_several_targets_are_fitted_together(run):
    both = fitted(run, "longley.csv", "--target", "employed,unemployed", "--features", "year,gnp")
    assert [target["name"] for target in both["targets"]] == ["employed", "unemployed"]
    alone = fitted(run, "longley.csv", "--target", "unemployed", "--features", "year,gnp")
    for name, value in alone["targets"][0]["coefficients"].items():
        assert both["targets"][1]["coefficients"][name] == pytest.approx(value, rel=1e-12)
    text = run("fit", "longley.csv", "--target", "employed", "--target", "unemployed").stdout
    assert text.startswith("employed on 5 features")
    assert "\nunemployed on 5 features" in text


def test_whole_weights_repeat_rows_and_weight_zero_leaves_them_out(run, directory):
    (directory / "weighted.csv").write_text("x,y,w\n99,5,0\n0,1,1\n1,4,2\n2,4,3\n5,,0\n")
    (directory / "repeated.csv").write_text("x,y\n0,1\n1,4\n1,4\n2,4\n2,4\n2,4\n")
    weighted = fitted(run, "weighted.csv", "--target", "y", "--weights", "w")
    repeated = fitted(run, "repeated.csv", "--target", "y")
    assert weighted["feature_names"] == ["x"]
    assert (weighted["weights"], weighted["n_samples"]) == ("w", 3)
    assert weighted["total_weight"] == pytest.approx(6, rel=1e-15)
    np.testing.assert_allclose(
        list(coefficients(weighted).values()), list(coefficients(repeated).values()), 1e-13
    )


def test_rows_with_missing_values_are_dropped_if_told_so_and_counted(run):
    document = fitted(run, "gaps.csv", "--target", "yield", "--missing", "drop")
    assert (document["n_samples"], document["n_rows_dropped"]) == (4, 2)
    np.testing.assert_allclose(list(coefficients(document).values()), [1, 2, 3], 1e-12)
    text = run("fit", "gaps.csv", "--target", "yield", "--missing", "drop").stdout
    assert "2 rows with missing values were left out." in text


def test_missing_values_in_columns_that_are_not_used_do_not_matter(run):
    document = fitted(run, "gaps.csv", "--target", "yield", "--features", "rain", "--missing=drop")
    assert document["n_rows_dropped"] == 1


# Ridge, and fits that leave nothing over


@pytest.mark.parametrize(("accuracy", "precision"), [("auto", "double"), ("max", "double_double")])
@pytest.mark.parametrize("alpha", ["0", "2.5", "1e6"])
def test_alpha_is_the_ridge_penalty_of_solve(run, accuracy, precision, alpha):
    rows = np.loadtxt("longley.csv", delimiter=",", skiprows=1)
    moments = fastlr.Moments.from_arrays(rows[:, :-1], rows[:, -1], precision=precision)
    expected = fastlr.solve(moments, alpha=float(alpha))
    document = fitted(
        run, "longley.csv", "--target=employed", "--alpha", alpha, "--accuracy", accuracy
    )
    np.testing.assert_allclose(
        list(coefficients(document).values()), [expected.intercept, *expected.coef], rtol=1e-6
    )
    assert document["alpha"] == float(alpha)
    if alpha != "0":
        text = run("fit", "longley.csv", "--target=employed", "--alpha", alpha).stdout
        assert f"ridge regression, alpha {float(alpha):g}" in text


def test_a_penalty_cures_the_warning_that_advises_it(run, directory):
    (directory / "twice.csv").write_text("a,b,y\n1,2,3\n2,4,5\n3,6,8\n4,8,9\n")
    result = run("fit", "twice.csv", "--target", "y")
    assert "use a ridge penalty (--alpha)." in result.stderr
    assert run("fit", "twice.csv", "--target", "y", "--alpha", "0.1").stderr == ""


@pytest.mark.parametrize("alpha", ["-1", "nan", "inf", "much"])
def test_a_penalty_that_is_none_is_a_usage_error(run, alpha):
    result = run("fit", "plots.csv", "--target", "yield", "--alpha", alpha)
    assert result.exit_code == 2
    assert "--alpha" in result.stderr


@pytest.mark.parametrize(
    ("text", "df_resid"),
    [
        ("a,b,y\n1,2,3\n", 0),
        ("a,b,y\n1,2,3\n2,1,5\n", 0),
        ("a,b,y\n1,2,3\n2,1,5\n4,4,4\n", 0),
        ("a,b,y\n1,2,3\n2,1,5\n4,4,4\n5,1,6\n", 1),
    ],
)
@pytest.mark.parametrize("method", ["exact", "gd"])
def test_a_fit_without_rows_to_spare_says_that_errors_cannot_be_estimated(
    run, directory, text, df_resid, method
):
    (directory / "few.csv").write_text(text)
    arguments = ("few.csv", "--target", "y", "--method", method)
    report = run("fit", *arguments).stdout
    assert ("Nothing is left to estimate errors from" in report) == (df_resid == 0)
    assert ("digits" in report) == (df_resid > 0 and method == "exact")
    assert fitted(run, *arguments)["df_resid"] == df_resid
