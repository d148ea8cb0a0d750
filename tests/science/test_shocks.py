"""Dated shocks as forcing: each shape against its mean over a period, where it acts, and what is random."""

import numpy as np
import pytest
from conftest import connected, effect, shock_folder, write_region
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from sim.compose.expand import expand
from sim.config.dates import Window, read_date
from sim.engine.runs import simulate
from sim.science import shocks
from sim.science.layout import layout_of

TIE = {"state": "north", "peer": "south"}


def forcing(folder, effects, *said, replicates=1, **shock):
    """The forcing of one variant whose one shock has these effects."""
    (variant,) = expand(["region=toy", "shock=[one]", *said], shock_folder(folder, "one", effects, **shock))
    config = variant.config
    return shocks.draw([config], layout_of(config.region), range(replicates)), config.window


def course(folder, kind, *said, date="2023-04-17", size=0.2, target="tie", **lasting):
    """What an effect adds to north-south in each period."""
    who = TIE if target in ("tie", "road") else {"state": "north", "bloc": "east"}
    found, window = forcing(folder, {"e": effect(target, kind, who, size, date=date, **lasting)}, *said)
    (term,) = (found.impulses if kind == "impulse" else found.lasting)[target]
    at = (0, 1) if target == "tie" else (0, 0)
    return np.array([term.at(period)[0, 0][at] for period in range(window.periods)]), window


SHAPES = {
    "step": ({}, lambda since: 1.0 * (since >= 0)),
    "pulse": ({"duration": 1.3}, lambda since: 1.0 * (0 <= since < 1.3)),
    "ramp": ({"duration": 1.3}, lambda since: min(max(since / 1.3, 0.0), 1.0)),
    "decay": ({"half_life": 0.7}, lambda since: 2.0 ** (-since / 0.7) if since >= 0 else 0.0),
}


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("periods_per_year", [12, 4, 48])
def test_each_period_has_the_mean_of_the_shape_over_it(tmp_path, kind, periods_per_year):
    lasting, shape = SHAPES[kind]
    found, window = course(tmp_path, kind, f"periods_per_year={periods_per_year}", "end=2026-01", **lasting)
    begin = window.years(read_date("2023-04-17"))
    for period, value in enumerate(found):
        start, end = period * window.dt, (period + 1) * window.dt
        breaks = [at for at in (begin, begin + 1.3) if start < at < end]
        mean = quad(lambda at: shape(at - begin), start, end, points=breaks or None)[0] / window.dt
        assert value == pytest.approx(0.2 * mean, abs=1e-9), period


@given(st.sampled_from(sorted(SHAPES)), st.dates(read_date("2022-01-01"), read_date("2025-12-31")))
@settings(max_examples=60, deadline=None)
def test_a_shorter_period_splits_the_same_forcing(kind, day):
    """The forcing of a year is the mean of the forcings of its months, whatever the date."""
    lasting = SHAPES[kind][0]
    one = shocks.Effect(
        date=day.isoformat(),
        kind=shocks.ShockKind(kind),
        target="tie",
        who=TIE,
        size=1,
        range=[1, 1],
        unit="tie",
        source="x",
        **lasting,
    )
    shock, uniforms = shocks.Shock("One", {"e": one}), np.zeros((1, 2))
    fine, coarse = (shocks._course(shock, one, Window(read_date("2022-01"), read_date("2026-01"), n), uniforms)[0] for n in (12, 1))
    np.testing.assert_allclose(fine.reshape(4, 12).mean(axis=1), coarse, atol=1e-12)


def test_an_end_that_is_a_date_is_a_duration(tmp_path):
    by_date, window = course(tmp_path, "pulse", date="2023-04-01", until="2024-07-01")
    by_years, _ = course(tmp_path, "pulse", date="2023-04-01", duration=1.25)
    np.testing.assert_allclose(by_date, by_years, atol=1e-12)
    assert by_date.sum() * window.dt == pytest.approx(0.2 * 1.25)


@pytest.mark.parametrize(("date", "period"), [("2023-04-01", 15), ("2023-04-30", 15), ("2023-05-01", 16), ("2022-01-01", 0)])
def test_an_impulse_falls_in_the_period_of_its_date(tmp_path, date, period):
    found, _ = course(tmp_path, "impulse", date=date)
    assert found.nonzero()[0].tolist() == [period]
    assert found[period] == 0.2


def test_a_pair_is_acted_on_both_ways_and_a_state_and_bloc_once(tmp_path):
    found, _ = forcing(tmp_path, {"e": effect("tie", "step", {"state": "*", "peer": "*"}, 0.2, date="2022-01-01")})
    np.testing.assert_allclose(found.at(3).lasting["tie"][0, 0], [[0.0, 0.2], [0.2, 0.0]], rtol=1e-12)
    (tmp_path / "b").mkdir()
    found, _ = forcing(
        tmp_path / "b", {"e": effect("credibility", "step", {"state": "south", "bloc": ["west"]}, -0.1, date="2022-01-01")}
    )
    np.testing.assert_allclose(found.at(3).lasting["credibility"][0, 0], [[0.0, 0.0], [0.0, -0.1]], rtol=1e-12)
    assert "tie" not in found.at(3).lasting


