"""Each mechanism in a run: its direction, its bounds, and its size where that can be solved by hand."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import HARD, effect, shock_folder
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.compose.expand import expand
from sim.engine.plan import Plan
from sim.engine.runs import run_arrays, simulate
from sim.names import RECORDED
from sim.results.derived import measured
from sim.science import roads, rules
from sim.science.loops import gains
from sim.science.params import stack
from sim.science.roads import Path

STILL = [f"region.states.{state}.volatility=0" for state in ("north", "south")]
EAST, WEST = 0, 1
SCORES = arrays(float, (3, 2), elements=st.floats(-0.99, 0.99))


def run(folder, *said):
    """One replicate of the toy region without noise, as arrays (variant, time or period, ...)."""
    common = ["region=toy", "replicates=1", "record=trajectories", *STILL]
    return {name: array[:, 0] for name, array in run_arrays(Plan(expand([*common, *said], folder))).items()}


def shocked(folder, **effects):
    """A folder with the shock `forcing` of these effects."""
    return shock_folder(folder, "forcing", effects)


# Vigilance, coercion, deterrence, relay ------------------------------------------------------------------------------------------


@given(st.floats(0.1, 3.0), st.floats(0.0, 0.8), st.floats(0.0, 4.0))
def test_a_bloc_reacts_where_rivals_gain_and_takes_less_from_other_states_the_more_reserve_it_has(vigilance, gain, reserve):
    budget, priority = np.array([[1.0]]), np.array([[0.5], [0.5]])
    risen = np.array([[gain], [0.0]])
    effort = rules.commit_effort(budget, np.array([[reserve]]), priority, np.array([[vigilance]]), risen, np.zeros((2, 1)))
    assert effort[0, 0] >= 0.5 - 1e-15 and effort[1, 0] <= 0.5 + 1e-15
    closed = rules.commit_effort(budget, np.zeros((1, 1)), priority, np.array([[vigilance]]), risen, np.zeros((2, 1)))
    assert effort.sum() >= closed.sum() - 1e-12
    assert effort[1, 0] >= closed[1, 0] - 1e-12


@given(SCORES, SCORES, st.floats(0.0, 0.9), st.floats(0.0, 0.5))
def test_a_bloc_coerces_past_its_red_line_only_and_the_less_the_more_it_is_strained(line, alignment, strain, coerciveness):
    found = rules.coerce(np.full((1, 2), coerciveness), np.full((1, 2), strain), line, alignment)
    assert (found[alignment >= line] == 0).all()
    np.testing.assert_allclose(found, coerciveness * (1 - strain) * np.maximum(0, line - alignment), atol=1e-15)
    assert ((found >= 0) & (found <= 1)).all()


def test_past_a_red_line_threat_rises_and_rivals_reach_less(tmp_path):
    """Of two equal falls one passes the red line: coercion begins there, raises threat, and deters the rival bloc."""
    broken = shocked(tmp_path, fall=effect("disposition", "impulse", {"state": "north", "bloc": "east"}, -0.4))
    lines = [f"region.blocs.{bloc}.{name}={value}" for bloc, name, value in
             (("east", "coerciveness", 0.5), ("east", "deterrence", 1), ("west", "coerciveness", 0))]  # fmt: skip
    said = ["shock=[forcing]", "end=2022-09", *(f"region.states.{state}.speed=0" for state in ("north", "south")), *lines]
    ds = run(broken, *said, "region.blocs.east.red_line.north=-0.9,0.35")
    free, coerced = range(2)
    after = -1
    assert ds["threat"][coerced, after, 0, WEST] > ds["threat"][free, after, 0, WEST]
    assert ds["threat"][coerced, after, 0, EAST] == ds["threat"][free, after, 0, EAST], "no bloc shelters from itself"
    assert ds["protection"][coerced, after, 0, WEST] < ds["protection"][free, after, 0, WEST]
    undeterred = run(broken, *said, "region.blocs.east.red_line.north=0.35", "dynamics.deterrence=0")
    assert undeterred["protection"][0, after, 0, WEST] == pytest.approx(ds["protection"][free, after, 0, WEST], abs=1e-15)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_a_relay_needs_a_friend_that_the_state_is_aligned_with(relay, more, relation, alignment):
    force, stands = np.array([[0.0, 0.6]]), np.array([[0.0, alignment]])
    friends = rules.friendship(np.array([[0.0, relation], [relation, 0.0]]))
    less, greater = (rules.reach(force, np.array([[share, 0.0]]), friends, stands)[0, 0] for share in (relay, relay + more))
    assert greater >= less
    assert (less == 0) or (relation > 0 and alignment > 0)
    assert less == pytest.approx(relay * max(0, relation) * max(0, alignment) * 0.6, abs=1e-15)


# Credibility, readiness, exit cost -----------------------------------------------------------------------------------------------


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 2.0), st.floats(0.3, 2.0))
def test_a_patron_not_believed_protects_nobody_and_readiness_adds_to_what_is_believed(low, high, readiness, bonus, decisiveness):
    low, high = sorted((low, high))
    one = np.array([[1.0]])
    weigh = lambda trust, ready: rules.weigh_protection(trust * one, bonus * one, ready * one, one, decisiveness)  # noqa: E731
    assert weigh(0.0, readiness) == 0
    assert weigh(low, readiness) <= weigh(high, readiness)
    assert weigh(high, 0.0) <= weigh(high, readiness)
    assert weigh(high, readiness) == pytest.approx((high * (1 + bonus * readiness)) ** decisiveness)


def test_credibility_lost_where_a_patron_did_not_come_returns_at_its_rate(tmp_path):
    """An impulse of -0.3 decays as exp(-rate t) to the earlier credibility; protection falls, and the rival's share rises."""
    folder = shocked(tmp_path, betrayal=effect("credibility", "impulse", {"state": "north", "bloc": "east"}, -0.3))
    ds = run(folder, "shock=[],[forcing]", "end=2027-01", "dynamics.credibility_rate=0.5", "dynamics.doubt=0")
    lost = (ds["credibility"][1] - ds["credibility"][0])[:, 0, EAST]
    first = int(np.flatnonzero(lost)[0])
    np.testing.assert_allclose(lost[first:], -0.3 * np.exp(-0.5 * np.arange(len(lost) - first) / 12), atol=1e-12)
    change = (ds["protection"][1] - ds["protection"][0])[first, 0]
    assert change[EAST] < 0 < change[WEST]


