"""Problems whose features are made of a table: by a formula, or by indicators of its categories."""

from __future__ import annotations

from typing import Any

from fastlr.errors import InputError, InputTypeError
from fastlr.input.designs import Design, DesignedRows, categories_among, indicator_rows
from fastlr.input.frame_names import of_frame
from fastlr.input.names import names_of
from fastlr.input.options import as_flag
from fastlr.least_squares.problem import Problem

__all__ = ["designed_problem", "problem_of_categories", "problem_of_formula"]


def designed_problem(
    X: Any,
    y: object,
    data: object,
    sample_weight: object,
    fit_intercept: object,
    feature_names: object,
    categories: object,
    missing: str,
    n_threads: int | None,
    function: str,
) -> tuple[Any, tuple[Problem, bool, Design] | None]:
    """X, opened if it is a frame; and the problem, whether y is a vector, and the design, if a table makes features.

    ``function`` is what the user has called, for messages.
    """
    if isinstance(X, str):
        problem, design = problem_of_formula(
            X, y, data, sample_weight, fit_intercept, feature_names, missing, n_threads
        )
        return X, (problem, problem.targets.is_vector, design)
    if data is not None:
        raise InputTypeError(
            f"data is the table of a formula, and X is a {type(X).__name__}: pass the formula first, as in "
            f"{function}('y ~ a + b', data=data)."
        )
    X, chosen = categories_among(X, categories)
    if not chosen:
        return X, None
    return X, problem_of_categories(
        X, y, sample_weight, fit_intercept, feature_names, chosen, missing, n_threads
    )


def problem_of_formula(
    text: str,
    y: object,
    data: object,
    sample_weight: object,
    fit_intercept: object,
    feature_names: object,
    missing: str,
    n_threads: int | None,
) -> tuple[Problem, Design]:
    """The rows of a formula, which says by itself what y, the names and the intercept are."""
    if data is not None:
        for name, value in (("y", y), ("feature_names", feature_names)):
            if value is not None:
                raise InputTypeError(
                    f"{name} is given beside the formula {text!r}, which says by itself what it is: leave it out."
                )
        if fit_intercept is not True:
            raise InputError(
                f"fit_intercept={fit_intercept!r} is given beside the formula {text!r}: a formula without an "
                "intercept ends with '- 1'."
            )
    from fastlr.input.formulas import formula_rows

    rows = formula_rows(text, data, sample_weight, missing)
    return _problem_of(rows, data, rows.fit_intercept, n_threads), rows.design


def problem_of_categories(
    X: object,
    y: object,
    sample_weight: object,
    fit_intercept: object,
    feature_names: object,
    categories: tuple[str, ...],
    missing: str,
    n_threads: int | None,
) -> tuple[Problem, bool, Design]:
    """Validated rows of which some columns become indicators."""
    if feature_names is not None:
        raise InputTypeError(
            f"feature_names are given, but {', '.join(map(repr, categories))} become indicators with names of their "
            "own: rename the columns of X, or pass categories=None."
        )
    rows = indicator_rows(X, y, sample_weight, categories, missing)
    problem = _problem_of(rows, X, as_flag(fit_intercept, "fit_intercept"), n_threads)
    return problem, rows.targets.is_vector, rows.design


def _problem_of(
    rows: DesignedRows, table: object, fit_intercept: bool, n_threads: int | None
) -> Problem:
    """The problem of rows whose target has the name that it has in the table."""
    names, labels = names_of(rows.features, rows.targets, None, None)
    return Problem(
        rows.features,
        rows.targets,
        rows.weights,
        names,
        of_frame(labels, table) or labels,
        fit_intercept,
        n_threads,
        1,
        rows.n_dropped,
    )
