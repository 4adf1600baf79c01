"""Several models side by side, as papers print them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.named import INTERCEPT
from fastlr.input.names import as_names
from fastlr.input.options import as_flag, as_whole
from fastlr.results.linear_fit import LinearFit
from fastlr.results.summary_rows import estimate_cells
from fastlr.results.summary_words import method_of
from fastlr.results.tidy import glance_columns, records, tidy_columns
from fastlr.typesetting.document import Document, Notes
from fastlr.typesetting.figures import DASH, fixed, share, significant
from fastlr.typesetting.table import Head, Row, Table

__all__ = ["Comparison", "compare"]

_STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


class Comparison(Document):
    """Models side by side: a table of estimates with standard errors below them, and how well each explains.

    It is a string, prints as text and shows as a table in notebooks; `as_html`, `as_latex` and `as_markdown` give it
    for elsewhere, and `to_dict` and `to_json` for programs.
    """

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The models as plain data: ``terms`` and ``models``, lists with the keys of `LinearFit.tidy` and `glance`.

        Returns
        -------
        dict
            Every row has the name of its ``model``; None stands for what is not finite.
        """
        return super().to_dict()


@dataclass(frozen=True)
class _Model:
    """One column: a target of a fit."""

    name: str
    fit: LinearFit
    target: int

    def of(self, value: Any) -> float:
        """What a figure of the fit is for this target."""
        return float(np.atleast_1d(value)[self.target])

    def cells(self, term: str, digits: int | None, stars: bool) -> tuple[str, str]:
        """The estimate of a term and its standard error in brackets; nothing if it is not in the model."""
        fit = self.fit
        if term not in fit.param_names:
            return "", ""
        i = fit.param_names.index(term)
        value, error, p = (
            float(np.atleast_2d(values.values)[self.target, i])
            for values in (fit.params, fit.bse, fit.pvalues)
        )
        estimate, below, _, _ = estimate_cells(value, error, math.nan, math.nan, digits)
        marks = next((mark for limit, mark in _STARS if p < limit), "") if stars else ""
        return estimate + marks, "" if below == DASH else f"({below})"


def compare(
    *fits: Any,
    names: Sequence[str] | None = None,
    terms: Sequence[str] | None = None,
    stars: bool = False,
    digits: int | None = None,
) -> Comparison:
    """Several models side by side, as papers print them: estimates, and standard errors below in brackets.

    Parameters
    ----------
    *fits : LinearFit or fitted estimators
        Two models or more; each target of a fit of several is a model of its own.
    names : sequence of str, optional
        A name for each model; by default (1), (2), ...
    terms : sequence of str, optional
        The only parameters to show, in this order; by default all, as they come, the intercept first.
    stars : bool, default=False
        Mark p-values below 0.05, 0.01 and 0.001 by one, two and three stars.
    digits : int, optional
        Digits of the standard errors, with which estimates end. By default three, and four of those that begin with 1.

    Returns
    -------
    Comparison
        A string that shows as a table in notebooks, with ``as_html()``, ``as_latex()``, ``as_markdown()``,
        ``to_dict()`` and ``to_json()``.

    Raises
    ------
    InputError
        If there are no fits, names are not as many as models, or a term is in none of them.
    InputTypeError
        If something is no fit.

    Notes
    -----
    Standard errors are those of each fit's covariance, and a row says which ones, if they differ from the usual ones.
    Information criteria compare models of the same target on the same rows alone: a note says so if these differ.

    Examples
    --------
    >>> import fastlr
    >>> X = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 0.0], [5.0, 1.0]]
    >>> y = [1.1, 3.2, 5.9, 6.0, 8.3, 12.1]
    >>> wide = fastlr.ols(X, y, feature_names=["dose", "group"])
    >>> narrow = fastlr.ols([row[:1] for row in X], y, feature_names=["dose"])
    >>> fastlr.compare(narrow, wide)
    y
    <BLANKLINE>
                     (1)       (2)
    (intercept)   1.071    0.377
                 (0.677)  (0.568)
    dose          2.011    2.0462
                 (0.224)  (0.1583)
    group                  1.215
                          (0.541)
    ------------------------------
    rows          6        6
    R2            0.9529   0.9825
    adjusted R2   0.9412   0.9708
    residual sd   0.9351   0.6591
    AIC          17.8     13.9
    standard errors in brackets
    """
    as_flag(stars, "stars")
    if digits is not None:
        as_whole(digits, "digits")
    models = _models(fits, names)
    shown = _terms(models, terms)
    rows = []
    for term in shown:
        both = [model.cells(term, digits, stars) for model in models]
        rows.append(Row(term, tuple(estimate for estimate, _ in both)))
        if any(error for _, error in both):
            rows.append(Row("", tuple(error for _, error in both)))
    rows += _feet(models)
    heads = tuple(Head(model.name) for model in models)
    targets = list(dict.fromkeys(model.fit.target_names[model.target] for model in models))
    parts: list[Table | Notes] = [
        Table((targets[0] if len(targets) == 1 else "", ""), heads, tuple(rows))
    ]
    notes = ["standard errors in brackets"] if any(row.name == "" for row in rows) else []
    if stars:
        notes.append("* p < 0.05, ** p < 0.01, *** p < 0.001")
    left_out = len(_all_terms(models)) - len(shown)
    if left_out:
        notes.append(f"not shown: {left_out} more parameter{'s' if left_out > 1 else ''}")
    if notes:
        parts.append(Notes("legend", tuple((note,) for note in notes)))
    doubts = _doubts(models, targets)
    if doubts:
        parts.append(Notes("attention", tuple((doubt,) for doubt in doubts)))
    return Comparison(parts, _data(models))


