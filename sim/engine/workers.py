"""Who computes the chunks of a run: this process, worker processes or a cluster; and what becomes of a chunk that fails.

A chunk that fails holds up no other. One of several variants can be cut again, so that only the variants at fault are missing.
"""

import itertools
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np

from sim import interrupts
from sim.config.schema import Record
from sim.engine import dask_cluster as clusters
from sim.engine.ensemble import Arrays, run_task
from sim.engine.job import Job
from sim.engine.recorders import SPARE
from sim.errors import FailedError, SettingError
from sim.names import DIFFERENCE, RECORDED
from sim.results.chunks import Task
from sim.results.store import Store

STEPS_ALONE = 15_000_000
"""Steps of state and bloc, folded, that one process takes in less time than others take to begin (some five seconds)."""
FOLDING = 3
"""How much longer a folded step takes than one whose world is kept."""
WATCH_SECONDS = 0.2
"""How often a worker looks whether its parent still is."""
DEATHS = 8
"""Chunks over which a process dies, one after the other, before the rest is left."""
AGAIN = "the same command tries it again"
LESS_MEMORY = f"fewer engine.workers or a smaller engine.chunk need less memory; {AGAIN}"


class Failure(NamedTuple):
    """A chunk that could not be computed, why, and which of its variants are known to be at fault."""

    task: Task
    error: FailedError
    bad: tuple[int, ...] = ()
    tried: bool = True


Outcome = tuple[Task, Arrays] | Failure
"""A chunk that is done, without its arrays where a store has taken them; or one that failed."""


def compute(
    job: Job, todo: Sequence[Task], workers: int = 1, store: Store | None = None, cluster: str = ""
) -> Generator[tuple[Task, Arrays], None, None]:
    """Each chunk as it is done, in any order; without its arrays where a store has taken them.

    Processes of this machine compute them, or the Dask cluster that `cluster` names (`sim.engine.dask_cluster`).

    Raises
    ------
    FailedError
        Where chunks cannot be computed, or kill the process that computes them, when all others are done.
    """
    failures: list[Failure] = []
    for outcome in outcomes(job, todo, workers, store, cluster):
        if isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            yield outcome
    if failures:
        raise failed(job, failures)


def failed(job: Job, failures: Sequence[Failure]) -> FailedError:
    """What is said of the chunks that failed together, and the variants that it is said of."""
    first, more = failures[0].error, len(failures) - 1
    said = f"{first.wrong} (and {more} more {'chunk' if more == 1 else 'chunks'})" if more else first.wrong
    together = FailedError(first.key, said, first.allowed)
    together.labels = tuple(dict.fromkeys(label for failure in failures for label in at_fault(job, failure)))
    return together


def at_fault(job: Job, failure: Failure) -> list[str]:
    """The variants that failed: those known to be at fault, else all of the chunk."""
    return [job.labels[index] for index in failure.bad or range(*failure.task.variants)]


def divided(failure: Failure) -> tuple[list[Task], list[Failure]]:
    """A failed chunk of several variants as smaller ones to compute, and those that are known to fail.

    Variants known to be at fault stand alone and are not computed again; where none is known, the chunk is halved.
    """
    (first, last), replicates = failure.task
    inner = [edge for at in failure.bad for edge in (at, at + 1)] or [(first + last) // 2]
    pieces = [Task(pair, replicates) for pair in itertools.pairwise(sorted({first, *inner, last}))]
    known = [Failure(piece, failure.error, piece.variants[:1]) for piece in pieces if piece.variants[0] in failure.bad]
    return [piece for piece in pieces if piece.variants[0] not in failure.bad], known


def is_divisible(failure: Failure) -> bool:
    """Whether a chunk that failed has variants that may be computed without the others."""
    first, last = failure.task.variants
    return failure.tried and last - first > max(1, len(failure.bad))


def outcomes(job: Job, todo: Sequence[Task], workers: int, store: Store | None, cluster: str) -> Generator[Outcome, None, None]:
    """Each chunk as it is done or has failed, in any order."""
    most = min(workers, len(todo))
    if cluster and todo:
        return _by_cluster(job, todo, most, store, cluster)
    return _by_workers(job, todo, most, store) if most > 1 else (do_task(job, task, store) for task in todo)


def workers_of(job: Job, todo: Sequence[Task], asked: int) -> int:
    """How many processes compute some chunks: as many as asked for, or where 0 is, all cores if the run is worth it."""
    steps = sum(task.worlds for task in todo) * job.window.periods * job.layout.free.size
    worth = steps > STEPS_ALONE * (FOLDING if job.record is not Record.summaries else 1)
    return asked or (len(os.sched_getaffinity(0)) if worth else 1)


def do_task(job: Job, task: Task, store: Store | None) -> Outcome:
    """Compute a chunk and put it into the store, if there is one; the failure where it cannot be computed."""
    try:
        arrays = run_task(job, task)
    except MemoryError:
        return Failure(task, FailedError("memory", f"is not enough for {_named(job, task)}", LESS_MEMORY))
    except SettingError as error:
        return Failure(task, FailedError(error.key, f"{error.wrong}: {_named(job, task)}", error.allowed))
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__} in {Path(at.filename).name}, line {at.lineno}: {error}: {_named(job, task)}"
        return Failure(task, FailedError("computing", said, AGAIN))
    failure = _not_finite(job, task, arrays)
    if failure:
        return failure
    if store is None:
        return task, arrays
    store.put(task, arrays)
    if job.record is not Record.summaries:
        SPARE.give(arrays.values())
    return task, {}


