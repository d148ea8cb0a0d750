"""The baseline of speed is the same model: plain agents and the kernel agree, which makes them an independent check too."""

import numpy as np
import pytest
from conftest import HARD

from experiments.bench.plain_agents import PlainRegion
from sim.compose.expand import expand
from sim.engine.runs import simulate
from sim.names import FLOWS, QUANTITIES, STATE, STORED_STOCKS

SAME = 1e-12
REPLICATE = 1
REGIONS = {
    "toy": ("storm", ("region=toy", "shock=[storm]")),
    "connected": ("hard", HARD),
    "transit": ("hard", (*HARD, "dynamics.transit_gain=0.3")),
    "shipped": ("hard", ("shock=[ukraine_war,peace_deal,trade_opening]",)),
}


def held(agents, names):
    return {name: np.array([getattr(agent, name) for agent in agents]) for name in names}


@pytest.mark.parametrize("region", REGIONS)
def test_plain_agents_agree_with_the_kernel(region, request):
    folder, said = REGIONS[region]
    variant = expand([*said, "replicates=2", "record=trajectories"], request.getfixturevalue(folder))[0]
    recorded = simulate([variant]).isel(variant=0, replicate=REPLICATE)
    plain = PlainRegion(variant.config, REPLICATE)
    own = [name for name in STORED_STOCKS if STATE in QUANTITIES[name].dims]
    moved = 0.0
    for period in range(variant.config.window.periods):
        plain.step()
        found = held(plain.states, own) | held(plain.blocs, [name for name in STORED_STOCKS if name not in own])
        for name, stock in found.items():
            np.testing.assert_allclose(stock, recorded[name].values[period + 1], rtol=0, atol=SAME, err_msg=f"{name} {period}")
        flows = held(plain.states, ("threat", "protection", "dependence"))
        flows |= {"effort": np.array(plain.effort).T, "traffic": np.array(plain.traffic)}
        assert set(flows) == set(FLOWS)
        for name, flow in flows.items():
            np.testing.assert_allclose(flow, recorded[name].values[period], rtol=0, atol=SAME, err_msg=f"{name} {period}")
        moved = max(moved, abs(found["alignment"] - recorded["alignment"].values[0]).max())
    assert moved > 0.1
