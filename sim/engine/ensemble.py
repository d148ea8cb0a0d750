"""Ensembles: a run is cut into chunks of variants and replicates, each computed by the kernel (in processes: `sim.engine.workers`).

How a run is cut affects its speed and how much of a stopped run is saved, never a bit of its results: random draws belong to the
replicate, and summaries are accumulated over segments that depend on the number of replicates alone.
"""

import itertools
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from sim import interrupts
from sim.arrays import Array
from sim.config.schema import Backend, Record
from sim.engine.folding import Summaries
from sim.engine.job import Job
from sim.engine.recorders import Recorder, Trajectories, estimate_bytes
from sim.names import FLOWS, OUTCOMES, QUANTITIES, STORED_STOCKS
from sim.results.chunking import Task, add_sums, fixed_sums, segments
from sim.science import kernel, noise, rules, shocks
from sim.science.kernel import Flows, Moment
from sim.science.state import World, cast, shared

Arrays = dict[str, Array]

BLOCK_BYTES = 400_000
"""Bytes of one array of the replicates that the kernel steps together, so that a step fits in the cache (docs/bench.md)."""
NORMALS_BYTES = 100_000_000
"""Bytes that the normal draws of variants stepped together may take where they have several seeds."""
CHUNK_BYTES = 256_000_000
"""Bytes of a chunk of trajectories unless `engine.chunk` is set: enough for a step to cost more than its calls (docs/bench.md)."""
CHUNKS = 16
"""Chunks of replicates of a run of summaries, unless `engine.chunk` is set."""
VARIANTS = 24
"""Variants of one chunk of summaries, without their references."""


