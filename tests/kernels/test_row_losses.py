"""Losses other than the squared one, on every level: sums over all rows and steps of batches beside the reference."""

import itertools

import numpy as np
import pytest

from fastlr import reference
from fastlr.descent.row_loss import ROW_LOSSES
from fastlr.descent.state import Number
from layouts import LAYOUTS, before_a_wall

OTHERS = ROW_LOSSES[1:]
EPSILON = 0.8


def draw(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.5
    return X, X @ rng.normal(size=p) + rng.standard_t(2, size=n), rng.uniform(0.1, 2.0, size=n)


def sums(kernels, X, y, weight, theta, loss, n_threads=2):
    """(sum w l(r), its gradient) by the kernels."""
    n, p = len(y), len(theta) - 1
    n_slots, slot_size, n_parts = kernels.plan_loss(n, p)
    slots = np.zeros((n_slots, slot_size))
    for part in range(n_parts):
        kernels.accumulate_loss(X, y, weight, theta, part, n_threads, slots, loss, EPSILON)
    twice, gradient = kernels.add_loss_slots(n, p, slots)
    return twice / 2, gradient


def settings_of(loss, **others):
    base = {"rule": "gd", "scale": 1.0, "mean_weight": 1.0, "limit": np.inf}
    return {**base, "loss": loss, "loss_epsilon": EPSILON, **others}


def state_of(kernels, n_features):
    n_vectors, length, n_numbers, n_counters = kernels.plan_descent(n_features)
    numbers = np.zeros(n_numbers)
    numbers[Number.BEST_LOSS] = np.inf
    return np.zeros((n_vectors, length)), numbers, np.zeros(n_counters, dtype=np.int64)


def by_batches(kernels, X, y, weight, settings, rates, batch_size, sampling="sequential"):
    """(losses, path) of batches of the rows as they come, or as the kernels shuffle them."""
    n, p = X.shape
    history, path = np.full((4, len(rates)), np.nan), np.full((len(rates), p + 1), np.nan)
    size = kernels.plan_sampling(sampling, n, p, batch_size)["table_size"]
    kernels.descend_batches(
        *(X, y, weight, None, settings, sampling, batch_size, 3, None, None, 1 << 30, 2),
        *(np.zeros(size, dtype=np.uint32), *state_of(kernels, p), rates, history, path),
    )
    return history[0], path


def by_hand(X, y, weight, settings, rates, batch_size):
    """The same by plain NumPy."""
    n, p = X.shape
    penalty, most = settings.get("penalty", 0.0), settings.get("max_residual", np.inf)
    theta, losses, path = np.zeros(p + 1), [], []
    A = np.column_stack([X, np.ones(n)])
    for rate in rates:
        loss, penalties = 0.0, []
        for start in range(0, n, batch_size):
            rows = slice(start, start + batch_size)
            w = np.ones(n)[rows] if weight is None else weight[rows]
            r = A[rows] @ theta - y[rows]
            penalties.append(penalty * theta[:p] @ theta[:p] / 2)
            loss += w @ reference.row_loss(r, settings["loss"], EPSILON)
            slope = np.clip(reference.row_slope(r, settings["loss"], EPSILON), -most, most)
            gradient = A[rows].T @ (w * slope) / len(w)
            gradient[:p] += penalty * theta[:p]
            theta = theta - rate * gradient
        losses.append(loss / n + np.mean(penalties))
        path.append(theta)
    return losses, path


@pytest.mark.parametrize("kind", ROW_LOSSES)
def test_slopes_of_the_reference_are_differences_of_its_values(kind):
    r = np.array([-5.0, -0.9, -0.7, -0.1, 0.0, 0.3, 0.79, 0.81, 2.0])
    step = 1e-6
    high, low = (reference.row_loss(r + s, kind, EPSILON) for s in (step, -step))
    np.testing.assert_allclose(
        reference.row_slope(r, kind, EPSILON), (high - low) / (2 * step), atol=1e-8
    )


@pytest.mark.parametrize("kind", ROW_LOSSES)
def test_the_gradient_of_the_reference_is_that_of_its_objective(kind):
    X, y, weight = draw(50, 3)
    options = {"kind": kind, "epsilon": EPSILON, "sample_weight": weight, "alpha": 0.3}
    theta, step = np.array([0.2, -0.4, 1.0, 0.1]), 1e-6

    def value(point):
        return reference.mean_row_loss(X, y, point[:-1], point[-1], **options)[0]

    _, slope = reference.mean_row_loss(X, y, theta[:-1], theta[-1], **options)
    differences = [(value(theta + e) - value(theta - e)) / (2 * step) for e in step * np.eye(4)]
    np.testing.assert_allclose(np.append(slope.coef, slope.intercept), differences, atol=1e-7)


@pytest.mark.parametrize("n_features", [1, 20, 45])
@pytest.mark.parametrize("kind", ROW_LOSSES)
def test_sums_over_all_rows_match_the_reference(kernels, kind, n_features):
    X64, y, weights = draw(537, n_features)
    theta = np.random.default_rng(1).normal(size=n_features + 1)
    for dtype, weight in itertools.product(("f8", "f4", "i2"), (None, weights)):
        X = (2 * X64).astype(dtype)
        total = len(y) if weight is None else weight.sum()
        value, slope = reference.mean_row_loss(
            *(X.astype(float), y, theta[:-1], theta[-1]),
            kind=kind,
            epsilon=EPSILON,
            sample_weight=weight,
        )
        expected = total * np.append(slope.coef, slope.intercept)
        plain = sums(kernels, X, y, weight, theta, kind)
        np.testing.assert_allclose(plain[0], total * value, rtol=1e-12)
        np.testing.assert_allclose(
            plain[1], expected, rtol=1e-11, atol=1e-10 * np.abs(expected).max()
        )
        for layout in ("c_order", "f_order", "every_other_row", "within_nans"):
            case = f"{dtype}, {layout}"
            for n_threads in (1, 3):
                found = sums(kernels, LAYOUTS[layout](X), y, weight, theta, kind, n_threads)
                assert found[0] == plain[0], case
                np.testing.assert_array_equal(found[1], plain[1], err_msg=case)


@pytest.mark.parametrize("p", [1, 20, 45])
@pytest.mark.parametrize("kind", OTHERS)
def test_batches_and_single_rows_take_the_steps_of_plain_numpy(kernels, kind, p):
    """Single rows in registers (up to 32 features) and in memory; rows in place, of both precisions, and packed."""
    X64, y, weights = draw(40, p)
    rates = np.full(2, 0.02 / (1 + p))
    cases = itertools.product((1, 7, 40), ((None, {}), (weights, {"penalty": 0.3})), ("f8", "f4"))
    for batch_size, (weight, others), dtype in cases:
        X = X64.astype(dtype)
        settings = settings_of(kind, **others)
        losses, path = by_hand(X.astype(float), y, weight, settings, rates, batch_size)
        for laid_out in (X, np.asfortranarray(X)):
            found = by_batches(kernels, laid_out, y, weight, settings, rates, batch_size)
            case = f"{batch_size}, {others}, {dtype}, {'no weights' if weight is None else ''}"
            np.testing.assert_allclose(found[1], path, rtol=1e-9, atol=1e-11, err_msg=case)
            np.testing.assert_allclose(found[0], losses, rtol=1e-10, err_msg=case)


@pytest.mark.parametrize("kind", OTHERS)
def test_full_batches_take_the_steps_of_plain_numpy(kernels, kind):
    X, y, _ = draw(300, 6)
    rates = np.full(5, 0.1)
    settings = settings_of(kind, penalty=0.2)
    _, path = by_hand(X, y, None, settings, rates, 300)
    n_slots, slot_size, _ = kernels.plan_loss(300, 6)
    history, found = np.empty((4, 5)), np.empty((5, 7))
    kernels.descend_rows(
        *(X, y, None, None, settings, 0, 2, np.zeros((n_slots, slot_size))),
        *(*state_of(kernels, 6), rates, history, found),
    )
    np.testing.assert_allclose(found, path, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 10])
