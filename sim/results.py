"""From arrays to a labelled Dataset with provenance, to files and back, and to the long table of summaries.

A store is plain: numbers in a zarr group with integer coordinates only, words in one `manifest.json`, joined on opening.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sim.arrays import Array
from sim.measures import STATISTICS, half_interval, spread
from sim.measuring import measured
from sim.names import BLOC, PERIOD, QUANTITIES, REPLICATE, SHOWN, STATE, TIME, VARIANT, Quantity
from sim.refusal import SettingError
from sim.tables import STATISTIC

HALF_WIDTH = "half_width"
"""A statistic of differences: half the 95 % interval of their mean (Student's t)."""
PART = "part"
DIFFERENCE = "_difference"
MANIFEST, STORE = "manifest.json", "worlds.zarr"
FORMAT = 1
MOVE = "move"
CHUNK_BYTES = 4_000_000


def quantity_of(variable: str) -> Quantity:
    """The quantity that a recorded variable holds, itself or as a difference."""
    return QUANTITIES[variable.removesuffix(DIFFERENCE)]


def dims_of(variable: str, worlds: bool) -> tuple[str, ...]:
    """The dimensions of a recorded variable."""
    lead = (VARIANT, REPLICATE if worlds else STATISTIC)
    if variable == MOVE:
        return (*lead, PERIOD, PART, STATE, BLOC)
    quantity = quantity_of(variable)
    return (*lead, PERIOD if quantity.per_period else TIME, *quantity.dims)


def label(arrays: Mapping[str, Array], words: Mapping[str, Any]) -> xr.Dataset:
    """The labelled Dataset of recorded arrays.

    `words` holds what the arrays cannot say: names and labels of actors, instants, variants, provenance (see `manifest`).
    """
    worlds = "replicate" in words["coordinates"]
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
    return xr.Dataset(variables, coords, {name: value for name, value in words["attributes"].items()})


def _values(name: str, values: Sequence[Any]) -> Array:
    return np.array(values, dtype="datetime64[ns]") if name in (TIME, PERIOD) else np.array(values)


def _attributes(variable: str) -> dict[str, str]:
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
    variable, *actors = ds.attrs["outcome"].split(".")
    ds = ds if variable in ds else measured(ds)
    last = summarise(ds[[variable]])[variable].isel({VARIANT: 0, dims_of(variable, worlds=True)[2]: -1}).sel(statistic="mean")
    return float(last.sel(dict(zip(quantity_of(variable).dims, actors, strict=True))))


# Files ----------------------------------------------------------------------------------------------------------------------


def save(ds: xr.Dataset, folder: Path, words: Mapping[str, Any]) -> None:
    """Write a Dataset's numbers and words into a folder that exists."""
    import zarr
    from zarr.codecs import BloscCodec

    group = zarr.open_group(folder / STORE, mode="w", zarr_format=3)
    for name in ds.data_vars:
        values = ds[name].values
        group.create_array(
            str(name),
            shape=values.shape,
            dtype=values.dtype,
            chunks=_chunks(values),
            compressors=BloscCodec(cname="lz4", clevel=1, shuffle="shuffle"),
            dimension_names=[str(dim) for dim in ds[name].dims],
        )[...] = values
    text = json.dumps(words, indent=1, ensure_ascii=False, default=_plain)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} is no plain value")


def _chunks(values: Array) -> tuple[int, ...]:
    """One variant a chunk, and as many replicates as fit into a few megabytes."""
    per_replicate = max(int(np.prod(values.shape[2:])), 1) * values.itemsize
    return (1, max(1, min(values.shape[1], CHUNK_BYTES // per_replicate)), *values.shape[2:])


def read_manifest(folder: Path) -> dict[str, Any]:
    """The words of a results folder."""
    path = folder / MANIFEST
    if not path.is_file():
        raise SettingError(str(folder), "is no results folder", "a folder that sim run, sweep or compare has written")
    try:
        words = json.loads(path.read_text("utf-8"))
        known = words["format"] == FORMAT
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        raise SettingError(str(path), "cannot be read", "a manifest as it was written") from None
    if not known:
        raise SettingError(str(path), f"has format {words['format']!r}", str(FORMAT))
    return words


def open_results(folder: str | Path) -> xr.Dataset:
    """The Dataset of a results folder, with its words joined on.

    Raises
    ------
    SettingError
        Where the folder holds no results, or they are damaged.
    """
    import zarr

    folder = Path(folder)
    words = read_manifest(folder)
    try:
        group = zarr.open_group(folder / STORE, mode="r", zarr_format=3)
        arrays = {name: np.asarray(group[name]) for name in words["variables"]}
    except (KeyError, ValueError, OSError, RuntimeError) as error:
        raise SettingError(str(folder / STORE), f"cannot be read: {error}", "a store as it was written") from None
    return label(arrays, words)
