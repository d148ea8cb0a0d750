"""Text for the screen: invisible characters are detected and escaped, since text of users may contain any character."""

import sys
import unicodedata

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that move the cursor, change the direction of writing, break a line, or show nothing."""
BLANK = frozenset(map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2065, 0x2800, 0x3164, 0xFFA0)))
"""Characters that are letters or marks by category but show nothing: fillers, grapheme joiners, the empty cell of Braille."""
JOINERS = frozenset("\u200c\u200d")
"""Characters that are accepted although they show nothing: they shape Persian and Indic words and join emoji."""


def unseen(text: str) -> str:
    r"""The invisible characters of a text, each once: control characters, line breaks, marks of direction.

    >>> unseen("Armenia"), unseen("Arm\x1b[31menia")
    ('', '\x1b')
    """
    if text.isprintable() and BLANK.isdisjoint(text):
        return ""
    hidden = (letter for letter in text if letter in BLANK or unicodedata.category(letter) in HIDDEN)
    return "".join(letter for letter in dict.fromkeys(hidden) if letter not in JOINERS)


def shown(text: object) -> str:
    r"""A text on one line, with invisible characters escaped.

    >>> print(shown("Arm\x1b[31menia\n"))
    Arm\x1b[31menia\n
    """
    line = str(text)
    hidden = unseen(line)
    return line.translate({ord(letter): letter.encode("unicode_escape").decode() for letter in hidden}) if hidden else line


def cut(text: str, letters: int) -> str:
    """A text shortened to a number of characters, with an ellipsis where it was longer.

    >>> cut("Organisation of the Black Sea", 13)
    'Organisation…'
    """
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


LABEL_MAX = 120
"""Most characters of a label or name on a line of the screen."""


def say(*lines: object, wrong: bool = False) -> None:
    """Print lines with invisible characters escaped; on stderr where `wrong`."""
    for line in lines:
        print(shown(line), file=sys.stderr if wrong else sys.stdout, flush=True)
