"""States and blocs as Mesa agents: they perceive, act and explain by the same rules as the kernel, one row of its arrays each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np

from sim.arrays import Array
from sim.names import BLOC, QUANTITIES, STATE, contribution_names
from sim.science import kernel, roads, rules
from sim.science.kernel import Pulls
from sim.science.state import Params

if TYPE_CHECKING:
    from sim.abm.model import RegionModel


def rows_of_state(params: Params, state: int) -> Params:
    """The constants that concern one state: its own rows, and all constants of blocs."""
    return params._replace(**{name: array[state : state + 1] for name, array in _along(params, 0, STATE)})


def columns_of_bloc(params: Params, bloc: int) -> Params:
    """The constants that concern one bloc: its own columns, and all constants of states."""
    own = {name: array[:, bloc : bloc + 1] for name, array in _along(params, -1, BLOC)}
    own |= {name: getattr(params, name)[bloc : bloc + 1] for name in ("relation_floor", "calming")}
    return params._replace(**own)


def _along(params: Params, position: int, dim: str) -> list[tuple[str, Array]]:
    dims = {name: QUANTITIES[name].dims if name in QUANTITIES else () for name in Params._fields} | {"anchor": (STATE, BLOC)}
    return [(name, getattr(params, name)) for name in Params._fields if dims[name] and dims[name][position] == dim]


class StateAgent(mesa.Agent):
    """A country that is courted: it sees effort and threat, and realigns."""

    def __init__(self, model: RegionModel, index: int) -> None:
        super().__init__(model)
        self.region = model
        self.index = index
        self.name = model.layout.states[index]
        self.opening = {name: array[index : index + 1] for name, array in model.opening_rows(STATE).items()}
        self.stocks = dict(self.opening)
        self.following: dict[str, Array] = {}
        self.moves: list[Array] = []
        self.flows: dict[str, Array] = {}

    @property
    def alignment(self) -> dict[str, float]:
        """The state's alignment with each bloc."""
        return dict(zip(self.region.layout.blocs, self.stocks["alignment"][0].tolist(), strict=True))

    def explain(self, since: str | None = None) -> dict[str, dict[str, float]]:
        """The contributions to the change of each alignment up to now; they sum to the change.

        Parameters
        ----------
        since : str, optional
            A past instant of the run, such as 2025-08; by default the start of the last period.

        Returns
        -------
        dict
            For each bloc the contributions by name (`sim.names.contribution_names`).

        Raises
        ------
        SettingError
            Where `since` is not a past instant of the run.
        """
        first = max(len(self.moves) - 1, 0) if since is None else self.region.passed(since)
        names = contribution_names(self.region.forcing.impulse_shocks)
        total = sum(self.moves[first:], np.zeros((len(names), len(self.region.layout.blocs))))
        return {
            bloc: dict(zip(names, total[:, column].tolist(), strict=True)) for column, bloc in enumerate(self.region.layout.blocs)
        }

    def perceive(self) -> None:
        """Observe effort and threat, and compute each bloc's share of protection and of trade."""
        region, now, stocks = self.region, rows_of_state(self.region.now, self.index), self.stocks
        effort = region.effort[self.index : self.index + 1]
        rivalry, friendship = rules.rivalry(region.relation), rules.friendship(region.relation)
        coercion = self._coercion(now)
        power = rules.relative_power(now.state_capability, region.now.state_capability.T)
        safety = rules.safety_from_peers(now.proximity, power, stocks["tie"])
        threat = rules.perceive_threat(safety, coercion, now.external_threat)
        force = rules.project_force(now.military, effort, now.deterrence, coercion, rivalry)
        reached = rules.reach(force, now.relay, friendship, stocks["alignment"])
        weight = rules.weigh_protection(stocks["credibility"], now.readiness_bonus, stocks["readiness"], reached, now.decisiveness)
        market = rules.weigh_markets(stocks["access"], effort, region.opening.effort[self.index : self.index + 1], now.economic)
        self.flows = {
            "effort": effort,
            "threat": threat,
            "protection": rules.contest(weight, region.opening.outside_protection[self.index : self.index + 1]),
            "dependence": rules.contest(market, region.opening.outside_trade[self.index : self.index + 1]),
            "traffic": region.traffic[self.index : self.index + 1],
        }

    def realign(self, normals: Array, impulses_by_shock: Sequence[Array]) -> None:
        """Move the disposition by the pulls, this period's noise (standard normal draws) and the impulses of each shock."""
        now, dt = rows_of_state(self.region.now, self.index), self.region.window.dt
        free = self.region.layout.free[self.index : self.index + 1]
        drift, shake = now.speed * free, now.volatility * free
        before, stance = self.stocks["disposition"], self.stocks["alignment"]
        pulls = self._pulls(now)
        after = rules.realign(
            before, drift, sum(pulls[1:], pulls[0]), dt, shake, normals, sum(impulses_by_shock, np.zeros_like(before))
        )
        aligned = np.tanh(after)
        factor = rules.chord(before, after, stance, aligned)
        self.following = {"disposition": after, "alignment": aligned}
        contributions = [factor * drift * pull * dt for pull in pulls] + [factor * impulse for impulse in impulses_by_shock]
        self.moves.append(np.concatenate([*contributions, factor * shake * dt**0.5 * normals]))

    def _pulls(self, now: Params) -> Pulls:
        """The terms of the pull on the state, each less its opening value."""
        stocks, flows, region = self.stocks, self.flows, self.region
        stance, legacy = stocks["alignment"], now.legacy_weight * stocks["legacy"]
        raw = Pulls(
            anchor=rules.hold_anchor(now.stubbornness, now.anchor, stance),
            legacy=rules.hold_legacy(now.stubbornness, legacy),
            exit_cost=rules.cost_of_exit(now.exit_cost_strength, stocks["readiness"], self.opening["alignment"], legacy, stance),
            security=rules.value_security(
                now.contests, now.security_weight, now.threat_floor, flows["threat"], flows["protection"]
            ),
            economy=rules.value_markets(now.contests, now.security_weight, flows["dependence"]),
            exclusivity=rules.side_cost(now.exclusivity, stance, rules.rivalry(region.relation)),
            peer_influence=rules.follow_peers(
                now.peer_influence,
                stocks["tie"],
                region.opening.tie_scale[self.index : self.index + 1],
                region.alignment,
                region.layout.courted,
                stance,
            ),
        )
        start = (pull[self.index : self.index + 1] for pull in region.opening.pulls)
        return Pulls(*(pull - before for pull, before in zip(raw, start, strict=True)))

    def targets(self) -> dict[str, tuple[Array, Array]]:
        """The target and the rate of relaxation of each of the state's slow stocks, by name."""
        now, stocks, opening, region = rows_of_state(self.region.now, self.index), self.stocks, self.opening, self.region
        row = slice(self.index, self.index + 1)
        gain = region.traffic[row] - region.opening.traffic[row]
        opened = roads.gain_access(gain, region.now.gateway)
        willing = roads.willingness((stocks["tie"] + region.tie[:, row].T) / 2.0)
        trained = rules.readiness_target(opening["readiness"], now.programme)
        return {
            "legacy": (rules.legacy_target(now.retention, stocks["alignment"], opening["alignment"]), now.learning),
            "tie": (rules.tie_target(opening["tie"], now.trade_makes_peace, gain), now.tie_rate),
            "credibility": (
                rules.sustainable_credibility(now.credibility_target, now.doubt_strength, region.strain, region.opening.strain),
                now.credibility_rate,
            ),
            "access": (
                roads.access_target(opening["access"], self._courted, opened, now.transit_gain, region.transit[row]),
                now.access_rate,
            ),
            "road": (roads.road_target(now.road_capacity, willing), now.road_rate),
            "readiness": (
                trained,
                rules.readiness_rate(trained, stocks["readiness"], now.programme, now.readiness_rate_up, now.readiness_rate_down),
            ),
        }

    def floors(self) -> dict[str, Array]:
        """The least values of stocks that have one of their own: none of a state's."""
        return {}

    def _coercion(self, now: Params) -> Array:
        """How strongly each bloc coerces the state."""
        return self._courted * rules.coerce(now.coerciveness, self.region.strain, now.red_line, self.stocks["alignment"])

    @property
    def _courted(self) -> Array:
        return self.region.layout.courted[self.index : self.index + 1]


