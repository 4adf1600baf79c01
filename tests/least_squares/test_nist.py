"""NIST's problems through the public front: how many digits of the worst coefficient are right."""

import warnings

import numpy as np
import pytest

import fastlr
import nist
from cases import named
from fastlr import reference

pytestmark = pytest.mark.usefixtures("level")

# What one pass of centred, equilibrated normal equations reaches, less one digit for the order of
# summation: the reference, and "fast". It falls by twice the decimals of the condition number of the
# centred columns at unit length. Filip's is 4e9, and its square beyond sixteen digits.
FLOOR = {
    "Norris": 11.7,
    "Pontius": 10.9,
    "NoInt1": 14.0,
    "NoInt2": 14.0,
    "Longley": 10.7,
    "Wampler1": 5.3,
    "Wampler2": 8.7,
    "Wampler3": 5.3,
    "Wampler4": 5.3,
    "Wampler5": 5.7,
}


def test_every_problem_has_a_floor():
    assert {*FLOOR, "Filip"} == set(nist.NAMES)


@pytest.mark.filterwarnings("ignore::fastlr.ConditionWarning")
def test_one_pass_reaches_the_floor():
    for name in FLOOR:
        with named(name):
            problem = nist.load(name)
            fit = fastlr.ols(
                problem.X, problem.y, fit_intercept=problem.fit_intercept, accuracy="fast"
            )
            assert fit.passes == 1
            assert nist.right_digits(problem, fit.coef, fit.intercept) >= FLOOR[name]
            assert fit.rank == problem.X.shape[1]


def test_the_reference_reaches_the_floor():
    for name in FLOOR:
        with named(name):
            problem = nist.load(name)
            moments = reference.centred_moments(problem.X, problem.y)
            fit = reference.normal_equations(moments, fit_intercept=problem.fit_intercept)
            assert nist.right_digits(problem, *fit) >= FLOOR[name]


@pytest.mark.filterwarnings("ignore::fastlr.ConditionWarning")
def test_r2_is_the_certified_one():
    """Sums of squares come from moments: their error is about the rounding of tss."""
    for name in FLOOR:
        with named(name):
            problem = nist.load(name)
            fit = fastlr.ols(problem.X, problem.y, fit_intercept=problem.fit_intercept)
            assert fit.r2 == pytest.approx(problem.certified["r2"], abs=1e-12)


def test_certified_values_are_close_to_those_of_the_rounded_design():
    """Guards the data files: the two answers differ by no more than rounding the data can do."""
    for name in nist.NAMES:
        problem = nist.load(name)
        floor = 7.0 if name == "Filip" else 13.0
        for exact, certified in zip(problem.exact_coef, problem.certified_coef, strict=True):
            assert nist.log_relative_error(float(certified), exact) >= floor


def test_filip_gives_a_warning_and_all_digits():
    problem = nist.load("Filip")
    with pytest.warns(fastlr.ConditionWarning, match="nearly depend on one another"):
        fit = fastlr.ols(problem.X, problem.y)
    assert nist.right_digits(problem, fit.coef, fit.intercept) >= 14.5
    assert (fit.rank, fit.status.code) == (10, "ill_conditioned")
    residuals = problem.y - fit.predict(problem.X)
    assert np.sqrt(residuals @ residuals / 71) == pytest.approx(fit.residual_sd, rel=1e-6)
    with pytest.warns(fastlr.RankWarning):
        fast = fastlr.ols(problem.X, problem.y, accuracy="fast")
    assert (fast.digits, fast.status.code) == (0.0, "rank_deficient")


def test_well_conditioned_problems_raise_no_warning():
    for name in ("Norris", "NoInt1", "NoInt2", "Longley"):
        problem = nist.load(name)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit = fastlr.ols(problem.X, problem.y, fit_intercept=problem.fit_intercept)
        assert fit.status.code == "ok"
