"""Whether an opening can be at rest, and how far it is from amplifying a nudge: slopes and margin of the one-period map."""

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
"""How far off the opening the slopes at a kink are taken, in units of the stock."""
NUDGE = 1e-7
"""Half the step of a slope's central difference."""
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
"""Stocks that no stock acts on. They settle at their own rates whatever the rest does, and would hide how the rest does."""


def margins(params: Params, world: World, layout: Layout, dt: float) -> Array:
    """1 less the spectral radius of the one-period map at the opening, (variant,); below 0 a nudge grows.

    Kinks are met from both sides, the smaller margin counts. Left out are stocks that cannot move and those that no other acts on.
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
"""The effort of margins that take about half a second."""
BLOCK = 2**15
"""Numbers of the stocks that are stepped at once, so that they stay in cache."""


def effort(params: Params, world: World, layout: Layout) -> int:
    """How many alignments are stepped to find the margins."""
    first, _ = _distinct(params, world)
    return 4 * len(first) * _moving(params, world, layout, 0) * layout.free.size


def _distinct(params: Params, world: World) -> tuple[Array, Array]:
    """The first variant of each opening, and for each variant the number of its opening."""
    varying = [field.reshape(len(field), -1) for field in (*params, *world) if field.strides[0] != 0]
    rows = np.concatenate(varying, axis=1) if varying else np.zeros((len(params.anchor), 1))
    numbers: dict[bytes, int] = {}
    same = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows])
    return np.unique(same, return_index=True)[1], same


def _alike(params: Params, world: World, layout: Layout, variants: Array) -> list[Array]:
    """The positions in `variants` in groups within which the same stocks can move."""
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
    """How many stocks of a variant can move, pairs that move as one counted once."""
    alone = [variant]
    return len(_coordinates(Params(*some_of(params, alone)), World(*some_of(world, alone)), layout))


class Entry(NamedTuple):
    """A number of the world that moves by itself: a stock and its cells, two where a symmetric stock's halves move as one."""

    stock: str
    cells: tuple[tuple[int, int], ...]


class Slopes(NamedTuple):
    """The one-period map beside the opening: the entries of stocks that can move, and each one's pull on each after a period."""

    entries: tuple[Entry, ...]
    jacobian: Array
    """(variant, entry, entry): what a unit more of the last makes of the first a period later."""
    beside: World
    """The world at which the slopes are taken."""


def slopes(params: Params, world: World, layout: Layout, dt: float, side: float) -> Slopes:
    """The Jacobian of the one-period map of variants in which the same stocks can move, by central differences.

    `side` is -1 or 1: all stocks are displaced a little below or above the opening, which settles every kink.
    Alignments enter as dispositions.
    """
    opening = open_run(params, world, layout)
    entries = _coordinates(params, world, layout)
    base = _displace(world, side, layout)
    columns = 2 * len(entries)
    batch = {name: np.repeat(getattr(base, name), columns, axis=1) for name in World._fields}
    for number, (name, cells) in enumerate(entries):
        for cell in cells:
            batch[name][:, 2 * number, *cell] += NUDGE
            batch[name][:, 2 * number + 1, *cell] -= NUDGE
    start = _consistent(World(**batch), layout)
    following = step(start, params, opening, NO_FORCES, np.zeros_like(start.alignment), layout, dt).world
    rows = [getattr(following, name)[:, :, cells[0][0], cells[0][1]] for name, cells in entries]
    after = np.stack(rows, axis=1) if rows else np.zeros((len(params.anchor), 0, columns))
    return Slopes(entries, (after[..., 0::2] - after[..., 1::2]) / (2.0 * NUDGE), base)


def _coordinates(params: Params, world: World, layout: Layout) -> tuple[Entry, ...]:
    """The entries that can move in variants that are alike; the two halves of a symmetric stock move as one."""
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
    """The spectral radius of the map from stocks to stocks, beside the opening on one side of its kinks, (variant,)."""
    entries, jacobian, _ = slopes(params, world, layout, dt, side)
    acted_on = [at for at, entry in enumerate(entries) if entry.stock not in BY_THEMSELVES]
    jacobian = jacobian[:, acted_on][:, :, acted_on]
    return abs(np.linalg.eigvals(jacobian)).max(axis=-1) if jacobian.size else np.zeros(len(params.anchor))


