"""Coefficients along a path of penalties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.errors import InputError
from fastlr.plot.canvas import COLOURS, DASHES, GREY, axes_of, finish, plural, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastlr.input.columns import FloatArray

__all__ = ["MOST_LINES", "MOST_NAMED", "lasso_path", "ridge_path"]

MOST_LINES = 200
"""Coefficients that are drawn; of more, the largest."""
MOST_NAMED = 7
"""Coefficients that have a colour and a name; the others are grey."""


def ridge_path(path: Any, *, target: int = 0, scale: object = None, ax: Any = None) -> Axes:
    """Coefficients of ridge regression over the penalty, and the penalty that cross-validation would take.

    Parameters
    ----------
    path : RidgePath
        What `fastlr.ridge_path` gave.
    target : int, default=0
        Which target, if there are several.
    scale : array-like of shape (n_features,), optional
        What to multiply coefficients with, such as the features' standard deviations, after which they can be compared.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    The seven largest coefficients have names and colours, the others are grey; at most 200 are drawn.
    """
    coef = path.coef if path.coef.ndim == 2 else path.coef[:, _target(path, target)]
    axes = axes_of(ax)
    _draw(axes, path.alphas, coef * _scale(scale, coef.shape[1]), path.feature_names)
    axes.axvline(path.best_alpha, color=GREY, lw=1.0, ls="--", label="lowest GCV error")
    df = float(path.degrees_of_freedom[path.best])
    title = (
        f"Ridge shrinks the coefficients of {path.target_names[target]}; cross-validation (GCV) takes alpha "
        f"{short(path.best_alpha)}, {df:.1f} effective coefficients"
    )
    finish(axes, title, "penalty alpha", _ylabel(scale))
    return axes


def lasso_path(path: Any, *, target: int = 0, scale: object = None, ax: Any = None) -> Axes:
    """Coefficients of the lasso or the elastic net over the penalty.

    Parameters
    ----------
    path : PenaltyPath
        What `fastlr.lasso_path` or `fastlr.enet_path` gave.
    target : int, default=0
        Which target, if there are several.
    scale : array-like of shape (n_features,), optional
        What to multiply coefficients with, such as the features' standard deviations, after which they can be compared.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    The seven largest coefficients have names and colours, the others are grey; at most 200 are drawn.
    """
    coef = (path.coefs if path.coefs.ndim == 2 else path.coefs[_target(path, target)]).T
    axes = axes_of(ax)
    _draw(axes, path.alphas, coef * _scale(scale, coef.shape[1]), path.feature_names)
    last = int(np.argmin(path.alphas))
    kind = "The lasso" if path.l1_ratio == 1.0 else "The elastic net"
    count = int(np.count_nonzero(coef[last]))
    entered = np.count_nonzero(coef, axis=0) > 0
    first = np.flatnonzero(entered)
    begins = ""
    if len(first):
        where = [np.flatnonzero(coef[np.argsort(-path.alphas), j])[0] for j in first]
        begins = f", {path.feature_names[first[int(np.argmin(where))]]} first"
    title = f"{kind} lets {plural(count, 'feature')} of {coef.shape[1]} explain {path.target_names[target]}{begins}"
    finish(axes, title, "penalty alpha (strong on the left)", _ylabel(scale))
    axes.invert_xaxis()
    return axes


def _draw(axes: Axes, alphas: FloatArray, coef: FloatArray, names: tuple[str, ...]) -> None:
    shown = alphas > 0
    order = np.argsort(alphas[shown], kind="stable")
    x, values = alphas[shown][order], coef[shown][order]
    size = np.abs(values).max(axis=0, initial=0.0)
    ranking = np.argsort(-size, kind="stable")[:MOST_LINES]
    for j in ranking[MOST_NAMED:]:
        axes.plot(x, values[:, j], color="0.75", lw=0.8, zorder=1)
    for k, j in enumerate(ranking[:MOST_NAMED]):
        axes.plot(x, values[:, j], color=COLOURS[k], ls=DASHES[k], lw=1.6, label=names[j])
    n_others = len(names) - MOST_NAMED
    if n_others > 0:
        axes.plot([], [], color="0.75", lw=0.8, label=f"{n_others} smaller")
    axes.axhline(0.0, color=GREY, lw=0.8, zorder=0)
    axes.set_xscale("log")


def _target(path: Any, target: int) -> int:
    if not 0 <= target < len(path.target_names):
        raise InputError(
            f"target={target} is out of range: this path has {len(path.target_names)} targets."
        )
    return target


def _scale(scale: object, n_features: int) -> FloatArray:
    if scale is None:
        return np.ones(n_features)
    factors = np.asarray(scale, dtype=np.float64)
    if factors.shape != (n_features,) or not np.isfinite(factors).all():
        raise InputError(
            f"scale has shape {factors.shape} or is not finite: pass {n_features} numbers, one for each feature."
        )
    return factors


def _ylabel(scale: object) -> str:
    return "coefficient" if scale is None else "coefficient times scale"
