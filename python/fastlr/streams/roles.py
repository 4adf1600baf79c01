"""Which columns of a table a fit takes, and as what."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from fastlr.errors import FileFormatError, InputError
from fastlr.files import Column, Table
from fastlr.input.formulas import parsed
from fastlr.streams.choice import Choice

__all__ = ["Words", "choose", "choose_by_formula", "clusters_among", "listed", "near"]

_MOST_REASONS = 5
_WORDS = re.compile(r"text( \('[^':]*' in row \d+\))?")


_ARGUMENTS = {"cluster": "groups"}
"""What Python callers call an argument, where the command line says it otherwise."""


class Words:
    """How messages name the arguments of a choice, and which column a name means: as Python callers write them."""

    def argument(self, name: str) -> str:
        """Give the name of an argument as messages write it."""
        return _ARGUMENTS.get(name, name)

    def given(self, name: str, column: str) -> str:
        """An argument with one of the columns that it was given."""
        return f"{_ARGUMENTS.get(name, name)}={column!r}"

    def without(self, columns: Sequence[str]) -> str:
        """Say in a sentence how columns are left out of a fit."""
        return f"Pass exclude={list(columns)!r}, or choose with features=."

    def as_categories(self, columns: Sequence[str]) -> str:
        """Say in a sentence how the texts in columns become categories."""
        return f"If their values are categories, pass categories={list(columns)!r}."

    def doubt(self, table: Table) -> str:
        """What may be wrong with the names of a table, for a reader who misses one of them."""
        return table.doubt

    def find(self, name: str, names: Sequence[str]) -> str | None:
        """The column that a name means, or None."""
        return name if name in names else None


def choose(
    table: Table,
    *,
    target: Sequence[str],
    features: Sequence[str] | None,
    exclude: Sequence[str],
    weights: str | None,
    words: Words,
    categories: Sequence[str] = (),
    clusters: Sequence[str] = (),
) -> Choice:
    """Give every column of a fit its role; with ``features=None`` every column without another role is a feature.

    Raises
    ------
    InputError
        A name is no column or is given twice, or no column is left to be a feature.
    FileFormatError
        A column that would be a feature by default cannot be one.
    """
    roles: dict[str, str] = {}

    def named(argument: str, names: Sequence[str]) -> tuple[str, ...]:
        columns = tuple(_found(table, argument, name, words) for name in names)
        for name in columns:
            if name in roles:
                where = f"in {words.argument(roles[name])} as well"
                where = "twice" if roles[name] == argument else where
                raise InputError(
                    f"{words.given(argument, name)} is named {where}: name each column once."
                )
            roles[name] = argument
        return columns

    targets = named("target", target)
    if not targets:
        raise InputError(
            f"{words.argument('target')} names no column: {table.label} has {listed(table.names)}."
        )
    weight = named("weights", [] if weights is None else [weights])
    named("exclude", exclude)
    grouping = clusters_among(table, clusters, words, targets)
    if features is None:
        roles |= {name: "cluster" for name in grouping if name not in roles}
        chosen = tuple(name for name in table.names if name not in roles)
        coded = tuple(_found(table, "categories", name, words) for name in categories)
        _refuse_unfit(table, [name for name in chosen if name not in coded], words)
    else:
        chosen = named("features", features)
        coded = tuple(_found(table, "categories", name, words) for name in categories)
    for name in coded:
        if name not in chosen:
            raise InputError(
                f"{words.given('categories', name)} is no feature: name it in {words.argument('features')} as well, "
                "and nowhere else."
            )
    if not chosen:
        raise InputError(
            f"no column of {table.label} is left to be a feature (it has {listed(table.names)}): name some with "
            f"{words.argument('features')}."
        )
    text = [name for name in grouping if not table.column(name).is_numeric]
    table.read_as_text([*coded, *text])
    return Choice(chosen, targets, weight[0] if weight else None, coded, None, grouping)


def clusters_among(
    table: Table, names: Sequence[str], words: Words, targets: Sequence[str]
) -> tuple[str, ...]:
    """The one or two columns that say which rows belong together; they may be features as well, but no targets."""
    if len(names) > 2:
        raise InputError(
            f"{words.argument('cluster')} names {len(names)} columns: clusters have one way, or two."
        )
    found = tuple(_found(table, "cluster", name, words) for name in names)
    for name in found:
        if name in targets:
            raise InputError(
                f"{words.given('cluster', name)} is the target, whose errors are what clusters have in common: name "
                "the column that says which rows belong together."
            )
    if len(set(found)) < len(found):
        raise InputError(
            f"{words.given('cluster', found[0])} is named twice: clusters of two ways are by two columns."
        )
    return found


def choose_by_formula(
    table: Table,
    formula: str,
    *,
    weights: str | None,
    words: Words,
    clusters: Sequence[str] = (),
) -> Choice:
    """Give a formula the columns that it uses; those that hold text are categories.

    Raises
    ------
    InputError
        The formula is none, or a column is not there.
    """
    sides = parsed(formula, tuple(name for name in table.names if name != weights))
    columns = sides.variables
    unknown = [name for name in columns if name not in table.names]
    if unknown:
        hint = near(unknown[0], table.names) or f"it has {listed(table.names)}"
        raise InputError(
            f"{words.given('formula', formula)}: {table.label} has no column {unknown[0]!r}; {hint}"
        )
    weight = None if weights is None else _found(table, "weights", weights, words)
    text = tuple(name for name in columns if not table.column(name).is_numeric)
    grouping = clusters_among(table, clusters, words, sides.explained)
    labels = [name for name in grouping if not table.column(name).is_numeric]
    table.read_as_text([*text, *labels])
    features = tuple(name for name in columns if name != weight)
    return Choice(features, (), weight, text, formula, grouping)


def _found(table: Table, argument: str, name: str, words: Words) -> str:
    """Return the column that a name means, or raise an `InputError` with those that it may have meant."""
    column = words.find(name, table.names)
    if column is not None:
        return column
    hint = near(name, table.names) or f"it has {listed(table.names)}"
    doubt = words.doubt(table)
    raise InputError(
        f"{words.given(argument, name)}: {table.label} has no column {name!r}; {hint}"
        + (f" ({doubt})" if doubt else "")
    )


def _refuse_unfit(table: Table, names: Sequence[str], words: Words) -> None:
    """Raise a `FileFormatError` with the reasons where columns cannot be features."""
    columns = [table.column(name) for name in names]
    unfit = [column for column in columns if not (column.is_numeric and column.is_named)]
    if not unfit:
        return
    reasons = [
        f"{column.name!r} is a nameless index"
        if column.is_numeric
        else f"{column.name!r} holds {column.holds}"
        for column in unfit
    ]
    more = f" and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
    raise FileFormatError(
        f"{table.label}: not every column can be a feature: {'; '.join(reasons[:_MOST_REASONS])}{more}. "
        + words.without([column.name for column in unfit])
        + _categories_hint(unfit, words)
    )


def _categories_hint(columns: Sequence[Column], words: Words) -> str:
    """Propose categories where a column holds nothing but words."""
    names = [column.name for column in columns if _WORDS.fullmatch(column.holds)]
    return f" {words.as_categories(names)}" if names else ""


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
