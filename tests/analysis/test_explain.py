"""Explanations: parts add up to what was recorded, in results and in agents; each shock's strike is its own part; words follow."""

import contextlib
import csv
import shutil

import numpy as np
import pytest
from conftest import HARD, effect, shock_folder

from sim.abm.model import RegionModel
from sim.analysis.explain import CHANGE, EFFECT, WHOLE, explain, narrative
from sim.commands.cli import run_command
from sim.compose.expand import expand
from sim.engine.runs import simulate
from sim.errors import SettingError

EXACT = 1e-12
SAID = [HARD[0], "shock=[],[everything]", "replicates=6", "end=2025-01", "record=decomposition"]


@pytest.fixture(scope="module")
def ds(hard):
    return simulate(expand(SAID, hard))


@pytest.fixture
def two(tmp_path):
    """A folder with two shocks that strike the same alignment in the same month, and one that strikes none."""
    who = {"state": "north", "bloc": "east"}
    for name, size in (("fall", -0.3), ("rise", 0.2)):
        struck = effect("disposition", "impulse", who, size, date="2022-06-10")
        shock_folder(tmp_path, name, {"swing": struck})
    return shock_folder(tmp_path, "quiet", {"tie": effect("tie", "step", {"state": "north", "peer": "south"}, 0.2)})


@pytest.mark.parametrize("state", ["north", "south", "harbour"])
@pytest.mark.parametrize("bloc", ["east", "west", "league"])
def test_parts_add_up_to_the_change_of_the_score(ds, state, bloc):
    explained = explain(ds, "everything", state, bloc, "2022-07", "2024-04")
    parts = explained["alignment"].sel(statistic="mean")
    score = ds["alignment"].sel(variant="everything", state=state, bloc=bloc).mean("replicate")
    moved = score.sel(time="2024-04-01") - score.sel(time="2022-07-01")
    assert float(parts.sel(kind=CHANGE, contribution=WHOLE)[-1]) == pytest.approx(float(moved), abs=EXACT)
    assert abs(parts.sel(contribution=WHOLE) - parts.drop_sel(contribution=WHOLE).sum("contribution")).max() < EXACT
    assert explained.attrs["residual"] < EXACT
    apart = ds["alignment"].sel(state=state, bloc=bloc).mean("replicate")
    apart = apart.sel(variant="everything") - apart.sel(variant="no_shock")
    moved = apart.sel(time="2024-04-01") - apart.sel(time="2022-07-01")
    assert float(parts.sel(kind=EFFECT, contribution=WHOLE)[-1]) == pytest.approx(float(moved), abs=EXACT)


def test_bands_are_those_of_the_replicates(ds):
    found = explain(ds, "everything", "north", "east")["alignment"].sel(kind=CHANGE, contribution="security").isel(time=-1)
    worlds = ds["move"].sel(variant="everything", contribution="security", state="north", bloc="east").sum("period").values
    assert found.sel(statistic="sd") == pytest.approx(worlds.std(ddof=1))
    assert found.sel(statistic="q95") == pytest.approx(np.quantile(worlds, 0.95, method="median_unbiased"))


def test_each_shock_that_strikes_is_a_part_of_its_own(two):
    ds = simulate(
        expand(["region=toy", "shock=[quiet],[quiet,fall,rise]", "replicates=4", "end=2022-12", "record=decomposition"], two)
    )
    assert [str(part) for part in ds["contribution"].values][-3:] == ["impulse.fall", "impulse.rise", "noise"]
    struck = ds["move"].isel(variant=1).sel(state="north", bloc="east")
    fall, rise = (struck.sel(contribution=f"impulse.{name}") for name in ("fall", "rise"))
    assert (fall.sel(period="2022-06-01") / rise.sel(period="2022-06-01")).values == pytest.approx(np.full(4, -1.5))
    assert not fall.drop_sel(period=np.datetime64("2022-06-01")).any()
    assert not ds["move"].isel(variant=0).sel(contribution=["impulse.fall", "impulse.rise"]).any()
    assert not ds["move"].sel(contribution=["impulse.fall", "impulse.rise"], state="south").any()