def test_joined_and_fixed_pairs_are_left_out(tmp_path):
    write_region(tmp_path, connected())
    move = effect("disposition", "impulse", {"state": "*", "bloc": "*"}, 0.2, date="2022-01-01")
    trust = effect("credibility", "step", {"state": "*", "bloc": "*"}, 0.2, date="2022-01-01")
    shock_folder(tmp_path, "one", {"move": move, "trust": trust})
    (variant,) = expand(["region=connected", "shock=[one]"], tmp_path)
    layout = layout_of(variant.config.region)
    found = shocks.draw([variant.config], layout, range(1))
    assert np.array_equal(found.at(0).impulses["disposition"][0, 0], 0.2 * layout.free)
    assert np.array_equal(found.at(0).lasting["credibility"][0, 0], 0.2 * layout.courted)
    assert layout.free.sum() == layout.courted.sum() - 1 == 7


def test_a_forcing_of_a_weighted_parameter_is_weighted_too(tmp_path):
    """So that a mechanism of weight 0 stays exactly off under a shock to its parameter."""
    effects = {"e": effect("vigilance", "step", {"bloc": "east"}, 0.4, date="2022-01-01")}
    found, _ = forcing(tmp_path, effects, "dynamics.vigilance=0.5")
    assert found.at(0).lasting["vigilance"][0, 0].tolist() == [[0.2, 0.0]]
    found, _ = forcing(tmp_path, effects, "dynamics.vigilance=0")
    assert not found.at(0).lasting["vigilance"].any()


def test_effects_on_one_target_add_up(tmp_path):
    one = effect("tie", "step", TIE, 0.2, date="2022-01-01")
    found, _ = forcing(tmp_path, {"one": one, "two": {**one, "size": 0.25}})
    assert found.at(0).lasting["tie"][0, 0, 0, 1] == pytest.approx(0.45)


def test_a_date_from_an_interval_is_uniform_over_it(tmp_path):
    """Each replicate has its own date; the mean course is that of a uniform date, within four Monte-Carlo errors."""
    interval = {"from": "2023-01-01", "to": "2025-01-01"}
    found, window = forcing(tmp_path, {"e": effect("tie", "step", TIE, 1.0, date=interval)}, replicates=4000)
    (term,) = found.lasting["tie"]
    courses = term.course[0]
    assert courses.shape == (4000, window.periods)
    assert not courses[:, :12].any()
    assert courses[:, 36:].all()
    middle = np.arange(12, 36)
    expected = (middle - 12 + 0.5) / 24
    assert (abs(courses[:, 12:36].mean(axis=0) - expected) < 4 * np.sqrt(expected * (1 - expected) / 4000) + 1e-9).all()


def test_probability_decides_for_all_effects_of_a_shock(tmp_path):
    effects = {
        "one": effect("tie", "step", TIE, 0.2, date="2022-01-01"),
        "two": effect("strain_war", "impulse", {"bloc": "east"}, 0.1),
    }
    found, window = forcing(tmp_path, effects, replicates=2000, probability=0.3)
    lasting, impulse = found.lasting["tie"][0].course[0, :, -1], found.impulses["strain_war"][0].course[0].max(axis=1)
    assert set(impulse) == {0.0, 1.0}
    np.testing.assert_allclose(lasting, impulse, rtol=1e-12)
    assert abs(impulse.mean() - 0.3) < 4 * np.sqrt(0.21 / 2000)
    (tmp_path / "b").mkdir()
    never, _ = forcing(tmp_path / "b", effects, replicates=50, probability=0)
    assert not any(term.course.any() for table in (never.lasting, never.impulses) for terms in table.values() for term in terms)
    assert window.periods == 120


def test_the_draws_of_a_shock_depend_on_its_name_alone(tmp_path):
    """Two shocks of other names have other random draws; a shock has the same draws whatever other shocks there are."""
    maybe = {"e": effect("tie", "step", TIE, 0.2, date="2022-01-01")}
    for name in ("one", "two"):
        shock_folder(tmp_path, name, maybe, probability=0.5)
    drawn = {}
    for said in ("[one]", "[two]", "[two,one]"):
        (variant,) = expand(["region=toy", f"shock={said}"], tmp_path)
        found = shocks.draw([variant.config], layout_of(variant.config.region), range(200))
        drawn[said] = {term.name: term.course[0, :, -1] for term in found.lasting["tie"]}
    assert np.array_equal(drawn["[one]"]["one.e"], drawn["[two,one]"]["one.e"])
    assert np.array_equal(drawn["[two]"]["two.e"], drawn["[two,one]"]["two.e"])
    assert not np.array_equal(drawn["[one]"]["one.e"], drawn["[two]"]["two.e"])


def test_a_stock_at_its_bound_stays_there(tmp_path):
    most = {"e": effect("tie", "step", TIE, 1.3, date="2022-01-01"), "i": effect("strain_war", "impulse", {"bloc": "east"}, 0.6)}
    huge = [f"shock.one.effects.{name}.size=5" for name in most]
    ds = simulate(expand(["region=toy", "shock=[one]", "replicates=2", *huge], shock_folder(tmp_path, "one", most)))
    assert float(ds["tie"].max()) <= 1.0
    assert float(ds["strain_war"].max()) == 0.95
