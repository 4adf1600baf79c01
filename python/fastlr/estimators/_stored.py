"""Estimators in files: their parameters, what `fit` saw of the features, and what each class adds to that."""

from __future__ import annotations

import inspect
import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastlr.descent.optimizers import Optimizer, optimizer_classes
from fastlr.descent.schedules import Schedule, schedule_classes
from fastlr.descent.stored import StoredRule, rule_as_data
from fastlr.errors import InputError, InputTypeError
from fastlr.input.names import default_names, default_targets
from fastlr.input.threads import lock_of
from fastlr.results.onnx_model import linear_onnx
from fastlr.storage import Storable
from fastlr.storage.schema import (
    NOT_FINITE,
    Count,
    Field,
    Maybe,
    Names,
    check_fields,
    check_keys,
    shown,
)

__all__ = ["StoredEstimator"]

_SEEN: Mapping[str, Field] = {"n_features_in": Count(1), "feature_names_in": Maybe(Names())}
_LARGEST = 2**63 - 1

_Estimator = TypeVar("_Estimator", bound="StoredEstimator")


class StoredEstimator(Storable):
    """A linear estimator that can be saved and exported. Its class declares what ``fit`` has left behind.

    ``stored_fields`` names the rule of each field, in shapes of ``p`` features ("p") and ``p + 1`` parameters ("q");
    ``stored_values`` gives the fields as plain data, and ``restore`` takes them as their rules gave them.
    """

    @classmethod
    @abstractmethod
    def stored_fields(cls) -> Mapping[str, Field]:
        """The rule of each field that `stored_values` gives."""

    @abstractmethod
    def stored_values(self) -> dict[str, Any]:
        """What ``fit`` has left behind, as plain data."""

    @abstractmethod
    def restore(self, values: Mapping[str, Any]) -> None:
        """Set the attributes of a fitted estimator, from fields that have been checked."""

    def to_document(self) -> dict[str, Any]:
        """What `save` writes: parameters, and what ``fit`` has learned, without the rows.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        InputTypeError
            If a parameter is an object that files do not know, such as a ``numpy.random.RandomState``.
        """
        check_is_fitted(self)
        with lock_of(self):
            names = vars(self).get("feature_names_in_")
            return {
                "parameters": {
                    name: _parameter_as_data(name, vars(self)[name])
                    for name in defaults_of(type(self))
                },
                "n_features_in": vars(self)["n_features_in_"],
                "feature_names_in": None if names is None else names.tolist(),
                **self.stored_values(),
            }

    @classmethod
    def from_document(cls: type[_Estimator], data: Mapping[str, Any]) -> _Estimator:
        """Restore what `to_document` gave; an `InputError` if a field is missing, unknown or against its rule."""
        rules = cls.stored_fields()
        what = f"a fitted {cls.__name__}"
        if not isinstance(data, Mapping):
            raise InputError(f"not {what}: a {type(data).__name__} has no fields.")
        own = {name: data[name] for name in data if name in rules}
        others = {name: data[name] for name in data if name not in rules}
        check_keys(what, others, {"parameters": None, **_SEEN})
        model = cls(**_parameters_of(cls, data["parameters"]))
        seen = {name: rule.check(name, data[name], {}) for name, rule in _SEEN.items()}
        p, names = seen["n_features_in"], seen["feature_names_in"]
        if names is not None and len(names) != p:
            raise InputError(f"feature_names_in has {len(names)} names for {p} features.")
        sizes: dict[str, tuple[int, ...]] = {"": (), "p": (p,), "q": (p + 1,)}
        values = check_fields(what, own, rules, sizes)
        vars(model)["n_features_in_"] = p
        if names is not None:
            vars(model)["feature_names_in_"] = np.array(names, dtype=object)
        model.restore(values)
        return model

    def to_onnx(self, *, dtype: str = "float64") -> Any:
        """The fitted model as an ONNX graph, which runtimes in C++, Java, C# or JavaScript evaluate without Python.

        Parameters
        ----------
        dtype : {"float64", "float32"}, default="float64"
            Type of the input ``X``, of shape (n_samples, n_features), and of the output ``y``, which has the shape of
            predictions. In float32 coefficients are rounded, and predictions have seven digits at most.

        Returns
        -------
        onnx.ModelProto
            Write it to a file with ``onnx.save``. Names of features and targets are in its metadata, as JSON.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ImportError
            If onnx is not installed (the extra ``onnx``).
        """
        check_is_fitted(self)
        fitted = vars(self).copy()
        coef, names = fitted["coef_"], fitted.get("feature_names_in_")
        intercept = np.ravel(fitted["intercept_"])
        t = len(np.atleast_2d(coef))
        return linear_onnx(
            coef,
            intercept[0] if coef.ndim == 1 else np.broadcast_to(intercept, (t,)),
            default_names(coef.shape[-1]) if names is None else tuple(names),
            fitted["fit_"].target_names if "fit_" in fitted else default_targets(t),
            dtype,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Give every attribute, for pickles."""
        return dict(vars(self))

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take the attributes of a pickle, of this version or an earlier one, which may have had fewer parameters."""
        vars(self).update({**defaults_of(type(self)), **state})


def defaults_of(estimator: type) -> dict[str, Any]:
    """The names of an estimator's parameters with their defaults."""
    parameters = list(inspect.signature(estimator).parameters.values())
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def _parameter_as_data(name: str, value: object) -> Any:
    """A parameter as JSON can hold it."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"number": repr(value)}
    if isinstance(value, Optimizer) and type(value) in optimizer_classes().values():
        return {"optimizer": rule_as_data(value)}
    if isinstance(value, Schedule) and type(value) in schedule_classes().values():
        return {"schedule": rule_as_data(value)}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.ndim:
        return {"array": [_parameter_as_data(name, item) for item in value.tolist()]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_parameter_as_data(name, item) for item in value]}
    raise InputTypeError(
        f"{name}={shown(value)} is an object that a model file cannot hold: pass numbers, text, None, or an optimizer "
        f"or schedule of fastlr, with set_params({name}=...) before saving, or keep the estimator as a pickle."
    )


def _parameters_of(estimator: type, data: object) -> dict[str, Any]:
    """Parameters from what `_parameter_as_data` gave; those of later versions than the file keep their defaults."""
    defaults = defaults_of(estimator)
    if not isinstance(data, Mapping):
        raise InputError("parameters have no names.")
    unknown = sorted(set(data) - set(defaults))
    if unknown:
        raise InputError(f"parameters: unknown {shown(unknown)}.")
    return {name: _parameter_of(name, value) for name, value in data.items()}


def _parameter_of(name: str, value: object, depth: int = 3) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping) and len(value) == 1 and depth:
        ((kind, inner),) = value.items()
        if kind == "number" and isinstance(inner, str) and inner in NOT_FINITE:
            return float(inner)
        if kind == "optimizer":
            return StoredRule(optimizer_classes).check(name, inner, {})
        if kind == "schedule":
            return StoredRule(schedule_classes).check(name, inner, {})
        if kind in ("array", "list", "tuple") and isinstance(inner, list):
            items = [_parameter_of(name, item, depth - 1) for item in inner]
            if kind == "array":
                return _array(name, items)
            return items if kind == "list" else tuple(items)
    raise InputError(f"the parameter {name}={shown(value)} is of no kind that parameters have.")


def _array(name: str, items: list[Any]) -> np.ndarray[Any, Any]:
    if not all(isinstance(item, bool | int | float | list) for item in items):
        raise InputError(f"the parameter {name} is not an array of numbers.")
    try:
        array = np.array(items)
    except ValueError as error:
        raise InputError(f"the parameter {name} is not an array of numbers.") from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"the parameter {name} is not an array of numbers.")
    return array
