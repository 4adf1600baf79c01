"""What a fit says for itself: a table for people, which prints as text and shows as HTML."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fastlr.errors import InputError
from fastlr.inference.distributions import as_level
from fastlr.input.options import as_choice, as_flag, as_whole
from fastlr.results.summary_rows import SORTS, chosen_terms, coefficient_rows
from fastlr.results.summary_words import (
    attention,
    counted,
    figures,
    method_of,
    numerics,
    size_of,
)
from fastlr.results.tidy import glance_columns, records, tidy_columns
from fastlr.typesetting.document import Document, Notes
from fastlr.typesetting.table import Table

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit

__all__ = ["MOST_FEATURES", "MOST_TARGETS", "Summary", "summary_of"]

MOST_FEATURES = 40
"""Features that a table shows unless it is asked for more."""
MOST_TARGETS = 5
"""Targets whose tables are shown unless one is asked for."""


class Summary(Document):
    """A fit for people: coefficients, how well they explain the target, and what deserves attention.

    It is a string, prints as text and shows as a table in notebooks; `as_html`, `as_latex` and `as_markdown` give it
    for elsewhere, and `to_dict` and `to_json` for programs.

    Examples
    --------
    >>> import fastlr
    >>> X = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0]]
    >>> y = [1.0, 3.0, 6.0, 6.0, 9.0, 12.0, 12.0]
    >>> fastlr.ols(X, y, feature_names=["dose"]).summary()
    y on 1 feature (least squares)                   7 rows, 5 degrees of freedom
    <BLANKLINE>
                 coefficient  std error   95 % interval        t        p  per sd
    (intercept)       1.214      0.598   -0.324 .. 2.753    2.03  0.098
    dose              1.9286     0.1660  1.5019 .. 2.3552  11.62  8.3e-05   3.857
    per sd: change of the target for one standard deviation of the feature
    R2 0.9643, adjusted 0.9571    residual standard error 0.8783    F(1, 5) = 135.0, p = 8.3e-05
    AIC 19.7, BIC 19.6
    The result leans on single rows (Cook's distance): row 6 (0.65). Without row 6, the coefficient of
    dose would be 1 standard errors higher.
    Numerics: 15 right digits, refined in 2 passes, condition number 1.
    """

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain data: all digits of all parameters and targets, None for what is not finite.

        Returns
        -------
        dict
            ``terms`` and ``targets`` are lists with the keys of `LinearFit.tidy` and `LinearFit.glance`, and the name
            of the target; ``attention`` and ``numerics`` are the sentences.
        """
        return super().to_dict()


def summary_of(
    fit: LinearFit,
    *,
    digits: int | None = None,
    level: float = 0.95,
    sort: str | None = None,
    numerics_line: bool = True,
    target: int | str | None = None,
    max_features: int | None = MOST_FEATURES,
) -> Summary:
    """The summary of a fit; see `LinearFit.summary`."""
    level = as_level(level)
    as_flag(numerics_line, "numerics")
    if digits is not None:
        as_whole(digits, "digits")
    if sort is not None:
        as_choice(sort, SORTS, "sort")
    if max_features is not None:
        as_whole(max_features, "max_features")
    wanted = _targets(fit, target)
    parts: list[Table | Notes] = []
    for k in wanted[:MOST_TARGETS]:
        parts += _target_parts(fit, k, digits, level, sort, max_features)
    if fit.n_features:
        meaning = "per sd: change of the target for one standard deviation of the feature"
        parts.insert(-1, Notes("legend", ((meaning,),)))
    if len(wanted) > MOST_TARGETS:
        more = f"and {counted(len(wanted) - MOST_TARGETS, 'target')} more: summary(target=name) shows one of them"
        parts.append(Notes("legend", ((more,),)))
    if fit.status.code == "converged":
        parts.append(Notes("status", ((str(fit.status),),)))
    found = attention(fit)
    if found:
        parts.append(Notes("attention", tuple((sentence,) for sentence in found)))
    how = numerics(fit, found)
    if numerics_line:
        parts.append(Notes("numerics", ((how,),)))
    return Summary(parts, partial(_data, fit, level, found, how))


def _data(fit: LinearFit, level: float, found: list[str], how: str) -> dict[str, Any]:
    """The summary as plain data."""
    data: dict[str, Any] = {
        "terms": records(tidy_columns(fit, level)),
        "targets": records(glance_columns(fit)),
        "level": level,
        "method": method_of(fit),
        "n_samples": fit.n_samples,
        "cov_type": fit.cov_type,
        "weight_type": fit.weight_type,
        "attention": found,
        "numerics": how,
    }
    if fit.n_targets == 1:
        for key in ("terms", "targets"):
            data[key] = [{"target": fit.target_names[0], **row} for row in data[key]]
    return data


def _target_parts(
    fit: LinearFit,
    target: int,
    digits: int | None,
    level: float,
    sort: str | None,
    limit: int | None,
) -> list[Table | Notes]:
    """The table of one target, what its columns mean, and how well it is explained."""
    terms, omitted = chosen_terms(fit, target, sort, limit)
    heads, rows = coefficient_rows(fit, target, terms, level, digits)
    name = fit.target_names[target]
    left = f"{name} on {counted(fit.n_features, 'feature')} ({method_of(fit)})"
    parts: list[Table | Notes] = [Table((left, size_of(fit)), heads, rows)]
    if omitted:
        parts.append(Notes("legend", ((omitted,),)))
    return [*parts, Notes("figures", (figures(fit, target),))]


def _targets(fit: LinearFit, target: int | str | None) -> list[int]:
    """The targets that are asked for, by name, by number, or all."""
    if target is None:
        return list(range(fit.n_targets))
    if isinstance(target, str):
        if target not in fit.target_names:
            names = ", ".join(map(repr, fit.target_names))
            raise InputError(f"target={target!r} is not a target of this fit: pass one of {names}.")
        return [fit.target_names.index(target)]
    k = as_whole(target, "target", 0)
    if k >= fit.n_targets:
        raise InputError(
            f"target={target!r} is out of range: this fit has {fit.n_targets} targets."
        )
    return [k]
