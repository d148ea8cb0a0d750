"""Recording a run period by period: the interface of recorders, and the recorder of trajectories and decompositions.

Recorded arrays have variants and replicates last, as in the kernel's memory: (time or period, ..., variant, replicate).
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
"""Up to this estimate `record=auto` records trajectories."""


class Recorder(Protocol):
    """An object that takes the opening, then each period as it ends."""

    def open(self, world: World) -> None:
        """Take the opening instant."""
        ...

    def take(self, moment: Moment) -> None:
        """Take a period."""
        ...


class _Spare(threading.local):
    """The arrays of the chunk that this thread stored last, for reuse: the first access to new memory costs more than a step."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[tuple[int, ...], np.dtype], list[Array]] = {}

    def take(self, shape: tuple[int, ...], dtype: np.dtype) -> Array:
        """An uninitialised array, a spare one where there is one of that shape and type."""
        held = self.arrays.get((shape, dtype))
        return held.pop() if held else np.empty(shape, dtype)

    def give(self, arrays: Iterable[Array]) -> None:
        """Take arrays that are no longer used as spares, and release the previous spares."""
        self.arrays = {}
        for array in arrays:
            self.arrays.setdefault((array.shape, array.dtype), []).append(array)


SPARE = _Spare()


class Series:
    """One variable over time, (time or period, ..., variant, replicate); one replicate where no random draw enters."""

    def __init__(self, variants: int, replicates: int, length: int) -> None:
        self.variants, self.replicates, self.length = variants, replicates, length
        self.held: Array | None = None

    def put(self, at: int, array: Array, columns: slice, rows: slice) -> None:
        """Store an instant or period of some variants and replicates, (variant or 1, replicate or 1, ...)."""
        wide = array.shape[1] > 1
        if self.held is None or (wide and self.held.shape[-1] == 1):
            width = self.replicates if wide else 1
            held = SPARE.take((self.length, *array.shape[2:], self.variants, width), array.dtype)
            if self.held is not None:
                held[...] = self.held
            self.held = held
        rows = rows if self.held.shape[-1] > 1 else slice(None)
        self.held[at, ..., columns, rows] = array.transpose(*range(2, array.ndim), 0, 1)


class Trajectories:
    """The recorder of the stocks and flows of every replicate, and of contributions where the kernel gives them."""

    def __init__(self, variants: int, replicates: int, periods: int) -> None:
        self.series = {name: Series(variants, replicates, periods + 1) for name in STORED_STOCKS}
        self.series |= {name: Series(variants, replicates, periods) for name in (*FLOWS, MOVE)}
        self.turn_to(0, variants, 0, replicates)

    def turn_to(self, variant: int, variants: int, replicate: int, replicates: int) -> None:
        """Select the variants and replicates whose moments come next, from the opening on."""
        self.columns, self.rows = slice(variant, variant + variants), slice(replicate, replicate + replicates)
        self.period = 0

    def open(self, world: World) -> None:
        """Take the opening instant."""
        self._put_stocks(0, world)

    def take(self, moment: Moment) -> None:
        """Take a period."""
        for name in FLOWS:
            self.series[name].put(self.period, getattr(moment.flows, name), self.columns, self.rows)
        if moment.contributions:
            self.series[MOVE].put(self.period, _stacked(moment.contributions.all), self.columns, self.rows)
        self.period += 1
        self._put_stocks(self.period, moment.world)

    def _put_stocks(self, at: int, world: World) -> None:
        for name in STORED_STOCKS:
            self.series[name].put(at, plain(name, getattr(world, name)), self.columns, self.rows)

    def arrays(self) -> dict[str, Array]:
        """All variables, (time or period, ..., variant, replicate), with one replicate where no random draw enters."""
        return {name: series.held for name, series in self.series.items() if series.held is not None}


def plain(name: str, array: Array) -> Array:
    """An array of the kernel without the axis of length 1 that a quantity of one axis has there."""
    dims = QUANTITIES[name].dims
    return array if len(dims) == 2 else array[..., 0, :]


def _stacked(contributions: Sequence[Array]) -> Array:
    shape = np.broadcast_shapes(*(array.shape for array in contributions))
    return np.stack([np.broadcast_to(array, shape) for array in contributions], axis=2)


def estimate_bytes(layout: Layout, variants: int, replicates: int, periods: int, contributions: int = 0) -> int:
    """Bytes of recorded trajectories, with so many contributions to each move."""
    per_replicate = 0
    for name in (*STORED_STOCKS, *FLOWS):
        instants = periods if name in FLOWS else periods + 1
        per_replicate += instants * int(np.prod([len(layout.names(dim)) for dim in QUANTITIES[name].dims]))
    per_replicate += periods * contributions * len(layout.states) * len(layout.blocs)
    return variants * replicates * per_replicate * BYTES


def settle(record: Record, layout: Layout, variants: int, replicates: int, periods: int) -> Record:
    """What to record: `auto` means trajectories while they take less than 1 GiB, else summaries."""
    if record is not Record.auto:
        return record
    return Record.trajectories if estimate_bytes(layout, variants, replicates, periods) < AUTO_BYTES else Record.summaries


assert Flows._fields == FLOWS
