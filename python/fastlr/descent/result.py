"""What a descent leaves behind: a fit, the story of its epochs, and how it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastlr.descent.epochs import EpochFigures
from fastlr.descent.gap import excess
from fastlr.descent.memory import Memory
from fastlr.descent.objective import Objective, Quadratic
from fastlr.descent.optimizers import Optimizer
from fastlr.descent.stored import check_descent, check_history, rule_as_data
from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.input.frames import new_frame
from fastlr.results import LinearFit

if TYPE_CHECKING:
    from fastlr.descent.surface import LossSurface

__all__ = ["Descent", "Epoch", "History"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Epoch(EpochFigures):
    """One epoch, as a callback sees it.

    Attributes
    ----------
    epoch : int
        Number of the epoch, counted from 0.
    loss : float
        Loss of the epoch, with its penalty, as in `History`.
    validation_loss : float or None
        Loss on the validation rows after the epoch, if there are any.
    gradient_norm, learning_rate : float
        Length of the gradient, and rate of the epoch's first update, as in `History`.
    coef : ndarray of shape (n_features,)
        Coefficients after the epoch, in the units of the data.
    intercept : float
        The constant after the epoch.
    """

    coef: FloatArray
    intercept: float


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """Arrays with one entry for each epoch, ready to plot.

    Attributes
    ----------
    epoch : ndarray of int
        Numbers of the epochs: 0, 1, 2, ...
    loss : ndarray
        Loss with its penalty. Full batch: before the epoch's step. Batches: mean over the epoch, each batch before its
        own step.
    mse : ndarray
        Mean squared error (without penalty), at the same parameters as the loss; NaN with other losses than the
        squared one, which do not add squares up.
    log_likelihood : ndarray
        Gaussian log-likelihood at the variance that maximises it, the mean squared error: it rises as the loss falls.
        NaN where ``mse`` is.
    validation_loss : ndarray or None
        Loss on the validation rows, without penalty, after the epoch; NaN for an epoch that exploded or was cut short.
    gradient_norm : ndarray
        Length of the gradient by coefficients and intercept on the scale of descent (that of standardised features,
        if they are); with batches, of the mean of their gradients.
    learning_rate : ndarray
        Rate of the epoch's first update.
    coef : ndarray of shape (n_epochs, n_features) or None
        Coefficients after each epoch, in the units of the data; with ``record="path"``.
    intercept : ndarray or None
        The constant after each epoch, likewise.
    step_coef : ndarray of shape (n_steps, n_features) or None
        Coefficients after each step, with ``record="steps"``. Within an epoch of batches they are right to rounding.
    step_intercept : ndarray of shape (n_steps,) or None
        The constant after each step, likewise.
    step_epoch : ndarray of shape (n_steps,) or None
        The epoch that each step belongs to.
    """

    epoch: npt.NDArray[np.int64]
    loss: FloatArray
    mse: FloatArray
    log_likelihood: FloatArray
    validation_loss: FloatArray | None
    gradient_norm: FloatArray
    learning_rate: FloatArray
    coef: FloatArray | None
    intercept: FloatArray | None
    step_coef: FloatArray | None = None
    step_intercept: FloatArray | None = None
    step_epoch: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.epoch)

    def plot(self, **options: Any) -> Any:
        """Draw the loss by epoch (`fastlr.plot.loss`, which has the options), and return the matplotlib Axes."""
        from fastlr.plot import loss

        return loss(self, **options)

    def to_frame(self, *, backend: str | None = None) -> Any:
        """The history as a table with a row for each epoch.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            The library of the frame; by default the first of these that is installed.

        Returns
        -------
        DataFrame
            ``epoch``, ``loss``, ``validation_loss`` if there is one, ``mse``, ``log_likelihood``, ``gradient_norm`` and
            ``learning_rate``; with ``record="path"`` or "steps" ``coef_0``, ``coef_1``, ... and ``intercept`` as well.

        Raises
        ------
        ImportError
            If none of the libraries is installed.
        """
        return new_frame(self.columns(), backend)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The columns of `to_frame` by name."""
        names = ["epoch", "loss", "mse", "log_likelihood", "gradient_norm", "learning_rate"]
        if self.validation_loss is not None:
            names.insert(2, "validation_loss")
        columns = {name: getattr(self, name) for name in names}
        if self.coef is not None and self.intercept is not None:
            columns |= {f"coef_{j}": self.coef[:, j] for j in range(self.coef.shape[1])}
            columns["intercept"] = self.intercept
        return columns

    def to_document(self) -> dict[str, Any]:
        """The arrays as plain lists, from which `from_document` restores the same bits."""
        return {
            field.name: None if (array := getattr(self, field.name)) is None else array.tolist()
            for field in fields(History)
            if field.name != "epoch"  # 0, 1, 2, ...
        }

    @classmethod
    def from_document(cls, data: Mapping[str, Any], n_features: int) -> History:
        """Restore what `to_document` gave; an `InputError` if an array is missing, unknown or of another shape."""
        arrays = check_history(data, n_features)
        if arrays["step_epoch"] is not None:
            arrays["step_epoch"] = arrays["step_epoch"].astype(np.int64)
        return History(epoch=np.arange(len(arrays["loss"])), **arrays)

    def followed_by(self, later: History) -> History:
        """Join the histories of two descents, of which the second went on from the first, into that of one."""

        def joined(a: Any, b: Any) -> Any:
            return None if a is None or b is None else np.concatenate([a, b])

        return History(
            epoch=np.arange(len(self) + len(later)),
            loss=np.concatenate([self.loss, later.loss]),
            mse=np.concatenate([self.mse, later.mse]),
            log_likelihood=np.concatenate([self.log_likelihood, later.log_likelihood]),
            validation_loss=joined(self.validation_loss, later.validation_loss),
            gradient_norm=np.concatenate([self.gradient_norm, later.gradient_norm]),
            learning_rate=np.concatenate([self.learning_rate, later.learning_rate]),
            coef=joined(self.coef, later.coef),
            intercept=joined(self.intercept, later.intercept),
            step_coef=joined(self.step_coef, later.step_coef),
            step_intercept=joined(self.step_intercept, later.step_intercept),
            step_epoch=joined(self.step_epoch, later.step_epoch),
        )


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What tells the distance from the optimum when it is asked for: moments, if at hand, and where descent ended."""

    quadratic: Quadratic | None
    objective: Objective
    theta: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Descent(LinearFit):
    """A linear regression fitted by gradient descent: a `LinearFit` with a history.

    ``status.code`` is "converged" (the loss no longer fell, near the optimum), "stalled" (it no longer fell, short of
    it), "settled" (the coefficients wander in the noise of the batches), "slow" (epochs ran out far from the optimum,
    with a rate chosen by "auto"), "epochs_exhausted", "early_stopped", "stopped" (by the callback),
    "sampler_exhausted", "diverged" or "interrupted" (by Ctrl-C); ``status`` itself is a sentence.

    Attributes
    ----------
    history : History
        Loss, gradient norm, learning rate and more for each epoch.
    loss : float
        The objective at the coefficients returned, in the convention of ``loss_kind``, with its penalty.
    gap : float
        How far ``loss`` lies above the exact optimum, computed when first asked for; NaN if the moments that tell are
        not at hand, and with loss="huber", of which they do not tell.
    n_epochs, n_updates : int
        Epochs and steps taken.
    loss_kind : str
        "sse", "mse", "half_mse" or "huber".
    penalty : float
        ``alpha`` as it was passed, in the convention of the loss. (The attribute ``alpha`` is its equivalent for a sum
        of squares, as in every `LinearFit`.)
    optimizer : Optimizer
        The rule of the steps.
    learning_rate : float
        The rate at the start; what "auto" came to.
    largest_stable_rate : float
        The rule's full-batch descent diverges above it: 2 / L for the plain rule (and in place of a limit that adaptive
        rules do not have), more for momentum. Of loss="huber", with the L of the squared loss: it is stable up to
        there, and may be above. NaN if it was not needed.
    engine : str
        "moments", "rows" or "batches".
    batch_size : int
        Rows in a batch; all of them in full-batch descent, the most in one batch of a sampler.

    Notes
    -----
    ``rank`` and ``condition_number`` are computed from the moments when first asked for. With more than 64 features
    moments are not always at hand: ``condition_number`` is then NaN and ``rank`` the number of features.

    The memory of the descent (``memory``), some ten arrays as long as the coefficients, and the moments for what is
    computed later (``surroundings``) belong to the result and are pickled with it. `to_fit` leaves them out, and so
    does `save`, which keeps the history and all figures: from a descent that was loaded, ``resume=`` cannot go on.

    Examples
    --------
    >>> import fastlr
    >>> fit = fastlr.descend([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=500)
    >>> fit.coef.round(6), round(fit.intercept, 6), fit.history.loss[0] > fit.history.loss[-1]
    (array([2.]), 1.0, np.True_)
    """

    history: History
    loss: float
    n_epochs: int
    n_updates: int
    loss_kind: str
    penalty: float
    optimizer: Optimizer
    learning_rate: float
    largest_stable_rate: float
    engine: str
    batch_size: int
    memory: Memory | None
    surroundings: Surroundings | None

    def __post_init__(self) -> None:
        """Freeze, and forget the figures that are computed when asked for."""
        super().__post_init__()
        for name in ("rank", "condition_number"):
            vars(self).pop(name)

    @cached_property
    def gap(self) -> float:
        """How far the loss lies above the exact optimum; NaN if there are no moments at hand that tell."""
        known = self.surroundings
        if known is None or known.quadratic is None or not known.objective.row_loss.is_squared:
            return math.nan
        return excess(known.quadratic, known.objective, known.theta, self.fit_intercept)

    @cached_property  # type: ignore[misc]
    def rank(self) -> int:  # type: ignore[override]
        """Rank of the features (centred, if there is an intercept); their number if the moments are not at hand."""
        return self._rank_and_condition[0]

    @cached_property  # type: ignore[misc]
    def condition_number(self) -> float:
        """Condition number of the features; NaN if the moments are not at hand."""
        return self._rank_and_condition[1]

    @cached_property
    def _rank_and_condition(self) -> tuple[int, float]:
        known = self.surroundings
        if known is None or known.quadratic is None:
            return len(self.feature_names), math.nan
        return known.quadratic.rank_and_condition(known.objective, self.fit_intercept)

    def loss_surface(
        self,
        parameters: Sequence[str | int] | None = None,
        *,
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
        size: int = 101,
    ) -> LossSurface:
        """The loss over a grid of two parameters, from the moments of the rows, with the path of this descent.

        Parameters
        ----------
        parameters : pair of str or int, optional
            Names or positions of two parameters; "(intercept)", the last position, is the constant. By default the
            first two: of one feature its coefficient and the intercept.
        x_range, y_range : pair of float, optional
            Where the grid begins and ends; by default so that start, end and optimum are seen.
        size : int, default=101
            Places along each axis, at most 2000.

        Returns
        -------
        LossSurface
            Grid, losses and path; ``plot()`` draws them.

        Raises
        ------
        InputError
            If the moments are not at hand (a descent from a file, or with more than 64 features), the loss is Huber's,
            or an argument is wrong.

        Notes
        -----
        The objective is a quadratic form of the parameters, so each value is exact and costs a few operations: no row
        is read. All other parameters stay where the descent ended. The path has every step with ``record="steps"``,
        every epoch with "path", else start and end alone.
        """
        from fastlr.descent.surface import surface_of

        return surface_of(self, parameters, x_range, y_range, size)

    def recall(self) -> Memory:
        """The memory of the steps, from which another descent goes on; an `InputError` if a file has not kept it."""
        if self.memory is None:
            raise InputError(
                "resume is a descent that was loaded from a file, which keeps its history but not the memory of its "
                "steps: pass init=fit to start anew from its coefficients, or keep the descent as a pickle."
            )
        return self.memory

    def __repr__(self) -> str:
        return super().__repr__().replace("<LinearFit", "<Descent", 1)

    def to_fit(self) -> LinearFit:
        """Return the fit alone, without its history: what a model file keeps."""
        return LinearFit.from_dict(self.to_dict())

    def to_document(self) -> dict[str, Any]:
        """What `save` writes: the fit, the history and all figures, without the memory that ``resume=`` needs."""
        return {
            "fit": self.to_dict(),
            "history": self.history.to_document(),
            "optimizer": rule_as_data(self.optimizer),
            **{name: getattr(self, name) for name in _FIGURES},
        }

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> Descent:
        """Restore what `to_document` gave; an `InputError` if a field is missing, unknown or against its rule."""
        values = check_descent(data, LinearFit.from_dict)
        fit: LinearFit = values.pop("fit")
        if fit.n_targets != 1 or np.ndim(fit.coef) != 1:
            raise InputError("a descent has one target.")
        gap = values.pop("gap")
        history = History.from_document(values.pop("history"), fit.n_features)
        if len(history) != values["n_epochs"]:
            raise InputError(f"a history of {len(history)} is not that of n_epochs.")
        known = {field.name: getattr(fit, field.name) for field in fields(LinearFit)}
        descent = Descent(**known, **values, history=history, memory=None, surroundings=None)
        vars(descent).update(gap=gap, rank=fit.rank, condition_number=fit.condition_number)
        return descent


_FIGURES = (
    "loss",
    "gap",
    "n_epochs",
    "n_updates",
    "loss_kind",
    "penalty",
    "learning_rate",
    "largest_stable_rate",
    "engine",
    "batch_size",
)
