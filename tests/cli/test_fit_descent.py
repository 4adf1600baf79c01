"""`fastlr fit --method gd`: the same descent as in Python, and what it says."""

import csv
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastlr
from fastlr.files import load_model


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


def test_hubers_loss_is_that_of_python(run, directory):
    table = np.genfromtxt("longley.csv", delimiter=",", names=True)
    columns = ("longley.csv", "--target", "employed", "--features", "year,armed_forces")
    options = ("--method", "gd", "--loss", "huber", "--epsilon", "250")
    files = ("--history", "steps.csv", "--output", "model.json")
    document, _ = fitted(run, *columns, *options, *files)
    X = {name: table[name] for name in ("year", "armed_forces")}
    expected = fastlr.descend(X, table["employed"], loss="huber", epsilon=250)
    (target,) = document["targets"]
    np.testing.assert_allclose(list(target["coefficients"].values()), expected.coef, rtol=1e-9)
    described = document["descent"]
    assert (described["loss_kind"], described["gap"]) == ("huber", None)
    with (directory / "steps.csv").open() as file:
        steps = list(csv.DictReader(file))
    assert len(steps) == described["n_epochs"]
    assert {step["mse"] for step in steps} == {""}
    assert "Huber's loss by gradient descent" in load_model(directory / "model.json").summary()
    assert fastlr.plot.loss(expected).get_ylabel() == "mean of Huber's loss"
    refused = run("fit", *columns, *options[:-1], "-1")
    assert refused.exit_code == 2
    assert "--epsilon -1" in refused.stderr


def test_a_saved_descent_predicts(run, directory):
    arguments = ("plots.csv", "--target", "yield", "--features", "rain")
    result = run("fit", *arguments, "--method", "gd", "--standardize", "--output", "model.json")
    assert result.exit_code == 0, result.stderr
    assert "least squares by gradient descent" in result.stdout
    assert run("predict", "model.json", "plots.csv").exit_code == 0


WILD = ("longley.csv", "--target", "employed", "--method", "gd", "--learning-rate", "1")


@pytest.mark.parametrize("layout", ["text", "json"])
@pytest.mark.parametrize("forced", [(), ("--force",)], ids=["", "forced"])
def test_divergence_has_an_exit_code_of_its_own_and_saves_no_model(run, directory, layout, forced):
    (directory / "model.json").write_text("precious")
    result = run("fit", *WILD, "-o", "model.json", "--format", layout, *forced)
    assert result.exit_code == 3
    model = (directory / "model.json").read_text()
    assert (model == "precious") == (not forced)
    assert ("no model saved to model.json: --force saves it" in result.stderr) == (not forced)
    if layout == "json":
        document = json.loads(result.stdout)
        assert document["status"]["code"] == "diverged"
        assert document["output"] == ("model.json" if forced else None)


def test_divergence_is_told_once_in_the_words_of_the_command_line(run):
    result = run("fit", *WILD)
    assert result.output.count("2 / L") == 1
    assert "--learning-rate 1 is above 2 / L" in result.stderr
    assert "--learning-rate auto, or --standardize." in result.stderr
    assert "learning_rate" not in result.output
    assert "Diverged: see the warning on standard error." in result.stdout


def test_the_report_and_json_name_options_but_the_model_keeps_the_words_of_the_package(run):
    result = run("fit", *WILD, "--output", "model.json", "--force", "--format", "json")
    assert "--learning-rate 1" in json.loads(result.stdout)["status"]["message"]
    assert "learning_rate=1" in load_model("model.json").status


