"""`fastlr fit --method gd`: the same descent as in Python, and what it says."""

import json

import numpy as np
import pytest

import fastlr


def fitted(run, *arguments):
    result = run("fit", *arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout), result.stderr


OPTIONS = ("--method", "gd", "--batch-size", "4", "--epochs", "50", "--learning-rate", "0.01")


def test_the_descent_is_that_of_python(run):
    rows = np.loadtxt("longley.csv", delimiter=",", skiprows=1)
    document, _ = fitted(
        run, "longley.csv", "--target", "employed", *OPTIONS, "--standardize", "--seed", "3"
    )
    expected = fastlr.descend(
        rows[:, :-1],
        rows[:, -1],
        batch_size=4,
        epochs=50,
        learning_rate=0.01,
        standardize=True,
        random_state=3,
    )
    (target,) = document["targets"]
    np.testing.assert_allclose(list(target["coefficients"].values()), expected.coef, rtol=1e-9)
    assert document["descent"]["n_updates"] == expected.n_updates == 200
    assert document["descent"]["engine"] == "batches"


def test_a_saved_descent_predicts(run, directory):
    arguments = ("plots.csv", "--target", "yield", "--features", "rain")
    result = run("fit", *arguments, "--method", "gd", "--standardize", "--output", "model.json")
    assert result.exit_code == 0, result.stderr
    assert "accelerated (moments)" in result.stdout
    assert run("predict", "model.json", "plots.csv").exit_code == 0


def test_divergence_is_told(run):
    _, told = fitted(
        run, "longley.csv", "--target", "employed", "--method", "gd", "--learning-rate", "1"
    )
    assert "2 / L" in told


def test_lines_of_progress(run):
    result = run(
        "fit", "longley.csv", "--target", "employed", "--method", "gd", "--standardize",
        "--epochs", "21", "--verbose", "10",
    )  # fmt: skip
    assert [line[:8] for line in result.stderr.splitlines()[:3]] == [
        "Epoch  0",
        "Epoch 10",
        "Epoch 20",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch-size", "4"), "--batch-size: needs --method gd"),
        (("--method", "gd", "--batch-size", "0"), "--batch-size"),
        (("--method", "gd", "--learning-rate", "fast"), "learning_rate='fast'"),
        (("--method", "gd", "--learning-rate", "-1"), "learning_rate=-1.0"),
        (("--method", "newton"), "--method"),
    ],
)
def test_bad_options_are_named(run, arguments, message):
    result = run("fit", "longley.csv", "--target", "employed", *arguments)
    assert result.exit_code != 0
    assert message in result.stderr
