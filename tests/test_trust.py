"""The promises of docs/trust.md, each tested a few times; `python -m experiments.reliability.trust --deep` tests them often."""

import json
import re

import pytest
from conftest import ROOT
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from experiments.reliability import trust
from sim.engine import workers
from sim.engine.workers import Failure, divided, is_divisible
from sim.errors import FailedError
from sim.results.chunking import Task

pytestmark = pytest.mark.slow

bits, faults = trust.bits, trust.faults

SECONDS = {"R6", "R8", "R9", "R10", "R11", "R13"}
"""Rows whose fast part takes more than about two seconds."""
FAST = [name for name, row in trust.ROWS.items() if row.fast]


@pytest.mark.parametrize("row", [pytest.param(row, marks=[pytest.mark.slow] if row in SECONDS else []) for row in FAST])
def test_a_promise_is_kept(row):
    found = trust.attempt(row, deep=False)
    assert found and not any(one.wrong for one in found), found


def test_a_row_without_a_fast_part_is_held_by_tests_that_are_named():
    for name in trust.ROWS.keys() - set(FAST):
        assert trust.TESTS not in trust.ROWS[name].tests and re.search(r"`(\w+/)?test_", trust.ROWS[name].tests), name


SIZES = st.integers(0, 4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    SIZES, SIZES, SIZES, SIZES, st.none() | st.floats(allow_nan=False), st.sampled_from(bits.LIMITS["shock"]), st.integers(0, 99)
)
@example(1, 1, 1, 1, None, None, 0)
@example(2, 2, 3, 2, 0.9999999999999999, "within", 1)
@example(2, 2, 3, 2, None, "after the end", 1)
@example(0, 2, 3, 2, None, None, 1)
@example(2, 0, 3, 2, None, None, 1)
def test_sizes_and_scores_at_their_ends_run_inside_the_ranges_or_are_refused(
    states, blocs, periods, replicates, alignment, shock, seed
):
    assert bits.limit_case(states, blocs, periods, replicates, alignment, shock, seed) in (bits.RAN, bits.REFUSED)


# Chunks that fail --------------------------------------------------------------------------------------------------------------


def of(variants, bad=(), tried=True):
    return Failure(Task(variants, (0, 9)), FailedError("tie", "is not finite", ""), bad, tried)


@pytest.mark.parametrize(
    ("failure", "todo", "known"),
    [
        (of((2, 9)), [(2, 5), (5, 9)], []),
        (of((2, 9), (4,)), [(2, 4), (5, 9)], [(4, 5)]),
        (of((2, 9), (2, 3, 8)), [(4, 8)], [(2, 3), (3, 4), (8, 9)]),
    ],
)
def test_a_chunk_that_failed_is_cut_round_the_variants_at_fault(failure, todo, known):
    assert is_divisible(failure)
    again, left = divided(failure)
    assert [task.variants for task in again] == todo and {task.replicates for task in again} == {(0, 9)}
    assert [one.task.variants for one in left] == known
    assert all(one.bad == (one.task.variants[0],) and not is_divisible(one) for one in left)


def test_what_cannot_be_cut_further_or_was_not_tried_is_left():
    assert not is_divisible(of((2, 3))) and not is_divisible(of((2, 4), (2, 3))) and not is_divisible(of((2, 9), tried=False))


def test_an_exception_is_told_with_its_place(monkeypatch):
    def broken(job, task):
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(workers, "run_task", broken)
    plan = bits.Plan(bits.expand(["region=toy", "replicates=2", "end=2022-02"]))
    [failure] = workers.outcomes(bits.job_of(plan), [Task((0, 1), (0, 2))], 1, None, "")
    assert isinstance(failure, Failure)
    assert "ZeroDivisionError in test_trust.py, line" in failure.error.wrong and "on purpose" in failure.error.wrong


# The page ----------------------------------------------------------------------------------------------------------------------


def test_the_page_has_every_row_and_nothing_went_wrong():
    text = (ROOT / "docs" / "trust.md").read_text("utf-8")
    rows = {cells[0]: cells for cells in (line.strip("| ").split(" | ") for line in text.splitlines() if trust.LINE.match(line))}
    assert list(rows) == list(trust.ROWS)
    for name, cells in rows.items():
        assert cells[1] == trust.ROWS[name].promise
        assert (cells[3], cells[4]) == ("0", f"`python -m experiments.reliability.trust {name} --deep`")
        assert cells[5] == trust.ROWS[name].tests
        assert all((ROOT / "tests" / name).exists() for name in re.findall(r"`(.*?)`", cells[5]))


def test_a_row_is_put_into_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(trust, "DOCUMENT", tmp_path / "trust.md")
    for name, said in (("R12", "one"), ("R4", "other"), ("R12", "again")):
        trust.write_row(name, [trust.Finding(said, 3)])
    lines = [line for line in trust.DOCUMENT.read_text("utf-8").splitlines() if trust.LINE.match(line)]
    assert [line.split(" | ")[0] for line in lines] == ["| R4", "| R12"]
    assert "| again | 3 |" in lines[1] and json.dumps(str(ROOT)) not in lines[1]
