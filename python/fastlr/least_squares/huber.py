"""Huber's regression, the scale of the errors being estimated with the coefficients, by Newton steps on moments.

The objective is jointly convex in the coefficients, the constant and the scale s (Huber 1981; Owen 2007):

    sum_i w_i (s + s H(r_i / s)) + alpha |coef|^2,    H(z) = z^2 where |z| <= epsilon, else 2 epsilon |z| - epsilon^2

With the best scale for given residuals it is a convex function of the coefficients alone. Its gradient is
``-2/s X'W psi + 2 alpha coef``, where psi are the residuals cut off at ``epsilon s``; its second derivatives are
``2/s (C - b b'/q) + 2 alpha``, where C and b are the cross-products of the rows within the limit with one another and
with their residuals, whose sum of squares is q. So a step is one pass for moments. Rows beyond the limit keep a small
share of the weights of reweighted least squares: with all of them every step goes down, and the pass sees the gradient
of these rows, too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cho_factor, cho_solve, qr

from fastlr.errors import InputError
from fastlr.input.columns import Columns, FloatArray
from fastlr.input.refusals import refuse_bad_weights, refuse_non_finite
from fastlr.least_squares.huber_loss import HuberLoss, Line
from fastlr.least_squares.problem import Problem
from fastlr.results import predict_linear

__all__ = ["HuberFit", "fit_huber"]

_U = 2.0**-52
_NO_SCALE = 2.0**-50  # of the largest target: less is rounding
_LEAST_SHARE = 1e-6  # of the weights of reweighted least squares, for rows beyond the limit
_SMOOTH = 1.35  # the limit, at least, of the scale that is set out from
_LOWER = 0.1  # what is left of the least scale when it has served
_MOST_BENT = 0.9  # of the curvature along a step that the scale may take away


class HuberFit(NamedTuple):
    """Coefficients (p,), the constant, the scale, which rows (n,) are outliers, and how it ended."""

    coef: FloatArray
    intercept: float
    scale: float
    outliers: npt.NDArray[np.bool_]
    n_iter: int
    is_at_minimum: bool
    remaining: float
    """By which share of itself the next step would lower the objective, at most."""
    rank: int
    reach: float = 0.0
    """How many times as far as half of the targets the farthest one lies from their median."""


class _Step(NamedTuple):
    """Newton's step of the coefficients and the constant, what it is expected to gain, and the rank of the rows."""

    move: FloatArray
    constant: float
    gain: float
    rank: int


def fit_huber(
    problem: Problem,
    epsilon: float,
    alpha: float,
    tol: float,
    max_iter: int,
    start: tuple[FloatArray, float] | None = None,
) -> HuberFit:
    """Fit one target, from its mean or from coefficients and a constant; a step reads the rows three times.

    It ends when the next step would lower the objective by less than ``1e-3 tol^2`` of it, when rounding errors are
    all that is left, or after ``max_iter`` steps.
    """
    y = np.asarray(problem.targets.column(0), dtype=np.float64)
    if not np.isfinite(y).all():
        refuse_non_finite(problem.targets, problem.target_names, argument="y")
    weights, total = None, float(len(y))
    if problem.weights is not None:
        refuse_bad_weights(problem.weights)
        weights = np.asarray(problem.weights, dtype=np.float64)
        total = float(weights.sum())
        if not 0.0 < total < np.inf:
            raise InputError(
                f"the weights in sample_weight have the sum {total!r}: pass some that are positive, and not too large."
            )
    given = y
    counted = y if weights is None else y[weights > 0.0]
    if weights is not None:
        y = np.where(weights > 0.0, y, 0.0)  # rows that do not count
    largest = float(np.abs(counted).max())
    unit = float(np.ldexp(1.0, int(np.frexp(largest)[1]))) if largest > 0.0 else 1.0
    loss = HuberLoss(weights, total, epsilon, alpha * unit)  # of targets of size one
    basis = None
    if len(y) <= problem.n_features:
        refuse_non_finite(problem.features, problem.feature_names, argument="X")
        problem, basis = _in_row_space(problem)
    if start is not None:
        coef = start[0] / unit
        start = (coef if basis is None else basis.T @ coef), start[1] / unit
    found = _minimised(problem, loss, y / unit, tol, max_iter, start)
    if weights is not None and len(counted) < len(y):
        residual = given / unit - _fitted(problem, found.coef, found.intercept)
        found = found._replace(outliers=np.abs(residual) > epsilon * found.scale)
    coef = found.coef if basis is None else basis @ found.coef
    if not (np.isfinite(coef * unit).all() and np.isfinite(found.intercept * unit)):
        raise _out_of_range()
    return found._replace(
        coef=coef * unit,
        intercept=found.intercept * unit,
        scale=found.scale * unit,
        reach=_reach(counted / unit),
    )


