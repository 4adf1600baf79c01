"""`fit_file`: table files to a fit, as the command line does it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastlr.errors import InputError, InputTypeError
from fastlr.files import open_tables
from fastlr.inference.words import WEIGHT_TYPES
from fastlr.input.missing import is_drop
from fastlr.input.options import as_alpha, as_choice, as_flag
from fastlr.least_squares.asked import check_asked
from fastlr.least_squares.ladder import ACCURACIES
from fastlr.least_squares.streamed import fit_stream, labels_asked_for
from fastlr.results import LinearFit
from fastlr.streams.kept import KeptRows
from fastlr.streams.roles import Words, choose, choose_by_formula
from fastlr.streams.rows import Scan
from fastlr.streams.scanning import as_column_names, check_text_options

__all__ = ["fit_file"]


def fit_file(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    target: str | Sequence[str] | None = None,
    *,
    features: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] = (),
    categories: str | Sequence[str] = (),
    formula: str | None = None,
    weights: str | None = None,
    weight_type: str = "precision",
    missing: str = "error",
    fit_intercept: bool = True,
    alpha: float = 0.0,
    accuracy: str = "auto",
    cov_type: str | None = None,
    cov_kwds: Mapping[str, Any] | None = None,
    n_threads: int | None = None,
    **text: Any,
) -> LinearFit:
    r"""Least squares on table files that are read once, a batch of rows at a time; they may be larger than memory.

    Parameters
    ----------
    source : str, path-like, or iterable of these
        Files, directories or patterns (``"days/*.csv"``), which are one table if they have the same columns; formats
        as in `fastlr.files.open_table`.
    target : str or sequence of str
        Column to explain, or several that are fitted together.
    features : str or sequence of str, optional
        Columns to explain it by; by default every other one, which must hold numbers.
    exclude : str or sequence of str, optional
        Columns that are no features.
    categories : str or sequence of str, optional
        Features whose values are categories (in text, as they are written): they become indicators as in
        `fastlr.ols`, after one more pass that finds their levels.
    formula : str, optional
        A formula instead of target, features, categories and ``fit_intercept``, as in `fastlr.ols`.
    weights : str, optional
        Column of sample weights, 0 or more. Rows of weight 0 do not count.
    weight_type : {"precision", "frequency", "probability"}, default="precision"
        What they mean, as in `fastlr.ols`. Standard errors under "probability" take a second pass over the rows; where
        these can be read only once, they are NaN.
    missing : {"error", "drop"}, default="error"
        Rows with a missing value: an error that names the first one, or left out; ``LinearFit.n_dropped`` counts them.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    alpha : float, default=0.0
        Ridge penalty: the objective is ``sum w (y - intercept - X @ coef)^2 + alpha * sum(coef^2)``.
    accuracy : {"auto", "fast", "max"}, default="auto"
        As in `fastlr.ols`; further passes read the files again. Of what can be read only once (standard input, pipes)
        64 MB are kept; larger ones become moments in twice the working precision, in double with "fast".
    cov_type, cov_kwds : optional
        Covariances as in `fastlr.ols`, with one more pass over the files; ``groups`` of "cluster" names a column, or
        two, which are no features unless they are named. "HAC" keeps all rows in memory.
    n_threads : int, optional
        Threads to use; by default all that the process may. The result does not depend on it.
    **text
        ``delimiter``, ``decimal``, ``encoding``, ``skip``, ``na`` and ``block_bytes``, as in `fastlr.files.open_table`.

    Returns
    -------
    LinearFit

    Raises
    ------
    InputError
        A name is not a column, or stands for two things; a value is missing or infinite, a weight negative; no row is
        left.
    InputTypeError
        A name is no string.
    FileFormatError
        A file is no table, or a column that would be a feature holds no numbers.
    FileNotFoundError, ImportError
        There is no such file; pyarrow is missing and the format needs it.

    Notes
    -----
    As many passes over the files as `fastlr.ols` makes over arrays, each shared by all threads; memory for p x p
    moments and a few chunks of rows for each thread, whatever the size of the files: `fastlr.scan` says how they are
    read. A formula and "HAC" keep all rows in memory, and so do categories of what can be read once.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlr
    >>> area = np.arange(5.0)
    >>> np.savez("plots.npz", area=area, crop=3 * area + 1)
    >>> fit = fastlr.fit_file("plots.npz", "crop")
    >>> fit.feature_names, fit.coef.round(12), round(fit.intercept, 12)
    (('area',), array([3.]), 1.0)
    """
    as_choice(accuracy, ACCURACIES, "accuracy")
    as_choice(weight_type, WEIGHT_TYPES, "weight_type")
    fit_intercept, alpha = as_flag(fit_intercept, "fit_intercept"), as_alpha(alpha)
    if (target is None) == (formula is None):
        raise InputTypeError(
            "fit_file needs the name of a column to explain, target='...', or a formula='y ~ a + b', and not both."
        )
    targets, left_out = as_column_names(target or (), "target"), as_column_names(exclude, "exclude")
    coded = as_column_names(categories, "categories")
    if formula is not None and (chosen_beside := [*left_out, *coded, *(features or ())]):
        raise InputTypeError(
            f"formula={formula!r} says by itself what the features are: leave out {chosen_beside[0]!r}."
        )
    if alpha and (formula is not None or coded):
        raise InputError(
            f"alpha={alpha:g} is for features as they are: leave out formula= and categories=, or use alpha=0."
        )
    chosen = None if features is None else as_column_names(features, "features")
    weight = None if weights is None else as_column_names(weights, "weights")[0]
    drops, options = is_drop(missing), dict(cov_kwds or {})
    check_asked(cov_type, cov_kwds, weight_type)
    _, clusters = labels_asked_for(None if cov_type == "HAC" else cov_type, options)
    check_text_options("fit_file", text)
    is_one = isinstance(source, str | bytes | os.PathLike) or not isinstance(source, Iterable)
    files: Any = [source] if is_one else source
    with open_tables(files, **text) as table:
        if formula is not None:
            choice = choose_by_formula(
                table, formula, weights=weight, words=Words(), clusters=clusters
            )
        else:
            choice = choose(
                table,
                target=targets,
                features=chosen,
                exclude=left_out,
                weights=weight,
                words=Words(),
                categories=coded,
                clusters=clusters,
            )
        if not (choice.keeps_rows_of(table) or cov_type == "HAC"):
            rows = Scan(table, choice, drop_missing=drops, n_threads=n_threads)
            asked = cov_type, cov_kwds, weight_type
            return fit_stream(rows, fit_intercept, alpha, accuracy, None, asked)
        kept = KeptRows(
            table, choice, drops, n_threads, accuracy, alpha, cov_type=cov_type, options=options
        )
        for batch in table.batches(choice.names):
            kept.add(batch)
    return kept.fit(fit_intercept=fit_intercept, weight_type=weight_type)
