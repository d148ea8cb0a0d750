"""The commands as a user types them, on the toy region: what they write, say, refuse and leave alone."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from experiments import run
from sim.commands import cli, identity, writing
from sim.commands.arguments import VERBS
from sim.commands.calling import again
from sim.commands.cli import run_command
from sim.compose.expand import expand
from sim.compose.folders import config_folder
from sim.engine.plan import Plan
from sim.results.reading import open_results
from tests.conftest import over

TOY = ["region=toy", "replicates=8", "end=2024-01"]
RAID = """
raid:
  label: Raid
  effects:
    tie: {date: "2022-06-10", kind: step, target: tie, who: {state: north, peer: south}, size: -0.3, range: [-0.5, -0.1],
          unit: tie, source: judgement}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, with a shock of the user's own under mine/."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "shock").mkdir(parents=True)
    (tmp_path / "mine" / "shock" / "raid.yaml").write_text(RAID)
    return tmp_path


@pytest.fixture
def sim(here, capsys):
    """Run a command; its exit code, what it said and what it complained of."""

    def run(*argv):
        code = run_command([str(word) for word in argv])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "chunks/" not in str(path))


def refused(sim, here, *argv):
    """The message of a command that must be refused: exit 2, at most six lines, nothing written."""
    before = tree(here)
    code, said, wrong = sim(*argv)
    assert code == 2, (said, wrong)
    lines = wrong.splitlines()
    assert lines[0].startswith("sim: ")
    assert len(lines) <= 6
    assert "Traceback" not in wrong
    assert tree(here) == before
    return wrong


# What is written -------------------------------------------------------------------------------------------------------------


def test_run_writes_a_whole_folder(sim, here):
    code, said, wrong = sim("run", *TOY, "out=first")
    assert (code, wrong) == (0, "")
    assert "stability margin" in said
    assert "next: " in said
    names = set(os.listdir("first"))
    assert names == {"figures", "summary.csv", "chunks", "config.yaml", "manifest.json", "complete.json"}
    assert list(Path("first/figures").glob("*.png"))
    words = json.loads(Path("first/manifest.json").read_text())
    provenance = json.loads(words["attributes"]["provenance"])
    assert words["attributes"]["seed"] == 2026
    assert "region=toy" in provenance["overrides"]
    assert provenance["versions"]["numpy"]
    assert set(words["beside"]["variant"]) >= {"stability_margin", "reference"}
    assert yaml.safe_load(Path("first/config.yaml").read_text())["shared"]["region"]["name"] == "toy"


@pytest.mark.slow
@pytest.mark.parametrize("argv", [["run"], ["sweep", "dynamics.vigilance=0,1"], ["run", "record=summaries", "shock=[raid]"]])
def test_the_next_step_that_is_offered_works(sim, argv):
    argv = [argv[0], "--config-dir", "mine", *TOY, *argv[1:]]
    for verb in ("compare",) if argv[0] == "sweep" else ("run", "explain"):
        code, said, wrong = sim(*argv)
        assert code == 0, wrong
        argv = shlex.split(said.splitlines()[-1].partition("next: ")[2])
        argv = argv[argv.index(verb) :]  # what stands before is how the program is called
    code, _, wrong = sim(*argv)
    assert code == 0, wrong


@pytest.mark.slow
def test_default_folder_is_named_by_verb_and_settings(sim, here):
    sim("run", *TOY)
    sim("run", *TOY, "seed=3")
    names = sorted(os.listdir("outputs"))
    assert len(names) == 2
    assert all(name.startswith("run-") and len(name) == len("run-") + 8 for name in names)