@pytest.mark.parametrize("p", [3, 40])
def test_slopes_are_cut_row_by_row(kernels, p, batch_size):
    X, y, weight = draw(60, p)
    settings = settings_of("squared_epsilon_insensitive", max_residual=1.5)
    rates = np.full(2, 0.01)
    losses, path = by_hand(X, y, weight, settings, rates, batch_size)
    found = by_batches(kernels, X, y, weight, settings, rates, batch_size)
    np.testing.assert_allclose(found[1], path, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found[0], losses, rtol=1e-11)
    uncut = by_hand(X, y, weight, settings_of(settings["loss"]), rates, batch_size)[1]
    assert np.abs(np.subtract(uncut, path)).max() > 1e-3


@pytest.mark.parametrize("p", [1, 9, 33])
def test_batches_in_place_are_those_of_packed_rows_and_stay_in_their_memory(kernels, p):
    X64, y, weights = draw(131, p)
    rates = np.full(2, 0.01 / p)
    for kind, dtype, weight in itertools.product(OTHERS, ("f8", "f4"), (None, weights)):
        X, settings = X64.astype(dtype), settings_of(kind)
        for batch_size in (2, 37, 131):
            packed = by_batches(
                kernels, np.asfortranarray(X), y, weight, settings, rates, batch_size, "shuffle"
            )
            for rows in (X, LAYOUTS["within_nans"](X), before_a_wall(X)):
                found = by_batches(kernels, rows, y, weight, settings, rates, batch_size, "shuffle")
                case = f"{kind}, {dtype}, {batch_size}"
                np.testing.assert_array_equal(found[1], packed[1], err_msg=case)
                np.testing.assert_array_equal(found[0], packed[0], err_msg=case)


def test_moments_refuse_a_loss_they_do_not_know(kernels):
    square, zeros = np.eye(2), np.zeros(2)
    with pytest.raises(ValueError, match="squared loss alone"):
        kernels.descend_moments(
            *(square, zeros, 1.0, zeros, 0.0, 2.0, settings_of("huber"), *state_of(kernels, 2)),
            *(np.full(1, 0.1), np.empty((4, 1)), None),
        )
    with pytest.raises(ValueError, match="unknown loss"):
        sums(kernels, square, zeros, None, np.zeros(3), "hinge")
