"""The signs of effects that the article's shocks must have: in draws of the shipped ranges, without noise, against the baseline.

Nothing is tuned to a sign: a draw is a plausible region, and a sign that fails in more than a tenth of them is a finding.
"""

import numpy as np
import pytest

from sim.compose.expand import expand
from sim.engine.runs import simulate

DRAWS = 500
SHARE = 0.9
SCENARIOS = ("baseline", "ukraine_war", "peace_deal", "trade_opening", "peace_and_trade")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs():
    """By scenario, the runs of every draw that can be at rest and is stable; the variants of each are its draws."""
    still = [f"region.states.{state}.volatility=0" for state in ("armenia", "azerbaijan", "georgia")]
    variants = expand([f"scenario={','.join(SCENARIOS)}", "sample=ranges", f"draws={DRAWS}", "replicates=1", *still])
    ds = simulate(variants).isel(replicate=0)
    stable = set(ds["draw"].values[ds["stability_margin"].values > 0])
    print(f"{len(set(ds['draw'].values))} of {DRAWS} draws can be at rest, {len(stable)} of them are stable")
    assert len(stable) > 0.8 * DRAWS
    chosen = sorted(stable)
    return {
        name: ds.isel(variant=np.flatnonzero((ds["scenario"].values == name) & np.isin(ds["draw"].values, chosen)))
        for name in SCENARIOS
    }


def effect(runs, scenario, variable, **who):
    """The effect of a scenario on a variable, (draw, time or period)."""
    change = [runs[name][variable].sel(who).values for name in (scenario, "baseline")]
    return change[0] - change[1]


def at_war_end(runs, values):
    """The values at the instant of the greatest strain by war, at which the war's drain ends; of a flow, in the period before."""
    strain = effect(runs, "ukraine_war", "strain_war", bloc="russia")
    last = strain.argmax(axis=1) - (values.shape[1] < strain.shape[1])
    return values[np.arange(len(values)), last]


def share(values, sign):
    """The share of draws in which a number has the sign."""
    return float((np.sign(values) == sign).mean())


WAR = [
    ("effort", "armenia", "russia", -1, "direct"),
    ("alignment", "armenia", "russia", -1, "derived"),
    ("alignment", "armenia", "nato", +1, "derived"),
    ("alignment", "armenia", "eu", +1, "derived"),
]


@pytest.mark.parametrize(("variable", "state", "bloc", "sign", "_kind"), WAR)
def test_war(runs, variable, state, bloc, sign, _kind):
    values = at_war_end(runs, effect(runs, "ukraine_war", variable, state=state, bloc=bloc))
    assert share(values, sign) >= SHARE, f"{share(values, sign):.3f}, mean {values.mean():+.4f}"


@pytest.mark.parametrize("state", ["armenia", "azerbaijan"])
def test_peace_lowers_threat_in_both(runs, state):
    assert share(effect(runs, "peace_deal", "threat", state=state, bloc="russia")[:, -1], -1) >= SHARE


def test_peace_brings_armenia_nearer_to_turkey(runs):
    values = effect(runs, "peace_deal", "alignment", state="armenia", bloc="turkey")[:, -1]
    assert share(values, +1) >= SHARE, f"{share(values, +1):.3f}, mean {values.mean():+.4f}"


def test_trade_lowers_armenias_dependence_on_russia(runs):
    values = effect(runs, "trade_opening", "dependence", state="armenia", bloc="russia")[:, -1]
    assert share(values, -1) >= SHARE, f"{share(values, -1):.3f}, mean {values.mean():+.4f}"


def test_trade_mends_the_tie(runs):
    assert share(effect(runs, "trade_opening", "tie", state="armenia", peer="azerbaijan")[:, -1], +1) >= SHARE


def test_traffic_grows_more_with_peace_than_without(runs):
    pair = {"state": "armenia", "peer": "azerbaijan"}
    with_peace = effect(runs, "peace_and_trade", "traffic", **pair) - effect(runs, "peace_deal", "traffic", **pair)
    without = effect(runs, "trade_opening", "traffic", **pair)
    assert share((with_peace - without)[:, -1], +1) >= SHARE


OPEN = [
    ("peace_deal", "alignment", "armenia", "russia", "ours: Armenia leans less on Russia"),
    ("peace_deal", "alignment", "azerbaijan", "turkey", "open"),
    ("ukraine_war", "alignment", "azerbaijan", "russia", "derived: Azerbaijan leaves room too"),
    ("ukraine_war", "alignment", "georgia", "russia", "derived: Georgia leaves room too"),
    ("trade_opening", "alignment", "armenia", "russia", "derived, small"),
    ("trade_opening", "dependence", "georgia", "russia", "open: the gain of Georgia"),
]


def test_what_is_ours_or_open_is_printed(runs):
    for scenario, variable, state, bloc, note in OPEN:
        values = effect(runs, scenario, variable, state=state, bloc=bloc)
        values = at_war_end(runs, values) if scenario == "ukraine_war" else values[:, -1]
        assert np.isfinite(values).all()
        print(
            f"{scenario}: {variable} {state}-{bloc} ({note}): mean {values.mean():+.4f}, rises in {share(values, +1):.2f} of draws"
        )


def test_what_carries_armenias_turn_to_the_eu_is_printed():
    """The claim depends on one assumption: that alignment with Russia and the EU at once costs Armenia little."""
    still = [f"region.states.{state}.volatility=0" for state in ("armenia", "azerbaijan", "georgia")]
    said = ["scenario=baseline,ukraine_war", "sample=ranges", "draws=200", "replicates=1", *still]
    shares = []
    for cost in (0.0, 0.03, 0.1):
        ds = simulate(expand([*said, f"region.states.armenia.exclusivity={cost}"])).isel(replicate=0)
        runs = {name: ds.isel(variant=np.flatnonzero(ds["scenario"].values == name)) for name in ("baseline", "ukraine_war")}
        values = at_war_end(runs, effect(runs, "ukraine_war", "alignment", state="armenia", bloc="eu"))
        shares.append(share(values, +1))
        print(f"exclusivity of Armenia {cost}: alignment with the EU rises in {shares[-1]:.2f} of draws, mean {values.mean():+.4f}")
    assert shares == sorted(shares, reverse=True)
