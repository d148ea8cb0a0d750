"""Summaries computed while a run is stepped: statistics over a segment of replicates, and the outcomes of each replicate."""

from collections.abc import Sequence

import numpy as np

from sim.arrays import Array
from sim.engine.recorders import plain
from sim.names import DIFFERENCE, FINAL, FLOWS, REALIGNMENT, SHOWN, STORED_STOCKS
from sim.results.chunking import trail
from sim.science import measures
from sim.science.kernel import Moment
from sim.science.measures import spread_in_place
from sim.science.state import World

FOLDED_BYTES = 500_000
"""Bytes of arrays that are collected and then sorted at once."""


class Summaries:
    """Statistics over a segment of replicates, of each variable and its paired difference, and the outcomes of each replicate.

    Parameters
    ----------
    own, against : sequence of int
        Positions, among the variants that are stepped, of those to record and of their references.
    rivalry : array
        The rivalry of measures, (variant or 1, 1, bloc, rival).
    courted, buffer : array
        Where state and bloc are two actors, and which states are buffers of a bloc.
    hold : int
        Periods that a realignment must last.
    """

    def __init__(
        self, own: Sequence[int], against: Sequence[int], rivalry: Array, courted: Array, buffer: Array, hold: int
    ) -> None:
        self.own, self.against, self.hold = list(own), list(against), hold
        self.variants = 1 + max(self.own + self.against)
        self.rivalry, self.courted, self.buffer = rivalry, courted, buffer
        self.statistics: dict[str, list[Array]] = {name + end: [] for name in SHOWN for end in ("", DIFFERENCE)}
        self.last: dict[str, Array] = {}

    def open(self, world: World) -> None:
        """Take the opening instant."""
        self.opening, self.tie, self.instant = world, world.tie, 0
        self.lasting = np.zeros(1)
        self.since = np.full(1, -1)
        self._fold(self._of_instant(world))

    def take(self, moment: Moment) -> None:
        """Take a period."""
        values = {name: getattr(moment.flows, name) for name in FLOWS}
        hedging, polarisation = self.last["hedging"], self.last["polarisation"]
        values["bridge"] = measures.bridge(self.tie, moment.flows.traffic, hedging, polarisation)
        self.instant += 1
        self._fold(values | self._of_instant(moment.world))

    def _of_instant(self, world: World) -> dict[str, Array]:
        """Stocks and measures at an instant, (variant or 1, replicate or 1, ...)."""
        held = self.opening.alignment, self.rivalry, self.courted, self.buffer
        self.tie, self.final = world.tie, world.alignment
        self.last = measures.of_instant(world.alignment, world.tie, world.relation, *held)
        self.lasting = (self.lasting + 1) * self.last["realigned"]
        reached = (self.lasting == self.hold + 1) & (self.since < 0)
        self.since = np.where(reached, self.instant - self.hold, self.since)
        return {name: plain(name, getattr(world, name)) for name in STORED_STOCKS} | self.last

    def _fold(self, values: dict[str, Array]) -> None:
        """Record statistics of arrays and of their paired differences; as many are sorted at once as fit in the cache."""
        waiting: dict[tuple[int, np.dtype], list[tuple[str, Array]]] = {}
        for name, array in values.items():
            lanes = self._lanes(array)
            own = lanes.take(self.own, axis=-2)
            alike = own.shape[-1], own.dtype
            together = waiting.setdefault(alike, [])
            together += [(name, own), (name + DIFFERENCE, own - lanes.take(self.against, axis=-2))]
            if sum(each.nbytes for _, each in together) > FOLDED_BYTES:
                self._record(waiting.pop(alike))
        for together in waiting.values():
            self._record(together)

    def _lanes(self, array: Array) -> Array:
        """A view with every variant, and with variants and replicates last, (..., variant, replicate or 1)."""
        return trail(array if len(array) > 1 else np.broadcast_to(array, (self.variants, *array.shape[1:])), 2)

    def _record(self, together: Sequence[tuple[str, Array]]) -> None:
        """Record the statistics of arrays (..., variant, replicate)."""
        rows = np.concatenate([array.reshape(-1, array.shape[-1]) for _, array in together])
        found, begin = spread_in_place(rows), 0
        for name, array in together:
            count = array.size // array.shape[-1]
            self.statistics[name].append(found[:, begin : begin + count].reshape(-1, *array.shape[:-1]))
            begin += count

    def arrays(self) -> dict[str, Array]:
        """Statistics, (statistic, time or period, ..., variant), and outcomes, (..., variant, replicate)."""
        found = {name: np.stack(series, axis=1) for name, series in self.statistics.items()}
        for name, outcome in ((FINAL, self.final), (REALIGNMENT, self.since)):
            found[name] = self._lanes(outcome).take(self.own, axis=-2)
        return found
