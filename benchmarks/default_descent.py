"""Does `fastlr.descend(X, y)` as it stands fit real tables? `python -m benchmarks.default_descent [--all]`.

The tables are those of the PyPI packages faraway and statsmodels: their numeric columns without missing rows, the
first and the last one in turn as the target of all others. A row for each target that is missed (each target with
``--all``): R2 by descent and by least squares, epochs, the status, and whether it warned. Reached is R2 within 1e-6.
"""

import importlib
import pkgutil
import sys
import warnings

import numpy as np

import fastlr

WANTED = 90 / 94
SHORTFALL = 1e-6


def tables():
    """Return the tables to descend on, as data frames by name."""
    import faraway.datasets
    import statsmodels.datasets

    for package, load in ((faraway.datasets, "load"), (statsmodels.datasets, "load_pandas")):
        for module in pkgutil.iter_modules(package.__path__):
            table = importlib.import_module(f"{package.__name__}.{module.name}")
            if not hasattr(table, load) or module.name in ("generic", "template_data"):
                continue  # templates without data
            frame = getattr(table, load)()
            yield (
                f"{package.__name__.split('.')[0]} {module.name}",
                frame.data if load != "load" else frame,
            )


def targets():
    """Names, features and targets; tables of at least four rows and two columns that vary."""
    for name, table in tables():
        numbers = table.select_dtypes("number").astype(float).dropna()
        numbers = numbers.loc[:, numbers.std(ddof=0) > 0]
        if len(numbers) < 4 or numbers.shape[1] < 2:
            continue
        for column in dict.fromkeys([numbers.columns[0], numbers.columns[-1]]):
            features = numbers.drop(columns=column)
            yield f"{name}: {column}", features.to_numpy(), numbers[column].to_numpy()


def main():
    shows_all = "--all" in sys.argv[1:]
    n = reached = told = 0
    for name, X, y in targets():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = fastlr.descend(X, y)
        warned = any(issubclass(one.category, fastlr.ConvergenceWarning) for one in caught)
        z = (X - X.mean(axis=0)) / X.std(axis=0)
        r = y - y.mean()
        r = r - z @ np.linalg.lstsq(z, r, rcond=1e-13)[0]
        exact = 1.0 - (r @ r) / np.sum((y - y.mean()) ** 2)
        is_reached = fit.r2 >= exact - SHORTFALL
        n, reached, told = n + 1, reached + is_reached, told + (warned and not is_reached)
        if shows_all or not is_reached:
            print(
                f"{name:<48} {len(y):6d} x {X.shape[1]:<4d} r2 {fit.r2:.8f} of {exact:.8f}  "
                f"{fit.n_epochs:5d} epochs  {fit.status.code}{', warned' if warned else ''}"
            )
    missed = n - reached
    verdict = "yes" if reached >= WANTED * n and told == missed else "NO"
    print(
        f"{reached} of {n} targets within {SHORTFALL:g} of least squares, "
        f"{told} of the {missed} others warned: {verdict}"
    )


if __name__ == "__main__":
    main()
