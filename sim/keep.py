"""What is kept of a run, period by period: every world, also the parts of each move, or only summaries over worlds."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sim import measures, rules
from sim.arrays import Array
from sim.config import Keep
from sim.kernel import Flows, Moment
from sim.measures import spread
from sim.names import FLOWS, QUANTITIES, SHOWN, STORED_STOCKS
from sim.params import Layout, World

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


class Series:
    """One variable over time, the worlds innermost in memory; what no luck has touched is held once for all replicates."""

    def __init__(self, variants: int, length: int) -> None:
        self.variants, self.length, self.taken = variants, length, 0
        self.held: Array | None = None

    def take(self, array: Array) -> None:
        """Take the next instant or period, (variant or 1, replicate or 1, ...)."""
        width = array.shape[1]
        if self.held is None or self.held.shape[-1] < width:
            wider = np.empty((self.length, *array.shape[2:], self.variants, width), array.dtype)
            if self.held is not None:
                wider[: self.taken] = self.held[: self.taken]
            self.held = wider
        self.held[self.taken] = array.transpose(*range(2, array.ndim), 0, 1)
        self.taken += 1

    def array(self) -> Array:
        """All of it, (variant, replicate or 1, time or period, ...)."""
        assert self.held is not None
        return self.held.transpose(-2, -1, *range(self.held.ndim - 2))


class Worlds:
    """Every world's stocks and flows, and the parts of its moves where they come along."""

    def __init__(self, variants: int, periods: int) -> None:
        self.kept = {name: Series(variants, periods + 1) for name in STORED_STOCKS}
        self.kept |= {name: Series(variants, periods) for name in (*FLOWS, PARTS_VARIABLE)}

    def open(self, world: World) -> None:
        """Take the opening instant."""
        for name in STORED_STOCKS:
            self.kept[name].take(plain(name, getattr(world, name)))

    def take(self, moment: Moment) -> None:
        """Take a period."""
        self.open(moment.world)
        for name in FLOWS:
            self.kept[name].take(getattr(moment.flows, name))
        if moment.parts:
            self.kept[PARTS_VARIABLE].take(_stacked(moment.parts.all))

    def arrays(self) -> dict[str, Array]:
        """All variables, (variant, replicate, time or period, ...), of one replicate where no luck touches them."""
        return {name: series.array() for name, series in self.kept.items() if series.taken}


def plain(name: str, array: Array) -> Array:
    """A matrix without the axis of length 1 that a quantity of one axis has in the plane."""
    dims = QUANTITIES[name].dims
    return array if len(dims) == 2 else array[..., 0, :]


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


def recorder(keep: Keep, periods: int, references: Sequence[int], courted: Array, buffer: Array) -> Worlds | Summaries:
    """The recorder that keeps what was asked; `courted` and `buffer` are for the measures, (state, bloc) of 0 and 1."""
    return Summaries(references, courted, buffer) if keep is Keep.summaries else Worlds(len(references), periods)


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
