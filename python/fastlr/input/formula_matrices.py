"""The sides of a formula evaluated, by formulaic, on pandas columns over our arrays.

Categories by themselves, ``C(group)`` or a column of text beside an intercept, are left out of that: their indicators
are made of the levels while kernels read them, and never lie in memory.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.categories import Coded, Level, coded, recoded
from fastlr.input.coded import CodedColumns, Indicator, Member, coded_columns
from fastlr.input.columns import Columns
from fastlr.input.convert import as_columns
from fastlr.input.formula_state import Terms
from fastlr.input.refusals import is_finite
from fastlr.input.variables import Variables
from fastlr.input.vocabulary import names_in

__all__ = [
    "Evaluated",
    "columns_of_matrix",
    "evaluated",
    "refuse_non_finite",
    "told",
]

INTERCEPT = "Intercept"
_CONSTANT = ("1", "literal")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m|[⧛⧚]")
_PLAIN = re.compile(r"np\.\w+\((.*?)\)")


class Evaluated(NamedTuple):
    """A side of a formula on the rows of a table."""

    features: Columns
    has_intercept: bool
    levels: dict[str, tuple[Level, ...]]
    """Levels of its factors that are categories."""
    state: dict[str, Any]
    """What functions learned from the rows."""


def evaluated(
    terms: Terms,
    variables: Variables,
    argument: str,
    *,
    weights: npt.NDArray[Any] | None = None,
    known: tuple[Mapping[str, tuple[Level, ...]], Mapping[str, Any]] | None = None,
) -> Evaluated:
    """Evaluate terms on the rows of a fit, or, with the levels and states that are ``known``, on new rows."""
    categories = _categories_alone(terms, variables)
    column_of = {
        factor: _levels_of(factor, name, variables, argument, weights, known)
        for factor, name in categories.items()
    }
    others = tuple(term for term in terms if not _is_alone(term, categories))
    frame = _frame(variables)
    if known is None:
        matrix = _simple(others).get_model_matrix(
            frame, context={}, na_action="ignore", output="pandas"
        )
    else:
        of_others = {name: found for name, found in known[0].items() if name not in categories}
        matrix = _model_spec(others, known[1], of_others).get_model_matrix(frame, context={})
    spec = matrix.model_spec
    levels = {
        name: tuple(
            value.item() if isinstance(value, np.generic) else value
            for value in state["categories"]
        )
        for name, (kind, state) in spec.encoder_state.items()
        if kind.value == "categorical" and "categories" in state
    }
    levels.update({factor: column.levels for factor, column in column_of.items()})
    features = columns_of_matrix(matrix)
    if categories:
        features = _in_order(terms, features, spec, column_of)
    return Evaluated(
        features, INTERCEPT in spec.column_names, levels, copy.deepcopy(spec.transform_state)
    )


def _categories_alone(terms: Terms, variables: Variables) -> dict[str, str]:
    """Factors that are categories and terms by themselves, in no other term, and their columns; beside an intercept.

    Formulaic codes these by all levels but the first, whatever the other terms are.
    """
    if not any(term == (_CONSTANT,) for term in terms):
        return {}
    found: dict[str, str] = {}
    uses = [expression for term in terms for expression, way in term if way != "literal"]
    for term in terms:
        if len(term) != 1 or uses.count(term[0][0]) > 1:
            continue
        expression, way = term[0]
        if way == "lookup" and expression in variables.categories:
            found[expression] = expression
        elif way == "python" and expression.startswith("C("):
            names = names_in(expression)
            if len(names) == 1 and expression[2:-1].strip().strip("`") == names[0]:
                found[expression] = names[0]
    of_column = list(found.values())
    return {
        factor: name
        for factor, name in found.items()
        if of_column.count(name) == 1
        and not any(name in _names_of(other) for other in uses if other != factor)
    }


def _names_of(expression: str) -> tuple[str, ...]:
    return (expression, *(names_in(expression) if "(" in expression else ()))


def _is_alone(term: tuple[tuple[str, str], ...], categories: Container[str]) -> bool:
    return len(term) == 1 and term[0][0] in categories


def _levels_of(
    factor: str,
    name: str,
    variables: Variables,
    argument: str,
    weights: npt.NDArray[Any] | None,
    known: tuple[Mapping[str, tuple[Level, ...]], Mapping[str, Any]] | None,
) -> Coded:
    """Levels and codes of a category; numbers become levels here, those of rows that count."""
    if name in variables.categories:
        return variables.categories[name]
    values = variables.column(name)
    if name in variables.whole and values.dtype.kind == "f":
        values = values.astype(np.int64)
    column = coded(values, name)
    if known is not None:
        return recoded(column, known[0][factor], name, argument)
    return column.of_counted_rows(weights).with_used_levels()


def _in_order(
    terms: Terms, others: Columns, spec: Any, column_of: Mapping[str, Coded]
) -> CodedColumns:
    """Indicators between the columns of other terms, where their terms stand."""
    members: list[Member] = []
    names: list[str] = []
    position = 0
    widths = iter([part.stop - part.start for part in spec.term_slices.values()])
    for term in terms:
        if _is_alone(term, column_of):
            factor = term[0][0]
            column = column_of[factor]
            if len(column.levels) > 1:
                members.append(Indicator(column.codes, 1, len(column.levels) - 1))
                names += [f"{factor}[T.{level}]" for level in column.levels[1:]]
            continue
        width = next(widths) - (term == (_CONSTANT,))
        for j in range(position, position + width):
            members.append(others.column(j))
            names.append((others.names or ())[j])
        position += width
    return coded_columns(members, others.n_samples, tuple(names))


def refuse_non_finite(features: Columns, text: str, argument: str) -> None:
    """Raise an `InputError` where a function of finite numbers, such as a logarithm, is not finite."""
    names = features.names or ()
    numbers = range(features.n_columns)
    if isinstance(features, CodedColumns):
        numbers = features.parted()[0].tolist()
    for name, values in zip([names[j] for j in numbers], features.arrays, strict=True):
        if not is_finite(values):
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise InputError(
                f"formula {text!r}: {name} is {values[row]} in row {row} of {argument} (counted from 0, without "
                "rows that were left out): leave such rows out, or change the formula."
            )


def _frame(variables: Variables) -> Any:
    """A pandas frame over the columns, which are not copied; whole numbers that had gaps are whole again."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name in variables.names:
        if name in variables.categories:
            codes, levels = variables.categories[name]
            columns[name] = pd.Categorical.from_codes(codes, list(levels))
        else:
            values = variables.column(name)
            is_whole = name in variables.whole and values.dtype.kind == "f"
            columns[name] = values.astype(np.int64) if is_whole else values
    return pd.DataFrame(columns, copy=False)


