"""What can be fitted from frames of Spark's, each in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fastlr
from fastlr.distributed.fits import fitted
from fastlr.spark.reading import rows

if TYPE_CHECKING:
    from fastlr import LinearFit, Moments, PenaltyPath, RidgePath, SubsetSelection

__all__ = ["best_subset", "enet_path", "lasso_path", "moments", "ols", "ridge", "ridge_path"]


def moments(data: Any = None, **options: Any) -> Moments:
    """Moments of the rows of a Spark frame, or of files, in one pass by its executors.

    Parameters
    ----------
    data : pyspark.sql.DataFrame, optional
        As in `rows`; or ``files=``.
    **options
        Those of `rows`, and ``precision`` of `fastlr.Moments.from_rows`.

    Returns
    -------
    Moments
        With the same bits however many executors there are, and whatever they had to do twice.
    """
    return fitted(fastlr.Moments.from_rows, rows, (data,), options)


def ols(data: Any = None, **options: Any) -> LinearFit:
    """Least squares of the rows of a Spark frame, with the options of `rows` and of `fastlr.ols`.

    Further passes, for more digits and for robust errors, are work for its executors as well.
    """
    return fitted(fastlr.ols, rows, (data,), options)


def ridge(data: Any = None, *, alpha: Any = 1.0, **options: Any) -> LinearFit:
    """Ridge regression of the rows of a Spark frame: `ols` with a penalty."""
    return ols(data, alpha=alpha, **options)


def ridge_path(data: Any = None, **options: Any) -> RidgePath:
    """Ridge regression for many penalties, with the options of `rows` and of `fastlr.ridge_path`; one pass."""
    return fitted(fastlr.ridge_path, rows, (data,), options)


def lasso_path(data: Any = None, **options: Any) -> PenaltyPath:
    """The lasso for many penalties, with the options of `rows` and of `fastlr.lasso_path`; one pass."""
    return fitted(fastlr.lasso_path, rows, (data,), options)


def enet_path(data: Any = None, **options: Any) -> PenaltyPath:
    """Elastic nets for many penalties, with the options of `rows` and of `fastlr.enet_path`; one pass."""
    return fitted(fastlr.enet_path, rows, (data,), options)


def best_subset(data: Any = None, **options: Any) -> SubsetSelection:
    """The best subsets of features, with the options of `rows` and of `fastlr.best_subset`; one pass."""
    return fitted(fastlr.best_subset, rows, (data,), options)
