"""Numbers as a paper prints them: three or four significant digits, one precision per column."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

MINUS = "\N{MINUS SIGN}"
SMALLEST = 1e-4
WIDE = Context(prec=400)  # for every float with its decimals


def style(values: Iterable[object], digits: int = 3, small: bool = True) -> Callable[[object], str]:
    """Return the function that prints a column with these values: the largest gets `digits` significant digits.

    Whole numbers stay whole, truth values become yes and no, text stays, null becomes an empty string. What would round
    to zero is in scientific notation, unless not `small`.
    """
    values = list(values)
    numbers = [float(v) for v in values if is_number(v) and math.isfinite(float(v))]
    whole = all(isinstance(v, int) for v in values if is_number(v))
    largest = max(map(abs, numbers), default=0.0)
    if whole or not largest:
        return lambda value: plain(value, 0)
    if largest < SMALLEST or largest >= 1e7:
        return lambda value: plain(value, None)
    places = min(max(digits - 1 - math.floor(math.log10(largest)), 0), 6)
    if all(float(v).is_integer() for v in numbers):
        places = 0
    return lambda value: plain(value, places, small)


def interval_style(values: Iterable[object], widths: Iterable[float]) -> Callable[[object], str]:
    """Return the function that prints estimates whose intervals are so wide: digits beyond the interval say nothing."""
    positive = sorted(w for w in widths if w > 0 and math.isfinite(w))
    if not positive:
        return style(values)
    typical = positive[len(positive) // 2]
    largest = max((abs(v) for v in values if is_number(v) and math.isfinite(v)), default=0.0)
    if largest >= 1e7 or typical < 1e-6:
        return style(values)
    places = min(max(1 - round(math.log10(typical)), 0), 6)
    return lambda value: plain(value, places, small=False)


def plain(value: object, places: int | None, small: bool = True) -> str:
    """Print one value with so many decimals; in scientific notation for None, and for `small` where they show zero.

    Halves are rounded away from zero as a reader sees them: 0.075, which a float is a little below, becomes 0.08.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not is_number(value):
        return str(value)
    number = float(value)
    if not math.isfinite(number):
        return "nan" if math.isnan(number) else "∞" if number > 0 else MINUS + "∞"
    if places is None or (small and number and abs(number) < 0.5 * 10.0**-places):
        return _scientific(number)
    text = f"{Decimal(f'{number:.14g}').quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, WIDE):f}"
    return text.replace("-", MINUS) if float(text) else text.lstrip("-")


def single(value: object) -> str:
    """Print a number that stands alone, with three significant digits."""
    return style([value])(value)


def probability(value: object) -> str:
    """Print a p value: three decimals, scientific below 0.001."""
    if not is_number(value):
        return plain(value, 0)
    return _scientific(float(value)) if 0 < float(value) < 0.001 else plain(value, 3)


def is_number(value: object) -> bool:
    """Say whether a value is a number that is not a truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def duration(seconds: float) -> str:
    """Print a length of time with the two units that matter."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(timedelta(seconds=seconds).total_seconds()), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _scientific(number: float) -> str:
    mantissa, exponent = f"{number:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", MINUS)
