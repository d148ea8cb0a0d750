"""The order of actors and routes along the axes of arrays, and how actors are joined."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.arrays import Array
from sim.config.region import Region
from sim.names import BLOC, PEER, RIVAL, ROUTE, STATE
from sim.science.roads import Path


@dataclass(frozen=True)
class Layout:
    """The names along each axis, in the order of the region file, and how actors are joined."""

    states: tuple[str, ...]
    blocs: tuple[str, ...]
    routes: tuple[str, ...]
    paths: tuple[Path, ...]
    same_as: tuple[tuple[int, int], ...]
    """Pairs (state, bloc) that are one actor."""
    member_of: tuple[tuple[int, int], ...]
    """Pairs (state, bloc) whose alignment is fixed because the state is a member."""
    precision: str = "float64"
    """The floating-point type of its tables, which is that of the arrays they are multiplied with."""

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
