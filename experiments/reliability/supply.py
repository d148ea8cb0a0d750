"""Search our code for constructs that could run code of others: row S8 of `docs/trust.md`."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from experiments.reliability.faults import ROOT, Finding

MOST = 8
"""The most direct dependencies that a run may have."""
UNPICKLING = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle"}
RUNNING = {"eval", "exec", "execfile", "__import__", "compile"}
SHELLS = {"system", "popen", "getoutput", "getstatusoutput", "instantiate"}
CODE = sorted([*(ROOT / "sim").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")])


def imports(text: str) -> Iterator[str]:
    """The top-level packages that a module imports."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def faults_of(text: str) -> list[str]:
    """The imports and calls of a module that could run code of others, as source text."""
    found = [f"import {name}" for name in imports(text) if name in UNPICKLING]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            said, words = ast.unparse(node), {word.arg: word.value for word in node.keywords}
            plain = isinstance(node.func, ast.Name)
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            loads = name in ("load", "load_all") and said.startswith("yaml.")
            bad = (plain and name in RUNNING) or name in SHELLS or "shell" in words
            bad |= loads and not ("Safe" in said or "Loader=_Loader" in said)
            bad |= said.startswith("np.load(") and "allow_pickle" not in words
            pickled = words.get("allow_pickle")
            bad |= pickled is not None and not (isinstance(pickled, ast.Constant) and pickled.value is False)
            found += [said] * bad
    return found


def dependencies() -> list[str]:
    """The dependencies of a run in pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]


def code(_here: Path) -> Finding:
    """Check every module of the package and of the experiments."""
    found = [f"{path.name}: {said}" for path in CODE for said in faults_of(path.read_text("utf-8"))]
    for one in found:
        print(one, flush=True)
    needs = len(dependencies())
    return Finding(f"{len(CODE)} modules, {len(found)} faults; {needs} direct dependencies", len(found) + (needs > MOST))


def bandit(_here: Path) -> Finding:
    """Check the package by ruff's rules of flake8-bandit."""
    command = [sys.executable, "-m", "ruff", "check", "--select", "S", "--ignore", "S101", "--output-format", "concise", "sim"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    count = 0 if found.returncode == 0 else len(found.stdout.splitlines())
    return Finding(f"flake8-bandit's rules over `sim`: {count} findings", count)
