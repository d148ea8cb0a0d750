"""Beyond one machine: parts, places behind URLs and a Dask cluster, each with the bits of a plain run."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from sim.commands import jobs
from sim.commands.identity import settings_of
from sim.commands.writing import write_part, write_run
from sim.compose.expand import expand, expand_jobs
from sim.config.places import ANY, trusting
from sim.engine import dask_cluster
from sim.engine.ensemble import tasks
from sim.engine.plan import Plan, job_of
from sim.engine.runs import simulate
from sim.engine.workers import Failure, compute, outcomes
from sim.errors import DamageError, FailedError, RoomError, SettingError
from sim.results.chunk_store import CHUNKS, Store
from sim.results.chunking import Task
from sim.results.lifecycle import complete
from sim.results.locks import hold
from sim.results.manifest import COMPLETE, MANIFEST, read_manifest
from sim.results.reading import open_results
from sim.results.software import processor, versions
from tests.conftest import HARD, over, without_figures

SAID = [*HARD, "dynamics.vigilance=0.5,2", "replicates=12", "start=2022-01", "end=2023-01", "engine.chunk=2"]
ARRAYS = {"alignment": np.arange(6.0).reshape(2, 3), "when": np.array([1, 2])}
CHUNK = Task((0, 1), (0, 3))


def plan_of(folder, *said):
    return Plan(expand(over(SAID, *said), config_dir=folder))


def write(plan, folder):
    with without_figures():
        return write_run(folder, plan, settings_of(plan.variants))


def files(folder):
    """Every file of a results folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def command(folder, *said, out="out"):
    """The command of a sweep, as a process in a folder of its own."""
    folder.mkdir(exist_ok=True)
    root = str(Path(__file__).parent.parent)
    words = [sys.executable, "-m", "sim", "sweep", *SAID, f"out={out}", *said]
    return subprocess.Popen(
        words, cwd=folder, env={**os.environ, "PYTHONPATH": root}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def ended(process):
    said, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong.decode()
    return said.decode()


# Parts -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_parts_beside_each_other_end_as_a_plain_run_to_the_last_byte(hard, tmp_path):
    own = ["--config-dir", str(hard)]
    ended(command(tmp_path / "plain", *own))
    parts = [command(tmp_path / "parts", f"engine.part={number}/3", *own) for number in (1, 2, 3)]
    assert all("2 chunks are in out" in ended(part) for part in parts)
    between = files(tmp_path / "parts" / "out")
    assert COMPLETE not in between and "summary.csv" not in between
    ended(command(tmp_path / "parts", *own))
    assert files(tmp_path / "parts" / "out") == files(tmp_path / "plain" / "out")


def test_a_folder_that_a_part_beside_begins_while_it_is_looked_at_is_the_runs_own(hard, tmp_path, monkeypatch):
    plan = plan_of(hard, "engine.part=1/3")
    settings, out = settings_of(plan.variants), tmp_path / "out"
    write_part(tmp_path / "other", plan, settings)
    out.mkdir()

    def begun(store):
        shutil.copy(tmp_path / "other" / MANIFEST, out / MANIFEST)  # as the part beside does in this very moment
        return False

    monkeypatch.setattr(Store, "begun", begun)
    assert not complete(out, settings)


def test_a_part_computes_its_own_chunks_and_no_chunk_twice(hard, tmp_path):
    count = len(tasks(job_of(plan_of(hard)), 2))
    names = [set(), set(), set()]
    for number in (1, 2, 3, 2):
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / CHUNKS).glob("*.npz")}
        plan = plan_of(hard, f"engine.part={number}/3")
        assert write_part(tmp_path / "out", plan, settings_of(plan.variants)) == 2
        after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / CHUNKS).glob("*.npz")}
        assert before.items() <= after.items()
        names[number - 1] |= {path.name for path in after.keys() - before.keys()}
    assert [len(found) for found in names] == [2, 2, 2] and len(set.union(*names)) == count == 6


