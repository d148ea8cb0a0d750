"""From arrays to a labelled Dataset with provenance, to files and back, and to the long table of summaries.

A folder is plain: numbers in chunks (`sim.store`), words in one `manifest.json`, joined on opening.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sim import manifest, places, stopping
from sim.arrays import Array
from sim.chunks import Task, join_sums, join_worlds
from sim.measures import STATISTICS, half_interval, spread
from sim.measuring import measured, with_words_of_rivals
from sim.names import (
    DIFFERENCE,
    FINAL,
    INSTANTS,
    MOVE,
    OUTCOMES,
    PART,
    PERIOD,
    REALIGNMENT,
    REPLICATE,
    SHOWN,
    STATISTIC,
    TIME,
    VARIANT,
)
from sim.refusal import SettingError
from sim.schema import dims_of, forms_of, quantity_of

HALF_WIDTH = "half_width"
"""A statistic of differences: half the 95 % interval of their mean (Student's t)."""
OUTCOME_WORDS = {
    FINAL: {"long_name": "Alignment at the end", "units": "alignment"},
    REALIGNMENT: {"long_name": "Instant from which it stays realigned, -1 for never", "units": "number of the instant"},
}


def joined(pieces: Iterable[tuple[Task, dict[str, Array]]], summaries: bool, variants: int, replicates: int) -> dict[str, Array]:
    """The arrays of a run from its chunks, (variant, replicate or statistic, time or period, ...)."""
    return join_sums(pieces, variants, replicates) if summaries else join_worlds(pieces, variants, replicates)


def label(arrays: Mapping[str, Array], words: Mapping[str, Any]) -> xr.Dataset:
    """The labelled Dataset of recorded arrays.

    `words` holds what the arrays cannot say: names and labels of actors, instants, variants, provenance (see `manifest`).
    """
    worlds = STATISTIC not in words["coordinates"]
    coordinates = words["coordinates"]
    coords: dict[str, Any] = {name: (name, _values(name, values)) for name, values in coordinates.items()}
    for dim, columns in words["beside"].items():
        coords |= {name: (dim, np.array(values)) for name, values in columns.items()}
    variables = {}
    for name, array in arrays.items():
        dims = dims_of(name, worlds)
        variables[name] = (dims, array, _attributes(name))
    used = {dim for dims, _, _ in variables.values() for dim in dims}
    coords = {name: value for name, value in coords.items() if value[0] in used}
    ds = xr.Dataset(variables, coords, {name: value for name, value in words["attributes"].items()})
    return ds if worlds else with_words_of_rivals(ds)


def _values(name: str, values: Sequence[Any]) -> Array:
    return np.array(values, dtype=INSTANTS) if name in (TIME, PERIOD) else np.array(values)


def _attributes(variable: str) -> dict[str, str]:
    if variable in OUTCOMES:
        return OUTCOME_WORDS[variable]
    if variable == MOVE:
        return {"long_name": "Part of the change of the alignment", "units": "alignment"}
    quantity = quantity_of(variable)
    suffix = ", paired difference to the reference" if variable.endswith(DIFFERENCE) else ""
    return {"long_name": quantity.label + suffix, "units": quantity.unit}


# Summaries ------------------------------------------------------------------------------------------------------------------


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Mean, sd and quantiles over worlds of every variable, (variant, statistic, ...); as it is where only these were kept."""
    if STATISTIC in ds.dims:
        return ds
    variables = {}
    for name in ds.data_vars:
        stopping.check()
        if name == MOVE:
            continue
        values = ds[name]
        folded = np.moveaxis(spread(values.values, axis=1), 0, 1)
        variables[name] = ((VARIANT, STATISTIC, *values.dims[2:]), folded, values.attrs)
    coords = {name: coord for name, coord in ds.coords.items() if REPLICATE not in coord.dims and PART not in coord.dims}
    return xr.Dataset(variables, coords, ds.attrs).assign_coords({STATISTIC: list(STATISTICS)})


def differences(ds: xr.Dataset, names: Sequence[str] = SHOWN) -> xr.Dataset:
    """The paired difference of every variable to the variant's reference, summarised over worlds, (variant, statistic, ...).

    Adds `half_width`, a statistic of its own: half the 95 % interval of the mean difference (Student's t).
    """
    number = ds.sizes.get(REPLICATE, int(ds.attrs["replicates"]))
    at = [list(ds[VARIANT].values).index(name) for name in ds["reference"].values]
    variables = {}
    for name in (name for name in names if name in ds):
        if STATISTIC in ds.dims:
            folded, dims = ds[name + DIFFERENCE].values, ds[name + DIFFERENCE].dims
        else:
            values = ds[name].values
            folded = np.stack([spread(values[index] - values[to], axis=0) for index, to in enumerate(at)])
            dims = (VARIANT, STATISTIC, *ds[name].dims[2:])
        sd = folded[:, list(STATISTICS).index("sd")]
        variables[name] = (dims, np.concatenate([folded, half_interval(sd, number)[:, None]], axis=1), ds[name].attrs)
    coords = {name: coord for name, coord in ds.coords.items() if not {REPLICATE, STATISTIC, PART} & set(coord.dims)}
    return xr.Dataset(variables, coords, ds.attrs).assign_coords({STATISTIC: [*STATISTICS, HALF_WIDTH]})


def outcome(ds: xr.Dataset) -> float:
    """The mean over worlds, in the first variant, of what the setting `outcome` names, at its last instant or period."""
    return float(outcomes(ds.isel({VARIANT: [0]}))[0])


def outcomes(ds: xr.Dataset) -> Array:
    """The same in every variant, (variant,)."""
    variable, *actors = ds.attrs["outcome"].split(".")
    ds = ds if variable in ds else measured(ds)
    last = summarise(ds[[variable]])[variable].isel({dims_of(variable, worlds=True)[2]: -1}).sel(statistic="mean")
    return last.sel(dict(zip(quantity_of(variable).dims, actors, strict=True))).values


# Files ----------------------------------------------------------------------------------------------------------------------


def open_results(folder: str | Path, trust_place: bool = False) -> xr.Dataset:
    """The Dataset of a results folder, with its words joined on.

    Its words may say that its chunks lie elsewhere, behind a URL: `trust_place` opens them there, which is for folders of which
    you know who made them.

    Raises
    ------
    SettingError
        Where the folder holds no results, or a run that is not complete, or its data lie elsewhere.
    DamageError
        Where they are not as they were written.
    """
    folder = Path(folder)
    with places.trusting(places.ANY if trust_place else ""):
        words = manifest.read_manifest(folder)
    demand_run(folder, words)
    demand_chunks(folder, words)
    manifest.demand_whole(folder, words)
    return read_run(folder, words)


def demand_run(folder: Path, words: Mapping[str, Any]) -> None:
    """Refuse a folder that holds something else than one run: a comparison, jobs, or what jobs share."""
    if "jobs" in words and "chunks" in words:
        one = manifest.jobs_of(folder) / next(iter(words["jobs"]))
        raise SettingError(str(folder), "is a batch of several jobs", f"the folder of one: {one}")
    demand_data(folder, words)


def demand_data(folder: Path, words: Mapping[str, Any]) -> None:
    """Refuse a folder without chunks of its own or of its batch."""
    if "jobs" in words and "chunks" not in words:
        raise SettingError(str(folder), "holds several jobs", f"the folder of one: {folder / next(iter(words['jobs']))}")
    if "chunks" not in words:
        raise SettingError(str(folder), "holds a comparison and no run", "a folder that sim run or sweep has written")


def read_run(folder: Path, words: Mapping[str, Any]) -> xr.Dataset:
    """The Dataset of the chunks in a folder, whether or not its figures and tables are there."""
    demand_chunks(folder, words)
    pieces, coordinates = pieces_of(folder, words), words["coordinates"]
    sizes = len(coordinates[VARIANT]), len(coordinates[REPLICATE])
    arrays = joined(pieces, STATISTIC in coordinates, *sizes)
    return label({name: arrays[name] for name in words["variables"]}, words)


def demand_chunks(folder: Path, words: Mapping[str, Any]) -> None:
    """Refuse a run some of whose chunks are missing."""
    tasks, store = manifest.tasks_of(words), manifest.store_of(folder, words)
    there = sum(store.receipt(task).exists() for task in tasks)
    if there < len(tasks):
        said = f"has {there} of {len(tasks)} chunks"
        raise SettingError(str(folder), said, "a complete run; the command that began it goes on with it")


def pieces_of(folder: Path, words: Mapping[str, Any]) -> Iterator[tuple[Task, dict[str, Array]]]:
    """The chunks of a run with their arrays, one after another; of a job its own variants of those of its batch.

    Raises
    ------
    DamageError
        Where a chunk is not there, or not as it was written.
    """
    store, share = manifest.store_of(folder, words), words.get("share")
    whole = {**words, "coordinates": words["coordinates"] | share["coordinates"]} if share else words
    for task in manifest.tasks_of(words):
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
                {name: _share(name, array, slice(begin, end), share, words) for name, array in store.get(task, forms).items()},
            )


def _share(name: str, array: Array, own: slice, share: Mapping[str, Any], words: Mapping[str, Any]) -> Array:
    """Some variants of an array of a chunk, with the parts of moves that they have."""
    if name == MOVE:
        return array[:, share["parts"]][..., own, :]
    worlds = STATISTIC not in words["coordinates"] or name in OUTCOMES
    return array[..., own, :] if worlds else array[..., own]
