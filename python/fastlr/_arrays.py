"""Anything array-like -> validated columns where they lie. Every message about input is written here.

NumPy arrays of any stride are taken as they are; data frames (pandas, polars, pyarrow, ...) and mappings give
their columns, without a copy wherever the frame's own buffers are plain numbers. Finiteness is not looked for
here: the pass over the rows finds it for nothing, and `refuse_non_finite` then names the cell.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.errors import InputError, InputTypeError

__all__ = [
    "Columns",
    "FloatArray",
    "as_features",
    "as_flag",
    "as_names",
    "as_targets",
    "as_weights",
    "check_same_features",
    "check_same_targets",
    "default_names",
    "default_targets",
    "refuse_non_finite",
    "refuse_target_among_features",
]

FloatArray = npt.NDArray[np.float64]
_READABLE = frozenset("dfbhilqBHILQ?")
_SEARCHED_PER_CALL = (
    1 << 21
)  # values looked at in one call of the kernel: 10 ms, some 50 where they lie far apart


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of numbers for the kernels: one 2-D array, or a list of 1-D arrays of equal length."""

    source: npt.NDArray[Any] | list[npt.NDArray[Any]]
    n_samples: int
    n_columns: int
    names: tuple[str, ...] | None = None
    is_vector: bool = False

    @property
    def all_float32(self) -> bool:
        """Whether every column is float32 (predictions then are, too)."""
        arrays = self.source if isinstance(self.source, list) else [self.source]
        return all(array.dtype == np.float32 for array in arrays)


@functools.lru_cache(maxsize=16)
def default_names(n_features: int) -> tuple[str, ...]:
    """Names for features that came without: x0, x1, ..."""
    return tuple(f"x{j}" for j in range(n_features))


def default_targets(n_targets: int) -> tuple[str, ...]:
    """Names for targets that came without: y, or y0, y1, ..."""
    return ("y",) if n_targets == 1 else tuple(f"y{k}" for k in range(n_targets))


def as_features(X: object, *, argument: str = "X") -> Columns:
    """Features of shape (n_samples, n_features), at least one of each."""
    columns = _as_columns(X, argument)
    if columns.is_vector:
        raise InputError(
            f"Expected 2D array, got 1D array instead: {argument} has shape ({columns.n_samples},) but needs "
            f"(n_samples, n_features). Reshape your data using {argument}.reshape(-1, 1) if it has a single "
            f"feature, or {argument}.reshape(1, -1) if it is a single sample."
        )
    shape = f"(shape=({columns.n_samples}, {columns.n_columns}))"
    if columns.n_samples == 0:
        raise InputError(
            f"Found array with 0 sample(s) {shape} while a minimum of 1 is required: {argument} has no rows."
        )
    if columns.n_columns == 0:
        raise InputError(
            f"Found array with 0 feature(s) {shape} while a minimum of 1 is required: {argument} has no columns."
        )
    return columns


def as_targets(y: object, n_samples: int, *, argument: str = "y") -> Columns:
    """One target of shape (n_samples,) or several of shape (n_samples, n_targets)."""
    if y is None:
        raise InputError(
            f"requires {argument} to be passed, but the target {argument} is None: pass one number per row of X."
        )
    columns = _as_columns(y, argument)
    if columns.n_samples != n_samples:
        raise InputError(
            f"Found input variables with inconsistent numbers of samples: X has {n_samples} rows but {argument} "
            f"has {columns.n_samples}. Pass one value of {argument} per row of X."
        )
    if columns.n_columns == 0:
        raise InputError(f"{argument} has no columns: pass at least one target.")
    return columns