@pytest.mark.slow
def test_sweep_is_one_folder_with_a_column_for_each_swept_key(sim, here):
    code, said, _ = sim("sweep", *TOY, "dynamics.vigilance=0.5,1", "shock=[],[raid]", "--config-dir", "mine", "out=both")
    assert code == 0
    with open("both/summary.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    axes = ["variant", "scenario", "state", "peer", "bloc", "rival", "time", "variable", "unit"]
    assert list(rows[0]) == [*axes, "mean", "sd", "q05", "q50", "q95", "n", "vigilance"]
    assert {row["vigilance"] for row in rows} == {"0.5", "1"}
    assert {row["scenario"] for row in rows} == {"no_shock", "raid"}
    assert {row["n"] for row in rows} == {"8"}
    relation = next(row for row in rows if row["variable"] == "relation")
    assert relation["state"] == "" and relation["bloc"] and relation["rival"]
    ds = open_results("both")
    assert ds["vigilance"].dims == ("variant",)
    assert "against no_shock" in said


def test_jobs_have_a_folder_each(sim, here):
    code, _, wrong = sim("run", "-m", *TOY, "seed=1,2", "out=jobs")
    assert (code, wrong) == (0, "")
    assert sorted(os.listdir("jobs")) == [
        "0_baseline_seed_1",
        "1_baseline_seed_2",
        "batches",
        "complete.json",
        "jobs.csv",
        "manifest.json",
    ]
    with open("jobs/jobs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["complete", "complete"]
    assert [row["seed"] for row in rows] == ["1", "2"]
    assert rows[0]["alignment.north.east"] != rows[1]["alignment.north.east"]
    code, said, _ = sim("run", "-m", *TOY, "seed=1,2", "out=jobs")
    assert code == 0
    assert said.count("already complete") == 2


def test_jobs_go_on_when_one_fails(sim, here):
    code, _, wrong = sim("run", "-m", *TOY, "region.states.north.stubbornness.east=0.001,1", "out=jobs")
    assert code == 3
    assert "1 of 2 jobs failed" in wrong
    with open("jobs/jobs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["failed", "complete"]
    assert "anchor" in rows[0]["message"]


def test_cfg_prints_what_would_run_and_writes_nothing(sim, here):
    before = tree(here)
    code, said, _ = sim("run", *TOY, "dynamics.vigilance=0.25", "--cfg", "job")
    assert code == 0
    assert yaml.safe_load(said)["dynamics"]["vigilance"] == 0.25
    assert tree(here) == before


# Plan ------------------------------------------------------------------------------------------------------------------------


def test_plan_says_what_a_sweep_takes_and_writes_nothing(sim, here):
    before = tree(here)
    code, said, wrong = sim("plan", *TOY, "shock=[],[raid]", "dynamics.vigilance=interval(0,2)", "draws=5", "--config-dir", "mine")
    assert (code, wrong) == (0, "")
    assert tree(here) == before
    for words in (
        "10 variants of 8 replicates",
        "stability margin",
        "variants: no_shock, draw=0; ",
        "and 4 more",
        "1 number drawn 5 times: independent draws",
        "80 replicates in 10 variants, 1,920 steps",
        "record=summaries",
        "steps a second",
        "folder: outputs/sweep-",
        "nothing was run or written",
    ):
        assert words in said, said


@pytest.mark.slow
def test_plan_says_where_sobol_points_are_balanced_and_what_is_there(sim, here):
    asked = [*TOY, "dynamics.vigilance=interval(0,2)", "design=sobol", "out=there"]
    assert "balanced at powers of 2 only (draws=8)" in sim("plan", *asked, "draws=5")[1]
    assert "balanced" not in sim("plan", *asked, "draws=4")[1]
    assert "already complete" not in sim("plan", *asked, "draws=2")[1]
    sim("sweep", *asked, "draws=2")
    assert "folder: there (already complete)" in sim("plan", *asked, "draws=2")[1]
    assert "draws: 2 there, 4 here" in refused(sim, here, "plan", *asked, "draws=4")


@pytest.mark.slow
def test_what_was_drawn_stands_in_the_folder(sim, here):
    said = over(TOY, "sample=ranges", "design=latin", "draws=6", "replicates=1")
    assert sim("sweep", *said, "dynamics.vigilance=interval(0,2)", "out=drawn")[0] == 0
    with open("drawn/draws.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    variants = expand([*said, "dynamics.vigilance=interval(0,2)"])
    kept = [variants[int(row["draw"])] for row in rows]
    assert [float(row["region.states.north.speed"]) for row in rows] == [v.config.region.states["north"].speed for v in kept]
    ds = open_results("drawn")
    assert ds["vigilance"].values.tolist() == [float(row["dynamics.vigilance"]) for row in rows]
    assert ds["draw"].values.tolist() == [int(row["draw"]) for row in rows]


# A second run ----------------------------------------------------------------------------------------------------------------


def test_second_run_is_recognised_and_changes_nothing(sim, here):
    sim("run", *TOY, "out=first")
    stamps = {path: path.stat().st_mtime_ns for path in Path("first").rglob("*")}
    code, said, _ = sim("run", *TOY, "out=first")
    assert code == 0
    assert "already complete: first" in said
    assert {path: path.stat().st_mtime_ns for path in Path("first").rglob("*")} == stamps


def test_other_settings_in_the_same_folder_are_refused_with_the_difference(sim, here):
    sim("run", *TOY, "out=first")
    wrong = refused(sim, here, "run", *TOY, "seed=3", "out=first")
    assert "seed" in wrong and "2026" in wrong and "3" in wrong


def test_a_folder_with_other_things_is_left_alone(sim, here):
    (here / "papers").mkdir()
    (here / "papers" / "thesis.txt").write_text("mine")
    refused(sim, here, "run", *TOY, "out=papers")
    refused(sim, here, "run", *TOY, "out=papers/thesis.txt")
    refused(sim, here, "run", *TOY, "out=papers/thesis.txt/below")
    assert (here / "papers" / "thesis.txt").read_text() == "mine"


# Compare ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_compare_one_folder_with_its_reference(sim, here):
    sim("sweep", *TOY, "shock=[],[raid]", "--config-dir", "mine", "out=both")
    code, said, wrong = sim("compare", "both", "out=against")
    assert (code, wrong) == (0, "")
    assert "on common random numbers" in said and "±" in said
    with open("against/effects.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    last = [
        row
        for row in rows
        if row["variable"] == "tie" and row["variant"] == "raid" and row["state"] == "north" and row["peer"] == "south"
    ][-1]
    ds = open_results("both")
    tie = ds["tie"].sel(state="north", peer="south").isel(time=-1)
    expected = float((tie.isel(variant=1) - tie.isel(variant=0)).mean())
    assert float(last["mean"]) == pytest.approx(expected, abs=1e-9)
    assert expected < -0.05
    code, said, _ = sim("compare", "both", "out=against")
    assert code == 0 and "already complete" in said


@pytest.mark.slow
def test_compare_two_folders(sim, here):
    sim("run", *TOY, "out=one")
    sim("run", *TOY, "dynamics.vigilance=0", "out=two")
    code, said, wrong = sim("compare", "one", "two", "out=both")
    assert (code, wrong) == (0, "")
    assert "dynamics.vigilance: 1" in said and "| 0" in said
    assert "on common random numbers" in said
    with open("both/settings.csv", newline="") as file:
        assert "dynamics.vigilance" in {row["setting"] for row in csv.DictReader(file)}
    assert list(Path("both/figures").glob("*.png"))
    one, two = open_results("one"), open_results("two")
    change = (two["alignment"].values - one["alignment"].values)[0, :, -1, 0, 0]
    with open("both/differences.csv", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["variable"] == "alignment" and row["state"] == "north" and row["bloc"] == "east"
        ]
    assert float(rows[-1]["mean"]) == pytest.approx(change.mean(), abs=1e-9)
    half = 2.364624 * change.std(ddof=1) / 8**0.5
    assert float(rows[-1]["half_width"]) == pytest.approx(half, rel=1e-5)


@pytest.mark.slow
def test_compare_says_when_replicates_are_no_pairs(sim, here):
    sim("run", *TOY, "out=one")
    sim("run", *TOY, "seed=3", "out=two")
    code, said, _ = sim("compare", "one", "two")
    assert code == 0
    assert "NOT on common random numbers" in said


@pytest.mark.slow
def test_compare_needs_worlds_and_says_how_to_keep_them(sim, here):
    sim("run", *TOY, "record=summaries", "out=one")
    sim("run", *TOY, "out=two")
    wrong = refused(sim, here, "compare", "one", "two")
    assert "sim run region=toy replicates=8 end=2024-01 record=trajectories" in wrong


def test_compare_refuses_what_it_cannot_set_side_by_side(sim, here):
    sim("run", *TOY, "out=one")
    refused(sim, here, "compare", "one")
    refused(sim, here, "compare", "nowhere")
    refused(sim, here, "compare", "one", "mine")
    refused(sim, here, "compare", "one", "one", "one")
    refused(sim, here, "compare", "one", "one", "out=one")


# What is refused -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["rum"], ["'rum'", "did you mean run?"]),
        (["run", "--fast"], ["--fast"]),
        (["run", "scenario"], ["scenario", "key=value"]),
        (["run", "regio=toy"], ["regio", "did you mean region?"]),
        (["run", "region=toyy"], ["region=toyy", "did you mean toy?"]),
        (["run", "region=toy", "scenario=baselin"], ["did you mean baseline?"]),
        (["run", "region=toy", "shock=[raidd]", "--config-dir", "mine"], ["did you mean raid?"]),
        (["run", "region=toy", "shock=raid", "--config-dir", "mine"], ["'shock=[raid]'"]),
        (["run", "region=toy", "dynamics.vigilanse=1"], ["did you mean dynamics.vigilance?"]),
        (["run", "region=toy", "region.states.nort.capability=1"], ["did you mean region.states.north?"]),
        (["run", "region=toy", "region.blocs.east.vigilanc=1"], ["region.blocs.east.vigilanc", "did you mean vigilance?"]),
        (["run", "region=toy", "dynamics.vigilance=-1"], ["dynamics.vigilance", "-1", "[0, 10]"]),
        (["run", "region=toy", "dynamics.vigilance=inf"], ["dynamics.vigilance", "finite"]),
        (["run", "region=toy", "dynamics.vigilance=high"], ["dynamics.vigilance", "number"]),
        (["run", "region=toy", "region.states.north.alignment.east=1"], ["alignment.east", "(-1, 1)"]),
        (["run", "region=toy", "replicates=0"], ["replicates", "0"]),
        (["run", "region=toy", "replicates=1.5"], ["replicates", "1.5", "whole number"]),
        (["run", "region=toy", "seed=-1"], ["seed", "-1"]),
        (["run", "region=toy", "record=everything"], ["record", "summaries"]),
        (["run", "region=toy", "end=2021-01"], ["end", "2021-01"]),
        (["run", "region=toy", "start=2021-01"], ["start", "before the region's opening"]),
        (["run", "region=toy", "start=soon"], ["start", "soon"]),
        (["run", "region=toy", "reference=nobody"], ["reference", "nobody"]),
        (["run", "region=toy", "outcome=alignment.north.moon"], ["outcome", "moon"]),
        (["run", "region=toy", "dynamics.vigilance=0,1"], ["sim sweep"]),
        (["sweep", "region=toy", "seed=1,2"], ["seed", "sim run -m"]),
        (["run", "region=toy", "hydra.run.dir=x"], ["experiments/run.py"]),
        (["run", "region=toy", "dynamics.vigilance=${seed}"], ["interpolation"]),
        (["run", "region=toy", "+new=1"], ["new", "no such setting"]),
        (["run", "region=toy", "~dynamics.vigilance"], ["dynamics.vigilance", "missing"]),
        (["run", "region=toy", "dynamics.vigilance=[1"], ["cannot be read"]),
        (["run", "region=toy", "shock=[raid]", "--config-dir", "mine", "end=2022-03"], ["raid", "after the run ends"]),
        (["run", "region=toy", "shock=[raid]", "--config-dir", "mine", "start=2023-01"], ["before the run starts"]),
        (["run", "--config-dir", "nowhere"], ["nowhere"]),
        (["plan", "region=toy", "dynamics.vigilanse=1"], ["did you mean dynamics.vigilance?"]),
        (["plan", "region=toy", "dynamics.vigilance=0,1", "dynamics.relay=0,0.5,1", "design=zip"], ["one length", "grid"]),
        (["plan", "-m", "region=toy"], ["arguments", "-m"]),
        (["sweep", "region=toy", "dynamics.vigilance=interval(0,11)"], ["dynamics.vigilance", "[0, 10]"]),
        (["sweep", "region=toy", "scenario=interval(0,1)"], ["scenario", "not a number"]),
        (["run", "--config-dir", "mine/shock"], ["none of the folders", "scenario"]),
        (["run", "region=toy", "shock=[raid,raid]", "--config-dir", "mine"], ["raid is given twice"]),
        (["run", "region=toy", "shock=[raid]", "--config-dir", "mine", "shock.raid.effects={}"], ["shock.raid.effects", "empty"]),
        (["run", "region=toy", "shock.raid.probability=1"], ["shock.raid", "'shock=[...]'"]),
        (["run", "region=toy", "region.states={}"], ["region.states", "an empty table changes nothing"]),
        (["sweep", "region=toy", "dynamics.vigilance=range(0,1,0)"], ["range(0,1,0)", "a step that is not 0"]),
        (["sweep", "region=toy", "dynamics.vigilance=range(1,5,nan)"], ["finite"]),
        (["sweep", "region=toy", "dynamics.vigilance=range(0,1e400)"], ["finite"]),
        (["sweep", "region=toy", "dynamics.vigilance=shuffle(range(0,1e18))"], ["at most 100000"]),
        (["compare"], ["arguments", "DIR"]),
        (["compare", "mine"], ["mine", "no results folder"]),
    ],
)
def test_bad_input_is_one_message(sim, here, argv, words):
    wrong = refused(sim, here, *argv)
    for word in words:
        assert word in wrong, wrong


TRAPS = {
    "label: NO": "label",
    "label: 010": "label",
    "label: 12:30:00": "label",
    "label: !!python/object:os.system x": "tag",
    "label: ${seed}": "interpolation",
    "label: &a x": "anchor",
    "label: x\n  label: y": "twice",
    "label: [": "line",
    "labell: x": "label",
}


@pytest.mark.parametrize("line", TRAPS)
def test_a_file_that_reads_as_something_else_is_refused(sim, here, line):
    file = here / "mine" / "shock" / "raid.yaml"
    file.write_text(RAID.replace("label: Raid", line))
    wrong = refused(sim, here, "run", *TOY, "shock=[raid]", "--config-dir", "mine")
    assert "raid.yaml" in wrong
    assert TRAPS[line] in wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "is empty"),
        ("# nothing yet\n", "is empty"),
        (f"{RAID}\n---\n{RAID}", "a second document begins"),
        (f"# @package elsewhere\n{RAID}", "@package elsewhere"),
        (f"# @package a b !\n{RAID}", "@package a b !"),
    ],
)
def test_a_file_that_hydra_would_drop_or_move_is_refused(sim, here, text, wrong):
    (here / "mine" / "shock" / "raid.yaml").write_text(text)
    said = refused(sim, here, "run", *TOY, "shock=[raid]", "--config-dir", "mine")
    assert "raid.yaml" in said and wrong in said


