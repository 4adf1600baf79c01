"""Formulas: what they say of a table's columns becomes features and targets, by formulaic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.arguments import as_features, as_targets, as_weights
from fastlr.input.categories import Level, coded, is_declared, is_text, recoded
from fastlr.input.columns import Columns
from fastlr.input.convert import index_of
from fastlr.input.designs import DesignedRows, as_levels
from fastlr.input.formula_matrices import evaluated, refuse_non_finite, told
from fastlr.input.formula_state import Terms, as_plain, as_terms, from_plain
from fastlr.input.missing import is_drop
from fastlr.input.variables import Variables, columns_of, read_variables
from fastlr.input.vocabulary import names_in
from fastlr.storage.schema import check_keys, shown

__all__ = ["FormulaDesign", "FormulaRows", "formula_rows", "parsed", "with_whole_levels"]

_FILL = "Drop or fill such rows first"
_EXACT = 2.0**53  # beyond which floats skip whole numbers


@dataclass(frozen=True)
class Formula:
    """The two sides of a formula: what is explained, and what explains it."""

    text: str
    targets: Terms
    features: Terms

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the columns of a table that the formula uses."""
        return _variables_of((*self.targets, *self.features))

    @property
    def explained(self) -> tuple[str, ...]:
        """Names of the columns on the left side."""
        return _variables_of(self.targets)


@dataclass(frozen=True)
class FormulaDesign:
    """The right side of a formula, with all that its functions and categories remember of the rows of the fit."""

    text: str
    terms: Terms
    variables: tuple[str, ...]
    levels: Mapping[str, tuple[Level, ...]]
    """Levels of the columns that hold categories."""
    factor_levels: Mapping[str, tuple[Level, ...]]
    """Levels of the factors of the formula, such as ``C(group)``."""
    state: Mapping[str, Any]
    """What functions such as ``center(x)`` remember."""
    feature_names: tuple[str, ...]

    def features(self, data: Any, argument: str = "X") -> Columns:
        """Make the features of new rows; unseen levels and missing values are an `InputError`."""

        def is_category(name: str, _: Any) -> bool:
            return name in self.levels

        variables = read_variables(data, argument, is_category, self.variables)
        _refuse_empty(variables.n_samples, argument)
        variables.refuse_missing(argument, f"{_FILL}.")
        variables = variables.with_levels(self.levels, argument)
        self._refuse_unseen(variables, argument)
        with told(self.text, argument):
            known = (self.factor_levels, self.state)
            columns = evaluated(self.terms, variables, argument, known=known).features
        if columns.names != self.feature_names:
            raise InputError(
                f"the formula {self.text!r} makes other features of {argument} than of the rows of the fit: "
                f"{shown(columns.names)}, not {shown(self.feature_names)}."
            )
        refuse_non_finite(columns, self.text, argument)
        return columns

    def _refuse_unseen(self, variables: Variables, argument: str) -> None:
        """Raise an `InputError` where numbers that are categories have levels that the fit has not seen."""
        for factor, levels in self.factor_levels.items():
            names = names_in(factor) if factor.startswith("C(") else ()
            if len(names) == 1 and names[0] not in self.levels:
                recoded(coded(variables.column(names[0]), names[0]), levels, names[0], argument)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, from which `from_dict` makes the same design.

        Raises
        ------
        InputError
            If a function remembers something that cannot be stored.
        """
        try:
            state = as_plain(dict(self.state))
        except TypeError as error:
            raise InputError(
                f"the formula {self.text!r} cannot be stored: a function in it remembers {error}. Compute its values "
                "as a column first, and name that column in the formula."
            ) from None
        return {
            "kind": "formula",
            "text": self.text,
            "terms": [[list(factor) for factor in term] for term in self.terms],
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "factor_levels": {name: list(levels) for name, levels in self.factor_levels.items()},
            "state": state,
            "feature_names": list(self.feature_names),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FormulaDesign:
        """Restore what `to_dict` gave; an `InputError` if it is something else, or says what no formula may say."""
        keys = ("kind", "text", "terms", "levels", "factor_levels", "state", "feature_names")
        check_keys("a design", data, dict.fromkeys(keys))
        terms = as_terms(data["terms"])
        names = data["feature_names"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"the features of a design are {shown(names)}, not a list of names.")
        if not isinstance(data["text"], str):
            raise InputError(f"the text of a formula is {shown(data['text'])}.")
        state = from_plain(data["state"])
        if not isinstance(state, dict):
            raise InputError(f"the state of a formula is {shown(state)}.")
        return cls(
            data["text"],
            terms,
            _variables_of(terms),
            as_levels(data["levels"]),
            as_levels(data["factor_levels"]),
            state,
            tuple(names),
        )


@dataclass(frozen=True)
class FormulaRows(DesignedRows):
    """What a formula makes of a table."""

    fit_intercept: bool
    design: FormulaDesign


def parsed(text: str, columns: tuple[str, ...] = ()) -> Formula:
    """Read a formula; ``columns`` are those that a dot stands for.

    Raises
    ------
    InputError
        If it is none, has no left side, or says what is not known.
    ImportError
        If formulaic is not installed.
    """
    try:
        import formulaic
    except ImportError as error:
        raise ImportError(
            'formulas need formulaic, which is not installed: pip install "fastlr[formula]".'
        ) from error
    example = "write 'y ~ a + b'"
    with told(text, "data"):
        formula = formulaic.Formula.from_spec(
            text, context={"__formulaic_variables_available__": list(columns)}
        )
    sides: list[Any] = [getattr(formula, side, None) for side in ("lhs", "rhs")]
    if sides[0] is None or not len(sides[0]):
        raise InputError(f"formula {text!r} has no left side, which names the target: {example}.")
    if not all(isinstance(side, formulaic.SimpleFormula) for side in sides):
        raise InputError(
            f"formula {text!r} has parts, separated by '|' or '~': {example}, with targets that are fitted together "
            "added up on the left."
        )
    targets, features = (
        tuple(tuple((f.expr, f.eval_method.value) for f in term.factors) for term in side)
        for side in sides
    )
    result = Formula(text, targets, features)
    if not any(_is_feature(term) for term in features):
        raise InputError(f"formula {text!r} has no features: {example}.")
    return result


def formula_rows(text: str, data: Any, sample_weight: object, missing: str) -> FormulaRows:
    """Features, targets and weights of a formula; functions and categories learn from the rows that are kept."""
    if data is None:
        raise InputTypeError(
            f"X is a str: pass an array, a data frame, or a mapping from names to columns; or, if {text!r} is a "
            "formula, the table that it speaks of as data=."
        )
    is_dropping = is_drop(missing)
    by_name = sample_weight if isinstance(sample_weight, str) else None
    columns: Any = data
    if "." in text.replace(" ", "").split("~")[-1]:  # perhaps all columns
        columns, _ = columns_of(data, "data")
    names = tuple(columns) if columns is not data else ()
    formula = parsed(text, tuple(name for name in names if name != by_name))
    wanted = tuple(dict.fromkeys([*formula.variables, *([by_name] if by_name else [])]))
    variables = read_variables(columns, "data", _holds_categories, wanted)
    n = variables.n_samples
    _refuse_empty(n, "data")
    if by_name is not None:
        if by_name in variables.categories:
            raise InputTypeError(
                f"sample_weight={by_name!r} names a column of data that holds text, not numbers."
            )
        sample_weight = variables.column(by_name)
    weights = as_weights(sample_weight, n, index=index_of(data), may_miss=is_dropping)
    n_dropped = 0
    if is_dropping:
        gaps = variables.missing("data")
        if weights is not None:
            of_weights = np.isnan(weights)
            gaps = of_weights if gaps is None else gaps | of_weights
        if gaps is not None and gaps.any():
            keep = ~gaps
            counted = gaps if weights is None else gaps & (weights != 0)
            if not keep.any():
                raise InputError(
                    f"no row is left to fit: in each of the {n} rows of data a value is missing in "
                    f"{', '.join(map(repr, wanted))}. Fill them in, or leave out what lacks most values."
                )
            variables, n_dropped = variables.take_rows(keep), int(np.count_nonzero(counted))
            weights = None if weights is None else weights[keep]
    else:
        variables.refuse_missing("data", f"{_FILL}, or pass missing='drop'.")
    return _designed(formula, variables, weights, n_dropped)


def with_whole_levels(text: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a file, whose numbers are floats, with whole numbers where ``C(column)`` has them for levels."""
    result = dict(columns)
    for factors in parsed(text).features:
        for expression, way in factors:
            names = names_in(expression) if way == "python" and expression.startswith("C(") else ()
            for name in names:
                values = result.get(name)
                if values is None or values.dtype.kind != "f":
                    continue
                if (values == np.round(values)).all() and (np.abs(values) < _EXACT).all():
                    result[name] = values.astype(np.int64)
    return result