def _displace(world: World, side: float, layout: Layout) -> World:
    """The opening moved a little to one side, stocks kept clear of the ends of their ranges."""
    moved = {}
    for name in World._fields:
        stock, quantity = getattr(world, name), QUANTITIES[name]
        size = side * DISPLACEMENT * (1.0 if name in ("disposition", "alignment") else LESS)
        room = 10 * NUDGE
        moved[name] = np.clip(stock + size, quantity.low + room, quantity.high - room)
    for name in ("tie", "road", "relation"):
        size = moved[name].shape[-1]
        moved[name] = np.where(np.eye(size) > 0, getattr(world, name), moved[name])
    return _consistent(World(**moved), layout)


def _consistent(world: World, layout: Layout) -> World:
    """The same world with what follows from its dispositions."""
    disposition = np.where(layout.courted > 0, world.disposition, 0.0)
    alignment = np.tanh(disposition)
    world = world._replace(disposition=disposition, alignment=alignment)
    if layout.same_as:
        return world._replace(relation=rules.join_relations(world.relation, layout.joined, layout.courted, alignment))
    return world


def too_fast(layout: Layout, params: Params, world: World, dt: float) -> dict[int, SettingError]:
    """The variants whose period is so long that a state would step past where its pulls balance: speed dt |dG/da| above 1."""
    first, same = _distinct(params, world)
    parts = [first[start : start + TOGETHER] for start in range(0, len(first), TOGETHER)]
    slopes = [_steepest(Params(*some_of(params, part)), World(*some_of(world, part)), layout) for part in parts]
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
"""Openings whose slopes are taken at once."""


def _steepest(params: Params, world: World, layout: Layout) -> Array:
    """The sum over alignments of the slopes of each pull at the opening, the steeper side of a kink, (variant, 1, state, bloc)."""
    opening = open_run(params, world, layout)

    def pull(alignment: Array) -> Array:
        moved = world._replace(alignment=alignment)
        _, pulls = states_act(moved, params, opening, blocs_act(moved, params, opening, layout), layout)
        return sum(pulls[1:], pulls[0])

    steepest, here = np.zeros_like(world.alignment), pull(world.alignment)
    for state, bloc in np.argwhere(layout.free > 0):
        up, down = world.alignment.copy(), world.alignment.copy()
        up[..., state, bloc] += NUDGE
        down[..., state, bloc] -= NUDGE
        steepest = steepest + np.maximum(abs(pull(up) - here), abs(pull(down) - here)) / NUDGE
    return steepest


def refused(layout: Layout, params: Params, world: World) -> dict[int, SettingError]:
    """The variants whose opening cannot be at rest, with the reason: an anchor or a weighted number outside its range."""
    faults: dict[int, SettingError] = {}
    outside = (layout.free > 0) & ((abs(params.anchor) >= 1) | ~np.isfinite(params.anchor))
    for variant, _, state, bloc in np.argwhere(outside)[::-1]:
        value = params.anchor[variant, 0, state, bloc]
        faults[int(variant)] = SettingError(
            f"region.states.{layout.states[state]}.alignment.{layout.blocs[bloc]}",
            f"the anchor that keeps it at rest would be {value:.3g}",
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
        said = f"{world.relation[variant, 0, bloc, rival]:.3g} is below its floor"
        key = f"region.relations.{layout.blocs[bloc]}.{layout.blocs[rival]}"
        faults[int(variant)] = SettingError(key, said, f"at least {params.relation_floor[variant, 0, bloc, rival]:.3g}")
    held = params.legacy_weight * params.retention
    for variant in np.flatnonzero((held > QUANTITIES["retention"].high + 1e-12).reshape(-1)):
        said = f"makes the retention {held.reshape(-1)[variant]:.3g}"
        faults[int(variant)] = SettingError("dynamics.legacy", said, "legacy x retention at most 0.5: history must not feed itself")
    shares = world.access.sum(axis=-1)
    for variant, _, state in np.argwhere(shares > 1 + 1e-9)[::-1]:
        said = f"shares of trade add up to {shares[variant, 0, state]:.3g}"
        faults[int(variant)] = SettingError(f"region.states.{layout.states[state]}.access", said, "at most 1")
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
