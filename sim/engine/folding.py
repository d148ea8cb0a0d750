"""Worlds folded while they run: moments and quantiles over a segment of replicates, and the outcome of each world."""

from collections.abc import Sequence

import numpy as np

from sim.arrays import Array
from sim.engine.recorders import plain
from sim.names import DIFFERENCE, FINAL, FLOWS, REALIGNMENT, SHOWN, STORED_STOCKS
from sim.results.chunks import trail
from sim.science import measures
from sim.science.kernel import Moment
from sim.science.measures import spread_in_place
from sim.science.state import World

FOLDED_BYTES = 500_000
"""What may wait to be put in order at once."""


class Summaries:
    """Mean, spread and quantiles over a segment of worlds, of each variable and its paired difference, and outcomes of each world.

    `own` are the places of the variants that are kept among those that are stepped, `against` those of their references; `rivalry`
    is that by which measures weigh standing, (variant or 1, 1, bloc, rival).
    """

    def __init__(
        self, own: Sequence[int], against: Sequence[int], rivalry: Array, courted: Array, buffer: Array, hold: int
    ) -> None:
        self.own, self.against, self.hold = list(own), list(against), hold
        self.variants = 1 + max(self.own + self.against)
        self.rivalry, self.courted, self.buffer = rivalry, courted, buffer
        self.kept: dict[str, list[Array]] = {name + end: [] for name in SHOWN for end in ("", DIFFERENCE)}
        self.last: dict[str, Array] = {}

    def open(self, world: World) -> None:
        """Take the opening instant."""
        self.opening, self.tie, self.instant = world, world.tie, 0
        self.lasting = np.zeros(1)
        self.since = np.full(1, -1)
        self._fold(self._of_instant(world))

    def take(self, moment: Moment) -> None:
        """Take a period."""
        told = {name: getattr(moment.flows, name) for name in FLOWS}
        hedging, polarisation = self.last["hedging"], self.last["polarisation"]
        told["bridge"] = measures.bridge(self.tie, moment.flows.traffic, hedging, polarisation)
        self.instant += 1
        self._fold(told | self._of_instant(moment.world))

    def _of_instant(self, world: World) -> dict[str, Array]:
        """Stocks and measures at an instant, (variant or 1, replicate or 1, ...)."""
        held = self.opening.alignment, self.rivalry, self.courted, self.buffer
        self.tie, self.final = world.tie, world.alignment
        self.last = measures.of_instant(world.alignment, world.tie, world.relation, *held)
        self.lasting = (self.lasting + 1) * self.last["realigned"]
        told = (self.lasting == self.hold + 1) & (self.since < 0)
        self.since = np.where(told, self.instant - self.hold, self.since)
        return {name: plain(name, getattr(world, name)) for name in STORED_STOCKS} | self.last

    def _fold(self, told: dict[str, Array]) -> None:
        """Statistics of arrays and of their paired differences; as many are put in order at once as stay in the cache."""
        waiting: dict[tuple[int, np.dtype], list[tuple[str, Array]]] = {}
        for name, array in told.items():
            lanes = self._lanes(array)
            own = lanes.take(self.own, axis=-2)
            alike = own.shape[-1], own.dtype
            together = waiting.setdefault(alike, [])
            together += [(name, own), (name + DIFFERENCE, own - lanes.take(self.against, axis=-2))]
            if sum(part.nbytes for _, part in together) > FOLDED_BYTES:
                self._keep(waiting.pop(alike))
        for together in waiting.values():
            self._keep(together)

    def _lanes(self, array: Array) -> Array:
        """A view with the worlds last and every variant, (..., variant, replicate or 1)."""
        return trail(array if len(array) > 1 else np.broadcast_to(array, (self.variants, *array.shape[1:])), 2)

    def _keep(self, together: Sequence[tuple[str, Array]]) -> None:
        """Keep the statistics of arrays (..., variant, replicate)."""
        rows = np.concatenate([part.reshape(-1, part.shape[-1]) for _, part in together])
        found, begin = spread_in_place(rows), 0
        for name, part in together:
            count = part.size // part.shape[-1]
            self.kept[name].append(found[:, begin : begin + count].reshape(-1, *part.shape[:-1]))
            begin += count

    def arrays(self) -> dict[str, Array]:
        """Statistics, (statistic, time or period, ..., variant), and outcomes, (..., variant, replicate)."""
        found = {name: np.stack(series, axis=1) for name, series in self.kept.items()}
        for name, outcome in ((FINAL, self.final), (REALIGNMENT, self.since)):
            found[name] = self._lanes(outcome).take(self.own, axis=-2)
        return found
