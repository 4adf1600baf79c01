"""fastlr.descend: the steps of the textbook, in every convention, engine and rule."""

import functools
import itertools

import numpy as np
import pytest

import fastlr
from fastlr import reference
from fastlr._kernels import kernels
from fastlr.descent.optimizers import GD, AdaGrad, Adam, Momentum, Nesterov, RMSprop
from fastlr.descent.schedules import ExponentialDecay

pytestmark = pytest.mark.usefixtures("level")

RULES = ["gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]


KINDS = ["sse", "mse", "half_mse"]


@functools.cache
def drawn_rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 3)) * [1.0, 2.0, 0.5] + [0.5, -1.0, 0.0]
    return X, X @ [1.0, -2.0, 0.5] + 3.0 + rng.normal(size=120), rng.uniform(0.1, 2.0, size=120)


@pytest.fixture(scope="module")
def rows():
    return drawn_rows()


def step(rule, theta, g, rate, memory, t):
    """One update by the formulas of fastlr.optimizers."""
    m, v = memory
    if rule.name == "gd":
        return theta - rate * g
    if rule.name in ("momentum", "nesterov"):
        m[:] = rule.momentum * m - rate * g
        return theta + (m if rule.name == "momentum" else rule.momentum * m - rate * g)
    if rule.name == "adagrad":
        v += g**2
        return theta - rate * g / (np.sqrt(v) + rule.epsilon)
    if rule.name == "rmsprop":
        v[:] = rule.rho * v + (1 - rule.rho) * g**2
        return theta - rate * g / (np.sqrt(v) + rule.epsilon)
    m[:] = rule.beta_1 * m + (1 - rule.beta_1) * g
    v[:] = rule.beta_2 * v + (1 - rule.beta_2) * g**2
    corrected = m / (1 - rule.beta_1**t), v / (1 - rule.beta_2**t)
    return theta - rate * corrected[0] / (np.sqrt(corrected[1]) + rule.epsilon)


def by_hand(X, y, batches, rule, rate, kind, alpha=0.0, weight=None):
    """The path of a descent in plain NumPy; one epoch for each list of batches."""
    n = len(y)
    weight = np.ones(n) if weight is None else weight
    mean = weight.mean()
    shrink = {"sse": 2.0 * alpha / n, "mse": 2.0 * alpha, "half_mse": alpha}[kind]
    theta, memory, path, t = np.zeros(X.shape[1] + 1), np.zeros((2, X.shape[1] + 1)), [], 0
    for epoch in batches:
        for batch in epoch:
            t += 1
            m = len(batch)
            r = X[batch] @ theta[:-1] + theta[-1] - y[batch]
            r *= weight[batch]
            g = np.append(r @ X[batch], r.sum())
            g *= {"sse": 2.0, "mse": 2.0 / (m * mean), "half_mse": 1.0 / (m * mean)}[kind]
            g[:-1] += shrink * (m if kind == "sse" else 1) * theta[:-1]
            theta = step(rule, theta, g, rate, memory, t)
        path.append(theta)
    return np.array(path)


@functools.cache
def path_by_hand(optimizer, batches, rate, kind, alpha):
    """`by_hand` on the weighted rows, once for all levels, whose samplers draw the same batches."""
    X, y, weights = drawn_rows()
    batches = [[np.array(batch) for batch in epoch] for epoch in batches]
    rule = fastlr.optimizers.as_optimizer(optimizer)
    return by_hand(X, y, batches, rule, rate, kind, alpha, weights)


def path_of(fit):
    return np.column_stack([fit.history.coef, fit.history.intercept])


@pytest.mark.parametrize("engine", ["rows", "moments"])
def test_full_batch_takes_the_steps_of_the_reference(rows, engine):
    X, y, weights = rows
    start = reference.Parameters(np.zeros(3), 0.0)
    for kind, alpha, weight in itertools.product(KINDS, (0.0, 0.3), (None, weights)):
        case = f"{kind}, alpha={alpha}, {'no' if weight is None else 'with'} weights"
        rate = 0.02 if kind != "sse" else 0.02 / 120
        objective = {"alpha": alpha, "sample_weight": weight}
        steps = {"learning_rate": rate, "epochs": 30}
        fit = fastlr.descend(X, y, loss=kind, engine=engine, record="path", **steps, **objective)
        end, losses = reference.descend(X, y, start, kind=kind, **steps, **objective)
        np.testing.assert_allclose(fit.coef, end.coef, rtol=1e-12, err_msg=case)
        np.testing.assert_allclose(fit.intercept, end.intercept, rtol=1e-12, err_msg=case)
        np.testing.assert_allclose(fit.history.loss, losses, rtol=1e-11, err_msg=case)
        slope = reference.gradient(X, y, np.zeros(3), 0.0, kind=kind, **objective)
        length = np.linalg.norm(np.append(slope.coef, slope.intercept))
        assert fit.history.gradient_norm[0] == pytest.approx(length, rel=1e-12), case
        loss = reference.loss(X, y, *end, kind=kind, **objective)
        assert fit.loss == pytest.approx(loss, rel=1e-11), case


