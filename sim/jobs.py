"""`sim run -m`: many jobs, each as if it had run alone, computed together in batches; a folder for each.

A batch is a results folder without tables and figures under `batches/`, in which each job has its share of the variants. What is
there is gone on with: batches that have begun keep their jobs, all others make new ones.
"""

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sim import holding, outputs, results, tables
from sim import keep as keeping
from sim.arrays import Array
from sim.chunks import Task
from sim.compose import Batch
from sim.config import Keep, Variant
from sim.designs import Point, Variants
from sim.layout import layout_of
from sim.measuring import measured
from sim.names import MOVE, PERIOD, STATISTIC, TIME, VARIANT
from sim.overlays import Where
from sim.refusal import DamageError, FailedError, SettingError
from sim.settings import fingerprint
from sim.shocks import strikers
from sim.simulate import Plan, faults, provenance, references

BATCHES, TABLE, FINAL = "batches", "jobs.csv", "final.csv"
SHOWN = 12
"""Jobs of a printed table; jobs.csv has them all."""
COMPLETE, ALREADY, FAILED = "complete", "already complete", "failed"
Progress = Callable[[], AbstractContextManager[Callable[[int, int], None] | None]]
"""Opens what is told of worlds done and worlds in all of a batch."""


@dataclass
class Job:
    """One job: its folder's name, its point, its variants among those of its batch, what is kept of it, and how it went."""

    name: str
    point: Point
    variants: Array
    keep: Keep = Keep.auto
    status: str = ""
    message: str = ""
    outcome: tuple[str, float] | None = None

    def fail(self, error: SettingError) -> None:
        """Note why it could not be run."""
        self.status, self.message = FAILED, " ".join(str(error).split())


def folder_of(batches: Sequence[Batch]) -> Path:
    """The folder of all jobs: `out`, else named by study and settings."""
    if any(point.whole.config.engine.part for batch in batches for point in batch.variants.points):
        raise SettingError("engine.part", "is of one run, and these are several jobs", "sim sweep")
    outs = {point.whole.config.out for batch in batches for point in batch.variants.points}
    if len(outs) > 1:
        raise SettingError("out", "differs between the jobs", "one folder, in which each job gets its own")
    config = batches[0].variants.points[0].whole.config
    if config.out:
        return Path(config.out)
    named = fingerprint(settings_of(batches))[: outputs.HASH_LETTERS]
    return Path(outputs.OUTPUTS) / f"{config.study.name or 'jobs'}-{named}"


def settings_of(batches: Sequence[Batch]) -> dict[str, Any]:
    """The settings of all jobs, as of the variants of a run."""
    return outputs.settings_said({label: table for batch in batches for label, table in batch.variants.flat_settings().items()})


def in_order(batches: Sequence[Batch]) -> list[tuple[Batch, int]]:
    """Each job of a command as its batch and its point in it."""
    return [pair for _, pair in sorted((n, (batch, at)) for batch in batches for at, n in enumerate(batch.numbers))]


def write_jobs(folder: Path, batches: Sequence[Batch], progress: Progress) -> list[Job]:
    """Run the jobs that are not complete, batch by batch, and write a folder for each and the table of all.

    Parameters
    ----------
    folder : path
        A new one, or one that this very command has written before.
    batches
        As `sim.compose.expand_jobs` gives them.
    progress
        Opens what is told of the worlds of a batch.

    Returns
    -------
    list of Job
        In the order of the command.

    Raises
    ------
    SettingError
        Where the folder holds something else or another process writes it; a job that cannot be run only says so.
    """
    settings = settings_of(batches)
    holding.complete(folder, settings)
    pairs = in_order(batches)
    width = len(str(len(pairs) - 1))
    jobs = [
        Job(
            f"{number:0{width}d}_{outputs.file_word(batch.variants.points[at].label)}",
            batch.variants.points[at],
            np.flatnonzero(batch.variants.point == at),
        )
        for number, (batch, at) in enumerate(pairs)
    ]
    every = [variant for batch in batches for variant in batch.variants[:1]]
    said = {
        "format": results.FORMAT,
        "settings": settings,
        "jobs": [job.name for job in jobs],
        "attributes": {"provenance": json.dumps(provenance(every))},
    }
    texts = ConfigTexts()
    with holding.begun(folder, said):
        for batch in batches:
            _run(folder, batch.variants, [jobs[number] for number in batch.numbers], progress, texts)
        _write_table(folder / TABLE, jobs)
    return jobs


