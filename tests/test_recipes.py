"""The recipes of CONTRIBUTING for code, applied from its text to a copy of the tree: they are short, complete and work."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

COPIED = [
    "sim",
    "configs",
    "tests",
    "experiments",
    "docs",
    "notebooks",
    "pyproject.toml",
    "Makefile",
    "CITATION.cff",
    "LICENSE",
    ".ci",
    ".github",
]
COPIED += [path.name for path in ROOT.glob("*.md")]
FOUND = re.compile(r"^( *)```diff\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def pieces(title):
    """The changes of a recipe: for each piece the file, the lines before, and the lines after."""
    chapter = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    for indent, block in FOUND.findall(chapter):
        text = "\n".join(line.removeprefix(indent) for line in block.splitlines())
        for piece in text.removeprefix("--- ").split("\n--- "):
            name, *lines = piece.splitlines()
            kept = [line[1:] for line in lines if not line.startswith("+")]
            made = [line[1:] for line in lines if not line.startswith("-")]
            yield name, "".join(f"{line}\n" for line in kept), "".join(f"{line}\n" for line in made)


@pytest.fixture
def copy(tmp_path, request):
    """A copy of the tree with a recipe applied."""
    place = tmp_path / "copy"
    place.mkdir()
    for name in COPIED:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place / name)
    for name, kept, made in pieces(request.param):
        path = place / name
        text = path.read_text("utf-8") if kept else ""
        if kept:
            assert text.count(kept) == 1, f"{name} has these lines {text.count(kept)} times:\n{kept}"
        else:
            assert not path.exists()
        path.write_text(text.replace(kept, made) if kept else made, "utf-8")
    return place


def typed(place, *words):
    """The output of a command in the copy."""
    environment = {**os.environ, "PYTHONPATH": str(place)}
    found = subprocess.run([sys.executable, "-m", *words], cwd=place, env=environment, capture_output=True, text=True, timeout=900)
    assert found.returncode == 0, f"{' '.join(words)}\n{found.stdout[-4000:]}\n{found.stderr[-4000:]}"
    return found.stdout


QUIET = ["-q", "-x", "-p", "no:cacheprovider", "-m", "not slow"]
SWEEP = ["sweep", "region=toy", "replicates=3", "end=2023-01", "out=out"]


@pytest.mark.slow
@pytest.mark.parametrize("copy", ["Add a mechanism"], indirect=True)
def test_the_recipe_for_a_mechanism(copy):
    science = [f"science/test_{name}" for name in ("rules", "limits", "loops", "mechanisms", "submission")]
    touched = [*science, "abm/test_implementations", *(f"test_{name}" for name in ("docs", "configs", "knobs", "plain_agents"))]
    typed(copy, "pytest", *QUIET, *(f"tests/{name}.py" for name in touched))
    typed(copy, "pytest", "-q", "-p", "no:cacheprovider", "tests/science/test_rules.py", "-k", "weight_of_zero and submission")
    typed(copy, "sim", *SWEEP, "record=decomposition", "region.states.north.submission=0.5", "dynamics.submission=0,1")
    variant = "variant=baseline, submission=1"
    assert "Submission" in typed(copy, "sim", "explain", "out", "north", "east", variant)
    assert (copy / "out" / "summary.csv").is_file()
    typed(copy, "sim", "explain", "out", variant)


@pytest.mark.slow
@pytest.mark.parametrize("copy", ["Add a measure"], indirect=True)
def test_the_recipe_for_a_measure(copy):
    typed(
        copy,
        "pytest",
        *QUIET,
        "--doctest-modules",
        "sim/science/measures.py",
        "tests/test_docs.py",
        "tests/science/test_measures.py",
    )
    typed(copy, "sim", *SWEEP, "dynamics.vigilance=0.5,1")
    assert ",division,alignment," in (copy / "out" / "summary.csv").read_text("utf-8")
    typed(copy, "sim", "compare", "out", "out=apart")
    assert ",division,alignment," in (copy / "apart" / "effects.csv").read_text("utf-8")
    rows = typed(copy, "timeit", "-n1", "-r1", "-s", "from sim.figures.measures import ROWS", "print([row.title for row in ROWS])")
    assert "'Division'" in rows
    typed(copy, "sim", *[word for word in SWEEP if word != "out=out"], "record=summaries", "out=folded")
    assert ",division,alignment," in (copy / "folded" / "summary.csv").read_text("utf-8")