@pytest.mark.parametrize(
    "rule", [GD(), Momentum(0.5), Nesterov(0.8), AdaGrad(), RMSprop(0.8), Adam(0.7, 0.99, 1e-6)]
)
def test_every_rule_follows_its_formula(rows, rule):
    X, y, _ = rows
    for kind, engine in itertools.product(KINDS, ("rows", "moments")):
        rate = 0.01 if kind != "sse" or rule.is_adaptive else 1e-4
        options = {"learning_rate": rate, "epochs": 40, "engine": engine, "record": "path"}
        fit = fastlr.descend(X, y, optimizer=rule, loss=kind, **options)
        expected = by_hand(X, y, [[np.arange(120)]] * 40, rule, rate, kind)
        np.testing.assert_allclose(
            path_of(fit), expected, rtol=1e-10, atol=1e-13, err_msg=f"{kind}, {engine}"
        )


def drawn(kernels, sampling, batch_size, seed, n_epochs):
    """The sampler's own list of 120 rows: for each epoch its batches."""
    batches = []
    for epoch in range(n_epochs):
        plan = kernels.plan_sampling(sampling, 120, 3, batch_size)
        table = np.zeros(plan["table_size"], dtype=np.uint32)
        order = kernels.list_rows(sampling, 120, 3, batch_size, seed, epoch, 0, table)
        order = order.tolist()
        starts = range(0, len(order), batch_size)
        batches.append(tuple(tuple(order[i : i + batch_size]) for i in starts))
    return tuple(batches)


@pytest.mark.parametrize("optimizer", RULES)
def test_batches_take_the_steps_of_the_reference(rows, optimizer):
    """The sampler's own list of rows, stepped over in NumPy."""
    X, y, weights = rows
    seed = int(np.random.default_rng(5).integers(0, 2**63, dtype=np.int64))
    samplings = ("shuffle", "random", "sequential")
    # Any two of these meet in every combination, and all three where rules follow one another.
    for (i, batch_size), (j, sampling), (k, kind) in itertools.product(
        *map(enumerate, ((1, 7, 50), samplings, KINDS))
    ):
        if (i + j + k + RULES.index(optimizer)) % 3:
            continue
        case = f"batches of {batch_size}, {sampling}, {kind}"
        fit = fastlr.descend(
            X,
            y,
            batch_size=batch_size,
            optimizer=optimizer,
            sampling=sampling,
            loss=kind,
            alpha=0.1,
            learning_rate=1e-3,
            epochs=3,
            sample_weight=weights,
            record="path",
            random_state=5,
            tol=None,
        )
        batches = drawn(kernels, sampling, batch_size, seed, 3)
        expected = path_by_hand(optimizer, batches, 1e-3, kind, 0.1)
        np.testing.assert_allclose(path_of(fit), expected, rtol=1e-9, atol=1e-13, err_msg=case)
        assert fit.n_updates == sum(map(len, batches)), case


