"""`fit_file`: table files to a fit, as the command line does it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from fastlr.errors import InputError, InputTypeError
from fastlr.files import open_tables
from fastlr.inference.words import WEIGHT_TYPES
from fastlr.input.missing import is_drop
from fastlr.input.options import as_alpha, as_choice, as_flag
from fastlr.least_squares.ladder import ACCURACIES
from fastlr.results import LinearFit
from fastlr.streams.chunks import Chunks
from fastlr.streams.roles import Words, choose, choose_by_formula

__all__ = ["fit_file"]

_OPTIONS_OF_TEXT = {"delimiter", "decimal", "encoding", "skip", "na", "block_bytes"}


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
        Features whose values, as they are written, are categories: they become indicators as in `fastlr.ols`, and all
        rows are kept in memory.
    formula : str, optional
        A formula instead of target, features, categories and ``fit_intercept``, as in `fastlr.ols`.
    weights : str, optional
        Column of sample weights, 0 or more. Rows of weight 0 do not count.
    weight_type : {"precision", "frequency", "probability"}, default="precision"
        What they mean, as in `fastlr.ols`. Standard errors under "probability" take a second look at the rows: those of
        tables that become moments are NaN.
    missing : {"error", "drop"}, default="error"
        Rows with a missing value: an error that names the first one, or left out; ``LinearFit.n_dropped`` counts them.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    alpha : float, default=0.0
        Ridge penalty: the objective is ``sum w (y - intercept - X @ coef)^2 + alpha * sum(coef^2)``.
    accuracy : {"auto", "fast", "max"}, default="auto"
        As in `fastlr.ols` for tables up to 256 MB of numbers, which are kept. Larger ones, any with a penalty, and all
        with "fast" become moments, batch by batch (in double-double with "max"), and are fitted as by `fastlr.solve`.
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
    One pass over the files, and memory for what is kept or for p x p moments. Values that `fastlr.ols` would read
    several times are read from memory.

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
    targets, left_out = _names(target or (), "target"), _names(exclude, "exclude")
    coded = _names(categories, "categories")
    if formula is not None and (chosen_beside := [*left_out, *coded, *(features or ())]):
        raise InputTypeError(
            f"formula={formula!r} says by itself what the features are: leave out {chosen_beside[0]!r}."
        )
    if alpha and (formula is not None or coded):
        raise InputError(
            f"alpha={alpha:g} is for features as they are: leave out formula= and categories=, or use alpha=0."
        )
    chosen = None if features is None else _names(features, "features")
    weight = None if weights is None else _names(weights, "weights")[0]
    if unknown := sorted(set(text) - _OPTIONS_OF_TEXT):
        raise TypeError(
            f"fit_file has no argument {unknown[0]!r}: those of text are {', '.join(sorted(_OPTIONS_OF_TEXT))}"
        )
    is_one = isinstance(source, str | bytes | os.PathLike) or not isinstance(source, Iterable)
    files: Any = [source] if is_one else source
    with open_tables(files, **text) as table:
        if formula is not None:
            choice = choose_by_formula(table, formula, weights=weight, words=Words())
        else:
            choice = choose(
                table,
                target=targets,
                features=chosen,
                exclude=left_out,
                weights=weight,
                words=Words(),
                categories=coded,
            )
        rows = Chunks(table, choice, is_drop(missing), n_threads, accuracy, alpha)
        for batch in table.batches(choice.names):
            rows.add(batch)
    return rows.fit(fit_intercept=fit_intercept, weight_type=weight_type)


def _names(names: object, argument: str) -> tuple[str, ...]:
    """Return the names that an argument has, or raise an `InputTypeError` if they are no strings."""
    is_one = argument == "weights"
    found: tuple[object, ...] | None = None
    if isinstance(names, str):
        found = (names,)
    elif isinstance(names, Iterable) and not isinstance(names, Set | Mapping | bytes):  # in order
        found = None if is_one else tuple(names)
    if found is None or not all(isinstance(name, str) for name in found):
        fix = "pass a string" if is_one else "pass a string, or a list of strings"
        raise InputTypeError(f"{argument}={names!r} is not the name of a column: {fix}.")
    return tuple(map(str, found))
