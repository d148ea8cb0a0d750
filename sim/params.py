"""From configs to arrays: the layout of actors, the constants (`Params`) and the opening stocks (`World`), stacked over variants.

What moves them from outside is in `sim.shocks`, chance in `sim.noise`; nothing here takes a step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np

from sim import roads, rules
from sim.arrays import Array, namespace, share_of, total, worlds_last
from sim.config import BLOC_NUMBERS, BLOC_TABLES, PAIR_TABLES, STATE_NUMBERS, STATE_TABLES, Bloc, Config, PairTable, Region
from sim.names import BLOC, MECHANISMS, PARAMETERS, PEER, QUANTITIES, RIVAL, ROUTE, SCALARS, STATE
from sim.refusal import SettingError
from sim.roads import Path

PRIORITY_QUANTITY = "priority"


@dataclass(frozen=True)
class Layout:
    """Who is where on the axes: the names, in the order of the region file, and how actors are joined."""

    states: tuple[str, ...]
    blocs: tuple[str, ...]
    routes: tuple[str, ...]
    paths: tuple[Path, ...]
    same_as: tuple[tuple[int, int], ...]
    """Pairs (state, bloc) that are one actor."""
    member_of: tuple[tuple[int, int], ...]
    """Pairs (state, bloc) whose alignment is fixed because the state is a member."""
    precision: str = "float64"
    """The kind of number that its tables hold, which is that of the arrays they meet."""

    @cached_property
    def courted(self) -> Array:
        """1 where state and bloc are two actors, (state, bloc)."""
        return self._ones_but(self.same_as)

    @cached_property
    def free(self) -> Array:
        """1 where an alignment can move, (state, bloc)."""
        return self._ones_but(self.same_as + self.member_of)

    @cached_property
    def joined(self) -> Array:
        """1 where a bloc is also a state, (bloc, state)."""
        table = np.zeros((len(self.blocs), len(self.states)), self.precision)
        for state, bloc in self.same_as:
            table[bloc, state] = 1.0
        return table

    def _ones_but(self, pairs: tuple[tuple[int, int], ...]) -> Array:
        table = np.ones((len(self.states), len(self.blocs)), self.precision)
        for state, bloc in pairs:
            table[state, bloc] = 0.0
        return table

    def names(self, dim: str) -> tuple[str, ...]:
        """The names along one axis."""
        return {STATE: self.states, PEER: self.states, BLOC: self.blocs, RIVAL: self.blocs, ROUTE: self.routes}[dim]


class World(NamedTuple):
    """All stocks at one instant, each (variant, replicate, ...) in the plane of its own two axes."""

    disposition: Array
    alignment: Array
    legacy: Array
    tie: Array
    credibility: Array
    access: Array
    road: Array
    readiness: Array
    relation: Array
    strain_war: Array
    strain_home: Array


class Params(NamedTuple):
    """All constants, each already multiplied by the weight of its mechanism."""

    bloc_capability: Array
    salience: Array
    military: Array
    economic: Array
    vigilance: Array
    reserve: Array
    coerciveness: Array
    deterrence: Array
    relay: Array
    unrest: Array
    state_capability: Array
    speed: Array
    volatility: Array
    exclusivity: Array
    company: Array
    priority: Array
    stubbornness: Array
    red_line: Array
    gateway: Array
    external_threat: Array
    programme: Array
    buffer: Array
    credibility_target: Array
    proximity: Array
    road_capacity: Array
    relation_floor: Array
    calming: Array
    permit: Array
    decisiveness: Array
    outside: Array
    security_weight: Array
    threat_floor: Array
    doubt_strength: Array
    readiness_bonus: Array
    exit_cost_strength: Array
    trade_makes_peace: Array
    transit_gain: Array
    retention: Array
    learning: Array
    tie_rate: Array
    credibility_rate: Array
    access_rate: Array
    road_rate: Array
    readiness_rate_up: Array
    readiness_rate_down: Array
    relation_rate: Array
    strain_war_rate: Array
    strain_home_rate: Array
    contests: Array
    legacy_weight: Array
    anchor: Array


def layout_of(region: Region) -> Layout:
    """The layout of a region, names in the order of its file."""
    states, blocs = tuple(region.states), tuple(region.blocs)
    at = {name: index for index, name in enumerate(states)}
    court = {name: index for index, name in enumerate(blocs)}
    paths = tuple(
        Path(at[route.ends[0]], at[route.ends[1]], tuple(at[name] for name in route.via)) for route in region.routes.values()
    )
    same_as = tuple((at[name], court[state.same_as]) for name, state in region.states.items() if state.same_as)
    member_of = tuple((at[name], court[bloc]) for name, state in region.states.items() for bloc in state.member_of)
    return Layout(states, blocs, tuple(region.routes), paths, same_as, member_of)


def stack(configs: Sequence[Config]) -> tuple[Layout, Params, World]:
    """The constants and opening stocks of all variants, with a leading (variant, 1)."""
    layout = layout_of(configs[0].region)
    for config in configs[1:]:
        if layout_of(config.region) != layout:
            raise SettingError(
                "region",
                f"{config.region.name} has other actors or routes than {configs[0].region.name}",
                "variants of one run share them (sim run -m gives each job its own)",
            )
    tables = [_tables(config, layout) for config in configs]
    stacked = {name: np.stack([table[name] for table in tables])[:, None] for name in tables[0]}
    world = open_world(stacked, layout)
    weights = {name: np.array([getattr(c.dynamics, name) for c in configs])[:, None, None, None] for name in MECHANISMS}
    constants = {name: stacked[name] for name in PARAMETERS}
    for name, weight in WEIGHT_OF.items():
        constants[name] = weights[weight] * constants[name]
    params = Params(**constants, contests=weights["contests"], legacy_weight=weights["legacy"], anchor=world.alignment)
    return layout, params._replace(anchor=anchor_at_rest(params, world, layout)), world


WEIGHT_OF = {name: quantity.weight for name, quantity in QUANTITIES.items() if quantity.weight}
"""The mechanism weight that multiplies each parameter."""


Stack = TypeVar("Stack", Params, World)


def shared(stack: Stack) -> Stack:
    """The same constants or stocks with the worlds innermost in memory; what all variants have in common stands once."""
    fields = (field[:1] if (field == field[:1]).all() else field for field in stack)
    return type(stack)(*(worlds_last(field) for field in fields))


def cast(stack: Stack, precision: str) -> Stack:
    """The same constants or stocks as another kind of number, laid out as they are."""
    return type(stack)(*(field.astype(precision) for field in stack))


def anchor_at_rest(params: Params, world: World, layout: Layout) -> Array:
    """The anchor at which the opening stands still (benchmark calibration)."""
    side = rules.side_cost(params.exclusivity, layout.courted * world.alignment, rules.rivalry(world.relation))
    company = rules.keep_company(params.company, world.tie, tie_scale(world.tie), world.alignment, layout.courted, world.alignment)
    return rules.solve_anchor(world.alignment, params.stubbornness, side, company, layout.courted)


def tie_scale(tie_opening: Array) -> Array:
    """The sum of a state's absolute opening ties, as a column; 1 where it has none."""
    hold = total(abs(tie_opening), -1)
    return namespace(hold).where(hold > 0, hold, 1.0)


