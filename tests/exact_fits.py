"""Least squares of any rank in exact rational arithmetic, fast enough for thousands of problems (python-flint).

Everything follows from the integer cross-products G of [1, X, Y]: which columns are independent, the least sum of
squares, the coefficients of smallest norm, standard errors, and the sum of squares of any other coefficients. FLINT
solves 40 columns in some 10 ms, where the fraction-free elimination in `rational` takes 600.
"""

import math
from fractions import Fraction
from functools import cached_property

import flint
import numpy as np

from exact_columns import independent_columns, integer_column, integer_columns

__all__ = ["ExactFit", "as_float"]


def _power(exponent):
    return flint.fmpq(1 << exponent) if exponent >= 0 else flint.fmpq(1, 1 << -exponent)


def _fraction(value):
    return Fraction(int(value.p), int(value.q))


def as_float(value):
    """A Fraction or FLINT's rational, rounded to float64."""
    return float(value if isinstance(value, Fraction) else _fraction(value))


def _submatrix(rows, first, second):
    return flint.fmpz_mat([[rows[i][j] for j in second] for i in first])


class ExactFit:
    """Exact answers of one problem; coefficients are those of smallest norm, the intercept free.

    Parameters
    ----------
    X, y, weights, fit_intercept
        As for `fastlr.ols`, float64; rows of weight zero are left out.
    independent : sequence of int, optional
        Columns that span the others up to rounding. Then coefficients and least sum of squares are those of these
        columns; without them, dependence is what is exactly so.

    Attributes
    ----------
    rank : int
        Rank of the features: centred with an intercept, else as they are.
    first_independent : list of int
        The first columns that do not depend on earlier ones (or ``independent``).
    least : list of Fraction
        Smallest weighted residual sum of squares of each target.
    """

    def __init__(self, X, y, weights=None, *, fit_intercept=True, independent=None):
        X = np.asarray(X, dtype=np.float64)
        Y = np.asarray(y, dtype=np.float64).reshape(len(X), -1)
        w = np.ones(len(X)) if weights is None else np.asarray(weights, dtype=np.float64)
        X, Y, w = X[w > 0], Y[w > 0], w[w > 0]
        n, p = X.shape
        self.fit_intercept, self.n_samples, self.n_features = bool(fit_intercept), n, p
        first = int(fit_intercept)
        columns, self._exponents = integer_columns(np.column_stack([np.ones((n, first)), X, Y]))
        self._q, self._p, self._first = first + p + Y.shape[1], p, first
        (weight, self._weight_exponent) = integer_column(w)
        weighted = [[w * x for w, x in zip(weight, column, strict=True)] for column in columns]
        product = flint.fmpz_mat(weighted) * flint.fmpz_mat(columns).transpose()
        self._product, self._gram = product, product.tolist()
        self._differences = [
            [value - column[0] for value in column] if first else column
            for column in columns[first : first + p]
        ]
        self.is_exact = independent is None
        pivots = (
            independent_columns(columns[: first + p])
            if independent is None
            else [*range(first), *(first + j for j in independent)]
        )
        if first and pivots[0] != 0:
            raise AssertionError("the constant comes first")
        self._pivots = pivots
        self.first_independent = [j - first for j in pivots[first:]]
        self.rank = len(self.first_independent)

    # In the frame of integers

    @cached_property
    def _solved(self):
        """Rational (coefficients on the pivots, of every other column and target)."""
        others = [j for j in range(self._q) if j not in set(self._pivots)]
        if not self._pivots:
            return others, None
        matrix = _submatrix(self._gram, self._pivots, self._pivots)
        return others, matrix.solve(_submatrix(self._gram, self._pivots, others))

    def _units(self, j):
        return _power(self._exponents[j])

    @cached_property
    def _dependence(self):
        """Row per independent feature, column per feature: x_j = sum_i x_i C_ij (+ constant), in the data's units."""
        others, solved = self._solved
        first, p = self._first, self._p
        C = [[flint.fmpq(0)] * p for _ in range(self.rank)]
        for i, pivot in enumerate(self._pivots[first:]):
            C[i][pivot - first] = flint.fmpq(1)
            for k, j in enumerate(others):
                if j < first + p:
                    C[i][j - first] = solved[first + i, k] * self._units(j) / self._units(pivot)
        return C

    def check(self):
        """Prove the dependence: what the independent columns leave of the others is exactly zero."""
        others, solved = self._solved
        dependent = [k for k, j in enumerate(others) if j < self._first + self._p]
        if not self.is_exact or not dependent or solved is None:
            return
        for k in dependent:
            j = others[k]
            rest = flint.fmpq(self._gram[j][j])
            for i, pivot in enumerate(self._pivots):
                rest -= solved[i, k] * self._gram[pivot][j]
            assert rest == 0, f"column {j - self._first} is independent"

    def _target(self, t):
        return self._first + self._p + t

    @property
    def n_targets(self):
        return self._q - self._first - self._p

    @cached_property
    def basic(self):
        """For each target (intercept, coefficients) on the first independent columns, others 0: fmpq."""
        others, solved = self._solved
        out = []
        for t in range(self.n_targets):
            j = self._target(t)
            coef, intercept = [flint.fmpq(0)] * self._p, flint.fmpq(0)
            for i, pivot in enumerate(self._pivots):
                value = solved[i, others.index(j)] * self._units(j) / self._units(pivot)
                if pivot < self._first:
                    intercept = value
                else:
                    coef[pivot - self._first] = value
            out.append((intercept, coef))
        return out

    @cached_property
    def least(self):
        others, solved = self._solved
        out = []
        for t in range(self.n_targets):
            j = self._target(t)
            rest = flint.fmpq(self._gram[j][j])
            for i, pivot in enumerate(self._pivots):
                rest -= solved[i, others.index(j)] * self._gram[pivot][j]
            out.append(_fraction(rest * self._units(j) ** 2 * _power(self._weight_exponent)))
        return out

    def _intercept_of(self, coef, t):
        """That which goes with these coefficients."""
        if not self._first:
            return flint.fmpq(0)
        j, weight = self._target(t), self._gram[0][0]
        sums = flint.fmpq(self._gram[0][j]) * self._units(j)
        for k, value in enumerate(coef):
            sums -= value * self._gram[0][1 + k] * self._units(1 + k)
        return sums / weight

    @cached_property
    def minimum_norm(self):
        """For each target (intercept, coefficients) of smallest sum of squared coefficients: Fractions.

        coef = R'z lies in the span of R, as many independent differences of rows as the rank, and has R coef = R b
        for any least-squares solution b. Up to rounding, R are the rows of the dependence, in balls of 2000 bits.
        """
        if self.rank == self._p:
            return [(_fraction(a), list(map(_fraction, b))) for a, b in self.basic]
        out = []
        if self.rank == 0:
            zeros = [Fraction(0)] * self._p
            return [(_fraction(a), zeros) for a, _ in self.basic]
        if not self.is_exact:
            return self._minimum_norm_in_balls()
        rows = independent_columns([list(row) for row in zip(*self._differences, strict=True)])
        if len(rows) != self.rank:
            raise AssertionError(f"{len(rows)} independent rows at rank {self.rank}")
        exponents = self._exponents[self._first : self._first + self._p]
        lowest = min(exponents)
        R = flint.fmpz_mat(
            [
                [
                    column[i] << (e - lowest)
                    for column, e in zip(self._differences, exponents, strict=True)
                ]
                for i in rows
            ]
        )
        b = flint.fmpq_mat(
            self._p,
            self.n_targets,
            [value for row in zip(*(c for _, c in self.basic), strict=True) for value in row],
        )
        transposed = R.transpose()
        numerators, common = (flint.fmpq_mat(R) * b).numer_denom()
        coefs = flint.fmpq_mat(transposed) * (R * transposed).solve(numerators)
        for t in range(self.n_targets):
            coef = [coefs[j, t] / common for j in range(self._p)]
            out.append((_fraction(self._intercept_of(coef, t)), list(map(_fraction, coef))))
        return out

    @cached_property
    def least_norms(self):
        """For each target the sum of squares of the coefficients of smallest norm."""
        return [
            _fraction(sum((flint.fmpq(*_terms(b)) ** 2 for b in coef), flint.fmpq(0)))
            for _, coef in self.minimum_norm
        ]

    def _minimum_norm_in_balls(self):
        before = flint.ctx.prec
        flint.ctx.prec = 2000
        try:
            C = flint.arb_mat([[flint.arb(v) for v in row] for row in self._dependence])
            out = []
            for t, (_, basic) in enumerate(self.basic):
                kept = flint.arb_mat([[flint.arb(basic[j])] for j in self.first_independent])
                coef = C.transpose() * (C * C.transpose()).solve(kept)
                values = [flint.fmpq(*_ratio(coef[j, 0])) for j in range(self._p)]
                out.append((_fraction(self._intercept_of(values, t)), list(map(_fraction, values))))
            return out
        finally:
            flint.ctx.prec = before

    # Judging other coefficients

    def rss_of(self, intercept, coef, t=0):
        """The weighted residual sum of squares of these float coefficients, exactly."""
        values = [*([intercept] if self._first else []), *coef]
        if not self._first and intercept:
            raise ValueError("there is no intercept")
        target = self._target(t)
        terms = [
            (numerator, 1 - denominator.bit_length() + exponent)
            for (numerator, denominator), exponent in zip(
                (float(value).as_integer_ratio() for value in values), self._exponents, strict=False
            )
            if numerator
        ]
        where = [j for j, value in enumerate(values) if value]
        terms.append((-1, self._exponents[target]))
        where.append(target)
        unit = min(exponent for _, exponent in terms)
        v = [0] * self._q
        for i, (numerator, exponent) in zip(where, terms, strict=True):
            v[i] = numerator << (exponent - unit)
        row = flint.fmpz_mat([v])
        total = (row * self._product * row.transpose())[0, 0]
        return _scaled(int(total), 2 * unit + self._weight_exponent)

    @cached_property
    def lengths(self):
        """sqrt(sum w x_j^2) of every feature, offset included: floats."""
        return np.array([self._length(self._first + j) for j in range(self._p)])

    @cached_property
    def target_lengths(self):
        """sqrt(sum w y^2) of every target."""
        return np.array([self._length(self._target(t)) for t in range(self.n_targets)])

    @cached_property
    def spreads(self):
        """As lengths, about the weighted mean with an intercept."""
        return np.array([self._length(self._first + j, centred=True) for j in range(self._p)])

    @cached_property
    def target_spreads(self):
        """sqrt(tss) of every target."""
        return np.array(
            [self._length(self._target(t), centred=True) for t in range(self.n_targets)]
        )

    @cached_property
    def total_weight(self):
        return float(_scaled(int(self._gram[0][0]), self._weight_exponent)) if self._first else None

    def _length(self, j, centred=False):
        square, weight = int(self._gram[j][j]), 1
        if centred and self._first:
            weight = int(self._gram[0][0])
            square = square * weight - int(self._gram[0][j]) ** 2
        return _root_of(square, weight, self._weight_exponent + 2 * self._exponents[j])

    @cached_property
    def noise(self):
        """The singular value that each dependency leaves, of columns at unit length: 0 if it is exact."""
        C = np.array([[float(_fraction(v)) for v in row] for row in self._dependence])
        C = C.reshape(self.rank, self._p)
        kept = self.spreads[self.first_independent]
        size = np.sqrt(self.spreads**2 + ((C * kept[:, np.newaxis]) ** 2).sum(axis=0))
        return self.left_over / np.where(size > 0, size, 1.0)

    @cached_property
    def left_over(self):
        """What the independent columns leave of each feature: sqrt of the sum of squares, floats (0 if exact)."""
        others, solved = self._solved
        left = np.zeros(self._p)
        if self.is_exact:
            return left
        for k, j in enumerate(others):
            if j < self._first + self._p:
                rest = flint.fmpq(self._gram[j][j])
                for i, pivot in enumerate(self._pivots):
                    rest -= solved[i, k] * self._gram[pivot][j]
                square = rest * self._units(j) ** 2 * _power(self._weight_exponent)
                left[j - self._first] = _root(_fraction(square))
        return left

    # Standard errors

    @cached_property
    def estimable(self):
        """Whether no dependency involves a feature: these coefficients are the same in every solution."""
        C = self._dependence
        is_estimable = np.zeros(self._p, dtype=bool)
        for i, j in enumerate(self.first_independent):
            is_estimable[j] = sum(value != 0 for value in C[i]) == 1
        return is_estimable

    @cached_property
    def intercept_is_estimable(self):
        """Whether no dependency involves the constant."""
        others, solved = self._solved
        of_features = [k for k, j in enumerate(others) if j < self._first + self._p]
        return bool(self._first) and all(solved[0, k] == 0 for k in of_features)

    @cached_property
    def unscaled_variances(self):
        """diag (Z_B'WZ_B)^-1 of (constant if any, *features): fractions, None beside the first independent columns.

        Balls that hold the inverse, of twice as many bits until all figures are right to 2^-60.
        """
        out = [None] * (self._first + self._p)
        if not self._pivots:
            return out
        matrix = _submatrix(self._gram, self._pivots, self._pivots)
        before, bits = flint.ctx.prec, 256
        try:
            while True:
                flint.ctx.prec = bits
                diagonal = _diagonal_of_inverse(matrix)
                if all(value.rel_accuracy_bits() > 60 for value in diagonal):
                    break
                bits *= 2
                if bits > 1 << 18:
                    raise ArithmeticError("the cross-products are singular")
            for pivot, value in zip(self._pivots, diagonal, strict=True):
                scale = self._units(pivot) ** 2 * _power(self._weight_exponent)
                out[pivot] = Fraction(*_ratio(value)) / _fraction(scale)
        finally:
            flint.ctx.prec = before
        return out

    def standard_errors(self, t=0):
        """(of the intercept, of the features) with the first independent columns alone; NaN for the others."""
        n_free = self.n_samples - self.rank - self._first
        if n_free <= 0:
            return np.nan, np.full(self._p, np.nan)
        variance = self.least[t] / n_free
        errors = np.array(
            [
                np.nan
                if v is None
                else _root_of(
                    v.numerator * variance.numerator, v.denominator * variance.denominator
                )
                for v in self.unscaled_variances
            ]
        )
        return (errors[0] if self._first else 0.0), errors[self._first :]


