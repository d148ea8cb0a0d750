"""How the project says no: one error for people, and the two checks that every reader of settings needs."""

import difflib
import math
from collections.abc import Iterable

from sim.names import Quantity


class SettingError(Exception):
    """A setting that cannot be used: where it stands, what is wrong, what is allowed, what was likely meant."""

    code = 2
    """What the command exits with."""

    def __init__(self, key: str, wrong: str, allowed: str = "", meant: str = "", where: str = "") -> None:
        super().__init__(key, wrong, allowed, meant, where)
        self.key, self.wrong, self.allowed, self.meant, self.where = key, wrong, allowed, meant, where

    def __str__(self) -> str:
        """The message as the commands print it, two lines at most."""
        place = ": ".join(part for part in (self.where, self.key) if part)
        first = f"{place}: {self.wrong}" + (f"; did you mean {self.meant}?" if self.meant else "")
        return first + (f"\n  allowed: {self.allowed}" if self.allowed else "")


class FailedError(SettingError):
    """Some variants that could not be computed, where the others were."""

    code = 3
    labels: tuple[str, ...] = ()
    """What those variants are called."""


class RoomError(SettingError):
    """A place that cannot be written."""

    code = 5


class DamageError(SettingError):
    """Results that are not as they were written."""

    code = 4


DIGITS_MAX = 18
"""Digits of a whole number: what has more is none that any setting takes."""


def likely(word: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """The known word nearest to a misspelt one, or nothing where none shares the part `cutoff`, 0 to 1, of its letters.

    >>> likely("armenai", ["armenia", "georgia"])
    'armenia'
    """
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=cutoff)
    return close[0] if close else ""


def whole_number(key: str, text: str, allowed: str, where: str = "") -> int:
    """A whole number from 0 as a person types it, of 18 digits at most; refused where it is none."""
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX):
        raise SettingError(key, f"{text!r} is not read", allowed, where=where)
    return int(text)


def demand_known(key: str, word: object, known: Iterable[str], what: str) -> None:
    """Refuse a name that is none of the known ones."""
    names = list(known)
    if word not in names:
        between = "; " if any("," in str(name) for name in names) else ", "
        raise SettingError(key, f"no {what} is called {word!r}", between.join(names) or "none", likely(str(word), names))


def demand_number(key: str, value: object, quantity: Quantity) -> None:
    """Refuse what is no finite number inside the quantity's range."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingError(key, f"{value!r} is no number", f"a number in {quantity.allowed}")
    inside = quantity.low < value < quantity.high if quantity.open_ends else quantity.low <= value <= quantity.high
    if not math.isfinite(value) or not inside or (quantity.whole and value != int(value)):
        raise SettingError(key, f"{value:g} is out of range", f"{quantity.allowed} ({quantity.unit})")
