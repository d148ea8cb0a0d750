"""The life of a results folder: recognised when it is there, held while it is written, whole or gone on with, never overwritten."""

import glob
import json
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sim import interrupts
from sim.config import places
from sim.config.fingerprint import differing, fingerprint, flat_settings
from sim.errors import DamageError, RoomError, SettingError
from sim.results import manifest, receipts
from sim.results.atomic import DRAFT, sync
from sim.results.locks import LOCK, hold, holder
from sim.results.store import CHUNKS, Store

FAILURES = "failures.csv"
"""What could not be computed when a run was last tried."""
SHOWN = 4
"""Differences that a refusal shows."""


def complete(folder: Path, settings: dict[str, Any], chunks: str = "") -> bool:
    """Whether the folder holds these very results to the end, undamaged; refused where it holds others, or anything else.

    A run whose manifest is lost or damaged is known by what its chunks say. They may lie elsewhere only where `chunks`, which the
    command says, has them.
    """
    with places.trusting(chunks):
        return _complete(folder, settings)


def _complete(folder: Path, settings: dict[str, Any]) -> bool:
    said, chunks = f"out={folder}", Store(folder, fingerprint(settings))
    if not folder.exists():
        parent = next(parent for parent in folder.resolve().parents if parent.exists())
        if not parent.is_dir():
            raise SettingError("out", f"{parent} is no folder", "a folder that can be written", where=said)
        return False
    places.demand_inside(folder)
    if not (folder / manifest.MANIFEST).is_file():
        if folder.resolve() == Path.cwd():
            raise SettingError("out", "is the folder that the command is called in", "a folder inside it, or another", where=said)
        if chunks.begun() or (folder.is_dir() and all(entry.name.startswith(".") for entry in folder.iterdir())):
            return False
        if (folder / manifest.MANIFEST).is_file():  # of a part beside this one, written since it was looked for
            return _complete(folder, settings)
        raise SettingError("out", "holds something that is no results folder; nothing was changed", "a new folder", where=said)
    try:
        there = manifest.read_manifest(folder)
    except DamageError:
        if chunks.begun() and not (folder / manifest.JOB).exists():  # no run has one
            return False
        raise
    rows = differing(flat_settings(there["settings"]), flat_settings(settings))
    if not rows:
        return "chunks" not in there or manifest.is_complete(folder, there)
    shown = "; ".join(f"{key}: {_short(old)} there, {_short(new)} here" for key, old, new in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    raise SettingError(
        "out", f"holds results of other settings: {shown}{more}", "a new folder, or none for the default", where=said
    )


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) < 40 else text[:37] + "..."


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A new folder that appears under its name only when everything in it is written; else nothing is left."""
    interrupts.check()
    missing = [parent for parent in folder.parents if not parent.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        lock = hold(draft)
    except OSError as error:
        remove_empty(missing)
        raise _no_room(folder, error) from None
    try:
        with lock:
            draft.chmod(0o755)
            yield draft
            sync(*draft.rglob("*"), draft)
            if folder.is_dir():
                folder.rmdir()
            (draft / LOCK).unlink()
            draft.rename(folder)
            sync(folder.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        remove_empty(missing)
        raise


def clear_killed(parent: Path, name: str = "") -> None:
    """Remove drafts of a folder, or of all below `parent`, whose writers were killed: they are signed and nobody holds them."""
    for draft in parent.glob(f".{glob.escape(name) or '*'}.*"):
        lock = draft / LOCK
        if lock.is_file() and lock.read_bytes().startswith(b"process ") and not holder(draft):
            shutil.rmtree(draft, ignore_errors=True)


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders in which nothing is left, up to the first that is not."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


@contextmanager
def begun(folder: Path, said: dict[str, Any], together: bool = False) -> Iterator[None]:
    """A folder that this process holds and whose manifest stands; what was made for a run that kept nothing is removed again.

    Processes that hold it `together` compute parts of one run: the first writes the manifest, and none removes anything.
    """
    places.demand_inside(folder)  # a lock that leads elsewhere would be written there
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    store, kept = manifest.store_of(folder, said) if "chunks" in said else None, True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = hold(folder, together)
    except OSError as error:
        remove_empty(missing)
        raise _no_room(folder, error) from None
    try:
        with lock:
            complete(folder, said["settings"])  # another may have written it since it was looked at
            if not together:
                _sweep(folder)
                receipts.reopen(folder)
                if FAILURES in receipts.listed(folder):
                    receipts.remove(folder, FAILURES)
            try:
                if not _has_manifest(folder):
                    manifest.write_manifest(folder, said, new=together)
                    receipts.begin(folder)
                _demand_same_software(folder, said)
                yield
            except BaseException:
                if store and not together:
                    store.sweep()
                    kept = store.begun()
                elif not together:
                    kept = any(folder.glob(f"**/{CHUNKS}/*.json"))
                if not kept:
                    clear(folder, store)
                raise
    finally:
        if not kept:
            remove_empty(missing)


def _has_manifest(folder: Path) -> bool:
    try:
        return bool(manifest.read_manifest(folder))
    except SettingError:
        return False


def _no_room(folder: Path, error: OSError) -> RoomError:
    return RoomError("out", f"cannot be written: {error.strerror}; another folder, or room there", where=f"out={folder}")


def _demand_same_software(folder: Path, said: dict[str, Any]) -> None:
    """Refuse to go on with what other versions have begun: the numbers of one run are of one making."""
    there, here = (json.loads(found["attributes"]["provenance"])["versions"] for found in (manifest.read_manifest(folder), said))
    rows = differing(there, here)
    if rows:
        shown = "; ".join(f"{key} {old} there, {new} here" for key, old, new in rows)
        raise SettingError("out", f"was begun by other versions: {shown}", "those versions, or a new folder", where=f"out={folder}")


def _sweep(folder: Path) -> None:
    """Remove what writers left that were stopped: drafts of words and of a folder of tables."""
    receipts.sweep(folder)
    for name in (manifest.MANIFEST, receipts.COMPLETE, receipts.FILES):
        for draft in folder.glob(f".{name}.*"):
            if DRAFT.fullmatch(draft.name):
                draft.unlink(missing_ok=True)


def clear(folder: Path, store: Store | None) -> None:
    """Remove the words of a run that kept nothing, with what is left of its chunks and tables, and nothing of anybody else's."""
    for name in receipts.listed(folder):
        receipts.remove(folder, name)
    for name in (manifest.MANIFEST, receipts.COMPLETE, receipts.FILES):
        (folder / name).unlink(missing_ok=True)
    if store:
        store.sweep(())
    remove_empty([folder / CHUNKS])


