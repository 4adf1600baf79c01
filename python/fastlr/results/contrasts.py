"""Differences between the levels of a category: adjusted means and their contrasts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.adjusting import (
    ADJUSTMENTS,
    adjust_pvalues,
    tukey_pvalues,
    tukey_quantile,
)
from fastlr.inference.distributions import as_level, p_text, quantile
from fastlr.inference.inverse import refuse_too_large
from fastlr.inference.restrictions import Restrictions, tested_each
from fastlr.input.arguments import as_weights
from fastlr.input.categories import Level
from fastlr.input.columns import FloatArray
from fastlr.input.convert import index_of
from fastlr.input.options import as_choice, as_number
from fastlr.input.refusals import refuse_bad_weights
from fastlr.input.variables import columns_of
from fastlr.results.about_means import with_prediction_at_means
from fastlr.results.targets import chosen_target

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["LevelContrasts", "category_levels", "contrasts_of"]

_COMPARISONS = ("pairwise", "reference", "mean")
_TUKEY = "tukey"
_MOST_CELLS = 10_000  # of the grid of all levels of the other categories


@dataclass(frozen=True)
class LevelContrasts:
    """Adjusted means of a category's levels, and their differences.

    Attributes
    ----------
    variable : str
        The category.
    levels : tuple
        Its levels.
    means, se_means : ndarray of shape (n_levels,)
        Adjusted means of the target, and their standard errors.
    labels : tuple of str
        The differences: "b - a" is the mean of b less that of a.
    effect, sd : ndarray of shape (n_contrasts,)
        Differences and their standard errors.
    statistic, pvalue : ndarray of shape (n_contrasts,)
        t (or z), and its two-sided p-value, as if there were no other difference.
    pvalue_adjusted : ndarray of shape (n_contrasts,)
        For the number of differences, by ``adjustment``.
    adjustment : str
        How p-values were adjusted.
    df : float
        Degrees of freedom of Student's t; infinite for the normal distribution.
    averaged : str
        What the means are adjusted for, in words.
    """

    variable: str
    levels: tuple[Level, ...]
    means: FloatArray
    se_means: FloatArray
    labels: tuple[str, ...]
    effect: FloatArray
    sd: FloatArray
    statistic: FloatArray
    pvalue: FloatArray
    pvalue_adjusted: FloatArray
    adjustment: str
    df: float
    averaged: str

    def conf_int(self, level: float = 0.95) -> FloatArray:
        """Confidence intervals of the differences: (n_contrasts, 2); each by itself, or by Tukey all together."""
        if self.adjustment == _TUKEY:
            half = tukey_quantile(as_level(level), len(self.levels), self.df) * self.sd
        else:
            half = self._quantile(level) * self.sd
        return np.stack([self.effect - half, self.effect + half], axis=-1)

    def conf_int_means(self, level: float = 0.95) -> FloatArray:
        """Confidence intervals of the adjusted means: (n_levels, 2)."""
        half = self._quantile(level) * self.se_means
        return np.stack([self.means - half, self.means + half], axis=-1)

    def _quantile(self, level: float) -> float:
        return quantile(as_level(level), None if math.isinf(self.df) else self.df)

    def to_dict(self) -> dict[str, Any]:
        """The differences as columns by name, as data frames take them."""
        lower, upper = self.conf_int().T
        return {
            "contrast": list(self.labels),
            "effect": self.effect,
            "sd": self.sd,
            "statistic": self.statistic,
            "pvalue": self.pvalue,
            "pvalue_adjusted": self.pvalue_adjusted,
            "lower": lower,
            "upper": upper,
        }

    def __str__(self) -> str:
        name = "z" if math.isinf(self.df) else f"t({self.df:g})"
        width = max(map(len, (*self.labels, *map(str, self.levels))))
        lines = [f"Means by {self.variable}{self.averaged}:"]
        lines += [
            f"  {level!s:{width}}  {mean:.6g} +- {sd:.3g}"
            for level, mean, sd in zip(self.levels, self.means, self.se_means, strict=True)
        ]
        how = "" if self.adjustment == "none" else f" (p by {self.adjustment})"
        lines.append(f"Differences{how}:")
        lines += [
            f"  {label:{width}}  {effect:.6g} +- {sd:.3g}, {name} = {t:.4g}, {p_text(float(p), 3)}"
            for label, effect, sd, t, p in zip(
                self.labels,
                self.effect,
                self.sd,
                self.statistic,
                self.pvalue_adjusted,
                strict=True,
            )
        ]
        return "\n".join(lines)


def contrasts_of(
    fit: LinearFit,
    variable: str,
    *,
    compare: str,
    adjust: str,
    at: Mapping[str, Any] | None,
    data: object,
    sample_weight: object,
    target: int | None,
) -> LevelContrasts:
    """What `LinearFit.contrasts` returns."""
    as_choice(compare, _COMPARISONS, "compare")
    as_choice(adjust, (*ADJUSTMENTS, _TUKEY), "adjust")
    if adjust == _TUKEY and compare != "pairwise":
        raise InputError(
            f'adjust="tukey" is for all pairs of levels, and compare is {compare!r}: pass compare="pairwise", or '
            'adjust="holm".'
        )
    chosen = chosen_target(fit, target)
    levels_of = category_levels(fit)
    if variable not in levels_of:
        known = ", ".join(map(repr, levels_of)) or "none"
        raise InputError(
            f"{variable!r} is no category of this fit, whose categories are {known}: fit with a formula such as "
            "'y ~ C(group) + x', or with categories=['group']."
        )
    refuse_too_large(fit.n_params, "contrasts")
    levels = levels_of[variable]
    held = dict(at or {})
    if data is None:
        if sample_weight is not None:
            raise InputError("sample_weight weighs rows of data, and there are none: pass data.")
        rows, averaged = _on_grid(fit, variable, levels_of, held)
    else:
        rows, averaged = _over_rows(fit, variable, levels, held, data, sample_weight)
    return _contrasted(fit, variable, levels, rows, averaged, compare, adjust, chosen)


def category_levels(fit: LinearFit) -> dict[str, tuple[Level, ...]]:
    """Levels of the variables that are categories, those of ``C(number)`` too."""
    design = fit.design
    if design is None:
        return {}
    levels = {
        name: tuple(design.levels[name]) for name in design.variables if name in design.levels
    }
    from fastlr.input.formulas import FormulaDesign
    from fastlr.input.vocabulary import names_in

    if isinstance(design, FormulaDesign):
        for factor, own in design.factor_levels.items():
            names = names_in(factor) if factor.startswith("C(") else ()
            if len(names) == 1:
                levels.setdefault(names[0], tuple(own))
    return levels


def _on_grid(
    fit: LinearFit,
    variable: str,
    levels_of: Mapping[str, tuple[Level, ...]],
    held: dict[str, Any],
) -> tuple[FloatArray, str]:
    """Features of each level (n_levels, p), averaged over the levels of the other categories."""
    design = fit.design
    if design is None:
        raise InputError("this fit has no categories: fit with a formula, or with categories=.")
    _check_held(held, variable, design.variables)
    axes: list[Sequence[Any]] = []
    averaged, numbers = [], []
    for name in design.variables:
        if name == variable:
            axes.append(levels_of[name])
        elif name in held:
            axes.append([_one(held[name], name, levels_of.get(name))])
        elif name in levels_of:
            axes.append(levels_of[name])
            averaged.append(name)
        elif name in fit.feature_names:
            axes.append([float(np.asarray(fit.feature_mean)[fit.feature_names.index(name)])])
            numbers.append(name)
        else:
            raise InputError(
                f"{name!r} is in the formula by functions alone, so its mean is not known: say at which value it is "
                f"held, by at={{{name!r}: ...}}, or pass the table as data= to average over its rows."
            )
    n_cells = math.prod(map(len, axes))
    if n_cells > _MOST_CELLS * len(levels_of[variable]):
        raise InputError(
            f"the other categories have {n_cells // len(levels_of[variable])} combinations of levels, and at most "
            f"{_MOST_CELLS} are averaged: hold some of them by at=, or pass the table as data=."
        )
    cells = list(itertools.product(*axes))
    columns = {name: [cell[k] for cell in cells] for k, name in enumerate(design.variables)}
    features = np.asarray(design.features(columns).as_matrix(), dtype=np.float64)
    own = columns[variable]
    rows = [
        features[[value == level for value in own]].mean(axis=0) for level in levels_of[variable]
    ]
    said = [f"averaged over {', '.join(averaged)}"] if averaged else []
    said += [f"{', '.join(numbers)} at the mean"] if numbers else []
    said += [f"{name} = {held[name]}" for name in held]
    return np.array(rows), "".join(f", {part}" for part in said)


def _over_rows(
    fit: LinearFit,
    variable: str,
    levels: tuple[Level, ...],
    held: dict[str, Any],
    data: Any,
    sample_weight: object,
) -> tuple[FloatArray, str]:
    """Features of each level (n_levels, p), averaged over the rows of a table."""
    design = fit.design
    if design is None:
        raise InputError("this fit has no categories: fit with a formula, or with categories=.")
    _check_held(held, variable, design.variables)
    columns, n = columns_of(data, "data", None)
    if n == 0:
        raise InputError("data has no rows: pass at least one.")
    weights = as_weights(sample_weight, n, index=index_of(data))
    if weights is not None:
        refuse_bad_weights(weights)
    missing = [name for name in design.variables if name not in columns and name != variable]
    missing = [name for name in missing if name not in held]
    if missing:
        raise InputError(f"data has no column {missing[0]!r}, which the fit is made of.")
    table = {name: columns.get(name) for name in design.variables}
    for name, value in held.items():
        table[name] = [_one(value, name, design.levels.get(name))] * n
    rows = []
    for level in levels:
        table[variable] = [level] * n
        features = design.features(table, "data")
        rows.append([np.average(column, weights=weights) for column in features.as_list()])
    said = "".join(f", {name} = {held[name]}" for name in held)
    return np.array(rows, dtype=np.float64), f", averaged over {n} rows{said}"


def _check_held(held: Mapping[str, Any], variable: str, variables: Sequence[str]) -> None:
    for name in held:
        if name == variable:
            raise InputError(f"at holds {name!r}, whose levels are compared: leave it out of at.")
        if name not in variables:
            raise InputError(
                f"at holds {name!r}, which is no variable of the fit: it has {', '.join(map(repr, variables))}."
            )


def _one(value: Any, name: str, levels: Sequence[Level] | None) -> Any:
    """A value to hold a variable at: a level, or a number."""
    if levels is not None:
        if value not in levels:
            raise InputError(
                f"at={{{name!r}: {value!r}}} is none of its levels, {', '.join(map(repr, levels[:10]))}."
            )
        return value
    if isinstance(value, str):
        raise InputTypeError(f"at={{{name!r}: {value!r}}} is text, and {name!r} holds numbers.")
    return as_number(value, f"at[{name!r}]", "a number")


def _contrasted(
    fit: LinearFit,
    variable: str,
    levels: tuple[Level, ...],
    rows: FloatArray,
    averaged: str,
    compare: str,
    adjust: str,
    target: int,
) -> LevelContrasts:
    m = len(levels)
    if m < 2:
        raise InputError(f"{variable!r} has one level, {levels[0]!r}: there is nothing to compare.")
    if fit.fit_intercept:
        rows = np.concatenate([np.ones((m, 1)), rows], axis=1)
    if compare == "mean":
        matrix = rows - rows.mean(axis=0)
        labels = [f"{level} - mean" for level in levels]
    else:
        pairs = [
            (i, j)
            for i, j in itertools.combinations(range(m), 2)
            if compare == "pairwise" or i == 0
        ]
        matrix = np.array([rows[j] - rows[i] for i, j in pairs])
        labels = [f"{levels[j]} - {levels[i]}" for i, j in pairs]
    df = fit.df_inference if fit.use_t else None

    def tested(matrix: FloatArray) -> tuple[FloatArray, ...]:
        moved, params, covariance = with_prediction_at_means(fit, matrix)
        asked = Restrictions(moved, np.zeros(len(matrix)), ())
        own = params[[target]], covariance[[target]]
        return tuple(part[0] for part in tested_each(asked, *own, df))

    means, se_means = tested(rows)[:2]
    effect, sd, statistic, pvalue = tested(matrix)
    return LevelContrasts(
        variable,
        levels,
        means,
        se_means,
        tuple(labels),
        effect,
        sd,
        statistic,
        pvalue,
        tukey_pvalues(statistic, m, math.inf if df is None else df)
        if adjust == _TUKEY
        else adjust_pvalues(pvalue, adjust),
        adjust,
        math.inf if df is None else df,
        averaged,
    )
