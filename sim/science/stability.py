"""Whether an opening can be at rest, and how far it is from amplifying a small disturbance: Jacobian and stability margin."""

from typing import NamedTuple

import numpy as np

from sim import interrupts
from sim.arrays import Array
from sim.errors import SettingError
from sim.names import QUANTITIES, STATE, WEIGHT_OF
from sim.science import rules
from sim.science.kernel import blocs_act, open_run, states_act, step
from sim.science.layout import Layout
from sim.science.state import NO_FORCES, Params, World, some_of

DISPLACEMENT = 1e-5
"""How far from the opening slopes are taken, so that a kink at the opening is on one side; in units of the stock."""
HALF_STEP = 1e-7
"""Half the step of a central difference."""
LESS = 0.1
"""Stocks other than alignment are displaced this much less, so that kinks in differences fall on the side of alignment."""

RATES = {
    "legacy": ("learning",),
    "tie": ("tie_rate",),
    "credibility": ("credibility_rate",),
    "access": ("access_rate",),
    "road": ("road_rate",),
    "readiness": ("readiness_rate_up", "readiness_rate_down"),
    "relation": ("relation_rate",),
    "strain_war": ("strain_war_rate",),
    "strain_home": ("strain_home_rate",),
}


BY_THEMSELVES = ("readiness", "strain_war")
"""Stocks that no other stock acts on. They relax at their own rates, and would hide the stability of the others."""


def margins(params: Params, world: World, layout: Layout, dt: float) -> Array:
    """1 less the spectral radius of the one-period map at the opening, (variant,); below 0 a small disturbance grows.

    The smaller of the margins on both sides of kinks counts. Stocks that cannot move or that no other acts on are left out.
    Source: ours, ODD.md element 5.
    """
    first, same = _distinct(params, world)
    found = np.empty(len(first))
    for alike in _alike(params, world, layout, first):
        stepped = 2 * _moving(params, world, layout, int(first[alike[0]])) * layout.free.size
        many = max(1, BLOCK // max(1, stepped))
        for start in range(0, len(alike), many):
            interrupts.check()
            block = alike[start : start + many]
            own_params, own_world = Params(*some_of(params, first[block])), World(*some_of(world, first[block]))
            sides = [1.0 - _radius(own_params, own_world, layout, dt, side) for side in (-1.0, 1.0)]
            found[block] = np.minimum(*sides)
    return found[same]


QUICK = 500_000
"""The `effort` that takes about half a second."""
BLOCK = 2**15
"""Numbers of stocks that are stepped at once, so that they fit in the processor's cache."""


def effort(params: Params, world: World, layout: Layout) -> int:
    """The cost of `margins`: how many alignments are stepped."""
    first, _ = _distinct(params, world)
    return 4 * len(first) * _moving(params, world, layout, 0) * layout.free.size


def _distinct(params: Params, world: World) -> tuple[Array, Array]:
    """The first variant of each distinct opening, and for each variant the number of its opening."""
    varying = [field.reshape(len(field), -1) for field in (*params, *world) if field.strides[0] != 0]
    rows = np.concatenate(varying, axis=1) if varying else np.zeros((len(params.anchor), 1))
    numbers: dict[bytes, int] = {}
    same = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows])
    return np.unique(same, return_index=True)[1], same


def _alike(params: Params, world: World, layout: Layout, variants: Array) -> list[Array]:
    """The positions in `variants`, grouped so that within a group the same stocks can move."""
    marks = [params.speed[variants, 0, :, 0] > 0]
    marks += [getattr(params, rate)[variants, 0, :, 0] > 0 for rates in RATES.values() for rate in rates]
    for name in RATES:
        if QUANTITIES[name].symmetric:
            stock = getattr(world, name)[variants, 0]
            marks.append((stock == stock.swapaxes(-1, -2)).all(axis=(-1, -2))[:, None])
    groups: dict[bytes, list[int]] = {}
    for position, row in enumerate(np.concatenate(marks, axis=1)):
        groups.setdefault(row.tobytes(), []).append(position)
    return [np.array(group) for group in groups.values()]


def _moving(params: Params, world: World, layout: Layout, variant: int) -> int:
    """How many numbers of a variant's stocks can move; the two halves of a symmetric pair count once."""
    alone = [variant]
    return len(_coordinates(Params(*some_of(params, alone)), World(*some_of(world, alone)), layout))


class Entry(NamedTuple):
    """One number among the stocks that can move: its stock and cell, or both cells where a symmetric pair moves as one."""

    stock: str
    cells: tuple[tuple[int, int], ...]


class Slopes(NamedTuple):
    """The linearised one-period map near the opening: the entries that can move, and the Jacobian between them."""

    entries: tuple[Entry, ...]
    jacobian: Array
    """(variant, entry, entry): the change of the first, one period later, per unit of the second."""
    base: World
    """The stocks at which the slopes are taken."""


