"""Which of a fit's targets a question is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastlr.errors import InputError, InputTypeError

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["chosen_target"]


def chosen_target(fit: LinearFit, target: int | None) -> int:
    """Which target is asked of: the only one, if there is one."""
    t = fit.n_targets
    if target is None:
        if t > 1:
            raise InputError(
                f"this fit has {t} targets ({', '.join(map(repr, fit.target_names))}), each with its own answer: say "
                "which one, by target=0."
            )
        return 0
    if isinstance(target, bool) or not isinstance(target, int | np.integer):
        raise InputTypeError(
            f"target={target!r} is no whole number: pass the position of a target."
        )
    if not 0 <= target < t:
        raise InputError(f"target={target} is out of range: this fit has {t} targets.")
    return int(target)
