"""The chunks of a run as files: each is there whole or not at all, and read only where it is what was written.

A chunk is an `.npz` of plain arrays (`sim.packing`); beside it stands a receipt with its size and SHA-256, and with the hashes of
the settings that made it and of the words that label it. Whoever stops between the two has not written the chunk. A chunk lies in
the results folder or behind an fsspec URL. One process at a time holds the folder, or several that compute parts.
"""

import hashlib
import json
import os
import re
import secrets
import socket
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from sim import stopping
from sim.arrays import Array
from sim.chunks import Task
from sim.packing import Form, pack, packed, unpacked
from sim.refusal import DamageError, SettingError
from sim.remote import Remote, place_of

CHUNKS, LOCK = "chunks", ".lock"
OURS = re.compile(r"v\d{6,}-r\d{9,}\.(npz|json)")
"""What files of chunks are called; whatever else lies beside them is somebody's."""
DRAFT = re.compile(r"\.[\w.-]+\.\d+\.[0-9a-f]{8}")
"""What a file is called until it is whole."""
SIGNING = 50
"""Hundredths of a second that a holder is given to sign the lock."""


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
            with _whole_file(path, sum(array.nbytes for array in arrays.values())) as file:
                written = pack(arrays, file)
            put_file(receipt, self._receipt(task, written.bytes, written.hash.hexdigest()))
        else:
            content = packed(arrays)
            path.write_bytes(content)
            receipt.write_bytes(self._receipt(task, len(content), hashlib.sha256(content).hexdigest()))

    def _receipt(self, task: Task, size: int, sha256: str) -> bytes:
        said = {"run": self.run, "words": self.words, "chunk": [*task.variants, *task.replicates], "bytes": size, "sha256": sha256}
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
