"""The package as a wheel installs it, away from the checkout: the configs are inside it."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent


PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))


def test_the_source_distribution_holds_what_its_tests_read():
    """All files of the checkout that are not ignored; pyproject.toml is always included."""
    ignored = {line.strip("/\n") for line in (CHECKOUT / ".gitignore").read_text("utf-8").splitlines()}
    there = {path.name for path in CHECKOUT.iterdir() if not path.name.startswith(".")} | {".ci"}
    there = {name for name in there if name not in ignored and not name.endswith(".egg-info")} - {"pyproject.toml", "PKG-INFO"}
    assert there <= set(PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])


def test_the_oldest_versions_are_those_that_the_project_allows():
    said = [line for line in (CHECKOUT / "constraints-lowest.txt").read_text("utf-8").splitlines() if "==" in line]
    allowed = [need.split(",")[0].replace(">=", "==") for need in PROJECT["project"]["dependencies"]]
    assert said == allowed


@pytest.mark.slow
def test_the_commands_work_where_there_is_no_checkout(tmp_path):
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    installed = tmp_path / "installed"
    for package in wheel["packages"]:
        shutil.copytree(CHECKOUT / package, installed / package, ignore=shutil.ignore_patterns("__pycache__"))
    for here, there in wheel["force-include"].items():
        shutil.copytree(CHECKOUT / here, installed / there)
    (tmp_path / "work").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    def sim(*argv):
        command = [sys.executable, "-W", "error", "-m", "sim", *argv]
        found = subprocess.run(command, cwd=tmp_path / "work", env=environment, capture_output=True, text=True)
        assert found.returncode == 0, found.stderr
        return found.stdout

    where = subprocess.run(
        [sys.executable, "-c", "import sim.compose.folders as f; print(f.config_folder())"],
        cwd=tmp_path / "work",
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.strip() == str(installed / "sim" / "_configs")
    assert "results: outputs/one" in sim(
        "sweep", "region=toy", "dynamics.vigilance=0,1", "replicates=4", "end=2023-01", "out=outputs/one"
    )
    assert "figures and tables" in sim("compare", "outputs/one")
