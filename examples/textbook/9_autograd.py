"""Automatic differentiation: linear regression on numbers that know their derivatives, and what that costs.

`Value` is in `fastlr.reference.autograd`, under 150 lines to be read. No derivative is written on this page.
"""

import random
import sys
import time

import numpy as np

import fastlr
from fastlr.reference.autograd import Value, draw


class LinReg:
    """The line y = w x + b, whose parameters know their derivatives."""

    def __init__(self):
        self.w = Value(random.uniform(-1, 1), label="w")
        self.b = Value(0.0, label="b")

    def __call__(self, x):
        """Return the line's prediction, w x + b, at a number x."""
        return self.w * x + self.b

    @property
    def parameters(self):
        """Return the values that training changes."""
        return [self.w, self.b]


class MultiLinReg:
    """The plane y = w1 x1 + ... + wp xp + b."""

    def __init__(self, p):
        self.w = [Value(random.uniform(-1, 1), label=f"w{j + 1}") for j in range(p)]
        self.b = Value(0.0, label="b")

    def __call__(self, x):
        """Return the network's prediction at a sequence x of features."""
        return sum((w * value for w, value in zip(self.w, x, strict=True)), self.b)

    @property
    def parameters(self):
        """Return the values that training changes."""
        return [*self.w, self.b]


def batch_loss(model, xs, ys):
    """The mean of squares over some points."""
    return sum(((model(x) - y) ** 2 for x, y in zip(xs, ys, strict=True)), Value(0.0)) / len(xs)


def train(model, xs, ys, *, epochs, learning_rate=0.01, batch_size=None, told=()):
    """Descend by ``epochs`` steps, each on all points or on some drawn at random; print the ones told."""
    for epoch in range(epochs):
        rows = range(len(xs)) if batch_size is None else random.sample(range(len(xs)), batch_size)
        loss = batch_loss(model, [xs[i] for i in rows], [ys[i] for i in rows])
        loss.backward()
        for parameter in model.parameters:
            parameter.data -= learning_rate * parameter.grad
        if epoch in told:
            w, b = model.w.data, model.b.data
            print(f"epoch {epoch:3d}: loss {loss.data:7.3f}   w {w:6.3f}   b {b:6.3f}")


random.seed(42)
xs = [random.uniform(-5, 5) for _ in range(5)]
ys = [2 * x - 1 + random.gauss(0, 4) for x in xs]
random.uniform(-1, 1)  # the book draws one number that it does not use
line = LinReg()
w0 = line.w.data
print("five points, all of them in each step")
train(line, xs, ys, epochs=500, told=(0, 50, 100, 150, 200, 250, 300, 450))

fit = fastlr.descend(
    np.array(xs)[:, None], ys, loss="mse", learning_rate=0.01, epochs=500, tol=None, init=([w0], 0)
)
print(f"fastlr.descend  after 500 epochs:   w {fit.coef[0]:6.3f}   b {fit.intercept:6.3f}")
difference = max(abs(line.w.data - fit.coef[0]), abs(line.b.data - fit.intercept))
print(f"The two differ by less than 1e-12: {difference < 1e-12}")

random.seed(42)
x = [random.uniform(-10, 10) for _ in range(1000)]
y = [2 * value + 15 + random.gauss(0, 5) for value in x]
for _ in range(2):  # two earlier runs, of which the book keeps nothing
    random.uniform(-1, 1)
    for _ in range(500):
        random.sample(range(1000), 10)
batches = LinReg()
print("\n1000 points, ten of them in each step")
train(batches, x, y, epochs=500, batch_size=10, told=range(0, 500, 50))

random.seed(42)
features = [[random.uniform(-10, 10) for _ in range(3)] for _ in range(1000)]
target = [2 * a + 3 * b - c + 1 + random.gauss(0, 5) for a, b, c in features]
plane = MultiLinReg(3)
train(plane, features, target, epochs=500, batch_size=20, learning_rate=0.005)
exact = fastlr.ols(features, target)
print("\nthree features, twenty points in each step")
print("least squares   ", *(f"{value:.3f}" for value in (*exact.coef, exact.intercept)))
print("after 500 steps ", *(f"{value.data:.3f}" for value in plane.parameters))


def seconds(epochs, run):
    """The shortest time of an epoch in three runs."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run(epochs)
        times.append((time.perf_counter() - start) / epochs)
    return min(times)


# One million operations that are remembered one by one, or one pass over the rows in registers.
rows, answers = np.array(x)[:, None], np.array(y)
options = {"loss": "mse", "learning_rate": 0.01, "tol": None, "engine": "rows"}
of_values = seconds(2, lambda n: train(LinReg(), x, y, epochs=n))
of_kernels = seconds(5_000, lambda n: fastlr.descend(rows, answers, epochs=n, **options))
ratio = of_values / of_kernels
print("\nan epoch over 1000 points, all of them in each step")
print(f"Value          {1e3 * of_values:10.4f} ms")
print(f"fastlr.descend {1e3 * of_kernels:10.4f} ms, {ratio:.0f} times as fast")


def picture(path):
    """The graph of the loss of one point, and the two courses on one another."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.5), layout="constrained")
    top, bottom = figure.subplots(2, 1)
    one = LinReg()
    one.w.data = w0
    prediction = one(xs[0])
    prediction.label = "prediction"
    residual = prediction - ys[0]
    residual.label = "residual"
    loss = residual**2
    loss.label = "loss"
    loss.backward()
    draw(loss).plot(top)
    top.set_title("The loss of one point: each box has its number and its derivative")
    places = np.array([-5.0, 5.0])
    bottom.scatter(xs, ys, zorder=3, label="five points")
    bottom.plot(places, line.w.data * places + line.b.data, "C1", lw=4, alpha=0.5, label="Value")
    bottom.plot(places, fit.predict(places[:, None]), "C3--", label="fastlr.descend")
    bottom.set(xlabel="x", ylabel="y")
    bottom.set_title("500 steps by either end in the same line", pad=24)
    bottom.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    picture(sys.argv[1] if len(sys.argv) > 1 else "autograd.png")
