"""Numbers against what is known of them: sizes of effects in files and on the command line, numbers and their rows of evidence."""

import json

import pytest
from conftest import effect, shock_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.commands.cli import run_command
from sim.compose import notes
from sim.compose.expand import expand
from sim.config.evidence import span
from sim.errors import SettingError
from sim.names import QUANTITIES, STATE

TIE = {"state": "north", "peer": "south"}
WHO = {
    "tie": TIE,
    "credibility": {"state": "north", "bloc": "east"},
    "relation": {"bloc": "east", "rival": "west"},
    "strain_war": {"bloc": "east"},
    "coerciveness": {"bloc": "east"},
    "permit": {"route": "direct"},
    "access": {"state": "north", "bloc": "east"},
}
SAID = ["region=toy", "shock=[one]", "end=2024-01"]


def one(folder, size, low, high, target="tie", kind="step"):
    return shock_folder(folder, "one", {"e": {**effect(target, kind, WHO[target], size), "range": [low, high]}})


@pytest.mark.parametrize(
    ("size", "low", "high", "key"),
    [
        (5, 0, 0.3, "size"),
        (0.31, 0, 0.3, "size"),
        (-0.01, 0, 0.3, "size"),
        (5, 0, 9, "size"),
        (-5, -9, 0, "size"),
        (0.1, 0, 2.1, "range"),
        (0.1, -2.1, 0.3, "range"),
        (0.1, 0.3, 0, "range"),
    ],
)
@pytest.mark.parametrize("kind", ["step", "impulse"])
def test_a_size_or_range_that_does_not_fit_is_refused_in_a_file(tmp_path, size, low, high, key, kind):
    with pytest.raises(SettingError) as caught:
        expand([*SAID, *["sample=ranges"] * (key == "range"), "draws=2"], one(tmp_path, size, low, high, kind=kind))
    assert caught.value.key == f"shock.one.effects.e.{key}"
    assert caught.value.where == str(tmp_path / "shock" / "one.yaml")
    assert caught.value.allowed


@pytest.mark.slow
@pytest.mark.parametrize("target", sorted(WHO))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.floats(-3, 3), ends=st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
def test_a_file_is_taken_where_its_size_lies_in_its_range_and_that_in_the_span(tmp_path, target, size, ends):
    """By the definition: low <= size <= high, and nothing is moved by more than the length of the range of what it moves."""
    low, high = sorted(ends)
    quantity = QUANTITIES[target]
    fits = low <= size <= high and max(abs(size), abs(low), abs(high)) <= quantity.high - quantity.low
    folder = one(tmp_path, size, low, high, target)
    try:
        expand([*SAID, "sample=ranges", "draws=1"], folder)
    except SettingError as error:
        assert not fits, error
    else:
        assert fits


def test_a_range_beyond_the_span_that_nothing_is_drawn_from_is_a_warning(tmp_path):
    (line,) = notes.lines(expand(SAID, one(tmp_path, -1.9, -3, -1)))
    assert line.startswith("note: shock.one.effects.e.range: [-3, -1] allows more than the target can change")


def test_the_span_is_from_one_end_to_the_other():
    assert span(QUANTITIES["tie"]) == 2
    assert span(QUANTITIES["coerciveness"]) == 0.5
    assert span(QUANTITIES["strain_war"]) == 0.95
    assert span(QUANTITIES["legacy"]) == float("inf")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("size=5", "size: 5 is more than the target can change; allowed: at most 2 either way: tie lies in [-1, 1]"),
        ("size=0.4", "size: 0.4 is outside its own range; allowed: [0, 0.3]"),
        ("size=0.1,0.2,0.4", "size: 0.4 is outside its own range"),
        ("size=-0.2,0.2", "size: -0.2 is outside its own range"),
        ("size=interval(0,5)", "size: 5 is more than the target can change"),
        ("range=[0,0.05]", "size: 0.1 is outside its own range; allowed: [0, 0.05]"),
        ("range=[0,7]", "range: [0, 7] allows more than the target can change"),
    ],
)
@pytest.mark.parametrize("verb", [["sweep"], ["plan"], ["run", "-m"]])
def test_on_the_command_line_it_is_a_warning(tmp_path, capsys, said, words, verb):
    own = ["--config-dir", str(one(tmp_path, 0.1, 0, 0.3))] + [f"out={tmp_path / 'out'}"] * (verb != ["plan"])
    draws = ["draws=2"] * said.startswith("size=int")
    assert run_command([*verb, *SAID, f"shock.one.effects.e.{said}", "replicates=2", *draws, *own]) == 0
    (line,) = [line for said in capsys.readouterr() for line in said.splitlines() if line.startswith("note: ")]
    assert line.startswith(f"note: shock.one.effects.e.{words}")


def test_a_size_that_fits_says_nothing(tmp_path):
    folder = one(tmp_path, 0.1, 0, 0.3)
    for said in ("size=0.2", "size=0,0.3", "size=interval(0,0.3)", "range=[0,2]"):
        assert notes.lines(expand([*SAID, f"shock.one.effects.e.{said}", "draws=2"], folder)) == [], said


def test_a_whole_effect_on_the_command_line_is_the_commands(tmp_path):
    """Where the command sets the table that holds the size, it is the command that is told."""
    folder = one(tmp_path, 0.1, 0, 0.3)
    (line,) = notes.lines(expand([*SAID, "shock.one.effects.e={size: 5}"], folder))
    assert "5 is more than the target can change" in line


def test_a_scenario_may_not_pin_it_either(tmp_path):
    one(tmp_path, 0.1, 0, 0.3)
    (tmp_path / "scenario").mkdir()
    text = {"defaults": [{"/shock": ["one"]}], "scenario": {"name": "pinned", "label": "Pinned"}}
    text["shock"] = {"one": {"effects": {"e": {"size": 5}}}}
    (tmp_path / "scenario" / "pinned.yaml").write_text("# @package _global_\n" + json.dumps(text))
    with pytest.raises(SettingError, match="more than the target can change"):
        expand(["region=toy", "scenario=pinned"], tmp_path)


def test_a_number_outside_its_row_of_evidence_is_a_warning():
    """A plausible range says what is drawn; what a person sets beyond it runs, and is said."""
    (line,) = notes.lines(expand(["region=toy", "region.states.north.speed=3"]))
    assert line.startswith("note: region.states.north.speed: 3 is outside its plausible range; allowed: [0.2, 0.8]")
    assert len(notes.lines(expand(["region=toy", "region.states.north.speed=0.1,0.3,3"]))) == 2
    assert notes.lines(expand(["region=toy", "region.states.north.speed=0.3,0.4"])) == []
    assert notes.lines(expand(["region=toy", "sample=ranges", "draws=20"])) == []
    assert QUANTITIES["speed"].dims == (STATE,)