def as_weights(sample_weight: object, n_samples: int) -> npt.NDArray[Any] | None:
    """Weights of shape (n_samples,), or None; signs are checked by `refuse_bad_weights` after the pass."""
    if sample_weight is None:
        return None
    if np.isscalar(sample_weight):
        raise InputTypeError(
            f"sample_weight={sample_weight!r} is a single value: pass one weight per row, or None."
        )
    columns = _as_columns(sample_weight, "sample_weight")
    if not columns.is_vector:
        raise InputError(
            f"Sample weights must be 1D array or scalar: sample_weight has {columns.n_columns} columns. "
            "Pass one weight per row."
        )
    if columns.n_samples != n_samples:
        raise InputError(
            f"sample_weight.shape == ({columns.n_samples},), expected ({n_samples},): pass one weight per row of X."
        )
    source = columns.source
    return source[0] if isinstance(source, list) else source


def as_names(names: Sequence[str], n: int, *, argument: str) -> tuple[str, ...]:
    """Exactly ``n`` distinct names."""
    if isinstance(names, str):
        raise InputTypeError(f"{argument}={names!r} is one string: pass a list of {n} names.")
    if not isinstance(names, Iterable):
        raise InputTypeError(f"{argument}={names!r} is not a list of names: pass {n} names.")
    result = tuple(names)
    for name in result:
        if not isinstance(name, str):
            raise InputTypeError(
                f"{argument} contains {name!r}, which is not a string: names are strings."
            )
    if len(result) != n:
        raise InputError(
            f"{argument} has {len(result)} names for {n} columns: pass one name per column."
        )
    if len(set(result)) != n:
        twice = next(name for name in result if result.count(name) > 1)
        raise InputError(f"{argument} contains {twice!r} twice: names must be distinct.")
    return result


def check_same_features(
    columns: Columns, names: tuple[str, ...], *, argument: str, owner: str
) -> None:
    """The features must be those that `owner` ("this fit", "these moments") was built from."""
    if columns.n_columns != len(names):
        raise InputError(
            f"{argument} has {columns.n_columns} features, but {owner} is expecting {len(names)} features as "
            f"input: pass the same features, {_listing(names)}."
        )
    if columns.names is None or names == default_names(len(names)) or columns.names == names:
        return
    unseen = [name for name in columns.names if name not in names]
    missing = [name for name in names if name not in columns.names]
    if unseen or missing:
        raise InputError(
            f"{argument} has columns that {owner} does not know ({_listing(unseen)}) and lacks others "
            f"({_listing(missing)}): pass the same features, {_listing(names)}."
        )
    raise InputError(
        f"{argument} has the features of {owner} in another order: select them as X[{list(names)}] first."
    )


def check_same_targets(columns: Columns, names: tuple[str, ...], *, owner: str) -> None:
    """The targets must be as many as those of `owner`, and of the same names if both have names."""
    if columns.n_columns != len(names):
        raise InputError(
            f"y has {columns.n_columns} targets but {owner} has {len(names)}: pass the same targets, {_listing(names)}."
        )
    if (
        columns.names is not None
        and names != default_targets(len(names))
        and columns.names != names
    ):
        raise InputError(
            f"y has the targets {_listing(columns.names)} but {owner} has {_listing(names)}: pass the same targets in "
            "the same order."
        )


def refuse_target_among_features(targets: Sequence[str], features: Sequence[str]) -> None:
    """A target that is also a feature explains itself perfectly, and nothing else."""
    both = [name for name in targets if name in features]
    if both:
        raise InputError(
            f"the target {both[0]!r} is also among the features of X: leave that column out of X "
            f"(in a data frame: X.drop(columns=[{both[0]!r}]))."
        )


