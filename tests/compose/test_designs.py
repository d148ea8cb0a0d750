"""Designs: what each covers, that draws stay pairs, and that numbers set over few configs are the configs built one by one."""

import copy
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from conftest import STORM, effect, over, shock_folder

from sim.commands.plan import bytes_of, size
from sim.compose import expand as compose
from sim.compose.expand import expand, expand_jobs
from sim.config.schema import Config, Variant
from sim.config.typed import build
from sim.engine.plan import Plan, references
from sim.engine.runs import run_arrays, simulate
from sim.errors import SettingError
from sim.science import shocks
from sim.science.params import stack

TOY = ["region=toy", "replicates=1", "end=2022-06"]
VIGILANCE = "dynamics.vigilance=interval(0,2)"
RELAY = "dynamics.relay=interval(0.5,1)"


def values(variants, name):
    return [variant.coordinates[name] for variant in variants]


# The same bits as configs built one by one -------------------------------------------------------------------------------------


def built(variants):
    """Each variant's config, built from its own tables with its own numbers set on them."""
    configs = []
    for variant in variants:
        tables = copy.deepcopy(variant.settings)
        numbers = {name: drawn[variant.coordinates["draw"]] for name, drawn in variants.numbers.items()}
        if tables["sample"] == "ranges":
            tables["region"]["evidence"], tables["dynamics"]["evidence"] = {}, {}
        for name, number in numbers.items():
            *path, last = name.split(".")
            at = tables
            for word in path:
                at = at.get(word, {})
            if last in at:
                at[last] = float(number)
        configs.append(build(Config, tables))
    return configs


def terms(forcing):
    return [term for table in (forcing.lasting, forcing.impulses) for terms in table.values() for term in terms]


@pytest.mark.parametrize(
    "said",
    [
        ["sample=ranges", "draws=5"],
        ["sample=ranges", "draws=4", "shock=[],[storm],[raid]", "dynamics.vigilance=0,1", "design=latin"],
        ["shock=[storm],[storm,raid]", VIGILANCE, "shock.storm.effects.tie.size=interval(0.1,0.5)", "draws=3"],
        ["region.ties.north.south=-0.2,0.1", "region.states.south.readiness.east=0,0.4", "region.states.north.speed=0.3,0.5"],
        ["region.relations.east.west=interval(-0.6,0)", "region.routes.direct.permit=0.5,1", "draws=3", "design=sobol"],
        ["region.blocs.east.red_line.south=0.1,0.3", "region.states.north.credibility_target.west=0.2,0.6"],
    ],
)
def test_numbers_set_over_few_configs_are_the_configs_built_one_by_one(said, tmp_path):
    shock_folder(tmp_path, "storm", STORM)
    shock_folder(tmp_path, "raid", {"tie": effect("tie", "step", {"state": "north", "peer": "south"}, -0.3)})
    variants = expand([*TOY, *said], tmp_path)
    whole = built(variants)
    assert [variant.config for variant in variants] == whole
    layout, params, world = stack(whole)
    light_layout, light_params, light_world = stack(variants.configs)
    assert light_layout == layout
    for one, other in zip((*params, *world), (*light_params, *light_world), strict=True):
        assert one.shape == other.shape and one.tobytes() == other.tobytes()
    one, other = (terms(shocks.draw(configs, layout, range(2))) for configs in (whole, variants.configs))
    assert [term.name for term in one] == [term.name for term in other]
    for term, light in zip(one, other, strict=True):
        assert term.course.tobytes() == light.course.tobytes() and term.pattern.tobytes() == light.pattern.tobytes()


def test_a_design_builds_a_config_for_each_choice_of_files_and_none_for_its_variants(monkeypatch):
    kinds = []
    monkeypatch.setattr(compose, "build", lambda kind, *rest: kinds.append(kind) or build(kind, *rest))
    plan = Plan(expand([*TOY, "scenario=baseline", "sample=ranges", "draws=50", "dynamics.vigilance=range(0,2,0.1)"]))
    assert len(plan.variants) > 500
    assert kinds.count(Config) == 1


def test_a_variant_is_made_when_asked_and_is_like_any_other():
    variants = expand([*TOY, VIGILANCE, "draws=3"])
    one = variants[1]
    assert "config" not in vars(one)
    assert one.config.dynamics.vigilance == one.coordinates["vigilance"]
    other = replace(one, label="mine")
    assert (other.label, other.config, other.settings) == ("mine", one.config, one.settings)
    assert isinstance(other, Variant)
    assert [variant.label for variant in variants[1:]] == ["baseline, draw=1", "baseline, draw=2"]
    assert values(pickle.loads(pickle.dumps(variants)), "vigilance") == values(variants, "vigilance")
    whole = simulate([replace(variant, config=variant.config) for variant in variants])
    assert whole.equals(simulate(variants))


# Grid and zip ------------------------------------------------------------------------------------------------------------------