def test_a_part_of_another_run_is_refused_and_changes_nothing(hard, tmp_path):
    one, other = plan_of(hard, "engine.part=1/2"), plan_of(hard, "engine.part=2/2", "seed=7")
    write_part(tmp_path, one, settings_of(one.variants))
    before = files(tmp_path)
    with pytest.raises(SettingError, match="seed: 2026 there, 7 here"):
        write_part(tmp_path, other, settings_of(other.variants))
    assert files(tmp_path) == before


def test_parts_hold_a_folder_together_and_against_a_whole_run(tmp_path):
    with hold(tmp_path, together=True), hold(tmp_path, together=True), pytest.raises(SettingError, match="is writing it"):
        hold(tmp_path)
    with hold(tmp_path), pytest.raises(SettingError, match=f"process {os.getpid()} on"):
        hold(tmp_path, together=True)


@pytest.mark.parametrize("part", ["0/3", "4/3", "3", "1/0", "-1/3", "a/b", "1/3/5"])
def test_what_is_no_part_is_refused(part):
    with pytest.raises(SettingError, match=r"engine\.part.*is not a part"):
        expand([f"engine.part='{part}'"])


def test_parts_of_several_jobs_are_refused(hard):
    with pytest.raises(SettingError, match=r"engine\.part: applies to one run"):
        jobs.folder_of(expand_jobs([*HARD, "engine.part=1/2"], config_dir=hard))


def test_how_a_run_is_spread_is_no_setting_of_its_data(hard):
    plain = settings_of(plan_of(hard).variants)
    assert settings_of(plan_of(hard, "engine=dask", "engine.chunks=s3://bucket/runs", "engine.part=1/9").variants) == plain


def test_a_machine_of_another_making_does_not_go_on(hard, tmp_path, monkeypatch):
    plan = plan_of(hard, "engine.part=1/2")
    write_part(tmp_path, plan, settings_of(plan.variants))
    monkeypatch.setattr("sim.results.software.processor", lambda: "abacus")
    with pytest.raises(SettingError, match=r"other versions: processor .* there, abacus here"):
        write_part(tmp_path, plan, settings_of(plan.variants))


def test_the_processor_is_said_as_numpy_uses_it():
    found = subprocess.run(
        [sys.executable, "-c", "from sim.results.software import processor; print(processor())"],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(processor().split()[1:])},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == processor().split()[:1]


# Places ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["inside", "file", "memory"])
def store(request, tmp_path):
    """A store in a folder, behind the URL of one, and in memory."""
    if request.param == "memory":
        pytest.importorskip("fsspec")
    place = {"inside": "", "file": f"file://{tmp_path}/away", "memory": f"memory://{tmp_path}"}[request.param]
    return Store(tmp_path, "run", place)


def test_a_chunk_is_the_same_wherever_it_lies(store):
    assert not store.begun() and not store.has(CHUNK) and store.sha256(CHUNK) == ""
    with pytest.raises(DamageError, match="is missing"):
        store.get(CHUNK)
    store.put(CHUNK, ARRAYS)
    found = store.get(CHUNK)
    assert {name: array.tobytes() for name, array in found.items()} == {name: array.tobytes() for name, array in ARRAYS.items()}
    assert store.begun() and store.has(CHUNK) and len(store.sha256(CHUNK)) == 64
    store.sweep()
    for place in (store.path(CHUNK), store.receipt(CHUNK)):
        place.unlink()
        place.unlink(missing_ok=True)
    assert not store.begun() and not store.receipt(CHUNK).exists()