def test_readiness_outlives_its_programme_and_makes_leaving_dear(tmp_path):
    """It rises at rate x size for two years and falls at its own rate; a state then moved away moves less far."""
    programme = effect("programme", "pulse", {"state": "north", "bloc": "east"}, 2.0, date="2022-01-01", duration=2.0)
    fall = effect("strain_war", "step", {"bloc": "east"}, 0.6, date="2024-01-01")
    folder = shocked(tmp_path, programme=programme, fall=fall)
    said = ["shock=[forcing]", "end=2027-01", "dynamics.readiness_rate_up=0.3", "dynamics.readiness_rate_down=0.06"]
    opening = run(tmp_path, "end=2027-01")["readiness"][0, 0, 0, EAST]
    ds = run(folder, *said, "dynamics.exit_cost=0,1", "dynamics.readiness=0")
    ready = ds["readiness"][1, :, 0, EAST]
    top = 1 - (1 - opening) * np.exp(-0.3 * 2 * 2)
    assert ready[24] == pytest.approx(top, abs=1e-12)
    assert ready[60] == pytest.approx(opening + (top - opening) * np.exp(-0.06 * 3), abs=1e-12)
    free, held = ds["alignment"][:, -1, 0, EAST]
    assert free < held < ds["alignment"][0, 0, 0, EAST]


# Exclusivity, peer influence -----------------------------------------------------------------------------------------------------


