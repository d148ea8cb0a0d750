"""The receipt of a complete results folder, `complete.json`: the tables and figures that this program wrote, with size and hash.

Files that no receipt lists belong to somebody else, and are never replaced or removed. Before files are moved to their final paths
they are listed in `incomplete.json`, which becomes `complete.json` when all are there: so a later process knows them too.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sim.errors import SettingError
from sim.results.atomic import move, put_file, sync
from sim.results.locks import LOCK

COMPLETE, FILES = "complete.json", "incomplete.json"
LISTED = "files"
"""The key of the tables and figures in a receipt."""
DRAFT = ".draft"
OURS = re.compile(rf"\{DRAFT}\.\d+\.[0-9a-f]{{8}}")
"""The name of a draft folder, which may be left by a process that was stopped."""
PLACE = re.compile(r"([^/\\\x00]+/)?[^/\\\x00]+")
"""The path of a listed file in its folder: at the top, or one folder below."""
FIXED = ("config.yaml", "summary.csv", "draws.csv", "final.csv", "jobs.csv")
"""Files that are taken for ours if the receipt was removed; if it is damaged, all files that the run makes are."""
Entry = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    """The content of a receipt; empty if it cannot be read."""
    try:
        receipt = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    good = isinstance(receipt, dict) and all(isinstance(receipt.get(name, {}), dict) for name in ("chunks", LISTED))
    return receipt if good else {}


def listed(folder: Path) -> dict[str, Entry]:
    """The tables and figures that a folder's receipt lists, by their path in the folder."""
    found = next((receipt[LISTED] for receipt in (read(folder / name) for name in (FILES, COMPLETE)) if LISTED in receipt), {})
    return {
        name: entry
        for name, entry in found.items()
        if PLACE.fullmatch(name) and not {".", ".."} & {*name.split("/")} and isinstance(entry, dict)
    }


def wrong(folder: Path, needed: Sequence[str] = ()) -> dict[str, str]:
    """The files that differ from the receipt, each with what is wrong; `needed` are files that it must list."""
    there = listed(folder)
    found = {name: "is not listed" for name in needed if name not in there}
    for name, entry in there.items():
        path = folder / name
        if not _is_plain(folder, name):
            found[name] = "is missing" if not os.path.lexists(path) else "is no plain file of this folder"
        elif path.stat().st_size != entry.get("bytes") or entry_of(path) != entry:
            found[name] = "has changed"
    return found


def described(found: Mapping[str, str], most: int = 4) -> str:
    """What is wrong with some files, as text for a message."""
    shown = "; ".join(f"{name} {how}" for name, how in list(found.items())[:most])
    return shown + (f" and {len(found) - most} more" if len(found) > most else "")


def entry_of(path: Path) -> Entry:
    """The entry of a file in a receipt: its size and hash."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _is_plain(folder: Path, name: str) -> bool:
    """Whether a path is a file of the folder itself, and not behind a link."""
    path = folder / name
    return path.is_file() and not path.is_symlink() and (path.parent == folder or not path.parent.is_symlink())


# Written --------------------------------------------------------------------------------------------------------------------


@contextmanager
def drafted(folder: Path, within: str = "") -> Iterator[Path]:
    """A context with a draft folder inside a results folder; at its end the files of the draft move into the results folder.

    Files that the receipt lists, whose path begins with `within` and which the draft does not have, are removed.

    Raises
    ------
    SettingError
        If a file of somebody else is in the way; then nothing is changed.
    """
    sweep(folder)
    draft = folder / f"{DRAFT}.{os.getpid()}.{secrets.token_hex(4)}"
    draft.mkdir()
    try:
        yield draft
        sync(*draft.rglob("*"))
        _place(folder, draft, within)
    except OSError as error:  # errors of open files come without a path
        raise OSError(error.errno, error.strerror or str(error), error.filename or f"{folder} (tables and figures)") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove drafts of processes that were stopped."""
    for path in folder.glob(f"{DRAFT}.*"):
        if OURS.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def _place(folder: Path, draft: Path, within: str) -> None:
    """Move the files of a draft to their final paths; the receipt lists them before the first is moved."""
    there = listed(folder)
    new = {str(path.relative_to(draft)): entry_of(path) for path in sorted(draft.rglob("*")) if path.is_file()}
    for name, entry in new.items():
        _demand_ours(folder, name, entry, there)
    old = {name: entry for name, entry in there.items() if name.startswith(within) and name not in new}
    rest = {name: entry for name, entry in there.items() if not name.startswith(within) and name not in new}
    if there != rest | new:
        put_file(folder / FILES, _text(read(folder / COMPLETE) | {LISTED: old | rest | new}))
    for name in old:
        remove(folder, name)
    moved = [name for name, entry in new.items() if not _is_plain(folder, name) or entry_of(folder / name) != entry]
    for name in moved:
        (folder / name).parent.mkdir(exist_ok=True)
        move(draft / name, folder / name)
    if old:
        put_file(folder / FILES, _text(read(folder / COMPLETE) | {LISTED: rest | new}))
    sync(*{(folder / name).parent for name in moved}, folder)


