"""The study of docs/facts.md: it computes what it states, and the page in the repository is of the current rows."""

import re

import numpy as np
import pytest
from conftest import ROOT

from experiments.evidence import claims, facts, facts_page
from sim.compose.expand import expand
from sim.engine.runs import simulate
from sim.names import MECHANISMS, QUANTITIES


def rows(system):
    return [row for row in claims.ROWS if row.system == system]


def test_every_system_of_the_article_has_a_row_that_counts():
    assert len(claims.ORDER) == 14
    assert {name for name in claims.ORDER if not any(row.evidence for row in rows(name))} == {"Black Sea", "NATO's statement"}
    assert all(any(row.whose == "article" for row in rows(name)) for name in claims.ORDER)
    assert {row.kind for row in claims.ROWS} == {"direct", "derived", "open", "null"}
    assert len({(row.system, row.claim) for row in claims.ROWS}) == len(claims.ROWS)
    for row in claims.ROWS:
        assert row.variable == facts.MOVE or tuple(row.who) == QUANTITIES[row.variable].dims


@pytest.mark.slow
def test_no_claim_that_counts_is_written_by_its_own_shock():
    """No effect in which a row's runs differ sets that number, its legacy, or its inputs in the same period."""
    for row in (row for row in claims.ROWS if row.kind == "derived"):
        own = {"alignment": ("legacy", "disposition", "alignment")}.get(row.variable, (row.variable,))
        made = claims.MADE_OF.get(row.variable, ())
        common = set.intersection(*({word for word in shocks} for _, shocks in row.terms))
        for variant in facts.variants([row])[0]:
            for name, shock in variant.config.shock.items():
                for key, effect in shock.effects.items():
                    if any(word.split("-")[0] == name for word in common):
                        continue
                    assert effect.target not in made, (row.claim, name, key)
                    if effect.target in own:
                        assert not all(_names(effect.who[dim], row.who[dim]) for dim in row.who), (row.claim, name, key)


def _names(who, actor):
    return actor in who or "*" in who


def test_a_shock_less_some_effects_is_the_shock_with_their_sizes_at_zero():
    (war,) = [row for row in rows("War of 2008") if row.claim == "the same, its grievance left out"]
    (variants,) = facts.variants([war], ["replicates=1", "end=2010-01"])
    ours = simulate(variants)["alignment"].values
    zero = [f"shock.war_2008.effects.{name}.size=0" for name in ("grievance", "relations_cut")]
    plain = simulate(expand(["region=south_caucasus_1994", "shock=[war_2008]", "replicates=1", "end=2010-01", *zero]))["alignment"]
    np.testing.assert_array_equal(ours[0], plain.values[0])
    with pytest.raises(KeyError):
        facts._with(variants[0], ["war_2008-grievanse"])


def test_movers_find_the_number_that_an_effect_follows():
    rng = np.random.default_rng(1)
    drawn = {draw: {"one": float(rng.normal()), "other": float(rng.normal()), "fixed": 1.0} for draw in range(50)}
    found = facts.movers({draw: -(values["other"] ** 3) for draw, values in drawn.items()}, drawn)
    assert found[0] == ("other", pytest.approx(-1))
    assert {name for name, _ in found} == {"one", "other"}


@pytest.mark.slow
def test_effects_signs_and_ablations_are_those_of_plain_runs(capsys):
    (programme,) = [row for row in rows("NATO's programmes") if row.variable == "protection"]
    (words,) = rows("NATO's statement")
    found = facts.find(draws=5, replicates=6, rows=[programme, words])
    said = ["shock=[],[programmes_for_azerbaijan]"]
    plain = simulate(expand([*said, "replicates=6"]))["protection"].sel(state="azerbaijan", bloc="nato").isel(period=-1).values
    assert found[programme].mean == pytest.approx((plain[1] - plain[0]).mean(), abs=1e-12)
    quiet = [f"region.states.{state}.volatility=0" for state in ("armenia", "azerbaijan", "georgia")]
    drawn = simulate(expand([*said, "sample=ranges", "draws=5", "replicates=1", *quiet]))
    final = drawn["protection"].sel(state="azerbaijan", bloc="nato").isel(period=-1, replicate=0).values
    assert found[programme].share == (final[len(final) // 2 :] > final[: len(final) // 2]).mean()
    assert set(found[programme].without) == set(MECHANISMS)
    part, held = found[programme].without["readiness"]
    assert (abs(part), held) == (pytest.approx(0, abs=1e-9), 0.0)
    assert (found[words].mean, found[words].half, found[words].share) == (0, 0, 1)
    assert facts_page.verdict(words, found[words]) == "holds"
    page = facts_page.document(found, 5, 2, 6)
    assert "| NATO's programmes | NATO's share of protection rises |" in page and "readiness" in page
    assert "Of 2 systems of the article 0 hold" in page and "Failing: none" in page  # one is direct, the other a control


def test_a_null_row_fails_where_anything_moves():
    (words,) = rows("NATO's statement")
    assert facts.share(np.array([0.0, 1e-15]), words.sign) == 0.5


def test_the_page_is_of_the_rows_as_they_are():
    text = (ROOT / "docs" / "facts.md").read_text("utf-8")
    table = [line.split(" | ") for line in text.splitlines() if line.startswith("| ") and " | " in line]
    told = [(cells[0].removeprefix("| "), cells[1], cells[2]) for cells in table if len(cells) == 9][1:]
    assert told == [(row.system, row.claim, f"{row.whose}, {row.kind}") for row in claims.ROWS]
    assert f"share of {facts.DRAWS} draws" in text


def test_the_page_discusses_every_claim_that_fails():
    text = (ROOT / "docs" / "facts.md").read_text("utf-8")
    failing = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| [^|]+, (?:direct|derived|null) \|.*\| \*\*fails\*\*[^|]* \|", text, re.MULTILINE
    )
    told = dict.fromkeys(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert list(told) == [f"{system}: {claim}" for system, claim in failing]
    remarks = {f"{row.system}: {row.claim}": row.remark for row in claims.ROWS}
    assert all(len(remarks[name]) > 100 and remarks[name] in text for name in told)
    fallen = [system for system, word in re.findall(r"^\| ([^|]+) \| \d of \d \| (.+) \|$", text, re.MULTILINE) if "fails" in word]
    assert len(fallen) <= 2
