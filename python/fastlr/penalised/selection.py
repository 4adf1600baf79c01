"""The smallest set of features that still gives a good model."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fastlr._kernels import kernels
from fastlr.errors import ConditionWarning, InputError, user_level
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_choice, as_flag, as_whole
from fastlr.input.row_stream import RowStream
from fastlr.input.threads import interruptible
from fastlr.least_squares.fit import problem_of
from fastlr.least_squares.from_moments import solve_moments
from fastlr.least_squares.problem import Problem
from fastlr.least_squares.units import U
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of_state
from fastlr.moments.state import State
from fastlr.moments.streamed import refuse_beside_scan
from fastlr.penalised.folds import Fold, consecutive_folds, moments_of_folds
from fastlr.penalised.forward_rows import columns_of_forward
from fastlr.penalised.sources import OfMoments
from fastlr.penalised.stored import selection_of
from fastlr.penalised.stream_folds import folds_of_stream
from fastlr.penalised.subsets import (
    Chosen,
    Products,
    backward,
    exact,
    forward,
    products_of,
)
from fastlr.results import LinearFit
from fastlr.storage import Storable

__all__ = ["SubsetModel", "SubsetSelection", "best_subset"]

_MOST_JUDGED = 1024  # columns whose eigenvalues cost no more than the selection
_NEAR = 1e-10  # of the largest eigenvalue: about six digits are left
CRITERIA = ("bic", "aic", "adjusted_r2", "kfold")
METHODS = ("auto", "exact", "stepwise", "forward", "backward")


class SubsetModel(NamedTuple):
    """The best model found with so many features."""

    size: int
    features: tuple[str, ...]
    rss: float
    r2: float
    adjusted_r2: float
    aic: float
    bic: float
    cv_error: float
    """Mean squared error of cross-validation, in which every fold chooses features of its own; NaN without."""


class _Table(tuple[SubsetModel, ...]):
    """Models by size, which print as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        head = f"{'size':>4} {'rss':>12} {'r2':>8} {'adj. r2':>8} {'aic':>11} {'bic':>11}"
        has_folds = any(not math.isnan(model.cv_error) for model in self)
        lines = [head + (f" {'cv mse':>11}" if has_folds else "") + "  features"]
        for m in self:
            line = f"{m.size:>4} {m.rss:>12.6g} {m.r2:>8.4f} {m.adjusted_r2:>8.4f} {m.aic:>11.2f} {m.bic:>11.2f}"
            line += f" {m.cv_error:>11.5g}" if has_folds else ""
            lines.append(f"{line}  {', '.join(m.features)}".rstrip())
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True, eq=False)
class SubsetSelection(Storable):
    """Models by size, and the best of them.

    Attributes
    ----------
    table : tuple of SubsetModel
        The best model found of every size, from none on; prints as a table.
    best : SubsetModel
        The one that the criterion prefers.
    fit : LinearFit
        Least squares with its features (None if it has none).
    criterion : str
        "bic", "aic", "adjusted_r2" or "kfold".
    method : str
        "exact", "stepwise", "forward" or "backward".

    Examples
    --------
    >>> import fastlr
    >>> X = [[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 1.0], [5.0, 1.0]]
    >>> selection = fastlr.best_subset(X, [2.1, 3.9, 6.1, 8.0, 9.9], max_size=1)
    >>> selection.best.features, round(selection.best.r2, 3)
    (('x0',), 0.999)
    """

    table: tuple[SubsetModel, ...]
    best: SubsetModel
    fit: LinearFit | None
    criterion: str
    method: str

    def to_document(self) -> dict[str, Any]:
        """What `save` writes: the models by size, the position of the best one, and its fit."""
        return {
            "table": [model._asdict() for model in self.table],
            "best": [model.size for model in self.table].index(self.best.size),
            "fit": None if self.fit is None else self.fit.to_dict(),
            "criterion": self.criterion,
            "method": self.method,
        }

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> SubsetSelection:
        """Restore what `to_document` gave; an `InputError` if a field is missing, unknown or against its rule."""
        models, values = selection_of(data)
        table = _Table(SubsetModel(**model) for model in models)
        return cls(**{**values, "table": table, "best": table[values["best"]]})

    def __repr__(self) -> str:
        return f"<SubsetSelection by {self.criterion}, {self.method}: {list(self.best.features)}>"


