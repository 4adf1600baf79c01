"""How much each row has to say in a fit: its leverage, its distances, and what leaving it out does.

Everything follows from a row's residual and leverage in one pass over the rows; nothing is fitted again.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr._kernels.parts import in_parts
from fastlr.errors import InputError
from fastlr.inference.distributions import f_tail
from fastlr.inference.estimates import Estimates, GivenRows
from fastlr.inference.row_passes import FittedRows
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.frames import like_frame
from fastlr.input.options import as_choice, as_whole
from fastlr.input.threads import resolve_threads

__all__ = ["RANKINGS", "Influence"]

RANKINGS = {
    "cooks_distance": "cooks",
    "resid_studentized_external": "external",
    "resid_studentized_internal": "internal",
    "resid_press": "press",
    "dffits": "dffits",
    "hat_matrix_diag": "leverage",
}
"""Measures by which rows may be ranked, and what the kernel calls them."""

_FIRST_TOP = 100  # rows by Cook's distance that the first pass keeps if it keeps nothing else


class Influence:
    """How much each row has to say in a fit; what `LinearFit.get_influence` returns.

    Names and definitions are those of statsmodels' ``OLSInfluence``. With weights rows count as ``sqrt(w) x`` and
    ``sqrt(w) y``, except for `resid` and `resid_press`, which are in the units of y; a row whose weight is a frequency
    is one of w equal rows, and what is said of it is said of each of them.

    Notes
    -----
    With a residual r, a weight w and the leverage ``h = w x'(X'WX)^-1 x``, the fit without the row has there the
    residual ``r / (1 - h)``. Where h is 1 up to rounding, the row alone determines a coefficient: nothing can be said
    of the fit without it, and all that would be divided by ``1 - h`` is NaN. With a penalty the same holds for
    leverages, `resid_press` and `ess_press`; studentised residuals, distances and changes are NaN, since their
    distributions are those of least squares.
    """

    def __init__(
        self,
        estimates: Estimates,
        rows: GivenRows,
        *,
        target: int,
        param_names: tuple[str, ...],
        tss: float,
        frame: Any,
        keep: bool,
        check: Callable[[float], None],
    ) -> None:
        self._estimates = estimates
        self._rows = rows
        self._fitted = estimates.fitted(rows, target, factor=True)
        self._names = param_names
        self._tss = tss
        self._frame = frame
        is_penalised = bool(np.any(estimates.alpha))
        n_parameters = estimates.rank + estimates.inverse.fit_intercept
        self.nobs: float = estimates.nobs
        """Observations: rows of positive weight, or what they count."""
        self.k_vars: int = n_parameters
        """Number of parameters that the rows determine, intercept included."""
        self.df_resid: float = estimates.nobs - n_parameters
        """Residual degrees of freedom."""
        is_stated = self.df_resid > 0 and not is_penalised
        self.scale: float = float(estimates.rss[target]) / self.df_resid if is_stated else math.nan
        """Variance of a residual of weight 1."""
        self._measures: FloatArray | None = None
        n_top = 0 if keep else _FIRST_TOP
        out = np.empty((len(kernels.INFLUENCE_MEASURES), rows.features.n_samples)) if keep else None
        self._press, squares, n_undetermined, self._first_top = self._pass(
            self._fitted, out, n_top=n_top
        )
        self.n_undetermined: int = n_undetermined
        """How many rows alone determine a coefficient."""
        check(squares / self._unit / self._unit)
        if out is not None:
            for name in ("residual", "press"):
                out[_place(name)] /= self._unit
            out.setflags(write=False)
            self._measures = out

    @property
    def _unit(self) -> float:
        """What the kernels' residuals are larger by: a power of two."""
        return float(self._fitted.scale[-1])

    def _pass(
        self,
        rows: FittedRows,
        out: FloatArray | None,
        *,
        ranking: str = "cooks",
        n_top: int = 0,
        change: FloatArray | None = None,
        changes: FloatArray | None = None,
    ) -> tuple[float, float, int, npt.NDArray[np.int64]]:
        n, p = rows.n_samples, rows.n_variables - 1
        target, coef, factor = rows.target, rows.coef, rows.factor
        if target is None or coef is None or factor is None:
            raise TypeError("these rows have no target, coefficients or factor")
        for part, slots in in_parts(kernels.plan_influence(n, p, n_top)):
            kernels.influence(
                rows.features.source,
                target.source,
                rows.weights,
                rows.weights_count,
                rows.shift,
                rows.scale,
                coef,
                factor,
                rows.least_left,
                (self.scale if self.scale > 0.0 else math.nan) * self._unit * self._unit,
                self.df_resid,
                float(self.k_vars),
                ranking,
                n_top,
                part,
                resolve_threads(rows.n_threads),
                slots,
                out,
                change,
                changes,
            )
        totals: tuple[float, float, int, npt.NDArray[np.int64]] = kernels.influence_totals(
            n, p, n_top, slots
        )
        return totals

    def _all(self) -> FloatArray:
        if self._measures is None:
            raise InputError(
                "keep=False keeps no numbers of single rows: ask for top(k), or pass keep=True to get_influence."
            )
        return self._measures

    def _kept(self, name: str) -> FloatArray:
        kept: FloatArray = self._all()[_place(name)]
        return kept

    @property
    def hat_matrix_diag(self) -> FloatArray:
        """Leverages h: how far a row's prediction follows its own target."""
        return self._kept("leverage")

    @property
    def resid(self) -> FloatArray:
        """Residuals, in the units of y."""
        return self._kept("residual")

    @property
    def resid_studentized_internal(self) -> FloatArray:
        """Residuals by their standard errors, ``sqrt(w) r / (s sqrt(1 - h))``."""
        return self._kept("internal")

    @property
    def resid_studentized(self) -> FloatArray:
        """Residuals by their standard errors: `resid_studentized_internal`."""
        return self.resid_studentized_internal

    @property
    def resid_studentized_external(self) -> FloatArray:
        """Residuals by the residual standard deviation of the fit without the row: Student's t of df_resid - 1."""
        return self._kept("external")

    @property
    def sigma2_not_obsi(self) -> FloatArray:
        """Variance of a residual in the fit without the row; NaN for rows of weight 0, which are none of the fit's."""
        with np.errstate(divide="ignore", invalid="ignore"):
            left: FloatArray = self.df_resid - np.square(self.resid_studentized_internal)
            variance: FloatArray = self.scale * left / (self.df_resid - 1.0)
        variance[np.isnan(self.resid_studentized_external)] = np.nan
        if self._rows.weights is not None:
            variance[np.asarray(self._rows.weights) == 0] = np.nan  # none of the rows of the fit
        return variance

    @property
    def cooks_distance(self) -> tuple[FloatArray, FloatArray]:
        """Cook's distance, and the tail of F(k, df_resid) beyond it."""
        distance = self._kept("cooks")
        return distance, f_tail(distance, self.k_vars, self.df_resid)

    @property
    def dffits(self) -> tuple[FloatArray, float]:
        """Change of a row's prediction by its standard error without the row, and ``2 sqrt(k / n)``, a usual limit."""
        return self._kept("dffits"), self._usual_limit

    @property
    def dffits_internal(self) -> tuple[FloatArray, float]:
        """`dffits` by the residual standard deviation of all rows, the row itself included."""
        h = self.hat_matrix_diag
        with np.errstate(divide="ignore", invalid="ignore"):
            change: FloatArray = self.resid_studentized_internal * np.sqrt(h / (1.0 - h))
        return change, self._usual_limit

    @property
    def _usual_limit(self) -> float:
        return 2.0 * math.sqrt(self.k_vars / self.nobs)

    @property
    def cov_ratio(self) -> FloatArray:
        """Determinant of the parameters' covariance without the row, by that with it."""
        h = self.hat_matrix_diag
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio: FloatArray = (self.sigma2_not_obsi / self.scale) ** self.k_vars / (1.0 - h)
        return ratio

    @functools.cached_property
    def dfbetas(self) -> FloatArray:
        """Change of each parameter by its standard error without the row: (n_samples, n_params), intercept first.

        Computed by another pass over the rows when it is asked for; 8 n k bytes.
        """
        self._all()  # for its message
        changes = self._changes(self._fitted)
        changes.setflags(write=False)
        return changes

    def _changes(self, rows: FittedRows) -> FloatArray:
        """By how many standard errors the parameters change without each of some rows (DFBETAS)."""
        k, q = len(self._names), rows.n_variables
        to_parameters = self._estimates.to_parameters(self._estimates.factor(), whitened=True)
        change = np.zeros((q, q))
        with np.errstate(divide="ignore", invalid="ignore"):
            errors = np.linalg.norm(to_parameters, axis=1)
            change[:, :k] = (to_parameters / errors[:, np.newaxis]).T
        changes = np.empty((rows.n_samples, k))
        self._pass(rows, None, change=change, changes=changes)
        return changes

    @property
    def resid_press(self) -> FloatArray:
        """Residuals of the fit without the row, ``r / (1 - h)``, in the units of y."""
        return self._kept("press")

    @property
    def ess_press(self) -> float:
        """Sum of the (weighted) squares of `resid_press`: the exact error of leaving one row out at a time.

        NaN if a row alone determines a coefficient.
        """
        return math.nan if self.n_undetermined else self._press / self._unit / self._unit

    @property
    def mse_press(self) -> float:
        """Mean squared error of leaving one row out at a time: `ess_press` by the sum of the weights."""
        return self.ess_press / self._estimates.total_weight

    @property
    def rsquared_press(self) -> float:
        """Share of the target's sum of squares that predictions without the row explain: 1 - ess_press / tss."""
        return 1.0 - self.ess_press / self._tss if self._tss > 0 else math.nan

    def summary_frame(self) -> Any:
        """A table of DFBETAS, Cook's distances, residuals, leverages and DFFITS, in statsmodels' columns.

        Returns
        -------
        DataFrame or dict of str to ndarray
            A frame of the library that X came from (with its index, if it has one), else columns by name.
        """
        return like_frame(self._frame, _table(self.dfbetas, self._names, self._all()))

    def top(self, k: int = 10, *, by: str = "cooks_distance") -> dict[str, npt.NDArray[Any]]:
        """The k most influential rows, the first one first.

        Parameters
        ----------
        k : int, default=10
            How many rows at most.
        by : {"cooks_distance", "resid_studentized_external", "resid_studentized_internal", "resid_press", "dffits", \
"hat_matrix_diag"}
            Whose magnitude ranks the rows; of equal ones the first goes before, and rows without it are left out.

        Returns
        -------
        dict of str to ndarray
            "row", their positions from 0 on, and the columns of `summary_frame`.

        Notes
        -----
        Rows are streamed, and k of them kept, where ``keep=False``.
        """
        size = as_whole(k, "k")
        as_choice(by, tuple(RANKINGS), "by")
        if self._measures is not None:
            size_of_row = np.abs(self._kept(RANKINGS[by]))
            order = np.argsort(-size_of_row, kind="stable")[:size]
            chosen = order[~np.isnan(size_of_row[order])]
        elif by == "cooks_distance" and size <= _FIRST_TOP:
            chosen = self._first_top[:size]
        else:
            size = min(size, self._fitted.n_samples)
            chosen = self._pass(self._fitted, None, ranking=RANKINGS[by], n_top=size)[-1]
        return {"row": chosen, **self._of_rows(chosen)}

    def _of_rows(self, chosen: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
        """The columns of `summary_frame` of some rows."""
        out = np.empty((len(kernels.INFLUENCE_MEASURES), len(chosen)))
        if not len(chosen):
            return _table(np.empty((0, len(self._names))), self._names, out)
        whole = self._fitted
        if whole.target is None:
            raise TypeError("these rows have no target")
        y = np.ascontiguousarray(whole.target.column(0)[chosen])
        some = replace(
            whole,
            features=whole.features.take_rows(chosen),
            target=Columns(y, len(chosen), 1, None, True),
            weights=None if whole.weights is None else whole.weights[chosen],
        )
        self._pass(some, out)
        return _table(self._changes(some), self._names, out)

    def __repr__(self) -> str:
        return f"<Influence of {self._rows.features.n_samples} rows on {self.k_vars} parameters>"


def _place(measure: str) -> int:
    """The row that a measure has in what the kernel writes."""
    return kernels.INFLUENCE_MEASURES.index(measure)


def _table(
    dfbetas: FloatArray, names: tuple[str, ...], out: FloatArray
) -> dict[str, npt.NDArray[Any]]:
    """The columns of statsmodels' summary frame, from what the kernel has written."""
    h, internal = out[_place("leverage")], out[_place("internal")]
    table = {f"dfb_{name}": dfbetas[:, j] for j, name in enumerate(names)}
    with np.errstate(divide="ignore", invalid="ignore"):
        dffits_internal = internal * np.sqrt(h / (1.0 - h))
    return {
        **table,
        "cooks_d": out[_place("cooks")],
        "standard_resid": internal,
        "hat_diag": h,
        "dffits_internal": dffits_internal,
        "student_resid": out[_place("external")],
        "dffits": out[_place("dffits")],
    }
