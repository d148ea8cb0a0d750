"""A file behind an fsspec URL (`s3://`, `gs://`, `memory://` ...), with as much of a path as a store of chunks needs."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sim.errors import RoomError, SettingError

KEY = "engine.chunks"
EXTRA = "pip install 'regional-influence[dask]'"
LOCAL = "file://"


@dataclass(frozen=True)
class Remote:
    """A place behind a URL. It travels to workers as text; each process opens the file system by itself."""

    url: str

    def __str__(self) -> str:
        """The URL."""
        return self.url

    def __truediv__(self, name: str) -> "Remote":
        """A place below this one."""
        return Remote(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.url.rpartition("/")[2]

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, str]]:
        """The file system, and what the place is called there; what goes wrong there is one refusal, but for what is not there."""
        try:
            core: Any = importlib.import_module("fsspec.core")
        except ImportError:
            raise SettingError(KEY, "needs fsspec, which is not installed", EXTRA) from None
        try:
            opened = core.url_to_fs(self.url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise SettingError(KEY, f"{self.url} cannot be opened: {error}", "a URL that fsspec reads") from None
        try:
            yield opened
        except FileNotFoundError:
            raise
        except Exception as error:  # each kind of file system has errors of its own
            said = f"{self.url} does not answer: {' '.join(str(error).split()) or type(error).__name__}"
            raise RoomError(KEY, said, "a place that can be read and written; the same command goes on") from None

    def read_bytes(self) -> bytes:
        """What is there."""
        with self._opened() as (system, path):
            return system.cat_file(path)

    def write_bytes(self, content: bytes) -> None:
        """Write all of it; object stores show it whole or not at all."""
        with self._opened() as (system, path):
            system.pipe_file(path, content)

    def stat(self) -> SimpleNamespace:
        """Its size, as `st_size`."""
        with self._opened() as (system, path):
            return SimpleNamespace(st_size=system.size(path))

    def exists(self) -> bool:
        """Whether anything is there."""
        with self._opened() as (system, path):
            return system.exists(path)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove it."""
        with self._opened() as (system, path):
            try:
                system.rm_file(path)
            except FileNotFoundError:
                if not missing_ok:
                    raise

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Make the folder where the file system has folders."""
        with self._opened() as (system, path):
            system.makedirs(path, exist_ok=exist_ok)

    def glob(self, pattern: str) -> Iterator["Remote"]:
        """The places below that a pattern names."""
        with self._opened() as (system, path):
            for found in system.glob(f"{path}/{pattern}"):
                yield self / str(found).rpartition("/")[2]


def place_of(url: str) -> Path | Remote:
    """The folder behind a URL: a path of this machine where it is one, so that files are put into place as local ones are."""
    return Path(url.removeprefix(LOCAL)) if url.startswith(LOCAL) else Remote(url.rstrip("/"))
