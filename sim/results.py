"""From arrays to a labelled Dataset with provenance, to files and back, and to the long table of summaries.

A folder is plain: numbers in chunks (`sim.store`), words in one `manifest.json`, joined on opening.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sim.arrays import Array
from sim.chunks import Task, join_sums, join_worlds
from sim.measures import STATISTICS, half_interval, spread
from sim.measuring import measured, with_words_of_rivals
from sim.names import (
    BLOC,
    DIFFERENCE,
    DRAWN,
    FINAL,
    MOVE,
    OUTCOMES,
    PART,
    PERIOD,
    QUANTITIES,
    REALIGNMENT,
    REPLICATE,
    SHOWN,
    STATE,
    STATISTIC,
    TIME,
    VARIANT,
    Quantity,
)
from sim.refusal import DamageError, SettingError
from sim.settings import fingerprint
from sim.store import Store, put_file

HALF_WIDTH = "half_width"
"""A statistic of differences: half the 95 % interval of their mean (Student's t)."""
MANIFEST, COMPLETE, JOB = "manifest.json", "complete.json", "job.json"
FORMAT = 3
OUTCOME_WORDS = {
    FINAL: {"long_name": "Alignment at the end", "units": "alignment"},
    REALIGNMENT: {"long_name": "Instant from which it stays realigned, -1 for never", "units": "number of the instant"},
}


def quantity_of(variable: str) -> Quantity:
    """The quantity that a recorded variable holds, itself or as a difference."""
    return QUANTITIES[variable.removesuffix(DIFFERENCE)]


def dims_of(variable: str, worlds: bool) -> tuple[str, ...]:
    """The dimensions of a recorded variable."""
    if variable in OUTCOMES:
        return (VARIANT, REPLICATE, *OUTCOMES[variable])
    lead = (VARIANT, REPLICATE if worlds else STATISTIC)
    if variable == MOVE:
        return (*lead, PERIOD, PART, STATE, BLOC)
    quantity = quantity_of(variable)
    return (*lead, PERIOD if quantity.per_period else TIME, *quantity.dims)


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
    return np.array(values, dtype="datetime64[ns]") if name in (TIME, PERIOD) else np.array(values)


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


def write_manifest(folder: Path, words: Mapping[str, Any], new: bool = False) -> None:
    """Write what a folder is about, sealed against change; `new` leaves a manifest that another process was first to write."""
    put_file(folder / MANIFEST, sealed(words), new)


def sealed(words: Mapping[str, Any]) -> bytes:
    """Plain words as a JSON file that `unsealed` takes only as it was written."""
    plain = json.loads(json.dumps(words, ensure_ascii=False, default=_plain))
    return (json.dumps(plain | {SEAL: fingerprint(plain)}, indent=1, ensure_ascii=False) + "\n").encode()


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} is no plain value")


SEAL = "sha256"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The words of a results folder; those of a job are its share of what its batch says.

    Raises
    ------
    SettingError
        Where the folder is none.
    DamageError
        Where they are not as they were written.
    """
    if (folder / JOB).is_file():
        job = unsealed(folder / JOB)
        if not (folder / job["batch"] / MANIFEST).is_file():
            wrong = f"is one of several jobs, whose data lie in {job['batch']} beside it and are not there"
            raise DamageError(str(folder), wrong, "the whole folder of the jobs, copied or moved together")
        return words_of_job(unsealed(folder / job["batch"] / MANIFEST), job)
    path = folder / MANIFEST
    if not path.is_file():
        raise SettingError(str(folder), "is no results folder", "a folder that sim run, sweep or compare has written")
    return unsealed(path)


def unsealed(path: Path) -> dict[str, Any]:
    """The words of a file that `sealed` made; errors as of `read_manifest`."""
    try:
        words = json.loads(path.read_text("utf-8"))
        form, seal = words["format"], words.pop(SEAL, "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DamageError(str(path), "cannot be read", "a manifest as it was written") from None
    if form != FORMAT:
        raise SettingError(str(path), f"has format {form!r}", f"{FORMAT}: make it again with this version")
    if seal != fingerprint(words):
        raise DamageError(str(path), "is not as it was written", "a manifest as it was written")
    return words


def words_of_job(batch: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """What a run of one job alone would say, from what its batch says and the job's own file."""
    own = slice(*job["variants"])
    labels = batch["coordinates"][VARIANT][own]
    settings = settings_of_job(batch["settings"], job["label"])
    shocks = json.loads(batch["attributes"]["shocks"])
    drawn, draws = dict.fromkeys(batch["beside"][VARIANT][DRAWN][own]), json.loads(batch["attributes"][DRAWN])
    attributes = batch["attributes"] | job["attributes"] | {"shocks": json.dumps({label: shocks[label] for label in labels})}
    attributes |= {DRAWN: json.dumps({name: draws[name] for name in drawn if name})}
    return {
        **{key: value for key, value in batch.items() if key != "jobs"},
        "coordinates": batch["coordinates"] | {VARIANT: labels, "part": [batch["coordinates"]["part"][at] for at in job["parts"]]},
        "beside": batch["beside"] | {VARIANT: {name: column[own] for name, column in batch["beside"][VARIANT].items()}},
        "attributes": attributes | {"settings_hash": fingerprint(settings)},
        "settings": settings,
        "settings_hash": fingerprint(settings),
        "share": {"batch": job["batch"], "variants": job["variants"], "parts": job["parts"], "run": batch["settings_hash"]},
    }


