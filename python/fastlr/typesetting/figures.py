"""Numbers as text, with as many digits as mean something.

Cells are plain text: "-3 482 259", "0.0335", "5.0e-10", with a space between thousands. How they look elsewhere (a
minus sign, a thin space, a power of ten) is decided where they are set: `fastlr.typesetting.html` and its neighbours.
"""

from __future__ import annotations

import math

__all__ = [
    "DASH",
    "decimals_for",
    "fixed",
    "p_value",
    "share",
    "significant",
    "statistic",
]

DASH = "-"
"""What stands for a number that cannot be stated."""

_PLAIN_UP_TO = 1e9
_PLAIN_FROM = 1e-4
_MOST_DECIMALS = 7
_MOST_DIGITS = 10


def exponent_of(value: float) -> int:
    """The power of ten of the first digit: 2 for 455.5, -2 for 0.0335."""
    return int(f"{abs(value):e}".partition("e")[2])


def decimals_for(error: float, digits: int | None) -> int:
    """Decimals that show so many digits of a standard error: by default three, or four if the first is a 1.

    Negative for errors of so many digits before the point.

    Examples
    --------
    >>> decimals_for(455.5, None), decimals_for(0.1335, None), decimals_for(890420.0, None)
    (0, 4, -3)
    """
    kept = 2 if digits is None else digits - 1
    mantissa, _, exponent = f"{abs(error):.{kept}e}".partition("e")
    if digits is None and mantissa[0] == "1":
        kept += 1
    return kept - int(exponent)


def most_decimals(value: float, most_digits: int) -> int:
    """Decimals at which a number has ``most_digits`` digits."""
    return most_digits - 1 - exponent_of(value) if value else 1100


def fixed(value: float, decimals: int, *, plain: bool | None = None) -> str:
    """A number to so many decimals, thousands apart; with a power of ten if it is very large or small.

    Parameters
    ----------
    value : float
        What is not finite becomes a dash, or inf.
    decimals : int
        Where the last digit stands; digits before the point are all shown, unless there is a power of ten.
    plain : bool, optional
        Whether to do without a power of ten; by default as `is_plain` says.

    Examples
    --------
    >>> fixed(-3482258.63, -3), fixed(-0.035819, 4), fixed(3.5819e-12, 14), fixed(1.5e12, -10)
    ('-3 482 259', '-0.0358', '3.58e-12', '1.50e+12')
    """
    if not math.isfinite(value):
        return DASH if math.isnan(value) else f"{value:g}"
    if plain is None:
        plain = is_plain(value, decimals)
    if plain:
        text = f"{value:,.{max(decimals, 0)}f}".replace(",", " ")
        return text.removeprefix("-") if not text.strip("-0. ") else text
    if value == 0.0:
        return "0"
    digits = max(0, min(_MOST_DIGITS, exponent_of(value) + decimals))
    return f"{value:.{digits}e}"


def is_plain(value: float, decimals: int) -> bool:
    """Whether a number is written without a power of ten: neither very large, nor nothing but zeros in front."""
    size = abs(value)
    return size < _PLAIN_UP_TO and (decimals <= _MOST_DECIMALS or size >= _PLAIN_FROM)


def significant(value: float, digits: int) -> str:
    """A number to so many digits, thousands apart; digits before the point are all shown.

    Examples
    --------
    >>> (
    ...     significant(304.8541, 4),
    ...     significant(836424.06, 4),
    ...     significant(0.0, 4),
    ...     significant(1e-12, 4),
    ... )
    ('304.9', '836 424', '0', '1.000e-12')
    """
    if value == 0.0 or not math.isfinite(value):
        return "0" if value == 0.0 else fixed(value, 0)
    rounded = float(f"{value:.{digits - 1}e}")
    decimals = digits - 1 - exponent_of(rounded)
    return fixed(value, decimals, plain=_PLAIN_FROM <= abs(rounded) < _PLAIN_UP_TO)


def statistic(value: float) -> str:
    """A t or F statistic: two decimals below 100, four digits beyond.

    Examples
    --------
    >>> statistic(-3.9108), statistic(330.285), statistic(0.0), statistic(2.5e7)
    ('-3.91', '330.3', '0.00', '2.50e+07')
    """
    if not math.isfinite(value):
        return fixed(value, 0)
    if abs(value) >= 1e6:
        return f"{value:.2e}"
    return fixed(value, 2, plain=True) if abs(value) < 100 else significant(value, 4)


def p_value(value: float) -> str:
    """A p-value: three decimals, or two digits and a power of ten below 0.001.

    Examples
    --------
    >>> p_value(0.00356), p_value(0.9996), p_value(4.98e-10), p_value(0.0)
    ('0.004', '1.000', '5.0e-10', '<1e-300')
    """
    if math.isnan(value):
        return DASH
    if value < 1e-300:
        return "<1e-300"
    return f"{value:.3f}" if value >= 0.0005 else f"{value:.1e}"


def share(value: float) -> str:
    """A share such as R2: four decimals, or as many as show two digits of what is left to 1.

    Examples
    --------
    >>> share(0.99547900), share(0.99999987654), share(1.0), share(-0.25)
    ('0.9955', '0.99999988', '1', '-0.2500')
    """
    if not math.isfinite(value):
        return fixed(value, 0)
    left = 1.0 - value
    if left == 0.0:
        return "1"
    decimals = 4 if abs(left) >= 1e-3 else min(15, 1 - exponent_of(left))
    return fixed(value, decimals, plain=True)
