"""Claims on the lasso: `python -m benchmarks.lasso [path|wide|cv|subsets]`, all of them by default.

In turns, medians: a path of 100 penalties (to a thousandth of the largest) on 1e6 x 50 beside one `fastlr.ols` of the
same rows and scikit-learn's path on its own cross-products; the same on 1e4 x 2000, for a few columns that matter and
for noise that needs most of them, beside adelie's; LassoCV of five folds beside scikit-learn's and glum's; best subsets
of 25 and of 50 columns, and sizes 0 to 30, beside abess's. adelie, celer, glum and abess are left out, with a sentence,
where they are not installed. `LASSO_ROWS=100000` takes so many rows in place of a million.
"""

import importlib
import os
import sys
import warnings

import numpy as np
from sklearn import linear_model

import fastlr
from fastlr.bench import in_turns

MANY = int(os.environ.get("LASSO_ROWS", 10**6))


def peer(name):
    """A package that may be missing; None, after a sentence, where it is."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name.partition('.')[0]} is not installed: it is left out.")
        return None


def rows(n, p, n_useful, noise=1.0):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    coef = np.zeros(p)
    coef[:n_useful] = rng.standard_normal(n_useful)
    return X, X @ coef + noise * rng.standard_normal(n)


def show(title, seconds, of):
    print(title)
    for name, value in seconds.items():
        print(f"  {name:<28} {1e3 * value:9.1f} ms  {value / seconds[of]:7.2f} x {of}")


def path():
    X, y = rows(MANY, 50, 20)
    seconds = in_turns(
        {
            "ols": lambda: fastlr.ols(X, y),
            "lasso_path": lambda: fastlr.lasso_path(X, y),
            "lasso_path, tol=1e-12": lambda: fastlr.lasso_path(X, y, tol=1e-12),
            "scikit-learn": lambda: linear_model.lasso_path(X, y, alphas=100, precompute=True),
        },
        rounds=5,
    )
    show(f"100 penalties, {MANY} x 50", seconds, "ols")


def wide():
    for noise, eps in ((1.0, 1e-2), (1.0, 1e-3), (5.0, 1e-3)):
        X, y = rows(10**4, 2000, 50, noise)
        found = fastlr.lasso_path(X, y, eps=eps)
        seconds = in_turns(
            {
                "lasso_path": lambda X=X, y=y, eps=eps: fastlr.lasso_path(X, y, eps=eps),
                "from moments": lambda X=X, y=y, eps=eps: fastlr.lasso_path(
                    X, y, eps=eps, solver="moments"
                ),
                "scikit-learn": lambda X=X, y=y, eps=eps: linear_model.lasso_path(
                    X, y, alphas=100, eps=eps
                ),
                **wide_peers(X, y, eps),
            },
            rounds=3,
        )
        active = int(found.df[-1])
        title = f"100 penalties to alpha_max * {eps:g}, 1e4 x 2000, noise {noise:g}: {active} columns at the end"
        show(f"{title}, by {found.solver}", seconds, "lasso_path")


def wide_peers(X, y, eps):
    """The same path by peers, on columns in Fortran order, which they want."""
    candidates = {}
    columns = np.asfortranarray(X)
    if (adelie := peer("adelie")) is not None:
        candidates["adelie"] = lambda: adelie.grpnet(
            columns,
            adelie.glm.gaussian(y),
            lmda_path_size=100,
            min_ratio=eps,
            adev_tol=1.0,
            early_exit=False,
            progress_bar=False,
            n_threads=os.cpu_count(),
        )
    if (celer := peer("celer")) is not None:
        alphas = fastlr.lasso_path(X, y, eps=eps).alphas
        centred, target = np.asfortranarray(X - X.mean(axis=0)), y - y.mean()
        candidates["celer"] = lambda: celer.celer_path(centred, target, "lasso", alphas=alphas)
    return candidates


def cv():
    X, y = rows(MANY, 50, 20)
    ours = fastlr.LassoCV(tol=1e-10).fit(X, y)
    theirs = linear_model.LassoCV(tol=1e-10, precompute=True)
    others = {"scikit-learn": theirs}
    if (glum := peer("glum")) is not None:
        others["glum"] = glum.GeneralizedLinearRegressorCV(
            family="normal",
            l1_ratio=1.0,
            n_alphas=100,
            min_alpha_ratio=1e-3,
            cv=5,
            gradient_tol=1e-7,
        )
    seconds = in_turns(
        {
            "ols": lambda: fastlr.ols(X, y),
            "LassoCV": lambda: fastlr.LassoCV(tol=1e-10).fit(X, y),
            **{name: lambda model=model: model.fit(X, y) for name, model in others.items()},
        },
        rounds=3,
    )
    show(f"LassoCV, 5 folds, 100 penalties, {MANY} x 50", seconds, "LassoCV")
    for name, model in others.items():
        off = np.abs(ours.coef_ - model.coef_).max()
        print(f"  largest difference of a coefficient from {name}'s: {off:.1e}")


def subsets():
    abess = peer("abess.linear")

    def of_abess(X, y):
        return {
            "abess": lambda: abess.LinearRegression(
                support_size=range(31), ic_type="bic", thread=0
            ).fit(X, y)
        }

    for p, method in ((25, "exact"), (50, "stepwise")):
        X, y = rows(MANY, p, 10)
        seconds = in_turns(
            {
                "ols": lambda X=X, y=y: fastlr.ols(X, y),
                "best_subset": lambda X=X, y=y, m=method: fastlr.best_subset(
                    X, y, method=m, max_size=min(30, X.shape[1])
                ),
                **(of_abess(X, y) if abess is not None and p > 30 else {}),
            },
            rounds=3,
        )
        show(f"best subsets, {method}, {MANY} x {p}", seconds, "ols")
    X, y = rows(10**4, 2000, 50)
    seconds = in_turns(
        {
            "forward": lambda: fastlr.best_subset(X, y, method="forward", max_size=30),
            **(of_abess(X, y) if abess is not None else {}),
        },
        rounds=3,
    )
    show("sizes 0 to 30, 1e4 x 2000", seconds, "forward")


CLAIMS = {"path": path, "wide": wide, "cv": cv, "subsets": subsets}


def main():
    warnings.simplefilter("ignore")
    for name in sys.argv[1:] or CLAIMS:
        CLAIMS[name]()


if __name__ == "__main__":
    main()
