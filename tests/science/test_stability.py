"""The stability margin against the one-period map: closed forms, and small disturbances over many periods."""

from dataclasses import replace

import numpy as np
import pytest

from sim.compose.expand import expand
from sim.engine.plan import Plan
from sim.engine.runs import simulate
from sim.errors import SettingError
from sim.science import kernel, stability
from sim.science.params import stack
from sim.science.state import NO_FORCES, World

LONE = ["region=toy", *(f"dynamics.{name}=0" for name in ("unrest", "exit_cost", "coercion", "readiness", "trade"))]
LONE += [f"dynamics.{name}=50" for name in ("readiness_rate_up", "readiness_rate_down")]
"""The toy region without kinks at its opening and without slow loops: alignments, legacy and credibility remain."""


def margin_of(said):
    return Plan(expand(said)).margins[0]


def after(params, world, layout, dt, disturbance, periods):
    """The distance from the opening, as one number, some periods after its dispositions were disturbed."""
    opening = kernel.open_run(params, world, layout)
    disposition = world.disposition + disturbance
    start = now = world._replace(disposition=disposition, alignment=np.tanh(disposition))
    for _ in range(periods):
        now = kernel.step(now, params, opening, NO_FORCES, np.zeros_like(start.alignment), layout, dt).world
    return np.sqrt(sum(((getattr(now, name) - getattr(world, name)) ** 2).sum() for name in World._fields if name != "alignment"))


def test_a_lone_state_has_the_margin_of_its_closed_form():
    """Without contests the margin is the smallest of speed stubbornness (1 - a^2) dt, where other stocks relax fast."""
    off = [
        f"dynamics.{name}=0"
        for name in ("contests", "exclusivity", "peer_influence", "legacy", "readiness", "exit_cost", "trade", "unrest")
    ]
    slow = [
        f"dynamics.{name}=50" for name in ("learning", "tie_rate", "credibility_rate", "access_rate", "road_rate", "relation_rate")
    ]
    slow += [f"dynamics.{name}=50" for name in ("readiness_rate_up", "readiness_rate_down", "strain_war_rate", "strain_home_rate")]
    (variant,) = expand(["region=toy", *off, *slow])
    held = [
        state.speed * state.stubbornness[bloc] * (1 - score**2) / 12
        for state in variant.config.region.states.values()
        for bloc, score in state.alignment.items()
    ]
    assert Plan([variant]).margins[0] == pytest.approx(min(held), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("vigilance", [0, 1, 10])
def test_the_margin_is_the_rate_at_which_the_slowest_disturbance_decays(vigilance):
    """The map stepped 1800 times, without its derivative: disturbances shrink by the factor that the margin says."""
    (variant,) = expand([*LONE, f"dynamics.vigilance={vigilance}"])
    layout, params, world = stack([variant.config])
    dt = variant.config.window.dt
    disturbance = 1e-4 * np.random.default_rng(1).standard_normal(world.disposition.shape)
    early, late = (after(params, world, layout, dt, disturbance, periods) for periods in (1200, 1800))
    assert 1 - (late / early) ** (1 / 600) == pytest.approx(Plan([variant]).margins[0], rel=0.02)


@pytest.mark.slow
def test_below_zero_a_disturbance_grows_and_above_it_decays():
    """Without fatigue the arms race of two blocs is unstable: disturbances grow where the margin is negative, else they decay."""
    signs = set()
    for stubbornness in (0.05, 0.4, 1.0):
        lines = [
            f"region.states.{state}.stubbornness.{bloc}={stubbornness}" for state in ("north", "south") for bloc in ("east", "west")
        ]
        (variant,) = expand([*LONE, *lines, "dynamics.vigilance=10", "dynamics.peer_influence=0", "dynamics.exclusivity=0"])
        layout, params, world = stack([variant.config])
        dt = variant.config.window.dt
        margin = stability.margins(params, world, layout, dt)[0]
        disturbance = 1e-8 * np.array([[[[1.0, -1.0], [1.0, -1.0]]]])
        early, late = (after(params, world, layout, dt, disturbance, periods) for periods in (600, 1200))
        assert (late > early) == (margin < 0), (stubbornness, margin, late / early)
        signs.add(margin < 0)
    assert signs == {True, False}


def test_the_smaller_margin_of_both_sides_of_a_kink_counts():
    """Coercion begins at a red line that the opening is on: it acts on one side only, and that side counts."""
    on = ["region=toy", "region.blocs.east.red_line.north=0.4", "region.blocs.east.coerciveness=0.5", "dynamics.peer_influence=0"]
    (variant,) = expand(on)
    layout, params, world = stack([variant.config])
    dt = variant.config.window.dt
    sides = [1 - stability._radius(params, world, layout, dt, side) for side in (-1.0, 1.0)]
    assert stability.margins(params, world, layout, dt)[0] == min(sides)


def test_equal_variants_share_a_margin_and_each_has_its_own():
    ds = simulate(expand(["region=toy", "replicates=1", "end=2022-06", "shock=[]", "dynamics.vigilance=0,1,10"]))
    assert ds["stability_margin"].shape == (3,)
    alone = [margin_of(["region=toy", f"dynamics.vigilance={value}"]) for value in (0, 1, 10)]
    assert ds["stability_margin"].values.tolist() == alone


def test_a_period_too_long_for_a_states_speed_is_refused():
    (variant,) = expand(["region=toy", "periods_per_year=1"])
    fast = replace(variant.config.region.states["north"], speed=3.0)
    states = {**variant.config.region.states, "north": fast}
    config = replace(variant.config, region=replace(variant.config.region, states=states))
    with pytest.raises(SettingError, match="too fast") as caught:
        Plan([replace(variant, config=config)])
    assert caught.value.key == "region.states.north.speed"
    assert Plan([replace(variant, config=replace(config, periods_per_year=48))]).margins[0] > 0


def test_the_shipped_opening_is_stable():
    assert margin_of([]) > 0
