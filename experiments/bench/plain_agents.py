"""The baseline of speed: the full model as Mesa agents on plain Python floats, the way such models are often written.

It is an independent second version of the equations on purpose, outside `sim`, used only to measure ratios of speed and to test the
kernel (`tests/test_plain_agents.py`). A state holds its own rows, a bloc its own row of relations; all see the stocks at the start
of the period. Nothing is recorded, so that the comparison does not favour the kernel.
"""

from collections.abc import Sequence
from math import exp, tanh
from operator import mul
from typing import Any

import mesa

from sim.arrays import Array
from sim.config.schema import Config
from sim.names import QUANTITIES, STATE, STATE_BLOC
from sim.science import noise, shocks
from sim.science.params import stack
from sim.science.state import Forces, World

Row = list[float]
Table = list[Row]
DIMS = {name: quantity.dims for name, quantity in QUANTITIES.items()} | {"anchor": STATE_BLOC, "contests": (), "legacy_weight": ()}
"""The axes of every stock and constant."""


def plain(name: str, array: Array) -> Any:
    """A quantity of one variant and replicate as floats: a number, a row, or a table of rows."""
    table = array[0, 0].tolist()
    if len(DIMS[name]) == 2:
        return table
    row = [line[0] for line in table] if DIMS[name] == (STATE,) else table[0]
    return row if DIMS[name] else row[0]


def cut(value: float, low: float, high: float) -> float:
    """The value, kept in a range."""
    return low if value < low else high if value > high else value


def dot(left: Row, right: Sequence[float]) -> float:
    """The sum of products of two rows."""
    return sum(map(mul, left, right))


def forced(value: Any, term: Any, low: float, high: float) -> Any:
    """A constant of any shape with the forcing of shocks added, clipped to its range."""
    if isinstance(value, list):
        return [forced(one, other, low, high) for one, other in zip(value, term, strict=True)]
    return cut(value + term, low, high)


