"""``fastlr bench``: fastlr beside whatever peers are installed, on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fastlr._kernels import describe
from fastlr.bench import Cell, RooflineMeter, compare, draw, installed_peers
from fastlr.cli._terminal import format_option, grid, show
from fastlr.input.threads import resolve_threads

_SHAPES = (
    (4_000_000, 2),
    (2_000_000, 10),
    (1_000_000, 24),
    (400_000, 50),
    (200_000, 100),
    (20_000, 500),
)
_SECONDS = 120.0


@click.command(short_help="Time fastlr beside the peers that are installed here.")
@click.option(
    "--scale",
    type=click.FloatRange(0.0, 10.0, min_open=True),
    default=1.0,
    help="Fraction of the rows.",
)
@click.option(
    "--rounds", type=click.IntRange(1), default=5, show_default=True, help="Runs of each, in turns."
)
@click.option(
    "--picture", type=click.Path(dir_okay=False, path_type=Path), help="Draw it (needs matplotlib)."
)
@format_option
def bench(scale: float, rounds: int, picture: Path | None, layout: str) -> None:
    """Time least squares on six shapes, about two minutes: fastlr, NumPy, and the peers that are installed.

    All run on the same arrays, in turns; medians are shown, with the time in units of fastlr's. The roofline is
    the time that reading the rows or doing the arithmetic must take on this machine, measured in the same run: at the
    peak of its registers, and at the rate that the cores really gave to data in the nearest cache.
    """
    peers = installed_peers()
    shapes = [(max(p + 2, int(n * scale)), p) for n, p in _SHAPES]
    meter = RooflineMeter(resolve_threads(None))
    if layout == "text":
        show(f"kernels {describe()['level']}, {meter.n_threads} threads")
    cells = compare(
        shapes,
        peers,
        meter,
        rounds=rounds,
        budget=_SECONDS / len(shapes),
        on_cell=_show_cell if layout == "text" else None,
    )
    if picture is not None:
        draw(cells, picture)
    if layout == "json":
        click.echo(json.dumps(_document(cells), indent=1))


def _show_cell(cell: Cell) -> None:
    ours = cell.seconds("fastlr")
    machine = cell.roofline
    limits = f"{machine.bandwidth / 1e9:.0f} GB/s, {machine.flops / 1e9:.0f} GFLOP/s"
    rows = [
        (t.peer, f"{t.seconds * 1e3:.1f}", f"{t.seconds / ours:.2f}", f"{t.disagreement:.0e}")
        for t in sorted(cell.timings, key=lambda t: t.seconds)
    ]
    rows.append((f"roofline ({limits})", f"{cell.limit * 1e3:.1f}", f"{cell.limit / ours:.2f}", ""))
    given = f"roofline at what the cores gave ({machine.tile_flops / 1e9:.0f} GFLOP/s)"
    rows.append((given, f"{cell.limit_given * 1e3:.1f}", f"{cell.limit_given / ours:.2f}", ""))
    title = f"{cell.n_samples} x {cell.n_features}"
    show("", grid((title, "ms", "in fastlr's", "differs by"), rows))


def _document(cells: list[Cell]) -> dict[str, object]:
    return {
        "kernels": describe(),
        "cells": [cell.to_dict() for cell in cells],
    }
