"""Stocks and feedback loops: which stock acts on which, with what gain and sign, and the long-run responses to lasting forcing.

All are computed from the Jacobian of the one-period map (`sim.science.stability.slopes`); no sign or arc is written by hand.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sim.arrays import Array
from sim.names import BLOC, PEER, QUANTITIES, RIVAL, STATE
from sim.science import rules
from sim.science.layout import Layout
from sim.science.stability import RATES, Entry, slopes
from sim.science.state import Params, World

SIDES = {"below": -1.0, "above": 1.0}
"""The two sides of the opening on which slopes are taken: every stock slightly below, or slightly above, its value at rest."""
KINS = ("own", "other bloc", "other state", "other both")
"""Whose stock acts, seen from the actors acted upon: their own, that of another bloc, of another state, or of both."""
FAINT = 1e-5
"""Gains below it are rounding errors of the finite differences."""


class Gains(NamedTuple):
    """Direct gains between entries, and long-run responses to lasting forcing; rows are acted upon, columns act.

    Alignments are measured as scores (not dispositions), and their targets in units of the anchor.
    """

    entries: tuple[Entry, ...]
    direct: Array
    """(entry, entry): the rise of the first's target for a lasting unit rise of the second, all else fixed."""
    response: Array
    """(entry, entry): the long-run rise of the first for a lasting unit forcing on the target of the second."""


def gains(params: Params, world: World, layout: Layout, dt: float, side: float) -> Gains:
    """The direct gains and long-run responses of one variant at its opening, on one side of its kinks.

    With J the Jacobian of the one-period map and B what a unit forcing on each target adds in a period, the direct gains are
    T = 1 + (J - 1)/B and the responses (1 - T)^-1 = (1 - J)^-1 B: the forcing itself, plus its effects through one, two, ... gains.

    Parameters
    ----------
    params, world : Params, World
        Of a single variant, each of shape (1, 1, ...) with its own two axes last.
    dt : float
        Length of a period in years. The result does not depend on it.
    side : float
        -1: all stocks slightly below the opening, 1: slightly above (`SIDES`).

    Returns
    -------
    Gains
        Unit of row per unit of column.

    Source: ours, ODD.md element 5 (the response of a linear system at rest; Leontief's inverse has this form).
    """
    found = slopes(params, world, layout, dt, side)
    scale = np.array([_scale(entry, world) for entry in found.entries])
    added = scale * np.array([_added(entry, params, world, found.base, dt) for entry in found.entries])
    jacobian = scale[:, None] * found.jacobian[0] / scale
    one = np.eye(len(added))
    direct = one + (jacobian - one) / added[:, None]
    entries = tuple(entry._replace(stock=entry.stock.replace("disposition", "alignment")) for entry in found.entries)
    return Gains(entries, direct, np.linalg.inv(one - direct))


def _scale(entry: Entry, world: World) -> float:
    """The size of one unit of the entry in results: for a disposition the slope of the alignment, else 1."""
    return 1.0 - world.alignment[0, 0, *entry.cells[0]] ** 2 if entry.stock == "disposition" else 1.0


def _added(entry: Entry, params: Params, world: World, base: World, dt: float) -> float:
    """What a unit forcing on the target of an entry adds to it in one period; the target of a disposition is its anchor."""
    cell = entry.cells[0]
    if entry.stock == "disposition":
        rate = params.speed * params.stubbornness
        return float(rate[0, 0, *cell] * dt)
    if entry.stock == "readiness":
        ways = params.readiness_rate_up, params.readiness_rate_down
        rate = rules.readiness_rate(world.readiness, base.readiness, params.programme, *ways)
    else:
        rate = getattr(params, RATES[entry.stock][0])
    return float(1.0 - np.exp(-np.broadcast_to(rate, getattr(world, entry.stock).shape)[0, 0, *cell] * dt))


def kin(target: Entry, source: Entry) -> str:
    """Whose stock acts (`KINS`), seen from the target's actors. An axis that only one of the two has is ignored.

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
    """The positions of an entry's actors on some axes."""
    own = QUANTITIES[entry.stock].dims
    cell = entry.cells[0] if len(own) == 2 else (max(entry.cells[0]),)
    return {at for at, dim in zip(cell, own, strict=True) if dim in dims}


def one(params: Params, world: World, variant: int) -> tuple[Params, World]:
    """The constants and opening stocks of one variant out of a stack of variants."""
    only = slice(variant, variant + 1)
    return Params(*(field[only] for field in params)), World(*(field[only] for field in world))


class Loop(NamedTuple):
    """A feedback loop: a closed path of stocks, each acting on the next."""

    stocks: tuple[str, ...]
    """In the order of action; the first is not repeated at the end."""
    kin: str
    """For a loop through the same stock of other actors: which others (`KINS`); else empty."""
    gain: float
    """What a lasting unit of the first stock returns to itself after one round: mean over the entries with a return."""
    direction: float
    """The sum of the returns over the sum of their absolute values: 1 reinforcing, -1 balancing, between mixed."""


def loops(found: Gains) -> list[Loop]:
    """All loops of stocks on one side of the opening, strongest first; gains are summed over all actors on the path.

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
    """The loop with this product of gains, as a list of one; empty where nothing returns."""
    back = np.diag(product)[abs(np.diag(product)) > FAINT]
    return [Loop(way, by, float(back.mean()), float(back.sum() / abs(back).sum()))] if len(back) else []


def _cycles(names: list[str], blocks: dict[tuple[str, str], Array]) -> Iterator[tuple[str, ...]]:
    """Every closed path over distinct stocks, each once, starting at the stock that comes first in `names`."""

    def further(way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for target in names[names.index(way[0]) :]:
            if (target, way[-1]) in blocks:
                if target == way[0]:
                    yield way
                elif target not in way:
                    yield from further((*way, target))

    for name in names:
        yield from further((name,))
