"""Maximum likelihood: with Gaussian noise, the most likely weights are those of least squares."""

import math
import sys

import numpy as np

import fastlr

rng = np.random.default_rng(3)
x = rng.uniform(0, 10, size=60)
y = 1.5 * x + 4.0 + rng.normal(0, 2, size=60)
X = x.reshape(-1, 1)

fit = fastlr.descend(
    X, y, loss="mse", standardize=True, learning_rate=0.05, epochs=200, tol=None, record="path"
)
exact = fastlr.ols(X, y)


def log_likelihood(w, b):
    """Log p(y | x; w, b, s^2) = -n/2 log(2 pi s^2) - sum(r^2) / (2 s^2), at the s^2 that maximises it."""
    residual = y - w * x - b
    variance = np.mean(residual**2)
    n = len(y)
    return -n / 2 * math.log(2 * math.pi * variance) - np.sum(residual**2) / (2 * variance)


print("epoch      mse   log-likelihood")
for epoch in (0, 5, 10, 20, 50, 199):
    print(f"{epoch:5d} {fit.history.mse[epoch]:8.3f} {fit.history.log_likelihood[epoch]:12.4f}")
w, b = fit.history.coef[18, 0], fit.history.intercept[18]
print(
    f"\nby hand after epoch 18: {log_likelihood(w, b):.4f}; in the history: {fit.history.log_likelihood[19]:.4f}"
)
print(f"descent on squared error: w {fit.coef[0]:.5f}, b {fit.intercept:.5f}")
print(f"exact least squares:      w {exact.coef[0]:.5f}, b {exact.intercept:.5f}")

# A search over the likelihood itself, on an ever finer grid, ends in the same place.
centre, width = np.array([0.0, 0.0]), np.array([10.0, 10.0])
for _ in range(60):
    grid = [
        (w, b)
        for w in centre[0] + width[0] * np.linspace(-1, 1, 9)
        for b in centre[1] + width[1] * np.linspace(-1, 1, 9)
    ]
    centre = np.array(max(grid, key=lambda point: log_likelihood(*point)))
    width = width * 0.75
print(f"most likely on a grid:    w {centre[0]:.5f}, b {centre[1]:.5f}")


def draw(path):
    """The squared error falls as the likelihood rises."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.scatter(x, y, s=12)
    left.plot([0, 10], fit.predict([[0.0], [10.0]]), color="C3")
    left.set(xlabel="x", ylabel="y", title="The most likely line is that of least squares")
    right.plot(fit.history.epoch, fit.history.mse, color="C0")
    right.set(xlabel="epoch", xlim=(0, 80), title="As the error falls, the likelihood rises")
    right.set_ylabel("mean squared error (solid)", color="C0")
    other = right.twinx()
    other.plot(fit.history.epoch, fit.history.log_likelihood, color="C1", ls="--")
    other.set_ylabel("log-likelihood (dashed)", color="C1")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "maximum_likelihood.png")
