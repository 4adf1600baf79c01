"""The loss surface with the paths of three descents on it; and where an error comes from: bias, variance, noise."""

import sys

import numpy as np

import fastlr

rng = np.random.default_rng(5)
x = rng.uniform(-2, 2, size=200)
y = 3.0 * x + 2.0 + rng.normal(0, 1.5, size=200)
X = x.reshape(-1, 1)
start = ([-3.0], -4.0)


class Steps:
    """A sampler of one batch an epoch, so that the path holds every single step."""

    def __init__(self, size):
        self.size = size

    def __iter__(self):
        yield rng.choice(len(y), self.size, replace=False)


options = {"loss": "mse", "init": start, "record": "path", "tol": None}
paths = {
    "batch": fastlr.descend(X, y, learning_rate=0.1, epochs=40, **options),
    "minibatch": fastlr.descend(X, y, sampling=Steps(10), learning_rate=0.1, epochs=60, **options),
    "stochastic": fastlr.descend(
        X, y, sampling=Steps(1), learning_rate=0.05, epochs=150, **options
    ),
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
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    w, b = np.meshgrid(np.linspace(-4, 6, 120), np.linspace(-5, 6, 120))
    surface = np.mean((w[..., None] * x + b[..., None] - y) ** 2, axis=-1)
    left.contour(
        w, b, surface, levels=exact.mse + np.geomspace(0.3, 120, 14), cmap="Greys_r", linewidths=0.7
    )
    for name, fit in paths.items():
        left.plot(
            np.append(start[0][0], fit.history.coef[:, 0]),
            np.append(start[1], fit.history.intercept),
            ".-",
            ms=3,
            lw=0.8,
            label=name,
        )
    left.plot(exact.coef[0], exact.intercept, "*", ms=13, color="C3")
    left.set(xlabel="w", ylabel="b", title="Where three descents go, step by step")
    left.legend(loc="lower right")
    bottom = np.zeros(len(decomposition))
    for label, part in zip(
        ("bias$^2$", "variance", "noise"), np.array(list(decomposition.values())).T, strict=True
    ):
        right.bar([str(degree) for degree in decomposition], part, bottom=bottom, label=label)
        bottom += part
    right.set(
        xlabel="degree of the polynomial",
        ylabel="expected squared error",
        title="Bias and variance",
    )
    right.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "surface_and_bias.png")
