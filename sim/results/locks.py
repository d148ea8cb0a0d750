"""The lock of a results folder: held by one process, or shared by several that compute parts of one run."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

from sim.errors import SettingError

LOCK = ".lock"
SIGNING = 50
"""Hundredths of a second to wait until the owner has written its name into the lock."""


def hold(folder: Path, together: bool = False) -> AbstractContextManager[None]:
    """Lock a folder against other processes until the context ends; the lock of a process that dies is released.

    Processes that lock it `together` do not exclude each other.

    Raises
    ------
    SettingError
        If another process has locked it.
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
    return _released(path, file, together)


def _owner(file: IO[str]) -> str:
    """The owner of a lock; a process that has just taken it gets a moment to write its name."""
    for _ in range(SIGNING):
        file.seek(0)
        signed = file.read(200).strip()
        if signed:
            return signed
        time.sleep(0.01)
    return "another process"


def holder(folder: Path) -> str:
    """The process that has locked a folder; an empty text if none has."""
    import fcntl

    with suppress(FileNotFoundError), (folder / LOCK).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read(200).strip() or "another process"
    return ""


@contextmanager
def _released(path: Path, file: IO[str], together: bool) -> Iterator[None]:
    try:
        yield
    finally:
        if not together:
            path.unlink(missing_ok=True)
        file.close()
