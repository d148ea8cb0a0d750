"""How the project says no: one error for people, and the two checks that every reader of settings needs."""

import difflib
import math
import unicodedata
from collections.abc import Iterable, Mapping

from sim.countries import COUNTRIES
from sim.legible import cut, shown
from sim.names import Quantity

PART_MAX = 4_000
"""Letters of each part of a message."""


class SettingError(Exception):
    """A setting that cannot be used: where it stands, what is wrong, what is allowed, what was likely meant."""

    code = 2
    """What the command exits with."""

    def __init__(self, key: str, wrong: str, allowed: str = "", meant: str = "", where: str = "") -> None:
        super().__init__(key, wrong, allowed, meant, where)
        self.key, self.wrong, self.allowed, self.meant, self.where = key, wrong, allowed, meant, where

    def __str__(self) -> str:
        """The message as the commands print it, two lines at most, each of characters that are seen."""
        said = (self.where, self.key, self.wrong, self.allowed, self.meant)
        where, key, wrong, allowed, meant = (cut(shown(text), PART_MAX) for text in said)
        place = ": ".join(part for part in (where, key) if part)
        first = f"{place}: {wrong}" + (f"; did you mean {meant}{_look_alike(self.key, self.wrong, self.meant)}?" if meant else "")
        return first + (f"\n  allowed: {allowed}" if allowed else "")


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


def likely(word: str, known: Iterable[str] | Mapping[str, str], cutoff: float = 0.5) -> str:
    """The known word that was likely meant, or nothing where none shares the part `cutoff`, 0 to 1, of its letters.

    It is typed in other cases, as its label (where `known` maps words to labels), by its initials, by the ISO 3166 code of a
    country, or misspelt.

    >>> likely("armenai", ["armenia", "georgia"]), likely("ARM", ["armenia", "georgia"]), likely("European Union", ["eu", "un"])
    ('armenia', 'armenia', 'eu')
    """
    names = known if isinstance(known, Mapping) else {name: name for name in known}
    spelt = {_plain(label).partition(" (")[0]: name for name, label in names.items()} | {_plain(name): name for name in names}
    said = _plain(word)
    country = _plain(COUNTRIES.get(word.strip().upper(), word))
    inside = next((name for name, label in names.items() if country in _COUNTRY_NAMES and country in _plain(label)), "")
    near = spelt.get(said) or spelt.get(country) or inside or spelt.get("".join(part[0] for part in said.split()))
    if near:
        return near
    close = difflib.get_close_matches(said, list(spelt), n=3, cutoff=cutoff)
    return spelt[min(close, key=lambda other: not _one_edit(said, other))] if close else ""


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", str(word)).casefold().replace("_", " ").strip()


_COUNTRY_NAMES = frozenset(map(_plain, COUNTRIES.values()))


def _one_edit(one: str, other: str) -> bool:
    """Whether a letter more, less or other, or two that changed places, make one word of the other."""
    start = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other)))
    tail, rest = one[start:], other[start:]
    changed = len(tail) > 1 and len(rest) > 1 and tail[1::-1] + tail[2:] == rest
    return tail[1:] == rest[1:] or tail[1:] == rest or tail == rest[1:] or changed


def _look_alike(key: str, wrong: str, meant: str) -> str:
    """Which letter of a word is of another alphabet, where it is the word that was meant save for such letters."""
    word = meant.rpartition(".")[2]
    for said in (key.rpartition(".")[2], wrong.rpartition("called ")[2].strip("'\"")):
        odd = [letter for letter, right in zip(said, word, strict=False) if letter != right]
        if odd and len(said) == len(word) and not any(letter.isascii() for letter in odd):
            return f" ({odd[0]} is U+{ord(odd[0]):04X} {unicodedata.name(odd[0], '')})"
    return ""


def whole_number(key: str, text: str, allowed: str, where: str = "") -> int:
    """A whole number from 0 as a person types it, of 18 digits at most; refused where it is none."""
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX):
        raise SettingError(key, f"{text!r} is not read", allowed, where=where)
    return int(text)


def demand_known(key: str, word: object, known: Iterable[str] | Mapping[str, str], what: str) -> None:
    """Refuse a name that is none of the known ones, which may come with their labels."""
    names = known if isinstance(known, Mapping) else list(known)
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
