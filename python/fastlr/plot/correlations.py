"""How features go along with one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.errors import InputError
from fastlr.plot.canvas import axes_of, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastlr.input.columns import FloatArray

__all__ = ["MOST_FEATURES", "collinearity"]

MOST_FEATURES = 200
"""Features that are drawn; of more, those that go along with another one most."""
_WRITTEN = 12  # features up to which the numbers are written
_NAMED = 40  # ... and names


def collinearity(fit: Any, *, ax: Any = None) -> Axes:
    """Correlations of the features as a map.

    Parameters
    ----------
    fit : LinearFit or Moments
        Moments, or a fit that has kept the inverse of its cross-products (least squares with an intercept, up to 1000
        features of full rank).
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there are fewer than two features, or a fit does not know their correlations.

    Notes
    -----
    Numbers are written for up to 12 features, names for up to 40; at most 200 features are drawn, those that go along
    with another one most.
    """
    names = fit.feature_names
    if len(names) < 2:
        raise InputError(f"the features {list(names)} have no correlations: two at least have.")
    correlation = _correlation(fit)
    between = np.abs(correlation - np.diag(correlation.diagonal()))
    strongest = np.nan_to_num(between)
    a, b = sorted(int(i) for i in np.unravel_index(np.argmax(strongest), strongest.shape))
    title = f"{names[a]} and {names[b]} go along most: correlation {correlation[a, b]:.3g}"
    p = len(names)
    if p > MOST_FEATURES:
        order = np.argsort(-strongest.max(axis=0), kind="stable")[:MOST_FEATURES]
        keep = np.sort(order)
        correlation, names = correlation[np.ix_(keep, keep)], tuple(names[j] for j in keep)
        title += f" ({MOST_FEATURES} of {p} features)"
    side = min(8.0, 3.4 + 0.32 * len(names))
    axes = axes_of(ax, (side + 1.2, side))
    image = axes.imshow(correlation, cmap="PuOr", vmin=-1.0, vmax=1.0, interpolation="nearest")
    if len(names) <= _NAMED:
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), names)
    if len(names) <= _WRITTEN:
        for i in range(len(names)):
            for j in range(len(names)):
                value = correlation[i, j]
                colour = "white" if abs(value) > 0.7 else "black"
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8)
    axes.figure.colorbar(image, ax=axes, label="correlation", shrink=0.8)
    finish(axes, title, "", "")
    return axes


def _correlation(source: Any) -> FloatArray:
    """Correlations of features, NaN of constant ones: from moments, or from the root of a fit's inverse."""
    p = len(source.feature_names)
    if hasattr(source, "cross_products"):
        cross = np.asarray(source.cross_products)[:p, :p]
    else:
        inverse = source.inverse
        is_known = inverse is not None and inverse.root.shape[1] == p
        if not is_known or not source.fit_intercept or np.any(source.alpha):
            raise InputError(
                "this fit does not know the correlations of its features (it has a penalty, no intercept, more than "
                "1000 features, or columns that depend on others): pass Moments.from_arrays(X, y)."
            )
        back = np.linalg.inv(inverse.root)
        cross = back.T @ back
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.sqrt(np.diagonal(cross))
        correlation: FloatArray = np.clip(cross / size / size[:, np.newaxis], -1.0, 1.0)
    return correlation
