"""Five points, 500 epochs: the printed course of a descent, to the printed digit."""

import random
import sys
import warnings

import numpy as np

import fastlr

random.seed(42)
xs = [random.uniform(-5, 5) for _ in range(5)]
ys = [2 * x - 1 + random.gauss(0, 4) for x in xs]
random.uniform(-1, 1)  # the book draws one number that it does not use
w0 = random.uniform(-1, 1)
X = np.array(xs).reshape(-1, 1)

fit = fastlr.descend(
    X, ys, loss="mse", learning_rate=0.01, epochs=500, init=([w0], 0.0), record="path"
)
course = fit.history
for epoch in (0, 50, 100, 150, 200, 250, 300, 450):
    w, b = course.coef[epoch, 0], course.intercept[epoch]
    print(f"epoch {epoch:3d}: loss {course.loss[epoch]:7.3f}   w {w:6.3f}   b {b:6.3f}")
print(f"\n{fit.status}")
print(f"above the exact optimum: {fit.gap:.1e}")

# A rate that is too large makes every step overshoot. The largest one that does not is 2 / L.
print(f"\nlargest stable rate: {fit.largest_stable_rate:.4f}")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    wild = fastlr.descend(X, ys, loss="mse", learning_rate=0.12, epochs=500, tol=None)
print(caught[0].message)
print(f"What is returned has loss {wild.loss:.2f}, the lowest on the way, and no overflow.")


def draw(path):
    """The five points with lines from the first epoch to the last, and the loss at two rates."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    left.scatter(xs, ys, color="C0", zorder=3)
    line = np.array([-5.0, 5.0])
    for epoch, colour in ((0, "0.8"), (5, "0.6"), (20, "0.4"), (499, "C3")):
        left.plot(
            line,
            course.coef[epoch, 0] * line + course.intercept[epoch],
            color=colour,
            label=f"epoch {epoch}",
        )
    left.set(xlabel="x", ylabel="y")
    left.legend()
    right.loglog(course.epoch + 1, course.loss, label="rate 0.01")
    right.loglog(wild.history.epoch + 1, wild.history.loss, label="rate 0.12: diverges")
    right.set(xlabel="epoch", ylabel="mean squared error")
    right.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "five_points.png")
