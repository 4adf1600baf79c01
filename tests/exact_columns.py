"""Columns of floats as columns of integers, and which of these depend on earlier ones (python-flint)."""

import flint
import numpy as np

__all__ = ["independent_columns", "integer_column", "integer_columns"]

_PRIME = (1 << 62) - 57  # rank modulo a prime of 62 bits, proved afterwards by exact elimination


def integer_column(values):
    """Floats as integers times a power of two as large as can be: (list of int, exponent)."""
    fraction, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    mantissa = np.ldexp(fraction, 53).astype(np.int64)
    used = mantissa != 0
    if not used.any():
        return [0] * len(mantissa), 0
    trailing = np.zeros(len(mantissa), dtype=np.int64)
    lowest = (mantissa[used] & -mantissa[used]).astype(np.float64)
    trailing[used] = np.log2(lowest).astype(np.int64)
    position = exponent.astype(np.int64) - 53 + trailing
    unit = int(position[used].min())
    odd = np.right_shift(mantissa, trailing)
    shift = np.where(used, position - unit, 0)
    if int((exponent[used] - unit).max()) < 62:
        return np.left_shift(odd, shift).tolist(), unit
    return [value << by for value, by in zip(odd.tolist(), shift.tolist(), strict=True)], unit


def integer_columns(X):
    """Columns of integers and their exponents: X[:, j] = columns[j] * 2**exponents[j]."""
    pairs = [integer_column(column) for column in np.asarray(X, dtype=np.float64).T]
    return [column for column, _ in pairs], [exponent for _, exponent in pairs]


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
