"""What people see: tables on standard output, progress and warnings on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, TextIO

import click
from rich.console import Console, JustifyMethod, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from fastlr.files import Batch, Table

if TYPE_CHECKING:
    from rich.progress import Progress

_PATIENCE = 0.5  # seconds
_UNBOUNDED = 10_000  # characters: what is not a terminal does not wrap


def show(*parts: RenderableType) -> None:
    """Print on standard output, in colour on a terminal only."""
    console = Console(highlight=False, width=None if is_terminal(sys.stdout) else _UNBOUNDED)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    lines = captured.get().splitlines()
    click.echo("\n".join(line.rstrip() for line in lines))


def is_terminal(stream: TextIO) -> bool:
    """Whether people look on (rich would believe FORCE_COLOR as well)."""
    return stream.isatty()


def grid(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, justify: JustifyMethod = "right"
) -> RichTable:
    """Names to the left, figures to the right; without titles if they are all empty."""
    table = RichTable(
        box=None, show_header=any(titles), header_style="dim", pad_edge=False, padding=(0, 2, 0, 0)
    )
    for i, title in enumerate(titles):
        table.add_column(Text(title), justify=justify if i else "left", no_wrap=i > 0)
    for name, *figures in rows:
        table.add_row(Text(name, "cyan"), *map(Text, figures))
    return table


def warn(message: str) -> None:
    """Print one line on standard error."""
    click.echo(click.style("warning: ", fg="yellow") + message, err=True)


def watched(table: Table, columns: Sequence[str]) -> Iterator[Batch]:
    """The table's batches; a bar on standard error (a terminal only) if they take their time."""
    shows_progress = is_terminal(sys.stderr)
    began = time.monotonic()
    with ExitStack() as stack:
        bar: Progress | None = None
        for batch in table.batches(columns):
            if bar is None and shows_progress and time.monotonic() - began > _PATIENCE:
                bar = stack.enter_context(_bar())
                bar.add_task(table.label, total=table.n_bytes)
            if bar is not None:
                bar.update(bar.task_ids[0], completed=batch.bytes_read)
            yield batch


def _bar() -> Progress:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, force_terminal=True),
        transient=True,
    )
