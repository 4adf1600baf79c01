"""Keywords of scikit-learn's paths that ours do not name: a start, an order, and others without effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice
from fastlr.penalised.arguments import DescentRules

__all__ = ["check_keywords", "ordered", "starts_of"]

_WITHOUT_EFFECT = ("Xy", "check_input", "copy_X", "precompute", "return_n_iter", "verbose")
_WITH_MEANING = ("coef_init", "random_state", "selection")


def check_keywords(params: Mapping[str, object]) -> None:
    """Refuse keywords that scikit-learn's paths do not have either, and one whose place is an attribute here."""
    if unknown := sorted(set(params) - {*_WITHOUT_EFFECT, *_WITH_MEANING}):
        raise InputTypeError(
            f"Unexpected parameters in params: {unknown[0]!r} is no keyword of a path. Leave it out; help() lists them."
        )
    if params.get("return_n_iter"):
        raise InputError(
            "return_n_iter=True is not needed: the result has n_iter in any case. Leave it out, and read `path.n_iter`."
        )


def ordered(rules: DescentRules, params: Mapping[str, object]) -> DescentRules:
    """The rules with the order that ``selection`` and ``random_state`` ask for."""
    if as_choice(params.get("selection", "cyclic"), ("cyclic", "random"), "selection") == "cyclic":
        return rules
    from sklearn.utils import check_random_state  # takes its time, and few ask for it

    draws = check_random_state(params.get("random_state"))
    seed = int(draws.randint(1, np.iinfo(np.int32).max))
    return replace(rules, is_random=True, seed=seed)


def starts_of(
    params: Mapping[str, object], n_targets: int, n_features: int
) -> list[FloatArray] | list[None]:
    """Coefficients (p,) that each target's path starts from, or None for zeros."""
    given = params.get("coef_init")
    if given is None:
        return [None] * n_targets
    try:
        start: NDArray[np.float64] = np.atleast_2d(np.array(given, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputTypeError(
            f"coef_init={given!r} are not numbers: pass one number per feature, for each target."
        ) from None
    if start.shape != (n_targets, n_features) or not np.isfinite(start).all():
        raise InputError(
            f"coef_init has shape {start.shape}, or a value that is not finite: pass finite numbers of shape "
            f"({n_targets}, {n_features}), or ({n_features},) for a single target."
        )
    return list(start)
