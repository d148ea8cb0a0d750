"""The metadata of a results folder: `manifest.json`, or `job.json` for a share of a batch, each with a hash of its content."""

import json
import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from sim.config import places
from sim.config.fingerprint import fingerprint
from sim.config.suggest import renewed
from sim.errors import DamageError, SettingError
from sim.names import DRAWN, VARIANT
from sim.results import receipts
from sim.results.atomic import put_file
from sim.results.chunk_store import Store
from sim.results.chunking import Task
from sim.results.receipts import COMPLETE
from sim.results.schema import demand_metadata, demand_share

MANIFEST, JOB = "manifest.json", "job.json"
FORMAT, BEFORE = 5, 3
"""The format that is written and read, and the earlier one for which `sim verify` reports whether it may be stale."""
BATCHES = "batches"
WAY_TO_BATCH = rf"\.\./{BATCHES}/[0-9]{{1,9}}"
"""The path of a job's batch, relative to the job's folder, as a regular expression."""


def write_manifest(folder: Path, metadata: Mapping[str, Any], new: bool = False) -> None:
    """Write the metadata of a folder with their hash; with `new`, a manifest that another process has written first is left."""
    put_file(folder / MANIFEST, sealed(metadata), new)


def sealed(metadata: Mapping[str, Any]) -> bytes:
    """Metadata as the bytes of a JSON file with the hash of its content, by which `unsealed` finds changes."""
    plain = json.loads(json.dumps(metadata, ensure_ascii=False, default=_plain))
    return (json.dumps(plain | {SEAL: fingerprint(plain)}, indent=1, ensure_ascii=False) + "\n").encode()


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} is no plain value")


SEAL = "sha256"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The metadata of a results folder; those of a job are its share of the metadata of its batch.

    Raises
    ------
    SettingError
        If the folder is no results folder.
    DamageError
        If the metadata are not as they were written.
    """
    if not any((folder / name).is_file() for name in (JOB, MANIFEST)):
        raise SettingError(str(folder), "is no results folder", "a folder that sim run, sweep or compare has written")
    places.demand_inside(folder)
    if (folder / JOB).is_file():
        job = unsealed(folder / JOB)
        places.demand_beside(folder, job.get("batch"), WAY_TO_BATCH)
        if not (folder / job["batch"] / MANIFEST).is_file():
            wrong = f"is one of several jobs, and their data in {job['batch']} are missing"
            raise DamageError(str(folder), wrong, "the whole folder of the jobs, copied or moved together")
        batch = read_batch(folder / job["batch"])
        demand_share(folder / JOB, batch, job)
        return metadata_of_job(batch, job)
    return read_batch(folder)


def read_batch(folder: Path) -> dict[str, Any]:
    """The metadata of a folder with a manifest of its own, such as a batch of jobs; errors as of `read_manifest`.

    Raises `SettingError` too if its data are in another place that is not trusted.
    """
    places.demand_inside(folder)
    metadata = unsealed(folder / MANIFEST)
    places.demand_trusted(folder, metadata.get("place"))
    places.demand_names(folder, metadata.get("jobs", []))
    return metadata


def format_of(folder: Path) -> object:
    """The format of a folder's metadata; None if it cannot be read."""
    for path in (folder / JOB, folder / MANIFEST):
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            return json.loads(path.read_text("utf-8"))["format"]
    return None


