"""The two implementations of the model: Mesa agents and the kernel on arrays agree to 1e-12."""

import numpy as np
import pandas as pd
import pytest
from conftest import HARD

from sim.abm.agents import BlocAgent, StateAgent
from sim.abm.model import RegionModel
from sim.compose.expand import expand
from sim.engine.runs import simulate
from sim.errors import SettingError
from sim.names import FLOWS, QUANTITIES, STATE, STORED_STOCKS

SAME = 1e-12
REPLICATE = 2
REGIONS = {
    "toy": ("storm", ("region=toy", "shock=[storm]")),
    "connected": ("hard", HARD),
    "shipped": ("hard", ("shock=[ukraine_war,peace_deal,trade_opening]",)),
}


@pytest.fixture(params=REGIONS)
def implementations(request):
    """One replicate of a region under every shock: the Dataset recorded with the kernel, and the Mesa model to step."""
    folder, said = REGIONS[request.param]
    variant = expand([*said, "replicates=3", "record=decomposition"], request.getfixturevalue(folder))[0]
    return simulate([variant]).isel(variant=0, replicate=REPLICATE), RegionModel(variant.config, REPLICATE)


def stocks_of(model):
    """All stocks of a model as matrices, in the plane of their own axes."""
    rows = {name: np.concatenate([state.stocks[name] for state in model.states]) for name in model.states[0].stocks}
    rows["relation"] = model.relation
    for name in ("strain_war", "strain_home"):
        rows[name] = np.concatenate([bloc.stocks[name] for bloc in model.blocs], axis=1)[0]
    return rows


def contributions_of(ds):
    return [str(name) for name in ds["contribution"].values]


@pytest.mark.slow
def test_the_implementations_agree_over_a_full_run(implementations):
    """Every stock at every instant, every flow in every period, every contribution to every move."""
    ds, model = implementations
    worst = {}
    for instant in range(model.window.periods + 1):
        if instant:
            model.step()
            for name in FLOWS:
                found = np.concatenate([state.flows[name] for state in model.states])
                worst[name] = max(worst.get(name, 0.0), abs(found - ds[name].values[instant - 1]).max())
            names, blocs = contributions_of(ds), model.layout.blocs
            found = np.array([[[state.explain()[bloc][name] for bloc in blocs] for name in names] for state in model.states])
            worst["move"] = max(worst.get("move", 0.0), abs(found.swapaxes(0, 1) - ds["move"].values[instant - 1]).max())
        stocks = stocks_of(model)
        for name in STORED_STOCKS:
            worst[name] = max(worst.get(name, 0.0), abs(stocks[name] - ds[name].values[instant]).max())
    assert set(worst) == {*STORED_STOCKS, *FLOWS, "move"}
    assert max(worst.values()) < SAME, worst


def test_the_contributions_to_a_move_sum_to_it(implementations):
    ds, _ = implementations
    moved = ds["alignment"].diff("time").values
    assert abs(ds["move"].sum("contribution").values - moved).max() < SAME


def test_an_agent_explains_its_last_move(implementations):
    _, model = implementations
    for _ in range(10):
        before = model.states[0].alignment
        model.step()
        for bloc, contributions in model.states[0].explain().items():
            assert sum(contributions.values()) == pytest.approx(model.states[0].alignment[bloc] - before[bloc], abs=SAME)


def test_everything_is_moved_by_the_shock_of_all_kinds(hard):
    """So the agreement above covers everything: each stock, flow and contribution differs from a run without the shock."""
    ds = simulate(expand([HARD[0], "shock=[everything],[]", "replicates=1", "record=decomposition"], hard))
    change = ds.isel(variant=0, replicate=0) - ds.isel(variant=1, replicate=0)
    for name in (*STORED_STOCKS, *FLOWS):
        assert abs(change[name]).max() > 1e-6, name
    still = [name for name in contributions_of(change) if not abs(change["move"].sel(contribution=name)).max() > 1e-9]
    assert still == []


def test_members_and_joined_states_do_not_move(hard):
    ds = simulate(expand([*HARD, "replicates=2"], hard)).isel(variant=0)
    harbour = ds["alignment"].sel(state="harbour")
    assert (harbour.sel(bloc="west") == harbour.sel(bloc="west").isel(time=0)).all()
    assert (harbour.sel(bloc="league") == 0).all()
    stance = ds["alignment"].sel(state="harbour", bloc="east")
    apart = ds["relation"].sel(bloc="league", rival="east") - stance
    assert abs(apart).max() < 1e-15
    assert float(abs(harbour.sel(bloc="east").diff("time")).max()) > 0.001


def test_the_data_collector_holds_the_same_numbers(storm):
    (variant,) = expand(["region=toy", "shock=[storm]", "replicates=1", "end=2024-01"], storm)
    ds = simulate([variant]).isel(variant=0, replicate=0)
    model = RegionModel(variant.config).run()
    table = model.collector.get_agenttype_vars_dataframe(StateAgent)
    assert isinstance(table, pd.DataFrame)
    for state in ("north", "south"):
        for bloc in ("east", "west"):
            found = table[table["name"] == state][bloc].to_numpy()
            assert abs(found - ds["alignment"].sel(state=state, bloc=bloc).values).max() < SAME
    strain = model.collector.get_agenttype_vars_dataframe(BlocAgent)
    east = strain[strain["name"] == "east"]["strain"].to_numpy()
    expected = 1 - (1 - ds["strain_war"].sel(bloc="east")) * (1 - ds["strain_home"].sel(bloc="east"))
    assert abs(east - expected.values).max() < SAME
    dates = model.collector.get_model_vars_dataframe()["date"]
    assert list(pd.to_datetime(dates)) == list(pd.to_datetime(ds["time"].values))


def test_agents_are_mesas_and_hold_their_own_stocks():
    model = RegionModel(expand(["region=toy"])[0].config)
    assert {type(agent) for agent in model.agents} == {StateAgent, BlocAgent}
    assert len(model.agents_by_type[StateAgent]) == len(model.states) == 2
    held = set(model.states[0].stocks) | set(model.blocs[0].stocks)
    assert held == {name for name, quantity in QUANTITIES.items() if quantity.kind == "stock"}
    assert all(STATE in QUANTITIES[name].dims for name in model.states[0].stocks)
    assert model.states[0].alignment == pytest.approx({"east": 0.4, "west": -0.1}, abs=1e-15)
    assert model.blocs[0].relation == {"east": 0.0, "west": -0.5}


def test_a_model_steps_to_its_end_and_then_refuses():
    model = RegionModel(expand(["region=toy", "end=2022-03"])[0].config).run()
    assert model.date == "2022-03-01"
    with pytest.raises(SettingError, match="ends at 2022-03-01"):
        model.step()


def test_an_opening_that_cannot_be_at_rest_is_refused():
    with pytest.raises(SettingError, match="anchor"):
        RegionModel(expand(["region=toy", "region.states.north.exclusivity=9"])[0].config)


def test_a_tiny_difference_of_an_agent_is_noticed(storm):
    """The comparison can fail: a billionth more legacy at the opening is more than the bound a year later."""
    (variant,) = expand(["region=toy", "shock=[storm]", "replicates=1", "end=2023-01"], storm)
    model = RegionModel(variant.config)
    model.states[0].stocks["legacy"] = model.states[0].stocks["legacy"] + 1e-9
    found = model.run().alignment
    assert abs(found - simulate([variant])["alignment"].values[0, 0, -1]).max() > SAME