def best_subset(
    X: object,
    y: object = None,
    *,
    sample_weight: object = None,
    fit_intercept: bool = True,
    max_size: int | None = None,
    method: str = "auto",
    criterion: str = "bic",
    cv: int = 5,
    feature_names: Sequence[str] | None = None,
    n_threads: int | None = None,
) -> SubsetSelection:
    """For every number of features the best model by least squares, and the best of these by a criterion.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features), Moments or Scan
        Rows, or their moments (without ``y`` then).
    y : array-like of shape (n_samples,)
        One target.
    sample_weight : float or array-like of shape (n_samples,), optional
        Non-negative weights, as in `fastlr.ols`.
    fit_intercept : bool, default=True
        Whether to fit a constant, which every model has then.
    max_size : int, optional
        Most features of a model; by default all, but fewer than rows.
    method : {"auto", "exact", "stepwise", "forward", "backward"}, default="auto"
        "exact" finds the best of all subsets, of at most 30 features. "forward" adds one feature at a time, "backward"
        takes one away at a time, "stepwise" does both and keeps the better model of every size. "auto" is "exact" where
        that can be, else "stepwise", or "forward" above 500 features.
    criterion : {"bic", "aic", "adjusted_r2", "kfold"}, default="bic"
        "kfold" chooses the size by the mean squared error of ``cv`` folds, each of which selects for itself.
    cv : int, default=5
        Number of folds, of consecutive rows.
    feature_names : sequence of str, optional
        Names; by default those of the data frame, or x0, x1, ...
    n_threads : int, optional
        Threads to use; by default all that the process may.

    Returns
    -------
    SubsetSelection

    Raises
    ------
    InputError, InputTypeError
        If an argument has a value, type or shape that cannot be used.

    Warns
    -----
    ConditionWarning
        If columns so nearly depend on one another that the moments of one pass no longer tell what they explain.

    Notes
    -----
    One pass over the rows. Leaps and bounds (Furnival and Wilson 1974) on triangular factors: at worst ``2^p`` subsets,
    mostly some thousands.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlr
    >>> X = np.random.default_rng(0).normal(size=(60, 6))
    >>> y = X[:, 1] - 2.0 * X[:, 4] + 0.1 * X[:, 5] ** 2
    >>> found = fastlr.best_subset(X, y, criterion="kfold")
    >>> found.best.features, found.fit.coef.round(2)
    (('x1', 'x4'), array([ 0.99, -1.99]))
    """
    as_choice(method, METHODS, "method")
    as_choice(criterion, CRITERIA, "criterion")
    problem: Problem | None = None
    folds: list[Fold] | None = None
    if isinstance(X, RowStream):
        refuse_beside_scan(y=y, sample_weight=sample_weight, feature_names=feature_names)
    if isinstance(X, RowStream) and criterion == "kfold":
        folds, state = folds_of_stream(X, as_whole(cv, "cv", 2))
        X, intercept = moments_of_state(state), as_flag(fit_intercept, "fit_intercept")
    elif isinstance(X, Moments | RowStream):
        X = X if isinstance(X, Moments) else Moments.from_rows(X)
        if y is not None or sample_weight is not None or feature_names is not None:
            raise InputError(
                "y, sample_weight and feature_names are in the moments already: pass Moments alone, or rows."
            )
        if criterion == "kfold":
            raise InputError('criterion="kfold" needs rows, and moments have none: pass X and y.')
        state, intercept = X.for_kernels(), as_flag(fit_intercept, "fit_intercept")
    else:
        problem, _ = problem_of(X, y, sample_weight, fit_intercept, feature_names, n_threads)
        intercept = problem.fit_intercept
    n_targets = X.n_targets if isinstance(X, Moments) else problem.targets.n_columns  # type: ignore[union-attr]
    if n_targets != 1:
        raise InputError(f"y has {n_targets} targets: pass one, and call once for each.")
    names = state.feature_names if problem is None else problem.feature_names
    p = len(names)
    if method == "exact" and p > kernels.MOST_SUBSET_COLUMNS:
        raise InputError(
            f'method="exact" is for at most {kernels.MOST_SUBSET_COLUMNS} features, and X has {p}: pass '
            'method="stepwise", or fewer columns.'
        )
    if method == "auto":
        method = (
            "exact" if p <= kernels.MOST_SUBSET_COLUMNS else "stepwise" if p <= 500 else "forward"
        )
    most = p if max_size is None else as_whole(max_size, "max_size", 0)
    if most > p:
        raise InputError(f"max_size={max_size} is more than the {p} features: pass at most {p}.")

    errors: FloatArray | None = None
    if problem is not None and criterion == "kfold":
        parts = consecutive_folds(problem.features.n_samples, as_whole(cv, "cv", 2))
        folds, state, _ = moments_of_folds(problem, parts, with_tests=True)
    if folds is not None:
        errors = _cross_validated(folds, intercept, method, most)
    elif problem is not None:
        some = columns_of_forward(problem, most) if method == "forward" else None
        state, _ = (problem if some is None else problem.take_columns(some)).pass_over()
    products = products_of(state, intercept)
    _warn_of_near_dependence(products)
    found = _search(state, products, intercept, method, most)
    table = _Table(
        _model(
            state,
            products.square_y,
            chosen,
            intercept,
            math.nan if errors is None else float(errors[k]),
        )
        for k, chosen in enumerate(found)
        if errors is None or k < len(errors)
    )
    best = table[_best(table, criterion)]
    fit = None
    if best.size:
        chosen_moments = moments_of_state(state).select([int(j) for j in found[best.size].columns])
        fit = solve_moments(chosen_moments, intercept, 0.0, True)
    return SubsetSelection(table=table, best=best, fit=fit, criterion=criterion, method=method)