def test_a_damaged_chunk_is_refused_wherever_it_lies(store):
    store.put(CHUNK, ARRAYS)
    content = bytearray(store.path(CHUNK).read_bytes())
    content[len(content) // 2] ^= 1
    store.path(CHUNK).write_bytes(bytes(content))
    assert not store.has(CHUNK)
    with pytest.raises(DamageError, match="is not as it was written"):
        store.get(CHUNK)


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_run_whose_chunks_are_elsewhere_opens_as_it_was(hard, tmp_path, kind):
    if kind == "memory":
        pytest.importorskip("fsspec")
    place = f"{kind}://{tmp_path}/away"
    plan = plan_of(hard, f"engine.chunks={place}")
    write(plan, tmp_path / "out")
    assert not (tmp_path / "out" / CHUNKS).exists()
    with pytest.raises(SettingError, match=r"chunks lie outside it, at [^\n]*\n.*--trust-place") as refused:
        open_results(tmp_path / "out")
    assert refused.value.code == 2
    with trusting(ANY):
        assert read_manifest(tmp_path / "out")["place"].startswith(place)
    opened = open_results(tmp_path / "out", trust_place=True)
    assert opened.attrs.pop("settings_hash")
    there = simulate(plan_of(hard))
    xr.testing.assert_equal(opened, there)
    assert all(opened[name].values.tobytes() == there[name].values.tobytes() for name in there)


@pytest.mark.slow
def test_runs_of_other_cuts_do_not_share_a_place(hard, tmp_path):
    for name, more in (("one", []), ("other", ["engine.chunk=3"])):
        write_run_of = plan_of(hard, f"engine.chunks=file://{tmp_path}/away", *more)
        write(write_run_of, tmp_path / name)
    assert len(list((tmp_path / "away").iterdir())) == 2
    for name in ("one", "other"):
        open_results(tmp_path / name, trust_place=True)


@pytest.mark.parametrize("url", ["here", "s3:/bucket", "file://relative/path", "://x"])
def test_what_is_no_url_is_refused(url):
    with pytest.raises(SettingError, match=r"engine\.chunks.*is not a URL"):
        expand([f"engine.chunks='{url}'"])


def test_a_place_that_nothing_opens_is_refused(hard, tmp_path):
    pytest.importorskip("fsspec")
    with pytest.raises(SettingError, match=r"engine\.chunks.*cannot be opened.*nowhere"):
        write(plan_of(hard, "engine.chunks=nowhere://bucket/runs"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Gone:
    """A file system behind a network that is down: each has errors of its own."""

    def __getattr__(self, name):
        raise RuntimeError("no route to host")


def test_a_place_that_does_not_answer_is_one_message_and_no_missing_chunk(hard, tmp_path, monkeypatch):
    core = SimpleNamespace(url_to_fs=lambda url, **options: (Gone(), url))
    monkeypatch.setitem(sys.modules, "fsspec.core", core)
    with pytest.raises(RoomError, match=r"engine\.chunks: s3://bucket/runs/\w+ cannot be used: no route to host"):
        write(plan_of(hard, "engine.chunks=s3://bucket/runs"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    away = Store(tmp_path, "run", "s3://bucket/runs")
    for ask in (away.begun, lambda: away.has(CHUNK), lambda: away.sha256(CHUNK), lambda: away.put(CHUNK, ARRAYS)):
        with pytest.raises(RoomError, match="cannot be used"):
            ask()


@pytest.mark.parametrize(
    ("module", "said", "extra"),
    [
        ("fsspec.core", "engine.chunks=s3://bucket/runs", "dask"),
        ("distributed", "engine=dask", "dask"),
        ("jax", "engine.backend=jax", "jax"),
    ],
)
def test_what_is_not_installed_is_named_with_its_remedy(hard, tmp_path, monkeypatch, module, said, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingError, match=rf"is not installed\n.*pip install 'regional-influence\[{extra}\]'") as refused:
        write(plan_of(hard, said), tmp_path / "out")
    assert refused.value.code == 2
    assert not (tmp_path / "out").exists()


# Dask ------------------------------------------------------------------------------------------------------------------------


def test_what_is_no_cluster_is_refused():
    with pytest.raises(SettingError, match=r"engine\.cluster.*did you mean local"):
        expand(["engine=dask", "engine.cluster=locl"])


@pytest.fixture
def dask():
    """Dask, which is an extra; its own warnings are not ours."""
    return pytest.importorskip("distributed")


def same(first, second):
    return {name: bits for name, bits in first.items() if name.startswith(CHUNKS)} == {
        name: bits for name, bits in second.items() if name.startswith(CHUNKS)
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("record", ["trajectories", "summaries"])
def test_a_cluster_of_this_machine_makes_the_same_bits(hard, tmp_path, dask, record):
    settings = [f"record={record}", *(["replicates=1100"] if record == "summaries" else [])]  # several chunks of whole segments
    write(plan_of(hard, *settings), tmp_path / "plain")
    write(plan_of(hard, *settings, "engine=dask", "engine.workers=2"), tmp_path / "dask")
    plain, spread = files(tmp_path / "plain"), files(tmp_path / "dask")
    assert len(plain) > 10 and same(plain, spread) and plain["summary.csv"] == spread["summary.csv"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_worlds_that_go_nowhere_come_back_from_a_cluster(hard, dask):
    there, here = simulate(plan_of(hard, "engine=dask", "engine.workers=2")), simulate(plan_of(hard))
    assert all(there[name].values.tobytes() == here[name].values.tobytes() for name in here)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_worker_that_is_killed_costs_no_chunk_and_no_bit(hard, tmp_path, dask):
    said = ["end=2030-01", "replicates=60"]
    write(plan_of(hard, *said), tmp_path / "plain")
    with dask.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as local:
        killed, chunks = [], tmp_path / "dask" / CHUNKS

        def kill():
            while len(list(chunks.glob("*.json"))) < 3:
                time.sleep(0.005)
            os.kill(local.workers[0].pid, signal.SIGKILL)
            killed.append(len(list(chunks.glob("*.json"))))

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        plan = plan_of(hard, *said, "engine=dask", f"engine.cluster={local.scheduler_address}")
        write(plan, tmp_path / "dask")
        killer.join(timeout=1)
        assert killed and killed[0] < 30, "a worker died while the run went on"
    plain, spread = files(tmp_path / "plain"), files(tmp_path / "dask")
    assert len(plain) > 60 and same(plain, spread) and plain["summary.csv"] == spread["summary.csv"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_chunk_that_kills_every_worker_holds_up_no_other(dask):
    assert dict(dask_cluster.outcomes(_die_of_two, None, [1, 2, 3], 1, "local", "numpy")) == {1: 1, 2: None, 3: 3}


def _die_of_two(job, task):
    if task == 2:
        os._exit(1)
    return task


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_chunk_that_kills_every_worker_is_told_in_words(hard, tmp_path, dask):
    job = job_of(plan_of(hard))
    [found] = outcomes(job, tasks(job)[:1], 1, Deadly(tmp_path, "run"), "local")
    assert isinstance(found, Failure) and "several workers died computing replicates 0 to 11 of" in found.error.wrong


class Deadly(Store):
    """A store that ends whoever puts into it."""

    def put(self, task, arrays):
        os._exit(1)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_variant_that_cannot_be_computed_is_named_from_a_cluster(hard, dask):
    job = job_of(plan_of(hard))
    broken = replace(job, world=job.world._replace(alignment=job.world.alignment * np.nan))
    with pytest.raises(FailedError, match="alignment: is not finite somewhere in"):
        list(compute(broken, tasks(job, 6), 1, cluster="local"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_worker_of_another_making_is_refused(dask, monkeypatch):
    monkeypatch.setattr(dask_cluster, "versions", lambda backend: versions() | {"numpy": "1.0"})
    with pytest.raises(SettingError, match=r"other software or another processor: numpy 1\.0 here"):
        list(dask_cluster.outcomes(divmod, 7, [2], 1, "local", "numpy"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_scheduler_that_does_not_answer_is_one_message(dask, monkeypatch):
    monkeypatch.setattr(dask_cluster, "PATIENCE", "1s")
    with pytest.raises(SettingError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9"):
        list(dask_cluster.outcomes(divmod, 7, [2], 1, "tcp://127.0.0.1:9", "numpy"))
