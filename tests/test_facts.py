"""The study behind docs/facts.md: it computes what it says, and the page in the repository is of the rows as they are now."""

import numpy as np
import pytest
from conftest import ROOT, load

from sim.compose import expand
from sim.names import MECHANISMS, QUANTITIES
from sim.simulate import simulate

facts = load("facts")


def rows(system):
    return [row for row in facts.ROWS if row.system == system]


def test_every_system_of_the_article_has_a_row():
    assert len({row.system for row in facts.ROWS}) == 14
    assert {row.kind for row in facts.ROWS} == {"direct", "derived", "open", "null"}
    assert len({(row.system, row.claim) for row in facts.ROWS}) == len(facts.ROWS)
    for row in facts.ROWS:
        assert row.variable == facts.MOVE or tuple(row.who) == QUANTITIES[row.variable].dims


@pytest.mark.slow
def test_effects_signs_and_ablations_are_those_of_plain_runs(capsys):
    (programme,) = [row for row in rows("NATO's programmes") if row.variable == "protection"]
    (words,) = rows("NATO's statement")
    found = facts.find(draws=5, replicates=6, rows=[programme, words])
    said = ["shock=[],[programmes_for_azerbaijan]"]
    plain = simulate(expand([*said, "replicates=6"]))["protection"].sel(state="azerbaijan", bloc="nato").isel(period=-1).values
    assert found[programme].mean == pytest.approx((plain[1] - plain[0]).mean(), abs=1e-12)
    drawn = simulate(expand([*said, "sample=ranges", "draws=5", "replicates=1", *facts.quiet([])]))
    final = drawn["protection"].sel(state="azerbaijan", bloc="nato").isel(period=-1, replicate=0).values
    assert found[programme].share == (final[len(final) // 2 :] > final[: len(final) // 2]).mean()
    assert set(found[programme].without) == set(MECHANISMS)
    part, held = found[programme].without["readiness"]
    assert (abs(part), held) == (pytest.approx(0, abs=1e-9), 0.0)
    assert (found[words].mean, found[words].half, found[words].share) == (0, 0, 1)
    assert facts.verdict(words, found[words]) == "holds"
    page = facts.document(found, 5, 6)
    assert "| NATO's programmes | NATO's share of protection rises |" in page and "readiness" in page


def test_a_null_row_fails_where_anything_moves():
    (words,) = rows("NATO's statement")
    assert facts.share(np.array([0.0, 1e-15]), words.sign) == 0.5


def test_the_page_is_of_the_rows_as_they_are():
    text = (ROOT / "docs" / "facts.md").read_text("utf-8")
    table = [line.split(" | ") for line in text.splitlines() if line.startswith("| ") and " | " in line]
    told = [(cells[0].removeprefix("| "), cells[1], cells[2]) for cells in table if len(cells) == 8][1:]
    assert told == [(row.system, row.claim, f"{row.whose}, {row.kind}") for row in facts.ROWS]
    assert f"share of {facts.DRAWS} draws" in text
