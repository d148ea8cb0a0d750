"""Measures against their closed forms and bounds; over results they are the same whether worlds were kept or folded."""

import itertools

import numpy as np
import pytest
import xarray as xr
from conftest import HARD, ROOT
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.commands import screen
from sim.compose.expand import expand
from sim.engine.runs import simulate
from sim.errors import SettingError
from sim.figures import captions
from sim.names import MEASURES, PERIOD, QUANTITIES, TIME
from sim.results.dataset import differences, outcome, summarise
from sim.results.derived import measured, realignments, rivalries
from sim.science import measures

SCORES = arrays(float, (3, 4), elements=st.floats(-1, 1))
TIES = arrays(float, (3, 3), elements=st.floats(-1, 1))
SHARE = st.floats(0, 1).map(lambda share: round(share, 12))  # a rivalry near the smallest number has no digits to weigh with
RIVALRY = arrays(float, (4, 4), elements=SHARE).map(lambda table: (table + table.T) * (1 - np.eye(4)) / 2)
RELATION = arrays(float, (4, 4), elements=st.floats(-1, 1)).map(lambda table: (table + table.T) / 2)
ALL = np.ones((3, 4))
TWO = np.array([[0.0, 0.6], [0.6, 0.0]])


@given(SCORES)
def test_influence_is_shared_out_among_blocs(alignment):
    share = measures.influence(alignment)
    whole = sum(max(0.0, float(score)) for score in alignment.flat)
    expected = [sum(max(0.0, float(score)) for score in column) / whole if whole else 0.0 for column in alignment.T]
    np.testing.assert_allclose(share, expected, atol=1e-12)
    assert (share >= 0).all() and share.sum() <= 1 + 1e-12


@given(SCORES, RIVALRY)
def test_hedging_is_the_weighted_mean_of_standing_with_both_rivals(alignment, rivalry):
    found = measures.hedging(alignment, rivalry)
    pairs = list(itertools.combinations(range(4), 2))
    whole = sum(rivalry[pair] for pair in pairs)
    for state in range(3):
        stands = np.maximum(0, alignment[state])
        both = sum(rivalry[b, c] * np.sqrt(stands[b] * stands[c]) for b, c in pairs)
        assert found[state] == pytest.approx(both / whole if whole else 0.0, abs=1e-12)
    assert ((found >= 0) & (found <= 1 + 1e-12)).all()


def test_a_state_that_takes_sides_does_not_hedge():
    assert measures.hedging(np.array([[0.9, -0.2], [0.4, 0.4], [0.9, 0.0]]), TWO).tolist() == pytest.approx([0, 0.4, 0])


@given(SCORES, RIVALRY)
def test_polarisation_is_the_mean_distance_of_sides(alignment, rivalry):
    found = float(measures.polarisation(alignment, rivalry, ALL))
    total = sum(rivalry[pair] for pair in itertools.combinations(range(4), 2))
    expected = 0.0
    for one, other in itertools.combinations(range(4), 2):
        side = (alignment[:, one] - alignment[:, other]) / 2
        distance = sum(abs(side[i] - side[j]) for i, j in itertools.combinations(range(3), 2))
        expected += rivalry[one, other] * distance / 4.0  # two against one: 2 distances of 2
    assert found == pytest.approx(expected / total if total else 0.0, abs=1e-12)
    assert -1e-12 <= found <= 1 + 1e-12


