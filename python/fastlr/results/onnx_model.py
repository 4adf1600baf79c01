"""Graphs of ONNX, and linear models and polynomials as such, which runtimes in other languages evaluate."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice

__all__ = ["OnnxGraph", "linear_onnx", "polynomial_onnx"]

_OPSET, _IR_VERSION = 13, 8  # of 2020 and 2021, which every runtime of today reads


def linear_onnx(
    coef: FloatArray,
    intercept: float | FloatArray,
    feature_names: tuple[str, ...],
    target_names: tuple[str, ...],
    dtype: str,
) -> Any:
    """An ``onnx.ModelProto`` of ``y = X @ coef.T + intercept``, for X of shape (n_samples, n_features)."""
    graph = OnnxGraph(dtype)
    product = graph.add("MatMul", "X", graph.constant("coef", np.asarray(coef).T))
    graph.add("Add", product, graph.constant("intercept", intercept), output="y")
    shape: list[int | None] = [None] if np.ndim(coef) == 1 else [None, len(target_names)]
    return graph.model(len(feature_names), shape, feature_names, target_names)


def polynomial_onnx(
    coef: FloatArray, intercept: float | FloatArray, target_names: tuple[str, ...], dtype: str
) -> Any:
    """An ``onnx.ModelProto`` of a polynomial by Horner's rule, for X of shape (n_samples, 1)."""
    graph = OnnxGraph(dtype)
    by_power = np.vstack([np.atleast_1d(intercept), np.atleast_2d(coef).T])
    value = graph.constant(f"coef_{len(by_power) - 1}", by_power[-1])
    for power in range(len(by_power) - 2, -1, -1):
        product = graph.add("Mul", value, "X")
        constant = graph.constant(f"coef_{power}", by_power[power])
        is_last = power == 0 and np.ndim(coef) > 1
        value = graph.add("Add", product, constant, output="y" if is_last else None)
    if np.ndim(coef) == 1:
        graph.add("Squeeze", value, graph.constant("axes", np.array([1])), output="y")
    shape: list[int | None] = [None] if np.ndim(coef) == 1 else [None, len(target_names)]
    return graph.model(1, shape, ("x",), target_names)


class OnnxGraph:
    """The operators and constants of a graph, as they are added."""

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(as_choice(dtype, ("float64", "float32"), "dtype"))
        try:
            import onnx
        except ImportError as error:
            raise ImportError(
                'to_onnx needs the package onnx, which is not installed: pip install "fastlr[onnx]"'
            ) from error
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """Add numbers to the graph, floats in its precision, and return their name."""
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = np.ascontiguousarray(array, dtype=self.dtype)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    @property
    def names(self) -> set[str]:
        """The names of all constants."""
        return {constant.name for constant in self.constants}

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add an operator, and return the name of what it gives."""
        name = output or f"value_{len(self.nodes)}"
        node = self.onnx.helper.make_node(operator, list(inputs), [name], **attributes)
        self.nodes.append(node)
        return name

    def cast(self, value: str, dtype: str) -> str:
        """Add a change of precision, and return the name of what it gives."""
        return self.add(
            "Cast", value, to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        )

    def model(
        self,
        n_features: int,
        shape: list[int | None],
        feature_names: tuple[str, ...],
        target_names: tuple[str, ...],
    ) -> Any:
        """The whole model, checked by onnx, with the names of features and targets in its metadata."""
        helper = self.onnx.helper
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        graph = helper.make_graph(
            self.nodes,
            "fastlr",
            [helper.make_tensor_value_info("X", kind, [None, n_features])],
            [helper.make_tensor_value_info("y", kind, shape)],
            self.constants,
        )
        model = helper.make_model(
            graph,
            producer_name="fastlr",
            ir_version=_IR_VERSION,
            opset_imports=[helper.make_opsetid("", _OPSET)],
        )
        helper.set_model_props(
            model,
            {
                "feature_names": json.dumps(list(feature_names)),
                "target_names": json.dumps(list(target_names)),
            },
        )
        self.onnx.checker.check_model(model, full_check=True)
        return model
