"""Where results go: checked before the long work, and named if writing fails all the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

import fastlr
from fastlr.cli._history import check_history, check_plot, write_history, write_plot
from fastlr.cli._terminal import show
from fastlr.files import check_writable, save_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextmanager
def written_to(output: str) -> Iterator[None]:
    """Name the file in an ``OSError``: that of a full disk names none, or a temporary one."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(
            error.errno, f"{os.strerror(error.errno)}; it could not be written", output
        ) from error


def check_output(output: str | None, inputs: Sequence[str]) -> None:
    """Refuse an output that cannot be written (``OSError``) or is one of the inputs."""
    if output is None or output == "-":
        return
    check_writable(output)
    for path in inputs:
        if path != "-" and Path(path).exists() and Path(output).exists():
            _refuse_same(path, output)


def _refuse_same(path: str, output: str) -> None:
    if Path(path).samefile(output):
        raise click.UsageError(f"--output {output} would overwrite {path}: name another file")


@dataclass(frozen=True)
class Destinations:
    """The files that a fit was asked to leave behind."""

    model: str | None
    history: str | None
    plot: str | None
    force: bool

    def check(self, inputs: Sequence[str]) -> None:
        """Refuse, before the long work, what cannot be written."""
        if self.model == "-":
            raise click.UsageError(
                "--output - : the model goes to a file, the report to the terminal"
            )
        if self.history is not None:
            check_history(self.history)
        if self.plot is not None:
            check_plot(self.plot)
        named = [path for path in (self.model, self.history, self.plot) if path is not None]
        for path in named:
            check_output(path, inputs)
            if named.count(path) > 1:
                raise click.UsageError(f"{path} is named for two outputs: name one file for each")

    def model_of(self, result: fastlr.LinearFit) -> str | None:
        """Where the model goes; nowhere if descent diverged."""
        return None if result.status.code == "diverged" and not self.force else self.model

    def save(
        self, result: fastlr.LinearFit, *, told: bool, picture: Callable[[], Figure] | None = None
    ) -> None:
        """Write them, after the report: a failure loses no results, and names each file."""
        savers: list[tuple[str, Callable[[str], object]]] = []
        model = self.model_of(result)
        if model is not None:
            savers.append((model, lambda path: save_model(result, path)))
        if isinstance(result, fastlr.Descent) and self.history is not None:
            descent = result
            savers.append((self.history, lambda path: write_history(descent, path)))
        if self.plot is not None and picture is not None:
            drawn = picture
            savers.append((self.plot, lambda path: write_plot(drawn(), path)))
        problems = _save_all(savers)
        if model != self.model:
            click.echo(f"no model saved to {self.model}: --force saves it all the same", err=True)
        elif model is not None and told and not problems:
            show("", Text(f"model saved to {model}", "dim"))
        if problems:
            raise click.ClickException("; ".join(problems))


def _save_all(savers: Sequence[tuple[str, Callable[[str], object]]]) -> list[str]:
    """Write files, each whether or not those before it could be; what went wrong, in sentences."""
    problems = [_problem(path, save) for path, save in savers]
    return [problem for problem in problems if problem]


def _problem(path: str, save: Callable[[str], object]) -> str:
    try:
        with written_to(path):
            save(path)
    except fastlr.InputError as error:  # what cannot be drawn
        return f"{path}: {error}"
    except OSError as error:
        return f"{path}: {error.strerror}" if error.strerror else str(error)
    return ""
