"""Arrays whose entries have names: parameters, their errors, intervals and covariances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from fastlr.errors import InputError

__all__ = ["INTERCEPT", "NamedValues"]

INTERCEPT = "(intercept)"
"""What the constant is called among the parameters; no column of a table should have this name."""

_GAP = "  "
_MOST_SHOWN = 20  # names in a message


class NamedValues(NDArrayOperatorsMixin):
    """Numbers with names: an array to compute with, a mapping to look up in, a table to print.

    Parameters
    ----------
    values : ndarray
        The numbers.
    axes : mapping from int to tuple of str
        Which axes have names, counted from the end (-1 is the last one), and which names.

    Attributes
    ----------
    values : ndarray
        The numbers, read-only.
    names : tuple of str
        Names along the first of the named axes.

    Notes
    -----
    A name, or several for several axes that have names, picks from these, and so does a list of names, which are kept;
    every other key is NumPy's. Arithmetic and NumPy's functions give plain arrays.

    Examples
    --------
    >>> import numpy as np
    >>> errors = NamedValues(np.array([2.0, 0.5]), {-1: ("(intercept)", "dose")})
    >>> float(errors["dose"]), float(errors[1]), errors.names
    (0.5, 0.5, ('(intercept)', 'dose'))
    >>> errors * 2.0
    array([4., 1.])
    >>> print(errors)
    (intercept)    2
    dose         0.5
    """

    __slots__ = ("_axes", "values")

    values: npt.NDArray[np.float64]

    def __init__(self, values: npt.NDArray[np.float64], axes: dict[int, tuple[str, ...]]) -> None:
        self.values = np.asarray(values, dtype=np.float64)
        self.values.setflags(write=False)
        self._axes = axes

    @property
    def names(self) -> tuple[str, ...]:
        """Names along the first of the named axes."""
        return next(iter(self._axes.values()))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.values.shape

    @property
    def ndim(self) -> int:
        """Number of axes of the array."""
        return self.values.ndim

    @property
    def size(self) -> int:
        """Number of values."""
        return self.values.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values: float64."""
        return self.values.dtype

    def keys(self) -> tuple[str, ...]:
        """Return the names, as a mapping does."""
        return self.names

    def items(self) -> Iterator[tuple[str, Any]]:
        """Pairs of a name and what it stands for."""
        return ((name, self[name]) for name in self.names)

    def to_dict(self) -> dict[str, Any]:
        """Names and plain numbers, or lists of them."""
        return {name: np.asarray(value).tolist() for name, value in self.items()}

    def round(self, decimals: int = 0) -> npt.NDArray[np.float64]:
        """Return the array with so many decimals."""
        return self.values.round(decimals)

    def tolist(self) -> Any:
        """Return the values as plain numbers, in lists of lists."""
        return self.values.tolist()

    def __getitem__(self, key: Any) -> Any:
        """Give what names, or NumPy's indices, pick; a list of names gives the values with these names."""
        wanted = key if isinstance(key, tuple) else (key,)
        if not any(isinstance(part, str) or _are_names(part) for part in wanted):
            return self.values[key]
        if len(wanted) > len(self._axes):
            raise InputError(
                f"{key!r} has {len(wanted)} parts, and {len(self._axes)} of the axes have names: pass one for each."
            )
        if any(map(_are_names, wanted)) and not all(
            isinstance(part, str) or _are_names(part) or part == slice(None) for part in wanted
        ):
            raise InputError(
                f"{key!r} has names beside other indices: pass names, lists of names and ':' alone, or index .values."
            )
        values, axes = self.values, dict(self._axes)
        index: list[Any] = [slice(None)] * self.ndim
        for part, (axis, names) in zip(wanted, self._axes.items(), strict=False):
            if _are_names(part):
                values = values.take([_position(name, names) for name in part], axis=axis)
                axes[axis] = tuple(part)
            elif isinstance(part, str):
                index[axis] = _position(part, names)
                del axes[axis]
            else:
                index[axis] = part
        if not any(map(_are_names, wanted)):
            return values[tuple(index)]
        gone = [axis for axis in self._axes if axis not in axes]
        left = {axis + sum(axis < other for other in gone): names for axis, names in axes.items()}
        return NamedValues(values[tuple(index)], left)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy:
            return np.array(self.values, dtype=dtype)
        return np.asarray(self.values, dtype=dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [part.values if isinstance(part, NamedValues) else part for part in inputs]
        return getattr(ufunc, method)(*plain, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        return NamedValues, (self.values, self._axes)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        """Return a table: a line for every name; values of several targets stand beside one another."""
        axes = dict(self._axes)
        (axis, names), *others = axes.items()
        values = np.moveaxis(self.values, axis, 0).reshape(len(names), -1)
        cells = [[f"{value:.6g}" for value in row] for row in values]
        titles = list(others[0][1]) if others and self.ndim == 2 else None
        if titles:
            cells.insert(0, titles)
            names = ("", *names)
        first = max(map(len, names))
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for name, row in zip(names, cells, strict=True):
            figures = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
            lines.append(_GAP.join([name.ljust(first), *figures]))
        return "\n".join(lines)


def _are_names(part: object) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(name, str) for name in part)


def _position(name: str, names: tuple[str, ...]) -> int:
    if name not in names:
        more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
        shown = ", ".join(map(repr, names[:_MOST_SHOWN]))
        raise KeyError(f"{name!r} is not among the names {shown}{more}.")
    return names.index(name)
