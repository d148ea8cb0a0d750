"""The chunks of a run as files: each is there whole or not at all, and read only where it is what was written.

A chunk is an `.npz` of plain arrays (`sim.results.packing`); beside it stands a receipt with its size and SHA-256, and with the
hashes of the settings that made it and of the words that label it. Whoever stops between the two has not written the chunk. A chunk
lies in the results folder or behind an fsspec URL. One process at a time holds the folder, or several that compute parts.
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
from sim.results.chunks import Task
from sim.results.packing import Form, pack, packed, unpacked
from sim.results.remote import Remote, place_of

CHUNKS = "chunks"
OURS = re.compile(r"v\d{6,}-r\d{9,}\.(npz|json)")
"""What files of chunks are called; whatever else lies beside them is somebody's."""


class Store:
    """The chunks of the run whose settings have the hash `run`: in its results folder, or behind the URL `place`.

    `words` is the hash of what labels them, without which they are only known to be there.
    """

    def __init__(self, folder: Path, run: str, place: str = "", words: str = "") -> None:
        self.folder, self.run, self.words = place_of(place) if place else folder / CHUNKS, run, words

    def path(self, task: Task) -> Path | Remote:
        """Where a chunk lies."""
        return self.folder / f"{task.name}.npz"

    def receipt(self, task: Task) -> Path | Remote:
        """Where its receipt lies."""
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
            except OSError:  # without its receipt nobody would know that the chunk is ours
                for half in (path, receipt):
                    with suppress(OSError):
                        half.unlink(missing_ok=True)
                raise
        else:
            content = packed(arrays)
            path.write_bytes(content)
            receipt.write_bytes(self._receipt(task, len(content), hashlib.sha256(content).hexdigest()))

    def _receipt(self, task: Task, size: int, sha256: str) -> bytes:
        said = {"run": self.run, "words": self.words, "chunk": [*task.variants, *task.replicates], "bytes": size, "sha256": sha256}
        return (json.dumps(said) + "\n").encode()

    def content(self, task: Task) -> bytes | None:
        """The bytes of a chunk, or None where it is not there as its receipt says."""
        interrupts.check()
        try:
            said = json.loads(self.receipt(task).read_bytes())
            if self.path(task).stat().st_size != said["bytes"]:
                return None
            content = self.path(task).read_bytes()
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        own = json.loads(self._receipt(task, len(content), hashlib.sha256(content).hexdigest()))
        return content if said == own else None

    def sha256(self, task: Task) -> str:
        """The hash that the receipt of a chunk says; empty where there is none."""
        try:
            return str(json.loads(self.receipt(task).read_bytes())["sha256"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ""

    def has(self, task: Task) -> bool:
        """Whether a chunk is there, whole and as it was written."""
        return self.content(task) is not None

    def looks_whole(self, task: Task) -> bool:
        """Whether a chunk is as long as its receipt says; it is not read."""
        try:
            return self.path(task).stat().st_size == json.loads(self.receipt(task).read_bytes())["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def get(self, task: Task, forms: Mapping[str, Form] | None = None) -> dict[str, Array]:
        """The arrays of a chunk, which have the forms that its run says where they are given.

        Raises
        ------
        DamageError
            Where the chunk is not there, not as it was written, or not of this run.
        """
        content = self.content(task)
        if content is None:
            there = self.path(task).exists()
            said = "is not as it was written" if there else "is missing"
            raise DamageError(str(self.path(task)), said, "the command that made the folder, which makes it again")
        try:
            return unpacked(content, forms)
        except (ValueError, OSError, KeyError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
            raise DamageError(str(self.path(task)), f"cannot be read: {error}", "a chunk as it was written") from None

    def begun(self) -> bool:
        """Whether some chunk of this run has a receipt, whatever the run was cut into."""
        return any(_said_run(path) == self.run for path in self.folder.glob("v*-r*.json"))

    def sweep(self, cut: Sequence[Task] | None = None) -> None:
        """Remove what stopped writers left: drafts, and where it is said how the run is cut, chunks of it cut otherwise."""
        if isinstance(self.folder, Remote):  # an object is there whole or not at all, and its place is this run's alone
            return
        wanted = {path for task in cut for path in (self.path(task), self.receipt(task))} if cut is not None else set[Any]()
        for path in self.folder.glob("*v*-r*"):
            if DRAFT.fullmatch(path.name):
                path.unlink(missing_ok=True)
            elif cut is not None and path not in wanted and OURS.fullmatch(path.name) and self._made(path):
                path.with_suffix(".npz").unlink(missing_ok=True)
                path.with_suffix(".json").unlink(missing_ok=True)

    def _made(self, path: Path) -> bool:
        """Whether a chunk is of this run, and not somebody's of a like name."""
        return _said_run(path.with_suffix(".json")) == self.run


def _said_run(receipt: Path | Remote) -> object:
    try:
        return json.loads(receipt.read_bytes())["run"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
