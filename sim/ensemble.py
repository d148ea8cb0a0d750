"""Many worlds: a run is cut into chunks, each computed whole by the one kernel, here or in worker processes.

How a run is cut decides how fast it is and how much a stopped one has kept, never a bit of its numbers: luck belongs to the
replicate, and what is folded is folded segment by segment, which depend on the number of replicates alone.
"""

import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from sim import cluster as clusters
from sim import kernel, noise, shocks
from sim.arrays import Array
from sim.chunks import Task, add_sums, fixed_sums, segments
from sim.config import Backend, Keep
from sim.folding import Summaries
from sim.keep import SPARE, Recorder, Worlds, estimate_bytes
from sim.kernel import Flows, Moment
from sim.names import DIFFERENCE, FLOWS, OUTCOMES, QUANTITIES, RECORDED, STORED_STOCKS
from sim.params import Layout, Params, World, cast, shared
from sim.periods import Window
from sim.refusal import FailedError, SettingError
from sim.store import Store

Arrays = dict[str, Array]

BLOCK_BYTES = 400_000
"""What one array of the worlds that the kernel steps together takes, so that a step stays in the cache (experiments/bench.py)."""
CHUNK_BYTES = 256_000_000
"""What a chunk of worlds takes, unless the engine is told: enough worlds for a step to cost more than its calls (docs/bench.md)."""
STEPS_ALONE = 15_000_000
"""Steps of state and bloc, folded, that one process takes in less time than others take to begin (some five seconds)."""
FOLDING = 3
"""How much longer a folded step takes than one whose world is kept."""
WATCH_SECONDS = 0.2
"""How often a worker looks whether its parent still is."""
DEATHS = 8
"""Chunks over which a process dies, one after the other, before the rest is left."""
TRY_AGAIN = "the same command tries it again; fewer engine.workers or a smaller engine.chunk need less memory"
CHUNKS = 16
"""Chunks of replicates that summaries are folded in, unless the engine is told."""
VARIANTS = 24
"""Variants of one chunk of summaries, beside their references."""


@dataclass(frozen=True)
class Job:
    """All that is needed to compute any chunk of a run, as a worker gets it."""

    params: Params
    world: World
    layout: Layout
    configs: Any
    """The configs of all variants, as `sim.shocks.draw` takes them."""
    references: tuple[int, ...]
    window: Window
    seed: int
    replicates: int
    keep: Keep
    backend: Backend
    hold: int
    """Periods that a realignment must last."""
    labels: tuple[str, ...]
    """What the variants are called, for a message."""


def tasks(job: Job, chunk: int = 0) -> list[Task]:
    """The chunks of a run, of `chunk` replicates each where it says so.

    Where summaries are kept, a chunk is a whole number of segments.
    """
    variants = len(job.references)
    if job.keep is not Keep.summaries:
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
    parts = len(kernel.Pulls._fields) + 2 if job.keep is Keep.parts else 0
    return estimate_bytes(job.layout, len(job.references), 1, job.window.periods, parts)


def compute(
    job: Job, todo: Sequence[Task], workers: int = 1, store: Store | None = None, cluster: str = ""
) -> Generator[tuple[Task, Arrays], None, None]:
    """Each chunk as it is done, in any order; without its arrays where a store has taken them.

    Processes of this machine compute them, or the Dask cluster that `cluster` names (`sim.cluster`).

    Raises
    ------
    FailedError
        Where chunks cannot be computed, or kill the process that computes them, when all others are done.
    """
    failures: list[FailedError] = []
    for outcome in _outcomes(job, todo, workers, store, cluster):
        if isinstance(outcome, FailedError):
            failures.append(outcome)
        else:
            yield outcome
    if failures:
        first, more = failures[0], len(failures) - 1
        said = f"{first.wrong} (and {more} more {'chunk' if more == 1 else 'chunks'})" if more else first.wrong
        together = FailedError(first.key, said, first.allowed)
        together.labels = tuple(dict.fromkeys(label for failure in failures for label in failure.labels))
        raise together


def _outcomes(
    job: Job, todo: Sequence[Task], workers: int, store: Store | None, cluster: str
) -> Iterator[tuple[Task, Arrays] | FailedError]:
    most = min(workers, len(todo))
    if cluster and todo:
        return clusters.outcomes(partial(do_task, store=store), job, todo, most, cluster)
    return _by_workers(job, todo, most, store) if most > 1 else _here(job, todo, store)


def workers_of(job: Job, todo: Sequence[Task], asked: int) -> int:
    """How many processes compute some chunks: as many as asked for, or where 0 is, all cores if the run is worth it."""
    steps = sum(task.worlds for task in todo) * job.window.periods * job.layout.free.size
    worth = steps > STEPS_ALONE * (FOLDING if job.keep is not Keep.summaries else 1)
    return asked or (len(os.sched_getaffinity(0)) if worth else 1)


