"""Networks as ONNX graphs: a product, a sum and an activation for each layer."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from fastlr.input.columns import FloatArray
from fastlr.networks.rows import Scales
from fastlr.networks.shape import Shape
from fastlr.networks.units import to_raw
from fastlr.results.onnx_model import OnnxGraph

__all__ = ["network_onnx"]

_NATIVE = {"logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}


def network_onnx(
    shape: Shape,
    theta: FloatArray,
    scales: Scales,
    feature_names: tuple[str, ...],
    target_names: tuple[str, ...],
    dtype: str,
    *,
    is_one_target: bool,
) -> Any:
    """An ``onnx.ModelProto`` of a network, for X of shape (n_samples, n_features) in the units of the data.

    Activations are made of operators that runtimes have in both precisions. There is no error function in float64:
    that of gelu is evaluated in float32 in any case.
    """
    graph = OnnxGraph(dtype)
    is_linear = shape.activations[-1] == "identity"
    of_data = scales if is_linear else replace(scales, target_centre=None, target_factor=None)
    value = "X"
    for k, (weights, biases) in enumerate(
        zip(*shape.layers_of(to_raw(shape, theta, of_data)), strict=True)
    ):
        value = graph.add("MatMul", value, graph.constant(f"weights_{k}", weights))
        value = graph.add("Add", value, graph.constant(f"biases_{k}", biases))
        value = _activated(graph, shape.activations[k], value)
    if not is_linear and scales.target_factor is not None and scales.target_centre is not None:
        value = graph.add("Div", value, graph.constant("target_factor", scales.target_factor))
        value = graph.add("Add", value, graph.constant("target_centre", scales.target_centre))
    if is_one_target:
        graph.add("Squeeze", value, graph.constant("axes", np.array([1])), output="y")
    else:
        graph.add("Identity", value, output="y")
    form: list[int | None] = [None] if is_one_target else [None, shape.n_targets]
    return graph.model(shape.n_features, form, feature_names, target_names)


def _activated(graph: OnnxGraph, name: str, z: str) -> str:
    """Add the operators of an activation, and return the name of what they give."""

    def number(value: float) -> str:
        label = f"number_{value!r}"
        return label if label in graph.names else graph.constant(label, np.array(value))

    if name in _NATIVE:
        return graph.add(_NATIVE[name], z)
    if name == "leaky_relu":
        return graph.add("Max", z, graph.add("Mul", z, number(0.01)))
    if name == "elu":
        below = graph.add("Exp", graph.add("Min", z, number(0.0)))
        return graph.add("Add", graph.add("Relu", z), graph.add("Sub", below, number(1.0)))
    if name == "softplus":
        power = graph.add("Exp", graph.add("Neg", graph.add("Abs", z)))
        tail = graph.add("Log", graph.add("Add", power, number(1.0)))
        return graph.add("Add", graph.add("Relu", z), tail)
    if name == "gelu":
        scaled = graph.cast(graph.add("Mul", z, number(math.sqrt(0.5))), "float32")
        error = graph.cast(graph.add("Erf", scaled), graph.dtype.name)
        half = graph.add("Mul", z, number(0.5))
        return graph.add("Mul", half, graph.add("Add", error, number(1.0)))
    return z
