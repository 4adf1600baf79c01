"""The folds that a ``cv`` of scikit-learn asks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold, check_cv
from sklearn.utils import check_random_state

from fastlr.penalised.folds import Folds, as_folds, consecutive_folds

__all__ = ["folds_of"]


def folds_of(cv: Any, y: npt.NDArray[Any], for_split: dict[str, Any]) -> Folds:
    """Folds of a number, a splitter or an iterable of splits; ``for_split`` are the splitter's metadata.

    Those of `KFold` are known without asking for training rows, which takes as long as a fit.
    """
    n = len(y)
    if isinstance(cv, Iterable) and not hasattr(cv, "split"):
        return as_folds(cv, n)
    splitter = check_cv(cv, y, classifier=False)
    if type(splitter) is KFold:
        rows = np.arange(n)
        if splitter.shuffle and splitter.n_splits <= n:
            check_random_state(splitter.random_state).shuffle(rows)
        return consecutive_folds(n, splitter.n_splits, rows)
    return as_folds(splitter.split(np.zeros((n, 1)), y, **for_split), n)
