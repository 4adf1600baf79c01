"""What estimators that are fitted from a scan have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastlr
from fastlr.errors import InputError
from fastlr.input.options import as_whole
from fastlr.input.row_stream import RowStream
from fastlr.moments.streamed import refuse_beside_scan
from fastlr.penalised.cross_validation import FAST_SCORES

__all__ = [
    "as_scan",
    "check_no_products",
    "check_single_target",
    "folds_of_scan",
    "remember_features",
    "score_of_scan",
]


def as_scan(X: object, y: object, sample_weight: object) -> RowStream | None:
    """X, if it is a scan, beside which y and weights are refused; arrays and frames of Dask's as rows; else None."""
    if isinstance(X, RowStream):
        refuse_beside_scan(y=y, sample_weight=sample_weight)
        if X.design is not None:
            raise InputError(
                f"{X.label} has categories ({', '.join(X.design.levels)}), and estimators are for numbers: use "
                "fastlr.ols, or scan with exclude= or categories=None."
            )
        return X
    if type(X).__module__.partition(".")[0] == "dask":  # which nobody needs to import to know
        return fastlr.dask.rows((X, y) if sample_weight is None else (X, y, sample_weight))
    return None


def remember_features(estimator: Any, stream: RowStream) -> None:
    """Set ``n_features_in_`` and ``feature_names_in_``; features that batches of arrays do not name have none."""
    estimator.n_features_in_ = len(stream.feature_names)
    if stream.has_names:
        estimator.feature_names_in_ = np.array(stream.feature_names, dtype=object)
    else:
        vars(estimator).pop("feature_names_in_", None)


def check_no_products(precompute: object) -> None:
    """Raise an `InputError` if products of columns are given, which nobody could compare with those of a scan."""
    if not isinstance(precompute, bool | np.bool_ | str):
        raise InputError(
            "precompute is given beside a scan, whose cross-products are computed anyway: pass False, True or 'auto'."
        )


def check_single_target(stream: RowStream) -> None:
    """Raise an `InputError` if a scan has several targets."""
    if len(stream.target_names) != 1:
        raise InputError(
            f"{stream.label} has {len(stream.target_names)} targets: cross-validation of lasso and elastic net is for "
            "one, so scan with target= one of them at a time."
        )


def folds_of_scan(cv: object) -> int:
    """Return a number of folds, five for None; an `InputError` for anything else."""
    if cv is None:
        return 5
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        return as_whole(cv, "cv", 2)
    raise InputError(
        f"cv={cv!r} says by positions which rows are a fold, and those of a scan are dealt to folds at random while "
        "they are read: pass a number of folds, or fit arrays."
    )


def score_of_scan(scoring: object, default: str) -> str:
    """Return a score that moments give; an `InputError` for others, which want predictions of all rows at once."""
    chosen = default if scoring is None else scoring
    if isinstance(chosen, str) and chosen in FAST_SCORES:
        return chosen
    raise InputError(
        f"scoring={scoring!r} wants predictions of all rows at once, and those of a scan come in chunks: pass one of "
        f"{', '.join(FAST_SCORES)}, or fit arrays."
    )