def unsealed(path: Path, wanted: int = 0) -> dict[str, Any]:
    """The metadata of a file that `sealed` made, of the current format or of `wanted`; errors as of `read_manifest`."""
    try:
        metadata = json.loads(path.read_text("utf-8"))
        form, seal = metadata["format"], metadata.pop(SEAL, "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DamageError(str(path), "cannot be read", "a manifest as it was written") from None
    wanted = wanted or FORMAT
    if form != wanted:
        hint = "; sim verify reports whether it may be stale" if form == BEFORE else ""
        raise SettingError(str(path), f"has format {form!r}", f"{wanted}: make it again with {_again(path, metadata)}{hint}")
    if seal != fingerprint(metadata):
        raise DamageError(str(path), "is not as it was written", "a manifest as it was written")
    if form == FORMAT:
        demand_metadata(path, metadata, path.name == JOB)
    return metadata


def _again(path: Path, metadata: Mapping[str, Any]) -> str:
    """The command that makes a folder of another format again elsewhere, with current names; a job's is that of all its jobs."""
    try:
        if path.name == JOB:
            metadata = json.loads((path.parent.parent / MANIFEST).read_text("utf-8"))
        return f"`{shlex.join(['sim', *map(renewed, command_of(metadata))])}`, which writes a new folder"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "this version"


def command_of(metadata: Mapping[str, Any], *more: str) -> list[str]:
    """The words of the command that wrote a folder, with more overrides; those that name places are left out."""
    came = json.loads(metadata["attributes"]["provenance"])
    own = ["--config-dir", came["config_dir"]] if came["config_dir"] else []
    verb = ["run", "-m"] if "jobs" in metadata else ["sweep"]
    return [*verb, *(text for text in came["overrides"] if not places.is_place(text)), *more, *own]


def metadata_of_job(batch: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of one job as if it had run alone, from those of its batch and the job's own file."""
    own = slice(*job["variants"])
    labels = batch["coordinates"][VARIANT][own]
    settings = settings_of_job(batch["settings"], job["label"])
    shocks = json.loads(batch["attributes"]["shocks"])
    drawn, draws = dict.fromkeys(batch["beside"][VARIANT][DRAWN][own]), json.loads(batch["attributes"][DRAWN])
    attributes = batch["attributes"] | job["attributes"] | {"shocks": json.dumps({label: shocks[label] for label in labels})}
    attributes |= {DRAWN: json.dumps({name: draws[name] for name in drawn if name})}
    return {
        **{key: value for key, value in batch.items() if key != "jobs"},
        "coordinates": batch["coordinates"]
        | {VARIANT: labels, "contribution": [batch["coordinates"]["contribution"][at] for at in job["contributions"]]},
        "beside": batch["beside"] | {VARIANT: {name: column[own] for name, column in batch["beside"][VARIANT].items()}},
        "attributes": attributes | {"settings_hash": fingerprint(settings)},
        "settings": settings,
        "settings_hash": fingerprint(settings),
        "share": {
            "batch": job["batch"],
            "variants": job["variants"],
            "contributions": job["contributions"],
            "run": batch["settings_hash"],
            "words": labels_hash(batch),
            "manifest": fingerprint(batch),
            "coordinates": {VARIANT: batch["coordinates"][VARIANT], "contribution": batch["coordinates"]["contribution"]},
        },
    }


def batches_of(folder: Path) -> list[Path]:
    """The folders of the batches that have begun, by their number."""
    found = (path for path in (folder / BATCHES).glob("*") if path.name.isdecimal() and (path / MANIFEST).is_file())
    return sorted(found, key=lambda path: int(path.name))


def jobs_of(batch: Path) -> Path:
    """The folder of all jobs that a batch belongs to."""
    return Path(os.path.normpath(batch)).parent.parent


def settings_of_job(settings: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The settings of one job, taken from those of its batch, as if it had run alone."""
    own = {"shared": settings["shared"] | settings["variants"][label], "variants": {label: {}}}
    return {name: own.get(name, value) for name, value in settings.items() if name not in ("order", "against")}


def write_complete(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Write the receipt of a complete folder, with the hash of every chunk, table and figure."""
    receipts.close(folder, completion(folder, metadata))


def is_complete(folder: Path, metadata: Mapping[str, Any]) -> bool:
    """Whether a run was completed and its chunks have not changed since; all chunks are read."""
    store, receipt = store_of(folder, metadata), receipts.read(folder / COMPLETE)
    now = completion(folder, metadata)
    return {name: receipt.get(name) for name in now} == now and all(store.has(task) for task in tasks_of(metadata))


def completion(folder: Path, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the receipt of a complete folder records of its run: the hashes of settings, metadata and chunks."""
    store = store_of(folder, metadata)
    hashes = {task.name: store.sha256(task) for task in tasks_of(metadata)}
    return {"run": metadata["settings_hash"], "manifest": fingerprint(metadata), "chunks": hashes}


def tasks_of(metadata: Mapping[str, Any]) -> list[Task]:
    """The chunks of a run according to its metadata."""
    return [Task((first, last), (low, high)) for first, last, low, high in metadata["chunks"]]


def store_of(folder: Path, metadata: Mapping[str, Any]) -> Store:
    """The store of a folder's chunks, in the folder or at the place in its metadata; for a job, that of its batch."""
    share, place = metadata.get("share"), metadata.get("place", "")
    if share:
        return Store(folder / share["batch"], share["run"], place, share["words"])
    return Store(folder, metadata["settings_hash"], place, labels_hash(metadata))


def labels_hash(metadata: Mapping[str, Any]) -> str:
    """The hash of the metadata that label the arrays of a run: all except chunks, place, settings and provenance."""
    labels = {name: value for name, value in metadata.items() if name not in ("chunks", "place", "settings", "attributes")}
    attributes = {name: value for name, value in metadata["attributes"].items() if name != "provenance"}
    return fingerprint({**labels, "attributes": attributes})


def demand_whole(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Raise an error for a run that is not complete, or whose metadata or chunks have changed since.

    Raises
    ------
    SettingError
        If it has no receipt of completion.
    DamageError
        If the receipt is of other metadata or chunks.
    """
    share = metadata.get("share")
    path = (folder / share["batch"] if share else folder) / COMPLETE
    if not path.is_file():
        raise SettingError(str(folder), "is not complete", "a complete run; the command that began it continues it")
    receipt = receipts.read(path)
    run, about = (share["run"], share["manifest"]) if share else (metadata["settings_hash"], fingerprint(metadata))
    store = store_of(folder, metadata)
    if receipt.get("run") != run or receipt.get("manifest") != about or "chunks" not in receipt:
        raise DamageError(str(path), "is of another manifest", "the manifest as it was written")
    for task in tasks_of(metadata):
        if store.sha256(task) not in ("", receipt["chunks"].get(task.name)):
            raise DamageError(str(store.path(task)), f"is not the chunk that {COMPLETE} lists", "the chunk as it was written")
