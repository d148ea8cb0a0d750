"""The schedule: what happens in one period, and the only loop over time. The mechanisms are in `sim.science.rules`."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sim.arrays import Array, namespace, total
from sim.names import QUANTITIES
from sim.science import roads, rules
from sim.science.layout import Layout
from sim.science.state import Forces, Params, World, tie_scale


class Flows(NamedTuple):
    """What happens in the period that follows an instant."""

    effort: Array
    threat: Array
    protection: Array
    dependence: Array
    traffic: Array


class Pulls(NamedTuple):
    """The terms of the pull on a state, in the order of `sim.names.CONTRIBUTIONS` without what comes from outside."""

    anchor: Array
    legacy: Array
    exit_cost: Array
    security: Array
    economy: Array
    exclusivity: Array
    peer_influence: Array


class Contributions(NamedTuple):
    """What each pull, each shock and the noise added to the alignment over the period; they sum to its change.

    `impulse` has one array for each shock with an impulse on dispositions.
    """

    pulls: Pulls
    impulse: tuple[Array, ...]
    noise: Array

    @property
    def all(self) -> list[Array]:
        """Every contribution in the order of `sim.names.contribution_names`."""
        return [*self.pulls, *self.impulse, self.noise]


class Opening(NamedTuple):
    """The opening instant, which every later one is measured against."""

    world: World
    strain: Array
    pressure: Array
    effort: Array
    outside_protection: Array
    outside_trade: Array
    tie_scale: Array
    traffic: Array
    pulls: Pulls


class Moment(NamedTuple):
    """One period of a run: the stocks at its end, the flows in it and, where asked, the contributions to its moves."""

    world: World
    flows: Flows
    contributions: Contributions | None


def open_run(params: Params, world: World, layout: Layout) -> Opening:
    """The opening quantities, from which contests and pulls are measured."""
    nothing = 0.0 * world.alignment
    strain = rules.total_strain(world.strain_war, world.strain_home)
    pressure = rules.pressure(world.alignment, rules.rivalry(world.relation), layout.courted)
    blank = Opening(
        world, strain, pressure, nothing, nothing, nothing, tie_scale(world.tie), world.tie, Pulls(*(nothing,) * len(Pulls._fields))
    )
    effort = blocs_act(world, params, blank, layout)
    weight = weigh_protection(world, params, effort, coercion(world, params, layout))
    opening = blank._replace(
        effort=effort,
        outside_protection=rules.outside_weight(params.outside, weight),
        outside_trade=1.0 - total(world.access, -1),
        traffic=roads_carry(world, params, layout)[0],
    )
    _, pulls = states_act(world, params, opening, effort, layout)
    rest = pulls._replace(legacy=nothing, exit_cost=nothing, anchor=-(pulls.exclusivity + pulls.peer_influence))
    return opening._replace(pulls=rest)


def current(params: Params, forces: Forces) -> Params:
    """The constants as the shocks of a period have them."""
    moved = {}
    for name, force in forces.lasting.items():
        if name in Params._fields:
            quantity = QUANTITIES[name]
            moved[name] = namespace(force).clip(getattr(params, name) + force, quantity.least, quantity.high)
    return params._replace(**moved)


def coercion(world: World, params: Params, layout: Layout) -> Array:
    """Each bloc's coercion of each state at the instant."""
    strain = rules.total_strain(world.strain_war, world.strain_home)
    return layout.courted * rules.coerce(params.coerciveness, strain, params.red_line, world.alignment)


def blocs_act(world: World, params: Params, opening: Opening, layout: Layout) -> Array:
    """The effort of each bloc in each state, which answers what its rivals have gained."""
    strain = rules.total_strain(world.strain_war, world.strain_home)
    rivalry = rules.rivalry(world.relation)
    pressure = rules.pressure(world.alignment, rivalry, layout.courted)
    budget = rules.budget(params.bloc_capability, params.salience, strain)
    return rules.commit_effort(budget, params.reserve, params.priority, params.vigilance, pressure, opening.pressure)


