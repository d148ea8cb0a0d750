"""What can do nothing in a run is said before it: effects outside the window, draws that no run can meet, sizes that do not fit."""

import csv
from datetime import date, timedelta

import numpy as np
import pytest
from conftest import connected, effect, over, shock_folder, write_region
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sim.commands import plan
from sim.commands.cli import run_command
from sim.compose import notes as idle
from sim.compose.expand import expand
from sim.config.dates import Window
from sim.config.schema import Effect, Shock, ShockKind
from sim.science import shocks

TIE = {"state": "north", "peer": "south"}
WINDOW = ["region=toy", "end=2024-01"]


def late(folder, **effects):
    """The notes on a run of a shock with one effect at the opening and some others."""
    first = effect("tie", "step", TIE, 0.1, date="2022-01-01")
    return shock_folder(folder, "late", {"first": first, **effects})


def notes(folder, *said):
    return idle.lines(expand(over([*WINDOW, "shock=[late]"], *said), folder))


# What acts, against the course that is computed ------------------------------------------------------------------------------

DAYS = st.dates(date(2019, 1, 1), date(2027, 1, 1))


@st.composite
def dated(draw):
    """An effect of any kind, before, in or after a window of some years, from a date or an interval of dates."""
    kind = draw(st.sampled_from(ShockKind))
    first = draw(DAYS)
    interval = timedelta(days=draw(st.sampled_from([0, 1, 40, 400, 2000])))
    said = {"date": first.isoformat() if not interval else {"from": first.isoformat(), "to": (first + interval).isoformat()}}
    if kind in (ShockKind.pulse, ShockKind.ramp):
        if draw(st.booleans()):
            said["duration"] = draw(st.sampled_from([0.05, 0.5, 3.0]))
        else:
            ends = [(first + interval + timedelta(days=days)).isoformat() for days in (10, 500)]
            said["until"] = {"from": ends[0], "to": ends[1]} if draw(st.booleans()) else ends[0]
    if kind is ShockKind.decay:
        said["half_life"] = draw(st.sampled_from([0.3, 5.0]))
    return Effect(kind=kind, target="tie", who=TIE, size=1, range=[1, 1], unit="tie", source="x", **said)


def on(kind, day, **lasting):
    return Effect(date=day, kind=ShockKind[kind], target="tie", who=TIE, size=1, range=[1, 1], unit="tie", source="x", **lasting)


@pytest.mark.slow
@given(dated(), st.sampled_from([1, 4, 12, 48]), st.integers(1, 4))
@example(on("step", "2023-01-01"), 12, 1)
@example(on("impulse", "2023-01-01"), 12, 1)
@example(on("impulse", "2022-12-31"), 12, 1)
@example(on("impulse", "2022-01-01"), 48, 1)
@example(on("pulse", "2021-06-01", until="2022-01-01"), 12, 1)
@example(on("pulse", "2021-06-01", until="2022-01-02"), 12, 1)
@example(on("step", "2020-01-01"), 4, 2)
@example(on("ramp", "2020-01-01", duration=0.5), 4, 2)
@settings(max_examples=400, deadline=None)
def test_the_share_that_acts_is_that_of_courses_that_are_not_zero(one, periods_per_year, years):
    """Over an even grid of luck; a course that is not zero but for rounding counts as zero."""
    window, shock = Window(date(2022, 1, 1), date(2022 + years, 1, 1), periods_per_year), Shock("One", {"e": one})
    grid = np.linspace(0, 1, 4001)
    course = shocks._course(shock, one, window, np.stack([np.zeros_like(grid), grid], axis=1))
    acts = (abs(course) > 1e-8).any(axis=-1).mean()
    assert shocks.acting(shock, one, window) == pytest.approx(acts, abs=2e-3)
    if acts in (0, 1) and isinstance(one.date, str) and not isinstance(one.until, dict):
        assert shocks.acting(shock, one, window) == acts


# What is said of it ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["impulse", "step", "pulse", "ramp", "decay"])
def test_an_effect_after_the_end_is_said_to_lie_outside(tmp_path, kind):
    lasting = {"pulse": {"duration": 1.0}, "ramp": {"until": "2041-01"}, "decay": {"half_life": 1.0}}.get(kind, {})
    late(tmp_path, gone=effect("tie", kind, TIE, 0.1, date="2040-01-01", **lasting))
    (line,) = notes(tmp_path)
    assert line.startswith("note: effect gone of shock late lies outside the window: 2040-01-01")
    assert "2022-01 to 2024-01" in line
    assert notes(tmp_path, "end=2041-01") == []


@pytest.mark.parametrize(("day", "acts"), [("2024-01-01", False), ("2023-12-31", True)])
def test_what_begins_with_the_end_does_not_act_and_a_day_before_does(tmp_path, day, acts):
    for kind in ("impulse", "step"):
        late(tmp_path, edge=effect("tie", kind, TIE, 0.1, date=day))
        assert (notes(tmp_path) == []) is acts


def test_an_interval_partly_outside_says_its_share(tmp_path):
    late(tmp_path, maybe=effect("tie", "step", TIE, 0.1, date={"from": "2023-01-01", "to": "2033-01-01"}))
    (line,) = notes(tmp_path)
    assert "effect maybe of shock late lies outside the window in 90 % of its draws: 2023-01-01 to 2033-01-01" in line


