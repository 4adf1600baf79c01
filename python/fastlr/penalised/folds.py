"""Moments of the rows that a split trains on and of those it tests on: one pass where test folds are a partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr.errors import InputError
from fastlr.input.refusals import refuse_bad_weights, refuse_non_finite
from fastlr.least_squares.problem import Problem
from fastlr.moments.combining import added
from fastlr.moments.state import State
from fastlr.penalised.dealing import dealt_moments

__all__ = ["Fold", "Folds", "as_folds", "consecutive_folds", "moments_of_folds", "partition"]

Positions = npt.NDArray[np.intp]
_VALUES_PER_GATHER = 1 << 18  # 2 MB: what is gathered is read again from the cache


@dataclass(frozen=True, slots=True)
class Folds:
    """Positions of the rows of every split; ``train`` is None where each row is tested once and else trained on."""

    test: list[Positions]
    train: list[Positions] | None
    n_samples: int

    @property
    def is_partition(self) -> bool:
        """Whether every row is tested exactly once, and trained on, once, by all other splits."""
        return self.train is None

    def train_of(self, k: int) -> Positions:
        """The rows that split ``k`` trains on."""
        if self.train is not None:
            return self.train[k]
        others = np.ones(self.n_samples, dtype=np.bool_)
        others[self.test[k]] = False
        return np.flatnonzero(others)

    def labels(self) -> npt.NDArray[np.int32]:
        """The number (n_samples,) of the fold that tests each row of a partition."""
        small = np.int8 if len(self.test) < 128 else np.int32  # of which more lie in the cache
        label = np.empty(self.n_samples, dtype=small)
        for k, rows in enumerate(self.test):
            label[rows] = k
        return label.astype(np.int32, copy=False)

    def __len__(self) -> int:
        return len(self.test)


@dataclass(frozen=True, slots=True)
class Fold:
    """Moments of the training rows, and of the test rows."""

    train: State
    test: Positions
    test_moments: State | None
    """None where nobody asked for them, or where no row has a positive weight."""


def as_folds(splits: Iterable[tuple[object, object]], n_samples: int) -> Folds:
    """Positions of all splits, checked: from 0 to before n_samples, and at least one on either side."""
    train, test = [], []
    for k, split in enumerate(splits):
        try:
            of_train, of_test = split
        except (TypeError, ValueError):
            raise InputError(
                f"split {k} of cv is {split!r}: pass pairs (train, test) of row positions."
            ) from None
        train.append(_positions(of_train, n_samples, f"the training rows of split {k}"))
        test.append(_positions(of_test, n_samples, f"the test rows of split {k}"))
    if not test:
        raise InputError(
            "cv gives no splits: pass at least one pair (train, test) of row positions."
        )
    return Folds(test, None if _is_partition(train, test, n_samples) else train, n_samples)


def consecutive_folds(n_samples: int, n_folds: int, rows: Positions | None = None) -> Folds:
    """Folds of consecutive rows, the first ones a row longer: those of scikit-learn's KFold without shuffling.

    Of ``rows`` (n_samples,), a permutation of all, consecutive ones are taken instead.
    """
    if not 2 <= n_folds <= n_samples:
        raise InputError(
            f"cv={n_folds} folds of n_samples={n_samples} rows: pass a number from 2 to the number of rows."
        )
    every = np.arange(n_samples) if rows is None else rows
    return partition(np.array_split(every, n_folds), n_samples)


def partition(tests: Iterable[npt.NDArray[Any]], n_samples: int) -> Folds:
    """Folds that are known to test every row exactly once."""
    return Folds([np.asarray(rows, dtype=np.intp) for rows in tests], None, n_samples)


def moments_of_folds(
    problem: Problem, folds: Folds, *, with_tests: bool
) -> tuple[list[Fold], State, int]:
    """The folds' moments, those of all rows, and how often the rows were read.

    Training moments of a partition are sums of the other folds' moments: nothing is taken away, and no digit lost.
    """
    if folds.is_partition:
        parts = _moments_of_parts(problem, folds)
        present = [part for part in parts if part is not None]
        if not present and problem.weights is not None:
            refuse_bad_weights(problem.weights)
        if len(present) < 2:
            raise InputError(
                "sample_weight is positive in one fold alone: no other fold can be trained on."
            )
        later: list[State | None] = [None]
        for part in reversed(parts[1:]):
            later.append(_sum(part, later[-1]))
        train, earlier = [], None
        for k, part in enumerate(parts):
            both = _sum(earlier, later[len(parts) - 1 - k])
            train.append(_trainable(both, k))
            earlier = _sum(earlier, part)
        whole, passes = _trainable(earlier, 0), 1
    else:
        train = [_trainable(_moments(problem, rows), k) for k, rows in enumerate(folds.train or [])]
        whole = _trainable(_moments(problem, np.arange(problem.features.n_samples)), 0)
        passes = 1 + len(train)
    tests: list[State | None] = [None] * len(folds)
    if with_tests and folds.is_partition:
        tests = parts
    elif with_tests:
        tests = [_moments(problem, rows) for rows in folds.test]
        passes += 1
    found = [Fold(*fold) for fold in zip(train, folds.test, tests, strict=True)]
    return found, whole, passes


def _moments_of_parts(problem: Problem, folds: Folds) -> list[State | None]:
    """Moments of all test folds of a partition; None of those in which no row counts."""
    dealt: list[State | None] = [None] * len(folds)
    if not all(isinstance(_as_slice(rows), slice) for rows in folds.test):
        dealt = dealt_moments(problem, folds.labels(), len(folds))
    return [
        _moments(problem, rows) if state is None else state
        for state, rows in zip(dealt, folds.test, strict=True)
    ]


def _moments(problem: Problem, rows: Positions) -> State | None:
    """Moments of some rows, gathered piece by piece unless they follow one another; None if none of them counts."""
    weights = problem.weights
    if weights is not None:
        counts = weights[rows] != 0
        if not counts.all():
            rows = rows[counts]
        if len(rows) == 0:
            return None
    total: State | None = None
    try:
        for piece in _pieces(rows, problem.n_features):
            state, _ = problem.take_rows(piece).pass_over()
            total = _sum(total, state)
    except InputError:  # about a row of this piece: say which one of all rows it is
        refuse_non_finite(problem.features, problem.feature_names, argument="X")
        refuse_non_finite(problem.targets, problem.target_names, argument="y")
        raise
    return total


def _pieces(rows: Positions, n_features: int) -> Iterator[slice | Positions]:
    """All rows as one slice, or positions of a few hundred kilobytes at a time in rising order."""
    together = _as_slice(rows)
    if isinstance(together, slice):
        yield together
        return
    rows = np.sort(rows)
    step = max(256, _VALUES_PER_GATHER // n_features)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


def _as_slice(rows: Positions) -> slice | Positions:
    """Rows that follow one another as a slice; others as they are."""
    first, last = int(rows[0]), int(rows[-1])
    if last - first == len(rows) - 1 and (len(rows) < 3 or bool(np.all(np.diff(rows) == 1))):
        return slice(first, last + 1)
    return rows


def _sum(first: State | None, second: State | None) -> State | None:
    if first is None or second is None:
        return second if first is None else first
    return added(first, second)


def _trainable(state: State | None, k: int) -> State:
    if state is None:
        raise InputError(f"no training row of split {k} has a positive weight: use fewer folds.")
    return state


def _positions(rows: object, n_samples: int, what: str) -> Positions:
    array = np.asarray(rows)
    if array.dtype == np.bool_ and array.shape == (n_samples,):
        array = np.flatnonzero(array)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iu":
        raise InputError(
            f"cv: {what} are an array of shape {array.shape} and type {array.dtype}: pass at least one row position."
        )
    positions = array.astype(np.intp)
    if positions.min() < -n_samples or positions.max() >= n_samples:
        raise InputError(
            f"cv: {what} reach from {positions.min()} to {positions.max()}, but X has {n_samples} rows: pass positions "
            f"from 0 to {n_samples - 1}."
        )
    return np.where(positions < 0, positions + n_samples, positions)


def _is_partition(train: list[Positions], test: list[Positions], n_samples: int) -> bool:
    """Whether every row is tested exactly once, and trained on, once, by all other splits."""
    if len(test) < 2 or sum(map(len, test)) != n_samples:
        return False
    tested = np.zeros(n_samples, dtype=np.bool_)
    for rows in test:
        tested[rows] = True
    if not tested.all():
        return False
    for of_train, of_test in zip(train, test, strict=True):
        if len(of_train) != n_samples - len(of_test):
            return False
        tested[of_test] = False
        is_apart = tested[of_train].all()
        tested[of_test] = True
        rising = of_train if (of_train[1:] > of_train[:-1]).all() else np.sort(of_train)
        if not is_apart or not (rising[1:] > rising[:-1]).all():
            return False
    return True
