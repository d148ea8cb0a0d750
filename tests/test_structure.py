"""The structure of imports: not too deep, without cycles, and the module map agrees with it."""

import ast
import re
import subprocess
import sys

import pytest
from conftest import ROOT

import sim
from experiments.structure import GUIDE, drawing, drawn, floors, imports_of, shape

LINES_MAX, ARGUMENTS_MAX = 45, 9
FLOORS_MAX = 14
"""Modules on the longest chain of imports."""


def test_the_house_is_no_deeper_than_it_may_be_and_has_no_circle():
    found = shape(ROOT)
    assert found.circle == ()
    assert 0 < found.floors <= FLOORS_MAX, sorted((rank, name) for name, rank in floors(imports_of(ROOT)).items())[-10:]


def body_lines(function):
    """The lines of a function without its docstring."""
    first = function.body[0]
    doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if doc else 0)


def test_no_function_is_longer_than_a_screen_or_takes_more_than_it_can_name():
    found = [
        (f"{path.relative_to(ROOT)}:{node.name}", body_lines(node), len([*node.args.args, *node.args.kwonlyargs]))
        for path in sorted((ROOT / "sim").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    assert len(found) > 900
    assert [name for name, lines, _ in found if lines > LINES_MAX] == []
    assert [name for name, _, arguments in found if arguments > ARGUMENTS_MAX] == []


@pytest.mark.slow
def test_the_drawing_of_the_guide_is_that_of_the_house():
    text = GUIDE.read_text("utf-8")
    assert text == drawn(text, drawing()), "python -m experiments.structure draws it"


def test_a_circle_and_imports_for_types_are_told_apart(tmp_path):
    house = tmp_path / "sim"
    house.mkdir()
    (house / "__init__.py").write_text('"""."""\n')
    (house / "one.py").write_text("from sim import two\n")
    (house / "two.py").write_text("def late():\n    from sim.one import x\n")
    assert shape(tmp_path).circle and shape(tmp_path).floors == 0
    (house / "two.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sim.one import x\n")
    assert shape(tmp_path).circle == () and shape(tmp_path).floors == 2


ROOT_OFFERS = """
import importlib, pkgutil, sim
for module in pkgutil.walk_packages(sim.__path__, "sim."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
variants = sim.expand(["region=toy", "dynamics.vigilance=0,1", "replicates=2", "end=2022-03", "record=decomposition"])
ds = sim.simulate(variants)
assert sim.compare(ds, ds)["alignment"].isel(time=-1).sel(statistic="mean").max() == 0
assert sim.explain(ds, ds["variant"].values[1], "north", "east").attrs
model = sim.RegionModel(variants[0].config)
model.step()
try:
    sim.open_results("nowhere")
except Exception as error:
    assert "is no results folder" in str(error)
assert set(sim._HOMES) <= set(dir(sim))
"""


@pytest.mark.slow
def test_the_root_offers_its_names_whatever_was_imported_before():
    subprocess.run([sys.executable, "-c", ROOT_OFFERS], check=True, cwd=ROOT)


def test_the_root_imports_nothing_until_it_is_asked():
    code = "import sys, sim; print([name for name in sys.modules if name.startswith('sim.') or name in ('numpy', 'mesa', 'hydra')])"
    found = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_the_stubs_offer_what_the_root_offers():
    stub = (ROOT / "sim" / "__init__.pyi").read_text("utf-8")
    named = {name: module for module, name in re.findall(r"^from (\S+) import (\w+) as \2$", stub, re.MULTILINE)}
    assert named == sim._HOMES


def test_another_name_is_refused_with_those_there_are():
    with pytest.raises(AttributeError, match="'sim' has no attribute 'run'; it offers RegionModel, compare"):
        sim.run  # noqa: B018
