"""The Dataset of a results folder, read from its chunks and metadata."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from sim.arrays import Array
from sim.config import places
from sim.errors import SettingError
from sim.names import MOVE, OUTCOMES, REPLICATE, STATISTIC, VARIANT
from sim.results import manifest
from sim.results.chunking import Task, joined
from sim.results.dataset import label
from sim.results.schema import forms_of


def open_results(folder: str | Path, trust_place: bool = False) -> xr.Dataset:
    """The labelled Dataset of a results folder.

    The metadata may name a URL behind which the chunks are. They are opened there only with `trust_place`, which is for folders
    of which you know who made them.

    Raises
    ------
    SettingError
        If the folder holds no results, a run that is not complete, or its data are in a place that is not trusted.
    DamageError
        If they are not as they were written.
    """
    folder = Path(folder)
    with places.trusting(places.ANY if trust_place else ""):
        metadata = manifest.read_manifest(folder)
    demand_run(folder, metadata)
    demand_chunks(folder, metadata)
    manifest.demand_whole(folder, metadata)
    return read_run(folder, metadata)


def demand_run(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Raise `SettingError` for a folder that does not hold exactly one run: a comparison, several jobs, or their batch."""
    if "jobs" in metadata and "chunks" in metadata:
        one = manifest.jobs_of(folder) / next(iter(metadata["jobs"]))
        raise SettingError(str(folder), "is a batch of several jobs", f"the folder of one: {one}")
    demand_data(folder, metadata)


def demand_data(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Raise `SettingError` for a folder without chunks of its own or of its batch."""
    if "jobs" in metadata and "chunks" not in metadata:
        raise SettingError(str(folder), "holds several jobs", f"the folder of one: {folder / next(iter(metadata['jobs']))}")
    if "chunks" not in metadata:
        raise SettingError(str(folder), "holds a comparison and no run", "a folder that sim run or sweep has written")


def read_run(folder: Path, metadata: Mapping[str, Any]) -> xr.Dataset:
    """The Dataset of the chunks of a folder; its tables and figures need not be there."""
    demand_chunks(folder, metadata)
    pieces, coordinates = pieces_of(folder, metadata), metadata["coordinates"]
    sizes = len(coordinates[VARIANT]), len(coordinates[REPLICATE])
    arrays = joined(pieces, STATISTIC in coordinates, *sizes)
    return label({name: arrays[name] for name in metadata["variables"]}, metadata)


def demand_chunks(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Raise `SettingError` for a run some of whose chunks are missing."""
    tasks, store = manifest.tasks_of(metadata), manifest.store_of(folder, metadata)
    there = sum(store.receipt(task).exists() for task in tasks)
    if there < len(tasks):
        wrong = f"has {there} of {len(tasks)} chunks"
        raise SettingError(str(folder), wrong, "a complete run; the command that began it continues it")


def pieces_of(folder: Path, metadata: Mapping[str, Any]) -> Iterator[tuple[Task, dict[str, Array]]]:
    """The chunks of a run with their arrays, one after another; for a job, its own variants of the chunks of its batch.

    Raises
    ------
    DamageError
        If a chunk is missing, or not as it was written.
    """
    store, share = manifest.store_of(folder, metadata), metadata.get("share")
    whole = {**metadata, "coordinates": metadata["coordinates"] | share["coordinates"]} if share else metadata
    for task in manifest.tasks_of(metadata):
        forms = forms_of(whole, task)
        if not share:
            yield task, store.get(task, forms)
            continue
        begin, end = (max(min(at, task.variants[1]), task.variants[0]) - task.variants[0] for at in share["variants"])
        if begin < end:
            lead = task.variants[0] - share["variants"][0]
            own = Task((lead + begin, lead + end), task.replicates)
            yield (
                own,
                {name: _share(name, array, slice(begin, end), share, metadata) for name, array in store.get(task, forms).items()},
            )


def _share(name: str, array: Array, own: slice, share: Mapping[str, Any], metadata: Mapping[str, Any]) -> Array:
    """Some variants of an array of a chunk, with those contributions that the job has."""
    if name == MOVE:
        return array[:, share["contributions"]][..., own, :]
    by_replicate = STATISTIC not in metadata["coordinates"] or name in OUTCOMES
    return array[..., own, :] if by_replicate else array[..., own]
