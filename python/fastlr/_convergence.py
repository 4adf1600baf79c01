"""The warning that scikit-learn's users filter too; in a module of its own, as it imports scikit-learn."""

from __future__ import annotations

from sklearn.exceptions import ConvergenceWarning as SklearnConvergenceWarning

__all__ = ["ConvergenceWarning"]


class ConvergenceWarning(SklearnConvergenceWarning):  # type: ignore[misc]
    """A descent did not arrive: it diverged, or stopped before the loss settled or the duality gap was small enough.

    The message says what to do. It is scikit-learn's ``sklearn.exceptions.ConvergenceWarning`` as well:
    filters for that one hold for this one.
    """

    __module__ = "fastlr.errors"
