"""Columns of floats as columns of integers, and which of these depend on earlier ones (python-flint)."""

import flint
import numpy as np

__all__ = ["independent_columns", "integer_column", "integer_columns"]

_PRIME = (1 << 62) - 57  # rank modulo a prime of 62 bits, proved afterwards by exact elimination


def integer_column(values):
    """Floats as integers times a power of two as large as can be: (list of int, exponent)."""
    (column,), (exponent,) = integer_columns(np.reshape(values, (-1, 1)))
    return column, exponent


def integer_columns(X):
    """Columns of integers and their exponents, as large as can be: X[:, j] = columns[j] * 2**exponents[j]."""
    fraction, exponent = np.frexp(np.asarray(X, dtype=np.float64))
    mantissa, exponent = np.ldexp(fraction, 53).astype(np.int64), exponent.astype(np.int64)
    used = mantissa != 0
    lowest = np.where(used, mantissa & -mantissa, 1)
    trailing = np.log2(lowest.astype(np.float64)).astype(np.int64)
    position = exponent - 53 + trailing
    units = np.where(used, position, 1 << 20).min(axis=0, initial=1 << 20)
    units = np.where(used.any(axis=0), units, 0)
    odd = np.right_shift(mantissa, trailing)
    shift = np.where(used, position - units, 0)
    is_short = np.where(used, exponent - units, 0).max(axis=0, initial=0) < 62
    shifted = np.left_shift(odd, np.minimum(shift, 61)).T.tolist()
    columns = [
        short
        if is_short[j]
        else [
            value << by for value, by in zip(odd[:, j].tolist(), shift[:, j].tolist(), strict=True)
        ]
        for j, short in enumerate(shifted)
    ]
    return columns, units.tolist()


def independent_columns(columns):
    """The first columns (lists of integers) that do not depend on earlier ones."""
    if not columns:
        return []
    reduced = [[value % _PRIME for value in column] for column in columns]
    echelon, rank = flint.nmod_mat(
        len(reduced[0]),
        len(reduced),
        [v for row in zip(*reduced, strict=True) for v in row],
        _PRIME,
    ).rref()
    pivots, j = [], 0
    for i in range(rank):
        while not int(echelon[i, j]):
            j += 1
        pivots.append(j)
    return pivots
