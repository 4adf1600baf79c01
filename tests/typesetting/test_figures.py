"""Numbers as text: digits that mean something, and none that are lost."""

import math

import numpy as np
import pytest

from fastlr.typesetting.figures import decimals_for, fixed, p_value, share, significant, statistic
from fastlr.typesetting.table import around_point, in_parts, width_of


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.0, 2, "0.00"),
        (-0.0001, 2, "0.00"),
        (-3482258.634, -3, "-3 482 259"),
        (999.9999, 2, "1 000.00"),
        (1829.15146, 1, "1 829.2"),
        (1e9, -5, "1.0000e+09"),
        (3.5819e-12, 14, "3.58e-12"),
        (0.0, 14, "0"),
        (2.782668727, 9, "2.782668727"),
        (math.nan, 2, "-"),
        (math.inf, 2, "inf"),
    ],
)
def test_fixed(value, decimals, text):
    assert fixed(value, decimals) == ("0" if (value, decimals) == (0.0, 14) else text)


def test_an_error_is_shown_with_three_digits_or_four_that_begin_with_one():
    for error in np.random.default_rng(0).uniform(1, 10, 500) * 10.0 ** np.arange(-6, 4).repeat(50):
        shown = fixed(error, decimals_for(error, None))
        digits = shown.replace(" ", "").partition("e")[0].replace(".", "").lstrip("0")
        assert len(digits) == (4 if digits[0] == "1" else 3) or error >= 100
        assert abs(float(shown.replace(" ", "")) / error - 1) <= 0.5 / 199
    assert decimals_for(9.999, None) == 2  # 10.00
    assert decimals_for(0.0996, 1) == 1


def test_significant_digits_read_back():
    for exponent in range(-300, 300, 7):
        value = 1.2345678 * 10.0**exponent
        assert float(significant(value, 4).replace(" ", "")) == pytest.approx(value, rel=5e-4)


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (p_value, 0.05, "0.050"),
        (p_value, 0.00049, "4.9e-04"),
        (p_value, 1.0, "1.000"),
        (p_value, 0.0, "<1e-300"),
        (p_value, math.nan, "-"),
        (share, 0.5, "0.5000"),
        (share, -3.25, "-3.2500"),
        (share, 0.999999, "0.9999990"),
        (share, math.nan, "-"),
        (statistic, 99.999, "100.00"),
        (statistic, -1234.5, "-1 234"),
        (statistic, math.inf, "inf"),
        (statistic, math.nan, "-"),
    ],
)
def test_statistics_and_shares(function, value, text):
    assert function(value) == text


@pytest.mark.parametrize(
    ("cell", "around", "parts"),
    [
        ("-1 829.2", ("-1 829", ".2"), ("-1 829", ".2", "")),
        ("(456)", ("(456", ")"), ("(456", "", ")")),
        ("0.06**", ("0", ".06**"), ("0", ".06", "**")),
        ("5.0e-10", ("5", ".0e-10"), ("5.0e-10", "", "")),
        ("-", ("-", ""), ("-", "", "")),
        ("", ("", ""), ("", "", "")),
        ("HC1", ("HC1", ""), ("HC1", "", "")),
    ],
)
def test_cells_are_taken_apart_at_the_point(cell, around, parts):
    assert around_point(cell) == around
    assert in_parts(cell) == parts


def test_width_counts_columns_of_a_terminal():
    assert [width_of(text) for text in ("ab", "名前", "e\u0301")] == [2, 4, 1]
