"""Equations of parameters, read from text."""

import numpy as np
import pytest

import fastlr
from fastlr.inference.equations import equations_of

BARE = ["x1", "größe", "x.1", "C(g)[T.b]", "np.log(x)", "a b", "x:y", "x^2", "it's", "1st", "e"]
QUOTED = ["a+b", "a - b", "a,b", "a=b", "x`y", "2", "1e5", " lead", "(intercept) 2"]
NAMES = ["(intercept)", *BARE, *QUOTED]


def written(rng, depth=0):
    """A random expression: its text, weights of the parameters and constant."""
    weights = np.zeros(len(NAMES))
    kind = rng.integers(0, 6 if depth < 4 else 2)
    if kind == 0:
        j = int(rng.integers(len(NAMES)))
        weights[j] = 1.0
        return (
            (f"`{NAMES[j]}`" if NAMES[j] in QUOTED or rng.random() < 0.3 else NAMES[j]),
            weights,
            0,
        )
    if kind == 1:
        number = str(rng.choice(["2", "0.5", ".25", "3.", "1e-3", "2E2", "1e+1"]))
        return number, weights, float(number)
    text, weights, constant = written(rng, depth + 1)
    if kind == 2:
        return f"-({text})", -weights, -constant
    if kind == 3:
        factor = int(rng.integers(1, 9))
        sides = [f"{factor}", f"({text})"]
        return "*".join(sides[:: rng.choice([1, -1])]), factor * weights, factor * constant
    if kind == 4:
        return f"({text}) / 4", weights / 4, constant / 4
    other, more, added = written(rng, depth + 1)
    sign = rng.choice([-1, 1])
    apart = rng.choice(["", " "])
    return (
        f"{text}{apart}{'+' if sign > 0 else '-'}{apart}({other})",
        weights + sign * more,
        constant + sign * added,
    )


def test_text_means_what_its_algebra_means_for_names_of_any_kind():
    rng = np.random.default_rng(0)
    for _ in range(150):
        left, right = written(rng), written(rng)
        text = f"{left[0]} = {right[0]}"
        ((weights, value, _),) = equations_of(text, NAMES)
        np.testing.assert_allclose(
            weights, left[1] - right[1], rtol=1e-14, atol=1e-13, err_msg=text
        )
        np.testing.assert_allclose(value, right[2] - left[2], rtol=1e-13, atol=1e-11, err_msg=text)


def test_signs_exponents_and_chains_are_read():
    names = ["x1", "x2", "x3"]
    for text, rows, values in [
        ("x1 = -1", [[1, 0, 0]], [-1]),
        ("x1 = - x2", [[1, 1, 0]], [0]),
        ("x1 = +1e-5", [[1, 0, 0]], [1e-5]),
        ("--x1 - -x2 = 1", [[1, 1, 0]], [1]),
        ("x1 = x2 = 0, x3 = 1", [[1, -1, 0], [0, 1, 0], [0, 0, 1]], [0, 0, 1]),
        ("x1 - x2/2", [[1, -0.5, 0]], [0]),
        ("\n2*x1\n=\t1\n", [[2, 0, 0]], [1]),
    ]:
        found = equations_of(text, names)
        assert [list(weights) for weights, _, _ in found] == rows, text
        assert [value for _, value, _ in found] == values, text
    labels = [label for _, _, label in equations_of("x1 = `x2` = 0,2 * x3 = 1", names)]
    assert labels == ["x1 = x2", "x2 = 0", "2 * x3 = 1"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "missing before the end"),
        ("x1 =", "missing before the end"),
        ("x1 == 1", "missing before '= 1'"),
        ("x1 = 0,", "missing before the end"),
        ("2 x1 = 1", "an operator is missing before 'x1 = 1'"),
        ("x1 x2", "an operator is missing before 'x2'"),
        ("x9 = 0", "no parameter or number begins with 'x9 = 0'"),
        ("x11 = 0", "no parameter or number begins with 'x11 = 0'"),
        ("`x9` = 0", "no parameter or number begins with '`x9` = 0'"),
        ("x1 = nan", "no parameter or number begins with 'nan'"),
        ("x1*x2 = 1", "not linear"),
        ("1/x1 = 1", "only numbers other than 0 divide"),
        ("x1/0 = 1", "only numbers other than 0 divide"),
        ("(x1 = 1", "a bracket is not closed"),
        ("x1 = __import__('os')", "no parameter or number begins with"),
        ("(" * 10_000 + "x1", "missing before"),
        ("1e300*1e300*x1 = 1", "beyond 1e308"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place_in_one_line(text, why):
    with pytest.raises(fastlr.InputError, match="restriction") as refused:
        equations_of(text, ["x1", "x2"])
    message = str(refused.value)
    assert why in message
    assert "\n" not in message
    assert "\x1b" not in message


def test_ten_thousand_signs_are_read_without_recursion():
    ((weights, _, _),) = equations_of("-" * 10_001 + "x1", ["x1"])
    assert weights.tolist() == [-1.0]
