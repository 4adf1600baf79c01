"""The power of the F test, exactly, by the noncentral F distribution: how many rows a study needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fastlr.errors import InputError, InputTypeError
from fastlr.input.options import as_number, as_whole

__all__ = ["Power", "power"]

_MOST_ROWS = 1 << 30
_LARGEST_EFFECT = 2.0**40
_HALVINGS = 200


@dataclass(frozen=True)
class Power:
    """A planned F test: what was given, and what follows.

    Attributes
    ----------
    effect : float
        Cohen's f2, ``R2 / (1 - R2)`` of the tested features (beside the others, their share of what these leave).
    n : int
        Rows.
    power : float
        Probability that the test rejects.
    p : int
        Features that are tested.
    alpha : float
        Probability that it rejects without an effect.
    n_controls : int
        Other features of the model.
    """

    effect: float
    n: int
    power: float
    p: int
    alpha: float
    n_controls: int

    def __str__(self) -> str:
        others = f" beside {self.n_controls} others" if self.n_controls else ""
        return (
            f"{self.n} rows find an effect f2 = {self.effect:.4g} of {self.p} features{others} "
            f"with probability {self.power:.4f} at level {self.alpha:g}"
        )


def power(
    effect: float | None = None,
    *,
    n: int | None = None,
    power: float | None = None,
    p: int,
    alpha: float = 0.05,
    n_controls: int = 0,
) -> Power:
    """Power of the F test that ``p`` features have no effect, or the rows or the effect that a power takes.

    Parameters
    ----------
    effect : float, optional
        Cohen's f2, ``R2 / (1 - R2)``: 0.02 is called small, 0.15 medium, 0.35 large.
    n : int, optional
        Rows.
    power : float, optional
        Probability that the test rejects. Of effect, n and power two are given, and the third is found.
    p : int
        Features that are tested.
    alpha : float, default=0.05
        Level of the test.
    n_controls : int, default=0
        Features that are in the model and not tested.

    Returns
    -------
    Power
        With the smallest n of at least this power, if n was to be found.

    Raises
    ------
    InputError
        If not two of the three are given, or a value is out of range, or no n up to 1e9 is enough.

    Notes
    -----
    Exact: the statistic has the noncentral F distribution with p and ``n - p - n_controls - 1`` degrees of freedom and
    noncentrality ``n f2`` (features are taken as fixed, and there is an intercept).

    Examples
    --------
    >>> import fastlr
    >>> print(fastlr.power(0.15, power=0.8, p=3))
    77 rows find an effect f2 = 0.15 of 3 features with probability 0.8018 at level 0.05
    """
    p, n_controls = as_whole(p, "p"), as_whole(n_controls, "n_controls", 0)
    level = _share(alpha, "alpha")
    if [effect, n, power].count(None) != 1:
        raise InputTypeError(
            "power takes two of effect, n and power, and finds the third: pass two of them."
        )
    least = p + n_controls + 2
    rows = None if n is None else as_whole(n, "n", least)
    size = None if effect is None else _effect(effect)
    if power is not None:
        wanted = _share(power, "power")
        if wanted <= level:
            raise InputError(
                f"power={power!r} is not above alpha={alpha!r}, which a test reaches without any effect."
            )
        if rows is None:
            rows = _rows_for(float(size or 0.0), wanted, p, level, least)
        else:
            size = _effect_for(rows, wanted, p, level, least)
    found = _power(float(size or 0.0), int(rows or 0), p, level, least)
    return Power(float(size or 0.0), int(rows or 0), found, p, level, n_controls)


def _power(effect: float, n: int, p: int, alpha: float, least: int) -> float:
    from scipy.stats import f, ncf

    df = n - least + 1
    threshold = f.isf(alpha, p, df)
    return float(ncf.sf(threshold, p, df, n * effect)) if effect > 0 else alpha


def _rows_for(effect: float, wanted: float, p: int, alpha: float, least: int) -> int:
    if effect == 0.0:
        raise InputError(
            "effect=0.0 is none at all, which no number of rows finds: pass a positive effect."
        )
    low, high = least - 1, least
    while _power(effect, high, p, alpha, least) < wanted:  # doubles each time
        low, high = high, 2 * high
        if high > _MOST_ROWS:
            raise InputError(
                f"effect={effect!r} takes more than 1e9 rows: the effect is too small to be planned for."
            )
    while high - low > 1:  # halves each time
        middle = (low + high) // 2
        if _power(effect, middle, p, alpha, least) < wanted:
            low = middle
        else:
            high = middle
    return high


def _effect_for(n: int, wanted: float, p: int, alpha: float, least: int) -> float:
    low, high = 0.0, 1.0 / n
    while _power(high, n, p, alpha, least) < wanted:  # doubles each time
        low, high = high, 2.0 * high
        if high > _LARGEST_EFFECT:
            raise InputError(
                f"no effect that n={n} rows could find with power={wanted!r}: pass more rows."
            )
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        if _power(middle, n, p, alpha, least) < wanted:
            low = middle
        else:
            high = middle
    return high


def _share(value: object, argument: str) -> float:
    share = as_number(value, argument, "a number between 0 and 1")
    if not 0.0 < share < 1.0:
        raise InputError(f"{argument}={value!r} is not between 0 and 1: pass a probability.")
    return share


def _effect(value: object) -> float:
    effect = as_number(value, "effect", "a finite number >= 0")
    if not 0.0 <= effect < math.inf:
        raise InputError(f"effect={value!r} is not a finite number >= 0: pass R2 / (1 - R2).")
    return effect