def do_task(job: Job, task: Task, store: Store | None) -> tuple[Task, Arrays] | FailedError:
    """Compute a chunk and put it into the store, if there is one; the failure where it cannot be computed."""
    try:
        arrays = run_task(job, task)
    except MemoryError:
        return FailedError("memory", f"is not enough for {_named(job, task)}", TRY_AGAIN)
    except SettingError as error:
        return FailedError(error.key, f"{error.wrong}: {_named(job, task)}", error.allowed)
    failure = _failure(job, task, arrays)
    if failure:
        return failure
    if store is None:
        return task, arrays
    store.put(task, arrays)
    if job.keep is not Keep.summaries:
        SPARE.give(arrays.values())
    return task, {}


def _named(job: Job, task: Task) -> str:
    """A chunk as a message calls it."""
    first, last = task.variants
    variants = job.labels[first] + (f" to {job.labels[last - 1]}" if last - first > 1 else "")
    return f"worlds {task.replicates[0]} to {task.replicates[1] - 1} of {variants}"


def _here(job: Job, todo: Sequence[Task], store: Store | None) -> Iterator[tuple[Task, Arrays] | FailedError]:
    for task in todo:
        yield do_task(job, task, store)


def _by_workers(job: Job, todo: Sequence[Task], workers: int, store: Store | None) -> Iterator[tuple[Task, Arrays] | FailedError]:
    """Chunks by worker processes; where one dies, what it took with it is halved until the chunk that kills stands alone."""
    waiting, deaths = [list(todo)], 0
    while waiting:
        some = waiting.pop()
        lost = yield from _in_pool(job, some, min(workers, len(some)), store)
        if len(lost) > 1:
            middle = len(lost) // 2
            waiting += [lost[middle:], lost[:middle]]
        elif lost:
            deaths += 1
            yield FailedError("engine.workers", f"a worker process died over {_named(job, lost[0])}", TRY_AGAIN)
        if deaths == DEATHS:
            yield FailedError("engine.workers", f"worker processes died over {deaths} chunks; the rest was not tried", TRY_AGAIN)
            return


def _in_pool(
    job: Job, todo: Sequence[Task], workers: int, store: Store | None
) -> Generator[tuple[Task, Arrays] | FailedError, None, list[Task]]:
    """Chunks by one pool of processes; returns those that were lost because one of them died."""
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, _begin_worker, (job, store, os.getpid()))
    lost: list[Task] = []
    ended = False
    try:
        with _no_interrupt():
            waiting = {pool.submit(_in_worker, task): task for task in todo}
        for done in as_completed(waiting):
            try:
                yield done.result()
            except BrokenProcessPool:
                lost.append(waiting[done])
        ended = True
    finally:
        if store and not ended:
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
        pool.shutdown(wait=store is not None, cancel_futures=True)
    return sorted(lost)


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Keep the keyboard's interrupt waiting: processes that begin meanwhile never hear it, their parent does afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_worker: dict[str, Any] = {}


