"""Descent itself, on every level: its steps beside the reference, whatever the rows are and however often it rests."""

import functools

import numpy as np
import pytest

from fastlr import reference
from fastlr.descent.state import Counter, Number, VectorRow
from layouts import LAYOUTS, before_a_wall

N_EPOCHS = 6
SETTINGS = {"rule": "gd", "scale": 1.0, "mean_weight": 1.0, "limit": np.inf}  # half the mean


def draw(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.5
    return X, X @ rng.normal(size=p) + rng.normal(size=n), rng.uniform(0.1, 2.0, size=n)


def state_of(kernels, n_features):
    """(vectors, numbers, counters) of a descent that starts at zero."""
    n_vectors, length, n_numbers, n_counters = kernels.plan_descent(n_features)
    numbers = np.zeros(n_numbers)
    numbers[Number.BEST_LOSS] = np.inf
    return np.zeros((n_vectors, length)), numbers, np.zeros(n_counters, dtype=np.int64)


def room(n_epochs, n_features):
    return np.full((4, n_epochs), np.nan), np.full((n_epochs, n_features + 1), np.nan)


def by_rows(kernels, X, y, weight, settings, rates, *, state=None, standard=None, n_threads=2):
    """(outcome, history, path) of a full batch on rows; a call for each part of an epoch."""
    n, p = len(y), X.shape[1] if isinstance(X, np.ndarray) else state[0].shape[1] - 1
    state = state_of(kernels, p) if state is None else state
    history, path = room(len(rates), p)
    n_slots, slot_size, n_parts = kernels.plan_loss(n, p)
    assert n_parts == 1
    slots = np.zeros((n_slots, slot_size))
    done, outcome = kernels.descend_rows(
        X, y, weight, standard, settings, 0, n_threads, slots, *state, rates, history, path
    )
    return outcome, history[:, :done], path[:done]


def by_moments(kernels, X, y, weight, settings, rates):
    p, state = X.shape[1], state_of(kernels, X.shape[1])
    moments = reference.centred_moments(X, y[:, np.newaxis], weight)
    cross, mean = moments.cross_products, moments.mean
    history, path = room(len(rates), p)
    done, outcome = kernels.descend_moments(
        np.ascontiguousarray(cross[:p, :p]),
        np.ascontiguousarray(cross[:p, p]),
        float(cross[p, p]),
        mean[:p].copy(),
        float(mean[p]),
        moments.total_weight,
        settings,
        *state,
        rates,
        history,
        path,
    )
    return outcome, history[:, :done], path[:done]


def by_batches(kernels, X, y, weight, settings, rates, batches, *, state=None, budget=1 << 30):
    """The same by batches that somebody else drew, which every epoch takes in their order."""
    n_features = X.shape[1]
    state = state_of(kernels, n_features) if state is None else state
    history, path = room(len(rates), n_features)
    rows = np.concatenate(batches).astype(np.int64)
    sizes = np.array([len(batch) for batch in batches], dtype=np.int64)
    order = np.zeros(0, dtype=np.uint32)
    done, outcome = kernels.descend_batches(
        *(
            X,
            y,
            weight,
            None,
            settings,
            "given",
            int(sizes.max()),
            0,
            rows,
            sizes,
            budget,
            2,
            order,
        ),
        *(*state, rates, history, path),
    )
    return outcome, history[:, :done], path[:done]


def expected(X, y, weight, alpha, rate, n_epochs):
    """(losses, gradients' lengths, path) of the reference."""
    start = reference.Parameters(np.zeros(X.shape[1]), 0.0)
    kind = {"sample_weight": weight, "alpha": alpha}
    path, lengths, point = [], [], start
    for _ in range(n_epochs):
        slope = reference.gradient(X, y, *point, **kind)
        lengths.append(np.linalg.norm(np.append(slope.coef, slope.intercept)))
        point = reference.descent_step(point, slope, rate)
        path.append(np.append(point.coef, point.intercept))
    _, losses = reference.descend(X, y, start, learning_rate=rate, epochs=n_epochs, **kind)
    return losses, lengths, path


@pytest.mark.parametrize("p", [1, 7, 8, 45])
@pytest.mark.parametrize("run", [by_rows, by_moments])
def test_full_batches_take_the_steps_of_the_reference(kernels, run, p):
    X, y, weights = draw(1037, p)
    rate = 0.5 / (1 + p)
    for weight in (None, weights):
        for alpha in (0.0, 0.3):
            mean_weight = 1.0 if weight is None else weight.mean()
            settings = {**SETTINGS, "mean_weight": mean_weight, "penalty": alpha}
            case = f"{alpha=}, {'no weights' if weight is None else 'weights'}"
            close = functools.partial(np.testing.assert_allclose, err_msg=case)
            rates = np.full(N_EPOCHS, rate)
            outcome, history, path = run(kernels, X, y, weight, settings, rates)
            losses, lengths, points = expected(X, y, weight, alpha, rate, N_EPOCHS)
            assert outcome == "running", case
            close(path, points, rtol=1e-10, atol=1e-12)
            close(history[0], losses, rtol=1e-11)
            close(history[2], lengths, rtol=1e-9)
            np.testing.assert_array_equal(history[3], rates, err_msg=case)


@pytest.mark.parametrize("batch_size", [1, 7, 300])
@pytest.mark.parametrize("p", [1, 8, 33])
def test_batches_take_the_steps_of_plain_numpy(kernels, p, batch_size):
    X, y, weights = draw(300, p)
    rate = 0.2 / (1 + p)
    rows = np.random.default_rng(1).permutation(300)
    batches = [rows[i : i + batch_size] for i in range(0, 300, batch_size)]
    for alpha in (0.0, 0.3):
        theta, points = np.zeros(p + 1), []
        for _ in range(3):
            for batch in batches:
                A = np.column_stack([X[batch], np.ones(len(batch))])
                slope = A.T @ (weights[batch] * (A @ theta - y[batch])) / len(batch)
                slope[:p] += alpha * theta[:p]
                theta = theta - rate * slope
            points.append(theta)
        settings = {**SETTINGS, "penalty": alpha}
        outcome, _, path = by_batches(kernels, X, y, weights, settings, np.full(3, rate), batches)
        assert outcome == "running", alpha
        np.testing.assert_allclose(path, points, rtol=1e-10, atol=1e-12, err_msg=f"{alpha=}")


def test_all_samplers_list_the_rows_that_batches_are_made_of(kernels):
    """What `list_rows` tells, given as somebody else's rows, makes the very steps of the sampler."""
    X, y, _ = draw(200, 5)
    rates = np.full(1, 0.01)
    for sampling in ("sequential", "shuffle", "random"):
        for batch_size in (1, 16):
            plan = kernels.plan_sampling(sampling, 200, 5, batch_size)
            order = np.zeros(plan["table_size"], dtype=np.uint32)
            history, path = room(1, 5)
            kernels.descend_batches(
                *(X, y, None, None, SETTINGS, sampling, batch_size, 9, None, None, 1 << 30, 2),
                *(order, *state_of(kernels, 5), rates, history, path),
            )
            rows = np.concatenate(
                [
                    kernels.list_rows(sampling, 200, 5, batch_size, 9, 0, window, order)
                    for window in range(plan["n_windows"])
                ]
            )
            batches = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
            given = by_batches(kernels, X, y, None, SETTINGS, rates, batches)[2]
            case = f"{sampling}, {batch_size}"
            # Single rows step in registers, elsewhere than in memory: rounding apart.
            np.testing.assert_allclose(path, given, rtol=1e-13, atol=1e-15, err_msg=case)


@pytest.mark.parametrize("p", [7, 35])
def test_layouts_and_threads_change_no_step(kernels, p):
    X, y, weights = draw(1037, p)
    rates = np.full(3, 0.3 / p)
    plain = by_rows(kernels, X, y, weights, SETTINGS, rates, n_threads=1)
    n_slots, slot_size, _ = kernels.plan_loss(1037, p)
    for layout, laid_out in LAYOUTS.items():
        history, path = room(3, p)
        kernels.descend_rows(
            *(laid_out(X), y, weights, None, SETTINGS, 0, 3, np.zeros((n_slots, slot_size))),
            *(*state_of(kernels, p), rates, history, path),
        )
        np.testing.assert_array_equal(path, plain[2], err_msg=layout)
        np.testing.assert_array_equal(history, plain[1], err_msg=layout)


def drawn(kernels, X, y, weight, sampling, batch_size, n_threads):
    """(path, losses) of two epochs of batches that the kernels draw."""
    n, p = X.shape
    state = state_of(kernels, p)
    history, path = room(2, p)
    size = kernels.plan_sampling(sampling, n, p, batch_size)["table_size"]
    kernels.descend_batches(
        *(X, y, weight, None, SETTINGS, sampling, batch_size, 5, None, None, 1 << 30, n_threads),
        *(np.zeros(size, dtype=np.uint32), *state, np.full(2, 0.01 / p), history, path),
    )
    return path, history


@pytest.mark.parametrize("p", [1, 3, 9, 20, 33])
def test_batches_of_rows_in_place_are_those_of_packed_rows(kernels, p):
    # Row-major floats are used where they lie, with the last few copied; all else is packed.
    X, y, weights = draw(531, p, seed=p)
    for dtype in ("f8", "f4"):
        values = X.astype(dtype)
        for sampling in ("sequential", "shuffle", "random"):
            for weight, batch_size in ((None, 2), (weights, 37), (weights, 256), (None, 531)):
                packed = drawn(
                    kernels, np.asfortranarray(values), y, weight, sampling, batch_size, 1
                )
                for layout in ("c_order", "every_other_row", "within_nans", "read_only"):
                    for n_threads in (1, 2):
                        found = drawn(
                            kernels,
                            LAYOUTS[layout](values),
                            y,
                            weight,
                            sampling,
                            batch_size,
                            n_threads,
                        )
                        case = f"{dtype}, {sampling}, {batch_size}, {layout}, {n_threads} threads"
                        assert np.isfinite(found[0]).all(), case
                        np.testing.assert_array_equal(found[0], packed[0], err_msg=case)
                        np.testing.assert_array_equal(found[1], packed[1], err_msg=case)


@pytest.mark.parametrize("p", [1, 3, 9, 20, 33])
def test_no_row_is_read_beyond_the_end_of_its_memory(kernels, p):
    for n in (5, 64):
        for dtype in ("f8", "f4"):
            X, y, _ = draw(n, p)
            X = X.astype(dtype)
            case = f"{n} rows, {dtype}"
            batches = [drawn(kernels, A, y, None, "shuffle", 4, 1) for A in (X, before_a_wall(X))]
            np.testing.assert_array_equal(batches[1][0], batches[0][0], err_msg=case)
            full = [
                by_rows(kernels, A, y, None, SETTINGS, np.full(2, 0.1 / p))
                for A in (X, before_a_wall(X))
            ]
            np.testing.assert_array_equal(full[1][2], full[0][2], err_msg=case)


def test_large_batches_of_rows_in_place_are_those_of_packed_rows(kernels):
    X, y, weight = draw(70_000, 9)
    for sampling in ("sequential", "shuffle"):
        packed = drawn(kernels, np.asfortranarray(X), y, weight, sampling, 35_000, 1)
        for n_threads in (1, 2):
            found = drawn(kernels, X, y, weight, sampling, 35_000, n_threads)
            np.testing.assert_array_equal(found[0], packed[0], err_msg=sampling)


def test_standardised_rows_are_those_of_the_reference(kernels):
    X, y, weights = draw(500, 9)
    padded = np.zeros((2, 16))
    mean = np.average(X, axis=0, weights=weights)
    padded[0, :9] = mean
    padded[1, :9] = 1 / np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    rates = np.full(4, 0.2)
    settings = {**SETTINGS, "mean_weight": weights.mean()}
    got = by_rows(kernels, X, y, weights, settings, rates, standard=padded)
    _, _, want = expected(reference.standardize(X, weights), y, weights, 0.0, 0.2, 4)
    np.testing.assert_allclose(got[2], want, rtol=1e-10, atol=1e-12)


def test_a_descent_that_rests_goes_on_to_the_same_bits(kernels):
    X, y, weights = draw(120, 5)
    rates = np.geomspace(0.1, 0.01, 8)
    batches = np.split(np.arange(120), 8)
    settings = {**SETTINGS, "rule": "adam", "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8}
    for run in (by_rows, functools.partial(by_batches, batches=batches)):
        whole, parted = state_of(kernels, 5), state_of(kernels, 5)
        run(kernels, X, y, weights, settings, rates=rates, state=whole)
        for part in (rates[:3], rates[3:4], rates[4:]):
            run(kernels, X, y, weights, settings, rates=part.copy(), state=parted)
        for one, other in zip(whole, parted, strict=True):
            np.testing.assert_array_equal(one, other)
        assert whole[2][Counter.EPOCHS] == 8
    # A budget of rows that ends within an epoch: the next call takes up the batch where it is.
    rested, calls = state_of(kernels, 5), 0
    while rested[2][Counter.EPOCHS] < 8:
        left = rates[rested[2][Counter.EPOCHS] :].copy()
        by_batches(kernels, X, y, weights, settings, left, batches, state=rested, budget=50)
        calls += 1
        assert calls <= 100
    for one, other in zip(whole, rested, strict=True):
        np.testing.assert_array_equal(one, other)


def test_adam_adds_its_epsilon_before_or_after_the_root_is_freed_of_its_bias(kernels):
    X, y, _ = draw(50, 3)
    rates, epsilon = np.full(4, 0.1), 0.5  # large, to be seen
    constants = {"rule": "adam", "beta_1": 0.9, "beta_2": 0.99, "epsilon": epsilon}
    for hat in (False, True):
        _, _, path = by_rows(
            kernels, X, y, None, {**SETTINGS, **constants, "epsilon_of_biased": hat}, rates
        )
        theta, m, v = np.zeros(4), np.zeros(4), np.zeros(4)
        for t in range(1, 5):
            g = reference.gradient(X, y, theta[:3], theta[3])
            g = np.append(g.coef, g.intercept)
            m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
            unbiased = 1.0 - 0.99**t
            root = (
                (np.sqrt(v) + epsilon) / np.sqrt(unbiased)
                if hat
                else np.sqrt(v / unbiased) + epsilon
            )
            theta = theta - 0.1 * m / (1.0 - 0.9**t) / root
            np.testing.assert_allclose(path[t - 1], theta, rtol=1e-11, err_msg=f"{hat}, step {t}")


def test_descent_tells_when_it_diverges_and_when_it_stalls(kernels):
    X, y, _ = draw(200, 4)
    diverging = {**SETTINGS, "limit": 1e6}
    stalling = {**SETTINGS, "tolerance": 1e-6, "patience": 3}
    batches = np.split(np.arange(200), 4)
    for run in (by_rows, by_moments, functools.partial(by_batches, batches=batches)):
        outcome, history, path = run(kernels, X, y, None, diverging, rates=np.full(500, 10.0))
        assert outcome == "diverged", run
        assert history.shape[1] < 500
        outcome, history, path = run(kernels, X, y, None, stalling, rates=np.full(5000, 0.2))
        assert outcome == "stalled", run
        assert 3 < history.shape[1] < 5000
        assert np.isfinite(path).all()


def test_the_best_point_is_that_of_the_lowest_loss(kernels):
    X, y, _ = draw(200, 4)
    state = state_of(kernels, 4)
    rates = np.array([0.1, 0.1, 0.1, 2.0, 2.0, 2.0])
    _, history, path = by_rows(kernels, X, y, None, SETTINGS, rates, state=state)
    lowest = int(np.argmin(history[0]))
    assert 0 < lowest < 5
    np.testing.assert_array_equal(state[0][VectorRow.BEST, :5], path[lowest - 1])
    assert state[1][Number.BEST_LOSS] == history[0, lowest]


def test_settings_and_sizes_that_python_should_have_refused_are_refused(kernels):
    X, y, _ = draw(20, 3)
    rates = np.full(2, 0.1)
    for settings in ({**SETTINGS, "rate": 1.0}, {**SETTINGS, "rule": "newton"}):
        for run in (by_rows, by_moments):
            with pytest.raises(ValueError, match="unknown"):
                run(kernels, X, y, None, settings, rates)
    small = state_of(kernels, 20)
    with pytest.raises(ValueError, match="vectors"):
        by_rows(kernels, X, y, None, SETTINGS, rates, state=small)
    with pytest.raises(ValueError, match="unknown sampling"):
        kernels.plan_sampling("lottery", 20, 3, 5)
