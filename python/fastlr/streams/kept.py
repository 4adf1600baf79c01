"""From batches of a table to a fit of rows that are kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fastlr.errors import InputError
from fastlr.files import Batch, Table
from fastlr.files.missing import missing_rows, refuse_missing, refuse_negative
from fastlr.input.formulas import with_whole_levels
from fastlr.least_squares.fit import ols
from fastlr.results import LinearFit
from fastlr.streams.choice import Choice

__all__ = ["KeptRows", "Named"]

Named = dict[str, np.ndarray[Any, Any]]


@dataclass
class KeptRows:
    """Rows of a table that are kept in memory, for what needs all of them at once.

    Formulas and categories, which are made of whole columns; scores of folds, pictures and reports. Rows of weight zero
    do not count. They are fitted as `fastlr.ols` fits arrays.
    """

    table: Table
    choice: Choice
    drop_missing: bool
    n_threads: int | None
    accuracy: str
    alpha: float = 0.0
    n_dropped: int = 0
    way: str = "missing='drop'"
    """How to have rows with missing values left out, for the error that refuses them."""
    cov_type: str | None = None
    """The covariance of the parameters, as in `fastlr.ols`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the covariance, but for the labels of clusters."""
    numbers_rows: bool = False
    """Whether to remember which rows count, for `row_numbers`."""
    _numbers: list[np.ndarray[Any, Any]] = field(default_factory=list, init=False)
    _n_read: int = field(default=0, init=False)
    _kept: list[Named] = field(default_factory=list, init=False)

    def add(self, batch: Batch) -> None:
        """Take in the rows of a batch, except those of weight zero and those to be dropped."""
        names, label = self.choice.names, batch.label
        missing = missing_rows(batch, names, label)
        wanted = np.ones(batch.n_rows, dtype=np.bool_)
        if self.choice.weights is not None:
            refuse_negative(batch, self.choice.weights, label)
            wanted = batch.columns[self.choice.weights] != 0
        missing &= wanted
        if not self.drop_missing:
            refuse_missing(batch, names, missing, label, self.way)
        self.n_dropped += int(missing.sum())
        wanted &= ~missing
        if self.numbers_rows:
            self._numbers.append(self._n_read + 1 + np.flatnonzero(wanted))
            self._n_read += batch.n_rows
        if wanted.any():
            self._keep(batch, None if wanted.all() else wanted)

    def _keep(self, batch: Batch, wanted: np.ndarray[Any, Any] | None) -> None:
        columns = batch.columns
        if wanted is not None:
            columns = {name: values[wanted] for name, values in columns.items()}
        self._kept.append({name: columns[name] for name in self.choice.names})

    def parts(self, columns: Named) -> tuple[Named, Named, Any]:
        """Features, targets and weights (or None) among columns by name."""
        X = {name: columns[name] for name in self.choice.features}
        y = {name: columns[name] for name in self.choice.targets}
        return X, y, columns[self.choice.weights] if self.choice.weights else None

    def fit(self, *, fit_intercept: bool, weight_type: str = "precision") -> LinearFit:
        """Fit all rows that were added; an `InputError` if none is left."""
        fit = self.fit_columns(
            self.kept_columns(),
            fit_intercept=fit_intercept,
            weight_type=weight_type,
            cov_type=self.cov_type,
        )
        return replace(fit, n_dropped=self.n_dropped) if self.n_dropped else fit

    def kept_columns(self) -> Named:
        """All rows that were kept, by column; an `InputError` if there are none."""
        if not self._kept:
            raise self.nothing_left()
        return {name: np.concatenate([part[name] for part in self._kept]) for name in self._kept[0]}

    def fit_columns(
        self,
        columns: Named,
        *,
        fit_intercept: bool,
        weight_type: str = "precision",
        cov_type: str | None = None,
    ) -> LinearFit:
        """Fit rows that are at hand, as `fastlr.ols` does."""
        options: dict[str, Any] = {
            "weight_type": weight_type,
            "accuracy": self.accuracy,
            "n_threads": self.n_threads,
            "cov_type": cov_type,
        }
        if cov_type is not None:
            labels = {"groups": self._groups(columns)} if cov_type == "cluster" else {}
            options["cov_kwds"] = {**self.options, **labels}
        if self.choice.formula is not None:
            return ols(
                self.choice.formula,
                data=with_whole_levels(self.choice.formula, columns),
                sample_weight=self.choice.weights,
                **options,
            )
        if self.alpha:
            options["alpha"] = self.alpha
        X, y, sample_weight = self.parts(columns)
        options |= {"sample_weight": sample_weight, "categories": self.choice.categories or None}
        if len(y) == 1:  # one target gives plain numbers, as moments do
            (values,) = y.values()
            fit = ols(X, values, fit_intercept=fit_intercept, **options)
            return replace(fit, target_names=tuple(y))
        return ols(X, y, fit_intercept=fit_intercept, **options)

    def _groups(self, columns: Named) -> np.ndarray[Any, Any]:
        """The labels of the rows' clusters, in one column or two."""
        labels = [columns[name] for name in self.choice.clusters]
        return labels[0] if len(labels) == 1 else np.column_stack(labels)

    @property
    def row_numbers(self) -> np.ndarray[Any, Any]:
        """Numbers of the rows that were added, among all rows that were read; 1 is the first."""
        return np.concatenate(self._numbers) if self._numbers else np.zeros(0, dtype=np.intp)

    def nothing_left(self) -> InputError:
        """The error for a table of which no row counts, with the reason."""
        reason = "every row has a missing value" if self.n_dropped else "all weights are zero"
        return InputError(f"{self.table.label}: no row is left to fit: {reason}")
