"""The loss of a descent as a surface over two parameters, from the moments of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlr.errors import InputError
from fastlr.inference.named import INTERCEPT
from fastlr.input.columns import FloatArray
from fastlr.input.options import as_number, as_whole

if TYPE_CHECKING:
    from fastlr.descent.result import Descent

__all__ = ["LossSurface", "surface_of"]

_MARGIN = 0.15  # of the range of what is to be seen, on either side
_FARTHEST = 1.0  # times the distance of start, end and optimum, that a path may widen the ranges
_MOST_PLACES = 2000  # along an axis: 32 MB


@dataclass(frozen=True, kw_only=True, eq=False)
class LossSurface:
    """The loss over a grid of two parameters, all others as the descent ended.

    Attributes
    ----------
    names : tuple of str
        The two parameters; "(intercept)" is the constant.
    x, y : ndarray of shape (size,)
        The grid, in the units of the parameters.
    loss : ndarray of shape (size, size)
        The objective of the descent, with its penalty, at (x[j], y[i]): row i, column j.
    path : ndarray of shape (n_places, 2)
        Start, what the history has recorded of the way, and end.
    optimum : ndarray of shape (2,)
        Where the loss is lowest, if only these two parameters move.
    least, loss_at_start, loss_at_end : float
        The loss there, and at the ends of the path as they lie on this surface.
    is_whole : bool
        Whether these two are all parameters, so that the surface is the same all along the path.
    """

    names: tuple[str, str]
    x: FloatArray
    y: FloatArray
    loss: FloatArray
    path: FloatArray
    optimum: FloatArray
    least: float
    loss_at_start: float
    loss_at_end: float
    is_whole: bool

    def __post_init__(self) -> None:
        for array in (self.x, self.y, self.loss, self.path, self.optimum):
            array.setflags(write=False)

    def plot(self, **options: Any) -> Any:
        """Draw contours and path by `fastlr.plot.loss_surface`, which has the options; return the Axes."""
        from fastlr.plot import loss_surface

        return loss_surface(self, **options)


@dataclass(frozen=True)
class _Bowl:
    """A quadratic function of two parameters about a place: ``c + g'd + d'A d / 2``."""

    place: FloatArray
    value: float
    slope: FloatArray
    curvature: FloatArray

    def at(self, x: Any, y: Any) -> Any:
        """The value at (x, y), arrays of one shape."""
        u, v = x - self.place[0], y - self.place[1]
        (a, b), (_, c) = self.curvature
        return (
            self.value
            + self.slope[0] * u
            + self.slope[1] * v
            + 0.5 * (a * u * u + c * v * v)
            + b * u * v
        )

    def lowest(self) -> FloatArray:
        """Where it is lowest: the place nearest to this one if there are many."""
        # Each parameter in units in which it is equally steep, or the smaller one would be taken for none.
        unit = np.sqrt(np.diagonal(self.curvature))
        unit = np.where(unit > 0, unit, 1.0)
        even = self.curvature / unit / unit[:, np.newaxis]
        step: FloatArray = np.linalg.lstsq(even, -self.slope / unit, rcond=1e-15)[0] / unit
        return self.place + step


def surface_of(
    fit: Descent,
    parameters: Sequence[str | int] | None,
    x_range: object,
    y_range: object,
    size: object,
) -> LossSurface:
    """Compute the surface that `Descent.loss_surface` describes."""
    pair = _pair(fit, parameters)
    n = as_whole(size, "size", 2)
    if n > _MOST_PLACES:
        raise InputError(f"size={n} is above {_MOST_PLACES}: pass fewer places along each axis.")
    bowl = _bowl(fit, pair)
    path = _path(fit, pair)
    optimum = bowl.lowest()
    frames = [
        _range(given, name, path[:, k], optimum[k], bowl.curvature[k, k])
        for k, (given, name) in enumerate(((x_range, "x_range"), (y_range, "y_range")))
    ]
    x, y = (np.linspace(low, high, n) for low, high in frames)
    names = (*fit.feature_names, INTERCEPT)
    n_free = fit.n_features + fit.fit_intercept
    return LossSurface(
        names=(names[pair[0]], names[pair[1]]),
        x=x,
        y=y,
        loss=np.asarray(bowl.at(x[np.newaxis, :], y[:, np.newaxis])),
        path=path,
        optimum=optimum,
        least=float(bowl.at(*optimum)),
        loss_at_start=float(bowl.at(*path[0])),
        loss_at_end=float(bowl.at(*path[-1])),
        is_whole=n_free == 2,
    )


def _pair(fit: Descent, parameters: Sequence[str | int] | None) -> tuple[int, int]:
    """Positions of the two parameters among coefficients and intercept."""
    p = fit.n_features
    if parameters is None:
        if p == 1 and not fit.fit_intercept:
            raise InputError(
                "this descent has one parameter, whose loss is a curve: a surface takes two."
            )
        return (0, 1)
    if isinstance(parameters, str) or len(parameters) != 2:
        raise InputError(
            f"parameters={parameters!r} are not two: pass a pair such as {(fit.feature_names[0], INTERCEPT)!r}."
        )
    known = [*fit.feature_names, *([INTERCEPT] if fit.fit_intercept else [])]
    places = []
    for name in parameters:
        place = known.index(name) if isinstance(name, str) and name in known else name
        if isinstance(place, str) or not 0 <= place < len(known):
            raise InputError(f"parameters: {name!r} is not among {known}.")
        places.append(int(place))
    if places[0] == places[1]:
        raise InputError(f"parameters={tuple(parameters)!r} are the same one twice: pass two.")
    return places[0], places[1]


def _bowl(fit: Descent, pair: tuple[int, int]) -> _Bowl:
    """The objective as a function of two parameters in the units of the data, about where the descent ended."""
    known, memory = fit.surroundings, fit.memory
    if known is None or known.quadratic is None or memory is None:
        why = (
            "a file keeps no moments"
            if known is None
            else "moments are kept up to 64 features, and with engine='moments'"
        )
        raise InputError(
            f"this descent has no moments of its rows, of which the surface is made ({why}): descend anew, with "
            "engine='moments'."
        )
    if not known.objective.row_loss.is_squared:
        raise InputError(
            "moments do not tell Huber's loss: a surface takes loss='half_mse', 'mse' or 'sse'."
        )
    quadratic, objective, theta = known.quadratic, known.objective, known.theta
    p = len(theta) - 1
    moves = np.zeros((2, p + 1))
    moves[[0, 1], list(pair)] = 1.0
    origin = memory.standardisation.from_raw(np.zeros(p + 1))
    directions = (memory.standardisation.from_raw(moves) - origin).T
    hessian = quadratic.hessian(objective, fit_intercept=True)
    b, e = theta[:-1], theta[-1] + quadratic.mean_x @ theta[:-1] - quadratic.mean_y
    slope = np.empty(p + 1)
    by_coef = quadratic.xx @ b - quadratic.xy + quadratic.weight * e * quadratic.mean_x
    slope[:p] = objective.of_squares * by_coef + objective.penalties(p) * b
    slope[p] = objective.of_squares * quadratic.weight * e
    raw = np.append(fit.coef, fit.intercept)
    return _Bowl(
        raw[list(pair)],
        objective.loss(quadratic.squares(theta), b),
        directions.T @ slope,
        directions.T @ hessian @ directions,
    )


def _path(fit: Descent, pair: tuple[int, int]) -> FloatArray:
    """Start, the recorded way, and end, of two parameters."""
    memory, history = fit.memory, fit.history
    assert memory is not None
    start = memory.standardisation.to_raw(memory.start)
    coef, intercept = history.coef, history.intercept
    if history.step_coef is not None:
        coef, intercept = history.step_coef, history.step_intercept
    way = [start[np.newaxis, list(pair)]]
    if coef is not None and intercept is not None:
        way.append(np.column_stack([coef, intercept])[:, list(pair)])
    way.append(np.append(fit.coef, fit.intercept)[np.newaxis, list(pair)])
    path = np.concatenate(way)
    finite: FloatArray = path[np.isfinite(path).all(axis=1)]
    return finite


def _range(
    given: object, argument: str, way: FloatArray, optimum: float, curvature: float
) -> tuple[float, float]:
    """The ends of an axis: those that were asked for, or what shows start, end, optimum and most of the way."""
    if given is not None:
        try:
            low, high = (as_number(end, argument, "a finite number") for end in given)  # type: ignore[attr-defined]
        except (TypeError, ValueError):
            raise InputError(
                f"{argument}={given!r} is not a pair of numbers: pass (low, high)."
            ) from None
        if not low < high:
            raise InputError(f"{argument}={given!r} is empty: pass (low, high) with low < high.")
        return low, high
    ends = np.array([way[0], way[-1], optimum])
    reach = float(ends.max() - ends.min())
    low = max(float(way.min()), float(ends.min()) - _FARTHEST * reach)
    high = min(float(way.max()), float(ends.max()) + _FARTHEST * reach)
    low, high = min(low, float(ends.min())), max(high, float(ends.max()))
    if not high > low:  # nothing has moved
        half = 1.0 / np.sqrt(curvature) if curvature > 0 else 1.0
        return low - half, high + half
    return low - _MARGIN * (high - low), high + _MARGIN * (high - low)
