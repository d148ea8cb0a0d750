"""Ensembles: how a run is cut into chunks changes no bit of it, and summaries are those of the trajectories."""

import numpy as np
import pytest
import xarray as xr
from conftest import HARD, over
from scipy import stats

from sim.compose.expand import expand
from sim.engine import ensemble, workers
from sim.engine.plan import Plan, job_of
from sim.engine.runs import run_arrays, simulate
from sim.errors import SettingError
from sim.results.chunking import NOTHING, POINT, Task, add_sums, fixed_sums, from_sums, join_sums, segments
from sim.results.dataset import differences, summarise
from sim.science.measures import STATISTICS, spread

SAID = [HARD[0], "shock=[],[everything]", "end=2022-07"]


def plan(folder, *said):
    return Plan(expand(over(SAID, *said), folder))


@pytest.mark.parametrize("record", ["trajectories", "decomposition"])
def test_chunks_change_no_bit(hard, record):
    whole = run_arrays(plan(hard, "replicates=12", f"record={record}"))
    for chunk in (1, 5, 7):
        cut = run_arrays(plan(hard, "replicates=12", f"record={record}", f"engine.chunk={chunk}"))
        assert {name: array.tobytes() for name, array in cut.items()} == {name: array.tobytes() for name, array in whole.items()}


@pytest.mark.slow
def test_workers_and_the_order_of_chunks_change_no_bit(hard):
    for said in (["replicates=12", "engine.chunk=5"], ["replicates=600", "record=summaries", "engine.chunk=1", "end=2022-04"]):
        run = plan(hard, *said)
        job = job_of(run)
        cut = ensemble.tasks(job, run.config.engine.chunk)
        assert len(cut) > 1
        alone = dict(workers.compute(job, cut))
        for task, arrays in workers.compute(job, cut[::-1], workers=2):
            assert {name: array.tobytes() for name, array in arrays.items()} == {
                name: array.tobytes() for name, array in alone[task].items()
            }


def test_blocks_hold_every_replicate_once_and_never_one_alone(hard, monkeypatch):
    job = job_of(plan(hard, "replicates=11"))
    for room in (1, 100, 400, 10_000):
        monkeypatch.setattr(ensemble, "BLOCK_BYTES", room)
        for low, high in ((0, 11), (2, 5), (3, 4)):
            seen = [
                (variant, replicate)
                for variants, replicates in ensemble._blocks(job, range(2), low, high)
                for variant in variants
                for replicate in replicates
                if len(replicates) > 1 or high - low == 1
            ]
            assert sorted(seen) == [(variant, replicate) for variant in range(2) for replicate in range(low, high)]


@pytest.mark.slow
def test_summaries_of_several_segments_are_about_those_of_all_replicates(hard):
    """Means are exact to fixed-point precision; sd is that within segments; quantiles are means over segments."""
    said = ["replicates=1000", "end=2022-04"]
    full, folded = summarise(simulate(plan(hard, *said, "record=trajectories"))), simulate(plan(hard, *said, "record=summaries"))
    assert len(segments(1000)) == 3
    for name in ("alignment", "effort", "tie", "strain_home"):
        ours, theirs = folded[name], full[name]
        np.testing.assert_allclose(ours.sel(statistic="mean"), theirs.sel(statistic="mean"), rtol=0, atol=1e-10)
        sd = theirs.sel(statistic="sd").values
        np.testing.assert_allclose(ours.sel(statistic="sd"), sd, rtol=0.02, atol=1e-9)
        for quantile in ("q05", "q50", "q95"):
            apart = abs(ours.sel(statistic=quantile) - theirs.sel(statistic=quantile)).values
            assert (apart <= 0.1 * sd + 1e-9).all(), name
    xr.testing.assert_allclose(
        differences(folded)["alignment"].sel(statistic="mean"),
        folded["alignment_difference"].sel(statistic="mean"),
        rtol=0,
        atol=1e-12,
    )


