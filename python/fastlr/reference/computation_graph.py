"""The graph of a computation, which `fastlr.reference.autograd` goes back through, as text and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastlr.reference.autograd import Value

__all__ = ["Drawing", "draw"]

_LEAF, _RESULT, _EDGE = "#fdf0d5", "#dcecf7", "0.45"
_WIDTH, _HEIGHT = 0.8, 0.6
"""A box, in units of the places in a picture: columns are 1.5 apart, boxes of a column 1."""
_COLUMN = 1.5


def draw(value: Value) -> Drawing:
    """Draw everything that ``value`` was computed from, with the derivatives that its last ``backward`` has left.

    Returns
    -------
    Drawing
        Its text is a graph for Graphviz (`print` it), and its ``plot`` a picture by matplotlib.
    """
    return Drawing(tuple(value.history()))


@dataclass(frozen=True)
class Drawing:
    r"""A computational graph: all values, each after those it was computed from.

    Examples
    --------
    >>> from fastlr.reference.autograd import Value, draw
    >>> w = Value(2.0, label="w")
    >>> square = w * w
    >>> square.backward()
    >>> print(draw(square))
    digraph {
      rankdir=LR; node [shape=box];
      v0 [label="w\n2\ngrad 4"];
      v1 [label="*\n4\ngrad 1"];
      v0 -> v1; v0 -> v1;
    }
    """

    values: tuple[Value, ...]

    def __str__(self) -> str:
        number = {id(value): f"v{index}" for index, value in enumerate(self.values)}
        lines = ["digraph {", "  rankdir=LR; node [shape=box];"]
        for value in self.values:
            text = _text(value).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
            lines.append(f'  {number[id(value)]} [label="{text}"];')
        for value in self.values:
            edges = [f"{number[id(p)]} -> {number[id(value)]};" for p in value.parents]
            if edges:
                lines.append("  " + " ".join(edges))
        return "\n".join([*lines, "}"])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the graph from left to right, on these axes or those of a new figure, and return the axes.

        Inputs and constants are yellow, results blue; every box has its name or operation, its number, and the
        derivative of the last value with respect to it.

        Raises
        ------
        ImportError
            If matplotlib is not installed (the extra ``plot``).
        """
        places = _places(self.values)
        across = [x for x, _ in places.values()]
        up = [y for _, y in places.values()]
        axes = _axes(ax, 0.85 * (max(across) - min(across) + 1.5), 0.75 * (max(up) - min(up) + 1.5))
        boxes = {}
        for value in self.values:
            boxes[id(value)] = axes.text(
                *places[id(value)],
                _text(value),
                ha="center",
                va="center",
                fontsize=8,
                bbox={
                    "boxstyle": "round,pad=0.35",
                    "facecolor": _RESULT if value.parents else _LEAF,
                    "edgecolor": _EDGE,
                },
            ).get_bbox_patch()
        for value in self.values:
            for parent in value.parents:
                arrow = {"patchA": boxes[id(parent)], "patchB": boxes[id(value)], "shrinkA": 0}
                axes.annotate(
                    "",
                    places[id(value)],
                    places[id(parent)],
                    arrowprops={"arrowstyle": "->", "color": _EDGE, "shrinkB": 0, **arrow},
                    zorder=4,  # boxes are drawn before: arrows end where they are
                )
        axes.set_xlim(min(across) - _WIDTH, max(across) + _WIDTH)
        axes.set_ylim(min(up) - _HEIGHT, max(up) + _HEIGHT)
        axes.set_axis_off()
        return axes


def _text(value: Value) -> str:
    names = [name for name in (value.operation, value.label) if name]
    return "\n".join(
        [*([" ".join(names)] if names else []), f"{value.data:.4g}", f"grad {value.grad:.4g}"]
    )


def _places(values: tuple[Value, ...]) -> dict[int, tuple[float, float]]:
    """Where each value stands: a column before the first of its users, near their mean height."""
    to_the_end = {id(value): 0 for value in values}
    users: dict[int, list[int]] = {id(value): [] for value in values}
    for value in reversed(values):
        for parent in value.parents:
            to_the_end[id(parent)] = max(to_the_end[id(parent)], to_the_end[id(value)] + 1)
            users[id(parent)].append(id(value))
    columns: dict[int, list[int]] = {}
    for value in values:
        columns.setdefault(to_the_end[id(value)], []).append(id(value))
    height: dict[int, float] = {}
    for distance in sorted(columns):
        wanted = {
            name: sum(height[user] for user in users[name]) / max(1, len(users[name]))
            for name in columns[distance]
        }
        ordered = sorted(wanted, key=lambda name: -wanted[name])
        middle = sum(wanted.values()) / len(wanted)
        for index, name in enumerate(ordered):
            height[name] = middle + (len(ordered) - 1) / 2 - index
    return {name: (-_COLUMN * to_the_end[name], height[name]) for name in height}


def _axes(ax: Axes | None, width: float, height: float) -> Axes:
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "fastlr[plot]"') from error
    axes: Axes = Figure(figsize=(width, height), layout="constrained").subplots()
    return axes
