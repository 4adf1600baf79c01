"""`fastlr fit`: kinds of weights, robust and clustered errors, and scores on other rows."""

import numpy as np
import pandas as pd
import pytest

import fastlr
from command_line import fitted


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
        (("--cluster", "y"), "--cluster y is the target"),
        (("--cluster", "firm,firm"), "--cluster firm is named twice"),
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
