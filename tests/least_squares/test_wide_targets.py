"""Fewer rows than columns: sums of squares of targets that are far from zero, huge, tiny or constant."""

from fractions import Fraction

import numpy as np
import pytest

import fastlr

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 30))
pytestmark = [
    pytest.mark.usefixtures("level"),
    pytest.mark.filterwarnings("ignore::fastlr.RankWarning"),
]


def total_sum_of_squares(y, weight):
    values, weights = [Fraction(v) for v in y], [Fraction(w) for w in weight]
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    return float(sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True)))


@pytest.mark.parametrize("rank", ["min_norm", "basic"])
@pytest.mark.parametrize("offset", [0.0, 1e6, 1e12, -1e15])
def test_the_total_sum_of_squares_does_not_depend_on_the_offset(offset, rank):
    y, weight = RNG.normal(size=12) + offset, RNG.uniform(0.5, 2.0, size=12)
    fit = fastlr.ols(X, y, sample_weight=weight, rank=rank)
    assert fit.tss == pytest.approx(total_sum_of_squares(y, weight), rel=1e-14)
    both = fastlr.ols(X, np.column_stack([y, -y]), sample_weight=weight, rank=rank)
    np.testing.assert_allclose(both.tss, [fit.tss, fit.tss], rtol=1e-14)


@pytest.mark.parametrize("exponent", [900, 500, -500, -900])
def test_sums_of_squares_of_any_size_are_numbers(exponent):
    fit = fastlr.ols(X, np.ldexp(RNG.normal(size=12), exponent))
    assert not np.isnan([fit.rss, fit.tss]).any()
    assert (fit.tss == np.inf) == (exponent > 512)
    assert 0.0 <= fit.rss <= fit.tss
    perfect = fastlr.ols(np.eye(12, 30), np.ldexp(1.0, exponent) * (np.arange(12) == 3))
    assert perfect.rss == 0.0


@pytest.mark.parametrize("value", [0.1, 1e12 / 3, 1 / 3e12, 0.0, 7.0])
@pytest.mark.parametrize("weight", [None, RNG.uniform(0.5, 2.0, size=12)])
def test_a_constant_target_has_nothing_to_explain(value, weight):
    fit = fastlr.ols(X, np.full(12, value), sample_weight=weight)
    assert fit.tss == 0.0
    assert np.isnan(fit.r2)
    assert fit.intercept == pytest.approx(value, rel=1e-15)