@pytest.mark.parametrize(
    ("group", "text", "words"),
    [
        ("scenario", "defaults: x", ["own.yaml: defaults", "not a list"]),
        ("scenario", "defaults: 5", ["own.yaml: defaults", "not a list"]),
        ("scenario", "defaults: [1, {a: {b: c}}]", ["own.yaml: defaults"]),
        ("scenario", "defaults: [{}]", ["own.yaml: defaults", "not a valid entry"]),
        ("scenario", "defaults: [{/shock: [raidd]}]", ["own.yaml: defaults.shock", "did you mean raid?"]),
        ("scenario", "defaults: [own]", ["own.yaml: defaults.scenario", "includes itself"]),
        ("scenario", "scenaro: {name: own, label: Own}", ["own.yaml: scenaro", "did you mean scenario?"]),
        ("scenario", "replicates: -1\nscenario: {name: own, label: Own}", ["own.yaml: replicates"]),
        ("scenario", "- own", ["own.yaml: file", "not a table"]),
        ("study", "study: hello", ["own.yaml: study", "not a table"]),
        ("study", "study: {name: own, question: x, axes: hello}", ["own.yaml: study.axes", "not a table"]),
        ("study", "study: {name: own, question: x, axes: {seeed: '1,2'}}", ["did you mean seed?"]),
        ("study", "study: {name: ../../own, question: x, axes: {}}", ["own.yaml: study.name", "not a valid name"]),
    ],
)
def test_a_scenario_or_study_that_cannot_be_read_is_refused(sim, here, group, text, words):
    (here / "mine" / group).mkdir()
    (here / "mine" / group / "own.yaml").write_text(f"# @package _global_\n{text}\n")
    wrong = refused(sim, here, "sweep", "region=toy", f"{group}=own", "--config-dir", "mine")
    for word in words:
        assert word in wrong.splitlines()[0], wrong


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("config.yaml", ["mine/config.yaml", "a command sets the whole run"]),
        ("peace_deal.yaml", ["mine/peace_deal.yaml", "is not read here", "shock/"]),
        ("shock/storm.yml", ["mine/shock/storm.yml", "did you mean storm.yaml?"]),
        ("regions/toy.yaml", ["mine/regions", "did you mean region/?"]),
    ],
)
def test_a_file_of_ones_own_that_would_not_be_read_is_refused(sim, here, path, words):
    at = here / "mine" / path
    at.parent.mkdir(exist_ok=True)
    at.write_text(RAID)
    wrong = refused(sim, here, "run", *TOY, "--config-dir", "mine")
    for word in words:
        assert word in wrong, wrong