def test_the_more_alignment_with_rivals_costs_the_more_a_gain_of_one_lowers_the_other():
    """Stubbornness 1, cost e, rivalry r: a forcing on one anchor moves the other alignment by -e r/(1 - e^2 r^2), 0 for e = 0."""
    off = [f"dynamics.{name}=0" for name in ("contests", "peer_influence", "legacy", "exit_cost")]
    found = []
    for cost in (0.0, 0.1, 0.2):
        said = ["region=toy", *off, f"region.states.north.exclusivity={cost}"]
        lines = [f"region.states.north.stubbornness.{bloc}=1" for bloc in ("east", "west")]
        layout, params, world = stack([expand([*said, *lines])[0].config])
        table = gains(params, world, layout, 1 / 12, -1.0)
        at = {entry.cells[0]: number for number, entry in enumerate(table.entries) if entry.stock == "alignment"}
        found.append(table.response[at[0, WEST], at[0, EAST]])
        rivalry = -world.relation[0, 0, EAST, WEST]
        assert found[-1] == pytest.approx(-cost * rivalry / (1 - (cost * rivalry) ** 2), abs=1e-5)
    assert found == sorted(found, reverse=True)


# Relations, unrest ---------------------------------------------------------------------------------------------------------------


def test_a_relation_does_not_fall_below_its_floor(tmp_path):
    """A floor of -0.6: under a strong forcing the relation rests at the floor, and without a floor at -1."""
    folder = shocked(tmp_path, rupture=effect("relation", "step", {"bloc": "east", "rival": "west"}, -2.0))
    floors = "region.relation_floor.east.west=-1,-0.6"
    ds = run(folder, "shock=[forcing]", "end=2042-01", floors)
    rests = ds["relation"][:, -1, EAST, WEST]
    assert rests == pytest.approx([-1, -0.6], abs=1e-6)
    assert (ds["relation"][1, :, EAST, WEST] >= -0.6).all()


def test_ties_that_mend_calm_the_rivals(tmp_path):
    """Calming c times the mean rise of ties, after both are at rest; c = 0 leaves relations unchanged."""
    folder = shocked(tmp_path, peace=effect("tie", "step", {"state": "north", "peer": "south"}, 0.4))
    said = ["shock=[forcing]", "end=2062-01", "dynamics.trade=0", "region.calming.east.west=0,0.5"]
    ds = run(folder, *said)
    assert np.ptp(ds["relation"][0, :, EAST, WEST]) < 1e-12
    risen = ds["relation"][1, -1, EAST, WEST] - ds["relation"][1, 0, EAST, WEST]
    assert risen == pytest.approx(0.5 * 0.4, abs=1e-6)


@pytest.mark.parametrize("unrest", [0.0, 0.3, 3.0])
def test_the_loop_of_unrest_and_buffer_is_bounded(tmp_path, unrest):
    """A bloc loses its buffer permanently: strain at home approaches unrest x the loss and stays there, however strong the loop."""
    folder = shocked(tmp_path, loss=effect("legacy", "step", {"state": "south", "bloc": "west"}, -3.0))
    said = ["shock=[forcing]", "end=2072-01", "region.blocs.west.buffer=[south]", f"region.blocs.west.unrest={unrest}"]
    ds = run(folder, *said)
    strain, score = ds["strain_home"][0, :, WEST], ds["alignment"][0, :, 1, WEST]
    opening = strain[0]
    assert (strain <= 0.95).all() and (np.diff(strain[-12:]) < 1e-4).all()
    assert strain[-1] == pytest.approx(min(0.95, opening + unrest * (score[0] - score[-1])), abs=1e-3)
    assert (strain[-1] > opening) == (unrest > 0)


# Corridors, permits, monopolies, trade -------------------------------------------------------------------------------------------


ROUTES = (Path(0, 1, ()), Path(0, 1, (2,)))


@given(arrays(float, (1, 2), elements=st.floats(0.0, 1.0)), st.floats(0.0, 1.0))
def test_a_second_route_breaks_the_monopoly_of_the_first(permit, more):
    """The better of two routes carries the traffic; closing one of two equal ones costs nothing; a permit never lowers traffic."""
    road = np.ones((3, 3))
    both = roads.best_carry(roads.carry(permit, road, ROUTES), ROUTES, 3)[0, 1]
    alone = [
        roads.best_carry(roads.carry(permit[:, at : at + 1], road, ROUTES[at : at + 1]), ROUTES[at : at + 1], 3)[0, 1]
        for at in (0, 1)
    ]
    assert both == max(alone)
    raised = np.minimum(permit + np.array([[more, 0.0]]), 1.0)
    assert roads.best_carry(roads.carry(raised, road, ROUTES), ROUTES, 3)[0, 1] >= both


