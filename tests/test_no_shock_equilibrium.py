"""The no-shock equilibrium: without shocks and noise nothing moves, whatever the opening holds."""

import pytest
from conftest import ROOT, connected, write_region

from sim.compose.expand import expand
from sim.engine.runs import simulate
from sim.names import RECORDED

STILL = 1e-12
SHIPPED = sorted(path.stem for path in (ROOT / "configs" / "region").glob("*.yaml"))


def drift(ds, names=RECORDED):
    """The largest deviation of each variable from its opening value, over all variants."""
    worst = {}
    for name in names:
        time = "period" if "period" in ds[name].dims else "time"
        worst[name] = float(abs(ds[name] - ds[name].isel({time: 0})).max()) if ds[name].size else 0.0
    return worst


def undisturbed(said, folder=None):
    """Ten years without shocks and noise."""
    config = expand(said, folder)[0].config
    still = [f"region.states.{state}.volatility=0" for state in config.region.states]
    ds = simulate(expand([*said, *still, "replicates=1", "shock=[]", "end=2032-01"], folder))
    assert ds.sizes["time"] >= 121
    return ds


@pytest.mark.slow
@pytest.mark.parametrize("region", SHIPPED)
@pytest.mark.parametrize("dynamics", ["reference", "no_peer_influence"])
def test_shipped_regions_stay_at_rest(region, dynamics):
    worst = drift(undisturbed([f"region={region}", f"dynamics={dynamics}"]))
    assert max(worst.values()) < STILL, worst


OPENINGS = {
    "strain by war": ["region.blocs.{bloc}.strain_war=0.3"],
    "strain at home": ["region.blocs.{bloc}.strain_home=0.2"],
    "readiness": ["region.states.{state}.readiness.{bloc}=0.5"],
    "roads": ["region.roads.{pair}=0.3"],
    "all at once": [
        "region.blocs.{bloc}.strain_war=0.3",
        "region.blocs.{bloc}.strain_home=0.2",
        "region.states.{state}.readiness.{bloc}=0.5",
        "region.roads.{pair}=0.3",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("said", OPENINGS)
@pytest.mark.parametrize("region", SHIPPED)
def test_an_opening_with_more_in_it_stays_at_rest(region, said):
    pair = "north.south" if region == "toy" else "armenia.georgia"
    config = expand([f"region={region}"])[0].config.region
    who = [
        {"state": state, "bloc": bloc, "pair": pair}
        for state in config.states
        for bloc in config.blocs
        if config.states[state].same_as != bloc
    ]
    lines = dict.fromkeys(line.format(**names) for line in OPENINGS[said] for names in who)
    worst = drift(undisturbed([f"region={region}", *lines]))
    assert max(worst.values()) < STILL, worst


def test_joined_and_member_states_stay_at_rest(tmp_path):
    worst = drift(undisturbed(["region=connected"], write_region(tmp_path, connected())))
    assert max(worst.values()) < STILL, worst


@pytest.mark.parametrize("periods_per_year", [1, 4, 48])
def test_the_length_of_the_period_does_not_matter(periods_per_year):
    config = [f"region.states.{state}.volatility=0" for state in ("north", "south")]
    said = ["region=toy", f"periods_per_year={periods_per_year}", "replicates=1", *config]
    assert max(drift(simulate(expand(said))).values()) < STILL


def test_draws_of_the_shipped_ranges_stay_at_rest():
    """At rest is a property of the model, not of the shipped numbers."""
    still = [f"region.states.{state}.volatility=0" for state in ("armenia", "azerbaijan", "georgia")]
    ds = simulate(expand(["sample=ranges", "draws=20", "replicates=1", *still]))
    stable = ds.isel(variant=ds["stability_margin"].values > 0)
    assert stable.sizes["variant"] > 10
    assert max(drift(stable).values()) < STILL


def test_noise_alone_moves_a_run():
    """The bound can fail: with noise the same run is far outside it."""
    assert drift(simulate(expand(["region=toy", "replicates=1"])), ["alignment"])["alignment"] > 0.01
