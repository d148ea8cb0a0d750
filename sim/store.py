"""The chunks of a run as files: each is there whole or not at all, and read only where it is what was written.

A chunk is an `.npz` of plain arrays; beside it stands a receipt with its size and SHA-256. Whoever stops between the two has not
written the chunk. A chunk lies in the
results folder or behind an fsspec URL. One process at a time holds the folder, or several that compute parts.
"""

import hashlib
import io
import json
import os
import secrets
import socket
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from sim import stopping
from sim.arrays import Array
from sim.chunks import Task
from sim.refusal import DamageError, SettingError
from sim.remote import Remote, place_of

CHUNKS, LOCK = "chunks", ".lock"
SIGNING = 50
"""Hundredths of a second that a holder is given to sign the lock."""
HEADER_BYTES = 10_000
"""More than the header of an array in a chunk ever takes."""


def put_file(path: Path, content: bytes, new: bool = False) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut; `new` leaves one that is there as it is.

    Raises
    ------
    OSError
        Where it cannot be written, with its path and the bytes that it needs.
    """
    with _whole_file(path, len(content), new) as file:
        file.write(content)


@contextmanager
def _whole_file(path: Path, needed: int, new: bool = False) -> Iterator[IO[bytes]]:
    """A file that takes its place when the context ends; `needed` is said where it cannot."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if new:
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        else:
            draft.replace(path)
        sync(path.parent)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, f"{error.strerror or error} ({needed:,} bytes needed)", str(path)) from None
        raise


def sync(*paths: Path) -> None:
    """Bring files, or what folders list, to the disk, so that a power cut does not take them."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class _Written:
    """What is written to a file, counted and hashed on its way, so that a chunk never stands in memory a second time."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.bytes, self.hash = file, 0, hashlib.sha256()

    def write(self, content: bytes) -> int:
        """Write it."""
        self.bytes += len(content)
        self.hash.update(content)
        return self.file.write(content)

    def flush(self) -> None:
        """Nothing: the file is flushed where it ends."""


class Store:
    """The chunks of the run whose settings have the hash `run`: in its results folder, or behind the URL `place`."""

    def __init__(self, folder: Path, run: str, place: str = "") -> None:
        self.folder, self.run = place_of(place) if place else folder / CHUNKS, run

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
            with _whole_file(path, sum(array.nbytes for array in arrays.values())) as file:
                written = _pack(arrays, file)
            put_file(receipt, self._receipt(task, written.bytes, written.hash.hexdigest()))
        else:
            content = packed(arrays)
            path.write_bytes(content)
            receipt.write_bytes(self._receipt(task, len(content), hashlib.sha256(content).hexdigest()))

    def _receipt(self, task: Task, size: int, sha256: str) -> bytes:
        said = {"run": self.run, "chunk": [*task.variants, *task.replicates], "bytes": size, "sha256": sha256}
        return (json.dumps(said) + "\n").encode()

    def content(self, task: Task) -> bytes | None:
        """The bytes of a chunk, or None where it is not there as its receipt says."""
        stopping.check()
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

    def get(self, task: Task) -> dict[str, Array]:
        """The arrays of a chunk.

        Raises
        ------
        DamageError
            Where the chunk is not there, or not as it was written.
        """
        content = self.content(task)
        if content is None:
            there = self.path(task).exists()
            said = "is not as it was written" if there else "is missing"
            raise DamageError(str(self.path(task)), said, "the command that made the folder, which makes it again")
        try:
            return unpacked(content)
        except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
            raise DamageError(str(self.path(task)), f"cannot be read: {error}", "a chunk as it was written") from None

    def begun(self) -> bool:
        """Whether some chunk of this run has a receipt, whatever the run was cut into."""
        return any(_said_run(path) == self.run for path in self.folder.glob("v*-r*.json"))

    def sweep(self, cut: Sequence[Task] | None = None) -> None:
        """Remove what stopped writers left: drafts, and where it is said how the run is cut, chunks of it cut otherwise."""
        if isinstance(self.folder, Remote):  # an object is there whole or not at all, and its place is this run's alone
            return
        for draft in self.folder.glob(".v*-r*.*"):
            draft.unlink(missing_ok=True)
        if cut is not None:
            wanted = {path for task in cut for path in (self.path(task), self.receipt(task))}
            for path in set(self.folder.glob("v*-r*.*")) - wanted:
                path.unlink(missing_ok=True)


def _said_run(receipt: Path | Remote) -> object:
    try:
        return json.loads(receipt.read_bytes())["run"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def packed(arrays: Mapping[str, Array]) -> bytes:
    """Arrays as the bytes of an `.npz`, the same for the same arrays."""
    room = io.BytesIO()
    _pack(arrays, room)
    return room.getvalue()


def _pack(arrays: Mapping[str, Array], file: IO[bytes]) -> _Written:
    """Write arrays as an `.npz` in one go, never turning back."""
    written: Any = _Written(file)
    with zipfile.ZipFile(written, "w") as parts:
        for name, array in arrays.items():
            with parts.open(f"{name}.npy", "w", force_zip64=True) as part:
                np.lib.format.write_array(part, array, allow_pickle=False)
    return written


def unpacked(content: bytes) -> dict[str, Array]:
    """The arrays of an `.npz`: plain numbers only, and none that claims more bytes than are there."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        for part in parts.infolist():
            if part.compress_type != zipfile.ZIP_STORED or part.file_size > len(content):
                raise ValueError(f"{part.filename} is packed otherwise")
            with parts.open(part) as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(file)
            size = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if dtype.kind not in "fi" or not part.file_size - HEADER_BYTES <= size <= part.file_size:
                raise ValueError(f"{part.filename} claims what it does not hold")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    return found


def hold(folder: Path, together: bool = False) -> AbstractContextManager[None]:
    """Hold a folder against other processes until the context ends; a holder that dies lets go.

    Those that hold it `together` do not exclude each other.

    Raises
    ------
    SettingError
        Where another process holds it.
    """
    import fcntl

    path = folder / LOCK
    while True:
        file = path.open("a+")
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if together else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(file)
            file.close()
            raise SettingError("out", f"{owner} is writing it", "wait for it, or another folder", where=f"out={folder}") from None
        with suppress(FileNotFoundError):
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                break
        file.close()
    file.truncate(0)
    if not together:
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
    return _let_go(path, file, together)


def _owner(file: IO[str]) -> str:
    """Who holds a folder; one that has just taken it is given a moment to sign."""
    for _ in range(SIGNING):
        file.seek(0)
        signed = file.read(200).strip()
        if signed:
            return signed
        time.sleep(0.01)
    return "another process"


def holder(folder: Path) -> str:
    """Who holds a folder, or nothing."""
    import fcntl

    with suppress(FileNotFoundError), (folder / LOCK).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read(200).strip() or "another process"
    return ""


@contextmanager
def _let_go(path: Path, file: IO[str], together: bool) -> Iterator[None]:
    try:
        yield
    finally:
        if not together:
            path.unlink(missing_ok=True)
        file.close()
