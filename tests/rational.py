"""Least squares in exact rational arithmetic: what every digit is judged by."""

import math
from fractions import Fraction

import numpy as np

__all__ = ["exact_least_squares", "exact_minimum_norm"]


def integers(values):
    """Floats as integers times a common power of two: (integers, exponent)."""
    ratios = [float(value).as_integer_ratio() for value in np.ravel(values)]
    bits = max((denominator.bit_length() - 1 for _, denominator in ratios), default=0)
    return [numerator * (1 << bits) // denominator for numerator, denominator in ratios], -bits


def solve(A, B):
    """A X = B over the rationals for integer A (p, p) and B (p, t), by fraction-free elimination (Bareiss 1968)."""
    p = len(A)
    rows = [[*a, *b] for a, b in zip(A, B, strict=True)]
    previous = 1
    for k in range(p):
        pivot = next((i for i in range(k, p) if rows[i][k]), None)
        if pivot is None:
            raise ZeroDivisionError("the matrix is singular")
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(k + 1, p):
            rows[i] = [
                (rows[k][k] * right - rows[i][k] * left) // previous
                for left, right in zip(rows[k], rows[i], strict=True)
            ]
        previous = rows[k][k]
    solution = [[Fraction(0)] * (len(rows[0]) - p) for _ in range(p)]
    for k in reversed(range(p)):
        for t in range(len(solution[k])):
            known = sum(rows[k][j] * solution[j][t] for j in range(k + 1, p))
            solution[k][t] = (rows[k][p + t] - known) / Fraction(rows[k][k])
    return solution


def scaled_columns(X):
    """Columns of integers, and their exponents."""
    return zip(*(integers(column) for column in np.transpose(X)), strict=True)


def exact_least_squares(X, y, *, fit_intercept=True, sample_weight=None):
    """[intercept, *coef], or coef alone, as fractions; X must have full rank."""
    X = np.asarray(X, dtype=float)
    if fit_intercept:
        X = np.column_stack([np.ones(len(X)), X])
    columns, exponents = scaled_columns(X)
    (target, exponent) = integers(y)
    weight = [1] * len(target) if sample_weight is None else integers(sample_weight)[0]
    weighted = [[w * x for w, x in zip(weight, column, strict=True)] for column in columns]
    A = [[sum(map(int.__mul__, a, b)) for b in columns] for a in weighted]
    c = [[sum(map(int.__mul__, a, target))] for a in weighted]
    return [
        row[0] * Fraction(2) ** (exponent - e)
        for row, e in zip(solve(A, c), exponents, strict=True)
    ]


def exact_minimum_norm(X, y, independent, *, fit_intercept=True):
    """The least-squares solution of smallest |coef| (intercept free), as fractions.

    ``independent`` are columns that span all others exactly. With X = X_B C, where X_B are those columns (and
    the intercept), coef = C'(CC')^-1 b for the solution b on X_B.
    """
    X = np.asarray(X, dtype=float)
    b = exact_least_squares(X[:, independent], y, fit_intercept=fit_intercept)
    a, b = (b[0], b[1:]) if fit_intercept else (Fraction(0), b)
    r = len(independent)
    C = [[Fraction(0)] * X.shape[1] for _ in range(r)]
    constants = []
    for j in range(X.shape[1]):
        column = exact_least_squares(X[:, independent], X[:, j], fit_intercept=fit_intercept)
        constant, column = (column[0], column[1:]) if fit_intercept else (Fraction(0), column)
        constants.append(constant)
        for i in range(r):
            C[i][j] = column[i]
    G = [[sum(map(Fraction.__mul__, u, v)) for v in C] for u in C]
    common = math.lcm(*(value.denominator for row in [*G, b] for value in row))
    z = solve(
        [[int(value * common) for value in row] for row in G],
        [[int(value * common)] for value in b],
    )
    coef = [sum(C[i][j] * z[i][0] for i in range(r)) for j in range(X.shape[1])]
    intercept = a - sum(map(Fraction.__mul__, coef, constants))
    return [intercept, *coef] if fit_intercept else coef


def exact_wide(X, y, fit_intercept):
    """[intercept, *coef] of smallest |coef|: alpha with X X' alpha + a = y and sum(alpha) = 0."""
    rows = [[Fraction(float(v)) for v in row] for row in X]
    A = [[sum(map(Fraction.__mul__, u, v)) for v in rows] for u in rows]
    b = [Fraction(float(v)) for v in y]
    if fit_intercept:
        A = [[*row, Fraction(1)] for row in A] + [[Fraction(1)] * len(y) + [Fraction(0)]]
        b.append(Fraction(0))
    common = 2 ** max(v.denominator.bit_length() for row in [*A, b] for v in row)
    z = solve([[int(v * common) for v in row] for row in A], [[int(v * common)] for v in b])
    coef = [sum(z[i][0] * rows[i][j] for i in range(len(y))) for j in range(X.shape[1])]
    return [z[len(y)][0], *coef] if fit_intercept else coef
