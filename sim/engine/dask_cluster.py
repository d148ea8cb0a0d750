"""Chunks computed by a Dask cluster: processes of this machine, or a cluster whose scheduler has an address.

Chunks are computed by the same function as without a cluster. Dask gives the chunks of a worker that died to other workers.
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
"""The address that means a cluster of processes on this machine, for the duration of the run."""
PATIENCE = "20s"
"""The timeout for connecting to a scheduler."""

Job = TypeVar("Job")
Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


def outcomes(
    do: Callable[[Job, Task], Outcome], job: Job, todo: Sequence[Task], workers: int, address: str, backend: str
) -> Iterator[tuple[Task, Outcome | None]]:
    """Each task, in any order, with its result from a worker of a cluster, or None where the task killed several workers.

    Parameters
    ----------
    do : callable
        A function of a job and a task, at the top level of a module, as workers import it.
    job, todo
        The data that all tasks share, sent once to each worker, and the tasks.
    workers : int
        Number of processes of a local cluster.
    address : str
        `local`, or the address of a scheduler.
    backend : str
        The back end, as `sim.results.software.versions` takes it.

    Raises
    ------
    SettingError
        Where Dask is not installed, no scheduler answers, or a worker has other software versions or processor features.
    """
    try:
        dask: Any = importlib.import_module("distributed")
    except ImportError:
        raise SettingError(KEY, "needs Dask, which is not installed", "pip install 'regional-influence[dask]'") from None
    with _client(dask, workers, address) as client:
        shared = client.submit(_same, job, pure=False)  # a task, not scattered data: Dask computes it again where its worker dies
        expected = backend, versions(backend)

        def ask(task: Task) -> Any:
            return client.submit(_at_worker, do, shared, task, *expected, pure=False)

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
            for task in died:  # a worker that dies also loses its waiting tasks, so each is tried alone to find those that kill
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


def _at_worker(do: Callable[[Any, Any], Any], job: Any, task: Any, backend: str, expected: dict[str, str]) -> Any:
    """The result of a task, refused on a worker whose software versions or processor features differ from those of the caller."""
    rows = differing(expected, versions(backend))
    if rows:
        shown = "; ".join(f"{key} {asked} here, {there} there" for key, asked, there in rows)
        wrong = f"a worker has other software or another processor: {shown}"
        raise SettingError(KEY, wrong, "the same versions and processor features everywhere")
    return do(job, task)
