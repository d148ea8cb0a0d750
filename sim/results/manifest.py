"""The words of a results folder: one sealed `manifest.json`, a `job.json` for a share of it; whether its receipt is of them."""

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
from sim.results.chunks import Task
from sim.results.receipts import COMPLETE
from sim.results.schema import demand_share, demand_words
from sim.results.store import Store

MANIFEST, JOB = "manifest.json", "job.json"
FORMAT, BEFORE = 5, 3
"""The format that is written and read, and the earlier one of which `sim verify` says whether it may be stale."""
BATCHES = "batches"
WAY_TO_BATCH = rf"\.\./{BATCHES}/[0-9]{{1,9}}"
"""Where the data of a job lie, from its own folder."""


def write_manifest(folder: Path, words: Mapping[str, Any], new: bool = False) -> None:
    """Write what a folder is about, sealed against change; `new` leaves a manifest that another process was first to write."""
    put_file(folder / MANIFEST, sealed(words), new)


def sealed(words: Mapping[str, Any]) -> bytes:
    """Plain words as a JSON file that `unsealed` takes only as it was written."""
    plain = json.loads(json.dumps(words, ensure_ascii=False, default=_plain))
    return (json.dumps(plain | {SEAL: fingerprint(plain)}, indent=1, ensure_ascii=False) + "\n").encode()


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} is no plain value")


SEAL = "sha256"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The words of a results folder; those of a job are its share of what its batch says.

    Raises
    ------
    SettingError
        Where the folder is none.
    DamageError
        Where they are not as they were written.
    """
    if not any((folder / name).is_file() for name in (JOB, MANIFEST)):
        raise SettingError(str(folder), "is no results folder", "a folder that sim run, sweep or compare has written")
    places.demand_inside(folder)
    if (folder / JOB).is_file():
        job = unsealed(folder / JOB)
        places.demand_beside(folder, job.get("batch"), WAY_TO_BATCH)
        if not (folder / job["batch"] / MANIFEST).is_file():
            wrong = f"is one of several jobs, whose data lie in {job['batch']} beside it and are not there"
            raise DamageError(str(folder), wrong, "the whole folder of the jobs, copied or moved together")
        batch = read_batch(folder / job["batch"])
        demand_share(folder / JOB, batch, job)
        return words_of_job(batch, job)
    return read_batch(folder)


def read_batch(folder: Path) -> dict[str, Any]:
    """The words of a folder with a manifest of its own, such as a batch of jobs; errors as of `read_manifest`.

    Refused too where they say that its data lie elsewhere, unless that place is trusted.
    """
    places.demand_inside(folder)
    words = unsealed(folder / MANIFEST)
    places.demand_trusted(folder, words.get("place"))
    places.demand_names(folder, words.get("jobs", []))
    return words


def format_of(folder: Path) -> object:
    """The format that a folder's words say they have; nothing where they cannot be read."""
    for path in (folder / JOB, folder / MANIFEST):
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            return json.loads(path.read_text("utf-8"))["format"]
    return None


