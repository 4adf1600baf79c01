"""Random designs whose columns depend on one another, as tables of real life do: `FAMILIES`.

Dependence is exact in float64 (dummies, integers, repeated rows), or up to the rounding of the columns (shares that sum
to 1, inches and centimetres): then the family also gives the ideal, columns of exact integers that have the rank
which the rounded ones are meant to have. Whatever float64 itself leaves in doubt is drawn again.
"""

from fractions import Fraction

import numpy as np

from exact_columns import integer_columns
from posed_designs import Columns

__all__ = ["FAMILIES", "blocks_of_dummies"]


def _n_rows(rng, p, most=200):
    """Above, at or below p, in this order of frequency."""
    kind = rng.random()
    if kind < 0.7:
        return int(rng.integers(p + 3, max(p + 4, most)))
    if kind < 0.85:
        return max(3, int(rng.integers(p - 1, p + 3)))
    return int(rng.integers(3, max(4, p)))


def _dummies(codes, n_levels):
    return (codes[:, np.newaxis] == np.arange(n_levels)).astype(np.float64)


def blocks_of_dummies(rng, n, levels):
    """Dummies of random codes, a block for each number of levels."""
    return [_dummies(rng.integers(0, k, n), k) for k in levels]


def _ideal(n, columns, rows=None):
    """Integer columns [constant, *features] of exact numbers; ``rows`` are multiples, which change no rank."""
    table = []
    for column in [[1] * n, *columns]:
        exact = (
            [
                Fraction(value) if isinstance(value, int) else Fraction(float(value))
                for value in column
            ]
            if not isinstance(column[0], Fraction)
            else list(column)
        )
        if rows is not None:
            exact = [value * row for value, row in zip(exact, rows, strict=True)]
        common = 1
        for value in exact:
            common = max(common, value.denominator)
        if any(common % value.denominator for value in exact):
            raise ValueError("denominators are powers of two")
        table.append([int(value * common) for value in exact])
    return table


def _exact_sum(*columns):
    return [sum(map(Fraction, map(float, row))) for row in zip(*columns, strict=True)]


# Dummies


def two_factors_and_a_number(rng):
    """The first row of the table: two full sets of dummies and one number."""
    n = int(rng.integers(20, 200))
    g, h = rng.integers(0, 6, n), rng.integers(0, 4, n)
    X = np.c_[np.eye(6)[g], np.eye(4)[h], rng.normal(size=n)]
    return Columns(X, is_plain=bool(rng.random() < 0.5))


def three_factors_and_numbers(rng):
    levels = rng.integers(2, 8, size=3)
    n = _n_rows(rng, int(levels.sum()) + 2)
    numbers = rng.normal(size=(n, int(rng.integers(0, 3))))
    return Columns(np.column_stack([*blocks_of_dummies(rng, n, levels), numbers]))


def saturated(rng):
    """Factors, and the products of all their dummies."""
    levels = ((4, 3), (4, 3), (3, 2), (2, 2, 2), (3, 2, 2), (5, 4))[rng.integers(0, 6)]
    n = int(rng.integers(60, 300)) if rng.random() < 0.8 else int(rng.integers(6, 40))
    factors = blocks_of_dummies(rng, n, levels)
    blocks = list(factors)
    for i, first in enumerate(factors):
        blocks += [
            (first[:, :, np.newaxis] * second[:, np.newaxis]).reshape(n, -1)
            for second in factors[i + 1 :]
        ]
    if len(factors) == 3:
        blocks.append(np.einsum("na,nb,nc->nabc", *factors).reshape(n, -1))
    return Columns(np.column_stack(blocks))


def bins(rng):
    """KBinsDiscretizer(encode="onehot-dense") with bins of equal counts."""
    n, k, n_bins = int(rng.integers(20, 200)), int(rng.integers(2, 5)), int(rng.integers(2, 7))
    blocks = []
    for _ in range(k):
        x = rng.normal(size=n)
        edges = np.quantile(x, np.arange(1, n_bins) / n_bins)
        blocks.append(_dummies(np.searchsorted(edges, x), n_bins))
    return Columns(np.column_stack(blocks))


def three_factors_few_rows(rng):
    n = int(rng.integers(6, 20))
    return Columns(np.column_stack(blocks_of_dummies(rng, n, rng.integers(2, 6, size=3))))


