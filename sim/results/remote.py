"""A file behind an fsspec URL (`s3://`, `gs://`, `memory://` ...), with those methods of a path that the store of chunks needs."""

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
    """A place behind a URL. It is sent to workers as text; each process opens the file system itself."""

    url: str

    def __str__(self) -> str:
        """The URL."""
        return self.url

    def __truediv__(self, name: str) -> "Remote":
        """A place below this one."""
        return Remote(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """The last component of the URL."""
        return self.url.rpartition("/")[2]

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, str]]:
        """The file system and the path in it; errors become `RoomError` or `SettingError`, except `FileNotFoundError`."""
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
            wrong = f"{self.url} cannot be used: {' '.join(str(error).split()) or type(error).__name__}"
            raise RoomError(KEY, wrong, "a place that can be read and written; then the same command continues") from None

    def read_bytes(self) -> bytes:
        """The content of the file."""
        with self._opened() as (system, path):
            return system.cat_file(path)

    def write_bytes(self, content: bytes) -> None:
        """Write the whole file; object stores do this atomically."""
        with self._opened() as (system, path):
            system.pipe_file(path, content)

    def stat(self) -> SimpleNamespace:
        """The size of the file, as `st_size`."""
        with self._opened() as (system, path):
            return SimpleNamespace(st_size=system.size(path))

    def exists(self) -> bool:
        """Whether the file or folder exists."""
        with self._opened() as (system, path):
            return system.exists(path)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file."""
        with self._opened() as (system, path):
            try:
                system.rm_file(path)
            except FileNotFoundError:
                if not missing_ok:
                    raise

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Make the folder, if the file system has folders."""
        with self._opened() as (system, path):
            system.makedirs(path, exist_ok=exist_ok)

    def glob(self, pattern: str) -> Iterator["Remote"]:
        """The places below this one that match a pattern."""
        with self._opened() as (system, path):
            for found in system.glob(f"{path}/{pattern}"):
                yield self / str(found).rpartition("/")[2]


def place_of(url: str) -> Path | Remote:
    """The folder behind a URL: a local path for `file://`, so that its files are written as other local ones are."""
    return Path(url.removeprefix(LOCAL)) if url.startswith(LOCAL) else Remote(url.rstrip("/"))
