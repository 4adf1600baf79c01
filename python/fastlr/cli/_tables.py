"""The tables that a command reads: files, directories, patterns, and how their text is written."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from fastlr.cli._words import argument_of, in_options
from fastlr.errors import InputError
from fastlr.files import Table, open_tables

__all__ = ["TEXT_OPTIONS", "opened", "table_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
TEXT_OPTIONS = ("delimiter", "decimal", "encoding", "skip", "na")
_FETCH = {"s3": "aws s3 cp {} -", "gs": "gcloud storage cat {}"}


def table_options(command: _Command) -> _Command:
    """Add the options that say how text is written."""
    options = (
        click.option(
            "--delimiter",
            metavar="C",
            help="Text: what separates columns, a character or tab, space, semicolon, ...",
        ),
        click.option(
            "--decimal",
            type=click.Choice([".", ","]),
            default=".",
            show_default=True,
            help="Text: the decimal mark.",
        ),
        click.option(
            "--encoding",
            metavar="NAME",
            help="Text: its encoding, such as latin-1.  [default: UTF-8, or as marked]",
        ),
        click.option(
            "--skip",
            type=click.IntRange(min=0),
            default=0,
            metavar="N",
            help="Text: lines to leave out above the names.",
        ),
        click.option(
            "--na",
            multiple=True,
            metavar="WORD",
            help="Text: a further word for a missing value; can be repeated.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def opened(files: Sequence[str], text: dict[str, Any], command: str) -> Table:
    """The files as one table; ``command`` is what a user would pipe a URL into.

    Raises ``click.UsageError`` if an option has a wrong value or has no meaning for the files.
    """
    for file in files:
        scheme, is_url, _ = file.partition("://")
        if is_url and scheme.isalnum() and not Path(file).exists():
            fetch = _FETCH.get(scheme.lower(), "curl -fsSL {}").format(shlex.quote(file))
            raise InputError(
                f"{file} is a URL, and fastlr reads files and standard input: download it, or "
                f"pipe it: {fetch} | {command}"
            )
    try:
        return open_tables(files, **text)
    except InputError as error:
        if argument_of(str(error), set(TEXT_OPTIONS)):
            raise click.UsageError(in_options(str(error))) from error
        raise
