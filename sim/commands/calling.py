"""How this program was called, and what is typed to call it so again."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from sim.text import shown


def again(argv: Sequence[str]) -> str:
    """The command as it can be typed in the same place."""
    return f"{program()} {shlex.join(argv)}"


BEGUN: list[Path] = []
"""The folders into which this command writes chunks."""


def keeps() -> bool:
    """Whether a chunk of a run or of its jobs is done, here or where the folder's words say that chunks are."""
    return any(any(at.rglob("v*.npz")) or (at.is_dir() and not (at / "chunks").is_dir()) for at in BEGUN)


def stopped(argv: Sequence[str], left: str) -> str:
    """The line that a stopped command ends with: what there is, and how to go on, or to begin again where nothing is kept."""
    said = f"chunks that are done are kept, {left}. To go on" if keeps() else "nothing was kept. To begin again"
    return f"sim: stopped; {said}: {shown(again(argv))}"


def program() -> str:
    """How this program is called from here: by name where the shell finds it, else by its path."""
    typed = Path(sys.argv[0])
    if typed.name == "__main__.py":
        return "python -m sim"
    found = shutil.which(typed.name)
    if found and Path(found).resolve() == typed.resolve():
        return typed.name
    return shlex.quote(os.path.relpath(typed))
