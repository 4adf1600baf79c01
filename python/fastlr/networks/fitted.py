"""What training a network leaves behind: its weights, the course of its loss, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from fastlr.descent.optimizers import Optimizer, optimizer_classes
from fastlr.descent.stored import StoredRule, rule_as_data
from fastlr.errors import InputError
from fastlr.input.arguments import as_features
from fastlr.input.columns import FloatArray
from fastlr.input.names import check_same_features, default_names
from fastlr.input.threads import resolve_threads
from fastlr.networks.history import NetworkHistory
from fastlr.networks.layers import Dense
from fastlr.networks.rows import Scales
from fastlr.networks.shape import Shape
from fastlr.networks.training import predict_network
from fastlr.results import Status
from fastlr.storage import Storable
from fastlr.storage.schema import (
    Count,
    Field,
    Maybe,
    Names,
    Numbers,
    Of,
    Part,
    Sentence,
    check_fields,
    check_keys,
)
from fastlr.typesetting.document import Document, Notes
from fastlr.typesetting.table import Head, Row, Table

__all__ = ["NetworkFit"]

DTYPES = ("float64", "float32")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NetworkFit(Storable):
    """A trained network of dense layers: what `Network.fit` returns.

    ``status.code`` is "epochs_exhausted", "converged" (the loss no longer fell), "early_stopped" (the validation loss
    no longer fell), "stopped" (by a callback), "diverged" or "interrupted" (by Ctrl-C); ``status`` is a sentence.

    Attributes
    ----------
    layers : tuple of Dense
        The layers, the one of the outputs included.
    weights, biases : list of ndarray
        For each layer its weights (n_inputs, n_outputs) and biases (n_outputs,): copies. With ``standardize=True`` they
        belong to standardised features and targets.
    history : NetworkHistory
        Loss, validation loss, gradient norm and learning rate by epoch.
    loss : float
        Half the mean of squares over all rows at the end, summed over the targets, without the penalty.
    status : Status
        How training ended.
    feature_names, target_names : tuple of str
        Names of the columns.
    n_samples, n_epochs, n_updates : int
        Rows trained on, epochs and steps made.
    optimizer : Optimizer
        The rule of the steps.
    learning_rate : float
        The rate at the start.
    batch_size : int
        Rows of a batch.
    alpha : float
        The L2 penalty.
    dtype : str
        The precision of the products: "float64" or "float32".

    Examples
    --------
    >>> import fastlr
    >>> net = fastlr.network([fastlr.layers.Dense(4, activation="tanh"), fastlr.layers.Dense(1)])
    >>> fit = net.fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0], epochs=3, batch_size=None, seed=0)
    >>> [w.shape for w in fit.weights], len(fit.history)
    ([(1, 4), (4, 1)], 3)
    """

    shape: Shape
    theta: FloatArray
    scales: Scales
    history: NetworkHistory
    loss: float
    status: Status
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    is_one_target: bool
    """Whether predictions are of shape (n_samples,), since y was."""
    n_samples: int
    n_updates: int
    optimizer: Optimizer
    learning_rate: float
    batch_size: int
    alpha: float
    dtype: str

    def __post_init__(self) -> None:
        self.theta.flags.writeable = False

    @property
    def layers(self) -> tuple[Dense, ...]:
        """The layers, the one of the outputs included."""
        return tuple(map(Dense, self.shape.sizes[1:], self.shape.activations))

    @property
    def weights(self) -> list[FloatArray]:
        """The weights of each layer, (n_inputs, n_outputs), as copies."""
        return self.shape.layers_of(self.theta.copy())[0]

    @property
    def biases(self) -> list[FloatArray]:
        """The biases of each layer, (n_outputs,), as copies."""
        return self.shape.layers_of(self.theta.copy())[1]

    @property
    def n_parameters(self) -> int:
        """How many weights and biases there are in all."""
        return self.shape.n_parameters

    @property
    def n_epochs(self) -> int:
        """The number of epochs that were made."""
        return len(self.history)

    def with_weights(self, weights: Sequence[object], biases: Sequence[object]) -> NetworkFit:
        """The same network with other weights and biases: one array of each for every layer.

        Raises
        ------
        InputError
            If an array has another shape than its layer needs, or a number is not finite.
        """
        return replace(
            self,
            theta=self.shape.parameters_of(weights, biases),
            loss=float("nan"),
            status=Status("given", "These weights were given, not trained."),
        )

    def predict(self, X: object, *, n_threads: int | None = None) -> npt.NDArray[Any]:
        """Predictions for new rows, in the units of the targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The features of the fit, in the same order.
        n_threads : int, optional
            Threads to use; by default all that the process may.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            Of the network's ``dtype``.

        Raises
        ------
        InputError
            If X has other features than the fit, or a value is NaN or infinite.
        """
        features = as_features(X)
        check_same_features(features, self.feature_names, argument="X", owner="this network")
        out = predict_network(
            self.shape,
            self.theta,
            features,
            self.feature_names,
            scales=self.scales,
            is_single=self.dtype == "float32",
            n_threads=resolve_threads(n_threads),
        )
        return (out[:, 0] if self.is_one_target else out).astype(self.dtype, copy=False)

    def to_onnx(self, *, dtype: str = "float64") -> Any:
        """The network as an ONNX graph, which runtimes in C++, Java, C# or JavaScript evaluate without Python.

        Parameters
        ----------
        dtype : {"float64", "float32"}, default="float64"
            Type of the input ``X``, of shape (n_samples, n_features), and of the output ``y``, which has the shape of
            predictions. In float32 weights are rounded, and predictions have seven digits at most; so have those of
            networks with "gelu", since runtimes have its error function in float32 alone.

        Returns
        -------
        onnx.ModelProto
            Write it to a file with ``onnx.save``. Names of features and targets are in its metadata, as JSON.

        Raises
        ------
        ImportError
            If onnx is not installed (the extra ``onnx``).
        """
        from fastlr.networks.onnx_model import network_onnx

        return network_onnx(
            self.shape,
            self.theta,
            self.scales,
            self.feature_names,
            self.target_names,
            dtype,
            is_one_target=self.is_one_target,
        )

    def summary(self) -> Document:
        """A table of the layers: outputs, activation, shape of the weights and number of parameters.

        Returns
        -------
        Document
            A string that shows as a table in notebooks, with ``as_html``, ``as_latex`` and ``as_markdown``.
        """
        rows = [
            Row(
                f"{k} {type(layer).__name__}",
                (
                    layer.activation,
                    f"({n_inputs}, {layer.units})",
                    str(layer.units),
                    str((n_inputs + 1) * layer.units),
                ),
            )
            for k, (layer, n_inputs) in enumerate(
                zip(self.layers, self.shape.sizes, strict=False), start=1
            )
        ]
        rows.append(Row("all", ("", "", "", str(self.n_parameters)), rule=True))
        heads = tuple(map(Head, ("activation", "weights", "outputs", "parameters")))
        caption = (f"Network {self.shape.text()}", f"{self.n_samples} rows")
        return Document(
            [Table(caption, heads, tuple(rows)), Notes("status", ((str(self.status),),))],
            {
                "sizes": list(self.shape.sizes),
                "activations": list(self.shape.activations),
                "n_parameters": self.n_parameters,
            },
        )

    def __repr__(self) -> str:
        return (
            f"<NetworkFit {self.shape.text()}: {self.n_parameters} parameters, {self.n_epochs} epochs, "
            f"loss {self.loss:.4g}, {self.status.code}>"
        )

    def to_document(self) -> dict[str, Any]:
        """What `save` writes: the layers with all weights, the history and all figures."""
        return {
            "sizes": list(self.shape.sizes),
            "activations": list(self.shape.activations),
            "parameters": self.theta.tolist(),
            "history": self.history.to_document(),
            "optimizer": rule_as_data(self.optimizer),
            "status": {"code": self.status.code, "sentence": str(self.status)},
            "feature_names": None
            if self.feature_names == default_names(len(self.feature_names))
            else list(self.feature_names),
            "target_names": list(self.target_names),
            **{
                name: None if (array := getattr(self.scales, name)) is None else array.tolist()
                for name in _SCALES
            },
            **{name: getattr(self, name) for name in _FIGURES},
        }

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> NetworkFit:
        """Restore what `to_document` gave; an `InputError` if a field is missing, unknown or against its rule."""
        check_keys("a network", data, _RULES)
        sizes, activations = data["sizes"], data["activations"]
        if not isinstance(sizes, list) or not isinstance(activations, list):
            raise InputError("sizes and activations of a network must be lists.")
        shape = Shape(tuple(sizes), tuple(activations))
        p, t = shape.n_features, shape.n_targets
        places = {"": (), "p": (p,), "t": (t,), "n": (shape.n_parameters,)}
        values = check_fields("a network", data, _RULES, places)
        names, labels = values.pop("feature_names"), values["target_names"]
        if len(labels) != t or (names is not None and len(names) != p):
            raise InputError("names are not as many as features and targets.")
        if values["dtype"] not in DTYPES:
            raise InputError(f"dtype={values['dtype']!r} is not one of {DTYPES}.")
        for name in ("sizes", "activations"):
            values.pop(name)
        return cls(
            shape=shape,
            theta=values.pop("parameters"),
            scales=Scales(**{name: values.pop(name) for name in _SCALES}),
            status=Status(**values.pop("status")),
            feature_names=default_names(p) if names is None else names,
            **values,
        )


_SCALES = ("feature_centre", "feature_factor", "target_centre", "target_factor")
_FIGURES = (
    "loss",
    "is_one_target",
    "n_samples",
    "n_updates",
    "learning_rate",
    "batch_size",
    "alpha",
    "dtype",
)
_RULES: Mapping[str, Field] = {
    "sizes": Of(list),
    "activations": Of(list),
    "parameters": Numbers("n", must_be_finite=True),
    "history": Part(NetworkHistory.from_document),
    "optimizer": StoredRule(optimizer_classes),
    "status": Sentence(),
    "feature_names": Maybe(Names()),
    "target_names": Names(),
    "feature_centre": Maybe(Numbers("p", must_be_finite=True)),
    "feature_factor": Maybe(Numbers("p", must_be_finite=True)),
    "target_centre": Maybe(Numbers("t", must_be_finite=True)),
    "target_factor": Maybe(Numbers("t", must_be_finite=True)),
    "loss": Numbers("", may_be_nan=True),
    "is_one_target": Of(bool),
    "n_samples": Count(1),
    "n_updates": Count(0),
    "learning_rate": Numbers("", at_least=0.0, must_be_finite=True),
    "batch_size": Count(0),
    "alpha": Numbers("", at_least=0.0, must_be_finite=True),
    "dtype": Of(str),
}
