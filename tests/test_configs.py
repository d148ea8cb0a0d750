"""Every shipped YAML composes, is typed, runs, and stands on evidence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from sim.compose.expand import expand
from sim.compose.folders import config_folder
from sim.compose.groups import GROUPS
from sim.config.evidence import BESIDE, evidence_row, numbers
from sim.config.schema import Variant
from sim.config.strict_yaml import read_file
from sim.engine.plan import Plan
from sim.engine.runs import simulate
from sim.errors import SettingError
from sim.names import QUANTITIES

FILES = sorted(config_folder().rglob("*.yaml"))
SOURCED = sorted([*(config_folder() / "region").glob("*.yaml"), *(config_folder() / "dynamics").glob("*.yaml")])


def names(group):
    return sorted(file.stem for file in (config_folder() / group).glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_file_reads_as_it_looks(file):
    read_file(file)


def test_every_folder_is_a_group():
    assert {file.parent.name for file in FILES if file.parent != config_folder()} == set(GROUPS)


@pytest.mark.slow
@pytest.mark.parametrize("group", ["region", "dynamics", "scenario", "study"])
def test_every_choice_composes_and_runs_two_periods(group):
    for name in names(group):
        said = [f"{group}={name}", "replicates=2"]
        variants = expand(said)
        plan = Plan(variants)
        assert np.isfinite(plan.margins).all(), name
        if not any(variant.config.shock for variant in variants):
            opening = variants[0].config.region.as_of
            ds = simulate(expand([*said, f"end={opening[:4]}-03"]))
            assert ds.sizes["period"] == 2
            assert np.isfinite(ds["alignment"]).all()


SINCE_1994 = ["region=south_caucasus_1994", "end=2036-01"]
WORDS_ALONE = {"nato_statement"}
"""The null control: words alone move nothing."""


@pytest.fixture(scope="module")
def all_at_once():
    """The config of all shipped shocks together."""
    (variant,) = expand([*SINCE_1994, f"shock=[{','.join(names('shock'))}]"])
    return variant.config


@pytest.mark.slow
def test_every_shock_moves_something_where_all_others_happen(all_at_once):
    """Some only undo or answer others, so each is left out of the world in which all happen."""
    shocks = names("shock")
    certain = {name: replace(shock, probability=1) for name, shock in all_at_once.shock.items()}
    variants = [
        Variant(replace(all_at_once, shock=left, replicates=2), label, {"scenario": label}, {})
        for label, left in [("all", certain)]
        + [(name, {other: shock for other, shock in certain.items() if other != name}) for name in shocks]
    ]
    ds = simulate(variants)
    still = {
        name
        for at, name in enumerate(shocks, start=1)
        if all(np.array_equal(ds[variable][0], ds[variable][at]) for variable in ds.data_vars)
    }
    assert still == WORDS_ALONE


def test_all_shocks_compose_at_once_and_some_by_two(all_at_once):
    assert sorted(all_at_once.shock) == names("shock")
    (variant,) = expand(["shock=[peace_deal,trade_opening]"])
    assert set(variant.config.shock) == {"peace_deal", "trade_opening"}
    assert variant.config.scenario.name == "peace_deal+trade_opening"


def test_shocks_of_the_opening_of_2022_run_in_both_regions():
    """What is dated after the opening of 2022 composes with the region of 2022 too."""
    late = [name for name in names("shock") if _first_day(name) >= "2022"]
    (variant,) = expand([f"shock=[{','.join(late)}]", "end=2036-01"])
    assert len(variant.config.shock) == len(late) > 20


def _first_day(name):
    text = (config_folder() / "shock" / f"{name}.yaml").read_text("utf-8")
    dates = [effect["date"] for effect in yaml.safe_load(text)[name]["effects"].values()]
    return min(date["from"] if isinstance(date, dict) else date for date in dates)


@pytest.mark.parametrize("file", SOURCED, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_number_has_a_row_of_evidence_and_lies_in_its_range(file):
    group = file.parent.name
    settings = expand([f"{group}={file.stem}"])[0].settings[group]
    evidence = settings["evidence"]
    used = set()
    for path, value in numbers({name: table for name, table in settings.items() if name not in BESIDE}):
        row = evidence_row(path, evidence)
        assert row is not None, f"{'.'.join(path)} = {value} has no row"
        used.add(row)
        assert evidence[row]["low"] <= value <= evidence[row]["high"], f"{'.'.join(path)} = {value} is outside {evidence[row]}"
    assert used == set(evidence), f"rows that no number uses: {set(evidence) - used}"


@pytest.mark.parametrize("file", SOURCED, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_row_of_evidence_names_a_source_and_a_known_unit(file):
    units = {quantity.unit for quantity in QUANTITIES.values()} | {"weight"}
    group = file.parent.name
    for pattern, row in expand([f"{group}={file.stem}"])[0].settings[group]["evidence"].items():
        assert row["source"].strip(), pattern
        assert row["unit"] in units, pattern


@pytest.mark.parametrize("name", names("shock"))
def test_every_effect_lies_in_its_range_and_has_a_source(name, all_at_once):
    for effect in all_at_once.shock[name].effects.values():
        assert effect.range[0] <= effect.size <= effect.range[1]
        assert effect.source.strip()


@pytest.mark.parametrize("name", names("shock"))
def test_the_head_of_a_shock_says_what_it_works_through(name, all_at_once):
    text = (config_folder() / "shock" / f"{name}.yaml").read_text("utf-8")
    comments = " ".join(line.partition("#")[2].strip() for line in text.splitlines() if "#" in line.split(":")[0] + line[-120:])
    _, found, words = comments.partition("orks through ")
    assert found
    targets = {effect.target for effect in all_at_once.shock[name].effects.values()}
    assert {target for target in targets if f"{target} (" not in words} == set()


def test_a_new_shock_takes_at_most_twelve_lines():
    shortest = min(len(file.read_text("utf-8").splitlines()) for file in (config_folder() / "shock").glob("*.yaml"))
    assert shortest <= 12


@pytest.mark.slow
def test_headline_is_the_study_that_the_project_names():
    variants = expand(["study=headline"])
    assert [variant.label for variant in variants] == [
        "baseline", "ukraine_war", "peace_deal", "trade_opening", "peace_and_trade", "all_three",
    ]  # fmt: skip
    config = variants[0].config
    assert len(config.window.instants) == 121
    assert config.replicates == 200
    assert list(config.region.states) == ["armenia", "azerbaijan", "georgia"]
    assert list(config.region.blocs) == ["nato", "eu", "russia", "turkey", "iran", "china"]


def test_a_variant_with_other_shocks_is_named_by_them():
    (variant,) = expand(["scenario=all_three", "shock=[peace_deal]"])
    assert variant.config.scenario.name == "peace_deal"
    (variant,) = expand(["scenario=all_three", "shock=[peace_deal,trade_opening]"])
    assert variant.config.scenario.name == "peace_deal+trade_opening"
    (variant,) = expand(["scenario=all_three", "~shock.ukraine_war"])
    assert variant.label == "peace_deal+trade_opening"
    (variant,) = expand(["scenario=ukraine_war", "~shock.ukraine_war"])
    assert variant.label == "no_shock"


@pytest.mark.parametrize("group", ["region", "dynamics", "scenario", "study"])
def test_a_misspelt_choice_is_refused_with_the_likely_word(group):
    name = names(group)[0]
    with pytest.raises(SettingError) as caught:
        expand([f"{group}={name}x"])
    assert caught.value.meant == name


def test_files_hold_plain_data_only():
    for file in FILES:
        assert isinstance(yaml.safe_load(file.read_text("utf-8")), dict), Path(file).name
