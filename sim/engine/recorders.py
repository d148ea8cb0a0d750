"""What is kept of a run, period by period: every world, also the parts of each move, or only summaries over worlds.

Recorders keep the worlds innermost, as the kernel has them: (time or period, ..., variant, replicate).
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from sim.arrays import Array
from sim.config.schema import Record
from sim.names import FLOWS, MOVE, QUANTITIES, STORED_STOCKS
from sim.science.kernel import Flows, Moment
from sim.science.layout import Layout
from sim.science.state import World

BYTES = np.dtype(float).itemsize
AUTO_BYTES = 2**30
"""Up to this estimate every world is kept by default."""


class Recorder(Protocol):
    """Takes the opening, then each period as it ends."""

    def open(self, world: World) -> None:
        """Take the opening instant."""
        ...

    def take(self, moment: Moment) -> None:
        """Take a period."""
        ...


class _Spare(threading.local):
    """The arrays of the chunk that this thread has stored last: memory touched for the first time costs more than a step in it."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[tuple[int, ...], np.dtype], list[Array]] = {}

    def take(self, shape: tuple[int, ...], dtype: np.dtype) -> Array:
        """An array with room for new numbers."""
        held = self.arrays.get((shape, dtype))
        return held.pop() if held else np.empty(shape, dtype)

    def give(self, arrays: Iterable[Array]) -> None:
        """Take back what nobody reads any more, and let go of what was there before."""
        self.arrays = {}
        for array in arrays:
            self.arrays.setdefault((array.shape, array.dtype), []).append(array)


SPARE = _Spare()


class Series:
    """One variable over time, (time or period, ..., variant, replicate); what no luck touches is held once for all replicates."""

    def __init__(self, variants: int, replicates: int, length: int) -> None:
        self.variants, self.replicates, self.length = variants, replicates, length
        self.held: Array | None = None

    def put(self, at: int, array: Array, columns: slice, rows: slice) -> None:
        """Put an instant or period of some variants and replicates, (variant or 1, replicate or 1, ...)."""
        wide = array.shape[1] > 1
        if self.held is None or (wide and self.held.shape[-1] == 1):
            width = self.replicates if wide else 1
            held = SPARE.take((self.length, *array.shape[2:], self.variants, width), array.dtype)
            if self.held is not None:
                held[...] = self.held
            self.held = held
        rows = rows if self.held.shape[-1] > 1 else slice(None)
        self.held[at, ..., columns, rows] = array.transpose(*range(2, array.ndim), 0, 1)


class Worlds:
    """Every world's stocks and flows, and the parts of its moves where they come along."""

    def __init__(self, variants: int, replicates: int, periods: int) -> None:
        self.kept = {name: Series(variants, replicates, periods + 1) for name in STORED_STOCKS}
        self.kept |= {name: Series(variants, replicates, periods) for name in (*FLOWS, MOVE)}
        self.turn_to(0, variants, 0, replicates)

    def turn_to(self, variant: int, variants: int, replicate: int, replicates: int) -> None:
        """Take the moments of these worlds next, from their opening on."""
        self.columns, self.rows = slice(variant, variant + variants), slice(replicate, replicate + replicates)
        self.period = 0

    def open(self, world: World) -> None:
        """Take the opening instant."""
        self._put_stocks(0, world)

    def take(self, moment: Moment) -> None:
        """Take a period."""
        for name in FLOWS:
            self.kept[name].put(self.period, getattr(moment.flows, name), self.columns, self.rows)
        if moment.contributions:
            self.kept[MOVE].put(self.period, _stacked(moment.contributions.all), self.columns, self.rows)
        self.period += 1
        self._put_stocks(self.period, moment.world)

    def _put_stocks(self, at: int, world: World) -> None:
        for name in STORED_STOCKS:
            self.kept[name].put(at, plain(name, getattr(world, name)), self.columns, self.rows)

    def arrays(self) -> dict[str, Array]:
        """All variables, (time or period, ..., variant, replicate), of one replicate where no luck touches them."""
        return {name: series.held for name, series in self.kept.items() if series.held is not None}


def plain(name: str, array: Array) -> Array:
    """A matrix without the axis of length 1 that a quantity of one axis has in the plane."""
    dims = QUANTITIES[name].dims
    return array if len(dims) == 2 else array[..., 0, :]


def _stacked(parts: Sequence[Array]) -> Array:
    shape = np.broadcast_shapes(*(part.shape for part in parts))
    return np.stack([np.broadcast_to(part, shape) for part in parts], axis=2)


def estimate_bytes(layout: Layout, variants: int, replicates: int, periods: int, parts: int = 0) -> int:
    """Bytes that keeping every world takes, with so many parts of each move."""
    per_world = 0
    for name in (*STORED_STOCKS, *FLOWS):
        instants = periods if name in FLOWS else periods + 1
        per_world += instants * int(np.prod([len(layout.names(dim)) for dim in QUANTITIES[name].dims]))
    per_world += periods * parts * len(layout.states) * len(layout.blocs)
    return variants * replicates * per_world * BYTES


def settle(record: Record, layout: Layout, variants: int, replicates: int, periods: int) -> Record:
    """What `auto` comes to: worlds while they take under 1 GiB, else summaries."""
    if record is not Record.auto:
        return record
    return Record.trajectories if estimate_bytes(layout, variants, replicates, periods) < AUTO_BYTES else Record.summaries


assert Flows._fields == FLOWS
