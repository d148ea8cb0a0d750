"""The feedback loops are bounded: every number stays in its range, whatever is drawn and happens; and the page agrees."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import HARD, ROOT

from experiments import bounded
from sim.compose.expand import expand
from sim.engine.plan import Plan
from sim.engine.runs import run_arrays
from sim.names import MECHANISMS, QUANTITIES, RECORDED


def worlds(said, folder=None, times=1):
    """The results of some replicates, with shocks of `times` their size."""
    variants = expand([*said, "record=trajectories"], folder)
    plan = Plan([replace(variant, config=harder(variant.config, times)) for variant in variants])
    found = bounded.Found(0, margins=plan.margins.tolist())
    bounded.take(found, run_arrays(plan))
    return found


def harder(config, times):
    """The same shocks with `times` their size, except on a state's capability, which must stay above 0."""
    shocks = {
        name: replace(
            shock,
            effects={
                at: one if one.target == "state_capability" else replace(one, size=times * one.size)
                for at, one in shock.effects.items()
            },
        )
        for name, shock in config.shock.items()
    }
    return replace(config, shock=shocks)


@pytest.mark.slow
def test_draws_of_everything_at_once_stay_in_their_ranges():
    """The fast version of the study: all shipped shocks at once, fifty years, with noise."""
    found = bounded.find(bounded.RECORD, draws=200)
    assert (found.shocks, found.draws) == (len(list((ROOT / "configs" / "shock").glob("*.yaml"))), 200)
    assert found.refused < 20
    assert set(found.outside) == set(RECORDED)
    assert not any(found.outside.values()), found.outside
    assert found.high["strain_home"] > 0.05 and found.low["alignment"] < -0.5 < 0.5 < found.high["alignment"], "loops turn"


@pytest.mark.parametrize("weight", [0, 1, 3])
def test_a_world_in_which_everything_is_shocked_stays_in_its_ranges(hard, weight):
    """Large shocks of every kind on every target, in a region where states are blocs and members, mechanisms off and threefold."""
    weights = [f"dynamics.{name}={min(weight, 1) if name in SHARES else weight}" for name in MECHANISMS]
    found = worlds([*HARD, *weights, "dynamics.retention=0.15", "replicates=20", "end=2042-01"], hard, times=20)
    assert not any(found.outside.values()), found.outside


SHARES = ("coercion", "doubt")
"""Mechanisms whose parameter must stay a share after weighting."""


def test_an_unstable_opening_runs_to_the_ends_of_its_ranges_and_not_past_them():
    """An unstable arms race: a negative margin, and alignments that stay in their range."""
    hold = [f"region.states.{state}.stubbornness.{bloc}=0.05" for state in ("north", "south") for bloc in ("east", "west")]
    race = ["region=toy", *hold, "dynamics.vigilance=10", "dynamics.peer_influence=0", "dynamics.exclusivity=0"]
    found = worlds([*race, "replicates=20", "end=2072-01"])
    assert found.unstable == 1
    assert not any(found.outside.values()), found.outside
    assert found.high["alignment"] - found.low["alignment"] > 1.5


def test_what_leaves_its_range_or_is_no_number_is_counted_by_draw():
    found = bounded.Found(1)
    arrays = {name: np.full((3, 4), np.clip(0.5, QUANTITIES[name].low, QUANTITIES[name].high)) for name in RECORDED}
    arrays["tie"] = np.array([[0.0, 1.0, -1.0, 1 + 1e-13], [0.0, 1.1, 1.2, 0.0], [0.0, 0.0, np.nan, 0.0]])
    bounded.take(found, arrays)
    assert {name: number for name, number in found.outside.items() if number} == {"tie": 2}
    assert "tie in 2" in bounded.document(
        {"toy": bounded.Found(1, margins=[-0.1, 0.1], low=found.low, high=found.high, outside=found.outside)}, 50
    )


def test_shocks_that_begin_before_an_opening_are_left_out():
    assert set(bounded.shocks_of("1994-01")) > set(bounded.shocks_of("2022-01")) > {"peace_deal", "joint_exercises"}
    assert "war_2008" not in bounded.shocks_of("2022-01")


def test_the_page_is_of_the_study_as_it_is():
    text = (ROOT / "docs" / "bounded.md").read_text("utf-8")
    rows = [
        line.strip("| ").split(" | ")
        for line in text.splitlines()
        if line.startswith(tuple(f"| {name} |" for name in bounded.REGIONS))
    ]
    told = {cells[0]: (int(cells[2]), cells[-1]) for cells in rows}
    assert told == {name: (round(share * bounded.DRAWS), "none") for name, share in bounded.REGIONS.items()}
    assert f"for {bounded.YEARS} years" in text