def _diagonal_of_inverse(matrix):
    try:
        inverse = flint.arb_mat(matrix).inv()
    except ZeroDivisionError:  # not to be told from a singular one with so few bits
        return [flint.arb(0, 1)]
    return [inverse[i, i] for i in range(matrix.nrows())]


def _scaled(numerator, exponent):
    if exponent >= 0:
        return Fraction(numerator << exponent)
    return Fraction(numerator, 1 << -exponent)


def _root(square):
    """The square root of a fraction as a float, whatever its size."""
    return _root_of(square.numerator, square.denominator)


def _root_of(numerator, denominator, exponent=0):
    """sqrt(numerator / denominator * 2**exponent) of integers as a float, whatever its size."""
    if numerator <= 0:
        return 0.0
    numerator, exponent = numerator << exponent % 2, exponent // 2
    shift = (numerator.bit_length() - denominator.bit_length()) // 2
    near_one = (numerator << max(0, -2 * shift)) / (denominator << max(0, 2 * shift))
    return float(np.ldexp(math.sqrt(near_one), shift + exponent))


def _terms(fraction):
    return fraction.numerator, fraction.denominator


def _ratio(ball):
    mantissa, exponent = ball.mid().man_exp()
    exponent = int(exponent)
    return (int(mantissa) << exponent, 1) if exponent >= 0 else (int(mantissa), 1 << -exponent)
