"""The story of a descent in files: a row an epoch, or a picture of the loss."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

import fastlr
from fastlr.files import replaced
from fastlr.report.data import finite_or_none

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_history", "check_plot", "write_history", "write_plot"]

_NEGLIGIBLE = 1e-3  # a least loss below this share of the lowest one drawn would only flatten them
_LOSSES = {
    "half_mse": "half the mean squared error",
    "mse": "mean squared error",
    "sse": "sum of squared errors",
    "huber": "mean of Huber's loss",
}


def check_history(path: str) -> None:
    """Refuse a name that does not say which format is meant."""
    if Path(path).suffix.lower() not in {".csv", ".json"}:
        raise click.UsageError(f"--history {path}: name it .csv or .json")


def check_plot(path: str) -> None:
    """Refuse a format that matplotlib does not draw (and to go on without matplotlib)."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError as error:
        raise ImportError('--plot needs matplotlib: pip install "fastlr[plot]"') from error
    formats = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix.lower().removeprefix(".") not in formats:
        raise click.UsageError(f"--plot {path}: name it .png, .svg or .pdf")


def write_history(fit: fastlr.Descent, path: str) -> None:
    """One row an epoch, as CSV or as a JSON list; what is not finite is empty, or null."""
    columns = _columns(fit.history)
    rows = list(zip(*columns.values(), strict=True))
    if Path(path).suffix.lower() == ".json":
        records = [dict(zip(columns, row, strict=True)) for row in rows]
        text = json.dumps(records, allow_nan=False, indent=1) + "\n"
    else:
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        text = lines.getvalue()
    with replaced(path) as file:
        file.write(text.encode())


def write_plot(fit: fastlr.Descent, path: str) -> None:
    """A picture of the loss by epoch, and of the validation loss if there is one."""
    with replaced(path) as file:
        _figure(fit).savefig(file, format=Path(path).suffix.lower().removeprefix("."), dpi=150)


def _columns(history: fastlr.descent.History) -> dict[str, list[Any]]:
    names = ["epoch", "loss", "mse", "log_likelihood", "gradient_norm", "learning_rate"]
    if history.validation_loss is not None:
        names.insert(2, "validation_loss")
    return {
        name: [finite_or_none(value) for value in getattr(history, name).tolist()] for name in names
    }


def _figure(fit: fastlr.Descent) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    history = fit.history
    curves = {"loss": (history.loss, "black")}
    if history.validation_loss is not None:
        curves["validation loss"] = (history.validation_loss, "tab:orange")
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for label, (values, colour) in curves.items():
        shown = np.where(np.isfinite(values), values, np.nan)
        marker = "o" if len(history) <= 30 else ""
        axes.plot(history.epoch, shown, color=colour, marker=marker, markersize=4, label=label)
    drawn = np.concatenate([values[np.isfinite(values)] for values, _ in curves.values()])
    positive = drawn[drawn > 0]
    spans_decades = positive.size > 1 and positive.max() > 10 * positive.min()
    axes.set_yscale("log" if spans_decades else "linear")
    least = fit.loss - fit.gap
    if positive.size and least > _NEGLIGIBLE * positive.min():
        axes.axhline(least, color="0.55", linestyle="--", label="least possible loss")
    axes.set(
        xlabel="epoch", ylabel=_LOSSES[fit.loss_kind] + (" with penalty" if fit.penalty else "")
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=True, which="major", color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(_title(fit), fontsize=10)
    axes.legend(frameon=False)
    return figure


def _title(fit: fastlr.Descent) -> str:
    epochs = f"{fit.n_epochs} epoch" if fit.n_epochs == 1 else f"{fit.n_epochs} epochs"
    outcome = fit.status.code.replace("_", " ")
    target = fit.target_names[0]
    features = f"{fit.n_features} feature" if fit.n_features == 1 else f"{fit.n_features} features"
    return f"{target} on {features}: {fit.optimizer.name}, {outcome} after {epochs}"
