"""Learning rates and batch sizes beside one another: the tuning that textbooks describe."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.descent.arguments import as_batch_size
from fastlr.descent.descend import descend
from fastlr.descent.result import Descent
from fastlr.errors import ConvergenceWarning, InputError, InputTypeError
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_number

__all__ = ["MOST_DESCENTS", "RateComparison", "compare_rates"]

MOST_DESCENTS = 1000
"""Combinations of rates and batch sizes that one comparison makes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RateComparison:
    """Descents by several learning rates and batch sizes: a table, the best of them, a picture.

    Attributes
    ----------
    rates : tuple of float
        The learning rates that were asked for.
    batch_sizes : tuple of int or None
        The batch sizes; None is all rows.
    fits : tuple of Descent
        A descent for each batch size and, within it, for each rate.
    rate : ndarray of shape (n_descents,)
        The rate of each.
    batch_size : tuple of int or None
        The batch size of each.
    training_loss : ndarray of shape (n_descents,)
        The objective over all rows learned from, at the coefficients returned.
    validation_loss : ndarray of shape (n_descents,)
        Their loss on the rows held out; NaN without validation.
    diverged : ndarray of bool
        Which ended higher than they had started.
    is_validated : bool
        Whether rows were held out, whose loss then decides.
    """

    rates: tuple[float, ...]
    batch_sizes: tuple[int | None, ...]
    fits: tuple[Descent, ...]
    rate: FloatArray
    batch_size: tuple[int | None, ...]
    training_loss: FloatArray
    validation_loss: FloatArray
    diverged: npt.NDArray[np.bool_]
    is_validated: bool

    @property
    def score(self) -> FloatArray:
        """What decides: the validation loss, or without it the training loss."""
        return self.validation_loss if self.is_validated else self.training_loss

    @property
    def best_position(self) -> int | None:
        """Which descent has the lowest loss of those that did not diverge; None if all did."""
        if self.diverged.all():
            return None
        return int(np.argmin(np.where(self.diverged, np.inf, self.score)))

    @property
    def best(self) -> Descent:
        """The descent of the lowest loss; its ``learning_rate`` and ``batch_size`` are the best ones.

        Raises
        ------
        InputError
            If all of them diverged.
        """
        k = self.best_position
        if k is None:
            stable = max(fit.largest_stable_rate for fit in self.fits)
            raise InputError(
                f"none of the rates {list(self.rates)} is stable: all descents diverged. Pass smaller ones, below "
                f"{stable:.3g}, the largest that descent on all rows bears."
            )
        return self.fits[k]

    @property
    def table(self) -> dict[str, npt.NDArray[Any]]:
        """Columns by name, as every frame library takes them, a row for each descent."""
        sizes = [fit.batch_size for fit in self.fits]
        return {
            "learning_rate": self.rate,
            "batch_size": np.array(sizes),
            "training_loss": self.training_loss,
            **({"validation_loss": self.validation_loss} if self.is_validated else {}),
            "epochs": np.array([fit.n_epochs for fit in self.fits]),
            "updates": np.array([fit.n_updates for fit in self.fits]),
            "status": np.array([fit.status.code for fit in self.fits]),
        }

    def size_text(self, k: int) -> str:
        """The batch size of one descent in words."""
        size = self.batch_size[k]
        return "all rows" if size is None else f"batches of {size}"

    def plot(self, **options: Any) -> Any:
        """Draw by `fastlr.plot.learning_rates`, which has the options; return the Axes."""
        from fastlr.plot import learning_rates

        return learning_rates(self, **options)

    def __str__(self) -> str:
        best = self.best_position
        lines = [["learning rate", "rows a step", "training loss"]]
        if self.is_validated:
            lines[0].append("validation loss")
        lines[0].append("status")
        for k, fit in enumerate(self.fits):
            line = [
                f"{self.rate[k]:.4g}",
                "all" if self.batch_size[k] is None else str(self.batch_size[k]),
            ]
            line.append(f"{self.training_loss[k]:.6g}")
            if self.is_validated:
                line.append(f"{self.validation_loss[k]:.6g}")
            line.append(fit.status.code.replace("_", " ") + (" (best)" if k == best else ""))
            lines.append(line)
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                [
                    *(
                        cell.rjust(width)
                        for cell, width in zip(line[:-1], widths[:-1], strict=True)
                    ),
                    line[-1],
                ]
            )
            for line in lines
        )

    def __repr__(self) -> str:
        return (
            f"<RateComparison of {len(self.rates)} rates and {len(self.batch_sizes)} batch sizes>"
        )


