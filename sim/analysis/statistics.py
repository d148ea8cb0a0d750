"""Statistics of a variable as arrays, for figures to draw."""

import xarray as xr

from sim.arrays import Array
from sim.config.known import demand_known
from sim.errors import SettingError
from sim.names import BLOC, QUANTITIES, STATE, STATE_BLOC, VARIANT
from sim.results import dataset
from sim.results.labels import names


def moments_of(ds: xr.Dataset, variable: str) -> tuple[dict[str, Array], Array]:
    """Each statistic of a variable by name, (variant, time or period, state, bloc), and the instants or periods."""
    known = [name for name, quantity in QUANTITIES.items() if name in ds and quantity.dims == STATE_BLOC]
    demand_known("variable", variable, known, "stock or flow of a state and a bloc in these results")
    values = dataset.summarise(ds[[variable]])[variable].transpose(VARIANT, dataset.STATISTIC, ..., STATE, BLOC)
    statistics = [str(name) for name in values[dataset.STATISTIC].values]
    return {name: values.values[:, at] for at, name in enumerate(statistics)}, values[values.dims[2]].values


def one_variant(ds: xr.Dataset, like: xr.Dataset) -> xr.Dataset:
    """A Dataset of one variant with an axis `variant`, and with the actors of the Dataset `like` in their order."""
    ds = ds if VARIANT in ds.dims else ds.expand_dims(VARIANT)
    if ds.sizes[VARIANT] != 1:
        raise SettingError(VARIANT, f"there are {ds.sizes[VARIANT]}", "one, as isel(variant=0) gives it")
    for dim in (STATE, BLOC):
        for name in names(like, dim):
            demand_known(dim, name, names(ds, dim), dim)
    return ds.sel({dim: like[dim].values for dim in (STATE, BLOC)})
