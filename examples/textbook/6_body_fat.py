"""Body fat from fourteen measurements: which weigh most, and what happens without standardising.

The table (252 men) comes with the PyPI package faraway.
"""

import sys
import warnings

import faraway.datasets.fat

import fastlr

table = faraway.datasets.fat.load()
# All measurements but those of fat itself, or made of it.
X, y = table.drop(columns=["brozek", "siri", "density", "free"]), table["brozek"]
Z = (X - X.mean()) / X.std(ddof=0)

fit = fastlr.descend(
    Z,
    y,
    batch_size=20,
    loss="mse",
    learning_rate=fastlr.schedules.ExponentialDecay(0.05, decay_rate=0.98),
    epochs=400,
    tol=None,
    random_state=0,
)
print(f"bias {fit.intercept:.3f}, mean squared error {fit.mse:.3f}\n")
print(fit.weights_by_size())

# The same without standardising by hand: descend does it, and gives the weights of the raw features.
folded = fastlr.descend(X, y, loss="mse", epochs=20_000, optimizer="gd", standardize=True)
print("\non raw features, standardised inside, full batch:")
print("\n".join(str(folded.weights_by_size(standardized=True)).splitlines()[:3]))

# Raw measurements of some 40 to 250 units make the loss a steep narrow valley: 0.05 is far too large a step.
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    fastlr.descend(X, y, batch_size=20, loss="mse", learning_rate=0.05, epochs=10, random_state=0)
print("\nwithout standardising:", caught[0].message)
slow = fastlr.descend(X, y, loss="mse", epochs=400, tol=None, optimizer="gd", standardize=False)
print(
    f"with the largest safe rate, {slow.learning_rate:.1e}, after 400 epochs: mean squared error {slow.mse:.1f}"
)


def draw(path):
    """Weights by size, and the loss with and without standardising."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    ranking = fit.weights_by_size()
    bars = left.barh([name for name, _ in ranking][::-1], [weight for _, weight in ranking][::-1])
    left.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    left.margins(x=0.15)
    left.axvline(0, color="0.4", lw=0.8)
    left.set(xlabel="weight on standardised features")
    left.set_title("The abdomen says most about body fat")
    right.loglog(fit.history.epoch + 1, fit.history.mse, label="standardised, batches of 20")
    right.loglog(slow.history.epoch + 1, slow.history.mse, ls="--", label="raw, full batch")
    right.set(xlabel="epoch, counted from 1", ylabel="mean squared error")
    right.set_title("Without standardising descent is slow")
    right.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "body_fat.png")
