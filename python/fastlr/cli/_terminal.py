"""What people see: tables on standard output, progress and warnings on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
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

format_option = click.option(
    "--format",
    "layout",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A table for people, or one JSON document.",
)
"""The option of all commands that print what programs may want to read."""


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


@contextmanager
def progress_of(table: Table) -> Iterator[Callable[[int, int | None], None] | None]:
    """What shows how many bytes of all a pass has read: a bar on standard error (a terminal only) after a while."""
    if not is_terminal(sys.stderr):
        yield None
        return
    began = time.monotonic()
    with ExitStack() as stack:
        bars: list[Progress] = []

        def show(done: int, total: int | None) -> None:
            if not bars:
                if time.monotonic() - began < _PATIENCE:
                    return
                bars.append(stack.enter_context(_bar()))
                bars[0].add_task(table.label, total=total)
            bars[0].update(bars[0].task_ids[0], completed=done)

        yield show


def watched(table: Table, columns: Sequence[str]) -> Iterator[Batch]:
    """The table's batches, with `progress_of` them."""
    with progress_of(table) as show:
        for batch in table.batches(columns):
            if show is not None:
                show(batch.bytes_read, table.n_bytes)
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
