"""The headline study's numbers do not change; a change of them needs `pytest --update-baselines` and a line in CHANGELOG."""

import json
from pathlib import Path

import pytest

from sim.compose.expand import expand
from sim.engine.runs import simulate
from sim.results.dataset import differences, summarise

STORED = Path(__file__).parent / "baselines"
VARIABLES = ("alignment", "tie", "dependence", "threat", "effort", "traffic", "strain_war")
EVERY = 24
"""Periods between the instants that are compared."""
TOLERANCE = 1e-9
"""Between versions of NumPy; a real change is far larger."""


def numbers(study):
    ds = simulate(expand([f"study={study}"]))
    found = {}
    for kind, folded in (("mean", summarise(ds)), ("effect", differences(ds))):
        for name in VARIABLES:
            values = folded[name].sel(statistic="mean")
            values = values.isel({values.dims[1]: slice(EVERY - 1, None, EVERY)})
            for variant in values["variant"].values:
                found[f"{kind} of {name} in {variant}"] = values.sel(variant=variant).values.round(12).tolist()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("study", ["headline"])
def test_numbers_have_not_moved(study, request):
    path = STORED / f"{study}.json"
    found = numbers(study)
    if request.config.getoption("--update-baselines"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(found, separators=(",", ":")).replace('],"', '],\n"') + "\n")
    stored = json.loads(path.read_text())
    assert set(found) == set(stored)
    moved = [name for name, values in found.items() if not close(values, stored[name])]
    assert not moved, f"{len(moved)} moved, first {moved[0]}: say why, then pytest --update-baselines"


def close(one, other):
    if isinstance(one, list):
        return len(one) == len(other) and all(close(a, b) for a, b in zip(one, other, strict=True))
    return abs(one - other) <= TOLERANCE
