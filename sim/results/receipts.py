"""The receipt of a results folder, `complete.json`: that it is whole, and which tables and figures are ours, with size and hash.

What no receipt lists is somebody's, and is never replaced or removed. Before files are put into their places the receipt lists them
in `incomplete.json`, which becomes `complete.json` when all is there: whoever stops between the two knows again what is ours.
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
"""What the table of tables and figures is called in a receipt."""
DRAFT = ".draft"
OURS = re.compile(rf"\{DRAFT}\.\d+\.[0-9a-f]{{8}}")
"""What a draft is called that somebody left who was stopped."""
PLACE = re.compile(r"([^/\\\x00]+/)?[^/\\\x00]+")
"""Where a file of ours lies in its folder: at the top, or one folder below."""
FIXED = ("config.yaml", "summary.csv", "draws.csv", "final.csv", "jobs.csv")
"""What is taken for ours where somebody has removed the receipt; where it is damaged, all that its run makes is."""
Entry = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    """What a receipt says; nothing where it cannot be read."""
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    good = isinstance(said, dict) and all(isinstance(said.get(name, {}), dict) for name in ("chunks", LISTED))
    return said if good else {}


def listed(folder: Path) -> dict[str, Entry]:
    """The tables and figures that a folder's receipt lists as ours, by their place in it."""
    found = next((said[LISTED] for said in (read(folder / name) for name in (FILES, COMPLETE)) if LISTED in said), {})
    return {
        name: entry
        for name, entry in found.items()
        if PLACE.fullmatch(name) and not {".", ".."} & {*name.split("/")} and isinstance(entry, dict)
    }


def wrong(folder: Path, needed: Sequence[str] = ()) -> dict[str, str]:
    """What is not there as the receipt lists it, and in what way; `needed` are files that it must list."""
    there = listed(folder)
    found = {name: "is not listed" for name in needed if name not in there}
    for name, entry in there.items():
        path = folder / name
        if not _is_plain(folder, name):
            found[name] = "is missing" if not os.path.lexists(path) else "is no file of ours"
        elif path.stat().st_size != entry.get("bytes") or entry_of(path) != entry:
            found[name] = "has changed"
    return found


def told(found: Mapping[str, str], most: int = 4) -> str:
    """What is wrong with some files, in words."""
    shown = "; ".join(f"{name} {how}" for name, how in list(found.items())[:most])
    return shown + (f" and {len(found) - most} more" if len(found) > most else "")


def entry_of(path: Path) -> Entry:
    """What a receipt says of a file."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _is_plain(folder: Path, name: str) -> bool:
    """Whether a file lies in the folder itself, and not behind a link."""
    path = folder / name
    return path.is_file() and not path.is_symlink() and (path.parent == folder or not path.parent.is_symlink())


# Written --------------------------------------------------------------------------------------------------------------------


@contextmanager
def drafted(folder: Path, within: str = "") -> Iterator[Path]:
    """A draft inside a folder whose files take their places when all are written; of ours, others `within` a part of it go.

    Raises
    ------
    SettingError
        Where somebody's file stands in the place of one of them; nothing is changed then.
    """
    sweep(folder)
    draft = folder / f"{DRAFT}.{os.getpid()}.{secrets.token_hex(4)}"
    draft.mkdir()
    try:
        yield draft
        sync(*draft.rglob("*"))
        _place(folder, draft, within)
    except OSError as error:  # those of open files do not say where
        raise OSError(error.errno, error.strerror or str(error), error.filename or f"{folder} (tables and figures)") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove drafts that somebody left who was stopped."""
    for path in folder.glob(f"{DRAFT}.*"):
        if OURS.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def _place(folder: Path, draft: Path, within: str) -> None:
    """Put the files of a draft into their places, listed before the first is touched."""
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
    """Refuse a place where somebody's file stands, unless it is the very same."""
    path = folder / name
    linked = path.parent != folder and (path.parent.is_symlink() or (path.parent.exists() and not path.parent.is_dir()))
    receipts = [folder / receipt for receipt in (FILES, COMPLETE) if (folder / receipt).exists()]
    lost = not any(read(receipt) for receipt in receipts) and (name in FIXED or bool(receipts))
    same = _is_plain(folder, name) and (name in there or lost or entry_of(path) == entry)
    if linked or (os.path.lexists(path) and not same):
        wrong = "stands where a file of this run goes, and is none of its own; nothing of yours was changed"
        raise SettingError(str(path.parent if linked else path), wrong, "another place for it; then the same command goes on")


def remove(folder: Path, name: str) -> None:
    """Remove a file of ours, and the folder that it lay in where nothing else does."""
    path = folder / name
    if _is_plain(folder, name):
        path.unlink()
        if path.parent != folder:
            with suppress(OSError):
                path.parent.rmdir()


def drop(folder: Path, names: Sequence[str]) -> None:
    """Remove files of ours from a folder that is not whole any more; what stands in their places later is somebody's."""
    for name in names:
        remove(folder, name)
    if names:
        put_file(folder / FILES, _text({LISTED: {name: entry for name, entry in listed(folder).items() if name not in names}}))


def _text(said: Mapping[str, Any]) -> bytes:
    return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()


def close(folder: Path, said: Mapping[str, Any], files: Mapping[str, Entry] | None = None) -> None:
    """Say that a folder is whole, what is `said` of its chunks, and which files are ours: those listed, unless they are given."""
    content = _text({**said, LISTED: listed(folder) if files is None else files})
    path = folder / FILES
    if not path.is_file() or path.read_bytes() != content:
        put_file(path, content)
    move(path, folder / COMPLETE)
    sync(folder)


def begin(folder: Path) -> None:
    """Say of a new folder that none of its files is ours yet."""
    if not (folder / COMPLETE).exists():
        put_file(folder / FILES, _text({LISTED: {}}), new=True)


def reopen(folder: Path) -> None:
    """Say of a folder that it is not whole; which files are ours is known on."""
    with suppress(FileNotFoundError):
        move(folder / COMPLETE, folder / FILES)


def everything(folder: Path, but: Sequence[str] = ()) -> dict[str, Entry]:
    """What a receipt says of all files of a new folder, but for its words and the sign of who writes it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != LOCK)
    return {str(path.relative_to(folder)): entry_of(path) for path in files if str(path.relative_to(folder)) not in but}
