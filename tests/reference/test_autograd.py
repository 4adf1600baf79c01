"""Automatic differentiation: against differences of sixty digits, and as the judge of the gradients of fastlr."""

import math

import numpy as np
import pytest
from flint import arb, ctx

import fastlr
from fastlr import optimizers, reference
from fastlr.reference.autograd import Value, draw, maximum

RTOL = 1e-12  # every number below is of size 1, and every sum has fewer than a hundred terms


def erf(x):
    return Value(math.erf(x.data), (x,), (2 / math.sqrt(math.pi) * math.exp(-(x.data**2)),), "erf")


class OfValues:
    """What functions are made of, for `Value`."""

    exp, log, tanh, relu = Value.exp, Value.log, Value.tanh, Value.relu
    erf, maximum = staticmethod(erf), staticmethod(maximum)


class OfDigits:
    """The same for numbers of sixty digits."""

    exp, log, tanh, erf = arb.exp, arb.log, arb.tanh, arb.erf

    @staticmethod
    def relu(x):
        return x if x > 0 else arb(0)

    @staticmethod
    def maximum(a, b):
        return a if a > b else arb(b)


FUNCTIONS = {
    "sum": lambda m, x, y: x + y + 2.0 + x,
    "product": lambda m, x, y: x * y * x * 3.0,
    "difference": lambda m, x, y: 1.5 - x - y * 2.0 - -x,
    "quotient": lambda m, x, y: x / y + 2.0 / x + y / 3.0,
    "power": lambda m, x, y: x**3 + y**-2 + (x * x) ** 0.5 + y**1 + x**0,
    "exp": lambda m, x, y: m.exp(x * y) - m.exp(-x),
    "log": lambda m, x, y: m.log(x * x + y * y),
    "tanh": lambda m, x, y: m.tanh(x + y) * m.tanh(y),
    "relu": lambda m, x, y: m.relu(x) * y + m.relu(-x) + m.relu(y - x),
    "max": lambda m, x, y: m.maximum(x, y) * x + m.maximum(x * y, 0.1) + m.maximum(-2.0 + x, y),
    "a function of one's own": lambda m, x, y: m.erf(x) * y,
    "used twice": lambda m, x, y: (x * y + 1.0) * (x * y + 1.0) / (x * y + 3.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_those_of_differences_of_sixty_digits(name):
    f = FUNCTIONS[name]
    precision, ctx.dps = ctx.dps, 80
    try:
        h = arb(10) ** -30
        for x, y in ((0.7, 1.3), (-0.4, 0.9), (1.1, -0.6)):
            first, second = Value(x), Value(y)
            value = f(OfValues, first, second)
            value.backward()
            assert value.data == pytest.approx(float(f(OfDigits, arb(x), arb(y))), rel=RTOL)
            by_x = (f(OfDigits, arb(x) + h, arb(y)) - f(OfDigits, arb(x) - h, arb(y))) / (2 * h)
            by_y = (f(OfDigits, arb(x), arb(y) + h) - f(OfDigits, arb(x), arb(y) - h)) / (2 * h)
            assert first.grad == pytest.approx(float(by_x), rel=RTOL, abs=1e-15)
            assert second.grad == pytest.approx(float(by_y), rel=RTOL, abs=1e-15)
    finally:
        ctx.dps = precision


def test_corners_have_a_derivative_and_constants_have_one_too():
    x = Value(0.0)
    x.relu().backward()
    assert x.grad == 0.0
    y = Value(0.0)
    maximum(x, y).backward()
    assert (x.grad, y.grad) == (1.0, 0.0)
    constant = Value(2.0)
    constant.backward()
    assert constant.grad == 1.0


def test_backward_forgets_what_an_earlier_one_has_found():
    x = Value(3.0)
    square = x * x
    for _ in range(2):
        square.backward()
        assert x.grad == 6.0


def test_a_long_computation_needs_no_recursion():
    x = value = Value(1.0)
    for _ in range(20_000):
        value = value + x
    value.backward()
    assert x.grad == 20_001.0
    assert len(value.history()) == 20_001


def rows(*, n=12, p=3, seed=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X @ rng.normal(size=p) + rng.normal(size=n), rng.uniform(0.5, 2.0, size=n), rng


def derivatives(objective, theta):
    """The objective of `Value`s at these parameters, and its derivatives."""
    values = [Value(number) for number in theta]
    result = objective(values)
    result.backward()
    return result.data, np.array([value.grad for value in values])


def residuals_of(values, X, y):
    *coef, intercept = values
    return [
        sum((w * x for w, x in zip(coef, row, strict=True)), intercept) - target
        for row, target in zip(X, y, strict=True)
    ]


def size(r):
    return maximum(r, -r)


ROW_LOSSES = {
    "squared_error": lambda r: r**2 / 2.0,
    # r^2 / 2 up to 0.3 and a line beyond: h (|r| - h / 2) with h the smaller of |r| and 0.3
    "huber": lambda r: -maximum(-size(r), -0.3) * (size(r) + maximum(-size(r), -0.3) / 2.0),
    "epsilon_insensitive": lambda r: maximum(size(r) - 0.3, 0.0),
    "squared_epsilon_insensitive": lambda r: maximum(size(r) - 0.3, 0.0) ** 2,
}


@pytest.mark.parametrize("kind", ["sse", "mse", "half_mse", "huber"])
def test_a_step_of_descent_is_the_derivative_of_its_loss(kind, level):
    X, y, weights, rng = rows()
    theta = rng.normal(size=4)
    alpha = 0.7
    for weight in (None, weights):
        w = np.ones(len(y)) if weight is None else weight
        scale = {
            "sse": 2.0,
            "mse": 2.0 / w.sum(),
            "half_mse": 1.0 / w.sum(),
            "huber": 1.0 / w.sum(),
        }
        of_penalty = {"sse": 1.0, "mse": 1.0, "half_mse": 0.5, "huber": 0.5}[kind]
        row_loss = ROW_LOSSES["huber" if kind == "huber" else "squared_error"]

        def objective(values, w=w, scale=scale, of_penalty=of_penalty, row_loss=row_loss):
            losses = [row_loss(r) * v for r, v in zip(residuals_of(values, X, y), w, strict=True)]
            penalty = sum((b**2 for b in values[:-1]), Value(0.0)) * alpha * of_penalty
            return sum(losses, Value(0.0)) * scale[kind] + penalty

        loss, slope = derivatives(objective, theta)
        options = {"epsilon": 0.3} if kind == "huber" else {}
        for engine in ("rows",) if kind == "huber" or weight is not None else ("rows", "moments"):
            fit = fastlr.descend(
                X,
                y,
                sample_weight=weight,
                loss=kind,
                alpha=alpha,
                learning_rate=2.0**-8,
                epochs=1,
                init=(theta[:-1], theta[-1]),
                tol=None,
                record="path",
                engine=engine,
                **options,
            )
            assert fit.history.loss[0] == pytest.approx(loss, rel=RTOL)
            step = (theta - np.append(fit.history.coef[0], fit.history.intercept[0])) * 2.0**8
            np.testing.assert_allclose(step, slope, rtol=RTOL, atol=RTOL, err_msg=engine)
        if kind != "huber":
            twin = reference.gradient(
                X, y, theta[:-1], theta[-1], kind=kind, sample_weight=weight, alpha=alpha
            )
            np.testing.assert_allclose([*twin.coef, twin.intercept], slope, rtol=RTOL, atol=RTOL)


@pytest.mark.parametrize("kind", ROW_LOSSES)
def test_a_step_of_stochastic_descent_is_the_derivative_of_its_loss(kind, level):
    X, y, _, rng = rows()
    theta = rng.normal(size=4)
    alpha, share = 0.4, 0.25

    def objective(values):
        losses = sum(map(ROW_LOSSES[kind], residuals_of(values, X, y)), Value(0.0))
        squares = sum((b**2 for b in values[:-1]), Value(0.0))
        sizes = sum(map(size, values[:-1]), Value(0.0))
        return losses / len(y) + (squares * (1.0 - share) / 2.0 + sizes * share) * alpha

    loss, slope = derivatives(objective, theta)
    model = fastlr.SGDRegressor(
        loss=kind,
        epsilon=0.3,
        penalty="elasticnet",
        alpha=alpha,
        l1_ratio=share,
        learning_rate="constant",
        eta0=2.0**-8,
        optimizer=optimizers.Momentum(0.0),
        batch_size=None,
        max_iter=1,
        tol=None,
    ).fit(X, y, theta[:-1], theta[-1])
    assert model.loss_curve_[0] == pytest.approx(loss, rel=RTOL)
    step = (theta - np.append(model.coef_, model.intercept_)) * 2.0**8
    np.testing.assert_allclose(step, slope, rtol=RTOL, atol=RTOL)


def test_the_picture_and_the_text_show_every_value_and_every_edge():
    pytest.importorskip("matplotlib")
    w, x = Value(2.0, label='the "weight"'), Value(3.0, label="x")
    loss = (w * x - 5.0) ** 2
    loss.label = "loss"
    loss.backward()
    drawing = draw(loss)
    text = str(drawing)
    assert text.startswith("digraph {")
    assert text.endswith("}")
    assert r'label="the \"weight\"\n2\ngrad 6"' in text
    assert text.count("->") == sum(len(value.parents) for value in drawing.values) == 5
    axes = drawing.plot()
    shown = [artist.get_text() for artist in axes.texts]
    for value in drawing.values:
        assert any(f"{value.data:.4g}\ngrad {value.grad:.4g}" in written for written in shown)
    assert sum(not written for written in shown) == 5  # arrows are annotations without words
    assert "^2 loss\n1\ngrad 1" in shown
    own = axes.figure.subplots()
    assert drawing.plot(own) is own


def test_boxes_of_the_picture_do_not_cover_one_another():
    pytest.importorskip("matplotlib")
    w, b = Value(0.5, label="w"), Value(0.1, label="b")
    residuals = [w * x + b - y for x, y in ((1.0, 2.0), (2.0, 3.5), (4.0, -1.0))]
    loss = sum((r**2 for r in residuals), Value(0.0)) / 3.0
    loss.backward()
    axes = draw(loss).plot()
    axes.figure.savefig("/dev/null", format="svg")
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:i])
