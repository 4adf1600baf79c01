"""From moments to coefficients: against the reference, well and badly conditioned."""

import functools
import itertools

import numpy as np
import pytest

from fastlr import reference


def solve(kernels, X, y, weight=None, fit_intercept=True, alpha=0.0):
    moments = reference.centred_moments(X, y, weight)
    mean = np.vstack([moments.mean, np.zeros_like(moments.mean)])
    (
        (
            status,
            rank,
            condition,
            scale,
            _,
            root,
            coef,
            intercept,
            rss,
            tss,
            length,
            null_space,
            *_,
        ),
        digits,
        _,
        _,
    ) = kernels.solve_normal_equations(
        X.shape[1],
        moments.total_weight,
        mean,
        moments.cross_products,
        fit_intercept,
        np.full(X.shape[1], alpha),
    )
    p, t = X.shape[1], y.shape[1]
    unscale = scale[:p] / scale[p:, np.newaxis]
    got = {
        "status": status,
        "rank": rank,
        "condition": condition,
        "digits": digits,
        "coef": coef[0].reshape(t, p) * unscale,
        "intercept": intercept[0] / scale[p:],
        "rss": rss / scale[p:] ** 2,
        "tss": tss / scale[p:] ** 2,
        "inverse": (root @ root.T) * np.outer(scale[:p], scale[:p]),
        "length": np.where(scale[:p] > 0, length / np.where(scale[:p] > 0, scale[:p], 1), 1.0),
        "null_space": null_space,
    }
    return got, moments


def draw(n, p, t=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) + 3, rng.normal(size=(n, t)) + 1


@pytest.mark.parametrize("p", [1, 2, 7, 40, 150])
def test_solution_matches_the_reference(kernels, p):
    X, y = draw(3 * p + 5, p)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=len(X))
    for fit_intercept, alpha in itertools.product((True, False), (0.0, 5.0)):
        case = f"{fit_intercept=}, {alpha=}"
        got, moments = solve(kernels, X, y, weight, fit_intercept, alpha)
        want = reference.normal_equations(moments, fit_intercept=fit_intercept, alpha=alpha)
        close = functools.partial(np.testing.assert_allclose, err_msg=case)
        close(got["coef"], want.coef, rtol=1e-8, atol=1e-10)
        close(got["intercept"], want.intercept, rtol=1e-8, atol=1e-10)
        prediction = reference.predict(X, want.coef, want.intercept)
        close(got["rss"], reference.rss(y, prediction, weight), rtol=1e-9)
        assert (got["status"], got["rank"]) == ("ok", p), case


def test_the_root_is_that_of_the_inverse(kernels):
    X, y = draw(60, 5)
    got, moments = solve(kernels, X, y)
    A = moments.cross_products[:5, :5]
    np.testing.assert_allclose(got["inverse"], np.linalg.inv(A), rtol=1e-10, atol=1e-14)


def test_condition_number_is_that_of_unit_columns(kernels):
    X, y = draw(500, 6)
    X[:, 5] = X[:, 0] + 1e-3 * X[:, 5]
    X *= 10.0 ** np.arange(-6, 6, 2)
    centred = X - X.mean(axis=0)
    true = np.linalg.cond(centred / np.linalg.norm(centred, axis=0))
    assert solve(kernels, X, y)[0]["condition"] == pytest.approx(true, rel=0.01)


def test_nearly_dependent_columns_are_solved_and_flagged(kernels):
    X, y = draw(500, 3)
    X[:, 2] = X[:, 0] + X[:, 1] + 1e-6 * X[:, 2]
    got, _ = solve(kernels, X, y)
    assert got["status"] == "ill_conditioned"
    assert got["rank"] == 3


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("scales", [[1.0, 1.0, 1.0, 1.0], [1.0, 1e6, 1e-6, 1e3]])
def test_dependent_columns_give_the_minimum_norm(kernels, fit_intercept, scales):
    X, y = draw(200, 4)
    X[:, 2] = X[:, 0] - 2 * X[:, 1]
    X = X * scales
    got, _ = solve(kernels, X, y, None, fit_intercept)
    want = reference.minimum_norm(X, y, fit_intercept=fit_intercept)
    assert (got["status"], got["rank"]) == ("rank_deficient", 3)
    shift = X.mean(axis=0) if fit_intercept else 0.0
    np.testing.assert_allclose((X - shift) @ got["coef"].T, (X - shift) @ want.coef.T, atol=1e-6)
    np.testing.assert_allclose(
        np.linalg.norm(got["coef"], axis=1), np.linalg.norm(want.coef, axis=1), rtol=1e-6
    )
    columns = (X - shift) / got["length"]
    assert np.abs(columns @ got["null_space"].T).max() < 1e-6


def test_fewer_rows_than_columns(kernels):
    X, y = draw(6, 15)
    got, _ = solve(kernels, X, y)
    assert (got["status"], got["rank"]) == ("rank_deficient", 5)
    np.testing.assert_allclose(
        got["coef"], reference.minimum_norm(X, y).coef, rtol=1e-9, atol=1e-12
    )


def test_nothing_varies(kernels):
    X, y = np.full((5, 2), 3.0), np.arange(10.0).reshape(5, 2)
    got, _ = solve(kernels, X, y)
    assert (got["status"], got["rank"]) == ("rank_deficient", 0)
    np.testing.assert_array_equal(got["coef"], 0.0)
    np.testing.assert_allclose(got["intercept"], y.mean(axis=0))


def test_ridge_makes_dependent_columns_harmless(kernels):
    X, y = draw(50, 3)
    X[:, 2] = X[:, 0]
    got, moments = solve(kernels, X, y, alpha=1.0)
    assert got["status"] == "ok"
    np.testing.assert_allclose(
        got["coef"], reference.normal_equations(moments, alpha=1.0).coef, rtol=1e-10
    )


def test_every_column_has_its_own_penalty(kernels):
    rng = np.random.default_rng(11)
    X, y = rng.normal(size=(60, 5)) + 3.0, rng.normal(size=(60, 2))
    penalty = np.array([0.0, 0.5, 4.0, 100.0, 1e-3])
    Z, r = X - X.mean(axis=0), y - y.mean(axis=0)
    want = np.linalg.solve(Z.T @ Z + np.diag(penalty), Z.T @ r).T
    got, _ = solve(kernels, X, y, alpha=penalty)
    np.testing.assert_allclose(got["coef"], want, rtol=1e-10)
    moments = reference.centred_moments(X, y)
    mean = np.vstack([moments.mean, np.zeros_like(moments.mean)])
    cross = np.stack([moments.cross_products, np.zeros_like(moments.cross_products)])
    solution, _ = kernels.solve_double_double(
        5, moments.total_weight, mean, cross, True, penalty, True
    )
    scale, coef = solution[3], solution[6]
    exact = coef[0].reshape(2, 5) * scale[:5] / scale[5:, np.newaxis]
    np.testing.assert_allclose(exact, want, rtol=1e-10)
    with pytest.raises(ValueError, match="penalty has the wrong size"):
        kernels.solve_normal_equations(
            5, moments.total_weight, mean, moments.cross_products, True, penalty[:4]
        )
