"""How this program was called, and the command line that repeats the call."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from sim.text import shown


def again(argv: Sequence[str]) -> str:
    """The same command, as it can be typed in the same working directory."""
    return f"{program()} {shlex.join(argv)}"


BEGUN: list[Path] = []
"""The folders into which this command writes chunks."""


def has_chunks() -> bool:
    """Whether some chunk of a run or of its jobs has been written.

    A folder without a `chunks` folder counts too: its chunks may be behind the URL that its metadata name.
    """
    return any(any(at.rglob("v*.npz")) or (at.is_dir() and not (at / "chunks").is_dir()) for at in BEGUN)


def stopped(argv: Sequence[str], left: str) -> str:
    """The last line of an interrupted command: what was saved, and the command that continues, or that starts again."""
    state = f"finished chunks are saved, {left}. To continue" if has_chunks() else "nothing was saved. To start again"
    return f"sim: stopped; {state}: {shown(again(argv))}"


def program() -> str:
    """How to call this program from here: by its name if the shell finds it, else by its path."""
    typed = Path(sys.argv[0])
    if typed.name == "__main__.py":
        return "python -m sim"
    found = shutil.which(typed.name)
    if found and Path(found).resolve() == typed.resolve():
        return typed.name
    return shlex.quote(os.path.relpath(typed))
