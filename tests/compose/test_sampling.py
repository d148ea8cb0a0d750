"""Draws from plausible ranges: inside them, the same in every variant, each number on its own stream."""

import numpy as np
import pytest
from conftest import over

from sim.compose.expand import expand
from sim.config.evidence import evidence_row, numbers, quantity_at, ranges
from sim.errors import SettingError

DRAWS = ["region=toy", "sample=ranges", "draws=20", "replicates=1", "end=2022-06"]


def speeds(variants, state="north"):
    return [variant.config.region.states[state].speed for variant in variants]


def test_every_draw_lies_in_its_range():
    variants = expand(DRAWS)
    for path, (low, high) in ranges(variants[0].settings).items():
        for variant in variants:
            if path[:2] == ("region", "ties"):
                assert low <= variant.config.region.ties[path[2]][path[3]] <= high
            if path[:2] == ("region", "states") and path[3] == "alignment":
                assert low <= variant.config.region.states[path[2]].alignment[path[4]] <= high
    assert len(set(speeds(variants))) == len(variants)


def test_variants_share_their_draws():
    variants = expand([*DRAWS, "dynamics.vigilance=0,1"])
    assert speeds(variants[:20]) == speeds(variants[20:])
    assert [variant.coordinates["draw"] for variant in variants[:20]] == list(range(20))


def test_a_number_that_is_set_or_swept_is_not_drawn():
    variants = expand([*DRAWS, "dynamics.vigilance=0,1", "region.states.north.speed=0.33"])
    assert [variant.config.dynamics.vigilance for variant in variants] == [0.0] * 20 + [1.0] * 20
    assert set(speeds(variants)) == {0.33}
    assert len(set(speeds(variants, "south"))) == 20


def test_fewer_draws_are_the_first_of_more():
    assert speeds(expand(over(DRAWS, "draws=5"))) == speeds(expand(DRAWS))[:5]


def test_a_number_added_to_a_region_leaves_other_draws_alone():
    more = expand([*DRAWS, "region.states.south.gateway.east=0.05"])
    assert speeds(more) == speeds(expand(DRAWS))


def test_the_most_specific_row_wins():
    rows = {"states.*.*": {}, "states.*.speed": {}, "states.north.*": {}}
    assert evidence_row(("states", "north", "speed"), rows) == "states.north.*"
    assert evidence_row(("states", "south", "speed"), rows) == "states.*.speed"
    assert evidence_row(("blocs", "east", "speed"), rows) is None


def test_a_number_without_a_row_is_refused():
    tables = expand(["region=toy"])[0].settings
    del tables["region"]["evidence"]["ties.*.*"]
    with pytest.raises(SettingError, match="no row of evidence"):
        ranges(tables)


def test_a_range_beyond_what_the_quantity_can_be_is_refused():
    tables = expand(["region=toy"])[0].settings
    tables["region"]["evidence"]["ties.*.*"]["low"] = -1.5
    with pytest.raises(SettingError) as caught:
        ranges(tables)
    assert caught.value.key == "region.evidence.ties.*.*.low"


def test_every_number_of_a_region_is_a_quantity():
    settings = expand(["region=toy"])[0].settings
    for group in ("region", "dynamics"):
        for path, _ in numbers({name: table for name, table in settings[group].items() if name != "evidence"}):
            assert quantity_at((group, *path)) is not None


def test_draws_fill_their_range():
    drawn = np.array(speeds(expand(over(DRAWS, "draws=400"))))
    assert abs(drawn.mean() - 0.5) < 4 * 0.6 / np.sqrt(12 * 400)
