"""What people type and read: labels, near-dates, names in other words, lists of defaults, and what each refusal says."""

import re

import pytest
import yaml
from conftest import ROOT
from hydra import version
from hydra.core.config_loader import ConfigLoader
from hydra.types import RunMode
from omegaconf import OmegaConf

from experiments.reliability import words
from sim.analysis import tables
from sim.analysis.compare import compare
from sim.commands.cli import run_command
from sim.compose.expand import expand
from sim.compose.folders import Folders, config_folder
from sim.compose.hydra_config import composition, loader_over
from sim.compose.overrides import CHOICES
from sim.config.countries import COUNTRIES
from sim.config.near_dates import near_date
from sim.config.strict_yaml import NODES_MAX, read_file
from sim.config.suggest import likely
from sim.engine.runs import simulate
from sim.errors import SettingError
from sim.figures import sheet
from sim.text import cut, say, shown, unseen

TOY = (ROOT / "configs" / "region" / "toy.yaml").read_text("utf-8")


def refused(*said, folder=None):
    with pytest.raises(SettingError) as error:
        expand(said, folder)
    return error.value


def written(folder, group, name, text):
    (folder / group).mkdir(parents=True, exist_ok=True)
    (folder / group / f"{name}.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


# One reader -----------------------------------------------------------------------------------------------------------------


SCENARIOS = sorted(file.stem for file in (config_folder() / "scenario").glob("*.yaml"))


@pytest.mark.parametrize(
    "picks",
    [
        ["region=toy"],
        ["dynamics=no_peer_influence"],
        ["scenario=no_deal"],
        ["scenario=outlook_west", "shock=[peace_deal,ukraine_war]"],
        ["scenario=history", "region=toy"],
        *(pytest.param([f"scenario={name}"], marks=pytest.mark.slow) for name in SCENARIOS),
        *(pytest.param([f"study={file.stem}"], marks=pytest.mark.slow) for file in (config_folder() / "study").glob("*.yaml")),
    ],
)
def test_files_are_laid_over_each_other_as_hydra_lays_them(picks):
    ours = composition(picks, Folders())
    ours.pop(CHOICES)
    version.setbase("1.3")
    loader = loader_over(Folders())
    assert isinstance(loader, ConfigLoader)
    theirs = OmegaConf.to_container(loader.load_configuration("config", picks, RunMode.RUN, from_shell=False), resolve=False)
    assert isinstance(theirs, dict)
    del theirs["hydra"]
    theirs["shock"] = theirs.get("shock") or {}
    assert ours == theirs
    assert list(ours["shock"]) == list(theirs["shock"])


@pytest.mark.parametrize("tab", [": {east:\t0.4, west: -0.1}", ":\t{east: 0.4, west: -0.1}", ": {east: 0.4,\twest: -0.1}"])
def test_a_tab_is_read_as_a_blank_or_refused_and_never_a_traceback(tmp_path, tab):
    folder = written(tmp_path, "region", "toy", TOY.replace(": {east: 0.4, west: -0.1}", tab))
    try:
        assert expand(["region=toy"], folder)[0].config.region.states["north"].alignment == {"east": 0.4, "west": -0.1}
    except SettingError as error:
        assert "toy.yaml" in str(error) and "line 14" in str(error)


def test_a_file_that_changes_within_a_tick_of_the_clock_is_read_anew(tmp_path):
    import os

    file = written(tmp_path, "scenario", "own", "a: 1\n") / "scenario" / "own.yaml"
    stamp = file.stat().st_mtime_ns
    assert read_file(file) == {"a": 1}
    file.write_text("a: 2\n")
    os.utime(file, ns=(stamp, stamp))
    assert read_file(file) == {"a": 2}


@pytest.mark.parametrize("entry", words.ENTRIES)
def test_a_list_of_defaults_that_cannot_be_followed_names_its_file(tmp_path, entry):
    text = f"# @package _global_\ndefaults: {entry}\nscenario: {{name: own, label: Own}}\n"
    folder = written(tmp_path, "scenario", "own", text)
    one = words.outcome(["scenario=own"], folder)
    assert one.verdict in ("accepted", "refused"), one
    if one.verdict == "refused":
        assert words.named(one.said, folder.resolve() / "scenario" / "own.yaml"), one.said


@pytest.mark.parametrize(
    ("group", "text", "said"),
    [
        ("scenario", "defautls: [{/shock: []}]\nscenario: {name: own, label: Own}", "did you mean defaults?"),
        ("study", "study: {name: own, question: x, axes: {dynamics.vigilanse: '0,1'}}", "did you mean dynamics.vigilance?"),
        ("study", "study: {name: own, question: x, axes: {dynamics.vigilance: '0,'}}", "cannot be read"),
        ("study", "study: {name: own, question: x, axes: {scenario: 'baseline,pece_deal'}}", "did you mean peace_deal?"),
        (
            "scenario",
            "scenario: {name: own, label: Own}\nshock: {peace_deal: {probability: 2}}\ndefaults: [{/shock: [peace_deal]}]",
            "[0, 1]",
        ),
    ],
)
def test_a_refusal_names_the_file_that_said_so(tmp_path, group, text, said):
    error = refused(f"{group}=own", folder=written(tmp_path, group, "own", f"# @package _global_\n{text}\n"))
    assert f"{group}/own.yaml: " in str(error).splitlines()[0] and said in str(error)


def test_of_two_files_that_set_a_key_the_later_one_is_named(tmp_path):
    text = "defaults: [reference]\nname: own\nevidence: {peer_influence: {low: .5, high: {}, unit: weight, source: ours}}\n"
    assert "dynamics/own.yaml" in str(refused("dynamics=own", folder=written(tmp_path, "dynamics", "own", text)))


@pytest.mark.parametrize(
    ("group", "before", "after", "said"),
    [
        ("region", '"states.*.speed":', '"states.*.sped":', "did you mean region.evidence.states.*.speed?"),
        ("region", '"blocs.*.priority.*":', '"blocs.*.priority.nrth":', "matches no number"),
        ("region", "name: toy", "name: a|b", "is not a valid name"),
        ("shock", "{state: armenia,", "{state: [],", "names nobody"),
        ("shock", "    tie:\n", "    t@ie:\n", "is not a valid name"),
        ("scenario", "name: peace_deal", 'name: ""', "is not a valid name"),
    ],
)
def test_what_would_be_passed_over_is_refused(tmp_path, group, before, after, said):
    name = "toy" if group == "region" else "peace_deal"
    pick = "shock=[peace_deal]" if group == "shock" else f"{group}={name}"
    text = (config_folder() / group / f"{name}.yaml").read_text("utf-8")
    assert before in text
    folder = written(tmp_path, group, name, text.replace(before, after, 1))
    error = str(refused(pick, folder=folder))
    assert said in error and f"{group}/{name}.yaml: " in error


@pytest.mark.parametrize("label", ["null and void", "true north", "falsehood", "nullable", "1 of 2", "1e3 worlds"])
def test_a_text_that_begins_as_a_number_or_a_switch_is_text(tmp_path, label):
    folder = written(tmp_path, "region", "toy", TOY.replace("label: North", f"label: {label}"))
    assert expand(["region=toy"], folder)[0].config.region.states["north"].label == label


def test_a_scenario_that_says_nothing_of_itself_names_its_file(tmp_path):
    error = refused("scenario=own", folder=written(tmp_path, "scenario", "own", "# @package _global_\ndefaults: [{/shock: []}]\n"))
    assert "scenario/own.yaml: scenario: is missing" in str(error)


# Labels ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [*words.HIDDEN, *words.MARKS])
def test_what_is_not_seen_is_written_out(hidden, capsys):
    assert unseen(f"a{hidden}b") and not unseen(shown(f"a{hidden}b"))
    assert not unseen(
        str(SettingError(f"k{hidden}", f"w{hidden}", f"a{hidden}", f"m{hidden}", f"p{hidden}")).replace("\n  allowed", "")
    )
    assert not unseen(tables.cell(f"a{hidden}b"))
    say(f"a{hidden}b")
    assert not unseen(capsys.readouterr().out.removesuffix("\n"))


@pytest.mark.parametrize("text", ["=1", "+a", "-a", "@a", " =1", "\t=1", "\uff1d1", "\u22121"])
def test_no_spreadsheet_reads_a_cell_as_a_formula(text):
    assert tables.cell(text).lstrip()[0] not in "=+-@\uff1d\u2212"


@pytest.mark.parametrize("number", ["-0.5", "+1e-05", "-1", 0.25, -3.0])
def test_numbers_stay_numbers(number):
    assert float(tables.cell(number)) == float(number)


def test_long_labels_are_cut_on_the_screen_and_in_figures(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = written(tmp_path / "mine", "region", "toy", TOY.replace("label: Toy region", f"label: {'x' * 3000}"))
    assert run_command(["plan", "region=toy", "end=2022-03", "--config-dir", str(folder)]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) < 300
    assert cut("x" * 3000, 20) == "x" * 19 + "…" and len(sheet.fit("x" * 3000)) == 36
    assert max(map(len, sheet.initials(["x" * 3000, "x" * 3001]))) <= 12


# What was meant -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *(("2032", "2032-01"), ("2032-1", "2032-01"), ("2032/01", "2032-01"), ("01-2032", "2032-01"), ("2032-13", "2032-12")),
        *(("Jan 2032", "2032-01"), ("2032 January", "2032-01"), ("8 Aug 2025", "2025-08-08"), ("2025-02-30", "2025-02-28")),
        *(("20250808", "2025-08-08"), ("2025-08-08T00:00", "2025-08-08"), ("08.08.2025", "2025-08-08"), ("3/4/2025", "")),
        *(("2032\u201301", "2032-01"), ("soon", ""), ("", ""), ("0000", ""), ("99-2032", "2032-12")),
    ],
)
def test_a_near_date_is_told(typed, meant):
    assert near_date(typed) == meant


