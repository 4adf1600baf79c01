"""Lasso and elastic net: whole paths of penalties, from one pass over the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.arguments import as_features
from fastlr.input.columns import FloatArray
from fastlr.input.names import check_same_features
from fastlr.input.options import as_choice, as_flag, as_number
from fastlr.input.row_stream import RowStream
from fastlr.least_squares.fit import problem_of
from fastlr.moments import Moments
from fastlr.moments.streamed import refuse_beside_scan
from fastlr.penalised.arguments import (
    as_alphas,
    as_factors,
    as_share,
    rules_of,
)
from fastlr.penalised.keywords import check_keywords, ordered, starts_of
from fastlr.penalised.sources import OfMoments, Source, source_of
from fastlr.penalised.stored import path_as_data, penalty_path_of
from fastlr.penalised.tracing import degrees_of_freedom, grid_of, traced, warn_of_gaps
from fastlr.results import predict_linear
from fastlr.storage import Storable

__all__ = ["PenaltyPath", "enet_path", "lasso_path"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PenaltyPath(Storable):
    """Coefficients for a falling sequence of penalties.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
        The penalties, from the largest on.
    coefs : ndarray of shape (n_features, n_alphas) or (n_targets, n_features, n_alphas)
        Coefficients in the units of the data.
    intercepts : ndarray of shape (n_alphas,) or (n_targets, n_alphas)
        Constants; zeros without an intercept.
    dual_gaps : ndarray of shape (n_alphas,) or (n_targets, n_alphas)
        How far the objective lies above its minimum, at most.
    n_iter : ndarray of shape (n_alphas,) or (n_targets, n_alphas)
        Sweeps over the coefficients.
    df : ndarray of shape (n_alphas,) or (n_targets, n_alphas)
        Effective degrees of freedom, without the intercept: how many coefficients are not zero for the lasso, less
        for the elastic net (NaN there if more than 256 are not zero, or if ``solver`` is "rows").
    l1_ratio : float
        Share of the absolute values in the penalty; 1 is the lasso.
    solver : str
        "moments" (cross-products of all columns, from one pass; also where the path began without them) or "rows" (of
        those columns only that the path asked for).
    n_columns : int
        Columns whose cross-products with all others were taken.
    feature_names, target_names : tuple of str
        Names of the columns.
    n_samples : int
        Rows of positive weight.

    Notes
    -----
    ``alphas, coefs, dual_gaps = path`` and ``path[1]`` work as with the tuple that scikit-learn's functions return.
    """

    alphas: FloatArray
    coefs: FloatArray
    intercepts: FloatArray
    dual_gaps: FloatArray
    n_iter: npt.NDArray[np.intp]
    df: FloatArray
    l1_ratio: float
    solver: str
    n_columns: int
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    n_samples: int

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def predict(self, X: object, *, n_threads: int | None = None) -> npt.NDArray[Any]:
        """Predictions for new rows, by every penalty's coefficients.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The features of the path, in the same order.
        n_threads : int, optional
            Threads to use; by default all that the process may.

        Returns
        -------
        ndarray of shape (n_samples, n_alphas) or (n_targets, n_samples, n_alphas)
        """
        features = as_features(X)
        check_same_features(features, self.feature_names, argument="X", owner="this path")
        many = self.coefs if self.coefs.ndim == 3 else self.coefs[np.newaxis]
        constants = self.intercepts.reshape(len(many), -1)
        predicted = [
            predict_linear(features, coefs.T, constant, n_threads, names=self.feature_names)
            for coefs, constant in zip(many, constants, strict=True)
        ]
        return np.stack(predicted) if self.coefs.ndim == 3 else predicted[0]

    def __iter__(self) -> Iterator[FloatArray]:
        """Give penalties, coefficients and duality gaps, in scikit-learn's order: for unpacking."""
        return iter((self.alphas, self.coefs, self.dual_gaps))

    def __getitem__(self, position: int) -> FloatArray:
        """Give penalties (0), coefficients (1) or duality gaps (2), as scikit-learn's tuple does."""
        return (self.alphas, self.coefs, self.dual_gaps)[position]

    def plot(self, **options: Any) -> Any:
        """Draw the coefficients over the penalty (`fastlr.plot.lasso_path`, which has the options); return the Axes."""
        from fastlr.plot.paths import lasso_path as draw

        return draw(self, **options)

    def to_document(self) -> dict[str, Any]:
        """What `save` writes: every field."""
        return path_as_data(self, is_vector=self.intercepts.ndim == 1)

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> PenaltyPath:
        """Restore what `to_document` gave; an `InputError` if a field is missing, unknown or against its rule."""
        return cls(**penalty_path_of(data))

    def __repr__(self) -> str:
        return (
            f"<PenaltyPath of {', '.join(self.target_names)} on {len(self.feature_names)} features: "
            f"{len(self.alphas)} penalties from {self.alphas[0]:.3g} to {self.alphas[-1]:.3g}, from {self.solver}>"
        )


