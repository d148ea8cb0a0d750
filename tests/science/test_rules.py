"""Each mechanism alone: its shape on one row and in batches, its bounds, its limits; the weight that switches it off."""

import ast
import inspect
from pathlib import Path as File

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.arrays import share_of
from sim.compose.expand import expand
from sim.engine.plan import Plan
from sim.engine.runs import run_arrays
from sim.names import BLOC, CONTRIBUTIONS, MECHANISMS, PEER, QUANTITIES, RIVAL, ROUTE, STATE
from sim.science import kernel, roads, rules
from sim.science.params import stack
from sim.science.roads import Path

SIZE = {STATE: 3, PEER: 3, BLOC: 6, RIVAL: 6, ROUTE: 3, "one": 1}
COLUMN, ROW, SCALAR = (STATE, "one"), ("one", BLOC), ("one", "one")
COURT, PAIR, RELATION, ROUTES = (STATE, BLOC), (STATE, PEER), (BLOC, RIVAL), ("one", ROUTE)
PATHS = (Path(0, 1, ()), Path(0, 1, (2,)), Path(1, 2, ()))

SHAPES = {
    "total_strain": ((ROW, ROW), ROW, "bloc"),
    "rivalry": ((RELATION,), RELATION, ""),
    "friendship": ((RELATION,), RELATION, ""),
    "budget": ((ROW, ROW, ROW), ROW, "bloc"),
    "pressure": ((COURT, RELATION, COURT), COURT, "state"),
    "commit_effort": ((ROW, ROW, COURT, ROW, COURT, COURT), COURT, "bloc"),
    "coerce": ((ROW, ROW, COURT, COURT), COURT, "state bloc"),
    "relative_power": ((COLUMN, ("one", PEER)), PAIR, "state"),
    "safety_from_peers": ((PAIR, PAIR, PAIR), COLUMN, "state"),
    "perceive_threat": ((COLUMN, COURT, COURT), COURT, "state"),
    "project_force": ((ROW, COURT, ROW, COURT, RELATION), COURT, "state"),
    "reach": ((COURT, ROW, RELATION, COURT), COURT, "state"),
    "weigh_protection": ((COURT, SCALAR, COURT, COURT, SCALAR), COURT, "state bloc"),
    "contest": ((COURT, COLUMN), COURT, "state"),
    "outside_weight": ((SCALAR, COURT), COLUMN, "state"),
    "weigh_markets": ((COURT, COURT, COURT, ROW), COURT, "state bloc"),
    "value_security": ((SCALAR, SCALAR, SCALAR, COURT, COURT), COURT, "state bloc"),
    "value_markets": ((SCALAR, SCALAR, COURT), COURT, "state bloc"),
    "side_cost": ((COLUMN, COURT, RELATION), COURT, "state"),
    "follow_peers": ((COLUMN, PAIR, COLUMN, (PEER, BLOC), (PEER, BLOC), COURT), COURT, "state bloc"),
    "hold_anchor": ((COURT, COURT, COURT), COURT, "state bloc"),
    "hold_legacy": ((COURT, COURT), COURT, "state bloc"),
    "cost_of_exit": ((SCALAR, COURT, COURT, COURT, COURT), COURT, "state bloc"),
    "solve_anchor": ((COURT, COURT, COURT, COURT, COURT), COURT, "state bloc"),
    "realign": ((COURT, COLUMN, COURT, 0.25, COLUMN, COURT, COURT), COURT, "state bloc"),
    "relax": ((COURT, COURT, SCALAR, 0.25), COURT, "state bloc"),
    "sustainable_credibility": ((COURT, SCALAR, ROW, ROW), COURT, "state bloc"),
    "readiness_rate": ((COURT, COURT, COURT, SCALAR, SCALAR), COURT, "state bloc"),
    "readiness_target": ((COURT, COURT), COURT, "state bloc"),
    "tie_target": ((PAIR, SCALAR, PAIR), PAIR, "state"),
    "relation_target": ((RELATION, SCALAR, SCALAR), RELATION, ""),
    "legacy_target": ((SCALAR, COURT, COURT), COURT, "state bloc"),
    "strain_from_buffer": ((ROW, COURT, COURT, COURT), ROW, "bloc"),
    "mean_rise": ((PAIR, PAIR), SCALAR, ""),
    "join_relations": ((RELATION, (BLOC, STATE), COURT, COURT), RELATION, ""),
    "chord": ((COURT, COURT, COURT, COURT), COURT, "state bloc"),
    "willingness": ((PAIR,), PAIR, "state"),
    "carry": ((ROUTES, PAIR, PATHS), ROUTES, ""),
    "best_carry": ((ROUTES, PATHS, 3), PAIR, ""),
    "flow": ((PAIR, PAIR), PAIR, "state"),
    "gain_transit": ((ROUTES, PAIR, PAIR, COURT, PATHS), COURT, ""),
    "gain_access": ((PAIR, (PEER, BLOC)), COURT, "state bloc"),
    "access_target": ((COURT, COURT, COURT, SCALAR, COURT), COURT, "state bloc"),
    "road_target": ((PAIR, PAIR), PAIR, "state"),
}
"""For each rule the axes of its arguments and of its result, and whether one state's row or one bloc's column suffices."""
ARITHMETIC = {"namespace", "product", "positive", "share_of"}
CLOSE = 1e-13


