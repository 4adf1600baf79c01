"""The whole package on the kernels of any CPU level, in this process."""

import contextlib
import functools
import importlib
from pathlib import Path

import pytest

import fastlr
import fastlr._kernels.levels as chooser
from cases import named

__all__ = ["holders", "in_use", "on_every_level"]

PACKAGE = Path(fastlr.__file__).parent


@functools.cache
def holders():
    """Every module of the package that holds the chosen kernels by their name."""
    found = [fastlr._kernels, chooser]
    for path in sorted(PACKAGE.rglob("*.py")):
        if "import kernels" in path.read_text(encoding="utf-8"):
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            found.append(importlib.import_module(".".join(p for p in parts if p != "__init__")))
    return tuple(found)


@contextlib.contextmanager
def in_use(level, *others):
    """Run fastlr, and what ``others`` call ``kernels``, on a level, as ``FASTLR_KERNELS`` does in a new process."""
    kernels = chooser.load_level(level)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chooser, "LEVEL", level)
        for module in (*holders(), *others):
            patch.setattr(module, "kernels", kernels)
        yield kernels


def on_every_level(run, *arguments):
    """Call a check on each level in turn, where a case for each would cost more than the check."""
    for level in chooser.available_levels():
        with in_use(level), named(f"on level {level}"):
            run(*arguments)