def settings_of_job(settings: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The settings of one job out of those of its batch, as it has them alone."""
    return {**settings, "shared": settings["shared"] | settings["variants"][label], "variants": {label: {}}}


def write_complete(folder: Path, words: Mapping[str, Any]) -> None:
    """Say that a folder is whole, with the hash of every chunk."""
    put_file(folder / COMPLETE, (json.dumps(completion(folder, words), indent=1) + "\n").encode())


def is_complete(folder: Path, words: Mapping[str, Any]) -> bool:
    """Whether a run was ended and its chunks are still what they were then; every one of them is read."""
    store = store_of(folder, words)
    try:
        said = json.loads((folder / COMPLETE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return said == completion(folder, words) and all(store.has(task) for task in tasks_of(words))


def completion(folder: Path, words: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a folder that is whole."""
    store = store_of(folder, words)
    hashes = {task.name: store.sha256(task) for task in tasks_of(words)}
    return {"run": words["settings_hash"], "manifest": fingerprint(words), "chunks": hashes}


def tasks_of(words: Mapping[str, Any]) -> list[Task]:
    """The chunks that a folder's words say it has."""
    return [Task((first, last), (low, high)) for first, last, low, high in words["chunks"]]


def store_of(folder: Path, words: Mapping[str, Any]) -> Store:
    """The chunks of a folder as files, in it or where its words say; those of a job lie with its batch."""
    share, place = words.get("share"), words.get("place", "")
    return Store(folder / share["batch"], share["run"], place) if share else Store(folder, words["settings_hash"], place)


def open_results(folder: str | Path) -> xr.Dataset:
    """The Dataset of a results folder, with its words joined on.

    Raises
    ------
    SettingError
        Where the folder holds no results, or a run that is not complete.
    DamageError
        Where they are not as they were written.
    """
    folder = Path(folder)
    words = read_manifest(folder)
    demand_run(folder, words)
    return read_run(folder, words)


def demand_run(folder: Path, words: Mapping[str, Any]) -> None:
    """Refuse a folder that holds something else than one run."""
    if "jobs" in words and "chunks" not in words:
        raise SettingError(str(folder), "holds several jobs", f"the folder of one: {folder / next(iter(words['jobs']))}")
    if "chunks" not in words:
        raise SettingError(str(folder), "holds a comparison and no run", "a folder that sim run or sweep has written")


def read_run(folder: Path, words: Mapping[str, Any]) -> xr.Dataset:
    """The Dataset of the chunks in a folder, whether or not its figures and tables are there."""
    tasks, store, coordinates = tasks_of(words), store_of(folder, words), words["coordinates"]
    kept = [task for task in tasks if store.receipt(task).exists()]
    if len(kept) < len(tasks):
        said = f"has {len(kept)} of {len(tasks)} chunks"
        raise SettingError(str(folder), said, "a complete run; the command that began it goes on with it")
    pieces = pieces_of(folder, words)
    sizes = len(coordinates[VARIANT]), len(coordinates[REPLICATE])
    arrays = joined(pieces, STATISTIC in coordinates, *sizes)
    return label({name: arrays[name] for name in words["variables"]}, words)


def pieces_of(folder: Path, words: Mapping[str, Any]) -> Iterator[tuple[Task, dict[str, Array]]]:
    """The chunks of a run with their arrays, one after another; of a job its own variants of those of its batch.

    Raises
    ------
    DamageError
        Where a chunk is not there, or not as it was written.
    """
    store, share = store_of(folder, words), words.get("share")
    for task in tasks_of(words):
        if not share:
            yield task, store.get(task)
            continue
        begin, end = (max(min(at, task.variants[1]), task.variants[0]) - task.variants[0] for at in share["variants"])
        if begin < end:
            lead = task.variants[0] - share["variants"][0]
            own = Task((lead + begin, lead + end), task.replicates)
            yield own, {name: _share(name, array, slice(begin, end), share, words) for name, array in store.get(task).items()}


def _share(name: str, array: Array, own: slice, share: Mapping[str, Any], words: Mapping[str, Any]) -> Array:
    """Some variants of an array of a chunk, with the parts of moves that they have."""
    if name == MOVE:
        return array[:, share["parts"]][..., own, :]
    worlds = STATISTIC not in words["coordinates"] or name in OUTCOMES
    return array[..., own, :] if worlds else array[..., own]
