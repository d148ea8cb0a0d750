"""What makes two commands the same run: every setting that moves a number, the order, and what variants are set against."""

import json
import re

import pytest
import yaml
from conftest import STORM, effect, shock_folder

from sim.commands import identity, old_formats
from sim.commands.cli import run_command
from sim.commands.screen import counterpart_lines
from sim.compose.expand import expand
from sim.config import fingerprint as settings
from sim.config.fingerprint import data_settings, fingerprint, in_order
from sim.engine.plan import Plan, references
from sim.errors import SettingError
from sim.results import dataset, manifest

pytestmark = pytest.mark.slow

TOY = ["region=toy", "replicates=2", "end=2022-04"]


def said(*overrides, folder=None):
    return identity.settings_of(expand([*TOY, *overrides], folder))


# Item by item ---------------------------------------------------------------------------------------------------------------

LEFT_OUT = sorted({word for path in (*settings.NOT_DATA, *settings.WHY) for word in path if word != settings.ANY})
"""Every word that stands in the path of what is left out."""


@pytest.mark.parametrize("sample", ["none", "ranges"])
@pytest.mark.parametrize("word", LEFT_OUT)
def test_no_name_takes_a_number_out_of_the_identity(word, sample):
    """A state, bloc, route, shock or effect may bear any word of what is left out."""
    tables = {
        "sample": sample,
        "region": {
            "states": {word: {"speed": 1, "alignment": {word: 2}}},
            "blocs": {word: {"priority": {word: 3}}},
            "routes": {word: {"permit": 4}},
            "ties": {word: {"other": 5}},
        },
        "dynamics": {word: 6} if word not in ("evidence", "name") else {},
        "shock": {word: {"probability": 7, "effects": {word: {"size": 8, "who": {"state": word}, "date": {"from": 9}}}}},
    }
    whole = data_settings(tables)
    numbers = [value for value in whole.values() if isinstance(value, int)]
    assert sorted(numbers) == [number for number in range(1, 10) if number != 6 or tables["dynamics"]]
    assert whole[f"shock.{word}.effects.{word}.who.state"] == word


def test_each_word_left_out_changes_nothing_in_its_own_place():
    for path in settings.NOT_DATA:
        at = tables = {}
        for word in path[:-1]:
            at[word] = {}
            at = at[word]
        one, other = ({**tables} for _ in range(2))
        at[path[-1]] = 1
        one = data_settings(json.loads(json.dumps(tables)))
        at[path[-1]] = 2
        other = data_settings(json.loads(json.dumps(tables)))
        assert fingerprint(one) == fingerprint(other), path


def test_ranges_are_data_where_they_are_drawn_from():
    tables = {"shock": {"unit": {"effects": {"range": {"range": [0, 1], "unit": "x", "source": "y"}}}}}
    assert "shock.unit.effects.range.range" not in data_settings(tables)
    drawn = data_settings({**tables, "sample": "ranges"})
    assert drawn["shock.unit.effects.range.range"] == [0, 1]
    assert not any(key.endswith((".unit", ".source")) for key in drawn)


