"""Composition: what overrides mean, how variants are named, and that a config can do nothing but be read."""

import pytest
import yaml
from conftest import effect, shock_folder

from sim.compose.expand import expand, expand_jobs, from_tables
from sim.compose.folders import config_folder
from sim.compose.overrides import coordinate_names
from sim.config.fingerprint import common_and_rest, data_settings, differing, shared_and_own
from sim.config.schema import Config
from sim.config.typed import build
from sim.engine.plan import Plan, references
from sim.errors import SettingError

TOY = ["region=toy"]


def labels(*said):
    return [variant.label for variant in expand([*TOY, *said])]


def test_the_product_runs_over_the_last_key_fastest():
    assert labels("dynamics.vigilance=0,1", "dynamics.relay=0.5,1") == [
        f"baseline, vigilance={one}, relay={other}" for one in ("0", "1") for other in ("0.5", "1")
    ]


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("dynamics.vigilance=range(0,3)", [0, 1, 2]),
        ("dynamics.vigilance=choice(0.5,2)", [0.5, 2]),
        ("dynamics.vigilance='1'", None),
        ("dynamics.vigilance=1e-1,2", [0.1, 2]),
    ],
)
def test_hydras_grammar_is_read(said, values):
    if values is None:
        with pytest.raises(SettingError):
            expand([*TOY, said])
    else:
        assert [variant.config.dynamics.vigilance for variant in expand([*TOY, said])] == values


def test_one_text_is_no_list_of_overrides():
    with pytest.raises(SettingError, match="is a single text"):
        expand("scenario=baseline")


def test_a_glob_names_every_file_of_a_group():
    assert "baseline" in {variant.config.scenario.name for variant in expand([*TOY, "scenario=glob(base*)"])}


def test_a_glob_is_remembered_by_what_it_found(tmp_path):
    """So that a run can be gone on with and computed again when the folder of one's own is another, or not there."""
    (tmp_path / "scenario").mkdir()
    for name in ("own_a", "own_b"):
        text = f"# @package _global_\ndefaults:\n  - /shock: []\nscenario: {{name: {name}, label: Own}}\n"
        (tmp_path / "scenario" / f"{name}.yaml").write_text(text)
    variants = expand([*TOY, "scenario=glob(own*)"], tmp_path)
    assert variants.overrides == ("region=toy", "scenario=own_a,own_b")


def test_swept_keys_are_named_by_their_shortest_free_tail():
    assert coordinate_names(["dynamics.vigilance"]) == {"dynamics.vigilance": "vigilance"}
    two = ["region.states.north.speed", "region.states.south.speed"]
    assert coordinate_names(two) == {two[0]: "north_speed", two[1]: "south_speed"}
    assert coordinate_names(["region.states.north.alignment.east"])["region.states.north.alignment.east"] == "east"
    assert coordinate_names(["dynamics.readiness"]) == {"dynamics.readiness": "dynamics_readiness"}


def test_an_override_reaches_a_number_that_the_file_leaves_out():
    (variant,) = expand([*TOY, "region.states.south.readiness.east=0.4"])
    assert variant.config.region.states["south"].readiness == {"west": 0.3, "east": 0.4}


def test_variants_share_no_tables():
    one, other = expand([*TOY, "dynamics.vigilance=0,1"])
    one.settings["region"]["states"]["north"]["capability"] = 99
    assert other.settings["region"]["states"]["north"]["capability"] != 99


def test_jobs_may_differ_in_settings_of_the_run():
    batches = expand_jobs([*TOY, "replicates=1,2", "seed=1,2"])
    labels = [[f"baseline, replicates={count}, seed={seed}" for seed in (1, 2)] for count in (1, 2)]
    assert [[variant.label for variant in batch.variants] for batch in batches] == labels
    assert [[variant.config.seed for variant in batch.variants] for batch in batches] == [[1, 2], [1, 2]]


def test_jobs_of_other_seeds_draw_other_numbers():
    batches = expand_jobs([*TOY, "dynamics.relay=interval(0,1)", "seed=1,2"])
    one, other = (batch.variants[0].config.dynamics.relay for batch in batches)
    assert one != other and [batch.variants[0].config.seed for batch in batches] == [1, 2]


