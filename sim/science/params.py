"""From configs to arrays: the constants (`Params`) and the opening stocks (`World`), stacked over variants.

Shocks are in `sim.science.shocks`, random draws in `sim.science.noise`; nothing here takes a step.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from sim.arrays import Array, share_of
from sim.config.overlays import OWN, Configs, Overlay, Where, light
from sim.config.region import BLOC_NUMBERS, BLOC_TABLES, PAIR_TABLES, STATE_NUMBERS, STATE_TABLES, PairTable
from sim.config.schema import Config
from sim.errors import SettingError
from sim.names import MECHANISMS, PARAMETERS, SCALARS, WEIGHT_OF
from sim.science import roads, rules
from sim.science.layout import Layout, layout_of
from sim.science.state import Params, World, tie_scale


def stack(configs: Sequence[Config]) -> tuple[Layout, Params, World]:
    """The layout, constants and opening stocks of all variants, with leading axes (variant, 1).

    A field that no variant changes is stored once and broadcast.

    Raises
    ------
    SettingError
        Where the variants have other actors or routes.
    """
    variants = light(configs)
    first = variants.wholes[0].region
    layout = layout_of(first)
    for config in variants.wholes[1:]:
        if layout_of(config.region) != layout:
            raise SettingError(
                "region",
                f"{config.region.name} has other actors or routes than {first.name}",
                "variants of one run share them (sim run -m gives each job its own)",
            )
    tables = _derive(_stacked(variants, layout), layout)
    world = open_world(tables, layout)
    constants = {name: tables[name] for name in PARAMETERS}
    for name, weight in WEIGHT_OF.items():
        constants[name] = tables[_weight(weight)] * constants[name]
    params = Params(
        **constants, contests=tables[_weight("contests")], legacy_weight=tables[_weight("legacy")], anchor=world.alignment
    )
    params = params._replace(
        anchor=anchor_at_rest(params, world, layout),
        measured_relation=np.where(tables[MEASURED_GIVEN] > 0, params.measured_relation, world.relation),
    )
    return layout, Params(*_over(params, len(variants))), World(*_over(world, len(variants)))


def _over(fields: Iterable[Array], variants: int) -> Iterator[Array]:
    """The fields with the full variant axis, as broadcast views where all variants share one value."""
    return (np.broadcast_to(field, (variants, *field.shape[1:])) for field in fields)


def anchor_at_rest(params: Params, world: World, layout: Layout) -> Array:
    """The anchor at which the opening is at rest (benchmark calibration)."""
    side = rules.side_cost(params.exclusivity, layout.courted * world.alignment, rules.rivalry(world.relation))
    peer_influence = rules.follow_peers(
        params.peer_influence, world.tie, tie_scale(world.tie), world.alignment, layout.courted, world.alignment
    )
    return rules.solve_anchor(world.alignment, params.stubbornness, side, peer_influence, layout.courted)


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


def _stacked(configs: Configs, layout: Layout) -> dict[str, Array]:
    """Every number of all variants by name, as matrices (variant or 1, 1, ...) with the quantity's two axes last."""
    own = [_tables(config, layout) for config in configs.wholes]
    set_over: dict[str, list[Overlay]] = {}
    for overlay in configs.overlays:
        set_over.setdefault(_table_of(overlay.path), []).append(overlay)
    stacked: dict[str, Array] = {}
    for name in own[0]:
        tables = np.stack([table[name] for table in own])
        overlays = set_over.get(name, ())
        same = bool((tables.view(np.uint64) == tables[:1].view(np.uint64)).all())
        table = tables[:1] if same and not overlays else tables[configs.whole]
        for overlay in overlays:
            _put(table, overlay, configs, layout)
        stacked[name] = table[:, None]
    return stacked


def _weight(mechanism: str) -> str:
    """The name of the table of a mechanism's weight."""
    return f"weight of {mechanism}"


def _table_of(path: Where) -> str:
    """The table that a number belongs to, by its path in the settings; empty for the size of a shock's effect."""
    match path:
        case ("dynamics", name):
            return _weight(name) if name in MECHANISMS else name
        case ("region", "states", _, name, *rest):
            return STATE_TABLES[name] if rest else STATE_NUMBERS[name]
        case ("region", "blocs", _, name, *rest):
            return BLOC_TABLES[name] if rest else BLOC_NUMBERS[name]
        case ("region", "routes", _, name):
            return name
        case ("region", name, _, _):
            return PAIR_TABLES[name][0]
    return ""