def test_what_is_no_config_may_stand_beside_ones_own_files(sim, here):
    """Results, also where they are called nearly as a group is, and other things of a project."""
    for path in ("studies/config.yaml", "docs/site.yaml", "outputs/x/config.yaml", ".hidden.yaml", "shocks/raid.txt"):
        (here / "mine" / path).parent.mkdir(parents=True, exist_ok=True)
        (here / "mine" / path).write_text(RAID)
    code, said, wrong = sim("run", *TOY, "shock=[raid]", "--config-dir", "mine", "--cfg", "job")
    assert (code, wrong) == (0, "") and "label: Raid" in said


def test_a_shock_file_is_named_after_its_key(sim, here):
    (here / "mine" / "shock" / "attack.yaml").write_text(RAID)
    wrong = refused(sim, here, "run", *TOY, "shock=[attack]", "--config-dir", "mine")
    assert "shock/attack.yaml" in wrong and "raid" in wrong


# Help, versions, interruption ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--help"],
        ["run", "--help"],
        ["sweep", "--help"],
        ["plan", "--help"],
        ["compare", "--help"],
        ["verify", "--help"],
        ["--version"],
    ],
)
def test_help(sim, argv):
    code, said, wrong = sim(*argv)
    assert (code, wrong) == (0, "")
    assert "sim" in said


