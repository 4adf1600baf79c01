"""The pictures of a report, those of `fastlr.plot`: each a title, a sentence on how to read it, a vector graphic."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastlr.input.columns import FloatArray
from fastlr.plot.canvas import GREY, ORANGE, cloud, figure_of, finish, smooth
from fastlr.plot.influences import (
    largest_of,
    leverage_panel,
    quantile_panel,
    residual_panel,
    spread_panel,
)
from fastlr.plot.parameters import coefficients
from fastlr.plot.relations import prediction_panel
from fastlr.report.rows import SeenRows
from fastlr.report.vector import drawing, svg_of
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
    sentence: str
    draw: Callable[[Axes], object]


def pictures_of(fit: LinearFit, rows: SeenRows, *, level: float) -> list[Picture]:
    """All pictures that a fit of one target and its rows allow; bounded in size, however many the rows.

    Titles are those of the pictures, and stand above them on the page.
    """
    pictures = []
    with drawing():
        for number, plan in enumerate(_plans(fit, rows, level)):
            figure = figure_of(_SIZE)
            axes = figure.subplots()
            plan.draw(axes)
            title = " ".join(axes.get_title(loc="left").split())
            axes.set_title("", loc="left")
            svg = svg_of(figure, f"{title}. {plan.sentence}", f"p{number}")
            pictures.append(Picture(title, plan.sentence, svg))
    return pictures


def _plans(fit: LinearFit, rows: SeenRows, level: float) -> list[_Plan]:
    target = shortened(fit.target_names[0], _LONGEST_NAME)
    how = "points" if len(rows.fitted) <= _MOST_POINTS else "cells, stronger where more rows are,"
    plans = [
        _Plan(
            f"The nearer {how} lie to the line, the better the prediction.",
            partial(
                prediction_panel,
                expected=rows.fitted,
                seen=rows.observed,
                name=target,
                most=_MOST_POINTS,
            ),
        )
    ]
    if fit.n_features and np.isfinite(fit.bse.values).any():
        plans.append(
            _Plan(
                "What the target changes by for one standard deviation of a feature; an interval across the line may "
                "be no effect at all.",
                lambda axes: _coefficients(axes, fit, level),
            )
        )
    if rows.has_errors:
        plans += _of_residuals(fit, rows, target)
    return plans


def _of_residuals(fit: LinearFit, rows: SeenRows, target: str) -> list[_Plan]:
    standard, leverage = rows.standardised, rows.leverage
    largest = largest_of(np.abs(standard))

    def call(position: int) -> int:
        return rows.number(int(rows.places[position]))

    shared: Any = {"most": _MOST_POINTS, "call": call}
    plans = [
        _Plan(
            "Good residuals are a band of even width around zero, without a bend.",
            lambda axes: residual_panel(
                axes, rows.fitted, rows.residual, largest, target, **shared
            ),
        ),
        _Plan(
            "On the line residuals are normal; ends that leave it are heavier or lighter tails.",
            lambda axes: quantile_panel(axes, standard, largest, **shared),
        ),
        _Plan(
            "The line is level where errors are as large for small predictions as for large ones.",
            lambda axes: spread_panel(axes, rows.fitted, standard, largest, target, **shared),
        ),
    ]
    if leverage is not None and rows.top:
        n_parameters = fit.rank + fit.fit_intercept
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = standard**2 * leverage / (1.0 - leverage) / n_parameters
        plans.append(
            _Plan(
                "Rows beyond a dashed line (Cook's distance 0.5) or a dotted one (1) move the coefficients alone.",
                lambda axes: leverage_panel(
                    axes, leverage, standard, distance, n_parameters, **shared
                ),
            )
        )
    plans.append(
        _Plan(
            "Rows stand as they follow one another: a line that drifts says that errors depend on those before.",
            lambda axes: _in_order(axes, standard),
        )
    )
    return plans


def _coefficients(axes: Axes, fit: LinearFit, level: float) -> None:
    coefficients(fit, level=level, max_features=_MOST_COEFFICIENTS, ax=axes)
    axes.set_xlabel("change of the target per standard deviation")


def _in_order(axes: Axes, residual: FloatArray) -> None:
    """Residuals as the rows follow one another, which no other picture shows."""
    place = np.arange(1.0, len(residual) + 1)
    cloud(axes, place, residual, legend=False, most=_MOST_POINTS)
    axes.axhline(0.0, color=GREY, lw=0.8, ls="--")
    if np.isfinite(residual).sum() >= _LEAST_ROWS_OF_A_LINE:
        axes.plot(*smooth(place, residual, 1 / 3), color=ORANGE, lw=1.6)
    title = "Order: waves would be neighbours that are alike"
    finish(axes, title, "place of the row", "standardised residual")
