"""The pictures of a report: each a title, a sentence on how to read it, and a vector graphic."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import ndtri

from fastlr.input.columns import FloatArray
from fastlr.report.rows import SeenRows
from fastlr.report.vector import ACCENT, FAINT, INK, POINT, drawing, svg_of
from fastlr.results import LinearFit
from fastlr.typesetting.names import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Picture", "pictures_of"]

_MOST_POINTS = 1200  # single points of a picture; more rows are drawn by bins
_MOST_COEFFICIENTS = 20
_LONGEST_NAME = 22
_SIZE = (4.8, 3.5)  # inches
_LEAST_ROWS_OF_A_LINE = 20


class Picture(NamedTuple):
    """A picture of a report: a title, a sentence on how to read it, and the ``svg`` element."""

    title: str
    sentence: str
    svg: str


class _Plan(NamedTuple):
    title: str
    sentence: str
    draw: Callable[[Axes], None]


def pictures_of(fit: LinearFit, rows: SeenRows, *, level: float) -> list[Picture]:
    """All pictures that a fit of one target and its rows allow; bounded in size, however many the rows."""
    from matplotlib.figure import Figure

    pictures = []
    with drawing():
        for number, plan in enumerate(_plans(fit, rows, level)):
            figure = Figure(figsize=_SIZE)
            plan.draw(figure.subplots())
            svg = svg_of(figure, f"{plan.title}. {plan.sentence}", f"p{number}")
            pictures.append(Picture(plan.title, plan.sentence, svg))
    return pictures


def _plans(fit: LinearFit, rows: SeenRows, level: float) -> list[_Plan]:
    target = shortened(fit.target_names[0], _LONGEST_NAME)
    how = "points" if len(rows.fitted) <= _MOST_POINTS else "cells, darker where more rows are,"
    plans = [
        _Plan(
            "Observed and predicted",
            f"The nearer {how} lie to the line, the better the prediction.",
            lambda axes: _predicted(axes, rows, target),
        )
    ]
    if fit.n_features and np.isfinite(fit.std_errors.values).any():
        plans.append(
            _Plan(
                f"Coefficients per standard deviation, with {100 * level:.6g} % intervals",
                "What the target changes by for one standard deviation of a feature; an interval across the line may "
                "be no effect at all.",
                lambda axes: _coefficients(axes, fit, level),
            )
        )
    if rows.has_errors:
        plans += [
            _Plan(
                "Residuals over predictions",
                "Good residuals are a band of even width around zero, without a bend.",
                lambda axes: _residuals(
                    axes, rows.fitted, rows.standardised, f"predicted {target}"
                ),
            ),
            _Plan(
                "Residuals beside the normal distribution",
                "On the line residuals are normal; ends that leave it are heavier or lighter tails.",
                lambda axes: _quantiles(axes, rows),
            ),
            _Plan(
                "Residuals in the order of the rows",
                "A drift or waves say that neighbouring rows are alike.",
                lambda axes: _residuals(
                    axes,
                    np.arange(1.0, len(rows.fitted) + 1),
                    rows.standardised,
                    "place of the row",
                ),
            ),
        ]
    if rows.has_errors and rows.leverage is not None and rows.top:
        plans.append(
            _Plan(
                "Residuals and leverages",
                "Rows beyond a dashed line (Cook's distance 0.5 and 1) move the coefficients alone.",
                lambda axes: _leverages(axes, fit, rows),
            )
        )
    return plans


def _predicted(axes: Axes, rows: SeenRows, target: str) -> None:
    ends = _ends(np.concatenate([rows.fitted, rows.observed]))
    axes.plot(ends, ends, color=ACCENT, linewidth=1.2, zorder=1)
    _cloud(axes, rows.fitted, rows.observed)
    axes.set(xlabel=f"predicted {target}", ylabel=f"observed {target}")


def _residuals(axes: Axes, x: FloatArray, residual: FloatArray, label: str) -> None:
    axes.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1)
    _cloud(axes, x, residual)
    known = np.isfinite(residual)
    if known.sum() >= _LEAST_ROWS_OF_A_LINE:
        axes.plot(*_means(x[known], residual[known]), color=ACCENT, linewidth=1.4, zorder=4)
    axes.set(xlabel=label, ylabel="standardised residual")


def _quantiles(axes: Axes, rows: SeenRows) -> None:
    r = np.sort(rows.standardised[np.isfinite(rows.standardised)])
    share = (np.arange(len(r)) + 0.5) / len(r)
    if len(r) > _MOST_POINTS:  # the ends are the interesting part
        middle = np.linspace(50, len(r) - 51, _MOST_POINTS // 4).astype(np.intp)
        shown = np.unique(np.concatenate([np.arange(50), middle, np.arange(len(r) - 50, len(r))]))
        r, share = r[shown], share[shown]
    normal = ndtri(share)
    ends = _ends(normal)
    axes.plot(ends, ends, color=ACCENT, linewidth=1.2, zorder=1)
    _cloud(axes, normal, r)
    axes.set(xlabel="quantile of the normal distribution", ylabel="standardised residual")


def _leverages(axes: Axes, fit: LinearFit, rows: SeenRows) -> None:
    leverage, residual = rows.leverage, rows.standardised
    assert leverage is not None
    axes.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1)
    _cloud(axes, leverage, residual)
    x_ends, y_ends = axes.get_xlim(), axes.get_ylim()
    x = np.linspace(max(1e-6, x_ends[0]), min(x_ends[1], 0.999), 60)
    k = fit.rank + fit.fit_intercept
    for distance in (0.5, 1.0):
        y = np.sqrt(distance * k * (1.0 - x) / x)
        for sign in (-1.0, 1.0):
            axes.plot(x, sign * y, color=ACCENT, linewidth=0.9, linestyle="--", zorder=2)
    top = rows.top
    width, height = x_ends[1] - x_ends[0], y_ends[1] - y_ends[0]
    places: list[tuple[float, float]] = []
    for i in range(min(3, len(top["row"]))):
        x_share = float(top["hat_diag"][i]) / width
        y_share = float(top["standard_resid"][i]) / height
        if any(abs(x_share - a) < 0.12 and abs(y_share - b) < 0.06 for a, b in places):
            continue  # its number would lie on another
        places.append((x_share, y_share))
        axes.annotate(
            str(rows.number(top["row"][i])),
            (float(top["hat_diag"][i]), float(top["standard_resid"][i])),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=9,
            color=INK,
        )
    axes.set(xlabel="leverage", ylabel="standardised residual", xlim=x_ends, ylim=y_ends)


def _coefficients(axes: Axes, fit: LinearFit, level: float) -> None:
    first, sd = int(fit.fit_intercept), fit.feature_std
    value = np.atleast_2d(fit.coef)[0] * sd
    ends = fit.conf_int(level).values.reshape(-1, 2)[first:] * sd[:, np.newaxis]
    order = np.argsort(-np.abs(value), kind="stable")[:_MOST_COEFFICIENTS]
    order = order[np.isfinite(value[order])][::-1]
    y = np.arange(len(order))
    axes.axvline(0.0, color=FAINT, linewidth=0.8, zorder=1)
    axes.hlines(y, ends[order, 0], ends[order, 1], color=POINT, linewidth=1.6)
    axes.plot(value[order], y, "o", color=POINT, markersize=4.5, markeredgewidth=0)
    axes.set_yticks(y, [shortened(fit.feature_names[j], _LONGEST_NAME) for j in order])
    axes.tick_params(axis="y", length=0, labelsize=9 if len(order) <= 12 else 7)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.6, len(order) - 0.4)
    axes.margins(x=0.04)
    axes.set_xlabel("change of the target per standard deviation")


def _cloud(axes: Axes, x: FloatArray, y: FloatArray) -> None:
    """Points, or hexagons whose depth says how many rows they hold."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) <= _MOST_POINTS:
        alpha = 0.9 if len(x) <= 200 else 0.55
        axes.plot(
            x,
            y,
            "o",
            color=POINT,
            markersize=4.5 if len(x) <= 200 else 3,
            markeredgewidth=0,
            alpha=alpha,
            zorder=3,
        )
        return
    cells: Any = axes.hexbin(x, y, gridsize=(30, 19), mincnt=1, linewidths=0.2, zorder=2)
    counts = np.asarray(cells.get_array(), dtype=np.float64)
    depth = np.log1p(counts) / np.log1p(counts.max())
    colours = np.tile([1 / 255, 1 / 255, 3 / 255, 1.0], (len(counts), 1))  # POINT
    colours[:, 3] = np.round(0.12 + 0.83 * depth, 2)
    cells.set_array(None)
    cells.set_facecolor(colours)
    cells.set_edgecolor("none")


def _means(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means of y in parts of equally many rows, over those of x."""
    order = np.argsort(x, kind="stable")
    parts = np.array_split(order, int(np.clip(len(x) // 15, 4, 16)))
    return np.array([x[part].mean() for part in parts]), np.array(
        [y[part].mean() for part in parts]
    )


def _ends(values: FloatArray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return float(known.min()), float(known.max())