def test_tables_of_another_composer_give_the_same_config():
    (variant,) = expand([*TOY, "dynamics.vigilance=0.5"])
    assert from_tables(variant.settings, ["region=toy", "dynamics.vigilance=0.5"]).config == variant.config
    with pytest.raises(SettingError):
        from_tables({**variant.settings, "out": "${seed}"})
    with pytest.raises(SettingError):
        from_tables([1])


def test_own_files_stand_before_the_shipped_ones(tmp_path):
    shipped = config_folder()
    for group in ("scenario", "region", "shock", "study", "dynamics"):
        (tmp_path / group).mkdir()
    label = "# @package _global_\ndefaults:\n  - /shock: []\nscenario: {name: baseline, label: Mine}\n"
    (tmp_path / "scenario" / "baseline.yaml").write_text(label)
    toy = yaml.safe_load((shipped / "region" / "toy.yaml").read_text("utf-8"))
    toy["states"]["north"]["capability"] = 0.875
    (tmp_path / "region" / "toy.yaml").write_text(yaml.safe_dump(toy, sort_keys=False))
    (tmp_path / "dynamics" / "reference.yaml").write_text(
        (shipped / "dynamics" / "reference.yaml").read_text("utf-8").replace("\nvigilance: 1.0", "\nvigilance: 1.25", 1)
    )
    study = "# @package _global_\nstudy: {name: headline, question: Mine, axes: {dynamics.relay: '0,0.5'}}\nreplicates: 7\n"
    (tmp_path / "study" / "headline.yaml").write_text(study)
    own = expand([*TOY, "study=headline"], tmp_path)
    assert [variant.label for variant in own] == ["baseline, relay=0", "baseline, relay=0.5"]
    config = own[0].config
    assert (config.scenario.label, config.study.question, config.replicates) == ("Mine", "Mine", 7)
    assert (config.region.states["north"].capability, config.dynamics.vigilance) == (0.875, 1.25)
    effects = {"tie": effect("tie", "step", {"state": "armenia", "peer": "azerbaijan"}, 0.9, date="2025-08-08")}
    shock_folder(tmp_path, "peace_deal", effects)
    (mine,) = expand(["scenario=peace_deal"], tmp_path)
    assert mine.config.shock["peace_deal"].effects["tie"].size == 0.9


@pytest.mark.parametrize("name", ["é", "a, b", "a=b", "it's [x] ${seed}\\", "a b#c%20"])
def test_a_folder_of_ones_own_may_have_any_name(tmp_path, name):
    """Also beside another one, which a path that is read as a list would lead to."""
    for at, label in ((tmp_path / name, "Mine"), (tmp_path / "a", "Other"), (tmp_path / " b", "Other")):
        (at / "scenario").mkdir(parents=True)
        text = f"# @package _global_\ndefaults:\n  - /shock: []\nscenario: {{name: baseline, label: {label}}}\n"
        (at / "scenario" / "baseline.yaml").write_text(text)
    (variant,) = expand(TOY, tmp_path / name)
    assert variant.config.scenario.label == "Mine"


def test_each_variant_is_set_against_the_reference_of_its_own_swept_values(tmp_path):
    (tmp_path / "scenario").mkdir()
    text = "# @package _global_\ndefaults:\n  - /shock: []\nscenario: {name: calm, label: Calm}\n"
    (tmp_path / "scenario" / "calm.yaml").write_text(text)
    variants = expand([*TOY, "scenario=calm,baseline", "dynamics.vigilance=0,1"], tmp_path)
    assert references(variants) == [2, 3, 2, 3]
    assert references(variants, "calm") == [0, 1, 0, 1]
    assert references(variants, "calm, vigilance=1") == [1, 1, 1, 1]
    assert references(expand([*TOY, "dynamics.vigilance=0,1"])) == [0, 0]
    with pytest.raises(SettingError) as caught:
        references(variants, "clam")
    assert caught.value.meant == "calm"


def test_plain_data_become_typed_values_or_are_refused_by_key():
    tables = expand(TOY)[0].settings
    assert isinstance(build(Config, tables), Config)
    for wrong, key in (
        ({**tables, "seed": True}, "seed"),
        ({**tables, "seed": 1.0}, "seed"),
        ({**tables, "extra": 1}, "extra"),
        ({name: value for name, value in tables.items() if name != "end"}, "end"),
        ({**tables, "study": []}, "study"),
    ):
        with pytest.raises(SettingError) as caught:
            build(Config, wrong)
        assert caught.value.key == key


