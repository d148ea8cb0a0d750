"""How far the opening is from amplifying a nudge: the slopes of the full one-period map, and its stability margin."""

from typing import NamedTuple

import numpy as np

from sim import rules
from sim.kernel import blocs_act, open_run, states_act, step
from sim.names import QUANTITIES
from sim.params import Layout, Params, World
from sim.refusal import SettingError
from sim.rules import Array
from sim.shocks import NO_FORCING

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


class Entry(NamedTuple):
    """One number of the world that can move: its stock and its cells, two where both halves of a symmetric stock are one."""

    stock: str
    cells: tuple[tuple[int, int], ...]


def margins(params: Params, world: World, layout: Layout, dt: float) -> Array:
    """1 less the spectral radius of the one-period map at the opening, (variant,); below 0 a nudge grows.

    Kinks are met from both sides, the smaller margin counts; stocks that cannot move are left out.
    Source: ours, ODD.md element 5.
    """
    found: dict[bytes, float] = {}
    result = []
    for variant in range(len(params.anchor)):
        own_params = Params(*(field[variant : variant + 1] for field in params))
        own_world = World(*(field[variant : variant + 1] for field in world))
        key = b"".join(np.ascontiguousarray(field).tobytes() for field in (*own_params, *own_world))
        if key not in found:
            found[key] = min(1.0 - _radius(own_params, own_world, layout, dt, side) for side in (-1.0, 1.0))
        result.append(found[key])
    return np.array(result)


class Slopes(NamedTuple):
    """The one-period map beside the opening: the entries of stocks that can move, and each one's pull on each after a period."""

    entries: tuple[Entry, ...]
    jacobian: Array
    """(entry, entry): what a unit more of the second makes of the first a period later."""
    beside: World
    """The world at which the slopes are taken."""


def slopes(params: Params, world: World, layout: Layout, dt: float, side: float) -> Slopes:
    """The Jacobian of the one-period map of a single variant, by central differences beside its opening.

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
    following = step(start, params, opening, NO_FORCING, np.zeros_like(start.alignment), 0, layout, dt).world
    rows = [getattr(following, name)[0, :, cells[0][0], cells[0][1]] for name, cells in entries]
    after = np.stack(rows) if rows else np.zeros((0, columns))
    return Slopes(entries, (after[:, 0::2] - after[:, 1::2]) / (2.0 * NUDGE), base)


def _coordinates(params: Params, world: World, layout: Layout) -> tuple[Entry, ...]:
    """The entries that can move; the two halves of a symmetric stock move as one."""
    joined = {bloc for _, bloc in layout.same_as}
    moving = layout.free * (params.speed[0, 0] > 0)
    entries = [Entry("disposition", ((int(i), int(b)),)) for i, b in np.argwhere(moving > 0)]
    for name, rates in RATES.items():
        if not any(getattr(params, rate).max() > 0 for rate in rates):
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


def _radius(params: Params, world: World, layout: Layout, dt: float, side: float) -> float:
    """The spectral radius of the map from stocks to stocks, beside the opening on one side of its kinks."""
    jacobian = slopes(params, world, layout, dt, side).jacobian
    return float(abs(np.linalg.eigvals(jacobian)).max()) if len(jacobian) else 0.0


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


def too_fast(params: Params, world: World, layout: Layout, dt: float) -> dict[int, SettingError]:
    """The variants whose period is so long that a state would step past where its pulls balance: speed dt |dG/da| above 1."""
    opening = open_run(params, world, layout)

    def pull(alignment: Array) -> Array:
        moved = world._replace(alignment=alignment)
        _, pulls = states_act(moved, params, opening, blocs_act(moved, params, opening, layout), layout)
        return sum(pulls[1:], pulls[0])

    steepest = np.zeros_like(world.alignment)
    for state, bloc in np.argwhere(layout.free > 0):
        up, down = world.alignment.copy(), world.alignment.copy()
        up[..., state, bloc] += NUDGE
        down[..., state, bloc] -= NUDGE
        here = pull(world.alignment)
        steepest = steepest + np.maximum(abs(pull(up) - here), abs(pull(down) - here)) / NUDGE
    worst = layout.free * params.speed * dt * steepest
    faults = {}
    for variant, _, state, bloc in np.argwhere(worst > 1.0)[::-1]:
        faults[int(variant)] = SettingError(
            f"region.states.{layout.states[state]}.speed",
            f"{np.broadcast_to(params.speed, worst.shape)[variant, 0, state, bloc]:g} is too fast for a period of {dt:.3g} years"
            f" (speed dt |dG/da| = {worst[variant, 0, state, bloc]:.2f})",
            "at most 1: a lower speed, or more periods_per_year",
        )
    return faults
