"""Synthetic data: w = (2, -3.4), b = 4.2, found by three epochs of minibatches."""

import sys

import numpy as np

import fastlr

rng = np.random.default_rng(0)
true_w, true_b = np.array([2.0, -3.4]), 4.2
X = rng.normal(size=(1000, 2))
y = X @ true_w + true_b + rng.normal(0, 0.01, size=1000)

fit = fastlr.descend(
    X,
    y,
    batch_size=10,
    learning_rate=0.03,
    epochs=3,
    init=(rng.normal(0, 0.01, size=2), 0.0),
    record="path",
    random_state=0,
)
for epoch, (coef, intercept) in enumerate(
    zip(fit.history.coef, fit.history.intercept, strict=True)
):
    r = X @ coef + intercept - y
    print(f"epoch {epoch + 1}, loss {np.mean(r**2) / 2:f}")
print("error in estimating w:", " ".join(f"{value:.6f}" for value in true_w - fit.coef))
print(f"error in estimating b: {true_b - fit.intercept:.6f}")


def draw(path):
    """The second feature and the target, and how the losses of single epochs fall."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.scatter(X[:, 1], y, s=3)
    left.set(xlabel="second feature", ylabel="target")
    left.set_title("The target falls with the second feature")
    right.semilogy(fit.history.epoch + 1, fit.history.loss, "o-")
    right.set(xlabel="epoch", ylabel="mean loss of its batches", xticks=[1, 2, 3])
    for epoch, loss in zip(fit.history.epoch + 1, fit.history.loss, strict=True):
        right.annotate(f"{loss:.2g}", (epoch, loss), (6, 6), textcoords="offset points")
    right.set_title("Three epochs of batches of 10 suffice")
    right.margins(x=0.3, y=0.15)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "synthetic.png")
