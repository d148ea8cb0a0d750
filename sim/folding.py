"""Worlds folded while they run: moments and quantiles over a segment of replicates, and the outcome of each world."""

from collections.abc import Sequence

import numpy as np

from sim import measures
from sim.arrays import Array
from sim.chunks import trail
from sim.keep import plain
from sim.kernel import Moment
from sim.measures import spread
from sim.names import DIFFERENCE, FINAL, FLOWS, REALIGNMENT, SHOWN, STORED_STOCKS
from sim.params import World


class Summaries:
    """Mean, spread and quantiles over a segment of worlds, of each variable and its paired difference, and outcomes of each world.

    `own` are the places of the variants that are kept among those that are stepped, `against` those of their references; `rivalry`
    is that by which measures weigh standing, (variant or 1, 1, bloc, rival).
    """

    def __init__(
        self, own: Sequence[int], against: Sequence[int], rivalry: Array, courted: Array, buffer: Array, hold: int
    ) -> None:
        self.own, self.against, self.hold = list(own), list(against), hold
        self.rivalry, self.courted, self.buffer = rivalry, courted, buffer
        self.kept: dict[str, list[Array]] = {name + end: [] for name in SHOWN for end in ("", DIFFERENCE)}
        self.last: dict[str, Array] = {}

    def open(self, world: World) -> None:
        """Take the opening instant."""
        self.opening, self.tie, self.instant = world, world.tie, 0
        self.lasting = np.zeros(1)
        self.since = np.full(1, -1)
        self._take_instant(world)

    def take(self, moment: Moment) -> None:
        """Take a period."""
        for name in FLOWS:
            self._fold(name, getattr(moment.flows, name))
        hedging, polarisation = self.last["hedging"], self.last["polarisation"]
        self._fold("bridge", measures.bridge(self.tie, moment.flows.traffic, hedging, polarisation))
        self.instant += 1
        self._take_instant(moment.world)

    def _take_instant(self, world: World) -> None:
        for name in STORED_STOCKS:
            self._fold(name, plain(name, getattr(world, name)))
        held = self.opening.alignment, self.rivalry, self.courted, self.buffer
        self.tie, self.final = world.tie, world.alignment
        self.last = measures.of_instant(world.alignment, world.tie, world.relation, *held)
        for name, array in self.last.items():
            self._fold(name, array)
        self.lasting = (self.lasting + 1) * self.last["realigned"]
        told = (self.lasting == self.hold + 1) & (self.since < 0)
        self.since = np.where(told, self.instant - self.hold, self.since)

    def _fold(self, name: str, array: Array) -> None:
        array = np.broadcast_to(array, (max(len(array), 1 + max(self.own + self.against)), *array.shape[1:]))
        for end, values in (("", array[self.own]), (DIFFERENCE, array[self.own] - array[self.against])):
            self.kept[name + end].append(np.moveaxis(spread(values), 1, -1))

    def arrays(self) -> dict[str, Array]:
        """Statistics, (statistic, time or period, ..., variant), and outcomes, (..., variant, replicate)."""
        found = {name: np.stack(series, axis=1) for name, series in self.kept.items()}
        for name, outcome in ((FINAL, self.final), (REALIGNMENT, self.since)):
            own = np.broadcast_to(outcome, (max(len(outcome), 1 + max(self.own)), *outcome.shape[1:]))[self.own]
            found[name] = trail(own, 2)
        return found
