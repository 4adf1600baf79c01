"""The story of a descent in files: a row an epoch, or a picture of the loss."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import fastlr
from fastlr.files import replaced
from fastlr.report.data import finite_or_none

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_history", "check_plot", "write_history", "write_plot"]


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
    columns = {name: _cells(values) for name, values in fit.history.columns().items()}
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


def write_plot(figure: Figure, path: str) -> None:
    """A picture in the format that its name asks for."""
    with replaced(path) as file:
        figure.savefig(file, format=Path(path).suffix.lower().removeprefix("."), dpi=150)


def _cells(values: Any) -> list[Any]:
    return [finite_or_none(value) for value in values.tolist()]