def _named(job: Job, task: Task) -> str:
    """A chunk as a message calls it."""
    first, last = task.variants
    variants = job.labels[first] + (f" to {job.labels[last - 1]}" if last - first > 1 else "")
    return f"worlds {task.replicates[0]} to {task.replicates[1] - 1} of {variants}"


def _not_finite(job: Job, task: Task, arrays: Arrays) -> Failure | None:
    """What cannot be computed in a chunk: a variable that is not finite, and in which variants."""
    found: dict[str, list[int]] = {}
    for name, array in arrays.items():
        if name.removesuffix(DIFFERENCE) in RECORDED and not np.isfinite(array).all():
            axis = array.ndim - (1 if job.record is Record.summaries else 2)
            there = np.isfinite(np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)).all(axis=1)
            found[name] = [task.variants[0] + int(index) for index in np.flatnonzero(~there)]
    if not found:
        return None
    bad = tuple(sorted({index for indices in found.values() for index in indices}))
    shown = "; ".join(job.labels[index] for index in bad[:3]) + (" ..." if len(bad) > 3 else "")
    error = FailedError(next(iter(found)), f"is not finite somewhere in {shown}", f"numbers inside their plausible ranges; {AGAIN}")
    return Failure(task, error, bad)


def _by_cluster(job: Job, todo: Sequence[Task], workers: int, store: Store | None, cluster: str) -> Generator[Outcome, None, None]:
    """Chunks by a cluster; one that kills several of its workers has failed."""
    do = partial(do_task, store=store)
    for task, outcome in clusters.outcomes(do, job, todo, workers, cluster, job.backend.value):
        said = f"several workers died over {_named(job, task)}"
        yield outcome or Failure(task, FailedError(clusters.KEY, said, LESS_MEMORY))


def _by_workers(job: Job, todo: Sequence[Task], workers: int, store: Store | None) -> Generator[Outcome, None, None]:
    """Chunks by worker processes; where one dies, what it took with it is halved until the chunk that kills stands alone.

    A chunk has killed only where it was alone in its pool: the last of many may have lost its worker by whatever else happened.
    """
    waiting, deaths = [list(todo)], 0
    while waiting:
        some = waiting.pop()
        lost = yield from _in_pool(job, some, min(workers, len(some)), store)
        if len(lost) > 1:
            middle = len(lost) // 2
            waiting += [lost[middle:], lost[:middle]]
        elif lost and len(some) > 1:
            waiting.append(lost)
        elif lost:
            deaths += 1
            yield Failure(lost[0], FailedError("engine.workers", f"a worker process died over {_named(job, lost[0])}", LESS_MEMORY))
        if deaths == DEATHS:
            said = f"worker processes died over {deaths} chunks; the rest was not tried"
            for task in itertools.chain(*waiting):
                yield Failure(task, FailedError("engine.workers", said, LESS_MEMORY), tried=False)
            return


def _in_pool(job: Job, todo: Sequence[Task], workers: int, store: Store | None) -> Generator[Outcome, None, list[Task]]:
    """Chunks by one pool of processes; returns those that were lost because one of them died."""
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with _unheard():
        pool = ProcessPoolExecutor(workers, context, _begin_worker, (job, store, os.getpid()))
    lost: list[Task] = []
    ended = False
    try:
        with _unheard():
            waiting = {pool.submit(_in_worker, task): task for task in todo}
        finished = SimpleQueue[Future[Outcome]]()
        for future in waiting:
            future.add_done_callback(finished.put)
        for _ in todo:
            done = interrupts.next_of(finished)
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
def _unheard() -> Iterator[None]:
    """Keep waiting what a terminal sends to all: processes that begin meanwhile never hear it and leave it to their parent."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
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


def _in_worker(task: Task) -> Outcome:
    return do_task(_worker["job"], task, _worker["store"])