def test_an_agent_explains_any_stretch_of_its_past(two):
    (variant,) = expand(["region=toy", "shock=[fall,rise]", "replicates=2", "end=2023-01", "record=decomposition"], two)
    ds = simulate([variant]).isel(variant=0, replicate=1)
    model = RegionModel(variant.config, replicate=1).run()
    north = model.states[0]
    for since in ("2022-01-01", "2022-06", "2022-12"):
        told = north.explain(since)
        for bloc, parts in told.items():
            recorded = ds["move"].sel(state="north", bloc=bloc, period=slice(since, None)).sum("period")
            assert list(parts) == [str(part) for part in ds["contribution"].values]
            np.testing.assert_allclose(list(parts.values()), recorded.values, atol=EXACT)
            score = ds["alignment"].sel(state="north", bloc=bloc)
            assert sum(parts.values()) == pytest.approx(float(score[-1] - score.sel(time=since).values.reshape(-1)[0]), abs=EXACT)
    assert north.explain() == north.explain("2022-12")
    assert sum(north.explain("2023-01")["east"].values()) == 0
    with pytest.raises(SettingError, match="2022-01-01 to 2023-01-01"):
        north.explain("2024-01")


def test_a_calm_world_has_no_parts_to_tell():
    still = [f"region.states.{state}.volatility=0" for state in ("north", "south")]
    ds = simulate(expand(["region=toy", "replicates=2", "record=decomposition", *still, "end=2023-01"]))
    north = explain(ds, "baseline", "north", "east")
    assert abs(north["alignment"].sel(statistic="mean")).max() < EXACT
    assert list(north["kind"].values) == [CHANGE]


# In words --------------------------------------------------------------------------------------------------------------------


def greatest(ds, moves):
    """The labels of the state and the bloc of the greatest whole move of a period, and that move."""
    whole = moves.sum("contribution")
    state, bloc = np.unravel_index(abs(whole.values).argmax(), whole.shape)
    return ds["state_label"].values[state], ds["bloc_label"].values[bloc].split(" (")[0], float(whole[state, bloc])


@pytest.mark.parametrize("variant", ["everything", "no_shock"])
def test_the_narrative_names_the_alignment_that_was_moved_most(ds, variant):
    head, *lines = narrative(ds, variant)
    moves = ds["move"].sel(variant=variant)
    moves = (moves - ds["move"].sel(variant="no_shock") if variant == "everything" else moves).mean("replicate")
    assert ("less no_shock on common random numbers" in head) == (variant == "everything")
    assert ("through random draws and in response to these" in head) == (variant == "no_shock") and "aside" not in head
    told = {line[:7]: line for line in lines if " moves " in line and "Nothing" not in line}
    months = [str(period)[:7] for period in ds["period"].values]
    for at, month in enumerate(months):
        state, bloc, moved = greatest(ds, moves.isel(period=at))
        if month not in told:
            assert abs(moved) < 5e-5 or any(line.startswith(f"{month}  Changed most") for line in lines)
            continue
        assert f"{state} moves {'towards' if moved > 0 else 'away from'} {bloc} by {abs(moved):.4f}: " in told[month]
    assert len(told) > len(months) / 2


def test_the_narrative_says_whom_a_shock_names_and_what_changed_when_it_began(two):
    """A shock of both variants is told as that; the change since the month before names no cause but the contributions."""
    said = ["region=toy", "shock=[quiet],[quiet,fall]", "replicates=4", "end=2023-01", "record=decomposition"]
    ds = simulate(expand(said, two))
    _, *lines = narrative(ds, str(ds["variant"].values[1]))
    moves = (ds["move"].isel(variant=1) - ds["move"].isel(variant=0)).mean("replicate")
    assert lines[:2] == ["2022-01 to 2022-02  Nothing moves.", "2022-03  quiet begins (North, South), in both."]
    assert lines[2] == "2022-03 to 2022-05  Nothing moves."
    at = next(index for index, line in enumerate(lines) if "begins (North, East)." in line)
    assert lines[at].startswith("2022-06  ") and lines[at + 1].startswith("2022-06  Changed most since the period before: ")
    state, bloc, changed = greatest(ds, moves.isel(period=5) - moves.isel(period=4))
    assert f"{state} towards {bloc}, from +0.0000 to {changed:+.4f} a period: " in lines[at + 1]


def test_a_random_beginning_is_narrated_as_that(tmp_path):
    struck = effect("disposition", "impulse", {"state": "north", "bloc": "east"}, 0.2)
    folder = shock_folder(
        tmp_path, "late", {"swing": struck | {"date": {"from": "2022-03-01", "to": "2022-09-01"}}}, probability=0.5
    )
    ds = simulate(expand(["region=toy", "shock=[late]", "replicates=4", "end=2023-01", "record=decomposition"], folder))
    assert "2022-03  late may begin, until 2022-09, with probability 0.5 (North, East)." in narrative(
        ds, str(ds["variant"].values[0])
    )


