"""Inputs of kinds that were mended elsewhere, seen by fresh eyes after it: each is refused, named or left alone."""

import json

import pytest
import yaml
from conftest import ROOT, effect, shock_folder, write_region

from sim.commands.cli import run_command
from sim.commands.verify import verify
from sim.compose import notes
from sim.compose.expand import expand
from sim.errors import DamageError, SettingError
from sim.results import manifest, receipts

TOY = ["region=toy", "replicates=2", "end=2022-06"]


def toy(folder, **said):
    """The toy region under another name, changed by dotted paths."""
    region = yaml.safe_load((ROOT / "configs" / "region" / "toy.yaml").read_text("utf-8")) | {"name": "named"}
    for path, value in said.items():
        group, name, word = path.split("__")
        region[group][name][word] = value
    return write_region(folder, region)


@pytest.mark.parametrize(
    "overrides",
    [
        ["region.ties={south:{north:0.3}}"],
        ["region.proximity={south:{north:0.3}}"],
        ["region.ties={north:{south:0.1}}", "region.ties={south:{north:0.3}}"],
        ["region.ties.south={north:0.3}"],
        ["region.relation_floor={west:{east:-0.5}}"],
    ],
)
def test_a_table_does_not_turn_one_number_of_a_pair_into_two(overrides):
    with pytest.raises(SettingError, match="the other way round"):
        expand([*TOY, *overrides])


@pytest.mark.parametrize("label", ["", " ", "\u2007", "\ufe0f"])
@pytest.mark.parametrize("path", ["states__north__label", "blocs__east__label"])
def test_a_label_that_shows_nothing_is_refused(tmp_path, path, label):
    with pytest.raises(SettingError) as caught:
        expand(["region=named"], toy(tmp_path, **{path: label}))
    assert path.replace("__", ".") in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [("North\ufe0f", "North"), ("A\u2013B", "A-B"), ("A\u2212B", "A-B"), ("North\u3164", "North"), ("A\u2800", "A")],
)
def test_labels_that_look_the_same_are_refused(tmp_path, one, other):
    with pytest.raises(SettingError):
        expand(["region=named"], toy(tmp_path, states__north__label=one, states__south__label=other))


def test_no_label_is_the_name_by_which_another_is_typed(tmp_path):
    with pytest.raises(SettingError, match=r"region\.states\.south"):
        expand(["region=named"], toy(tmp_path, states__north__label="South", states__south__label="North"))


# What can do nothing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (["dynamics.coercion=0", "dynamics.deterrence=0,1"], "dynamics.coercion is 0"),
        (["dynamics.coercion=0", "region.blocs.east.red_line.north=0.1,0.4"], "dynamics.coercion is 0"),
        (["dynamics.coercion=0", "region.blocs.east.deterrence=interval(0,1)", "draws=2"], "dynamics.coercion is 0"),
        (["dynamics.contests=0", "dynamics.security_weight=0.2,0.8"], "dynamics.contests is 0"),
        (["dynamics.contests=0", "dynamics.threat_floor=0.2,0.8"], "dynamics.contests is 0"),
    ],
)
def test_a_number_behind_a_mechanism_that_is_off_is_said_and_moves_nothing(said, word):
    from sim.engine.runs import simulate

    variants = expand([*TOY, *said])
    assert any("no variant depends on" in line and word in line for line in notes.lines(variants))
    ds = simulate(variants)
    assert all((ds[name].isel(variant=0) == ds[name].isel(variant=1)).all() for name in ds.data_vars)


@pytest.mark.parametrize("rate", sorted(set(notes.RATES.values())))
def test_an_effect_on_what_does_not_follow_its_target_is_said_and_moves_nothing(tmp_path, rate):
    from sim.engine.runs import simulate

    target = next(name for name, own in notes.RATES.items() if own == rate)
    who = {"tie": {"state": "north", "peer": "south"}, "road_capacity": {"state": "north", "peer": "south"}}
    who |= {"relation": {"bloc": "east", "rival": "west"}, "strain_war": {"bloc": "east"}}
    own = who.get(target, {"state": "north", "bloc": "east"})
    folder = shock_folder(tmp_path, "forcing", {"one": effect(target, "pulse", own, 0.1, date="2022-02-01", duration=1.0)})
    variants = expand([*TOY, "shock=[],[forcing]", f"dynamics.{rate}=0"], folder)
    assert any(f"effect one of shock forcing does nothing, as dynamics.{rate} is 0" in line for line in notes.lines(variants))
    ds = simulate(variants)
    assert all((ds[name].isel(variant=0) == ds[name].isel(variant=1)).all() for name in ds.data_vars)
    assert not any("one of shock forcing" in line for line in notes.lines(expand([*TOY, "shock=[],[forcing]"], folder)))