def unsealed(path: Path, wanted: int = 0) -> dict[str, Any]:
    """The words of a file that `sealed` made, of this format, or of the one that is wanted; errors as of `read_manifest`."""
    try:
        words = json.loads(path.read_text("utf-8"))
        form, seal = words["format"], words.pop(SEAL, "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DamageError(str(path), "cannot be read", "a manifest as it was written") from None
    wanted = wanted or FORMAT
    if form != wanted:
        hint = "; sim verify says whether it may be stale" if form == BEFORE else ""
        raise SettingError(str(path), f"has format {form!r}", f"{wanted}: make it again with {_again(words)}{hint}")
    if seal != fingerprint(words):
        raise DamageError(str(path), "is not as it was written", "a manifest as it was written")
    if form == FORMAT:
        demand_words(path, words, path.name == JOB)
    return words


def _again(words: Mapping[str, Any]) -> str:
    """The command that makes a folder of another format again, in the words of this version."""
    try:
        came = json.loads(words["attributes"]["provenance"])
        own = ["--config-dir", came["config_dir"]] if came["config_dir"] else []
        said = [renewed(text) for text in came["overrides"] if not places.is_place(text) and not text.startswith("out=")]
        return "`" + shlex.join(["sim", *(["run", "-m"] if "jobs" in words else ["sweep"]), *said, *own]) + "`"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "this version"


def words_of_job(batch: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """What a run of one job alone would say, from what its batch says and the job's own file."""
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
        | {VARIANT: labels, "contribution": [batch["coordinates"]["contribution"][at] for at in job["parts"]]},
        "beside": batch["beside"] | {VARIANT: {name: column[own] for name, column in batch["beside"][VARIANT].items()}},
        "attributes": attributes | {"settings_hash": fingerprint(settings)},
        "settings": settings,
        "settings_hash": fingerprint(settings),
        "share": {
            "batch": job["batch"],
            "variants": job["variants"],
            "parts": job["parts"],
            "run": batch["settings_hash"],
            "words": labels_hash(batch),
            "manifest": fingerprint(batch),
            "coordinates": {VARIANT: batch["coordinates"][VARIANT], "contribution": batch["coordinates"]["contribution"]},
        },
    }


def batches_of(folder: Path) -> list[Path]:
    """The batches that have begun, in their order."""
    found = (path for path in (folder / BATCHES).glob("*") if path.name.isdecimal() and (path / MANIFEST).is_file())
    return sorted(found, key=lambda path: int(path.name))


def jobs_of(batch: Path) -> Path:
    """The folder of all jobs, of which this is a batch."""
    return Path(os.path.normpath(batch)).parent.parent


def settings_of_job(settings: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The settings of one job out of those of its batch, as it has them alone."""
    own = {"shared": settings["shared"] | settings["variants"][label], "variants": {label: {}}}
    return {name: own.get(name, value) for name, value in settings.items() if name not in ("order", "against")}


def write_complete(folder: Path, words: Mapping[str, Any]) -> None:
    """Say that a folder is whole, with the hash of every chunk, table and figure."""
    receipts.close(folder, completion(folder, words))


def is_complete(folder: Path, words: Mapping[str, Any]) -> bool:
    """Whether a run was ended and its chunks are still what they were then; every one of them is read."""
    store, said = store_of(folder, words), receipts.read(folder / COMPLETE)
    now = completion(folder, words)
    return {name: said.get(name) for name in now} == now and all(store.has(task) for task in tasks_of(words))


def completion(folder: Path, words: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a folder that is whole."""
    store = store_of(folder, words)
    hashes = {task.name: store.sha256(task) for task in tasks_of(words)}
    return {"run": words["settings_hash"], "manifest": fingerprint(words), "chunks": hashes}


def tasks_of(words: Mapping[str, Any]) -> list[Task]:
    """The chunks that a folder's words say it has."""
    return [Task((first, last), (low, high)) for first, last, low, high in words["chunks"]]


def store_of(folder: Path, words: Mapping[str, Any]) -> Store:
    """The chunks of a folder as files, in it or where its words say; those of a job lie with its batch."""
    share, place = words.get("share"), words.get("place", "")
    if share:
        return Store(folder / share["batch"], share["run"], place, share["words"])
    return Store(folder, words["settings_hash"], place, labels_hash(words))


def labels_hash(words: Mapping[str, Any]) -> str:
    """The hash of the words that label the arrays of a run: all but how it is cut, where it lies and who made it."""
    said = {name: value for name, value in words.items() if name not in ("chunks", "place", "settings", "attributes")}
    attributes = {name: value for name, value in words["attributes"].items() if name != "provenance"}
    return fingerprint({**said, "attributes": attributes})


def demand_whole(folder: Path, words: Mapping[str, Any]) -> None:
    """Refuse a run that is not complete, or whose words or chunks are others than when it was.

    Raises
    ------
    SettingError
        Where nothing says that it is complete.
    DamageError
        Where what says so says it of something else.
    """
    share = words.get("share")
    path = (folder / share["batch"] if share else folder) / COMPLETE
    if not path.is_file():
        raise SettingError(str(folder), "is not complete", "a complete run; the command that began it goes on with it")
    said = receipts.read(path)
    run, about = (share["run"], share["manifest"]) if share else (words["settings_hash"], fingerprint(words))
    store = store_of(folder, words)
    if said.get("run") != run or said.get("manifest") != about or "chunks" not in said:
        raise DamageError(str(path), "is of other words", "the manifest as it was written")
    for task in tasks_of(words):
        if store.sha256(task) not in ("", said["chunks"].get(task.name)):
            raise DamageError(str(store.path(task)), f"is not the chunk that {COMPLETE} lists", "the chunk as it was written")
