"""The folder of a job among several: its settings, the table of its last instant, and its share of the data of its batch."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sim.analysis import tables
from sim.arrays import Array
from sim.commands import identity
from sim.compose.designs import Point, Variants
from sim.config.overlays import Where
from sim.config.schema import Record
from sim.config.strict_yaml import yaml_text
from sim.engine.plan import Plan
from sim.errors import DamageError, SettingError
from sim.names import MOVE, PERIOD, STATISTIC, TIME, VARIANT
from sim.results import chunking, dataset, lifecycle, manifest, reading, receipts
from sim.results.chunking import Task
from sim.results.derived import measured
from sim.results.manifest import BATCHES
from sim.science.shocks import impulse_shocks

FINAL = "final.csv"
NEEDED = identity.CONFIG, FINAL
"""The files that every receipt of a job lists."""
COMPLETE, ALREADY, FAILED = "complete", "already complete", "failed"


@dataclass
class Job:
    """One job: its folder's name, its point, the indices of its variants in its batch, what is recorded, status and outcome."""

    name: str
    point: Point
    variants: Array
    record: Record = Record.auto
    status: str = ""
    message: str = ""
    outcome: tuple[str, float] | None = None

    def fail(self, error: SettingError) -> None:
        """Mark the job as failed, with the reason."""
        self.status, self.message = FAILED, " ".join(str(error).split())


def write_folders(at: Path, plan: Plan, jobs: Sequence[Job], shares: Mapping[str, tuple[int, int]], texts: "ConfigTexts") -> None:
    """Write the folder of each job that has none, and set status and outcome of all jobs."""
    metadata = manifest.read_batch(at)
    summary = finals(at, metadata)
    rows = list(tables.rows_of_variants(summary))
    name = str(metadata["attributes"]["outcome"])
    outcomes = dataset.outcomes(summary)
    for job in jobs:
        first, last = shares[job.name]
        job.outcome = name, float(outcomes[first])
        into = at.parent.parent / job.name
        own = [row for rows_of_one in rows[first:last] for row in rows_of_one]
        if into.exists():
            _demand_job(into)
            job.status = COMPLETE if receipts.wrong(into, NEEDED) else ALREADY
            if job.status == COMPLETE:
                with lifecycle.hold(into):
                    with receipts.drafted(into, FINAL) as draft:
                        _write_tables(draft, tables.header(summary), own, texts.of(job.point))
                    receipts.close(into, {})
            continue
        with lifecycle.whole(into) as draft:
            _write_tables(draft, tables.header(summary), own, texts.of(job.point))
            (draft / manifest.JOB).write_bytes(manifest.sealed(_metadata(at, metadata, plan, job, (first, last))))
            receipts.close(draft, {}, receipts.everything(draft, (manifest.JOB,)))
        job.status = COMPLETE


def _write_tables(draft: Path, header: list[str], rows: Iterable[list[Any]], config: str) -> None:
    with (draft / FINAL).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    (draft / identity.CONFIG).write_text(config, encoding="utf-8")


def _demand_job(folder: Path) -> None:
    """Raise an error for a folder of a job's name that holds no job, or one whose metadata have changed."""
    if not (folder / manifest.JOB).is_file():
        raise SettingError("out", "holds something that is no job", "a new folder", where=str(folder))
    try:
        manifest.unsealed(folder / manifest.JOB)
    except DamageError as error:
        raise DamageError(error.key, error.wrong, "remove the job's folder: the same command makes it again") from None


def _metadata(at: Path, metadata: Mapping[str, Any], plan: Plan, job: Job, share: tuple[int, int]) -> dict[str, Any]:
    """The content of a job's file: its batch, its variants in it, and the attributes that differ from those of the batch."""
    contributions, impulses = metadata["coordinates"]["contribution"], impulse_shocks(plan.configs.select(np.arange(*share)))
    own = [f"impulse.{name}" for name in impulses]
    config = job.point.whole.config
    asked = config.draws if isinstance(plan.variants, Variants) and plan.variants.draw is not None else 1
    return {
        "format": manifest.FORMAT,
        "job": job.name,
        "label": job.point.label,
        "batch": f"../{BATCHES}/{at.name}",
        "variants": list(share),
        "contributions": [at for at, name in enumerate(contributions) if not name.startswith("impulse.") or name in own],
        "attributes": {
            "title": config.study.question or f"{config.region.label}: {config.scenario.label}",
            "seed": config.seed,
            "refused_draws": asked - len(job.variants),
        },
    }


class ConfigTexts:
    """The settings of jobs as YAML; the text of tables that jobs share is made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], str] = {}

    def of(self, point: Point) -> str:
        """The text of `config.yaml` of one job, in the layout of `sim.commands.identity.write_config`."""
        own = self._text(point.whole.settings, point.own, ())
        return "shared:\n" + _indented(own) + yaml_text({"variants": {point.label: {}}})

    def _text(self, settings: Mapping[str, Any], own: Mapping[Where, object], path: Where) -> str:
        text = ""
        for name, value in settings.items():
            here = (*path, name)
            if isinstance(value, Mapping) and any(key[: len(here)] == here for key in own):
                text += yaml_text({name: None}).replace(" null", "") + _indented(self._text(value, own, here))
            elif isinstance(value, Mapping):
                key = name, id(value)
                if key not in self._known:
                    self._known[key] = yaml_text({name: value})
                text += self._known[key]
            else:
                text += yaml_text({name: own.get(here, value)})
        return text


def _indented(text: str) -> str:
    return "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True))


def finals(folder: Path, metadata: Mapping[str, Any]) -> xr.Dataset:
    """The summary of every variable and measure at the last instant or period of a run, (variant, statistic, ...)."""
    last = {TIME: [-1], PERIOD: [-1]}
    if STATISTIC in metadata["coordinates"]:
        return reading.read_run(folder, metadata).isel(last)
    coordinates = metadata["coordinates"]
    periods = len(coordinates[PERIOD])
    moments = {TIME: sorted({0, periods - 1, periods}), PERIOD: sorted({0, periods - 1})}
    axes = {when: [coordinates[when][at] for at in instants] for when, instants in moments.items()}
    pieces = _moments(reading.pieces_of(folder, metadata), moments)
    arrays = chunking.joined(pieces, False, len(coordinates[VARIANT]), len(coordinates["replicate"]))
    ds = dataset.label(arrays, {**metadata, "coordinates": coordinates | axes})
    return dataset.summarise(measured(ds).isel(last))


def _moments(pieces: Iterator[tuple[Task, dict[str, Array]]], moments: Mapping[str, list[int]]) -> Iterator[Any]:
    """Chunks of single replicates, at some instants and periods only, without the contributions."""
    for task, arrays in pieces:
        own = {name: array for name, array in arrays.items() if name != MOVE}
        yield task, {name: array[moments[dataset.dims_of(name, by_replicate=True)[2]]] for name, array in own.items()}


TABLE = "jobs.csv"
