"""How a fit ended, in a sentence, with a warning where the user should look."""

from __future__ import annotations

import math
import warnings

import numpy as np

from fastlr.errors import ConditionWarning, RankWarning, user_level
from fastlr.least_squares.indicators import expected_dependence
from fastlr.least_squares.null_space import dependencies
from fastlr.least_squares.problem import RowSummary, Solution
from fastlr.least_squares.units import EXACT_CONDITION, FEW_DIGITS, U
from fastlr.moments.state import State
from fastlr.results import Status

__all__ = ["is_plain", "plain_status", "status_of"]

_ABOUT = ("", "about ")  # before a condition number, which of many features is an estimate
_NEARLY_SINGULAR = 1e8  # condition number at which half of the data's digits say nothing


def is_plain(code: str, condition: float, relevant_digits: float) -> bool:
    """Whether there is nothing to warn of and nothing to explain."""
    return code == "ok" and condition < _NEARLY_SINGULAR and relevant_digits >= FEW_DIGITS


def plain_status(condition: float, n_features: int) -> Status:
    """The sentence on a fit that went as one hopes."""
    return Status(
        "ok",
        f"Solved: full rank, condition number {_ABOUT[n_features > EXACT_CONDITION]}{condition:.3g}.",
    )


def status_of(
    result: Solution, rows: State | RowSummary, fit_intercept: bool, rank: str | None
) -> Status:
    """The outcome as a sentence, with a warning if the user should look."""
    names, n_samples = rows.feature_names, rows.n_samples
    condition, digits = result.condition_number, result.relevant_digits
    if is_plain(result.code, condition, digits):
        return plain_status(condition, len(names))
    if result.code != "rank_deficient":
        about = _ABOUT[len(names) > EXACT_CONDITION]
        certain = f"about {math.floor(digits)} digits of the coefficients are certain"
        if result.code == "underflow":
            sentence = (
                f"Solved, but {certain}, since some are below the range of float64's full precision (2e-308): multiply "
                "y, or divide the columns, by a power of two."
            )
        elif condition**2 * U > 10.0**-FEW_DIGITS / 1000.0:
            sentence = (
                f"Solved, but the columns nearly depend on one another (condition number {about}{condition:.1e}): "
                f"{certain} for the data as they stand, and changes in the data are magnified as much. Centre or drop "
                "columns, or use a ridge penalty."
            )
        else:
            sentence = (
                f"Solved, but {certain}, since the sums of squares are what is left of much larger ones. Build the "
                'moments from the rows that remain, or with precision="double_double".'
            )
        warnings.warn(sentence, ConditionWarning, stacklevel=user_level())
        return Status("ill_conditioned", sentence)
    if _has_too_few_rows(result, rows):
        are = "is 1 row" if n_samples == 1 else f"are {n_samples} rows"
        cause = f"there {are} for {len(names)} features"
    else:
        constant = "constant" if fit_intercept else "zero"
        equations = dependencies(result.null_space, result.length, names, constant)
        cause = "; ".join(equations) + " within rounding"
    problem = f"The features have rank {result.rank} of {len(names)}: {cause}. "
    if rank == "raise":
        raise np.linalg.LinAlgError(
            problem
            + 'Drop columns, add rows, or let rank="min_norm" or "basic" choose among the coefficients.'
        )
    if result.solver == "basic":
        choice = "those of columns that depend on earlier ones were set to 0"
    elif rank == "full":
        choice = "those of columns that do not vary were set to 0"
    else:
        choice = "the smallest ones (minimum norm) were taken"
    sentence = (
        f"{problem}Infinitely many coefficients fit equally well; {choice}, and predictions do not depend on that "
        "choice. Drop columns, add rows, or use a ridge penalty."
    )
    expected = _expected(result, rows, fit_intercept)
    if expected is not None:
        sentence = (
            f"Solved: rank {result.rank} of {len(names)}, since {expected}; of the coefficients that fit equally well, "
            f"{choice}."
        )
    elif rank != "min_norm":
        warnings.warn(sentence, RankWarning, stacklevel=user_level())
    return Status("rank_deficient", sentence)


def _expected(result: Solution, rows: State | RowSummary, fit_intercept: bool) -> str | None:
    """The cause of a rank that is no surprise to anybody, or None."""
    if _has_too_few_rows(result, rows):
        return None
    p = rows.n_features
    return expected_dependence(
        result.null_space,
        result.length,
        rows.column_means[:p],
        rows.column_deviations[:p],
        rows.feature_names,
        fit_intercept,
    )


def _has_too_few_rows(result: Solution, rows: State | RowSummary) -> bool:
    """Whether rows are missing, rather than that single columns depend on others."""
    n_null = len(result.null_space)
    return n_null == 0 or (rows.n_samples <= rows.n_features and n_null > 1)
