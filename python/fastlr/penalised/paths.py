"""Ridge regression for many penalties at once: `ridge_path`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import ConditionWarning, InputError, user_level
from fastlr.input.arguments import as_features
from fastlr.input.columns import FloatArray
from fastlr.input.names import check_same_features
from fastlr.input.options import as_flag
from fastlr.input.penalties import as_penalty_grid
from fastlr.input.row_stream import RowStream
from fastlr.least_squares.fit import problem_of
from fastlr.least_squares.problem import Problem
from fastlr.least_squares.units import FEW_DIGITS
from fastlr.moments import Moments
from fastlr.moments.moments import moments_of_state
from fastlr.moments.streamed import refuse_beside_scan
from fastlr.penalised.dual import dual_equations, solve_dual_for_all
from fastlr.penalised.equations import PenalisedSolutions, equations_of, solve_for_all
from fastlr.penalised.stored import path_as_data, ridge_path_of
from fastlr.results import Status, predict_linear
from fastlr.storage import Storable

__all__ = ["RidgePath", "ridge_path"]

_N_ALPHAS = 100
_DECADES = 4  # on either side of the mean eigenvalue


@dataclass(frozen=True, kw_only=True, eq=False)
class RidgePath(Storable):
    """Ridge fits for many penalties: ``minimise sum w (y - intercept - X @ coef)^2 + alpha |coef|^2``.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
        The penalties, in the order given.
    coef : ndarray of shape (n_alphas, n_features) or (n_alphas, n_targets, n_features)
        Coefficients in the units of the data.
    intercept : ndarray of shape (n_alphas,) or (n_alphas, n_targets)
        The constants; zeros when fitted without one.
    degrees_of_freedom : ndarray of shape (n_alphas,)
        Effective number of coefficients, the trace of ``X (X'WX + alpha I)^-1 X'W`` (about the means); the intercept is
        not counted.
    rss : ndarray of shape (n_alphas,) or (n_alphas, n_targets)
        Residual sums of squares ``sum w r^2``.
    tss : float or ndarray of shape (n_targets,)
        Total sum of squares: about the mean with an intercept, about zero without.
    gcv : ndarray of shape (n_alphas,) or (n_alphas, n_targets)
        Generalised cross-validation: ``(rss / total_weight) / (1 - df / n_samples)^2``, in which df counts the
        intercept; infinite where df reaches the number of rows.
    best : int
        Position of the alpha of smallest gcv; of several targets, of the sum of gcv / tss.
    digits : ndarray of shape (n_alphas,)
        Estimated right digits of the largest coefficients (per standard deviation of their features), at most 15.
    feature_names, target_names : tuple of str
        Names of the columns.
    n_samples : int
        Rows that counted: those of positive weight.
    total_weight : float
        Sum of the weights.
    fit_intercept : bool
        Whether there is an intercept.
    solver : str
        "eigen" (of the p x p moments) or "dual" (of the n x n products of rows).
    passes : int
        How often the rows were read; 0 from moments.
    status : Status
        A sentence on how it went, with a ``code``: "ok" or "ill_conditioned".
    """

    alphas: FloatArray
    coef: FloatArray
    intercept: FloatArray
    degrees_of_freedom: FloatArray
    rss: FloatArray
    tss: float | FloatArray
    gcv: FloatArray
    best: int
    digits: FloatArray
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    n_samples: int
    total_weight: float
    fit_intercept: bool
    solver: str
    passes: int
    status: Status

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def best_alpha(self) -> float:
        """The alpha of smallest gcv."""
        return float(self.alphas[self.best])

    def predict(
        self, X: object, *, at: int | None = None, n_threads: int | None = None
    ) -> npt.NDArray[np.floating]:
        """Predict targets with the coefficients of one alpha.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The same features, in the same order.
        at : int, optional
            Position of the alpha; by default `best`.
        n_threads : int, optional
            Threads to use; by default all that the process may.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        k = self.best if at is None else at
        if not -len(self.alphas) <= k < len(self.alphas):
            raise InputError(f"at={k} is out of range: this path has {len(self.alphas)} alphas.")
        features = as_features(X)
        check_same_features(features, self.feature_names, argument="X", owner="this path")
        return predict_linear(
            features, self.coef[k], self.intercept[k], n_threads, names=self.feature_names
        )

    def plot(self, **options: Any) -> Any:
        """Draw the coefficients over the penalty (`fastlr.plot.ridge_path`, which has the options); return the Axes."""
        from fastlr.plot.paths import ridge_path as draw

        return draw(self, **options)

    def to_document(self) -> dict[str, Any]:
        """What `save` writes: every field."""
        return path_as_data(self, is_vector=self.intercept.ndim == 1)

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> RidgePath:
        """Restore what `to_document` gave; an `InputError` if a field is missing, unknown or against its rule."""
        return cls(**ridge_path_of(data))

    def __repr__(self) -> str:
        return (
            f"<RidgePath of {', '.join(self.target_names)} on {len(self.feature_names)} features, "
            f"{self.n_samples} rows: {len(self.alphas)} alphas, best {self.best_alpha:.4g} by gcv>"
        )


def ridge_path(
    X: object,
    y: object = None,
    alphas: object = None,
    *,
    sample_weight: object = None,
    fit_intercept: bool = True,
    feature_names: Sequence[str] | None = None,
    n_threads: int | None = None,
) -> RidgePath:
    """Ridge regression for many penalties, from one pass over the rows and one eigendecomposition.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features), Moments or Scan
        As in `fastlr.ols`; or moments, or what `fastlr.scan` gave, which know y and the weights.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), optional
        Target values; left out with moments.
    alphas : float or array-like of shape (n_alphas,), optional
        Penalties, in units of squared error summed over the rows (scikit-learn's ``Ridge``). By default 100 from 1e-4
        to 1e4 times the mean eigenvalue of the features' cross-products, evenly spaced on a logarithmic scale.
    sample_weight, fit_intercept, feature_names, n_threads
        As in `fastlr.ols`.

    Returns
    -------
    RidgePath
        Coefficients, intercepts, effective degrees of freedom, residual sums of squares and generalised
        cross-validation for every alpha.

    Raises
    ------
    InputError
        If alphas are empty, negative or not finite, or as `fastlr.ols`.
    InputTypeError
        If alphas are no numbers, or as `fastlr.ols`.

    Warns
    -----
    ConditionWarning
        If fewer than four digits are certain for some alpha: it is too small for columns that nearly depend on one
        another.

    Notes
    -----
    With C = X'WX about the means and c = X'Wy, ``(C + alpha I) b = c`` costs O(p^2) for every alpha once C = V L V' is
    known. An eigendecomposition loses small eigenvalues in the rounding of the largest, so solutions are corrected by
    their residuals; where alpha and the smallest eigenvalue are below that rounding, by Cholesky's factor of
    equilibrated equations. Coefficients then have the digits of the moments: ``digits`` says how many. rss and
    gcv lose the digits of ``tss / rss``. With fewer rows than columns, all goes through the n x n products of rows in
    two passes.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlr
    >>> X = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 5.0], [4.0, 3.0], [5.0, 4.0]])
    >>> path = fastlr.ridge_path(X, [3.1, 3.2, 8.1, 6.9, 9.2], alphas=[0.01, 1.0, 100.0])
    >>> path.degrees_of_freedom.round(3)
    array([1.997, 1.741, 0.176])
    >>> path.best_alpha
    0.01
    """
    flag = as_flag(fit_intercept, "fit_intercept")
    grid = None if alphas is None else as_penalty_grid(alphas)
    n_passes = 0
    if isinstance(X, RowStream):
        refuse_beside_scan(y=y, sample_weight=sample_weight, feature_names=feature_names)
        X, n_passes = Moments.from_rows(X), 1
    if isinstance(X, Moments):
        if y is not None or sample_weight is not None or feature_names is not None:
            raise InputError(
                "X are Moments, which know y, sample_weight and feature_names: pass alphas=... alone, by name."
            )
        return _from_moments(X.snapshot(), flag, grid, X.n_targets == 1, n_passes)
    problem, is_vector = problem_of(X, y, sample_weight, flag, feature_names, n_threads)
    if problem.features.n_samples < problem.n_features:
        return _from_dual(problem, grid, is_vector)
    state, passes = problem.pass_over()
    return _from_moments(moments_of_state(state), flag, grid, is_vector, passes)


def _from_moments(
    moments: Moments, fit_intercept: bool, alphas: FloatArray | None, is_vector: bool, passes: int
) -> RidgePath:
    state = moments.for_kernels()
    if alphas is None:
        alphas = _default(
            float(equations_of(state, fit_intercept).products.trace()), state.n_features
        )
    solutions, equations = solve_for_all(state, fit_intercept, alphas)
    return _path(
        alphas, solutions, equations.of_targets, fit_intercept, is_vector,
        state.feature_names, state.target_names, state.n_samples, state.total_weight,
        "eigen", passes,
    )  # fmt: skip


def _from_dual(problem: Problem, alphas: FloatArray | None, is_vector: bool) -> RidgePath:
    dual = dual_equations(problem)
    if alphas is None:
        alphas = _default(float(dual.spectrum.values.sum()), dual.n_samples)
    solutions = solve_dual_for_all(dual, alphas)
    return _path(
        alphas, solutions, np.square(dual.spectrum.right).sum(axis=0), problem.fit_intercept, is_vector,
        problem.feature_names, problem.target_names, dual.n_samples, float(dual.weights.sum()),
        "dual", 2,
    )  # fmt: skip


def _default(trace: float, n_values: int) -> FloatArray:
    middle = trace / n_values if trace > 0 else 1.0
    grid: FloatArray = middle * np.logspace(-_DECADES, _DECADES, _N_ALPHAS)
    return grid


def _path(
    alphas: FloatArray,
    solutions: PenalisedSolutions,
    tss: FloatArray,
    fit_intercept: bool,
    is_vector: bool,
    feature_names: tuple[str, ...],
    target_names: tuple[str, ...],
    n_samples: int,
    total_weight: float,
    solver: str,
    passes: int,
) -> RidgePath:
    gcv = generalised_cross_validation(solutions, n_samples, total_weight, fit_intercept)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(tss > 0, gcv / tss, 0.0)
    few = np.flatnonzero(solutions.digits < FEW_DIGITS)
    status = Status("ok", f"Solved for {len(alphas)} penalties.")
    if few.size:
        sentence = (
            f"Solved, but fewer than {FEW_DIGITS:.0f} digits of the coefficients are certain for {few.size} of "
            f"{len(alphas)} alphas (up to alpha={alphas[few].max():.3g}): the columns nearly depend on one another. "
            "Choose larger alphas, or drop columns."
        )
        warnings.warn(sentence, ConditionWarning, stacklevel=user_level())
        status = Status("ill_conditioned", sentence)
    pick = (slice(None), 0) if is_vector else ...
    return RidgePath(
        alphas=alphas,
        coef=solutions.coef[pick].copy(),
        intercept=solutions.intercept[pick].copy(),
        degrees_of_freedom=solutions.degrees_of_freedom,
        rss=solutions.rss[pick].copy(),
        tss=float(tss[0]) if is_vector else tss,
        gcv=gcv[pick].copy(),
        best=int(relative.sum(axis=1).argmin()),
        digits=solutions.digits,
        feature_names=feature_names,
        target_names=target_names,
        n_samples=n_samples,
        total_weight=total_weight,
        fit_intercept=fit_intercept,
        solver=solver,
        passes=passes,
        status=status,
    )


def generalised_cross_validation(
    solutions: PenalisedSolutions, n_samples: int, total_weight: float, fit_intercept: bool
) -> FloatArray:
    """Golub, Heath and Wahba's estimate (n_alphas, t) of the mean squared error of predictions."""
    left = 1.0 - (solutions.degrees_of_freedom + fit_intercept) / n_samples
    with np.errstate(divide="ignore"):
        factor = np.where(left > 1e-12, 1.0 / np.square(left), np.inf)
    with np.errstate(invalid="ignore"):
        gcv: FloatArray = solutions.rss / total_weight * factor[:, np.newaxis]
    gcv[np.isnan(gcv)] = np.inf
    return gcv
