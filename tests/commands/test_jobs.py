"""`sim run -m`: jobs computed together are each as if run alone, one that fails holds up no other, and nothing is lost."""

import csv
import json
import os
import shlex
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from sim.commands import identity, jobs, writing
from sim.commands.cli import run_command
from sim.compose.designs import Variants
from sim.compose.expand import expand, expand_jobs
from sim.engine import ensemble, recorders, workers
from sim.engine.plan import Plan, job_of
from sim.engine.runs import simulate
from sim.errors import DamageError, SettingError
from sim.names import SHOWN
from sim.results import dataset, lifecycle, manifest, reading
from sim.results.reading import open_results
from tests.conftest import HARD, connected, over, without_figures

SAID = [*HARD[:1], "replicates=5", "end=2023-04"]


def write(folder, said, out):
    """The jobs of some overrides, written as the command does."""
    return jobs.write_jobs(out, expand_jobs(said, folder), lambda: nullcontext(None))


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def sim(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; its exit code, what it said and what it complained of."""
    monkeypatch.chdir(tmp_path)

    def run(*argv):
        code = run_command([str(word) for word in argv])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


CHANCE = [
    "shock=[everything]",
    "shock.everything.probability=0.5",
    "shock.everything.effects.tie_step.date={from:2022-02-01,to:2022-09-01}",
]


ALIKE = {
    "numbers": ["shock=[everything]", "dynamics.vigilance=0.5,2"],
    "shocks": ["shock=[],[everything]", "record=decomposition"],
    "draws": ["shock=[everything]", "dynamics.vigilance=0,1", "dynamics.relay=interval(0,1)", "draws=3", "engine.chunk=2"],
    "folded": ["dynamics.vigilance=0.5,2", "dynamics.relay=interval(0,1)", "draws=20", "record=summaries"],
    "seeds": ["shock=[everything]", "seed=1,2", "dynamics.vigilance=0.5,2"],
    "seeds and chance": [*CHANCE, "seed=1,2,3"],
    "seeds folded": [*CHANCE, "seed=1,2", "dynamics.vigilance=0.5,2", "record=summaries"],
    "seeds and draws": ["seed=1,2", "dynamics.relay=interval(0,1)", "draws=3"],
    "buffers and names": ["region.blocs.west.buffer=[],[south]", "region.blocs.west.label=West,Occident"],
    "openings": ["region.as_of=2022-01,2021-07", "dynamics.vigilance=0.5,2"],
    "whole runs": ["dynamics.vigilance=0.5,2", "replicates=3,4", "periods_per_year=4,12", "end=2023-07"],
}


COUNTS = {
    **{"numbers": 2, "shocks": 2, "draws": 2, "folded": 2, "buffers and names": 4, "openings": 4, "whole runs": 8},
    **{"seeds": 4, "seeds and chance": 3, "seeds folded": 4, "seeds and draws": 2},
}


LONG = {"draws", "folded", "whole runs", "seeds", "seeds folded", "seeds and draws", "buffers and names", "openings"}


@pytest.mark.parametrize("named", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in ALIKE])
def test_a_job_opens_as_if_it_had_run_alone(hard, tmp_path, named):
    done = write(hard, over(SAID, *ALIKE[named]), tmp_path / "out")
    assert len(done) == COUNTS[named]
    batches = expand_jobs(over(SAID, *ALIKE[named]), hard)
    for job, (batch, at) in zip(done, jobs.in_order(batches), strict=True):
        assert job.status == "complete", job.message
        own = batch.variants.select(np.flatnonzero(batch.variants.point == at))
        alone, into = tmp_path / "alone" / job.name, tmp_path / "out" / job.name
        with without_figures():
            writing.write_run(alone, Plan(own), identity.settings_of(list(own)))
        one, other = open_results(into), open_results(alone)
        xr.testing.assert_identical(one, other)
        assert all(one[name].values.tobytes() == other[name].values.tobytes() for name in one.data_vars)
        assert yaml.safe_load((into / "config.yaml").read_text()) == yaml.safe_load((alone / "config.yaml").read_text())
        summary = rows_of(alone / "summary.csv")
        ends = {variable: max(row["time"] for row in summary if row["variable"] == variable) for variable in SHOWN}
        assert rows_of(into / "final.csv") == [row for row in summary if row["time"] == ends[row["variable"]]]
        assert job.outcome == (other.attrs["outcome"], dataset.outcome(other))


@pytest.mark.slow
def test_jobs_of_one_run_are_one_batch_and_plain_values_give_the_same_worlds(hard, tmp_path):
    write(hard, [*SAID, *CHANCE, "periods_per_year=4,12", "seed=7,8", "dynamics.vigilance=0.5,2"], tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out" / "batches")) == ["0", "1"]
    plain = expand([*SAID, *CHANCE, "seed=8", "periods_per_year=12", "dynamics.vigilance=0.5"], hard)
    job = next((tmp_path / "out").glob("*12_seed_8_vigilance_0.5"))
    ds = writing.run_variant(plain[0], tmp_path / "plain")
    assert open_results(job)["alignment"].values.tobytes() == ds["alignment"].values.tobytes()
    assert open_results(job).attrs["seed"] == ds.attrs["seed"] == 8
    assert json.loads((job / "job.json").read_text())["batch"] == "../batches/1"


@pytest.mark.slow
def test_regions_of_one_name_and_jobs_of_other_actors_are_each_as_if_run_alone(hard, tmp_path):
    """Files that share a `name:` but not their actors, their order or their opening."""
    region = connected()
    turned = {**region, "states": dict(reversed(region["states"].items()))}
    fewer = {**region, "routes": {}, "as_of": "2021-07"}
    (tmp_path / "region").mkdir()
    for name, content in (("one", region), ("two", turned), ("three", fewer)):
        (tmp_path / "region" / f"{name}.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False))
    said = ["replicates=3", "end=2022-06"]
    done = write(tmp_path, ["region=one,two,three", *said], tmp_path / "out")
    assert len(list((tmp_path / "out" / "batches").iterdir())) == 3
    for name, job in zip(("one", "two", "three"), done, strict=True):
        (variant,) = expand([f"region={name}", *said], tmp_path)
        alone = writing.run_variant(variant, tmp_path / name)
        one = open_results(tmp_path / "out" / job.name)
        assert one["state"].values.tolist() == alone["state"].values.tolist() == list(variant.config.region.states)
        assert one["time"].values.tolist() == alone["time"].values.tolist()
        assert all(one[variable].values.tobytes() == alone[variable].values.tobytes() for variable in one.data_vars)


def test_what_is_kept_of_a_job_is_what_it_would_keep_alone(tmp_path, monkeypatch):
    """`record=auto` is settled for each job, also where others stand in its batch or have draws left out."""
    said = ["region=toy", "end=2023-01", "replicates=2", "draws=20", "region.states.north.stubbornness.east=interval(0.01,0.6)"]
    batches = expand_jobs([*said, "dynamics.peer_influence=1,3"])
    pairs = jobs.in_order(batches)
    alone = [Plan(batch.variants.select(np.flatnonzero(batch.variants.point == at))) for batch, at in pairs]
    assert len(batches) == 1 and [plan.record.value for plan in alone] == ["trajectories", "trajectories"]
    bytes_of = [recorders.estimate_bytes(plan.layout, len(plan.variants), 2, plan.window.periods) for plan in alone]
    for limit, kept in ((sum(bytes_of), ["trajectories", "trajectories"]), (max(bytes_of), ["summaries", "trajectories"])):
        monkeypatch.setattr(recorders, "AUTO_BYTES", limit)
        done = jobs.write_jobs(tmp_path / str(limit), batches, lambda: nullcontext(None))
        opened = [open_results(tmp_path / str(limit) / job.name).attrs["record"] for job in done]
        assert opened == [Plan(plan.variants).record.value for plan in alone] and sorted(opened) == kept


def test_a_job_names_the_command_that_keeps_its_parts_and_the_folder_that_it_belongs_to(sim):
    sim("run", "-m", "region=toy", "end=2022-03", "replicates=2", "seed=range(1,3)", "out=jobs")
    code, _, wrong = sim("explain", "jobs/0_baseline_seed_1")
    assert code == 2
    offered = shlex.split(wrong.split("allowed: sim ")[1].removesuffix(" records them\n"))
    assert sim(*offered, "out=parts")[0] == 0 and sim("explain", "parts/0_baseline_seed_1")[0] == 0
    shutil.copytree("jobs/0_baseline_seed_1", "alone")
    code, _, wrong = sim("compare", "alone", "jobs/1_baseline_seed_2")
    assert code == 4 and "../batches/0" in wrong and "the whole folder" in wrong


# What fails ------------------------------------------------------------------------------------------------------------------

RESTLESS = "region.states.north.stubbornness.east=0.001,0.5"


def test_what_cannot_stand_is_named_and_the_others_finish(tmp_path):
    said = ["region=toy", "end=2023-01", "replicates=2", RESTLESS, "dynamics.vigilance=0.5,1"]
    done = write(None, said, tmp_path / "out")
    assert [job.status for job in done] == ["failed", "failed", "complete", "complete"]
    rows = rows_of(tmp_path / "out" / "jobs.csv")
    assert [row["status"] for row in rows] == [job.status for job in done]
    assert "anchor" in rows[0]["message"] and rows[2]["message"] == ""
    assert not (tmp_path / "out" / done[0].name).exists()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.name != "jobs.csv" and path.is_file()}
    assert [job.status for job in write(None, said, tmp_path / "out")] == [
        "failed",
        "failed",
        "already complete",
        "already complete",
    ]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_draws_that_cannot_stand_are_left_out_of_their_own_job_only(tmp_path):
    said = ["region=toy", "end=2023-01", "replicates=2", "draws=20", "region.states.north.stubbornness.east=interval(0.01,0.6)"]
    said += ["dynamics.peer_influence=1,3"]
    done = write(None, said, tmp_path / "out")
    left = [open_results(tmp_path / "out" / job.name).attrs["refused_draws"] for job in done]
    assert left[0] != left[1] and all(0 < number < 20 for number in left)
    for job, (batch, at) in zip(done, jobs.in_order(expand_jobs(said)), strict=True):
        plan = Plan(batch.variants.select(np.flatnonzero(batch.variants.point == at)))
        ds = open_results(tmp_path / "out" / job.name)
        assert ds["variant"].values.tolist() == [variant.label for variant in plan.variants]
        assert ds.attrs["refused_draws"] == plan.refused


@pytest.fixture
def unstable(monkeypatch):
    """As if worlds of the variants named here came to no finite number; a list to fill, and to empty again."""
    bad = []
    whole = workers.run_task

    def run_task(job, task):
        arrays = whole(job, task)
        for index, label in enumerate(job.labels[slice(*task.variants)]):
            if label in bad:
                arrays["alignment"] = arrays["alignment"].copy()
                arrays["alignment"][-1, ..., index, :] = np.nan
        return arrays

    monkeypatch.setattr(workers, "run_task", run_task)
    return bad


def test_a_job_that_comes_to_no_finite_number_holds_up_no_other_and_is_tried_again(hard, tmp_path, unstable):
    said = [*SAID, "dynamics.vigilance=0,1,2"]
    unstable.append("baseline, vigilance=1")
    done = write(hard, said, tmp_path / "out")
    assert [job.status for job in done] == ["complete", "failed", "complete"]
    assert "not finite" in done[1].message
    assert os.listdir(tmp_path / "out" / "batches") == ["0"]
    unstable.clear()
    done = write(hard, said, tmp_path / "out")
    assert [job.status for job in done] == ["already complete", "complete", "already complete"]
    assert sorted(os.listdir(tmp_path / "out" / "batches")) == ["0", "1"]
    write(hard, said, tmp_path / "together")
    for job in done:
        xr.testing.assert_identical(open_results(tmp_path / "out" / job.name), open_results(tmp_path / "together" / job.name))


# Stopped and gone on with ----------------------------------------------------------------------------------------------------


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("chunks", [1, 2])
def test_jobs_that_were_stopped_go_on_to_the_same_bytes(hard, tmp_path, monkeypatch, chunks):
    said = [*SAID, "dynamics.vigilance=0,1", "engine.chunk=2"]
    write(hard, said, tmp_path / "whole")
    put, count = workers.Store.put, []

    def put_some(self, task, arrays):
        if len(count) == chunks:
            raise KeyboardInterrupt
        count.append(task)
        put(self, task, arrays)

    with monkeypatch.context() as patch:
        patch.setattr(workers.Store, "put", put_some)
        with pytest.raises(KeyboardInterrupt):
            write(hard, said, tmp_path / "out")
    assert len(list((tmp_path / "out" / "batches" / "0" / "chunks").glob("*.npz"))) == chunks
    batch = tmp_path / "out" / "batches" / "0"
    with pytest.raises(SettingError, match="of 3 chunks"):
        reading.read_run(batch, manifest.read_manifest(batch))
    assert {job.status for job in write(hard, said, tmp_path / "out")} == {"complete"}
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_stop_between_two_folders_loses_none(hard, tmp_path, monkeypatch):
    said = [*SAID, "dynamics.vigilance=0,1,2"]
    write(hard, said, tmp_path / "whole")
    whole, count = lifecycle.whole, []

    def stop(folder):
        if count:
            raise KeyboardInterrupt
        count.append(folder)
        return whole(folder)

    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "whole", stop)
        with pytest.raises(KeyboardInterrupt):
            write(hard, said, tmp_path / "out")
    statuses = [job.status for job in write(hard, said, tmp_path / "out")]
    assert statuses == ["already complete", "complete", "complete"]
    ours, theirs = files(tmp_path / "out"), files(tmp_path / "whole")
    ours.pop(Path("jobs.csv")), theirs.pop(Path("jobs.csv"))  # where it says which were complete before
    assert ours == theirs


def test_other_settings_and_damage_are_refused(hard, tmp_path):
    out = tmp_path / "out"
    done = write(hard, [*SAID, "dynamics.vigilance=0,1"], out)
    before = files(out)
    for said in (
        ["dynamics.vigilance=0,1", "seed=3"],
        ["dynamics.vigilance=0,1,2"],
        ["dynamics.vigilance=0,1", "dynamics.relay=0"],
    ):
        with pytest.raises(SettingError, match="holds results of other settings"):
            write(hard, [*SAID, *said], out)
    assert files(out) == before
    file = out / done[0].name / "job.json"
    file.write_text(file.read_text().replace('"contributions"', '"contribution"'))
    with pytest.raises(DamageError, match=r"job\.json"):
        open_results(out / done[0].name)
    with pytest.raises(DamageError, match="remove the job's folder"):
        write(hard, [*SAID, "dynamics.vigilance=0,1"], out)


# The command -----------------------------------------------------------------------------------------------------------------

TOY = ["region=toy", "end=2023-01", "replicates=3"]


def test_the_command_tells_jobs_and_takes_their_folders(sim):
    code, said, wrong = sim("run", "-m", *TOY, "record=decomposition", "dynamics.vigilance=0,1", "out=out")
    assert (code, wrong) == (0, "")
    assert [line.split()[:2] for line in said.splitlines()[:2]] == [[f"{n}_baseline_vigilance_{n}", "complete"] for n in (0, 1)]
    first, second = "out/0_baseline_vigilance_0", "out/1_baseline_vigilance_1"
    code, said, wrong = sim("compare", first, second, "out=against")
    assert (code, wrong) == (0, "") and "dynamics.vigilance: 0 | 1" in said
    code, said, wrong = sim("explain", second, "north", "east", "out=why")
    assert (code, wrong) == (0, "") and "the contributions sum" in said
    code, _, wrong = sim("compare", "out")
    assert code == 2 and first in wrong


def test_the_next_step_of_jobs_is_offered_where_it_works(sim):
    said = {
        recorders: sim("run", "-m", *TOY, f"record={recorders}", "dynamics.vigilance=0,1", f"out={recorders}")[1]
        for recorders in ("auto", "summaries")
    }
    assert "compare" in said["auto"] and "compare" not in said["summaries"]


def test_the_next_step_of_jobs_is_between_two_of_one_seed(sim):
    said = sim("run", "-m", *TOY, "dynamics.vigilance=0,1", "seed=1,2", "out=both")[1]
    assert said.splitlines()[-1].endswith("compare both/0_baseline_vigilance_0_seed_1 both/2_baseline_vigilance_1_seed_1")
    assert "next:" not in sim("run", "-m", *TOY, "seed=1,2,3", "out=seeds")[1]


def test_a_batch_is_no_run_and_names_one_of_its_jobs(sim):
    assert sim("run", "-m", *TOY, "seed=1,2", "record=decomposition", "out=jobs")[0] == 0
    assert "seed" not in manifest.read_manifest(Path("jobs/batches/0"))["attributes"]
    for argv in (["explain", "jobs/batches/0"], ["compare", "jobs/batches/0"]):
        code, _, wrong = sim(*argv)
        assert code == 2 and wrong.startswith("sim: jobs/batches/0: is a batch of several jobs")
        assert "jobs/0_baseline_seed_1" in wrong


def test_draws_of_many_seeds_is_cut_and_touches_no_bit(monkeypatch):
    for kept in ("trajectories", "summaries"):
        found = []
        for room in (ensemble.NORMALS_BYTES, 1):
            monkeypatch.setattr(ensemble, "NORMALS_BYTES", room)
            (batch,) = expand_jobs(over(TOY, "seed=1,2,3", "dynamics.vigilance=0,1", "replicates=5", f"record={kept}"))
            found.append(simulate(Plan(batch.variants, range(6)))["alignment"].values.tobytes())
        monkeypatch.undo()
        assert found[0] == found[1]
    job = job_of(Plan(batch.variants, range(6)))
    lengths = [len(some) for some in ensemble._stretches(job, range(6), 24, 5)]
    monkeypatch.setattr(ensemble, "NORMALS_BYTES", 1)
    assert lengths == [6] and [len(some) for some in ensemble._stretches(job, range(6), 24, 5)] == [2, 2, 2]
    assert [len(some) for some in ensemble._stretches(replace(job, seeds=(1, 1, 1, 2, 2, 2)), range(6), 2, 5)] == [2, 1, 2, 1]


def test_a_failed_job_is_code_3_and_stands_first(sim):
    code, said, wrong = sim("run", "-m", *TOY, "region.states.north.stubbornness.east=0.5,0.001", "out=out")
    assert code == 3 and "1 of 2 jobs failed" in wrong
    assert said.splitlines()[0].startswith("1_baseline_east_0.001") and "anchor" in said.splitlines()[0]


@pytest.mark.parametrize("verb", [["run"], ["run", "-m"], ["sweep"]])
def test_the_folder_that_the_command_is_called_in_is_no_folder_of_results(sim, tmp_path, verb):
    code, _, wrong = sim(*verb, *TOY, "dynamics.vigilance=1", "out=.")
    assert code == 2 and "out=.: out: is the current working directory" in wrong
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("values", ["1,1.0", "1,2,1", "0.5,0.50"])
def test_equal_variants_are_refused(sim, values):
    for verb in (["sweep"], ["run", "-m"]):
        code, _, wrong = sim(*verb, *TOY, f"dynamics.vigilance={values}")
        assert code == 2 and "each value once" in wrong


def test_equal_values_side_by_side_are_no_equal_variants():
    variants = expand([*TOY, "design=zip", "dynamics.vigilance=1,1.0", "dynamics.relay=0,1"])
    assert isinstance(variants, Variants) and len(variants) == 2
