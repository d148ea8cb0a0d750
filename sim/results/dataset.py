"""Labelled Datasets from arrays and metadata; their summaries, paired differences and outcomes.

A results folder holds the numbers in chunks (`sim.results.chunk_store`) and the metadata in one `manifest.json`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from sim import interrupts
from sim.arrays import Array
from sim.names import (
    CONTRIBUTION,
    DIFFERENCE,
    FINAL,
    INSTANTS,
    MOVE,
    OUTCOMES,
    PERIOD,
    REALIGNMENT,
    REPLICATE,
    SHOWN,
    STATISTIC,
    TIME,
    VARIANT,
)
from sim.results.derived import measured, with_rival_attributes
from sim.results.schema import dims_of, quantity_of
from sim.science.measures import STATISTICS, half_interval, spread

HALF_WIDTH = "half_width"
"""A statistic of differences: half the 95 % interval of their mean (Student's t)."""
OUTCOME_ATTRIBUTES = {
    FINAL: {"long_name": "Alignment at the end", "units": "alignment"},
    REALIGNMENT: {"long_name": "Instant from which it stays realigned, -1 for never", "units": "number of the instant"},
}


def label(arrays: Mapping[str, Array], metadata: Mapping[str, Any]) -> xr.Dataset:
    """The labelled Dataset of recorded arrays.

    `metadata` holds names and labels of actors, instants, variants and provenance (see `sim.results.manifest`).
    """
    by_replicate = STATISTIC not in metadata["coordinates"]
    coordinates = metadata["coordinates"]
    coords: dict[str, Any] = {name: (name, _values(name, values)) for name, values in coordinates.items()}
    for dim, columns in metadata["beside"].items():
        coords |= {name: (dim, np.array(values)) for name, values in columns.items()}
    variables = {}
    for name, array in arrays.items():
        dims = dims_of(name, by_replicate)
        variables[name] = (dims, array, _attributes(name))
    used = {dim for dims, _, _ in variables.values() for dim in dims}
    coords = {name: value for name, value in coords.items() if value[0] in used}
    ds = xr.Dataset(variables, coords, {name: value for name, value in metadata["attributes"].items()})
    return ds if by_replicate else with_rival_attributes(ds)


def _values(name: str, values: Sequence[Any]) -> Array:
    return np.array(values, dtype=INSTANTS) if name in (TIME, PERIOD) else np.array(values)


def _attributes(variable: str) -> dict[str, str]:
    if variable in OUTCOMES:
        return OUTCOME_ATTRIBUTES[variable]
    if variable == MOVE:
        return {"long_name": "Contribution to the change of the alignment", "units": "alignment"}
    quantity = quantity_of(variable)
    suffix = ", paired difference to the reference" if variable.endswith(DIFFERENCE) else ""
    return {"long_name": quantity.label + suffix, "units": quantity.unit}


# Summaries ------------------------------------------------------------------------------------------------------------------


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Mean, sd and quantiles over replicates of every variable, (variant, statistic, ...); summaries are returned as they are."""
    if STATISTIC in ds.dims:
        return ds
    variables = {}
    for name in ds.data_vars:
        interrupts.check()
        if name == MOVE:
            continue
        values = ds[name]
        folded = np.moveaxis(spread(values.values, axis=1), 0, 1)
        variables[name] = ((VARIANT, STATISTIC, *values.dims[2:]), folded, values.attrs)
    coords = {name: coord for name, coord in ds.coords.items() if REPLICATE not in coord.dims and CONTRIBUTION not in coord.dims}
    return xr.Dataset(variables, coords, ds.attrs).assign_coords({STATISTIC: list(STATISTICS)})


def differences(ds: xr.Dataset, names: Sequence[str] = SHOWN) -> xr.Dataset:
    """The paired difference of every variable to the variant's reference, summarised over replicates, (variant, statistic, ...).

    Adds the statistic `half_width`: half the 95 % interval of the mean difference (Student's t).
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
    coords = {name: coord for name, coord in ds.coords.items() if not {REPLICATE, STATISTIC, CONTRIBUTION} & set(coord.dims)}
    return xr.Dataset(variables, coords, ds.attrs).assign_coords({STATISTIC: [*STATISTICS, HALF_WIDTH]})


def outcome(ds: xr.Dataset) -> float:
    """The mean over replicates of what the setting `outcome` names, at its last instant or period, in the first variant."""
    return float(outcomes(ds.isel({VARIANT: [0]}))[0])


def outcomes(ds: xr.Dataset) -> Array:
    """The same for every variant, (variant,)."""
    variable, *actors = ds.attrs["outcome"].split(".")
    ds = ds if variable in ds else measured(ds)
    last = summarise(ds[[variable]])[variable].isel({dims_of(variable, by_replicate=True)[2]: -1}).sel(statistic="mean")
    return last.sel(dict(zip(quantity_of(variable).dims, actors, strict=True))).values


# Files ----------------------------------------------------------------------------------------------------------------------
