"""Rows whose category has a level that the fit has not seen are left out of its scores, counted and told."""

import json

import numpy as np
import pandas as pd
import pytest

import fastlr

N = 40


@pytest.fixture
def table(directory):
    """Rows of three soils, one of which a single row has."""
    rng = np.random.default_rng(0)
    soil = np.array(["clay", "loam"])[rng.integers(0, 2, N)]
    soil[11] = "peat"
    x = rng.normal(size=N)
    found = pd.DataFrame({"x": x, "soil": soil, "kind": rng.integers(1, 4, N)})
    found.loc[11, "kind"] = 9
    found["y"] = x + (soil == "loam") + rng.normal(size=N)
    found.to_csv(directory / "plots.csv", index=False)
    return found


ASKED = {
    "categories": ("--target", "y", "--features", "x,soil", "--categories", "soil"),
    "formula": ("--formula", "y ~ x + soil"),
    "numbers": ("--formula", "y ~ x + C(kind)"),
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_level_that_the_other_folds_lack_is_left_out_of_the_score(run, table, asked):
    arguments = ("fit", "plots.csv", *ASKED[asked], "--folds", "5")
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert "5 folds: 1 row has a level of a category that the fit has not seen" in result.stdout
    document = json.loads(run(*arguments, "--format", "json").stdout)["folds"]
    assert (document["n_rows"], document["n_unseen"]) == (N - 1, 1)
    assert document["targets"][0]["rmse"] < 2.0


@pytest.mark.parametrize("asked", ASKED)
def test_other_rows_of_unseen_levels_are_left_out_of_the_score(run, directory, table, asked):
    table.drop(11).to_csv(directory / "most.csv", index=False)
    table.iloc[8:14].to_csv(directory / "few.csv", index=False)
    arguments = ("fit", "most.csv", *ASKED[asked], "--test", "few.csv", "--format", "json")
    found = json.loads(run(*arguments).stdout)["test"]
    table.iloc[8:14].drop(11).to_csv(directory / "few.csv", index=False)
    expected = json.loads(run(*arguments).stdout)["test"]
    assert (found.pop("n_unseen"), expected.pop("n_unseen")) == (1, 0)
    assert found == expected
    table.iloc[11:12].to_csv(directory / "few.csv", index=False)
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "every row has a missing value or a level that the fit has not seen" in refused.stderr


def test_levels_of_one_row_each_leave_nothing_to_score(run, directory):
    names = [f"n{i}" for i in range(6)]
    lines = [f"{name},{i}.5" for i, name in enumerate(names)]
    (directory / "own.csv").write_text("\n".join(["name,y", *lines]) + "\n")
    asked = ("fit", "own.csv", "--target", "y", "--categories", "name", "--folds", "6")
    result = run(*asked)
    assert result.exit_code == 2
    assert "every row has a level of a category that the other folds do not have" in result.stderr


def test_missing_levels_are_not_unseen_ones(run, directory, table):
    gaps = table.copy()
    gaps.loc[[2, 3], "soil"] = None
    gaps.to_csv(directory / "gaps.csv", index=False)
    arguments = ("fit", "plots.csv", *ASKED["categories"], "--test", "gaps.csv")
    found = json.loads(run(*arguments, "--missing", "drop", "--format", "json").stdout)["test"]
    assert (found["n_rows"], found["n_unseen"]) == (N - 2, 0)
    fit = fastlr.ols(table[["x", "soil"]], table["y"], categories=["soil"])
    left = (table["y"] - fit.predict(table[["x", "soil"]])).drop([2, 3])
    assert found["targets"][0]["mae"] == pytest.approx(np.abs(left).mean(), rel=1e-12)
