"""Age and cortical thickness: a line that falls slowly, fitted by 2000 small steps from zero."""

import sys

import numpy as np

import fastlr
from fastlr import plot

rng = np.random.default_rng(7)
age = np.linspace(0, 1, 100)
thickness = 2.8 - 0.008 * age + rng.normal(0, 0.05, size=100)
X = {"age": age}

fit = fastlr.descend(
    X, thickness, loss="mse", learning_rate=0.01, epochs=2000, tol=None, record="path", verbose=200
)
first = fit.history
print(f"\nafter the first update: w = {first.coef[0, 0]:.3f}, b = {first.intercept[0]:.3f}")
print("loss:", ", ".join(f"{first.loss[epoch]:.3f}" for epoch in (0, 200, 400, 1999)))

# Small steps need patience: 2000 of them still leave a slope that a larger rate gets rid of.
exact = fastlr.ols(X, thickness)
faster = fastlr.descend(X, thickness, loss="mse", optimizer="gd", standardize=False)
print(f"least squares: w = {exact.coef[0]:.4f}, b = {exact.intercept:.4f}")
print(f"rate {fit.learning_rate:g}: w = {fit.coef[0]:.4f} after {fit.n_epochs} epochs")
print(
    f"rate {faster.learning_rate:.3f} (automatic): w = {faster.coef[0]:.4f} after {faster.n_epochs} epochs"
)


def draw(path):
    """The scatter with its fitted lines, and how the loss falls."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.scatter(age, thickness, s=12, alpha=0.7)
    left.plot(age, fit.predict(age[:, None]), color="C3", label="after 2000 epochs")
    left.plot(age, exact.predict(age[:, None]), color="C2", ls="--", label="least squares")
    left.set(xlabel="age (scaled)", ylabel="cortical thickness (mm)")
    left.set_title("After 2000 small steps the slope is still too steep", pad=24)
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    plot.loss(fit, ax=right)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "cortical_thickness.png")
