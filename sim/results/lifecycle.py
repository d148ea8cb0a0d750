"""The life of a results folder: recognised if it exists, locked while it is written, complete or continued, never overwritten."""

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
from sim.results.chunk_store import CHUNKS, Store
from sim.results.locks import LOCK, hold, holder

FAILURES = "failures.csv"
"""The table of what could not be computed when a run was last tried."""
SHOWN = 4
"""How many differences of settings an error message shows."""


def complete(folder: Path, settings: dict[str, Any], chunks: str = "") -> bool:
    """Whether the folder holds the complete and undamaged results of these settings; `SettingError` if it holds anything else.

    A run whose manifest is lost or damaged is recognised by the receipts of its chunks. The chunks may be outside the folder only
    at the place `chunks` that the command gives.
    """
    with places.trusting(chunks):
        return _complete(folder, settings)


def _complete(folder: Path, settings: dict[str, Any]) -> bool:
    where, chunks = f"out={folder}", Store(folder, fingerprint(settings))
    if not folder.exists():
        parent = next(parent for parent in folder.resolve().parents if parent.exists())
        if not parent.is_dir():
            raise SettingError("out", f"{parent} is no folder", "a folder that can be written", where=where)
        return False
    places.demand_inside(folder)
    if not (folder / manifest.MANIFEST).is_file():
        if folder.resolve() == Path.cwd():
            raise SettingError("out", "is the current working directory", "a folder inside it, or another", where=where)
        if chunks.begun() or (folder.is_dir() and all(entry.name.startswith(".") for entry in folder.iterdir())):
            return False
        if (folder / manifest.MANIFEST).is_file():  # written since the last check by a process that computes another part
            return _complete(folder, settings)
        raise SettingError("out", "holds files that are no results; nothing was changed", "a new folder", where=where)
    try:
        there = manifest.read_manifest(folder)
    except DamageError:
        if chunks.begun() and not (folder / manifest.JOB).exists():  # the folder of a run has no job file
            return False
        raise
    rows = differing(flat_settings(there["settings"]), flat_settings(settings))
    if not rows:
        return "chunks" not in there or manifest.is_complete(folder, there)
    shown = "; ".join(f"{key}: {_short(old)} there, {_short(new)} here" for key, old, new in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    raise SettingError(
        "out", f"holds results of other settings: {shown}{more}", "a new folder, or none for the default", where=where
    )


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) < 40 else text[:37] + "..."


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A context with a draft folder that is renamed to `folder` at the end; after an error nothing is left."""
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
    """Remove drafts of a folder, or of all below `parent`, whose writers were killed: their lock is signed, but not held."""
    for draft in parent.glob(f".{glob.escape(name) or '*'}.*"):
        lock = draft / LOCK
        if lock.is_file() and lock.read_bytes().startswith(b"process ") and not holder(draft):
            shutil.rmtree(draft, ignore_errors=True)


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove the given folders in order, up to the first that is not empty."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


@contextmanager
def begun(folder: Path, metadata: dict[str, Any], together: bool = False) -> Iterator[None]:
    """A context that locks a folder and writes its manifest; after an error, a run that saved no chunks is removed again.

    Processes that share the lock (`together`) compute parts of one run: the first writes the manifest, and none removes anything.
    """
    places.demand_inside(folder)  # a lock that is a link would be written outside the folder
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    store, saved = manifest.store_of(folder, metadata) if "chunks" in metadata else None, True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = hold(folder, together)
    except OSError as error:
        remove_empty(missing)
        raise _no_room(folder, error) from None
    try:
        with lock:
            complete(folder, metadata["settings"])  # another process may have written it since the last check
            if not together:
                _sweep(folder)
                receipts.reopen(folder)
                if FAILURES in receipts.listed(folder):
                    receipts.remove(folder, FAILURES)
            try:
                if not _has_manifest(folder):
                    manifest.write_manifest(folder, metadata, new=together)
                    receipts.begin(folder)
                _demand_same_software(folder, metadata)
                yield
            except BaseException:
                if store and not together:
                    store.sweep()
                    saved = store.begun()
                elif not together:
                    saved = any(folder.glob(f"**/{CHUNKS}/*.json"))
                if not saved:
                    clear(folder, store)
                raise
    finally:
        if not saved:
            remove_empty(missing)


def _has_manifest(folder: Path) -> bool:
    try:
        return bool(manifest.read_manifest(folder))
    except SettingError:
        return False


def _no_room(folder: Path, error: OSError) -> RoomError:
    return RoomError("out", f"cannot be written: {error.strerror}; another folder, or more room there", where=f"out={folder}")


def _demand_same_software(folder: Path, metadata: dict[str, Any]) -> None:
    """Raise `SettingError` if the run was begun with other software versions: all numbers of a run come from the same ones."""
    there, here = (
        json.loads(found["attributes"]["provenance"])["versions"] for found in (manifest.read_manifest(folder), metadata)
    )
    rows = differing(there, here)
    if rows:
        shown = "; ".join(f"{key} {old} there, {new} here" for key, old, new in rows)
        wrong = f"was begun by other versions: {shown}"
        raise SettingError("out", wrong, "those versions, or a new folder", where=f"out={folder}")


def _sweep(folder: Path) -> None:
    """Remove the drafts of metadata, tables and figures of writers that were stopped."""
    receipts.sweep(folder)
    for name in (manifest.MANIFEST, receipts.COMPLETE, receipts.FILES):
        for draft in folder.glob(f".{name}.*"):
            if DRAFT.fullmatch(draft.name):
                draft.unlink(missing_ok=True)


def clear(folder: Path, store: Store | None) -> None:
    """Remove the metadata of a run that saved no chunks, and its own remaining files; other files stay."""
    for name in receipts.listed(folder):
        receipts.remove(folder, name)
    for name in (manifest.MANIFEST, receipts.COMPLETE, receipts.FILES):
        (folder / name).unlink(missing_ok=True)
    if store:
        store.sweep(())
    remove_empty([folder / CHUNKS])


@contextmanager
def answered(folder: Path, asked: dict[str, Any]) -> Iterator[Path]:
    """A context with a draft for the output of `sim compare` or `sim explain`.

    It becomes a new folder, or replaces the files of an existing one in which some are missing or changed.
    """
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


def command(folder: Path, metadata: Mapping[str, Any]) -> str:
    """The command that continues a folder, from the command that its metadata record; for a batch, the command of all jobs.

    Settings that name places are left out, except that of existing chunks: whoever types the command decides on them.
    """
    folder = manifest.jobs_of(folder) if "jobs" in metadata and "chunks" in metadata else folder
    there = str(metadata.get("place", "")).rpartition("/")[0]
    out = str(folder) if re.fullmatch(r"[\w./-]+", str(folder)) else f"'{folder}'"
    return shlex.join(manifest.command_of(metadata, *([f"engine.chunks={there}"] if there else []), f"out={out}"))
