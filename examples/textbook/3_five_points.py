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
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.scatter(xs, ys, color="C0", zorder=3)
    line = np.array([-5.0, 5.0])
    looks = ((0, "0.7", ":"), (5, "0.55", "-."), (20, "0.35", "--"), (499, "C3", "-"))
    for epoch, colour, dashes in looks:
        left.plot(
            line,
            course.coef[epoch, 0] * line + course.intercept[epoch],
            color=colour,
            ls=dashes,
            label=f"epoch {epoch}",
        )
    left.set(xlabel="x", ylabel="y")
    left.set_title("Each epoch turns the line towards the points", pad=38)
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    right.loglog(course.epoch + 1, course.loss, label="rate 0.01")
    right.loglog(wild.history.epoch + 1, wild.history.loss, ls="--", label="rate 0.12: diverges")
    right.set(xlabel="epoch, counted from 1", ylabel="mean squared error")
    right.set_title("With too large a rate the loss grows", pad=24)
    right.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "five_points.png")
