"""``fastlr report``: a table file to one page about a fit."""

from __future__ import annotations

import shlex
import warnings
from pathlib import Path
from typing import Any

import click
import numpy as np

import fastlr
from fastlr.cli._columns import choose
from fastlr.cli._exit_codes import EPILOG
from fastlr.cli._output import check_output, written_to
from fastlr.cli._scores import check_checks
from fastlr.cli._tables import TEXT_OPTIONS, opened
from fastlr.cli._terminal import show, warn, watched
from fastlr.cli._words import in_options
from fastlr.cli.fit import check_roles
from fastlr.cli.fit import fit as fit_command
from fastlr.files import replaced, table_files
from fastlr.report.models import MODELS
from fastlr.report.page import report_html
from fastlr.report.vector import require_matplotlib
from fastlr.results.summary_words import counted
from fastlr.streams.held_out import features_of, targets_of
from fastlr.streams.kept import KeptRows

__all__ = ["report"]

_LIKE_FIT = {
    *("files", "target", "features", "exclude", "categories", "formula", "weights", "weight_type"),
    *("no_intercept", "missing", "level", "robust", "cluster", "threads", *TEXT_OPTIONS),
}


@click.command(short_help="Fit, and write one page about it (HTML).", epilog=EPILOG)
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="HTML",
    help="Where the page goes; - is standard output.",
)
@click.option(
    "--models",
    multiple=True,
    metavar="M,...",
    help=f"Models beside least squares, judged by rows held out: {', '.join(MODELS)}.",
)
def report(output: str, models: tuple[str, ...], **options: Any) -> None:
    """Fit the table in FILE (- for standard input) and write one page about it.

    The page has the coefficients, what deserves attention in sentences, pictures, and the rows that the result leans
    on. It needs nothing but itself: no network. Rows are kept in memory, and counted from 1 on.
    """
    require_matplotlib()
    wanted = _models(models)
    files: tuple[str, ...] = options["files"]
    text = {name: options[name] for name in TEXT_OPTIONS}
    formula, target, cluster = options["formula"], options["target"], options["cluster"]
    roles = ("target", "features", "exclude", "categories", "no_intercept")
    check_roles(formula, {f"--{name.replace('_', '-')}": options[name] for name in roles})
    check_checks(None, options["robust"], cluster, "exact")
    if options["weight_type"] != "precision" and options["weights"] is None:
        raise click.UsageError(f"--weight-type {options['weight_type']}: needs --weights")
    check_output(output, files)
    targets = " ".join(f"--target {shlex.quote(name)}" for name in target)
    if formula is not None:
        targets = f"--formula {shlex.quote(formula)}"
    with opened(files, text, f"fastlr report - {targets} -o {shlex.quote(output)}") as table:
        inputs = table_files(files)
        check_output(output, inputs)
        choice = choose(
            table,
            **{name: options[name] for name in ("target", "features", "exclude", "weights")},
            categories=options["categories"],
            formula=formula,
            clusters=cluster,
        )
        if len(choice.targets) > 1:
            raise click.UsageError(
                f"--target {','.join(choice.targets)}: a report is about one target, write one for each"
            )
        rows = KeptRows(
            table,
            choice,
            drop_missing=options["missing"] == "drop",
            n_threads=options["threads"],
            accuracy="auto",
            way="--missing drop",
            cov_type="cluster" if cluster else options["robust"],
            numbers_rows=True,
        )
        for batch in watched(table, choice.names):
            rows.add(batch)
    page, fit = _written(rows, wanted, options, _source(files))
    if output == "-":
        click.echo(page, nl=False)
        return
    with written_to(output), replaced(output) as file:
        file.write(page.encode("utf-8"))
    size = f"{counted(fit.n_samples, 'row')}, {counted(fit.n_features, 'feature')}"
    show(f"{output} written: {size}")


report.params[:0] = [param for param in fit_command.params if param.name in _LIKE_FIT]


def _models(given: tuple[str, ...]) -> list[str]:
    """The names that ``--models`` gave, with commas between; a usage error if one is unknown."""
    names = [name.strip() for value in given for name in value.split(",")]
    for name in names:
        if name not in MODELS:
            raise click.UsageError(f"--models {name}: name some of {', '.join(MODELS)}")
    return names


def _source(files: tuple[str, ...]) -> str:
    if len(files) > 1:
        return f"{len(files)} files"
    return "standard input" if files[0] == "-" else Path(files[0]).name


def _written(
    rows: KeptRows, models: list[str], options: dict[str, Any], source: str
) -> tuple[str, fastlr.LinearFit]:
    """The page, with what fits and models warned of in its sentences and on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        fit = rows.fit(
            fit_intercept=not options["no_intercept"], weight_type=options["weight_type"]
        )
        columns = rows.kept_columns()
        (target,) = targets_of(fit, columns, rows.table.label)
        page = report_html(
            fit,
            features_of(fit, columns),
            np.asarray(columns[target], dtype=np.float64),
            sample_weight=columns[rows.choice.weights] if rows.choice.weights else None,
            models=models,
            level=options["level"],
            source=source,
            row_numbers=rows.row_numbers,
            words=in_options,
        )
    for message in dict.fromkeys(in_options(str(warning.message)) for warning in caught):
        warn(message)
    return page, fit
