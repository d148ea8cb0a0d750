"""Tables of the feedback in a region: which stock acts on which, and the long-run responses to lasting forcing."""

from dataclasses import replace

import numpy as np
import xarray as xr

from sim.arrays import Array
from sim.config.schema import Config
from sim.names import BLOC, MECHANISMS, QUANTITIES, STATE, STATE_BLOC, STORED_STOCKS
from sim.science import rules
from sim.science.layout import Layout
from sim.science.loops import FAINT, KINS, SIDES, Gains, gains, kin, one
from sim.science.params import stack
from sim.science.stability import Entry
from sim.science.state import Params, World


def picture(config: Config) -> xr.Dataset:
    """Which stock acts on which in a region at its opening.

    Returns
    -------
    xarray.Dataset
        `gain` (side, target, source, kin): the rise of the target of a stock for a lasting increase of another by 1, all else
        equal: the sum of the absolute direct gains of all numbers of that kin, divided by how many numbers they reach.
        `direction`: 1 if all of them raise, -1 if all lower, else between (their sum over the sum of absolute values).
        `without` (mechanism, side, target, source, kin): the gain with the mechanism at weight 0, as a share of `gain`.

    Source: ours, ODD.md element 5.
    """
    off = [replace(config, dynamics=replace(config.dynamics, **{name: 0.0})) for name in MECHANISMS]
    layout, params, world = stack([config, *off])
    found = [
        [_blocks(gains(*one(params, world, at), layout, config.window.dt, side)) for side in SIDES.values()]
        for at in range(len(off) + 1)
    ]
    size, total, count = (np.array([[blocks[table] for blocks in sides] for sides in found]) for table in range(3))
    axes = ("side", "target", "source", "kin")
    return xr.Dataset(
        {
            "gain": (axes, rules.share_of(size[0], count[0])),
            "direction": (axes, rules.share_of(total[0], size[0])),
            "without": (("mechanism", *axes), rules.share_of(size[1:], np.broadcast_to(size[0], size[1:].shape))),
        },
        {
            "side": list(SIDES),
            "target": list(STORED_STOCKS),
            "source": list(STORED_STOCKS),
            "kin": list(KINS),
            "mechanism": list(MECHANISMS),
        },
    )


def _blocks(found: Gains) -> tuple[Array, Array, Array]:
    """The sums of the absolute and of the signed direct gains, and how many numbers they reach, each (target, source, kin)."""
    places = {name: at for at, name in enumerate(STORED_STOCKS)}
    size, total = np.zeros((2, len(places), len(places), len(KINS)))
    reached: dict[tuple[int, int, int], set[int]] = {}
    for row, column in np.argwhere(abs(found.direct) > FAINT):
        target, source, gain = found.entries[row], found.entries[column], found.direct[row, column]
        at = places[target.stock], places[source.stock], KINS.index(kin(target, source))
        size[at] += abs(gain)
        total[at] += gain
        reached.setdefault(at, set()).add(int(row))
    count = np.zeros_like(size)
    for at, rows in reached.items():
        count[at] = len(rows)
    return size, total, count


def responses(params: Params, world: World, layout: Layout, dt: float, side: float) -> xr.DataArray:
    """The long-run response of each alignment to a lasting forcing of 1, in each variant.

    Returns
    -------
    xarray.DataArray
        (variant, forcing, state, bloc). A forcing acts on the target of one number that is not of a state and a bloc (`tie
        armenia georgia`), or, for stocks of a state and a bloc, on the number of the same two whose alignment responds (`legacy`).
        Responses of alignments that cannot move are 0.
    """
    rows: dict[str, Array] = {}
    variants = len(world.alignment)
    for variant in range(variants):
        found = gains(*one(params, world, variant), layout, dt, side)
        scores = [at for at, entry in enumerate(found.entries) if entry.stock == "alignment"]
        for column, source in enumerate(found.entries):
            own = QUANTITIES[source.stock].dims == STATE_BLOC
            name = source.stock if own else " ".join([source.stock, *_names(source, layout)])
            table = rows.setdefault(name, np.zeros((variants, *layout.free.shape)))
            for score in scores:
                cell = found.entries[score].cells[0]
                if not own or cell == source.cells[0]:
                    table[variant, *cell] = found.response[score, column]
    coordinates = {"forcing": list(rows), STATE: list(layout.states), BLOC: list(layout.blocs)}
    return xr.DataArray(np.stack(list(rows.values()), axis=1), coordinates, ("variant", "forcing", STATE, BLOC), "response")


def _names(entry: Entry, layout: Layout) -> list[str]:
    """The names of the actors to which an entry belongs."""
    dims = QUANTITIES[entry.stock].dims
    cell = entry.cells[0] if len(dims) == 2 else (max(entry.cells[0]),)
    return [layout.names(dim)[at] for dim, at in zip(dims, cell, strict=True)]
