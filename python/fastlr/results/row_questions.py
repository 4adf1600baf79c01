"""What one asks a fit about its rows: whether they are those that it was made of, and how much each has to say."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from fastlr.errors import InputError
from fastlr.input.arguments import as_targets, as_weights
from fastlr.input.convert import index_of
from fastlr.input.frames import opened_table
from fastlr.input.options import as_flag
from fastlr.input.refusals import refuse_bad_weights, refuse_non_finite
from fastlr.input.threads import resolve_threads
from fastlr.results.targets import chosen_target

if TYPE_CHECKING:
    from fastlr.inference.estimates import GivenRows
    from fastlr.inference.influence import Influence
    from fastlr.results.linear_fit import LinearFit

__all__ = ["RowQuestions"]


class RowQuestions:
    """Questions about single rows: what `LinearFit` inherits."""

    __slots__ = ()

    def given_rows(self, X: object, y: object, sample_weight: object = None) -> GivenRows:
        """Return rows of the fit, validated and found to be those that it was made of."""
        from fastlr.results.covariances import check_rows

        fit = _fit_of(self)
        rows = fit.unread_rows(X, y, sample_weight)
        refuse_non_finite(rows.features, tuple(fit.feature_names), argument="X", may_drop=False)
        refuse_non_finite(rows.targets, fit.target_names, argument="y", may_drop=False)
        check_rows(fit, rows)
        return rows

    def unread_rows(self, X: object, y: object, sample_weight: object = None) -> GivenRows:
        """Return rows with the shapes and weights of the fit's; values are for the pass over them to check."""
        from fastlr.inference.estimates import GivenRows
        from fastlr.results.covariances import check_weights

        fit = _fit_of(self)
        features = fit.features_of(X)
        index = index_of(X)
        targets = as_targets(y, features.n_samples, index=index)
        if targets.n_columns != fit.n_targets:
            raise InputError(
                f"y has {targets.n_columns} targets but this fit has {fit.n_targets}: pass the same targets."
            )
        weights = as_weights(sample_weight, features.n_samples, index=index)
        if weights is not None:
            refuse_bad_weights(weights)
        rows = GivenRows(features, targets, weights)
        check_weights(fit, rows)
        return rows

    def get_influence(
        self,
        X: object,
        y: object,
        *,
        sample_weight: object = None,
        target: int = 0,
        keep: bool = True,
        n_threads: int | None = None,
    ) -> Influence:
        """Measure how much each row has to say in the fit, in one pass over the rows and without refits.

        Parameters
        ----------
        X, y, sample_weight : array-like
            The rows of the fit, as they were fitted.
        target : int, default=0
            Which target, if there are several.
        keep : bool, default=True
            Keep seven numbers for each row. False keeps sums and the most influential rows alone, which `Influence.top`
            gives, for rows that are too many.
        n_threads : int, optional
            Threads to use; by default all that the process may.

        Returns
        -------
        Influence
            Leverages, studentised residuals, Cook's distances, DFFITS, DFBETAS and the exact error of leaving one row
            out, under statsmodels' names.

        Raises
        ------
        InputError
            If the rows are not those of the fit, or a value is NaN or infinite, or the fit is not one by least squares.

        Examples
        --------
        >>> import fastlr
        >>> X, y = [[1.0], [2.0], [3.0], [4.0], [9.0]], [1.0, 3.0, 2.0, 5.0, 4.0]
        >>> influence = fastlr.ols(X, y).get_influence(X, y)
        >>> influence.hat_matrix_diag.round(3)
        array([0.402, 0.284, 0.216, 0.201, 0.897])
        >>> influence.top(1)["row"]
        array([4])
        """
        from fastlr.results.row_influence import influence_of

        fit = _fit_of(self)
        target = chosen_target(fit, target)
        keeps = as_flag(keep, "keep")
        resolve_threads(n_threads)  # for its message
        rows = replace(fit.unread_rows(X, y, sample_weight), n_threads=n_threads)
        return influence_of(
            fit,
            rows,
            target=target,
            keep=keeps,
            frame=opened_table(X, "X"),
            check=lambda squares: _check_squares(fit, rows, target, squares),
        )

    def with_influence(
        self,
        X: object,
        y: object,
        *,
        sample_weight: object = None,
        n_threads: int | None = None,
    ) -> LinearFit:
        """The same fit, which knows the rows that it leans on: `summary` and model files speak of them.

        Fits of small tables (8192 numbers at most) know them by themselves.

        Parameters
        ----------
        X, y, sample_weight : array-like
            The rows of the fit, as they were fitted.
        n_threads : int, optional
            Threads to use; by default all that the process may.

        Returns
        -------
        LinearFit
            A new fit whose ``influential`` has a record for each target; None where nothing can be said of single rows:
            with a penalty, without degrees of freedom, or where columns depend on one another.

        Raises
        ------
        InputError
            If the rows are not those of the fit, or a value is NaN or infinite.

        Notes
        -----
        Two passes over the rows for each target, and no number is kept for each row.

        Examples
        --------
        >>> import numpy as np
        >>> import fastlr
        >>> x = np.arange(10_000.0)
        >>> y = np.sin(x)
        >>> y[5000] = 9.0
        >>> fit = fastlr.ols(x[:, np.newaxis], y)
        >>> fit.influential is None
        True
        >>> fit.with_influence(x[:, np.newaxis], y).summary().to_dict()["attention"][0][:74]
        'Further off than chance puts a row (studentised residuals): row 5000 (12.7'
        """
        from fastlr.results.row_influence import checked_influence

        fit = _fit_of(self)
        resolve_threads(n_threads)  # for its message
        rows = replace(fit.given_rows(X, y, sample_weight), n_threads=n_threads)
        return replace(fit, influential=checked_influence(fit, rows, keep=False))


def _fit_of(fit: RowQuestions) -> LinearFit:
    return cast("LinearFit", fit)


def _check_squares(fit: LinearFit, rows: GivenRows, target: int, squares: float) -> None:
    """Refuse rows that are not those of the fit, after a pass that has not looked for numbers that are not finite."""
    from fastlr.results.covariances import check_squares

    if not math.isfinite(squares):
        names = tuple(fit.feature_names)
        refuse_non_finite(rows.features, names, argument="X", may_drop=False)
        refuse_non_finite(rows.targets, fit.target_names, argument="y", may_drop=False)
    check_squares(fit, target, squares)