def lasso_path(
    X: object,
    y: object = None,
    *,
    alphas: object = None,
    n_alphas: int = 100,
    eps: float = 1e-3,
    sample_weight: object = None,
    fit_intercept: bool = True,
    positive: bool = False,
    penalty_factors: object = None,
    tol: float = 1e-4,
    max_iter: int = 1000,
    solver: str = "auto",
    feature_names: Sequence[str] | None = None,
    n_threads: int | None = None,
    **params: object,
) -> PenaltyPath:
    """Lasso for a whole sequence of penalties, from one pass over the rows.

    Minimises ``1/(2 W) sum w (y - intercept - X @ coef)^2 + alpha sum_j f_j |coef_j|`` with W the sum of the weights:
    scikit-learn's objective, and with penalty factors f the adaptive lasso.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features), Moments or Scan
        Rows, or their moments (without ``y`` then).
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target values; several targets are fitted each on its own, for the same penalties.
    alphas : array-like of shape (n_alphas,) or int, optional
        Penalties in any order, or how many to choose.
    n_alphas : int, default=100
        How many penalties to choose, if none are given: from the smallest one that leaves all coefficients at zero down
        to ``eps`` times that, evenly by logarithm.
    eps : float, default=1e-3
        Ratio of the smallest penalty chosen to the largest.
    sample_weight : float or array-like of shape (n_samples,), optional
        Non-negative weights, as in `fastlr.ols`.
    fit_intercept : bool, default=True
        Whether to fit a constant, which is never penalised.
    positive : bool, default=False
        Only coefficients that are not negative.
    penalty_factors : array-like of shape (n_features,), optional
        Factors of the penalty, one per coefficient: 0 for one that is never penalised, 1 by default.
    tol : float, default=1e-4
        Largest duality gap, as a share of the target's variance, and largest move of a coefficient in the last sweep,
        as a share of the largest coefficient; nothing below rounding is asked for.
    max_iter : int, default=1000
        Most sweeps over the coefficients, for each penalty.
    solver : {"auto", "moments", "rows"}, default="auto"
        "moments" takes the cross-products of all columns in one pass; "rows" those of columns alone that may get a
        coefficient, when they are asked for. "auto" counts the flops of both.
    feature_names : sequence of str, optional
        Names; by default those of the data frame, or x0, x1, ...
    n_threads : int, optional
        Threads to use; by default all that the process may. The result does not depend on it.
    **params : dict
        scikit-learn's other keywords: ``coef_init``, coefficients of shape (n_features,) or (n_targets, n_features) to
        start from; ``selection`` ("cyclic" or "random") and ``random_state``, the order of the coefficients in a sweep;
        ``precompute``, ``Xy``, ``copy_X``, ``check_input`` and ``verbose``, which change nothing.

    Returns
    -------
    PenaltyPath
        It unpacks as scikit-learn's result does: ``alphas, coefs, dual_gaps = lasso_path(X, y)``.

    Raises
    ------
    InputError, InputTypeError
        If an argument has a value, type or shape that cannot be used.

    Warns
    -----
    ConvergenceWarning
        If the duality gap is still larger than asked for after ``max_iter`` sweeps.

    Notes
    -----
    Cyclic coordinate descent with covariance updates (Friedman, Hastie and Tibshirani 2010) on a working set that
    sequential strong rules begin and violations of the optimality conditions widen, from one penalty's coefficients to
    the next. Where that is slow, a Newton step goes to the minimum for the signs at hand. It is over when the
    duality gap of all columns is small and a sweep moves none of them by much; where it is cheap, a last Newton step
    follows.

    Examples
    --------
    >>> import fastlr
    >>> X, y = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]], [0.0, 2.0, 4.0, 6.0]
    >>> path = fastlr.lasso_path(X, y, alphas=[2.5, 1.25, 0.0], tol=1e-12)
    >>> path.coefs[0].round(6)
    array([0., 1., 2.])
    """
    return enet_path(
        X,
        y,
        l1_ratio=1.0,
        alphas=alphas,
        n_alphas=n_alphas,
        eps=eps,
        sample_weight=sample_weight,
        fit_intercept=fit_intercept,
        positive=positive,
        penalty_factors=penalty_factors,
        tol=tol,
        max_iter=max_iter,
        solver=solver,
        feature_names=feature_names,
        n_threads=n_threads,
        **params,
    )


