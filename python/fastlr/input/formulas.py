"""Formulas: what they say of a table's columns becomes features and targets, by formulaic."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.input.arguments import as_features, as_targets, as_weights
from fastlr.input.categories import Level, coded, is_declared, is_text, recoded
from fastlr.input.columns import Columns
from fastlr.input.convert import as_columns, index_of
from fastlr.input.designs import as_levels
from fastlr.input.formula_state import Terms, as_plain, as_terms, from_plain
from fastlr.input.missing import is_drop
from fastlr.input.refusals import is_finite
from fastlr.input.variables import Variables, columns_of, read_variables
from fastlr.input.vocabulary import names_in
from fastlr.storage.schema import check_keys, shown

__all__ = ["FormulaDesign", "FormulaRows", "formula_rows", "parsed", "with_whole_levels"]

_FILL = "Drop or fill such rows first"
_INTERCEPT = "Intercept"
_EXACT = 2.0**53  # beyond which floats skip whole numbers
_COLOURS = re.compile(r"\x1b\[[0-9;]*m|[⧛⧚]")
_PLAIN = re.compile(r"np\.\w+\((.*?)\)")


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
        with _told(self.text, argument):
            design = _model_spec(self).get_model_matrix(_frame(variables), context={})
        columns = _columns(design)
        if columns.names != self.feature_names:
            raise InputError(
                f"the formula {self.text!r} makes other features of {argument} than of the rows of the fit: "
                f"{shown(columns.names)}, not {shown(self.feature_names)}."
            )
        _refuse_non_finite(columns, self.text, argument)
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
class FormulaRows:
    """What a formula makes of a table."""

    features: Columns
    targets: Columns
    weights: npt.NDArray[Any] | None
    fit_intercept: bool
    n_dropped: int
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
    with _told(text, "data"):
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
    return _designed(formula, variables.with_levels(None, "data"), weights, n_dropped)


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
    """Evaluate both sides."""
    frame = _frame(variables)
    with _told(formula.text, "data"):
        right, left = (
            _simple(terms).get_model_matrix(frame, context={}, na_action="ignore", output="pandas")
            for terms in (formula.features, formula.targets)
        )
    features = as_features(_columns(right), argument="the formula's right side")
    targets = _columns(left)
    for side in (features, targets):
        _refuse_non_finite(side, formula.text, "data")
    spec = right.model_spec
    of_text = [
        name
        for name, (kind, _) in left.model_spec.encoder_state.items()
        if kind.value != "numerical"
    ]
    if of_text:
        raise InputTypeError(
            f"formula {formula.text!r} has {of_text[0]!r} on its left side, which holds categories: a target is made "
            "of numbers."
        )
    used = _variables_of(formula.features)
    factor_levels = {
        name: tuple(
            value.item() if isinstance(value, np.generic) else value
            for value in state["categories"]
        )
        for name, (kind, state) in spec.encoder_state.items()
        if kind.value == "categorical" and "categories" in state
    }
    design = FormulaDesign(
        formula.text,
        formula.features,
        used,
        {name: column.levels for name, column in variables.categories.items() if name in used},
        factor_levels,
        copy.deepcopy(spec.transform_state),
        features.names or (),
    )
    is_vector = targets.n_columns == 1
    y = as_targets(targets.column(0) if is_vector else targets, features.n_samples)
    y = y._replace(names=targets.names)
    has_intercept = _INTERCEPT in spec.column_names
    return FormulaRows(features, y, weights, has_intercept, n_dropped, design)


def _refuse_non_finite(features: Columns, text: str, argument: str) -> None:
    """Raise an `InputError` where a function of finite numbers, such as a logarithm, is not finite."""
    names = features.names or ()
    for name, values in zip(names, features.as_list(), strict=True):
        if not is_finite(values):
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise InputError(
                f"formula {text!r}: {name} is {values[row]} in row {row} of {argument} (counted from 0, without "
                "rows that were left out): leave such rows out, or change the formula."
            )


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


def _columns(matrix: Any) -> Columns:
    """Columns of a design one by one, without the intercept."""
    names = [str(name) for name in matrix.columns]
    chosen = [j for j, name in enumerate(names) if name != _INTERCEPT]
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


def _model_spec(design: FormulaDesign) -> Any:
    """Formulaic's model specification, as it was after the fit; its own copy, for formulaic writes into it."""
    from formulaic import ModelSpec
    from formulaic.parser.types import Factor

    categorical = Factor.Kind.CATEGORICAL
    return ModelSpec(
        formula=_simple(design.terms),
        na_action="ignore",
        output="pandas",
        transform_state=copy.deepcopy(dict(design.state)),
        encoder_state={
            name: (categorical, {"categories": list(levels)})
            for name, levels in design.factor_levels.items()
        },
    )


@contextmanager
def _told(text: str, argument: str) -> Iterator[None]:
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
