"""`sim status` and `sim verify`: how far a results folder is, whether it is as it was written, and whether it can be made again."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim import formats, holding, jobs, manifest, outputs, receipts, results, shares
from sim.chunks import Task
from sim.ensemble import run_task
from sim.hashing import of_data
from sim.manifest import BATCHES
from sim.names import several
from sim.packing import packed
from sim.rebuilding import demand_words_of, rebuilt
from sim.refusal import DamageError
from sim.simulate import job_of
from sim.store import holder
from sim.words import commit

SAMPLE = 3
"""Chunks that are computed again, unless it is said otherwise."""
SHOWN = 4
Words = dict[str, Any]


# Status ---------------------------------------------------------------------------------------------------------------------


def status(folder: Path) -> list[str]:
    """How far the work of a folder is, as lines of text; chunks are looked at, not read.

    Raises
    ------
    SettingError
        Where the folder holds no results.
    DamageError
        Where its words are not as they were written.
    """
    words = manifest.read_manifest(folder)
    wrong = _wrong(folder, words)
    apart = [f"not as written: {receipts.told(wrong)}"] if wrong else []
    if "jobs" not in words and "chunks" not in words:
        return [f"{folder}: a comparison or explanation, {'the same command makes it whole' if wrong else 'complete'}", *apart]
    owner = holder(folder)
    held = [f"held by {owner}"] if owner else []
    if "chunks" not in words:
        done = sum((folder / name / manifest.JOB).is_file() for name in words["jobs"])
        whole = done == len(words["jobs"]) and not wrong
        lines = ["", f"jobs: {done:,} of {len(words['jobs']):,} complete, {jobs.TABLE} lists them", *apart]
        for at in jobs.begun(folder):
            found, there = _chunks(at, manifest.read_batch(at))
            lines += [f"batch {at.name}: {line}" for line in found]
            whole &= there
        lines[0] = f"{folder}: {_how(whole, owner)}"
        return [*lines, *held, *([] if whole else [f"to go on: sim {holding.command(folder, words)}"])]
    found, there = _chunks(folder, words)
    whole = there and ("share" in words or _whole(folder)) and not wrong
    return [
        f"{folder}: {_how(whole, owner)}",
        *found,
        *apart,
        *_failures(folder),
        *held,
        *([] if whole else [f"to go on: sim {holding.command(folder, words)}"]),
    ]


def _wrong(folder: Path, words: Words) -> dict[str, str]:
    """Tables and figures of a folder that is or was whole, and of its jobs, which are not as the receipt lists them."""
    if "share" in words:
        return receipts.wrong(folder, shares.NEEDED)
    if "chunks" in words:
        needed = ([outputs.CONFIG] if "jobs" in words else outputs.NEEDED) if _whole(folder) else []
        return receipts.wrong(folder, needed)
    found = receipts.wrong(folder, [jobs.TABLE] if "jobs" in words and _whole(folder) else [])
    inner = {name: shares.NEEDED for name in words.get("jobs", []) if (folder / name / manifest.JOB).is_file()}
    inner |= {str(at.relative_to(folder)): [outputs.CONFIG] for at in jobs.begun(folder) if _whole(at)}
    for name, needed in inner.items():
        found |= {f"{name}/{file}": how for file, how in receipts.wrong(folder / name, needed).items()}
    return found


def _how(whole: bool, owner: str) -> str:
    return "complete" if whole else "being written" if owner else "not complete"


def _chunks(folder: Path, words: Words) -> tuple[list[str], bool]:
    """What chunks are there as lines of text, and whether all look whole."""
    if "share" in words:
        first, last = words["share"]["variants"]
        return [f"{last - first:,} of the variants of {folder.parent / BATCHES / Path(words['share']['batch']).name}"], True
    store, tasks = manifest.store_of(folder, words), manifest.tasks_of(words)
    there = [task for task in tasks if store.receipt(task).exists()]
    damaged = [task.name for task in there if not store.looks_whole(task)]
    done = sum(task.worlds for task in there if task.name not in damaged)
    lines = [f"{len(there) - len(damaged):,} of {len(tasks):,} chunks, {done:,} of {sum(task.worlds for task in tasks):,} worlds"]
    return lines + ([f"damaged: {_some(damaged)}"] if damaged else []), len(there) - len(damaged) == len(tasks)


def _failures(folder: Path) -> list[str]:
    path = folder / holding.FAILURES
    count = max(0, len(path.read_text("utf-8").splitlines()) - 1) if path.is_file() else 0
    return [f"failed when last tried: {count:,}, {holding.FAILURES} lists them"] if count else []


def _some(names: Sequence[str]) -> str:
    return "; ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


# Verify ---------------------------------------------------------------------------------------------------------------------


def verify(folder: Path, sample: int, seed: int) -> list[str]:
    """Hash-check all that a folder holds, and compute some of its chunks again.

    Parameters
    ----------
    folder : path
        Of a run or sweep; of a job, whose batch is looked at; of several jobs, and all their batches are.
    sample : int
        How many chunks are computed again and compared byte for byte.
    seed : int
        Which; the same seed draws the same.

    Returns
    -------
    list of str
        What was looked at, as lines of text.

    Raises
    ------
    DamageError
        Where something is not as it was written, or not what comes out now.
    SettingError
        Where the folder holds no run, or its run cannot be made again exactly here.
    """
    if manifest.format_of(folder) == manifest.BEFORE:
        return formats.told(folder)
    words, lines = manifest.read_manifest(folder), []
    if "jobs" not in words and "chunks" not in words:
        return [f"{folder}: {_demand_tables(folder)} as written"]
    runs = [Path(os.path.normpath(folder / words["share"]["batch"])) if "share" in words else folder]
    if "jobs" in words and "chunks" not in words:
        runs, there = jobs.begun(folder), [folder / name for name in words["jobs"] if (folder / name).exists()]
        for at in there:
            manifest.read_manifest(at)
        lines.append(f"{folder}: {len(there):,} of {len(words['jobs']):,} jobs as they were written")
    every: list[tuple[Path, Task]] = []
    for at in runs:
        kept, total = _hash_checked(at)
        lines.append(f"{at}: {len(kept):,} of {total:,} chunks as they were written" + ("" if _whole(at) else "; not complete"))
        every += [(at, task) for task in kept]
    drawn = [every[index] for index in sorted(np.random.default_rng(seed).permutation(len(every))[:sample])]
    for at in dict.fromkeys(at for at, _ in drawn):
        _compute_again(at, [task for where, task in drawn if where == at])
    for at in dict.fromkeys([folder, *runs]):
        _demand_tables(at)
    shown = _some([f"{at.name}/{task.name}" for at, task in drawn])
    return lines + ([f"computed again, the same to the byte: {shown} (sample={sample} seed={seed})"] if drawn else [])


def _demand_tables(folder: Path) -> str:
    """Refuse a folder whose tables and figures are not as they were written; how many there are, in words."""
    words = manifest.read_manifest(folder)
    if wrong := _wrong(folder, words):
        again = f"`sim {holding.command(folder, words)}`" if "attributes" in words else "the command that wrote it"
        said = f"not as {manifest.COMPLETE} lists it: {receipts.told(wrong)}"
        raise DamageError(str(folder), said, f"{again} makes that again")
    return several(len(receipts.listed(folder)), "file")


def _whole(folder: Path) -> bool:
    return (folder / manifest.COMPLETE).is_file()


def _hash_checked(folder: Path) -> tuple[list[Task], int]:
    """The chunks of a run that are there, each read and found as it was written, and how many there should be."""
    words = manifest.read_batch(folder)
    results.demand_data(folder, words)
    store, tasks = manifest.store_of(folder, words), manifest.tasks_of(words)
    there = tasks if _whole(folder) else [task for task in tasks if store.receipt(task).exists()]
    damaged = [str(store.path(task)) for task in there if not store.has(task)]
    if _whole(folder) and not _is_sealed(folder, words):
        damaged.insert(0, str(folder / manifest.COMPLETE))
    if damaged:
        said = f"without {folder / manifest.COMPLETE}, `sim {holding.command(folder, words)}` makes again what is damaged"
        raise DamageError(str(folder), f"not as written: {_some(damaged)}", said)
    return there, len(tasks)


def _is_sealed(folder: Path, words: Words) -> bool:
    """Whether `complete.json` says what the manifest and the receipts say."""
    said, now = receipts.read(folder / manifest.COMPLETE), manifest.completion(folder, words)
    return {name: said.get(name) for name in now} == now


def _compute_again(folder: Path, chosen: Sequence[Task]) -> None:
    """Refuse chunks that do not come out as they lie there."""
    words = manifest.read_batch(folder)
    plan = rebuilt(folder, words)
    demand_words_of(folder, words, plan)
    store, job = manifest.store_of(folder, words), job_of(plan)
    other = [str(store.path(task)) for task in chosen if packed(run_task(job, task)) != store.content(task)]
    if other:
        made = json.loads(words["attributes"]["provenance"])["commit"]
        said = f"the code that made it ({made or 'an installed version'}; this is {commit() or 'an installed version'})"
        raise DamageError(str(folder), f"comes out otherwise now: {_some(other)}", said)


# Hash -----------------------------------------------------------------------------------------------------------------------


def data_hash(folder: Path) -> str:
    """One SHA-256 of the data of a run, the same however it was cut into chunks or laid out, as `sim.hashing.of_data` makes it.

    Raises
    ------
    SettingError
        Where the folder holds no complete run.
    DamageError
        Where a chunk is not as it was written.
    """
    words = manifest.read_manifest(folder)
    results.demand_data(folder, words)
    manifest.demand_whole(folder, words)
    return of_data(folder, words)