def test_a_permit_moves_traffic_market_and_tie_to_the_fixed_point(tmp_path):
    """At rest s = s0 + t (f - f0), u = c (1 + s)/2, f = p u (1 + s)/2: solved by iteration, and reached by the run."""
    folder = shocked(tmp_path, freed=effect("permit", "step", {"route": "direct"}, 0.3))
    ds = run(folder, "shock=[forcing]", "end=2122-01", "region.routes.direct.permit=0.4")
    config = expand(["region=toy"])[0].config
    share, tie, road = config.dynamics.trade_makes_peace, ds["tie"][0, 0, 0, 1], ds["road"][0, 0, 0, 1]
    will = (1 + tie) / 2
    capacity, opening, rested = road / will, 0.4 * road * will, tie
    for _ in range(1000):
        flow = 0.7 * capacity * ((1 + rested) / 2) ** 2
        rested = tie + share * (flow - opening)
    assert rested > tie
    assert ds["tie"][0, -1, 0, 1] == pytest.approx(rested, abs=1e-8)
    assert ds["traffic"][0, -1, 0, 1] == pytest.approx(flow, abs=1e-8)
    opened = (ds["access"][0, -1] - ds["access"][0, 0])[0]
    gateway = [config.region.states["south"].gateway.get(bloc, 0.0) for bloc in config.region.blocs]
    np.testing.assert_allclose(opened, np.array(gateway) * (flow - opening), atol=1e-8)
    assert max(gateway) > 0


# Joint exercises, the bridge -----------------------------------------------------------------------------------------------------


def test_joint_exercises_raise_the_bridge_with_their_size():
    """The shipped shock at 0, half, full and twice its size: the larger, the higher the bridge index."""
    still = [f"region.states.{state}.volatility=0" for state in ("armenia", "azerbaijan", "georgia")]
    size = expand(["shock=[joint_exercises]"])[0].config.shock["joint_exercises"].effects
    tie = next(name for name, one in size.items() if one.target == "tie")
    sizes = [scale * size[tie].size for scale in (0, 0.5, 1, 2)]
    common = ["shock=[joint_exercises]", "shock.joint_exercises.probability=1", "replicates=1", *still]
    wide = f"shock.joint_exercises.effects.{tie}.range=[{min(sizes)},{max(sizes)}]"
    swept = f"shock.joint_exercises.effects.{tie}.size={','.join(f'{one:g}' for one in sizes)}"
    bridge = measured(simulate(expand([*common, wide, swept])))["bridge"].isel(replicate=0, period=-1).values
    assert (np.diff(bridge) > 0).all()


# No target is dead ---------------------------------------------------------------------------------------------------------------


def dead(folder, relation):
    """The effects of the shock of all kinds without which its run is the same."""
    said = [*HARD, f"region.relations.east.west={relation}", "replicates=1", "end=2027-01", "record=trajectories"]
    base = expand(said, folder)[0]
    effects = base.config.shock["everything"].effects
    variants = [base]
    for name in effects:
        shock = replace(base.config.shock["everything"], effects={other: effects[other] for other in effects if other != name})
        config = replace(base.config, shock={"everything": shock})
        variants.append(replace(base, config=config, label=name, coordinates={"scenario": name}))
    found = run_arrays(Plan(variants))
    return {
        name
        for at, name in enumerate(effects, start=1)
        if all(np.array_equal(found[stock][at], found[stock][0]) for stock in RECORDED)
    }, len(effects)


@pytest.mark.slow
def test_every_target_of_a_shock_moves_something(hard):
    """Each target with each kind of effect; a relay needs friends, a floor of relations needs foes near it."""
    friends, number = dead(hard, 0.5)
    foes, _ = dead(hard, -0.94)
    assert number > 80
    assert friends & foes == set()
    assert friends | foes, "it can fail"
