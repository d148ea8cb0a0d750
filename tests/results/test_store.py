"""Chunks as files: whole with their receipt or not at all, whatever the system refuses; and who computes one again."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from sim.engine import workers
from sim.engine.workers import Failure
from sim.results.atomic import move, put_file, sync
from sim.results.chunk_store import Store
from sim.results.chunking import Task

TASK = Task((0, 1), (0, 2))
ARRAYS = {"alignment": np.zeros((3, 2))}


def refusing(monkeypatch, number):
    """The system refuses the call of this number among syncs and renames, for want of room."""
    calls, real = iter(range(1000)), {"fsync": os.fsync, "replace": Path.replace}

    def call(name, *args):
        if next(calls) == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real[name](*args)

    monkeypatch.setattr(os, "fsync", lambda *args: call("fsync", *args))
    monkeypatch.setattr(Path, "replace", lambda *args: call("replace", *args))


@pytest.mark.parametrize("number", range(6))
def test_a_chunk_that_is_not_whole_leaves_nothing(tmp_path, monkeypatch, number):
    with monkeypatch.context() as patched:
        refusing(patched, number)
        with pytest.raises(OSError, match=r"No space left.*bytes needed.*v000000-r000000000"):
            Store(tmp_path, "run").put(TASK, ARRAYS)
    assert list((tmp_path / "chunks").iterdir()) == []
    Store(tmp_path, "run").put(TASK, ARRAYS)
    assert Store(tmp_path, "run").has(TASK)


@pytest.mark.parametrize(("number", "call"), [(0, lambda path: sync(path)), (0, lambda path: move(path, path.with_name("other")))])
def test_what_cannot_be_brought_to_the_disk_is_named(tmp_path, monkeypatch, number, call):
    path = tmp_path / "receipt"
    put_file(path, b"x")
    refusing(monkeypatch, number)
    with pytest.raises(OSError, match="No space left") as caught:
        call(path)
    assert str(tmp_path) in str(caught.value.filename)


def pools(monkeypatch, deadly):
    """Pools without processes: one that is given the deadly chunk loses whatever `deadly` says; the sizes of all pools."""
    sizes = []

    def pool(job, todo, number, store):
        sizes.append(len(todo))
        lost = deadly(todo, len(sizes))
        yield from ((task, {}) for task in todo if task not in lost)
        return lost

    monkeypatch.setattr(workers, "_in_pool", pool)
    return sizes


def test_a_chunk_lost_with_a_worker_is_tried_alone_before_it_has_failed(monkeypatch):
    todo = [Task((0, 2), (low, low + 1)) for low in range(4)]
    sizes = pools(monkeypatch, lambda some, number: some[-1:] if number == 1 else [])
    assert sorted(task for task, _ in workers.outcomes(None, todo, 2, None, "")) == todo
    assert sizes == [4, 1]


def test_a_chunk_that_kills_alone_has_failed(monkeypatch):
    todo = [Task((0, 2), (low, low + 1)) for low in range(4)]
    monkeypatch.setattr(workers, "_named", lambda *_: "it")
    pools(monkeypatch, lambda some, _: todo[2:3] if todo[2] in some else [])
    found = list(workers.outcomes(None, todo, 2, None, ""))
    assert [outcome.task for outcome in found if isinstance(outcome, Failure)] == [todo[2]]