def test_zip_takes_values_side_by_side():
    variants = expand([*TOY, "design=zip", "shock=[]", "dynamics.vigilance=0,1", "dynamics.relay=0.5,1"])
    assert [variant.label for variant in variants] == ["no_shock, vigilance=0, relay=0.5", "no_shock, vigilance=1, relay=1"]


def test_zip_refuses_lists_of_different_lengths():
    with pytest.raises(SettingError, match="one length, not 2 and 3") as caught:
        expand([*TOY, "design=zip", "dynamics.vigilance=0,1", "dynamics.relay=0,0.5,1"])
    assert caught.value.where == "dynamics.vigilance=0,1 dynamics.relay=0,0.5,1"


def test_zip_holds_for_jobs_and_for_what_needs_a_config_of_its_own(tmp_path):
    shock_folder(tmp_path, "storm", STORM)
    said = [*TOY, "shock=[storm]", "design=zip", "seed=1,2", "shock.storm.probability=0.2,0.4", "dynamics.vigilance=0,1"]
    configs = [variant.config for batch in expand_jobs(said, tmp_path) for variant in batch.variants]
    assert [(config.seed, config.shock["storm"].probability, config.dynamics.vigilance) for config in configs] == [
        (1, 0.2, 0.0),
        (2, 0.4, 1.0),
    ]


# Draws -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", ["random", "latin", "sobol"])
def test_scenarios_share_their_draws_and_stay_pairs(design, tmp_path):
    shock_folder(tmp_path, "storm", STORM)
    variants = expand([*TOY, "shock=[],[storm]", VIGILANCE, "sample=ranges", "draws=8", f"design={design}"], tmp_path)
    assert values(variants, "draw") == [*range(8), *range(8)]
    assert values(variants, "vigilance")[:8] == values(variants, "vigilance")[8:]
    assert len(set(values(variants, "vigilance"))) == 8
    calm, struck = variants[:8], variants[8:]
    assert [one.config.region for one in calm] == [one.config.region for one in struck]
    assert references(variants) == [*range(8), *range(8)]
    sizes = {one.config.shock["storm"].effects["tie"].size for one in struck}
    assert len(sizes) == 8 and min(sizes) >= 0.15 and max(sizes) <= 0.45


def test_every_number_of_a_latin_hypercube_has_one_draw_in_each_stratum():
    variants = expand([*TOY, VIGILANCE, "sample=ranges", "draws=30", "design=latin"])
    (whole,) = {id(point.whole): point.whole for point in variants.points}.values()
    assert len(variants.numbers) > 50
    for name, drawn in variants.numbers.items():
        low, high = whole.between[tuple(name.split("."))]
        if high > low:
            strata = np.floor((drawn - low) / (high - low) * 30 + 1e-9).astype(int)
            assert sorted(strata) == list(range(30)), name
    orders = {tuple(np.argsort(drawn)) for name, drawn in variants.numbers.items() if drawn.min() < drawn.max()}
    assert len(orders) > 50


@pytest.mark.parametrize("design", ["grid", "random", "latin"])
def test_another_number_leaves_the_draws_of_a_number_alone(design):
    said = [*TOY, VIGILANCE, "draws=16", f"design={design}"]
    alone = values(expand(said), "vigilance")
    assert values(expand([*said, RELAY]), "vigilance") == alone
    assert values(expand([*said, "sample=ranges"]), "vigilance") == alone
    assert values(expand([*said, "dynamics.peer_influence=0,1"]), "vigilance") == alone * 2


@pytest.mark.parametrize("design", ["random", "sobol"])
def test_fewer_draws_are_the_first_of_more(design):
    said = [*TOY, VIGILANCE, RELAY, f"design={design}"]
    assert values(expand([*said, "draws=5"]), "relay") == values(expand([*said, "draws=64"]), "relay")[:5]


def test_an_interval_is_drawn_as_its_range_is():
    ranged = expand([*TOY, "sample=ranges", "draws=6"])
    low, high = ranged.points[0].whole.between["region", "states", "north", "speed"]
    variants = expand([*TOY, f"region.states.north.speed=interval({low},{high})", "draws=6"])
    assert values(variants, "speed") == ranged.numbers["region.states.north.speed"].tolist()


def error_of_mean(design, seed):
    """How far the mean of a smooth function of five numbers over 128 draws is from its integral."""
    keys = ["vigilance", "relay", "peer_influence", "trade", "unrest"]
    said = [f"dynamics.{key}=interval(0,1)" for key in keys]
    drawn = expand([*TOY, *said, "draws=128", f"design={design}", f"seed={seed}"]).numbers
    return abs(np.prod([2 * drawn[f"dynamics.{key}"] ** 0.5 / (4 / 3) for key in keys], axis=0).mean() - 1)


def test_sobol_and_latin_integrate_better_than_random_draws():
    random, latin, sobol = (np.mean([error_of_mean(design, seed) for seed in range(10)]) for design in ("random", "latin", "sobol"))
    assert latin < 0.6 * random
    assert sobol < 0.3 * random


