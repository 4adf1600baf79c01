"""Messages of the package become messages of the command line."""

import pytest

from fastlr.cli._words import argument_of, in_options


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("learning_rate=1 is above 2 / L", "--learning-rate 1 is above 2 / L"),
        ("Pass learning_rate='auto'.", "Pass --learning-rate auto."),
        ("lower learning_rate=1.5e-07.", "lower --learning-rate 1.5e-07."),
        ("learning_rate=-1.0, or standardize=True.", "--learning-rate -1.0, or --standardize."),
        ("standardize=False keeps, fit_intercept=False", "--no-standardize keeps, --no-intercept"),
        ("(tol=None) or patience=None;", "(--tol none) or --patience none;"),
        ('with precision="double_double".', "with --accuracy max."),
        ("'117,0' in row 1: decimal=','", "'117,0' in row 1: --decimal ,"),
        ("na='a total'; delimiter=';'", "--na 'a total'; --delimiter ';'"),
        ("use a ridge penalty.", "use a ridge penalty (--alpha)."),
        ("or a ridge penalty (alpha=1).", "or a ridge penalty (--alpha 1)."),
        ("or fastlr.ols for the exact fit.", "or --method exact for the exact fit."),
        (
            "a rate that falls (fastlr.schedules).",
            "a rate that falls (--learning-rate cosine, for one).",
        ),
        ("leave optimizer and learning_rate out", "leave --optimizer and --learning-rate out"),
        (
            "Let it fall, take larger batches, or average the iterates "
            "(fastlr.SGDRegressor(average=True)).",
            "Let it fall, or take larger batches.",
        ),
        ("optimum=3, totalpha=4, eta0=0.1, x = 4", "optimum=3, totalpha=4, eta0=0.1, x = 4"),
    ],
)
def test_arguments_become_options(message, words):
    assert in_options(message) == words


def test_an_error_about_an_argument_is_known_by_its_beginning():
    assert argument_of("tol=2.0 is not in [0, 1)", {"tol"}) == "tol"
    assert argument_of("tol=2.0 is not in [0, 1)", {"alpha"}) is None
    assert argument_of("column 'tol=2' of X", {"tol"}) is None