@pytest.mark.parametrize("n_features", [1, 8, 24, 33, 70])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_batches_of_any_width_take_the_steps_of_the_reference(n_features, batch_size):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(97, n_features)), rng.normal(size=97)
    fit = fastlr.descend(
        X,
        y,
        batch_size=batch_size,
        sampling="sequential",
        learning_rate=1e-3,
        epochs=2,
        record="path",
        alpha=0.2,
    )
    batches = [[np.arange(97)[i : i + batch_size] for i in range(0, 97, batch_size)]] * 2
    expected = by_hand(X, y, batches, GD(), 1e-3, "half_mse", 0.2)
    np.testing.assert_allclose(path_of(fit), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("optimizer", RULES)
def test_engines_agree_along_the_whole_path(rows, optimizer):
    X, y, weights = rows
    for standardize, fit_intercept in itertools.product((False, True), (False, True)):
        case = f"standardize={standardize}, fit_intercept={fit_intercept}"
        fits = {
            engine: fastlr.descend(
                X,
                y,
                engine=engine,
                standardize=standardize,
                fit_intercept=fit_intercept,
                optimizer=optimizer,
                sample_weight=weights,
                alpha=0.01,
                # Near the optimum RMSprop's steps jump from side to side, and magnify any rounding.
                epochs=30 if optimizer == "rmsprop" else 100,
                tol=None,
                record="path",
            )
            for engine in ("rows", "moments")
        }
        of_rows, of_moments = fits["rows"], fits["moments"]
        assert {name: fit.engine for name, fit in fits.items()} == {name: name for name in fits}
        paths = path_of(of_rows), path_of(of_moments)
        np.testing.assert_allclose(*paths, rtol=1e-10, atol=1e-12, err_msg=case)
        losses = of_rows.history.loss, of_moments.history.loss
        np.testing.assert_allclose(*losses, rtol=1e-10, err_msg=case)
        np.testing.assert_allclose(of_rows.rss, of_moments.rss, rtol=1e-10, err_msg=case)


def test_a_large_batch_over_many_windows_takes_the_step_of_all_its_rows():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(70_000, 4))
    y = X @ [1.0, 2.0, 3.0, 4.0] + rng.normal(size=70_000)
    options = {
        "batch_size": 30_000,
        "sampling": "sequential",
        "learning_rate": 0.3,
        "epochs": 2,
        "record": "path",
    }
    fit = fastlr.descend(X, y, **options)
    batches = [[np.arange(0, 30_000), np.arange(30_000, 60_000), np.arange(60_000, 70_000)]] * 2
    np.testing.assert_allclose(
        path_of(fit), by_hand(X, y, batches, GD(), 0.3, "half_mse"), rtol=1e-11
    )
    assert fit.n_updates == 6


@pytest.mark.parametrize("ratio", [1e3, 1e5])
def test_standardised_rows_lose_no_more_digits_than_mean_over_sd(rows, ratio):
    X, y, _ = rows
    paths = [
        fastlr.descend(
            X + ratio, y, engine=e, standardize=True, epochs=100, tol=None, record="path"
        ).history.coef
        for e in ("rows", "moments")
    ]
    np.testing.assert_allclose(*paths, rtol=1e-13 * ratio)


@pytest.mark.parametrize("kind", KINDS)
def test_rates_and_penalties_convert_between_conventions(rows, kind):
    """A rate eta of "half_mse" is eta / 2 of "mse" and eta / (2 W) of "sse"; alpha is alpha and alpha W."""
    X, y, weights = rows
    total = weights.sum()
    rate, alpha = {"half_mse": (0.02, 0.5), "mse": (0.01, 0.5), "sse": (0.01 / total, 0.5 * total)}[
        kind
    ]
    plain = fastlr.descend(X, y, learning_rate=0.02, alpha=0.5, epochs=50, sample_weight=weights)
    fit = fastlr.descend(
        X, y, loss=kind, learning_rate=rate, alpha=alpha, epochs=50, sample_weight=weights
    )
    np.testing.assert_allclose(fit.coef, plain.coef, rtol=1e-11)
    assert fit.alpha == pytest.approx(0.5 * total)


@pytest.mark.parametrize("optimizer", RULES)
def test_the_automatic_rate_goes_down_to_the_optimum(rows, optimizer):
    X, y, weights = rows
    # A kind of loss meets batches with every second rule, and the whole table with the others.
    for k, kind in enumerate(KINDS):
        batch_size = 20 if (k + RULES.index(optimizer)) % 2 else None
        fit = fastlr.descend(
            X,
            y,
            optimizer=optimizer,
            loss=kind,
            batch_size=batch_size,
            alpha=0.1 if kind != "sse" else 12.0,
            sample_weight=weights,
            epochs=3000,
            random_state=0,
            tol=None,
        )
        case = f"{kind}, batches of {batch_size}"
        assert fit.status.code == "epochs_exhausted", case
        share = 0.02 if batch_size or fit.optimizer.is_adaptive else 1e-9
        assert 0.0 <= fit.gap < share * fit.history.loss[0], case


