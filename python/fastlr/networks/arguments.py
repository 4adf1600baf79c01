"""What a network is given to train with: checked callbacks, held-out rows, targets and starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastlr.descent.arguments import as_callback
from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_number
from fastlr.networks.fitted import NetworkFit
from fastlr.networks.rows import NetworkRows, Scales
from fastlr.networks.shape import Shape, glorot
from fastlr.networks.units import rescaled

__all__ = ["as_callbacks", "check_targets", "start_of", "validation_of"]


def as_callbacks(callbacks: object) -> Callable[[Any], object] | None:
    """One function of an epoch for one callback or several, or None."""
    if callbacks is None or callable(callbacks):
        return as_callback(callbacks)
    if isinstance(callbacks, str) or not isinstance(callbacks, Iterable):
        raise InputTypeError(
            f"callbacks={callbacks!r} cannot be called: pass a function of one epoch, or several in a list."
        )
    members = [as_callback(member) for member in callbacks]

    def call_all(epoch: Any) -> bool:
        answers = [member(epoch) for member in members if member is not None]
        return any(isinstance(answer, bool | np.bool_) and answer for answer in answers)

    return call_all


def validation_of(split: object, data: object) -> object:
    """What is held out, as `as_validation` takes it: nothing, a share of the rows, or rows of their own."""
    share = as_number(split, "validation_split", "a share of the rows such as 0.2")
    if not 0.0 <= share < 1.0:
        raise InputError(
            f"validation_split={split!r} is not in [0, 1): pass a share of the rows such as 0.2."
        )
    if data is None:
        return share or None
    if share:
        raise InputError("validation_split and validation_data were both given: pass one of them.")
    if not isinstance(data, tuple | list):
        raise InputTypeError("validation_data is not (X, y) or (X, y, sample_weight): pass a pair.")
    return data


def check_targets(rows: NetworkRows, shape: Shape, argument: str) -> None:
    """Refuse other numbers of targets than the last layer has outputs."""
    if rows.targets.n_columns != shape.n_targets:
        raise InputError(
            f"{argument} has {rows.targets.n_columns} columns, but the last layer has {shape.n_targets} outputs: end "
            f"the network with fastlr.layers.Dense({rows.targets.n_columns})."
        )


def start_of(init: object, shape: Shape, draws: np.random.Generator, scales: Scales) -> FloatArray:
    """The parameters to start from: drawn, those of a fit, or given, on the scales of this training."""
    if isinstance(init, str):
        if init != "glorot":
            raise InputError(
                f"init={init!r} is unknown: pass 'glorot', an earlier fit, or (weights, biases)."
            )
        return glorot(shape, draws)
    if isinstance(init, NetworkFit):
        if init.shape != shape:
            raise InputError(
                f"init is a network {init.shape.text()} with {', '.join(init.shape.activations)}, but this one is "
                f"{shape.text()} with {', '.join(shape.activations)}: start from one of the same layers."
            )
        return rescaled(shape, init.theta, init.scales, scales)
    if not isinstance(init, tuple | list) or len(init) != 2:
        raise InputTypeError(
            "init is neither 'glorot' nor a fit nor (weights, biases): pass one array of weights and one of biases "
            "for each layer."
        )
    return shape.parameters_of(*init)
