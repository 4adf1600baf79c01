"""Names of features and targets: those given, those made up, and what to say when others arrive."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from fastlr.errors import InputError, InputTypeError, InputWarning, user_level
from fastlr.input.columns import Columns

__all__ = [
    "GeneratedNames",
    "as_names",
    "check_same_features",
    "check_same_targets",
    "default_names",
    "default_targets",
    "names_of",
    "warn_of_target_among_features",
]


class GeneratedNames(tuple[str, ...]):
    """Names that nobody gave. Whoever gives names that look the same has given them all the same."""

    __slots__ = ()


@functools.lru_cache(maxsize=16)
def default_names(n_features: int) -> tuple[str, ...]:
    """Names for features that came without: x0, x1, ..."""
    return GeneratedNames(f"x{j}" for j in range(n_features))


@functools.lru_cache(maxsize=16)
def default_targets(n_targets: int) -> tuple[str, ...]:
    """Names for targets that came without: y, or y0, y1, ..."""
    return GeneratedNames(("y",) if n_targets == 1 else (f"y{k}" for k in range(n_targets)))


def as_names(names: Sequence[str], n: int, *, argument: str) -> tuple[str, ...]:
    """Return ``n`` distinct names as a tuple of strings, or raise an `InputError`."""
    if isinstance(names, str):
        raise InputTypeError(f"{argument}={names!r} is one string: pass a list of {n} names.")
    if not isinstance(names, Iterable):
        raise InputTypeError(f"{argument}={names!r} is not a list of names: pass {n} names.")
    result = tuple(names)
    for name in result:
        if not isinstance(name, str):
            raise InputTypeError(
                f"{argument} contains {name!r}, which is not a string: names are strings."
            )
    if len(result) != n:
        raise InputError(
            f"{argument} has {len(result)} names for {n} columns: pass one name per column."
        )
    if len(set(result)) != n:
        twice = next(name for name in result if result.count(name) > 1)
        raise InputError(f"{argument} contains {twice!r} twice: names must be distinct.")
    return names if isinstance(names, GeneratedNames) else result


def check_same_features(
    columns: Columns, names: tuple[str, ...], *, argument: str, owner: str
) -> None:
    """The features must be those that `owner` ("this fit", "these moments") was built from.

    Without names on one side, positions count; but generated names in another order are no accident.
    """
    if columns.n_columns != len(names):
        raise InputError(
            f"{argument} has {columns.n_columns} features, but {owner} is expecting {len(names)} features as "
            f"input: pass the same features, {_listing(names)}."
        )
    if columns.names is None or columns.names == names:
        return
    unseen = [name for name in columns.names if name not in names]
    missing = [name for name in names if name not in columns.names]
    if unseen or missing:
        if isinstance(names, GeneratedNames):
            return
        raise InputError(
            f"{argument} has columns that {owner} does not know ({_listing(unseen)}) and lacks others "
            f"({_listing(missing)}): pass the same features, {_listing(names)}."
        )
    raise InputError(
        f"{argument} has the features of {owner} in another order: select them as X[{list(names)}] first."
    )


def check_same_targets(columns: Columns, names: tuple[str, ...], *, owner: str) -> None:
    """The targets must be as many as those of `owner`; several ones that have names on both sides, the same.

    A single target may be called something else in every batch of rows: "january", "february".
    """
    if columns.n_columns != len(names):
        raise InputError(
            f"y has {columns.n_columns} targets but {owner} has {len(names)}: pass the same targets, {_listing(names)}."
        )
    if columns.n_columns == 1 or columns.names is None or isinstance(names, GeneratedNames):
        return
    if columns.names != names:
        raise InputError(
            f"y has the targets {_listing(columns.names)} but {owner} has {_listing(names)}: pass the same targets in "
            "the same order."
        )


def names_of(
    features: Columns,
    targets: Columns,
    feature_names: Sequence[str] | None,
    target_names: Sequence[str] | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of features and targets: those given, those of the frame, or x0, x1, ... and y."""
    own_names, own_labels = features.names, targets.names
    if feature_names is not None:
        names = as_names(feature_names, features.n_columns, argument="feature_names")
    else:
        names = own_names or default_names(features.n_columns)
    if target_names is not None:
        labels = as_names(target_names, targets.n_columns, argument="target_names")
    else:
        labels = own_labels or default_targets(targets.n_columns)
    if own_names and own_labels:
        warn_of_target_among_features(features, targets)
    return names, labels


def warn_of_target_among_features(features: Columns, targets: Columns) -> None:
    """A target that is also a feature explains itself perfectly, and nothing else: name and values tell."""
    for k, name in enumerate(targets.names or ()):
        if features.names is None or name not in features.names:
            continue
        if np.array_equal(features.column(features.names.index(name)), targets.column(k)):
            warnings.warn(
                f"the target {name!r} is also among the features of X, with the same values, and explains itself: "
                f"leave that column out of X (in a data frame: X.drop(columns=[{name!r}])).",
                InputWarning,
                stacklevel=user_level(),
            )


def _listing(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (f", ... ({len(names)} in all)" if len(names) > most else "")
