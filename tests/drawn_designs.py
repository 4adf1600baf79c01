"""Random designs of every kind, the same for a label and a seed: `draw(label, seed)`.

Beside those whose columns depend on one another (`dependent_designs`): columns that nearly do, of which nothing may be
left out, and a few rows far away from zero.
"""

import zlib

import numpy as np

from dependent_designs import FAMILIES, blocks_of_dummies
from posed_designs import Columns, dressed

__all__ = ["FAMILIES", "FAR_AWAY", "FULL_RANK", "draw"]

_MOST_DRAWS = 200


def draw(label, seed):
    """The problem of a family and a seed, always the same."""
    rng = np.random.default_rng([zlib.crc32(label.encode()), seed])
    family = {**FAMILIES, **FULL_RANK, **FAR_AWAY}[label]
    for _ in range(_MOST_DRAWS):
        design = dressed(label, seed, family(rng), rng)
        if design is not None:
            return design
    raise RuntimeError(f"no well-posed design of {label!r} with seed {seed} in {_MOST_DRAWS} draws")


# Nearly dependent, and nothing may be left out


def nearly_dependent(rng):
    """Condition numbers between 1e3 and 1e9."""
    p = int(rng.integers(2, 8))
    n = int(rng.integers(p + 2, 120))
    U = np.linalg.qr(rng.normal(size=(n, p)))[0]
    V = np.linalg.qr(rng.normal(size=(p, p)))[0]
    X = (U * np.geomspace(1, 10 ** -rng.uniform(3, 9), p)) @ V.T
    return Columns(X / np.linalg.norm(X, axis=0))


def nearly_repeated_columns(rng):
    """Copies that differ in a few rows, or by a little in all of them."""
    n = int(rng.integers(8, 120))
    X = rng.normal(size=(n, 2))
    near = X[:, 0].copy()
    if rng.random() < 0.5:
        near[rng.integers(0, n)] += 10 ** rng.uniform(-7, 0)
    else:
        near += 10 ** rng.uniform(-9, -2) * rng.normal(size=n)
    return Columns(np.column_stack([X, near]))


def dummies_without_a_level(rng):
    """Reference levels left out, and a level of few rows."""
    levels = rng.integers(2, 7, size=2)
    n = int(rng.integers(int(levels.sum()) + 2, 200))
    blocks = [block[:, 1:] for block in blocks_of_dummies(rng, n, levels)]
    X = np.column_stack([*blocks, rng.normal(size=n)])
    X = X[:, [len(np.unique(column)) > 1 for column in X.T]]
    return Columns(X, fit_intercept=True)


def powers(rng):
    """x, x^2, ... on an interval away from zero."""
    n, degree = int(rng.integers(12, 120)), int(rng.integers(2, 7))
    x = rng.uniform(1, 1 + 10 ** rng.uniform(-0.5, 1), size=n)
    return Columns(x[:, np.newaxis] ** np.arange(1, degree + 1))


FULL_RANK = {
    function.__name__.replace("_", " "): function
    for function in (nearly_dependent, nearly_repeated_columns, dummies_without_a_level, powers)
}


# A few rows, far away from zero


def _few_rows(rng, p):
    """At most 12 rows of p numbers, up to 1e12 standard deviations away from zero."""
    n = int(rng.integers(3, 13))
    spread = 10 ** rng.uniform(-3, 3, size=p)
    offset = 10 ** rng.uniform(0, 12, size=p) * spread * rng.choice([-1, 1], size=p)
    return rng.normal(size=(n, p)) * spread + offset


def shifted_columns(rng):
    """x1 = x0 - constant to the last bit."""
    x = _few_rows(rng, int(rng.integers(1, 3)))
    unit = np.spacing(np.abs(x).max(axis=0))
    shift = np.rint(x.mean(axis=0) * rng.uniform(0.1, 0.9, size=x.shape[1]) / unit) * unit
    X = np.column_stack([x, x - shift])
    n = len(X)
    y = x[:, 0] - x[0, 0] + rng.normal(size=n) if rng.random() < 0.5 else None
    return Columns(X, is_plain=True, y=y, fit_intercept=True, weights=_seldom(rng))


def equal_columns_far_away(rng):
    x = _few_rows(rng, int(rng.integers(1, 4)))
    copy = x[:, rng.integers(0, x.shape[1])] * rng.choice([1, -1, 2, 0.5])
    return Columns(np.column_stack([x, copy]), is_plain=True, weights=_seldom(rng))


def independent_columns_far_away(rng):
    return Columns(_few_rows(rng, int(rng.integers(1, 5))), is_plain=True, weights=_seldom(rng))


def few_rows_far_away(rng):
    """Draw a table that has no more rows than columns."""
    p = int(rng.integers(2, 9))
    X = _few_rows(rng, p)[: int(rng.integers(2, p + 1))]
    y = rng.normal(size=len(X)) + 10 ** rng.uniform(0, 10) if rng.random() < 0.5 else None
    return Columns(X, is_plain=True, y=y, weights=_seldom(rng))


def huge_units(rng):
    """Columns times 2^600 beside others, sums of integers among them."""
    W = rng.integers(-60, 61, size=(int(rng.integers(5, 13)), 2)).astype(np.float64)
    X = np.column_stack([W, W[:, 0] + W[:, 1], W[:, 0]])[:, : int(rng.integers(3, 5))]
    exponents = rng.choice([0, 0, 600, -600, 300], size=X.shape[1])
    if rng.random() < 0.5:
        exponents[:] = 600
    return Columns(np.ldexp(X, exponents), is_plain=True, weights="none")


def intercept_of_rounding(rng):
    """Standardised columns and a target of mean zero: the intercept is what rounding leaves."""
    n, p = int(rng.integers(5, 13)), int(rng.integers(1, 4))
    X = rng.normal(size=(n, p))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = X @ rng.integers(-3, 4, size=p) + rng.choice([0.0, 1.0]) * rng.normal(size=n)
    return Columns(X, is_plain=True, y=y - y.mean(), fit_intercept=True, weights="none")


def _seldom(rng):
    return rng.choice(["none", "none", "none", "even", "integers"])


FAR_AWAY = {
    function.__name__.replace("_", " "): function
    for function in (
        shifted_columns,
        equal_columns_far_away,
        independent_columns_far_away,
        few_rows_far_away,
        huge_units,
        intercept_of_rounding,
    )
}
