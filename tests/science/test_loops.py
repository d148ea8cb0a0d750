"""Direct gains, loops and long-run responses against closed forms and long runs, and the page that reports them."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT, connected, write_region

from experiments import how_it_works
from sim.analysis.loops import picture, responses
from sim.compose.expand import expand
from sim.figures import loops as diagram
from sim.names import STORED_STOCKS
from sim.science import kernel
from sim.science.loops import FAINT, KINS, SIDES, Gains, gains, loops
from sim.science.params import stack
from sim.science.shocks import Forcing, ForcingTerm
from sim.science.stability import RATES, Entry

MONTH = 1 / 12
SMOOTH = ["dynamics.exit_cost=0", "dynamics.unrest=0", "dynamics.coercion=0"]
"""Mechanisms with a kink at the opening, off."""
LONE = [f"dynamics.{name}=0" for name in ("contests", "exclusivity", "peer_influence")]
"""Alignments that depend on their anchor, legacy and exit cost only."""
FAST = [f"dynamics.{rate}=6" for rates in RATES.values() for rate in rates]
"""Rates at which all stocks come to rest within years; no response depends on them."""


def of(said, side="below", folder=None, dt=MONTH):
    (variant,) = expand(said, folder)
    layout, params, world = stack([variant.config])
    return gains(params, world, layout, dt, SIDES[side]), layout, params, world


def simulated(said, size, folder=None, periods=1200):
    """The rise of every entry per unit of a lasting small forcing on the target of each, in a run to rest: (entry, forcing)."""
    found, layout, params, world = of([*said, *FAST], folder=folder)
    number = len(found.entries)
    anchor, lasting = np.repeat(params.anchor, number, axis=1), {}
    for at, (stock, cells) in enumerate(found.entries):
        table = anchor if stock == "alignment" else lasting.setdefault(stock, _nothing(world, stock, number))
        for cell in cells:
            table[0, at, *cell] += size
    terms = {
        stock: (ForcingTerm(f"forcing.{stock}", np.ones((1, 1, periods)), table, drawn=False),) for stock, table in lasting.items()
    }
    params, normals = params._replace(anchor=anchor), np.zeros((1, 1, periods, *world.alignment.shape[-2:]))
    forces = [Forcing(terms, {}).at(0)] * periods
    *_, before, last = kernel.run(params, world, forces, np.moveaxis(normals, 2, 0), layout, MONTH)
    rises = np.stack([(getattr(last.world, stock) - getattr(world, stock))[0, :, *cells[0]] for stock, cells in found.entries])
    assert abs(last.world.alignment - before.world.alignment).max() < 1e-9 * abs(size), "at rest"
    return found, rises / size


def _nothing(world, stock, number):
    return np.zeros((1, number, *getattr(world, stock).shape[-2:]))


# Against closed forms -------------------------------------------------------------------------------------------------------


def test_a_lone_state_responds_to_its_anchor_through_legacy_and_exit_cost():
    """At rest stubbornness (forcing + retention d - d) + exit (retention d - d) = 0; exit acts below the opening only."""
    said = ["region=toy", *LONE, "region.states.north.readiness.east=0.6"]
    for side in SIDES:
        found, _, params, world = of(said, side)
        scores = [at for at, entry in enumerate(found.entries) if entry.stock == "alignment"]
        for at in scores:
            cell = found.entries[at].cells[0]
            held = params.stubbornness[0, 0, *cell]
            cost = params.exit_cost_strength.item() * world.readiness[0, 0, *cell] * (side == "below")
            lost = 1 - params.retention.item()
            assert found.response[at, at] == pytest.approx(held / ((held + cost) * lost), rel=1e-5)
            assert found.direct[at, at] == pytest.approx(-cost / held, abs=1e-5)


def test_the_loop_of_legacy_returns_what_is_retained():
    found, *_ = of(["region=toy", *LONE, "dynamics.exit_cost=0", "dynamics.retention=0.3", "dynamics.legacy=0.5"])
    (memory,) = [loop for loop in loops(found) if loop.stocks == ("alignment", "legacy")]
    assert (memory.gain, memory.direction) == (pytest.approx(0.15, rel=1e-5), 1)
    off, *_ = of(["region=toy", *LONE, "dynamics.exit_cost=0", "dynamics.legacy=0"])
    assert [loop for loop in loops(off) if "legacy" in loop.stocks] == []


def test_a_doubted_patron_and_a_lost_buffer_have_the_gains_of_their_rules():
    found, _, params, world = of(["region=toy", "region.blocs.west.buffer=[south]", "region.blocs.west.unrest=0.4"])
    at = {(entry.stock, entry.cells[0]): number for number, entry in enumerate(found.entries)}
    for bloc in range(2):
        other = world.strain_home[0, 0, 0, bloc]
        doubt = params.doubt_strength.item() * (1 - other) * world.credibility[0, 0, 0, bloc]
        assert found.direct[at["credibility", (0, bloc)], at["strain_war", (0, bloc)]] == pytest.approx(-doubt, rel=1e-4)
    west = 1
    assert found.direct[at["strain_home", (0, west)], at["alignment", (1, west)]] == pytest.approx(-0.4, rel=1e-5)
    assert found.direct[at["strain_home", (0, west)], at["alignment", (0, west)]] == 0
    above, *_ = of(["region=toy", "region.blocs.west.buffer=[south]", "region.blocs.west.unrest=0.4"], "above")
    assert above.direct[at["strain_home", (0, west)], at["alignment", (1, west)]] == 0


def test_loops_of_a_table_written_by_hand():
    """Two stocks of a bloc that act on each other by 0.5 and -0.2, and a third that acts on none."""
    entries = (Entry("strain_war", ((0, 0),)), Entry("strain_home", ((0, 0),)), Entry("credibility", ((0, 0),)))
    direct = np.array([[0.1, 0.5, 0.0], [-0.2, 0.0, 0.0], [-0.9, 0.0, 0.0]])
    found = loops(Gains(entries, direct, np.linalg.inv(np.eye(3) - direct)))
    assert [(loop.stocks, loop.gain, loop.direction) for loop in found] == [
        (("strain_war",), pytest.approx(0.1), 1),
        (("strain_war", "strain_home"), pytest.approx(-0.1), -1),
    ]


def test_a_path_through_the_same_stock_of_another_actor_is_a_loop():
    entries = tuple(Entry("alignment", ((0, bloc),)) for bloc in range(2))
    direct = np.array([[0.0, -0.5], [-0.2, 0.0]])
    (rivals,) = loops(Gains(entries, direct, np.linalg.inv(np.eye(2) - direct)))
    assert (rivals.stocks, rivals.kin, rivals.direction) == (("alignment",), "other bloc", 1)
    assert rivals.gain == pytest.approx(0.1)


# Against long runs ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("region", ["toy", "connected"])
def test_responses_are_where_a_long_run_rests(region, tmp_path):
    """A small lasting forcing on every target in turn, without noise, run to rest: every stock moves by the response matrix."""
    folder = write_region(tmp_path, connected()) if region == "connected" else None
    said = [f"region={region}", *SMOOTH, "region.blocs.east.strain_war=0.1", "region.blocs.west.strain_war=0.1"]
    home = [f"region.blocs.{bloc}.strain_home=0.1" for bloc in ("east", "west")]
    found, rises = simulated([*said, *home], 1e-5, folder)
    inside = _inside(found, rises)
    assert inside.sum() > 0.9 * len(inside)
    np.testing.assert_allclose(rises[:, inside], found.response[:, inside], atol=2e-4)
    assert abs(found.response - np.eye(len(found.entries))).max() > 0.1


def _inside(found, rises):
    """Forcings whose own stock can rise, which a stock at the end of its range cannot."""
    return np.diag(rises) > 0.5


@pytest.mark.slow
def test_at_a_kink_each_direction_meets_its_own_side():
    """A state moved away from a bloc bears an exit cost; moved towards it, none."""
    said = ["region=toy", *LONE, "region.states.north.readiness.east=0.9", "dynamics.exit_cost_strength=0.5"]
    for side, size in (("below", -1e-4), ("above", 1e-4)):
        found, _, _, _ = of(said, side)
        _, rises = simulated(said, size)
        scores = [at for at, entry in enumerate(found.entries) if entry.stock == "alignment"]
        np.testing.assert_allclose(rises[scores, scores], found.response[scores, scores], rtol=1e-3)


def test_neither_the_period_nor_the_rates_matter():
    month, *_ = of([])
    week, *_ = of([], dt=1 / 48)
    fast, *_ = of(FAST)
    np.testing.assert_allclose(week.response, month.response, atol=1e-4)
    np.testing.assert_allclose(fast.response, month.response, atol=1e-4)


# The picture and its figures -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    config = expand()[0].config
    return config, picture(config)


def test_arcs_are_carried_by_their_mechanisms(shipped):
    """With the weight of its mechanism at 0 each arc is gone."""
    config, drawn = shipped
    alone = {
        ("strain_war", "credibility"): "doubt",
        ("alignment", "strain_home"): "unrest",
        ("legacy", "alignment"): "legacy",
        ("road", "access"): "trade",
        ("road", "tie"): "trade",
        ("access", "alignment"): "contests",
    }
    for (source, target), mechanism in alone.items():
        assert diagram.carriers(drawn, target, source, "own", "below") == [mechanism]
        layout, params, world = stack([replace(config, dynamics=replace(config.dynamics, **{mechanism: 0.0}))])
        off = gains(params, world, layout, MONTH, SIDES["below"])
        rows, columns = ([at for at, entry in enumerate(off.entries) if entry.stock == name] for name in (target, source))
        assert abs(off.direct[np.ix_(rows, columns)]).max() < FAINT
    assert diagram.carriers(drawn, "legacy", "alignment", "own", "below") == []


def test_when_one_patron_fails_the_others_shares_rise(shipped):
    _, drawn = shipped
    arc = drawn["direction"].sel(side="below", target="alignment", source="credibility")
    assert (float(arc.sel(kin="own")), float(arc.sel(kin="other bloc"))) == (1, -1)


def test_figures_hold_every_arc_loop_and_response(shipped):
    config, drawn = shipped
    layout, params, world = stack([config])
    found = loops(gains(params, world, layout, MONTH, SIDES["below"]))
    figure = diagram.plot_loops(drawn, found, "$ and _ are letters")
    (ax,) = figure.axes
    arcs = drawn["gain"].sel(side="below").sum("kin").values > 0
    arrows = [patch for patch in ax.patches if type(patch).__name__ == "FancyArrowPatch"]
    assert len(arrows) == arcs.sum()
    assert set(diagram.PLACES) == set(STORED_STOCKS)
    listed = [text.get_text() for text in figure.texts]
    assert sum(text.startswith(("R", "B", "±")) for text in listed) == len(found)
    table = responses(params, world, layout, MONTH, SIDES["below"])
    labels = {name: name.title() for name in (*layout.states, *layout.blocs)}
    shown, twins = diagram.chosen(table[0])
    matrix = diagram.plot_responses(table[0], table, labels, "Title", "foot").axes[0]
    cells = [text for text in matrix.texts if text.get_text()[0] in "+\N{MINUS SIGN}"]
    assert len(cells) == (abs(table[0].sel(forcing=shown).values) >= diagram.BLANK).sum()
    assert not set(shown) & set(twins)
    assert [label.get_text() for label in matrix.get_yticklabels()] == [diagram.push_words(term, labels) for term in shown]


def test_rows_of_responses_are_those_of_the_matrix(shipped):
    config, _ = shipped
    layout, params, world = stack([config])
    found, table = gains(params, world, layout, MONTH, -1.0), responses(params, world, layout, MONTH, -1.0)[0]
    at = {(entry.stock, entry.cells[0]): number for number, entry in enumerate(found.entries)}
    armenia, russia, nato = layout.states.index("armenia"), layout.blocs.index("russia"), layout.blocs.index("nato")
    score = at["alignment", (armenia, nato)]
    here = table.sel(state="armenia", bloc="nato")
    assert here.sel(forcing="strain_war russia") == found.response[score, at["strain_war", (0, russia)]]
    assert here.sel(forcing="access") == found.response[score, at["access", (armenia, nato)]]


def test_the_page_is_of_the_code_as_it_is(shipped):
    config, drawn = shipped
    text = (ROOT / "docs" / "how_it_works.md").read_text("utf-8")
    for line in how_it_works.arc_table(drawn):
        assert line in text
    told = [diagram.way(loop) for loop in how_it_works.told(loops(how_it_works.at_opening(config)["below"]))]
    there = [line.split(" | ")[0].removeprefix("| ") for line in text.split("## Loops")[1].split("##")[0].splitlines()]
    assert [way for way in there if "→" in way] == told
    assert f"draws of {how_it_works.DRAWS}" in text
    assert KINS[0] in text


@pytest.mark.slow
def test_the_study_writes_its_page(tmp_path):
    how_it_works.write(4, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"how_it_works.md", "loops.png", "responses.png"}
    assert "stable draws of 4\n" in (tmp_path / "how_it_works.md").read_text("utf-8")
    assert how_it_works.main(["some"]) == 2
