"""`sim run -m`: many jobs, each as if it had run alone, computed together in batches; a folder for each.

A batch is a results folder without tables and figures under `batches/`, in which each job has its share of the variants. Existing
batches are continued with the jobs that they have; the remaining jobs are computed in new batches.
"""

import csv
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sim.analysis import tables
from sim.commands import identity, writing
from sim.commands.shares import COMPLETE, FAILED, TABLE, ConfigTexts, Job, write_folders
from sim.compose import draws
from sim.compose import notes as idle
from sim.compose.designs import Variants
from sim.compose.expand import Batch
from sim.config import places
from sim.config.fingerprint import fingerprint
from sim.config.schema import Variant
from sim.engine import recorders as recorders
from sim.engine.metadata import provenance
from sim.engine.plan import Plan, faults, references
from sim.errors import FailedError, SettingError
from sim.figures import files
from sim.results import lifecycle, manifest, receipts
from sim.results.manifest import BATCHES
from sim.science.layout import layout_of

SHOWN = 12
"""Jobs in the printed table; jobs.csv lists them all."""
Progress = Callable[[], AbstractContextManager[Callable[[int, int], None] | None]]
"""Opens a function that is called with the number of replicates done and of all replicates of a batch."""


def folder_of(batches: Sequence[Batch]) -> Path:
    """The folder of all jobs: `out`, else named by study and settings."""
    if any(point.whole.config.engine.part for batch in batches for point in batch.variants.points):
        raise SettingError("engine.part", "applies to one run, and these are several jobs", "sim sweep")
    outs = {point.whole.config.out for batch in batches for point in batch.variants.points}
    if len(outs) > 1:
        raise SettingError("out", "differs between the jobs", "one folder, in which each job gets its own")
    config = batches[0].variants.points[0].whole.config
    if config.out:
        return Path(config.out)
    named = fingerprint(settings_of(batches))[: identity.HASH_LETTERS]
    return Path(identity.OUTPUTS) / f"{config.study.name or 'jobs'}-{named}"


def settings_of(batches: Sequence[Batch]) -> dict[str, Any]:
    """The settings of all jobs, in the form of the settings of a run."""
    pairs = ((batch, batch.variants.points[at].label) for batch, at in in_order(batches))
    tables_of = {id(batch): batch.variants.flat_settings() for batch in batches}
    return identity.settings_said({label: tables_of[id(batch)][label] for batch, label in pairs})


def notes(batches: Sequence[Batch]) -> list[str]:
    """Notes on settings of the jobs that can have no effect, as lines of text, each once."""
    return list(dict.fromkeys(line for batch in batches for line in idle.lines(batch.variants)))


def in_order(batches: Sequence[Batch]) -> list[tuple[Batch, int]]:
    """The jobs of a command in their order, each as its batch and the index of its point in it."""
    return [pair for _, pair in sorted((n, (batch, at)) for batch in batches for at, n in enumerate(batch.numbers))]


def write_jobs(folder: Path, batches: Sequence[Batch], progress: Progress) -> list[Job]:
    """Run the jobs that are not complete, batch by batch, and write a folder for each and the table of all.

    Parameters
    ----------
    folder : path
        A new folder, or one that the same command has written before.
    batches
        As `sim.compose.expand.expand_jobs` gives them.
    progress
        Opens a function that receives the progress of a batch, see `Progress`.

    Returns
    -------
    list of Job
        In the order of the command.

    Raises
    ------
    SettingError
        If the folder holds something else or another process writes it. A job that cannot be run is only marked as failed.
    """
    settings = settings_of(batches)
    lifecycle.complete(folder, settings)
    pairs = in_order(batches)
    width = len(str(len(pairs) - 1))
    jobs = [
        Job(
            f"{number:0{width}d}_{files.file_word(batch.variants.points[at].label)}",
            batch.variants.points[at],
            np.flatnonzero(batch.variants.point == at),
        )
        for number, (batch, at) in enumerate(pairs)
    ]
    every = [variant for batch in batches for variant in batch.variants[:1]]
    said = {
        "format": manifest.FORMAT,
        "settings": settings,
        "jobs": [job.name for job in jobs],
        "attributes": {"provenance": json.dumps(provenance(every))},
    }
    texts = ConfigTexts()
    said_places = {point.whole.config.engine.chunks for batch in batches for point in batch.variants.points}
    with places.trusting(*said_places), lifecycle.begun(folder, said):
        lifecycle.clear_killed(folder)
        for batch in batches:
            _run(folder, batch.variants, [jobs[number] for number in batch.numbers], progress, texts)
        with receipts.drafted(folder) as draft:
            _write_table(draft / TABLE, jobs)
        receipts.close(folder, {})
    return jobs


