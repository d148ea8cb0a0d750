"""Atomic writing of files: a file is there completely or not at all, also after a power cut."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

DRAFT = re.compile(r"\.[\w.-]+\.\d+\.[0-9a-f]{8}")
"""The name of a file while it is being written."""


def put_file(path: Path, content: bytes, new: bool = False) -> None:
    """Write a file atomically, also with respect to power cuts; with `new`, an existing file is left as it is.

    Raises
    ------
    OSError
        If it cannot be written, with its path and the number of bytes that it needs.
    """
    with whole_file(path, len(content), new) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path, needed: int, new: bool = False) -> Iterator[IO[bytes]]:
    """A context with a temporary file that is moved to `path` at its end; `needed` is the size in bytes for error messages."""
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
    """Flush files, or the entries of folders, to the disk, so that a power cut does not lose them.

    Raises
    ------
    OSError
        If one cannot be flushed, with its path.
    """
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            raise _at(path, error) from None
        finally:
            os.close(handle)


def move(path: Path, target: Path) -> None:
    """Move a file to its final path; errors as of `sync`."""
    try:
        path.replace(target)
    except OSError as error:
        raise _at(target, error) from None


def _at(path: Path, error: OSError) -> OSError:
    """The same error with the path: errors of open files come without one."""
    return OSError(error.errno, error.strerror or str(error), str(path))
