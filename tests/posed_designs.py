"""What a random design is, and when float64 leaves no doubt about its rank; see `dependent_designs`."""

from dataclasses import dataclass

import numpy as np

from exact_columns import independent_columns, integer_columns
from exact_fits import ExactFit

__all__ = ["Columns", "Design", "dressed", "posed"]

_U = 2.0**-53
_MOST_NOISE = 4.0  # units of rounding
_MARGIN = 1e3  # the smallest singular value that counts, beside the rounding of the columns


@dataclass(frozen=True, eq=False)
class Design:
    """A problem of known rank.

    ``independent`` are the first columns that do not depend on earlier ones, so that they span all others;
    ``is_exact`` says whether they do so in float64, ``condition`` is the ratio of the largest singular value that
    counts to the smallest (columns centred with an intercept, weighted, at unit length), and ``grain`` the largest
    length of a column beside that of its variation.
    """

    label: str
    seed: int
    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    fit_intercept: bool
    rank: int
    independent: tuple[int, ...]
    is_exact: bool
    condition: float
    grain: float

    def __str__(self):
        return f"{self.label} --seed {self.seed}"

    @property
    def is_deficient(self):
        return self.rank < self.X.shape[1]


@dataclass(frozen=True, eq=False)
class Columns:
    """What a family draws; ``ideal`` are integer columns [constant, *features], rows in any units."""

    X: np.ndarray
    ideal: list | None = None
    fit_intercept: bool | None = None
    weights: str | None = None
    offset: float = 0.0  # largest one, in standard deviations
    is_plain: bool = False  # no units or order on top
    y: np.ndarray | None = None


def dressed(label, seed, columns, rng):
    """The design of a family's columns in random units, order, offsets and weights, with random targets."""
    X, ideal = np.array(columns.X, dtype=np.float64), columns.ideal
    n, p = X.shape
    fit_intercept = columns.fit_intercept
    if fit_intercept is None:
        fit_intercept = bool(rng.random() < 0.75)
    if columns.offset and fit_intercept:
        X = _with_offsets(X, columns.offset, rng, ideal is not None)
    if ideal is None and not columns.is_plain and rng.random() < 0.3:
        X = X * 2.0 ** rng.integers(-12, 13, size=p)
    order = rng.permutation(p) if not columns.is_plain and rng.random() < 0.4 else np.arange(p)
    X = X[:, order]
    weights = _weights(columns.weights, n, rng)
    if ideal is not None:
        ideal = [ideal[0], *(ideal[1 + j] for j in order)]
    y = _targets(X, rng) if columns.y is None else columns.y
    return posed(label, seed, X, y, weights, fit_intercept, ideal)


def posed(label, seed, X, y, weights=None, fit_intercept=True, ideal=None):
    """The design of these columns, or None where float64 leaves its rank in doubt."""
    n, p = X.shape
    used = np.ones(n, dtype=bool) if weights is None else weights > 0
    if used.sum() < 2:
        return None
    columns = [[1] * n, *integer_columns(X)[0]] if ideal is None else ideal
    columns = [[value for value, use in zip(c, used, strict=True) if use] for c in columns]
    first = int(fit_intercept)
    pivots = independent_columns(columns if fit_intercept else columns[1:])
    independent = [j - first for j in pivots[first:]]
    rows = np.flatnonzero(used)
    condition, grain = _condition(X[rows], weights, rows, fit_intercept, len(independent))
    if independent:  # "basic" has to solve with these columns alone
        kept = X[np.ix_(rows, independent)]
        of_kept, _ = _condition(kept, weights, rows, fit_intercept, len(independent))
        if not max(condition, of_kept) * grain <= 1.0 / (_MARGIN * _U):
            return None
    if (
        ideal is not None
    ):  # what rounding leaves of the dependence, beside the columns' own rounding
        fit = ExactFit(X, y, weights, fit_intercept=fit_intercept, independent=independent)
        if fit.noise.max(initial=0.0) > _MOST_NOISE * _U * (grain + np.sqrt(p)):
            return None
    return Design(
        label=label,
        seed=seed,
        X=X,
        y=y,
        weights=weights,
        fit_intercept=fit_intercept,
        rank=len(independent),
        independent=tuple(independent),
        is_exact=ideal is None,
        condition=condition,
        grain=grain,
    )


