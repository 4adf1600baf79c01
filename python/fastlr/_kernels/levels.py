"""One library of kernels for each CPU level, and the choice among them.

The choice is made once, before any kernel is loaded, because an illegal instruction cannot be caught. A library
that exists but does not load is an error, never a silent step down. ``FASTLR_KERNELS=v3`` forces a level.
"""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import fastlr._kernels._core as _core

__all__ = [
    "LEVEL",
    "PREFERENCE",
    "REASON",
    "available_levels",
    "built_levels",
    "describe",
    "kernels",
    "library_of",
    "load_level",
]

PREFERENCE = ("v4", "v3", "v2", "generic")
VARIABLE = "FASTLR_KERNELS"


def library_of(level: str) -> Path:
    """Where the library of a level lies, if it is installed."""
    return Path(_core.__file__).with_name(f"level_{level}.so")


def built_levels() -> tuple[str, ...]:
    """Levels that this installation holds, best first."""
    return tuple(level for level in PREFERENCE if os.path.lexists(library_of(level)))


def available_levels() -> tuple[str, ...]:
    """Levels that are both installed and supported by this machine, best first."""
    supported = _core.supported_levels()
    return tuple(level for level in built_levels() if level in supported)


def load_level(level: str) -> ModuleType:
    """Load the kernels of one level; several may live side by side.

    Raises
    ------
    ImportError
        If the level is unknown, not installed, not supported by this machine, or does not load.
    """
    available = available_levels()
    if level not in available:
        raise ImportError(
            f"there are no kernels '{level}' for this machine: it can run {list(available)} "
            f"(installed: {list(built_levels())}, supported by the processor: "
            f"{_core.supported_levels()}). Unset {VARIABLE} or set it to one of these."
        )
    try:
        return _loaded(level)
    except RuntimeError as error:
        raise ImportError(
            f"the kernels '{level}' do not load ({error}): reinstall fastlr."
        ) from error


@functools.cache
def _loaded(level: str) -> ModuleType:
    return _core.load(f"{__package__}._{level}", os.fsencode(library_of(level)))


def _choose() -> tuple[str, str]:
    forced = os.environ.get(VARIABLE)
    if forced:
        return forced, f"forced by {VARIABLE}={forced}"
    available = available_levels()
    if not available:
        raise ImportError(
            f"none of the installed kernels {list(built_levels())} runs on this machine "
            f"({platform.machine()}, levels {_core.supported_levels()}): reinstall fastlr from source."
        )
    return available[0], "best level that is installed and supported"


LEVEL, REASON = _choose()
if TYPE_CHECKING:
    from fastlr._kernels import _generic as kernels  # all levels have one interface
else:
    kernels = load_level(LEVEL)


def describe() -> dict[str, Any]:
    """Which kernels run here and why, and how they were built."""
    return {
        "level": LEVEL,
        "reason": REASON,
        "installed": list(built_levels()),
        "supported": _core.supported_levels(),
        **{name: value for name, value in kernels.build_info().items() if name != "level"},
    }
