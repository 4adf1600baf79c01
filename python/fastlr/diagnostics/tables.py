"""Tables of the analysis of variance, as R prints them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastlr.diagnostics.findings import LEVEL
from fastlr.inference.distributions import p_text
from fastlr.input.columns import FloatArray

__all__ = ["AnovaTable", "ModelComparison"]


@dataclass(frozen=True)
class AnovaTable:
    """What the terms of a fit explain: a line for each term, then the residuals.

    Attributes
    ----------
    typ : int
        1: each term beside those before it; 2: beside all that do not contain it; 3: beside all others.
    target : str
        Name of the target.
    terms : tuple of str
        The lines.
    df : ndarray of shape (n_terms,)
        Degrees of freedom.
    sum_sq, mean_sq : ndarray of shape (n_terms,)
        Sums of squares, and by their degrees of freedom.
    fvalue, pvalue : ndarray of shape (n_terms,)
        F and its p-value; NaN for the residuals.
    """

    typ: int
    target: str
    terms: tuple[str, ...]
    df: FloatArray
    sum_sq: FloatArray
    mean_sq: FloatArray
    fvalue: FloatArray
    pvalue: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Columns by name, as data frames take them: ``pandas.DataFrame(table.to_dict())``."""
        return {
            "term": list(self.terms),
            "df": self.df,
            "sum_sq": self.sum_sq,
            "mean_sq": self.mean_sq,
            "F": self.fvalue,
            "p": self.pvalue,
        }

    def __str__(self) -> str:
        titles = ("", "df", "sum sq", "mean sq", "F", "p")
        values = (self.df, self.sum_sq, self.mean_sq, self.fvalue, self.pvalue)
        kind = {1: "in their order", 2: "beside terms without them", 3: "beside all others"}
        head = f"{self.target}: what terms explain, {kind[self.typ]} (type {'I' * self.typ})"
        return f"{head}\n{_lines(titles, self.terms, values)}"


@dataclass(frozen=True)
class ModelComparison:
    """Fits of the same rows, each compared with the one before it.

    Attributes
    ----------
    models : tuple of str
        The formulas, or how many features there are.
    df_resid, rss : ndarray of shape (n_models,)
        Residual degrees of freedom and sums of squares.
    df, sum_sq : ndarray of shape (n_models,)
        What the fit has more than the one before it, and by how much that lowers the sum of squares; NaN for the first.
    fvalue, pvalue : ndarray of shape (n_models,)
        F by the residual variance of the largest fit, and its p-value; NaN for the first.
    """

    models: tuple[str, ...]
    df_resid: FloatArray
    rss: FloatArray
    df: FloatArray
    sum_sq: FloatArray
    fvalue: FloatArray
    pvalue: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Columns by name, as data frames take them."""
        return {
            "model": list(self.models),
            "df_resid": self.df_resid,
            "rss": self.rss,
            "df": self.df,
            "sum_sq": self.sum_sq,
            "F": self.fvalue,
            "p": self.pvalue,
        }

    def __str__(self) -> str:
        titles = ("", "df resid", "rss", "df", "sum sq", "F", "p")
        values = (self.df_resid, self.rss, self.df, self.sum_sq, self.fvalue, self.pvalue)
        numbers = [str(i + 1) for i in range(len(self.models))]
        models = "\n".join(
            f"model {i}: {text}" for i, text in zip(numbers, self.models, strict=True)
        )
        said = [
            self._sentence(i) for i in range(1, len(self.models)) if not math.isnan(self.pvalue[i])
        ]
        return "\n".join([models, _lines(titles, numbers, values), *said])

    def _sentence(self, i: int) -> str:
        is_larger = self.df[i] > 0
        small, large = (i, i + 1) if is_larger else (i + 1, i)
        verb = (
            "explains more than"
            if self.pvalue[i] < LEVEL
            else "does not certainly explain more than"
        )
        return f"Model {large} {verb} model {small} ({p_text(float(self.pvalue[i]))})."


def _lines(titles: Sequence[str], names: Sequence[str], values: Sequence[FloatArray]) -> str:
    """Numbers of a column have the decimals that its smallest one needs; NaN is left blank."""
    columns = [["", *names]]
    for title, column in zip(titles[1:], values, strict=True):
        columns.append([title, *_figures(title, column)])
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    )


def _figures(title: str, column: FloatArray) -> list[str]:
    if title == "p":
        return ["" if math.isnan(p) else f"{p:.3g}" if p >= 1e-300 else "<1e-300" for p in column]
    known = np.abs(column[np.isfinite(column)])
    known = known[known > 0]
    if not len(known) or ((known == np.round(known)).all() and known.max() < 1e7):
        return ["" if math.isnan(value) else f"{value:.0f}" for value in column]
    smallest, largest = float(known.min()), float(known.max())
    if not smallest > 1e-4 or not largest < 1e8:
        return ["" if math.isnan(value) else f"{value:.5g}" for value in column]
    decimals = int(np.clip(4 - math.ceil(math.log10(largest)), 1, 4))
    decimals = max(decimals, int(np.clip(1 - math.floor(math.log10(smallest)), 0, 4)))
    return ["" if math.isnan(value) else f"{value:.{decimals}f}" for value in column]
