"""Ground floor: the compiled kernels of the CPU level that suits this machine."""

from __future__ import annotations

from fastlr._kernels.levels import available_levels, describe, kernels, load_level

__all__ = ["available_levels", "describe", "kernels", "load_level"]