def _run(folder: Path, variants: Variants, jobs: Sequence[Job], progress: Progress, texts: ConfigTexts) -> None:
    """Run the jobs of one batch, except the infeasible ones: in existing batches that have them, the rest in a new one.

    Jobs that would record different things if each ran alone (`record=auto`) are computed in separate batches.
    """
    _demand_standing(variants, jobs)
    config = jobs[0].point.whole.config
    settle = partial(recorders.settle, config.record, layout_of(config.region))
    for job in jobs:
        job.record = settle(len(job.variants), config.replicates, config.window.periods)
    for record in dict.fromkeys(job.record for job in jobs):
        waiting = {job.name: job for job in jobs if job.record is record and not job.status}
        for at in manifest.batches_of(folder):
            there = manifest.read_batch(at)["jobs"]
            own = [waiting.pop(name) for name in there if name in waiting]
            if own:
                waiting |= {job.name: job for job in _run_batch(at, variants, own, progress, texts) if not job.status}
        rest = list(waiting.values())
        while rest:
            number = max((int(at.name) for at in manifest.batches_of(folder)), default=-1) + 1
            rest = [job for job in _run_batch(folder / BATCHES / str(number), variants, rest, progress, texts) if not job.status]


def _demand_standing(variants: Variants, jobs: Sequence[Job]) -> None:
    """Mark jobs that have no equilibrium at the opening as failed, with the reason; leave out single draws that have none."""
    fallen = faults(variants)
    for job in jobs:
        own = [index for index in job.variants.tolist() if index in fallen]
        if own and variants.draw is None:
            job.fail(fallen[own[0]])
        elif len(own) == len(job.variants):
            job.fail(SettingError("draws", "none can be at rest at the opening", "narrower ranges"))
        job.variants = np.setdiff1d(job.variants, own) if own else job.variants


def _run_batch(at: Path, variants: Variants, jobs: Sequence[Job], progress: Progress, texts: ConfigTexts) -> Sequence[Job]:
    """Compute some jobs together into a folder, or continue it, and write the folder of each job.

    Returns the jobs of a batch that failed as a whole; those without the status failed are to be tried again without the others.
    """
    against, own = [], []
    for job in jobs:
        try:
            chosen = variants.select(job.variants)
            against.append([len(own) + index for index in references(chosen, job.point.whole.config.reference)])
            own += job.variants.tolist()
        except SettingError as error:
            job.fail(error)
    jobs = [job for job in jobs if not job.status]
    if not jobs:
        return []
    chosen = variants.select(own)
    plan = Plan(chosen, [index for indices in against for index in indices])
    plan.record = jobs[0].record
    ends = np.cumsum([len(job.variants) for job in jobs]).tolist()
    shares = {job.name: (end - len(job.variants), end) for job, end in zip(jobs, ends, strict=True)}
    settings = identity.settings_said({job.point.label: table for job, table in zip(jobs, _flat(chosen, jobs), strict=True)})
    try:
        if not lifecycle.complete(at, settings) or receipts.wrong(at, [identity.CONFIG]):
            with (
                progress() as watch,
                writing.simulated(at, plan, {"settings": settings, "jobs": shares}, watch),
                receipts.drafted(at) as draft,
            ):
                identity.write_config(draft / identity.CONFIG, plan.variants)
                draws.write(draft / identity.DRAWS, plan.variants)
    except FailedError as error:
        bad = [job for job in jobs if {chosen[index].label for index in range(*shares[job.name])} & set(error.labels)]
        for job in bad:
            job.fail(error)
        _remove_batch(at)
        return jobs
    write_folders(at, plan, jobs, shares, texts)
    return []


def _remove_batch(at: Path) -> None:
    """Remove the files of a batch that could not be computed; its jobs without a fault are computed in another batch."""
    if (at / manifest.MANIFEST).is_file():
        lifecycle.clear(at, manifest.store_of(at, manifest.unsealed(at / manifest.MANIFEST)))
    with suppress(OSError):
        at.rmdir()


def _flat(variants: Variants, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    tables_of = variants.flat_settings()
    return [tables_of[job.point.label] for job in jobs]


# Tables ---------------------------------------------------------------------------------------------------------------------


def _write_table(path: Path, jobs: Sequence[Job]) -> None:
    rows = [_row(job) for job in jobs]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: tables.cell(value) for name, value in row.items()} for row in rows)


def _row(job: Job) -> dict[str, object]:
    outcome = dict([job.outcome]) if job.outcome else {}
    status = FAILED if job.status == FAILED else COMPLETE  # not whether it was complete before: the same jobs make the same table
    return {"job": job.name, "status": status, "message": job.message, **outcome, **job.point.coordinates}


def lines(jobs: Sequence[Job]) -> list[str]:
    """The table of jobs as lines of text: failed jobs with their reason, then some of the others with their outcome."""
    failed = [job for job in jobs if job.status == FAILED]
    done = [job for job in jobs if job.status != FAILED]
    width = max(len(job.name) for job in jobs)
    said = [f"{job.name:<{width}}  {job.status}: {job.message}" for job in failed[:SHOWN]]
    for job in done[: SHOWN - len(said)]:
        name, value = job.outcome or ("", float("nan"))
        said.append(f"{job.name:<{width}}  {job.status}  {name} {value:+.4f}")
    return said + ([f"({len(jobs) - len(said)} more)"] if len(jobs) > len(said) else [])


def variants_of(batches: Sequence[Batch]) -> list[Variant]:
    """The variants of all jobs, in the order of the command."""
    return [batch.variants[int(index)] for batch, at in in_order(batches) for index in np.flatnonzero(batch.variants.point == at)]