def test_a_descent_that_was_interrupted_exits_with_130_and_keeps_what_it_has(run, monkeypatch):
    descend = fastlr.descend

    def interrupted(*arguments, **options):
        def press(epoch):
            raise KeyboardInterrupt

        return descend(*arguments, **options, callback=press)

    monkeypatch.setattr(fastlr, "descend", interrupted)
    result = run("fit", "longley.csv", "--target", "employed", "--method", "gd", "-o", "model.json")
    assert (result.exit_code, "employed on 6 features" in result.stdout) == (130, True)
    assert load_model("model.json").status.code == "interrupted"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), {}),
        (("--tol", "1e-6", "--patience", "9"), {"tol": 1e-6, "patience": 9}),
        (("--tol", "none", "--patience", "NONE"), {"tol": None, "patience": None}),
        (("--validation", "0.25", "--alpha", "2"), {"validation": 0.25, "alpha": 2.0}),
        (("--standardize",), {"standardize": True}),
        (("--no-standardize",), {"standardize": False}),
        (("--learning-rate", "auto"), {"learning_rate": "auto"}),
    ],
)
def test_options_reach_the_descent_and_what_is_left_out_is_left_to_it(
    run, monkeypatch, arguments, expected
):
    seen, descend = {}, fastlr.descend

    def spied(
        X, y, *, data, categories, sample_weight, fit_intercept, n_threads, random_state, **options
    ):
        assert data is None
        assert categories is None
        seen.update(options)
        return descend(X, y, epochs=2)

    monkeypatch.setattr(fastlr, "descend", spied)
    assert run("fit", "longley.csv", "--target=employed", "--method=gd", *arguments).exit_code == 0
    assert seen == expected


def test_the_penalty_of_a_descent_follows_its_loss(run):
    rows = np.loadtxt("plots.csv", delimiter=",", skiprows=1)
    arguments = (
        "plots.csv",
        "--target",
        "yield",
        "--method",
        "gd",
        "--alpha",
        "2",
        "--epochs",
        "9",
    )
    for loss in ("sse", "mse", "half_mse"):
        document, _ = fitted(run, *arguments, "--loss", loss, "--no-standardize")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fastlr.ConvergenceWarning)
            expected = fastlr.descend(
                rows[:, :2], rows[:, 2], alpha=2, epochs=9, loss=loss, standardize=False
            )
        found = list(document["targets"][0]["coefficients"].values())
        np.testing.assert_allclose(found, expected.coef, rtol=1e-9)
        assert (document["alpha"], document["descent"]["penalty"]) == (expected.alpha, 2)


@pytest.mark.parametrize("validated", [(), ("--validation", "0.3")], ids=["", "validated"])
def test_the_history_has_a_row_an_epoch_as_csv_and_json(run, validated):
    arguments = ("longley.csv", "--target=employed", "--method=gd", "--standardize", "--epochs=7")
    for file in ("history.csv", "history.json"):
        result = run("fit", *arguments, *validated, "--history", file, "--format", "json")
        assert json.loads(result.stdout)["history"] == file
    records = json.loads(Path("history.json").read_text())
    rows = list(csv.DictReader(Path("history.csv").read_text().splitlines()))
    assert len(rows) == len(records) == 7
    for row, record in zip(rows, records, strict=True):
        assert {name: float(value) for name, value in row.items()} == record
    assert [record["epoch"] for record in records] == list(range(7))
    assert ("validation_loss" in records[0]) == bool(validated)
    losses = [record["loss"] for record in records]
    assert losses == sorted(losses, reverse=True)


def test_the_history_of_a_divergence_is_kept_and_valid(run):
    for file in ("history.csv", "history.json"):
        assert run("fit", *WILD, "--validation", "0.2", "--history", file).exit_code == 3
    records = json.loads(Path("history.json").read_text(), parse_constant=pytest.fail)
    assert records[-1]["loss"] > records[0]["loss"]
    assert len(Path("history.csv").read_text().splitlines()) == 1 + len(records)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--validation", "0.3", "--epochs", "40"),
        ("--epochs", "1"),
        ("--no-standardize", "--learning-rate", "1"),
    ],
    ids=["plain", "validated", "one epoch", "diverged"],
)
def test_the_plot_is_a_picture(run, arguments):
    pytest.importorskip("matplotlib")
    start = ("fit", "longley.csv", "--target=employed", "--method=gd", *arguments)
    assert run(*start, "--plot", "p.png").exit_code in {0, 3}
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("file", "magic"), [("p.svg", b"<?xml"), ("p.PDF", b"%PDF")])
def test_the_plot_has_the_format_of_its_name(run, file, magic):
    start = ("fit", "longley.csv", "--target=employed", "--method=gd", "--epochs", "3")
    assert run(*start, "--plot", file).exit_code == 0
    assert Path(file).read_bytes().startswith(magic)


