"""The wild cluster bootstrap of one parameter, from the cross-products of each cluster alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.inference.clusters import as_clusters
from fastlr.inference.estimates import Estimates, GivenRows
from fastlr.inference.row_passes import cluster_products
from fastlr.input.columns import FloatArray

__all__ = ["WILD_WEIGHTS", "WildBootstrap", "wild_bootstrap"]

WILD_WEIGHTS = ("rademacher", "webb")
"""1 or -1 with equal chances; or one of six values, for fewer than a dozen clusters."""

_WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))
_LARGEST = 1 << 26  # numbers in the cross-products of all clusters: 512 MB
_DRAWS_AT_ONCE = 1 << 22  # values: clusters times draws
_ROUNDING = 1e-10  # relative difference of statistics that count as equal
_NOTHING = 1e-13  # what rounding leaves of sums whose terms cancel, relative to the terms
_WIDEST = 60  # doublings of the distance in which an end of the interval is looked for
_HALVINGS = 50


@dataclass(frozen=True)
class WildBootstrap:
    """What the wild cluster bootstrap says of one parameter.

    Attributes
    ----------
    name : str
        The parameter.
    estimate, value : float
        Its estimate, and what was tested.
    statistic : float
        t by clusters of ``estimate - value``.
    pvalue : float
        Share of the draws in which |t| is as large.
    conf_int : tuple of float
        Values that the same draws do not reject; infinite where none on a side is.
    level : float
        Its level.
    n_boot : int
        Number of draws.
    n_groups : int
        Number of clusters.
    weights : str
        "rademacher" or "webb".
    is_enumerated : bool
        Whether the draws are all 2^G sign changes.
    """

    name: str
    estimate: float
    value: float
    statistic: float
    pvalue: float
    conf_int: tuple[float, float]
    level: float
    n_boot: int
    n_groups: int
    weights: str
    is_enumerated: bool

    def __str__(self) -> str:
        lower, upper = self.conf_int
        draws = f"all {self.n_boot} sign changes" if self.is_enumerated else f"{self.n_boot} draws"
        return (
            f"{self.name} = {self.value:g}: t = {self.statistic:.4g}, p = {self.pvalue:.4g}, "
            f"{100 * self.level:g} % interval {lower:.6g} .. {upper:.6g} "
            f"({draws}, {self.n_groups} clusters)"
        )


def wild_bootstrap(
    fit: Estimates,
    rows: GivenRows,
    groups: object,
    parameter: int,
    *,
    name: str,
    value: float,
    level: float,
    n_boot: int,
    seed: object,
    weights: str,
    target: int,
) -> WildBootstrap:
    """Roodman, Nielsen, MacKinnon and Webb's (2019) bootstrap with restricted residuals (WCR), one parameter.

    With H_g = X_g'W X_g, A the inverse of their sum, and s_g the scores of cluster g at the restricted estimate, a draw
    v has the estimate ``A sum v_g s_g`` off the restricted one, and in cluster g the score ``v_g s_g - H_g A sum v s``.
    Scores are linear in the value that is tested, so that intervals need no more passes than the test.
    """
    clusters = as_clusters(groups, rows.features.n_samples, rows.weights)
    if clusters.n_ways == 2:
        raise InputError("groups has two columns: the wild bootstrap is of clusters of one way.")
    n_groups = clusters.counts[0]
    passed = fit.fitted(rows, target, factor=True)
    q = passed.n_variables
    if n_groups * q * q > _LARGEST:
        raise InputError(
            f"groups has {n_groups} clusters of {q} variables, whose cross-products would fill "
            f'{8 * n_groups * q * q / 2**30:.1f} GiB: with so many, cov_type="cluster" is as good.'
        )
    products, with_target = cluster_products(passed, clusters.codes[0], n_groups)
    factor = fit.factor()
    row = fit.to_parameters(factor, whitened=True)[parameter]
    if not np.isfinite(row).all():
        raise InputError(f"{name!r} depends on other columns, so that nothing can be tested of it.")
    along = factor @ row  # A R', whose length in A's metric is the variance at scale 1
    length = float(row @ row)
    if passed.coef is None:
        raise TypeError("these rows have no coefficients")
    # Scores (G, q) at the estimate, and how they move as the tested value leaves it.
    scale_y = float(passed.scale[-1])
    scores = (with_target - products @ passed.coef) / scale_y
    moving = (products @ along) / length
    of_row = products @ along  # R A H_g
    inverse = factor @ factor.T
    fit_intercept = fit.inverse.fit_intercept
    estimate = (
        float(fit.intercept[target])
        if fit_intercept and parameter == 0
        else float(fit.coef[target][parameter - fit_intercept])
    )
    draws, is_enumerated = _draws(n_groups, n_boot, seed, weights)
    sums = _Sums.of(draws, scores, moving, along, of_row @ inverse)
    sample_error = float(np.sqrt(np.sum(np.square(scores @ along))))
    terms = (np.abs(with_target) + np.abs(products) @ np.abs(passed.coef)) / scale_y
    if not sample_error > _NOTHING * float(np.linalg.norm(terms @ np.abs(along))):
        raise InputError(
            f"the scores of {name!r} are zero in all clusters, so that there is no spread to test it by: an exact fit, "
            "or clusters that have parameters of their own."
        )

    def pvalue(tested: float) -> float:
        off = estimate - tested
        least = abs(off) / sample_error * (1.0 - _ROUNDING)
        return float(np.mean(np.abs(sums.statistics(off)) >= least))

    correction = n_groups / (n_groups - 1.0) * (fit.nobs - 1.0) / (fit.nobs - fit.n_parameters)
    lower, upper = (
        _end(pvalue, estimate, sign * sample_error, 1.0 - level) for sign in (-1.0, 1.0)
    )
    return WildBootstrap(
        name=name,
        estimate=estimate,
        value=value,
        statistic=(estimate - value) / sample_error / float(np.sqrt(correction)),
        pvalue=pvalue(value),
        conf_int=(lower, upper),
        level=level,
        n_boot=draws.shape[1],
        n_groups=n_groups,
        weights=weights,
        is_enumerated=is_enumerated,
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """The numerator of every draw (B,), and the square of its denominator, by how far the tested value is off."""

    numerator: tuple[FloatArray, FloatArray]
    square: tuple[FloatArray, FloatArray, FloatArray]

    @classmethod
    def of(
        cls,
        draws: FloatArray,
        scores: FloatArray,
        moving: FloatArray,
        along: FloatArray,
        of_row: FloatArray,
    ) -> _Sums:
        """Go through the draws v: with c = S A R', the clusters' parts are ``c v - J A S'v``."""
        n_groups, n_draws = draws.shape
        own = scores @ along, moving @ along
        rounding = [
            _ROUNDING * (np.abs(alone) + np.abs(of_row) @ np.abs(table).sum(axis=0))[:, np.newaxis]
            for alone, table in zip(own, (scores, moving), strict=True)
        ]
        numerator = np.empty((2, n_draws))
        square = np.empty((3, n_draws))
        step = max(1, _DRAWS_AT_ONCE // n_groups)
        for first in range(0, n_draws, step):
            v = draws[:, first : first + step]
            part = slice(first, first + v.shape[1])
            fixed = own[0][:, np.newaxis] * v - of_row @ (scores.T @ v)
            slope = own[1][:, np.newaxis] * v - of_row @ (moving.T @ v)
            for moved, least in zip((fixed, slope), rounding, strict=True):
                moved[np.abs(moved) <= least] = 0.0  # or it would grow with the tested value
            numerator[0, part], numerator[1, part] = own[0] @ v, own[1] @ v
            square[0, part] = np.einsum("ij,ij->j", fixed, fixed)
            square[1, part] = 2.0 * np.einsum("ij,ij->j", fixed, slope)
            square[2, part] = np.einsum("ij,ij->j", slope, slope)
        return cls((numerator[0], numerator[1]), (square[0], square[1], square[2]))

    def statistics(self, off: float) -> FloatArray:
        """Give t of all draws, without the correction that the sample's has neither."""
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = self.square[0] + off * self.square[1] + off**2 * self.square[2]
            t: FloatArray = (self.numerator[0] + off * self.numerator[1]) / np.sqrt(variance)
        return t


def _draws(n_groups: int, n_boot: int, seed: object, weights: str) -> tuple[FloatArray, bool]:
    """Weights (G, B) of the clusters; all sign changes where they are no more than asked for."""
    if weights == "rademacher" and n_groups < 63 and 2**n_groups <= n_boot:
        bits = np.arange(2**n_groups) >> np.arange(n_groups)[:, np.newaxis] & 1
        return np.where(bits, -1.0, 1.0), True
    try:
        generator = np.random.default_rng(seed)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InputTypeError(
            f"seed={seed!r} starts no random numbers ({error}): pass a whole number from 0 on, or a "
            "numpy.random.Generator."
        ) from None
    chances = np.array([-1.0, 1.0]) if weights == "rademacher" else np.concatenate([-_WEBB, _WEBB])
    drawn = generator.choice(chances, size=(n_groups, n_boot))
    return np.asarray(drawn, dtype=np.float64), False


def _end(pvalue: Callable[[float], float], estimate: float, step: float, rejected: float) -> float:
    """Where the p-value falls to what is rejected, on one side of the estimate; infinite if it never does."""
    inside, outside, distance = estimate, estimate, step
    for _ in range(_WIDEST):
        outside = estimate + distance
        if pvalue(outside) <= rejected:
            break
        inside, distance = outside, 2.0 * distance
    else:
        return float(np.copysign(np.inf, step))
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        if abs(outside - inside) <= 1e-9 * abs(step):
            break
        if pvalue(middle) > rejected:
            inside = middle
        else:
            outside = middle
    return 0.5 * (inside + outside)
