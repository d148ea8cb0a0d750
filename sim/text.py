"""Text that people read: which characters are not seen, and how text of others is shown where it may hold anything."""

import sys
import unicodedata

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of Unicode that move the cursor, turn the direction of writing, break a line, or show nothing."""
BLANK = frozenset(map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2065, 0x2800, 0x3164, 0xFFA0)))
"""Letters and marks by their category that show nothing: fillers, joiners of graphemes, the empty cell of Braille."""
JOINERS = frozenset("\u200c\u200d")
"""They show nothing by themselves, but shape Persian and Indic words and join emoji."""


def unseen(text: str) -> str:
    r"""The characters of a text that nobody sees: control characters, breaks of lines, marks of direction; each once.

    >>> unseen("Armenia"), unseen("Arm\x1b[31menia")
    ('', '\x1b')
    """
    if text.isprintable() and BLANK.isdisjoint(text):
        return ""
    hidden = (letter for letter in text if letter in BLANK or unicodedata.category(letter) in HIDDEN)
    return "".join(letter for letter in dict.fromkeys(hidden) if letter not in JOINERS)


def shown(text: object) -> str:
    r"""A text on one line, with what is not seen written out.

    >>> print(shown("Arm\x1b[31menia\n"))
    Arm\x1b[31menia\n
    """
    said = str(text)
    hidden = unseen(said)
    return said.translate({ord(letter): letter.encode("unicode_escape").decode() for letter in hidden}) if hidden else said


def cut(text: str, letters: int) -> str:
    """A text of at most so many letters, with an ellipsis where it was longer.

    >>> cut("Organisation of the Black Sea", 13)
    'Organisation…'
    """
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


LABEL_MAX = 120
"""Letters of a label or name on a line of the screen."""


def say(*lines: object, wrong: bool = False) -> None:
    """Print lines for people, what is not seen in them written out: on stderr what went wrong."""
    for line in lines:
        print(shown(line), file=sys.stderr if wrong else sys.stdout, flush=True)
