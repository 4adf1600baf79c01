"""Public tables as regressions: every category as a full set of dummies, every number in turn as the target."""

import importlib
import pkgutil

import faraway.datasets
import numpy as np

from posed_designs import Design, posed

__all__ = ["NAMES", "regressions", "table"]

# `generic` loads the others.
NAMES = tuple(
    module.name
    for module in pkgutil.iter_modules(faraway.datasets.__path__)
    if module.name != "generic"
)


def table(name):
    """A table of the faraway package, without rows that miss something."""
    return importlib.import_module(f"faraway.datasets.{name}").load().dropna()


def regressions(
    name, frame, *, most_targets=None, most_rows=300, most_features=60, codes_as_categories=False
):
    """Designs with an intercept, one for each target; ``most_*`` take the first ones.

    With ``codes_as_categories`` integers of at most 12 values are categories too; without such columns there is
    nothing new to fit. Tables in which rounding leaves the rank in doubt give none.
    """
    frame = frame.dropna().iloc[:most_rows]
    numbers, categories, n_codes = [], [], 0
    for column in frame.columns:
        values = frame[column]
        is_number = values.dtype.kind in "iuf"
        if (
            is_number
            and codes_as_categories
            and values.dtype.kind != "f"
            and values.nunique() <= 12
        ):
            is_number, n_codes = False, n_codes + 1
        (numbers if is_number else categories).append(column)
    if codes_as_categories and not n_codes:
        return
    for target in numbers[:most_targets]:
        y = frame[target].to_numpy(dtype=np.float64)
        blocks = [
            frame[column].to_numpy(dtype=np.float64) for column in numbers if column != target
        ]
        for column in categories:
            values = frame[column].astype(str).to_numpy()
            blocks.append((values[:, np.newaxis] == np.unique(values)).astype(np.float64))
        if not blocks:
            continue
        X = np.column_stack(blocks)
        if X.shape[1] > most_features or len(X) < 3:
            continue
        design = posed(f"{name}: {target}", 0, X, y)
        if isinstance(design, Design):
            yield design
