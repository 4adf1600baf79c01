"""Where results go: checked before the long work, not after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from fastlr.files import check_writable


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
