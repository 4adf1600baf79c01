"""Cholesky's factor, its inverse and what is made of them, at and around the sizes of blocks."""

from functools import cache

import numpy as np
import pytest

from fastlr import reference

U = 2.0**-53
EDGES = [
    1,
    2,
    7,
    8,
    9,
    32,
    33,
    47,
    48,
    49,
    63,
    64,
    65,
    127,
    128,
    129,
    143,
    144,
    145,
    191,
    192,
    193,
    257,
]
KINDS = {"random": 400, "graded": 400, "ill-conditioned": 600}


@cache
def positive_definite(kind, n):
    """A matrix whose columns are scaled as kernels do it, by powers of two."""
    rng = np.random.default_rng(n)
    Z = rng.normal(size=(n + 5, n))
    if kind == "graded":
        Z *= 10.0 ** rng.uniform(-6, 6, n)
    A = Z.T @ Z
    if kind == "ill-conditioned" and n > 1:
        basis = np.linalg.qr(rng.normal(size=(n, n)))[0]
        A = (basis * np.geomspace(1.0, 1e-11, n)) @ basis.T
        A = (A + A.T) / 2
    scale = np.ldexp(1.0, -np.frexp(np.sqrt(A.diagonal()))[1])
    A *= np.outer(scale, scale)
    A.flags.writeable = False  # it is shared
    return A


def factors(kernels, A, n_threads=2):
    """Return Cholesky's factor R, with R'R = A, and its inverse K."""
    n = len(A)
    cross = np.zeros((n + 1, n + 1))
    cross[:n, :n], cross[n, n] = A, 1.0
    basis = kernels.first_basis(n, 1e3, np.zeros((2, n + 1)), cross, True, n_threads=n_threads)
    return basis[1], basis[0]


def backward_error(A, R):
    """The largest of some columns of A - R'R, beside which products of extended precision are exact."""
    columns = np.unique(np.linspace(0, len(A) - 1, 16).astype(int))
    wide = np.ascontiguousarray(R.T, dtype=np.longdouble)  # R' by rows, as are the chosen columns
    return float(np.abs(A[:, columns] - wide @ wide[columns].T).max())


@cache
def error_of_lapack(kind, n):
    A = positive_definite(kind, n)
    return backward_error(A, np.linalg.cholesky(A).T)


@pytest.mark.parametrize("kind", KINDS)
def test_the_factor_is_as_near_as_lapacks_and_its_inverse_right_to_rounding(kernels, kind):
    for n in (*EDGES, KINDS[kind]):
        A = positive_definite(kind, n)
        R, K = factors(kernels, A)
        assert not np.tril(R, -1).any(), n
        assert not np.tril(K, -1).any(), n
        assert backward_error(A, R) <= 2 * error_of_lapack(kind, n) + 4 * U, n
        # Every element, to rounding of the products by which they are checked.
        size = np.abs(R)
        assert (np.abs(R.T @ R - A) <= 4 * n * U * (size.T @ size) + 4 * U).all(), n
        rounding = n * U * (size @ np.abs(K))
        assert (np.abs(R @ K - np.eye(n)) <= 4 * rounding + 4 * U).all(), n


def test_threads_do_not_change_a_bit(kernels):
    # Of 1040 columns a tile takes the first 1024 at once.
    for n, several in ((33, (2,)), (130, (2, 3)), (257, (2, 3)), (400, (2,)), (1040, (3,))):
        A = positive_definite("graded", n)
        alone = factors(kernels, A, 1)
        assert backward_error(A, alone[0]) <= 2 * error_of_lapack("graded", n) + 4 * U, n
        for n_threads in several:
            for one, many in zip(alone, factors(kernels, A, n_threads), strict=True):
                np.testing.assert_array_equal(one, many)


