"""Polynomials: certified digits, evaluation that may cancel, and bad input."""

import json

import numpy as np
import pytest

import fastlr
import nist

pytestmark = [
    pytest.mark.usefixtures("level"),
    pytest.mark.filterwarnings("ignore::fastlr.ConditionWarning"),
]


def polynomial_sets():
    for name in nist.NAMES:
        record = json.loads((nist.DATA / f"{name}.json").read_text(encoding="utf-8"))
        if record["degree"] is not None:
            yield name, np.array(record["X"], dtype=float).ravel(), record["degree"]


@pytest.mark.parametrize(("name", "x", "degree"), list(polynomial_sets()))
def test_nist_polynomials_are_right_to_thirteen_certified_digits(name, x, degree):
    problem = nist.load(name)
    fit = fastlr.polyfit(x, problem.y, degree, fit_intercept=problem.fit_intercept)
    estimate = [fit.intercept, *fit.coef] if problem.fit_intercept else list(fit.coef)
    digits = map(nist.log_relative_error, map(float, estimate), problem.certified_coef)
    assert min(digits) >= 13
    assert fit.degree == degree
    if problem.certified["residual_sd"] > 0:
        assert fit.residual_sd == pytest.approx(problem.certified["residual_sd"], rel=1e-12)
        bse = [fit.bse_intercept, *fit.bse_coef] if problem.fit_intercept else fit.bse_coef
        np.testing.assert_allclose(bse, problem.certified["se"], rtol=1e-7)
        rss = np.sum((problem.y - fit.predict(x)) ** 2)
        assert rss == pytest.approx(fit.rss, rel=1e-11)


def test_coefficients_rise_and_have_names():
    x = np.linspace(-1, 1, 9)
    fit = fastlr.polyfit(x, 1 + 2 * x - 3 * x**3, 3)
    np.testing.assert_allclose([fit.intercept, *fit.coef], [1, 2, 0, -3], atol=1e-15)
    assert fit.feature_names == ("x", "x^2", "x^3")
    assert isinstance(fit, fastlr.LinearFit)
    assert "x^3" in fit.summary()


def test_weights_and_several_targets():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=40), rng.normal(size=(40, 2))
    weight = rng.integers(0, 3, size=40)
    fit = fastlr.polyfit(x, y, 2, sample_weight=weight)
    for k in range(2):
        falling = np.polyfit(x, y[:, k], 2, w=np.sqrt(weight))
        np.testing.assert_allclose([*fit.coef[k][::-1], fit.intercept[k]], falling, rtol=1e-10)
    assert fit.predict([0.5, 1.0, 2.0]).shape == (3, 2)


def test_what_is_kept_comes_back():
    fit = fastlr.polyfit(np.arange(5.0), np.array([0.0, 1, 4, 9, 17]), 2)
    again = fastlr.PolynomialFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    np.testing.assert_array_equal(again.predict([7.0]), fit.predict([7.0]))


def test_as_many_values_as_coefficients_are_met():
    x = np.arange(6.0)
    y = np.array([1.0, -2, 4, 0, 3, 3])
    np.testing.assert_allclose(fastlr.polyfit(x, y, 5).predict(x), y, atol=1e-12)


def test_too_few_values_give_a_warning_and_an_answer():
    with pytest.warns(fastlr.RankWarning):
        fit = fastlr.polyfit([1.0, 2.0, 3.0], [1.0, 4.0, 9.0], 3)
    np.testing.assert_allclose(fit.predict([1.0, 2.0, 3.0]), [1, 4, 9], rtol=1e-9)


@pytest.mark.parametrize(
    ("x", "degree", "message"),
    [
        ([1.0, 2.0], 0, "degree=0 is below 1"),
        ([1.0, 2.0], 1.5, "degree=1.5 is not a whole number"),
        ([[1.0, 2.0], [3.0, 4.0]], 1, "x has 2 columns"),
        ([1e200, 2e200], 3, r"x\^3 exceeds the range"),
        ([1.0, np.nan], 1, "Input x contains NaN"),
        ([1.0, 2.0, 3.0], 1, "inconsistent numbers of samples"),
    ],
)
def test_bad_input_is_named(x, degree, message):
    with pytest.raises(ValueError, match=message):
        fastlr.polyfit(x, [1.0, 2.0], degree)


def test_fewer_values_than_degrees_are_met():
    with pytest.warns(fastlr.RankWarning):
        fit = fastlr.polyfit([1.0, 2, 3], [1.0, 3, 2], 5)
    np.testing.assert_allclose(fit.predict([1.0, 2, 3]), [1, 3, 2], rtol=1e-12)
    assert fit.rank == 2


@pytest.mark.parametrize(("x", "message"), [(np.nan, "contains NaN"), (1e200, "exceeds the range")])
def test_predictions_are_numbers_or_an_error(x, message):
    fit = fastlr.polyfit(np.arange(5.0), np.array([0.0, 1, 4, 9, 17]), 2)
    with pytest.raises(fastlr.InputError, match=message):
        fit.predict([1.0, x])


def test_powers_that_vanish_are_refused():
    x = np.arange(5.0)
    with pytest.raises(fastlr.InputError, match=r"x\^2 falls below the range"):
        fastlr.polyfit(x * 1e-160, x, 2)
    assert fastlr.polyfit([0.0, 1e-160, 1.0, 2.0], [0.0, 0.0, 1.0, 4.0], 2).rank == 2


def test_a_polynomial_shows_itself_in_a_line():
    assert "\n" not in repr(fastlr.polyfit(np.arange(5.0), np.arange(5.0), 2))


def test_a_saved_polynomial_comes_back_as_one(tmp_path):
    from fastlr.files import load_model, save_model

    fit = fastlr.polyfit(np.arange(5.0), np.array([0.0, 1, 4, 9, 17]), 2)
    save_model(fit, tmp_path / "curve.json")
    again = load_model(tmp_path / "curve.json")
    assert isinstance(again, fastlr.PolynomialFit)
    np.testing.assert_array_equal(again.predict([7.0]), fit.predict([7.0]))