def slopes(params: Params, world: World, layout: Layout, dt: float, side: float) -> Slopes:
    """The Jacobian of the one-period map of variants in which the same stocks can move, by central differences.

    `side` is -1 or 1: all stocks are displaced slightly below or above the opening, so that every kink is on one side.
    Alignments are represented by dispositions.
    """
    opening = open_run(params, world, layout)
    entries = _coordinates(params, world, layout)
    base = _displace(world, side, layout)
    columns = 2 * len(entries)
    batch = {name: np.repeat(getattr(base, name), columns, axis=1) for name in World._fields}
    for number, (name, cells) in enumerate(entries):
        for cell in cells:
            batch[name][:, 2 * number, *cell] += HALF_STEP
            batch[name][:, 2 * number + 1, *cell] -= HALF_STEP
    start = _consistent(World(**batch), layout)
    following = step(start, params, opening, NO_FORCES, np.zeros_like(start.alignment), layout, dt).world
    rows = [getattr(following, name)[:, :, cells[0][0], cells[0][1]] for name, cells in entries]
    after = np.stack(rows, axis=1) if rows else np.zeros((len(params.anchor), 0, columns))
    return Slopes(entries, (after[..., 0::2] - after[..., 1::2]) / (2.0 * HALF_STEP), base)


def _coordinates(params: Params, world: World, layout: Layout) -> tuple[Entry, ...]:
    """The entries that can move in variants of one group (`_alike`); two equal halves of a symmetric stock are one entry."""
    joined = {bloc for _, bloc in layout.same_as}
    moving = layout.free * (params.speed[0, 0] > 0)
    entries = [Entry("disposition", ((int(i), int(b)),)) for i, b in np.argwhere(moving > 0)]
    for name, rates in RATES.items():
        if not any(getattr(params, rate)[0].max() > 0 for rate in rates):
            continue
        height, width = getattr(world, name).shape[-2:]
        if QUANTITIES[name].symmetric:
            stock = getattr(world, name)[0, 0]
            pairs = [(i, j) for i in range(height) for j in range(i + 1, width)]
            pairs = [pair for pair in pairs if name != "relation" or not joined & set(pair)]
            even = bool((stock == stock.T).all())
            cells = [((i, j), (j, i)) for i, j in pairs] if even else [((i, j),) for k in pairs for i, j in (k, k[::-1])]
        else:
            cells = [((i, j),) for i in range(height) for j in range(width)]
        entries += [Entry(name, found) for found in cells]
    return tuple(entries)


def _radius(params: Params, world: World, layout: Layout, dt: float, side: float) -> Array:
    """The spectral radius of the one-period map near the opening, on one side of its kinks, (variant,)."""
    entries, jacobian, _ = slopes(params, world, layout, dt, side)
    acted_on = [at for at, entry in enumerate(entries) if entry.stock not in BY_THEMSELVES]
    jacobian = jacobian[:, acted_on][:, :, acted_on]
    return abs(np.linalg.eigvals(jacobian)).max(axis=-1) if jacobian.size else np.zeros(len(params.anchor))


def _displace(world: World, side: float, layout: Layout) -> World:
    """The opening displaced slightly to one side, with all stocks clear of the ends of their ranges."""
    moved = {}
    for name in World._fields:
        stock, quantity = getattr(world, name), QUANTITIES[name]
        size = side * DISPLACEMENT * (1.0 if name in ("disposition", "alignment") else LESS)
        room = 10 * HALF_STEP
        moved[name] = np.clip(stock + size, quantity.low + room, quantity.high - room)
    for name in ("tie", "road", "relation"):
        size = moved[name].shape[-1]
        moved[name] = np.where(np.eye(size) > 0, getattr(world, name), moved[name])
    return _consistent(World(**moved), layout)


def _consistent(world: World, layout: Layout) -> World:
    """The same stocks with alignments and joined relations recomputed from the dispositions."""
    disposition = np.where(layout.courted > 0, world.disposition, 0.0)
    alignment = np.tanh(disposition)
    world = world._replace(disposition=disposition, alignment=alignment)
    if layout.same_as:
        return world._replace(relation=rules.join_relations(world.relation, layout.joined, layout.courted, alignment))
    return world