@pytest.mark.parametrize("name", ["out", "range", "unit", "source", "evidence"])
def test_an_effect_of_any_name_is_run_anew_when_its_size_changes(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for size in (0.1, 0.3):
        shock_folder(tmp_path, name, {name: effect("tie", "step", {"state": "north", "peer": "south"}, size)})
        assert run_command(["run", *TOY, f"shock=[{name}]", "--config-dir", str(tmp_path)]) == 0
        assert "already complete" not in capsys.readouterr().out
    assert len(list((tmp_path / "outputs").iterdir())) == 2


def test_shocks_in_another_order_are_another_run(tmp_path):
    """They add up in it, to the last bit."""
    folder = shock_folder(tmp_path, "one", STORM)
    shock_folder(folder, "two", STORM)
    (folder / "scenario").mkdir()
    found = []
    for order in (["one", "two"], ["two", "one"]):
        file = folder / "scenario" / "both.yaml"
        content = {"defaults": [{"/shock": order}], "scenario": {"name": "both", "label": "Both"}}
        file.write_text("# @package _global_\n" + yaml.safe_dump(content))
        found.append(said("scenario=both", folder=folder))
    assert found[0]["shared"]["shock"] == ["one", "two"] and found[1]["shared"]["shock"] == ["two", "one"]
    assert fingerprint(found[0]) != fingerprint(found[1])


def test_settings_are_put_into_the_order_that_was_run():
    whole = {"shock": {"b": {"effects": {"y": {"size": 1}, "x": {"size": 2}}}, "a": {"effects": {"z": {"size": 3}}}}}
    mixed = {"shock": {"a": whole["shock"]["a"], "b": {"effects": {"x": {"size": 2}, "y": {"size": 1}}}}}
    back = in_order(mixed, data_settings(whole))
    assert back == whole and list(back["shock"]) == ["b", "a"] and list(back["shock"]["b"]["effects"]) == ["y", "x"]


# What variants are set against ----------------------------------------------------------------------------------------------


@pytest.fixture
def scenarios(tmp_path):
    """A folder with the scenarios calm, mild and wild, none of them called baseline."""
    folder = shock_folder(tmp_path, "storm", STORM)
    (folder / "scenario").mkdir()
    for name, shocks in (("calm", []), ("mild", ["storm"]), ("wild", ["storm"])):
        content = {"defaults": [{"/shock": shocks}], "scenario": {"name": name, "label": name.title()}}
        (folder / "scenario" / f"{name}.yaml").write_text("# @package _global_\n" + yaml.safe_dump(content))
    return folder


def pairs(*overrides, folder):
    variants = expand([*TOY, *overrides], folder)
    return {variants[at].label: variants[to].label for at, to in enumerate(references(variants, variants[0].config.reference))}


def test_the_reference_has_the_same_other_values(scenarios):
    found = pairs("scenario=mild,calm,wild", "dynamics.vigilance=0,1", folder=scenarios)
    assert found == {
        f"{name}, vigilance={value}": f"mild, vigilance={value}" for name in ("mild", "calm", "wild") for value in (0, 1)
    }
    found = pairs("scenario=mild,calm", "dynamics.vigilance=0,1", "dynamics.peer_influence=0,1", "reference=calm", folder=scenarios)
    assert all(to == label.replace("mild", "calm") for label, to in found.items()) and len(found) == 8


def test_a_label_as_reference_sets_all_against_one_cell(scenarios):
    command = ("scenario=mild,calm", "dynamics.vigilance=0,1", "reference='calm, vigilance=1'")
    assert set(pairs(*command, folder=scenarios).values()) == {"calm, vigilance=1"}
    drawn = pairs(*command, "dynamics.peer_influence=interval(0,1)", "draws=2", folder=scenarios)
    assert drawn["mild, vigilance=0, draw=1"] == "calm, vigilance=1, draw=1"
    with pytest.raises(SettingError, match="calm"):
        pairs(*command[:2], "reference=clam", folder=scenarios)


def test_draws_are_set_against_the_same_draw(scenarios):
    drawn = ("dynamics.peer_influence=interval(0,1)", "draws=3")
    one = pairs("scenario=calm", *drawn, folder=scenarios)
    assert all(label == to for label, to in one.items()) and len(one) == 3
    swept = pairs("scenario=calm", "dynamics.vigilance=0,1", *drawn, folder=scenarios)
    assert all(to == label.replace("vigilance=1", "vigilance=0") for label, to in swept.items())


def test_what_has_no_counterpart_is_named(scenarios):
    plan = Plan(expand([*TOY, "scenario=mild,calm", "dynamics.vigilance=0,1", "design=zip"], scenarios))
    (line,) = counterpart_lines(plan)
    assert "calm, vigilance=1 against mild, vigilance=0" in line
    assert not counterpart_lines(Plan(expand([*TOY, "scenario=mild,calm", "dynamics.vigilance=0,1"], scenarios)))


def test_the_paired_effect_of_a_crossed_sweep_is_of_the_scenario_alone(scenarios):
    from sim.engine.runs import simulate

    ds = simulate(expand([*TOY, "scenario=calm,mild", "dynamics.vigilance=0,1"], scenarios))
    effects = dataset.differences(ds, ("alignment",))["alignment"].sel(statistic="mean")
    for value in (0, 1):
        own = ds["alignment"].sel(variant=f"mild, vigilance={value}") - ds["alignment"].sel(variant=f"calm, vigilance={value}")
        assert abs(effects.sel(variant=f"mild, vigilance={value}") - own.mean("replicate")).max() < 1e-15


@pytest.mark.parametrize("swept", [["scenario={}"], ["scenario=calm,mild", "dynamics.vigilance={}"]])
def test_another_order_is_another_folder(swept, scenarios, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    orders = ("calm,mild", "mild,calm") if swept == ["scenario={}"] else ("0,1", "1,0")
    own = ["--config-dir", str(scenarios)]
    told = []
    for order in orders:
        command = ["sweep", *TOY, *(word.format(order) for word in swept), *own]
        assert run_command(command) == 0
        first = capsys.readouterr().out
        assert run_command(command) == 0
        again = capsys.readouterr().out
        (reference,) = re.findall(r"against (.*?) on common random numbers", first)
        assert "already complete" in again and f"compared with {reference}\n" in again
        table = first[first.index("effect on alignment") : first.index("results:")]
        assert table in again
        told.append(table)
    assert told[0] != told[1] and len(list((tmp_path / "outputs").iterdir())) == 2


def test_another_order_is_refused_in_the_same_folder(scenarios, tmp_path, capsys):
    into = tmp_path / "both"
    assert run_command(["sweep", *TOY, "scenario=calm,mild", f"out={into}", "--config-dir", str(scenarios)]) == 0
    assert run_command(["sweep", *TOY, "scenario=mild,calm", f"out={into}", "--config-dir", str(scenarios)]) == 2
    assert "order" in capsys.readouterr().err
    assert run_command(["sweep", *TOY, "scenario=calm,mild", "reference=mild", f"out={into}", "--config-dir", str(scenarios)]) == 2
    assert "set against" in capsys.readouterr().err


# Said twice -----------------------------------------------------------------------------------------------------------------

NORTH = "region.states.north"


@pytest.mark.parametrize(
    "overrides",
    [
        (NORTH + ".credibility={east:0.1}", NORTH + ".credibility={west:0.2}"),
        (NORTH + ".credibility={east:0.1}", NORTH + ".credibility.west=0.2"),
        (NORTH + ".credibility.east=0.1", NORTH + ".credibility={west:0.2}"),
        ("region.states={north:{credibility:{east:0.1}}}", "region.states={north:{credibility:{west:0.2}}}"),
        (NORTH + "={credibility:{east:0.1}}", NORTH + "={credibility:{west:0.2}}"),
    ],
)
def test_tables_are_merged_in_order(overrides):
    (variant,) = expand([*TOY, *overrides])
    assert variant.config.region.states["north"].credibility == {"east": 0.1, "west": 0.2}
    (other,) = expand([*TOY, *overrides[::-1]])
    assert other.config == variant.config
    assert variant.config.region.states["north"].alignment["east"] == 0.4


def test_a_table_beside_a_swept_one_is_kept():
    one, other = expand([*TOY, NORTH + ".credibility={east:0.1},{east:0.2}", NORTH + ".credibility={west:0.3}"])
    found = [variant.config.region.states["north"].credibility for variant in (one, other)]
    assert found == [{"east": 0.1, "west": 0.3}, {"east": 0.2, "west": 0.3}]


@pytest.mark.parametrize(
    "overrides",
    [
        ("dynamics.vigilance=1", "dynamics.vigilance=2"),
        ("dynamics.vigilance=1", "dynamics.vigilance=1"),
        ("dynamics.vigilance=0,1", "dynamics.vigilance=2,3"),
        ("dynamics.vigilance=0,1", "dynamics.vigilance=2"),
        ("dynamics.vigilance=interval(0,1)", "dynamics.vigilance=2"),
        (NORTH + ".credibility={east:0.1}", NORTH + ".credibility.east=0.2"),
        (NORTH + ".credibility.east=0.2", "region.states={north:{credibility:{east:0.1}}}"),
        (NORTH + ".member_of=[]", NORTH + ".member_of=[east]"),
        (NORTH + ".credibility={east:0.1,east:0.2}",),
        ("region.states={north:{credibility:{east:0.1,east:0.2}}}",),
        ("scenario=baseline", "scenario=peace_deal"),
        ("seed=1", "seed=2"),
        ("~region.ties.north.south", "region.ties.north.south=0.1"),
    ],
)
def test_what_is_no_table_is_said_once(overrides):
    with pytest.raises(SettingError, match="twice") as caught:
        expand([*TOY[:1], *overrides])
    assert caught.value.where and overrides[-1] in caught.value.where


def test_a_table_taken_out_may_be_filled_anew():
    (variant,) = expand([*TOY, "~region.ties.north", "region.ties.south={north:0.1}"])
    assert variant.config.region.ties == {"south": {"north": 0.1}}


def test_a_command_takes_the_place_of_what_a_study_sweeps(tmp_path):
    (tmp_path / "study").mkdir()
    content = {
        "study": {
            "name": "mine",
            "question": "?",
            "axes": {NORTH + ".credibility.east": "0.1,0.2", "dynamics.peer_influence": "0,1"},
        }
    }
    (tmp_path / "study" / "mine.yaml").write_text("# @package _global_\n" + yaml.safe_dump(content))
    labels = [variant.label for variant in expand([*TOY, "study=mine", NORTH + ".credibility={east:0.5}"], tmp_path)]
    assert labels == ["baseline, peer_influence=0", "baseline, peer_influence=1"]


# Folders of before ----------------------------------------------------------------------------------------------------------


def aged(folder, drop=(), **changes):
    """Make a folder one of the format before, whose identity left out some settings."""
    words = manifest.unsealed(folder / manifest.MANIFEST)
    for name in ("order", "against"):
        words["settings"].pop(name, None)
    shared = words["settings"]["shared"]
    words["settings"]["shared"] = {key: value for key, value in shared.items() if not any(part in key.split(".") for part in drop)}
    for dim, columns in changes.items():
        words["beside" if isinstance(columns, dict) else "coordinates"][dim] = columns
    words["format"] = manifest.BEFORE
    (folder / manifest.MANIFEST).write_bytes(manifest.sealed(words))


def test_a_folder_of_before_is_told_whether_it_may_be_stale(tmp_path, capsys):
    shock_folder(tmp_path, "out", {"out": effect("tie", "step", {"state": "north", "peer": "south"}, 0.3)})
    into = tmp_path / "run"
    assert run_command(["run", *TOY, "shock=[out]", f"out={into}", "--config-dir", str(tmp_path)]) == 0
    aged(into, drop=("out",))
    capsys.readouterr()
    assert run_command(["verify", str(into)]) == 0
    told = capsys.readouterr().out
    assert "may be stale" in told and "shock.out.effects.out.size=0.3" in told
    for verb in ("status", "compare"):
        assert run_command([verb, str(into)]) == 2
        assert "sim verify reports whether it may be stale" in capsys.readouterr().err


def test_a_sound_folder_of_before_is_called_sound(tmp_path, capsys):
    into = tmp_path / "run"
    assert run_command(["sweep", *TOY, "scenario=baseline", "dynamics.vigilance=0.5,1", f"out={into}", "reference=baseline"]) == 0
    aged(into)
    lines = old_formats.report(into)
    assert len(lines) == 1 and "its numbers are those of its settings" in lines[0]


def test_references_and_dates_of_before_are_looked_at(scenarios, tmp_path):
    into = tmp_path / "sweep"
    command = ["sweep", *TOY, "scenario=mild,calm", "dynamics.vigilance=0,1", f"out={into}", "--config-dir", str(scenarios)]
    assert run_command(command) == 0
    words = manifest.unsealed(into / manifest.MANIFEST)
    beside, coordinates = words["beside"]["variant"], words["coordinates"]
    aged(into)
    assert any("may be stale: effects are against mild, vigilance=0" in line for line in old_formats.report(into))
    words["settings"] = {key: value for key, value in words["settings"].items() if key not in ("order", "against")}
    words["beside"]["variant"] = beside | {"reference": ["mild, vigilance=0"] * 4}
    words["coordinates"] = coordinates | {"time": ["2300-01-01"] * len(coordinates["time"])}
    words["format"] = manifest.BEFORE
    (into / manifest.MANIFEST).write_bytes(manifest.sealed(words))
    told = "\n".join(old_formats.report(into))
    assert "wrong reference of 2 variants" in told and "now mild, vigilance=1" in told and "did not fit" in told
