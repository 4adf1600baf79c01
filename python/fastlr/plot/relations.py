"""What a fit makes of its rows: the line with its bands, predictions beside observations, one feature's share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.errors import InputError
from fastlr.input.arguments import as_targets
from fastlr.input.convert import index_of
from fastlr.input.refusals import refuse_non_finite
from fastlr.plot.canvas import GREY, MOST_POINTS, ORANGE, axes_of, cloud, finish, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastlr.input.columns import FloatArray

__all__ = [
    "as_target",
    "observed",
    "partial_regression",
    "predicted",
    "prediction_panel",
    "regression",
]

_PLACES = 200  # of a line


def regression(
    fit: Any, X: object, y: object, *, level: float = 0.95, target: int = 0, ax: Any = None
) -> Axes:
    """Rows, fitted line, and the bands of its means and of further observations, for a fit of one variable.

    Parameters
    ----------
    fit : LinearFit
        A fit of one feature, or by a formula of one variable.
    X, y : array-like
        Rows to draw, as a rule those of the fit.
    level : float, default=0.95
        Level of both bands; they are left out where the fit cannot state standard errors.
    target : int, default=0
        Which target, if there are several.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the fit has several features, or its formula several variables or one that is no number.
    """
    target = as_target(fit, target)
    feature, x = _abscissa(fit, X)
    seen = observed(fit, X, y, target)
    axes = axes_of(ax)
    cloud(axes, x, seen)
    places = np.linspace(x.min(), x.max(), _PLACES)
    prediction = _prediction(fit, places)
    mean = prediction.predicted_mean.reshape(_PLACES, -1)[:, target]
    of_mean, of_obs = (
        prediction.conf_int(level, obs=obs).reshape(_PLACES, -1, 2)[:, target]
        for obs in (False, True)
    )
    percent = f"{100 * level:.3g} %"
    if np.isfinite(of_obs).all():
        axes.fill_between(places, *of_obs.T, color=ORANGE, alpha=0.12, lw=0)
        for end, label in zip(of_obs.T, (f"{percent} of observations", None), strict=True):
            axes.plot(places, end, color=ORANGE, lw=0.8, ls=":", label=label)
    if np.isfinite(of_mean).all():
        axes.fill_between(
            places, *of_mean.T, color=ORANGE, alpha=0.35, lw=0, label=f"{percent} for the mean"
        )
    axes.plot(places, mean, color=ORANGE, lw=1.8, label="fit")
    name = fit.target_names[target]
    r2 = float(np.atleast_1d(fit.r2)[target])
    if fit.feature_names == (feature,):
        slope = float(np.atleast_2d(fit.coef)[target, 0])
        direction = "rises" if slope >= 0 else "falls"
        title = f"{name} {direction} by {short(abs(slope))} for each unit of {feature}"
    else:
        title = f"{name} follows {feature} along the curve of the formula"
    if not np.isnan(r2):
        title += f" (R2 {r2:.3g})"
    finish(axes, title, feature, name)
    return axes


def predicted(fit: Any, X: object, y: object, *, target: int = 0, ax: Any = None) -> Axes:
    """Observed targets over predicted ones, with the line on which both are equal.

    Parameters
    ----------
    fit : LinearFit
        Any fit.
    X, y : array-like
        Rows of the fit, or others that it is tested on.
    target : int, default=0
        Which target, if there are several.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    seen, expected = _seen_and_expected(fit, X, y, as_target(fit, target))
    axes = axes_of(ax)
    prediction_panel(axes, expected, seen, fit.target_names[target])
    return axes


def prediction_panel(
    axes: Axes, expected: FloatArray, seen: FloatArray, name: str, *, most: int = MOST_POINTS
) -> None:
    """Draw observed values of a target over those that are expected."""
    cloud(axes, expected, seen, most=most)
    ends = np.array([min(expected.min(), seen.min()), max(expected.max(), seen.max())])
    axes.plot(ends, ends, color=ORANGE, lw=1.5, label="predicted = observed")
    error = float(np.sqrt(np.mean((seen - expected) ** 2)))
    total = float(np.sum((seen - seen.mean()) ** 2))
    share = 1.0 - float(np.sum((seen - expected) ** 2)) / total if total > 0 else np.nan
    explained = f"; {100 * share:.3g} % of the variance is explained" if share > 0 else ""
    title = f"Predictions of {name} are off by {short(error)} (root mean square){explained}"
    finish(axes, title, f"predicted {name}", f"observed {name}")


