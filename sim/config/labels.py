"""What a reader tells labels apart by: two of one reading are refused where figures and tables have nothing else to go by."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping

from sim.errors import SettingError
from sim.text import BLANK, HIDDEN

DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""Marks that choose between forms of the letter before them."""
READ = 36
"""Letters of a label that figures show at most."""


def reading(label: str) -> str:
    """A label as a reader sees it: without case, width, kinds of dashes, unseen letters and more than one space.

    >>> reading("  RUSSIA  ") == reading("Russia")
    True
    """
    line = " ".join(unicodedata.normalize("NFKC", label).split())
    seen = (letter for letter in line if unicodedata.category(letter) not in HIDDEN and letter not in BLANK | SELECTORS)
    return "".join(seen).translate(DASHES).casefold()


def short_reading(label: str) -> str:
    """The reading of an actor's label, which figures cut: at a bracket, and where it is long.

    >>> short_reading("RUSSIA (and allies)") == short_reading("Russia")
    True
    """
    return reading(label).split(" (")[0][: READ - 1].rstrip()


def demand_apart(labels: Mapping[str, str], read: Callable[[str], str] = reading, joined: Iterable[tuple[str, str]] = ()) -> None:
    """Refuse a label that shows nothing, and two of one reading, also where one is the name by which the other is typed.

    `labels` are by their dotted keys (`region.states.armenia.label`), `joined` are pairs of keys that are one actor.
    """
    first: dict[str, str] = {}
    one_actor = {frozenset(pair) for pair in joined}
    typed = {_typed(key): key for key in labels}
    for key, label in labels.items():
        if not read(label):
            raise SettingError(key, "is empty", "a label that figures can show")
        named = typed.get((_typed(key)[0], read(label).replace(" ", "_")), key)
        if named != key:
            raise SettingError(key, f"{label!r} is the name of another: {named}", "a label that is no other's name")
        other = first.setdefault(read(label), key)
        if other != key and frozenset((other, key)) not in one_actor:
            wrong = f"{label!r} reads like {labels[other]!r}, which is {other}"
            raise SettingError(key, wrong, "a label that figures can tell apart: in its first letters, and before a bracket")


def _typed(key: str) -> tuple[str, str]:
    """The group of a label and the name by which what it labels is typed."""
    group, name, _ = key.rsplit(".", 2)
    return group, name


def told_apart(names: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], str]:
    """Labels by name, as they are, with the name behind them where two names have labels of one reading.

    >>> told_apart({"east": ["Deal"], "west": ["deal"], "war": ["War"]})[("west", "deal")]
    'deal [west]'
    """
    pairs = [(name, label) for name, labels in names.items() for label in dict.fromkeys(labels)]
    readings: dict[str, set[str]] = {}
    for name, label in pairs:
        readings.setdefault(reading(label), set()).add(name)
    return {(name, label): f"{label} [{name}]" if len(readings[reading(label)]) > 1 else label for name, label in pairs}
