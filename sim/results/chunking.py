"""How a run is divided into chunks, and how chunks are joined into one run again, without simulating."""

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from sim.arrays import Array
from sim.errors import DamageError, SettingError
from sim.names import OUTCOMES
from sim.science.measures import STATISTICS

POINT = 2.0**36
"""Steps of the fixed-point sums per unit: each number is exact to 1.5e-11 of a unit, and sums reach up to 2**26 units."""
ROOM = 2.0**62
"""The largest sum that is allowed."""
NOTHING = np.iinfo(np.int64).min
"""Marks a sum over values of which one is not a number."""
AS_WRITTEN = "chunks as they were written"
SEGMENT = 256
"""The fewest replicates over which quantiles are computed at once, if there are more than twice as many."""


class Task(NamedTuple):
    """One chunk of a run: some variants over some replicates, [first, last)."""

    variants: tuple[int, int]
    replicates: tuple[int, int]

    @property
    def name(self) -> str:
        """The name of its file without ending; names sort in the order of the chunks."""
        return f"v{self.variants[0]:06d}-r{self.replicates[0]:09d}"

    @property
    def worlds(self) -> int:
        """How many replicates of all its variants it holds."""
        return (self.variants[1] - self.variants[0]) * (self.replicates[1] - self.replicates[0])


Pieces = Iterable[tuple[Task, dict[str, Array]]]
"""Chunks with their arrays."""


