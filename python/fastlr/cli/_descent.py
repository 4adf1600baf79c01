"""The options of ``fastlr fit --method gd``, and the descent they ask for."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import click
import numpy as np

import fastlr
from fastlr.cli._words import argument_of, in_options

__all__ = ["descend", "descent_options", "descent_summary", "refuse_stray"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_RULES = ("gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
_NONE = "none"


def _number_or_none(text: str) -> float | str:
    """A number, or the word none: click's own None says that an option was left out."""
    try:
        return _NONE if text.lower() == _NONE else float(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither a number nor {_NONE}") from None


def _whole_or_none(text: str) -> int | str:
    try:
        return _NONE if text.lower() == _NONE else int(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither a whole number nor {_NONE}") from None


def descent_options(command: _Command) -> _Command:
    """Add the options; what is left out stays None, so that a stray one is noticed."""
    options = (
        click.option(
            "--method",
            type=click.Choice(["exact", "gd"]),
            default="exact",
            show_default=True,
            help="Solve the normal equations, or descend along the gradient.",
        ),
        click.option(
            "--batch-size",
            type=click.IntRange(min=1),
            metavar="K",
            help="gd: rows for each step.  [default: all]",
        ),
        click.option(
            "--epochs",
            type=click.IntRange(min=1),
            metavar="N",
            help="gd: passes over the rows.  [default: 1000]",
        ),
        click.option(
            "--learning-rate",
            metavar="R",
            help="gd: a number, auto, or a schedule.  [default: auto]",
        ),
        click.option(
            "--optimizer",
            type=click.Choice(_RULES),
            help="gd: how a gradient becomes a step.  [default: accelerated, or gd with a rate or batches]",
        ),
        click.option(
            "--loss",
            type=click.Choice(["sse", "mse", "half_mse", "huber"]),
            help="gd: the convention of the loss, or Huber's loss.  [default: half_mse]",
        ),
        click.option(
            "--epsilon",
            type=float,
            metavar="E",
            help="gd: where Huber's loss turns from a square into a line.  [default: 0.1]",
        ),
        click.option(
            "--standardize/--no-standardize",
            default=None,
            help="gd: descend on standardised features (unless a rate is given), or as they are.",
        ),
        click.option(
            "--tol",
            type=_number_or_none,
            metavar="T",
            help="gd: the relative fall of the loss that ends the descent, or none.",
        ),
        click.option(
            "--patience",
            type=_whole_or_none,
            metavar="N",
            help="gd: epochs without it, or none: never stop early.",
        ),
        click.option(
            "--validation",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            metavar="SHARE",
            help="gd: the share of rows, the last ones, to validate on.",
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), metavar="S", help="gd: seed of the shuffling."
        ),
        click.option(
            "--verbose",
            type=click.IntRange(min=1),
            metavar="E",
            help="gd: print a line every E epochs.",
        ),
        click.option(
            "--history",
            metavar="FILE",
            help="gd: a row an epoch, as .csv or .json.",
        ),
        click.option(
            "--plot",
            metavar="FILE",
            help="Diagnostics in four panels, or with gd the loss, as .png, .svg or .pdf.",
        ),
        click.option(
            "--force",
            is_flag=True,
            default=None,
            help="gd: save the model even of a descent that diverged.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def refuse_stray(method: str, options: dict[str, Any]) -> None:
    """Raise a usage error that names the options of descent given without ``--method gd``."""
    stray = [f"--{name.replace('_', '-')}" for name, value in options.items() if value is not None]
    if method != "gd" and stray:
        raise click.UsageError(f"{', '.join(stray)}: needs --method gd")


def descend(
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    data: Any = None,
    categories: tuple[str, ...] | None = None,
    fit_intercept: bool,
    n_threads: int | None,
    options: dict[str, Any],
) -> tuple[fastlr.Descent, list[str]]:
    """Descend with the options given; the result, and what the user should know."""
    given = {name: value for name, value in options.items() if value is not None}
    given.update({name: None for name, value in given.items() if value == _NONE})
    given["random_state"] = given.pop("seed", None)
    if "learning_rate" in given:
        given["learning_rate"] = _rate(given["learning_rate"])
    # Standard output belongs to the result; lines of progress go beside it.
    with (
        contextlib.redirect_stdout(sys.stderr),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)  # those of fastlr are such
        try:
            result = fastlr.descend(
                X,
                y,
                data=data,
                categories=categories,
                sample_weight=sample_weight,
                fit_intercept=fit_intercept,
                n_threads=n_threads,
                **given,
            )
        except (fastlr.InputError, fastlr.InputTypeError) as error:
            if argument_of(str(error), set(given)):
                raise click.UsageError(in_options(str(error))) from error
            raise
    return result, [str(warning.message) for warning in caught]


def _rate(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def descent_summary(fit: fastlr.Descent) -> dict[str, Any]:
    """How the descent went, ready for JSON."""

    def finite(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    return {
        "optimizer": fit.optimizer.name,
        "engine": fit.engine,
        "loss_kind": fit.loss_kind,
        "penalty": fit.penalty,
        "loss": finite(fit.loss),
        "gap": finite(fit.gap),
        "learning_rate": fit.learning_rate,
        "largest_stable_rate": finite(fit.largest_stable_rate),
        "batch_size": fit.batch_size,
        "n_epochs": fit.n_epochs,
        "n_updates": fit.n_updates,
        "status": fit.status.code,
    }
