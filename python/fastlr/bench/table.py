"""One run: a table of times, checked answers, and a picture."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.bench.peers import Peer
from fastlr.bench.roofline import Roofline, RooflineMeter
from fastlr.bench.timing import in_turns

__all__ = ["Cell", "Timing", "compare", "draw", "make_rows"]


@dataclass(frozen=True)
class Timing:
    """Median seconds of one peer on one shape, and how far its answer is from fastlr's."""

    peer: str
    seconds: float
    disagreement: float


@dataclass(frozen=True)
class Cell:
    """All peers on one shape, in one run."""

    n_samples: int
    n_features: int
    roofline: Roofline  # of the same minutes
    timings: tuple[Timing, ...]

    def seconds(self, peer: str) -> float:
        """Median of one peer; NaN if it did not run."""
        return next((t.seconds for t in self.timings if t.peer == peer), math.nan)

    @property
    def limit(self) -> float:
        """Seconds that the roofline allows the pass."""
        return self.roofline.seconds(self.n_samples, self.n_features)

    @property
    def limit_given(self) -> float:
        """Seconds that the pass takes at the rate that the cores gave in these minutes."""
        return self.roofline.seconds_given(self.n_samples, self.n_features)

    @property
    def bound(self) -> str:
        """Which limit binds: "memory" or "arithmetic"."""
        return self.roofline.bound(self.n_features)

    def to_dict(self) -> dict[str, Any]:
        """Fields, limits and what binds as a dictionary of plain values, for JSON."""
        limits = {"limit": self.limit, "limit_given": self.limit_given, "bound": self.bound}
        return {**asdict(self), **limits}

    @property
    def fastest_peer(self) -> Timing:
        """Timing of the fastest library other than fastlr."""
        return min((t for t in self.timings if t.peer != "fastlr"), key=lambda t: t.seconds)


def make_rows(
    n_samples: int, n_features: int, seed: int = 0
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Normal features and a target of which they explain half, reproducible."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features))
    y = (
        X @ rng.standard_normal(n_features)
        + 1.0
        + math.sqrt(n_features) * rng.standard_normal(n_samples)
    )
    return X, y


def compare(
    shapes: Iterable[tuple[int, int]],
    peers: Sequence[Peer],
    meter: RooflineMeter,
    *,
    rounds: int = 5,
    budget: float = 60.0,
    on_cell: Callable[[Cell], None] | None = None,
) -> list[Cell]:
    """Every peer on every shape, in turns, with the answers compared to fastlr's.

    Parameters
    ----------
    shapes : iterable of (n_samples, n_features)
        What to fit.
    peers : sequence of Peer
        Who fits; the first must be fastlr.
    meter : RooflineMeter
        Measures the machine's limits, in turns with the peers.
    rounds, budget
        As `in_turns`; the budget is for each shape.
    on_cell : callable, optional
        Called with each finished cell.

    Returns
    -------
    list of Cell
    """
    cells = []
    for n, p in shapes:
        X, y = make_rows(n, p)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fits = {peer.name: peer.prepare(X, y) for peer in peers if n * p <= peer.max_values}
            answers = {name: fit() for name, fit in fits.items()}
            medians = in_turns(
                {"the machine": meter, **fits}, rounds=rounds, budget=budget, warm_up=False
            )
        coef, intercept = answers["fastlr"]
        size = max(float(np.abs(coef).max()), abs(intercept))
        timings = tuple(
            Timing(
                name,
                medians[name],
                max(float(np.abs(answers[name][0] - coef).max()), abs(answers[name][1] - intercept))
                / size,
            )
            for name in fits
        )
        cell = Cell(n, p, meter.reading(), timings)
        cells.append(cell)
        if on_cell is not None:
            on_cell(cell)
    return cells


def draw(cells: Sequence[Cell], path: str | Path) -> None:
    """A log-log picture of seconds against features, every peer a line, the roofline below them.

    Raises
    ------
    ImportError
        Without matplotlib (extra ``plot``).
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(t.peer for cell in cells for t in cell.timings))
    features = [cell.n_features for cell in cells]
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    axes = figure.subplots()
    colours = mpl.color_sequences["tab10"]
    for k, name in enumerate(names):
        seconds = [cell.seconds(name) for cell in cells]
        ours = name == "fastlr"
        axes.plot(
            features,
            seconds,
            marker="o",
            markersize=6 if ours else 4,
            linewidth=3 if ours else 1.3,
            color="black" if ours else colours[k % len(colours)],
            label=name,
            zorder=3 if ours else 2,
        )
    limits = [cell.limit for cell in cells]
    axes.fill_between(features, limits, min(limits) / 3, color="0.9", label="below the roofline")
    axes.plot(features, limits, color="0.5", linestyle="--", linewidth=1)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="features, and rows below",
        ylabel="seconds for one fit",
        ylim=(min(limits) / 3, None),
    )
    labels = [f"{cell.n_features}\n{cell.n_samples:.0e}".replace("e+0", "e") for cell in cells]
    axes.set_xticks(features, labels, fontsize=8)
    axes.minorticks_off()
    axes.grid(visible=True, which="major", color="0.92")
    axes.set_title(
        "One least-squares fit with intercept: same arrays for all, one run", fontsize=10
    )
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    figure.savefig(path, dpi=150)
