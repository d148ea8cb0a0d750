"""`sim figures`: draws the figures of a results folder again, without simulating."""

from pathlib import Path
from typing import Any

from sim.commands.codes import GOOD
from sim.figures.files import draw_anew
from sim.text import say


def command(options: Any) -> int:
    """Run `sim figures` with the parsed arguments and return the exit code."""
    folder = Path(options.folder)
    say(*(f"drawn: {folder / name}" for name in draw_anew(folder)))
    return GOOD