def system(n, p, seed=0, t=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + rng.normal(size=p)
    moments = reference.centred_moments(X, rng.normal(size=(n, t)), None)
    mean = np.vstack([moments.mean, np.zeros_like(moments.mean)])
    return X, (p, moments.total_weight, mean, moments.cross_products, True)


def test_a_solution_is_the_same_for_any_number_of_threads(kernels):
    _, arguments = system(600, 290)
    alone, digits, relevant, enough = kernels.solve_normal_equations(*arguments, None, n_threads=1)
    for n_threads in (2, 3):
        other, *judged = kernels.solve_normal_equations(*arguments, None, n_threads=n_threads)
        assert judged == [digits, relevant, enough]
        for one, many in zip(alone, other, strict=True):
            np.testing.assert_array_equal(one, many)


def test_dependence_among_many_columns_is_seen(kernels):
    X, _ = system(500, 300)
    X[:, 211] = X[:, 13] - X[:, 277]
    moments = reference.centred_moments(X, X[:, :1], None)
    mean = np.vstack([moments.mean, np.zeros_like(moments.mean)])
    solved = kernels.solve_normal_equations(
        300, moments.total_weight, mean, moments.cross_products, True, None, n_threads=2
    )
    assert solved[0][1] == 299


def test_choosing_among_many_columns_does_not_depend_on_threads(kernels):
    A = positive_definite("random", 260)
    alone = kernels.choose_columns(A, np.full(260, 1e-10), n_threads=1)
    shared = kernels.choose_columns(A, np.full(260, 1e-10), n_threads=2)
    for one, many in zip(alone, shared, strict=True):
        np.testing.assert_array_equal(one, many)


def test_a_second_pass_multiplies_triangles(kernels):
    p = 300
    R, K = factors(kernels, positive_definite("graded", p))
    inner = positive_definite("random", p)
    cross = np.zeros((p + 1, p + 1))
    cross[:p, :p], cross[p, p], cross[:p, p] = inner, 1.0, 0.01
    bases = [
        kernels.next_basis(K, R, 1e3, np.zeros((2, p + 1)), cross, True, n_threads=n)
        for n in (1, 2)
    ]
    for one, many in zip(*bases, strict=True):
        np.testing.assert_array_equal(one, many)
    L = np.linalg.cholesky(inner)
    K2, R2 = bases[0][:2]
    assert (np.abs(R2 - L.T @ R) <= 1e-11 * np.abs(R2).max(axis=0)).all()
    assert (np.abs(R2 @ K2 - np.eye(p)) <= 8 * p * U * (np.abs(R2) @ np.abs(K2))).all()


def test_digits_of_hundreds_of_columns_are_honest(kernels):
    """The estimate is a bound on the error, for which a solution in extended precision is the yardstick."""
    for n, p, spread in ((900, 270, 0.0), (1500, 520, 0.0), (900, 300, 3.0)):
        rng = np.random.default_rng(p)
        X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-spread, spread, p) + 1.0
        X[:, 1:] += 0.9 * X[:, :-1] * (spread == 0.0)
        y = X @ (rng.normal(size=(p, 1)) + 2.0) + rng.normal(size=(n, 1))
        moments = reference.centred_moments(X, y, None)
        mean = np.vstack([moments.mean, np.zeros_like(moments.mean)])
        (_, _, _, scale, _, root, coef, *_), digits, _, _ = kernels.solve_normal_equations(
            p, moments.total_weight, mean, moments.cross_products, True, None, n_threads=2
        )
        Z = (X - X.astype(np.longdouble).mean(axis=0)) * scale[:p]
        target = (y - y.astype(np.longdouble).mean(axis=0))[:, 0] * scale[p]
        b = coef[0].astype(np.longdouble)
        for _ in range(3):  # to the least-squares solution of the rows, beyond float64
            gradient = Z.T @ (target - Z @ b)
            b = b + root @ (root.T @ gradient.astype(np.float64))
        off = float(np.abs((coef[0] - b) / b).max())
        assert -np.log10(max(off, U)) >= digits, (n, p)
        assert digits > 6
