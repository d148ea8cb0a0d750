"""What a reader tells labels apart by: two of one reading are refused where figures and tables have nothing else to go by."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping

from sim.refusal import SettingError

READ = 36
"""Letters of a label that figures show at most."""


def reading(label: str) -> str:
    """A label as a reader sees it: without case, width, unseen letters and more than one space.

    >>> reading("  RUSSIA  ") == reading("Russia")
    True
    """
    line = " ".join(unicodedata.normalize("NFKC", label).split())
    return "".join(letter for letter in line if unicodedata.category(letter) not in ("Cc", "Cf")).casefold()


def short_reading(label: str) -> str:
    """The reading of an actor's label, which figures cut: at a bracket, and where it is long.

    >>> short_reading("RUSSIA (and allies)") == short_reading("Russia")
    True
    """
    return reading(label).split(" (")[0][: READ - 1].rstrip()


def demand_apart(labels: Mapping[str, str], read: Callable[[str], str] = reading, joined: Iterable[tuple[str, str]] = ()) -> None:
    """Refuse two labels of one reading; `labels` are by their dotted keys, `joined` are pairs of keys that are one actor."""
    first: dict[str, str] = {}
    one_actor = {frozenset(pair) for pair in joined}
    for key, label in labels.items():
        other = first.setdefault(read(label), key)
        if other != key and frozenset((other, key)) not in one_actor:
            wrong = f"{label!r} reads like {labels[other]!r}, which is {other}"
            raise SettingError(key, wrong, "a label that figures can tell apart: in its first letters, and before a bracket")


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
