"""Judge a fit by exact arithmetic: rank, residual sum of squares, norm, digits and standard errors.

With u = 2^-53 and terms = sum_j |x_j| |b_j| + |1| |a| (lengths weighted, offsets included), rounding coefficients to
float64 moves the residuals by at most u * terms. If dependence is exact, the residuals are orthogonal to all that
coefficients can move; else e_j is what rounding leaves of a column that depends on others. Asked for is therefore

    rss <= least (1 + 1e-12) + (16 u terms)^2            or
    sqrt(rss) <= sqrt(least) + 16 u terms + 2 sum_j |e_j| |b_j|    up to rounding.

Exact answers rounded to float64 stay below u * terms, a minimum-norm fit by SVD in float64 below some 30.
"""

import math
import warnings
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

import fastlr
from exact_fits import ExactFit

__all__ = ["Verdict", "exact_fit", "fit_quietly", "judge", "judge_agreement"]

U = 2.0**-53
LARGEST_EXCESS = 1e-12  # of rss, relative
REPORTED_RSS = 1e-10  # relative
LARGEST_NORM = 1e-8  # above the smallest, relative
STANDARD_ERROR = 1e-8  # relative
NEGLIGIBLE = 1e-25  # beside the terms that a coefficient is made of: zero but for rounding
WELL_CONDITIONED = 1e4  # to which moments alone are held to rank and rss

# "fast" solves the normal equations once, and those of the rows for about six digits.
_FROM_MOMENTS = 1024.0
_OF_ROWS = 1e-5


@dataclass
class Verdict:
    """What is wrong with a fit (words from `KINDS`, with figures), and how good it is."""

    faults: dict = field(default_factory=dict)
    figures: dict = field(default_factory=dict)

    def fault(self, kind, sentence):
        self.faults.setdefault(kind, sentence)

    def worst(self, name, value):
        self.figures[name] = max(self.figures.get(name, -math.inf), float(value))

    def __str__(self):
        return "; ".join(f"{kind}: {sentence}" for kind, sentence in self.faults.items()) or "right"


KINDS = ("rank", "rss", "reported", "norm", "digits", "bse", "basic", "error")


def exact_fit(design):
    """The exact answers to a design of `dependent_designs`."""
    return ExactFit(
        design.X,
        design.y,
        design.weights,
        fit_intercept=design.fit_intercept,
        independent=None if design.is_exact else design.independent,
    )


def fit_quietly(design, *, accuracy="auto", rank="min_norm"):
    """fastlr's fit by its rows, or by `fastlr.solve` from "moments" in double-double or "plain moments"."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if accuracy in ("moments", "plain moments"):
            precision = "double_double" if accuracy == "moments" else "double"
            moments = fastlr.Moments.from_arrays(
                design.X, design.y, design.weights, precision=precision
            )
            return fastlr.solve(moments, fit_intercept=design.fit_intercept)
        return fastlr.ols(
            design.X,
            design.y,
            sample_weight=design.weights,
            fit_intercept=design.fit_intercept,
            accuracy=accuracy,
            rank=rank,
        )


def judge(fit, exact, *, condition=1.0, grain=1.0, accuracy="auto", rank="min_norm"):
    """The verdict on a fit; ``condition`` and ``grain`` as in `dependent_designs.Design`."""
    verdict = Verdict()
    verdict.worst("passes", fit.passes)
    is_refined = accuracy not in ("fast", "plain moments")
    if is_refined or condition * grain <= WELL_CONDITIONED:
        if fit.rank != exact.rank:
            verdict.fault("rank", f"{fit.rank} for {exact.rank}")
        for t in range(exact.n_targets):
            coef, intercept, rss = _of_target(fit, t)
            _judge_rss(verdict, exact, t, coef, intercept, rss, condition * grain, is_refined)
            if rank == "min_norm" and is_refined:
                _judge_norm(verdict, exact, t, coef, condition * grain)
    if exact.is_exact:
        truth = min(true_digits(fit, exact, t, rank) for t in range(exact.n_targets))
        verdict.worst("digits_above", fit.digits - truth)
        verdict.worst("digits", -truth)
        if fit.digits > truth:
            verdict.fault("digits", f"says {fit.digits:.2f}, has {truth:.2f}")
    if rank == "basic":
        _judge_kept(verdict, exact, fit)
    if is_refined and fit.rank == exact.rank:
        for t in range(exact.n_targets):
            _judge_standard_errors(verdict, exact, fit, t, rank)
    return verdict


def judge_agreement(verdict, basic, shortest, exact):
    """ "basic" and "min_norm" have the same rss to the last digits."""
    for t in range(exact.n_targets):
        first, second = np.ravel(basic.rss)[t], np.ravel(shortest.rss)[t]
        coef, intercept, _ = _of_target(basic, t)
        other, constant, _ = _of_target(shortest, t)
        rounding = max(_rounding(exact, t, coef, intercept), _rounding(exact, t, other, constant))
        gap = abs(math.sqrt(max(first, 0)) - math.sqrt(max(second, 0)))
        if not gap <= 0.5 * REPORTED_RSS * math.sqrt(max(first, 0)) + 2 * rounding:
            verdict.fault("basic", f"rss {float(first)!r} for {float(second)!r} of min_norm")


def _of_target(fit, t):
    coef = np.atleast_2d(fit.coef)[t]
    return coef, float(np.ravel(fit.intercept)[t]), float(np.ravel(fit.rss)[t])


def _terms(exact, t, coef, intercept):
    constant = abs(intercept) * math.sqrt(exact.total_weight) if exact.fit_intercept else 0.0
    return float(np.abs(coef) @ exact.lengths) + constant


def _rounding(exact, t, coef, intercept):
    """By how much rounding may lengthen the residuals."""
    left_over = float(np.abs(coef) @ exact.left_over)
    return 16 * U * _terms(exact, t, coef, intercept) + 2 * left_over


def _as_float(value):
    """A fraction; infinity where float64 ends."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _root(value):
    return math.sqrt(value) if value > 0 else 0.0