def refuse_non_finite(
    columns: Columns, names: tuple[str, ...], *, argument: str, rows: tuple[int, int] | None = None
) -> None:
    """Raise if a value (of the rows from the first of ``rows`` to before the second) is NaN or infinite.

    The message names the first such cell. Rows are taken in parts so short that Ctrl-C is heard between them.
    """
    begin, end = rows or (0, columns.n_samples)
    step = max(256, _SEARCHED_PER_CALL // max(1, columns.n_columns))
    source = columns.source
    for start in range(begin, end, step):
        stop = min(end, start + step)
        part = [c[start:stop] for c in source] if isinstance(source, list) else source[start:stop]
        row, column = kernels.first_non_finite(part)
        if row >= 0:
            break
    else:
        return
    row += start
    value = float(
        source[column][row]
        if isinstance(source, list)
        else source.reshape(len(source), -1)[row, column]
    )
    kind = "NaN" if np.isnan(value) else "infinity"
    where = f"row {row}" if columns.is_vector else f"row {row}, column {names[column]!r}"
    raise InputError(
        f"Input {argument} contains {kind} ({where}, counted from 0): every value must be finite. Drop or fill "
        "such rows first."
    )


def refuse_bad_weights(weights: npt.NDArray[Any]) -> None:
    """Raise if a weight is NaN, infinite or negative, or if none is positive."""
    bad = np.flatnonzero(~np.isfinite(weights))
    if bad.size:
        raise InputError(
            f"Input sample_weight contains {weights[bad[0]]!s} (row {bad[0]}, counted from 0; NaN or infinity): "
            "weights must be finite."
        )
    negative = np.flatnonzero(weights < 0)
    if negative.size:
        raise InputError(
            f"sample_weight contains {weights[negative[0]]!s} (row {negative[0]}, counted from 0): weights must "
            "not be negative. Drop the row, or give it weight 0."
        )
    if not np.any(weights > 0):
        raise InputError(
            "sample_weight is zero in every row: at least one weight must be positive."
        )


def _as_columns(data: object, argument: str) -> Columns:
    if isinstance(data, Columns):
        return data
    if isinstance(data, np.ndarray):
        return _from_array(data, argument)
    if hasattr(data, "toarray") and hasattr(data, "tocsr"):
        raise InputTypeError(
            f"{argument} is a sparse matrix, and only dense data are supported: pass {argument}.toarray() if "
            "it fits into memory."
        )
    if isinstance(data, Mapping):
        return _from_columns(list(data.keys()), list(data.values()), argument)
    if isinstance(data, list | tuple):
        return _from_array(_from_sequence(data, argument), argument)
    return _from_frame(data, argument)


def _from_array(array: npt.NDArray[Any], argument: str) -> Columns:
    if type(array) is not np.ndarray:
        array = _plain(array, argument)
    if array.ndim not in (1, 2):
        raise InputError(
            f"Found array with dim {array.ndim}: {argument} has shape {array.shape}, and must be 1D or 2D. "
            f"Reshape your data, with one row per sample."
        )
    is_vector = array.ndim == 1
    if array.dtype.char not in _READABLE or not array.dtype.isnative:
        if array.dtype == object:
            array = _numbers_in_objects(array, argument)
        else:
            name = argument if is_vector else f"{argument} (all {array.shape[1]} columns)"
            raise _unreadable(name, array.dtype)
    return Columns(array, array.shape[0], 1 if is_vector else array.shape[1], None, is_vector)


def _plain(array: npt.NDArray[Any], argument: str) -> npt.NDArray[Any]:
    """Strip a subclass that only adds behaviour; refuse one whose meaning would be lost."""
    if isinstance(array, np.matrix):
        raise InputTypeError(
            f"{argument} is an np.matrix, which is not supported: pass np.asarray({argument})."
        )
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise InputTypeError(
            f"{argument} is a masked array with masked values: drop or fill them first ({argument}.filled(...))."
        )
    return np.asarray(array)


def _from_sequence(data: Sequence[Any], argument: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(data)
    except ValueError as error:
        raise InputError(
            f"{argument} is a nested list whose rows differ in length or depth ({error}): pass rows of equal length."
        ) from error


def _from_frame(data: object, argument: str) -> Columns:
    import narwhals as nw

    if hasattr(data, "collect") and hasattr(data, "lazy"):
        raise InputTypeError(f"{argument} is a lazy frame: pass {argument}.collect().")
    try:
        native: Any = nw.from_native(data, eager_only=True, allow_series=True)
    except nw.exceptions.DuplicateError:
        raise InputError(
            f"{argument} has two columns of the same name: names must be distinct."
        ) from None
    except TypeError:
        native = None
    if isinstance(native, nw.Series):
        columns = _from_columns([native.name or argument], [native.to_numpy()], argument)
        return Columns(columns.source, columns.n_samples, 1, columns.names, True)
    if isinstance(native, nw.DataFrame):
        names = list(native.columns)
        arrays = [native.get_column(name).to_numpy() for name in names]
        if not arrays:
            return Columns([], len(native), 0, ())
        return _from_columns(names, arrays, argument)
    if hasattr(data, "__array__") or hasattr(data, "__array_interface__"):
        return _from_array(np.asarray(data), argument)
    raise InputTypeError(
        f"{argument} is a {type(data).__name__}: pass an array, a data frame, or a mapping from names to columns."
    )


def _from_columns(labels: list[Any], values: list[Any], argument: str) -> Columns:
    """Separate columns; text, complex and other unreadable ones are named all at once."""
    arrays: list[npt.NDArray[Any]] = []
    unreadable: list[str] = []
    for label, value in zip(labels, values, strict=True):
        array = np.asarray(value)
        if array.ndim != 1:
            raise InputError(
                f"column {label!r} of {argument} has shape {array.shape}: columns are 1D."
            )
        if array.dtype == object:
            try:
                array = _numbers_in_objects(array, f"column {label!r} of {argument}")
            except InputTypeError as error:
                unreadable.append(str(error))
                continue
        elif array.dtype.char not in _READABLE or not array.dtype.isnative:
            unreadable.append(str(_unreadable(f"column {label!r} of {argument}", array.dtype)))
            continue
        arrays.append(array)
    if unreadable:
        raise InputTypeError(" ".join(unreadable))
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        raise InputError(
            f"columns of {argument} differ in length ({sorted(lengths)}): pass columns of one length."
        )
    names = tuple(labels) if all(isinstance(label, str) for label in labels) else None
    return Columns(arrays, lengths.pop() if lengths else 0, len(arrays), names)


def as_flag(value: object, argument: str) -> bool:
    """True or False, also as NumPy's or as 1 or 0."""
    if isinstance(value, bool | np.bool_ | int | np.integer) and value in (0, 1):
        return bool(value)
    raise InputTypeError(f"{argument}={value!r} is neither True nor False: pass one of these.")


def _numbers_in_objects(array: npt.NDArray[Any], argument: str) -> npt.NDArray[Any]:
    """An object array of real numbers becomes float64 (a copy: its values are Python objects)."""
    for index, value in np.ndenumerate(array):
        if isinstance(value, float | int | np.number | np.bool_) and not isinstance(
            value, np.complexfloating
        ):
            continue
        if value is None or isinstance(value, str | bytes | complex):
            reason = f"{value!r} is not a number"
        else:
            try:
                float(value)
                continue
            except (TypeError, ValueError) as error:
                reason = str(error)
        place = f"row {index[0]}" if array.ndim == 1 else f"row {index[0]}, column {index[1]}"
        raise InputTypeError(
            f"{argument} has dtype object and holds something else than numbers ({place}: {reason}): "
            "convert it to numbers, encode it, or leave the column out."
        )
    return array.astype(np.float64)


def _unreadable(name: str, dtype: np.dtype[Any]) -> InputTypeError:
    if dtype.kind == "c":
        return InputTypeError(
            f"Complex data not supported: {name} has dtype {dtype}. Pass real numbers."
        )
    if dtype.kind in "US":
        rule = "text cannot be fitted: encode it as numbers, or leave the column out."
    elif dtype.kind in "mM":
        rule = "times cannot be fitted: convert them to a number of seconds or days first."
    elif dtype.kind == "f" and dtype.isnative:
        rule = "only float32 and float64 are read: convert it with .astype(np.float64)."
    elif not dtype.isnative:
        rule = "only the machine's own byte order is read: convert it with .astype(dtype.newbyteorder('='))."
    else:
        rule = "it is not a type of numbers."
    return InputTypeError(f"{name} has dtype {dtype}: {rule}")


def _listing(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (f", ... ({len(names)} in all)" if len(names) > most else "")