def _out_of_range() -> InputError:
    return InputError(
        "coefficients leave the range of float64: bring columns of X and y nearer to 1."
    )


def _reach(y: FloatArray) -> float:
    """How many times as far as half of the targets the farthest one lies from their median."""
    distance = np.abs(y - np.median(y))
    usual = float(np.median(distance))
    return float(distance.max()) / usual if usual > 0.0 else 0.0


def _in_row_space(problem: Problem) -> tuple[Problem, FloatArray]:
    """The same rows in coordinates (k,) of the space that they span, and its orthonormal basis (p, k).

    Coefficients outside of it change no residual, and penalties want them to be zero.
    """
    rows = problem.features.as_matrix().astype(np.float64)
    basis, root, _ = qr(rows.T, mode="economic", pivoting=True)
    size = np.abs(root.diagonal())
    basis = basis[:, : max(1, int(np.count_nonzero(size > rows.shape[1] * _U * size[0])))]
    table = Columns(np.asfortranarray(rows @ basis), len(rows), basis.shape[1])
    names = tuple(f"direction {k + 1}" for k in range(basis.shape[1]))
    return problem._replace(features=table, feature_names=names, offset_squares=None), basis


def _minimised(
    problem: Problem,
    loss: HuberLoss,
    y: FloatArray,
    tol: float,
    max_iter: int,
    start: tuple[FloatArray, float] | None,
) -> HuberFit:
    """Newton's steps for targets of size one.

    Where the best scale is zero, as with a limit of one scale or with fewer rows than columns, it is followed down: the
    scale has a least value, which goes down whenever a step would gain less than that does.
    """
    coef, intercept = np.zeros(problem.n_features), 0.0
    if start is not None:
        coef, intercept = start
    elif problem.fit_intercept:
        intercept = float(np.average(y, weights=loss.weights))
    residual = y - _fitted(problem, coef, intercept) if coef.any() else y - intercept
    smooth = loss._replace(epsilon=max(loss.epsilon, _SMOOTH))
    scale = smooth.lowest(Line(residual, coef), 0.0, 1.0, _NO_SCALE).scale
    least, factor = max(_LOWER * scale, _NO_SCALE), _LOWER
    here = loss.lowest(Line(residual, coef), 0.0, scale, least)
    share, rank, n_iter, enough = 1.0, problem.n_features, 0, 1e-3 * tol**2
    while True:  # at most max_iter times
        is_free = here.scale > least
        step = _newton_step(problem, loss, residual, coef, here.scale, share, is_free)
        rank = step.rank if n_iter == 0 else rank
        lower = max(factor * least, _NO_SCALE)
        of_scale = 0.0
        if not is_free:
            of_scale = here.value - loss.lowest(Line(residual, coef), 0.0, least, lower).value
        noise = 4.0 * (_U * here.value + _NO_SCALE * loss.total)
        gain = step.gain + of_scale
        remaining = gain / here.value if gain > noise else 0.0
        if n_iter == max_iter or remaining <= enough:
            break
        n_iter += 1
        goes_down = not is_free and step.gain <= of_scale
        least = lower if goes_down else least
        change = _fitted(problem, step.move, step.constant)
        line = Line(residual, coef, change, step.move)
        slope = -2.0 * step.gain
        here = (
            loss.lowest(line, 0.0, least, least)
            if goes_down
            else here._replace(along=0.0, slope=slope)
        )
        place = loss.best_along(line, here, least)
        is_whole = place is not None and 0.3 < place.along < 3.0
        factor = max(factor**2, 1e-4) if goes_down and is_whole else _LOWER
        if place is not None:
            coef = coef + place.along * step.move
            intercept += place.along * step.constant
            residual = y - _fitted(problem, coef, intercept)
        is_over = place is None or here.value - place.value <= noise
        if is_over and share == 1.0 and not goes_down:
            remaining = 0.0
            break
        here = here if place is None else place
        share = max(0.1 * share, _LEAST_SHARE) if is_whole else min(10.0 * share, 1.0)
    is_outlier = np.abs(residual) > loss.epsilon * here.scale
    return HuberFit(
        coef, intercept, here.scale, is_outlier, n_iter, remaining <= enough, remaining, rank
    )


