"""Results of earlier versions open with their numbers, or are refused in one message with reason and remedy."""

import re
import shutil

import pytest
from conftest import ROOT

from experiments.reliability import upgrades
from sim.commands.cli import run_command
from sim.errors import SettingError
from sim.results import manifest


@pytest.mark.parametrize("place", upgrades.kept(), ids=lambda place: place.name)
def test_what_a_version_wrote_opens_or_is_explained(place):
    assert upgrades.opened(place) in ("", "explained")


@pytest.mark.parametrize("place", upgrades.kept(), ids=lambda place: place.name)
@pytest.mark.parametrize("verb", ["status", "compare", "explain", "verify"])
def test_every_verb_opens_or_explains_it(place, verb, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(place / upgrades.FOLDER, tmp_path / "old")
    more = {"verify": ["--hash"], "compare": ["out=new"]}.get(verb, [])
    code, said = run_command([verb, "old", *more]), capsys.readouterr()
    form = int((place / upgrades.WORDS).read_text("utf-8"))
    if code != 0 and form != manifest.FORMAT:
        assert code in (2, 4) and f"format {form}" in said.err and len(said.err.splitlines()) <= upgrades.LINES
    else:
        assert code == 0 or "decomposition" in said.err  # this folder has none to explain


def test_every_released_version_has_left_its_results():
    heads = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    released = [re.search(r"\d+\.\d+\.\d+", head)[0] for head in heads if "Unreleased" not in head]
    assert set(released) <= {place.name for place in upgrades.kept()}


@pytest.mark.slow
def test_a_fixture_that_opens_with_other_numbers_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(upgrades, "FIXTURES", tmp_path)
    place = upgrades.keep("now")
    assert upgrades.opened(place) == "" and upgrades.fixtures(tmp_path).wrong == 0
    (place / upgrades.LAST).write_text((place / upgrades.LAST).read_text().replace("0.", "0.1"))
    assert upgrades.opened(place) == "other numbers" and upgrades.fixtures(tmp_path).wrong == 1
    monkeypatch.setattr(upgrades.manifest, "FORMAT", 99)
    assert upgrades.opened(place) == "explained"


def test_a_job_of_another_format_names_the_command_of_all_its_jobs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_command(["run", "-m", "region=toy", "seed=1,2", "replicates=2", "end=2022-02", "out=all"]) == 0
    for path in (tmp_path / "all").glob("*/job.json"):
        path.write_text(path.read_text().replace(f'"format": {manifest.FORMAT}', '"format": 4'))
        with pytest.raises(SettingError, match=r"has format 4\n.*`sim run -m region=toy seed=1,2 replicates=2 end=2022-02`"):
            manifest.read_manifest(path.parent)
