"""What is kept of a run, period by period: every world, also the parts of each move, or only summaries over worlds."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sim import measures, rules
from sim.config import Keep
from sim.kernel import Flows, Moment
from sim.measures import spread
from sim.names import FLOWS, QUANTITIES, SHOWN, STORED_STOCKS
from sim.params import Layout, World
from sim.rules import Array

BYTES = np.dtype(float).itemsize
AUTO_BYTES = 2**30
"""Up to this estimate every world is kept by default."""
PARTS_VARIABLE = "move"
DIFFERENCE = "difference"


class Recorder(Protocol):
    """Takes the opening, then each period as it ends; gives the arrays of all variables at the end."""

    def open(self, world: World) -> None:
        """Take the opening instant."""
        ...

    def take(self, moment: Moment) -> None:
        """Take a period."""
        ...

    def arrays(self) -> dict[str, Array]:
        """All variables, (variant, replicate or statistic, time or period, ...)."""
        ...


def plain(name: str, array: Array) -> Array:
    """A matrix without the axis of length 1 that a quantity of one axis has in the plane."""
    dims = QUANTITIES[name].dims
    return array if len(dims) == 2 else array[..., 0, :]


class Worlds:
    """Every world's stocks and flows, and the parts of its moves where asked."""

    def __init__(self, replicates: int, parts: bool) -> None:
        self.replicates, self.parts = replicates, parts
        self.kept: dict[str, list[Array]] = {name: [] for name in (*STORED_STOCKS, *FLOWS, *([PARTS_VARIABLE] if parts else []))}

    def open(self, world: World) -> None:
        """Take the opening instant."""
        for name in STORED_STOCKS:
            self.kept[name].append(plain(name, getattr(world, name)))

    def take(self, moment: Moment) -> None:
        """Take a period."""
        self.open(moment.world)
        for name in FLOWS:
            self.kept[name].append(getattr(moment.flows, name))
        if self.parts:
            self.kept[PARTS_VARIABLE].append(_stacked(moment.parts.all))

    def arrays(self) -> dict[str, Array]:
        """All variables, (variant, replicate, time or period, ...); what no luck touches is held once for all replicates."""
        found: dict[str, Array] = {}
        for name in list(self.kept):
            series = self.kept.pop(name)
            width = max(array.shape[1] for array in series)
            joined = np.stack([np.broadcast_to(array, (array.shape[0], width, *array.shape[2:])) for array in series], axis=2)
            found[name] = np.broadcast_to(joined, (joined.shape[0], self.replicates, *joined.shape[2:]))
        return found


def _stacked(parts: Sequence[Array]) -> Array:
    shape = np.broadcast_shapes(*(part.shape for part in parts))
    return np.stack([np.broadcast_to(part, shape) for part in parts], axis=2)


class Summaries:
    """Mean, spread and quantiles over worlds of each variable, and of its paired difference to the reference variant."""

    def __init__(self, references: Sequence[int], courted: Array, buffer: Array) -> None:
        self.references, self.courted, self.buffer = list(references), courted, buffer
        self.kept: dict[str, list[Array]] = {}
        self.opening: World | None = None
        self.tie = courted
        self.last: dict[str, Array] = {}

    def open(self, world: World) -> None:
        """Take the opening instant."""
        self.opening = world
        self._take_instant(world)

    def take(self, moment: Moment) -> None:
        """Take a period."""
        for name in FLOWS:
            self._fold(name, getattr(moment.flows, name))
        hedging, polarisation = self.last["hedging"], self.last["polarisation"]
        self._fold("bridge", measures.bridge(self.tie, moment.flows.traffic, hedging, polarisation))
        self._take_instant(moment.world)

    def _take_instant(self, world: World) -> None:
        for name in STORED_STOCKS:
            self._fold(name, plain(name, getattr(world, name)))
        assert self.opening
        start, rivalry = self.opening.alignment, rules.rivalry(self.opening.relation)
        self.tie = world.tie
        self.last = measures.of_instant(world.alignment, world.tie, world.relation, start, rivalry, self.courted, self.buffer)
        for name, array in self.last.items():
            self._fold(name, array)

    def _fold(self, name: str, array: Array) -> None:
        self.kept.setdefault(name, []).append(spread(array))
        self.kept.setdefault(f"{name}_{DIFFERENCE}", []).append(spread(array - array[self.references]))

    def arrays(self) -> dict[str, Array]:
        """All variables, (variant, statistic, time or period, ...)."""
        names = [each for name in SHOWN for each in (name, f"{name}_{DIFFERENCE}")]
        return {name: np.moveaxis(np.stack(self.kept.pop(name), axis=2), 0, 1) for name in names}


def recorder(keep: Keep, replicates: int, references: Sequence[int], courted: Array, buffer: Array) -> Worlds | Summaries:
    """The recorder that keeps what was asked; `courted` and `buffer` are for the measures, (state, bloc) of 0 and 1."""
    return Summaries(references, courted, buffer) if keep is Keep.summaries else Worlds(replicates, keep is Keep.parts)


def estimate_bytes(layout: Layout, variants: int, replicates: int, periods: int, parts: int = 0) -> int:
    """Bytes that keeping every world takes, with so many parts of each move."""
    per_world = 0
    for name in (*STORED_STOCKS, *FLOWS):
        instants = periods if name in FLOWS else periods + 1
        per_world += instants * int(np.prod([len(layout.names(dim)) for dim in QUANTITIES[name].dims]))
    per_world += periods * parts * len(layout.states) * len(layout.blocs)
    return variants * replicates * per_world * BYTES


def settle(keep: Keep, layout: Layout, variants: int, replicates: int, periods: int) -> Keep:
    """What `auto` comes to: worlds while they take under 1 GiB, else summaries."""
    if keep is not Keep.auto:
        return keep
    return Keep.worlds if estimate_bytes(layout, variants, replicates, periods) < AUTO_BYTES else Keep.summaries


assert Flows._fields == FLOWS
