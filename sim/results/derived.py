"""The measures that `sim.science.measures` defines, computed from recorded replicates without simulating."""

import json

import numpy as np
import xarray as xr

from sim.arrays import Array
from sim.errors import SettingError
from sim.names import (
    BLOC,
    BUFFERS,
    DIFFERENCE,
    INSTANTS,
    MEASURED_RELATIONS,
    MEASURES,
    PERIOD,
    QUANTITIES,
    REALIGNMENT,
    REPLICATE,
    SIDELESS,
    STATE,
    STATISTIC,
    TIME,
    VARIANT,
)
from sim.science import measures, rules

BY_RIVALRY = ("sphere", "hedging", "realigned", "polarisation", "bridge")
"""The measures that weight alignments by the rivalry of blocs."""
NEVER = np.array("NaT", INSTANTS)


def measured(ds: xr.Dataset) -> xr.Dataset:
    """Results with the measures added to the stocks and flows; summaries, which hold them already, are returned as they are.

    Parameters
    ----------
    ds : xarray.Dataset
        Results of `sim.engine.runs`; their first instant must be the opening, to which the measures refer.

    Returns
    -------
    xarray.Dataset
        The same with the variables of `sim.names.MEASURES`, of axes (variant, replicate, time or period, actors).
        Those that weight by rivalries have an attribute `blocs_without_rival` if some blocs have no rival and hence no weight.
    """
    if STATISTIC in ds.dims:
        return ds
    found: dict[str, list[Array]] = {name: [] for name in MEASURES}
    rivalry, attributes = rivalries(ds), rival_attributes(ds)
    for variant in range(ds.sizes[VARIANT]):
        one = ds.isel({VARIANT: variant})
        for name, array in _of_variant(one, rivalry[variant, None, None], *joins(one)).items():
            found[name].append(array)
    variables = {}
    for name, arrays in found.items():
        quantity = QUANTITIES[name]
        dims = (VARIANT, REPLICATE, PERIOD if quantity.per_period else TIME, *quantity.dims)
        own = attributes if name in BY_RIVALRY else {}
        variables[name] = (dims, np.stack(arrays), {"long_name": quantity.label, "units": quantity.unit, **own})
    return ds.assign(variables)


def rivalries(ds: xr.Dataset) -> Array:
    """The rivalry by which measures weight alignments, constant over a run, (variant, bloc, rival) in [0, 1].

    It follows from the relations at the opening, or from those that the region file gives for measures.
    """
    blocs = list(ds[BLOC].values)
    opening = ds["relation"].isel({TIME: 0})
    relation = (opening.sel({STATISTIC: "mean"}) if STATISTIC in ds.dims else opening.isel({REPLICATE: 0})).values.copy()
    given = ds[MEASURED_RELATIONS].values if MEASURED_RELATIONS in ds.coords else ()
    for table, text in zip(relation, given, strict=False):
        for one, row in json.loads(str(text)).items():
            for other, value in row.items():
                if one in blocs and other in blocs:
                    at = blocs.index(one), blocs.index(other)
                    table[at] = table[at[::-1]] = value
    return rules.rivalry(relation)


def rival_attributes(ds: xr.Dataset) -> dict[str, str]:
    """The attribute that names the blocs without a rival in some variant; no attribute if all have one."""
    alone = ~(rivalries(ds) > 0).any(axis=-1).all(axis=0)
    return {SIDELESS: ", ".join(map(str, ds[BLOC].values[alone]))} if alone.any() else {}


def with_rival_attributes(summaries: xr.Dataset) -> xr.Dataset:
    """Summaries whose measures and their differences have that attribute."""
    for name in (name + end for name in BY_RIVALRY for end in ("", DIFFERENCE)):
        summaries[name].attrs |= rival_attributes(summaries)
    return summaries


def joins(ds: xr.Dataset) -> tuple[Array, Array]:
    """For one variant, which pairs of state and bloc are two different actors, and which states a bloc regards as its buffer.

    Each (state, bloc) of 0 and 1.
    """
    states, blocs = list(ds[STATE].values), list(ds[BLOC].values)
    courted, buffer = np.ones((len(states), len(blocs))), np.zeros((len(states), len(blocs)))
    for table, text, value in ((courted, ds.attrs["same_as"], 0.0), (buffer, ds[BUFFERS].item(), 1.0)):
        for state, bloc in json.loads(text):
            if state in states and bloc in blocs:
                table[states.index(state), blocs.index(bloc)] = value
    return courted, buffer


def _of_variant(ds: xr.Dataset, rivalry: Array, courted: Array, buffer: Array) -> dict[str, Array]:
    """The measures of one variant, each (replicate, time or period, actors)."""
    alignment, tie, relation = (ds[name].values for name in ("alignment", "tie", "relation"))
    found = measures.of_instant(alignment, tie, relation, alignment[:, :1], rivalry, courted, buffer)
    begins = slice(0, ds.sizes[PERIOD])
    found["bridge"] = measures.bridge(
        tie[:, begins], ds["traffic"].values, found["hedging"][:, begins], found["polarisation"][:, begins]
    )
    return found


def realignments(ds: xr.Dataset, hold_years: float = measures.HOLD_YEARS) -> xr.Dataset:
    """When each state realigns: it becomes and stays closest to a rival of the bloc that it was closest to at the opening.

    Parameters
    ----------
    ds : xarray.Dataset
        Results.
    hold_years : float
        How many years it must last to count.

    Returns
    -------
    xarray.Dataset
        `probability`, (variant, state): the share of replicates in which it happens early enough before the end to be detected.
        `date`, (variant, replicate, state): the instant from which it lasts; NaT if it does not happen.

    Raises
    ------
    SettingError
        If only summaries were recorded, with dates for another `hold_years`.
    """
    instants = ds[TIME].values
    hold = round(hold_years * ds.attrs["periods_per_year"])
    if REALIGNMENT in ds:
        if hold_years != measures.HOLD_YEARS:
            raise SettingError(
                "results", f"hold dates of {measures.HOLD_YEARS:g} year; others need every replicate", "record=trajectories"
            )
        at = ds[REALIGNMENT].values
    else:
        ds = ds if "realigned" in ds else measured(ds)
        at = measures.realignment(ds["realigned"].values, hold)
    dates = np.where(at >= 0, instants[at], NEVER)
    coords = {name: coord for name, coord in ds.coords.items() if set(coord.dims) <= {VARIANT, REPLICATE, STATE}}
    return xr.Dataset(
        {"probability": ((VARIANT, STATE), (at >= 0).mean(axis=1)), "date": ((VARIANT, REPLICATE, STATE), dates)},
        coords,
        {**ds.attrs, "hold_years": hold_years},
    )
