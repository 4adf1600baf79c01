"""Networks of dense layers, in the words of Keras: `fastlr.network`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from fastlr import errors
from fastlr.descent.arguments import (
    as_batch_size,
    as_patience,
    as_sampling,
    as_tol,
    as_validation,
    as_verbose,
    seeds_of,
)
from fastlr.descent.ending import judge
from fastlr.descent.optimizers import Optimizer, as_optimizer
from fastlr.descent.schedules import Schedule, as_schedule
from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_alpha, as_choice, as_flag, as_whole
from fastlr.input.threads import resolve_threads
from fastlr.networks.arguments import as_callbacks, check_targets, start_of, validation_of
from fastlr.networks.fitted import DTYPES, NetworkFit
from fastlr.networks.layers import Dense
from fastlr.networks.rows import Scales, as_network_rows
from fastlr.networks.shape import Shape
from fastlr.networks.telling import history_of, status_of
from fastlr.networks.training import Training

__all__ = ["Network", "network"]

_GROWTH = 100.0  # a loss so many times that of the start, or of the targets' means, is divergence
_RATE = 0.001


def network(layers: Any) -> Network:
    """A network of dense layers, to be trained by its method `fit`.

    Parameters
    ----------
    layers : sequence of Dense
        The layers in succession, of `fastlr.layers`; the last one has an output for each target.

    Returns
    -------
    Network
        The untrained network.

    Raises
    ------
    InputError
        If there is no layer.
    InputTypeError
        If a member is no layer.

    Notes
    -----
    Networks here are for regression on tables: they minimise half the mean of squares. A network of one linear layer
    takes the steps of `fastlr.descend`, to the last bit where the batches are the same.

    Examples
    --------
    >>> import fastlr
    >>> from fastlr import layers
    >>> hidden = layers.Dense(8, activation="relu")
    >>> net = fastlr.network([hidden, hidden, layers.Dense(1)])
    >>> net
    network([Dense(8, activation='relu'), Dense(8, activation='relu'), Dense(1, activation='identity')])
    """
    if isinstance(layers, Dense):
        layers = [layers]
    if isinstance(layers, str | Set | Mapping) or not isinstance(layers, Iterable):
        raise InputTypeError(
            f"layers={layers!r} is not a sequence of layers: pass a list such as [fastlr.layers.Dense(1)]."
        )
    members = tuple(layers)
    for member in members:
        if not isinstance(member, Dense):
            raise InputTypeError(
                f"layers has {member!r}, which is no layer: pass members such as fastlr.layers.Dense(64, "
                "activation='relu')."
            )
    if not members:
        raise InputError(
            "layers is empty: pass one layer at least, such as [fastlr.layers.Dense(1)]."
        )
    return Network(members)


@dataclass(frozen=True)
class Network:
    """Dense layers in succession, untrained; `fastlr.network` makes one.

    Attributes
    ----------
    layers : tuple of Dense
        The layers, the one of the outputs included.
    """

    layers: tuple[Dense, ...]

    def __repr__(self) -> str:
        return f"network([{', '.join(map(repr, self.layers))}])"

    def shape(self, n_features: int) -> Shape:
        """The sizes and activations of the layers for so many features."""
        return Shape(
            (n_features, *(layer.units for layer in self.layers)),
            tuple(layer.activation for layer in self.layers),
        )

    def fit(
        self,
        X: object,
        y: object,
        *,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | str | Schedule = _RATE,
        epochs: int = 100,
        batch_size: int | None = 32,
        sampling: str | Iterable[Any] = "shuffle",
        alpha: float = 0.0,
        sample_weight: object = None,
        validation_split: float = 0.0,
        validation_data: object = None,
        patience: int | None = None,
        tol: float | None = None,
        init: object = "glorot",
        standardize: bool = False,
        callbacks: object = None,
        verbose: int = 0,
        progress: bool = False,
        seed: object = None,
        dtype: str = "float64",
        n_threads: int | None = None,
    ) -> NetworkFit:
        r"""Train the network by gradient descent on batches of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of numbers of any type and layout, read where they lie.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets, as many as the last layer has outputs.
        optimizer : {"adam", "gd", "momentum", "nesterov", "adagrad", "rmsprop"} or Optimizer, default="adam"
            How a gradient becomes a step; see `fastlr.optimizers`.
        learning_rate : float, schedule name or Schedule, default=0.001
            The rate, or how it falls (`fastlr.schedules`); "auto" as a schedule's start is 0.001.
        epochs : int, default=100
            At most so many passes over the rows.
        batch_size : int or None, default=32
            Rows for each step; None for all of them.
        sampling : {"shuffle", "random", "sequential"} or iterable of index arrays, default="shuffle"
            Which rows form a batch, as in `fastlr.descend`.
        alpha : float, default=0.0
            L2 penalty: alpha / (2 m) times the squares of all weights is added to the loss of a batch of m rows (or of
            the weight m); biases are free. It is that of scikit-learn's networks.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights, not all zero. The loss of a batch is divided by the weight of its rows.
        validation_split : float, default=0.0
            A share of the rows, the last ones, that is held out.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Rows of their own to watch the loss on.
        patience : int or None, default=None
            Epochs without improvement of the loss (of the validation loss, if there is one) that end the training.
            None runs all epochs. With validation rows the best iterate is returned then.
        tol : float or None, default=None
            An improvement counts if it is more than this share of the loss; None is 0.
        init : "glorot", NetworkFit, or (weights, biases), default="glorot"
            Where to start: drawn by Glorot's rule with biases of zero, from what another fit predicts, or from an
            array of weights and one of biases for each layer (with ``standardize=True`` those for standardised rows).
        standardize : bool, default=False
            Train on features and targets of mean 0 and standard deviation 1, where rates such as 0.001 suit all;
            predictions are in the units of the targets all the same. Losses are those of standardised targets.
        callbacks : callable or sequence of callables, optional
            Called after each epoch with its figures (``epoch``, ``loss``, ``validation_loss``, ``gradient_norm``,
            ``learning_rate``); True ends the training.
        verbose : int, default=0
            Print a line every so many epochs.
        progress : bool, default=False
            Show a progress bar (needs rich).
        seed : int, Generator or RandomState, optional
            Seed of the initial weights and of shuffling. The same seed gives the same bits for any number of threads.
        dtype : {"float64", "float32"}, default="float64"
            The precision of products and activations; "float32" is up to twice as fast. Losses, parameters and steps
            are float64 in any case.
        n_threads : int, optional
            Threads to use; by default all that the process may.

        Returns
        -------
        NetworkFit
            The trained network, with its ``history`` and ``status``.

        Raises
        ------
        InputError, InputTypeError
            If an argument has a wrong value, shape or type; the message says which, and what would do.

        Warns
        -----
        ConvergenceWarning
            If the loss grows instead of falling; the best iterate is returned.
        UserWarning
            If ``batch_size`` is larger than the number of rows (all of them are used then).

        Notes
        -----
        Forwards and backwards every row takes some 6 flops for each weight. Extra memory is that of the parameters, of
        some hundred rows of all layers, and of a few windows of rows.

        Examples
        --------
        >>> import numpy as np, fastlr
        >>> from fastlr import layers
        >>> x = np.linspace(-3.0, 3.0, 200)[:, np.newaxis]
        >>> net = fastlr.network([layers.Dense(32, activation="tanh"), layers.Dense(1)])
        >>> fit = net.fit(x, np.sin(x[:, 0]), epochs=400, learning_rate=0.01, seed=0)
        >>> bool(np.abs(fit.predict(x) - np.sin(x[:, 0])).max() < 0.1)
        True
        """
        rule = as_optimizer(optimizer)
        rule.refuse_batches("networks are trained by batches")
        schedule = as_schedule(_RATE if learning_rate == "auto" else learning_rate)
        start_rate = schedule.initial_learning_rate
        rate = _RATE if isinstance(start_rate, str) else float(start_rate)
        threads = resolve_threads(n_threads)
        is_single = as_choice(dtype, DTYPES, "dtype") == "float32"
        scales_rows = as_flag(standardize, "standardize")
        told_after, n_epochs = as_verbose(verbose), as_whole(epochs, "epochs")
        waits, improvement = as_patience(patience), as_tol(tol)
        penalty, order = as_alpha(alpha), as_sampling(sampling)
        callback, shows_bar = as_callbacks(callbacks), as_flag(progress, "progress")
        X, y, sample_weight, held_out = as_validation(
            X,
            y,
            sample_weight,
            validation_of(validation_split, validation_data),
            argument="validation_split" if validation_data is None else "validation_data",
        )
        rows = as_network_rows(X, y, sample_weight, n_threads=threads)
        shape = self.shape(rows.features.n_columns)
        check_targets(rows, shape, "y")
        kept = None
        if held_out is not None:
            kept = as_network_rows(
                *held_out,
                n_threads=threads,
                like=rows.feature_names,
                owner="X",
                argument="the validation set's X",
            )
            check_targets(kept, shape, "the validation set's y")
        numbers, draws = seeds_of(seed, "seed")
        scales = Scales.of(rows) if scales_rows else Scales()
        training = Training(
            shape=shape,
            theta=start_of(init, shape, draws, scales),
            optimizer=rule,
            alpha=penalty,
            scales=scales,
            is_single=is_single,
        )
        known: dict[bytes, float] = {}

        def loss_of(theta: FloatArray) -> float:
            key = theta.tobytes()
            if key not in known:
                known[key] = training.loss(rows, theta, n_threads=threads)
            return known[key]

        size = as_batch_size(batch_size, rows.n_samples)
        of_batch = (size or rows.n_samples) if isinstance(order, str) else 1  # who knows what comes
        n_batches = math.ceil(rows.n_samples / of_batch)

        def watched(theta: FloatArray) -> float:
            """The loss as an epoch counts it: with the penalty, that of each of its batches."""
            return loss_of(theta) + n_batches * training.penalty(rows, theta)

        start_loss = watched(training.state.theta)
        if not math.isfinite(start_loss):
            raise InputError(
                "the loss at the start exceeds the range of float64: start from smaller weights, or pass "
                "standardize=True."
            )
        of_squares = scales.of_target_squares(shape.n_targets)
        of_means = 0.5 * float((of_squares * rows.std_y**2).sum())
        loop = training.loop(
            rows,
            epochs=n_epochs,
            rate=rate,
            schedule=schedule,
            batch_size=size,
            sampling=order,
            seed=numbers,
            n_threads=threads,
            tol=improvement or 0.0,
            relative=True,
            patience=waits,
            limit=_GROWTH * max(start_loss, of_means) or math.inf,
            start_loss=start_loss,
            validate=None
            if kept is None
            else lambda theta: training.loss(kept, theta, n_threads=threads),
            callback=callback,
            verbose=told_after,
            progress=shows_bar,
        )
        outcome = loop.run()
        judge(outcome, loop, watched)
        status = status_of(outcome, loop, scales_rows)
        if status.code == "diverged":
            warnings.warn(str(status), errors.ConvergenceWarning, stacklevel=errors.user_level())
        return NetworkFit(
            shape=shape,
            theta=outcome.theta.copy(),
            scales=scales,
            history=history_of(outcome),
            loss=loss_of(outcome.theta),
            status=status,
            feature_names=rows.feature_names,
            target_names=rows.target_names,
            is_one_target=rows.targets.is_vector,
            n_samples=rows.n_samples,
            n_updates=training.state.n_updates,
            optimizer=rule,
            learning_rate=rate,
            batch_size=loop.engine.largest_batch,
            alpha=penalty,
            dtype=dtype,
        )
