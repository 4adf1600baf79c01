"""The peers, each in its best documented setting, as functions (X, y) -> (coef, intercept)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.least_squares.fit import ols

__all__ = ["PEERS", "Peer", "installed_peers"]

Floats = npt.NDArray[Any]
Answer = tuple[Floats, float]
Fit = Callable[[], Answer]


@dataclass(frozen=True)
class Peer:
    """A library's way to fit: `prepare(X, y)` does what need not be timed and returns what does."""

    name: str
    requires: tuple[str, ...]
    prepare: Callable[[Floats, Floats], Fit]
    max_values: float = np.inf  # too slow or too hungry beyond so many values of X


def _fastlr(X: Floats, y: Floats) -> Fit:
    def fit() -> Answer:
        result = ols(X, y)
        return result.coef, float(result.intercept)

    return fit


def _with_constant(X: Floats) -> Floats:
    return np.column_stack([np.ones(len(X), dtype=X.dtype), X])


def _numpy_normal_equations(X: Floats, y: Floats) -> Fit:
    def fit() -> Answer:
        A = _with_constant(X)
        b = np.linalg.solve(A.T @ A, A.T @ y)
        return b[1:], float(b[0])

    return fit


def _numpy_lstsq(X: Floats, y: Floats) -> Fit:
    def fit() -> Answer:
        b = np.linalg.lstsq(_with_constant(X), y, rcond=None)[0]
        return b[1:], float(b[0])

    return fit


def _scipy_lstsq(X: Floats, y: Floats) -> Fit:
    from scipy.linalg import lstsq

    def fit() -> Answer:
        b = lstsq(
            _with_constant(X), y, lapack_driver="gelsy", overwrite_a=True, check_finite=False
        )[0]
        return b[1:], float(b[0])

    return fit


def _estimator(make: Callable[[], Any]) -> Callable[[Floats, Floats], Fit]:
    def prepare(X: Floats, y: Floats) -> Fit:
        make()

        def fit() -> Answer:
            model = make().fit(X, y)
            return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])

        return fit

    return prepare


def _sklearn_linear() -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


def _sklearn_ridge() -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=1e-12, solver="cholesky")


def _sklearnex() -> Any:
    from sklearnex.linear_model import LinearRegression

    return LinearRegression()


def _glum() -> Any:
    from glum import GeneralizedLinearRegressor

    return GeneralizedLinearRegressor(alpha=0, family="normal")


def _statsmodels(X: Floats, y: Floats) -> Fit:
    import statsmodels.api as sm

    def fit() -> Answer:
        b = sm.OLS(y, sm.add_constant(X, has_constant="add")).fit(method="qr").params
        return b[1:], float(b[0])

    return fit


def _polars_ols(X: Floats, y: Floats) -> Fit:
    import polars as pl
    import polars_ols  # noqa: F401  (registers the namespace)

    names = [f"x{j}" for j in range(X.shape[1])]
    frame = pl.DataFrame(np.ascontiguousarray(X.T).T, schema=names).with_columns(y=pl.Series(y))
    column: Any = pl.col("y")
    expression = column.least_squares.ols(*names, add_intercept=True, mode="coefficients")

    def fit() -> Answer:
        row = frame.select(expression.alias("b")).unnest("b").row(0)
        return np.array(row[:-1]), float(row[-1])

    return fit


PEERS = (
    Peer("fastlr", (), _fastlr),
    Peer("NumPy normal equations", (), _numpy_normal_equations),
    Peer("NumPy lstsq", (), _numpy_lstsq, max_values=1.2e8),
    Peer("SciPy lstsq (gelsy)", ("scipy",), _scipy_lstsq, max_values=1.2e8),
    Peer("scikit-learn LinearRegression", ("sklearn",), _estimator(_sklearn_linear)),
    Peer("scikit-learn Ridge (cholesky)", ("sklearn",), _estimator(_sklearn_ridge)),
    Peer("scikit-learn-intelex", ("sklearnex",), _estimator(_sklearnex)),
    Peer("statsmodels (qr)", ("statsmodels",), _statsmodels, max_values=1.2e8),
    Peer("glum", ("glum",), _estimator(_glum)),
    Peer("polars-ols", ("polars_ols", "polars"), _polars_ols),
)


def installed_peers() -> tuple[Peer, ...]:
    """The peers that can be imported here; fastlr and NumPy always."""
    return tuple(
        peer for peer in PEERS if all(importlib.util.find_spec(module) for module in peer.requires)
    )
