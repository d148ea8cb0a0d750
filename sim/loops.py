"""Stocks and loops: which stock acts on which, with what gain and sign, and what a lasting push comes to in the long run.

Everything is read from the slopes of the one-period map (`sim.stability.slopes`); no sign or arc is written by hand.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import xarray as xr

from sim import rules
from sim.arrays import Array
from sim.config import Config
from sim.layout import Layout
from sim.names import BLOC, MECHANISMS, PEER, QUANTITIES, RIVAL, STATE, STATE_BLOC, STORED_STOCKS
from sim.params import Params, World, stack
from sim.stability import RATES, Entry, slopes

SIDES = {"below": -1.0, "above": 1.0}
"""The two sides of the opening on which slopes are taken: every stock a little less, or a little more, than at rest."""
KINS = ("own", "other bloc", "other state", "other both")
"""Whose number acts on whose: of the same actors, of another bloc, of another state, of both."""
FAINT = 1e-5
"""Gains below it are noise of the differences."""


class Gains(NamedTuple):
    """What each entry adds to the target of each other, and what a lasting push on each target comes to; rows are acted upon.

    Alignments are counted as scores, and their targets in units of their anchor.
    """

    entries: tuple[Entry, ...]
    direct: Array
    """(entry, entry): the rise of the first's target for a lasting unit of the second, all else held."""
    response: Array
    """(entry, entry): the rise of the first, in the long run, for a lasting unit push on the target of the second."""


def gains(params: Params, world: World, layout: Layout, dt: float, side: float) -> Gains:
    """The direct gains and long-run responses of one variant at its opening, on one side of its kinks.

    With J the one-period map and B what a unit push on each target adds in a period, the direct gains are T = 1 + (J - 1)/B and
    the responses (1 - T)^-1 = (1 - J)^-1 B: the push itself, and what goes round once, twice, and so on.

    Parameters
    ----------
    params, world : Params, World
        Of a single variant, each (1, 1, ...) in the plane of its own two axes.
    dt : float
        Length of a period in years. The result does not depend on it.
    side : float
        -1: all stocks just below the opening, 1: just above (`SIDES`).

    Returns
    -------
    Gains
        Unit of row per unit of column.

    Source: ours, ODD.md element 5 (how the rest of a linear map answers; Leontief's inverse has this form).
    """
    found = slopes(params, world, layout, dt, side)
    scale = np.array([_scale(entry, world) for entry in found.entries])
    push = scale * np.array([_push(entry, params, world, found.beside, dt) for entry in found.entries])
    jacobian = scale[:, None] * found.jacobian[0] / scale
    one = np.eye(len(push))
    direct = one + (jacobian - one) / push[:, None]
    entries = tuple(entry._replace(stock=entry.stock.replace("disposition", "alignment")) for entry in found.entries)
    return Gains(entries, direct, np.linalg.inv(one - direct))


def _scale(entry: Entry, world: World) -> float:
    """What a unit of the entry is in results: of a disposition the slope of its alignment."""
    return 1.0 - world.alignment[0, 0, *entry.cells[0]] ** 2 if entry.stock == "disposition" else 1.0


def _push(entry: Entry, params: Params, world: World, beside: World, dt: float) -> float:
    """What a unit push on the target of an entry adds to it in one period; the target of a disposition is its anchor."""
    cell = entry.cells[0]
    if entry.stock == "disposition":
        rate = params.speed * params.stubbornness
        return float(rate[0, 0, *cell] * dt)
    if entry.stock == "readiness":
        ways = params.readiness_rate_up, params.readiness_rate_down
        rate = rules.readiness_rate(world.readiness, beside.readiness, params.programme, *ways)
    else:
        rate = getattr(params, RATES[entry.stock][0])
    return float(1.0 - np.exp(-np.broadcast_to(rate, getattr(world, entry.stock).shape)[0, 0, *cell] * dt))


def kin(target: Entry, source: Entry) -> str:
    """Whose number acts on whose (`KINS`). An axis that one of the two lacks sets nothing apart.

    >>> kin(Entry("alignment", ((0, 1),)), Entry("tie", ((0, 2), (2, 0))))
    'own'
    >>> kin(Entry("alignment", ((0, 1),)), Entry("strain_war", ((0, 2),)))
    'other bloc'
    """
    apart = []
    for dims in ((BLOC, RIVAL), (STATE, PEER)):
        ours, theirs = (_actors(entry, dims) for entry in (target, source))
        apart.append(bool(ours and theirs) and not (ours <= theirs or theirs <= ours))
    return KINS[apart[0] + 2 * apart[1]]


def _actors(entry: Entry, dims: tuple[str, ...]) -> set[int]:
    """The positions on some axes that an entry is about."""
    own = QUANTITIES[entry.stock].dims
    cell = entry.cells[0] if len(own) == 2 else (max(entry.cells[0]),)
    return {at for at, dim in zip(cell, own, strict=True) if dim in dims}


