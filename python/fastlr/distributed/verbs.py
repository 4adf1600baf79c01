"""What can be fitted from the chunks of an executor, each in one call."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

import fastlr
from fastlr.distributed.executors import rows
from fastlr.distributed.fits import fitted

if TYPE_CHECKING:
    from fastlr import LinearFit, Moments, PenaltyPath, RidgePath, SubsetSelection

__all__ = ["best_subset", "enet_path", "lasso_path", "moments", "ols", "ridge", "ridge_path"]


def moments(executor: Executor, chunks: Any, **options: Any) -> Moments:
    """Moments of the rows of chunks, in one pass by the workers of an executor.

    Parameters
    ----------
    executor, chunks
        As in `rows`.
    **options
        Those of `rows`, and ``precision`` of `fastlr.Moments.from_rows`.

    Returns
    -------
    Moments
        With the bits of ``Moments.from_rows(fastlr.scan(...))`` over the same chunks.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> import numpy as np
    >>> import fastlr
    >>> chunks = [(np.array([[k], [k + 1.0]]), [2.0 * k, 2.0 * k + 2]) for k in range(5)]
    >>> with ThreadPoolExecutor(2) as executor:
    ...     moments = fastlr.distributed.moments(executor, chunks)
    >>> moments.n_samples, fastlr.solve(moments).coef.round(12)
    (10, array([2.]))
    """
    return fitted(fastlr.Moments.from_rows, rows, (executor, chunks), options)


def ols(executor: Executor, chunks: Any, **options: Any) -> LinearFit:
    """Least squares of the rows of chunks, with the options of `rows` and of `fastlr.ols`.

    Further passes, for more digits and for robust errors, are work for the executor as well.
    """
    return fitted(fastlr.ols, rows, (executor, chunks), options)


def ridge(executor: Executor, chunks: Any, *, alpha: Any = 1.0, **options: Any) -> LinearFit:
    """Ridge regression of the rows of chunks: `ols` with a penalty."""
    return ols(executor, chunks, alpha=alpha, **options)


def ridge_path(executor: Executor, chunks: Any, **options: Any) -> RidgePath:
    """Ridge regression for many penalties, with the options of `rows` and of `fastlr.ridge_path`; one pass."""
    return fitted(fastlr.ridge_path, rows, (executor, chunks), options)


def lasso_path(executor: Executor, chunks: Any, **options: Any) -> PenaltyPath:
    """The lasso for many penalties, with the options of `rows` and of `fastlr.lasso_path`; one pass."""
    return fitted(fastlr.lasso_path, rows, (executor, chunks), options)


def enet_path(executor: Executor, chunks: Any, **options: Any) -> PenaltyPath:
    """Elastic nets for many penalties, with the options of `rows` and of `fastlr.enet_path`; one pass."""
    return fitted(fastlr.enet_path, rows, (executor, chunks), options)


def best_subset(executor: Executor, chunks: Any, **options: Any) -> SubsetSelection:
    """The best subsets of features, with the options of `rows` and of `fastlr.best_subset`; one pass."""
    return fitted(fastlr.best_subset, rows, (executor, chunks), options)
