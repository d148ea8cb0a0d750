"""Files that are there whole or not at all, also after a power cut."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

DRAFT = re.compile(r"\.[\w.-]+\.\d+\.[0-9a-f]{8}")
"""What a file is called until it is whole."""


def put_file(path: Path, content: bytes, new: bool = False) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut; `new` leaves one that is there as it is.

    Raises
    ------
    OSError
        Where it cannot be written, with its path and the bytes that it needs.
    """
    with whole_file(path, len(content), new) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path, needed: int, new: bool = False) -> Iterator[IO[bytes]]:
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
    """Bring files, or what folders list, to the disk, so that a power cut does not take them.

    Raises
    ------
    OSError
        Where one cannot be, with its path.
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
    """Let a file take its place; errors as of `sync`."""
    try:
        path.replace(target)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _at(target, error) from None


def _at(path: Path, error: OSError) -> OSError:
    """The same error with the place at which it struck: what the system says of open files has none."""
    return OSError(error.errno, error.strerror or str(error), str(path))
