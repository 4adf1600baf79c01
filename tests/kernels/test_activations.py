"""Activations and their slopes, on every level: to two units in the last place, whatever the number."""

import decimal
import functools

import numpy as np
import pytest

from fastlr import reference
from fastlr.networks import ACTIVATIONS

LONG = np.longdouble
assert np.finfo(LONG).nmant > 52  # x86's extended precision is the judge


def numbers(dtype):
    """Both signs, from tiny to where exponentials leave the range, rounded to the precision in question."""
    rng = np.random.default_rng(0)
    largest = 700.0 if dtype == np.float64 else 85.0
    spread = np.exp(rng.uniform(np.log(1e-12), np.log(largest), 2000))
    x = np.concatenate([spread, rng.uniform(0.0, 4.0, 2000), [0.0, 1.0, 20.0, 40.0]])
    return np.concatenate([x, -x]).astype(dtype)


def exact(name, x):
    """Value and slope in extended precision."""
    x = x.astype(LONG)
    e = np.exp(-np.abs(x))
    share = 1 / (1 + e)
    logistic = np.where(x < 0, e * share, share)
    one = np.ones_like(x)
    return {
        "identity": lambda: (x, one),
        "relu": lambda: (np.maximum(x, 0), one * (x > 0)),
        "leaky_relu": lambda: (np.where(x > 0, x, LONG("0.01") * x), np.where(x > 0, one, 0.01)),
        "tanh": lambda: (np.tanh(x), 4 * e**2 / (1 + e**2) ** 2),
        "logistic": lambda: (logistic, e * share**2),
        "elu": lambda: (
            np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
            np.exp(np.minimum(x, 0)),
        ),
        "softplus": lambda: (np.maximum(x, 0) + np.log1p(e), logistic),
    }[name]()


def units_off(value, true, dtype):
    """By how many units in the last place of the true value."""
    spacing = np.spacing(np.maximum(np.abs(true).astype(dtype), np.finfo(dtype).tiny))
    return np.abs(value.astype(LONG) - true) / spacing.astype(LONG)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "gelu"])
def test_values_are_right_to_two_units_in_the_last_place(kernels, name, dtype):
    x = numbers(dtype)
    is_single = dtype == np.float32
    value, slope = kernels.evaluate_activation(name, x.astype(np.float64), is_single)
    true, true_slope = exact(name, x)
    assert units_off(value, true, dtype).max() <= 2.0
    if name == "tanh":  # (1 - t) (1 + t): near one what t has lost to rounding
        assert np.abs(slope - true_slope).max() <= 2 * np.finfo(dtype).eps
    else:
        assert units_off(slope, true_slope, dtype).max() <= 4.0


@functools.cache
def normal_to_many_digits(x):
    """Phi(x) and the density, by Phi(x) = 1/2 + density (x + x^3 / 3 + x^5 / 15 + ...) in decimals."""
    with decimal.localcontext(prec=260):
        pi = decimal.Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
        a = decimal.Decimal(x)
        density = (-a * a / 2).exp() / (2 * pi).sqrt()
        term, total, k = a, a, 1
        while abs(term) > decimal.Decimal("1e-240") and k < 4000:
            k += 2
            term *= a * a / k
            total += term
        # The digits of pi bound those of the density: 60, far more than are compared. The half is
        # taken of the sum at infinity, which has the same error, so that nothing of it remains.
        return density, total


def exact_gelu(x):
    with decimal.localcontext(prec=260):
        rows = []
        for value in x.tolist():
            density, total = normal_to_many_digits(value)
            rows.append((decimal.Decimal("0.5") + density * total, density))
    return rows


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gelu_is_the_exact_one_by_erf(kernels, dtype):
    x = np.linspace(-9.0, 9.0, 181).astype(dtype)
    value, slope = kernels.evaluate_activation("gelu", x.astype(np.float64), dtype == np.float32)
    below = [(float(p), float(d)) for p, d in exact_gelu(x)]
    phi, density = np.array(below).T
    spacing = np.spacing(np.abs(x * phi).astype(dtype).clip(np.finfo(dtype).tiny))
    assert (np.abs(value - x * phi) / spacing).max() <= 4.0  # one of them in x * phi itself
    assert np.abs(slope - (phi + x * density)).max() <= 4 * np.finfo(dtype).eps


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_they_are_those_of_the_reference(kernels, name):
    z = np.concatenate([np.linspace(-6.0, 6.0, 97), [0.0]])
    value, slope = kernels.evaluate_activation(name, z, False)
    np.testing.assert_allclose(value, reference.activate(z, name), rtol=1e-13, atol=2e-15)
    np.testing.assert_allclose(slope, reference.activation_slope(z, name), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_is_no_number_stays_none_and_extremes_are_limits(kernels, name):
    z = np.array([np.nan, 1e4, -1e4])
    value, slope = kernels.evaluate_activation(name, z, False)
    assert np.isnan(value[0])
    assert np.isfinite(value[1:]).all()
    assert np.isfinite(slope[1:]).all()
    expected = reference.activate(z[1:], name)
    np.testing.assert_allclose(value[1:], expected, atol=1e-300)


def test_an_unknown_activation_is_refused(kernels):
    with pytest.raises(ValueError, match="unknown activation"):
        kernels.evaluate_activation("step", np.zeros(3), False)
