"""The chunks of a run as files: each is there completely or not at all, and is read only if it is as it was written.

A chunk is an `.npz` of plain arrays (`sim.results.packing`) with a receipt: its size and SHA-256, and the hashes of the settings
that made it and of the metadata that label it. A chunk without a receipt counts as not written. Chunks are in the results folder
or behind an fsspec URL. One process at a time locks the folder, or several that compute parts of a run.
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sim import interrupts
from sim.arrays import Array
from sim.errors import DamageError
from sim.results.atomic import DRAFT, put_file, whole_file
from sim.results.chunking import Task
from sim.results.packing import Form, pack, packed, unpacked
from sim.results.remote import Remote, place_of

CHUNKS = "chunks"
OURS = re.compile(r"v\d{6,}-r\d{9,}\.(npz|json)")
"""The names of the files of chunks; other files in the same folder are somebody else's."""


class Store:
    """The chunks of the run whose settings have the hash `run`: in its results folder, or behind the URL `place`.

    `words` is the hash of the metadata that label them; without it, chunks cannot be read, only found.
    """

    def __init__(self, folder: Path, run: str, place: str = "", words: str = "") -> None:
        self.folder, self.run, self.words = place_of(place) if place else folder / CHUNKS, run, words

    def path(self, task: Task) -> Path | Remote:
        """The path of a chunk."""
        return self.folder / f"{task.name}.npz"

    def receipt(self, task: Task) -> Path | Remote:
        """The path of its receipt."""
        return self.folder / f"{task.name}.json"

    def put(self, task: Task, arrays: Mapping[str, Array]) -> None:
        """Write a chunk, then its receipt."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path, receipt = self.path(task), self.receipt(task)
        if isinstance(path, Path) and isinstance(receipt, Path):
            try:
                with whole_file(path, sum(array.nbytes for array in arrays.values())) as file:
                    written = pack(arrays, file)
                put_file(receipt, self._receipt(task, written.bytes, written.hash.hexdigest()))
            except OSError:  # a chunk without a receipt would count as somebody else's
                for half in (path, receipt):
                    with suppress(OSError):
                        half.unlink(missing_ok=True)
                raise
        else:
            content = packed(arrays)
            path.write_bytes(content)
            receipt.write_bytes(self._receipt(task, len(content), hashlib.sha256(content).hexdigest()))

    def _receipt(self, task: Task, size: int, sha256: str) -> bytes:
        entries = {
            "run": self.run,
            "words": self.words,
            "chunk": [*task.variants, *task.replicates],
            "bytes": size,
            "sha256": sha256,
        }
        return (json.dumps(entries) + "\n").encode()

    def content(self, task: Task) -> bytes | None:
        """The bytes of a chunk, or None if it is missing or differs from its receipt."""
        interrupts.check()
        try:
            receipt = json.loads(self.receipt(task).read_bytes())
            if self.path(task).stat().st_size != receipt["bytes"]:
                return None
            content = self.path(task).read_bytes()
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        own = json.loads(self._receipt(task, len(content), hashlib.sha256(content).hexdigest()))
        return content if receipt == own else None

    def sha256(self, task: Task) -> str:
        """The hash in the receipt of a chunk; empty if there is none."""
        try:
            return str(json.loads(self.receipt(task).read_bytes())["sha256"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ""

    def has(self, task: Task) -> bool:
        """Whether a chunk is there and as it was written; it is read."""
        return self.content(task) is not None

    def looks_whole(self, task: Task) -> bool:
        """Whether a chunk has the size in its receipt; it is not read."""
        try:
            return self.path(task).stat().st_size == json.loads(self.receipt(task).read_bytes())["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def get(self, task: Task, forms: Mapping[str, Form] | None = None) -> dict[str, Array]:
        """The arrays of a chunk, checked against `forms` if they are given.

        Raises
        ------
        DamageError
            If the chunk is missing, not as it was written, or not of this run.
        """
        content = self.content(task)
        if content is None:
            there = self.path(task).exists()
            wrong = "is not as it was written" if there else "is missing"
            raise DamageError(str(self.path(task)), wrong, "the command that made the folder, which makes it again")
        try:
            return unpacked(content, forms)
        except (ValueError, OSError, KeyError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
            raise DamageError(str(self.path(task)), f"cannot be read: {error}", "a chunk as it was written") from None

    def begun(self) -> bool:
        """Whether some chunk of this run has a receipt, however the run was divided."""
        return any(_run_of(path) == self.run for path in self.folder.glob("v*-r*.json"))

    def sweep(self, cut: Sequence[Task] | None = None) -> None:
        """Remove what stopped writers left: drafts, and if `cut` is given, chunks of this run that are not in it."""
        if isinstance(self.folder, Remote):  # objects are written atomically, and the place is only of this run
            return
        wanted = {path for task in cut for path in (self.path(task), self.receipt(task))} if cut is not None else set[Any]()
        for path in self.folder.glob("*v*-r*"):
            if DRAFT.fullmatch(path.name):
                path.unlink(missing_ok=True)
            elif cut is not None and path not in wanted and OURS.fullmatch(path.name) and self._made(path):
                path.with_suffix(".npz").unlink(missing_ok=True)
                path.with_suffix(".json").unlink(missing_ok=True)

    def _made(self, path: Path) -> bool:
        """Whether a chunk is of this run, and not another file of such a name."""
        return _run_of(path.with_suffix(".json")) == self.run


def _run_of(receipt: Path | Remote) -> object:
    try:
        return json.loads(receipt.read_bytes())["run"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
