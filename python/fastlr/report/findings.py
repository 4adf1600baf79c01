"""What a report says in sentences: what deserves attention, and what was looked at and found in order."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fastlr.report.patterns import SURE, Pattern
from fastlr.report.rows import SeenRows
from fastlr.results import LinearFit
from fastlr.results.row_words import far_off, leaning, listed
from fastlr.results.summary_words import attention, counted, inflation
from fastlr.typesetting.figures import significant
from fastlr.typesetting.names import shortened

__all__ = ["Findings", "findings_of"]

_LARGE_VIF = 10.0
_MOST_NAMES = 5


@dataclass(frozen=True)
class Findings:
    """What a report says of a fit in sentences: what deserves attention, and what is in order."""

    attention: tuple[str, ...]
    in_order: tuple[str, ...]


def findings_of(fit: LinearFit, rows: SeenRows, patterns: list[Pattern]) -> Findings:
    """Judge a fit of one target, its rows and the patterns of its residuals."""
    fit = replace(fit, influential=None)  # of which these rows tell, by their numbers
    looks, good = list(attention(fit)), []
    collinear = _collinear(fit)
    if collinear[0]:  # which names them all
        looks = [sentence for sentence in looks if not sentence.startswith("Collinear features")]
    elif not looks:
        good.append(
            "Columns do not depend on one another, digits are right, and degrees of freedom are enough."
        )
    for found, fine in (collinear, _influential(rows), _outlying(rows)):
        looks += [found] if found else []
        good += [fine] if fine else []
    looks += [pattern.sentence for pattern in patterns if pattern.is_found]
    missing = [pattern.name for pattern in patterns if pattern.p_value >= SURE]
    if missing:
        good.append(f"Residuals show no sign of {listed(missing, 'or')}.")
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
    them = listed(names) if not more else ", ".join(names[:_MOST_NAMES])
    condition = fit.condition_number
    known = f" (condition number {condition:.3g})" if math.isfinite(condition) else ""
    return (
        f"Collinear features{known}, almost wholly explained by the others: {them}{more}. Predictions are none the "
        "worse; where single coefficients matter, leave some of them out, or combine them."
    ), ""


def _influential(rows: SeenRows) -> tuple[str, str]:
    """Rows without which the coefficients would be others."""
    if rows.why_unknown:
        return rows.why_unknown, ""
    found = rows.influential
    if found is None:
        return "", ""
    told = leaning(found)
    if told or not found.distances:
        return told, ""
    row, distance = found.distances[0]
    return (
        "",
        f"No row decides the result alone (largest Cook's distance {distance:.2g}, row {row}).",
    )


def _outlying(rows: SeenRows) -> tuple[str, str]:
    """Rows that chance alone would hardly put so far off, by Bonferroni's inequality."""
    found = rows.influential
    if found is None or found.far is None:
        return "", ""
    told = far_off(found)
    return told, "" if told else "No row lies further off than chance puts some."
