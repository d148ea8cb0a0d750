"""Common random numbers: worlds of one replicate meet the same luck in every variant, whatever else is in the run."""

import copy

import numpy as np
import pytest
from conftest import connected, effect, everything, shock_folder, write_region

from sim.compose.expand import expand
from sim.engine.runs import simulate
from sim.names import FLOWS, RECORDED, STORED_STOCKS
from sim.science.shocks import first_instant

TOY = ["region=toy", "end=2026-01"]


def same(one, other, names=RECORDED):
    """Whether two results hold bit for bit the same numbers."""
    return all(np.array_equal(one[name].values, other[name].values) for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["ukraine_war", "peace_deal", "trade_opening", "peace_and_trade"])
def test_until_a_shock_begins_its_world_is_the_other_world(scenario):
    """Exactly 0 up to and including the instant at which the first period begins; a flow in that period already differs."""
    variants = expand([f"scenario=baseline,{scenario}", "replicates=4"])
    ds = simulate(variants)
    config = variants[1].config
    first = min(first_instant(shock, config.window) for shock in config.shock.values())
    change = ds.isel(variant=1) - ds.isel(variant=0)
    for name in STORED_STOCKS:
        assert (change[name].isel(time=slice(0, first + 1)).values == 0).all(), name
    for name in FLOWS:
        assert (change[name].isel(period=slice(0, first)).values == 0).all(), name
    moved = max(float(abs(change[name].isel(time=first + 1)).max()) for name in STORED_STOCKS)
    assert moved > 1e-6, "the shock has begun"


@pytest.mark.parametrize("day", ["2023-04-01", "2023-04-17", "2023-04-30"])
@pytest.mark.parametrize("kind", ["impulse", "step", "ramp"])
def test_the_first_instant_of_a_shock_is_its_periods_start(tmp_path, day, kind):
    lasting = {"ramp": {"duration": 1.0}}.get(kind, {})
    own = shock_folder(tmp_path, "one", {"e": effect("tie", kind, {"state": "north", "peer": "south"}, 0.3, date=day, **lasting)})
    variants = expand([*TOY, "shock=[],[one]", "replicates=2"], own)
    ds = simulate(variants)
    first = first_instant(variants[1].config.shock["one"], variants[1].config.window)
    assert str(ds["time"].values[first])[:10] == "2023-04-01"
    change = abs(ds.isel(variant=1) - ds.isel(variant=0))["tie"].max(["replicate", "state", "peer"]).values
    assert (change[: first + 1] == 0).all()
    assert change[first + 1] > 0


def test_fewer_replicates_are_the_first_of_more(storm):
    """Luck of states and of shocks: a chance shock with a date drawn from an interval."""
    chance = {"e": effect("tie", "step", {"state": "north", "peer": "south"}, 0.3, date={"from": "2022-06-01", "to": "2024-06-01"})}
    shock_folder(storm, "chance", chance, probability=0.5)
    few, many = (simulate(expand([*TOY, "shock=[storm,chance]", f"replicates={n}"], storm)) for n in (50, 200))
    assert same(few, many.isel(replicate=slice(0, 50)))
    assert not np.array_equal(many["tie"].values[0, 0], many["tie"].values[0, 1])


def test_other_variants_change_nothing(storm):
    alone = simulate(expand([*TOY, "shock=[storm]", "replicates=5"], storm))
    among = simulate(expand([*TOY, "shock=[],[storm]", "dynamics.vigilance=0.5,1,2", "replicates=5"], storm))
    found = among.isel(variant=np.flatnonzero((among["scenario"] == "storm") & (among["vigilance"] == 1)))
    assert same(alone, found)


def test_a_longer_run_continues_a_shorter_one(storm):
    short, long = (
        simulate(expand(["region=toy", f"end={end}", "shock=[storm]", "replicates=3"], storm)) for end in ("2024-01", "2028-01")
    )
    assert same(short, long.isel(time=slice(0, 25), period=slice(0, 24)))


def test_seeds_and_replicates_meet_other_luck():
    one, other = (simulate(expand([*TOY, f"seed={seed}", "replicates=2"]))["alignment"].values for seed in (1, 2))
    worlds = [one[0, 0], one[0, 1], other[0, 0], other[0, 1]]
    assert all(abs(a - b).max() > 0.01 for i, a in enumerate(worlds) for b in worlds[:i])


def test_a_shock_by_chance_happens_in_the_same_worlds_of_every_variant(tmp_path):
    maybe = {"tie": effect("tie", "step", {"state": "north", "peer": "south"}, 0.3)}
    maybe |= {"road": effect("road_capacity", "step", {"state": "north", "peer": "south"}, 0.2, date="2023-01-01")}
    shock_folder(tmp_path, "maybe", maybe, probability=0.4)
    shock_folder(tmp_path, "other", {"e": effect("strain_war", "step", {"bloc": "east"}, 0.2)}, probability=0.4)
    said = [*TOY, "shock=[],[maybe],[other,maybe]", "replicates=400"]
    ds = simulate(expand(said, tmp_path))
    happened = {}
    for index, name in enumerate(("none", "maybe", "both")):
        change = abs(ds.isel(variant=index) - ds.isel(variant=0))
        happened[name] = change[["tie", "road", "strain_war"]].max(["time", "state", "peer", "bloc"])
    assert np.array_equal(happened["maybe"]["tie"] > 0.05, happened["both"]["tie"] > 0.05)
    assert np.array_equal(happened["maybe"]["tie"] > 0.05, happened["maybe"]["road"] > 0.01), "one luck for the whole shock"
    rate = float((happened["maybe"]["tie"] > 0.05).mean())
    assert abs(rate - 0.4) < 4 * np.sqrt(0.24 / 400)
    struck = happened["both"]["strain_war"] > 0.05
    assert 0.02 < float((struck & (happened["both"]["tie"] > 0.05)).mean()) < 0.32, "two shocks have two lucks"
    assert not np.array_equal(struck, happened["both"]["tie"] > 0.05)


def permuted(table, order):
    """A table with its keys in another order, all the way down."""
    if not isinstance(table, dict):
        return table
    names = [name for name in order if name in table] + [name for name in table if name not in order]
    return {name: permuted(table[name], order) for name in names}


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", [["harbour", "south", "north"], ["league", "west", "east"], ["south", "harbour", "north", "west", "league"]]
)
@pytest.mark.parametrize("noise", [False, True])
def test_the_order_of_actors_in_a_file_does_not_matter(tmp_path, order, noise):
    """Permuting states or blocs permutes the output and nothing else; luck is keyed by name, so it follows too."""
    results = []
    for number, own in enumerate((connected(), permuted(copy.deepcopy(connected()), order))):
        folder = tmp_path / str(number)
        folder.mkdir()
        if not noise:
            for state in own["states"].values():
                state["volatility"] = 0.0
        write_region(folder, own)
        shock_folder(folder, "everything", everything(("north", "south"), ("east", "west"), ("direct", "round")))
        results.append(simulate(expand(["region=connected", "shock=[everything]", "replicates=2", "end=2027-01"], folder)))
    first, second = results
    assert list(first["state"].values) != list(second["state"].values) or list(first["bloc"].values) != list(second["bloc"].values)
    for name in RECORDED:
        by_name = {dim: first[dim].values for dim in first[name].dims if dim in ("state", "peer", "bloc", "rival")}
        assert abs(first[name] - second[name].sel(by_name)).max() < 1e-12, name
