"""Checks of names and numbers that all readers of settings share, with the same messages."""

import math
from collections.abc import Iterable, Mapping

from sim.config.suggest import likely
from sim.errors import SettingError
from sim.names import Quantity

DIGITS_MAX = 18
"""Most digits of a whole number."""


def whole_number(key: str, text: str, allowed: str, where: str = "") -> int:
    """A whole number from 0 on, of at most 18 digits, from its text; refused where the text is not one."""
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX):
        raise SettingError(key, f"{text!r} is not read", allowed, where=where)
    return int(text)


def demand_known(key: str, word: object, known: Iterable[str] | Mapping[str, str], what: str) -> None:
    """Refuse a name that is not known; `known` may map names to labels. `what` is the kind of thing named, for the message."""
    names = known if isinstance(known, Mapping) else list(known)
    if word not in names:
        between = "; " if any("," in str(name) for name in names) else ", "
        raise SettingError(key, f"no {what} is called {word!r}", between.join(names) or "none", likely(str(word), names))


def demand_number(key: str, value: object, quantity: Quantity) -> None:
    """Refuse what is not a finite number in the range of the quantity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingError(key, f"{value!r} is not a number", f"a number in {quantity.allowed}")
    inside = quantity.low < value < quantity.high if quantity.open_ends else quantity.low <= value <= quantity.high
    if not math.isfinite(value) or not inside or (quantity.whole and value != int(value)):
        raise SettingError(key, f"{value:g} is out of range", f"{quantity.allowed} ({quantity.unit})")
