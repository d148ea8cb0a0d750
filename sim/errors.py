"""How the project says no: one error for people."""

import unicodedata

from sim.text import cut, shown

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


def _look_alike(key: str, wrong: str, meant: str) -> str:
    """Which letter of a word is of another alphabet, where it is the word that was meant save for such letters."""
    word = meant.rpartition(".")[2]
    for said in (key.rpartition(".")[2], wrong.rpartition("called ")[2].strip("'\"")):
        odd = [letter for letter, right in zip(said, word, strict=False) if letter != right]
        if odd and len(said) == len(word) and not any(letter.isascii() for letter in odd):
            return f" ({odd[0]} is U+{ord(odd[0]):04X} {unicodedata.name(odd[0], '')})"
    return ""
