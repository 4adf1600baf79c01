"""What a descent remembers, so that another call can go on from it as if there had been one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastlr.descent._engines import State
from fastlr.descent._table import Scaling
from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray
from fastlr.results import LinearFit

__all__ = ["Memory", "Watch", "as_earlier", "check_same_arguments"]


@dataclass
class Watch:
    """The validation loss so far: the lowest one, whose it was, and for how long there was no better one."""

    lowest: float = math.inf
    theta: FloatArray | None = None
    epoch: int = 0
    stale: int = 0


@dataclass(frozen=True, eq=False)
class Memory:
    """The state of a descent after its last epoch: some ten arrays as long as the coefficients.

    ``arguments`` are those that must be the same when descent goes on.
    """

    state: State
    scaling: Scaling
    seed: int
    first_rate: float
    rate: float
    start: FloatArray
    start_loss: float
    limit: float
    watch: Watch
    ended: bool
    """Whether descent came to its own end: who goes on then is patient anew."""
    arguments: dict[str, Any]


def as_earlier(resume: object, init: object, feature_names: tuple[str, ...]) -> Any:
    """The descent to go on from, if there is one."""
    from fastlr.descent._result import Descent

    if resume is None:
        return None
    if not isinstance(resume, Descent):
        what = "a fit" if isinstance(resume, LinearFit) else repr(resume)
        raise InputTypeError(
            f"resume is {what} that remembers no descent: pass what fastlr.descend returned (a model file keeps the "
            "fit alone), or init=fit to start anew from its coefficients."
        )
    if not (isinstance(init, str) and init == "zeros"):
        raise InputError(
            "resume goes on from where the earlier descent ended, and init starts anew: pass one of them."
        )
    if resume.status.code == "diverged":
        raise InputError(
            "resume is a descent that diverged, and would diverge further: start anew with init=fit and a smaller "
            "learning_rate."
        )
    if resume.feature_names != feature_names:
        raise InputError(
            f"resume has the features {list(resume.feature_names)[:8]}, X has {list(feature_names)[:8]}: pass the same "
            "columns in the same order."
        )
    return resume


def check_same_arguments(earlier: dict[str, Any], now: dict[str, Any]) -> None:
    """Steps that go on must be of the same kind."""
    for name, value in now.items():
        if earlier[name] != value:
            raise InputError(
                f"resume: the earlier descent had {name}={_shown(earlier[name])}, this call has {_shown(value)}. Pass "
                "the same arguments to go on exactly, or init=fit to start anew from its coefficients."
            )


def named(sampling: str | Iterable[Any]) -> str:
    """A sampler of somebody else's cannot be compared: whoever resumes passes it again."""
    return sampling if isinstance(sampling, str) else "a sampler"


def _shown(value: object) -> str:
    return repr(float(value)) if isinstance(value, np.floating) else repr(value)