def test_descent_arrives_at_least_squares_and_ridge(rows):
    X, y, weights = rows
    exact = fastlr.ols(X, y, sample_weight=weights)
    fit = fastlr.descend(X, y, sample_weight=weights, epochs=5000)
    assert fit.status.code == "converged"
    np.testing.assert_allclose(fit.coef, exact.coef, rtol=1e-6)
    assert fit.gap < 1e-12 * fit.loss
    for name in ("rss", "r2", "log_likelihood", "tss"):
        assert getattr(fit, name) == pytest.approx(getattr(exact, name), rel=1e-10)
    np.testing.assert_allclose(fit.feature_std, exact.feature_std, rtol=1e-13)
    moments = fastlr.Moments.from_arrays(X, y, weights)
    ridge = fastlr.solve(moments, alpha=7.0)
    descended = fastlr.descend(X, y, sample_weight=weights, loss="sse", alpha=7.0, epochs=5000)
    np.testing.assert_allclose(descended.coef, ridge.coef, rtol=1e-6)


@pytest.mark.parametrize("optimizer", ["adagrad", "rmsprop", "adam"])
@pytest.mark.parametrize("batch_size", [None, 60])
def test_a_penalty_is_felt_in_full_however_large_the_rate(rows, optimizer, batch_size):
    """Adaptive rules on a large y have rates of many units, where rate * alpha is far above one."""
    X, y, _ = rows
    ridge = fastlr.solve(fastlr.Moments.from_arrays(X, 1e4 * y), alpha=120.0)
    fit = fastlr.descend(
        X,
        1e4 * y,
        alpha=1.0,
        optimizer=optimizer,
        learning_rate=ExponentialDecay(2e4 if optimizer == "adagrad" else 2e3, decay_rate=0.99),
        batch_size=batch_size,
        epochs=1500,
        tol=None,
        random_state=0,
    )
    np.testing.assert_allclose(fit.coef, ridge.coef, rtol=1e-3)


def test_rates_above_one_over_the_penalty_arrive_at_ridge(rows):
    """Plain descent is stable up to 2 / L, and so up to 2 / penalty where the rows are small."""
    X, y, _ = rows
    X = 0.01 * (X - X.mean(axis=0))
    ridge = fastlr.solve(fastlr.Moments.from_arrays(X, y), alpha=1200.0)
    fit = fastlr.descend(X, y, alpha=10.0, learning_rate=0.15, epochs=300)
    np.testing.assert_allclose(fit.coef, ridge.coef, rtol=1e-6)


def test_single_rows_feel_the_penalty_in_full(rows):
    """The registers of single rows make the steps of the reference, beyond zero and back."""
    X, y, _ = rows
    X = 0.01 * X
    fit = fastlr.descend(
        X,
        y,
        alpha=10.0,
        learning_rate=0.15,
        batch_size=1,
        sampling="sequential",
        epochs=2,
        record="path",
        tol=None,
    )
    expected = by_hand(X, y, [[[i] for i in range(120)]] * 2, GD(), 0.15, "half_mse", 10.0)
    np.testing.assert_allclose(path_of(fit), expected, rtol=1e-10)


def test_a_wide_table_needs_no_moments():
    """More features than moments are taken for: rates by Lanczos's method, statistics by groups of columns."""
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(400, 600)) + 0.5, rng.normal(size=400)
    fit = fastlr.descend(X, y, engine="rows", epochs=20, alpha=0.1, standardize=False, tol=None)
    hessian = np.c_[X, np.ones(400)].T @ np.c_[X, np.ones(400)] / 400 + np.diag([0.1] * 600 + [0.0])
    assert fit.learning_rate == pytest.approx(1 / np.linalg.eigvalsh(hessian)[-1], rel=1e-4)
    assert np.isnan(fit.gap)
    assert fit.history.loss[-1] < fit.history.loss[0]
    np.testing.assert_allclose(fit.feature_mean, X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(fit.feature_std, X.std(axis=0), rtol=1e-12)


def test_standardising_folds_back(rows):
    X, y, _ = rows
    wild = X * [1e3, 1e-3, 1.0] + [1e4, 0.0, -5.0]
    z = (wild - wild.mean(axis=0)) / wild.std(axis=0)
    inside = fastlr.descend(wild, y, standardize=True, learning_rate=0.1, epochs=50, alpha=0.2)
    outside = fastlr.descend(z, y, learning_rate=0.1, epochs=50, alpha=0.2)
    np.testing.assert_allclose(inside.coef * wild.std(axis=0), outside.coef, rtol=1e-10)
    np.testing.assert_allclose(inside.predict(wild), outside.predict(z), rtol=1e-10)
    np.testing.assert_allclose(inside.history.loss, outside.history.loss, rtol=1e-9)
