"""A fit of MLPRegressor: its rows, where it starts, and what it leaves behind."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from fastlr.descent.state import State
from fastlr.errors import InputError, InputTypeError
from fastlr.estimators._mlp_arguments import MLPSettings
from fastlr.estimators._mlp_training import Course, Descent, Ending, batches_of
from fastlr.estimators._shapes import as_one_target
from fastlr.input.arguments import as_features, as_targets
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.threads import resolve_threads
from fastlr.networks.engine import NetworkEngine
from fastlr.networks.rows import NetworkRows, Scales, as_network_rows
from fastlr.networks.shape import Shape, glorot
from fastlr.networks.training import predict_network
from fastlr.networks.units import from_raw, to_raw

__all__ = ["Fitted", "Fitting"]

_FEW = 500  # rows whose loss tells whether that of all is worth knowing
_WORTH_THREADS = 1 << 27  # multiply-adds of an epoch, which is a call: some 20 ms


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves behind: the network, the memory of its rule, and its course."""

    shape: Shape
    theta: FloatArray
    """All digits of the parameters, in the units of the data."""
    is_single: bool
    """Whether weights are shown in float32."""
    state: State
    """The memory of the rule; void for parameters in the units of the data if these were standardised."""
    rule: str
    """The name of the rule, since another one has another memory."""
    course: Course
    n_iter: int

    def layers(self) -> tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]]]:
        """Weights and biases of each layer as they are shown: arrays of their own."""
        dtype = np.float32 if self.is_single else np.float64
        weights, biases = self.shape.layers_of(self.theta)
        return [w.astype(dtype) for w in weights], [b.astype(dtype) for b in biases]

    def parameters_of(self, model: Any) -> FloatArray:
        """All digits of the parameters, unless somebody has changed those that the model shows."""
        given = self.shape.parameters_of(model.coefs_, model.intercepts_)
        return (
            self.theta if np.array_equal(given, self.shape.parameters_of(*self.layers())) else given
        )