def _designed(
    formula: Formula, variables: Variables, weights: npt.NDArray[Any] | None, n_dropped: int
) -> FormulaRows:
    """Evaluate both sides of a formula on the rows that count."""
    variables = variables.of_counted_rows(weights).with_levels(None, "data")
    with told(formula.text, "data"):
        right = evaluated(formula.features, variables, "data", weights=weights)
        left = evaluated(formula.targets, variables, "data")
    features = as_features(right.features, argument="the formula's right side")
    targets = left.features
    for side in (features, targets):
        refuse_non_finite(side, formula.text, "data")
    if left.levels:
        raise InputTypeError(
            f"formula {formula.text!r} has {next(iter(left.levels))!r} on its left side, which holds categories: a "
            "target is made of numbers."
        )
    used = _variables_of(formula.features)
    design = FormulaDesign(
        formula.text,
        formula.features,
        used,
        {name: column.levels for name, column in variables.categories.items() if name in used},
        right.levels,
        right.state,
        features.names or (),
    )
    is_vector = targets.n_columns == 1
    y = as_targets(targets.column(0) if is_vector else targets, features.n_samples)
    y = y._replace(names=targets.names)
    return FormulaRows(features, y, weights, n_dropped, right.has_intercept, design)


def _holds_categories(name: str, values: Any) -> bool:
    return is_declared(values) or is_text(values)


def _is_feature(term: tuple[tuple[str, str], ...]) -> bool:
    return any(way != "literal" for _, way in term)


def _variables_of(terms: Terms) -> tuple[str, ...]:
    """Columns that terms use, in their order; expressions are read for what they may not say."""
    names: list[str] = []
    for expression, way in (factor for term in terms for factor in term):
        if way == "lookup":
            names.append(expression)
        elif way == "python":
            names += names_in(expression)
    return tuple(dict.fromkeys(names))


def _refuse_empty(n_samples: int, argument: str) -> None:
    if n_samples == 0:
        raise InputError(f"{argument} has no rows: pass at least one.")
