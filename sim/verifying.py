"""`sim status` and `sim verify`: how far a results folder is, whether it is as it was written, and whether it can be made again."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sim import formats, holding, jobs, manifest, outputs, results
from sim.arrays import Array
from sim.chunks import Task, lead
from sim.compose import whole_of
from sim.config import Keep
from sim.designs import Point, Whole, assemble, is_light
from sim.ensemble import run_task
from sim.folders import Folders
from sim.making import JAX, PROJECT, versions
from sim.manifest import BATCHES
from sim.names import OUTCOMES, REPLICATE, STATISTIC, VARIANT
from sim.nested import entry, merged
from sim.overrides import CHOICES, Axis, parse, put_value
from sim.plans import Plan
from sim.refusal import DamageError, SettingError
from sim.settings import code_hash, differing, fingerprint, flat_settings, in_order
from sim.simulate import job_of
from sim.store import holder, packed
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
    if "jobs" not in words and "chunks" not in words:
        return [f"{folder}: a comparison or explanation, complete"]
    owner = holder(folder)
    held = [f"held by {owner}"] if owner else []
    if "chunks" not in words:
        done = sum((folder / name / manifest.JOB).is_file() for name in words["jobs"])
        whole = done == len(words["jobs"])
        lines = ["", f"jobs: {done:,} of {len(words['jobs']):,} complete, {jobs.TABLE} lists them"]
        for at in jobs.begun(folder):
            found, there = _chunks(at, manifest.read_batch(at))
            lines += [f"batch {at.name}: {line}" for line in found]
            whole &= there
        lines[0] = f"{folder}: {_how(whole, owner)}"
        return [*lines, *held, *([] if whole else [f"to go on: sim {holding.command(folder, words)}"])]
    found, there = _chunks(folder, words)
    whole = there and ("share" in words or _whole(folder))
    return [
        f"{folder}: {_how(whole, owner)}",
        *found,
        *_failures(folder),
        *held,
        *([] if whole else [f"to go on: sim {holding.command(folder, words)}"]),
    ]


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
    count = len(path.read_text("utf-8").splitlines()) - 1 if path.is_file() else 0
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
    shown = _some([f"{at.name}/{task.name}" for at, task in drawn])
    return lines + ([f"computed again, the same to the byte: {shown} (sample={sample} seed={seed})"] if drawn else [])


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
    try:
        return json.loads((folder / manifest.COMPLETE).read_bytes()) == manifest.completion(folder, words)
    except ValueError:
        return False


def _compute_again(folder: Path, chosen: Sequence[Task]) -> None:
    """Refuse chunks that do not come out as they lie there."""
    words = manifest.read_batch(folder)
    store, job = manifest.store_of(folder, words), job_of(rebuilt(folder, words))
    other = [str(store.path(task)) for task in chosen if packed(run_task(job, task)) != store.content(task)]
    if other:
        made = json.loads(words["attributes"]["provenance"])["commit"]
        said = f"the code that made it ({made or 'an installed version'}; this is {commit() or 'an installed version'})"
        raise DamageError(str(folder), f"comes out otherwise now: {_some(other)}", said)


# Made again -----------------------------------------------------------------------------------------------------------------

NUMBERS_FROM = (PROJECT, "numpy", "scipy", "processor", JAX, "jaxlib", "device")
"""What the numbers of a run come from, of all that it says of its making."""


def rebuilt(folder: Path, words: Words) -> Plan:
    """The plan of a run from what its folder holds: `config.yaml`, and the overrides that say what was swept and drawn.

    Raises
    ------
    SettingError
        Where it cannot be made again exactly: other software, or settings that are not those of the manifest.
    """
    came = json.loads(words["attributes"]["provenance"])
    here = versions(JAX if JAX in came["versions"] else "")
    rows = [row for row in differing(came["versions"], here) if row[0] in NUMBERS_FROM]
    if rows:
        shown = "; ".join(f"{name} {old} there, {new} here" for name, old, new in rows)
        raise SettingError("sample", f"cannot be computed again by other versions: {shown}", "those versions, or sample=0")
    if words["settings"]["code"] != code_hash():
        commits = f"{came['commit'] or 'an installed version'} there, {commit() or 'an installed version'} here"
        wrong = f"cannot be computed again: the code that makes numbers is another ({commits})"
        raise SettingError("sample", wrong, "that code, or sample=0")
    axes = parse(came["overrides"], Folders())
    variants = assemble(_points(folder, words, axes), {axis.key: axis for axis in axes if axis.interval}, (), "")
    now = {key: value for key, value in outputs.settings_of(variants).items() if key != "against" or key in words["settings"]}
    rows = differing(flat_settings(words["settings"]), flat_settings(now))
    if rows:
        shown = "; ".join(f"{key}: {old} was run, {new} is there" for key, old, new in rows[:SHOWN])
        raise SettingError(str(folder / outputs.CONFIG), f"is not what was run: {shown}", "config.yaml as written, or sample=0")
    at = {variant.label: index for index, variant in enumerate(variants)}
    labels = words["coordinates"][VARIANT]
    plan = Plan(
        variants.select([at[label] for label in labels]), [labels.index(to) for to in words["beside"][VARIANT]["reference"]]
    )
    plan.keep = Keep(words["attributes"]["keep"])
    return plan


def _points(folder: Path, words: Words, axes: Sequence[Axis]) -> list[Point]:
    """The points of a run as `config.yaml` says them; numbers that were swept lightly are set over few whole configs again."""
    path = folder / outputs.CONFIG
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        shared, variants = dict(content["shared"]), dict(content["variants"])
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        raise SettingError(
            str(path), "cannot be read, so nothing can be computed again", "config.yaml as written, or sample=0"
        ) from None
    light = [axis for axis in axes if len(axis.choices) > 1 and is_light(axis, axes)]
    wholes: dict[str, Whole] = {}
    points = []
    for label, rest in variants.items():
        settings = in_order(merged(shared, rest or {}), words["settings"]["shared"] | words["settings"]["variants"].get(label, {}))
        own = {axis.path: entry(settings, axis.path) for axis in light}
        for axis in [*light, *(axis for axis in axes if axis.interval)]:
            put_value(settings, axis)
        name = fingerprint(settings)
        if name not in wholes:
            wholes[name] = whole_of({**settings, CHOICES: {}}, axes, Folders())
        points.append(Point(label, {}, wholes[name], own))
    return points


# Hash -----------------------------------------------------------------------------------------------------------------------


def data_hash(folder: Path) -> str:
    """One SHA-256 of the data of a run, the same however it was cut into chunks or laid out.

    Of each variable in the order of names: its name, type and shape, then the SHA-256 of each variant's and replicate's numbers
    (of each variant's, for statistics), in C order of the axes of the Dataset, little-endian.

    Raises
    ------
    SettingError
        Where the folder holds no complete run.
    DamageError
        Where a chunk is not as it was written.
    """
    words = manifest.read_manifest(folder)
    results.demand_data(folder, words)
    found: dict[str, Array] = {}
    whole = hashlib.sha256()
    sizes = len(words["coordinates"][VARIANT]), len(words["coordinates"][REPLICATE])
    heads: dict[str, str] = {}
    for task, arrays in _world_first(folder, words):
        (first, last), (low, high) = task
        for name, array in arrays.items():
            worlds = name in OUTCOMES or STATISTIC not in words["coordinates"]
            count = sizes[1] if worlds else 1
            held = found.setdefault(name, np.zeros((sizes[0], count, 32), np.uint8))
            array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            digests = np.array([[list(hashlib.sha256(world).digest()) for world in variant] for variant in array], np.uint8)
            held[first:last, slice(low, high) if worlds else slice(None)] = digests
            heads[name] = f"{name} {array.dtype.str} {(sizes[0], count, *array.shape[2:])}\n"
    for name in sorted(found):
        whole.update(heads[name].encode() + found[name].tobytes())
    return whole.hexdigest()


def _world_first(folder: Path, words: Words) -> Iterator[tuple[Task, dict[str, Array]]]:
    """Pieces of a run with arrays (variant, replicate or 1, ...): chunk by chunk where each holds its worlds, else all at once."""
    if STATISTIC not in words["coordinates"]:
        for task, arrays in results.pieces_of(folder, words):
            yield task, {name: lead(array, 2) for name, array in arrays.items()}
        return
    ds = results.read_run(folder, words)
    arrays = {str(name): ds[name].values if name in OUTCOMES else ds[name].values[:, None] for name in ds.data_vars}
    yield Task((0, ds.sizes[VARIANT]), (0, len(words["coordinates"][REPLICATE]))), arrays
