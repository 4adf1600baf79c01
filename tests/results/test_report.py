"""Fits as data for programs: the same keys every time, and strict JSON."""

import dataclasses
import json
import math

import numpy as np
import pytest

import fastlr
from fastlr.report import summary_dict


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
        "bse_coef": np.array([0.5, 0.25]),
        "bse_intercept": 0.75,
        "residual_sd": 0.5,
        "fit_intercept": True,
        "alpha": 0.0,
        "feature_mean": np.array([1.0, 40.0]),
        "feature_std": np.array([0.5, 12.0]),
    }
    return fastlr.LinearFit(**{**fields, **changes})


FITS = {
    "one_target": made_fit(),
    "several_targets": made_fit(
        coef=np.array([[2.5, -0.125], [1e-9, 123456789.0]]),
        intercept=np.array([10.0, 0.0]),
        target_names=("response", "side effect"),
        rss=np.array([5.0, 1e12]),
        tss=np.array([100.0, 4e12]),
        log_likelihood=np.array([-14.5, -300.25]),
        bse_coef=np.array([[0.5, 0.25], [1e-10, 10.0]]),
        bse_intercept=np.array([0.75, 2.0]),
        residual_sd=np.array([0.5, 200.0]),
    ),
    "penalised": made_fit(fit_intercept=False, intercept=0.0, alpha=0.5, total_weight=7.5),
    "rank_deficient": made_fit(
        rank=1,
        condition_number=math.inf,
        solver="minimum_norm",
        status=fastlr.Status("rank_deficient", "The features have rank 1 of 2: age = 80 dose."),
        bse_coef=np.array([math.nan, math.nan]),
        rss=0.0,
        log_likelihood=math.inf,
    ),
}


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
        terms = {row["term"]: row["estimate"] for row in target["terms"]}
        assert terms.items() >= target["coefficients"].items()


def test_targets_and_terms_have_the_keys_of_glance_and_tidy():
    fit = FITS["several_targets"]
    (first, _) = summary_dict(fit)["targets"]
    assert {*fit.glance()} - {"target"} <= set(first)
    assert {*fit.tidy()} - {"target"} == set(first["terms"][0])


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


@pytest.mark.parametrize("name", FITS)
def test_a_report_changes_nothing(name):
    fit = FITS[name]
    before = {field.name: repr(getattr(fit, field.name)) for field in dataclasses.fields(fit)}
    summary_dict(fit)
    fit.summary()
    fastlr.compare(fit, fit)
    assert before == {f.name: repr(getattr(fit, f.name)) for f in dataclasses.fields(fit)}
