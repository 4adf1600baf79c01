"""How a fit does on rows that it has not seen, for ``--test`` and ``--folds``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

import fastlr
from fastlr.cli._columns import match
from fastlr.cli._tables import opened
from fastlr.cli._terminal import watched
from fastlr.cli.predict import model_columns
from fastlr.files.missing import missing_rows, refuse_missing
from fastlr.results.summary_words import counted
from fastlr.streams.held_out import HeldOut, fold_score, have_known_levels
from fastlr.streams.kept import KeptRows
from fastlr.streams.predictions import batch_predictions
from fastlr.typesetting.figures import share, significant

__all__ = ["check_checks", "folds_score", "score_document", "score_lines", "test_score"]


def test_score(
    fit: fastlr.LinearFit, file: str, text: dict[str, Any], *, drop_missing: bool
) -> HeldOut:
    """Predict the rows of a file that the fit has not seen; all count alike."""
    score = HeldOut(fit.target_names)
    with opened([file], text, "fastlr fit FILE --test -") as table:
        columns = model_columns(table, fit)
        found = match(fit.target_names, table.names)
        absent = [name for name in fit.target_names if name not in found]
        if absent:
            raise fastlr.FileFormatError(
                f"{table.label} has no column {absent[0]!r}, the target of the fit: --test compares predictions with it"
            )
        targets = [found[name] for name in fit.target_names]
        wanted = list(dict.fromkeys([*columns, *targets]))
        for batch in watched(table, wanted):
            missing = missing_rows(batch, wanted, batch.label)
            if not drop_missing:
                refuse_missing(batch, wanted, missing, batch.label, "--missing drop")
            wanted_rows = ~missing
            if fit.design is not None:
                named = zip(fit.design.variables, columns, strict=True)
                whole = {name: batch.columns[own][~missing] for name, own in named}
                wanted_rows[~missing] = known = have_known_levels(fit, whole)
                score.n_unseen += int(np.count_nonzero(~known))
            y = np.column_stack([batch.columns[name][wanted_rows] for name in targets])
            if len(y):
                score.add(y.astype(np.float64), batch_predictions(fit, batch, columns, wanted_rows))
        if not score.n_rows:
            unseen = " or a level that the fit has not seen" if score.n_unseen else ""
            raise fastlr.InputError(f"{table.label}: every row has a missing value{unseen}")
    return score


def folds_score(
    rows: KeptRows, fit: fastlr.LinearFit, n_folds: int, *, fit_intercept: bool, weight_type: str
) -> HeldOut:
    """Predict each row by a fit of the other folds."""
    try:
        return fold_score(rows, fit, n_folds, fit_intercept=fit_intercept, weight_type=weight_type)
    except fastlr.InputError as error:
        raise click.UsageError(f"--folds {n_folds}: {error}") from error


def score_lines(what: str, score: HeldOut) -> list[str]:
    """A line for each target: ``5 folds: R2 0.87, root mean squared error 318.4, mean absolute error 250.1``."""
    several = len(score.target_names) > 1
    lines = []
    for figures in score.figures():
        parts = [] if figures["r2"] is None else [f"R2 {share(figures['r2'])}"]
        parts.append(f"root mean squared error {significant(figures['rmse'], 4)}")
        parts.append(f"mean absolute error {significant(figures['mae'], 4)}")
        of = f" ({figures['name']})" if several else ""
        lines.append(f"{what}{of}: {', '.join(parts)}")
    if score.n_unseen:
        have = "has a level" if score.n_unseen == 1 else "have levels"
        lines.append(
            f"{what}: {counted(score.n_unseen, 'row')} {have} of a category that the fit has not seen, left out"
        )
    return lines


def score_document(score: HeldOut | None, **origin: Any) -> dict[str, Any] | None:
    """The scores of held-out rows as plain data for ``--format json``; None if there are none."""
    if score is None:
        return None
    return {
        **origin,
        "n_rows": score.n_rows,
        "n_unseen": score.n_unseen,
        "targets": score.figures(),
    }


def check_checks(
    n_folds: int | None, robust: str | None, cluster: Sequence[str], method: str
) -> None:
    """Refuse options that contradict one another."""
    if robust is not None and cluster:
        raise click.UsageError(
            f"--robust {robust} beside --cluster: errors by cluster are robust as well, leave out --robust"
        )
    given = {"--robust": robust, "--cluster": cluster, "--folds": n_folds}
    if method == "gd":
        for option, value in given.items():
            if value:
                raise click.UsageError(f"{option} is for exact fits, leave out --method gd")