def compare_rates(
    X: object,
    y: object,
    rates: Sequence[float],
    batch_sizes: Sequence[int | None] = (None,),
    validation: object = 0.2,
    *,
    sample_weight: object = None,
    epochs: int = 100,
    tol: float | None = None,
    patience: int | None = None,
    random_state: object = 0,
    **options: Any,
) -> RateComparison:
    """Descend by every learning rate and batch size, and compare where they come to.

    Parameters
    ----------
    X : array-like or sparse of shape (n_samples, n_features)
        Features, as for `fastlr.descend`.
    y : array-like of shape (n_samples,)
        Target values.
    rates : sequence of float
        Learning rates.
    batch_sizes : sequence of int or None, default=(None,)
        Rows for each step; None for all of them.
    validation : float, (X, y), (X, y, sample_weight) or None, default=0.2
        Rows whose loss decides, as for `fastlr.descend`: a share, the last rows, or rows of their own. None lets the
        training loss decide.
    sample_weight : float or array-like of shape (n_samples,), optional
        Weights of the rows.
    epochs : int, default=100
        Passes over the rows, the same for all.
    tol, patience : optional
        When to stop earlier, as for `fastlr.descend`. By default all epochs are run and the last iterates compared.
    random_state : int, Generator or RandomState, default=0
        Seed of shuffling, the same for all.
    **options
        Whatever else `fastlr.descend` takes, such as ``loss``, ``optimizer`` and ``standardize``.

    Returns
    -------
    RateComparison
        ``table``, ``best`` (a `Descent`), ``plot()``; it prints as a table. Divergence is part of it, and no warning.

    Raises
    ------
    InputError, InputTypeError
        If an argument has a wrong value or type, or there are more than 1000 combinations.

    Notes
    -----
    Every combination is a descent of its own, one after another: the cost is theirs together. ``fits`` keeps them all,
    with their histories.

    Examples
    --------
    >>> import numpy as np, fastlr
    >>> x = np.linspace(-1, 1, 50)
    >>> rates = [0.01, 0.1, 10.0]
    >>> print(fastlr.compare_rates(x[:, None], 3 * x + 1, rates, validation=None, epochs=20))
    learning rate  rows a step  training loss  status
             0.01          all        1.69308  epochs exhausted
              0.1          all       0.387639  epochs exhausted (best)
               10          all        2.06122  diverged
    """
    steps = _as_rates(rates)
    sizes = tuple(dict.fromkeys(as_batch_size(size, sys.maxsize) for size in _listed(batch_sizes)))
    n_descents = len(steps) * len(sizes)
    if not n_descents or n_descents > MOST_DESCENTS:
        raise InputError(
            f"{len(steps)} rates and {len(sizes)} batch sizes make {n_descents} descents: pass from 1 to "
            f"{MOST_DESCENTS} combinations."
        )
    stray = sorted({"learning_rate", "resume"} & options.keys())
    if stray:
        raise InputError(
            f"{stray[0]} is no option of a comparison: pass rates, which begin anew each."
        )
    generator = _seed_of(random_state)
    fits = []
    for size in sizes:
        for rate in steps:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                fits.append(
                    descend(
                        X,
                        y,
                        batch_size=size,
                        learning_rate=rate,
                        sample_weight=sample_weight,
                        validation=validation,
                        epochs=epochs,
                        tol=tol,
                        patience=patience,
                        random_state=generator,
                        **options,
                    )
                )
    diverged = np.array([fit.status.code == "diverged" for fit in fits])
    validated = [_validated(fit, patience) for fit in fits]
    return RateComparison(
        rates=steps,
        batch_sizes=sizes,
        fits=tuple(fits),
        rate=np.tile(steps, len(sizes)),
        batch_size=tuple(np.repeat(np.array(sizes, dtype=object), len(steps))),
        training_loss=np.array([fit.loss for fit in fits]),
        validation_loss=np.array(validated),
        diverged=diverged,
        is_validated=validation is not None,
    )


def _validated(fit: Descent, patience: int | None) -> float:
    """The validation loss of the iterate that is returned: the last one, or with patience the best one; NaN of none."""
    losses = fit.history.validation_loss
    if losses is None or fit.status.code == "diverged" or not np.isfinite(losses).any():
        return float("nan")
    return float(losses[-1] if patience is None else np.nanmin(losses))


def _as_rates(rates: Any) -> tuple[float, ...]:
    checked = []
    for rate in _listed(rates, "rates"):
        number = as_number(rate, "rates", "positive numbers")
        if not number > 0.0:
            raise InputError(f"rates has {rate!r}, which is no step: pass positive numbers.")
        checked.append(number)
    return tuple(dict.fromkeys(checked))


def _listed(values: Any, argument: str = "batch_sizes") -> list[Any]:
    if isinstance(values, str) or not np.iterable(values):
        raise InputTypeError(
            f"{argument}={values!r} is no sequence: pass a list, also of a single one."
        )
    return list(values)


def _seed_of(random_state: object) -> object:
    """A seed that every descent may take again: generators are drawn from once."""
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(0, 2**31 - 1))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(0, 2**31 - 1))
    return random_state