def _run(folder: Path, variants: Variants, jobs: Sequence[Job], progress: Progress, texts: "ConfigTexts") -> None:
    """Run the jobs of one batch: those that can stand, in the batches that have them already, the rest in a new one.

    Jobs of which other things are kept, where what each would keep alone differs, are batches of their own.
    """
    _demand_standing(variants, jobs)
    config = jobs[0].point.whole.config
    settle = partial(keeping.settle, config.keep, layout_of(config.region))
    for job in jobs:
        job.keep = settle(len(job.variants), config.replicates, config.window.periods)
    for keep in dict.fromkeys(job.keep for job in jobs):
        waiting = {job.name: job for job in jobs if job.keep is keep and not job.status}
        for at in begun(folder):
            there = results.unsealed(at / results.MANIFEST)["jobs"]
            own = [waiting.pop(name) for name in there if name in waiting]
            if own:
                waiting |= {job.name: job for job in _run_batch(at, variants, own, progress, texts) if not job.status}
        rest = list(waiting.values())
        while rest:
            number = max((int(at.name) for at in begun(folder)), default=-1) + 1
            rest = [job for job in _run_batch(folder / BATCHES / str(number), variants, rest, progress, texts) if not job.status]


def begun(folder: Path) -> list[Path]:
    """The batches that have begun, in their order."""
    found = (path for path in (folder / BATCHES).glob("*") if path.name.isdecimal() and (path / results.MANIFEST).is_file())
    return sorted(found, key=lambda path: int(path.name))


def _demand_standing(variants: Variants, jobs: Sequence[Job]) -> None:
    """Note of each job why it cannot stand, or leave out those of its draws that cannot."""
    fallen = faults(variants)
    for job in jobs:
        own = [index for index in job.variants.tolist() if index in fallen]
        if own and variants.draw is None:
            job.fail(fallen[own[0]])
        elif len(own) == len(job.variants):
            job.fail(SettingError("draws", "none can be at rest at the opening", "narrower ranges"))
        job.variants = np.setdiff1d(job.variants, own) if own else job.variants


def _run_batch(at: Path, variants: Variants, jobs: Sequence[Job], progress: Progress, texts: "ConfigTexts") -> Sequence[Job]:
    """Compute some jobs together into a folder, or go on with it, and write the folder of each; those that others held up."""
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
    plan.keep = jobs[0].keep
    ends = np.cumsum([len(job.variants) for job in jobs]).tolist()
    shares = {job.name: (end - len(job.variants), end) for job, end in zip(jobs, ends, strict=True)}
    settings = outputs.settings_said({job.point.label: table for job, table in zip(jobs, _flat(chosen, jobs), strict=True)})
    try:
        if not holding.complete(at, settings):
            with (
                progress() as watch,
                outputs.simulated(at, plan, {"settings": settings, "jobs": shares}, watch),
                holding.drafted(at) as draft,
            ):
                outputs.write_config(draft / outputs.CONFIG, plan.variants)
                outputs.write_draws(draft / outputs.DRAWS, plan.variants)
    except FailedError as error:
        bad = [job for job in jobs if {chosen[index].label for index in range(*shares[job.name])} & set(error.labels)]
        for job in bad:
            job.fail(error)
        shutil.rmtree(at, ignore_errors=True)
        return jobs
    _write_folders(at, plan, jobs, shares, texts)
    return []


