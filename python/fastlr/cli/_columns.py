"""Which columns of a table the options mean."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Sequence

import click

from fastlr.cli._words import in_options
from fastlr.errors import InputError
from fastlr.files import Table
from fastlr.streams import roles
from fastlr.streams.choice import Choice


class _Options(roles.Words):
    """The words of the command line; a name may differ from the column's in case, if only one column does."""

    def argument(self, name: str) -> str:
        return f"--{name}"

    def given(self, name: str, column: str) -> str:
        return f"--{name} {shlex.quote(_quoted([column]))}"

    def without(self, columns: Sequence[str]) -> str:
        return f"Add --exclude {shlex.quote(_quoted(columns))}, or choose with --features"

    def as_categories(self, columns: Sequence[str]) -> str:
        return f"(Of categories: --categories {shlex.quote(_quoted(columns))})"

    def doubt(self, table: Table) -> str:
        return in_options(table.doubt)

    def find(self, name: str, names: Sequence[str]) -> str | None:
        return match([name], names).get(name)


def choose(
    table: Table,
    *,
    target: Sequence[str],
    features: Sequence[str],
    exclude: Sequence[str],
    weights: str | None,
    categories: Sequence[str] = (),
    formula: str | None = None,
    clusters: Sequence[str] = (),
) -> Choice:
    """Match the options with the table's columns; by default every other column is a feature.

    Raises ``click.UsageError`` if the options contradict the table or each other and
    ``FileFormatError`` if a column that would be a feature by default cannot be one.
    """
    try:
        grouping = _split(clusters, "--cluster")
        if formula is not None:
            return roles.choose_by_formula(
                table, formula, weights=weights, words=_Options(), clusters=grouping
            )
        return roles.choose(
            table,
            target=_split(target, "--target"),
            features=_split(features, "--features") or None,
            exclude=_split(exclude, "--exclude"),
            weights=weights,
            words=_Options(),
            categories=_split(categories, "--categories"),
            clusters=grouping,
        )
    except InputError as error:
        raise click.UsageError(str(error).removesuffix(".")) from error


def match(wanted: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Columns by wanted name: the same name, or else the only one that differs in case alone."""
    found = {name: name for name in wanted if name in names}
    free = [name for name in names if name not in found]
    for name in wanted:
        alike = [other for other in free if other.casefold() == name.casefold()]
        if name not in found and len(alike) == 1:
            found[name] = alike[0]
            free.remove(alike[0])
    return found


def _split(values: Sequence[str], option: str) -> list[str]:
    """Names between commas; a name that has a comma itself stands in double quotes."""
    found = []
    for value in values:
        parts = next(csv.reader([value], skipinitialspace=True), [])
        names = [name.strip() for name in parts]
        if not names or not all(names):
            raise click.UsageError(
                f"{option} {value!r}: name one or more columns, with commas between"
            )
        found.extend(names)
    return found


def _quoted(names: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()
