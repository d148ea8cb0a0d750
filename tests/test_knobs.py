"""Every number that can be set moves some number of the results."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from conftest import effect, over, shock_folder

from sim.compose.expand import expand
from sim.config.evidence import quantity_at, ranges
from sim.config.schema import Config
from sim.config.typed import build
from sim.engine.plan import Plan
from sim.engine.runs import run_arrays
from sim.names import MECHANISMS, QUANTITIES, RECORDED

STEP = 0.1
"""How far a setting is moved towards the further end of its plausible range."""


STRESS = {
    "road": effect("road_capacity", "step", {"state": "armenia", "peer": "azerbaijan"}, 0.5),
    "programme": effect("programme", "pulse", {"state": "georgia", "bloc": "nato"}, 1.0, duration=1.0),
    "break": effect("disposition", "impulse", {"state": "armenia", "bloc": ["russia"]}, -0.8),
    "incident": effect("relation", "step", {"bloc": "nato", "rival": "russia"}, -0.6),
    "hostility": effect("tie", "step", {"state": "georgia", "peer": "azerbaijan"}, -0.9),
}
"""Effects that activate the mechanisms of the shipped region on which its headline shocks do not act."""


def moved(settings, bounds):
    """The settings with one number moved, for each path."""
    for path in bounds:
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
    """The settings that move nothing, of all numbers of the region, dynamics and shocks of a variant, and how many there are."""
    bounds = ranges(base.settings)
    for path, (low, high) in bounds.items():
        quantity = quantity_at(path)
        if low == high and quantity:
            bounds[path] = (quantity.low, min(quantity.high, 1.0) if low else 0.5)
    variants = [base]
    for path, tables in moved(base.settings, bounds):
        variants.append(replace(base, config=build(Config, tables), label=".".join(path), coordinates={"scenario": ".".join(path)}))
    arrays = run_arrays(Plan(variants))
    return {
        variant.label
        for index, variant in enumerate(variants[1:], start=1)
        if all(np.array_equal(arrays[name][index], arrays[name][0]) for name in RECORDED)
    }, len(bounds)


def asleep(settings):
    """The weights of mechanisms for which a region gives no number, as paths of settings."""
    given = {quantity_at(path).name for path in ranges(settings) if path[0] == "region"} | set(settings["dynamics"]) - set(
        MECHANISMS
    )
    own = {name: {q.name for q in QUANTITIES.values() if q.weight == name} for name in MECHANISMS}
    return {f"dynamics.{name}" for name, multiplied in own.items() if multiplied and not multiplied & given}


def test_every_number_of_the_toy_region_moves_something(storm):
    """Among rival blocs or among friends: a relay needs friends, vigilance needs rivals. Transit needs a third state."""
    common = ["region=toy", "shock=[storm]", "replicates=2", "end=2025-01"]
    lines = ["region.blocs.west.buffer=[south]", "region.blocs.west.red_line.north=0.2", "region.blocs.west.unrest=0.1"]
    rivals, number = dead(expand([*common, *lines], storm)[0])
    friends, _ = dead(expand([*common, *lines, "region.relations.east.west=0.5"], storm)[0])
    assert number > 80
    assert rivals & friends == {"dynamics.transit_gain"} | asleep(expand(common, storm)[0].settings)


@pytest.mark.slow
def test_every_kind_of_number_of_the_shipped_region_moves_something(tmp_path):
    """Each kind of number moves something for at least one actor: Georgia's capability matters only where a state is hostile."""
    own = shock_folder(tmp_path, "storm", STRESS)
    base = expand(["shock=[ukraine_war,peace_deal,trade_opening,storm]", "replicates=2", "end=2028-01"], own)[0]
    still, number = dead(base)
    assert number > 200
    alive = {kind(path) for path in ranges(base.settings) if ".".join(path) not in still}
    still = {name.removeprefix("dynamics.") for name in asleep(base.settings)}
    assert {kind(path) for path in ranges(base.settings)} - alive == still


def kind(path):
    """A path without its actors: the kind of number."""
    return path[1] if path[0] == "dynamics" else path[3] if path[1] in ("states", "blocs", "routes") else path[1]


@pytest.mark.slow
@pytest.mark.parametrize("said", ["start=2022-06", "end=2024-01", "periods_per_year=4", "replicates=3", "seed=1"])
def test_every_setting_of_the_run_moves_something(said):
    common = ["region=toy", "replicates=2", "end=2023-01"]
    base, other = (run_arrays(Plan(expand(over(common, *words)))) for words in ([], [said]))
    assert not np.array_equal(base["alignment"], other["alignment"])


@pytest.mark.parametrize(
    ("override", "recorded"),
    [("record=trajectories", {"alignment"}), ("record=decomposition", {"move"}), ("record=summaries", {"alignment_difference"})],
)
def test_record_sets_what_is_recorded(override, recorded):
    arrays = run_arrays(Plan(expand(["region=toy", "replicates=2", "end=2023-01", override])))
    assert recorded <= set(arrays)


def test_draws_and_reference_are_read():
    variants = expand(["region=toy", "sample=ranges", "draws=3", "replicates=2", "end=2023-01", "dynamics.vigilance=0,1"])
    assert len(variants) == 6
    plan = Plan(
        expand(["region=toy", "replicates=2", "end=2023-01", "dynamics.vigilance=0,1", 'reference="baseline, vigilance=1"'])
    )
    assert plan.references == [1, 1]
