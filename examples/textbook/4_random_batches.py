"""Random batches: the loss is not monotone, the weights wander in a noise floor, and two ways to get closer."""

import random
import sys

import numpy as np

import fastlr
from fastlr import schedules

random.seed(42)
x = [random.uniform(-10, 10) for _ in range(1000)]
y = [2 * value + 1 + random.gauss(0, 5) for value in x]
X = np.array(x).reshape(-1, 1)

exact = fastlr.ols(X, y)
noisy = fastlr.descend(
    X,
    y,
    batch_size=10,
    sampling="random",
    loss="mse",
    learning_rate=0.005,
    epochs=40,
    tol=None,
    record="path",
    random_state=0,
)
rises = int(np.sum(np.diff(noisy.history.loss) > 0))
print("one feature, batches of 10")
print(f"least squares      {exact.coef[0]:.3f} {exact.intercept:.3f}")
print(
    f"after {noisy.n_epochs} epochs    {noisy.coef[0]:.3f} {noisy.intercept:.3f}  (the loss rose in {rises} of them)"
)

# Averaging the iterates of the second half cancels most of the noise; so does a falling rate.
half = noisy.n_epochs // 2
average = np.array([noisy.history.coef[half:, 0].mean(), noisy.history.intercept[half:].mean()])
print(f"averaged           {average[0]:.3f} {average[1]:.3f}")
falling = fastlr.descend(
    X,
    y,
    batch_size=10,
    sampling="random",
    loss="mse",
    epochs=40,
    tol=None,
    record="path",
    random_state=0,
    learning_rate=schedules.ExponentialDecay(0.005, decay_rate=0.9),
)
print(f"falling rate       {falling.coef[0]:.3f} {falling.intercept:.3f}")

random.seed(42)
features = np.array([[random.uniform(-10, 10) for _ in range(3)] for _ in range(1000)])
target = [2 * a + 3 * b - c + 1 + random.gauss(0, 5) for a, b, c in features]
exact3 = fastlr.ols(features, target)
three = fastlr.descend(
    features,
    target,
    batch_size=50,
    sampling="random",
    loss="mse",
    learning_rate=0.005,
    epochs=60,
    tol=None,
    random_state=0,
)
print("\nthree features, batches of 50")
print("least squares     ", *(f"{value:.3f}" for value in (*exact3.coef, exact3.intercept)))
print(
    f"after {three.n_epochs} epochs   ",
    *(f"{value:.3f}" for value in (*three.coef, three.intercept)),
)


def draw(path):
    """The loss of each epoch, and the wandering weights."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    left.plot(noisy.history.epoch[1:], noisy.history.loss[1:], label="constant rate")
    left.plot(falling.history.epoch[1:], falling.history.loss[1:], label="falling rate")
    left.axhline(exact.mse, color="0.5", ls=":", label="least squares")
    left.set(xlabel="epoch", ylabel="mean squared error of the batches")
    left.legend()
    right.plot(noisy.history.coef[:, 0], noisy.history.intercept, ".", label="constant rate")
    right.plot(falling.history.coef[:, 0], falling.history.intercept, ".", label="falling rate")
    right.plot(*average, "s", color="C2", label="average")
    right.plot(exact.coef[0], exact.intercept, "*", ms=14, color="C3", label="least squares")
    right.set(xlabel="w", ylabel="b", xlim=(1.9, 2.2), ylim=(0.5, 1.3))
    right.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "random_batches.png")
