"""What a run writes into its folder: chunks, then tables and figures; or what failed."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import xarray as xr

from sim.analysis import tables
from sim.commands.identity import CONFIG, DRAWS, NEEDED, SUMMARY, settings_of, write_config
from sim.compose import draws
from sim.config.fingerprint import fingerprint
from sim.config.places import trusting
from sim.config.schema import Variant
from sim.engine.ensemble import tasks
from sim.engine.job import Job
from sim.engine.metadata import metadata_of
from sim.engine.plan import Plan, job_of
from sim.engine.workers import Failure, at_fault, divided, failed, is_divisible, outcomes, workers_of
from sim.errors import FailedError
from sim.figures.files import FIGURES, draw_figures
from sim.results import dataset, manifest, reading, receipts
from sim.results.chunking import Task
from sim.results.derived import measured
from sim.results.lifecycle import FAILURES, begun, command, complete
from sim.results.locks import hold
from sim.results.remote import place_of
from sim.results.software import versions

PLACE_LETTERS = 16


def write_run(folder: Path, plan: Plan, settings: dict[str, Any], watch: Callable[[int, int], None] | None = None) -> xr.Dataset:
    """Simulate a plan into its folder, chunk by chunk, then write tables and figures; chunks of a stopped run are not made again.

    Parameters
    ----------
    folder : path
        A new folder, or one that `complete` has found to hold a part of the same run.
    plan, settings
        What to run, and its settings as `settings_of` gives them.
    watch : callable, optional
        Called after each chunk with the number of replicates done and in all.

    Returns
    -------
    xarray.Dataset
        The results, with measures.

    Raises
    ------
    SettingError
        If another process writes the folder, or it cannot be written.
    FailedError
        If variants cannot be computed; the chunks of all others are saved, and FAILURES lists the failed ones.
    """
    try:
        with simulated(folder, plan, {"settings": settings}, watch) as metadata:
            ds = _write_tables(folder, metadata, plan.variants)
    except FailedError as error:
        listed = f"; {folder / FAILURES} lists what failed, all else is saved" if (folder / FAILURES).exists() else ""
        raise FailedError(error.key, error.wrong, error.allowed + listed) from None
    return ds


def _write_tables(folder: Path, metadata: dict[str, Any], variants: Sequence[Variant]) -> xr.Dataset:
    """Write the tables and figures of a run from its chunks; returns its results, with measures."""
    ds = measured(reading.read_run(folder, metadata))
    summary = dataset.summarise(ds)
    with receipts.drafted(folder) as draft:
        tables.write_long(summary, draft / SUMMARY)
        write_config(draft / CONFIG, variants)
        draws.write(draft / DRAWS, variants)
        draw_figures(draft / FIGURES, ds, summary)
    return ds


def mend(folder: Path, variants: Sequence[Variant]) -> list[str]:
    """Write missing or changed tables and figures of a complete run again, from its chunks; returns which, as lines of text."""
    wrong = receipts.wrong(folder, NEEDED)
    if wrong:
        with hold(folder):
            metadata = manifest.read_manifest(folder)
            _write_tables(folder, metadata, variants)
            manifest.write_complete(folder, metadata)
    return [f"made again from the chunks: {', '.join(wrong)}"] if wrong else []


@contextmanager
def simulated(
    folder: Path, plan: Plan, more: dict[str, Any], watch: Callable[[int, int], None] | None = None
) -> Iterator[dict[str, Any]]:
    """A context that computes the chunks of a run into a locked folder, yields its metadata, and marks the folder complete on exit.

    `more` is added to the metadata that the plan gives: the settings.
    """
    job = job_of(plan)
    with trusting(plan.config.engine.chunks), begun(folder, _metadata(plan, job, more)):
        metadata = manifest.read_manifest(folder)
        manifest.store_of(folder, metadata).sweep(manifest.tasks_of(metadata))
        failures = _fill(folder, metadata, plan, job, manifest.tasks_of(metadata), watch)
        while any(is_divisible(failure) for failure in failures) and all(failure.tried for failure in failures):
            metadata, failures = _cut_again(folder, metadata, plan, job, failures, watch)
        manifest.store_of(folder, metadata).sweep(manifest.tasks_of(metadata))
        if failures:
            if manifest.store_of(folder, metadata).begun():
                write_failures(folder, metadata, job, failures)
            raise failed(job, failures)
        yield metadata
        manifest.write_complete(folder, metadata)


def write_part(folder: Path, plan: Plan, settings: dict[str, Any], watch: Callable[[int, int], None] | None = None) -> int:
    """Simulate the part of a plan's chunks that `engine.part` names, while other processes may compute the others.

    The parameters are those of `write_run`, which writes tables and figures when all parts are there.

    Returns
    -------
    int
        How many chunks the part has.
    """
    job, (number, parts) = job_of(plan), plan.config.engine.share or (1, 1)
    metadata = _metadata(plan, job, {"settings": settings})
    with trusting(plan.config.engine.chunks), begun(folder, metadata, together=True):
        metadata = manifest.read_manifest(folder)
        own = manifest.tasks_of(metadata)[number - 1 :: parts]
        failures = _fill(folder, metadata, plan, job, own, watch)
        if failures:
            raise failed(job, failures)
    return len(own)


def _metadata(plan: Plan, job: Job, more: dict[str, Any]) -> dict[str, Any]:
    """The metadata in the manifest of a run: those of its plan, `more` (its settings), its chunks and their place."""
    engine, run = plan.config.engine, fingerprint(more["settings"])
    metadata: dict[str, Any] = metadata_of(plan) | more | {"settings_hash": run}
    metadata["attributes"] |= {"settings_hash": run}
    metadata["chunks"] = [[*task.variants, *task.replicates] for task in tasks(job, engine.chunk)]
    if engine.chunks:
        software = versions(engine.backend.value)
        labels = manifest.labels_hash(metadata)
        own = fingerprint([run, labels, metadata["chunks"], software])  # runs whose chunks differ get different places
        metadata["place"] = f"{engine.chunks.rstrip('/')}/{own[:PLACE_LETTERS]}"
        place_of(metadata["place"]).exists()  # raises an error before anything is written, if it cannot be opened
    return metadata


def _fill(
    folder: Path, metadata: dict[str, Any], plan: Plan, job: Job, own: Sequence[Task], watch: Callable[[int, int], None] | None
) -> list[Failure]:
    """Compute those of the given chunks that are missing; returns what failed."""
    engine, store = plan.config.engine, manifest.store_of(folder.absolute(), metadata)
    todo = [task for task in own if not store.has(task)]
    total = sum(task.worlds for task in own)
    done = total - sum(task.worlds for task in todo)
    failures: list[Failure] = []
    with closing(outcomes(job, todo, workers_of(job, todo, engine.workers), store, engine.cluster)) as computed:
        for outcome in computed:
            if isinstance(outcome, Failure):
                failures.append(outcome)
                continue
            done += outcome[0].worlds
            if watch:
                watch(done, total)
    return sorted(failures, key=lambda failure: failure.task)


def _cut_again(
    folder: Path,
    metadata: dict[str, Any],
    plan: Plan,
    job: Job,
    failures: Sequence[Failure],
    watch: Callable[[int, int], None] | None,
) -> tuple[dict[str, Any], list[Failure]]:
    """Divide failed chunks into chunks of fewer variants and compute those; returns the new metadata and what failed again."""
    pieces = {failure.task: divided(failure) for failure in failures if is_divisible(failure)}
    cut = []
    for task in manifest.tasks_of(metadata):
        todo, known = pieces.get(task, ([task], []))
        cut += sorted([*todo, *(failure.task for failure in known)])
    metadata = metadata | {"chunks": [[*task.variants, *task.replicates] for task in cut]}
    manifest.write_manifest(folder, metadata)
    again = [task for todo, _ in pieces.values() for task in todo]
    left = [failure for failure in failures if failure.task not in pieces]
    left += [failure for _, known in pieces.values() for failure in known]
    return metadata, sorted(left + _fill(folder, metadata, plan, job, again, watch), key=lambda failure: failure.task)


def write_failures(folder: Path, metadata: dict[str, Any], job: Job, failures: Sequence[Failure]) -> None:
    """Write the table of what failed: variant, replicates, seed, reason, and the command that computes these chunks again."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["chunk", "variant", "first_replicate", "last_replicate", "seed", "key", "reason", "command"])
    for failure in failures:
        low, high = failure.task.replicates
        for label in at_fault(job, failure):
            seed = job.seeds[job.labels.index(label)]
            row = [failure.task.name, label, low, high - 1, seed, failure.error.key, failure.error.wrong]
            writer.writerow([*map(tables.cell, row), tables.cell(f"sim {command(folder, metadata)}")])
    with receipts.drafted(folder, FAILURES) as draft:
        (draft / FAILURES).write_bytes(text.getvalue().encode())


def run_variant(variant: Variant, folder: Path) -> xr.Dataset:
    """Simulate one variant into a new folder, for programs that build their own variants; opens the folder if it is complete."""
    settings = settings_of([variant])
    if complete(folder, settings, variant.config.engine.chunks):
        return reading.open_results(folder)
    return write_run(folder, Plan([variant]), settings)
