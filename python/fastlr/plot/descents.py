"""How descent went: losses by epoch, and what rates and batch sizes came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.plot.canvas import (
    BLACK,
    COLOURS,
    DASHES,
    GREY,
    LIGHT,
    MARKERS,
    ORANGE,
    axes_of,
    finish,
    plural,
    short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


__all__ = ["MOST_CURVES", "learning_rates", "loss", "loss_name"]

MOST_CURVES = 7
"""Curves of single rates that one picture holds; of more rates, it shows where they end."""

_NEGLIGIBLE = 1e-3  # a least loss below this share of the lowest one drawn would only flatten them
_MOST_PLACES = 4000  # of a curve
_LOSSES = {
    "half_mse": "half the mean squared error",
    "mse": "mean squared error",
    "sse": "sum of squared errors",
    "huber": "mean of Huber's loss",
}


def loss(history: Any, *, ax: Any = None) -> Axes:
    """Draw the loss by epoch, with the validation loss if there is one.

    Parameters
    ----------
    history : Descent or History
        A descent, which also knows the least possible loss and how it ended, or its history alone.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    The axis is logarithmic where losses span more than a factor of ten. Longer curves than 4000 epochs are thinned.
    """
    from matplotlib.ticker import MaxNLocator

    fit: Any = history if hasattr(history, "history") else None
    story: Any = history if fit is None else fit.history
    is_validated = story.validation_loss is not None
    curves = {"training loss" if is_validated else "loss": (story.loss, BLACK, "-")}
    if is_validated:
        curves["validation loss"] = (story.validation_loss, ORANGE, "--")
    axes = axes_of(ax, (7.0, 4.4))
    marker = "o" if len(story) <= 30 else ""
    thin = slice(None, None, max(1, len(story) // _MOST_PLACES))
    for label, (values, colour, dashes) in curves.items():
        shown = np.where(np.isfinite(values), values, np.nan)
        axes.plot(
            story.epoch[thin],
            shown[thin],
            color=colour,
            ls=dashes,
            marker=marker,
            ms=4,
            label=label,
        )
    drawn = np.concatenate([values[np.isfinite(values)] for values, _, _ in curves.values()])
    _scale_by(axes, drawn)
    positive = drawn[drawn > 0]
    if fit is not None:
        least = fit.loss - fit.gap
        if positive.size and least > _NEGLIGIBLE * positive.min():
            axes.axhline(least, color="0.55", ls=":", label="least possible loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=True, which="major", color=LIGHT)
    finish(axes, _title(fit, story), "epoch", "loss" if fit is None else loss_name(fit))
    return axes


def learning_rates(comparison: Any, *, ax: Any = None) -> Axes:
    """Learning rates beside one another: their curves, or where they end.

    Parameters
    ----------
    comparison : RateComparison
        What `fastlr.compare_rates` gave.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    Up to seven rates of one batch size are drawn as losses by epoch; more, or several batch sizes, as the loss at the
    end over the rate. What diverged is a cross at the upper edge.
    """
    axes = axes_of(ax, (7.0, 4.6))
    of_rows = "validation" if comparison.is_validated else "training"
    kind = loss_name(comparison.fits[0])
    if len(comparison.batch_sizes) == 1 and len(comparison.rates) <= MOST_CURVES:
        xlabel = "epoch"
        _curves(axes, comparison)
        ylabel = f"{of_rows} loss ({kind})"
    else:
        xlabel = "learning rate"
        _ends(axes, comparison)
        ylabel = f"{of_rows} loss at the end\n({kind})"
    axes.grid(visible=True, which="major", color=LIGHT)
    title = "Every rate diverged: the largest ones have to be smaller"
    best = comparison.best_position
    if best is not None:
        size = comparison.size_text(best)
        title = f"Rate {comparison.rate[best]:.3g} with {size} comes lowest: {short(comparison.score[best])}"
        n_bad = int(comparison.diverged.sum())
        title += f"; {plural(n_bad, 'descent')} diverged" if n_bad else ""
    finish(axes, title, xlabel, ylabel)
    return axes


def _curves(axes: Axes, comparison: Any) -> None:
    drawn = []
    best = comparison.best_position
    bound = _bound(comparison)
    for k, fit in enumerate(comparison.fits):
        history = fit.history
        watched = history.validation_loss
        values = history.loss if watched is None else watched
        shown = np.where(np.isfinite(values) & (values <= bound), values, np.nan)
        drawn.append(shown[np.isfinite(shown)])
        label = f"{comparison.rate[k]:.3g}" + (" (best)" if k == best else "")
        label += " (diverged)" if comparison.diverged[k] else ""
        axes.plot(
            history.epoch,
            shown,
            color=COLOURS[k],
            ls=DASHES[k],
            lw=2.4 if k == best else 1.4,
            label=label,
        )
    _scale_by(axes, np.concatenate(drawn))


def _ends(axes: Axes, comparison: Any) -> None:
    good = comparison.score[~comparison.diverged]
    axes.set_xscale("log")
    for k, size in enumerate(comparison.batch_sizes):
        of_size = np.array([each == size for each in comparison.batch_size])
        order = np.flatnonzero(of_size & ~comparison.diverged)
        order = order[np.argsort(comparison.rate[order], kind="stable")]
        colour, style = COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]
        marker = MARKERS[k % len(MARKERS)]
        label = "all rows" if size is None else f"batches of {size}"
        axes.plot(
            comparison.rate[order],
            comparison.score[order],
            color=colour,
            ls=style,
            marker=marker,
            ms=5,
            label=label,
        )
        bad = np.flatnonzero(of_size & comparison.diverged)
        heights = np.full(len(bad), 0.97 - 0.04 * k)
        across = axes.get_xaxis_transform()
        axes.plot(comparison.rate[bad], heights, "x", color=colour, ms=7, mew=1.8, transform=across)
    if comparison.diverged.any():
        axes.plot([], [], "x", color=GREY, ms=7, mew=1.8, label="diverged")
    _scale_by(axes, good)
    if good.size:
        low, high = axes.get_ylim()
        is_log = axes.get_yscale() == "log"
        axes.set_ylim(low, high * (high / low) ** 0.25 if is_log else high + 0.25 * (high - low))
    best = comparison.best_position
    if best is not None:
        place = (comparison.rate[best], comparison.score[best])
        axes.plot(*place, "o", ms=13, mfc="none", mec=BLACK, mew=1.4, label="best")


def _bound(comparison: Any) -> float:
    """Losses above it are left out of curves: three times the largest of the beginning of what did not diverge."""
    starts = [
        fit.history.loss[0]
        for fit, bad in zip(comparison.fits, comparison.diverged, strict=True)
        if not bad and len(fit.history)
    ]
    return 3.0 * max(starts) if starts else np.inf


def _scale_by(axes: Axes, drawn: Any) -> None:
    positive = drawn[drawn > 0]
    spans_decades = positive.size > 1 and positive.max() > 10 * positive.min()
    axes.set_yscale("log" if spans_decades else "linear")


def loss_name(fit: Any) -> str:
    """Name the loss of a descent for an axis."""
    return _LOSSES[fit.loss_kind] + (" with penalty" if fit.penalty else "")


def _title(fit: Any, story: Any) -> str:
    count = plural(len(story), "epoch")
    if fit is None:
        last = story.loss[-1] if len(story) else np.nan
        return f"The loss came to {short(last)} in {count}"
    outcome = (
        "stopped" if fit.status.code == "epochs_exhausted" else fit.status.code.replace("_", " ")
    )
    features = plural(fit.n_features, "feature")
    return f"{fit.target_names[0]} on {features}: {fit.optimizer.name}, {outcome} after {count}"