def picture(config: Config) -> xr.Dataset:
    """Which stock acts on which in a region at its opening.

    Returns
    -------
    xarray.Dataset
        `gain` (side, target, source, kin): the rise of the target of a stock for a lasting unit of another, all else held: the
        absolute direct gains of all numbers of that kin added up, mean over the numbers that they reach. `direction`: 1 where
        all of them raise, -1 where all lower, between where some do either (their sum over the sum of absolute values).
        `without` (mechanism, side, target, source, kin): the gain with the mechanism at weight 0, as a share of the whole.

    Source: ours, ODD.md element 5.
    """
    off = [replace(config, dynamics=replace(config.dynamics, **{name: 0.0})) for name in MECHANISMS]
    layout, params, world = stack([config, *off])
    found = [
        [_blocks(gains(*one(params, world, at), layout, config.window.dt, side)) for side in SIDES.values()]
        for at in range(len(off) + 1)
    ]
    size, total, count = (np.array([[blocks[part] for blocks in sides] for sides in found]) for part in range(3))
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


def one(params: Params, world: World, variant: int) -> tuple[Params, World]:
    """The constants and opening stocks of one of many variants."""
    only = slice(variant, variant + 1)
    return Params(*(field[only] for field in params)), World(*(field[only] for field in world))


def _blocks(found: Gains) -> tuple[Array, Array, Array]:
    """The absolute and the signed direct gains added up, and how many numbers they reach, each (target, source, kin)."""
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


class Loop(NamedTuple):
    """A way from a stock back to itself."""

    stocks: tuple[str, ...]
    """In the order of action, the first not repeated."""
    kin: str
    """Where the way is by way of other numbers of the same stock, whose they are; else empty."""
    gain: float
    """What comes back of a lasting unit of the first, once round: mean over its numbers to which something does."""
    direction: float
    """The sum of what comes back over the sum of absolute values: 1 reinforces, -1 balances, between is mixed."""


def loops(found: Gains) -> list[Loop]:
    """All loops of stocks on one side of the opening, by the product of the gains along them, through whatever actors.

    Source: ours, ODD.md element 5 (the sign of a loop is the product of its signs, as in system dynamics).
    """
    places: dict[str, list[int]] = {}
    for at, entry in enumerate(found.entries):
        places.setdefault(entry.stock, []).append(at)
    blocks = {}
    for target, rows in places.items():
        for source, columns in places.items():
            block = found.direct[np.ix_(rows, columns)]
            if abs(block).max() > FAINT:
                blocks[target, source] = np.where(abs(block) > FAINT, block, 0.0)
    result = []
    for way in _cycles(list(places), blocks):
        product = np.eye(len(places[way[0]]))
        for source, target in zip(way, (*way[1:], way[0]), strict=True):
            product = blocks[target, source] @ product
        result += _loop(way, "", product)
    for name, at in places.items():
        if (name, name) in blocks:
            kins = np.array([[kin(found.entries[row], found.entries[column]) for column in at] for row in at])
            for other in KINS[1:]:
                block = np.where(kins == other, blocks[name, name], 0.0)
                result += _loop((name,), other, block @ block)
    return sorted(result, key=lambda loop: -abs(loop.gain))


def _loop(way: tuple[str, ...], by: str, product: Array) -> list[Loop]:
    """The loop whose product of gains this is, none where nothing comes back."""
    back = np.diag(product)[abs(np.diag(product)) > FAINT]
    return [Loop(way, by, float(back.mean()), float(back.sum() / abs(back).sum()))] if len(back) else []


def _cycles(names: list[str], blocks: dict[tuple[str, str], Array]) -> Iterator[tuple[str, ...]]:
    """Every way over different stocks back to its first, which is the earliest of its stocks."""

    def further(way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for target in names[names.index(way[0]) :]:
            if (target, way[-1]) in blocks:
                if target == way[0]:
                    yield way
                elif target not in way:
                    yield from further((*way, target))

    for name in names:
        yield from further((name,))


def responses(params: Params, world: World, layout: Layout, dt: float, side: float) -> xr.DataArray:
    """What lasting unit pushes come to in each alignment in the long run, in each variant.

    Returns
    -------
    xarray.DataArray
        (variant, push, state, bloc). A push is on the targets of one number that is not of a state and a bloc (`tie armenia
        georgia`), or, for stocks of a state and a bloc, on the number of the same two whose alignment is shown (`legacy`).
        Alignments that cannot move are 0.
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
    coordinates = {"push": list(rows), STATE: list(layout.states), BLOC: list(layout.blocs)}
    return xr.DataArray(np.stack(list(rows.values()), axis=1), coordinates, ("variant", "push", STATE, BLOC), "response")


def _names(entry: Entry, layout: Layout) -> list[str]:
    """The actors that an entry is about."""
    dims = QUANTITIES[entry.stock].dims
    cell = entry.cells[0] if len(dims) == 2 else (max(entry.cells[0]),)
    return [layout.names(dim)[at] for dim, at in zip(dims, cell, strict=True)]