def rule(name):
    return getattr(rules, name, None) or getattr(roads, name)


def draw(name, lead=(), thin=False):
    """Arguments inside every range, with leading axes; `thin`: every other argument lacks the replicates, as constants do."""
    random = np.random.default_rng(len(name))
    drawn = []
    for place, dims in enumerate(SHAPES[name][0]):
        if not is_array(dims):
            drawn.append(dims)
            continue
        front = (lead[0], 1) if thin and place % 2 else lead
        drawn.append(random.uniform(0.1, 0.6, (*front, *(SIZE[dim] for dim in dims))) * random.choice([1.0, 0.5]))
    return drawn


def is_array(dims):
    return isinstance(dims, tuple) and all(isinstance(dim, str) for dim in dims)


def shape_of(dims):
    return tuple(SIZE[dim] for dim in dims)


def public(module):
    """The functions that a module defines itself."""
    return {name for name, found in inspect.getmembers(module, inspect.isfunction) if found.__module__ == module.__name__}


def test_every_rule_has_its_shape_here():
    assert set(SHAPES) == {name for name in public(rules) | public(roads) if not name.startswith("_")} - ARITHMETIC


def test_rules_are_pure():
    """They depend on their arguments alone, and do not change them."""
    for name in SHAPES:
        given_in = draw(name)
        before = [np.copy(value) if isinstance(value, np.ndarray) else value for value in given_in]
        one, other = rule(name)(*given_in), rule(name)(*given_in)
        assert np.array_equal(one, other), name
        assert all(np.array_equal(was, now) for was, now in zip(before, given_in, strict=True) if isinstance(was, np.ndarray)), name


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_and_broadcast(name):
    """(3, 6), (2, 5, 3, 6) and one row: a batch equals each replicate alone, and one actor's row equals that row among all."""
    dims, result, alone = SHAPES[name]
    plane = rule(name)(*draw(name))
    assert plane.shape == shape_of(result)
    many_in = draw(name, (2, 5))
    many = rule(name)(*many_in)
    assert many.shape == (2, 5, *shape_of(result))
    for at in np.ndindex(2, 5):
        one = [value[at] if is_array(kind) else value for value, kind in zip(many_in, dims, strict=True)]
        np.testing.assert_allclose(rule(name)(*one), many[at], rtol=CLOSE, atol=CLOSE)
    given_in = draw(name)
    if "state" in alone:
        row = [value[1:2] if is_array(kind) and kind[0] == STATE else value for value, kind in zip(given_in, dims, strict=True)]
        np.testing.assert_allclose(rule(name)(*row), plane[1:2], rtol=CLOSE, atol=CLOSE)
    if "bloc" in alone:
        column = [
            value[:, 2:3] if is_array(kind) and kind[1] == BLOC else value for value, kind in zip(given_in, dims, strict=True)
        ]
        np.testing.assert_allclose(rule(name)(*column), plane[:, 2:3], rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize("name", [name for name, (dims, _, _) in SHAPES.items() if sum(map(is_array, dims)) > 1])
def test_constants_without_replicates_broadcast_over_replicates(name):
    """In a run constants are (variant, 1, ...) and stocks (variant, replicate, ...)."""
    thin = draw(name, (2, 5), thin=True)
    full = [np.broadcast_to(v, (2, 5, *v.shape[2:])).copy() if isinstance(v, np.ndarray) else v for v in thin]
    np.testing.assert_allclose(rule(name)(*thin), rule(name)(*full), rtol=CLOSE, atol=CLOSE)


def test_rules_are_short_and_have_a_source():
    for module in (rules, roads):
        tree = ast.parse(File(module.__file__).read_text("utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name not in ARITHMETIC:
                assert node.body[-1].end_lineno - node.body[0].end_lineno <= 25, node.name
                assert ast.get_docstring(node), node.name


# The bounds and the limits of each rule ----------------------------------------------------------------------------------------

SHARES = arrays(float, (3, 6), elements=st.floats(0.0, 1.0))
SCORES = arrays(float, (3, 6), elements=st.floats(-0.99, 0.99))
SIGNED = arrays(float, (3, 3), elements=st.floats(-1.0, 1.0))
BLOCS = arrays(float, (1, 6), elements=st.floats(0.0, 3.0))
RELATIONS = arrays(float, (6, 6), elements=st.floats(-1.0, 1.0))


@given(SHARES, arrays(float, (3, 1), elements=st.floats(0.0, 5.0)))
def test_shares_of_a_contest_sum_to_one(weight, outside):
    shares = rules.contest(weight, outside)
    assert ((shares >= 0) & (shares <= 1)).all()
    whole = shares.sum(axis=1) + share_of(outside, weight.sum(axis=1, keepdims=True) + outside)[:, 0]
    contested = weight.sum(axis=1) + outside[:, 0] > 0
    np.testing.assert_allclose(whole, contested.astype(float), atol=1e-12)


@given(SHARES, st.floats(0.0, 2.0))
def test_more_weight_is_a_larger_share_and_smaller_ones_for_others(weight, more):
    outside = np.full((3, 1), 0.5)
    raised = weight + more * (np.arange(6) == 2)
    change = rules.contest(raised, outside) - rules.contest(weight, outside)
    assert (change[:, 2] >= -1e-15).all()
    assert (np.delete(change, 2, axis=1) <= 1e-15).all()


@given(SHARES, SHARES, SIGNED, SIGNED)
def test_threat_is_a_share_and_more_coercion_never_lowers_it(coercion, external, tie, proximity):
    safety = rules.safety_from_peers(abs(proximity), np.full((3, 3), 0.5), tie)
    threat = rules.perceive_threat(safety, 0.9 * coercion, 0.9 * external)
    assert ((threat >= -1e-15) & (threat <= 1.0)).all()
    more = rules.perceive_threat(safety, 0.9 * coercion + 0.05, 0.9 * external)
    assert (more >= threat - 1e-12).all()


def test_no_bloc_shelters_a_state_from_itself():
    """One bloc coerces: the threat against which another could protect includes it; that against which itself could does not."""
    coercion = np.array([[0.4, 0.0, 0.0]])
    threat = rules.perceive_threat(np.array([[0.9]]), coercion, np.zeros((1, 3)))
    np.testing.assert_allclose(threat, [[0.1, 1 - 0.9 * 0.6, 1 - 0.9 * 0.6]], atol=1e-15)


@given(SCORES, SCORES, RELATIONS, BLOCS, arrays(float, (1, 6), elements=st.floats(0.0, 2.0)))
def test_effort_is_a_budget_divided(alignment, opening, relation, reserve, vigilance):
    budget = np.full((1, 6), 0.4)
    priority = np.array([[0.5], [0.2], [0.3]]) * np.ones(6)
    against = rules.rivalry(relation)
    now, then = (rules.pressure(score, against, np.ones((3, 6))) for score in (alignment, opening))
    effort = rules.commit_effort(budget, reserve, priority, vigilance, now, then)
    assert (effort >= 0).all()
    assert (effort.sum(axis=0) <= (1 + reserve) * budget + 1e-12).all()
    closed = rules.commit_effort(budget, np.zeros((1, 6)), priority, vigilance, now, then)
    np.testing.assert_allclose(closed.sum(axis=0), budget[0], rtol=1e-12)
    still = rules.commit_effort(budget, reserve, priority, vigilance, then, then)
    np.testing.assert_allclose(still, budget * priority, rtol=1e-12)


@given(SCORES, RELATIONS, st.floats(0.0, 0.5))
def test_pressure_rises_with_a_rivals_alignment_only(alignment, relation, gain):
    against = rules.rivalry(relation)
    higher = alignment + (np.arange(6) == 1) * np.minimum(gain, 0.99 - alignment)
    change = rules.pressure(higher, against, np.ones((3, 6))) - rules.pressure(alignment, against, np.ones((3, 6)))
    assert (change >= -1e-12).all()
    assert (abs(change[:, against[1] == 0]) < 1e-12).all()


@given(SHARES, SHARES, st.floats(0.0, 10.0), st.floats(0.0, 5.0))
def test_a_stock_ends_between_where_it_was_and_where_it_heads(stock, target, rate, dt):
    end = rules.relax(stock, target, np.array([[rate]]), dt)
    assert (end >= np.minimum(stock, target) - 1e-12).all()
    assert (end <= np.maximum(stock, target) + 1e-12).all()
    half = rules.relax(rules.relax(stock, target, np.array([[rate]]), dt / 2), target, np.array([[rate]]), dt / 2)
    np.testing.assert_allclose(half, end, atol=1e-12)


@given(SCORES, SCORES)
def test_contributions_to_dispositions_become_contributions_to_alignments(before, after):
    """The chord factor converts a change of disposition into a change of alignment, also where nothing moves."""
    factor = rules.chord(np.arctanh(before), np.arctanh(after), before, after)
    np.testing.assert_allclose(factor * (np.arctanh(after) - np.arctanh(before)), after - before, atol=1e-12)
    still = rules.chord(np.arctanh(before), np.arctanh(before), before, before)
    np.testing.assert_allclose(still, 1 - before**2, atol=1e-15)


@given(SHARES, SCORES, SCORES)
def test_a_lost_buffer_strains_and_a_regained_one_does_not_relieve(buffer, alignment, opening):
    whole = (buffer > 0.5).astype(float)
    strain = rules.strain_from_buffer(np.full((1, 6), 0.3), whole, alignment, opening)
    assert ((strain >= 0) & (strain <= 0.6)).all()
    assert (rules.strain_from_buffer(np.full((1, 6), 0.3), whole, np.maximum(alignment, opening), opening) == 0).all()


def test_force_is_deterred_by_the_coercion_of_rivals_and_comes_through_friends():
    effort, military = np.array([[0.2, 0.3]]), np.array([[1.0, 2.0]])
    coercion, rivals = np.array([[0.5, 0.0]]), np.array([[0.0, 0.8], [0.8, 0.0]])
    force = rules.project_force(military, effort, np.array([[0.5, 0.5]]), coercion, rivals)
    np.testing.assert_allclose(force, [[0.2, 0.6 * (1 - 0.5 * 0.5 * 0.8)]], rtol=1e-15)
    overwhelmed = rules.project_force(military, effort, np.array([[9.0, 9.0]]), coercion, rivals)
    assert overwhelmed[0, 1] == 0.0
    friends, stands = np.array([[0.0, 0.5], [0.5, 0.0]]), np.array([[-0.4, 0.6]])
    reached = rules.reach(force, np.array([[0.4, 0.4]]), friends, stands)
    np.testing.assert_allclose(reached, [[0.2 + 0.4 * 0.6 * force[0, 1] * 0.5, force[0, 1]]], rtol=1e-15)


def test_readiness_rises_by_the_programme_and_falls_slowly():
    target, readiness = np.array([[1.0, 0.1]]), np.array([[0.2, 0.5]])
    rate = rules.readiness_rate(target, readiness, np.array([[2.0, 0.0]]), np.array([[0.3]]), np.array([[0.06]]))
    assert rate.tolist() == [[0.6, 0.06]]


def test_exit_costs_act_only_below_the_opening_and_its_legacy():
    cost = rules.cost_of_exit(np.array([[0.5]]), np.array([[0.8, 0.8]]), np.array([[0.3, 0.3]]), 0.0, np.array([[0.1, 0.5]]))
    np.testing.assert_allclose(cost, [[0.5 * 0.8 * 0.2, 0.0]], rtol=1e-15)


def test_the_relations_of_a_bloc_that_is_a_state_are_its_alignments():
    joined = np.array([[0.0], [1.0]])
    relation = rules.join_relations(np.array([[0.0, 0.9], [0.9, 0.0]]), joined, np.array([[1.0, 0.0]]), np.array([[-0.4, 0.0]]))
    assert relation.tolist() == [[0.0, -0.4], [-0.4, 0.0]]


# Roads ---------------------------------------------------------------------------------------------------------------------


def test_a_route_carries_what_its_roads_and_its_permit_let_through():
    road = np.array([[0.0, 0.5, 0.4], [0.5, 0.0, 0.8], [0.4, 0.8, 0.0]])
    carried = roads.carry(np.array([[0.6, 1.0, 0.0]]), road, PATHS)
    np.testing.assert_allclose(carried, [[0.3, 0.4 * 0.8, 0.0]], rtol=1e-15)
    best = roads.best_carry(carried, PATHS, 3)
    np.testing.assert_allclose(best, [[0, 0.32, 0], [0.32, 0, 0], [0, 0, 0]], rtol=1e-15)


def test_the_gain_of_transit_goes_to_those_inside_the_best_route_and_ties_share_it():
    gateway = np.array([[0.1], [0.3], [0.0]])
    gained = np.array([[0.0, 0.2, 0.0], [0.2, 0.0, 0.0], [0.0, 0.0, 0.0]])
    for carried, expected in (([0.3, 0.32, 0.0], 1.0), ([0.32, 0.3, 0.0], 0.0), ([0.3, 0.3, 0.0], 0.5), ([0.0, 0.0, 0.0], 0.0)):
        row = np.array([carried])
        found = roads.gain_transit(row, roads.best_carry(row, PATHS, 3), gained, gateway, PATHS)
        np.testing.assert_allclose(found, [[0], [0], [expected * 0.2 * 0.4]], atol=1e-15)


def test_without_routes_nothing_is_carried():
    carried = roads.carry(np.zeros((1, 0)), np.ones((2, 2)), ())
    assert carried.shape == (1, 0)
    assert (roads.best_carry(carried, (), 2) == 0).all()


# The move of a state ----------------------------------------------------------------------------------------------------------


def utility(stance, pull, stubbornness, anchor, legacy, exclusivity, against, peer_influence, tie, peers):
    """The utility of a state: `stance` and `pull` by bloc; peer influence by peer over the states' scores."""
    apart = (abs(tie)[:, None] * (stance[None] - np.sign(tie)[:, None] * peers) ** 2).sum()
    return (
        pull @ stance
        - (stubbornness * (stance - anchor - legacy) ** 2).sum() / 2
        - exclusivity / 2 * stance @ against @ stance
        - peer_influence / 2 * apart
    )


@given(st.integers(0, 10_000))
@settings(max_examples=50)
def test_the_pull_is_the_gradient_of_a_utility(seed):
    """Where rivalry is mutual, the terms of the pull are the gradient of one utility, so a state ascends it."""
    random = np.random.default_rng(seed)
    stance, pull, anchor, legacy = random.uniform(-0.9, 0.9, (4, 4))
    stubbornness, exclusivity, peer_influence = random.uniform(0.2, 2, 4), random.uniform(0, 1), random.uniform(0, 1)
    relation = random.uniform(-1, 1, (4, 4))
    against = rules.rivalry((relation + relation.T) / 2 * (1 - np.eye(4)))
    tie, peers = random.uniform(-1, 1, 3), random.uniform(-0.9, 0.9, (3, 4))
    scale = abs(tie).sum()
    given_in = (pull, stubbornness, anchor, legacy, exclusivity, against, peer_influence / scale, tie, peers)
    slope = np.array([(utility(stance + h, *given_in) - utility(stance - h, *given_in)) / 2e-6 for h in 1e-6 * np.eye(4)])
    row, ones = stance[None], np.ones((3, 4))
    drawn = (
        pull
        + rules.hold_anchor(stubbornness, anchor, row)
        + stubbornness * legacy
        + rules.side_cost(exclusivity, row, against)
        + rules.follow_peers(peer_influence, tie[None], scale, peers, ones, row)
    )
    np.testing.assert_allclose(drawn[0], slope, atol=1e-8)


def test_the_terms_that_the_kernel_sums_are_those_of_the_utility():
    """Without contests the kernel's pulls, each plus its opening value, are the other terms of the gradient."""
    layout, params, world = stack([expand(["region=toy", "dynamics.contests=0"])[0].config])
    opening = kernel.open_run(params, world, layout)
    moved = world._replace(alignment=world.alignment + 0.1)
    effort = kernel.blocs_act(moved, params, opening, layout)
    _, pulls = kernel.states_act(moved, params, opening, effort, layout)
    assert not pulls.security.any()
    assert not pulls.economy.any()
    expected = rules.hold_anchor(params.stubbornness, params.anchor, moved.alignment)
    assert np.allclose(pulls.anchor + opening.pulls.anchor, expected)
    assert np.allclose(sum(opening.pulls), 0.0, atol=1e-15)


# Weights ---------------------------------------------------------------------------------------------------------------------

OFF = {
    "contests": ["dynamics.security_weight=1", "region.blocs.{bloc}.military=0"],
    "vigilance": ["region.blocs.{bloc}.vigilance=0"],
    "coercion": ["region.blocs.{bloc}.coerciveness=0"],
    "deterrence": ["region.blocs.{bloc}.deterrence=0"],
    "relay": ["region.blocs.{bloc}.relay=0"],
    "readiness": ["dynamics.readiness_bonus=0"],
    "exclusivity": ["region.states.{state}.exclusivity=0"],
    "peer_influence": ["region.states.{state}.peer_influence=0"],
    "exit_cost": ["dynamics.exit_cost_strength=0"],
    "legacy": ["dynamics.retention=0", "shock.storm.effects.legacy.size=0", "shock.storm.effects.legacy.range=[-0.45,0]"],
    "doubt": ["dynamics.doubt_strength=0"],
    "trade": ["region.states.{state}.gateway.{bloc}=0", "dynamics.trade_makes_peace=0"],
    "unrest": ["region.blocs.{bloc}.unrest=0"],
}
"""Overrides that are equivalent to a weight of 0."""
AWAKE = {
    "relay": ["region.relations.east.west=0.9"],
}
"""Overrides that activate a mechanism that has no effect in the toy region."""
UNPULLED = {"legacy": {"legacy"}, "contests": {"protection"}}
"""Variables that still move at weight 0, but pull on nothing."""


def spelled(lines):
    who = [{"state": state, "bloc": bloc} for state in ("north", "south") for bloc in ("east", "west")]
    return list(dict.fromkeys(line.format(**names) for line in lines for names in who))


def run(*said, folder):
    common = ["region=toy", "shock=[storm]", "replicates=3", "end=2026-01", "record=decomposition"]
    return run_arrays(Plan(expand([*common, *said], folder)))


@pytest.mark.slow
@pytest.mark.parametrize("name", OFF)
def test_a_weight_of_zero_is_the_mechanism_without_its_numbers(name, storm):
    """Exactly, in every replicate and variable, under shocks that move every stock."""
    awake = AWAKE.get(name, [])
    weighted = run(f"dynamics.{name}=0", *awake, folder=storm)
    off = spelled(OFF[name])
    said = {word.partition("=")[0] for word in off}
    without = run(*off, *(word for word in awake if word.partition("=")[0] not in said), folder=storm)
    assert np.array_equal(weighted["alignment"], without["alignment"])
    for stock in set(weighted) - UNPULLED.get(name, set()):
        assert np.array_equal(weighted[stock], without[stock]), stock
    with_it = run(*awake, folder=storm)
    assert not np.array_equal(weighted["alignment"], with_it["alignment"])


def test_the_weights_of_all_mechanisms_are_tried():
    assert set(OFF) == set(MECHANISMS)
    assert all(quantity.weight in OFF for quantity in QUANTITIES.values() if quantity.weight)


def test_without_contests_nothing_pulls_from_outside(storm):
    move = run("dynamics.contests=0", folder=storm)["move"]
    for part in ("security", "economy"):
        assert not move[:, :, :, list(CONTRIBUTIONS).index(part)].any()


def test_every_rule_has_a_source():
    found = [getattr(module, name) for module in (rules, roads) for name in SHAPES if hasattr(module, name)]
    assert len(found) >= 38
    assert [function.__name__ for function in found if "Source: " not in function.__doc__] == []