@pytest.mark.parametrize(
    "said", ["end=2032", "end=2032-1", "end=2032/01", "end=01-2032", "end='Jan 2032'", "start=2022", "region.as_of=2021"]
)
def test_a_date_in_an_override_gets_the_date_that_was_meant(said):
    assert re.fullmatch(r"20[0-9]{2}-01", refused("region=toy", said).meant)


@pytest.mark.parametrize("typed", ["Armenia", "ARMENIA", "ARM", "armenai", "arm\u0435nia"])
@pytest.mark.parametrize("said", ["region.states.{}.speed=0.3", "outcome=alignment.{}.russia"])
def test_a_state_by_another_word_is_told_by_its_name(typed, said):
    if typed.isascii():
        assert refused(said.format(typed)).meant.rpartition(".")[2] == "armenia"
    assert likely(typed, {"armenia": "Armenia", "azerbaijan": "Azerbaijan"}) == "armenia"


BLOCS = {"nato": "NATO (United States and allies)", "eu": "EU", "russia": "Russia", "turkey": "Turkey", "china": "China"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("RUS", "russia"),
        ("TUR", "turkey"),
        ("CHN", "china"),
        ("USA", "nato"),
        ("EU", "eu"),
        ("European Union", "eu"),
        ("NATO", "nato"),
    ],
)
def test_a_bloc_by_another_word_is_told_by_its_name(typed, meant):
    assert likely(typed, BLOCS) == meant