def weigh_protection(world: World, params: Params, effort: Array, coercion: Array) -> Array:
    """What each bloc's effort weighs in the contest for protection."""
    force = rules.project_force(params.military, effort, params.deterrence, coercion, rules.rivalry(world.relation))
    reached = rules.reach(force, params.relay, rules.friendship(world.relation), world.alignment)
    return rules.weigh_protection(world.credibility, params.readiness_bonus, world.readiness, reached, params.decisiveness)


def states_act(world: World, params: Params, opening: Opening, effort: Array, layout: Layout) -> tuple[Flows, Pulls]:
    """The flows of the period, and the terms of the pull on each state, less their opening values."""
    alignment, start = world.alignment, opening.world.alignment
    coerced = coercion(world, params, layout)
    power = rules.relative_power(params.state_capability, params.state_capability.swapaxes(-1, -2))
    safety = rules.safety_from_peers(params.proximity, power, world.tie)
    threat = rules.perceive_threat(safety, coerced, params.external_threat)
    protection = rules.contest(weigh_protection(world, params, effort, coerced), opening.outside_protection)
    market = rules.weigh_markets(world.access, effort, opening.effort, params.economic)
    dependence = rules.contest(market, opening.outside_trade)
    legacy = params.legacy_weight * world.legacy
    security = rules.value_security(params.contests, params.security_weight, params.threat_floor, threat, protection)
    economy = rules.value_markets(params.contests, params.security_weight, dependence)
    scale = opening.tie_scale
    pulls = Pulls(
        anchor=rules.hold_anchor(params.stubbornness, params.anchor, alignment),
        legacy=rules.hold_legacy(params.stubbornness, legacy),
        exit_cost=rules.cost_of_exit(params.exit_cost_strength, world.readiness, start, legacy, alignment),
        security=security,
        economy=economy,
        exclusivity=rules.side_cost(params.exclusivity, alignment, rules.rivalry(world.relation)),
        peer_influence=rules.follow_peers(params.peer_influence, world.tie, scale, alignment, layout.courted, alignment),
    )
    shown = Pulls(*(now - before for now, before in zip(pulls, opening.pulls, strict=True)))
    return Flows(effort, threat, protection, dependence, opening.traffic), shown


def roads_carry(world: World, params: Params, layout: Layout) -> tuple[Array, Array, Array]:
    """The traffic between states, what each route could carry, and the best of them."""
    tie = (world.tie + world.tie.swapaxes(-1, -2)) / 2.0
    carried = roads.carry(params.permit, world.road, layout.paths)
    best = roads.best_carry(carried, layout.paths, len(layout.states))
    return roads.flow(roads.willingness(tie), best), carried, best


def step(
    world: World,
    params: Params,
    opening: Opening,
    forces: Forces,
    normals: Array,
    layout: Layout,
    dt: float,
    decompose: bool = False,
) -> Moment:
    """One period: blocs act, states act, slow stocks relax; everyone sees the start of the period and this period's shocks.

    `normals` are standard normal, (..., state, bloc). The stocks of the result are those at the period's end; contributions to the
    moves are given where `decompose` asks for them.
    """
    now = current(params, forces)
    effort = blocs_act(world, now, opening, layout)
    flows, pulls = states_act(world, now, opening, effort, layout)
    traffic, carried, best = roads_carry(world, now, layout)

    drift, shake = now.speed * layout.free, now.volatility * layout.free
    struck = forces.impulses.get("disposition", 0.0 * drift)
    disposition = rules.realign(world.disposition, drift, sum(pulls[1:], pulls[0]), dt, shake, normals, struck)
    alignment = namespace(disposition).tanh(disposition)
    opened = roads.gain_access(traffic - opening.traffic, now.gateway)
    transit = roads.gain_transit(carried, best, traffic - opening.traffic, now.gateway, layout.paths)
    slow = relax_stocks(world, targets(world, now, opening, traffic, opened, transit, layout), now, forces, dt)
    following = World(disposition=disposition, alignment=alignment, **slow)
    if layout.same_as:
        relation = rules.join_relations(following.relation, layout.joined, layout.courted, alignment)
        following = following._replace(relation=relation)
    split = None
    if decompose:
        factor = rules.chord(world.disposition, disposition, world.alignment, alignment)
        split = Contributions(
            Pulls(*(factor * drift * pull * dt for pull in pulls)),
            impulse=tuple(factor * impulse for impulse in forces.impulses_by_shock),
            noise=factor * shake * dt**0.5 * normals,
        )
    return Moment(following, flows._replace(traffic=traffic), split)


