"""Results: what is saved opens as it was, summaries are of their replicates, damage is said and never read."""

import csv
import json
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from sim.analysis.compare import compare
from sim.analysis.tables import AXES, MIRRORED, cell, difference_lines, write_long
from sim.commands.identity import settings_of
from sim.commands.writing import write_run
from sim.compose.expand import expand
from sim.compose.overrides import coordinate_names
from sim.engine.plan import Plan
from sim.engine.recorders import estimate_bytes
from sim.engine.runs import simulate
from sim.errors import DamageError, SettingError
from sim.names import DIFFERENCE, FLOWS, QUANTITIES, RECORDED, RESERVED, STORED_STOCKS
from sim.results.chunk_store import CHUNKS
from sim.results.dataset import HALF_WIDTH, differences, outcome, summarise
from sim.results.derived import measured
from sim.results.manifest import COMPLETE, MANIFEST, read_manifest
from sim.results.reading import open_results
from sim.science.measures import STATISTICS
from tests.conftest import HARD, over, without_figures

SAID = [*HARD[:1], "shock=[],[everything]", "replicates=9", "start=2022-01", "end=2024-01", "dynamics.vigilance=0.5,2"]


def plan_of(folder, *said):
    return Plan(expand(over(SAID, *said), config_dir=folder))


@pytest.fixture(scope="module", params=["trajectories", "decomposition", "summaries"])
def kept(request, hard):
    """A plan that keeps one thing or another, and its results."""
    plan = plan_of(hard, f"record={request.param}")
    return plan, simulate(plan)


@pytest.fixture(scope="module")
def ds(hard):
    """The replicates of four variants, only to read."""
    return simulate(plan_of(hard))


@pytest.fixture(scope="module")
def parts(hard):
    """The same with the parts of every move."""
    return simulate(plan_of(hard, "record=decomposition"))


@pytest.fixture(scope="module")
def written(hard, tmp_path_factory):
    """A results folder as the commands write it, in three chunks."""
    folder = tmp_path_factory.mktemp("written") / "out"
    write(plan_of(hard, "engine.chunk=3"), folder)
    return folder


def write(plan, folder):
    """The folder of a plan as the commands write it."""
    with without_figures():
        return write_run(folder, plan, settings_of(plan.variants))


@pytest.fixture
def out(written, tmp_path):
    """A copy of it, to damage."""
    return Path(copytree(written, tmp_path / "out"))


# Files -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_saved_opens_as_it_was(kept, tmp_path):
    plan, ds = kept
    write(plan, tmp_path / "out")
    opened = open_results(tmp_path / "out")
    assert opened.attrs.pop("settings_hash")
    xr.testing.assert_identical(opened, ds)
    assert list(opened.data_vars) == list(ds.data_vars)
    assert all(opened[name].values.tobytes() == ds[name].values.tobytes() for name in ds.data_vars)


def test_the_chunks_hold_numbers_and_the_manifest_words(written):
    words = read_manifest(written)
    assert words["coordinates"]["bloc"] == ["east", "west", "league"]
    assert words["chunks"] == [[0, 4, low, low + 3] for low in (0, 3, 6)]
    with np.load(written / CHUNKS / "v000000-r000000003.npz") as arrays:
        assert set(arrays) == set(RECORDED)
        assert arrays["alignment"].shape == (25, 3, 3, 4, 3) and arrays["alignment"].dtype == float


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 0}', '"format"', "\xff"])
def test_a_damaged_manifest_is_refused(out, text):
    (out / MANIFEST).write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingError, match=r"manifest\.json"):
        open_results(out)


def _cut(chunk):
    chunk.write_bytes(chunk.read_bytes()[:40])


def _flip(chunk):
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)


def _swap(chunk):
    other = chunk.with_name("v000000-r000000003.npz")
    for suffix in (".npz", ".json"):
        one, two = chunk.with_suffix(suffix), other.with_suffix(suffix)
        mine, theirs = one.read_bytes(), two.read_bytes()
        one.write_bytes(theirs)
        two.write_bytes(mine)


@pytest.mark.parametrize(
    "damage", [_flip, *(pytest.param(damage, marks=pytest.mark.slow) for damage in (Path.unlink, _cut, _swap))]
)
def test_a_damaged_chunk_is_refused_and_made_again(hard, out, damage):
    before = {path.name: path.read_bytes() for path in sorted((out / CHUNKS).iterdir())}
    damage(out / CHUNKS / "v000000-r000000000.npz")
    with pytest.raises(DamageError, match=r"v000000-r000000000\.npz"):
        open_results(out)
    (out / COMPLETE).unlink()
    write(plan_of(hard, "engine.chunk=3"), out)
    assert {path.name: path.read_bytes() for path in sorted((out / CHUNKS).iterdir())} == before