class PlainState(mesa.Agent):
    """A country that is courted."""

    disposition: Row
    alignment: Row
    legacy: Row
    tie: Row
    credibility: Row
    access: Row
    road: Row
    readiness: Row
    alignment_opening: Row
    tie_opening: Row
    access_opening: Row
    readiness_opening: Row

    def __init__(self, region: "PlainRegion", index: int, world: dict[str, Any]) -> None:
        super().__init__(region)
        self.region, self.index = region, index
        self.courted, self.free = region.courted[index], region.free[index]
        for name in ("disposition", "alignment", "legacy", "tie", "credibility", "access", "road", "readiness"):
            setattr(self, name, world[name][index])
            setattr(self, f"{name}_opening", world[name][index])
        held = sum(map(abs, self.tie))
        self.tie_scale = held if held > 0 else 1.0
        self.outside_trade = 1.0 - sum(self.access)

    def perceive(self) -> Row:
        """Compute the threat to the state; returns the weight of each bloc in the contest for protection."""
        region, now, index = self.region, self.region.now, self.index
        strain, efforts = region.strain, region.effort
        capability, alignment = now["state_capability"], self.alignment
        own, safety = capability[index], 1.0
        for near, peer, tie in zip(now["proximity"][index], capability, self.tie, strict=True):
            if tie < 0:
                safety *= 1.0 + near * peer / (own + peer) * tie
        coercion, calm, threat_left = [], [], safety
        for courted, coerciveness, tied, line, stance, outside in zip(
            self.courted, now["coerciveness"], strain, now["red_line"][index], alignment, now["external_threat"][index], strict=True
        ):
            coerced = courted * coerciveness * (1.0 - tied) * (line - stance) if line > stance else 0.0
            coercion.append(coerced)
            calm.append((1.0 - coerced) * (1.0 - outside))
            threat_left *= calm[-1]
        self.threat = [1.0 - threat_left / quiet for quiet in calm]
        deterring = list(map(mul, now["deterrence"], coercion))
        self.effort = [effort[index] for effort in efforts]
        force = []
        for military, effort, rivalry in zip(now["military"], self.effort, region.rivalry, strict=True):
            left = 1.0 - dot(deterring, rivalry)
            force.append(military * effort * left if left > 0 else 0.0)
        channel = [stance * own if stance > 0 else 0.0 for stance, own in zip(alignment, force, strict=True)]
        bonus, decisiveness = now["readiness_bonus"], now["decisiveness"]
        return [
            (trust * (1.0 + bonus * ready) * (own + relay * dot(channel, friendship))) ** decisiveness
            for trust, ready, own, relay, friendship in zip(
                self.credibility, self.readiness, force, now["relay"], region.friendship, strict=True
            )
        ]

    def open(self) -> None:
        """Store the values of the opening instant, from which later ones are measured."""
        weight = self.perceive()
        outside = self.region.now["outside"]
        self.outside_protection = outside / (1.0 - outside) * sum(weight)
        self.effort_opening = self.effort
        self.contests_opening = self.contests()

    def exit_costs(self) -> Row:
        """The pull back to a bloc with which the state has built forces: exit costs."""
        now = self.region.now
        strength, weight = now["exit_cost_strength"], now["legacy_weight"]
        return [
            strength * ready * max(start + weight * left - stance, 0.0)
            for ready, start, left, stance in zip(self.readiness, self.alignment_opening, self.legacy, self.alignment, strict=True)
        ]

    def side_costs(self) -> Row:
        """The pull away from each bloc by alignment with its rivals."""
        exclusivity, alignment = self.region.now["exclusivity"][self.index], self.alignment
        return [-exclusivity * dot(alignment, rivalry) for rivalry in self.region.rivalry]

    def peer_influences(self) -> Row:
        """The pull towards the alignments of friends and away from those of foes."""
        tie, region = self.tie, self.region
        share = region.now["peer_influence"][self.index] / self.tie_scale
        held = list(map(abs, tie))
        return [
            share * (dot(tie, there) - dot(held, courted) * stance)
            for there, courted, stance in zip(region.standing, region.courted_columns, self.alignment, strict=True)
        ]

    def contests(self) -> Row:
        """The value of the contests for protection and for markets with each bloc."""
        now = self.region.now
        weight = self.perceive()
        listed = sum(weight) + self.outside_protection
        self.protection = [one / listed for one in weight] if listed > 0 else [0.0] * len(weight)
        market = [
            access * (effort / before if before > 0 else 1.0) ** economic
            for access, effort, before, economic in zip(self.access, self.effort, self.effort_opening, now["economic"], strict=True)
        ]
        trade = sum(market) + self.outside_trade
        self.dependence = [one / trade for one in market] if trade > 0 else [0.0] * len(market)
        floor, share = now["threat_floor"], now["security_weight"]
        return [
            now["contests"] * (share * (floor + (1.0 - floor) * threat) * protection + (1.0 - share) * dependence)
            for threat, protection, dependence in zip(self.threat, self.protection, self.dependence, strict=True)
        ]

    def pulls(self) -> Row:
        """The total pull towards each bloc; contests are measured from their opening values."""
        now, index = self.region.now, self.index
        legacy_weight = now["legacy_weight"]
        return [
            hold * (aim - stance + legacy_weight * left) + built + contested - before + side + peer_influence
            for hold, aim, stance, left, built, contested, before, side, peer_influence in zip(
                now["stubbornness"][index],
                now["anchor"][index],
                self.alignment,
                self.legacy,
                self.exit_costs(),
                self.contests(),
                self.contests_opening,
                self.side_costs(),
                self.peer_influences(),
                strict=True,
            )
        ]

    def realign(self, normals: Row, impulses: Row) -> None:
        """Move the disposition by the pulls, the noise and the impulses of shocks."""
        region, index = self.region, self.index
        drift, shake = region.now["speed"][index] * region.dt, region.now["volatility"][index] * region.dt**0.5
        self.disposition_next = [
            before + free * (drift * pull + shake * normal) + impulse
            for before, free, pull, normal, impulse in zip(
                self.disposition, self.free, self.pulls(), normals, impulses, strict=True
            )
        ]

    def relax(self) -> None:
        """Let the slow stocks relax to their targets."""
        region, now, index = self.region, self.region.now, self.index
        alignment, start, traffic_gain = self.alignment, self.alignment_opening, region.gain[index]
        retention, doubt, transit_gain, dt = now["retention"], now["doubt_strength"], now["transit_gain"], region.dt
        decay = region.decay
        legacy = [retention * (stance - before) for stance, before in zip(alignment, start, strict=True)]
        credibility = [
            aim * (1.0 - doubt * (tied - before))
            for aim, tied, before in zip(now["credibility_target"][index], region.strain, region.strain_opening, strict=True)
        ]
        access = [
            before + courted * (dot(traffic_gain, gateway) + transit_gain * transit)
            for before, courted, gateway, transit in zip(
                self.access_opening, self.courted, region.gateway_columns, region.transit[index], strict=True
            )
        ]
        tie = [before + now["trade_makes_peace"] * gain for before, gain in zip(self.tie_opening, traffic_gain, strict=True)]
        road = [capacity * will for capacity, will in zip(now["road_capacity"][index], region.will[index], strict=True)]
        readiness, readiness_decay = [], []
        for programme, before, ready in zip(now["programme"][index], self.readiness_opening, self.readiness, strict=True):
            trained = 1.0 if programme > 0 else before
            readiness.append(trained)
            if trained < ready:
                readiness_decay.append(decay["readiness_rate_down"])
            else:
                up = exp(-now["readiness_rate_up"] * programme * dt) if programme > 0 else decay["readiness_rate_up"]
                readiness_decay.append(up)
        self.following = {
            "legacy": region.relaxed("legacy", index, self.legacy, legacy, decay["learning"]),
            "tie": region.relaxed("tie", index, self.tie, tie, decay["tie_rate"]),
            "credibility": region.relaxed("credibility", index, self.credibility, credibility, decay["credibility_rate"]),
            "access": region.relaxed("access", index, self.access, access, decay["access_rate"]),
            "road": region.relaxed("road", index, self.road, road, decay["road_rate"]),
            "readiness": region.relaxed("readiness", index, self.readiness, readiness, readiness_decay),
        }

    def advance(self) -> None:
        """Take over the stocks of the period's end."""
        self.disposition = self.disposition_next
        self.alignment = list(map(tanh, self.disposition))
        for name, stock in self.following.items():
            setattr(self, name, stock)