class BlocAgent(mesa.Agent):
    """A bloc or great power: it observes its rivals' alignments and commits effort."""

    def __init__(self, model: RegionModel, index: int) -> None:
        super().__init__(model)
        self.region = model
        self.index = index
        self.name = model.layout.blocs[index]
        own = model.opening_rows(BLOC)
        self.opening = {name: array[:, index : index + 1] for name, array in own.items() if name != "relation"}
        self.opening["relation"] = own["relation"][index : index + 1]
        self.stocks = dict(self.opening)
        self.following: dict[str, Array] = {}
        self.effort = np.zeros((len(model.layout.states), 1))

    @property
    def relation(self) -> dict[str, float]:
        """The bloc's relation with each bloc."""
        return dict(zip(self.region.layout.blocs, self.stocks["relation"][0].tolist(), strict=True))

    @property
    def strain(self) -> Array:
        """The share of its means that war and unrest at home tie down, (1, 1)."""
        return rules.total_strain(self.stocks["strain_war"], self.stocks["strain_home"])

    def commit_effort(self) -> None:
        """Divide the bloc's budget among the states, more where rivals have gained since the opening."""
        region, now = self.region, columns_of_bloc(self.region.now, self.index)
        rivalry = rules.rivalry(region.relation[:, self.index : self.index + 1])
        pressure = rules.pressure(region.alignment, rivalry, region.layout.courted)
        budget = rules.budget(now.bloc_capability, now.salience, self.strain)
        start = region.opening.pressure[:, self.index : self.index + 1]
        self.effort = rules.commit_effort(budget, now.reserve, now.priority, now.vigilance, pressure, start)

    def targets(self) -> dict[str, tuple[Array, Array]]:
        """The target and the rate of relaxation of each of the bloc's slow stocks, by name."""
        region, now, opening = self.region, columns_of_bloc(self.region.now, self.index), self.opening
        column = slice(self.index, self.index + 1)
        calmer = rules.mean_rise(region.tie, region.opening.world.tie)
        home = rules.strain_from_buffer(
            now.unrest, now.buffer, region.alignment[:, column], region.opening.world.alignment[:, column]
        )
        return {
            "relation": (rules.relation_target(opening["relation"], now.calming, calmer), now.relation_rate),
            "strain_war": (opening["strain_war"], now.strain_war_rate),
            "strain_home": (opening["strain_home"] + home, now.strain_home_rate),
        }

    def floors(self) -> dict[str, Array]:
        """The least values of the bloc's stocks that have one of their own, by the name of the stock."""
        return kernel.floors(columns_of_bloc(self.region.now, self.index))


def relaxed(agent: StateAgent | BlocAgent, forcing: Any, impulses: Any) -> dict[str, Array]:
    """The agent's slow stocks at the period's end: relaxed to their targets, moved by impulses, clipped to their range.

    `forcing` and `impulses` are functions of a stock's name: what shocks add to its target, and to the stock itself.
    """
    following, floors = {}, agent.floors()
    for name, (target, rate) in agent.targets().items():
        low, high = QUANTITIES[name].low, QUANTITIES[name].high
        floor = floors.get(name, low)
        stock = rules.relax(agent.stocks[name], np.clip(target + forcing(name), floor, high), rate, agent.region.window.dt)
        following[name] = np.clip(stock + impulses(name), low, high)
    return following
