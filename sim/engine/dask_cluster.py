"""Chunks computed by a Dask cluster: one of this machine's processes, or one that has a scheduler somewhere.

What is done to a chunk is the same function as everywhere else; here is only who does it. Dask gives the chunks of a worker that
died to others.
"""

import importlib
import logging
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import Any, TypeVar

from sim import interrupts
from sim.config.fingerprint import differing
from sim.errors import SettingError
from sim.results.software import versions

KEY = "engine.cluster"
HERE = "local"
"""A cluster of this machine's own, for as long as the run takes."""
PATIENCE = "20s"
"""How long a scheduler may take to answer."""

Job = TypeVar("Job")
Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


def outcomes(
    do: Callable[[Job, Task], Outcome], job: Job, todo: Sequence[Task], workers: int, address: str, backend: str
) -> Iterator[tuple[Task, Outcome | None]]:
    """Each task, in any order, with what a function makes of it on the workers of a cluster; with None where several died of it.

    Parameters
    ----------
    do : callable
        Of a job and a task; a function of a module, as workers import it.
    job, todo
        What all tasks share, which is sent once to each worker, and the tasks.
    workers : int
        Processes of a cluster of this machine's own.
    address : str
        `local` for that, else the address of a scheduler.
    backend : str
        What computes, as `sim.results.software.versions` takes it.

    Raises
    ------
    SettingError
        Where Dask is not installed, no scheduler answers, or a worker would not make the same bits.
    """
    try:
        dask: Any = importlib.import_module("distributed")
    except ImportError:
        raise SettingError(KEY, "needs Dask, which is not installed", "pip install 'regional-influence[dask]'") from None
    with _client(dask, workers, address) as client:
        shared = client.submit(_same, job, pure=False)  # a task and no scattered data: it is made again where its worker dies
        making = backend, versions(backend)

        def ask(task: Task) -> Any:
            return client.submit(_at_worker, do, shared, task, *making, pure=False)

        waiting, died = {ask(task): task for task in todo}, []
        try:
            finished = SimpleQueue[Any]()
            for future in waiting:
                future.add_done_callback(finished.put)
            for _ in todo:
                future = interrupts.next_of(finished)
                try:
                    yield waiting[future], future.result()
                except dask.KilledWorker:
                    died.append(waiting[future])
                future.release()
            for task in died:  # a worker that dies takes along what waits with it: which of them kills shows where each is alone
                try:
                    again = ask(task)
                    again.add_done_callback(finished.put)
                    yield task, interrupts.next_of(finished).result()
                except dask.KilledWorker:
                    yield task, None
        finally:
            client.cancel(list(waiting))


def _client(dask: Any, workers: int, address: str) -> Any:
    if address == HERE:
        return dask.Client(n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL)
    try:
        return dask.Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise SettingError(KEY, f"no scheduler answers at {address}: {error}", f"{HERE}, or a scheduler's address") from None


def _same(job: Any) -> Any:
    return job


def _at_worker(do: Callable[[Any, Any], Any], job: Any, task: Any, backend: str, making: dict[str, str]) -> Any:
    """The outcome of a task, from a worker whose numbers are made as those of the rest of the run are."""
    rows = differing(making, versions(backend))
    if rows:
        shown = "; ".join(f"{key} {asked} here, {there} there" for key, asked, there in rows)
        raise SettingError(KEY, f"a worker is of another making: {shown}", "the same versions and processor features everywhere")
    return do(job, task)
