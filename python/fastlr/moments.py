"""Moments: one pass over the rows, into a small statistic that can be merged and from which fits follow."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastlr._kernels import kernels
from fastlr._moments_format import decode, encode
from fastlr.errors import InputError
from fastlr.input.arguments import as_features, as_targets
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.names import (
    GeneratedNames,
    check_same_features,
    check_same_targets,
    names_of,
    warn_of_target_among_features,
)
from fastlr.input.options import as_choice
from fastlr.input.schema import check_moments, check_moments_header
from fastlr.passes import Statistics, pass_over

__all__ = ["Moments"]

_PRECISIONS = ("double", "double_double")


class _State(NamedTuple):
    """All that moments know; `Moments.update` replaces it in one step."""

    n_samples: int
    total_weight: float
    sum_log_weight: float
    scale: FloatArray  # (q): powers of two, other than 1 only for columns whose squares leave float64's range
    mean: FloatArray  # (2, q): of the scaled columns, an unevaluated sum
    cross: (
        FloatArray  # (q, q): of the scaled columns; in double-double (2, q, q), an unevaluated sum
    )
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    size: (
        FloatArray  # (q): sums of squares, at least the diagonal's, that rounding errors belong to
    )


class Moments:
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

    _state: _State
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
        n_threads: int | None = None,
    ) -> Moments:
        """Moments of the rows of X and y, in one pass.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Array of any stride, data frame, or mapping from names to columns; numbers of any type, read as
            float64 where they lie.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Target values.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights, not all zero, or one number for all rows: precisions, as in `fastlr.ols`.
        feature_names, target_names : sequence of str, optional
            Names; by default those of the data frame, or x0, x1, ... and y.
        precision : {"double", "double_double"}, default="double"
            "double_double" keeps about 30 digits, for rows that cannot be read twice: fits from such moments lose
            twice the decimals of the condition number of 31 digits instead of 16. The pass took some five times as
            long, measured at 10 features.
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
        return moments_of(X, y, sample_weight, feature_names, target_names, n_threads, precision)[0]

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
        return cls._of_statistics(
            pass_over(
                features, targets, sample_weight, feature_names, target_names, n_threads, precision
            ),
            feature_names,
            target_names,
        )

    @classmethod
    def _of_statistics(
        cls, statistics: Statistics, feature_names: tuple[str, ...], target_names: tuple[str, ...]
    ) -> Moments:
        return cls._build(*statistics[:6], feature_names, target_names, statistics.size)

    @classmethod
    def _build(
        cls,
        n_samples: int,
        total_weight: float,
        sum_log_weight: float,
        scale: FloatArray,
        mean: FloatArray,
        cross: FloatArray,
        feature_names: tuple[str, ...],
        target_names: tuple[str, ...],
        size: FloatArray | None = None,
    ) -> Moments:
        if size is None:
            size = _leading(cross).diagonal().copy()
        return cls._of_state(
            _State(
                n_samples,
                total_weight,
                sum_log_weight,
                scale,
                mean,
                cross,
                feature_names,
                target_names,
                size,
            )
        )

    @classmethod
    def _of_state(cls, state: _State) -> Moments:
        self = object.__new__(cls)
        self._state = state
        self._lock = threading.Lock()
        return self

    def snapshot(self) -> Moments:
        """The same moments at no cost, which no later `update` of these changes."""
        return self._of_state(self._state)

    @property
    def n_samples(self) -> int:
        """Rows seen; rows of weight zero do not count."""
        return self._state.n_samples

    @property
    def total_weight(self) -> float:
        """Sum of the weights."""
        return self._state.total_weight

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features."""
        return self._state.feature_names

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the targets."""
        return self._state.target_names

    @property
    def _scale(self) -> FloatArray:
        return self._state.scale

    @property
    def _mean(self) -> FloatArray:
        return self._state.mean

    @property
    def _cross(self) -> FloatArray:
        return self._state.cross

    @property
    def _size(self) -> FloatArray:
        return self._state.size

    @property
    def n_features(self) -> int:
        """Number of features."""
        return len(self.feature_names)

    @property
    def n_targets(self) -> int:
        """Number of targets."""
        return len(self.target_names)

    @property
    def precision(self) -> str:
        """Arithmetic that the moments were accumulated in, "double" or "double_double"."""
        return _PRECISIONS[self._cross.ndim - 2]

    @property
    def sum_log_weight(self) -> float:
        """Sum of the logarithms of the positive weights (0 without weights), which the likelihood needs."""
        return self._state.sum_log_weight

    @property
    def mean(self) -> FloatArray:
        """Weighted means of features, then targets."""
        state = self._state
        with np.errstate(over="ignore"):  # of columns beyond the range
            mean: FloatArray = state.mean.sum(axis=0) / state.scale
        return mean

    @property
    def std(self) -> FloatArray:
        """Weighted population standard deviations of features, then targets."""
        state = self._state
        variance = np.maximum(_leading(state.cross).diagonal(), 0.0) / state.total_weight
        std: FloatArray = np.sqrt(variance) / state.scale
        return std

    @property
    def cross_products(self) -> FloatArray:
        """Centred cross-products of features, then targets (a copy); infinite where they exceed float64."""
        state = self._state
        with np.errstate(over="ignore", under="ignore"):
            return _leading(state.cross) / state.scale / state.scale[:, np.newaxis]

    @property
    def _leading(self) -> FloatArray:
        """Cross-products of the scaled columns, rounded to float64."""
        return _leading(self._cross)

    def _on_scale(self, scale: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Means, cross-products and sizes as those of ``columns * scale``."""
        if np.array_equal(scale, self._scale):
            return self._mean, self._cross, self._size
        with np.errstate(under="ignore"):
            change = scale / self._scale
            cross = self._cross * change * change[:, np.newaxis]
            return self._mean * change, cross, self._size * change * change

    def check_raw_squares(self) -> None:
        """Fits without intercept need squares about zero, not about the mean: refuse those out of range."""
        with np.errstate(over="ignore"):
            squares = self.total_weight * np.square(self._mean[0])
        outside = np.flatnonzero(~np.isfinite(squares))
        if outside.size:
            name = (*self.feature_names, *self.target_names)[outside[0]]
            raise InputError(
                f"the squares of column {name!r} (mean {self.mean[outside[0]]:.3g}) exceed the range of float64 "
                "without an intercept: divide it by a power of two, or fit an intercept."
            )

    def _checked(self) -> Moments:
        """Itself, unless a sum of squares has left the range of float64."""
        outside = np.flatnonzero(~np.isfinite(self._leading.diagonal()))
        if outside.size:
            name = (*self.feature_names, *self.target_names)[outside[0]]
            raise InputError(
                f"the sums of squares of column {name!r} exceed the range of float64 (about 1e308) once these moments "
                "are combined: divide the column by a power of two before building them."
            )
        return self

    def update(
        self, X: object, y: object, sample_weight: object = None, *, n_threads: int | None = None
    ) -> Moments:
        """Add rows, in place; if they are refused, nothing has changed.

        Threads may add rows to the same moments at the same time: no row is lost, and whoever reads meanwhile sees
        them before or after a batch, never in between. Only the sum of the batches' moments is taken in turns; rounding
        in the last place depends on the order.

        Parameters
        ----------
        X, y, sample_weight, n_threads
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
        features = as_features(X)
        check_same_features(features, self.feature_names, argument="X", owner="Moments")
        targets = as_targets(y, features.n_samples, index=features.index)
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
            self._state = (self + more)._state
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
        return self._build(
            state.n_samples,
            state.total_weight,
            state.sum_log_weight,
            state.scale[keep],
            np.ascontiguousarray(state.mean[:, keep]),
            np.ascontiguousarray(state.cross[..., keep[:, np.newaxis], keep]),
            GeneratedNames(names) if isinstance(state.feature_names, GeneratedNames) else names,
            state.target_names,
            state.size[keep],
        )

    def _position(self, column: str | int) -> int:
        if isinstance(column, str):
            if column in self.feature_names:
                return self.feature_names.index(column)
        elif 0 <= column < self.n_features:
            return int(column)
        raise InputError(f"column {column!r} is not among the features {list(self.feature_names)}.")

    def _check_mergeable(self, other: Moments) -> None:
        for noun, mine, theirs in (
            ("features", self.feature_names, other.feature_names),
            ("targets", self.target_names, other.target_names),
        ):
            if mine != theirs:
                raise InputError(
                    f"moments of {noun} {list(mine)} and of {list(theirs)} cannot be combined: build both from the "
                    "same columns, in the same order."
                )
        if self.precision != other.precision:
            raise InputError(
                f"moments of precision {self.precision!r} and of {other.precision!r} cannot be combined: build both "
                "with the same precision."
            )

    def _combined(
        self, other: Moments, sign: int, scale: FloatArray
    ) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """Weight, means, cross-products and sizes of a sum or a difference."""
        mean_a, cross_a, size_a = self._on_scale(scale)
        mean_b, cross_b, size_b = other._on_scale(scale)
        operands = (self.total_weight, mean_a, cross_a, other.total_weight, mean_b, cross_b)
        if self._cross.ndim == 3:
            result = kernels.merge_double_double(sign, *operands)
        else:
            result = kernels.merge(*operands) if sign > 0 else kernels.subtract(*operands)
        weight, mean, cross = result
        size = size_a + size_b  # what was added up, and is not less for having been taken away
        return weight, mean, cross, np.maximum(size, _leading(cross).diagonal())

    def __add__(self, other: object) -> Moments:
        if not isinstance(other, Moments):
            return NotImplemented
        self, other = self.snapshot(), other.snapshot()
        self._check_mergeable(other)
        scale = np.minimum(self._scale, other._scale)
        weight, mean, cross, size = self._combined(other, 1, scale)
        return self._build(
            self.n_samples + other.n_samples,
            weight,
            self.sum_log_weight + other.sum_log_weight,
            scale,
            mean,
            cross,
            _given(self.feature_names, other.feature_names),
            _given(self.target_names, other.target_names),
            size,
        )._checked()

    def __sub__(self, other: object) -> Moments:
        """Moments of the rows that are in ``self`` but not in ``other``.

        What is left has the rounding errors of what there was. The moments remember how large that was, and the
        ``digits`` of fits take it into account.
        """
        if not isinstance(other, Moments):
            return NotImplemented
        self, other = self.snapshot(), other.snapshot()
        self._check_mergeable(other)
        if other.n_samples >= self.n_samples or not other.total_weight < self.total_weight:
            raise InputError(
                f"cannot take {other.n_samples} rows (weight {other.total_weight:g}) away from {self.n_samples} "
                f"(weight {self.total_weight:g}): only rows that are in, and not all of them, can be taken away."
            )
        scale = np.minimum(self._scale, other._scale)
        weight, mean, cross, size = self._combined(other, -1, scale)
        if np.any(_leading(cross).diagonal() < -1e-12 * size):
            raise InputError(
                "the moments to take away are not part of these: a variance would become negative. Subtract only "
                "what was added."
            )
        return self._build(
            self.n_samples - other.n_samples,
            weight,
            self.sum_log_weight - other.sum_log_weight,
            scale,
            mean,
            cross,
            self.feature_names,
            self.target_names,
            size,
        )._checked()

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

    def to_bytes(self) -> bytes:
        """Serialise: a versioned format of its own, the same on every machine."""
        state = self._state
        names = {"feature_names": state.feature_names, "target_names": state.target_names}
        header = {
            "n_samples": state.n_samples,
            **names,
            "generated": [of for of in names if isinstance(names[of], GeneratedNames)],
            "precision": _PRECISIONS[state.cross.ndim - 2],
        }
        numbers = [
            np.array([state.total_weight, state.sum_log_weight]),
            state.scale,
            state.mean.ravel(),
            state.cross.ravel(),
            state.size,
        ]
        return encode(header, np.concatenate(numbers))

    @classmethod
    def from_bytes(cls, data: bytes) -> Moments:
        """Restore what `to_bytes` wrote.

        Raises
        ------
        InputError
            If the bytes are damaged, not moments at all, or of another version.
        """
        header, numbers = decode(data)
        try:
            header = check_moments_header(header, _PRECISIONS)
            features, targets = (
                (GeneratedNames if of in header["generated"] else tuple)(header[of])
                for of in ("feature_names", "target_names")
            )
            q, n_limbs = len(features) + len(targets), 1 + _PRECISIONS.index(header["precision"])
            if len(numbers) != 2 + (4 + n_limbs * q) * q:
                raise InputError(f"{len(numbers)} numbers are not those of {q} columns.")
            weights, scale, mean, cross, size = np.split(
                numbers, np.cumsum([2, q, 2 * q, n_limbs * q * q])
            )
            mean, cross = mean.reshape(2, q), cross.reshape((n_limbs, q, q))
            cross = cross[0] if n_limbs == 1 else cross
            check_moments(weights, scale, mean, cross, size)
        except InputError as error:
            raise InputError(f"data are not moments ({error}): build the moments again.") from None
        return cls._build(
            header["n_samples"],
            float(weights[0]),
            float(weights[1]),
            scale.copy(),
            mean.copy(),
            cross.copy(),
            features,
            targets,
            size.copy(),
        )


def _given(mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    """Of two equal tuples of names, the one that somebody gave."""
    return theirs if isinstance(mine, GeneratedNames) else mine


def _leading(cross: FloatArray) -> FloatArray:
    return cross if cross.ndim == 2 else cross[0]


def moments_of(
    X: object,
    y: object,
    sample_weight: object,
    feature_names: Sequence[str] | None,
    target_names: Sequence[str] | None,
    n_threads: int | None,
    precision: str = "double",
) -> tuple[Moments, bool]:
    """`Moments.from_arrays`, and whether y was one-dimensional (then coefficients are, too)."""
    features = as_features(X)
    targets = as_targets(y, features.n_samples, index=features.index)
    names, labels = names_of(features, targets, feature_names, target_names)
    as_choice(precision, _PRECISIONS, "precision")
    moments = Moments._of_columns(
        features, targets, sample_weight, names, labels, n_threads, precision
    )
    return moments, targets.is_vector
