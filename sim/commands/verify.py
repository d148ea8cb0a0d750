"""`sim verify`: whether a results folder is as it was written, and whether its chunks can be computed again exactly."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim.commands import old_formats
from sim.commands.arguments import said_once
from sim.commands.codes import GOOD
from sim.commands.rebuild import demand_metadata_of, rebuilt
from sim.commands.status import is_whole, listed, wrong_tables
from sim.config.known import whole_number
from sim.engine.ensemble import run_task
from sim.engine.metadata import commit
from sim.engine.plan import job_of
from sim.errors import DamageError, SettingError
from sim.names import several
from sim.results import lifecycle, manifest, reading, receipts
from sim.results.chunking import Task
from sim.results.hashing import of_data
from sim.results.packing import packed
from sim.text import say

SAMPLE = 3
"""How many chunks are computed again by default."""
Metadata = dict[str, Any]


def command(options: Any) -> int:
    """Run `sim verify DIR` or `sim verify DIR --hash` with the parsed arguments and return the exit code."""
    folder = Path(options.folder)
    numbers: dict[str, int] = {}
    for key, value in said_once(options.words).items():
        allowed = "sample=N and seed=N, whole numbers from 0"
        numbers[key] = whole_number(key, value if key in ("sample", "seed") else "", allowed, where="arguments")
    if options.hash:
        if numbers:
            raise SettingError("--hash", "covers all data, so no chunks are sampled", "--hash alone", where="arguments")
        say(data_hash(folder))
        return GOOD
    seed = numbers["seed"] if "seed" in numbers else int.from_bytes(os.urandom(4))
    say(*verify(folder, numbers.get("sample", SAMPLE), seed))
    return GOOD


def verify(folder: Path, sample: int, seed: int) -> list[str]:
    """Check the hashes of all that a folder holds, and compute a sample of its chunks again.

    Parameters
    ----------
    folder : path
        Of a run or sweep; of a job, whose batch is checked; or of several jobs, of which all batches are checked.
    sample : int
        How many chunks are computed again and compared byte for byte.
    seed : int
        Selects them; the same seed selects the same chunks.

    Returns
    -------
    list of str
        What was checked, as lines of text.

    Raises
    ------
    DamageError
        If something is not as it was written, or a chunk computed again differs.
    SettingError
        If the folder holds no run, or its run cannot be computed again exactly on this machine.
    """
    if manifest.format_of(folder) == manifest.BEFORE:
        return old_formats.report(folder)
    metadata, lines = manifest.read_manifest(folder), []
    if "jobs" not in metadata and "chunks" not in metadata:
        return [f"{folder}: {_demand_tables(folder)} as written"]
    runs = [Path(os.path.normpath(folder / metadata["share"]["batch"])) if "share" in metadata else folder]
    if "jobs" in metadata and "chunks" not in metadata:
        runs, there = manifest.batches_of(folder), [folder / name for name in metadata["jobs"] if (folder / name).exists()]
        for at in there:
            manifest.read_manifest(at)
        lines.append(f"{folder}: {len(there):,} of {len(metadata['jobs']):,} jobs as they were written")
    every: list[tuple[Path, Task]] = []
    for at in runs:
        found, total = _hash_checked(at)
        lines.append(f"{at}: {len(found):,} of {total:,} chunks as they were written" + ("" if is_whole(at) else "; not complete"))
        every += [(at, task) for task in found]
    drawn = [every[index] for index in sorted(np.random.default_rng(seed).permutation(len(every))[:sample])]
    for at in dict.fromkeys(at for at, _ in drawn):
        _compute_again(at, [task for where, task in drawn if where == at])
    for at in dict.fromkeys([folder, *runs]):
        _demand_tables(at)
    shown = listed([f"{at.name}/{task.name}" for at, task in drawn])
    return lines + ([f"computed again, identical byte for byte: {shown} (sample={sample} seed={seed})"] if drawn else [])


def _demand_tables(folder: Path) -> str:
    """The number of tables and figures as text; `DamageError` if some are not as they were written."""
    metadata = manifest.read_manifest(folder)
    if wrong := wrong_tables(folder, metadata):
        again = f"`sim {lifecycle.command(folder, metadata)}`" if "attributes" in metadata else "the command that wrote it"
        message = f"not as {manifest.COMPLETE} lists it: {receipts.described(wrong)}"
        raise DamageError(str(folder), message, f"{again} makes that again")
    return several(len(receipts.listed(folder)), "file")


def _hash_checked(folder: Path) -> tuple[list[Task], int]:
    """The chunks of a run that are there, each read and compared with its hash, and how many there should be."""
    metadata = manifest.read_batch(folder)
    reading.demand_data(folder, metadata)
    store, tasks = manifest.store_of(folder, metadata), manifest.tasks_of(metadata)
    there = tasks if is_whole(folder) else [task for task in tasks if store.receipt(task).exists()]
    damaged = [str(store.path(task)) for task in there if not store.has(task)]
    if is_whole(folder) and not _is_sealed(folder, metadata):
        damaged.insert(0, str(folder / manifest.COMPLETE))
    if damaged:
        remedy = f"without {folder / manifest.COMPLETE}, `sim {lifecycle.command(folder, metadata)}` makes again what is damaged"
        raise DamageError(str(folder), f"not as written: {listed(damaged)}", remedy)
    return there, len(tasks)


def _is_sealed(folder: Path, metadata: Metadata) -> bool:
    """Whether `complete.json` agrees with the manifest and the receipts of the chunks."""
    receipt, now = receipts.read(folder / manifest.COMPLETE), manifest.completion(folder, metadata)
    return {name: receipt.get(name) for name in now} == now


def _compute_again(folder: Path, chosen: Sequence[Task]) -> None:
    """Compute the given chunks again; `DamageError` if the bytes of one differ from its file."""
    metadata = manifest.read_batch(folder)
    plan = rebuilt(folder, metadata)
    demand_metadata_of(folder, metadata, plan)
    store, job = manifest.store_of(folder, metadata), job_of(plan)
    other = [str(store.path(task)) for task in chosen if packed(run_task(job, task)) != store.content(task)]
    if other:
        made = json.loads(metadata["attributes"]["provenance"])["commit"]
        allowed = f"the code that made it ({made or 'an installed version'}; this is {commit() or 'an installed version'})"
        raise DamageError(str(folder), f"differs when computed again: {listed(other)}", allowed)


def data_hash(folder: Path) -> str:
    """One SHA-256 of the data of a run, independent of how it was divided into chunks, by `sim.results.hashing`.

    Raises
    ------
    SettingError
        If the folder holds no complete run.
    DamageError
        If a chunk is not as it was written.
    """
    metadata = manifest.read_manifest(folder)
    reading.demand_data(folder, metadata)
    manifest.demand_whole(folder, metadata)
    return of_data(folder, metadata)