def open_world(tables: dict[str, Array], layout: Layout) -> World:
    """The stocks at the opening instant, from the tables of the region."""
    disposition = layout.courted * np.arctanh(tables["alignment"])
    alignment = np.tanh(disposition)
    relation = tables["relation"]
    if layout.same_as:
        relation = rules.join_relations(relation, layout.joined, layout.courted, alignment)
    return World(
        disposition=disposition,
        alignment=alignment,
        legacy=tables["legacy"],
        tie=tables["tie"],
        credibility=tables["credibility"],
        access=tables["access"],
        road=tables["road"],
        readiness=tables["readiness"],
        relation=relation,
        strain_war=tables["strain_war"],
        strain_home=tables["strain_home"],
    )


def _tables(config: Config, layout: Layout) -> dict[str, Array]:
    """Every number of one config as a matrix in the plane of its quantity's axes."""
    region, states, blocs = config.region, config.region.states.values(), config.region.blocs.values()
    tables: dict[str, Array] = {}
    for key, name in STATE_NUMBERS.items():
        tables[name] = np.array([[getattr(state, key)] for state in states], dtype=float)
    for key, name in BLOC_NUMBERS.items():
        tables[name] = np.array([[getattr(bloc, key) for bloc in blocs]], dtype=float)
    for key, name in STATE_TABLES.items():
        tables[name] = np.array([[getattr(state, key).get(bloc, 0.0) for bloc in layout.blocs] for state in states], dtype=float)
    for key, name in BLOC_TABLES.items():
        tables[name] = np.array([[getattr(bloc, key).get(state, 0.0) for bloc in blocs] for state in layout.states], dtype=float)
    for key, (name, side) in PAIR_TABLES.items():
        tables[name] = _pairs(getattr(region, key), layout.states if side == "states" else layout.blocs, ABSENT.get(name, 0.0))
    for name in SCALARS:
        tables[name] = np.array([[getattr(config.dynamics, name)]], dtype=float)
    tables["permit"] = np.array([[route.permit for route in region.routes.values()]], dtype=float).reshape(1, len(layout.routes))
    tables["buffer"] = np.array([[float(state in bloc.buffer) for bloc in blocs] for state in layout.states])
    tables["programme"] = np.zeros_like(layout.courted)
    tables["red_line"] = _red_lines(blocs, layout)
    said = np.array([[bloc in state.credibility_target for bloc in layout.blocs] for state in states])
    tables["credibility_target"] = np.where(said, tables["credibility_target"], tables["credibility"])
    tables["priority"] = share_of(layout.free * tables["priority"], (layout.free * tables["priority"]).sum(axis=-2, keepdims=True))
    willing = roads.willingness((tables["tie"] + tables["tie"].T) / 2)
    tables["road_capacity"] = share_of(tables["road"], willing)
    return tables