def a_factor_with_slopes(rng):
    """A number within each level of a factor, and over all levels."""
    k = int(rng.integers(2, 6))
    n = _n_rows(rng, 2 * k + 2)
    (D,) = blocks_of_dummies(rng, n, [k])
    x = rng.normal(size=n)
    return Columns(np.column_stack([D, x, D * x[:, np.newaxis]]))


def polynomial_of_dummies(rng):
    """Powers and products of columns of 0 and 1, and powers of a number with few values."""
    n = _n_rows(rng, 12)
    a, b = rng.integers(0, 2, size=(2, n)).astype(np.float64)
    x = rng.integers(0, int(rng.integers(2, 5)), size=n).astype(np.float64)
    powers = x[:, np.newaxis] ** np.arange(1, int(rng.integers(3, 6)))
    return Columns(np.column_stack([a, b, a * a, a * b, b * b, a * b * b, powers, a * x]))


# Rows


def repeated_rows(rng):
    """Fewer distinct rows than columns, each several times: together, in turns, or shuffled."""
    m, p = int(rng.integers(5, 16)), int(rng.integers(5, 41))
    distinct = rng.normal(size=(m, p))
    row = np.repeat(np.arange(m), int(rng.integers(2, 6)))
    order = rng.choice(["together", "in turns", "shuffled"])
    if order == "in turns":
        row = np.arange(len(row)) % m
    elif order == "shuffled":
        row = rng.permutation(row)
    return Columns(distinct[row])