def test_of_several_variants_it_says_in_how_many(tmp_path):
    late(tmp_path, moved=effect("tie", "step", TIE, 0.1, date="2023-01-01"))
    (line,) = notes(tmp_path, "shock.late.effects.moved.date=2023-02,2023-03,2030-01")
    assert line.endswith("(in 1 of 3 variants)")


def test_a_mechanism_that_is_off_is_said_and_a_shock_that_a_person_switched_off_is_not(tmp_path):
    late(tmp_path, watch=effect("vigilance", "step", {"bloc": "east"}, 0.2, date="2023-01-01"))
    assert notes(tmp_path) == []
    assert notes(tmp_path, "dynamics.vigilance=0,1") == []
    (line,) = notes(tmp_path, "dynamics.vigilance=0")
    assert "effect watch of shock late does nothing, as dynamics.vigilance is 0" in line
    never = ["shock.late.probability=0", "shock.late.effects.watch.size=interval(0.1,0.2)", "draws=2"]
    assert notes(tmp_path, *never[:1]) == []
    (line,) = notes(tmp_path, *never)
    assert line.startswith("note: no variant depends on shock.late.effects.watch.size: effect watch of shock late never happens")


def test_an_effect_on_nobody_is_said(tmp_path):
    write_region(tmp_path, connected())
    nobody = effect("disposition", "impulse", {"state": "harbour", "bloc": ["league", "west"]}, 0.1, date="2023-01-01")
    late(tmp_path, nobody=nobody)
    (line,) = [line for line in notes(tmp_path, "region=connected") if "effect" in line]
    assert "effect nobody of shock late acts on nobody" in line


@pytest.mark.slow
def test_draws_that_no_run_can_meet_are_said_and_marked_in_their_table(tmp_path):
    gone = effect("tie", "step", TIE, 0.1, date="2040-01-01")
    watch = effect("vigilance", "step", {"bloc": "east"}, 0.2, date="2023-01-01")
    late(tmp_path, gone=gone, watch=watch)
    said = ["dynamics.vigilance=0", "sample=ranges", "draws=3", "replicates=2"]
    expected = {
        ("shock", "late", "effects", "gone", "size"): "effect gone of shock late lies outside the window",
        ("shock", "late", "effects", "watch", "size"): "effect watch of shock late does nothing, as dynamics.vigilance is 0",
        ("region", "blocs", "east", "vigilance"): "dynamics.vigilance is 0",
        ("region", "blocs", "west", "vigilance"): "dynamics.vigilance is 0",
    }
    variants = expand([*WINDOW, "shock=[late]", *said], tmp_path)
    assert idle.numbers(variants) == expected
    lines = plan.lines(variants)
    assert all(
        any(line.startswith("note: no variant depends on") and reason in line for line in lines) for reason in expected.values()
    )
    out = tmp_path / "out"
    assert run_command(["run", *WINDOW, "shock=[late]", *said, "--config-dir", str(tmp_path), f"out={out}"]) == 0
    with (out / "draws.csv").open() as file:
        marked = {
            name.removesuffix(" (no variant depends on it)") for name in next(csv.reader(file)) if name.endswith("depends on it)")
        }
    assert marked == {".".join(path) for path in expected}


def test_a_number_moves_nothing_wherever_it_is_said_to(tmp_path):
    """What is said to be met by no variant changes no bit of a run; of the rest of what is swept something does."""
    from sim.engine.runs import simulate

    late(tmp_path, gone=effect("tie", "step", TIE, 0.1, date="2040-01-01"))
    for key, values, met in (
        ("shock.late.effects.gone.size", "0.1,0.14", False),
        ("shock.late.effects.first.size", "0.1,0.14", True),
        ("region.states.north.peer_influence", "0.1,0.3", False),
        ("region.states.north.exclusivity", "0.1,0.3", True),
        ("dynamics.readiness_bonus", "0.1,0.2", True),
    ):
        variants = expand([*WINDOW, "shock=[late]", "dynamics.peer_influence=0", f"{key}={values}", "replicates=2"], tmp_path)
        assert bool(idle.numbers(variants)) is not met, key
        ds = simulate(variants)
        same = all(np.array_equal(ds[name][0], ds[name][1]) for name in ds.data_vars)
        assert same is not met, key


@pytest.mark.slow
@pytest.mark.parametrize("verb", [["run"], ["sweep"], ["plan"], ["run", "-m"]])
def test_every_verb_that_runs_or_plans_says_it(tmp_path, capsys, verb):
    late(tmp_path, gone=effect("tie", "step", TIE, 0.1, date="2040-01-01"))
    own = ["--config-dir", str(tmp_path)] + [f"out={tmp_path / 'out'}"] * (verb != ["plan"])
    assert run_command([*verb, *WINDOW, "shock=[late]", "replicates=2", *own]) == 0
    shown = "".join(reversed(capsys.readouterr()))
    assert shown.count("effect gone of shock late lies outside the window") == 1
    assert shown.index("outside the window") < shown.index("stability margin" if verb[-1] != "-m" else "complete")


def test_many_notes_on_one_subject_are_counted(tmp_path):
    late(tmp_path, **{f"gone_{number}": effect("tie", "step", TIE, 0.1, date="2040-01-01") for number in range(12)})
    lines = notes(tmp_path)
    assert len(lines) == idle.SHOWN + 1
    assert lines[-1] == "note: and 4 more like these"


def test_the_shipped_baseline_has_nothing_to_say():
    assert idle.lines(expand(["scenario=baseline"])) == []
    assert idle.lines(expand(["region=toy", "dynamics.vigilance=0,1,2"])) == []
