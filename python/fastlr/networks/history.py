"""The course of a network's training: figures of every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.input.frames import new_frame
from fastlr.storage.schema import Field, Maybe, Numbers, check_fields, check_keys, shown

__all__ = ["NetworkHistory"]

_ANY = Numbers("e", may_be_nan=True)
_FIELDS: Mapping[str, Field] = {
    "loss": _ANY,
    "validation_loss": Maybe(_ANY),
    "gradient_norm": _ANY,
    "learning_rate": _ANY,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkHistory:
    """Arrays with one entry for each epoch, ready to plot.

    Attributes
    ----------
    epoch : ndarray of int
        Numbers of the epochs: 0, 1, 2, ...
    loss : ndarray
        Half the mean of squares, summed over the targets, with the penalty: the mean over the epoch's batches, each
        before its own step. With ``standardize=True`` of standardised targets.
    validation_loss : ndarray or None
        Half the mean of squares on the validation rows after the epoch, without a penalty.
    gradient_norm : ndarray
        Length of the mean of the batches' gradients, by all weights and biases.
    learning_rate : ndarray
        Rate of the epoch's first update.
    """

    epoch: npt.NDArray[np.int64]
    loss: FloatArray
    validation_loss: FloatArray | None
    gradient_norm: FloatArray
    learning_rate: FloatArray

    def __len__(self) -> int:
        return len(self.epoch)

    def plot(self, **options: Any) -> Any:
        """Draw the loss by epoch (`fastlr.plot.loss`, which has the options), and return the matplotlib Axes."""
        from fastlr.plot import loss

        return loss(self, **options)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The columns of `to_frame` by name."""
        return {
            field.name: array
            for field in fields(self)
            if (array := getattr(self, field.name)) is not None
        }

    def to_frame(self, *, backend: str | None = None) -> Any:
        """The history as a table with a row for each epoch.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            The library of the frame; by default the first of these that is installed.

        Raises
        ------
        ImportError
            If none of the libraries is installed.
        """
        return new_frame(self.columns(), backend)

    def to_document(self) -> dict[str, Any]:
        """The arrays as plain lists, from which `from_document` restores the same bits."""
        return {
            name: None if (array := getattr(self, name)) is None else array.tolist()
            for name in _FIELDS
        }

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> NetworkHistory:
        """Restore what `to_document` gave; an `InputError` if an array is missing, unknown or of another length."""
        check_keys("a history", data, _FIELDS)
        if not isinstance(data["loss"], list):
            raise InputError(f"loss={shown(data['loss'])} is not a list of numbers.")
        n = len(data["loss"])
        return cls(epoch=np.arange(n), **check_fields("a history", data, _FIELDS, {"e": (n,)}))
