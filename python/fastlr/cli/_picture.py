"""What ``--plot`` draws: diagnostics of exact fits, the loss of descents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import numpy as np

import fastlr
from fastlr.streams.held_out import targets_of
from fastlr.streams.kept import KeptRows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_picture", "picture_of"]


def check_picture(method: str, targets: Sequence[str], alpha: float | None) -> None:
    """Refuse, before the work, fits that have no diagnostics."""
    if method == "gd":
        return
    if alpha:
        raise click.UsageError(
            "--plot draws diagnostics of fits without a penalty: leave out --alpha or --plot"
        )
    if len(targets) > 1:
        raise click.UsageError("--plot draws diagnostics of one target: fit one at a time")


def picture_of(fit: fastlr.LinearFit, rows: KeptRows) -> Figure:
    """The loss by epoch of a descent; of an exact fit, the four diagnostics of its rows."""
    from fastlr import plot

    if isinstance(fit, fastlr.Descent):
        return _figure(plot.loss(fit))
    columns = rows.kept_columns()
    X, _, sample_weight = rows.parts(columns)
    names = targets_of(fit, columns, rows.table.label)
    y = np.column_stack([columns[name] for name in names])
    return _figure(plot.diagnostics(fit, X, y, sample_weight=sample_weight))


def _figure(axes: object) -> Figure:
    figure: Figure = np.ravel(np.asarray(axes, dtype=object))[0].figure
    return figure
