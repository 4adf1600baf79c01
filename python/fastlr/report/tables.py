"""The tables of a report: coefficients that can be sorted, influential rows, patterns, and models side by side."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from fastlr.input.columns import FloatArray
from fastlr.report.models import Model
from fastlr.report.patterns import Pattern
from fastlr.report.rows import SeenRows
from fastlr.results import LinearFit
from fastlr.results.summary_rows import chosen_terms, coefficient_rows
from fastlr.results.summary_words import counted, inflation, method_of
from fastlr.typesetting.figures import DASH, fixed, p_value, significant, statistic
from fastlr.typesetting.html import number_html, table_html
from fastlr.typesetting.names import shortened
from fastlr.typesetting.table import Head, Row, Table

__all__ = [
    "coefficient_table",
    "framed",
    "model_coefficients_table",
    "model_table",
    "pattern_table",
    "row_table",
]

_MOST_FEATURES = 200
_MOST_COMPARED = 60


def coefficient_table(fit: LinearFit, level: float) -> str:
    """Every coefficient with its errors and its variance inflation; the most important ones of many."""
    terms, omitted = chosen_terms(fit, 0, None, _MOST_FEATURES)
    heads, rows = coefficient_rows(fit, 0, terms, level, None)
    first = int(fit.fit_intercept)
    vif = np.full(fit.n_params, np.nan)
    if not np.any(fit.alpha) and fit.rank == fit.n_features:
        vif[first:] = inflation(fit)
    shown = np.array([*range(first), *(first + j for j in terms)], dtype=np.intp)
    has_vif = bool(np.isfinite(vif[shown]).any()) and fit.n_features > 1
    if has_vif:
        heads = (*heads, Head("VIF"))
        rows = tuple(
            Row(row.name, (*row.cells, _inflation_cell(float(vif[i]))), row.rule)
            for row, i in zip(rows, shown, strict=True)
        )
    table = Table(
        (shortened(fit.target_names[0]), method_of(fit)),
        heads,
        tuple(Row(shortened(row.name), row.cells, row.rule) for row in rows),
    )
    legend = ["per sd: change of the target for one standard deviation of the feature."]
    if has_vif:
        legend.append(
            "VIF: by how much the other features inflate the variance of the coefficient."
        )
    if omitted:
        legend.append(
            f"{counted(fit.n_features - len(terms), 'feature')} with smaller changes per sd are not shown."
        )
    keys = _keys(fit, shown, [head.title for head in heads], level, vif)
    note = f'<div class="legend"><p>{escape(" ".join(legend))}</p></div>'
    return framed(f"{table_html(table)}{note}", keys)


def _inflation_cell(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return fixed(value, 1, plain=value < 1e7)


def _keys(
    fit: LinearFit, shown: Any, titles: Sequence[str], level: float, vif: FloatArray
) -> list[dict[str, Any] | None]:
    """For every column of the table, its names first, what it is sorted by: numbers, null last; and how at first."""
    first = int(fit.fit_intercept)
    sd = np.concatenate([np.full(first, np.nan), fit.feature_std])
    value = np.atleast_2d(fit.params.values)[0]
    names = np.argsort(np.argsort([fit.param_names[i].casefold() for i in shown], kind="stable"))
    columns: dict[str, FloatArray] = {
        "coefficient": value,
        "std error": np.atleast_2d(fit.bse.values)[0],
        "t": np.abs(np.atleast_2d(fit.tvalues.values)[0]),
        "p": np.atleast_2d(fit.pvalues.values)[0],
        "per sd": np.abs(value * sd),
        "VIF": vif,
    }
    columns["z"] = columns["t"]
    columns[f"{100 * level:.6g} % interval"] = fit.conf_int(level).values.reshape(-1, 2)[:, 0]
    return [
        {"first": "ascending", "values": names.tolist()},
        *(
            {
                "first": "ascending" if title == "p" else "descending",
                "values": [_number(x) for x in columns[title][shown]],
            }
            for title in titles
        ),
    ]


def _number(value: float) -> float | None:
    return float(f"{value:.12g}") if math.isfinite(value) else None


def framed(inner: str, keys: list[dict[str, Any] | None] | None = None) -> str:
    """A table as the page has it; with keys it can be sorted, where scripts run."""
    sorts = "" if keys is None else f' data-keys="{escape(json.dumps(keys, allow_nan=False))}"'
    return f'<div class="fastlr-text"{sorts}>{inner}</div>'


def row_table(fit: LinearFit, rows: SeenRows) -> str:
    """The rows that the result depends on most."""
    top = rows.top
    cells = [
        Row(
            f"row {rows.number(top['row'][i])}",
            (
                significant(float(top["observed"][i]), 5),
                significant(float(top["fitted"][i]), 5),
                _rounded(top["student_resid"][i]),
                _rounded(top["hat_diag"][i], 3),
                _rounded(top["cooks_d"][i], 3),
            ),
        )
        for i in range(len(top["row"]))
    ]
    heads = ("observed", "predicted", "studentised residual", "leverage", "Cook's distance")
    caption = (f"Rows with most influence on {shortened(fit.target_names[0])}", "")
    return framed(table_html(Table(caption, tuple(map(Head, heads)), tuple(cells))))


def _rounded(value: float, decimals: int = 2) -> str:
    return f"{value:.{decimals}f}" if math.isfinite(value) else DASH


def pattern_table(patterns: Sequence[Pattern]) -> str:
    """What was looked for in the residuals, and whether it was found."""
    heads = ("looked for", "by", "found", "how much", "statistic", "p")
    lines = []
    for pattern in patterns:
        words = (
            pattern.test,
            "yes" if pattern.is_found else "no",
            pattern.effect,
        )
        numbers = (statistic(pattern.statistic), p_value(pattern.p_value))
        cells = "".join(f'<td class="words">{_signed(escape(word))}</td>' for word in words)
        cells += "".join(f"<td>{number_html(number)}</td>" for number in numbers)
        lines.append(f'<tr><th scope="row">{escape(pattern.name)}</th>{cells}</tr>')
    titles = "".join(
        f'<th scope="col"{" class=words" if j < 4 else ""}>{title}</th>'
        for j, title in enumerate(heads)
    )
    return framed(
        '<div class="scroll"><table><caption><strong>Patterns of the residuals</strong></caption>'
        f"<thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _signed(words: str) -> str:
    return re.sub(r"(?<!\w)-(?=\d)", "\N{MINUS SIGN}", words)


def model_table(models: Sequence[Model]) -> str:
    """Models by how well they predict rows held out."""
    plain = models[0].error
    rows = [
        Row(
            f"{model.name}{f' ({model.choice})' if model.choice else ''}",
            (
                str(model.n_used),
                significant(model.error, 4) if math.isfinite(model.error) else DASH,
                _beside(model.error, plain) if model is not models[0] else "",
            ),
        )
        for model in models
    ]
    heads = (Head("features"), Head("error of rows held out"), Head("beside least squares"))
    return framed(
        table_html(Table(("Models", "root mean squared error, 5 folds"), heads, rows=tuple(rows)))
    )


def _beside(error: float, plain: float) -> str:
    if not (math.isfinite(error) and plain > 0):
        return DASH
    change = f"{100 * (error / plain - 1.0):+.1f}"
    return f"{'0.0' if change.strip('+-') == '0.0' else change} %"


def model_coefficients_table(fit: LinearFit, models: Sequence[Model]) -> str:
    """Changes per standard deviation of every model, side by side; zeros are left empty."""
    together = np.abs(np.array([model.per_sd for model in models]))
    order = np.argsort(-together.max(axis=0), kind="stable")
    shown = np.sort(order[:_MOST_COMPARED])
    rows = [
        Row(
            shortened(fit.feature_names[j]),
            tuple(significant(float(m.per_sd[j]), 4) if m.per_sd[j] else "" for m in models),
        )
        for j in shown
    ]
    left = fit.n_features - len(shown)
    right = f"{counted(left, 'feature')} with smaller ones not shown" if left else ""
    caption = ("Change of the target per standard deviation", right)
    heads = tuple(Head(model.name) for model in models)
    return framed(table_html(Table(caption, heads, tuple(rows))))
