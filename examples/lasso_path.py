"""Body fat from few measurements: the lasso's path, a penalty by cross-validation, and the best subsets.

The table (252 men) comes with the PyPI package faraway. `python lasso_path.py lasso_path.png` draws the picture.
"""

import sys

import faraway.datasets.fat
import numpy as np

import fastlr

table = faraway.datasets.fat.load()
# All measurements but those of fat itself, or made of it.
X, y = table.drop(columns=["brozek", "siri", "density", "free"]), table["brozek"]
Z = (X - X.mean()) / X.std(ddof=0)  # a penalty treats all coefficients alike: so should the units

path = fastlr.lasso_path(Z, y, tol=1e-10)
wait = np.sum(np.cumsum(path.coefs != 0.0, axis=1) == 0, axis=1)  # penalties without a coefficient
print("in the order in which they get a coefficient:")
print(" ", ", ".join(X.columns[j] for j in np.argsort(wait, kind="stable")))

model = fastlr.LassoCV(cv=10, tol=1e-10).fit(Z, y)
errors = model.mse_path_.mean(axis=1)
spread = model.mse_path_.std(axis=1, ddof=1) / np.sqrt(model.mse_path_.shape[1])
best = np.argmin(errors)
simple = np.argmax(errors <= errors[best] + spread[best])  # alphas fall: the first is the largest
for what, k in (("the least error", best), ("one standard error more", simple)):
    chosen = [X.columns[j] for j in np.flatnonzero(path.coefs[:, k])]
    print(
        f"\n{what}, in ten folds, has alpha = {path.alphas[k]:.3f} and {len(chosen)} measurements:"
    )
    print(" ", ", ".join(chosen))

found = fastlr.best_subset(Z, y, criterion="bic", max_size=6)
print(f"\n{found.table}\n\nBIC prefers {', '.join(found.best.features)}: R2 = {found.fit.r2:.3f}")


def draw(target):
    """Coefficients over alpha, and the errors of the folds."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    path.plot(ax=left)
    left.axvline(path.alphas[simple], color="0.6", lw=0.8)
    left.set(ylabel="coefficient (% fat per sd)")
    right.errorbar(model.alphas_, errors, spread, lw=0.8, elinewidth=0.4)
    right.axvline(path.alphas[simple], color="0.6", lw=0.8)
    right.set(
        xscale="log", ylim=(15, 30), xlabel="penalty alpha", ylabel="mean squared error, ten folds"
    )
    right.set_title("Grey: the simplest within a standard error", loc="left", fontsize=10)
    right.invert_xaxis()
    figure.savefig(target, dpi=120)
    plt.close(figure)


if __name__ == "__main__" and sys.argv[-1].endswith(".png"):
    draw(sys.argv[-1])
