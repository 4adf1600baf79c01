"""The rows of a fit with what it says of each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.inverse import is_too_large
from fastlr.inference.row_passes import LEAST_LEFT, leverages
from fastlr.input.frames import opened
from fastlr.results.covariances import estimates_of
from fastlr.results.tidy import ColumnArrays, as_frame

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["augmented"]

_QUIET: Any = {"divide": "ignore", "invalid": "ignore"}


def augmented(
    fit: LinearFit,
    X: Any,
    y: object,
    sample_weight: object,
    *,
    newdata: bool,
    prefix: str,
    backend: str | None,
) -> Any:
    """The columns of X and y, and those that the fit adds; see `LinearFit.augment`."""
    if not isinstance(prefix, str):
        raise InputTypeError(f"prefix={prefix!r} is not a string: pass one such as '.'.")
    own, frame = _own_columns(fit, X)
    fitted = np.asarray(fit.predict(X), dtype=np.float64).reshape(-1, fit.n_targets)
    targets = None
    added = _by_target(fit, "fitted", fitted)
    if y is not None:
        left = np.asarray(fit.residuals(X, y), dtype=np.float64).reshape(fitted.shape)
        targets = fitted + left
        added |= _by_target(fit, "resid", left)
        if not newdata:
            added |= _influence(fit, X, y, sample_weight, left)
    added = {prefix + name: values for name, values in added.items()}
    if targets is not None:
        targets = _as_given(y, targets)
        for k, name in enumerate(fit.target_names):
            if name not in own:
                own[name] = targets[:, k]
    twice = sorted(own.keys() & added.keys())
    if twice:
        raise InputError(
            f"X or y has a column {twice[0]!r}, and augment adds one of this name: pass prefix='.' or the like."
        )
    library = None if frame is None else frame.implementation.value
    if frame is None or (backend is not None and backend != library):
        return as_frame({**{k: np.asarray(v) for k, v in own.items()}, **added}, library, backend)
    import narwhals as nw

    new = {name: values for name, values in own.items() if name not in frame.columns} | added
    series = [
        nw.new_series(name, values, backend=frame.implementation) for name, values in new.items()
    ]
    if frame.implementation.is_pandas_like():  # which would pair them by the labels of rows
        series = [nw.maybe_set_index(s, index=nw.maybe_get_index(frame)) for s in series]
    return frame.with_columns(*series).to_native()


def _own_columns(fit: LinearFit, X: Any) -> tuple[dict[str, Any], Any]:
    """The columns of X by name, and its frame if it is one."""
    import narwhals as nw

    if isinstance(X, Mapping):
        return {name: np.asarray(values) for name, values in X.items()}, None
    frame = None if isinstance(X, np.ndarray | list | tuple) else opened(X, "X")
    if isinstance(frame, nw.DataFrame):
        return {name: frame.get_column(name).to_numpy() for name in frame.columns}, frame
    features = fit.features_of(X)
    return {name: features.column(j) for j, name in enumerate(fit.feature_names)}, None


def _as_given(y: Any, restored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The targets as they were given, not as prediction and residual add up to them."""
    import narwhals as nw

    native = None if isinstance(y, np.ndarray | list | tuple | Mapping) else opened(y, "y")
    if isinstance(native, nw.DataFrame | nw.Series):
        y = native.to_numpy()
    elif isinstance(y, Mapping):
        y = np.column_stack([np.asarray(values) for values in y.values()])
    array = np.asarray(y)
    return array.reshape(restored.shape) if array.dtype.kind in "fiub" else restored


def _by_target(fit: LinearFit, name: str, values: npt.NDArray[Any]) -> ColumnArrays:
    if fit.n_targets == 1:
        return {name: np.ascontiguousarray(values[:, 0])}
    return {
        f"{name}_{target}": np.ascontiguousarray(values[:, k])
        for k, target in enumerate(fit.target_names)
    }


def _influence(
    fit: LinearFit, X: Any, y: object, sample_weight: object, left: npt.NDArray[Any]
) -> ColumnArrays:
    """Leverages, internally studentised residuals, the error without a row, and Cook's distances."""
    if is_too_large(fit.n_params):  # leverages would take their covariances
        rows, estimates = fit.unread_rows(X, y, sample_weight), None
    else:
        rows = fit.given_rows(X, y, sample_weight)
        estimates = estimates_of(fit, rows)
    n = len(left)
    hat = np.full(n, np.nan)
    if estimates is not None:
        hat = leverages(estimates.fitted(rows, 0, factor=True))
    weights = np.ones(n) if rows.weights is None else np.asarray(rows.weights, dtype=np.float64)
    by_row = np.ones(n) if fit.weight_type == "frequency" else weights
    squares = by_row[:, np.newaxis] * left**2
    rest = np.where(1.0 - hat > LEAST_LEFT, 1.0 - hat, np.nan)[:, np.newaxis]
    sd = np.broadcast_to(np.asarray(fit.residual_sd, dtype=np.float64), fit.n_targets)
    with np.errstate(**_QUIET):
        studentised = np.sign(left) * np.sqrt(squares / rest) / sd
        without = np.asarray(fit.rss) - squares / rest
        df = fit.df_resid - 1
        sigma = np.sqrt(np.maximum(without, 0.0) / (df if df > 0 else np.nan))
        cooks = studentised**2 * (hat[:, np.newaxis] / rest) / (fit.rank + fit.fit_intercept)
    return {
        "hat": hat,
        **_by_target(fit, "std_resid", studentised),
        **_by_target(fit, "sigma", sigma),
        **_by_target(fit, "cooks_d", cooks),
    }