@pytest.mark.parametrize("states", [1, 2, 3, 4, 7])
def test_the_greatest_polarisation_is_two_halves_wholly_opposed(states):
    sides = np.where(np.arange(states) < states // 2, 1.0, -1.0)
    alignment = np.stack([sides, -sides], axis=1)
    found = measures.polarisation(alignment, TWO, np.ones((states, 2)))
    assert float(found) == pytest.approx(1.0 if states > 1 else 0.0)


def test_an_actor_takes_no_part_where_it_is_one_of_the_rivals():
    courted = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    alignment = np.array([[0.5, 0.1], [0.1, 0.5], [0.0, -1.0]])
    two_alone = measures.polarisation(alignment[:2], TWO, courted[:2])
    assert measures.polarisation(alignment, TWO, courted) == pytest.approx(two_alone)
    assert measures.similarity(alignment, courted)[0, 2] == pytest.approx(1 - 1.1)


def test_a_sphere_is_predominance_and_the_exclusion_of_rivals():
    alignment = np.array([[0.8, 0.5], [0.4, -0.6], [1.0, 1.0]])
    buffer = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    strength = measures.sphere(alignment, TWO, buffer)
    assert strength[0] == pytest.approx((0.8 * (1 - 0.6 * 0.5) + 0.4 * 1) / 2)
    assert np.isnan(strength[1])


@given(SCORES)
def test_similarity_is_the_s_score_of_signorino_and_ritter(alignment):
    """S = 1 - 2 d / dmax with the distance d = sum w |a_i - a_j|, w = 1/4 and dmax = sum w 2."""
    found = measures.similarity(alignment, ALL)
    for i, j in itertools.product(range(3), repeat=2):
        distance = np.abs(alignment[i] - alignment[j]).sum() / 4
        assert found[i, j] == pytest.approx(1 - 2 * distance / 2, abs=1e-12)
    assert np.array_equal(found, found.T)


@pytest.mark.parametrize("signs", list(itertools.product([1.0, -1.0], repeat=3)))
def test_a_triad_is_balanced_where_the_product_of_its_signs_is_positive(signs):
    one, other, tie = signs
    found = measures.balance(np.array([[0, tie], [tie, 0]]), np.array([[one], [other]]), np.zeros((1, 1)))
    assert float(found) == one * other * tie


@given(TIES, SCORES, RELATION, st.integers(0, 6))
def test_balance_does_not_depend_on_what_an_actor_calls_for_and_against(tie, alignment, relation, actor):
    """Turning all signs of one actor leaves every triad as it was (Harary 1953's switching)."""
    flip = np.ones(7)
    flip[actor] = -1
    states, blocs = flip[:3], flip[3:]
    before = measures.balance(tie, alignment, relation)
    after = measures.balance(tie * np.outer(states, states), alignment * np.outer(states, blocs), relation * np.outer(blocs, blocs))
    assert float(after) == pytest.approx(float(before), abs=1e-9)
    assert -1 - 1e-12 <= before <= 1 + 1e-12


def test_frustration_is_the_share_of_weight_in_triads_that_do_not_balance():
    """Two triads that share the tie, of weight 0.5 x 0.4 x 0.3 and -0.5 x 0.2 x 0.1."""
    found = measures.balance(np.array([[0, 0.5], [0.5, 0]]), np.array([[0.4, 0.2], [0.3, -0.1]]), np.zeros((2, 2)))
    good, bad = 0.5 * 0.4 * 0.3, 0.5 * 0.2 * 0.1
    assert (1 - float(found)) / 2 == pytest.approx(bad / (good + bad))


@given(TIES, arrays(float, (3, 3), elements=st.floats(0, 1)), SCORES, RIVALRY)
def test_the_bridge_lies_between_chessboard_and_bridge(tie, traffic, alignment, rivalry):
    hedging, polarised = measures.hedging(alignment, rivalry), measures.polarisation(alignment, rivalry, ALL)
    assert -1 - 1e-12 <= measures.bridge(tie, traffic, hedging, polarised) <= 1 + 1e-12


def test_the_ends_of_the_bridge():
    foes, friends = -np.ones((2, 2)), np.ones((2, 2))
    assert measures.bridge(foes, np.zeros((2, 2)), np.zeros(2), np.array(1.0)) == -1
    assert measures.bridge(friends, friends, np.ones(2), np.array(0.0)) == 1
    assert measures.bridge(np.zeros((1, 1)), np.zeros((1, 1)), np.array([0.6]), np.array(0.0)) == pytest.approx(0.2)


def test_realigned_is_closest_to_a_rival_of_the_first_bloc():
    rivalry = np.array([[0, 0, 0.5], [0, 0, 0.2], [0.5, 0.2, 0.0]])
    opening = np.array([[0.6, 0.5, 0.1]] * 3)
    now = np.array([[0.3, 0.5, 0.1], [0.3, 0.2, 0.4], [0.6, 0.5, 0.59]])
    assert measures.realigned(now, opening, rivalry, np.ones((3, 3))).tolist() == [0, 1, 0]


@given(arrays(float, 12, elements=st.sampled_from([0.0, 1.0])), st.integers(0, 13))
def test_a_realignment_must_last(series, hold):
    found = int(measures.realignment(series[:, None], hold)[0])
    expected = next((at for at in range(len(series) - hold) if series[at : at + hold + 1].all()), -1)
    assert found == expected


# Over results ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(hard):
    """The same run with every world kept, measured, and with summaries only."""
    said = [HARD[0], "shock=[],[everything]", "replicates=7", "end=2026-01"]
    return measured(simulate(expand(said, hard))), simulate(expand([*said, "record=summaries"], hard))


@pytest.mark.parametrize("name", MEASURES)
def test_measures_have_axes_units_and_move(pair, name):
    ds, quantity = pair[0], QUANTITIES[name]
    assert ds[name].dims == ("variant", "replicate", PERIOD if name == "bridge" else TIME, *quantity.dims)
    assert (ds[name].attrs["units"], ds[name].attrs["long_name"]) == (quantity.unit, quantity.label)
    assert (ds[name].min() >= quantity.low) and (ds[name].max() <= quantity.high)
    if name != "realigned":
        assert float(abs(differences(ds, [name])[name].isel(variant=1)).max()) > 1e-3


@pytest.mark.parametrize("name", MEASURES)
def test_folding_while_running_gives_what_the_worlds_fold_to(pair, name):
    worlds, folded = pair
    xr.testing.assert_allclose(summarise(worlds)[name], folded[name], rtol=0, atol=1e-13)
    xr.testing.assert_allclose(differences(worlds, [name])[name], differences(folded, [name])[name], rtol=0, atol=1e-13)


def by_relations(folder, *said):
    """Runs of the region with every way of being joined; measures take other relations than the opening's, one of them swept."""
    given = ["region.measured_relations.league.east=-0.4", "region.measured_relations.east.west=-0.3,0.2"]
    return simulate(expand([*HARD, "replicates=5", "end=2024-01", *given, *said], folder))


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_measures_take_the_relations_of_the_region_file_also_where_worlds_are_folded(hard, precision):
    worlds = measured(by_relations(hard, f"engine.precision={precision}"))
    folded = by_relations(hard, f"engine.precision={precision}", "record=summaries")
    opening = np.maximum(0, -worlds["relation"].isel(replicate=0, time=0))
    for ds in (worlds, folded):
        rivalry = xr.DataArray(rivalries(ds), opening.coords)
        for one, other, expected in (("east", "west", [0.3, 0.0]), ("east", "league", [0.4, 0.4])):
            np.testing.assert_allclose(rivalry.sel(bloc=one, rival=other), expected, rtol=1e-6)
            np.testing.assert_allclose(rivalry.sel(bloc=other, rival=one), expected, rtol=1e-6)
        left = rivalry.sel(bloc="west", rival="league")
        np.testing.assert_allclose(left, opening.sel(bloc="west", rival="league"), atol=1e-7)
    for name in ("sphere", "hedging", "realigned", "polarisation", "bridge"):
        np.testing.assert_allclose(summarise(worlds)[name], folded[name], rtol=0, atol=1e-13 if precision == "float64" else 1e-6)
        assert worlds[name].attrs == folded[name].attrs
        assert worlds[name].attrs["blocs_without_rival"] == "west"
    assert not np.array_equal(folded["hedging"][0], folded["hedging"][1])


def test_the_sphere_by_relations_of_the_file_in_closed_form():
    """Of the rival of rivalry r a state denies 1 - r p; friends by the file deny nothing, and no pair is left to hedge between."""
    common = ["region=toy", "region.blocs.east.buffer=[north]", "replicates=3", "end=2023-01"]
    for relation in (-0.8, -0.2, 0.4):
        ds = measured(simulate(expand([*common, f"region.measured_relations.east.west={relation}"])))
        east, west = (np.maximum(0, ds["alignment"].sel(state="north", bloc=bloc)) for bloc in ("east", "west"))
        rivalry = max(0.0, -relation)
        np.testing.assert_allclose(ds["sphere"].sel(bloc="east"), east * (1 - rivalry * west), atol=1e-12)
        np.testing.assert_allclose(ds["hedging"].sel(state="north"), np.sqrt(east * west) if rivalry else 0 * east, atol=1e-12)
        assert ("blocs_without_rival" in ds["hedging"].attrs) == (rivalry == 0)
        assert "blocs_without_rival" not in ds["influence"].attrs


@pytest.fixture(scope="module")
def history():
    """The record since 1994 with the relations that its region gives measures, and with those of its opening."""
    said = ["scenario=history", "start=1994-01", "end=2026-07", "replicates=12", "periods_per_year=4"]
    ds = simulate(expand(said))
    return measured(ds), measured(ds.drop_vars("measured_relations"))


def test_georgia_realigns_and_hedges_less_by_the_rivalries_of_2022(history):
    """By those of 1994, when Russia was nobody's rival, leaving Russia for NATO was no realignment, and hedging rose."""
    ds, by_opening = (run.isel(variant=0).sel(state="georgia") for run in history)
    change = {"ours": ds["hedging"], "opening": by_opening["hedging"]}
    change = {name: float((series.isel(time=-1) - series.isel(time=0)).mean()) for name, series in change.items()}
    assert change["ours"] < -0.05 < 0.05 < change["opening"]
    assert float(realignments(history[0])["probability"].sel(state="georgia").min()) > 0.9
    assert float(by_opening["realigned"].max()) == 0
    assert history[0]["hedging"].attrs["blocs_without_rival"] == "turkey"
    assert history[1]["hedging"].attrs["blocs_without_rival"] == "russia, turkey"


def test_every_relation_that_the_region_of_1994_gives_measures_matters():
    said = ["region=south_caucasus_1994", "replicates=2", "end=1995-01"]
    table = expand(said)[0].config.region.measured_relations
    pairs = [(one, other) for one, row in table.items() for other in row]
    base = measured(simulate(expand(said)))
    for one, other in pairs:
        moved = simulate(expand([*said, f"region.measured_relations.{one}.{other}={table[one][other] - 0.2:.2f}"]))
        assert all(np.array_equal(moved[name], base[name]) for name in moved.data_vars), "measures move, the world does not"
        assert float(abs(measured(moved)["polarisation"] - base["polarisation"]).min()) > 0
    assert len(pairs) == 6


def test_the_relations_of_the_region_of_1994_are_those_of_2022():
    ours, theirs = (expand([f"region={name}"])[0].config.region for name in ("south_caucasus_1994", "south_caucasus"))
    for one, row in ours.measured_relations.items():
        assert row == {other: theirs.relations[one][other] for other in row}
    hostile = {
        (one, other)
        for region in (ours, theirs)
        for one, row in region.relations.items()
        for other, value in row.items()
        if value < 0
    }
    assert hostile == {(one, other) for one, row in ours.measured_relations.items() for other in row}
    assert theirs.measured_relations == {}


def test_the_dates_of_realignments_are_those_of_the_worlds(tmp_path):
    ds = measured(simulate(expand(["region=toy", "replicates=40", "end=2026-01"])))
    swing = ds["alignment"].copy(deep=True)
    swing[0, :10, 20:, 0] = swing[0, :10, 20:, 0].values[..., ::-1]
    found = realignments(measured(ds.drop_vars(MEASURES).assign(alignment=swing)))
    assert found["probability"].values.tolist() == [[0.25, 0.0]]
    assert set(found["date"].values[0, :10, 0]) == {ds["time"].values[20]}
    assert np.isnat(found["date"].values[0, 10:]).all()


def test_dates_of_summaries_are_those_of_the_worlds_and_of_one_hold_alone(pair):
    ours, theirs = realignments(pair[0]), realignments(pair[1])
    np.testing.assert_array_equal(ours["date"].values, theirs["date"].values)
    np.testing.assert_array_equal(ours["probability"].values, theirs["probability"].values)
    with pytest.raises(SettingError, match="record=trajectories"):
        realignments(pair[1], hold_years=2)


@pytest.mark.parametrize("periods_per_year", [4, 24])
def test_a_hold_of_one_year_is_as_many_periods_as_a_year_has(periods_per_year):
    """Of two states one keeps to the other bloc for just a year before the end, the other a period less."""
    ds = simulate(expand(["region=toy", "replicates=2", "end=2024-01", f"periods_per_year={periods_per_year}"]))
    turned, swing = ds.sizes["period"] - periods_per_year, ds["alignment"].copy(deep=True)
    for state, at in ((0, turned), (1, turned + 1)):
        swing[..., :at, state, :] = swing[..., :1, state, :].values
        swing[..., at:, state, :] = swing[..., :1, state, ::-1].values
    found = realignments(ds.assign(alignment=swing))
    assert found["probability"].values.tolist() == [[1.0, 0.0]]
    assert set(found["date"].values[0, :, 0]) == {ds["time"].values[turned]}


def test_worlds_and_summaries_hold_the_same_dates_in_periods_of_half_a_month():
    said = ["region=toy", "replicates=20", "end=2025-01", "periods_per_year=24", "region.states.north.volatility=1"]
    dates = [realignments(simulate(expand([*said, f"record={record}"])))["date"].values for record in ("trajectories", "summaries")]
    assert not np.isnat(dates[0]).all()
    np.testing.assert_array_equal(*dates)


@pytest.mark.parametrize("record", ["trajectories", "summaries"])
def test_each_variant_has_the_spheres_of_its_own_buffers(record):
    said = ["region=toy", "replicates=3", "end=2023-01", f"record={record}"]
    ds = summarise(measured(simulate(expand([*said, "region.blocs.east.buffer=[],[north],[south]"]))))
    assert np.isnan(ds["sphere"][0]).all() and np.isnan(ds["sphere"].sel(bloc="west")).all()
    for variant, state in ((1, "north"), (2, "south")):
        alone = summarise(measured(simulate(expand([*said, f"region.blocs.east.buffer=[{state}]"]))))
        np.testing.assert_array_equal(ds["sphere"][variant], alone["sphere"][0])


def test_a_measure_can_be_the_outcome_of_a_job():
    ds = simulate(expand(["region=toy", "replicates=3", "end=2023-01", "outcome=hedging.north"]))
    assert outcome(ds) == pytest.approx(float(measured(ds)["hedging"].isel(variant=0, time=-1, state=0).mean()))
    ds = simulate(expand(["region=toy", "replicates=3", "end=2023-01", "outcome=bridge"]))
    assert outcome(ds) == pytest.approx(float(measured(ds)["bridge"].isel(variant=0, period=-1).mean()))


# Quantiles of few worlds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "the value of that replicate"), (2, "are the least"), (13, "are the least"), (14, "close to"), (19, "close to"), (20, "")],
)
def test_the_5_percent_quantile_of_few_worlds_is_said_to_be_their_end(number, said):
    worlds = np.sort(np.random.default_rng(number).normal(size=number))
    low, high = measures.spread(worlds[None])[[2, 4], 0]
    assert ((low, high) == pytest.approx((worlds[0], worlds[-1]), abs=1e-12)) == (number <= measures.ENDS)
    lines = screen.few_lines(number)
    assert (said in lines[0] and f" {number} replicate" in lines[0]) if said else lines == []
    assert ("of only" in captions.band(number)) == (number < 20)


def test_the_readme_says_which_quantile_is_meant():
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert "median-unbiased (type 8 of Hyndman & Fan 1996)" in text
    assert f"Of up to {measures.ENDS} worlds `q05` is the least" in text and f"of fewer than {measures.FEW}" in text
    assert all(f"`{name}`" in text for name in measures.STATISTICS)
