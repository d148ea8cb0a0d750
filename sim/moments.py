"""What figures draw of results: the statistics of a variable as arrays."""

import xarray as xr

from sim import results
from sim.arrays import Array
from sim.captions import names
from sim.names import BLOC, QUANTITIES, STATE, STATE_BLOC, VARIANT
from sim.refusal import SettingError, demand_known


def moments_of(ds: xr.Dataset, variable: str) -> tuple[dict[str, Array], Array]:
    """Each statistic of a variable, of axes (variant, time or period, state, bloc), and the instants."""
    known = [name for name, quantity in QUANTITIES.items() if name in ds and quantity.dims == STATE_BLOC]
    demand_known("variable", variable, known, "stock or flow of a state and a bloc in these results")
    values = results.summarise(ds[[variable]])[variable].transpose(VARIANT, results.STATISTIC, ..., STATE, BLOC)
    statistics = [str(name) for name in values[results.STATISTIC].values]
    return {name: values.values[:, at] for at, name in enumerate(statistics)}, values[values.dims[2]].values


def one_variant(ds: xr.Dataset, like: xr.Dataset) -> xr.Dataset:
    """A Dataset of one variant, on an axis of its own, with the actors of another."""
    ds = ds if VARIANT in ds.dims else ds.expand_dims(VARIANT)
    if ds.sizes[VARIANT] != 1:
        raise SettingError(VARIANT, f"there are {ds.sizes[VARIANT]}", "one, as isel(variant=0) gives it")
    for dim in (STATE, BLOC):
        for name in names(like, dim):
            demand_known(dim, name, names(ds, dim), dim)
    return ds.sel({dim: like[dim].values for dim in (STATE, BLOC)})
