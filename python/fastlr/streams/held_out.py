"""How well a fit predicts rows that it has not seen: those of another table, or each fold by a fit of the others."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import ConditionWarning, InputError, RankWarning
from fastlr.input.columns import FloatArray
from fastlr.results import LinearFit
from fastlr.results.contrasts import category_levels
from fastlr.streams.kept import KeptRows, Named

__all__ = ["HeldOut", "fold_score", "have_known_levels"]

_SEED = 0


@dataclass
class HeldOut:
    """Errors of predictions, added up batch by batch, for each target.

    Attributes
    ----------
    target_names : tuple of str
    n_rows : int
        Rows that were predicted.
    total_weight : float
        Sum of their weights, ``n_rows`` without.
    n_unseen : int
        Rows that could not be predicted: the rows of the fit do not have the level of one of their categories.
    """

    target_names: tuple[str, ...]
    n_rows: int = 0
    total_weight: float = 0.0
    n_unseen: int = 0
    _mean: FloatArray = field(default_factory=lambda: np.zeros(0), init=False)
    _spread: FloatArray = field(default_factory=lambda: np.zeros(0), init=False)
    _squares: FloatArray = field(default_factory=lambda: np.zeros(0), init=False)
    _sizes: FloatArray = field(default_factory=lambda: np.zeros(0), init=False)

    def __post_init__(self) -> None:
        self._mean, self._spread, self._squares, self._sizes = np.zeros((4, len(self.target_names)))

    def add(self, y: FloatArray, predicted: FloatArray, weights: FloatArray | None = None) -> None:
        """Take in rows (b, n_targets) with their predictions."""
        y, predicted = (a.reshape(-1, len(self.target_names)) for a in (y, predicted))
        if not len(y):
            return
        w = np.ones((len(y), 1)) if weights is None else np.asarray(weights, float)[:, np.newaxis]
        total = float(w.sum())
        if total == 0.0:
            return
        self.n_rows += len(y)
        mean = (w * y).sum(axis=0) / total
        both = self.total_weight + total
        apart = mean - self._mean
        # Chan, Golub and LeVeque (1979): sums of squares about the mean of both parts
        self._spread += (w * (y - mean) ** 2).sum(axis=0)
        self._spread += apart**2 * (self.total_weight * total / both)
        self._mean += apart * (total / both)
        self.total_weight = both
        left = y - predicted
        self._squares += (w * left**2).sum(axis=0)
        self._sizes += (w * np.abs(left)).sum(axis=0)

    @property
    def size(self) -> str:
        """How many rows were predicted, in words."""
        return f"{self.n_rows} row" if self.n_rows == 1 else f"{self.n_rows} rows"

    def figures(self) -> list[dict[str, Any]]:
        """For each target its name, ``r2``, ``rmse`` and ``mae``; r2 is None where the target does not vary."""
        return [
            {
                "name": name,
                "r2": float(1.0 - squares / spread) if spread > 0 else None,
                "rmse": float(np.sqrt(squares / self.total_weight)),
                "mae": float(sizes / self.total_weight),
            }
            for name, squares, spread, sizes in zip(
                self.target_names, self._squares, self._spread, self._sizes, strict=True
            )
        ]


def fold_score(
    rows: KeptRows, fit: LinearFit, n_folds: int, *, fit_intercept: bool, weight_type: str
) -> HeldOut:
    """Each row predicted by a fit of the other folds; rows are dealt to folds at random, always the same way.

    Rows of a level that the other folds do not have are counted and left out.

    Raises
    ------
    InputError
        If there are more folds than rows, or the formula of the fit makes its target of columns, or no row can be
        predicted.
    """
    columns = rows.kept_columns()
    targets = targets_of(fit, columns, rows.table.label)
    n = len(next(iter(columns.values())))
    if n_folds > n:
        raise InputError(
            f"folds={n_folds} is more than the {n} rows: pass at most as many as rows."
        )
    fold_of = np.random.default_rng(_SEED).permutation(np.arange(n) % n_folds)
    score = HeldOut(fit.target_names)
    for fold in range(n_folds):
        held = fold_of == fold
        rest = {name: values[~held] for name, values in columns.items()}
        with warnings.catch_warnings():  # what deserves a look was said of all rows
            warnings.simplefilter("ignore", RankWarning)
            warnings.simplefilter("ignore", ConditionWarning)
            model = rows.fit_columns(rest, fit_intercept=fit_intercept, weight_type=weight_type)
        own = {name: values[held] for name, values in columns.items()}
        is_known = have_known_levels(model, own)
        if not is_known.all():
            score.n_unseen += int(np.count_nonzero(~is_known))
            own = {name: values[is_known] for name, values in own.items()}
        if not is_known.any():
            continue
        score.add(
            np.column_stack([own[name] for name in targets]).astype(np.float64),
            np.asarray(model.predict(features_of(model, own)), dtype=np.float64),
            own[rows.choice.weights] if rows.choice.weights else None,
        )
    if not score.n_rows:
        raise InputError(
            "every row has a level of a category that the other folds do not have: leave that column out, or its rare "
            "levels."
        )
    return score


def have_known_levels(fit: LinearFit, columns: Named) -> npt.NDArray[np.bool_]:
    """Which rows have levels of categories that the rows of the fit have, too."""
    known = np.ones(len(next(iter(columns.values()))), dtype=np.bool_)
    for name, levels in category_levels(fit).items():
        values = columns[name]
        present, place = np.unique(values, return_inverse=True)
        known &= np.array([level in levels for level in present.tolist()], dtype=np.bool_)[place]
    return known


def targets_of(fit: LinearFit, names: Sequence[str] | Named, label: str) -> tuple[str, ...]:
    """The columns that hold the targets of a fit."""
    for name in fit.target_names:
        if name not in names:
            raise InputError(
                f"{label} has no column {name!r}, which is the target of the fit: predictions can be compared with a "
                "target that is a column."
            )
    return fit.target_names


def features_of(fit: LinearFit, columns: Named) -> Named:
    """The columns that a fit predicts from."""
    names = fit.feature_names if fit.design is None else fit.design.variables
    return {name: columns[name] for name in names}
