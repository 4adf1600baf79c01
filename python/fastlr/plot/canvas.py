"""What all pictures share: axes, colours, clouds of rows, titles that fit, legends that cover nothing."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.errors import InputTypeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastlr.input.columns import FloatArray

__all__ = [
    "BLACK",
    "BLUE",
    "COLOURS",
    "DASHES",
    "GREY",
    "LIGHT",
    "MARKERS",
    "MOST_POINTS",
    "ORANGE",
    "axes_of",
    "cloud",
    "figure_of",
    "finish",
    "mark_rows",
    "plural",
    "short",
    "smooth",
]

# Okabe and Ito's colours, which the colour-blind can tell apart; lines differ in their dashes as well, for print.
BLUE, ORANGE, BLACK = "#0072B2", "#D55E00", "black"
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", BLACK)
DASHES: tuple[Any, ...] = ("-", "--", "-.", (0, (4, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (6, 2)), ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY, LIGHT = "0.45", "0.9"

MOST_POINTS = 5000
"""Rows that are drawn one by one; more are counted in hexagons."""

_SMOOTHED = 2000  # places that a smooth line is made of, at most
_ON_LINE = 60  # ... and that it goes through
_PER_INCH = 11.5  # letters of a title


def figure_of(size: tuple[float, float]) -> Figure:
    """Make a figure that belongs to nobody else: pyplot does not know of it."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "fastlr[plot]"') from error
    return Figure(figsize=size, layout="constrained")


def axes_of(ax: Any, size: tuple[float, float] = (6.4, 4.6)) -> Axes:
    """The axes to draw on: those that were given, or those of a new figure."""
    if ax is None:
        axes: Axes = figure_of(size).subplots()
        return axes
    if not hasattr(ax, "get_legend_handles_labels"):
        raise InputTypeError(
            f"ax={type(ax).__name__} cannot be drawn on: pass matplotlib Axes, or leave ax out for a new figure."
        )
    given: Axes = ax
    return given


def short(value: float) -> str:
    """A number for a title: three or four digits, without an exponent where it needs none."""
    if 1e3 <= abs(value) < 1e7:
        return f"{value:.0f}"
    return f"{value:.3g}"


def plural(n: int, noun: str) -> str:
    """Write a count with its noun, as "1 row" or "16 rows"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def cloud(
    ax: Axes, x: FloatArray, y: FloatArray, *, legend: bool = True, most: int = MOST_POINTS
) -> None:
    """Draw rows as points, or as hexagons that count them where there are more than ``most``."""
    n = len(x)
    name = plural(n, "row")
    if n <= most:
        size, opacity = (18.0, 0.8) if n <= 500 else (7.0, 0.45)
        label = name if legend else None
        ax.scatter(x, y, s=size, alpha=opacity, color=BLUE, edgecolors="none", label=label)
        return
    from matplotlib.colors import to_rgba

    finite = np.isfinite(x) & np.isfinite(y)
    grid = (50, 28) if most == MOST_POINTS else (30, 19)
    cells: Any = ax.hexbin(x[finite], y[finite], gridsize=grid, mincnt=1, linewidths=0.1)
    counts = np.asarray(cells.get_array(), dtype=np.float64)
    colours = np.tile(to_rgba(BLUE), (len(counts), 1))
    colours[:, 3] = np.round(0.12 + 0.83 * np.log1p(counts) / np.log1p(counts.max()), 2)
    cells.set_array(None)
    cells.set_facecolor(colours)
    cells.set_edgecolor("none")
    if legend:
        label = f"{name} (stronger: more of them)"
        ax.plot([], [], "h", color=BLUE, markersize=9, linestyle="none", label=label)


def finish(ax: Axes, title: str, xlabel: str, ylabel: str, *, legend: bool = True) -> None:
    """Give axes their names, a sentence above them, and between the two a legend that covers no point."""
    letters = _letters(ax)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=9)
    handles, labels = ax.get_legend_handles_labels()
    pad = 6.0
    if legend and handles:
        n = _legend_columns(labels, letters)
        ax.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=n,
            frameon=False,
            fontsize=9,
            borderaxespad=0.1,
            borderpad=0.3,
            handlelength=1.8,
            columnspacing=1.4,
        )
        pad += 4.0 + 13.5 * math.ceil(len(labels) / n)
    ax.set_title(textwrap.fill(title, letters), loc="left", fontsize=10, pad=pad)


def _letters(ax: Axes) -> int:
    """How many letters of a title fit beside one another."""
    spec = ax.get_subplotspec()
    n_columns = 1 if spec is None else spec.get_gridspec().ncols
    return max(24, int(_PER_INCH * ax.figure.get_window_extent().width / ax.figure.dpi / n_columns))


def _legend_columns(labels: Sequence[str], letters: int) -> int:
    """How many labels stand beside one another."""
    for n in range(len(labels), 1, -1):
        if sum(6 + max(map(len, labels[k::n])) for k in range(n)) <= letters:
            return n
    return 1


def mark_rows(
    ax: Axes, x: FloatArray, y: FloatArray, rows: Sequence[int], name: Callable[[int], int] = int
) -> None:
    """Write what some rows are called beside their points, the first ones first; none over another one."""
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        return
    left, bottom = x[finite].min(), y[finite].min()
    width = max(float(x[finite].max() - left), np.finfo(float).tiny)
    height = max(float(y[finite].max() - bottom), np.finfo(float).tiny)
    taken: list[tuple[float, float]] = []
    for row in rows:
        if not finite[row]:
            continue
        place = (float((x[row] - left) / width), float((y[row] - bottom) / height))
        if any(abs(place[0] - u) < 0.12 and abs(place[1] - v) < 0.08 for u, v in taken):
            continue
        taken.append(place)
        is_right = place[0] > 0.8
        ax.annotate(
            f"{name(row)}",
            (x[row], y[row]),
            xytext=(-5 if is_right else 5, 0),
            textcoords="offset points",
            ha="right" if is_right else "left",
            va="center",
            fontsize=8,
        )


def smooth(x: FloatArray, y: FloatArray, share: float = 2 / 3) -> tuple[FloatArray, FloatArray]:
    """A smooth line through points: local lines over a share of the neighbours, by tricube weights.

    More than some thousand points are averaged over equal numbers of neighbours before.
    """
    finite = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[finite], kind="stable")
    x, y = x[finite][order], y[finite][order]
    if len(x) > _SMOOTHED:
        edges = np.linspace(0, len(x), _SMOOTHED + 1).astype(np.intp)
        counts = np.diff(edges)
        x = np.add.reduceat(x, edges[:-1]) / counts
        y = np.add.reduceat(y, edges[:-1]) / counts
    if len(x) < 4 or x[0] == x[-1]:
        return x, np.full(len(x), y.mean() if len(y) else np.nan)
    k = max(3, math.ceil(share * len(x)))
    places = np.unique(np.quantile(x, np.linspace(0, 1, min(_ON_LINE, len(x)))))
    out = np.empty(len(places))
    for i, place in enumerate(places):
        away = np.abs(x - place)
        reach = 1.0001 * max(float(np.partition(away, k - 1)[k - 1]), np.finfo(float).tiny)
        w = (1.0 - (np.minimum(away, reach) / reach) ** 3) ** 3
        total = w.sum()
        mean = (w @ x) / total
        spread = w @ (x - mean) ** 2
        level = (w @ y) / total
        slope = (w @ ((x - mean) * y)) / spread if spread > 0 else 0.0
        out[i] = level + slope * (place - mean)
    return places, out
