"""What a fit says for itself, as text for people."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["Report", "number", "report", "summary_text"]

_DESCENT = re.compile(
    r"\w+ \((?:moments|rows|batches)(, huber .+)?\)"
)  # as descents name their solver
_LONGEST_TABLE = 40
_GAP = "  "


@dataclass(frozen=True)
class Report:
    """The parts of a report, in words and formatted figures; how they are laid out is not here."""

    model: str
    data: str
    status: str
    figure_titles: tuple[str, ...]
    figures: tuple[tuple[str, ...], ...]
    """One row a figure of merit: its name, then a value for each target."""
    coefficient_titles: tuple[str, ...]
    coefficients: tuple[tuple[str, ...], ...]
    """One row a feature, the intercept first: its name, then its coefficients."""
    omitted: str
    """Says which coefficients the table leaves out; empty if none."""


def report(fit: LinearFit, *, max_features: int | None = _LONGEST_TABLE) -> Report:
    """The parts of a report on ``fit``.

    With one target the table of coefficients has a second column, "per sd": the change of the
    target for one (population) standard deviation of the feature, which compares features of
    different units. A table longer than ``max_features`` shows those that matter most by it.
    """
    coef = np.atleast_2d(fit.coef)
    per_sd = coef * fit.feature_std
    is_single = len(fit.target_names) == 1
    order, omitted = _shown_features(per_sd, max_features)
    columns = [coef[0], per_sd[0]] if is_single else list(coef)
    intercepts = [number(value) for value in np.atleast_1d(fit.intercept)]
    rows = []
    if fit.fit_intercept:
        rows.append(("intercept", *intercepts, *([""] if is_single else [])))
    rows += [(fit.feature_names[j], *(number(column[j]) for column in columns)) for j in order]
    figures = {
        "r2": fit.r2,
        "mse": fit.mse,
        "rss": fit.rss,
        "log-likelihood": fit.log_likelihood,
    }
    return Report(
        model=_model_line(fit),
        data=_data_line(fit),
        status=str(fit.status),
        figure_titles=("", *([""] if is_single else fit.target_names)),
        figures=tuple((k, *map(number, np.atleast_1d(v))) for k, v in figures.items()),
        coefficient_titles=("", *(("coefficient", "per sd") if is_single else fit.target_names)),
        coefficients=tuple(rows),
        omitted=omitted,
    )


def summary_text(fit: LinearFit) -> str:
    """A fit as plain text of a few lines, for people.

    Model, rows, solver, status, goodness of fit, and a table of coefficients; every figure with
    seven significant digits (all of them are in ``summary_dict``). No line ends in a newline.

    Examples
    --------
    >>> import fastlr
    >>> fit = fastlr.ols([[0.0], [1.0], [2.0]], [1.0, 3.0, 6.0], feature_names=["dose"])
    >>> print(summary_text(fit).partition("log-likelihood")[2])
      0.07874204
    <BLANKLINE>
               coefficient    per sd
    intercept    0.8333333
    dose          2.500000  2.041241
    """
    parts = report(fit)
    head = [parts.model, parts.data, parts.status]
    blocks = [head, _aligned([parts.figure_titles, *parts.figures])]
    blocks.append(_aligned([parts.coefficient_titles, *parts.coefficients]))
    if parts.omitted:
        blocks[-1].append(parts.omitted)
    return "\n\n".join("\n".join(block) for block in blocks)


def number(value: float) -> str:
    """A number with seven significant digits: 15.06187, -3482259, 0.05110411, 4.859258e+09."""
    text = f"{float(value):#.7g}"
    mantissa, *exponent = text.split("e")
    return "e".join([re.sub(r"\.0*$", "", mantissa), *exponent])


def _model_line(fit: LinearFit) -> str:
    descent = _DESCENT.fullmatch(fit.solver)
    is_penalised = bool(np.any(fit.alpha))
    method = f"ridge regression (alpha {_alpha(fit.alpha)})" if is_penalised else "least squares"
    if descent and descent[1]:
        method = "Huber's loss" + (f" (alpha {_alpha(fit.alpha)})" if is_penalised else "")
    if descent:
        method += " by gradient descent"
    intercept = "" if fit.fit_intercept else ", no intercept"
    features = _counted(len(fit.feature_names), "feature")
    return f"{', '.join(fit.target_names)} on {features}: {method}{intercept}"


def _alpha(alpha: float | NDArray[np.float64]) -> str:
    lowest, highest = np.min(alpha), np.max(alpha)
    return f"{highest:g}" if lowest == highest else f"{lowest:g} to {highest:g}"


def _data_line(fit: LinearFit) -> str:
    parts = [_counted(fit.n_samples, "row")]
    if fit.n_dropped:
        parts.append(f"{fit.n_dropped} with missing values left out")
    if fit.total_weight != fit.n_samples:
        parts.append(f"total weight {fit.total_weight:.7g}")
    if fit.rank != len(fit.feature_names):
        parts.append(f"rank {fit.rank}")
    parts.append(f"solver {fit.solver}")
    if fit.df_resid <= 0 and not np.any(fit.alpha):
        parts.append("nothing left to estimate errors from")
    elif not math.isnan(fit.digits):
        parts.append(_counted(math.floor(fit.digits), "digit"))
    known = not math.isnan(fit.condition_number)
    if known and "condition number" not in fit.status:  # said once is enough
        parts.append(f"condition number {fit.condition_number:.3g}")
    return ", ".join(parts)


def _shown_features(per_sd: NDArray[np.float64], limit: int | None) -> tuple[Sequence[int], str]:
    n_features = per_sd.shape[1]
    if limit is None or n_features <= limit:
        return range(n_features), ""
    size = np.abs(per_sd).max(axis=0)
    order = np.argsort(-size, kind="stable")[:limit]
    left = _counted(n_features - limit, "feature")
    return order.tolist(), f"and {left} with smaller coefficients per standard deviation"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines: names to the left, figures to the right; empty rows dropped."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append(_GAP.join(cells).rstrip())
    return [line for line in lines if line]
