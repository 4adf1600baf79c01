"""Every option of a kind is checked in one way, with one message."""

from fractions import Fraction

import numpy as np
import pytest

import fastlr
from fastlr.input.options import as_alpha, as_choice, as_flag, as_number, as_whole

MOMENTS = fastlr.Moments.from_arrays([[1.0], [2.0], [4.0]], [3.0, 5.0, 7.0])


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int8(2), np.array(2.0)])
def test_one_number_of_any_type_is_a_number(value):
    assert as_number(value, "power", "any") == 2.0
    assert as_alpha(value) == 2.0


@pytest.mark.parametrize(
    "value", [True, np.True_, "2", None, 2j, np.complex64(2), np.array([2.0]), Fraction(2)]
)
def test_what_is_not_one_real_number_is_refused_with_the_rule(value):
    with pytest.raises(fastlr.InputTypeError, match=r"is not a number: pass a finite number >= 0"):
        as_alpha(value)


@pytest.mark.parametrize("alpha", [-1.0, np.inf, np.nan])
def test_a_penalty_is_refused_in_the_same_words_everywhere(alpha):
    message = r"alpha=.* is not a finite number >= 0: pass 0 for no penalty"
    with pytest.raises(fastlr.InputError, match=message):
        fastlr.solve(MOMENTS, alpha=alpha)
    with pytest.raises(fastlr.InputError, match=message):
        fastlr.descend([[1.0], [2.0], [4.0]], [3.0, 5.0, 7.0], alpha=alpha)


@pytest.mark.parametrize("value", ["b", None, 3, ("a",)])
def test_an_unknown_word_is_refused_with_those_that_are_known(value):
    assert as_choice("a", ("a", "c"), "kind") == "a"
    with pytest.raises(fastlr.InputError, match=r"kind=.* is unknown: choose one of 'a', 'c'"):
        as_choice(value, ("a", "c"), "kind")


def test_whole_numbers_and_flags_are_taken_from_any_type_that_has_them():
    assert as_whole(np.int16(3), "n") == 3
    assert as_flag(np.True_, "flag") is True
    for value in (2.0, True, "3"):
        with pytest.raises(fastlr.InputTypeError, match=r"n=.* is not a whole number"):
            as_whole(value, "n")
    with pytest.raises(fastlr.InputError, match="n=0 is below 1"):
        as_whole(0, "n")
    with pytest.raises(fastlr.InputTypeError, match="flag=2 is neither True nor False"):
        as_flag(2, "flag")