def test_the_codes_of_countries_are_all_there():
    assert len(COUNTRIES) == 249 and all(re.fullmatch("[A-Z]{3}", code) for code in COUNTRIES)
    assert len(set(COUNTRIES.values())) == 249


def test_a_letter_of_another_alphabet_is_told(tmp_path):
    text = TOY.replace("capability: 0.4", "c\N{CYRILLIC SMALL LETTER A}pability: 0.4")
    said = str(refused("region=toy", folder=written(tmp_path, "region", "toy", text)))
    assert "did you mean capability (\N{CYRILLIC SMALL LETTER A} is U+0430 CYRILLIC SMALL LETTER A)?" in said


def test_letters_beyond_ascii_are_to_be_quoted():
    label = "\u0540\u0561\u0575\u0561\u057d\u057f\u0561\u0576"
    error = refused("region=toy", f"region.states.north.label={label}")
    assert error.meant == f"'region.states.north.label=\"{label}\"'" and "in quotes" in error.allowed
    assert expand(["region=toy", f'region.states.north.label="{label}"'])[0].config.region.states["north"].label == label


@pytest.mark.parametrize("other", ["own.csv", "own.json", "own.txt", "own.yaml.bak"])
def test_a_file_of_another_kind_is_named_where_it_is_asked_for(tmp_path, other):
    folder = written(tmp_path, "shock", "x", "x: 1\n")
    (folder / "shock" / other).write_text("own: 1\n")
    (folder / "shock" / "x.yaml").unlink()
    assert f"{other} is not read, only .yaml is" in refused("shock=[own]", folder=folder).wrong


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["run", "headline"], "did you mean study=headline?"),
        (["run", "region:toy"], "did you mean region=toy?"),
        (["runn", "region=toy"], "did you mean run?"),
        (["run", "region=toy", "--config-dir", "mine/shock"], "did you mean "),
        (["run", "region=toy", "--config-dir", "mien"], "did you mean mine?"),
    ],
)
def test_a_command_that_is_nearly_right_is_told_the_right_one(tmp_path, monkeypatch, capsys, argv, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "shock").mkdir(parents=True)
    assert run_command(argv) == 2
    assert said in capsys.readouterr().err


def test_runs_that_have_nothing_in_common_are_refused_with_all_that_differs():
    one, other = simulate(expand(["region=toy", "replicates=2", "end=2022-03"])), simulate(expand(["replicates=2", "end=2022-03"]))
    with pytest.raises(SettingError) as error:
        compare(one, other, ["a", "b"])
    assert all(
        word in error.value.wrong
        for word in ("states", "north", "armenia", "blocs", "east", "russia", "Toy region", "South Caucasus")
    )


# Bombs ----------------------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_into_a_config_file_is_refused_by_its_size(tmp_path):
    folder = written(tmp_path, "region", "toy", "\n".join(f"k{at}: 1" for at in range(NODES_MAX)))
    assert "names and values" in str(refused("region=toy", folder=folder))


@pytest.mark.parametrize(
    "said", ["dynamics.vigilance=choice(0,1),2", "dynamics.vigilance=interval(0,1),2", "dynamics.vigilance=" + "9" * 5000]
)
def test_an_override_that_hydra_reads_halfway_is_refused(said):
    assert said[:30] in str(refused("region=toy", said))


def test_every_shipped_file_is_plain_yaml():
    for file in config_folder().rglob("*.yaml"):
        assert set(yaml.safe_load(file.read_text("utf-8"))) == set(read_file(file)), file