def fewer_rows_than_columns(rng):
    n, p = int(rng.integers(2, 20)), int(rng.integers(3, 41))
    n = min(n, p)
    X = rng.normal(size=(n, p))
    if rng.random() < 0.3:
        X[:, p // 2] = X[:, 0]
    if rng.random() < 0.3:
        X[n // 2] = X[0]
    return Columns(X)


def thin_product_of_integers(rng):
    n, p, r = _thin(rng)
    A, B = rng.integers(-9, 10, size=(n, r)), rng.integers(-9, 10, size=(r, p))
    return Columns((A @ B).astype(np.float64), offset=10 ** rng.choice([0.0, 0.0, 3.0, 6.0]))


def thin_product(rng):
    """A product of thin factors, n = p = 33 at rank 4 among them."""
    n, p, r = _thin(rng)
    A, B = rng.normal(size=(n, r)), rng.normal(size=(r, p))
    a, b = integer_columns(A), integer_columns(B)
    shift = [exponent - min(a[1]) for exponent in a[1]]
    columns = [  # each in a unit of its own
        [sum((a[0][k][i] << shift[k]) * right[k] for k in range(r)) for i in range(n)]
        for right in b[0]
    ]
    return Columns(A @ B, ideal=[[1] * n, *columns])


def _thin(rng):
    if rng.random() < 0.4:
        return 33, 33, 4
    p = int(rng.integers(4, 34))
    return int(rng.integers(3, 80)), p, int(rng.integers(1, max(2, p // 2)))


# Parts of a whole


def totals_of_integers(rng):
    k = int(rng.integers(2, 7))
    n = _n_rows(rng, k + 3)
    parts = rng.integers(0, 1000, size=(n, k)).astype(np.float64)
    half = parts[:, : k // 2 + 1].sum(axis=1)
    X = np.column_stack([parts, parts.sum(axis=1), half, rng.normal(size=n)])
    return Columns(X, offset=10 ** rng.choice([0.0, 0.0, 3.0, 6.0]))


def totals(rng):
    """Amounts with cents, and their sum."""
    k = int(rng.integers(2, 7))
    n = _n_rows(rng, k + 2)
    parts = np.round(rng.lognormal(3, 1, size=(n, k)), 2)
    x = rng.normal(size=n)
    X = np.column_stack([parts, parts.sum(axis=1), x])
    return Columns(X, ideal=_ideal(n, [*parts.T, _exact_sum(*parts.T), x]))


def shares(rng):
    return _parts_of(rng, 1.0)


def percentages(rng):
    return _parts_of(rng, 100.0)


def _parts_of(rng, whole):
    k = int(rng.integers(2, 8))
    n = _n_rows(rng, k + 2)
    counts = rng.integers(1, 1000, size=(n, k))
    if rng.random() < 0.3:  # one part is rare
        counts[:, 0] = rng.integers(1, 4, size=n)
    total = counts.sum(axis=1)
    x = rng.integers(-500, 500, size=n)
    X = np.column_stack([whole * counts / total[:, np.newaxis], x])
    ideal = [total, *counts.T, x * total]
    return Columns(X, ideal=[column.tolist() for column in ideal])


def splines(rng):
    """One or two bases of B-splines, each of which sums to one, and a number."""
    n, blocks, ideal = int(rng.integers(25, 200)), [], []
    for _ in range(int(rng.integers(1, 3))):
        degree, k = int(rng.integers(1, 4)), int(rng.integers(1, 5))
        x = np.sort(rng.uniform(0, 1, size=n))[rng.permutation(n)]
        inner = np.quantile(x, np.arange(1, k + 1) / (k + 1))
        knots = np.r_[[0.0] * (degree + 1), inner, [1.0] * (degree + 1)]
        from scipy.interpolate import BSpline  # slow to import, and workers start often

        basis = BSpline.design_matrix(x, knots, degree).toarray()
        blocks.append(basis)
        ideal += [*basis[:, :-1].T, [1 - v for v in _exact_sum(*basis[:, :-1].T)]]
    x = rng.normal(size=n)
    return Columns(np.column_stack([*blocks, x]), ideal=_ideal(n, [*ideal, x]))


# The same quantity twice


def repeated_columns(rng):
    """Copies, negatives, and multiples by powers of two."""
    k = int(rng.integers(1, 6))
    n = _n_rows(rng, 2 * k)
    X = rng.normal(size=(n, k)) + 10 ** rng.uniform(-2, 6) * (rng.random(k) < 0.3)
    chosen = rng.integers(0, k, size=int(rng.integers(1, 5)))
    copies = X[:, chosen] * rng.choice([1, 1, -1, 2, 0.25, -64], size=len(chosen))
    return Columns(np.column_stack([X, copies]))


def rescaled_columns(rng):
    """Inches and centimetres, pounds and kilograms, Celsius and Fahrenheit."""
    k = int(rng.integers(1, 5))
    n = _n_rows(rng, 2 * k + 1)
    X = rng.normal(size=(n, k)) + 10 ** rng.uniform(-2, 4) * (rng.random(k) < 0.5)
    columns, ideal = [*X.T], [*X.T]
    for j in rng.integers(0, k, size=int(rng.integers(1, 4))):
        if rng.random() < 0.3:
            columns.append(1.8 * X[:, j] + 32)
            ideal.append([9 * Fraction(float(v)) + 160 for v in X[:, j]])
        else:
            columns.append(rng.choice([2.54, 0.45359237, 1e-3, 1 / 3]) * X[:, j])
            ideal.append(X[:, j])
    return Columns(np.column_stack(columns), ideal=_ideal(n, ideal))


def years_and_ages(rng):
    """age = year - birth, cohorts as dummies, and a number."""
    n = _n_rows(rng, 8)
    year = rng.integers(1990, 2021, size=n)
    age = rng.integers(18, 80, size=n)
    blocks = [year, age, year - age, rng.normal(size=n)]
    if rng.random() < 0.5:
        blocks += [year - 2000, (year - age) // 10]
    if rng.random() < 0.3:
        blocks.append(_dummies((year - 1990) // 8, 4))
    return Columns(np.column_stack(blocks))


def lags_of_integers(rng):
    """A walk, its lags, and their differences."""
    n, lags = int(rng.integers(8, 150)), int(rng.integers(1, 4))
    walk = np.cumsum(rng.integers(-50, 51, size=n + lags))
    return Columns(_lagged(walk, n, lags), offset=10 ** rng.choice([0.0, 0.0, 3.0, 6.0]))


def lags(rng):
    """As before, of numbers that are rounded in every difference."""
    n, lags = int(rng.integers(12, 150)), int(rng.integers(1, 4))
    walk = np.cumsum(rng.normal(size=n + lags)) + 10 ** rng.uniform(0, 3)
    exact = [Fraction(float(v)) for v in walk]
    columns = [exact[k : n + k] for k in range(lags + 1)]
    columns += [
        [a - b for a, b in zip(columns[k + 1], columns[k], strict=True)] for k in range(lags)
    ]
    return Columns(_lagged(walk, n, lags), ideal=_ideal(n, columns))


def _lagged(walk, n, lags):
    columns = [walk[k : n + k] for k in range(lags + 1)]
    columns += [columns[k + 1] - columns[k] for k in range(lags)]
    return np.column_stack(columns)


# Units, constants, weights, offsets


def different_units(rng):
    """Columns 2^-100 to 2^100 apart."""
    n = _n_rows(rng, 7)
    W = rng.integers(-60, 61, size=(n, 3)).astype(np.float64)
    (D,) = blocks_of_dummies(rng, n, [3])
    X = np.column_stack([W, W @ [1, 2, -1], W[:, 0] - W[:, 1], D])
    return Columns(X * 2.0 ** rng.integers(-100, 101, size=8), is_plain=True)


def constants(rng):
    """Constant columns, zeros among them, beside numbers and dummies."""
    n = _n_rows(rng, 6)
    values = rng.choice([0.0, 0.1, 1.0, 5.0, 1e6, -1 / 3], size=int(rng.integers(1, 4)))
    blocks = [np.tile(values, (n, 1)), rng.normal(size=(n, int(rng.integers(0, 3))))]
    if rng.random() < 0.5:
        blocks += blocks_of_dummies(rng, n, [3])
    return Columns(np.column_stack(blocks))


def weights(rng):
    """Dummies and sums under weights that are integers, zero, or many decades apart."""
    levels = rng.integers(2, 5, size=2)
    n = _n_rows(rng, int(levels.sum()) + 3)
    W = rng.integers(-50, 51, size=(n, 2)).astype(np.float64)
    X = np.column_stack([*blocks_of_dummies(rng, n, levels), W, W[:, 0] - W[:, 1]])
    return Columns(X, weights=rng.choice(["integers", "zeros", "even", "decades"]))


def offsets(rng):
    """Integers and dummies, their sums and copies, to a million standard deviations away from zero."""
    n = _n_rows(rng, 7)
    W = rng.integers(-60, 61, size=(n, 3)).astype(np.float64)
    X = np.column_stack([W, W[:, 0] + W[:, 1], W[:, 2], *blocks_of_dummies(rng, n, [3])])
    return Columns(X, offset=1e6)


def far_offsets(rng):
    """Integers to 1e12 away from zero, each of which is another one shifted, or a difference of two."""
    k = int(rng.integers(1, 4))
    n = int(rng.integers(k + 3, 40)) if rng.random() < 0.8 else int(rng.integers(3, k + 3))
    W = rng.integers(-500, 501, size=(n, k)).astype(np.float64)
    far = np.rint(10 ** rng.uniform(6, 12, size=k) * rng.choice([-1, 1], size=k))
    X = W + far
    blocks = [X, X - np.rint(far / 3), W[:, [0]] - W[:, [-1]] + far[0]]
    return Columns(np.column_stack(blocks[: int(rng.integers(2, 4))]), is_plain=True)


def nearly_and_exactly_dependent(rng):
    """Condition numbers to 1e7 among the independent columns, and sums of them on top."""
    n = _n_rows(rng, 7)
    W = rng.integers(-1000, 1001, size=(n, 3)).astype(np.float64)
    W *= 2.0 ** rng.integers(0, 14)
    W[:, 1] = W[:, 0] + rng.integers(-1, 2, size=n)
    return Columns(np.column_stack([W, W[:, 0] - W[:, 1] + W[:, 2], W[:, 1] + W[:, 2]]))


FAMILIES = {
    function.__name__.replace("_", " "): function
    for function in (
        two_factors_and_a_number,
        three_factors_and_numbers,
        saturated,
        bins,
        three_factors_few_rows,
        a_factor_with_slopes,
        polynomial_of_dummies,
        repeated_rows,
        fewer_rows_than_columns,
        thin_product_of_integers,
        thin_product,
        totals_of_integers,
        totals,
        shares,
        percentages,
        splines,
        repeated_columns,
        rescaled_columns,
        years_and_ages,
        lags_of_integers,
        lags,
        different_units,
        constants,
        weights,
        offsets,
        far_offsets,
        nearly_and_exactly_dependent,
    )
}
