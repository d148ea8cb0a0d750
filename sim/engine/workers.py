"""Computing the chunks of a run in this process, in worker processes or on a cluster, and handling chunks that fail.

A chunk that fails does not stop others. One of several variants can be divided, so that only the variants at fault are missing.
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
from sim.results.chunk_store import Store
from sim.results.chunking import Task

STEPS_ALONE = 15_000_000
"""Steps of a state and bloc, with summaries, that one process takes in less time than others take to start (some 5 s)."""
FOLDING = 3
"""How much longer a step takes with summaries than with trajectories recorded."""
WATCH_SECONDS = 0.2
"""How often a worker checks that its parent process still exists."""
DEATHS = 8
"""After so many chunks that killed a process, the remaining chunks are not tried."""
AGAIN = "the same command tries it again"
LESS_MEMORY = f"fewer engine.workers or a smaller engine.chunk need less memory; {AGAIN}"


class Failure(NamedTuple):
    """A chunk that could not be computed, the reason, the variants known to be at fault, and whether it was tried."""

    task: Task
    error: FailedError
    bad: tuple[int, ...] = ()
    tried: bool = True


Outcome = tuple[Task, Arrays] | Failure
"""A chunk that is done, with its arrays, or with none where they were put into a store; or a failed one."""


def compute(
    job: Job, todo: Sequence[Task], workers: int = 1, store: Store | None = None, cluster: str = ""
) -> Generator[tuple[Task, Arrays], None, None]:
    """Compute chunks; gives each as it is done, in any order, without its arrays where they were put into a store.

    Processes of this machine compute them, or the Dask cluster that `cluster` names (`sim.engine.dask_cluster`).

    Raises
    ------
    FailedError
        When all other chunks are done, where some could not be computed or killed the process that computed them.
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
    """One error for all failed chunks: the first message, how many more failed, and the variants at fault."""
    first, more = failures[0].error, len(failures) - 1
    wrong = f"{first.wrong} (and {more} more {'chunk' if more == 1 else 'chunks'})" if more else first.wrong
    together = FailedError(first.key, wrong, first.allowed)
    together.labels = tuple(dict.fromkeys(label for failure in failures for label in at_fault(job, failure)))
    return together


def at_fault(job: Job, failure: Failure) -> list[str]:
    """The labels of the variants known to be at fault, else of all variants of the chunk."""
    return [job.labels[index] for index in failure.bad or range(*failure.task.variants)]


def divided(failure: Failure) -> tuple[list[Task], list[Failure]]:
    """A failed chunk of several variants divided: smaller chunks to compute, and failures of chunks that are known to fail.

    A variant known to be at fault becomes a chunk of its own that is not computed again; where none is known, the chunk is halved.
    """
    (first, last), replicates = failure.task
    inner = [edge for at in failure.bad for edge in (at, at + 1)] or [(first + last) // 2]
    pieces = [Task(pair, replicates) for pair in itertools.pairwise(sorted({first, *inner, last}))]
    known = [Failure(piece, failure.error, piece.variants[:1]) for piece in pieces if piece.variants[0] in failure.bad]
    return [piece for piece in pieces if piece.variants[0] not in failure.bad], known


def is_divisible(failure: Failure) -> bool:
    """Whether a failed chunk has variants that may be computed without the others."""
    first, last = failure.task.variants
    return failure.tried and last - first > max(1, len(failure.bad))


def outcomes(job: Job, todo: Sequence[Task], workers: int, store: Store | None, cluster: str) -> Generator[Outcome, None, None]:
    """Each chunk as it is done or has failed, in any order."""
    most = min(workers, len(todo))
    if cluster and todo:
        return _by_cluster(job, todo, most, store, cluster)
    return _by_workers(job, todo, most, store) if most > 1 else (do_task(job, task, store) for task in todo)


def workers_of(job: Job, todo: Sequence[Task], asked: int) -> int:
    """How many processes compute some chunks: `asked`, or where it is 0, one per core if the run is long enough, else 1."""
    steps = sum(task.worlds for task in todo) * job.window.periods * job.layout.free.size
    worth = steps > STEPS_ALONE * (FOLDING if job.record is not Record.summaries else 1)
    return asked or (len(os.sched_getaffinity(0)) if worth else 1)


def do_task(job: Job, task: Task, store: Store | None) -> Outcome:
    """Compute a chunk and put it into the store, if there is one; a `Failure` where it cannot be computed."""
    try:
        arrays = run_task(job, task)
    except MemoryError:
        return Failure(task, FailedError("memory", f"is not enough for {_named(job, task)}", LESS_MEMORY))
    except SettingError as error:
        return Failure(task, FailedError(error.key, f"{error.wrong}: {_named(job, task)}", error.allowed))
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        wrong = f"{type(error).__name__} in {Path(at.filename).name}, line {at.lineno}: {error}: {_named(job, task)}"
        return Failure(task, FailedError("computing", wrong, AGAIN))
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
    """The name of a chunk in messages."""
    first, last = task.variants
    variants = job.labels[first] + (f" to {job.labels[last - 1]}" if last - first > 1 else "")
    return f"replicates {task.replicates[0]} to {task.replicates[1] - 1} of {variants}"


def _not_finite(job: Job, task: Task, arrays: Arrays) -> Failure | None:
    """The failure of a chunk with a variable that is not finite, with the variants at fault; None where all are finite."""
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
    """Chunks computed by a cluster; a chunk that kills several of its workers has failed."""
    do = partial(do_task, store=store)
    for task, outcome in clusters.outcomes(do, job, todo, workers, cluster, job.backend.value):
        wrong = f"several workers died computing {_named(job, task)}"
        yield outcome or Failure(task, FailedError(clusters.KEY, wrong, LESS_MEMORY))


def _by_workers(job: Job, todo: Sequence[Task], workers: int, store: Store | None) -> Generator[Outcome, None, None]:
    """Chunks computed by worker processes; where one dies, the lost chunks are halved until the one that kills is alone.

    A chunk counts as killing only where it was alone in its pool: otherwise its worker may have died for another reason.
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
            wrong = f"a worker process died computing {_named(job, lost[0])}"
            yield Failure(lost[0], FailedError("engine.workers", wrong, LESS_MEMORY))
        if deaths == DEATHS:
            wrong = f"worker processes died computing {deaths} chunks; the remaining chunks were not tried"
            for task in itertools.chain(*waiting):
                yield Failure(task, FailedError("engine.workers", wrong, LESS_MEMORY), tried=False)
            return


def _in_pool(job: Job, todo: Sequence[Task], workers: int, store: Store | None) -> Generator[Outcome, None, list[Task]]:
    """Chunks computed by one pool of processes; returns the chunks that were lost because a process died."""
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with _signals_blocked():
        pool = ProcessPoolExecutor(workers, context, _begin_worker, (job, store, os.getpid()))
    lost: list[Task] = []
    ended = False
    try:
        with _signals_blocked():
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
def _signals_blocked() -> Iterator[None]:
    """Block SIGINT and SIGHUP: processes started meanwhile inherit the mask and leave these signals to their parent."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_worker: dict[str, Any] = {}


def _begin_worker(job: Job, store: Store | None, parent: int) -> None:
    """Initialise a worker: it ignores interrupts from the keyboard, and exits when its parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker.update(job=job, store=store)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def _in_worker(task: Task) -> Outcome:
    return do_task(_worker["job"], task, _worker["store"])