def _models(fits: Sequence[Any], names: Sequence[str] | None) -> list[_Model]:
    if not fits:
        raise InputError("compare() was given no fits: pass two models or more.")
    found: list[tuple[LinearFit, int]] = []
    for position, given in enumerate(fits, 1):
        fit = given if isinstance(given, LinearFit) else getattr(given, "fit_", None)
        if not isinstance(fit, LinearFit):
            raise InputTypeError(
                f"argument {position} of compare() is a {type(given).__name__}: pass fits by "
                "least squares or descent, or fitted estimators that have one as their fit_."
            )
        found += [(fit, target) for target in range(fit.n_targets)]
    if names is None:
        labels: Sequence[str] = [f"({i})" for i in range(1, len(found) + 1)]
    else:
        labels = as_names(names, len(found), argument="names")
    return [_Model(name, *one) for name, one in zip(labels, found, strict=True)]


def _all_terms(models: Sequence[_Model]) -> list[str]:
    """The parameters of all models as they come, the intercept first."""
    names = dict.fromkeys(name for model in models for name in model.fit.param_names)
    return [name for name in names if name == INTERCEPT] + [n for n in names if n != INTERCEPT]


def _terms(models: Sequence[_Model], terms: Sequence[str] | None) -> list[str]:
    known = _all_terms(models)
    if terms is None:
        return known
    wanted = as_names(terms, len(terms), argument="terms")
    for term in wanted:
        if term not in known:
            raise InputError(
                f"terms has {term!r}, which is in none of the models: choose among {', '.join(map(repr, known))}."
            )
    return list(wanted)


def _feet(models: Sequence[_Model]) -> list[Row]:
    """The rows below the line: what was fitted how, to how much, and how well; those that say nothing are left out."""
    texts = {
        "target": [model.fit.target_names[model.target] for model in models],
        "method": [method_of(model.fit) for model in models],
        "standard errors": [_errors_of(model.fit) for model in models],
    }
    usual = {"method": "least squares", "standard errors": "usual"}
    rows = [
        (name, cells)
        for name, cells in texts.items()
        if len(set(cells)) > 1 or (name in usual and cells[0] != usual[name])
    ]
    rows += [
        ("rows", [fixed(float(model.fit.n_samples), 0) for model in models]),
        ("R2", [share(model.of(model.fit.r2)) for model in models]),
        ("adjusted R2", [share(model.of(model.fit.rsquared_adj)) for model in models]),
        ("residual sd", [significant(model.of(model.fit.residual_sd), 4) for model in models]),
        ("AIC", [fixed(model.of(model.fit.aic), 1) for model in models]),
    ]
    rows = [(name, cells) for name, cells in rows if set(cells) != {DASH}]
    return [Row(name, tuple(cells), rule=i == 0) for i, (name, cells) in enumerate(rows)]


def _errors_of(fit: LinearFit) -> str:
    if not np.isfinite(np.asarray(fit.bse)).any():
        return "none"
    return {"nonrobust": "usual", "cluster": "by cluster"}.get(fit.cov_type, fit.cov_type)


def _doubts(models: Sequence[_Model], targets: Sequence[str]) -> list[str]:
    """Why the models may not be comparable."""
    sizes = {(model.fit.n_samples, model.fit.total_weight) for model in models}
    has_criteria = sum(math.isfinite(model.of(model.fit.aic)) for model in models) > 1
    if not has_criteria or (len(targets) == 1 and len(sizes) == 1):
        return []
    what = "targets" if len(targets) > 1 else "rows"
    return [f"The models are of different {what}: their AIC cannot be compared."]


def _data(models: Sequence[_Model]) -> dict[str, Any]:
    terms: list[dict[str, Any]] = []
    wholes: list[dict[str, Any]] = []
    for model in models:
        target = model.fit.target_names[model.target]
        label = {"model": model.name, "target": target}
        for kept, columns in (
            (terms, tidy_columns(model.fit)),
            (wholes, glance_columns(model.fit)),
        ):
            kept += [
                {**label, **row} for row in records(columns) if row.get("target", target) == target
            ]
    return {"terms": terms, "models": wholes}
