"""Formulas and categories on the command line: the fits of Python, kept in model files, and predicted by level."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import fastlr

ROWS = {
    "rain": [0.0, 1, 0, 2, 3, 1, 2, 1, 5],
    "city": ["Ulm", "Bonn", "Ulm", "Bonn", "Rom", "Rom", "Ulm", None, "Bonn"],
    "zip": ["007", "008", "007", "008", "009", "009", "007", "008", "008"],
    "k": [1, 2, 1, 2, 3, 3, 1, 1, 2],
    "weight": [1, 2, 1, 1, 2, 1, 1, 2, 1],
    "yield": [1.0, 3, 4, 8.5, 9, 9.5, 9.1, 2, 11],
}
FRAME = pd.DataFrame(ROWS)


@pytest.fixture(autouse=True)
def tables(directory):
    FRAME.to_csv(directory / "fields.csv", index=False)
    FRAME[:4].to_csv(directory / "part1.csv", index=False)
    FRAME[4:].to_csv(directory / "part2.csv", index=False)
    pq.write_table(pa.Table.from_pandas(FRAME), directory / "fields.parquet")
    dictionary = pa.Table.from_pandas(FRAME.astype({"city": "category"}))
    pq.write_table(dictionary, directory / "codes.parquet")
    return directory


def test_arrays_of_text_and_numbers_are_categories_as_they_are_written(run):
    np.savez(
        "fields.npz", city=np.array(["Ulm", "Rom", "Ulm", "Rom"]), k=[1, 2, 2, 1], y=[1.0, 2, 4, 9]
    )
    pa.feather.write_feather(pa.table({"k": [2, 1], "city": ["Rom", "Ulm"]}), "new.feather")
    fit = run(
        "fit", "fields.npz", "--target", "y", "--categories", "city,k", "--output", "model.json"
    )
    assert fit.exit_code == 0
    expected = fastlr.ols(
        {"city": ["Ulm", "Rom", "Ulm", "Rom"], "k": [1, 2, 2, 1]},
        [1.0, 2, 4, 9],
        categories=["city", "k"],
    )
    assert fastlr.load_model("model.json").feature_names == expected.feature_names
    predicted = run("predict", "model.json", "new.feather").stdout.split()[1:]
    np.testing.assert_allclose(
        [float(value) for value in predicted],
        expected.predict({"city": ["Rom", "Ulm"], "k": [2, 1]}),
        rtol=1e-12,
    )


TABLES = ["fields.csv", "fields.parquet", "codes.parquet", "part*.csv"]


@pytest.mark.parametrize("table", TABLES)
def test_categories_are_those_of_python(run, table):
    result = run(
        "fit", table, "--target", "yield", "--features", "rain,city,zip", "--categories", "city,zip",
        "--missing", "drop", "--format", "json", "--output", "model.json",
    )  # fmt: skip
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    expected = fastlr.ols(
        FRAME[["rain", "city", "zip"]],
        FRAME["yield"],
        categories=["city", "zip"],
        missing="drop",
    )
    assert document["feature_names"] == list(expected.feature_names)
    assert "zip[T.008]" in document["feature_names"]
    assert (document["n_dropped"], document["n_rows_dropped"]) == (1, 1)
    np.testing.assert_allclose(
        list(document["targets"][0]["coefficients"].values()), expected.coef, rtol=1e-9
    )
    for other in TABLES:
        predicted = run("predict", "model.json", other, "--missing", "keep").stdout.split()[1:]
        assert predicted[7] == "NA"
        numbers = [float(value) for value in predicted if value != "NA"]
        complete = FRAME.dropna()[["rain", "city", "zip"]]
        np.testing.assert_allclose(numbers, expected.predict(complete), rtol=1e-9)


@pytest.mark.parametrize("table", TABLES)
def test_formulas_are_those_of_python(run, table):
    formula = "yield ~ rain * city + C(k)".replace("yield", "`yield`")
    result = run(
        "fit", table, "--formula", formula, "--weights", "weight", "--missing", "drop",
        "--format", "json", "--output", "model.json",
    )  # fmt: skip
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    expected = fastlr.ols(formula, data=FRAME, sample_weight="weight", missing="drop")
    assert document["feature_names"] == list(expected.feature_names)
    assert document["weights"] == "weight"
    assert fastlr.load_model("model.json").design.text == formula
    predicted = run("predict", "model.json", table, "--missing", "keep").stdout.split()
    assert predicted[0] == "yield_predicted"
    numbers = [float(value) for value in predicted[1:] if value != "NA"]
    np.testing.assert_allclose(numbers, expected.predict(FRAME.dropna()), rtol=1e-9)


@pytest.mark.parametrize(
    "made",
    [
        ("--formula", "`yield` ~ rain + city"),
        ("--target", "yield", "--features", "rain,city", "--categories", "city"),
        ("--formula", "`yield` ~ rain * city", "--weights", "weight", "--alpha", "0.1"),
    ],
)
def test_descent_takes_formulas_and_categories(run, made):
    descent = ("--method", "gd", "--missing", "drop", "--output", "model.json", "--format", "json")
    result = run("fit", "fields.csv", *made, *descent)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    if "--alpha" in made:
        expected = fastlr.descend(
            made[1], data=FRAME, sample_weight="weight", alpha=0.1, missing="drop"
        )
    elif made[0] == "--formula":
        expected = fastlr.ols(made[1], data=FRAME, missing="drop")
    else:
        expected = fastlr.ols(
            FRAME[["rain", "city"]], FRAME["yield"], categories=["city"], missing="drop"
        )
    assert document["feature_names"] == list(expected.feature_names)
    found = list(document["targets"][0]["coefficients"].values())
    np.testing.assert_allclose(found, expected.coef, rtol=1e-5, atol=1e-6)
    predicted = run("predict", "model.json", "fields.csv", "--missing", "keep").stdout.split()[1:]
    numbers = [float(value) for value in predicted if value != "NA"]
    complete = FRAME.dropna()[["rain", "city"]]
    np.testing.assert_allclose(numbers, expected.predict(complete), rtol=1e-4)


def test_functions_of_python_do_the_same():
    fit = fastlr.fit_file("fields.csv", formula="`yield` ~ rain + city", missing="drop")
    expected = fastlr.ols("`yield` ~ rain + city", data=FRAME, missing="drop")
    np.testing.assert_allclose(fit.coef, expected.coef, rtol=1e-12)
    assert (fit.n_dropped, fit.target_names) == (1, ("yield",))
    chosen = fastlr.fit_file(
        "fields.csv", "yield", features=["rain", "city"], categories="city", missing="drop"
    )
    np.testing.assert_allclose(sorted(chosen.coef), sorted(expected.coef), rtol=1e-12)
    with pytest.raises(fastlr.InputTypeError, match="and not both"):
        fastlr.fit_file("fields.csv", "yield", formula="`yield` ~ rain")
    with pytest.raises(fastlr.InputTypeError, match="leave out 'city'"):
        fastlr.fit_file("fields.csv", formula="`yield` ~ rain", categories=["city"])
    with pytest.raises(fastlr.InputError, match="alpha=2 is for features as they are"):
        fastlr.fit_file("fields.csv", formula="`yield` ~ rain", alpha=2.0)


def test_columns_of_words_propose_categories(refused):
    told = refused(1, "fit", "names.csv", "--target", "yield")
    assert "Add --exclude city, or choose with --features" in told
    assert "--categories city" in told
    with pytest.raises(fastlr.FileFormatError, match=r"pass categories=\['city'\]"):
        fastlr.fit_file("names.csv", "yield")


def test_what_does_not_go_together_is_refused(refused):
    told = refused(
        2, "fit", "fields.csv", "--formula", "k ~ rain", "--target", "k", "--no-intercept"
    )
    assert "leave out --target, --no-intercept" in told
    told = refused(2, "fit", "fields.csv", "--formula", "k ~ rain", "--alpha", "2")
    assert "--formula is for fits without a penalty, and for --method gd: leave out --alpha" in told
    told = refused(2, "fit", "fields.csv", "--formula", "k ~ rainn")
    assert "has no column 'rainn'; did you mean rain?" in told
    options = ("--target", "yield", "--features", "rain", "--categories", "city")
    told = refused(2, "fit", "fields.csv", *options)
    assert "--categories city is no feature: name it in --features as well" in told
    assert "Missing option '--target'" in refused(2, "fit", "fields.csv")
    told = refused(1, "fit", "fields.csv", "--formula", "k ~ city")
    assert "'city' has no value in row 8: fill it in, or use --missing drop" in told


def test_unseen_levels_are_named(run, refused, tables):
    run("fit", "fields.csv", "--formula", "k ~ city", "--missing", "drop", "--output", "model.json")
    (tables / "new.csv").write_text("city\nUlm\nWien\n")
    told = refused(1, "predict", "model.json", "new.csv")
    assert "column 'city' of X has levels that the fit has not seen ('Wien')" in told
