"""The rows of a fit with what it says of each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.inverse import is_too_large
from fastlr.input.frames import opened
from fastlr.results.covariances import estimates_of, is_estimated
from fastlr.results.tidy import ColumnArrays, as_frame

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["augmented"]


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
            added |= _influence(fit, X, y, sample_weight)
    added = {prefix + name: values for name, values in added.items()}
    if targets is not None:
        targets = _as_given(y, targets)
        for k, name in enumerate(fit.target_names):
            if name not in own:
                own[name] = targets[:, k]
            elif not _is_same(own[name], targets[:, k]):
                raise InputError(
                    f"X has a column {name!r} as y has, with other values: rename one of them."
                )
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


def _is_same(column: Any, target: npt.NDArray[Any]) -> bool:
    """Whether a column of X is the target itself, as it is in the table of a formula."""
    values = np.asarray(column)
    return values.dtype.kind in "fiub" and bool(np.allclose(values, target, rtol=1e-6, atol=0.0))


def _influence(fit: LinearFit, X: Any, y: object, sample_weight: object) -> ColumnArrays:
    """Leverages, internally studentised residuals, the error without a row, and Cook's distances."""
    is_small = not is_too_large(fit.n_params)  # leverages take the covariances of all
    take = fit.given_rows if is_small else fit.unread_rows
    rows = take(X, y, sample_weight)
    n, t = rows.features.n_samples, fit.n_targets
    hat = np.full(n, np.nan)
    studentised, sigma, cooks = np.full((3, n, t), np.nan)
    if is_small and estimates_of(fit, rows) is not None and is_estimated(fit):
        for k in range(t):
            found = fit.get_influence(X, y, sample_weight=sample_weight, target=k)
            hat = found.hat_matrix_diag
            studentised[:, k] = found.resid_studentized_internal
            sigma[:, k] = np.sqrt(found.sigma2_not_obsi)
            cooks[:, k] = found.cooks_distance[0]
    return {
        "hat": hat,
        **_by_target(fit, "std_resid", studentised),
        **_by_target(fit, "sigma", sigma),
        **_by_target(fit, "cooks_d", cooks),
    }
