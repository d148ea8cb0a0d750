"""The floor of speed: operations are counted as they are done, and counting changes no number."""

import numpy as np
import pytest

from experiments.bench import ceilings, engine, storage
from experiments.bench.engine import workload
from sim.science import rules


def test_operations_are_counted_by_kind():
    draw = np.random.default_rng(1)
    exclusivity, alignment, rivalry = draw.random((2, 1)), draw.random((2, 3)), draw.random((3, 3))
    expected = rules.side_cost(exclusivity, alignment, rivalry)
    ceilings.COUNT.clear()
    with ceilings.counting():
        found = rules.side_cost(*(array.view(ceilings.Counted) for array in (exclusivity, alignment, rivalry)))
    assert np.array_equal(found, expected)
    negated, multiplied, summed = 2, 2 * 3, 2 * 3 * 2 * 3
    assert dict(ceilings.COUNT) == {"arithmetic": negated + multiplied, "products": summed, "passes": 2}


def test_a_step_is_counted_whole():
    """One tanh for each alignment, two powers (protection, markets), and noise shared by all variants."""
    counted, _ = ceilings.operations(workload(3, 2, 1, variants=2, end="2022-09"), 4)
    assert (counted["tanh"], counted["power"], counted["normals"]) == (6, 12, 3)


@pytest.mark.slow
def test_what_is_measured_in_processes_of_its_own_still_runs(monkeypatch):
    monkeypatch.setattr(engine, "WORLDS", (1_000, 10_000, 100_000))
    (row,) = engine.over_worlds(quick=True)
    assert row["worlds"] == 1_000 and row["microseconds"] > 0 and row["peak"] > 50
    assert 0 < storage.start_seconds(["region=toy", "end=2022-03"]) < 60
    assert storage.first_simulation() > 0