def _judge_rss(verdict, exact, t, coef, intercept, reported, conditioning, is_refined):
    if not (np.isfinite(coef).all() and math.isfinite(intercept)):
        verdict.fault("rss", "coefficients are not finite")
        return
    least, rss = exact.least[t], exact.rss_of(intercept, coef, t)
    rounding = _rounding(exact, t, coef, intercept)
    if not is_refined:
        rounding *= _FROM_MOMENTS * max(1.0, conditioning)
        if exact.n_samples <= exact.n_features:
            rounding = max(rounding, _OF_ROWS * _terms(exact, t, coef, intercept))
    excess = _as_float(rss - least)
    allowed = LARGEST_EXCESS * float(least) + rounding**2
    if not exact.is_exact:
        allowed += 2 * rounding * _root(float(least))
    if excess > allowed:
        verdict.worst("rss", _as_float(rss / least) if least else math.inf)
        verdict.fault("rss", f"{_as_float(rss):.6g} for {float(least):.6g}")
    root, size = _root(_as_float(rss)), _terms(exact, t, coef, intercept) + exact.target_lengths[t]
    if is_refined:
        gap, allowed = abs(_root(reported) - root), REPORTED_RSS * root + rounding + 64 * U * size
    else:
        gap, allowed = abs(reported - _as_float(rss)), 1e-9 * _as_float(rss) + rounding**2
        allowed += 1e-12 * float(exact.target_spreads[t]) ** 2  # what cancels
    if not gap <= allowed:
        verdict.fault("reported", f"rss {reported!r}, is {_as_float(rss)!r}")


def _judge_norm(verdict, exact, t, coef, conditioning):
    _, shortest = exact.minimum_norm[t]
    least, norm = exact.least_norms[t], _sum_of_squares(coef)
    tolerance = LARGEST_NORM
    if not exact.is_exact:
        tolerance = max(tolerance, 64 * len(coef) * U * conditioning)
    effect = sum(abs(float(b)) * s for b, s in zip(shortest, exact.spreads, strict=True))
    y_size = exact.target_lengths[t]
    if effect <= 2.0**-40 * y_size:  # nothing to be seen of the coefficients but rounding
        excess = float(np.abs(coef) @ exact.spreads) - effect
        if excess > 2.0**-38 * y_size:
            verdict.fault("norm", f"an effect of {excess:.3g} for none")
        return
    ratio = math.sqrt(_as_float(norm / least))
    verdict.worst("norm", ratio)
    if ratio > 1 + tolerance:
        verdict.fault("norm", f"{ratio:.10g} times the smallest")


