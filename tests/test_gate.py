"""What comes in: config files reach Hydra checked; only the command line says where to write, fetch from and connect to."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from experiments import run
from experiments.reliability import gate as faults_gate
from experiments.reliability import probes
from sim.commands import identity, writing
from sim.commands.jobs import write_jobs
from sim.commands.status import status
from sim.compose.expand import expand, expand_jobs
from sim.compose.folders import Folders, config_folder, folders
from sim.compose.groups import GROUPS, is_name
from sim.compose.sources import USER, Checked
from sim.config import places
from sim.config.schema import Record
from sim.config.strict_yaml import is_whole, read_file
from sim.engine.plan import Plan
from sim.errors import DamageError, SettingError
from sim.figures import files as drawing
from sim.results import lifecycle, manifest
from sim.results.reading import open_results

TOY = ["region=toy", "replicates=2", "end=2022-03"]
PROGRAMS = pytest.mark.parametrize("program", ["sim", "run.py"])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(program, *argv, verb="sweep"):
    return faults_gate.called(program, [verb, *argv] if program == "sim" else argv)


def own(here, path, text):
    faults_gate.write(here / "mine", {path: text})
    return ["--config-dir", "mine"]


@pytest.mark.slow
def test_what_is_tried_of_a_strangers_folder_is_refused_of_no_honest_one(here):
    variants = expand(faults_gate.RUN)
    writing.write_run(Path("made"), Plan(variants), identity.settings_of(variants))
    assert [name for name, is_refused in faults_gate.acts(here / "made").items() if is_refused()] == []


# What Hydra gets -------------------------------------------------------------------------------------------------------------


def test_there_are_as_many_probes_as_the_page_of_trust_promises():
    assert len(probes.code_probes()) >= 60
    assert len(probes.naming_probes()) + len(probes.setting_probes()) >= 200


def test_a_probe_would_be_seen_if_it_were_let_in(here, monkeypatch):
    """The canary sings: the same table against a gate that is open."""
    monkeypatch.setattr(run, "demand_read", lambda options: Folders())
    monkeypatch.setattr(faults_gate.cli, "run_command", lambda argv: 0)
    assert faults_gate.attempts(here, probes.code_probes()[:1])[1]


def test_a_source_knows_files_of_groups_and_nothing_else(tmp_path):
    files = {"shock/own.yaml": "own: {}\n", "hydra/launcher/own.yaml": "x: 1\n", "x.yaml": "x: 1\n", "config.yaml": "x: 1\n"}
    source = Checked(USER, f"checked://{faults_gate.write(tmp_path / 'mine', files)}")
    faults_gate.write(tmp_path, {"outside.yaml": "x: 1\n"})
    assert source.is_config("shock/own") and source.is_config("shock/own.yaml") and source.is_group("shock")
    assert source.list("", None) == ["shock"] and source.list("shock", None) == ["own"]
    assert source.list("hydra/launcher", None) == []
    paths = ["config", "x", "hydra/launcher/own", "shock/../x", "shock/../../outside", "../outside", "shock", ""]
    for path in [*paths, str(tmp_path / "outside")]:
        assert not source.is_config(path), path
    assert not source.is_group("hydra") and not source.is_group("hydra/launcher") and not source.is_group("..")
    assert Checked("main", f"checked://{config_folder()}").is_config("config")


def test_a_directive_counts_in_the_first_lines_and_is_refused_after_settings(tmp_path):
    file = faults_gate.write(tmp_path, {"a.yaml": "# Who.\n\n# @package _global_\nx: 1\n", "b.yaml": "x: 1\n# @package _global_\n"})
    assert is_whole(file / "a.yaml") and read_file(file / "a.yaml") == {"x": 1}
    with pytest.raises(SettingError, match="after settings"):
        read_file(file / "b.yaml")


def test_numbers_and_dates_are_read_as_people_write_them(tmp_path):
    said = {
        "a": "1e-3",
        "b": "1.5e3",
        "c": ".5",
        "d": "-2",
        "e": "2025-08-08",
        "f": "2025-08",
        "g": "-.5",
        "h": "1.",
        "i": "1e",
        "j": "e3",
    }
    faults_gate.write(tmp_path, {"x.yaml": "".join(f"{key}: {text}\n" for key, text in said.items())})
    wanted = {
        "a": 0.001,
        "b": 1500.0,
        "c": 0.5,
        "d": -2,
        "e": "2025-08-08",
        "f": "2025-08",
        "g": -0.5,
        "h": 1.0,
        "i": "1e",
        "j": "e3",
    }
    found = read_file(tmp_path / "x.yaml")
    assert found == wanted and [type(value) for value in found.values()] == [type(value) for value in wanted.values()]


@pytest.mark.parametrize("where", ["user", "shipped"])
def test_hydra_gets_what_the_strict_reading_found(here, where):
    if where == "user":
        own(
            here,
            "dynamics/reference.yaml",
            (config_folder() / "dynamics" / "reference.yaml").read_text("utf-8").replace("1.0", "1e0"),
        )
    (variant,) = expand(TOY, "mine" if where == "user" else None)
    file = (here / "mine" if where == "user" else config_folder()) / "dynamics" / "reference.yaml"
    assert variant.settings["dynamics"] == read_file(file)


def test_a_hidden_file_is_no_choice(here):
    said = own(here, "scenario/._calm.yaml", "\0\1")
    own(here, "scenario/.own.yaml", "x: 1\n")
    assert Folders(here / "mine").options("scenario") == Folders().options("scenario")
    assert called("sim", *TOY, "scenario=.own", *said).screen.startswith("sim: scenario=.own: scenario: no scenario is called")


@pytest.mark.parametrize("word", [*probes.WAYS, "", "a b", "a,b", "a@b", "${x}", "[x]", ".hidden", 1, None, ["x"]])
def test_what_is_no_name_of_a_file(word):
    assert is_name(word) == (word in ("CON", "COM1", "NUL.txt", "x.yaml", "x" * 300, "\U00020000" * 300))


def test_a_file_that_is_a_link_out_of_its_folder_is_not_read(here):
    faults_gate.write(here, {"secret/own.yaml": "own: {label: secret}\n"})
    said = own(here, "shock/kept.yaml", "kept: {label: Kept, effects: {}}\n")
    (here / "mine" / "shock" / "own.yaml").symlink_to(here / "secret" / "own.yaml")
    for program in ("sim", "run.py"):
        code, screen = called(program, *TOY, *said)
        assert code == 2 and "mine/shock/own.yaml" in screen and "secret" not in screen
    (here / "mine" / "shock" / "own.yaml").unlink()
    (here / "mine" / "dynamics").symlink_to(here / "secret")
    assert "leads out of that folder" in called("sim", *TOY, *said).screen


def test_a_thing_that_is_no_file_is_refused_and_waited_for_by_nobody(here):
    said = own(here, "shock/kept.yaml", "kept: {label: Kept, effects: {}}\n")
    os.mkfifo(here / "mine" / "shock" / "pipe.yaml")
    assert "pipe.yaml" in called("sim", *TOY, *said).screen


def test_choices_of_hydra_are_taken_where_hydra_brings_them(here):
    options = run.get_args_parser().parse_args(
        ["-m", *TOY, "hydra/launcher=basic", "hydra.sweep.dir=../x", "scenario=baseline,peace_deal"]
    )
    assert run.demand_read(options) == Folders()


@pytest.mark.parametrize(
    "words", [["out=x"], ["dynamics.vigilance=${seed}"], ["-m", "scenario=nobody,baseline"], ["scenario=baseline,peace_deal"]]
)
def test_what_sim_refuses_the_application_refuses_before_hydra_acts(here, words):
    code, screen = called("run.py", *words, *TOY)
    assert code == 2 and screen.startswith("sim: ") and not list(here.iterdir())


# Files that replace shipped ones ---------------------------------------------------------------------------------------------


REPLACED = {
    "region": "region/toy.yaml",
    "dynamics": "dynamics/reference.yaml",
    "scenario": "scenario/baseline.yaml",
    "shock": "shock/peace_deal.yaml",
    "study": "study/none.yaml",
    "engine": "engine/local.yaml",
}


@pytest.mark.parametrize("group", GROUPS)
def test_a_file_that_stands_before_a_shipped_one_is_named(here, group):
    said = own(here, REPLACED[group], (config_folder() / REPLACED[group]).read_text("utf-8"))
    line = f"configs: your {REPLACED[group]} takes precedence over the shipped one\n"
    assert folders("mine").replaced_lines() == [line.strip()]
    assert called("sim", *TOY, *said, verb="plan").screen.startswith(line)
    code, screen = called("sim", *TOY, *said, "--cfg", "job", verb="run")
    assert code == 0 and line in screen


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["sim", "sweep"], ["sim", "run"], ["sim", "run", "-m"], ["experiments/run.py"], ["experiments/run.py", "-m"]]
)
def test_every_command_names_it(here, words):
    said = own(here, "engine/local.yaml", (config_folder() / "engine" / "local.yaml").read_text("utf-8"))
    program = [str(ROOT / words[0])] if words[0].endswith(".py") else ["-m", "sim"]
    argv = [sys.executable, *program, *words[1:], *TOY, *said]
    done = subprocess.run(argv, cwd=here, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert "configs: your engine/local.yaml takes precedence over the shipped one\n" in done.stdout, done


@pytest.mark.slow
def test_the_application_takes_own_files_before_shipped_ones(here):
    label = "# @package _global_\ndefaults:\n  - /shock: []\nscenario: {name: baseline, label: Mine}\n"
    code, screen = called("run.py", *TOY, "hydra.run.dir=there", *own(here, "scenario/baseline.yaml", label))
    assert code == 0, screen
    assert str(open_results(here / "there" / "results")["scenario_label"].values[0]) == "Mine"


# What files set --------------------------------------------------------------------------------------------------------------


def test_an_engine_of_ones_own_may_say_how_a_run_is_cut(here):
    said = "defaults: [local, _self_]\nname: slurm\nworkers: 1\nchunk: 2\ncluster: ''\n"
    own(here, "engine/slurm.yaml", said)
    (variant,) = expand([*TOY, "engine=slurm"], "mine")
    assert (variant.config.engine.workers, variant.config.engine.chunk) == (1, 2)


def test_the_command_chooses_a_shipped_engine_and_its_places(here):
    (variant,) = expand([*TOY, "engine=dask", "engine.chunks=file:///data/runs"])
    assert (variant.config.engine.cluster, variant.config.engine.chunks) == ("local", "file:///data/runs")


@pytest.mark.parametrize("text", ["defaults: [dask, _self_]\nname: own\n", "defaults: [local, _self_]\ncluster: local\n"])
@PROGRAMS
def test_an_engine_of_ones_own_connects_to_nothing(here, program, text):
    code, screen = called(program, *TOY, "engine=own", *own(here, "engine/own.yaml", text))
    assert code == 2 and "mine/engine/own.yaml: engine.cluster: is not set by a file" in screen


@pytest.mark.parametrize(
    "path", ["a\0b", "a\nb", "a\x1b[2Jb", "a\u202eb", "a\\b", "C:\\x", "x" * 201, "y/" * 1600, "\U00020000" * 60, "\udcff"]
)
@pytest.mark.parametrize("verb", ["run", "compare", "explain"])
def test_a_path_that_cannot_be_written_or_seen_is_refused(here, path, verb):
    if verb == "run":
        with pytest.raises(SettingError, match="out: "):
            expand([*TOY, f"out='{path}'"])
    else:
        said = faults_gate.called("sim", [verb, "there", f"out={path}"])
        assert said.code == 2 and said.screen.startswith("sim: out: ") and not list(here.iterdir())


def test_a_label_as_a_part_of_a_file_name_has_room_for_the_rest():
    for way in probes.WAYS:
        word = drawing.file_word(way)
        assert len(word.encode()) <= 120 and not {"/", "\\", "\0", "\n"} & set(word)


# Results that lie elsewhere --------------------------------------------------------------------------------------------------


def elsewhere(here, *more):
    """A run whose chunks lie in `away/`, and the words of its command."""
    said = [*TOY, "record=decomposition", f"engine.chunks=file://{here}/away", "out=made", *more]
    variants = expand(said)
    writing.write_run(Path("made"), Plan(variants), identity.settings_of(variants))
    return said


LOOKING = [["status", "made"], ["verify", "made"], ["explain", "made", "north", "east"], ["compare", "made", "made"]]


@pytest.mark.slow
def test_results_elsewhere_are_opened_where_the_command_line_says_so(here):
    said = elsewhere(here)
    plain = [word for word in said if not word.startswith("engine.chunks")]
    before = faults_gate.tree(here)
    for argv in [*LOOKING, ["sweep", *plain], ["plan", *plain], ["sweep", *plain, f"engine.chunks=file://{here}/aw"]]:
        code, screen = faults_gate.called("sim", argv)
        assert code == 2 and "chunks lie outside it" in screen and "--trust-place" in screen, argv
    assert faults_gate.tree(here) == before
    for argv in [*([*words, "--trust-place"] for words in [*LOOKING, ["sweep", *plain]]), ["sweep", *said], ["plan", *said]]:
        code, screen = faults_gate.called("sim", argv)
        assert code == 0, (argv, screen)
    assert open_results("made", trust_place=True).sizes["replicate"] == 2


@pytest.mark.slow
def test_a_run_goes_on_at_the_place_that_its_command_names(here):
    said = elsewhere(here)
    (chunk,) = here.glob("away/*/*.json")
    chunk.unlink()
    (here / "made" / manifest.COMPLETE).unlink()
    code, screen = faults_gate.called("sim", ["status", "made", "--trust-place"])
    assert code == 0 and f"engine.chunks=file://{here}/away" in screen.splitlines()[-1]
    assert faults_gate.called("sim", ["sweep", *said]).code == 0 and chunk.exists()


def test_a_place_inside_the_folder_is_no_other_place(tmp_path):
    own = "0123456789abcdef"
    places.demand_trusted(tmp_path, f"file://{tmp_path}/in/{own}")
    with places.trusting("s3://bucket/runs/"):
        places.demand_trusted(tmp_path, f"s3://bucket/runs/{own}")
        for place in ("s3://bucket/runs/..", f"s3://bucket/run/{own}", f"s3://bucket/runs/x/{own}", "s3://bucket/runs", 7):
            with pytest.raises(SettingError, match="outside it"):
                places.demand_trusted(tmp_path, place)
    with pytest.raises(SettingError):
        places.demand_trusted(tmp_path, f"s3://bucket/runs/{own}")
    with places.trusting(places.ANY), places.trusting(""):
        places.demand_trusted(tmp_path, f"s3://bucket/runs/{own}")


def test_the_command_that_goes_on_says_no_place_that_a_folder_only_names():
    said = ["region=toy", "engine.cluster=tcp://host.invalid:1", "+out=x", "engine.chunks=s3://b"]
    words = {"attributes": {"provenance": json.dumps({"overrides": said, "config_dir": ""})}}
    assert lifecycle.command(Path("made"), words) == "sweep region=toy out=made"
    place = {"place": "s3://bucket/runs/0123456789abcdef"}
    assert lifecycle.command(Path("made"), words | place) == "sweep region=toy engine.chunks=s3://bucket/runs out=made"


def test_a_lock_that_is_a_link_costs_no_other_file(here):
    faults_gate.write(here, {"kept.txt": "kept"})
    (here / "made").mkdir()
    (here / "made" / ".lock").symlink_to(here / "kept.txt")
    variants = expand(TOY)
    with pytest.raises(SettingError, match=r"\.lock: leads out of the folder"):
        writing.write_run(here / "made", Plan(variants), identity.settings_of(variants))
    assert (here / "kept.txt").read_text() == "kept"


def test_a_job_whose_batch_is_elsewhere_is_refused(here):
    (batch,) = expand_jobs([*TOY, "dynamics.vigilance=0.5,1"])
    done = write_jobs(Path("out"), [batch], faults_gate.contextlib.nullcontext)
    assert done[0].record is Record.trajectories and "complete" in status(Path("out"))[0]
    shutil.move("out/batches", "away")
    Path("out/batches").symlink_to(here / "away")
    for folder in ("out", f"out/{done[0].name}"):
        with pytest.raises((SettingError, DamageError), match=r"leads out|outside"):
            status(Path(folder))
