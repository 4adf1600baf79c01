"""`fastlr fit`: the numbers, the options, the errors, the exit codes."""

import errno
import gzip
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import fastlr
from fastlr.files import load_model, open_table, open_tables

GOLDEN = Path(__file__).parents[1] / "data" / "cli"


def fitted(run, *arguments, stdin=None):
    result = run("fit", *arguments, "--format", "json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def coefficients(document):
    (target,) = document["targets"]
    return {"intercept": target["intercept"], **target["coefficients"]}


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


def test_weights_mean_what_weight_type_says(run, refused, directory):
    (directory / "weighted.csv").write_text("x,y,w\n0,1,1\n1,4,2\n2,4,3\n5,6,2\n")
    rows = ("weighted.csv", "--target", "y", "--weights", "w")
    assert run("fit", *rows, "--weight-type", "frequency", "--output", "m.json").exit_code == 0
    fit = fastlr.load("m.json")
    assert (fit.weight_type, fit.nobs, fit.df_resid) == ("frequency", 8.0, 6)
    assert fitted(run, *rows, "--weight-type", "frequency")["df_resid"] == 6
    alone = ("fit", "weighted.csv", "--target", "y", "--weight-type", "frequency")
    assert "--weight-type frequency: needs --weights" in refused(2, *alone)
    descending = ("fit", *rows, "--weight-type", "probability", "--method", "gd")
    assert "--weight-type probability: is for exact fits" in refused(2, *descending)


PANEL = """y,x,firm,z,year
1,1,a,3,1
2.5,2,a,1,2
2.9,3,b,4,1
4.4,4,b,1,2
4.8,5,c,5,1
6.1,6,c,9,2
7.7,7,d,2,1
7.6,8,d,6,2
9.4,9,e,5,1
9.9,10,e,3,2
"""


@pytest.fixture
def panel(directory):
    (directory / "panel.csv").write_text(PANEL)
    return pd.read_csv(directory / "panel.csv")


def terms_of(document):
    (target,) = document["targets"]
    return {row["term"]: row for row in target["terms"]}


def test_level_robust_and_cluster_are_those_of_ols(run, panel):
    X, y = panel[["x", "z"]], panel["y"]
    rows = ("panel.csv", "--target", "y", "--features", "x,z")
    cases = {
        ("--level", "0.8"): fastlr.ols(X, y),
        ("--robust", "HC3"): fastlr.ols(X, y, cov_type="HC3"),
        ("--robust", "HAC"): fastlr.ols(X, y, cov_type="HAC"),
        ("--robust", "HC1", "--alpha", "2"): fastlr.ols(X, y, alpha=2.0, cov_type="HC1"),
        ("--cluster", "firm"): fastlr.ols(
            X, y, cov_type="cluster", cov_kwds={"groups": panel["firm"].to_numpy()}
        ),
        ("--cluster", "FIRM,year"): fastlr.ols(
            X, y, cov_type="cluster", cov_kwds={"groups": panel[["firm", "year"]].to_numpy()}
        ),
    }
    for options, fit in cases.items():
        document = fitted(run, *rows, *options)
        level = 0.8 if options[0] == "--level" else 0.95
        expected = fit.tidy(level=level, backend="pandas").set_index("term")
        for name, row in terms_of(document).items():
            for key in ("estimate", "std_error", "p_value", "conf_low", "conf_high"):
                assert row[key] == pytest.approx(expected.loc[name, key], rel=1e-9), options
        assert (document["level"], document["cov_type"]) == (level, fit.cov_type)


def test_a_column_of_clusters_is_no_feature_unless_it_is_named(run, panel):
    assert set(terms_of(fitted(run, "panel.csv", "--target", "y", "--cluster", "firm"))) == {
        "(intercept)",
        "x",
        "z",
        "year",
    }
    named = fitted(run, "panel.csv", "--target", "y", "--cluster", "z", "--features", "x,z")
    assert "z" in terms_of(named)
    formula = fitted(run, "panel.csv", "--formula", "y ~ x", "--cluster", "firm")
    assert formula["cov_type"] == "cluster"


def test_held_out_rows_are_scored(run, directory, panel):
    (directory / "new.csv").write_text("Y,x,extra\n3,2,a\n5,4,b\n,5,c\n9,7,d\n")
    rows = ("panel.csv", "--target", "y", "--features", "x", "--test", "new.csv")
    fit = fastlr.ols(panel[["x"]], panel["y"])
    y = np.array([3.0, 5.0, 9.0])
    left = y - fit.predict(np.array([[2.0], [4.0], [7.0]]))
    document = fitted(run, *rows, "--missing", "drop")["test"]
    (figures,) = document["targets"]
    assert (document["file"], document["n_rows"]) == ("new.csv", 3)
    assert figures["rmse"] == pytest.approx(np.sqrt(np.mean(left**2)), rel=1e-12)
    assert figures["mae"] == pytest.approx(np.mean(np.abs(left)), rel=1e-12)
    assert figures["r2"] == pytest.approx(1 - np.sum(left**2) / np.sum((y - y.mean()) ** 2))
    assert "test on 3 rows of new.csv: R2 0." in run("fit", *rows, "--missing", "drop").stdout
    assert "column 'Y' has no value in row 3" in run("fit", *rows).stderr
    (directory / "new.csv").write_text("Y,x\n3,2\n")
    assert "test on 1 row of new.csv: root mean" in run("fit", *rows).stdout


def test_as_many_folds_as_rows_leave_one_out(run, panel):
    rows = ("panel.csv", "--target", "y", "--features", "x,z")
    fit = fastlr.ols(panel[["x", "z"]], panel["y"])
    each = fit.augment(panel[["x", "z"]], panel["y"])
    press = np.mean((each["resid"] / (1 - each["hat"])) ** 2)
    document = fitted(run, *rows, "--folds", "10")
    assert document["folds"]["n_folds"] == document["folds"]["n_rows"] == 10
    assert document["folds"]["targets"][0]["rmse"] == pytest.approx(np.sqrt(press), rel=1e-9)
    assert fitted(run, *rows, "--folds", "3") == fitted(run, *rows, "--folds", "3")
    assert "\n3 folds: R2 0." in run("fit", *rows, "--folds", "3").stdout


def test_folds_say_nothing_of_their_own_on_standard_error(run, panel):
    """The whole table's warning is enough, and in the words of the command line."""
    panel.assign(twice=2 * panel["x"]).to_csv("twice.csv", index=False)
    rows = ("twice.csv", "--target", "y", "--features", "x,twice,z")
    said = run("fit", *rows).stderr
    assert said.startswith("warning: The features have rank 2 of 3")
    assert run("fit", *rows, "--folds", "3").stderr == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--robust", "HC1", "--cluster", "firm"), "leave out --robust"),
        (("--robust", "HC1", "--method", "gd"), "leave out --method gd"),
        (("--folds", "3", "--method", "gd"), "leave out --method gd"),
        (("--folds", "11"), "--folds 11"),
        (("--cluster", "fimr"), "did you mean firm?"),
        (("--cluster", "firm,x,z"), "--cluster names 3 columns"),
        (("--level", "95"), "--level"),
    ],
)
def test_options_that_make_no_sense_are_refused(refused, panel, options, said):
    message = refused(2, "fit", "panel.csv", "--target", "y", "--features", "x,z", *options)
    assert said in message


def test_a_table_without_the_target_is_no_test(refused, directory, panel):
    (directory / "blind.csv").write_text("x,z\n1,2\n")
    rows = ("panel.csv", "--target", "y", "--features", "x,z", "--test", "blind.csv")
    assert "blind.csv has no column 'y'" in refused(1, "fit", *rows)
