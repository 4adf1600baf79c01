"""Moments: one pass over the rows, into a small statistic that can be merged and from which fits follow."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.input.arguments import as_features, as_targets
from fastlr.input.columns import Columns
from fastlr.input.missing import complete_rows, is_drop
from fastlr.input.names import (
    GeneratedNames,
    check_same_features,
    check_same_targets,
    names_of,
    warn_of_target_among_features,
)
from fastlr.input.options import as_choice
from fastlr.input.row_stream import RowStream
from fastlr.moments.combining import added, taken_away
from fastlr.moments.figures import Figures
from fastlr.moments.passes import pass_over
from fastlr.moments.serialised import as_bytes, from_bytes
from fastlr.moments.state import PRECISIONS, State
from fastlr.moments.streamed import state_of_stream
from fastlr.storage import Storable
from fastlr.storage.schema import Bytes, check_fields

__all__ = [
    "Moments",
    "moments_of",
    "moments_of_columns",
    "moments_of_state",
]


class Moments(Figures, Storable):
    """Total weight, means and centred cross-products of features and targets.

    Everything that least squares needs to know about the rows, in ``(p + t)^2`` numbers. Moments of disjoint sets
    of rows merge exactly (up to rounding in the last place) with ``+``, so a fit can be spread over files, days
    or machines; ``-`` takes rows away again.

    Build them with `from_arrays`; add rows in place with `update`, from several threads at once if you like.

    Attributes
    ----------
    precision : str
        "double" or "double_double".
    n_samples : int
        Rows seen; rows of weight zero do not count.
    n_dropped : int
        Rows that were left out because a value was missing (``missing="drop"``).
    total_weight : float
        Sum of the weights (``n_samples`` without weights).
    feature_names, target_names : tuple of str
        Names of the columns.
    mean : ndarray of shape (n_features + n_targets,)
        Weighted means of features, then targets.
    cross_products : ndarray of shape (n_features + n_targets, n_features + n_targets)
        ``sum w (z - mean)(z - mean)'`` with z = (x, y).

    Notes
    -----
    One pass, about ``n (p + t)^2`` flops; extra memory is ``O((p + t)^2)`` whatever n. Products are accumulated
    about a provisional mean and block sums are added in double-double, so neither offsets nor n cost digits.
    Merging follows Chan, Golub and LeVeque (1979).

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[1.0], [2.0], [4.0]]), np.array([2.0, 4.0, 8.0])
    >>> first, second = Moments.from_arrays(X[:2], y[:2]), Moments.from_arrays(X[2:], y[2:])
    >>> (first + second).n_samples
    3
    """

    __slots__ = ("_lock", "_state")

    _lock: threading.Lock  # of whoever adds rows

    def __init__(self) -> None:
        raise TypeError("Moments are built from rows: use Moments.from_arrays(X, y)")

    @classmethod
    def from_arrays(
        cls,
        X: object,
        y: object,
        sample_weight: object = None,
        *,
        feature_names: Sequence[str] | None = None,
        target_names: Sequence[str] | None = None,
        precision: str = "double",
        missing: str = "error",
        n_threads: int | None = None,
    ) -> Moments:
        """Moments of the rows of X and y, in one pass.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Array of any stride, data frame, or mapping from names to columns; numbers of any type, read as
            float64 where they lie. Or a matrix or array of `scipy.sparse`, which is never filled.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Target values.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights, not all zero, or one number for all rows. `fastlr.solve` is told what they mean.
        feature_names, target_names : sequence of str, optional
            Names; by default those of the data frame, or x0, x1, ... and y.
        precision : {"double", "double_double"}, default="double"
            "double_double" keeps about 30 digits, for rows that cannot be read twice: fits from such moments lose
            twice the decimals of the condition number of 31 digits instead of 16. The pass took some five times as
            long, measured at 10 features.
        missing : {"error", "drop"}, default="error"
            Rows with a missing value in X, y or sample_weight (NaN, None, a null or a masked value): an error that
            names the first one, or left out; `n_dropped` counts them.
        n_threads : int, optional
            Threads to use; by default all that the process may. The result does not depend on it.

        Returns
        -------
        Moments

        Raises
        ------
        InputError
            If a shape does not fit, a value is NaN or infinite, or a weight is negative.
        InputTypeError
            If a column does not hold real numbers.
        """
        return moments_of(
            X, y, sample_weight, feature_names, target_names, n_threads, precision, missing
        )[0]

    @classmethod
    def from_rows(cls, rows: RowStream, *, precision: str = "double") -> Moments:
        """Moments of rows that come in chunks, in one pass over them.

        Parameters
        ----------
        rows : Scan
            What `fastlr.scan` gave.
        precision : {"double", "double_double"}, default="double"
            As in `from_arrays`.

        Returns
        -------
        Moments

        Raises
        ------
        InputError, InputTypeError, FileFormatError
            A value or a file is refused, as by `fastlr.scan`; no row is left; or moments of so many columns do not fit
            the memory that is free.

        Examples
        --------
        >>> import numpy as np
        >>> import fastlr
        >>> rows = fastlr.scan([(np.array([[1.0], [2.0]]), [2.0, 3.0]), (np.array([[4.0]]), [5.0])])
        >>> fastlr.Moments.from_rows(rows).n_samples
        3
        """
        if not isinstance(rows, RowStream):
            raise InputTypeError(
                f"rows is a {type(rows).__name__}: pass what fastlr.scan gives, or arrays to Moments.from_arrays."
            )
        as_choice(precision, PRECISIONS, "precision")
        return cls._of_state(state_of_stream(rows, precision))

    @classmethod
    def _of_columns(
        cls,
        features: Columns,
        targets: Columns,
        sample_weight: object,
        feature_names: tuple[str, ...],
        target_names: tuple[str, ...],
        n_threads: int | None,
        precision: str = "double",
    ) -> Moments:
        state, _ = pass_over(
            features, targets, sample_weight, feature_names, target_names, n_threads, precision
        )
        return cls._of_state(state)

    @classmethod
    def _of_state(cls, state: State) -> Moments:
        self = object.__new__(cls)
        self._state = state
        self._lock = threading.Lock()
        return self

    def _with_dropped(self, n_dropped: int) -> Moments:
        """Return these moments with another count of rows that were left out."""
        if n_dropped == self._state.n_dropped:
            return self
        return self._of_state(self._state._replace(n_dropped=n_dropped))

    def for_kernels(self) -> State:
        """Return names, weights, scales, means and cross-products of one moment, as kernels take them."""
        return self._state

    def snapshot(self) -> Moments:
        """Return a copy, at no cost, which no later `update` of these moments changes."""
        return self._of_state(self._state)

    def update(
        self,
        X: object,
        y: object,
        sample_weight: object = None,
        *,
        missing: str = "error",
        n_threads: int | None = None,
    ) -> Moments:
        """Add rows, in place; if they are refused, nothing has changed.

        Threads may add rows to the same moments at the same time: no row is lost, and whoever reads meanwhile sees
        them before or after a batch, never in between. Only the sum of the batches' moments is taken in turns; rounding
        in the last place depends on the order.

        Parameters
        ----------
        X, y, sample_weight, missing, n_threads
            As in `from_arrays`; the same features and targets as before.

        Returns
        -------
        Moments
            This object.

        Raises
        ------
        InputError, InputTypeError
            As `from_arrays`, and if features or targets are not those of these moments.
        """
        features, targets, sample_weight, n_dropped = _rows(X, y, sample_weight, missing)
        check_same_features(features, self.feature_names, argument="X", owner="Moments")
        check_same_targets(targets, self.target_names, owner="these moments")
        warn_of_target_among_features(features, targets)
        more = self._of_columns(
            features,
            targets,
            sample_weight,
            self.feature_names,
            self.target_names,
            n_threads,
            self.precision,
        )
        with self._lock:  # from one state to the next in one step: no other thread's rows get lost
            self._state = (self + more._with_dropped(n_dropped))._state
        return self

    def select(self, columns: Sequence[str | int]) -> Moments:
        """Moments of some of the features, by name or position, in the order given; targets stay.

        Raises
        ------
        InputError
            If a name or position is unknown or given twice.
        """
        positions = [self._position(column) for column in columns]
        if len(set(positions)) != len(positions):
            raise InputError(f"columns={list(columns)!r} names a feature twice: name each once.")
        keep = np.array(
            [*positions, *range(self.n_features, self.n_features + self.n_targets)], dtype=np.intp
        )
        state = self._state
        names = tuple(state.feature_names[j] for j in positions)
        if isinstance(state.feature_names, GeneratedNames):
            names = GeneratedNames(names)
        return self._of_state(state.taken(keep, names, state.target_names))

    def _position(self, column: str | int) -> int:
        if isinstance(column, str):
            if column in self.feature_names:
                return self.feature_names.index(column)
        elif 0 <= column < self.n_features:
            return int(column)
        raise InputError(f"column {column!r} is not among the features {list(self.feature_names)}.")

    def __add__(self, other: object) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        return self._of_state(added(self._state, other._state))

    def __sub__(self, other: object) -> Moments:
        """Moments of the rows that are in ``self`` but not in ``other``.

        What is left has the rounding errors of what there was. The moments remember how large that was, and the
        ``digits`` of fits take it into account.
        """
        if not isinstance(other, Moments):
            return NotImplemented
        return self._of_state(taken_away(self._state, other._state))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Moments):
            return NotImplemented
        return self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"<Moments of {self.n_samples} rows, {self.n_features} features, {self.n_targets} "
            f"target{'s' if self.n_targets > 1 else ''}>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Moments.from_bytes, (self.to_bytes(),)

    def __sizeof__(self) -> int:
        """Bytes that the moments take in memory."""
        arrays = (part for part in self._state if isinstance(part, np.ndarray))
        return object.__sizeof__(self) + sum(part.nbytes for part in arrays)

    def __dask_tokenize__(self) -> tuple[str, bytes]:
        """What tells these moments from others, so that Dask knows equal ones again."""
        return "fastlr.Moments", self.to_bytes()

    def to_bytes(self) -> bytes:
        """Serialise: a versioned format of its own, the same on every machine."""
        return as_bytes(self._state)

    @classmethod
    def from_bytes(cls, data: bytes) -> Moments:
        """Restore what `to_bytes` wrote.

        Raises
        ------
        InputError
            If the bytes are damaged, not moments at all, or of another version.
        """
        return cls._of_state(from_bytes(data))

    def to_document(self) -> dict[str, Any]:
        """What `save` writes: what `to_bytes` gives, as text."""
        return {"bytes": base64.b64encode(self.to_bytes()).decode("ascii")}

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> Moments:
        """Restore what `to_document` gave; an `InputError` if that is damaged or not moments at all."""
        return cls.from_bytes(check_fields("moments", data, {"bytes": Bytes()}, {})["bytes"])


def moments_of(
    X: object,
    y: object,
    sample_weight: object,
    feature_names: Sequence[str] | None,
    target_names: Sequence[str] | None,
    n_threads: int | None,
    precision: str = "double",
    missing: str = "error",
) -> tuple[Moments, bool]:
    """`Moments.from_arrays`, and whether y was one-dimensional (then coefficients are, too)."""
    features, targets, sample_weight, n_dropped = _rows(X, y, sample_weight, missing)
    names, labels = names_of(features, targets, feature_names, target_names)
    as_choice(precision, PRECISIONS, "precision")
    moments = Moments._of_columns(
        features, targets, sample_weight, names, labels, n_threads, precision
    )
    return moments._with_dropped(n_dropped), targets.is_vector


def _rows(
    X: object, y: object, sample_weight: object, missing: str
) -> tuple[Columns, Columns, object, int]:
    """Features, targets and weights, and how many rows were left out because a value was missing."""
    if missing != "error" and is_drop(missing):
        return complete_rows(X, y, sample_weight)[:4]
    features = as_features(X)
    return features, as_targets(y, features.n_samples, index=features.index), sample_weight, 0


def moments_of_columns(
    features: Columns,
    targets: Columns,
    sample_weight: object,
    feature_names: tuple[str, ...],
    target_names: tuple[str, ...],
    n_threads: int | None,
) -> Moments:
    """Moments of columns that are validated and named already."""
    return Moments._of_columns(
        features, targets, sample_weight, feature_names, target_names, n_threads
    )


def moments_of_state(state: State) -> Moments:
    """Moments as `Moments.for_kernels` told them."""
    return Moments._of_state(state)
