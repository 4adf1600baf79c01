"""What files keep of an MLPRegressor: weights, losses, and where its descent stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastlr.descent.state import Counter, State, VectorRow
from fastlr.errors import InputError
from fastlr.estimators._mlp_fitting import Fitted
from fastlr.estimators._mlp_training import Course
from fastlr.networks.shape import ACTIVATIONS, Shape
from fastlr.storage.schema import Count, Field, Maybe, Numbers, Of, Part, check_fields, shown

__all__ = ["MLP_FIELDS", "mlp_as_data", "mlp_of"]

_VECTORS = (VectorRow.FIRST_MOMENT, VectorRow.SECOND_MOMENT)
_COUNTERS = (Counter.UPDATES, Counter.STEPS_SINCE_RESTART)

MLP_FIELDS: Mapping[str, Field] = {"network": Part(dict)}
"""The rules of what MLPRegressor adds to its parameters and features."""

_NETWORK: Mapping[str, Field] = {
    "parameters": Numbers("n", must_be_finite=True),
    "is_single": Of(bool),
    "rule": Of(str),
    # The memory of a rule may have overflowed where parameters have not.
    **{row.name.lower(): Numbers("n", may_be_nan=True) for row in _VECTORS},
    **{counter.name.lower(): Count(0) for counter in _COUNTERS},
    "n_iter": Count(0),
    "rows_seen": Count(0),
    "fall": Numbers("", at_least=0.0, must_be_finite=True),
    "stale": Count(0),
    "best_loss": Maybe(Numbers("", may_be_nan=True)),
    "best_score": Maybe(Numbers("", may_be_nan=True)),
    "loss_curve": Numbers("e", may_be_nan=True),
    "scores": Maybe(Numbers("s", may_be_nan=True)),
}


def mlp_as_data(fitted: Fitted, parameters: Any) -> dict[str, Any]:
    """What ``fit`` has left behind, with the parameters that are shown if somebody has changed them."""
    course, state, n = fitted.course, fitted.state, fitted.shape.n_parameters
    return {
        "network": {
            "sizes": list(fitted.shape.sizes),
            "activations": list(fitted.shape.activations),
            "parameters": parameters.tolist(),
            "is_single": fitted.is_single,
            "rule": fitted.rule,
            **{row.name.lower(): state.vectors[row, :n].tolist() for row in _VECTORS},
            **{counter.name.lower(): int(state.counters[counter]) for counter in _COUNTERS},
            "n_iter": fitted.n_iter,
            "rows_seen": course.rows_seen,
            "fall": course.fall,
            "stale": course.stale,
            "best_loss": course.best_loss,
            "best_score": course.best_score,
            "loss_curve": course.loss_curve,
            "scores": course.scores,
        }
    }


def mlp_of(data: Mapping[str, Any], n_features: int) -> Fitted:
    """What `mlp_as_data` told; an `InputError` if a field is missing, unknown or against its rule."""
    own = {name: value for name, value in data.items() if name not in ("sizes", "activations")}
    shape = _shape(data.get("sizes"), data.get("activations"), n_features)
    curve, scores = data.get("loss_curve"), data.get("scores")
    sizes = {
        "": (),
        "n": (shape.n_parameters,),
        "e": (len(curve) if isinstance(curve, list) else 0,),
        "s": (len(scores) if isinstance(scores, list) else 0,),
    }
    values = check_fields("a network", own, _NETWORK, sizes)
    if values["n_iter"] > len(values["loss_curve"]):
        raise InputError(f"loss_curve has fewer losses than n_iter={values['n_iter']}.")
    if values["is_single"] and np.abs(values["parameters"]).max() > np.finfo(np.float32).max:
        raise InputError("parameters has numbers that float32 cannot hold.")
    state = State(values["parameters"])
    for row in _VECTORS:
        state.vectors[row, : state.size] = values[row.name.lower()]
    for counter in _COUNTERS:
        state.counters[counter] = values[counter.name.lower()]
    course = Course(
        rows_seen=values["rows_seen"],
        fall=values["fall"],
        stale=values["stale"],
        best_loss=values["best_loss"],
        best_score=values["best_score"],
        loss_curve=values["loss_curve"].tolist(),
        scores=None if values["scores"] is None else values["scores"].tolist(),
    )
    return Fitted(
        shape=shape,
        theta=values["parameters"],
        is_single=values["is_single"],
        state=state,
        rule=values["rule"],
        course=course,
        n_iter=values["n_iter"],
    )


def _shape(sizes: object, activations: object, n_features: int) -> Shape:
    """The layers, if they can be those of a network of so many features."""
    if (
        not isinstance(sizes, list)
        or not all(type(size) is int and 0 < size < 2**31 for size in sizes)
        or len(sizes) < 2
        or sizes[0] != n_features
    ):
        raise InputError(
            f"sizes={shown(sizes)} are not those of layers behind {n_features} features."
        )
    if (
        not isinstance(activations, list)
        or len(activations) != len(sizes) - 1
        or not all(isinstance(name, str) and name in ACTIVATIONS for name in activations)
    ):
        raise InputError(f"activations={shown(activations)} are not one for each layer.")
    return Shape(tuple(sizes), tuple(activations))