def _sum_of_squares(coef):
    """Exactly, of floats."""
    terms = [float(value).as_integer_ratio() for value in coef]
    common = max(denominator for _, denominator in terms)  # powers of two
    return Fraction(sum((a * (common // b)) ** 2 for a, b in terms), common**2)


def true_digits(fit, exact, t=0, rank="min_norm"):
    """-log10 of the worst coefficient's relative error, intercept included, at most 15.

    What is zero but for rounding (below 1e-25 of the terms it is made of) is compared with the size of these terms:
    of the target's variation by that of the column, or by its length if it is constant.
    """
    coef, intercept, _ = _of_target(fit, t)
    constant, solution = (exact.basic if rank == "basic" else exact.minimum_norm)[t]
    y_spread = exact.target_spreads[t] + U * exact.target_lengths[t]
    digits = 15.0
    spreads = np.where(exact.spreads > 0, exact.spreads, exact.lengths)
    for estimate, value, spread in zip(coef, solution, spreads, strict=True):
        size = y_spread / spread if spread > 0 else 0.0
        digits = min(digits, _right_digits(estimate, value, size))
    if exact.fit_intercept:
        size = exact.target_lengths[t] / math.sqrt(exact.total_weight)
        size += _terms(exact, t, coef, 0.0) / math.sqrt(exact.total_weight)
        digits = min(digits, _right_digits(intercept, constant, size))
    return digits


def _right_digits(estimate, exact, size):
    if not math.isfinite(estimate):
        return 0.0
    if not isinstance(exact, Fraction):
        exact = Fraction(int(exact.p), int(exact.q))
    a, b = float(estimate).as_integer_ratio()
    error = abs(a * exact.denominator - exact.numerator * b)
    if not error:
        return 15.0
    scale = abs(exact.numerator) * b
    common = b * exact.denominator  # of both
    c, d = float(size).as_integer_ratio()
    if scale * d <= Fraction(NEGLIGIBLE) * c * common:
        scale, error = c * common, error * d
    if not scale or error >= scale:
        return 0.0
    return 15.0 if error * 10**15 < scale else -math.log10(error / scale)


def _judge_kept(verdict, exact, fit):
    dropped = np.ones(exact.n_features, dtype=bool)
    dropped[exact.first_independent] = False
    coef = np.atleast_2d(fit.coef)
    if fit.rank == exact.rank and np.any(coef[:, dropped]):
        verdict.fault("basic", f"columns {np.flatnonzero(dropped).tolist()} are to be left out")


def _judge_standard_errors(verdict, exact, fit, t, rank):
    of_intercept, wanted = exact.standard_errors(t)
    bse = np.atleast_2d(fit.bse_coef)[t]
    coef, intercept, _ = _of_target(fit, t)
    kept = np.zeros(exact.n_features, dtype=bool)
    kept[exact.first_independent] = True
    if rank == "min_norm" and exact.rank < exact.n_features:
        if not exact.is_exact:
            return
        kept = exact.estimable
    if exact.n_samples <= exact.rank + exact.fit_intercept:
        if not np.isnan(bse).all():
            verdict.fault("bse", "standard errors without degrees of freedom")
        return
    if not np.isnan(bse[~kept]).all():
        verdict.fault("bse", "standard errors of coefficients that dependencies involve")
    if np.isnan(bse[kept]).any():
        verdict.fault("bse", "no standard error of a coefficient that no dependency involves")
        return
    if _root(float(exact.least[t])) <= 1e10 * _rounding(exact, t, coef, intercept):
        return  # nothing is left of the residuals but rounding
    estimates, wanted = list(bse[kept]), list(wanted[kept])
    is_estimable = rank == "basic" or exact.rank == exact.n_features
    if exact.fit_intercept and (is_estimable or exact.intercept_is_estimable):
        estimates.append(np.ravel(fit.bse_intercept)[t])
        wanted.append(of_intercept)
    if not wanted:
        return
    error = float(np.abs(np.array(estimates) / np.array(wanted) - 1).max())
    verdict.worst("bse", error)
    if not error <= STANDARD_ERROR:
        verdict.fault("bse", f"relative error {error:.1e}")