def test_a_single_replicate_can_be_narrated(ds):
    assert narrative(ds, "everything", 3) != narrative(ds, "everything")
    assert "replicate 3" in narrative(ds, "everything", 3)[0]


# The command -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with results of the toy region, only to copy."""
    folder = tmp_path_factory.mktemp("written")
    said = ["region=toy", "scenario=baseline", "dynamics.vigilance=0,1", "replicates=5", "end=2023-01"]
    with contextlib.chdir(folder):
        for record in ("decomposition", "trajectories"):
            assert run_command(["sweep", *said, f"record={record}", f"out={record}"]) == 0
    return folder


@pytest.fixture
def here(tmp_path, written, monkeypatch, capsys):
    """A folder of one's own to work in, with a copy of the results."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    return tmp_path


@pytest.mark.slow
def test_explain_writes_a_table_and_a_figure_once(here, capsys):
    argv = ["explain", "decomposition", "north", "east", "from=2022-03", "out=why"]
    assert run_command(argv) == 0
    said = capsys.readouterr().out
    assert "the contributions sum to the recorded change within" in said
    assert sorted(path.name for path in (here / "why").iterdir()) == [
        *("complete.json", "explanation.csv", "explanation.png", "manifest.json")
    ]
    with (here / "why" / "explanation.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == EFFECT and row["time"] == "2023-01-01"]
    assert float(rows[-1]["mean"]) == pytest.approx(sum(float(row["mean"]) for row in rows[:-1]), abs=1e-9)
    assert (rows[0]["since"], rows[0]["against"], rows[-1]["contribution"]) == ("2022-03-01", "baseline, vigilance=0", WHOLE)
    stamp = (here / "why" / "explanation.png").stat().st_mtime_ns
    assert run_command(argv) == 0
    assert "already complete" in capsys.readouterr().out
    assert (here / "why" / "explanation.png").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("periods_per_year", [12, 48])
def test_a_narrative_tells_its_periods_apart(periods_per_year):
    said = ["region=toy", "replicates=2", "end=2022-04", "record=decomposition", f"periods_per_year={periods_per_year}"]
    begins = [line.split()[0] for line in narrative(simulate(expand(said)), "baseline")[1:]]
    assert len(set(begins)) == periods_per_year / 4 and len(begins[0]) == len("2022-01" if periods_per_year == 12 else "2022-01-01")


def test_explain_tells_a_whole_run(here, capsys):
    assert run_command(["explain", "decomposition", "replicate=2", "out=told"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert (here / "told" / "narrative.txt").read_text("utf-8").splitlines() == said[:-1]
    assert "less baseline, vigilance=0 on common random numbers, in replicate 2" in said[0]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["trajectories", "north", "east"], ["hold no contributions", "record=decomposition"]),
        (["nowhere", "north", "east"], ["no results folder"]),
        (["decomposition", "north"], ["a state and a bloc"]),
        (["decomposition", "nort", "east"], ["did you mean north?"]),
        (["decomposition", "north", "eats"], ["did you mean east?"]),
        (["decomposition", "north", "east", "from=2025"], ["2022-01 to 2023-01"]),
        (["decomposition", "north", "east", "from=2022-06", "to=2022-03"], ["not after"]),
        (["decomposition", "north", "east", "replicate=1"], ["replicate=1: replicate: belongs to the narrative"]),
        (["decomposition", "from=2022-03"], ["from"]),
        (["decomposition", "world=2"], ["did you mean replicate?"]),
        (["decomposition", "replicate=x"], ["whole number"]),
        (["decomposition", "replicate=²"], ["whole number"]),
        (["decomposition", "north", "east", "from=2022-01", "from=2022-02"], ["from: is given twice"]),
        (["decomposition", "replicate=9"], ["0 to 4"]),
        (["decomposition", "variantt=baseline"], ["did you mean variant?"]),
        (["decomposition", "variant=x"], ["baseline, vigilance=0; "]),
        (["decomposition", "north", "east", "out=decomposition"], ["a new folder"]),
    ],
)
def test_bad_questions_are_one_message(here, capsys, argv, words):
    assert run_command(["explain", *argv]) == 2
    wrong = capsys.readouterr().err
    assert wrong.startswith("sim: ") and len(wrong.splitlines()) <= 6
    for word in words:
        assert word in wrong
    assert sorted(path.name for path in here.iterdir()) == ["decomposition", "trajectories"]