def _begin_worker(job: Job, store: Store | None, parent: int) -> None:
    """Make ready to compute chunks; a worker leaves the keyboard to its parent and ends when that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker.update(job=job, store=store)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def _in_worker(task: Task) -> tuple[Task, Arrays] | FailedError:
    return do_task(_worker["job"], task, _worker["store"])


def _failure(job: Job, task: Task, arrays: Arrays) -> FailedError | None:
    """What cannot be computed in a chunk: a variable that is not finite, and in which variants."""
    for name, array in arrays.items():
        if name.removesuffix(DIFFERENCE) in RECORDED and not np.isfinite(array).all():
            axis = array.ndim - (1 if job.keep is Keep.summaries else 2)
            bad = np.flatnonzero(~np.isfinite(np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)).all(axis=1))
            labels = [job.labels[task.variants[0] + index] for index in bad]
            said = f"is not finite somewhere in {'; '.join(labels[:3])}" + (" ..." if len(labels) > 3 else "")
            failure = FailedError(name, said, "settings inside their plausible ranges")
            failure.labels = tuple(labels)
            return failure
    return None


def run_task(job: Job, task: Task) -> Arrays:
    """The arrays of one chunk by name, the worlds last: (time or period, ..., variant, replicate), or their folded sums."""
    if job.keep is Keep.summaries:
        return _folded(job, task)
    low, high = task.replicates
    variants = range(*task.variants)
    recorder = Worlds(len(variants), high - low, job.window.periods)
    for some, replicates in _blocks(job, variants, low, high):
        recorder.turn_to(some[0] - variants[0], len(some), replicates[0] - low, len(replicates))
        _record(job, recorder, some, replicates)
    return recorder.arrays()


def _blocks(job: Job, variants: range, low: int, high: int) -> Iterator[tuple[range, range]]:
    """The worlds of a chunk in blocks that fit the cache; none of a single replicate where there are more.

    What no luck touches has one replicate in every block, and is told apart by that.
    """
    room = max(1, BLOCK_BYTES // (job.world.alignment[0, 0].size * job.world.alignment.itemsize))
    wide = min(len(variants), max(1, room // 2))
    count = max(1, (high - low) // max(2, room // wide))
    edges = [low + round(part * (high - low) / count) for part in range(count + 1)]
    if job.backend is Backend.jax:
        edges = [*range(low, high, _compiled_replicates(job)), high]
    for begin, end in itertools.pairwise(edges):
        for first in range(variants[0], variants[-1] + 1, wide):
            yield range(first, min(first + wide, variants[-1] + 1)), range(begin, end)


def _compiled_replicates(job: Job) -> int:
    """Replicates that compiled rules take at once: what is filled up to in the end, so never more than a chunk of the run keeps.

    It belongs to the run and not to the chunk at hand, as bits may depend on it; two at least, as `_blocks` has them.
    """
    from sim.accelerated import BLOCK

    kept = BLOCK if job.keep is Keep.summaries else CHUNK_BYTES // _bytes_of_replicate(job)
    return max(2, min(BLOCK, kept))


def _record(job: Job, recorder: Recorder, variants: Sequence[int], replicates: range) -> None:
    """Run some worlds from their opening to the end before a recorder."""
    params, world = (cast(_some(stack, variants), job.layout.precision) for stack in (job.params, job.world))
    luck = np.moveaxis(_luck(job.seed, replicates, job.window.periods, job.layout.states, job.layout.blocs), 2, 0)
    forcing = shocks.draw(job.configs.select(np.array(variants)), job.layout, replicates)
    recorder.open(world)
    if job.backend is Backend.jax:
        from sim.accelerated import trajectories

        block = _compiled_replicates(job)
        found = trajectories(params, world, forcing, luck, job.layout, job.window.dt, job.layout.precision, block=block)
        moments = replayed(found, job.window.periods)
    else:
        pushed = (forcing.at(period) for period in range(job.window.periods))
        forces = pushed if job.layout.precision == "float64" else (forces.cast(job.layout.precision) for forces in pushed)
        luck = luck.astype(job.layout.precision, copy=False)
        moments = kernel.run(params, world, forces, luck, job.layout, job.window.dt, job.keep is Keep.parts)
    for moment in moments:
        recorder.take(moment)


def replayed(trajectories: Arrays, periods: int) -> Iterator[Moment]:
    """The moments of a run from its trajectories, (variant, replicate or 1, time or period, ...)."""
    for period in range(periods):
        flows = Flows(*(_in_plane(name, trajectories[name][:, :, period]) for name in FLOWS))
        stocks = {name: _in_plane(name, trajectories[name][:, :, period + 1]) for name in STORED_STOCKS}
        unkept = np.broadcast_to(np.nan, stocks["alignment"].shape)
        yield Moment(World(disposition=unkept, **stocks), flows, None)


def _in_plane(name: str, array: Array) -> Array:
    """An array of an instant with both of its last axes, as the rules have them."""
    return array if len(QUANTITIES[name].dims) == 2 else array[..., None, :]


_luck = lru_cache(maxsize=1)(noise.normals)
"""The luck of the replicates at hand, shared by all variants."""


def _some(stack: Any, variants: Sequence[int]) -> Any:
    """The constants or stocks of some variants; what all have in common stands once."""
    return shared(type(stack)(*(field if len(field) == 1 else field[list(variants)] for field in stack)))


def _folded(job: Job, task: Task) -> Arrays:
    """Statistics over worlds of each variable and of its paired difference, and the outcome of each world."""
    low, high = task.replicates
    variants = range(*task.variants)
    parts = [pair for pair in segments(job.replicates) if low <= pair[0] < high]
    alone = len(segments(job.replicates)) == 1
    found: Arrays = {}
    for own in _groups(job, variants, parts[0]):
        group = sorted({*own, *(job.references[variant] for variant in own)})
        at = [group.index(variant) for variant in own]
        against = [group.index(job.references[variant]) for variant in own]
        columns = slice(own[0] - variants[0], own[-1] + 1 - variants[0])
        for begin, end in parts:
            recorder = Summaries(at, against, job.layout.courted, job.params.buffer[0, 0], job.hold)
            _record(job, recorder, group, range(begin, end))
            for name, array in recorder.arrays().items():
                if name in OUTCOMES:
                    whole = found.setdefault(name, np.empty((*array.shape[:-2], len(variants), high - low), array.dtype))
                    whole[..., columns, begin - low : end - low] = np.broadcast_to(array, (*array.shape[:-1], end - begin))
                    continue
                folded = array if alone else fixed_sums(array, end - begin, job.replicates)
                whole = found.setdefault(name, np.zeros((*array.shape[:-1], len(variants)), folded.dtype))
                whole[..., columns] = folded if alone else add_sums(whole[..., columns], folded)
    return found


def _groups(job: Job, variants: range, segment: tuple[int, int]) -> Iterator[range]:
    """Variants that are stepped together over a segment, few enough for the cache and enough to bear their references."""
    room = max(8, BLOCK_BYTES // (job.world.alignment[0, 0].size * job.world.alignment.itemsize * (segment[1] - segment[0])))
    for first in range(variants[0], variants[-1] + 1, room):
        yield range(first, min(first + room, variants[-1] + 1))