class PlainBloc(mesa.Agent):
    """A bloc that commits effort by rule."""

    def __init__(self, region: "PlainRegion", index: int, world: dict[str, Any]) -> None:
        super().__init__(region)
        self.region, self.index = region, index
        self.relation = self.relation_opening = world["relation"][index]
        self.strain_war = self.strain_war_opening = world["strain_war"][index]
        self.strain_home = self.strain_home_opening = world["strain_home"][index]
        self.pressure_opening: Row = []

    @property
    def strain(self) -> float:
        """The share of its means that war and unrest at home tie down."""
        return 1.0 - (1.0 - self.strain_war) * (1.0 - self.strain_home)

    def pressure(self) -> Row:
        """The alignment of each state with the bloc's rivals, weighted by rivalry."""
        rivalry = self.region.rivalry[self.index]
        return [dot(reached, rivalry) for reached in self.region.reached]

    def commit_effort(self) -> Row:
        """Divide the bloc's budget among the states."""
        now, index = self.region.now, self.index
        budget = now["bloc_capability"][index] * now["salience"][index] * (1.0 - self.region.strain[index])
        vigilance, reserve = now["vigilance"][index], now["reserve"][index]
        weight = [
            priority[index] * exp(vigilance * (pressure - before))
            for priority, pressure, before in zip(now["priority"], self.pressure(), self.pressure_opening, strict=True)
        ]
        total = reserve + sum(weight)
        scale = budget * (1.0 + reserve) / total if total > 0 else 0.0
        return [scale * one for one in weight]

    def relax(self) -> None:
        """Let relations and strain relax to their targets."""
        region, now, index = self.region, self.region.now, self.index
        calmer, decay = region.calmer, region.decay
        relation = [before + calm * calmer for before, calm in zip(self.relation_opening, now["calming"][index], strict=True)]
        lost, listed = 0.0, 0.0
        for buffer, state in zip(now["buffer"], region.states, strict=True):
            if buffer[index]:
                listed += buffer[index]
                lost += buffer[index] * max(state.alignment_opening[index] - state.alignment[index], 0.0)
        home = self.strain_home_opening + (now["unrest"][index] * lost / listed if listed else 0.0)
        floor = now["relation_floor"][index]
        self.following = {
            "relation": region.relaxed("relation", index, self.relation, relation, decay["relation_rate"], floor),
            "strain_war": region.relaxed_number(
                "strain_war", index, self.strain_war, self.strain_war_opening, decay["strain_war_rate"]
            ),
            "strain_home": region.relaxed_number("strain_home", index, self.strain_home, home, decay["strain_home_rate"]),
        }

    def advance(self) -> None:
        """Take over the stocks of the period's end."""
        for name, stock in self.following.items():
            setattr(self, name, stock)


