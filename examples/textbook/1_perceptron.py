"""A perceptron for simple regression: forward pass, cost, backward pass, update.

One neuron, no activation: prediction = weight * x + bias. The cost is sum(r^2) / (2 m), the loss "half_mse".
"""

import sys

import numpy as np

import fastlr
from fastlr import plot, reference

rng = np.random.default_rng(1)
X = rng.normal(size=(100, 1))
y = 35.0 * X[:, 0] + 2.0 + rng.normal(0.0, 10.0, size=100)

# By hand, as the book does it: one iteration is forward, cost, backward, update.
parameters = reference.Parameters(np.zeros(1), 0.0)
print("by hand, from zeros")
for iteration in range(4):
    prediction = reference.predict(X, *parameters)  # forward
    cost = float(np.sum((prediction - y) ** 2)) / (2 * len(y))
    slope = reference.gradient(X, y, *parameters)  # backward
    parameters = reference.descent_step(parameters, slope, learning_rate=0.5)  # update
    print(f"cost after iteration {iteration}: {cost:.6f}")

# The same in one call, from zeros and from random starts.
from_zeros = fastlr.descend(X, y, learning_rate=0.5, epochs=40, record="path")
starts = [
    fastlr.descend(
        X, y, learning_rate=0.5, epochs=40, init="random", random_state=seed, record="path"
    )
    for seed in range(3)
]
print("\nin one call")
for iteration in range(4):
    print(f"cost after iteration {iteration}: {from_zeros.history.loss[iteration]:.6f}")
print(f"\nweight {from_zeros.coef[0]:.4f}, bias {from_zeros.intercept:.4f}")
for seed, fit in enumerate(starts):
    print(f"from random start {seed}: weight {fit.coef[0]:.4f}, bias {fit.intercept:.4f}")


def draw(path):
    """The points with their line, and how the cost falls."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot.regression(from_zeros, X, y, ax=left)
    left.set(xlabel="x", ylabel="y")
    right.semilogy(from_zeros.history.epoch, from_zeros.history.loss, label="from zeros")
    for seed, (fit, dashes) in enumerate(zip(starts, ("--", "-.", ":"), strict=True)):
        right.semilogy(
            fit.history.epoch, fit.history.loss, ls=dashes, label=f"from random start {seed}"
        )
    right.set(
        xlabel="iteration", ylabel="cost", title="The cost falls to the same from every start"
    )
    right.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "perceptron.png")
