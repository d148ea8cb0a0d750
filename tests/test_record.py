"""The historical record compared with the opening of 2022: the rows are those of files and replicates, and the page has them."""

import re

import numpy as np
import pytest
from conftest import ROOT

from experiments.evidence import record
from sim.compose.expand import expand
from sim.engine.runs import simulate

NUMBER = r"([+-]?\d+\.\d+)"
"""Between versions of NumPy a last digit may differ."""


def test_the_rows_of_the_record_against_2022_are_the_files_numbers_and_the_worlds():
    """With few replicates; the numbers of the page are compared by the slow test below."""
    said = ["start=1994-01", "end=2026-07", "replicates=3", "periods_per_year=4"]
    history = simulate(expand(["scenario=history", *said]))
    outlook = simulate(expand(["scenario=outlook", *said[1:]]))
    found = record.rows(history, outlook)
    assert [len(found[name]) for name in ("alignment", "relation")] == [18, 15]
    row = next(row for row in found["alignment"] if row.names == ("georgia", "russia"))
    then, before = (expand([f"region={name}"])[0].config.region for name in ("south_caucasus", "south_caucasus_1994"))
    assert (row.before, row.file) == (before.states["georgia"].alignment["russia"], then.states["georgia"].alignment["russia"])
    worlds = history["alignment"].isel(variant=0).sel(state="georgia", bloc="russia")
    assert np.array_equal(row.worlds, worlds.sel(time="2022-01-01"))
    assert row.later == float(worlds.sel(time="2026-07-01").mean())
    assert row.outlook == float(outlook["alignment"].isel(variant=0, time=-1).sel(state="georgia", bloc="russia").mean())
    row = record.Row(("a", "b"), 0.0, 0.5, 0.3, 0.7, np.array([0.2, 0.4, 0.6, 1.0]), 0.0, 0.0)
    assert (row.mean, row.inside, row.share) == (0.55, True, 0.5)
    other = row._replace(before=0.2, worlds=np.array([0.9]))
    assert not other.inside
    assert record.error([row, other], "mean") == pytest.approx(np.sqrt((0.05**2 + 0.4**2) / 2))
    assert record.error([row, other], "before") == pytest.approx(np.sqrt((0.5**2 + 0.3**2) / 2))


@pytest.mark.slow
def test_the_page_holds_what_the_runs_come_to():
    _, mark, page = (ROOT / "docs" / "record.md").read_text("utf-8").partition(record.MARK)
    written = record.section(record.runs(), record.labels_of(expand(["region=south_caucasus"])[0].config))
    told, found = (re.split(NUMBER, " ".join(text.split())) for text in (mark + page, written))
    assert told[::2] == found[::2]
    assert [float(number) for number in told[1::2]] == pytest.approx([float(number) for number in found[1::2]], abs=0.011)
