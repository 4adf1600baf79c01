"""Going on from an earlier descent: whether that can be, and with what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from fastlr.descent.loop import Before
from fastlr.descent.result import Descent
from fastlr.errors import InputError, InputTypeError
from fastlr.results import LinearFit

__all__ = ["as_earlier", "before", "check_same_arguments", "named"]


def as_earlier(resume: object, init: object, feature_names: tuple[str, ...]) -> Descent | None:
    """Check ``resume`` against the other arguments, and return the descent to go on from, if there is one."""
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
    resume.recall()
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
    """Refuse to go on with steps of another kind: name the argument that differs."""
    for name, value in now.items():
        if earlier[name] != value:
            raise InputError(
                f"resume: the earlier descent had {name}={_shown(earlier[name])}, this call has {_shown(value)}. Pass "
                "the same arguments to go on exactly, or init=fit to start anew from its coefficients."
            )


def named(sampling: str | Iterable[Any]) -> str:
    """Name a way of sampling; somebody else's sampler cannot be compared, so whoever resumes passes it again."""
    return sampling if isinstance(sampling, str) else "a sampler"


def _shown(value: object) -> str:
    return repr(float(value)) if isinstance(value, np.floating) else repr(value)


def before(earlier: Descent) -> Before:
    """Collect what the loop must know of the epochs that ``earlier`` has made."""
    memory = earlier.recall()
    return Before(
        n_epochs=earlier.n_epochs,
        losses=earlier.history.loss,
        start=memory.start,
        first_rate=memory.first_rate,
        watch=replace(memory.watch, stale=0 if memory.ended else memory.watch.stale),
    )