@contextmanager
def answered(folder: Path, asked: dict[str, Any]) -> Iterator[Path]:
    """A draft of what a looking verb was asked: a new folder, or tables and figures of one in which some are missing or changed."""
    if not (folder / manifest.MANIFEST).is_file():
        with whole(folder) as draft:
            yield draft
            manifest.write_manifest(draft, {"format": manifest.FORMAT, "settings": asked})
            receipts.close(draft, {}, receipts.everything(draft, (manifest.MANIFEST,)))
        return
    with hold(folder):
        with receipts.drafted(folder) as draft:
            yield draft
        receipts.close(folder, {})


def command(folder: Path, words: Mapping[str, Any]) -> str:
    """The command that goes on with a folder, from what its words say of the one that began it; of a batch, with all its jobs.

    Of places it says only that of chunks which are there already: where else to write or connect to is for who types it.
    """
    folder = manifest.jobs_of(folder) if "jobs" in words and "chunks" in words else folder
    came = json.loads(words["attributes"]["provenance"])
    there = str(words.get("place", "")).rpartition("/")[0]
    said = [text for text in came["overrides"] if not places.is_place(text)] + ([f"engine.chunks={there}"] if there else [])
    out = str(folder) if re.fullmatch(r"[\w./-]+", str(folder)) else f"'{folder}'"
    own = ["--config-dir", came["config_dir"]] if came["config_dir"] else []
    verb = ["run", "-m"] if "jobs" in words else ["sweep"]
    return shlex.join([*verb, *said, f"out={out}", *own])