def too_fast(layout: Layout, params: Params, world: World, dt: float) -> dict[int, SettingError]:
    """The variants, with the reason, whose period is so long that a state would overshoot its balance: speed dt |dG/da| above 1."""
    first, same = _distinct(params, world)
    blocks = [first[start : start + TOGETHER] for start in range(0, len(first), TOGETHER)]
    slopes = [_steepest(Params(*some_of(params, block)), World(*some_of(world, block)), layout) for block in blocks]
    worst = layout.free * params.speed * dt * np.concatenate(slopes)[same]
    faults = {}
    for variant, _, state, bloc in np.argwhere(worst > 1.0)[::-1]:
        faults[int(variant)] = SettingError(
            f"region.states.{layout.states[state]}.speed",
            f"{np.broadcast_to(params.speed, worst.shape)[variant, 0, state, bloc]:g} is too fast for a period of {dt:.3g} years"
            f" (speed dt |dG/da| = {worst[variant, 0, state, bloc]:.2f})",
            "at most 1: a lower speed, or more periods_per_year",
        )
    return faults


TOGETHER = 500
"""Openings whose slopes are computed at once."""


def _steepest(params: Params, world: World, layout: Layout) -> Array:
    """The absolute slopes of each pull at the opening, on the steeper side, summed over alignments, (variant, 1, state, bloc)."""
    opening = open_run(params, world, layout)

    def pull(alignment: Array) -> Array:
        moved = world._replace(alignment=alignment)
        _, pulls = states_act(moved, params, opening, blocs_act(moved, params, opening, layout), layout)
        return sum(pulls[1:], pulls[0])

    steepest, here = np.zeros_like(world.alignment), pull(world.alignment)
    for state, bloc in np.argwhere(layout.free > 0):
        up, down = world.alignment.copy(), world.alignment.copy()
        up[..., state, bloc] += HALF_STEP
        down[..., state, bloc] -= HALF_STEP
        steepest = steepest + np.maximum(abs(pull(up) - here), abs(pull(down) - here)) / HALF_STEP
    return steepest


def refused(layout: Layout, params: Params, world: World) -> dict[int, SettingError]:
    """The variants whose opening cannot be at rest, with the reason: an anchor or a weighted number outside its range."""
    faults: dict[int, SettingError] = {}
    outside = (layout.free > 0) & ((abs(params.anchor) >= 1) | ~np.isfinite(params.anchor))
    for variant, _, state, bloc in np.argwhere(outside)[::-1]:
        value = params.anchor[variant, 0, state, bloc]
        faults[int(variant)] = SettingError(
            f"region.states.{layout.states[state]}.alignment.{layout.blocs[bloc]}",
            f"the anchor at which it is at rest would be {value:.3g}",
            "an anchor in (-1, 1): raise stubbornness, or lower exclusivity, peer influence or the alignment",
        )
    for name in ("road_capacity", *WEIGHT_OF):
        quantity, values = QUANTITIES[name], getattr(params, name)
        for index in np.argwhere((values > quantity.high + 1e-12) | (values < quantity.low))[::-1]:
            faults[int(index[0])] = _fault(name, float(values[tuple(index)]), index, layout)
    closed = (world.tie <= -1) & (world.road > 0)
    for variant, _, state, peer in np.argwhere(closed)[::-1]:
        faults[int(variant)] = _fault("road_capacity", float("inf"), np.array([variant, 0, state, peer]), layout)
    for variant, _, bloc, rival in np.argwhere(world.relation < params.relation_floor - 1e-12)[::-1]:
        wrong = f"{world.relation[variant, 0, bloc, rival]:.3g} is below its floor"
        key = f"region.relations.{layout.blocs[bloc]}.{layout.blocs[rival]}"
        faults[int(variant)] = SettingError(key, wrong, f"at least {params.relation_floor[variant, 0, bloc, rival]:.3g}")
    held = params.legacy_weight * params.retention
    for variant in np.flatnonzero((held > QUANTITIES["retention"].high + 1e-12).reshape(-1)):
        wrong = f"makes the retention {held.reshape(-1)[variant]:.3g}"
        faults[int(variant)] = SettingError(
            "dynamics.legacy", wrong, "legacy x retention at most 0.5: legacy must not sustain itself"
        )
    shares = world.access.sum(axis=-1)
    for variant, _, state in np.argwhere(shares > 1 + 1e-9)[::-1]:
        wrong = f"shares of trade add up to {shares[variant, 0, state]:.3g}"
        faults[int(variant)] = SettingError(f"region.states.{layout.states[state]}.access", wrong, "at most 1")
    return faults


def _fault(name: str, value: float, index: Array, layout: Layout) -> SettingError:
    quantity = QUANTITIES[name]
    who = [layout.names(dim)[index[-2 if dim in (STATE, "bloc") and len(quantity.dims) == 2 else -1]] for dim in quantity.dims]
    if name == "road_capacity":
        return SettingError(
            f"region.roads.{who[0]}.{who[1]}",
            f"a tie this hostile lets no such traffic through (capacity {value:.3g})",
            "capacity in [0, 1]",
        )
    key = f"dynamics.{quantity.weight}"
    return SettingError(key, f"makes {name} of {'-'.join(who) or 'the region'} {value:.3g}", f"{quantity.allowed} after weighting")