def test_another_seed_gives_other_draws():
    for design in ("random", "latin", "sobol"):
        one, other = (
            values(expand([*TOY, VIGILANCE, "draws=8", f"design={design}", f"seed={seed}"]), "vigilance") for seed in (1, 2)
        )
        assert not set(one) & set(other)


def test_a_number_that_changes_the_course_of_a_shock_is_drawn_too(tmp_path):
    shock_folder(tmp_path, "storm", STORM)
    said = ["shock=[storm]", "shock.storm.probability=interval(0.2,0.8)", VIGILANCE, "draws=6"]
    variants = expand([*TOY, *said], tmp_path)
    drawn = [variant.config.shock["storm"].probability for variant in variants]
    assert drawn == values(variants, "probability") and len(set(drawn)) == 6
    assert [variant.config.dynamics.vigilance for variant in variants] == values(variants, "vigilance")
    whole = simulate([replace(variant, config=variant.config) for variant in variants])
    assert whole.equals(simulate(variants))


def test_draws_that_cannot_stand_are_left_out_and_counted():
    plan = Plan(expand([*TOY, "region.states.north.stubbornness.east=interval(0.01,0.6)", "draws=20"]))
    left = [variant.config.region.states["north"].stubbornness["east"] for variant in plan.variants]
    assert plan.refused == 20 - len(left) > 0
    assert len(plan.params.anchor) == len(plan.references) == len(plan.configs) == len(left)
    assert plan.params.stubbornness[:, 0, 0, 0].tolist() == left


def test_draws_that_are_too_fast_are_left_out_though_others_cannot_stand():
    said = ["region.states.north.speed=interval(0.5,8)", "region.states.north.stubbornness.east=interval(0.01,2)", "draws=40"]
    plan = Plan(expand(over(TOY, *said, "periods_per_year=2", "end=2023-01")))
    speeds = [variant.config.region.states["north"].speed for variant in plan.variants]
    assert plan.refused > 0 and max(speeds) < 6


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("scenario=interval(0,1)", "scenario=interval(0,1)"),
        ("end=interval(0,1)", "end"),
        ("seed=interval(0,1)", "seed"),
        ("region.label=interval(0,1)", "region.label"),
        ("dynamics.vigilance=interval(0,11)", "dynamics.vigilance"),
        ("dynamics.vigilance=interval(-1,1)", "dynamics.vigilance"),
        ("dynamics.vigilance=interval(1,1)", "dynamics.vigilance=interval(1,1)"),
        ("dynamics.vigilance=interval(2,1)", "dynamics.vigilance=interval(2,1)"),
        ("dynamics.vigilance=int(interval(1,5))", "dynamics.vigilance=int(interval(1,5))"),
        ("dynamics.vigilanse=interval(0,1)", "dynamics.vigilanse"),
        ("region.states.nort.speed=interval(0,1)", "region.states.nort"),
        ("region.evidence=interval(0,1)", "region.evidence"),
        ("region.states.north.stubbornness.east=interval(0,1)", "region.states.north.stubbornness.east"),
        ("dynamics.vigilance=0,1,11", "dynamics.vigilance"),
        ("design=sobel", "design"),
    ],
)
def test_what_cannot_be_drawn_or_swept_is_refused(said, key):
    for asked in (expand, expand_jobs):
        with pytest.raises(SettingError) as caught:
            asked([*TOY, said])
        assert caught.value.key == key


def test_one_side_of_a_pair_given_both_ways_is_not_varied(tmp_path):
    (tmp_path / "region").mkdir()
    tables = expand(TOY)[0].settings["region"]
    tables["relations"] = {"east": {"west": -0.5}, "west": {"east": -0.5}}
    (tmp_path / "region" / "pair.yaml").write_text(json.dumps({**tables, "name": "pair"}))
    for said in ("region.relations.east.west=-0.5,-0.4", "region.relations.east.west=interval(-0.5,-0.4)"):
        with pytest.raises(SettingError, match="both ways"):
            expand(["region=pair", "end=2022-06", said], tmp_path)


# Plans -------------------------------------------------------------------------------------------------------------------------


def test_what_a_plan_says_of_bytes_is_what_its_arrays_take():
    for record in ("trajectories", "decomposition", "summaries"):
        plan = Plan(expand(over(TOY, "replicates=3", "dynamics.vigilance=0,1", f"record={record}")))
        arrays = run_arrays(plan)
        assert sum(array.size for array in arrays.values()) * 8 == bytes_of(plan)[plan.record], record
    assert size(999) == "999 bytes"


def test_margins_wait_until_they_are_asked_for():
    plan = Plan(expand([*TOY, "sample=ranges", "draws=4"]))
    assert "margins" not in vars(plan)
    alone = [Plan([replace(variant, config=variant.config)]).margins[0] for variant in plan.variants]
    assert plan.margins.tolist() == alone
