"""``fastlr fit``: a table file to coefficients."""

from __future__ import annotations

import json
import shlex
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import click

import fastlr
from fastlr.cli._columns import choose
from fastlr.cli._descent import (
    descend,
    descent_options,
    descent_summary,
    refuse_stray,
)
from fastlr.cli._exit_codes import DIVERGED, EPILOG, INTERRUPTED
from fastlr.cli._output import Destinations
from fastlr.cli._picture import check_picture, picture_of
from fastlr.cli._report import show_report
from fastlr.cli._scores import (
    check_checks,
    folds_score,
    score_document,
    score_lines,
    test_score,
)
from fastlr.cli._tables import opened, table_options
from fastlr.cli._terminal import format_option, progress_of, warn, watched
from fastlr.cli._words import argument_of, in_options
from fastlr.files import table_files
from fastlr.inference.words import WEIGHT_TYPES
from fastlr.input.formulas import with_whole_levels
from fastlr.least_squares.streamed import fit_stream
from fastlr.report import summary_dict
from fastlr.results import Status
from fastlr.streams.kept import KeptRows
from fastlr.streams.leaning import numbered, with_leaning_rows, with_leaning_scan

_FAILURES = {"diverged": DIVERGED, "interrupted": INTERRUPTED}


@click.command(short_help="Fit a linear regression to a table file.", epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--target", multiple=True, metavar="NAME", help="Column to explain.")
@click.option(
    "--features",
    multiple=True,
    metavar="A,B,...",
    help="Columns to explain it by.  [default: every other one]",
)
@click.option("--exclude", multiple=True, metavar="C,...", help="Columns to leave out.")
@click.option(
    "--categories",
    multiple=True,
    metavar="D,...",
    help="Features that are categories: an indicator for each level but the first.",
)
@click.option(
    "--formula",
    metavar="'Y ~ A * B'",
    help="What to fit, instead of --target, --features, --categories and --no-intercept.",
)
@click.option("--weights", metavar="W", help="Column of sample weights, 0 or more.")
@click.option(
    "--weight-type",
    type=click.Choice(WEIGHT_TYPES),
    default="precision",
    show_default=True,
    help="What weights are: inverse variances, how often a row was seen, or survey weights.",
)
@click.option("--no-intercept", is_flag=True, help="Fit through the origin.")
@click.option(
    "--accuracy",
    type=click.Choice(["auto", "fast", "max"]),
    default="auto",
    show_default=True,
    help="One pass of normal equations (fast), or as many as the digits take.",
)
@click.option(
    "--alpha",
    type=float,
    metavar="A",
    help="Ridge penalty: adds A times the squared length of the coefficients to the sum of squares; "
    "with gd, to the loss as --loss has it.",
)
@click.option(
    "--missing",
    type=click.Choice(["error", "drop"]),
    default="error",
    show_default=True,
    help="Rows with an empty cell: stop, or leave them out.",
)
@table_options
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Probability with which an interval covers its coefficient.",
)
@click.option(
    "--robust",
    type=click.Choice(["HC0", "HC1", "HC2", "HC3", "HAC"], case_sensitive=False),
    help="Standard errors that allow for unequal variances, or (HAC) for correlation of rows in time.",
)
@click.option(
    "--cluster",
    multiple=True,
    metavar="A[,B]",
    help="Standard errors by cluster: columns whose values say which rows belong together.",
)
@click.option("--test", metavar="FILE", help="Score the fit on the rows of another table.")
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    metavar="K",
    help="Score by cross-validation: each of K parts predicted by a fit of the others.",
)
@click.option("--output", "-o", metavar="MODEL", help="Save the model (JSON) for fastlr predict.")
@format_option
@descent_options
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads to use; the result does not depend on it.  [default: all there are]",
)
def fit(
    files: tuple[str, ...],
    target: tuple[str, ...],
    features: tuple[str, ...],
    exclude: tuple[str, ...],
    categories: tuple[str, ...],
    formula: str | None,
    weights: str | None,
    weight_type: str,
    no_intercept: bool,
    accuracy: str,
    alpha: float | None,
    missing: str,
    delimiter: str | None,
    decimal: str,
    encoding: str | None,
    skip: int,
    na: tuple[str, ...],
    level: float,
    robust: str | None,
    cluster: tuple[str, ...],
    test: str | None,
    folds: int | None,
    output: str | None,
    layout: str,
    method: str,
    threads: int | None,
    **options: Any,
) -> None:
    """Fit a linear regression to the table in FILE (- for standard input).

    Several files, a directory or a pattern ('days/*.csv') are one table, if they have the same
    columns. The table is read in chunks, more than once where digits or errors take it. Names of
    columns may differ in case; a name with a comma goes in double quotes. Several targets
    (--target a,b) are fitted together.

    With --method gd the rows are kept in memory, and gradient descent passes over them.
    """
    refuse_stray(method, {**options, "plot": None})
    check_checks(folds, robust, cluster, method)
    check_roles(
        formula,
        {
            "--target": target,
            "--features": features,
            "--exclude": exclude,
            "--categories": categories,
            "--no-intercept": no_intercept,
        },
    )
    if alpha and method != "gd" and (formula is not None or categories):
        option = "--categories" if formula is None else "--formula"
        raise click.UsageError(
            f"{option} is for fits without a penalty, and for --method gd: leave out --alpha, or "
            "descend"
        )
    if weight_type != "precision" and (weights is None or method == "gd"):
        other = "needs --weights" if weights is None else "is for exact fits, leave out --method gd"
        raise click.UsageError(f"--weight-type {weight_type}: {other}")
    if method == "gd" and accuracy != "auto":
        raise click.UsageError(f"--accuracy {accuracy}: is for exact fits, leave out --method gd")
    destinations = Destinations(
        output, options.pop("history"), options.pop("plot"), bool(options.pop("force"))
    )
    text = {
        "delimiter": delimiter,
        "decimal": decimal,
        "encoding": encoding,
        "skip": skip,
        "na": na,
    }
    destinations.check(files)
    targets = " ".join(f"--target {shlex.quote(name)}" for name in target)
    if formula is not None:
        targets = f"--formula {shlex.quote(formula)}"
    with opened(files, text, f"fastlr fit - {targets}") as table:
        inputs = table_files(files)
        destinations.check(inputs)
        choice = choose(
            table,
            target=target,
            features=features,
            exclude=exclude,
            weights=weights,
            categories=categories,
            formula=formula,
            clusters=cluster,
        )
        if destinations.plot is not None:
            check_picture(method, choice.targets, alpha)
        options["alpha"] = alpha
        drops, intercept = missing == "drop", not no_intercept
        cov_type = "cluster" if cluster else robust
        rows: KeptRows | None = None
        is_kept = method == "gd" or folds is not None or destinations.plot is not None
        if is_kept or choice.is_designed or robust == "HAC":
            rows = KeptRows(
                table,
                choice,
                drop_missing=drops,
                n_threads=threads,
                accuracy=accuracy,
                alpha=alpha or 0.0,
                way="--missing drop",
                cov_type=cov_type,
                numbers_rows=True,
            )
            for batch in watched(table, choice.names):
                rows.add(batch)
            if method == "gd":
                result, cautions = _descended(rows, intercept, options)
            else:
                result, cautions = _told(
                    partial(rows.fit, fit_intercept=intercept, weight_type=weight_type)
                )
                result = with_leaning_rows(rows, result)
        else:
            with progress_of(table) as progress:
                scan = fastlr.Scan(
                    table,
                    choice,
                    drop_missing=drops,
                    n_threads=threads,
                    progress=progress,
                    way="--missing drop",
                )
                groups = {"groups": choice.clusters} if cluster else None
                asked = cov_type, groups, weight_type
                result, cautions = _told(
                    partial(fit_stream, scan, intercept, alpha or 0.0, accuracy, None, asked)
                )
                result = with_leaning_scan(scan, result)
    checks: list[str] = []
    scores: dict[str, Any] = {"folds": None, "test": None}
    if folds is not None and rows is not None:  # which are kept then
        score = folds_score(
            rows, result, folds, fit_intercept=not no_intercept, weight_type=weight_type
        )
        checks += score_lines(f"{folds} folds", score)
        scores["folds"] = score_document(score, n_folds=folds)
    if test is not None:
        score = test_score(result, test, text, drop_missing=missing == "drop")
        checks += score_lines(f"test on {score.size} of {test}", score)
        scores["test"] = score_document(score, file=test)
    # The model keeps the package's own words and counts rows from 0 on; the report has those of the command line, and
    # counts all rows of the table from 1 on.
    told = replace(
        result,
        status=Status(result.status.code, in_options(result.status)),
        influential=numbered(result, rows),
    )
    cautions = list(dict.fromkeys(map(in_options, cautions)))
    picture = None if rows is None else partial(picture_of, result, rows)
    try:
        if layout == "json":
            document = {
                "fastlr": fastlr.__version__,
                "file": files[0] if len(files) == 1 else None,
                "files": inputs,
                **summary_dict(told, level=level),
                **(
                    {"descent": descent_summary(result)}
                    if isinstance(result, fastlr.Descent)
                    else {}
                ),
                **scores,
                "weights": choice.weights,
                "n_rows_dropped": result.n_dropped,
                "warnings": cautions,
                "output": destinations.model_of(result),
                "history": destinations.history,
                "plot": destinations.plot,
            }
            for caution in cautions:
                warn(caution)
            click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2))
        else:
            show_report(told, cautions, level=level, checks=checks)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the report went away; the files are wanted all the same
        destinations.save(result, told=False, picture=picture)
        raise
    destinations.save(result, told=layout == "text", picture=picture)
    if result.status.code in _FAILURES:
        click.get_current_context().exit(_FAILURES[result.status.code])


