"""Reports say what the fit knows, in the same words every time."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

import fastlr
from fastlr.report import number, report, summary_dict, summary_text

GOLDEN = Path(__file__).parents[1] / "data" / "reports"


def made_fit(**changes):
    """A fit with plain figures, so that a report does not depend on rounding in the kernels."""
    fields = {
        "coef": np.array([2.5, -0.125]),
        "intercept": 10.0,
        "feature_names": ("dose", "age"),
        "target_names": ("response",),
        "n_samples": 20,
        "total_weight": 20.0,
        "rank": 2,
        "condition_number": 3.25,
        "solver": "normal",
        "status": fastlr.Status("ok", "Solved: full rank."),
        "digits": 15.0,
        "passes": 1,
        "rss": 5.0,
        "tss": 100.0,
        "log_likelihood": -14.5,
        "bse": np.array([0.5, 0.25]),
        "bse_intercept": 0.75,
        "residual_sd": 0.5,
        "fit_intercept": True,
        "alpha": 0.0,
        "feature_mean": np.array([1.0, 40.0]),
        "feature_std": np.array([0.5, 12.0]),
    }
    return fastlr.LinearFit(**{**fields, **changes})


def two_targets():
    return made_fit(
        coef=np.array([[2.5, -0.125], [1e-9, 123456789.0]]),
        intercept=np.array([10.0, 0.0]),
        target_names=("response", "side effect"),
        rss=np.array([5.0, 1e12]),
        tss=np.array([100.0, 4e12]),
        log_likelihood=np.array([-14.5, -300.25]),
    )


FITS = {
    "one_target": made_fit(),
    "several_targets": two_targets(),
    "no_intercept_weighted_ridge": made_fit(
        fit_intercept=False, intercept=0.0, alpha=0.5, total_weight=7.5
    ),
    "rank_deficient": made_fit(
        rank=1,
        condition_number=math.inf,
        solver="minimum_norm",
        status=fastlr.Status("rank_deficient", "The features have rank 1 of 2: age = 80 dose."),
        rss=0.0,
        log_likelihood=math.inf,
    ),
}


@pytest.mark.parametrize("name", FITS)
def test_text_is_the_golden_text(name):
    golden = GOLDEN / f"{name}.txt"
    assert summary_text(FITS[name]) + "\n" == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FITS)
def test_text_is_compact(name):
    lines = summary_text(FITS[name]).splitlines()
    assert len(lines) <= 14
    assert all(line == line.rstrip() for line in lines)


def test_summary_of_a_fit_is_this_text():
    assert FITS["one_target"].summary() == summary_text(FITS["one_target"])


@pytest.mark.parametrize("name", FITS)
def test_data_is_strict_json_of_one_shape(name):
    fit = FITS[name]
    data = summary_dict(fit)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert set(data) == set(summary_dict(made_fit()))
    assert [target["name"] for target in data["targets"]] == list(fit.target_names)
    for i, target in enumerate(data["targets"]):
        assert set(target) == set(summary_dict(made_fit())["targets"][0])
        assert list(target["coefficients"].values()) == np.atleast_2d(fit.coef)[i].tolist()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_figures_that_are_not_finite_are_null(value):
    data = summary_dict(made_fit(condition_number=value, log_likelihood=value, rss=value))
    assert data["condition_number"] is None
    assert data["targets"][0]["log_likelihood"] is None
    assert data["targets"][0]["r2"] is None


def test_data_keeps_every_digit():
    fit = made_fit(coef=np.array([1 / 3, math.pi * 1e-300]))
    coefficients = summary_dict(fit)["targets"][0]["coefficients"]
    assert coefficients == {"dose": 1 / 3, "age": math.pi * 1e-300}


def test_status_has_its_code_and_its_sentence():
    data = summary_dict(FITS["rank_deficient"])
    assert data["status"] == {
        "code": "rank_deficient",
        "message": "The features have rank 1 of 2: age = 80 dose.",
    }


def test_a_long_table_shows_what_matters_most_and_says_what_it_leaves_out():
    n_features = 100
    fit = made_fit(
        coef=np.arange(n_features, dtype=float),
        feature_names=tuple(f"x{j}" for j in range(n_features)),
        feature_mean=np.zeros(n_features),
        feature_std=np.where(np.arange(n_features) == 3, 1e6, 1.0),
    )
    shown = [row[0] for row in report(fit).coefficients]
    assert shown[:3] == ["intercept", "x3", "x99"]
    assert summary_text(fit).endswith(
        "and 60 features with smaller coefficients per standard deviation"
    )
    assert len(report(fit, max_features=None).coefficients) == n_features + 1


def test_the_condition_number_is_said_once():
    assert summary_text(made_fit()).count("condition number") == 1
    status = fastlr.Status("ok", "Solved: full rank, condition number 3.25.")
    assert summary_text(made_fit(status=status)).count("condition number") == 1


def test_a_report_changes_nothing():
    fit = made_fit()
    before = {field.name: repr(getattr(fit, field.name)) for field in dataclasses.fields(fit)}
    summary_text(fit)
    summary_dict(fit)
    assert before == {f.name: repr(getattr(fit, f.name)) for f in dataclasses.fields(fit)}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (-3482258.634, "-3482259"),
        (15.06187227, "15.06187"),
        (-0.05110410565, "-0.05110411"),
        (123456789.0, "1.234568e+08"),
        (1e20, "1e+20"),
        (100.0, "100"),
        (2.5, "2.500000"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_numbers_have_seven_digits(value, text):
    assert number(value) == text
