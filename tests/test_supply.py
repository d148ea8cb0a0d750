"""What the project depends on is listed and justified, and none of its code does what would let others' code in."""

import ast
import re
import sys
import tomllib

import pytest
from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MOST = 8
"""Direct dependencies of a run."""
IMPORTED = {"hydra": "hydra-core", "yaml": "pyyaml", "omegaconf": "hydra-core", "pandas": "xarray"}
"""Packages by the name under which code imports them; some come with one that is declared."""
CODE = sorted([*(ROOT / "sim").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")])
UNPICKLING = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle"}
RUNNING = {"eval", "exec", "execfile", "__import__", "compile"}
SHELLS = {"system", "popen", "getoutput", "getstatusoutput", "instantiate"}


def declared(needs):
    return [re.match(r"[\w-]+", need)[0] for need in needs]


def calls(path):
    """The calls of a file: how each is named, its keywords, and the line that it stands in."""
    text = path.read_text("utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            plain = isinstance(node.func, ast.Name)
            yield name, plain, {word.arg: word.value for word in node.keywords}, ast.get_source_segment(text, node) or ""


def imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def test_each_dependency_is_justified_in_the_order_of_the_project():
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert [cells[0].strip("`") for cells in rows] == declared(PROJECT["dependencies"])
    assert all(len(cells) == 3 and cells[1] for cells in rows)
    assert len(rows) <= MOST


def test_what_a_run_imports_is_declared():
    known = {*declared(PROJECT["dependencies"]), *sys.stdlib_module_names, "sim", *PROJECT["optional-dependencies"]}
    known |= set(declared(PROJECT["optional-dependencies"]["dask"]))
    found = {IMPORTED.get(name, name) for path in CODE if path.parent.name == "sim" for name in imports(path)}
    assert found - known == set()
    unused = set(declared(PROJECT["dependencies"])) - found
    assert unused == {"networkx"}, "a dependency that nothing imports, save the one that Mesa does not declare"


@pytest.mark.parametrize("path", CODE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_code_lets_code_in(path):
    assert set(imports(path)) & UNPICKLING == set()
    for name, plain, words, said in calls(path):
        assert not (plain and name in RUNNING), said
        assert name not in SHELLS, said
        assert "shell" not in words, said
        assert not (name == "load" and said.startswith("yaml.")) or "Safe" in said or "_Loader" in said, said
        if said.startswith("np.load("):
            assert "allow_pickle" in words, said
        if "allow_pickle" in words:
            assert isinstance(words["allow_pickle"], ast.Constant) and words["allow_pickle"].value is False, said


def test_the_loader_of_files_is_a_safe_one():
    import yaml

    from sim import strict

    assert issubclass(strict._Loader, yaml.SafeLoader | getattr(yaml, "CSafeLoader", yaml.SafeLoader))
