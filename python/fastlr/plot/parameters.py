"""Coefficients beside one another, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.input.options import as_whole
from fastlr.plot.canvas import BLUE, GREY, axes_of, finish, plural
from fastlr.plot.relations import as_target
from fastlr.typesetting.names import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes


__all__ = ["MOST_COEFFICIENTS", "coefficients"]

MOST_COEFFICIENTS = 40
"""Coefficients that are drawn; of more, the largest."""
_LONGEST_NAME = 30


def coefficients(
    fit: Any,
    *,
    level: float = 0.95,
    standardized: bool = True,
    target: int = 0,
    max_features: int = MOST_COEFFICIENTS,
    ax: Any = None,
) -> Axes:
    """Coefficients with their intervals, the largest on top.

    Parameters
    ----------
    fit : LinearFit
        Any fit; where it states no standard errors, intervals are left out.
    level : float, default=0.95
        Level of the intervals.
    standardized : bool, default=True
        Draw what one standard deviation of each feature changes, which can be compared; else coefficients in their own
        units.
    target : int, default=0
        Which target, if there are several.
    max_features : int, default=40
        Coefficients that are drawn at most, those of largest magnitude; the intercept is not among them.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    target = as_target(fit, target)
    first, k = int(fit.fit_intercept), fit.n_params
    unit = np.asarray(fit.feature_std) if standardized else np.ones(fit.n_features)
    value = np.atleast_2d(fit.coef)[target] * unit
    ends = np.asarray(fit.conf_int(level)).reshape(fit.n_targets, k, 2)[target, first:]
    ends = ends * unit[:, np.newaxis]
    order = np.argsort(-np.abs(value), kind="stable")[: as_whole(max_features, "max_features")][
        ::-1
    ]
    height = max(2.6, 1.5 + 0.26 * len(order))
    axes = axes_of(ax, (6.4, height))
    places = np.arange(len(order))
    is_stated = np.isfinite(ends[order]).all(axis=1)
    is_sure = is_stated & ((ends[order, 0] > 0) | (ends[order, 1] < 0))
    percent = f"{100 * level:.3g} %"
    axes.axvline(0.0, color=GREY, lw=0.8)
    for chosen, face, label in (
        (is_sure, BLUE, f"{percent} interval without zero"),
        (is_stated & ~is_sure, "white", f"{percent} interval with zero"),
        (~is_stated, BLUE, "no interval can be stated"),
    ):
        if not chosen.any():
            continue
        at, rows = places[chosen], order[chosen]
        reach = np.abs(ends[rows] - value[rows, np.newaxis]).T if is_stated[chosen].all() else None
        axes.errorbar(
            value[rows],
            at,
            xerr=reach,
            fmt="o" if reach is not None else "D",
            color=BLUE,
            mfc=face,
            ms=5.5,
            elinewidth=1.6,
            label=label,
        )
    axes.set_yticks(places, [shortened(fit.feature_names[j], _LONGEST_NAME) for j in order])
    axes.set_ylim(-0.6, len(order) - 0.4)
    axes.grid(axis="y", color="0.93")
    name = shortened(fit.target_names[target], _LONGEST_NAME)
    first_name = shortened(fit.feature_names[order[-1]], _LONGEST_NAME)
    title = f"The effect of {first_name} on {name}"
    if len(order) > 1:
        title = f"{first_name} changes {name} most"
    if not standardized:
        title = f"Coefficients of {name}, each in units of its own"
    elif is_stated.any():
        sure = int(is_sure.sum())
        leaves = "leaves" if 1 in (sure, len(order)) else "leave"
        of_all = plural(len(order), "interval")
        title = f"{title}; {sure} of {of_all} {leaves} zero out"
    if len(value) > len(order):
        title += f" (the {len(order)} largest of {len(value)})"
    per = (
        "for one standard deviation of the feature"
        if standardized
        else "for one unit of the feature"
    )
    finish(axes, title, f"change of {name} {per}", "")
    return axes
