"""The report of a fit on standard output: its summary, in the words of the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

import fastlr
from fastlr.cli._terminal import is_terminal, warn
from fastlr.cli._words import in_options
from fastlr.results import Status
from fastlr.typesetting import Document, Notes, Table
from fastlr.typesetting.text import LONGEST_NAME

__all__ = ["show_report"]

_STYLES: dict[str, dict[str, Any]] = {
    "caption": {"bold": True},
    "head": {"dim": True},
    "legend": {"dim": True},
    "numerics": {"dim": True},
    "status": {"fg": "green"},
    "attention": {"fg": "yellow"},
}


def show_report(
    fit: fastlr.LinearFit, cautions: Sequence[str], *, level: float, checks: Sequence[str] = ()
) -> None:
    """Print the summary of a fit, with what ``checks`` on other rows found.

    A warning stands once: in the report on a terminal, else on standard error.
    """
    status, is_seen = str(fit.status), is_terminal(sys.stdout)
    for caution in cautions:
        if caution != status or not is_seen:
            warn(caution)
    if status in cautions and not is_seen:
        name = fit.status.code.replace("_", " ").capitalize()
        elsewhere = Status(fit.status.code, f"{name}: see the warning on standard error.")
        fit = replace(fit, status=elsewhere)
    parts = [_in_options(part) for part in fit.summary(level=level).parts]
    if checks:
        at = max(i for i, part in enumerate(parts) if _is_figures(part)) + 1
        parts.insert(at, Notes("figures", tuple((check,) for check in checks)))
    for kind, line in Document(parts).lines(longest_name=LONGEST_NAME if is_seen else None):
        style = _STYLES.get(kind)
        click.echo(click.style(line, **style) if style and is_seen else line)


def _is_figures(part: Table | Notes) -> bool:
    return isinstance(part, Notes) and part.kind == "figures"


def _in_options(part: Table | Notes) -> Table | Notes:
    """Notes that speak of arguments speak of options instead."""
    if isinstance(part, Table) or part.kind == "figures":
        return part
    return Notes(part.kind, tuple(tuple(map(in_options, parts)) for parts in part.notes))