def _condition(X, weights, rows, fit_intercept, rank):
    """Largest singular value that counts over the smallest, and the largest offset of a column beside its variation."""
    size = np.frexp(np.abs(X).max(axis=0))[1]
    Z = np.ldexp(X, -size).astype(np.longdouble)
    w = np.ones(len(Z)) if weights is None else weights[rows]
    root = np.sqrt(w.astype(np.longdouble))[:, np.newaxis]
    length = np.sqrt(((root * Z) ** 2).sum(axis=0))
    if fit_intercept:
        Z = Z - Z[np.argmax(w)]
        Z = Z - (w[:, np.newaxis] * Z).sum(axis=0) / w.sum()
    Z = root * Z
    spread = np.sqrt((Z**2).sum(axis=0))
    varies = spread > 8 * _U * length
    if not varies.any():
        return 1.0, 1.0
    Z = (Z[:, varies] / spread[varies]).astype(np.float64)
    values = np.linalg.svd(Z, compute_uv=False)
    if rank > len(values):
        return np.inf, 1.0
    with np.errstate(divide="ignore"):
        condition = float(values[0] / values[rank - 1]) if rank else 1.0
    return condition, float((length[varies] / spread[varies]).max())


def _with_offsets(X, largest, rng, is_rounded):
    """Columns away from zero; integers by integers, so that their sums and differences stay exact."""
    X = X.copy()
    size = 10 ** rng.uniform(0, np.log10(largest))
    for j in range(X.shape[1]):
        spread = X[:, j].std()
        if spread == 0 or rng.random() < 0.3:
            continue
        offset = size * spread * rng.uniform(0.1, 1)
        if np.array_equal(X[:, j], np.rint(X[:, j])):
            X[:, j] += np.rint(offset)
        elif is_rounded:
            X[:, j] += offset
    return X


def _weights(kind, n, rng):
    if kind is None:
        kind = rng.choice(["none", "none", "none", "integers", "even", "decades"])
    if kind == "integers":
        return rng.integers(0, 4, size=n).astype(np.float64)
    if kind == "zeros":
        return (rng.random(n) < 0.7) * 1.0
    if kind == "even":
        return rng.uniform(0.1, 2, size=n)
    if kind == "decades":
        decades = rng.choice([2.0, 4.0, 8.0, 16.0])
        return 10 ** rng.uniform(-decades / 2, decades / 2, size=n)
    if kind == "none":
        return None
    raise ValueError(kind)


def _targets(X, rng):
    n, p = X.shape
    out = []
    for _ in range(2 if rng.random() < 0.2 else 1):
        kind = rng.choice(["noise", "signal", "signal", "integers", "exact", "offset"])
        with np.errstate(over="ignore"):
            scale = np.abs(X).max(axis=0)
        b = rng.integers(-5, 6, size=p) * 2.0 ** -np.frexp(np.where(scale > 0, scale, 1.0))[1]
        if kind == "noise":
            y = rng.normal(size=n)
        elif kind == "integers":
            y = rng.integers(-20, 21, size=n).astype(np.float64)
        elif kind == "exact":
            y = np.ldexp(np.rint(np.ldexp(X @ b, 20)), -20)
        else:
            y = X @ b + 10 ** rng.uniform(-6, 1) * rng.normal(size=n)
            if kind == "offset":
                y = y + 10 ** rng.uniform(0, 6)
        out.append(y)
    return out[0] if len(out) == 1 else np.column_stack(out)
