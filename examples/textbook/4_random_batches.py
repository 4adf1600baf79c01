"""Random batches: the book's course to the printed digit, and two ways to get closer than the noise floor.

The printed lines come from y = 2 x + 15 with noise of standard deviation 5 (the text says 1 for 15), in the third of
three runs.
"""

import random
import sys

import numpy as np

import fastlr
from fastlr import schedules


class Batches:
    """One batch of ten rows an epoch, drawn as the book draws it."""

    def __iter__(self):
        yield random.sample(range(1000), 10)


random.seed(42)
x = [random.uniform(-10, 10) for _ in range(1000)]
y = [2 * value + 15 + random.gauss(0, 5) for value in x]
for _ in range(2):  # two earlier runs, of which the book keeps nothing
    random.uniform(-1, 1)
    for _ in range(500):
        random.sample(range(1000), 10)
book = fastlr.descend(
    np.array(x).reshape(-1, 1),
    y,
    sampling=Batches(),
    loss="mse",
    learning_rate=0.01,
    epochs=500,
    tol=None,
    init=([random.uniform(-1, 1)], 0.0),
    record="path",
)
course = book.history
print("one feature, batches of 10: the book's course")
for epoch in range(0, 500, 50):
    w, b = course.coef[epoch, 0], course.intercept[epoch]
    print(f"epoch {epoch:3d}: loss {course.loss[epoch]:7.3f}   w {w:.3f}   b {b:6.3f}")

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
print("\none feature, batches of 10")
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
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(noisy.history.epoch[1:], noisy.history.loss[1:], label="constant rate")
    left.plot(falling.history.epoch[1:], falling.history.loss[1:], ls="--", label="falling rate")
    left.axhline(exact.mse, color="0.5", ls=":", label="least squares")
    left.set(xlabel="epoch", ylabel="mean squared error of the batches")
    left.set_title("Batches scatter about the least loss", pad=38)
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    right.plot(noisy.history.coef[:, 0], noisy.history.intercept, ".", label="constant rate")
    right.plot(
        falling.history.coef[:, 0], falling.history.intercept, "^", ms=4, label="falling rate"
    )
    right.plot(*average, "s", color="C2", label="average")
    right.plot(exact.coef[0], exact.intercept, "*", ms=14, color="C3", label="least squares")
    right.set(xlabel="w", ylabel="b", xlim=(1.9, 2.2), ylim=(0.5, 1.3))
    right.set_title("A falling rate comes closer", pad=38)
    right.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "random_batches.png")