def columns_of_matrix(matrix: Any) -> Columns:
    """Columns of a design one by one, without the intercept."""
    names = [str(name) for name in matrix.columns]
    chosen = [j for j, name in enumerate(names) if name != INTERCEPT]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"formula makes two columns called {twice!r}: rename a column of data.")
    arrays = {names[j]: matrix.iloc[:, j].to_numpy() for j in chosen}
    columns = as_columns(arrays, "the formula's design")
    return columns._replace(n_samples=len(matrix))


def _simple(terms: Terms) -> Any:
    """Formulaic's formula of these terms, in this order."""
    from formulaic import SimpleFormula
    from formulaic.parser.types import Factor, Term

    return SimpleFormula(
        [Term([Factor(text, eval_method=way) for text, way in term]) for term in terms],
        _ordering="none",
    )


def _model_spec(
    terms: Terms, state: Mapping[str, Any], levels: Mapping[str, tuple[Level, ...]]
) -> Any:
    """Formulaic's model specification, as it was after the fit; its own copy, for formulaic writes into it."""
    from formulaic import ModelSpec
    from formulaic.parser.types import Factor

    categorical = Factor.Kind.CATEGORICAL
    return ModelSpec(
        formula=_simple(terms),
        na_action="ignore",
        output="pandas",
        transform_state=copy.deepcopy(dict(state)),
        encoder_state={
            name: (categorical, {"categories": list(levels)}) for name, levels in levels.items()
        },
    )


@contextmanager
def told(text: str, argument: str) -> Iterator[None]:
    """Formulaic's errors, and its warning of levels that it would leave out, in our words."""
    from formulaic.errors import DataMismatchWarning, FormulaicError

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", DataMismatchWarning)
            yield
    except DataMismatchWarning as warning:
        found = re.search(r"\{.*\}", str(warning))
        levels = ": " + _PLAIN.sub(r"\1", found[0]) if found else ""
        raise InputError(
            f"formula {text!r}: a category of {argument} has levels that the fit has not seen or that levels= does not "
            f"name{levels}. Leave such rows out, or fit again with rows of these levels."
        ) from None
    except (FormulaicError, SyntaxError) as error:
        said = " ".join(_COLOURS.sub("", str(error)).split())
        raise InputError(f"formula {text!r} cannot be used with {argument}: {said}") from error