def _flat(variants: Variants, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    tables_of = variants.flat_settings()
    return [tables_of[job.point.label] for job in jobs]


# Folders --------------------------------------------------------------------------------------------------------------------


def _write_folders(at: Path, plan: Plan, jobs: Sequence[Job], shares: Mapping[str, tuple[int, int]], texts: "ConfigTexts") -> None:
    """Write the folder of each job that has none, and note the outcome of all."""
    words = results.unsealed(at / results.MANIFEST)
    summary = finals(at, words)
    rows = list(tables.rows_of_variants(summary))
    name = str(words["attributes"]["outcome"])
    outcomes = results.outcomes(summary)
    for job in jobs:
        first, last = shares[job.name]
        job.outcome = name, float(outcomes[first])
        into = at.parent.parent / job.name
        if into.exists():
            _demand_job(into)
            job.status = ALREADY
            continue
        with holding.whole(into) as draft:
            with (draft / FINAL).open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(tables.header(summary))
                for own in rows[first:last]:
                    writer.writerows(own)
            (draft / outputs.CONFIG).write_text(texts.of(job.point), encoding="utf-8")
            (draft / results.JOB).write_bytes(results.sealed(_said(at, words, plan, job, (first, last))))
        job.status = COMPLETE


def _demand_job(folder: Path) -> None:
    """Refuse a folder of a job's name that is none, or not as it was written."""
    if not (folder / results.JOB).is_file():
        raise SettingError("out", "holds something that is no job", "a new folder", where=str(folder))
    try:
        results.unsealed(folder / results.JOB)
    except DamageError as error:
        raise DamageError(error.key, error.wrong, "remove the job's folder: the same command makes it again") from None


def _said(at: Path, words: Mapping[str, Any], plan: Plan, job: Job, share: tuple[int, int]) -> dict[str, Any]:
    """What the file of a job says: its batch, its variants of it, and what it would say of itself alone."""
    parts, struck = words["coordinates"]["part"], strikers(plan.configs.select(np.arange(*share)))
    own = [f"impulse.{name}" for name in struck]
    config = job.point.whole.config
    asked = config.draws if isinstance(plan.variants, Variants) and plan.variants.draw is not None else 1
    return {
        "format": results.FORMAT,
        "job": job.name,
        "label": job.point.label,
        "batch": f"../{BATCHES}/{at.name}",
        "variants": list(share),
        "parts": [index for index, part in enumerate(parts) if not part.startswith("impulse.") or part in own],
        "attributes": {
            "title": config.study.question or f"{config.region.label}: {config.scenario.label}",
            "seed": config.seed,
            "refused_draws": asked - len(job.variants),
        },
    }


class ConfigTexts:
    """The settings of jobs as YAML; tables that jobs share are written out once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], str] = {}

    def of(self, point: Point) -> str:
        """The file of one job, as `sim.outputs.write_config` lays it out."""
        own = self._text(point.whole.settings, point.own, ())
        return "shared:\n" + _indented(own) + outputs.yaml_text({"variants": {point.label: {}}})

    def _text(self, settings: Mapping[str, Any], own: Mapping[Where, object], path: Where) -> str:
        text = ""
        for name, value in settings.items():
            here = (*path, name)
            if isinstance(value, Mapping) and any(key[: len(here)] == here for key in own):
                text += outputs.yaml_text({name: None}).replace(" null", "") + _indented(self._text(value, own, here))
            elif isinstance(value, Mapping):
                key = name, id(value)
                if key not in self._known:
                    self._known[key] = outputs.yaml_text({name: value})
                text += self._known[key]
            else:
                text += outputs.yaml_text({name: own.get(here, value)})
        return text


def _indented(text: str) -> str:
    return "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True))


# Tables ---------------------------------------------------------------------------------------------------------------------


def finals(folder: Path, words: Mapping[str, Any]) -> xr.Dataset:
    """The summary of every variable and measure at the last instant or period of a run, (variant, statistic, ...)."""
    last = {TIME: [-1], PERIOD: [-1]}
    if STATISTIC in words["coordinates"]:
        return results.read_run(folder, words).isel(last)
    coordinates = words["coordinates"]
    periods = len(coordinates[PERIOD])
    moments = {TIME: sorted({0, periods - 1, periods}), PERIOD: sorted({0, periods - 1})}
    kept = {when: [coordinates[when][at] for at in instants] for when, instants in moments.items()}
    pieces = _moments(results.pieces_of(folder, words), moments)
    arrays = results.joined(pieces, False, len(coordinates[VARIANT]), len(coordinates["replicate"]))
    ds = results.label(arrays, {**words, "coordinates": coordinates | kept})
    return results.summarise(measured(ds).isel(last))


def _moments(pieces: Iterator[tuple[Task, dict[str, Array]]], moments: Mapping[str, list[int]]) -> Iterator[Any]:
    """Chunks of worlds with some instants and periods only, without the parts of moves."""
    for task, arrays in pieces:
        own = {name: array for name, array in arrays.items() if name != MOVE}
        yield task, {name: array[moments[results.dims_of(name, worlds=True)[2]]] for name, array in own.items()}


def _write_table(path: Path, jobs: Sequence[Job]) -> None:
    rows = [_row(job) for job in jobs]
    names = list(dict.fromkeys(name for row in rows for name in row))
    draft = path.with_name(f".{path.name}")
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: tables.cell(value) for name, value in row.items()} for row in rows)
    draft.replace(path)


def _row(job: Job) -> dict[str, object]:
    outcome = dict([job.outcome]) if job.outcome else {}
    return {"job": job.name, "status": job.status, "message": job.message, **outcome, **job.point.coordinates}


def lines(jobs: Sequence[Job]) -> list[str]:
    """The table of jobs as lines of text: those that failed with their reason, then some of the others with their outcome."""
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