def _demand_ours(folder: Path, name: str, entry: Entry, there: Mapping[str, Entry]) -> None:
    """Raise `SettingError` if a file of somebody else is at this path, unless it has the same content."""
    path = folder / name
    linked = path.parent != folder and (path.parent.is_symlink() or (path.parent.exists() and not path.parent.is_dir()))
    receipts = [folder / receipt for receipt in (FILES, COMPLETE) if (folder / receipt).exists()]
    lost = not any(read(receipt) for receipt in receipts) and (name in FIXED or bool(receipts))
    same = _is_plain(folder, name) and (name in there or lost or entry_of(path) == entry)
    if linked or (os.path.lexists(path) and not same):
        wrong = "is at the path of a file of this run, but was not written by it; nothing of yours was changed"
        raise SettingError(str(path.parent if linked else path), wrong, "another place for it; then the same command continues")


def remove(folder: Path, name: str) -> None:
    """Remove a listed file, and the folder that it was in if that is empty then."""
    path = folder / name
    if _is_plain(folder, name):
        path.unlink()
        if path.parent != folder:
            with suppress(OSError):
                path.parent.rmdir()


def drop(folder: Path, names: Sequence[str]) -> None:
    """Remove listed files from an incomplete folder and its receipt; later files at their paths count as somebody else's."""
    for name in names:
        remove(folder, name)
    if names:
        put_file(folder / FILES, _text({LISTED: {name: entry for name, entry in listed(folder).items() if name not in names}}))


def _text(receipt: Mapping[str, Any]) -> bytes:
    return (json.dumps(receipt, indent=1, ensure_ascii=False) + "\n").encode()


def close(folder: Path, run: Mapping[str, Any], files: Mapping[str, Entry] | None = None) -> None:
    """Write the receipt of a complete folder: the entries `run` about its chunks, and its `files` (by default those listed)."""
    content = _text({**run, LISTED: listed(folder) if files is None else files})
    path = folder / FILES
    if not path.is_file() or path.read_bytes() != content:
        put_file(path, content)
    move(path, folder / COMPLETE)
    sync(folder)


def begin(folder: Path) -> None:
    """Write the receipt of a new folder, which lists no files yet."""
    if not (folder / COMPLETE).exists():
        put_file(folder / FILES, _text({LISTED: {}}), new=True)


def reopen(folder: Path) -> None:
    """Mark a folder as incomplete; its list of files stays."""
    with suppress(FileNotFoundError):
        move(folder / COMPLETE, folder / FILES)


def everything(folder: Path, but: Sequence[str] = ()) -> dict[str, Entry]:
    """The entries of all files of a new folder, except those in `but` and the lock."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != LOCK)
    return {str(path.relative_to(folder)): entry_of(path) for path in files if str(path.relative_to(folder)) not in but}