def test_a_size_of_nothing_is_said_and_one_that_is_swept_is_not(tmp_path):
    folder = shock_folder(tmp_path, "forcing", {"one": effect("tie", "step", {"state": "north", "peer": "south"}, 0.0)})
    assert any("its size is 0" in line for line in notes.lines(expand([*TOY, "shock=[forcing]"], folder)))
    swept = expand([*TOY, "shock=[forcing]", "shock.forcing.effects.one.size=0.1,0.2"], folder)
    assert not any("its size is 0" in line for line in notes.lines(swept))


# Folders --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_command(["sweep", *TOY, "dynamics.vigilance=0.5,1", "out=out"]) == 0
    return tmp_path / "out"


def reseal(folder, edit):
    """Edit the words of a run and seal them, its receipts and the receipt of the whole again."""
    words = manifest.unsealed(folder / manifest.MANIFEST)
    edit(words)
    (folder / manifest.MANIFEST).write_bytes(manifest.sealed(words))
    store = manifest.store_of(folder, words)
    for task in manifest.tasks_of(words):
        path = store.receipt(task)
        said = json.loads(path.read_bytes())
        fresh = json.loads(store._receipt(task, said["bytes"], said["sha256"]))
        path.write_text(json.dumps(fresh))
    manifest.write_complete(folder, words)


@pytest.mark.slow
@pytest.mark.parametrize(
    "edit",
    [
        lambda words: words["beside"]["variant"].update(reference=["baseline, vigilance=1"] * 2),
        lambda words: words["beside"]["variant"].update(vigilance=[1, 0.5]),
        lambda words: words["beside"]["state"].update(state_label=["South", "North"]),
        lambda words: words["beside"]["variant"].update(stability_margin=[0.5, 0.5]),
        lambda words: words["attributes"].update(seed=7),
        lambda words: words["attributes"].update(title="Another question"),
        lambda words: words["attributes"].update(shocks=json.dumps({label: [] for label in words["coordinates"]["variant"]}) + " "),
    ],
)
def test_words_that_are_not_those_of_the_run_are_found_though_all_is_sealed_again(out, edit):
    reseal(out, edit)
    with pytest.raises(DamageError):
        verify(out, 1, 0)


@pytest.mark.slow
def test_a_run_whose_receipt_is_damaged_is_mended_by_its_command(out):
    before = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for content in (before["complete.json"][:300], b"{}", b"x"):
        (out / "complete.json").write_bytes(content)
        assert run_command(["sweep", *TOY, "dynamics.vigilance=0.5,1", "out=out"]) == 0
        assert {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_a_chunk_that_is_somebodys_is_left_alone(out):
    (out / "chunks" / "v000009-r000000000.npz").write_bytes(b"mine")
    assert run_command(["clean", "out"]) == 0 and receipts.listed(out)
    assert run_command(["sweep", *TOY, "dynamics.vigilance=0.5,1", "out=out"]) == 0
    assert (out / "chunks" / "v000009-r000000000.npz").read_bytes() == b"mine"


def test_what_the_command_of_jobs_does_not_make_again_is_not_cleaned_away(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_command(["run", "-m", *TOY, "seed=1,2", "out=jobs"]) == 0
    (job, *_) = sorted(path.name for path in (tmp_path / "jobs").iterdir() if path.name.startswith("0_"))
    assert run_command(["figures", f"jobs/{job}"]) == 0
    assert run_command(["clean", "jobs", "--tables"]) == 0
    assert list((tmp_path / "jobs" / job / "figures").glob("*.png"))