def check_roles(formula: str | None, roles: dict[str, Any]) -> None:
    """Refuse a fit without a target, and options that a formula replaces."""
    if formula is None:
        if not roles["--target"]:
            raise click.UsageError("Missing option '--target'.")
        return
    given = [option for option, value in roles.items() if value]
    if given:
        raise click.UsageError(f"--formula says it all: leave out {', '.join(given)}")


def _descended(
    rows: KeptRows, fit_intercept: bool, options: dict[str, Any]
) -> tuple[fastlr.LinearFit, list[str]]:
    columns = rows.kept_columns()
    formula, weights = rows.choice.formula, rows.choice.weights
    given: tuple[Any, Any, Any] = (formula, None, weights)
    made: dict[str, Any] = {"categories": rows.choice.categories or None}
    if formula is None:
        given = rows.parts(columns)
    else:
        made = {"data": with_whole_levels(formula, columns)}
    result, cautions = descend(
        *given,
        **made,
        fit_intercept=fit_intercept,
        n_threads=rows.n_threads,
        options=options,
    )
    return replace(result, n_dropped=rows.n_dropped) if rows.n_dropped else result, cautions


def _told(fit: Callable[[], fastlr.LinearFit]) -> tuple[fastlr.LinearFit, list[str]]:
    """Fit, and return the fit with the sentences that it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        try:
            result = fit()
        except fastlr.InputError as error:
            if argument_of(str(error), {"alpha"}):
                raise click.UsageError(in_options(str(error))) from error
            raise
    return result, [str(warning.message) for warning in caught]
