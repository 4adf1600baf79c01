"""What is shown while descent runs: a line every so many epochs, or a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fastlr.descent.epochs import EpochFigures

__all__ = ["number_text", "progress_bar", "tell_figures"]


def tell_figures(figures: EpochFigures, n_epochs: int, words: Sequence[str] = ()) -> None:
    """Print a line about an epoch of ``n_epochs``: its losses, and what else there is to say, in ``words``."""
    parts = [f"loss={number_text(figures.loss, 4)}"]
    if figures.validation_loss is not None:
        parts.append(f"validation={number_text(figures.validation_loss, 4)}")
    line = "  ".join([*parts, *words])
    sys.stdout.write(f"Epoch {figures.epoch:{len(str(n_epochs))}d}: {line}\n")


def progress_bar(n_epochs: int, *, is_shown: bool) -> AbstractContextManager[Callable[[int], None]]:
    """Open a progress bar over ``n_epochs``, or nothing; entering gives the function that counts epochs as done."""
    if not is_shown:
        return nullcontext(lambda n: None)
    try:
        from rich.progress import Progress
    except ImportError as error:
        raise ImportError('progress=True needs rich: pip install "fastlr[cli]"') from error
    return _RichBar(Progress(transient=True), n_epochs)


class _RichBar:
    def __init__(self, bar: Any, total: int) -> None:
        self._bar = bar
        self._total = total

    def __enter__(self) -> Callable[[int], None]:
        self._bar.start()
        task = self._bar.add_task("descending", total=self._total)
        return lambda n: self._bar.advance(task, n)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def number_text(value: float, decimals: int) -> str:
    """Write 0.0727, 2.311, -3.4e-05, 1.2e+09: a fixed number of decimals where that says enough."""
    if value == 0.0 or 10.0 ** (1 - decimals) <= abs(value) < 1e7:
        return f"{value:.{decimals}f}"
    return f"{value:.{decimals - 1}e}"
