"""The region as a Mesa model: the same schedule as `sim.science.kernel` for one replicate, stepped period by period."""

import mesa
import numpy as np
from mesa.datacollection import DataCollector

from sim.abm.agents import BlocAgent, StateAgent, relaxed
from sim.arrays import Array
from sim.config.schema import Config
from sim.errors import SettingError
from sim.names import BLOC, QUANTITIES, STATE
from sim.science import kernel, noise, roads, rules, shocks
from sim.science.kernel import Opening, Pulls
from sim.science.params import stack
from sim.science.stability import refused, too_fast
from sim.science.state import NO_FORCES, Params, World


class RegionModel(mesa.Model):
    """One replicate of a config: states and blocs as agents.

    Parameters
    ----------
    config : Config
        One variant's config, as in `sim.compose.expand.expand([...])[0].config`.
    replicate : int
        Its number: the random draws are those of the same replicate in a run.

    Attributes
    ----------
    states, blocs : list
        The agents, in the order of the region file.
    collector : mesa.DataCollector
        Every state's alignments and every bloc's strain, at each instant.

    >>> from sim.compose.expand import expand
    >>> region = RegionModel(expand(["region=toy"])[0].config)
    >>> region.step()
    >>> sorted(region.states[0].alignment)
    ['east', 'west']
    """

    def __init__(self, config: Config, replicate: int = 0) -> None:
        super().__init__(rng=config.seed)
        self.config, self.window, self.period = config, config.window, 0
        self.layout, params, world = stack([config])
        faults = refused(self.layout, params, world) or too_fast(self.layout, params, world, self.window.dt)
        if faults:
            raise faults[0]
        opening = kernel.open_run(params, world, self.layout)
        self.params = _single_params(params)
        self.now = self.params
        self.opening = _single_opening(opening)
        one = range(replicate, replicate + 1)
        self.normals = noise.normals(config.seed, one, self.window.periods, self.layout.states, self.layout.blocs)[0, 0]
        self.forcing, self.forces = shocks.draw([config], self.layout, one), NO_FORCES
        self.states = [StateAgent(self, index) for index in range(len(self.layout.states))]
        self.blocs = [BlocAgent(self, index) for index in range(len(self.layout.blocs))]
        self.traffic, self.transit = self.opening.traffic, np.zeros_like(self.alignment)
        reporters = {bloc: _alignment_with(bloc) for bloc in self.layout.blocs}
        self.collector = DataCollector(
            model_reporters={"date": lambda model: model.date},
            agenttype_reporters={StateAgent: {"name": "name"} | reporters, BlocAgent: {"name": "name", "strain": _strain}},
        )
        self.collector.collect(self)

    def opening_rows(self, dim: str) -> dict[str, Array]:
        """The opening stocks that the agents along an axis hold, by name."""
        world = self.opening.world._asdict()
        own = {name: array for name, array in world.items() if STATE in QUANTITIES[name].dims}
        return own if dim == STATE else {name: array for name, array in world.items() if name not in own}

    @property
    def date(self) -> str:
        """The current instant."""
        return self.window.instant(self.period).isoformat()

    @property
    def alignment(self) -> Array:
        """All alignments, (state, bloc)."""
        return np.concatenate([state.stocks["alignment"] for state in self.states])

    @property
    def tie(self) -> Array:
        """All ties, (state, peer)."""
        return np.concatenate([state.stocks["tie"] for state in self.states])

    @property
    def relation(self) -> Array:
        """All relations, (bloc, rival)."""
        return np.concatenate([bloc.stocks["relation"] for bloc in self.blocs])

    @property
    def strain(self) -> Array:
        """Every bloc's strain, (1, bloc)."""
        return np.concatenate([bloc.strain for bloc in self.blocs], axis=1)

    @property
    def effort(self) -> Array:
        """The effort of this period, (state, bloc)."""
        return np.concatenate([bloc.effort for bloc in self.blocs], axis=1)

    def step(self) -> None:
        """One period: blocs act, states perceive and realign, slow stocks relax; all see the stocks at the start of the period.

        Raises
        ------
        SettingError
            At the end of the window.
        """
        if self.period >= self.window.periods:
            raise SettingError("end", f"the run ends at {self.date}", "a later end=")
        self.forces = self.forcing.at(self.period)
        self.now = _single_params(kernel.current(self.params, self.forces))
        for bloc in self.blocs:
            bloc.commit_effort()
        self._open_roads()
        for state in self.states:
            state.perceive()
        for state in self.states:
            impulses_by_shock = [self._own(impulse, "disposition", state) for impulse in self.forces.impulses_by_shock]
            state.realign(self.normals[self.period, state.index][None], impulses_by_shock)
        for agent in [*self.states, *self.blocs]:
            agent.following |= relaxed(
                agent, lambda name, who=agent: self._lasting(name, who), lambda name, who=agent: self._impulse(name, who)
            )
        for agent in [*self.states, *self.blocs]:
            agent.stocks, agent.following = agent.following, {}
        self._join()
        self.period += 1
        self.collector.collect(self)

    def passed(self, instant: str) -> int:
        """The number of periods before a past instant."""
        begun = [day.isoformat() for day in self.window.instants[: self.period + 1]]
        if not any(day.startswith(instant) for day in begun):
            raise SettingError("since", f"{instant!r} is not an instant of the run so far", f"{begun[0]} to {begun[-1]}")
        return next(index for index, day in enumerate(begun) if day.startswith(instant))

    def run(self) -> "RegionModel":
        """Step to the end of the window."""
        while self.period < self.window.periods:
            self.step()
        return self

    def _open_roads(self) -> None:
        """Compute the traffic between states, and the gain of states in transit since the opening."""
        road = np.concatenate([state.stocks["road"] for state in self.states])
        carried = roads.carry(self.now.permit, road, self.layout.paths)
        best = roads.best_carry(carried, self.layout.paths, len(self.states))
        self.traffic = roads.flow(roads.willingness((self.tie + self.tie.T) / 2.0), best)
        gain = self.traffic - self.opening.traffic
        self.transit = roads.gain_transit(carried, best, gain, self.now.gateway, self.layout.paths)

    def _join(self) -> None:
        """Set the relations of a bloc that is also a state from the alignments."""
        if self.layout.same_as:
            relation = rules.join_relations(self.relation, self.layout.joined, self.layout.courted, self.alignment)
            for bloc in self.blocs:
                bloc.stocks["relation"] = relation[bloc.index : bloc.index + 1]

    def _lasting(self, name: str, agent: StateAgent | BlocAgent) -> Array:
        return self._own(self.forces.lasting.get(name, 0.0), name, agent)

    def _impulse(self, name: str, agent: StateAgent | BlocAgent) -> Array:
        return self._own(self.forces.impulses.get(name, 0.0), name, agent)

    def _own(self, force: Array | float, name: str, agent: StateAgent | BlocAgent) -> Array:
        """The row or column of a forcing or impulse that concerns one agent."""
        if isinstance(force, int | float):
            return np.full_like(agent.stocks[name], force)
        matrix = _single(force)
        across = QUANTITIES[name].dims == (BLOC,)
        return matrix[:, agent.index : agent.index + 1] if across else matrix[agent.index : agent.index + 1]


def _single(array: Array) -> Array:
    """An array of one variant and one replicate without these two axes."""
    return array.reshape(array.shape[-2:])


def _single_params(params: Params) -> kernel.Params:
    return params._replace(**{name: _single(array) for name, array in params._asdict().items()})


def _single_opening(opening: Opening) -> Opening:
    world = World(*(_single(stock) for stock in opening.world))
    rest = {name: _single(value) for name, value in opening._asdict().items() if name not in ("world", "pulls")}
    return Opening(world=world, pulls=Pulls(*(_single(pull) for pull in opening.pulls)), **rest)


def _alignment_with(bloc: str):
    def report(state: StateAgent) -> float:
        return state.alignment[bloc]

    return report


def _strain(bloc: BlocAgent) -> float:
    return float(bloc.strain[0, 0])
