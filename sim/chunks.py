"""How a run is cut into chunks, and how chunks become one run again. It looks; it does not simulate."""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from sim.arrays import Array
from sim.measures import STATISTICS
from sim.names import OUTCOMES
from sim.refusal import SettingError

POINT = 2.0**36
"""One unit of the fixed point in which segments meet: exact to 1.5e-11 of a unit for each, with room for 2**26 units."""
ROOM = 2.0**62
NOTHING = np.iinfo(np.int64).min
"""What stands in the sums for what is not a number, such as the sphere of a bloc without a buffer."""
SEGMENT = 256
"""The fewest worlds over which quantiles are taken at once, where there are more than twice as many."""


class Task(NamedTuple):
    """One chunk of a run: some variants over some replicates, [first, last)."""

    variants: tuple[int, int]
    replicates: tuple[int, int]

    @property
    def name(self) -> str:
        """What its file is called; names sort as the chunks stand."""
        return f"v{self.variants[0]:06d}-r{self.replicates[0]:09d}"

    @property
    def worlds(self) -> int:
        """How many worlds it holds."""
        return (self.variants[1] - self.variants[0]) * (self.replicates[1] - self.replicates[0])


def segments(replicates: int) -> list[tuple[int, int]]:
    """The replicates over which quantiles are taken at once: all, or nearly equal parts of at least `SEGMENT`.

    >>> segments(200), segments(1000)
    ([(0, 200)], [(0, 333), (333, 667), (667, 1000)])
    """
    count = max(1, replicates // SEGMENT) if replicates > 2 * SEGMENT else 1
    edges = [round(part * replicates / count) for part in range(count + 1)]
    return list(itertools.pairwise(edges))


def fixed_sums(statistics: Array, worlds: int, of: int) -> Array:
    """What a segment of so many worlds, of those of a whole run, adds to the run's sums, in fixed point.

    Sums of the mean and the quantiles weigh by worlds; that of the spread is of squared deviations within segments. What is not a
    number in one world is in none, and stays `NOTHING`.

    Raises
    ------
    SettingError
        Where a number is too large for the sums.
    """
    at, each = STATISTICS.index("sd"), statistics.copy()
    each[at] = statistics[at] ** 2
    if (abs(each) * of * POINT >= ROOM).any():
        raise SettingError("keep", "a number of the run is too large to be folded", "keep=worlds, or smaller numbers")
    each *= worlds
    each[at] -= statistics[at] ** 2
    known = np.isfinite(each)
    return np.where(known, np.rint(np.where(known, each, 0.0) * POINT).astype(np.int64), NOTHING)


def met(sums: Array, more: Array) -> Array:
    """The sums of two parts of a run."""
    return np.where((sums == NOTHING) | (more == NOTHING), NOTHING, sums + more) if sums.dtype == np.int64 else sums + more


def from_sums(sums: Array, worlds: int, parts: int) -> Array:
    """Statistics of a whole run from the sums of its segments: the spread within them, the mean of their quantiles."""
    at = STATISTICS.index("sd")
    found = np.where(sums == NOTHING, np.nan, sums / (POINT * worlds))
    found[at] = np.sqrt(found[at] * worlds / (worlds - parts))
    return found


def join_worlds(pieces: Iterable[tuple[Task, dict[str, Array]]], variants: int, replicates: int) -> dict[str, Array]:
    """All variables of a run whose chunks hold every world.

    Parameters
    ----------
    pieces : iterable
        Chunks, in any order, with arrays (time or period, ..., variant, replicate), of one replicate where no luck touches them.
    variants, replicates : int
        How many the run has.

    Returns
    -------
    dict
        Arrays (variant, replicate, time or period, ...), views that hold once what no luck touches.
    """
    joined: dict[str, Array] = {}
    for task, arrays in pieces:
        (first, last), (low, high) = task
        whole = last - first == variants and high - low == replicates
        for name, array in arrays.items():
            if whole:
                joined[name] = array
                continue
            held, wide = joined.get(name), array.shape[-1] > 1 or high - low == 1
            if held is None or (wide and held.shape[-1] < replicates):
                joined[name] = np.empty((*array.shape[:-2], variants, replicates if wide else 1), array.dtype)
                if held is not None:
                    joined[name][...] = held
            rows = slice(low, high) if joined[name].shape[-1] > 1 else slice(None)
            joined[name][..., first:last, rows] = array
    return {name: np.broadcast_to(lead(array, 2), (variants, replicates, *array.shape[:-2])) for name, array in joined.items()}


def join_sums(pieces: Iterable[tuple[Task, dict[str, Array]]], variants: int, replicates: int) -> dict[str, Array]:
    """All variables of a run whose chunks hold summaries.

    Parameters
    ----------
    pieces : iterable
        Chunks, in any order, with statistics or their sums, (statistic, time or period, ..., variant), and outcomes, (...,
        variant, replicate).
    variants, replicates : int
        How many the run has.

    Returns
    -------
    dict
        Statistics, (variant, statistic, time or period, ...), and outcomes, (variant, replicate, ...).
    """
    joined: dict[str, Array] = {}
    for task, arrays in pieces:
        (first, last), rows = task.variants, slice(*task.replicates)
        for name, array in arrays.items():
            if name not in OUTCOMES:
                held = joined.setdefault(name, np.zeros((*array.shape[:-1], variants), array.dtype))
                held[..., first:last] = met(held[..., first:last], array)
            else:
                held = joined.setdefault(name, np.empty((*array.shape[:-2], variants, replicates), array.dtype))
                held[..., first:last, rows] = array
    parts = len(segments(replicates))
    for name, held in joined.items():
        sums = name not in OUTCOMES and parts > 1
        joined[name] = lead(from_sums(held, replicates, parts) if sums else held, 2 if name in OUTCOMES else 1)
    return joined


def lead(array: Array, axes: int) -> Array:
    """A view with the last axes first: those of worlds, as Datasets have them."""
    last = range(array.ndim - axes, array.ndim)
    return array.transpose(*last, *range(array.ndim - axes))


def trail(array: Array, axes: int) -> Array:
    """A view with the first axes last: those of worlds, as chunks have them."""
    return array.transpose(*range(axes, array.ndim), *range(axes))