def segments(replicates: int) -> list[tuple[int, int]]:
    """The ranges of replicates over which quantiles are computed at once: all, or nearly equal parts of at least `SEGMENT`.

    >>> segments(200), segments(1000)
    ([(0, 200)], [(0, 333), (333, 667), (667, 1000)])
    """
    count = max(1, replicates // SEGMENT) if replicates > 2 * SEGMENT else 1
    edges = [round(part * replicates / count) for part in range(count + 1)]
    return list(itertools.pairwise(edges))


def uncovered(tasks: Sequence[Task], variants: int, replicates: int) -> str:
    """What is wrong with chunks that do not hold each replicate of each variant exactly once; an empty text if nothing is.

    >>> uncovered([Task((0, 2), (0, 3)), Task((0, 2), (3, 5))], 2, 5), uncovered([Task((0, 2), (0, 3))], 2, 5)
    ('', 'hold 3 of 5 replicates of variants 0 to 1')
    """
    if sum(task.worlds for task in tasks) > variants * replicates:
        return "hold some replicates twice"
    edges = sorted({0, variants, *(edge for task in tasks for edge in task.variants)})
    at = {edge: place for place, edge in enumerate(edges)}
    inside: dict[int, list[tuple[int, int]]] = {first: [] for first in edges[:-1]}
    for task in tasks:
        for first in edges[at[task.variants[0]] : at[task.variants[1]]]:
            inside[first].append(task.replicates)
    for (first, rows), last in zip(inside.items(), edges[1:], strict=True):
        pairs = [(0, 0), *sorted(rows), (replicates, replicates)]
        if any(one[1] != other[0] for one, other in itertools.pairwise(pairs)):
            held = sum(high - low for low, high in rows)
            return f"hold {held} of {replicates} replicates of variants {first} to {last - 1}"
    return ""


def fixed_sums(statistics: Array, own: int, replicates: int) -> Array:
    """What a segment of `own` replicates adds to the sums of its run of `replicates`, in fixed point.

    The mean and the quantiles are weighted by the number of replicates; the sum of `sd` is that of squared deviations within
    segments. A value that is not a number, such as a measure that is undefined in a region, becomes `NOTHING`.

    Raises
    ------
    SettingError
        If a number is too large for its segment's share of the range, so that sums never overflow.
    """
    sums = own * statistics
    at = STATISTICS.index("sd")
    sums[at] = (own - 1) * statistics[at] ** 2
    sums = np.rint(sums * POINT)
    nothing = np.isnan(sums)
    if not (nothing | (abs(sums) < ROOM * own / replicates)).all():
        raise SettingError("record", "a number of the run is too large to be summarised", "record=trajectories, or smaller numbers")
    return np.where(nothing, NOTHING, np.where(nothing, 0.0, sums).astype(np.int64))


def add_sums(held: Array, more: Array) -> Array:
    """The sums of two sets of segments added; `NOTHING` where one of them is."""
    return np.where((held == NOTHING) | (more == NOTHING), NOTHING, held + more)


def from_sums(sums: Array, replicates: int, count: int) -> Array:
    """Statistics of a run from the sums over its `count` segments: the pooled `sd` within them, the mean of their quantiles."""
    at = STATISTICS.index("sd")
    known = np.where(sums == NOTHING, np.nan, sums)
    found = known / (POINT * replicates)
    found[at] = np.sqrt(known[at] / (POINT * (replicates - count)))
    return found


def join_worlds(pieces: Pieces, variants: int, replicates: int) -> dict[str, Array]:
    """All variables of a run whose chunks hold every replicate.

    Parameters
    ----------
    pieces : iterable
        Chunks, in any order, with arrays (time or period, ..., variant, replicate). The last axis has length 1 for variables that
        do not depend on random draws.
    variants, replicates : int
        How many the run has.

    Returns
    -------
    dict
        Arrays (variant, replicate, time or period, ...); views that store values without random draws once.

    Raises
    ------
    DamageError
        If the chunks do not hold each replicate once, or contradict each other.
    """
    joined: dict[str, Array] = {}
    fixed: dict[str, set[int]] = {}
    """By variable, the variants whose values without random draws are known from an earlier chunk."""
    for task, arrays in _one_run(pieces, 2, variants, replicates):
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
            if not wide:
                _demand_agreement(joined[name], array, first, fixed.setdefault(name, set()), name)
            rows = slice(low, high) if joined[name].shape[-1] > 1 else slice(None)
            joined[name][..., first:last, rows] = array
    return {name: np.broadcast_to(lead(array, 2), (variants, replicates, *array.shape[:-2])) for name, array in joined.items()}


def join_sums(pieces: Pieces, variants: int, replicates: int) -> dict[str, Array]:
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

    Raises
    ------
    DamageError
        If the chunks do not hold each replicate once, or contradict each other.
    """
    joined: dict[str, Array] = {}
    for task, arrays in _one_run(pieces, 1, variants, replicates):
        (first, last), rows = task.variants, slice(*task.replicates)
        for name, array in arrays.items():
            if name not in OUTCOMES:
                held = joined.setdefault(name, np.zeros((*array.shape[:-1], variants), array.dtype))
                held[..., first:last] = add_sums(held[..., first:last], array) if array.dtype == np.int64 else array
            else:
                held = joined.setdefault(name, np.empty((*array.shape[:-2], variants, replicates), array.dtype))
                held[..., first:last, rows] = array
    count = len(segments(replicates))
    for name, held in joined.items():
        sums = name not in OUTCOMES and count > 1
        joined[name] = lead(from_sums(held, replicates, count) if sums else held, 2 if name in OUTCOMES else 1)
    return joined


def _one_run(pieces: Pieces, axes: int, variants: int, replicates: int) -> Pieces:
    """The given chunks; raises `DamageError` if they are not of one run or, at the end, not all of it."""
    tasks: list[Task] = []
    kinds: dict[str, tuple[tuple[int, ...], np.dtype]] = {}
    for task, arrays in pieces:
        tasks.append(task)
        own = {name: (array.shape[: -2 if name in OUTCOMES else -axes], array.dtype) for name, array in arrays.items()}
        kinds = kinds or own
        if own != kinds:
            raise DamageError("chunks", f"{task.name} has other variables, axes or number types than the first", AS_WRITTEN)
        yield task, arrays
    if wrong := uncovered(tasks, variants, replicates):
        raise DamageError("chunks", wrong, AS_WRITTEN)


def _demand_agreement(held: Array, array: Array, first: int, known: set[int], name: str) -> None:
    """Raise `DamageError` if a chunk contradicts an earlier one about values without random draws; adds its variants to `known`."""
    for variant in range(first, first + array.shape[-2]):
        if variant in known and (held[..., variant, :1] != array[..., variant - first, :]).any():
            raise DamageError("chunks", f"contradict each other in what does not depend on random draws: {name}", AS_WRITTEN)
        known.add(variant)


def lead(array: Array, axes: int) -> Array:
    """A view with the last axes (variant, replicate) first, the order of Datasets."""
    last = range(array.ndim - axes, array.ndim)
    return array.transpose(*last, *range(array.ndim - axes))


def trail(array: Array, axes: int) -> Array:
    """A view with the first axes (variant, replicate) last, the order of chunks."""
    return array.transpose(*range(axes, array.ndim), *range(axes))


def joined(pieces: Iterable[tuple[Task, dict[str, Array]]], summaries: bool, variants: int, replicates: int) -> dict[str, Array]:
    """The arrays of a run from its chunks, (variant, replicate or statistic, time or period, ...)."""
    return join_sums(pieces, variants, replicates) if summaries else join_worlds(pieces, variants, replicates)
