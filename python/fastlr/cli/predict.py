"""``fastlr predict``: a model and a table file to predictions."""

from __future__ import annotations

import csv
import errno
import io
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO

import click
import numpy as np

import fastlr
from fastlr.cli._columns import match
from fastlr.cli._exit_codes import EPILOG
from fastlr.cli._output import check_output, written_to
from fastlr.cli._tables import opened, table_options
from fastlr.cli._terminal import is_terminal, watched
from fastlr.files import Batch, Table, load_model, replaced, table_files
from fastlr.files.missing import Mask, missing_rows, refuse_missing
from fastlr.streams.predictions import batch_predictions, read_model_columns
from fastlr.streams.roles import listed, near

_MISSING = "NA"


@click.command(short_help="Predict with a model that fastlr fit saved.", epilog=EPILOG)
@click.argument("model")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@table_options
@click.option("--output", "-o", metavar="CSV", help="Write here.  [default: standard output]")
@click.option(
    "--missing",
    type=click.Choice(["error", "keep"]),
    default="error",
    show_default=True,
    help="Rows with an empty cell: stop, or predict NA for them.",
)
def predict(
    model: str, files: tuple[str, ...], output: str | None, missing: str, **text: Any
) -> None:
    """Predict every row of FILE (- for standard input) with MODEL.

    Several files, a directory or a pattern ('days/*.csv') are one table, in this order.

    Writes CSV with one column for each target, named TARGET_predicted, one line for each row, in
    order; the numbers read back as the same bits. The model's features are found by name (which may
    differ in case); other columns are ignored.
    """
    check_output(output, [model, *files])
    fit = load_model(model)
    with ExitStack() as stack:
        table = stack.enter_context(opened(files, text, f"fastlr predict {shlex.quote(model)} -"))
        check_output(output, table_files(files))
        columns = model_columns(table, fit)
        sink: BinaryIO = sys.stdout.buffer
        name = "standard output"
        if output is not None and output != "-":
            name = output
            sink = stack.enter_context(_replaced(output))
        header = _header(fit.target_names)
        on_screen = sink is sys.stdout.buffer and is_terminal(sys.stdout)
        for batch in table.batches(columns) if on_screen else watched(table, columns):
            incomplete = missing_rows(batch, columns, batch.label)
            if missing == "error":
                refuse_missing(batch, columns, incomplete, batch.label, "--missing keep")
            lines = header + _lines(fit, batch, columns, incomplete)
            with written_to(name):
                _write(sink, lines)
            header = ""
        with written_to(name):
            sink.flush()


@contextmanager
def _replaced(output: str) -> Iterator[BinaryIO]:
    """A file written whole or not at all; an error of beginning or ending it names it."""
    of_reader: BaseException | None = None
    try:
        with replaced(output) as sink:
            try:
                yield sink
            except BaseException as error:
                of_reader = error
                raise
    except OSError as error:
        if error is of_reader:
            raise
        with written_to(output):
            raise


def model_columns(table: Table, fit: fastlr.LinearFit) -> list[str]:
    """The table's names for the model's features, in the model's order."""
    wanted = fit.feature_names if fit.design is None else fit.design.variables
    found = match(wanted, table.names)
    absent = [name for name in wanted if name not in found]
    if absent:
        hints = [hint for name in absent if (hint := near(name, table.names))]
        raise fastlr.FileFormatError(
            f"{table.label} lacks {len(absent)} of the model's {len(wanted)} features: "
            f"{listed(absent)}; it has {listed(table.names)}: add or rename columns"
            + "".join(f" ({hint})" for hint in hints[:1])
        )
    return read_model_columns(table, fit, found)


def _write(sink: BinaryIO, text: str) -> None:
    """Write all of a text to a sink that may take only a part at once, as a pipe does under ``python -u``."""
    rest = memoryview(text.encode())
    while rest:  # every turn writes a byte at least, or is the last
        n_written = sink.write(rest)
        if not n_written:
            raise OSError(errno.EAGAIN, "it takes no more bytes")
        rest = rest[n_written:]


def _header(target_names: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(f"{name}_predicted" for name in target_names)
    return line.getvalue()


def _lines(fit: fastlr.LinearFit, batch: Batch, columns: list[str], incomplete: Mask) -> str:
    """One line for each row: its predictions as their shortest exact decimals, or NA."""
    predicted = np.full((batch.n_rows, fit.n_targets), np.nan)
    if not incomplete.all():
        predicted[~incomplete] = batch_predictions(fit, batch, columns, ~incomplete)
    fields = [list(map(repr, column)) for column in predicted.T.tolist()]
    for column in fields:
        for row in np.flatnonzero(incomplete):
            column[row] = _MISSING
    return "\n".join(map(",".join, zip(*fields, strict=True))) + "\n"