class PlainRegion(mesa.Model):
    """One replicate of a config, with the same constants, random draws and forcing as in the kernel."""

    def __init__(self, config: Config, replicate: int = 0) -> None:
        super().__init__(rng=config.seed)
        layout, params, world = stack([config])
        one = range(replicate, replicate + 1)
        self.layout, self.period, self.dt = layout, 0, config.window.dt
        self.normals = noise.normals(config.seed, one, config.window.periods, layout.states, layout.blocs)[0, 0].tolist()
        self.forcing = shocks.draw([config], layout, one)
        self.courted, self.free = layout.courted.tolist(), layout.free.tolist()
        self.courted_columns = list(zip(*self.courted, strict=True))
        self.fixed = {name: plain(name, array) for name, array in params._asdict().items()}
        self.now: dict[str, Any] = self.fixed
        self.decay = {name: exp(-value * self.dt) for name, value in self.fixed.items() if name in RATES}
        opening = {name: plain(name, getattr(world, name)) for name in World._fields}
        self.lasting: dict[str, Any] = {}
        self.impulses: dict[str, Any] = {}
        self.states = [PlainState(self, index, opening) for index in range(len(layout.states))]
        self.blocs = [PlainBloc(self, index, opening) for index in range(len(layout.blocs))]
        self.tie_sum_opening = sum(map(sum, opening["tie"]))
        self.none = [[0.0] * len(layout.blocs) for _ in layout.states]
        self.traffic_opening: Table = []
        self.look()
        self.strain_opening = self.strain
        for bloc in self.blocs:
            bloc.pressure_opening = bloc.pressure()
        self.effort = [bloc.commit_effort() for bloc in self.blocs]
        self.open_roads()
        for state in self.states:
            state.open()

    def look(self) -> None:
        """Compute what all agents see at the start of a period."""
        relation = list(zip(*(bloc.relation for bloc in self.blocs), strict=True))
        self.rivalry = [[-value if value < 0 else 0.0 for value in column] for column in relation]
        self.friendship = [[value if value > 0 else 0.0 for value in column] for column in relation]
        self.strain = [bloc.strain for bloc in self.blocs]
        stances = [list(map(mul, state.courted, state.alignment)) for state in self.states]
        self.standing = list(zip(*stances, strict=True))
        self.reached = [
            [(courted + stance) / 2.0 for courted, stance in zip(state.courted, row, strict=True)]
            for state, row in zip(self.states, stances, strict=True)
        ]
        self.gateway_columns = list(zip(*self.now["gateway"], strict=True))

    def open_roads(self) -> None:
        """Compute the traffic between states, and its gain since the opening."""
        states, permit = self.states, self.now["permit"]
        number = len(states)
        self.will = [
            [(1.0 + (tie + peer.tie[index]) / 2.0) / 2.0 for tie, peer in zip(state.tie, states, strict=True)]
            for index, state in enumerate(states)
        ]
        carried = []
        for open_share, path in zip(permit, self.layout.paths, strict=True):
            for here, there in path.legs:
                open_share *= states[here].road[there]
            carried.append(open_share)
        best = [[0.0] * number for _ in range(number)]
        for share, path in zip(carried, self.layout.paths, strict=True):
            best[path.one][path.other] = best[path.other][path.one] = max(share, best[path.one][path.other])
        self.traffic = [list(map(mul, will, row)) for will, row in zip(self.will, best, strict=True)]
        self.traffic_opening = self.traffic_opening or self.traffic
        self.gain = [
            [now - before for now, before in zip(row, start, strict=True)]
            for row, start in zip(self.traffic, self.traffic_opening, strict=True)
        ]
        self.calmer = (sum(sum(state.tie) for state in states) - self.tie_sum_opening) / max(number * (number - 1), 1)
        self.transit = self.none
        if self.now["transit_gain"]:
            self.open_transit(carried, best)

    def open_transit(self, carried: Row, best: Table) -> None:
        """Compute the gain of access, by transit, of the states inside the best routes."""
        gateway, paths = self.now["gateway"], self.layout.paths
        self.transit = [list(row) for row in self.none]
        for share, path in zip(carried, paths, strict=True):
            top = best[path.one][path.other]
            if share <= 0 or share != top:
                continue
            equal = sum(
                {other.one, other.other} == {path.one, path.other} and value == top
                for value, other in zip(carried, paths, strict=True)
            )
            gain = self.gain[path.one][path.other] / equal
            for stop in path.via:
                row = self.transit[stop]
                self.transit[stop] = [
                    had + gain * (one + other) for had, one, other in zip(row, gateway[path.one], gateway[path.other], strict=True)
                ]

    def take_forces(self, forces: Forces) -> None:
        """Take the forcing and impulses of shocks in this period, as floats."""
        lasting = {name: plain(name, term) for name, term in forces.lasting.items()}
        self.impulses = {name: plain(name, term) for name, term in forces.impulses.items()}
        moved = {
            name: forced(self.fixed[name], term, QUANTITIES[name].low, QUANTITIES[name].high)
            for name, term in lasting.items()
            if name in self.fixed
        }
        self.now = self.fixed | moved
        self.lasting = lasting

    def relaxed_number(self, name: str, index: int, stock: float, target: float, decay: float, floor: float | None = None) -> float:
        """A number at the period's end: relaxed to its target, moved by shocks, clipped to its range."""
        low, high = RANGES[name]
        lasting, impulses = self.lasting.get(name), self.impulses.get(name)
        wanted = cut(target + (lasting[index] if lasting else 0.0), low if floor is None else floor, high)
        stock = wanted + (stock - wanted) * decay
        return cut(stock + impulses[index], low, high) if impulses else stock

    def relaxed(self, name: str, index: int, stock: Row, target: Row, decay: Row | float, floor: Row | None = None) -> Row:
        """A row of a stock at the period's end, as `relaxed_number`."""
        low, high = RANGES[name]
        lasting, impulses = self.lasting.get(name), self.impulses.get(name)
        if lasting:
            target = [value + term for value, term in zip(target, lasting[index], strict=True)]
        if floor:
            target = [
                least if value < least else high if value > high else value for value, least in zip(target, floor, strict=True)
            ]
        else:
            target = [low if value < low else high if value > high else value for value in target]
        if isinstance(decay, list):
            stock = [aim + (had - aim) * share for aim, had, share in zip(target, stock, decay, strict=True)]
        else:
            stock = [aim + (had - aim) * decay for aim, had in zip(target, stock, strict=True)]
        if impulses:
            stock = [cut(value + term, low, high) for value, term in zip(stock, impulses[index], strict=True)]
        return stock

    def step(self) -> None:
        """One period: blocs act, states act, slow stocks relax."""
        self.take_forces(self.forcing.at(self.period))
        self.look()
        self.effort = [bloc.commit_effort() for bloc in self.blocs]
        self.open_roads()
        normals, impulses = self.normals[self.period], self.impulses.get("disposition", self.none)
        for state in self.states:
            state.realign(normals[state.index], impulses[state.index])
            state.relax()
        for bloc in self.blocs:
            bloc.relax()
        for agent in [*self.states, *self.blocs]:
            agent.advance()
        if self.layout.same_as:
            self.join()
        self.period += 1

    def join(self) -> None:
        """Set the relations of a bloc that is also a state to the means of the alignments that determine them."""
        given: dict[tuple[int, int], Row] = {}
        for state, own in self.layout.same_as:
            for other, stance in enumerate(self.states[state].alignment):
                if self.courted[state][other]:
                    given.setdefault((own, other), []).append(stance)
                    given.setdefault((other, own), []).append(stance)
        for (one, other), stances in given.items():
            row = list(self.blocs[one].relation)
            row[other] = sum(stances) / len(stances)
            self.blocs[one].relation = row


RATES = frozenset(name for name in QUANTITIES if name.endswith(("_rate", "rate_up", "rate_down"))) | {"learning"}
"""Constants that are rates of relaxation of stocks."""
RANGES = {name: (QUANTITIES[name].low, QUANTITIES[name].high) for name in World._fields}