def _warn_of_near_dependence(products: Products) -> None:
    """Warn where columns so nearly depend on one another that rounding of the moments decides what they explain."""
    p = len(products.q)
    if p > _MOST_JUDGED:
        return
    values = interruptible(np.linalg.eigvalsh, products.A)
    real = values[
        values > 64 * p * U * max(values[-1], 0.0)
    ]  # others depend exactly, and are left out
    if real.size and real[0] < _NEAR * real[-1]:
        condition = math.sqrt(real[-1] / real[0])
        warnings.warn(
            f"columns nearly depend on one another (condition number {condition:.1e}): sums of squares of models that "
            "hold them together have few right digits, and some may be missing. Leave one of such columns out, or "
            "subtract a constant that they share.",
            ConditionWarning,
            stacklevel=user_level(),
        )


def _search(
    state: State, products: Products, fit_intercept: bool, method: str, most: int
) -> list[Chosen]:
    """The best models found, from none on; sums of squares in the target's scaled units."""
    most = min(most, max(0, state.n_samples - fit_intercept - 1))
    if method == "exact":
        return exact(products, most)
    found = forward(products, most) if method != "backward" else []
    if method != "forward":
        others = backward(products, most)
        found = [
            min(pair, key=lambda chosen: chosen.rss)
            for pair in (zip(found, others, strict=False) if found else ((of,) for of in others))
        ]
    return found


def _model(
    state: State, square_y: float, chosen: Chosen, fit_intercept: bool, cv_error: float
) -> SubsetModel:
    n, size = state.n_samples, len(chosen.columns)
    of_y = float(state.scale[-1]) ** 2
    tss = square_y / of_y
    rss = chosen.rss / of_y
    r2 = 1.0 - rss / tss if tss > 0.0 else math.nan
    free = n - size - fit_intercept
    adjusted = 1.0 - (1.0 - r2) * (n - fit_intercept) / free if free > 0 else math.nan
    twice = n * (math.log(2.0 * math.pi * rss / n) + 1.0) if rss > 0.0 else -math.inf
    twice -= state.sum_log_weight
    n_coefficients = size + fit_intercept
    return SubsetModel(
        size,
        tuple(state.feature_names[j] for j in chosen.columns),
        rss,
        r2,
        adjusted,
        twice + 2.0 * n_coefficients,
        twice + math.log(n) * n_coefficients,
        cv_error,
    )


def _best(table: Sequence[SubsetModel], criterion: str) -> int:
    if criterion == "adjusted_r2":
        return max(range(len(table)), key=lambda k: np.nan_to_num(table[k].adjusted_r2, nan=-1e9))
    field = "cv_error" if criterion == "kfold" else criterion
    return min(range(len(table)), key=lambda k: getattr(table[k], field))


def _cross_validated(
    folds: Sequence[Fold], fit_intercept: bool, method: str, most: int
) -> FloatArray:
    """The mean squared error of every size that all folds reach."""
    errors = []
    for fold in folds:
        if fold.test_moments is None:
            raise InputError(
                "sample_weight is zero in a whole fold, which then has no error: use fewer folds, or leave rows of "
                "weight zero out."
            )
        train = OfMoments(fold.train, fit_intercept)
        test = OfMoments(fold.test_moments, fit_intercept=True)
        products = products_of(fold.train, fit_intercept)
        found = _search(fold.train, products, fit_intercept, method, most)
        coefs = np.zeros((len(found), train.n_features))
        for k, chosen in enumerate(found[1:], start=1):
            columns = chosen.columns
            A = train.products[np.ix_(columns, columns)]
            scale = train.scale[columns] / train.scale[-1]
            gradient = train.gradient(0)[columns] * train.scale[columns] * train.scale[-1]
            coefs[k, columns] = np.linalg.lstsq(A, gradient, rcond=None)[0] * scale
        means = train.column_means
        intercepts = means[-1] - coefs @ means[:-1]
        errors.append(test.mean_squares(0, coefs, intercepts))
    sizes = min(map(len, errors))
    mean: FloatArray = np.mean([of[:sizes] for of in errors], axis=0)
    return mean