def test_the_plot_of_an_exact_fit_shows_diagnostics(run):
    pytest.importorskip("matplotlib")
    for options in (["--target", "employed"], ["--formula", "employed ~ year + gnp"]):
        Path("d.png").unlink(missing_ok=True)
        result = run("fit", "longley.csv", *options, "--plot", "d.png")
        assert result.exit_code == 0
        assert Path("d.png").read_bytes().startswith(b"\x89PNG")
    for options, message in (
        (["--target", "employed", "--alpha", "1"], "leave out --alpha or --plot"),
        (["--target", "employed,year"], "of one target"),
    ):
        refused = run("fit", "longley.csv", *options, "--plot", "d.png")
        assert refused.exit_code == 2
        assert message in refused.stderr


def test_a_plot_that_cannot_be_drawn_loses_no_report(run):
    pytest.importorskip("matplotlib")
    result = run("fit", "longley.csv", "--formula", "log(employed) ~ year", "--plot", "d.png")
    assert result.exit_code == 1
    assert "log(employed) on 1 feature" in result.stdout
    assert "d.png: " in result.stderr
    assert not Path("d.png").exists()


def test_curves_that_reach_zero_are_drawn():
    options = {"standardize": True, "learning_rate": 0.5, "tol": None}
    fit = fastlr.descend([[1.0], [2.0]], [2.0, 4.0], epochs=200, **options)
    assert fit.loss == 0
    axes = fastlr.plot.loss(fit)
    assert axes.get_yscale() == "log"
    assert [line.get_label() for line in axes.lines] == ["loss"]


def test_without_matplotlib_a_plot_names_the_extra_before_the_work(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backend_bases", None)
    result = run("fit", "absent.csv", "--target", "y", "--method", "gd", "--plot", "p.png")
    assert result.exit_code == 1
    assert '--plot needs matplotlib: pip install "fastlr[plot]"' in result.stderr


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
        (("--method", "gd", "--learning-rate", "fast"), "--learning-rate fast is"),
        (("--method", "gd", "--learning-rate", "-1"), "--learning-rate -1.0 is"),
        (("--method", "newton"), "--method"),
        (("--method", "gd", "--tol", "soon"), "'--tol': 'soon' is neither a number nor none"),
        (("--method", "gd", "--patience", "2.5"), "'2.5' is neither a whole number nor none"),
        (("--method", "gd", "--tol", "2"), "--tol 2.0 is not in [0, 1)"),
        (("--method", "gd", "--alpha", "-1"), "--alpha -1.0 is not a finite number >= 0"),
        (("--method", "gd", "--validation", "1"), "'--validation'"),
        (("--method", "gd", "--history", "h.txt"), "--history h.txt: name it .csv or .json"),
        (("--method", "gd", "--plot", "p.doc"), "--plot p.doc: name it .png, .svg or .pdf"),
        (("--method", "gd", "--plot", "p"), "--plot p: name it .png, .svg or .pdf"),
        (("--history", "h.csv", "--force"), "--history, --force: needs --method gd"),
        (
            ("--method", "gd", "--history", "h.json", "-o", "h.json"),
            "h.json is named for two outputs",
        ),
        (("--method", "gd", "--history", "longley.csv"), "would overwrite longley.csv"),
    ],
)
def test_bad_options_are_named(run, arguments, message):
    result = run("fit", "longley.csv", "--target", "employed", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
