"""Generated problems that cost other solvers their digits, with exact answers."""

from dataclasses import dataclass, field

import numpy as np

import nist
import rational


@dataclass(frozen=True)
class Case:
    """``independent`` are columns that span the others exactly; all of them at full rank."""

    name: str
    X: np.ndarray
    y: np.ndarray
    independent: list[int]
    fit_intercept: bool = True
    exact: list = field(default_factory=list, compare=False)

    @property
    def rank(self):
        return len(self.independent)

    @property
    def is_deficient(self):
        return self.rank < self.X.shape[1]

    def right_digits(self, coef, intercept):
        """Right digits of the worst coefficient; of the whole vector's largest one if the rank is deficient."""
        if not self.exact:
            solve = (
                rational.exact_minimum_norm if self.is_deficient else rational.exact_least_squares
            )
            arguments = (self.X, self.y) + ((self.independent,) if self.is_deficient else ())
            self.exact.extend(solve(*arguments, fit_intercept=self.fit_intercept))
        estimate = [intercept, *coef] if self.fit_intercept else list(coef)
        return min(map(nist.log_relative_error, map(float, estimate), self.exact))


def _full(name, X, y, **options):
    return Case(name, X, y, list(range(X.shape[1])), **options)


def cases():
    rng = np.random.default_rng(20260404)
    n = 40
    Z = rng.normal(size=(n, 4))
    noise = rng.normal(size=n)
    y = Z @ [1.0, -2.0, 0.5, 3.0] + noise
    yield _full("plain", Z, y)
    for decimals in (4, 8):
        yield _full(f"offset 1e{decimals}", Z + 10.0**decimals, y)
    yield _full("offset of y 1e8", Z, y + 1e8)
    for decimals in (2, 4, 6, 8, 10, 12):
        X = Z.copy()
        X[:, 3] = X[:, 0] + X[:, 1] + 10.0**-decimals * X[:, 3]
        yield _full(f"collinear 1e-{decimals}", X, y)
    x = np.linspace(0, 1, n)
    for degree in (4, 7, 10):
        X = np.cumprod(np.repeat(x[:, np.newaxis], degree, axis=1), axis=1)
        yield _full(f"Vandermonde {degree}", X, np.cos(4 * x))
    for p in (4, 7):
        X = 1.0 / (np.arange(p)[:, np.newaxis] + np.arange(p) + 1.0)
        X = np.vstack([X, X[::-1] * 3.0])
        yield _full(f"Hilbert {p}", X, np.arange(2.0 * p), fit_intercept=False)
    for decimals in (4, 7):
        X = np.vstack([np.ones(5), 10.0**-decimals * np.eye(5)])
        yield _full(f"Läuchli 1e-{decimals}", X, np.arange(6.0) + 1, fit_intercept=False)
    yield _full("wild scales", Z * [1e-150, 1e150, 1e-5, 1e5], y)
    X = Z.copy()
    X[0] *= 1e6
    yield _full("leverage", X, y)
    yield _full("small residual", Z, Z @ [1.0, -2.0, 0.5, 3.0] + 1e-12 * noise)
    yield _full("large residual", Z * [1, 1, 1, 1e-3], 1e6 * noise)
    yield _full("no intercept, offset", Z + 1e4, y, fit_intercept=False)
    W = rng.integers(-50, 50, size=(n, 3)).astype(float)
    target = rng.normal(size=n)
    three = [0, 1, 2]
    yield Case("duplicate", W[:, [0, 1, 2, 0]], target, three)
    yield Case("sum", np.column_stack([W, W[:, 0] + W[:, 1]]), target, three)
    yield Case(
        "sum, offset 1e6", np.column_stack([W + 1e6, W[:, 0] + W[:, 1] + 2e6]), target, three
    )
    group = rng.integers(0, 3, size=n)
    dummies = (group[:, np.newaxis] == np.arange(3)).astype(float)
    yield Case("dummies", np.column_stack([dummies, W[:, 0]]), target, [0, 1, 3])
    V = W * 2.0**14
    V[:, 1] = V[:, 0] + rng.integers(-1, 2, size=n)
    yield Case("sum, collinear", np.column_stack([V, V[:, 0] - V[:, 1] + V[:, 2]]), target, three)
    two = np.column_stack([W, W @ [1.0, 2.0, 3.0], W @ [2.0, -1.0, 1.0]])
    yield Case("two dependencies", two, target, three)
    scales = [2.0**-20, 2.0**20, 1.0, 2.0**10]
    yield Case("sum, scales", np.column_stack([W, W[:, 0] + W[:, 1]]) * scales, target, three)