@pytest.mark.parametrize("argv", [["--help"], ["run", "--help"]])
def test_help_loads_nothing_heavy(argv):
    found = subprocess.run([sys.executable, "-X", "importtime", "-m", "sim", *argv], capture_output=True, text=True, check=True)
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in found.stderr.splitlines() if "|" in line}
    assert not loaded & {"mesa", "pandas", "matplotlib", "xarray", "zarr", "numpy", "hydra", "scipy"}


def completed(line, here):
    environment = {**os.environ, "COMP_LINE": line, "COMP_POINT": str(len(line))}
    found = subprocess.run(
        [sys.executable, "-m", "sim", "-sc", "query=bash"], capture_output=True, text=True, env=environment, cwd=here
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.split()


@pytest.mark.slow
def test_completion_cuts_the_verb_away(here):
    assert completed("sim ", here) == ["run", "sweep", "plan", "compare", "explain", "status", "verify", "clean", "figures"]
    assert completed("sim sw", here) == ["sweep"]
    assert completed("sim ve", here) == ["verify"]
    assert "region=toy" in completed("sim run region=", here)
    assert "dynamics.vigilance=" in completed("sim sweep region=toy dynamics.vigil", here)


@pytest.mark.slow
@pytest.mark.parametrize("said", ["--config-dir mine", "--config-dir=mine", "-m --config-dir 'my, own'", "--config-dir my,\\ own"])
def test_completion_knows_the_files_of_ones_own_folder(here, said):
    for folder in ("mine", "my, own"):
        (here / folder / "region").mkdir(parents=True)
        (here / folder / "region" / "tiny.yaml").write_text((config_folder() / "region" / "toy.yaml").read_text("utf-8"))
    assert completed(f"sim run {said} region=t", here) == ["region=tiny", "region=toy"]
    assert completed("sim run --config-dir nowhere region=t", here) == ["region=toy"]


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing_half_written(here):
    argv = [sys.executable, "-m", "sim", "run", "region=toy", "replicates=40000", "record=summaries", "out=long"]
    process = subprocess.Popen(
        argv,
        cwd=here,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell may have it ignored
    )
    assert process.stdout and process.stderr
    assert any("stability margin" in line for line in iter(process.stdout.readline, ""))
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    said = process.stderr.read()
    assert "stopped" in said and "Traceback" not in said
    if (here / "long").exists():
        assert {path.name for path in (here / "long").iterdir()} == {"manifest.json", "chunks"}
        assert not list((here / "long" / "chunks").glob(".*"))
    process.stdout.close()
    process.stderr.close()


def test_the_command_that_is_offered_again_can_be_pasted(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/sim/__main__.py"])
    words = shlex.split(again(["run", "shock=[raid]"]))
    assert words == ["python", "-m", "sim", "run", "shock=[raid]"]


def test_a_folder_that_cannot_be_written_is_one_message(sim, here):
    if os.geteuid() == 0:
        target = Path("/proc/nowhere")
    else:
        (here / "locked").mkdir(mode=0o500)
        target = here / "locked" / "below"
    code, _, wrong = sim("run", *TOY, f"out={target}")
    assert code == 5
    assert wrong.startswith(f"sim: out={target}: out: cannot be written: ") and "Traceback" not in wrong


def test_folders_above_a_stopped_run_are_not_left(here, monkeypatch):
    (here / "there").mkdir()
    monkeypatch.setattr(writing, "workers_of", lambda *_: 1 / 0)
    for at in ("new/below/deep", "there/below"):
        variant = expand(over(TOY, "replicates=1", "end=2022-03"))[0]
        with pytest.raises(ZeroDivisionError):
            writing.write_run(here / at, Plan([variant]), identity.settings_of([variant]))
    assert sorted(os.listdir(here)) == ["mine", "there"]
    assert not os.listdir(here / "there")


def test_hydras_own_application_refuses_in_the_same_words(tmp_path, monkeypatch, capsys):
    quiet = ["hydra/job_logging=disabled", "hydra/hydra_logging=disabled", f"hydra.run.dir={tmp_path}"]
    monkeypatch.setattr(sys, "argv", ["run.py", "region=toy", "dynamics.vigilance=-1", *quiet])
    with pytest.raises(SystemExit) as ended:
        run.run()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("sim: dynamics.vigilance=-1: dynamics.vigilance: -1 is out of range")


@pytest.mark.parametrize("verb", ["status", "verify", "explain", "compare"])
def test_only_what_must_be_said_is_asked_for(sim, verb):
    code, _, wrong = sim(verb)
    assert code == 2
    assert wrong.splitlines()[0] == "sim: arguments: the following arguments are required: DIR"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_done_by_the_module_of_its_name(verb):
    assert cli._entry(verb).__module__ == f"sim.commands.{verb}"


def test_a_verb_without_a_module_is_not_taken_for_another():
    with pytest.raises(NotImplementedError, match="dance"):
        cli._entry("dance")
