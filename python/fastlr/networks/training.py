"""A network in training: its parameters, what the rule of steps remembers, and epochs over rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastlr._kernels import kernels
from fastlr.descent.epochs import EpochFigures
from fastlr.descent.loop import Before, Loop
from fastlr.descent.optimizers import Optimizer
from fastlr.descent.schedules import Constant, Schedule
from fastlr.descent.state import State
from fastlr.descent.telling import tell_figures
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.refusals import refuse_non_finite
from fastlr.networks.engine import NetworkEngine
from fastlr.networks.rows import NetworkRows, Scales
from fastlr.networks.shape import Shape

__all__ = ["Training", "predict_network"]

_WORK_PER_CALL = 1 << 30  # multiply-adds
_FEWEST_ROWS = 256  # of a task of the kernel


def _figures_alone(state: State, figures: EpochFigures) -> EpochFigures:
    return figures


@dataclass(kw_only=True)
class Training:
    """A network whose parameters change from epoch to epoch: all that the next epoch needs, and what never changes.

    ``theta`` are the parameters to start from, in the order of `Shape` and on the scale that ``scales`` make. A
    training can go on with other rows, or a longer loop, where it was left; `restart` clears what the rule remembers.

    The loss of a batch of weight W (its number of rows, without weights) is ``sum w |f(x) - y|^2 / (2 W)``, squares
    summed over the targets, plus ``alpha / (2 W)`` times the squares of all weights; biases are free. The loss of an
    epoch is the mean over its batches, each with its number of rows, as scikit-learn's ``loss_curve_``.
    """

    shape: Shape
    theta: FloatArray
    optimizer: Optimizer
    alpha: float = 0.0
    scales: Scales = field(default_factory=Scales)
    is_single: bool = False
    """Whether products are made in float32; parameters, steps and losses are float64 all the same."""
    epsilon_of_biased: bool = False
    """Whether Adam's epsilon is added before the bias of its memory is taken off, as scikit-learn does it."""
    sums_gradient: bool = True
    """Whether the gradients of an epoch are added up, for the figure ``gradient_norm``, which is 0 otherwise."""
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.state = State(np.ascontiguousarray(self.theta, dtype=np.float64))

    @property
    def weights(self) -> list[FloatArray]:
        """The weights of each layer, (n_inputs, n_outputs), after the last step."""
        return self.shape.layers_of(self.state.theta)[0]

    @property
    def biases(self) -> list[FloatArray]:
        """The biases of each layer, (n_outputs,), after the last step."""
        return self.shape.layers_of(self.state.theta)[1]

    def restart(self) -> None:
        """Clear the count of updates and what the rule remembers of them; the parameters stay."""
        theta = self.state.theta
        self.state = State(theta)

    def loop(
        self,
        rows: NetworkRows,
        *,
        epochs: int,
        rate: float,
        schedule: Schedule | None = None,
        batch_size: int | None,
        sampling: str | Iterable[Any] = "shuffle",
        seed: int = 0,
        n_threads: int = 1,
        tol: float | None = None,
        relative: bool = False,
        patience: int | None = None,
        limit: float = math.inf,
        start_loss: float = math.nan,
        observe: Callable[[State, EpochFigures], Any] = _figures_alone,
        tell: Callable[[Any, int], None] = tell_figures,
        validate: Callable[[FloatArray], float] | None = None,
        improves: Callable[[float, float], bool] | None = None,
        callback: Callable[[Any], object] | None = None,
        verbose: int = 0,
        progress: bool = False,
        before: Before | None = None,
    ) -> Loop:
        """Set up a loop of ``epochs`` over these rows, from where the training stands.

        Parameters
        ----------
        batch_size : int or None
            Rows of a batch; all rows where it is None or larger than their number, and whatever a sampler gives.
        sampling : {"shuffle", "random", "sequential"} or iterable of index arrays
            Which rows form a batch, as in `fastlr.descend`. An iterable gives the batches of one epoch each time it is
            iterated over: the way to take another library's very batches.
        tol : float or None
            Improvement of the loss (or the validation loss) that counts: a share of it if ``relative``, else a
            difference. None never stops.
        patience : int or None
            So many epochs in a row without improvement end the loop (or lower the rate of an adaptive schedule).
        limit : float
            A loss above it is divergence, and so is one that is no number.
        callback : callable or None
            Called with what ``observe`` makes of state and figures after each epoch; ends the loop by returning True.
        """
        n = rows.n_samples
        if isinstance(sampling, str) and (batch_size is None or batch_size >= n):
            batch_size, sampling = n, "sequential"
        engine = NetworkEngine(
            rows,
            self.shape,
            self.scales,
            self.is_single,
            batch_size,
            sampling,
            seed,
            n_threads,
        )
        counts = tol is not None and validate is None and patience is not None
        settings: dict[str, Any] = {
            **self.optimizer.settings,
            "epsilon_of_biased": self.epsilon_of_biased,
            **(schedule.settings if schedule is not None else {}),
            "sums_gradient": self.sums_gradient,
            "scale": 1.0,
            "mean_weight": 1.0,
            "penalty": self.alpha,
            "penalty_of_batch": True,
            "tolerance": tol if counts else -1.0,
            "relative": relative,
            "patience": patience or 1,
            "limit": limit,
        }
        if self.alpha:
            settings["penalty_weights"] = self.shape.penalised
        return Loop(
            engine=engine,
            state=self.state,
            start_loss=start_loss,
            settings=settings,
            schedule=schedule or Constant(rate),
            rate=rate,
            n_epochs=epochs,
            tol=tol,
            patience=patience,
            observe=observe,
            tell=tell,
            validate=validate,
            improves=improves,
            callback=callback,
            verbose=verbose,
            progress=progress,
            before=before,
        )

    def predict(
        self, features: Columns, names: tuple[str, ...], *, n_threads: int = 1
    ) -> FloatArray:
        """Outputs for rows where they lie, (n_samples, n_targets), in the units of the targets."""
        return predict_network(
            self.shape,
            self.state.theta,
            features,
            names,
            scales=self.scales,
            is_single=self.is_single,
            n_threads=n_threads,
        )

    def loss(self, rows: NetworkRows, theta: FloatArray, *, n_threads: int = 1) -> float:
        """Half the mean of squares of parameters on rows, without a penalty, on the scale that the network sees."""
        with np.errstate(over="ignore", invalid="ignore"):
            predicted = predict_network(
                self.shape,
                theta,
                rows.features,
                rows.feature_names,
                scales=self.scales,
                is_single=self.is_single,
                n_threads=n_threads,
            )
            squares = 0.0
            for t, of_target in enumerate(self.scales.of_target_squares(self.shape.n_targets)):
                r = predicted[:, t] - rows.targets.column(t)
                of_rows = r * r if rows.weights is None else rows.weights * r * r
                squares += float(of_target) * float(of_rows.sum())
        return 0.5 * squares / rows.total_weight

    def penalty(self, rows: NetworkRows, theta: FloatArray) -> float:
        """What the penalty of parameters adds to the loss of a batch of all rows."""
        if not self.alpha:
            return 0.0
        with np.errstate(over="ignore"):
            squares = float((theta * theta) @ self.shape.penalised)
        return 0.5 * self.alpha * squares / rows.total_weight


def predict_network(
    shape: Shape,
    theta: FloatArray,
    features: Columns,
    names: tuple[str, ...],
    *,
    scales: Scales,
    is_single: bool = False,
    n_threads: int = 1,
) -> FloatArray:
    """Outputs of a network for rows where they lie, (n_samples, n_targets), in the units of the targets.

    Rows are taken in parts so short that Ctrl-C is heard between them; a part that is not all finite is looked through
    for the NaN or infinity in X.
    """
    n = features.n_samples
    out = np.empty((n, shape.n_targets))
    parameters = np.ascontiguousarray(theta, dtype=np.float64)
    step = max(_FEWEST_ROWS * n_threads, _WORK_PER_CALL // shape.n_parameters)
    for first in range(0, n, step):
        last = min(n, first + step)
        is_finite = kernels.predict_network(
            features.source,
            first,
            last,
            shape.sizes,
            shape.activations,
            is_single,
            scales.standard,
            scales.target_standard,
            parameters,
            n_threads,
            out,
        )
        if not is_finite:
            refuse_non_finite(features, names, argument="X", rows=(first, last), may_drop=False)
    return out
