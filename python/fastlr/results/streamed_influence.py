"""Which rows a fit leans on, of rows that come in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastlr.inference.estimates import GivenRows
from fastlr.inference.influence import Influence
from fastlr.input.row_stream import RowChunk, RowStream
from fastlr.results.covariances import estimates_of, is_sum_of_squares
from fastlr.results.influential_rows import N_TOP, InfluentialRows
from fastlr.results.row_influence import influential_rows, why_unknown

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["streamed_influence"]

_Top = dict[str, npt.NDArray[Any]]


class _Part(NamedTuple):
    """What some rows say of one target: the first by Cook's distance and by residuals."""

    squares: float
    n_undetermined: int
    top: _Top
    far: _Top


def streamed_influence(fit: LinearFit, stream: RowStream) -> tuple[InfluentialRows, ...] | None:
    """What stands out for each target, in one pass; None where nothing can be said, or float64 cannot say residuals.

    Rows are numbered from 0 on among all that were read.
    """
    estimates = None if why_unknown(fit, None) else estimates_of(fit, None)
    if estimates is None:
        return None
    estimates = estimates.with_means_of(stream)
    tss = np.atleast_1d(fit.tss)

    def kernel(chunk: RowChunk) -> list[_Part]:
        rows = GivenRows(chunk.features, chunk.targets, chunk.weights, chunk.n_threads)
        parts = []
        for k in range(fit.n_targets):
            squares: list[float] = []
            found = Influence(
                estimates,
                rows,
                target=k,
                param_names=fit.param_names,
                tss=float(tss[k]),
                frame=None,
                keep=False,
                check=squares.append,
            )
            top, far = found.top(N_TOP), found.top(N_TOP, by="resid_studentized_external")
            for rows_found in (top, far):
                rows_found["row"] = chunk.numbers(rows_found["row"])
            parts.append(_Part(squares[0], found.n_undetermined, top, far))
        return parts

    whole = stream.map_merge(kernel, _merged)
    if not all(is_sum_of_squares(fit, k, part.squares) for k, part in enumerate(whole)):
        return None
    return tuple(
        influential_rows(
            part.top,
            part.far,
            n_undetermined=part.n_undetermined,
            n_rows=fit.n_samples,
            df=fit.df_resid,
            names=fit.feature_names or fit.param_names,
        )
        for part in whole
    )


def _merged(first: list[_Part], second: list[_Part]) -> list[_Part]:
    return [
        _Part(
            a.squares + b.squares,
            a.n_undetermined + b.n_undetermined,
            _foremost(a.top, b.top, "cooks_d"),
            _foremost(a.far, b.far, "student_resid"),
        )
        for a, b in zip(first, second, strict=True)
    ]


def _foremost(first: _Top, second: _Top, by: str) -> _Top:
    """The first rows of both by size."""
    both = {name: np.concatenate([first[name], second[name]]) for name in first}
    order = np.argsort(-np.abs(both[by]), kind="stable")[:N_TOP]
    return {name: values[order] for name, values in both.items()}
