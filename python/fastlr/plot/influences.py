"""The four pictures of R's plot.lm: residuals, their distribution, their spread, and who pulls at the fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.plot.canvas import (
    GREY,
    MOST_POINTS,
    ORANGE,
    cloud,
    figure_of,
    finish,
    mark_rows,
    plural,
    smooth,
)
from fastlr.plot.relations import as_target

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastlr.input.columns import FloatArray

__all__ = [
    "diagnostics",
    "largest_of",
    "leverage_panel",
    "quantile_panel",
    "residual_panel",
    "spread_panel",
]

_LABELLED = 3  # rows that are named in each panel
_COOK = (0.5, 1.0)  # distances that are usually looked at


def diagnostics(
    fit: Any,
    X: object,
    y: object,
    *,
    sample_weight: object = None,
    target: int = 0,
    ax: Any = None,
) -> npt.NDArray[Any]:
    """Draw R's four diagnostics: residuals, normal quantiles, spread, and leverage with Cook's distance.

    Parameters
    ----------
    fit : LinearFit
        A least-squares fit without a penalty.
    X, y, sample_weight : array-like
        The rows of the fit, as they were fitted.
    target : int, default=0
        Which target, if there are several.
    ax : array of four matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ndarray of shape (2, 2)
        The four Axes.

    Raises
    ------
    InputError
        If the fit has a penalty or leaves no residuals, or no degrees of freedom are left.

    Notes
    -----
    One pass over the rows (`LinearFit.get_influence`). Rows are numbered from 0. More than 5000 are counted in
    hexagons, and as many quantiles are drawn, the extreme ones among them.
    """
    target = as_target(fit, target)
    influence = fit.get_influence(X, y, sample_weight=sample_weight, target=target)
    if not influence.scale > 0:
        raise InputError(
            "diagnostics need residuals, with a known spread: fit by fastlr.ols without a penalty, with more rows than "
            "coefficients, and a target that the features do not explain exactly."
        )
    panels = _panels(ax)
    fitted = np.asarray(fit.predict(X), dtype=np.float64)
    fitted = fitted.reshape(len(fitted), -1)[:, target]
    standard = influence.resid_studentized_internal
    largest = largest_of(np.abs(standard))
    name = fit.target_names[target]
    residual_panel(panels[0, 0], fitted, influence.resid, largest, name)
    quantile_panel(panels[0, 1], standard, largest)
    spread_panel(panels[1, 0], fitted, standard, largest, name)
    leverage_panel(
        panels[1, 1],
        influence.hat_matrix_diag,
        standard,
        influence.cooks_distance[0],
        influence.k_vars,
    )
    if ax is None:
        on = plural(fit.n_features, "feature")
        panels[0, 0].figure.suptitle(
            f"{name} on {on}: {plural(len(fitted), 'row')}", x=0.01, ha="left", fontsize=11
        )
    return panels


def _panels(ax: Any) -> npt.NDArray[Any]:
    if ax is None:
        figure = figure_of((9.0, 7.4))
        layout: Any = figure.get_layout_engine()
        layout.set(w_pad=0.1, h_pad=0.1)
        panels: npt.NDArray[Any] = figure.subplots(2, 2)
        return panels
    given = np.asarray(ax, dtype=object)
    if given.size != 4 or not all(hasattr(one, "get_legend_handles_labels") for one in given.flat):
        raise InputTypeError(
            "ax is not four Axes: pass an array of them, such as figure.subplots(2, 2), or leave it out."
        )
    return given.reshape(2, 2)


def largest_of(size: FloatArray) -> list[int]:
    """The rows of the largest values, the first one first."""
    known = np.flatnonzero(np.isfinite(size))
    k = min(_LABELLED, len(known))
    if k == 0:
        return []
    top = known[np.argpartition(-size[known], k - 1)[:k]]
    return [int(row) for row in top[np.argsort(-size[top], kind="stable")]]


def residual_panel(
    ax: Axes,
    fitted: FloatArray,
    residual: FloatArray,
    largest: list[int],
    name: str,
    *,
    most: int = MOST_POINTS,
    call: Callable[[int], int] = int,
) -> None:
    """Draw residuals over predictions; ``call`` says what rows are called."""
    cloud(ax, fitted, residual, legend=False, most=most)
    ax.axhline(0.0, color=GREY, lw=0.8, ls="--")
    ax.plot(*smooth(fitted, residual), color=ORANGE, lw=1.6)
    mark_rows(ax, fitted, residual, largest, call)
    title = "Residuals: a bend would be a curve that was missed"
    finish(ax, title, f"fitted {name}", "residual")


def quantile_panel(
    ax: Axes,
    standard: FloatArray,
    largest: list[int],
    *,
    most: int = MOST_POINTS,
    call: Callable[[int], int] = int,
) -> None:
    """Draw standardised residuals over the quantiles of the normal distribution."""
    from scipy.special import ndtri

    order = np.argsort(standard, kind="stable")
    order = order[np.isfinite(standard[order])]
    n = len(order)
    places = np.arange(n)
    if n > most:
        n_ends = most // 25
        middle = np.linspace(0, n - 1, most - 2 * n_ends).round()
        ends = [np.arange(n_ends), np.arange(n - n_ends, n), middle]
        places = np.unique(np.concatenate(ends).astype(np.intp))
    offset = 3 / 8 if n <= 10 else 0.5
    normal = ndtri((places + 1 - offset) / (n + 1 - 2 * offset))
    shown = standard[order[places]]
    cloud(ax, normal, shown, legend=False, most=most)
    ends_of_line = np.array([normal.min(), normal.max()])
    ax.plot(ends_of_line, ends_of_line, color=ORANGE, lw=1.6)
    theory, drawn = np.full(len(standard), np.nan), np.full(len(standard), np.nan)
    theory[order[places]], drawn[order[places]] = normal, shown
    mark_rows(ax, theory, drawn, largest, call)
    title = "Quantiles: off the line, errors are not normal"
    finish(ax, title, "normal quantile", "standardised residual")


def spread_panel(
    ax: Axes,
    fitted: FloatArray,
    standard: FloatArray,
    largest: list[int],
    name: str,
    *,
    most: int = MOST_POINTS,
    call: Callable[[int], int] = int,
) -> None:
    """Draw roots of the sizes of standardised residuals over predictions."""
    spread = np.sqrt(np.abs(standard))
    cloud(ax, fitted, spread, legend=False, most=most)
    ax.plot(*smooth(fitted, spread), color=ORANGE, lw=1.6)
    ax.set_ylim(bottom=0.0)
    mark_rows(ax, fitted, spread, largest, call)
    title = "Spread: a slope would be unequal variance"
    finish(ax, title, f"fitted {name}", "root of |standardised residual|")


def leverage_panel(
    ax: Axes,
    leverage: FloatArray,
    standard: FloatArray,
    distance: FloatArray,
    n_parameters: int,
    *,
    most: int = MOST_POINTS,
    call: Callable[[int], int] = int,
) -> None:
    """Draw standardised residuals over leverages, with lines of equal Cook's distance."""
    cloud(ax, leverage, standard, legend=False, most=most)
    ax.axhline(0.0, color=GREY, lw=0.8, ls="--")
    known = leverage[np.isfinite(standard)]
    bottom, top = ax.get_ylim()
    right = float(known.max()) if len(known) else 1.0
    h = np.linspace(max(right / 200, 1e-12), min(0.999, 1.05 * right), 200)
    for limit, dashes in zip(_COOK, ("--", ":"), strict=True):
        bound = np.sqrt(limit * n_parameters * (1.0 - h) / h)
        label = f"Cook's distance {limit:g}"
        for side in (bound, -bound):
            inside = (side > bottom) & (side < top)
            if inside.any():
                ax.plot(h[inside], side[inside], color=ORANGE, lw=1.2, ls=dashes, label=label)
                label = ""
    ax.set_ylim(bottom, top)
    ax.locator_params(axis="x", nbins=6)
    largest = largest_of(distance)
    mark_rows(ax, leverage, standard, largest, call)
    title = "Influence: no row can be judged"
    if largest:
        first = largest[0]
        title = f"Influence: row {call(first)} pulls most (Cook's distance {distance[first]:.2g})"
    finish(ax, title, "leverage", "standardised residual")