def enet_path(
    X: object,
    y: object = None,
    *,
    l1_ratio: float = 0.5,
    alphas: object = None,
    n_alphas: int = 100,
    eps: float = 1e-3,
    sample_weight: object = None,
    fit_intercept: bool = True,
    positive: bool = False,
    penalty_factors: object = None,
    tol: float = 1e-4,
    max_iter: int = 1000,
    solver: str = "auto",
    feature_names: Sequence[str] | None = None,
    n_threads: int | None = None,
    **params: object,
) -> PenaltyPath:
    """Elastic net for a whole sequence of penalties, from one pass over the rows.

    Minimises ``1/(2 W) sum w (y - intercept - X @ coef)^2 + alpha l1_ratio sum_j f_j |coef_j|
    + alpha (1 - l1_ratio) / 2 sum_j f_j coef_j^2`` with W the sum of the weights: scikit-learn's objective.

    Parameters
    ----------
    X, y
        Rows and targets, or Moments.
    l1_ratio : float, default=0.5
        Share of the absolute values in the penalty, from 0 (squares alone, for given ``alphas``) to 1 (the lasso).
    alphas, n_alphas, eps, sample_weight, fit_intercept, positive, penalty_factors
        As in `lasso_path`.
    tol, max_iter, solver, feature_names, n_threads, **params
        As in `lasso_path`.

    Returns
    -------
    PenaltyPath

    Raises
    ------
    InputError, InputTypeError
        If an argument has a value, type or shape that cannot be used.

    Warns
    -----
    ConvergenceWarning
        If the duality gap is still larger than asked for after ``max_iter`` sweeps.

    Examples
    --------
    >>> import fastlr
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 2.0, 4.0, 6.0]
    >>> fastlr.enet_path(X, y, l1_ratio=0.0, alphas=[1.25], tol=1e-12).coefs.round(6)
    array([[1.]])
    """
    ratio = as_share(l1_ratio)
    check_keywords(params)
    rules = ordered(rules_of(positive, tol, max_iter), params)
    grid = as_alphas(n_alphas if alphas is None else alphas)
    ends = as_number(eps, "eps", "a number between 0 and 1")
    if not 0.0 < ends <= 1.0:
        raise InputError(f"eps={eps!r} is not between 0 and 1: pass a ratio such as 1e-3.")
    as_choice(solver, ("auto", "moments", "rows"), "solver")
    source: Source
    if isinstance(X, RowStream):
        refuse_beside_scan(y=y, sample_weight=sample_weight, feature_names=feature_names)
        X = Moments.from_rows(X)
    if isinstance(X, Moments):
        if y is not None or sample_weight is not None or feature_names is not None:
            raise InputError(
                "y, sample_weight and feature_names are in the moments already: pass Moments alone, or rows."
            )
        if solver == "rows":
            raise InputError('solver="rows" needs rows, and moments have none: pass X and y.')
        state = X.for_kernels()
        source = OfMoments(state, as_flag(fit_intercept, "fit_intercept"))
        names, labels, is_vector = state.feature_names, state.target_names, X.n_targets == 1
        factors = as_factors(penalty_factors, len(names))
    else:
        problem, is_vector = problem_of(
            X, y, sample_weight, fit_intercept, feature_names, n_threads
        )
        names, labels = problem.feature_names, problem.target_names
        factors = as_factors(penalty_factors, len(names))
        asks_for_all = not isinstance(grid, int) and grid[-1] == 0.0
        source = source_of(problem, solver, needs_all=asks_for_all or not factors.all())
    if isinstance(grid, int):
        grid = grid_of(source, len(labels), grid, ends, ratio, factors, rules.positive)
    starts = starts_of(params, len(labels), len(names))
    parts = [
        traced(source, k, grid, ratio, factors, rules, start) for k, start in enumerate(starts)
    ]
    for part in parts:
        warn_of_gaps(source, part, grid, rules)
    several: dict[str, Any] = {
        "coefs": [part.coefs.T for part in parts],
        "intercepts": [part.intercepts for part in parts],
        "dual_gaps": [part.gaps for part in parts],
        "n_iter": [part.n_iter for part in parts],
        "df": [degrees_of_freedom(source, part, grid, ratio, factors) for part in parts],
    }
    return PenaltyPath(
        alphas=grid,
        **{name: of[0] if is_vector else np.stack(of) for name, of in several.items()},
        l1_ratio=ratio,
        solver=source.solver,
        n_columns=max(part.n_columns for part in parts),
        feature_names=names,
        target_names=labels,
        n_samples=source.n_samples,
    )