def partial_regression(
    fit: Any, X: object, y: object, feature: str | int, *, target: int = 0, ax: Any = None
) -> Axes:
    """One feature's share in a fit: target over feature, both less what the other features explain.

    Parameters
    ----------
    fit : LinearFit
        A least-squares fit that states standard errors.
    X, y : array-like
        Rows of the fit.
    feature : str or int
        Name or position of the feature.
    target : int, default=0
        Which target, if there are several.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the feature is unknown, or what is left of it cannot be told (a penalty, or columns that depend on it).

    Notes
    -----
    What the other features leave of this one follows from the inverse that the fit has kept (Frisch, Waugh and
    Lovell): nothing is fitted again. The slope of the line is the coefficient.
    """
    target = as_target(fit, target)
    j = _position(fit, feature)
    name = fit.feature_names[j]
    inverse = np.asarray(fit.normalized_cov_params)
    k = j + fit.fit_intercept
    if np.any(fit.alpha) or not (np.isfinite(inverse[k]).all() and inverse[k, k] > 0):
        raise InputError(
            f"feature={feature!r}: what the others leave of it cannot be told, with a penalty or where columns depend "
            "on one another. Fit by fastlr.ols, without the columns that depend on others."
        )
    features = fit.features_of(X)
    share = inverse[k, int(fit.fit_intercept) :] / inverse[k, k]
    left = np.zeros(features.n_samples)
    for i, weight in enumerate(share):
        about = fit.feature_mean[i] if fit.fit_intercept else 0.0
        left += weight * (np.asarray(features.column(i), dtype=np.float64) - about)
    seen = observed(fit, X, y, target)
    expected = np.asarray(fit.predict(X), dtype=np.float64).reshape(len(seen), -1)[:, target]
    slope = float(np.atleast_2d(fit.coef)[target, j])
    axes = axes_of(ax)
    cloud(axes, left, seen - expected + slope * left)
    axes.axhline(0.0, color=GREY, lw=0.8, zorder=0)
    ends = np.array([left.min(), left.max()])
    axes.plot(ends, slope * ends, color=ORANGE, lw=1.8, label=f"slope {short(slope)}")
    label = fit.target_names[target]
    pvalue = float(np.asarray(fit.pvalues).reshape(fit.n_targets, -1)[target, k])
    surely = " (p < 0.001)" if pvalue < 1e-3 else f" (p = {pvalue:.2g})"
    if np.isnan(pvalue):
        surely = ""
    title = f"All else equal, one more unit of {name} changes {label} by {short(slope)}{surely}"
    finish(axes, title, f"{name}, less the other features' part", f"{label}, less their part")
    return axes


def _seen_and_expected(
    fit: Any, X: object, y: object, target: int
) -> tuple[FloatArray, FloatArray]:
    """Observed and predicted values of one target."""
    seen = observed(fit, X, y, target)
    expected: FloatArray = np.asarray(fit.predict(X), dtype=np.float64)
    return seen, expected.reshape(len(seen), -1)[:, target]


def as_target(fit: Any, target: int) -> int:
    """Check ``target``: the position of one of the fit's targets."""
    if not 0 <= target < fit.n_targets:
        raise InputError(f"target={target} is out of range: this fit has {fit.n_targets} targets.")
    return target


def observed(fit: Any, X: object, y: object, target: int) -> FloatArray:
    """The values of one target in rows to draw, checked."""
    targets = as_targets(y, fit.features_of(X).n_samples, index=index_of(X))
    if targets.n_columns != fit.n_targets:
        raise InputError(
            f"y has {targets.n_columns} targets but this fit has {fit.n_targets}: pass the same targets."
        )
    refuse_non_finite(targets, fit.target_names, argument="y", may_drop=False)
    return np.asarray(targets.column(target), dtype=np.float64)


def _abscissa(fit: Any, X: Any) -> tuple[str, FloatArray]:
    """Name and values of the one variable that a line is drawn over: the feature, or what a formula makes it of."""
    names = fit.feature_names if fit.design is None else fit.design.variables
    if len(names) != 1:
        raise InputError(
            f"fit has {len(names)} features, and a line is drawn over one: ask for partial_regression(fit, X, y, "
            "feature), or predicted(fit, X, y)."
        )
    features = fit.features_of(X)
    values = features.column(0) if fit.design is None else np.asarray(X[names[0]])
    if values.dtype.kind not in "iufb":
        raise InputError(
            f"{names[0]!r} holds no numbers, and a line is drawn over one: ask for predicted(fit, X, y)."
        )
    return names[0], np.asarray(values, dtype=np.float64)


def _prediction(fit: Any, places: FloatArray) -> Any:
    rows: Any = places[:, np.newaxis] if fit.design is None else {fit.design.variables[0]: places}
    return fit.get_prediction(rows)


def _position(fit: Any, feature: str | int) -> int:
    if isinstance(feature, str):
        if feature in fit.feature_names:
            return int(fit.feature_names.index(feature))
    elif 0 <= feature < fit.n_features:
        return int(feature)
    raise InputError(f"feature={feature!r} is not among the features {list(fit.feature_names)}.")
