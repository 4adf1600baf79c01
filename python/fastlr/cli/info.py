"""``fastlr info``: what runs here."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from typing import Any

import click
import numpy as np

import fastlr
from fastlr._kernels import describe
from fastlr.cli._terminal import format_option, grid, show
from fastlr.input.threads import resolve_threads


@click.command(short_help="Show versions, kernels and threads.")
@format_option
def info(layout: str) -> None:
    """Show versions, the kernels chosen for this machine and why, and threads: for bug reports."""
    facts: dict[str, Any] = {
        "fastlr": fastlr.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pyarrow": _version("pyarrow"),
        "platform": platform.platform(),
        "threads": resolve_threads(None),
        "kernels": describe(),
    }
    if layout == "json":
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    kernels = facts.pop("kernels")
    rows = [(name, _words(value)) for name, value in facts.items()]
    rows += [(f"kernels: {name}", _words(value)) for name, value in kernels.items()]
    show(grid(("", ""), rows, justify="left"))


def _words(value: object) -> str:
    if value is None:
        return "not installed"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
