"""Where a run may write, read from or connect to: places given on the command line only, never in a config file."""

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sim.errors import SettingError

OUT, ENGINE = "out", "engine"
ENGINE_PLACES = ("chunks", "cluster", "part")
COMMAND_ONLY = (OUT, *(f"{ENGINE}.{name}" for name in ENGINE_PLACES))
"""Settings for where a run writes and connects to, and which part it computes: accepted on the command line only."""
NAME_BYTES, PATH_BYTES = 200, 3000
"""Most bytes of a name and of a path: fewer than file systems allow, so that longer temporary names fit."""
LOCAL = "file://"
OWN = re.compile(r"[0-9a-f]{16}")
"""The last part of a place of chunks: the hash of the run that wrote them."""
WATCHED = ("", "chunks", "figures", "batches")
"""The folders of a results folder in which files are read, written and removed."""


# Config files ---------------------------------------------------------------------------------------------------------------


def demand_none_in(content: Mapping[str, Any], group: str, whole: bool, file: Path) -> None:
    """Refuse a user's file that sets a place; `whole` is true where its settings are those of the whole run (`_global_`)."""
    engine = content.get(ENGINE) if whole else content if group == ENGINE else {}
    given = {f"{ENGINE}.{name}": engine[name] for name in ENGINE_PLACES if name in engine} if isinstance(engine, Mapping) else {}
    if whole and OUT in content:
        given[OUT] = content[OUT]
    for key, value in given.items():
        if value != "":
            raise SettingError(key, "is not set by a file", f"{key}=... on the command line", where=str(file))


def demand_no_place(path: Sequence[str], file: Path) -> None:
    """Refuse an axis of a study's file that sets where a run writes, or which engine computes it."""
    key = ".".join(path)
    if key in (*COMMAND_ONLY, ENGINE):
        raise SettingError(f"study.axes.{key}", "is not set by a file", f"{key}=... on the command line", where=str(file))


def is_place(override: str) -> bool:
    """Whether an override sets where a run writes or connects to."""
    return override.lstrip("+~").partition("=")[0].strip() in COMMAND_ONLY


# Paths on the command line --------------------------------------------------------------------------------------------------


def demand_new(key: str, text: str) -> None:
    """Refuse a path to write to that would mean another path on another system, or that `demand_path` refuses."""
    demand_path(key, text)
    if "\\" in text and os.sep == "/":
        raise SettingError(key, f"{text!r} has a backslash", "a path with / between folders")


def demand_path(key: str, text: str) -> None:
    """Refuse a path that is too long for file systems or contains invisible characters."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise SettingError(key, f"{text!r} is not text in UTF-8", "a path in plain letters") from None
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in text):
        raise SettingError(key, f"{text!r} contains invisible characters", "a path without control characters")
    if len(encoded) > PATH_BYTES or any(len(name) > NAME_BYTES for name in encoded.split(b"/")):
        longest = max(map(len, encoded.split(b"/")))
        wrong = f"has a name of {longest} bytes" if longest > NAME_BYTES else f"has {len(encoded)} bytes"
        raise SettingError(key, wrong, f"names of at most {NAME_BYTES} bytes, a path of at most {PATH_BYTES}")


# Results folders ------------------------------------------------------------------------------------------------------------

ANY = "*"
"""Every place is trusted."""
_trusted: ContextVar[frozenset[str]] = ContextVar("trusted", default=frozenset())


@contextmanager
def trusting(*named: str) -> Iterator[None]:
    """Within a `with` block, accept results whose chunks are below the places that the command line names; `ANY`: anywhere."""
    before = _trusted.set(_trusted.get() | {place.rstrip("/") for place in named if place})
    try:
        yield
    finally:
        _trusted.reset(before)


def demand_trusted(folder: Path, place: object) -> None:
    """Refuse results whose chunks are outside their folder, unless the command line names that place or trusts any."""
    if not place or ANY in _trusted.get():
        return
    text = str(place)
    parent, _, own = text.rpartition("/")
    if OWN.fullmatch(own) and parent in _trusted.get():
        return
    if text.startswith(LOCAL) and _is_inside(Path(text.removeprefix(LOCAL)), folder):
        return
    wrong = f"its chunks lie outside it, at {text!r}"
    known = "--trust-place (in Python trust_place=True), if you trust its origin; a run is continued with its own engine.chunks="
    raise SettingError(str(folder), wrong, known)


def demand_inside(folder: Path) -> None:
    """Refuse a results folder with links that lead out of it or special files, unless any place is trusted."""
    if ANY in _trusted.get():
        return
    for name in WATCHED:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder / name) as entries:
            for entry in entries:
                if entry.is_symlink() and not _is_inside(Path(entry.path), folder):
                    raise SettingError(entry.path, "leads out of the folder of results", "--trust-place, if the folder is yours")
                if not entry.is_file() and not entry.is_dir() and not entry.is_symlink():
                    raise SettingError(entry.path, "is not a plain file", "a folder of results as it was written")


def demand_names(folder: Path, names: object) -> None:
    """Refuse names of subfolders that lead out of a folder."""
    for name in names if isinstance(names, list | Mapping) else [names]:
        if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or "\0" in name:
            raise SettingError(str(folder), f"names a folder {name!r}", "names of folders inside it")


def demand_beside(folder: Path, way: object, allowed: str) -> None:
    """Refuse a relative path to what jobs share that has an unexpected form, or leads out of the folder of all jobs."""
    root = Path(os.path.realpath(folder)).parent
    if not isinstance(way, str) or not re.fullmatch(allowed, way) or not _is_inside(folder / way, root):
        wrong = f"has its data in {way!r}, outside the folder of its jobs"
        raise SettingError(str(folder), wrong, "a job as it was written")


def _is_inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
