"""What a fit says of its parameters and of itself as columns, in broom's words; frames of the user's library."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.frame_names import FrameNames

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["BACKENDS", "as_frame", "backend_of", "glance_columns", "records", "tidy_columns"]

BACKENDS = ("pandas", "polars", "pyarrow", "modin")
"""Libraries whose frames can be asked for."""

ColumnArrays = dict[str, npt.NDArray[Any]]


def tidy_columns(fit: LinearFit, level: float = 0.95) -> ColumnArrays:
    """A row for every parameter: of every target, one after the other, if there are several."""
    interval = fit.conf_int(level).values
    columns: ColumnArrays = {}
    if fit.n_targets > 1:
        columns["target"] = np.repeat(np.array(fit.target_names, dtype=object), fit.n_params)
    columns["term"] = np.array(fit.param_names * fit.n_targets, dtype=object)
    columns |= {
        "estimate": fit.params.values.reshape(-1),
        "std_error": fit.bse.values.reshape(-1),
        "statistic": fit.tvalues.values.reshape(-1),
        "p_value": fit.pvalues.values.reshape(-1),
        "conf_low": interval[..., 0].reshape(-1),
        "conf_high": interval[..., 1].reshape(-1),
    }
    return columns


def glance_columns(fit: LinearFit) -> ColumnArrays:
    """A row for every target, of what is known of the fit as a whole."""
    columns: ColumnArrays = {}
    if fit.n_targets > 1:
        columns["target"] = np.array(fit.target_names, dtype=object)
    figures: dict[str, Any] = {
        "r_squared": fit.r2,
        "adj_r_squared": fit.rsquared_adj,
        "sigma": fit.residual_sd,
        "statistic": fit.fvalue,
        "p_value": fit.f_pvalue,
        "df": fit.df_model,
        "log_lik": fit.llf,
        "aic": fit.aic,
        "bic": fit.bic,
        "deviance": fit.rss,
        "df_residual": fit.df_resid,
        "nobs": fit.nobs,
    }
    for name, value in figures.items():
        columns[name] = np.array(np.broadcast_to(value, fit.n_targets))
    return columns


def records(columns: Mapping[str, npt.NDArray[Any]]) -> list[dict[str, Any]]:
    """Rows of columns as plain data for JSON: None where a number is not finite."""
    lists = [
        [None if isinstance(v, float) and not math.isfinite(v) else v for v in values.tolist()]
        for values in columns.values()
    ]
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]


def backend_of(fit: LinearFit) -> str | None:
    """The library of the frame that the rows of a fit came from; None if it was no frame, or is not known."""
    for names in (fit.feature_names, fit.target_names):
        if isinstance(names, FrameNames):
            return names.backend
    return None


def as_frame(columns: ColumnArrays, own: str | None, backend: str | None) -> Any:
    """Columns as a frame of ``backend``, or of the user's ``own`` library, or as they are if that is None.

    Raises
    ------
    InputError
        If the backend is unknown.
    ImportError
        If it is not installed.
    """
    if backend is not None and backend not in BACKENDS:
        raise InputError(
            f"backend={backend!r} is unknown: choose one of {', '.join(map(repr, BACKENDS))}, or None for the library "
            "of the fit's own table."
        )
    chosen = backend or own
    if chosen is None:
        return columns
    if chosen not in BACKENDS:  # DuckDB, dask and others: their tables are collected as Arrow's
        chosen = "pyarrow"
    if importlib.util.find_spec(chosen) is None:
        raise ImportError(f"backend={chosen!r} is not installed: pip install {chosen}.")
    import narwhals as nw

    series = {
        name: [*values] if values.dtype == object else values for name, values in columns.items()
    }
    engine: Any = chosen
    return nw.from_dict(series, backend=engine).to_native()
