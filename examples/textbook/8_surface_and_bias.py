"""The loss surface with the paths of three descents on it; and where an error comes from: bias, variance, noise."""

import sys

import numpy as np

import fastlr
from fastlr import plot

rng = np.random.default_rng(5)
x = rng.uniform(-2, 2, size=200)
y = 3.0 * x + 2.0 + rng.normal(0, 1.5, size=200)
X = x.reshape(-1, 1)
start = ([-3.0], -4.0)

options = {"loss": "mse", "init": start, "record": "steps", "tol": None, "random_state": 0}
paths = {
    "batch": fastlr.descend(X, y, learning_rate=0.1, epochs=40, **options),
    "minibatch": fastlr.descend(X, y, batch_size=10, learning_rate=0.1, epochs=3, **options),
    "stochastic": fastlr.descend(X, y, batch_size=1, learning_rate=0.05, epochs=1, **options),
}
exact = fastlr.ols(X, y)
print(f"least squares  w {exact.coef[0]:.3f}  b {exact.intercept:.3f}  loss {exact.mse:.4f}")
for name, fit in paths.items():
    print(
        f"{name:<14} w {fit.coef[0]:.3f}  b {fit.intercept:.3f}  loss {fit.loss:.4f}  steps {fit.n_updates}"
    )

# Bias and variance: fit polynomials to many simulated samples, and look at the predictions in fixed places.
truth = np.sin
places = np.linspace(-1.8, 1.8, 25)
noise = 0.3
print("\ndegree   bias^2  variance   noise     sum   error measured")
decomposition = {}
for degree in (1, 3, 7):
    predictions, errors = [], []
    for _ in range(300):
        a = rng.uniform(-2, 2, size=40)
        powers = a[:, None] ** np.arange(1, degree + 1)
        fit = fastlr.ols(powers, truth(1.5 * a) + rng.normal(0, noise, size=40))
        predicted = fit.predict(places[:, None] ** np.arange(1, degree + 1))
        predictions.append(predicted)
        errors.append((predicted - truth(1.5 * places) - rng.normal(0, noise, size=25)) ** 2)
    predictions = np.array(predictions)
    bias = np.mean((predictions.mean(axis=0) - truth(1.5 * places)) ** 2)
    variance = np.mean(predictions.var(axis=0))
    decomposition[degree] = (bias, variance, noise**2)
    whole = bias + variance + noise**2
    parts = f"{bias:8.4f} {variance:9.4f} {noise**2:7.4f} {whole:7.4f}"
    print(f"{degree:6d} {parts} {np.mean(errors):10.4f}")


def draw(path):
    """Contours of the loss with three paths; bars of bias, variance and noise."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    batch, *others = paths.values()
    surface = batch.loss_surface(x_range=(-4, 6), y_range=(-5, 6))
    plot.loss_surface(surface, *others, labels=paths, ax=left)
    left.set(xlabel="w", ylabel="b")
    bottom = np.zeros(len(decomposition))
    for label, part in zip(
        ("bias$^2$", "variance", "noise"), np.array(list(decomposition.values())).T, strict=True
    ):
        places = [str(degree) for degree in decomposition]
        bars = right.bar(places, part, bottom=bottom, label=label)
        right.bar_label(
            bars,
            [f"{value:.2f}" if value > 0.03 else "" for value in part],
            label_type="center",
            color="white",
            fontsize=8,
        )
        bottom += part
    right.bar_label(bars, [f"{value:.2f}" for value in bottom], padding=2, fontsize=9)
    right.set(
        xlabel="degree of the polynomial",
        ylabel="expected squared error",
    )
    right.set_title("Bias falls and variance rises with the degree", pad=24)
    right.margins(y=0.1)
    right.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "surface_and_bias.png")
