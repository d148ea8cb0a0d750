"""Labels that a reader could not tell apart: refused between actors and within a variant, told apart by name elsewhere."""

import copy
import json

import pytest
import yaml
from conftest import ROOT, connected, effect, shock_folder, write_region
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.analysis.explain import explain, narrative
from sim.commands.cli import run_command
from sim.compose.expand import expand
from sim.config import labels
from sim.engine.runs import simulate
from sim.errors import SettingError
from sim.figures import captions
from sim.figures.run import plot_explanation
from sim.figures.sheet import brief, fit
from sim.results import dataset
from sim.results.derived import measured
from sim.results.labels import variant_labels

ALIKE = ["East", " East ", "EAST", "east", "East (of the river)", "\uff25ast", "East\u00a0(x)"]
TOY = yaml.safe_load((ROOT / "configs" / "region" / "toy.yaml").read_text("utf-8"))


def region(folder, **said):
    """The toy region with other labels, by its keys of states and blocs."""
    tables = copy.deepcopy(TOY) | {"name": "named"}
    for name, label in said.items():
        tables["states" if name in tables["states"] else "blocs"][name]["label"] = label
    write_region(folder, tables)
    return expand(["region=named"], folder)


@pytest.mark.parametrize("label", ALIKE)
@pytest.mark.parametrize(("one", "other"), [("east", "west"), ("north", "south"), ("north", "east")])
def test_two_actors_of_one_reading_are_refused_with_both_keys(tmp_path, label, one, other):
    with pytest.raises(SettingError) as caught:
        region(tmp_path, **{"east": "Far", one: "East", other: label})
    said = str(caught.value)
    assert all(any(f"region.{group}.{name}.label" in said for group in ("states", "blocs")) for name in (one, other))
    assert str(tmp_path) in said


def test_so_are_two_that_differ_only_beyond_what_figures_show(tmp_path):
    long = "The League of Free Cities on the Shores of the "
    with pytest.raises(SettingError, match="reads like"):
        region(tmp_path, east=long + "East", west=long + "West")
    assert len(fit(long + "East")) == labels.READ


def test_labels_that_a_reader_can_tell_apart_are_taken(tmp_path):
    assert region(tmp_path, east="Eastern League", west="Eastern Union", north="East", south="Easts")


def test_a_state_and_the_bloc_that_it_is_may_share_a_label(tmp_path):
    """As Turkey does, which is courted and courts; no third actor may have it."""
    tables = connected()
    tables["states"]["harbour"]["label"] = tables["blocs"]["league"]["label"] = "Harbour"
    assert expand(["region=connected"], write_region(tmp_path, tables))
    for group, name in (("states", "north"), ("blocs", "west")):
        third = copy.deepcopy(tables)
        third[group][name]["label"] = "Harbour"
        with pytest.raises(SettingError, match=rf"region.{group}.{name}.label"):
            expand(["region=connected"], write_region(tmp_path, third))
    assert expand(["region=black_sea"])


def test_a_label_given_on_the_command_line_is_checked_too():
    with pytest.raises(SettingError) as caught:
        expand(["region=toy", "region.blocs.east.label=west"])
    assert "region.blocs.east.label" in str(caught.value)


def shocks(folder, **said):
    for name, label in said.items():
        term = effect("disposition", "impulse", {"state": "north", "bloc": "east"}, 0.1, date="2022-06-01")
        shock_folder(folder, name, {"e": term}, label=label)
    return folder


@pytest.mark.parametrize("label", ["Deal", "deal ", "DEAL"])
def test_two_shocks_of_one_label_in_one_variant_are_refused(tmp_path, label):
    with pytest.raises(SettingError) as caught:
        expand(["region=toy", "shock=[one,two]"], shocks(tmp_path, one="Deal", two=label))
    assert caught.value.key == "shock.two.label"
    assert "shock.one.label" in str(caught.value)


def test_shocks_show_what_stands_in_brackets(tmp_path):
    assert expand(["region=toy", "shock=[one,two]"], shocks(tmp_path, one="War (2008)", two="War (2020)"))


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """Two variants with a shock each, of one label and date."""
    folder = shocks(tmp_path_factory.mktemp("twins"), one="Deal", two="deal")
    return simulate(expand(["region=toy", "shock=[],[one],[two]", "replicates=3", "end=2023-01", "record=decomposition"], folder))


def test_shocks_of_one_label_in_two_variants_are_told_apart_by_name(twins):
    names = [str(name) for name in twins["variant"].values]
    assert [mark.label for mark in captions.marks([twins], names)] == ["Deal [one]", "deal [two]"]
    assert [mark.label for mark in captions.marks([twins], ["two"])] == ["deal [two]"]
    explained = explain(twins, "two", "north", "east")
    pieces = [str(word) for word in explained["contribution_label"].values]
    assert {"Shock: Deal [one]", "Shock: deal [two]"} <= set(pieces)
    assert any("deal [two] begins" in line for line in narrative(twins, "two"))
    drawn = {text.get_text() for ax in plot_explanation(explained).axes for text in ax.texts}
    assert "Shock: deal [two]" in drawn


def test_scenarios_of_one_label_are_called_by_their_names(twins):
    assert variant_labels(twins) == [str(name) for name in twins["variant"].values]
    assert explain(twins, "two", "north", "east").attrs["variant_label"] == "two"
    page = captions.pages(dataset.differences(measured(twins), ("alignment",)))[0][0]
    assert page.columns == ["one", "two"]


@pytest.mark.slow
def test_the_command_draws_them(tmp_path):
    folder = shocks(tmp_path, one="Deal", two="deal")
    out = tmp_path / "out"
    said = ["region=toy", "shock=[],[one],[two]", "replicates=2", "end=2022-09", "--config-dir", str(folder), f"out={out}"]
    assert run_command(["sweep", *said]) == 0
    assert json.loads((out / "manifest.json").read_text())


LETTERS = st.text("aAbB ()é", min_size=1, max_size=40)


@given(st.lists(LETTERS, min_size=1, max_size=8), st.integers(6, 20))
@settings(max_examples=300, deadline=None)
def test_names_that_fit_are_as_many_as_there_were(words, letters):
    """Cut names are short enough, and two words are never one name."""
    words = [" ".join(word.split()) or "x" for word in words]
    found = brief(words, letters)
    assert all(len(name) <= letters for name in found)
    assert len(set(found)) >= len(set(words))


@given(LETTERS, LETTERS)
def test_what_reads_alike_is_an_equivalence_of_case_and_space(one, other):
    assert labels.reading(one.upper() + "  ") == labels.reading(" " + one.lower())
    plain = [" ".join(word.split()).casefold() for word in (one, other)]
    assert (labels.reading(one) == labels.reading(other)) == (plain[0] == plain[1])
