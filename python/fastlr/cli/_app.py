"""The ``fastlr`` command: its sub-commands, and exit codes that scripts can trust."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click
import numpy as np

import fastlr
from fastlr.cli._exit_codes import BROKEN_PIPE, EPILOG, INTERRUPTED
from fastlr.cli._words import in_options

_COMMANDS = ("fit", "report", "predict", "info", "bench")
_DATA_ERRORS = (
    fastlr.InputError,
    fastlr.InputTypeError,
    fastlr.FileFormatError,
    fastlr.ModelFileError,
    np.linalg.LinAlgError,
    ImportError,
    MemoryError,
    OSError,
)


class _Commands(click.Group):
    """The commands, each imported when it is asked for, and what their failures exit with."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(importlib.import_module(f"fastlr.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _silence_stdout()
            ctx.exit(BROKEN_PIPE)
        except _DATA_ERRORS as error:
            raise click.ClickException(in_options(_sentence(error))) from error
        return result


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)
@click.version_option(fastlr.__version__, prog_name="fastlr")
def app() -> None:
    """Linear regression on table files, larger than memory if need be.

    Reads CSV, TSV, Parquet, Feather, npy and npz, also compressed text, and - for standard input.
    """


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    if isinstance(error, MemoryError):
        return f"not enough memory: choose fewer columns with --features {error}".rstrip()
    return str(error)


def _silence_stdout() -> None:
    """Let what is still buffered go nowhere, so that Python does not complain at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
