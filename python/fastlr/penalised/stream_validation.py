"""Cross-validation of ridge penalties on rows that come in chunks."""

from __future__ import annotations

from functools import partial
from operator import add

from fastlr.errors import InputError
from fastlr.input.columns import FloatArray
from fastlr.input.row_stream import RowChunk, RowStream
from fastlr.least_squares.problem import Problem
from fastlr.least_squares.streamed import gathered
from fastlr.moments.streamed import state_of_stream
from fastlr.penalised.cross_validation import (
    CrossValidation,
    WithoutEachRow,
    leave_one_out,
    scores_of_folds,
    without_each_row,
)
from fastlr.penalised.stream_folds import folds_of_stream

__all__ = ["leave_one_out_of_stream", "validate_folds_of_stream"]


def leave_one_out_of_stream(
    stream: RowStream, fit_intercept: bool, alphas: FloatArray
) -> CrossValidation:
    """Sums of squared errors of every row, predicted by the fit to all other rows: two passes.

    Raises
    ------
    InputError
        There is one row only, or the rows can be read once.
    """
    stream.check_repeatable("leave-one-out")
    state = state_of_stream(stream)
    if state.n_samples < max(2, state.n_features):
        return leave_one_out(gathered(stream, fit_intercept), alphas, keep=False)
    fits = without_each_row(state, fit_intercept, alphas)
    squares = stream.map_merge(partial(_squares, fits, fit_intercept), add)
    return CrossValidation(alphas, squares, None, None, "leave_one_out", 2, state)


def _squares(fits: WithoutEachRow, fit_intercept: bool, rows: RowChunk) -> FloatArray:
    problem = Problem(
        rows.features,
        rows.targets,
        rows.weights,
        rows.features.names or (),
        rows.targets.names or (),
        fit_intercept,
        rows.n_threads,
    )
    return fits.squares(problem, None)


def validate_folds_of_stream(
    stream: RowStream, n_folds: int, fit_intercept: bool, alphas: FloatArray, score: str
) -> CrossValidation:
    """Scores of all folds and penalties by one of `FAST_SCORES`: one pass, which deals the rows of every chunk.

    Raises
    ------
    InputError
        There are fewer rows than columns.
    """
    folds, whole = folds_of_stream(stream, n_folds)
    fewest = min(fold.train.n_samples for fold in folds)
    if fewest < whole.n_features:
        raise InputError(
            f"cv={n_folds} folds of {stream.label} train on {fewest} rows and {whole.n_features} features: pass arrays "
            "where rows are fewer than features, or choose fewer features."
        )
    scores = scores_of_folds(folds, fit_intercept, alphas, score)
    return CrossValidation(alphas, None, scores, None, "folds", 1, whole)
