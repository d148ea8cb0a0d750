"""The dependencies of the project are listed and justified, and none of its code could run code of others."""

import re
import sys
import tomllib

import pytest
import yaml
from conftest import ROOT

from experiments.reliability import supply
from sim.config import strict_yaml

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
IMPORTED = {"hydra": "hydra-core", "yaml": "pyyaml", "omegaconf": "hydra-core", "pandas": "xarray"}
"""Packages by their import names; some are installed with one that is declared."""


def declared(needs):
    return [re.match(r"[\w-]+", need)[0] for need in needs]


def test_each_dependency_is_justified_in_the_order_of_the_project():
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert [cells[0].strip("`") for cells in rows] == declared(PROJECT["dependencies"])
    assert all(len(cells) == 3 and cells[1] for cells in rows)
    assert len(rows) <= supply.MOST


def test_what_a_run_imports_is_declared():
    known = {*declared(PROJECT["dependencies"]), *sys.stdlib_module_names, "sim", *PROJECT["optional-dependencies"]}
    known |= set(declared(PROJECT["optional-dependencies"]["dask"]))
    package = [path.read_text("utf-8") for path in supply.CODE if ROOT / "sim" in path.parents]
    found = {IMPORTED.get(name, name) for text in package for name in supply.imports(text)}
    assert found - known == set()
    unused = set(declared(PROJECT["dependencies"])) - found
    assert unused == {"networkx"}, "a dependency that nothing imports, save the one that Mesa does not declare"


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "eval(words)",
        "exec(words)",
        "__import__(name)",
        "os.system(words)",
        "subprocess.run(words, shell=True)",
        "hydra.utils.instantiate(config)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.load_all(text)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.save(path, array, allow_pickle=said)",
    ],
)
def test_what_would_let_code_in_is_seen(text):
    assert supply.faults_of(text)


def test_what_is_safe_is_none():
    safe = "yaml.safe_load(text)\nyaml.load(text, Loader=yaml.SafeLoader)\nre.compile(x)\nnp.load(path, allow_pickle=False)"
    assert supply.faults_of(safe) == []


def test_the_loader_of_files_is_a_safe_one():
    assert issubclass(strict_yaml._Loader, (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