def test_quantiles_of_segments_are_hardly_biased():
    """The mean of median-unbiased quantiles of 256 normals lies within 0.01 standard deviations of the true quantile."""
    drawn = np.random.default_rng(5).standard_normal((4000, 256))
    found = spread(drawn).mean(axis=-1)
    error = spread(drawn).std(axis=-1) / np.sqrt(4000)
    for name, share in (("q05", 0.05), ("q50", 0.5), ("q95", 0.95)):
        at = STATISTICS.index(name)
        assert abs(found[at] - stats.norm.ppf(share)) < 0.01
        assert error[at] < 0.003


def test_sums_are_equal_in_any_order():
    draw = np.random.default_rng(3)
    values = draw.normal(0.3, 0.1, (4, 300))
    parts = [fixed_sums(spread(part, axis=1), part.shape[1], 300) for part in np.split(values, (100, 180), axis=1)]
    one, other = add_sums(add_sums(parts[0], parts[1]), parts[2]), add_sums(parts[1], add_sums(parts[2], parts[0]))
    assert one.tobytes() == other.tobytes()
    found = from_sums(one, 300, 3)
    np.testing.assert_allclose(found[0], values.mean(axis=1), atol=3 / POINT)
    within = sum((len(part[0]) - 1) * part.var(axis=1, ddof=1) for part in np.split(values, (100, 180), axis=1)) / 297
    np.testing.assert_allclose(found[1], np.sqrt(within), atol=1e-9)


def test_nan_stays_nan_and_values_that_are_too_large_are_refused():
    statistics = np.array([[np.nan, 0.5], [np.nan, 0.0], *[[np.nan, 0.5]] * 3])
    sums = add_sums(fixed_sums(statistics, 300, 600), fixed_sums(statistics, 300, 600))
    assert (sums[:, 0] == NOTHING).all()
    found = from_sums(sums, 600, 2)
    assert np.isnan(found[:, 0]).all() and found[:, 1].tolist() == [0.5, 0.0, 0.5, 0.5, 0.5]
    with pytest.raises(SettingError, match="too large"):
        fixed_sums(np.full((5, 1), 1e6), 300, 600)


def test_a_variant_that_is_not_finite_is_named_and_the_others_are_done(hard, monkeypatch):
    run = plan(hard, "replicates=6", "engine.chunk=3")
    job = job_of(run)
    cut = ensemble.tasks(job, 3)
    honest = workers.run_task

    def broken(job, task):
        arrays = honest(job, task)
        if task.replicates[0] == 0:
            arrays["alignment"][-1, 0, 0, 1] = np.nan
        return arrays

    monkeypatch.setattr(workers, "run_task", broken)
    done = []
    with pytest.raises(SettingError, match=r"alignment: is not finite somewhere in everything") as raised:
        done.extend(task for task, _ in workers.compute(job, cut))
    assert raised.value.code == 3
    assert done == [Task((0, 2), (3, 6))]


def test_sums_are_joined_with_the_outcome_of_each_replicate(hard):
    run = plan(hard, "replicates=5", "record=summaries")
    job = job_of(run)
    joined = join_sums(workers.compute(job, ensemble.tasks(job)), 2, 5)
    full = run_arrays(plan(hard, "replicates=5", "record=trajectories"))
    np.testing.assert_array_equal(joined["final_alignment"], full["alignment"][:, :, -1])


def test_single_precision_is_recorded_as_such_and_near_the_double(hard):
    double = run_arrays(plan(hard, "replicates=5"))
    single = run_arrays(plan(hard, "replicates=5", "engine.precision=float32"))
    for name, array in single.items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, double[name], rtol=0, atol=2e-5)


def test_overrides_in_the_place_of_variants_are_refused_with_what_makes_them():
    with pytest.raises(SettingError, match=r"sim\.simulate\(sim\.expand\(overrides\)\)"):
        simulate(["region=toy"])