def targets(
    world: World, params: Params, opening: Opening, traffic: Array, opened: Array, transit: Array, layout: Layout
) -> dict[str, tuple[Array, Array]]:
    """Where each slow stock is heading, and how fast; `opened` and `transit` are what roads have added to access."""
    start, gain = opening.world, traffic - opening.traffic
    strain = rules.total_strain(world.strain_war, world.strain_home)
    willing = roads.willingness((world.tie + world.tie.swapaxes(-1, -2)) / 2.0)
    trained = rules.readiness_target(start.readiness, params.programme)
    ways = params.readiness_rate_up, params.readiness_rate_down
    home = rules.strain_from_buffer(params.unrest, params.buffer, world.alignment, start.alignment)
    credibility = rules.sustainable_credibility(params.credibility_target, params.doubt_strength, strain, opening.strain)
    relation = rules.relation_target(start.relation, params.calming, rules.mean_rise(world.tie, start.tie))
    return {
        "legacy": (rules.legacy_target(params.retention, world.alignment, start.alignment), params.learning),
        "tie": (rules.tie_target(start.tie, params.trade_makes_peace, gain), params.tie_rate),
        "credibility": (credibility, params.credibility_rate),
        "access": (roads.access_target(start.access, layout.courted, opened, params.transit_gain, transit), params.access_rate),
        "road": (roads.road_target(params.road_capacity, willing), params.road_rate),
        "readiness": (trained, rules.readiness_rate(trained, world.readiness, params.programme, *ways)),
        "relation": (relation, params.relation_rate),
        "strain_war": (start.strain_war, params.strain_war_rate),
        "strain_home": (start.strain_home + home, params.strain_home_rate),
    }


def floors(params: Params) -> dict[str, Array]:
    """The least values of stocks that have one of their own, by the name of the stock."""
    return {"relation": params.relation_floor}


def relax_stocks(
    world: World, targets: dict[str, tuple[Array, Array]], params: Params, forces: Forces, dt: float
) -> dict[str, Array]:
    """All slow stocks at the period's end: relaxed to their targets, then moved by impulses, each cut to its range."""
    relaxed, own = {}, floors(params)
    for name, (target, rate) in targets.items():
        xp, low, high = namespace(target), QUANTITIES[name].low, QUANTITIES[name].high
        wanted = xp.clip(target + forces.lasting.get(name, 0.0), own.get(name, low), high)
        stock = rules.relax(getattr(world, name), wanted, rate, dt)
        relaxed[name] = xp.clip(stock + forces.impulses[name], low, high) if name in forces.impulses else stock
    return relaxed


def run(
    params: Params,
    world: World,
    forces: Iterable[Forces],
    normals: Iterable[Array],
    layout: Layout,
    dt: float,
    decompose: bool = False,
) -> Iterator[Moment]:
    """Step through all periods, yielding each as it ends.

    `forces` are those of each period; `normals` its standard normal draws, (variant or 1, replicate, state, bloc).
    """
    opening = open_run(params, world, layout)
    for pushed, drawn in zip(forces, normals, strict=True):
        moment = step(world, params, opening, pushed, drawn, layout, dt, decompose)
        world = moment.world
        yield moment