def test_settings_compare_and_hash():
    assert shared_and_own([{"a": 1, "b": 2}, {"a": 1, "b": 3}]) == ({"a": 1}, [{"b": 2}, {"b": 3}])
    assert differing({"a": 1, "b": 2}, {"b": 3}) == [("a", 1, None), ("b", 2, 3)]
    nested = [{"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}]
    assert common_and_rest(nested) == (
        {"a": {"b": 1}},
        [{"a": {"c": 2}}, {"a": {"c": 3}}],
    )


def test_evidence_decides_a_run_only_where_it_is_drawn_from():
    tables = {"sample": "none", "region": {"evidence": {"a": {"low": 1, "source": "x"}}, "a": 2}}
    assert data_settings(tables) == {"sample": "none", "region.a": 2}
    drawn = data_settings({**tables, "sample": "ranges"})
    assert drawn["region.evidence.a.low"] == 1 and "region.evidence.a.source" not in drawn


def test_a_file_that_is_printed_is_read_back(tmp_path):
    (variant,) = expand([*TOY, "dynamics.vigilance=0.5"])
    text = yaml.safe_dump(variant.settings, sort_keys=False)
    assert build(Config, yaml.safe_load(text)) == variant.config


def test_a_pair_that_the_file_gives_once_is_set_the_way_it_is_given():
    (variant,) = expand([*TOY, "region.ties.north.south=-0.2"])
    assert variant.config.region.ties == {"north": {"south": -0.2}}
    with pytest.raises(SettingError) as caught:
        expand([*TOY, "region.ties.south.north=-0.2"])
    assert caught.value.meant == "region.ties.north.south"


@pytest.mark.slow
def test_variants_of_one_run_share_a_region():
    """A scenario may bring a region of its own; set against one of another region no difference would be an effect."""
    with pytest.raises(SettingError, match=r"baseline has south_caucasus, history has south_caucasus_1994"):
        expand(["scenario=baseline,history"])
    with pytest.raises(SettingError, match="one region"):
        expand(["region=toy,south_caucasus"])
    assert len(expand(["scenario=baseline,history", "region=south_caucasus_1994", "end=2026-07"])) == 2


@pytest.mark.parametrize("key", ["label", "states.north.label", "blocs.east.label", "blocs.east.colour"])
def test_variants_of_one_run_share_what_figures_show(key):
    words = "#0072B2,#D55E00" if key.endswith("colour") else "One,Other"
    with pytest.raises(SettingError, match="sim run -m") as caught:
        expand([*TOY, f"region.{key}={','.join(map(repr, words.split(',')))}"])
    assert caught.value.key == f"region.{key}"


def test_variants_of_one_run_share_its_window():
    """Also where a region's opening sets it, and where variants are put together by hand."""
    with pytest.raises(SettingError, match=r"sim run -m") as caught:
        expand([*TOY, "region.as_of=2022-01,2021-01"])
    assert caught.value.key == "region.as_of" and "2021-01-01" in caught.value.wrong
    assert len(expand([*TOY, "region.as_of=2022-01,2021-01", "start=2022-01"])) == 2
    with pytest.raises(SettingError, match="sim run -m") as caught:
        Plan([*expand([*TOY, "seed=1"]), *expand([*TOY, "seed=2"])])
    assert caught.value.key == "seed"


@pytest.mark.slow
def test_the_settings_of_a_study_stand_before_the_defaults():
    (first, *_) = expand(["study=history"])
    assert (first.config.start, first.config.end, first.config.reference) == ("1994-01", "2026-07", "history")
    assert expand(["study=history", "end=2027-01"])[0].config.end == "2027-01"


def test_a_file_that_changes_between_two_runs_is_read_again(tmp_path):
    for size in (0.3, 0.1, 0.25):
        folder = shock_folder(tmp_path, "fair", {"tie": effect("tie", "step", {"state": "north", "peer": "south"}, size)})
        (variant,) = expand(["region=toy", "shock=[fair]"], folder)
        variant.settings["shock"]["fair"]["effects"]["tie"]["size"] = 0
        assert variant.config.shock["fair"].effects["tie"].size == size
    (again,) = expand(["region=toy", "shock=[fair]"], tmp_path)
    assert again.config.shock["fair"].effects["tie"].size == size