@dataclass
class Fitting:
    """The rows of a fit and the network that is fitted to them."""

    settings: MLPSettings
    rows: NetworkRows
    shape: Shape
    draws: np.random.RandomState
    n_threads: int
    goes_on: bool = field(init=False, default=False)
    """Whether the fit starts from the weights of an earlier one."""
    state: State = field(init=False)
    course: Course = field(init=False)
    scales: Scales = field(init=False, default_factory=Scales)

    @classmethod
    def of(
        cls, model: Any, settings: MLPSettings, X: object, y: object, sample_weight: object
    ) -> Fitting:
        """Validate rows, and plan the network for them."""
        features = as_features(X)
        targets = _targets(y, features)
        n_threads = resolve_threads(model.n_threads)
        rows = as_network_rows(features, targets, sample_weight, n_threads=n_threads)
        shape = Shape(
            (features.n_columns, *settings.sizes, targets.n_columns),
            (*settings.activations, "identity"),
        )
        return cls(settings, rows, shape, _random(model.random_state), n_threads)

    @property
    def is_single(self) -> bool:
        """Whether products are made in float32."""
        return self.rows.features.all_float32

    def start(self, model: Any, earlier: Fitted | None, *, keeps_memory: bool) -> None:
        """Start from random weights, or from those of an earlier fit, with or without the memory of its rule."""
        if earlier is None:
            theta = glorot(self.shape, self.draws, draws_biases=True)
            if self.is_single:
                theta = theta.astype(np.float32).astype(np.float64)
            self.state, self.course = State(theta), Course.of(self.settings.early_stopping)
            return
        self.goes_on = True
        if self.shape.sizes != earlier.shape.sizes:
            raise InputError(
                f"the last fit has layers of sizes {earlier.shape.text()}, and this one asks for {self.shape.text()}: "
                "go on with the same features, targets and hidden_layer_sizes, or fit anew with warm_start=False."
            )
        theta = earlier.parameters_of(model)
        self.course = earlier.course.copy()
        if keeps_memory and earlier.rule == self.settings.for_steps["rule"]:
            self.state = earlier.state.copy()
            self.state.go_on_from(theta, forget=False)
            self.state.start_anew()
        else:
            self.state = State(theta)
            self.course.fall = self.course.fall if keeps_memory else 1.0

    def run(self, n_epochs: int) -> Ending:
        """Train for so many epochs at most."""
        settings, rows = self.settings, self.rows
        learned, held_out = self._split()
        if settings.standardize:
            self.scales = Scales.of(rows if held_out is None else self._part(learned))
            if self.goes_on:  # random weights are for standardised rows as they are
                self.state = State(from_raw(self.shape, self.state.theta, self.scales))
        batches = batches_of(learned, settings, self.draws)
        work = 3 * len(learned) * self.shape.n_parameters
        threads = self.n_threads if work >= _WORTH_THREADS else 1
        engine = NetworkEngine(
            rows, self.shape, self.scales, self.is_single, None, batches, 0, threads
        )
        descent = Descent(
            engine=engine,
            batches=batches,
            settings=settings,
            state=self.state,
            course=self.course,
            score=None if held_out is None else _Score(self, held_out),
            loss=self._loss,
            of_mean=self._mean_of((rows.std_y * self._factor) ** 2) / 2.0,
        )
        return descent.run(n_epochs)

    def fitted(self, ending: Ending) -> Fitted:
        """Gather what a fit leaves to predict with and to go on from."""
        theta = to_raw(self.shape, ending.theta, self.scales)
        self.state.go_on_from(theta, forget=ending.code == "diverged")
        is_single = self.is_single and not self.settings.standardize
        rule = self.settings.for_steps["rule"]
        return Fitted(self.shape, theta, is_single, self.state, rule, self.course, ending.n_epochs)

    @property
    def _factor(self) -> FloatArray:
        """What the targets are multiplied by in the loss."""
        factor = self.scales.target_factor
        return np.ones(self.shape.n_targets) if factor is None else factor

    def predict(self, theta: FloatArray, features: Columns) -> FloatArray:
        """Outputs of parameters for some rows, in the units of the targets."""
        with np.errstate(over="ignore", invalid="ignore"):
            return predict_network(
                self.shape,
                theta,
                features,
                self.rows.feature_names,
                scales=self.scales,
                is_single=self.is_single,
                n_threads=self.n_threads,
            )

    def _loss(self, theta: FloatArray, *, few: bool = False) -> float:
        """The mean of half the squares over all rows, or a few of them, and over the targets."""
        rows = self.rows
        features, targets, weights = rows.features, rows.targets, rows.weights
        if few and rows.n_samples > _FEW:
            chosen = np.arange(0, rows.n_samples, rows.n_samples // _FEW)
            features, targets = features.take_rows(chosen), targets.take_rows(chosen)
            weights = None if weights is None else weights[chosen]
        if weights is not None and not weights.any():
            return math.inf  # a few rows that stand for nothing
        predicted = self.predict(theta, features)
        with np.errstate(over="ignore", invalid="ignore"):
            squares = ((predicted - targets.as_matrix()) * self._factor) ** 2
            return self._mean_of(np.average(squares, axis=0, weights=weights)) / 2.0

    def _mean_of(self, of_targets: FloatArray) -> float:
        return float(np.mean(of_targets))

    def _split(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64] | None]:
        """The rows to learn from and those set aside, as scikit-learn draws them."""
        n, settings = self.rows.n_samples, self.settings
        every = np.arange(n)
        if not settings.early_stopping:
            return every, None
        share = settings.validation_fraction
        n_held_out = math.ceil(share * n)  # scikit-learn's number
        if n_held_out >= n:
            raise InputError(
                f"validation_fraction={share!r} sets all {n} rows aside and leaves none to learn from: pass a smaller "
                "one, or more rows."
            )
        learned, held_out = train_test_split(every, random_state=self.draws, test_size=share)
        if len(held_out) < 2:
            raise InputError(
                f"The validation set is too small: validation_fraction={share!r} sets {len(held_out)} of {n} rows "
                "aside. Pass a larger one, or more rows."
            )
        weights = self.rows.weights
        for part, fate in ((learned, "to learn from"), (held_out, "set aside")):
            if weights is not None and not weights[part].any():
                raise InputError(
                    f"sample_weight is zero in all {len(part)} rows {fate}: pass another validation_fraction (now "
                    f"{share!r}) or random_state, or more rows of positive weight."
                )
        return learned, held_out

    def _part(self, chosen: npt.NDArray[np.int64]) -> NetworkRows:
        weights = self.rows.weights
        return as_network_rows(
            self.rows.features.take_rows(chosen),
            self.rows.targets.take_rows(chosen),
            None if weights is None else weights[chosen],
            n_threads=self.n_threads,
        )


class _Score:
    """R2 of parameters on the rows set aside; NaN where predictions are not finite, as in scikit-learn."""

    def __init__(self, fitting: Fitting, held_out: npt.NDArray[np.int64]) -> None:
        rows = fitting.rows
        self._fitting = fitting
        self._features = rows.features.take_rows(held_out)
        self._y = rows.targets.as_matrix()[held_out]
        self._weights = None if rows.weights is None else rows.weights[held_out]

    def __call__(self, theta: FloatArray) -> float:
        predicted = self._fitting.predict(theta, self._features)
        if not np.isfinite(predicted).all():
            return np.nan
        return float(r2_score(self._y, predicted, sample_weight=self._weights))


def _targets(y: object, features: Columns) -> Columns:
    """Read y; a single column is taken as one target, with scikit-learn's warning."""
    return as_one_target(as_targets(y, features.n_samples, index=features.index))


def _random(random_state: object) -> np.random.RandomState:
    """The generator whose numbers scikit-learn would take: for None the one that ``numpy.random.seed`` seeds."""
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(random_state.bit_generator)
    try:
        draws: np.random.RandomState = check_random_state(random_state)
        return draws
    except ValueError:
        raise InputTypeError(
            f"random_state={random_state!r} is not a seed: pass None, a non-negative integer, a RandomState or a "
            "Generator."
        ) from None
