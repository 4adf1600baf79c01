"""Ridge regression on body fat: coefficients for a hundred penalties, and three ways to choose one.

The table (252 men) comes with the PyPI package faraway. `python ridge_path.py ridge_path.png` draws the picture.
"""

import sys

import faraway.datasets.fat
import numpy as np

import fastlr

table = faraway.datasets.fat.load()
# All measurements but those of fat itself, or made of it.
X, y = table.drop(columns=["brozek", "siri", "density", "free"]), table["brozek"]
Z = (X - X.mean()) / X.std(ddof=0)  # a penalty treats all coefficients alike: so should the units

path = fastlr.ridge_path(Z, y, np.geomspace(1e-2, 1e5, 100))
folds = fastlr.RidgeCV(path.alphas, cv=10).fit(Z, y)
rows = fastlr.RidgeCV(path.alphas).fit(Z, y)
print(f"alpha {path.best_alpha:.3g} by generalised cross-validation, ", end="")
print(f"{rows.alpha_:.3g} by leave-one-out, {folds.alpha_:.3g} by ten folds")
print(f"{path.degrees_of_freedom[path.best]:.1f} effective coefficients of {X.shape[1]}\n")

plain, ridge = fastlr.ols(Z, y), fastlr.ols(Z, y, alpha=rows.alpha_)
print(f"{'':<10}{'plain':>8}{'ridge':>8}")
for name, before, after in zip(X, plain.coef, ridge.coef, strict=True):
    print(f"{name:<10}{before:8.3f}{after:8.3f}")


def draw(target):
    """Coefficients, and the estimated error of predictions, over alpha."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    path.plot(ax=left)
    left.set(ylabel="coefficient (% fat per sd)")
    right.semilogx(path.alphas, path.gcv, label="generalised cross-validation")
    errors = rows.validation_.squared_errors[:, 0] / len(y)
    right.semilogx(path.alphas, errors, ls="--", label="leave-one-out")
    right.axvline(path.best_alpha, color="0.6", lw=0.8)
    right.set(xlabel="penalty alpha", ylabel="mean squared error", ylim=(15, 25))
    right.set_title(
        "Both estimates of the error are lowest at small penalties", loc="left", fontsize=10
    )
    right.legend()
    figure.savefig(target, dpi=120)
    plt.close(figure)


if __name__ == "__main__" and sys.argv[-1].endswith(".png"):
    draw(sys.argv[-1])