def test_a_run_without_all_its_chunks_says_how_many_it_has(out):
    for path in (out / CHUNKS).glob("v000000-r000000006.*"):
        path.unlink()
    with pytest.raises(SettingError, match="has 2 of 3 chunks"):
        open_results(out)


def test_no_results_folder_is_refused(tmp_path):
    with pytest.raises(SettingError, match="no results folder"):
        open_results(tmp_path)


# Dimensions and words ----------------------------------------------------------------------------------------------------------


def test_every_variable_has_its_axes_unit_and_label(parts):
    ds = parts
    assert set(ds.data_vars) == {*STORED_STOCKS, *FLOWS, "move"}
    assert (ds.sizes["time"], ds.sizes["period"]) == (25, 24)
    for name in RECORDED:
        lead = ("variant", "replicate", "period" if name in FLOWS else "time")
        assert ds[name].dims == (*lead, *QUANTITIES[name].dims)
        assert (ds[name].attrs["units"], ds[name].attrs["long_name"]) == (QUANTITIES[name].unit, QUANTITIES[name].label)
    assert ds["move"].dims == ("variant", "replicate", "period", "contribution", "state", "bloc")
    assert json.loads(ds.attrs["swept"]) == ["vigilance"]
    assert ds["vigilance"].values.tolist() == [0.5, 2.0, 0.5, 2.0]


def test_parts_add_up_to_the_change_of_the_score(parts):
    ds = parts
    change = np.diff(ds["alignment"].values, axis=2)
    np.testing.assert_allclose(ds["move"].sum("contribution").values, change, atol=1e-12, rtol=0)
    assert (abs(ds["move"]).max(["variant", "replicate", "period", "state", "bloc"]) > 0).all()


# Summaries ---------------------------------------------------------------------------------------------------------------------


def test_summaries_are_the_moments_and_quantiles_of_the_replicates(ds):
    folded = summarise(ds)
    for name in RECORDED:
        worlds, found = ds[name].values, folded[name]
        expected = [
            worlds.mean(axis=1),
            worlds.std(axis=1, ddof=1),
            *np.quantile(worlds, (0.05, 0.5, 0.95), axis=1, method="median_unbiased"),
        ]
        for statistic, values in zip(STATISTICS, expected, strict=True):
            np.testing.assert_allclose(found.sel(statistic=statistic).values, values, rtol=1e-12, atol=1e-12)


def test_keeping_summaries_gives_what_keeping_worlds_folds_to(hard, ds):
    folded = simulate(plan_of(hard, "record=summaries"))
    xr.testing.assert_allclose(summarise(ds)[list(RECORDED)], folded[list(RECORDED)], rtol=0, atol=1e-13)
    ours, theirs = differences(measured(ds)), differences(folded)
    xr.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13)
    assert float(abs(ours["alignment"]).max()) > 0.01


def test_differences_are_paired_with_students_interval(ds):
    assert ds["reference"].values.tolist() == [ds["variant"].values[0], ds["variant"].values[1]] * 2
    effects = differences(ds)
    for name in RECORDED:
        worlds = ds[name].values
        apart = worlds[3] - worlds[1]
        found = effects[name].isel(variant=3)
        np.testing.assert_allclose(found.sel(statistic="mean"), apart.mean(axis=0), atol=1e-14)
        interval = stats.t.ppf(0.975, 8) * apart.std(axis=0, ddof=1) / 3
        np.testing.assert_allclose(found.sel(statistic=HALF_WIDTH), interval, atol=1e-12)
    assert not effects["alignment"].isel(variant=0).any()