def tasks(job: Job, chunk: int = 0) -> list[Task]:
    """The chunks of a run, of `chunk` replicates each, or of a default size where it is 0.

    Where summaries are recorded, a chunk is a whole number of segments.
    """
    variants = len(job.references)
    if job.record is not Record.summaries:
        step = chunk or max(1, CHUNK_BYTES // _bytes_of_replicate(job))
        replicates = [(low, min(low + step, job.replicates)) for low in range(0, job.replicates, step)]
        return [Task((0, variants), pair) for pair in replicates]
    found, begin = [], 0
    least = chunk or -(-job.replicates // CHUNKS)
    for _, high in segments(job.replicates):
        if high - begin >= least or high == job.replicates:
            found.append((begin, high))
            begin = high
    wide = -(-variants // VARIANTS)
    edges = [round(part * variants / wide) for part in range(wide + 1)]
    return [Task((low, high), pair) for low, high in itertools.pairwise(edges) for pair in found]


def _bytes_of_replicate(job: Job) -> int:
    contributions = len(kernel.Pulls._fields) + 2 if job.record is Record.decomposition else 0
    return estimate_bytes(job.layout, len(job.references), 1, job.window.periods, contributions)


def run_task(job: Job, task: Task) -> Arrays:
    """The arrays of one chunk by name, (time or period, ..., variant, replicate), or statistics where summaries are recorded."""
    if job.record is Record.summaries:
        return _folded(job, task)
    low, high = task.replicates
    variants = range(*task.variants)
    recorder = Trajectories(len(variants), high - low, job.window.periods)
    for some, replicates in _blocks(job, variants, low, high):
        recorder.turn_to(some[0] - variants[0], len(some), replicates[0] - low, len(replicates))
        _record(job, recorder, some, replicates)
    return recorder.arrays()


def _blocks(job: Job, variants: range, low: int, high: int) -> Iterator[tuple[range, range]]:
    """The variants and replicates of a chunk in blocks that fit in the cache.

    No block has a single replicate where the chunk has more: an array of length 1 is recognised as one without random draws.
    """
    room = max(1, BLOCK_BYTES // (job.world.alignment[0, 0].size * job.world.alignment.itemsize))
    wide = min(len(variants), max(1, room // 2))
    count = max(1, (high - low) // max(2, room // wide))
    edges = [low + round(part * (high - low) / count) for part in range(count + 1)]
    if job.backend is Backend.jax:
        edges = [*range(low, high, _compiled_replicates(job)), high]
    for begin, end in itertools.pairwise(edges):
        for some in _stretches(job, variants, wide, end - begin):
            yield some, range(begin, end)


def _compiled_replicates(job: Job) -> int:
    """Replicates that the compiled kernel takes at once; blocks are padded to it, so never more than a chunk of the run holds.

    It depends on the run and not on the chunk, as bits may depend on it; at least two, as in `_blocks`.
    """
    from sim.engine.compiled import BLOCK

    most = BLOCK if job.record is Record.summaries else CHUNK_BYTES // _bytes_of_replicate(job)
    return max(2, min(BLOCK, most))


def _record(job: Job, recorder: Recorder, variants: Sequence[int], replicates: range) -> None:
    """Run some variants and replicates from the opening to the end, and give each period to a recorder."""
    params, world = (cast(_some(stack, variants), job.layout.precision) for stack in (job.params, job.world))
    normals = normals_of(job, variants, replicates)
    forcing = shocks.draw(job.configs.select(np.array(variants)), job.layout, replicates)
    recorder.open(world)
    if job.backend is Backend.jax:
        from sim.engine.compiled import trajectories

        block = _compiled_replicates(job)
        found = trajectories(params, world, forcing, normals, job.layout, job.window.dt, job.layout.precision, block=block)
        moments = replayed(found, job.window.periods)
    else:
        exact = (forcing.at(period) for period in range(job.window.periods))
        forces = exact if job.layout.precision == "float64" else (forces.cast(job.layout.precision) for forces in exact)
        normals = normals.astype(job.layout.precision, copy=False)
        moments = kernel.run(params, world, forces, normals, job.layout, job.window.dt, job.record is Record.decomposition)
    for moment in moments:
        interrupts.check()
        recorder.take(moment)


def replayed(trajectories: Arrays, periods: int) -> Iterator[Moment]:
    """The moments of a run from its trajectories, (variant, replicate or 1, time or period, ...); dispositions are NaN."""
    for period in range(periods):
        flows = Flows(*(_in_plane(name, trajectories[name][:, :, period]) for name in FLOWS))
        stocks = {name: _in_plane(name, trajectories[name][:, :, period + 1]) for name in STORED_STOCKS}
        absent = np.broadcast_to(np.nan, stocks["alignment"].shape)
        yield Moment(World(disposition=absent, **stocks), flows, None)


def _in_plane(name: str, array: Array) -> Array:
    """An array of one instant as the matrix that the rules use: a quantity of one axis becomes a row."""
    return array if len(QUANTITIES[name].dims) == 2 else array[..., None, :]


_luck = lru_cache(maxsize=1)(noise.normals)
"""The normal draws of the latest replicates, cached, as all variants of one seed share them."""


def normals_of(job: Job, variants: Sequence[int], replicates: range) -> Array:
    """The normal draws of some variants and replicates, (period, variant or 1, replicate, state, bloc)."""
    seeds = np.array([job.seeds[variant] for variant in variants])
    periods, states, blocs = job.window.periods, job.layout.states, job.layout.blocs
    if (seeds == seeds[0]).all():
        return np.moveaxis(_luck(int(seeds[0]), replicates, periods, states, blocs), 2, 0)
    normals = np.empty((periods, len(states), len(blocs), len(variants), len(replicates)))
    for seed in dict.fromkeys(seeds.tolist()):
        drawn = noise.normals(seed, replicates, periods, states, blocs)[0].transpose(1, 2, 3, 0)
        normals[..., np.flatnonzero(seeds == seed), :] = drawn[..., None, :]
    return normals.transpose(0, 3, 4, 1, 2)


def _some(stack: Any, variants: Sequence[int]) -> Any:
    """The constants or stocks of some variants; a field equal in all of them is stored once."""
    return shared(type(stack)(*(field if len(field) == 1 else field[list(variants)] for field in stack)))


def _folded(job: Job, task: Task) -> Arrays:
    """Statistics over replicates of each variable and of its paired difference, and the outcomes of each replicate."""
    low, high = task.replicates
    variants = range(*task.variants)
    own_segments = [pair for pair in segments(job.replicates) if low <= pair[0] < high]
    alone = len(segments(job.replicates)) == 1
    found: Arrays = {}
    for own in _groups(job, variants, own_segments[0]):
        group = sorted({*own, *(job.references[variant] for variant in own)})
        at = [group.index(variant) for variant in own]
        against = [group.index(job.references[variant]) for variant in own]
        columns = slice(own[0] - variants[0], own[-1] + 1 - variants[0])
        rivalry = rules.rivalry(cast(_some(job.params, group), job.layout.precision).measured_relation)
        for begin, end in own_segments:
            buffer = job.params.buffer if len(job.params.buffer) == 1 else job.params.buffer[group]
            recorder = Summaries(at, against, rivalry, job.layout.courted, buffer, job.hold)
            _record(job, recorder, group, range(begin, end))
            for name, array in recorder.arrays().items():
                if name in OUTCOMES:
                    chunk = found.setdefault(name, np.empty((*array.shape[:-2], len(variants), high - low), array.dtype))
                    chunk[..., columns, begin - low : end - low] = np.broadcast_to(array, (*array.shape[:-1], end - begin))
                    continue
                folded = array if alone else fixed_sums(array, end - begin, job.replicates)
                chunk = found.setdefault(name, np.zeros((*array.shape[:-1], len(variants)), folded.dtype))
                chunk[..., columns] = folded if alone else add_sums(chunk[..., columns], folded)
    return found


def _groups(job: Job, variants: range, segment: tuple[int, int]) -> Iterator[range]:
    """Variants that are stepped together over a segment: few enough for the cache, up to 8 at least, as references are added."""
    room = max(8, BLOCK_BYTES // (job.world.alignment[0, 0].size * job.world.alignment.itemsize * (segment[1] - segment[0])))
    return _stretches(job, variants, room, segment[1] - segment[0])


def _stretches(job: Job, variants: range, most: int, replicates: int) -> Iterator[range]:
    """Variants in consecutive ranges of at most `most`, fewer where many seeds would need more than `NORMALS_BYTES`."""
    seeds_most = max(1, NORMALS_BYTES // (replicates * job.window.periods * job.world.alignment[0, 0].nbytes))
    first, seeds = variants[0], set[int]()
    for variant in variants:
        seeds.add(job.seeds[variant])
        if variant - first == most or (len(seeds) > seeds_most and variant > first):
            yield range(first, variant)
            first, seeds = variant, {job.seeds[variant]}
    yield range(first, variants[-1] + 1)
