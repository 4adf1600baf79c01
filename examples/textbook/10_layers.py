"""Layers: from the perceptron to a deep network on a curve that no line fits; and a table that needs no network.

The table (252 men) comes with the PyPI package faraway.
"""

import sys

import faraway.datasets.fat
import numpy as np
from sklearn.model_selection import KFold, cross_val_predict

import fastlr
from fastlr import reference

ACTIVATIONS = ("logistic", "tanh", "relu", "leaky_relu", "elu", "softplus", "gelu")
TOLD = (1, 10, 100, 1000)

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-3, 3, size=200))
y = np.sin(2.5 * x) + 0.4 * x + rng.normal(0, 0.2, size=200)
X = x[:, None]

# A perceptron is one neuron: without an activation a line, and descent finds that of least squares.
line = fastlr.MLPRegressor(
    hidden_layer_sizes=(),
    solver="sgd",
    learning_rate_init=0.05,
    max_iter=300,
    random_state=0,
    alpha=0,
    tol=None,
).fit(X, y)
exact = fastlr.ols(X, y)
print(f"perceptron      w {line.coefs_[0][0, 0]:.2f}  b {line.intercepts_[0][0]:.2f}")
print(f"least squares   w {exact.coef[0]:.2f}  b {exact.intercept:.2f}")

# Two lines after one another are a line: without activations a deep network is a perceptron.
deep_line = fastlr.MLPRegressor(
    hidden_layer_sizes=(16, 16),
    activation="identity",
    max_iter=300,
    random_state=0,
    alpha=0,
    tol=None,
).fit(X, y)
slope = (deep_line.coefs_[0] @ deep_line.coefs_[1] @ deep_line.coefs_[2])[0, 0]
print(f"three of them without activations are one: w {slope:.2f}")


def course(sizes):
    """The network after 1000 epochs, and its predictions after 1, 10, 100 and 1000."""
    shown = {}
    for epochs in TOLD:
        model = fastlr.MLPRegressor(
            hidden_layer_sizes=sizes,
            activation="tanh",
            batch_size=20,
            learning_rate_init=0.005,
            max_iter=epochs,
            tol=None,
            random_state=2,  # the same weights and batches each time: only the end differs
        )
        shown[epochs] = model.fit(X, y).predict(X)
    return model, shown


one, by_one = course((16,))
three, by_three = course((16, 16, 16))
print("\nmean squared error after epochs     1      10     100    1000   parameters")
for name, model, shown in (("one hidden layer", one, by_one), ("three of them", three, by_three)):
    errors = "".join(f"{np.mean((prediction - y) ** 2):8.3f}" for prediction in shown.values())
    n_parameters = sum(part.size for part in (*model.coefs_, *model.intercepts_))
    print(f"{name:<28}{errors}{n_parameters:10d}")
print(f"{'the line':<28}{exact.mse:8.3f}   (the noise has 0.040)")

# Body fat from fourteen measurements, each man predicted by fits that have not seen him.
table = faraway.datasets.fat.load()
# All measurements but those of fat itself, or made of it.
men = table.drop(columns=["brozek", "siri", "density", "free"]).to_numpy(float)
fat = table["brozek"].to_numpy(float)
settings = {"standardize": True, "batch_size": 20, "random_state": 0, "tol": None}
models = {
    "least squares": fastlr.LinearRegression(),
    "16 neurons, 50 epochs": fastlr.MLPRegressor(
        hidden_layer_sizes=16, max_iter=50, alpha=1.0, **settings
    ),
    "16 neurons, 300 epochs": fastlr.MLPRegressor(
        hidden_layer_sizes=16, max_iter=300, alpha=0, **settings
    ),
    "16-16-16, 100 epochs": fastlr.MLPRegressor(
        hidden_layer_sizes=(16, 16, 16), max_iter=100, alpha=0, **settings
    ),
}
print("\nbody fat: mean squared error   of men seen   of men not seen (three ways to part them)")
scores = {}
for name, model in models.items():
    seen = np.mean((model.fit(men, fat).predict(men) - fat) ** 2)
    partitions = [KFold(10, shuffle=True, random_state=seed) for seed in range(3)]
    errors = [cross_val_predict(model, men, fat, cv=folds) - fat for folds in partitions]
    unseen = np.mean(np.square(errors), axis=1)
    scores[name] = seen, float(unseen.mean())
    ways = ", ".join(f"{error:.1f}" for error in unseen)
    print(f"{name:<28}{seen:14.1f}{unseen.mean():18.1f} ({ways})")
best = min(scores, key=lambda name: scores[name][1])
print(
    f"Of men not seen, {best} comes nearest, if only just: how the men are parted matters as much."
)


def draw(path):
    """Activations, the fits of both networks on their way, and errors of men seen and not seen."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8), layout="constrained")
    (functions, bars), (left, right) = figure.subplots(2, 2)
    z = np.linspace(-3, 3, 121)
    dashes = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
    for kind, dash in zip(ACTIVATIONS, dashes, strict=True):
        functions.plot(z, reference.activate(z, kind), ls=dash, label=kind)
    functions.set(xlabel="sum of a neuron's inputs", ylabel="its output", ylim=(-1.3, 3))
    functions.set_title("Activations bend lines")
    functions.legend(fontsize=8)
    places = np.arange(len(scores))
    for shift, label, which in ((-0.2, "men seen", 0), (0.2, "men not seen", 1)):
        drawn = bars.barh(
            places + shift, [pair[which] for pair in scores.values()], 0.38, label=label
        )
        bars.bar_label(drawn, fmt="%.1f", padding=3, fontsize=8)
    bars.set_yticks(places, [name.replace(", ", "\n") for name in scores])
    bars.invert_yaxis()
    bars.margins(x=0.15)
    bars.set(xlabel="mean squared error of body fat")
    bars.set_title("To know men seen is not to know others", pad=24)
    bars.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    for axes, shown, title in (
        (left, by_one, "One hidden layer of 16 neurons"),
        (right, by_three, "Three hidden layers learn faster"),
    ):
        axes.scatter(x, y, s=8, color="0.7")
        for (epoch, prediction), look in zip(shown.items(), (":", "-.", "--", "-"), strict=True):
            axes.plot(x, prediction, ls=look, label=f"epoch {epoch}")
        axes.set(xlabel="x", ylabel="y")
        axes.set_title(title, pad=24)
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=4,
            frameon=False,
            fontsize=8,
            columnspacing=0.8,
            handlelength=1.6,
        )
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "layers.png")
