"""Which features belong together: the terms of a formula, or the indicators of a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastlr.errors import InputError
from fastlr.input.categories import level_names
from fastlr.input.designs import Indicators
from fastlr.input.formulas import FormulaDesign
from fastlr.results import LinearFit

__all__ = ["Term", "terms_of"]


@dataclass(frozen=True)
class Term:
    """A term of the model: features that are tested together.

    Attributes
    ----------
    name : str
        As the formula has it: ``wool:tension``.
    factors : frozenset of str
        What is multiplied in it.
    columns : tuple of int
        Positions of its features in the fit.
    """

    name: str
    factors: frozenset[str]
    columns: tuple[int, ...]


def terms_of(fit: LinearFit) -> list[Term]:
    """The terms of a fit in their order: of its formula, of its table's columns, or its features one by one."""
    design = fit.design
    names = tuple(fit.feature_names)
    if isinstance(design, FormulaDesign):
        return _of_formula(design, names)
    if isinstance(design, Indicators):
        terms, first = [], 0
        for variable in design.variables:
            n = len(level_names(variable, design.levels))
            terms.append(Term(variable, frozenset([variable]), tuple(range(first, first + n))))
            first += n
        return [term for term in terms if term.columns]
    return [Term(name, frozenset([name]), (j,)) for j, name in enumerate(names)]


def _of_formula(design: FormulaDesign, names: Sequence[str]) -> list[Term]:
    """Features in the order of the terms; the factors of a feature are those of its term, or some of them."""
    factors = [
        tuple(text for text, way in term if way != "literal")
        for term in design.terms
        if any(way != "literal" for _, way in term)
    ]
    levels = {factor: frozenset(map(str, own)) for factor, own in design.factor_levels.items()}
    columns: list[list[int]] = [[] for _ in factors]
    position = 0
    for j, name in enumerate(names):
        while position < len(factors) and not _is_of(name, factors[position], levels):
            position += 1
        if position == len(factors):
            raise InputError(
                f"feature {name!r} cannot be told to belong to a term of the formula {design.text!r}: compare fits "
                "with and without the term, by fastlr.anova(fit1, fit2)."
            )
        columns[position].append(j)
    return [
        Term(":".join(parts), frozenset(parts), tuple(own))
        for parts, own in zip(factors, columns, strict=True)
        if own
    ]


def _is_of(name: str, factors: Sequence[str], levels: Mapping[str, frozenset[str]]) -> bool:
    """Whether a feature's name is made of some of these factors, each with or without a level in brackets."""
    ends = {0}
    for factor in factors:
        more: set[int] = set()
        for end in ends:
            start = end + 1 if end else 0
            if (end and not name.startswith(":", end)) or not name.startswith(factor, start):
                continue
            after = start + len(factor)
            more.add(after)
            if name.startswith("[", after):
                more.update(
                    k + 1
                    for k in range(after + 1, len(name))
                    if name[k] == "]"
                    and _is_level(name[after + 1 : k], levels.get(factor, frozenset()))
                )
        ends |= more
    return len(name) in ends


def _is_level(text: str, levels: frozenset[str]) -> bool:
    """Whether this stands in the brackets of a feature: a level, perhaps after a coding's letter, or a plain word."""
    if text in levels or text.partition(".")[2] in levels:
        return True
    return not any(sign in text for sign in "[]:")
