"""What a report says in sentences: what deserves attention, and what was looked at and found in order."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastlr.inference.distributions import two_sided_tail
from fastlr.report.names import shortened
from fastlr.report.patterns import SURE, Pattern
from fastlr.report.rows import SeenRows
from fastlr.results import LinearFit
from fastlr.results.summary_words import attention, counted, inflation
from fastlr.typesetting.figures import significant

__all__ = ["Findings", "findings_of"]

_LARGE_VIF = 10.0
_LARGE_DISTANCE = 0.5  # Cook's
_SURE = 0.05  # for the largest residual of all rows together
_MOST_NAMES = 5


@dataclass(frozen=True)
class Findings:
    """What a report says of a fit in sentences: what deserves attention, and what is in order."""

    attention: tuple[str, ...]
    in_order: tuple[str, ...]


def findings_of(fit: LinearFit, rows: SeenRows, patterns: list[Pattern]) -> Findings:
    """Judge a fit of one target, its rows and the patterns of its residuals."""
    looks, good = list(attention(fit)), []
    collinear = _collinear(fit)
    if collinear[0]:  # which names them all
        looks = [sentence for sentence in looks if not sentence.startswith("Collinear features")]
    elif not looks:
        good.append(
            "Columns do not depend on one another, digits are right, and degrees of freedom are enough."
        )
    for found, fine in (collinear, _influential(fit, rows), _outlying(fit, rows)):
        looks += [found] if found else []
        good += [fine] if fine else []
    looks += [pattern.sentence for pattern in patterns if pattern.is_found]
    missing = [pattern.name for pattern in patterns if pattern.p_value >= SURE]
    if missing:
        good.append(f"Residuals show no sign of {_listed(missing, 'or')}.")
    good += [
        f"There is a sign of {pattern.name}, too small to matter ({pattern.effect})."
        for pattern in patterns
        if pattern.p_value < SURE and not pattern.is_found
    ]
    return Findings(tuple(looks), tuple(good))


def _collinear(fit: LinearFit) -> tuple[str, str]:
    """Which features the others explain almost wholly."""
    if fit.n_features < 2 or fit.rank < fit.n_features or np.any(fit.alpha):
        return "", ""
    vif = np.nan_to_num(inflation(fit), nan=0.0)
    order = [int(j) for j in np.argsort(-vif, kind="stable") if vif[j] >= _LARGE_VIF]
    if not order:
        largest = float(vif.max())
        if not largest:
            return "", ""
        return "", f"The features tell different things (largest VIF {largest:.3g})."
    names = [
        f"{shortened(fit.feature_names[j], 40)} (VIF {significant(float(vif[j]), 3)})"
        for j in order
    ]
    more = f" and {counted(len(names) - _MOST_NAMES, 'other')}" if len(names) > _MOST_NAMES else ""
    listed = _listed(names) if not more else ", ".join(names[:_MOST_NAMES])
    condition = fit.condition_number
    known = f" (condition number {condition:.3g})" if math.isfinite(condition) else ""
    return (
        f"Collinear features{known}, almost wholly explained by the others: {listed}{more}. Predictions are none the "
        "worse; where single coefficients matter, leave some of them out, or combine them."
    ), ""


def _influential(fit: LinearFit, rows: SeenRows) -> tuple[str, str]:
    """Rows without which the coefficients would be others."""
    if rows.why_unknown:
        return rows.why_unknown, ""
    told = ""
    if rows.n_undetermined:
        told = f"{counted(rows.n_undetermined, 'row')} alone determine a coefficient each. "
    if not rows.top or not len(rows.top["row"]):
        return told.strip(), ""
    distance = rows.top["cooks_d"]
    large = [i for i in range(len(distance)) if distance[i] >= _LARGE_DISTANCE]
    first = f"row {rows.number(rows.top['row'][0])}"
    if not large:
        if told:
            return told.strip(), ""
        return (
            "",
            f"No row decides the result alone (largest Cook's distance {distance[0]:.2g}, {first}).",
        )
    names = [f"row {rows.number(rows.top['row'][i])} ({distance[i]:.2g})" for i in large]
    moves = {
        name: float(rows.top[f"dfb_{name}"][0])
        for name in fit.feature_names or fit.param_names
        if math.isfinite(float(rows.top[f"dfb_{name}"][0]))
    }
    told += f"The result leans on single rows (Cook's distance): {_listed(names[:_MOST_NAMES])}."
    if moves:
        name = max(moves, key=lambda key: abs(moves[key]))
        how = f"{abs(moves[name]):.2g} standard errors {'lower' if moves[name] > 0 else 'higher'}"
        told += f" Without {first}, the coefficient of {shortened(name, 40)} would be {how}."
    return told, ""


def _outlying(fit: LinearFit, rows: SeenRows) -> tuple[str, str]:
    """Rows that chance alone would hardly put so far off, by Bonferroni's inequality."""
    df = fit.df_resid - 1
    if not rows.far or df <= 0:
        return "", ""
    size = np.abs(rows.far["student_resid"])
    p = two_sided_tail(size, df) * len(rows.residual)
    names = [
        f"row {rows.number(rows.far['row'][i])} ({size[i]:.3g})"
        for i in range(len(size))
        if p[i] < _SURE
    ]
    if not names:
        return "", "No row lies further off than chance puts some."
    return (
        f"Further off than chance puts a row (studentised residuals): {_listed(names[:_MOST_NAMES])}. Look whether "
        "these values are right."
    ), ""


def _listed(names: list[str], word: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
