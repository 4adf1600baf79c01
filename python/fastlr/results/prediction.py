"""Predictions for rows where they lie."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.input.coded import CodedColumns
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.refusals import refuse_non_finite
from fastlr.input.sparse import SparseColumns
from fastlr.input.threads import resolve_threads

__all__ = ["predict_linear"]

# Values of X that one thread reads in one call of the kernel: some 5 ms, ten times as long where they lie far apart.
_PREDICTED_PER_CALL = 1 << 22
_FEWEST_ROWS = 256  # a block of the kernel's
_MOST_READERS = 8  # threads that memory can feed


def predict_linear(
    features: Columns,
    coef: FloatArray,
    intercept: float | FloatArray,
    n_threads: int | None = None,
    *,
    names: tuple[str, ...],
) -> npt.NDArray[Any]:
    """X @ coef.T + intercept over columns where they lie; (n,) for 1-D coef, else (n, t).

    Rows are taken in parts so short that Ctrl-C is heard between them; a part whose predictions are not all finite
    is looked through for the NaN or infinity in X. One row, which services ask for again and again, goes straight
    through: no thread could help.
    """
    if isinstance(features, CodedColumns):
        return _predict_coded(features, coef, intercept, n_threads, names)
    n = features.n_samples
    matrix = np.ascontiguousarray(coef, dtype=np.float64)
    shape: tuple[int, ...] = (n,)
    if matrix.ndim == 1:
        matrix = matrix[np.newaxis]
    else:
        shape = n, len(matrix)
    if isinstance(intercept, float) and len(matrix) == 1:
        constants = np.array([intercept])
    else:
        if np.shape(intercept) != (len(matrix),):
            intercept = np.broadcast_to(intercept, (len(matrix),))
        constants = np.ascontiguousarray(intercept, dtype=np.float64)
    out = np.empty(shape, np.float32 if features.all_float32 else np.float64)
    values_per_row = len(matrix) * (1 + features.n_columns)
    if n == 1:
        if n_threads is not None:
            resolve_threads(n_threads)  # for its message
        kernels.predict(features.source, 0, 1, matrix, constants, 1, out)
        if not (math.isfinite(out.item()) if out.size == 1 else np.isfinite(out).all()):
            refuse_non_finite(features, names, argument="X", may_drop=False)
        return out
    threads = resolve_threads(n_threads)
    readers = min(threads, _MOST_READERS)
    step = readers * max(_FEWEST_ROWS, _PREDICTED_PER_CALL // values_per_row)
    if isinstance(features, SparseColumns):
        return _predict_sparse(features, matrix, constants, threads, out, names)
    for first in range(0, n, step):
        last = min(n, first + step)
        kernels.predict(features.source, first, last, matrix, constants, threads, out)
        if not np.isfinite(out[first:last]).all():
            refuse_non_finite(features, names, argument="X", rows=(first, last), may_drop=False)
    return out


def _predict_coded(
    features: CodedColumns,
    coef: FloatArray,
    intercept: float | FloatArray,
    n_threads: int | None,
    names: tuple[str, ...],
) -> npt.NDArray[Any]:
    """As `predict_linear`: of a category's coefficients each row takes that of its level."""
    n = features.n_samples
    numbers, tables = features.parted()
    columns = Columns(features.arrays, n, len(numbers))
    dtype = np.float32 if features.all_float32 else np.float64
    if len(numbers):
        of_numbers = tuple(names[j] for j in numbers)
        out = predict_linear(columns, coef[..., numbers], intercept, n_threads, names=of_numbers)
    else:
        shape = (n,) if coef.ndim == 1 else (n, len(coef))
        out = np.broadcast_to(np.asarray(intercept, dtype=dtype), shape).copy()
    for first, category in tables:
        own = coef[..., first : first + category.n_columns]
        reference = np.zeros((*coef.shape[:-1], category.level))
        out += np.concatenate([reference, own], axis=-1).T[category.codes]
    return out


def _predict_sparse(
    features: SparseColumns,
    coef: FloatArray,
    intercept: FloatArray,
    n_threads: int,
    out: npt.NDArray[Any],
    names: tuple[str, ...],
) -> npt.NDArray[Any]:
    """As `predict_linear`, by the values alone that are not zero; ``out`` is set."""
    n, source = features.n_samples, features.sparse_rows
    work = max(1, len(source.values) * len(coef))
    step = max(_FEWEST_ROWS, n_threads * n * _PREDICTED_PER_CALL // (2 * work))
    predictions = out if out.dtype == np.float64 else np.empty(out.shape)
    for first in range(0, n, step):
        last = min(n, first + step)
        kernels.predict_sparse(
            source.by_rows,
            n,
            features.n_columns,
            first,
            last,
            coef,
            intercept,
            n_threads,
            predictions,
        )
        if not np.isfinite(predictions[first:last]).all():
            refuse_non_finite(features, names, argument="X", rows=(first, last), may_drop=False)
    if predictions is not out:
        out[...] = predictions
    return out