def _put(table: Array, overlay: Overlay, configs: Configs, layout: Layout) -> None:
    """Write an overlay into its table, (variant, ...), in place: a pair given in one direction holds for both."""
    match overlay.path:
        case ("dynamics", _):
            overlay.put(table[:, 0, 0])
        case ("region", "states", state, _, *bloc):
            overlay.put(table[:, layout.states.index(state), layout.blocs.index(bloc[0]) if bloc else 0])
        case ("region", "blocs", bloc, _, *state):
            overlay.put(table[:, layout.states.index(state[0]) if state else 0, layout.blocs.index(bloc)])
        case ("region", "routes", route, _):
            overlay.put(table[:, 0, layout.routes.index(route)])
        case ("region", pairs, one, other):
            names = layout.states if PAIR_TABLES[pairs][1] == "states" else layout.blocs
            at = names.index(one), names.index(other)
            overlay.put(table[:, *at])
            both_ways = np.array([one in getattr(config.region, pairs).get(other, {}) for config in configs.wholes])
            Overlay(overlay.path, overlay.values, np.where(both_ways[configs.whole], OWN, overlay.rows)).put(table[:, *at[::-1]])


def _tables(config: Config, layout: Layout) -> dict[str, Array]:
    """Every number that one config gives, by name, as a matrix with the quantity's two axes."""
    region, states, blocs = config.region, config.region.states.values(), config.region.blocs.values()
    tables: dict[str, Array] = {}
    for key, name in STATE_NUMBERS.items():
        tables[name] = np.array([[getattr(state, key)] for state in states], dtype=float)
    for key, name in BLOC_NUMBERS.items():
        tables[name] = np.array([[getattr(bloc, key) for bloc in blocs]], dtype=float)
    for key, name in STATE_TABLES.items():
        tables[name] = np.array([[getattr(state, key).get(bloc, 0.0) for bloc in layout.blocs] for state in states], dtype=float)
    for key, name in BLOC_TABLES.items():
        absent = ABSENT.get(name, 0.0)
        tables[name] = np.array([[getattr(bloc, key).get(state, absent) for bloc in blocs] for state in layout.states], dtype=float)
    for key, (name, side) in PAIR_TABLES.items():
        tables[name] = _pairs(getattr(region, key), layout.states if side == "states" else layout.blocs, ABSENT.get(name, 0.0))
    for name in SCALARS:
        tables[name] = np.array([[getattr(config.dynamics, name)]], dtype=float)
    for name in MECHANISMS:
        tables[_weight(name)] = np.array([[getattr(config.dynamics, name)]], dtype=float)
    tables["permit"] = np.array([[route.permit for route in region.routes.values()]], dtype=float).reshape(1, len(layout.routes))
    tables["buffer"] = np.array([[float(state in bloc.buffer) for bloc in blocs] for state in layout.states])
    tables[MEASURED_GIVEN] = _pairs(given_pairs(region.measured_relations), layout.blocs, 0.0)
    tables[TARGET_GIVEN] = np.array([[float(bloc in state.credibility_target) for bloc in layout.blocs] for state in states])
    return tables


def _derive(tables: dict[str, Array], layout: Layout) -> dict[str, Array]:
    """The tables with those derived from them: targets of credibility, shares of priority, capacities of roads."""
    priority, willing = layout.free * tables["priority"], roads.willingness((tables["tie"] + tables["tie"].swapaxes(-1, -2)) / 2)
    return tables | {
        "programme": np.zeros_like(layout.courted)[None, None],
        "credibility_target": np.where(tables[TARGET_GIVEN] > 0, tables["credibility_target"], tables["credibility"]),
        "priority": share_of(priority, priority.sum(axis=-2, keepdims=True)),
        "road_capacity": share_of(tables["road"], willing),
    }


TARGET_GIVEN = "credibility target given"
"""The name of the table that is 1 where a config gives a credibility its own target, else 0."""
MEASURED_GIVEN = "measured relation given"
"""The name of the table that is 1 where a config gives a relation for measures (`measured_relations`), else 0."""
ABSENT = {"relation_floor": -1.0, "red_line": -1.0}
"""Values for numbers that a table leaves out, where that is not 0: no floor, and a red line that no alignment can pass."""


def given_pairs(table: PairTable) -> PairTable:
    """1 for every pair that a table gives."""
    return {one: dict.fromkeys(row, 1.0) for one, row in table.items()}


def _pairs(table: PairTable, names: tuple[str, ...], absent: float) -> Array:
    """A table of pairs as a matrix: a value given for one direction holds for both, unless both are given."""
    matrix = np.full((len(names), len(names)), absent)
    np.fill_diagonal(matrix, 0.0)
    at = {name: index for index, name in enumerate(names)}
    for one, row in table.items():
        for other, value in row.items():
            matrix[at[one], at[other]] = value
            if one not in table.get(other, {}):
                matrix[at[other], at[one]] = value
    return matrix