def _fitted(problem: Problem, coef: FloatArray, intercept: float) -> FloatArray:
    fitted: FloatArray = predict_linear(
        problem.features, coef, intercept, problem.n_threads, names=problem.feature_names
    )
    return fitted.astype(np.float64, copy=False)


def _newton_step(
    problem: Problem,
    loss: HuberLoss,
    residual: FloatArray,
    coef: FloatArray,
    scale: float,
    share: float,
    is_free: bool,
) -> _Step:
    """Newton's step from residuals and their best scale, by one pass over the rows."""
    weights, targets, inside, squares = loss.weighed(residual, scale, share)
    passed, _ = problem._replace(
        weights=weights,
        targets=Columns([targets, inside], len(residual), 2),
        target_names=("pull", "inside"),
    ).pass_over()
    p = problem.n_features
    cross, scales, mean = passed.leading, passed.scale, passed.column_means
    C = cross[:p, :p]
    products = cross[:p, p:] / scales[p:]
    if not problem.fit_intercept:
        m = passed.mean.sum(axis=0)
        C = C + passed.total_weight * np.outer(m[:p], m[:p])
        products = products + passed.total_weight * m[:p, np.newaxis] * mean[p:]
    penalty = np.zeros(p)
    if loss.alpha:
        penalty = loss.alpha * scale / scales[:p] / scales[:p]
        products[:, 0] -= penalty * (coef * scales[:p])
    solved, rank = _solved(C + np.diag(penalty), products)
    # about the means of the features the constant stands alone
    toward, bend = solved.T
    constants = mean[p:] if problem.fit_intercept else np.zeros(2)
    bent = float(bend @ products[:, 1]) + passed.total_weight * constants[1] ** 2
    taken = min(bent / squares, _MOST_BENT) if is_free and squares > 0.0 else 0.0
    along = float(toward @ products[:, 1]) + passed.total_weight * constants[0] * constants[1]
    more = taken / bent * along / (1.0 - taken) if taken > 0.0 else 0.0
    move = toward + more * bend
    constant = constants[0] + more * constants[1]
    gain = (float(move @ products[:, 0]) + passed.total_weight * constant * constants[0]) / scale
    move = move * scales[:p]
    if not (np.isfinite(gain) and np.isfinite(move).all()):
        raise _out_of_range()
    if problem.fit_intercept:
        constant -= float(move @ mean[:p])
    return _Step(move, float(constant), gain, rank)


def _solved(matrix: FloatArray, right: FloatArray) -> tuple[FloatArray, int]:
    """The solution of least norm of symmetric equations, in unknowns of equal curvature, and their rank."""
    p = len(matrix)
    diagonal = np.sqrt(np.maximum(matrix.diagonal(), 0.0))
    unit = np.divide(1.0, diagonal, out=np.zeros(p), where=diagonal > 0.0)
    correlations, right = matrix * unit * unit[:, np.newaxis], right * unit[:, np.newaxis]
    if unit.all():
        try:
            factor = cho_factor(correlations, lower=True)
        except LinAlgError:
            pass
        else:
            if factor[0].diagonal().min() ** 2 > 64.0 * p * _U:
                return cho_solve(factor, right) * unit[:, np.newaxis], p
    values, vectors = np.linalg.eigh(correlations)
    kept = values > 64.0 * p * _U * max(float(values[-1]), 0.0)
    solved = vectors[:, kept] @ ((vectors[:, kept].T @ right) / values[kept, np.newaxis])
    return solved * unit[:, np.newaxis], int(np.count_nonzero(kept))
