"""Which columns of a table the options mean."""

from __future__ import annotations

import csv
import difflib
import io
import shlex
from collections.abc import Sequence

import click

from fastlr.cli._words import in_options
from fastlr.errors import FileFormatError
from fastlr.files import Table
from fastlr.streams.chunks import Choice


def choose(
    table: Table,
    *,
    target: Sequence[str],
    features: Sequence[str],
    exclude: Sequence[str],
    weights: str | None,
) -> Choice:
    """Match the options with the table's columns; by default every other column is a feature.

    Raises ``click.UsageError`` if the options contradict the table or each other and
    ``FileFormatError`` if a column that would be a feature by default cannot be one.
    """
    targets = _named(table, target, "--target")
    chosen = _named(table, features, "--features")
    excluded = _named(table, exclude, "--exclude")
    weight = _named(table, [_quoted([weights])], "--weights")[0] if weights is not None else None
    for name in targets:
        if name in chosen:
            raise click.UsageError(f"{name!r} is both --target and among --features: choose one")
        if name in excluded:
            raise click.UsageError(f"{name!r} is both --target and --exclude: choose one")
    if weight in targets or weight in chosen:
        role = "--target" if weight in targets else "among --features"
        raise click.UsageError(f"{weight!r} is both --weights and {role}: choose one")
    for name in chosen:
        if name in excluded:
            raise click.UsageError(f"{name!r} is both --features and --exclude: choose one")
    if not chosen:
        others = {*targets, *excluded, weight}
        chosen = [name for name in table.names if name not in others]
        _check_default_features(table, chosen)
    if not chosen:
        raise click.UsageError(
            f"no column of {table.label} is left to be a feature (it has {listed(table.names)})"
        )
    return Choice(tuple(chosen), tuple(targets), weight)


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


def near(name: str, names: Sequence[str]) -> str:
    """A hint at the names that ``name`` may have meant; empty if there are none."""
    alike = [other for other in names if other.casefold() == name.casefold()]
    if alike:
        return f"{listed(alike)} differ only in case: write the one you mean"
    by_folded = {other.casefold(): other for other in names}
    close = difflib.get_close_matches(name.casefold(), by_folded)
    return f"did you mean {listed([by_folded[n] for n in close], 'or')}?" if close else ""


def listed(names: Sequence[str], last: str = "and", limit: int = 8) -> str:
    """Names as part of a sentence: a, b and c."""
    shown = list(names[:limit])
    if len(names) > limit:
        shown.append(f"{len(names) - limit} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def _named(table: Table, values: Sequence[str], option: str) -> list[str]:
    wanted = [name for value in values for name in _split(value, option)]
    found: dict[str, str] = {}
    for name in wanted:
        found.update(match([name], table.names))
        if name not in found:
            hint = near(name, table.names) or f"it has {listed(table.names)}"
            hint += f" ({in_options(table.doubt)})" if table.doubt else ""
            raise click.UsageError(f"{option}: {table.label} has no column {name!r}; {hint}")
    columns = [found[name] for name in wanted]
    for name in columns:
        if columns.count(name) > 1:
            raise click.UsageError(f"{option}: {name!r} is named twice")
    return columns


def _split(value: str, option: str) -> list[str]:
    """Names between commas; a name that has a comma itself stands in double quotes."""
    names = [name.strip() for name in next(csv.reader([value], skipinitialspace=True), [])]
    if not names or not all(names):
        raise click.UsageError(f"{option} {value!r}: name one or more columns, with commas between")
    return names


def _check_default_features(table: Table, names: Sequence[str]) -> None:
    columns = [table.column(name) for name in names]
    unfit = [c.name for c in columns if not (c.is_numeric and c.is_named)]
    if not unfit:
        return
    reasons = [
        f"{c.name!r} holds {c.holds}" if not c.is_numeric else f"{c.name!r} is a nameless index"
        for c in columns
        if c.name in unfit
    ]
    more = f" and {len(reasons) - 5} more" if len(reasons) > 5 else ""
    raise FileFormatError(
        f"{table.label}: not every column can be a feature: {'; '.join(reasons[:5])}{more}. "
        f"Add --exclude {shlex.quote(_quoted(unfit))}, or choose with --features"
    )


def _quoted(names: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()
