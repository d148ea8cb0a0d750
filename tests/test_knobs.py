"""Every number that a person may set moves some number of the results."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import yaml

from sim.compose import expand
from sim.config import Config
from sim.names import QUANTITIES, RECORDED
from sim.sampling import ranges
from sim.simulate import Plan, run_arrays
from sim.typed import build

STEP = 0.1
"""How far a setting is moved towards the further end of its plausible range."""


def effect(target, kind, who, size, **lasting):
    low, high = sorted((0.5 * size, 1.5 * size))
    named = {"date": "2022-03-10", "kind": kind, "target": target, "who": who, "size": size, "range": [low, high]}
    return named | lasting | {"unit": QUANTITIES[target].unit, "source": "judgement"}


STORM = {
    "tie": effect("tie", "step", {"state": "north", "peer": "south"}, 0.3),
    "strain": effect("strain_war", "step", {"bloc": "east"}, 0.3),
    "relation": effect("relation", "step", {"bloc": "east", "rival": "west"}, -0.2),
    "credibility": effect("credibility", "step", {"state": "north", "bloc": "east"}, -0.2),
    "programme": effect("programme", "step", {"state": "south", "bloc": "west"}, 1.0),
    "road": effect("road_capacity", "step", {"state": "north", "peer": "south"}, 0.2),
    "vigilance": effect("vigilance", "decay", {"bloc": "west"}, -0.3, half_life=1.0),
    "legacy": effect("legacy", "impulse", {"state": "north", "bloc": "east"}, -0.3),
}
"""A shock that touches every stock of the toy region, so that every loop turns."""


def moved(settings, paths, bounds):
    """The settings with one number moved, for each path."""
    for path in paths:
        tables = copy.deepcopy(settings)
        at = tables
        for word in path[:-1]:
            at = at[word]
        value, (low, high) = at[path[-1]], bounds[path]
        whole = "buffer" in path
        far = high if high - value >= value - low else low
        at[path[-1]] = far if whole else value + STEP * (far - value)
        assert at[path[-1]] != value, f"{path} has an empty range"
        yield path, tables


def dead(base):
    """The settings that move nothing, out of every number of the region, dynamics and shocks of a variant."""
    bounds = ranges(base.settings)
    variants = [base]
    paths = [path for path in bounds if bounds[path][1] > bounds[path][0]]
    for path, tables in moved(base.settings, paths, bounds):
        variants.append(replace(base, config=build(Config, tables), label=".".join(path), coordinates={"scenario": ".".join(path)}))
    arrays = run_arrays(Plan(variants))
    still = []
    for index, path in enumerate(paths, start=1):
        if all(np.array_equal(arrays[name][index], arrays[name][0]) for name in RECORDED):
            still.append(".".join(path))
    return still, paths


def test_every_number_of_the_toy_region_moves_something(tmp_path):
    (tmp_path / "shock").mkdir()
    (tmp_path / "shock" / "storm.yaml").write_text(yaml.safe_dump({"storm": {"label": "Everything", "effects": STORM}}))
    base = expand(["region=toy", "shock=[storm]", "replicates=2", "end=2025-01", "region.blocs.west.buffer=[south]"], tmp_path)[0]
    still, paths = dead(base)
    assert len(paths) > 80
    assert still == []


def test_every_number_of_the_shipped_region_moves_something():
    base = expand(["scenario=all_three", "replicates=2", "end=2027-01"])[0]
    still, paths = dead(base)
    assert len(paths) > 150
    assert still == []


@pytest.mark.parametrize("said", ["start=2022-06", "end=2024-01", "periods_per_year=4", "replicates=3", "seed=1"])
def test_every_setting_of_the_run_moves_something(said):
    common = ["region=toy", "replicates=2", "end=2023-01"]
    base, other = (run_arrays(Plan(expand([*common, *words]))) for words in ([], [said]))
    assert not np.array_equal(base["alignment"], other["alignment"])


@pytest.mark.parametrize(
    ("said", "kept"), [("keep=worlds", {"alignment"}), ("keep=parts", {"move"}), ("keep=summaries", {"alignment_difference"})]
)
def test_keep_says_what_is_kept(said, kept):
    arrays = run_arrays(Plan(expand(["region=toy", "replicates=2", "end=2023-01", said])))
    assert kept <= set(arrays)


def test_draws_and_reference_are_read():
    variants = expand(["region=toy", "sample=ranges", "draws=3", "replicates=2", "end=2023-01", "dynamics.vigilance=0,1"])
    assert len(variants) == 6
    plan = Plan(expand(["region=toy", "replicates=2", "end=2023-01", "dynamics.vigilance=0,1", "reference=baseline, vigilance=1"]))
    assert plan.references == [1, 1]
