"""The loss as a landscape of two parameters, and the way that a descent took through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.plot.canvas import BLACK, BLUE, COLOURS, DASHES, ORANGE, axes_of, finish, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes


__all__ = ["loss_surface"]

_MOST_PLACES = 2000  # of a path
_LEVELS = 14


def loss_surface(fit: Any, *others: Any, labels: Any = None, ax: Any = None) -> Axes:
    """Contours of the loss over two parameters, with the path of a descent, or of several.

    Parameters
    ----------
    fit : Descent or LossSurface
        A descent, or what its ``loss_surface(...)`` gave, which chooses the parameters and their ranges.
    *others : Descent or LossSurface
        More descents on the same rows, of which the paths are drawn.
    labels : sequence of str, optional
        Names of the descents for the legend.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    Paths need ``record="path"`` or ``record="steps"``; without, start and end are drawn. At most 2000 places of a path
    are drawn.
    """
    first = _surface(fit)
    surfaces = [first, *(_surface(other, first) for other in others)]
    names = list(labels) if labels is not None else _names(len(surfaces))
    axes = axes_of(ax, (6.6, 5.2))
    least = first.least
    above = first.loss - least
    highest = float(above.max())
    if highest > 0:
        levels = least + highest * np.geomspace(1e-4, 1.0, _LEVELS)
        axes.contourf(
            first.x, first.y, first.loss, levels=[least, *levels[1:]], cmap="Greys", alpha=0.45
        )
        axes.contour(first.x, first.y, first.loss, levels=levels, colors="0.55", linewidths=0.6)
    for k, (surface, name) in enumerate(zip(surfaces, names, strict=True)):
        way = surface.path
        thin = np.unique(np.linspace(0, len(way) - 1, min(len(way), _MOST_PLACES)).astype(np.intp))
        marker = "." if len(way) <= 300 else ""
        colour, dashes = (BLUE, "-") if k == 0 else (COLOURS[k % 7], DASHES[k % 7])
        axes.plot(*way[thin].T, color=colour, ls=dashes, lw=1.3, marker=marker, ms=4, label=name)
        axes.plot(*way[-1], "s", color=colour, ms=6, mec="white", mew=0.8)
    axes.plot(*first.path[0], "o", color=BLACK, ms=6, mec="white", mew=0.8, label="start")
    axes.plot(*first.optimum, "*", color=ORANGE, ms=13, mec=BLACK, mew=0.6, label="lowest loss")
    axes.set_xlim(first.x[0], first.x[-1])
    axes.set_ylim(first.y[0], first.y[-1])
    finish(axes, _title(surfaces), *map(_label, first.names))
    return axes


def _surface(fit: Any, like: Any = None) -> Any:
    if not hasattr(fit, "loss_surface"):
        return fit
    return fit.loss_surface() if like is None else fit.loss_surface(like.names, size=2)


def _label(name: str) -> str:
    return "intercept" if name == "(intercept)" else f"coefficient of {name}"


def _names(n: int) -> list[str]:
    return ["path"] if n == 1 else [f"descent {k + 1}" for k in range(n)]


def _title(surfaces: list[Any]) -> str:
    first = surfaces[0]
    if len(surfaces) > 1:
        return f"{plural(len(surfaces), 'descent')} on the way to the lowest loss"
    away = first.loss_at_end - first.least
    start = first.loss_at_start - first.least
    share = away / start if start > 0 else 0.0
    held = "" if first.is_whole else "; the other parameters stay where they ended"
    if share < 1e-6:
        return f"The descent comes down to the lowest loss{held}"
    if share >= 1:
        return f"The descent has come no lower than its start{held}"
    return f"The descent ends with {100 * share:.2g} % of its way down still to go{held}"