@pytest.mark.slow
def test_two_runs_of_other_seeds_are_compared_as_welch_does(hard):
    first, second = (simulate(plan_of(hard, f"seed={seed}")) for seed in (1, 2))
    found = compare(first, second)["alignment"].isel(time=-1, state=0)
    one, other = (ds["alignment"].values[:, :, -1, 0] for ds in (first, second))
    known = stats.ttest_ind(other, one, axis=1, equal_var=False).confidence_interval()
    np.testing.assert_allclose(found.sel(statistic="mean"), (other - one).mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(found.sel(statistic=HALF_WIDTH), (known.high - known.low) / 2, rtol=1e-9)
    assert np.isnan(found.sel(statistic="q50")).all()


def test_samples_of_other_seeds_are_told_with_their_own_sizes(tmp_path):
    one, other = (simulate(expand(["region=toy", "end=2022-04", *said])) for said in (["replicates=5"], ["replicates=2", "seed=2"]))
    found = compare(one, other)
    assert "5 and 2 replicates" in difference_lines(found, ("one", "other"), paired=False)[0]
    write_long(found, tmp_path / "differences.csv")
    with (tmp_path / "differences.csv").open(encoding="utf-8", newline="") as file:
        assert {row["n"] for row in csv.DictReader(file)} == {"5 and 2"}
    paired = compare(one, simulate(expand(["region=toy", "end=2022-04", "replicates=2"])))
    assert "2 replicates" in difference_lines(paired, ("one", "other"), paired=True)[0]


DRAW = ["region=toy", "replicates=2", "end=2022-04", "dynamics.vigilance=interval(0,2)", "draws=4", "design=latin"]


@pytest.mark.parametrize(
    "other", [["draws=8"], ["design=random"], ["seed=2"], ["dynamics.vigilance=interval(0,1)"]], ids=lambda said: said[0]
)
def test_draws_of_one_number_that_are_other_draws_are_not_compared(other):
    with pytest.raises(
        SettingError, match=r"one and other: have draws of the same number with other values, of dynamics\.vigilance"
    ):
        compare(*(simulate(expand(over(DRAW, *said))) for said in ([], other)), ("one", "other"))


@pytest.mark.parametrize("other", [["dynamics.trade=0"], ["dynamics.relay=interval(0,1)"]], ids=lambda said: said[0])
def test_draws_stay_pairs_where_something_else_is_set_or_drawn(other):
    assert compare(*(simulate(expand(over(DRAW, *said))) for said in ([], other))).attrs["paired"] == 1


def test_one_world_has_no_interval(hard):
    effects = differences(simulate(plan_of(hard, "replicates=1")))
    assert np.isnan(effects["alignment"].sel(statistic=HALF_WIDTH)).all()
    assert not np.isnan(effects["alignment"].sel(statistic="mean")).any()


def test_the_outcome_is_the_mean_of_what_is_named_at_the_end(hard):
    ds = simulate(plan_of(hard, "outcome=traffic.north.south"))
    assert outcome(ds) == pytest.approx(float(ds["traffic"].isel(variant=0, period=-1).sel(state="north", peer="south").mean()))
    folded = simulate(plan_of(hard, "outcome=strain_war.east", "record=summaries"))
    assert outcome(folded) == pytest.approx(float(folded["strain_war"].values[0, 0, -1, 0]))


def test_no_swept_setting_goes_by_a_name_of_the_results():
    ds = simulate(
        expand(["region=toy", "end=2022-03", "replicates=2", "record=decomposition", "dynamics.vigilance=interval(0,1)", "draws=2"])
    )
    folded = simulate(expand(["region=toy", "end=2022-03", "replicates=2", "record=summaries"]))
    names = {str(name) for found in (measured(ds), folded) for name in found.variables} - {"vigilance"}
    assert {name.removesuffix(DIFFERENCE) for name in names} <= RESERVED
    assert all(coordinate_names([f"own.{name}"])[f"own.{name}"] != name for name in RESERVED - {"scenario"})


# The long table ----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_table_holds_every_number_of_the_summary_once(ds, tmp_path):
    folded = summarise(ds)
    write_long(folded, tmp_path / "summary.csv")
    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("variant", "scenario", "state", "peer", "bloc", "rival", "time", "variable", "unit"),
        *("mean", "sd", "q05", "q50", "q95", "n", "vigilance"),
    ]
    seen = set()
    for row in rows:
        name = row["variable"]
        quantity = QUANTITIES[name]
        when = "period" if name in FLOWS else "time"
        at = {dim: row[dim] for dim in quantity.dims} | {when: np.datetime64(row["time"]), "variant": row["variant"]}
        assert all(not row[axis] for axis in AXES if axis not in quantity.dims)
        values = folded[name].sel(at).values
        assert [float(row[statistic]) for statistic in STATISTICS] == pytest.approx(values, rel=1e-9, abs=1e-15)
        assert (row["unit"], row["n"]) == (quantity.unit, "9")
        assert float(row["vigilance"]) == float(folded["vigilance"].sel(variant=row["variant"]))
        seen.add((row["variant"], name, *(row[axis] for axis in AXES), row["time"]))
    assert len(seen) == len(rows)
    expected = 0
    for name in RECORDED:
        sizes = [folded.sizes[dim] for dim in QUANTITIES[name].dims]
        pairs = sizes[0] * (sizes[0] - 1) // 2 if name in MIRRORED else int(np.prod(sizes))
        expected += 4 * pairs * (24 if name in FLOWS else 25)
    assert len(rows) == expected


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd", "-cmd"])
def test_no_spreadsheet_reads_a_cell_as_a_formula(text):
    assert cell(text) == "'" + text


# What keeping takes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", ["ds", "parts"])
def test_the_estimate_is_what_keeping_takes(hard, request, record):
    taken = sum(array.nbytes for array in request.getfixturevalue(record).data_vars.values())
    assert estimate_bytes(plan_of(hard).layout, 4, 9, 24, contributions=9 * (record == "parts")) == taken
