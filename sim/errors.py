"""Errors with messages for users, and the exit codes of the commands."""

import unicodedata

from sim.text import cut, shown

PART_MAX = 4_000
"""Most characters of each part of a message."""


class SettingError(Exception):
    """An invalid setting.

    Parameters
    ----------
    key : str
        The setting, as its dotted key.
    wrong : str
        What is wrong with it.
    allowed : str, optional
        What is allowed.
    meant : str, optional
        What was likely meant.
    where : str, optional
        The file or override that has it.
    """

    code = 2
    """The exit code of the command."""

    def __init__(self, key: str, wrong: str, allowed: str = "", meant: str = "", where: str = "") -> None:
        super().__init__(key, wrong, allowed, meant, where)
        self.key, self.wrong, self.allowed, self.meant, self.where = key, wrong, allowed, meant, where

    def __str__(self) -> str:
        """The message as the commands print it: at most two lines, with invisible characters escaped."""
        parts = (self.where, self.key, self.wrong, self.allowed, self.meant)
        where, key, wrong, allowed, meant = (cut(shown(part), PART_MAX) for part in parts)
        place = ": ".join(part for part in (where, key) if part)
        first = f"{place}: {wrong}" + (f"; did you mean {meant}{_look_alike(self.key, self.wrong, self.meant)}?" if meant else "")
        return first + (f"\n  allowed: {allowed}" if allowed else "")


class FailedError(SettingError):
    """Some variants that could not be computed, while the others were."""

    code = 3
    labels: tuple[str, ...] = ()
    """The labels of these variants."""


class RoomError(SettingError):
    """A place that cannot be written to."""

    code = 5


class DamageError(SettingError):
    """Results that were changed or damaged after they were written."""

    code = 4


def _look_alike(key: str, wrong: str, meant: str) -> str:
    """A note on the first letter from another alphabet, where a word equals the likely one except for such letters."""
    word = meant.rpartition(".")[2]
    for typed in (key.rpartition(".")[2], wrong.rpartition("called ")[2].strip("'\"")):
        odd = [letter for letter, right in zip(typed, word, strict=False) if letter != right]
        if odd and len(typed) == len(word) and not any(letter.isascii() for letter in odd):
            return f" ({odd[0]} is U+{ord(odd[0]):04X} {unicodedata.name(odd[0], '')})"
    return ""
