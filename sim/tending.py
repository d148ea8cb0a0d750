"""The verbs that look after results folders: `sim status`, `sim verify`, `sim clean` and `sim figures`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.arguments import said_once
from sim.legible import say
from sim.refusal import SettingError, whole_number


def tend(verb: str, options: Any) -> None:
    """Do what one of these verbs was asked, and say it."""
    folder = Path(options.folder)
    if verb == "verify":
        _verify(folder, options.words, options.hash)
        return
    if verb == "status":
        from sim import verifying

        lines = verifying.status(folder)
    elif verb == "clean":
        from sim import clearing

        lines = clearing.clean(folder, options.tables, options.dry_run)
    else:
        from sim import drawing

        lines = [f"drawn: {folder / name}" for name in drawing.draw_anew(folder)]
    say(*lines)


def _verify(folder: Path, words: Sequence[str], hash_only: bool) -> None:
    """`sim verify DIR` and `sim verify DIR --hash`."""
    from sim import verifying

    said: dict[str, int] = {}
    for key, value in said_once(words).items():
        allowed = "sample=N and seed=N, whole numbers from 0"
        said[key] = whole_number(key, value if key in ("sample", "seed") else "", allowed, where="arguments")
    if hash_only:
        if said:
            raise SettingError("--hash", "is of all data, so nothing is drawn", "--hash alone", where="arguments")
        say(verifying.data_hash(folder))
        return
    seed = said["seed"] if "seed" in said else int.from_bytes(os.urandom(4))
    say(*verifying.verify(folder, said.get("sample", verifying.SAMPLE), seed))