ABSENT = {"relation_floor": -1.0}
"""What a pair that a table leaves out holds, where it is not 0."""
NO_RED_LINE = -1.0
"""A red line that no alignment can pass."""


def _red_lines(blocs: Iterable[Bloc], layout: Layout) -> Array:
    rows = [[bloc.red_line.get(state, NO_RED_LINE) for state in layout.states] for bloc in blocs]
    return np.array(rows, dtype=float).T


def _pairs(table: PairTable, names: tuple[str, ...], absent: float) -> Array:
    """A table of pairs as a matrix: what is said one way holds both ways, unless both ways are said."""
    matrix = np.full((len(names), len(names)), absent)
    np.fill_diagonal(matrix, 0.0)
    at = {name: index for index, name in enumerate(names)}
    for one, row in table.items():
        for other, value in row.items():
            matrix[at[one], at[other]] = value
            if one not in table.get(other, {}):
                matrix[at[other], at[one]] = value
    return matrix


def refused(layout: Layout, params: Params, world: World) -> dict[int, SettingError]:
    """The variants whose opening cannot be at rest, with the reason: an anchor or a weighted number outside its range."""
    faults: dict[int, SettingError] = {}
    outside = (layout.free > 0) & ((abs(params.anchor) >= 1) | ~np.isfinite(params.anchor))
    for variant, _, state, bloc in np.argwhere(outside)[::-1]:
        value = params.anchor[variant, 0, state, bloc]
        faults[int(variant)] = SettingError(
            f"region.states.{layout.states[state]}.alignment.{layout.blocs[bloc]}",
            f"the anchor that keeps it at rest would be {value:.3g}",
            "an anchor in (-1, 1): raise stubbornness, or lower exclusivity, company or the alignment",
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
