"""Fits draw themselves."""

from __future__ import annotations

from typing import Any

__all__ = ["Pictures"]


class Pictures:
    """What `LinearFit` inherits to be drawn."""

    __slots__ = ()

    def plot(
        self, kind: str | None = None, X: object = None, y: object = None, **options: Any
    ) -> Any:
        """Draw the fit by matplotlib (the extra ``plot``).

        Parameters
        ----------
        kind : str, optional
            A function of `fastlr.plot`: "coefficients", "collinearity"; with rows "regression", "diagnostics",
            "predicted", "partial_regression"; of descents "loss" and "loss_surface". By default "diagnostics" if rows
            are given, else "coefficients".
        X, y : array-like, optional
            Rows, where the picture shows them.
        **options
            Those of the function, among them ``ax``, where to draw.

        Returns
        -------
        matplotlib.axes.Axes, or an array of four for "diagnostics"
            ``.figure.savefig(...)`` writes the picture.

        Raises
        ------
        ImportError
            If matplotlib is not installed (the extra ``plot``).
        InputError
            If the kind is unknown, or rows are missing or too many.
        """
        from fastlr.plot.kinds import draw

        return draw(self, kind, X, y, options)
