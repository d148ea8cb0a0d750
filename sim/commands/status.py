"""`sim status`: how complete a results folder is, and the command that continues it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.commands import identity, shares
from sim.commands.codes import GOOD
from sim.results import lifecycle, manifest, receipts
from sim.results.locks import holder
from sim.results.manifest import BATCHES
from sim.text import say

SHOWN = 4
Metadata = dict[str, Any]


def command(options: Any) -> int:
    """Run `sim status` with the parsed arguments and return the exit code."""
    say(*status(Path(options.folder)))
    return GOOD


def status(folder: Path) -> list[str]:
    """How complete a folder is, as lines of text; the sizes of chunks are checked, their content is not read.

    Raises
    ------
    SettingError
        If the folder holds no results.
    DamageError
        If its metadata are not as they were written.
    """
    metadata = manifest.read_manifest(folder)
    wrong = wrong_tables(folder, metadata)
    apart = [f"not as written: {receipts.described(wrong)}"] if wrong else []
    if "jobs" not in metadata and "chunks" not in metadata:
        return [f"{folder}: a comparison or explanation, {'the same command completes it' if wrong else 'complete'}", *apart]
    owner = holder(folder)
    held = [f"in use by {owner}"] if owner else []
    if "chunks" not in metadata:
        done = sum((folder / name / manifest.JOB).is_file() for name in metadata["jobs"])
        whole = done == len(metadata["jobs"]) and not wrong
        lines = ["", f"jobs: {done:,} of {len(metadata['jobs']):,} complete, {shares.TABLE} lists them", *apart]
        for at in manifest.batches_of(folder):
            found, there = _chunks(at, manifest.read_batch(at))
            lines += [f"batch {at.name}: {line}" for line in found]
            whole &= there
        lines[0] = f"{folder}: {_how(whole, owner)}"
        return [*lines, *held, *([] if whole else [f"to continue: sim {lifecycle.command(folder, metadata)}"])]
    found, there = _chunks(folder, metadata)
    whole = there and ("share" in metadata or is_whole(folder)) and not wrong
    return [
        f"{folder}: {_how(whole, owner)}",
        *found,
        *apart,
        *_failures(folder),
        *held,
        *([] if whole else [f"to continue: sim {lifecycle.command(folder, metadata)}"]),
    ]


def wrong_tables(folder: Path, metadata: Metadata) -> dict[str, str]:
    """Tables and figures of a folder and of its jobs that are missing or changed, with what is wrong with each."""
    if "share" in metadata:
        return receipts.wrong(folder, shares.NEEDED)
    if "chunks" in metadata:
        needed = ([identity.CONFIG] if "jobs" in metadata else identity.NEEDED) if is_whole(folder) else []
        return receipts.wrong(folder, needed)
    found = receipts.wrong(folder, [shares.TABLE] if "jobs" in metadata and is_whole(folder) else [])
    inner = {name: shares.NEEDED for name in metadata.get("jobs", []) if (folder / name / manifest.JOB).is_file()}
    inner |= {str(at.relative_to(folder)): [identity.CONFIG] for at in manifest.batches_of(folder) if is_whole(at)}
    for name, needed in inner.items():
        found |= {f"{name}/{file}": how for file, how in receipts.wrong(folder / name, needed).items()}
    return found


def _how(whole: bool, owner: str) -> str:
    return "complete" if whole else "being written" if owner else "not complete"


def _chunks(folder: Path, metadata: Metadata) -> tuple[list[str], bool]:
    """Which chunks are there, as lines of text, and whether all have their full size."""
    if "share" in metadata:
        first, last = metadata["share"]["variants"]
        return [f"{last - first:,} of the variants of {folder.parent / BATCHES / Path(metadata['share']['batch']).name}"], True
    store, tasks = manifest.store_of(folder, metadata), manifest.tasks_of(metadata)
    there = [task for task in tasks if store.receipt(task).exists()]
    damaged = [task.name for task in there if not store.looks_whole(task)]
    done = sum(task.worlds for task in there if task.name not in damaged)
    lines = [
        f"{len(there) - len(damaged):,} of {len(tasks):,} chunks, {done:,} of {sum(task.worlds for task in tasks):,} replicates"
    ]
    return lines + ([f"damaged: {listed(damaged)}"] if damaged else []), len(there) - len(damaged) == len(tasks)


def _failures(folder: Path) -> list[str]:
    path = folder / lifecycle.FAILURES
    count = max(0, len(path.read_text("utf-8").splitlines()) - 1) if path.is_file() else 0
    return [f"failed when last tried: {count:,}, {lifecycle.FAILURES} lists them"] if count else []


def listed(names: Sequence[str]) -> str:
    """The first few names on one line, and how many more there are."""
    return "; ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def is_whole(folder: Path) -> bool:
    """Whether a folder has the receipt of a complete one; its content is not checked."""
    return (folder / manifest.COMPLETE).is_file()
