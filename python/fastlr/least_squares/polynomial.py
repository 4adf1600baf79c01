"""Polynomials in one variable, fitted and evaluated with powers that keep twice the working precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.errors import InputError
from fastlr.input.arguments import as_targets, as_weights
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.names import names_of
from fastlr.input.options import as_flag, as_whole
from fastlr.input.refusals import refuse_non_finite
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.fit import fit_problem
from fastlr.least_squares.problem import Problem
from fastlr.results import LinearFit

__all__ = ["PolynomialFit", "polyfit"]

_POWERS_PER_CALL = 1 << 20  # powers evaluated between two looks at Ctrl-C: some 10 ms
_FEWEST_PER_CALL = 256
_SMALLEST_POWER = 1e-276  # below it the low part of a power is not exact any more


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PolynomialFit(LinearFit):
    """A fitted polynomial: ``y = intercept + coef[0] x + coef[1] x^2 + ...``.

    Everything that `LinearFit` tells, with the powers of x as features; only `predict` and `residuals` take x itself.

    Examples
    --------
    >>> import fastlr
    >>> fit = fastlr.polyfit([0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 3.0, 10.0], 2)
    >>> fit.predict([4.0]).round(9)
    array([21.])
    """

    @property
    def degree(self) -> int:
        """Degree of the polynomial."""
        return self.n_features

    def predict(self, X: object, *, n_threads: int | None = None) -> npt.NDArray[Any]:
        """Values of the polynomial.

        Parameters
        ----------
        X : array-like of shape (n_samples,)
            Where to evaluate it.
        n_threads : int, optional
            Threads to use; by default all that the process may.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            Summed with all rounding errors, so that large terms may cancel.

        Raises
        ------
        InputError
            If X is not one-dimensional, a value is NaN or infinite, or a power of it exceeds float64's range.
        """
        x = _variable(X, "X")
        coef = np.atleast_2d(self.coef)
        t, d = coef.shape
        nothing = np.broadcast_to(np.zeros(1), (x.n_samples, t))
        pairs = np.zeros((2, t, d))
        pairs[0] = coef
        intercept = np.zeros((2, t))
        intercept[0] = self.intercept
        scale, threads = np.ones(2 * d + t), resolve_threads(n_threads)
        values = np.empty((x.n_samples, t))
        step = max(_FEWEST_PER_CALL, _POWERS_PER_CALL // (d * t))
        for first in range(0, x.n_samples, step):  # Python sees Ctrl-C between parts
            rows = slice(first, min(x.n_samples, first + step))
            source = _powers(x, d, rows)
            for k in range(t):
                residual = kernels.residuals(
                    source, nothing[rows], scale, 2, pairs, intercept, k, threads
                )
                values[rows, k] = -residual[0]
            if not np.isfinite(values[rows]).all():
                refuse_non_finite(x, ("x",), argument="X", rows=(rows.start, rows.stop))
                raise InputError(
                    f"the polynomial of degree {d} exceeds the range of float64 (about 1e308) at some X: leave these "
                    "out."
                )
        return values[:, 0] if np.ndim(self.coef) == 1 else values

    def features_of(self, X: object) -> Columns:
        """Return the powers of X, rounded to one number each."""
        x, degree = _variable(X, "X"), self.n_features
        return Columns(_powers(x, degree)[0], x.n_samples, degree)

    def to_onnx(self, *, dtype: str = "float64") -> Any:
        """The polynomial as an ONNX graph, which runtimes in C++, Java, C# or JavaScript evaluate without Python.

        Parameters
        ----------
        dtype : {"float64", "float32"}, default="float64"
            Type of the input ``X``, of shape (n_samples, 1), and of the output ``y``, which has the shape of
            predictions. In float32 coefficients are rounded, and predictions have seven digits at most. Horner's rule
            is used, without the extra digits of `predict`.

        Returns
        -------
        onnx.ModelProto
            Write it to a file with ``onnx.save``. Names of features and targets are in its metadata, as JSON.

        Raises
        ------
        ImportError
            If onnx is not installed (the extra ``onnx``).
        """
        from fastlr.results.onnx_model import polynomial_onnx

        return polynomial_onnx(self.coef, self.intercept, self.target_names, dtype)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PolynomialFit:
        """Restore what `to_dict` gave."""
        return _as_polynomial(LinearFit.from_dict(data))


def polyfit(
    x: object,
    y: object,
    degree: int,
    *,
    sample_weight: object = None,
    fit_intercept: bool = True,
    accuracy: str = "auto",
    rank: str | None = None,
    n_threads: int | None = None,
) -> PolynomialFit:
    """Least-squares polynomial: minimise ``sum w (y - intercept - coef[0] x - ... - coef[d-1] x^d)^2``.

    Parameters
    ----------
    x : array-like of shape (n_samples,)
        The variable.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target values.
    degree : int
        Highest power, at least 1.
    sample_weight, fit_intercept, accuracy, rank, n_threads
        As in `ols`.

    Returns
    -------
    PolynomialFit
        Coefficients by rising power (``numpy.polyfit`` has them falling), named x, x^2, ...

    Raises
    ------
    InputError
        If degree is not a whole number from 1 on, x is not one-dimensional, or a power of all x leaves float64's range.

    Warns
    -----
    ConditionWarning, RankWarning
        As `ols`. Monomials of high degree are nearly dependent; the coefficients are still computed to the last
        digit or two, as ``digits`` says, but changes of the data in their last digit move them by more.

    Notes
    -----
    Powers are kept as unevaluated sums of two numbers (``2 n d`` numbers of memory). Rounding them to one number, as
    a matrix of powers does, limits NIST's Filip to 8 digits whatever is done afterwards. Cost: that of `ols` with
    ``degree`` columns, and twice that of its sweeps.

    Examples
    --------
    >>> import fastlr
    >>> fit = fastlr.polyfit([0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 3.0, 10.0], 2)
    >>> round(fit.intercept, 9), fit.coef.round(9)
    (1.0, array([-3.,  2.]))
    """
    degree = as_whole(degree, "degree")
    variable = _variable(x, "x")
    targets = as_targets(y, variable.n_samples, index=variable.index)
    weights = as_weights(sample_weight, variable.n_samples, index=variable.index)
    source = _powers(variable, degree)
    if not np.isfinite(source[0]).all():
        refuse_non_finite(variable, ("x",), argument="x")
        raise InputError(
            f"x^{degree} exceeds the range of float64 (about 1e308): divide x by a power of two, or lower the degree."
        )
    largest = np.abs(source[0]).max(axis=0)
    if largest[0] > 0 and largest.min() < _SMALLEST_POWER:
        raise InputError(
            f"x^{degree} falls below the range of float64 (with all digits, about 1e-276): multiply x by a power of "
            "two, or lower the degree."
        )
    names = tuple("x" if k == 1 else f"x^{k}" for k in range(1, degree + 1))
    features = Columns(source, variable.n_samples, 2 * degree)
    _, labels = names_of(Columns(source, variable.n_samples, degree), targets, names, None)
    problem = Problem(
        features,
        targets,
        weights,
        names,
        labels,
        as_flag(fit_intercept, "fit_intercept"),
        n_threads,
        n_terms=2,
    )
    return _as_polynomial(fit_problem(problem, targets.is_vector, accuracy, rank)[1])


def _as_polynomial(fit: LinearFit) -> PolynomialFit:
    return PolynomialFit(**{field.name: getattr(fit, field.name) for field in fields(LinearFit)})


def _variable(x: object, argument: str) -> Columns:
    columns = as_targets(x, _length(x), argument=argument)
    if columns.n_columns != 1:
        raise InputError(
            f"{argument} has {columns.n_columns} columns: pass one variable, of shape (n_samples,)."
        )
    if columns.n_samples == 0:
        raise InputError(f"{argument} has no values: pass at least one.")
    return columns


def _length(x: object) -> int:
    return len(x) if hasattr(x, "__len__") else np.atleast_1d(np.asarray(x)).shape[0]


def _powers(x: Columns, degree: int, rows: slice = slice(None)) -> list[FloatArray]:
    """x^1 .. x^degree as two tables of shape (n_samples, degree) whose sum they are."""
    high, low = kernels.powers(x.column(0)[rows], degree)
    return [high.T, low.T]
