"""Labels as readers see them: two that look the same are refused where figures and tables could not distinguish them."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping

from sim.errors import SettingError
from sim.text import BLANK, HIDDEN

DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""Variation selectors: they choose a form of the character before them."""
READ = 36
"""Most characters of a label that figures show."""


def reading(label: str) -> str:
    """A label as a reader sees it: case, width, kinds of dashes, invisible characters and repeated spaces make no difference.

    >>> reading("  RUSSIA  ") == reading("Russia")
    True
    """
    line = " ".join(unicodedata.normalize("NFKC", label).split())
    seen = (letter for letter in line if unicodedata.category(letter) not in HIDDEN and letter not in BLANK | SELECTORS)
    return "".join(seen).translate(DASHES).casefold()


def short_reading(label: str) -> str:
    """The reading of an actor's label as figures shorten it: at a bracket, and after `READ` characters.

    >>> short_reading("RUSSIA (and allies)") == short_reading("Russia")
    True
    """
    return reading(label).split(" (")[0][: READ - 1].rstrip()


def demand_apart(labels: Mapping[str, str], read: Callable[[str], str] = reading, joined: Iterable[tuple[str, str]] = ()) -> None:
    """Refuse an empty label, two labels of the same reading, and a label that equals the name of another actor.

    `labels` are by their dotted keys (`region.states.armenia.label`), `joined` are pairs of keys that belong to one actor.
    """
    first: dict[str, str] = {}
    one_actor = {frozenset(pair) for pair in joined}
    typed = {_typed(key): key for key in labels}
    for key, label in labels.items():
        if not read(label):
            raise SettingError(key, "is empty", "a label that figures can show")
        named = typed.get((_typed(key)[0], read(label).replace(" ", "_")), key)
        if named != key:
            raise SettingError(key, f"{label!r} is the name of {named}", "a label that is not the name of another")
        other = first.setdefault(read(label), key)
        if other != key and frozenset((other, key)) not in one_actor:
            wrong = f"{label!r} reads like {labels[other]!r}, which is {other}"
            raise SettingError(key, wrong, "a label that figures can tell apart: in its first letters, and before a bracket")


def _typed(key: str) -> tuple[str, str]:
    """The group of a label, and the name of what it labels."""
    group, name, _ = key.rsplit(".", 2)
    return group, name


def told_apart(names: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], str]:
    """Labels by (name, label); the name is appended in brackets where two names have labels of the same reading.

    >>> told_apart({"east": ["Deal"], "west": ["deal"], "war": ["War"]})[("west", "deal")]
    'deal [west]'
    """
    pairs = [(name, label) for name, labels in names.items() for label in dict.fromkeys(labels)]
    readings: dict[str, set[str]] = {}
    for name, label in pairs:
        readings.setdefault(reading(label), set()).add(name)
    return {(name, label): f"{label} [{name}]" if len(readings[reading(label)]) > 1 else label for name, label in pairs}
