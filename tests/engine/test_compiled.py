"""The compiled kernel against NumPy's: equal replicates to a tolerance, bits independent of the batch; single precision."""

import importlib.util
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import HARD, STORM, effect, shock_folder

from experiments.regions import random_region
from sim.compose.expand import expand, expand_jobs, from_tables
from sim.engine import compiled, ensemble
from sim.engine.plan import Plan
from sim.engine.recorders import plain
from sim.engine.runs import run_arrays, simulate
from sim.engine.tracing import library
from sim.errors import SettingError
from sim.names import FLOWS, RECORDED, STORED_STOCKS
from sim.science import kernel, noise, shocks
from sim.science.params import stack
from sim.science.stability import refused
from sim.science.state import cast, shared

needs_jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is an extra: make jax")
EXACT = 1e-12
SINGLE = 5e-6
"""The tolerance of single precision after ten years; the headline region differed by 4e-7 over twenty."""
SCENARIOS = "scenario=baseline,ukraine_war,peace_deal,trade_opening,peace_and_trade,all_three"


def job(said, replicates, folder=None):
    """The inputs of a kernel, from overrides or variants, for a number or range of replicates."""
    variants = expand(said, folder) if isinstance(said[0], str) else said
    configs = [variant.config for variant in variants]
    layout, params, world = stack(configs)
    assert not refused(layout, params, world)
    window, numbers = configs[0].window, range(replicates) if isinstance(replicates, int) else replicates
    normals = noise.normals(configs[0].seed, numbers, window.periods, layout.states, layout.blocs)
    forcing = shocks.draw(configs, layout, numbers)
    return shared(params), shared(world), forcing, np.moveaxis(normals, 2, 0), layout, window.dt


def by_numpy(params, world, forcing, normals, layout, dt):
    """The arrays recorded with NumPy's kernel in double precision."""
    forces = (forcing.at(period) for period in range(len(normals)))
    return recorded(world, kernel.run(params, world, forces, normals, layout, dt), normals.shape[2])


def recorded(world, run, replicates):
    """The recorded arrays of a run of the kernel, (variant, replicate, time or period, ...)."""
    run = list(run)
    found = {name: [getattr(world, name), *(getattr(moment.world, name) for moment in run)] for name in STORED_STOCKS}
    found |= {name: [getattr(moment.flows, name) for moment in run] for name in FLOWS}
    variants = max(len(array) for arrays in found.values() for array in arrays)
    stacked = {}
    for name, arrays in found.items():
        shape = (variants, replicates, *arrays[-1].shape[2:])
        stacked[name] = plain(name, np.stack([np.broadcast_to(array, shape) for array in arrays], axis=2))
    return stacked


def apart(one, other):
    """The largest difference of each variable."""
    return {name: float(abs(one[name] - other[name]).max()) for name in RECORDED}


@pytest.fixture(scope="module", params=["headline", "toy", "connected", "random"])
def known(request, hard, tmp_path_factory):
    """The inputs of a kernel and the arrays recorded with NumPy's."""
    if request.param == "headline":
        said = job([SCENARIOS, "end=2032-01"], 5)
    elif request.param == "toy":
        folder = tmp_path_factory.mktemp("toy")
        shock_folder(folder, "storm", STORM | {"blow": effect("disposition", "impulse", {"state": "north", "bloc": "west"}, 0.2)})
        shock_folder(folder, "maybe", {"e": effect("strain_war", "step", {"bloc": "east"}, 0.2)}, probability=0.5)
        said = job(["region=toy", "shock=[],[storm],[maybe,storm]", "dynamics.vigilance=1,0.5", "end=2028-01"], 7, folder)
    elif request.param == "connected":
        said = job([*HARD, "dynamics.transit_gain=0.5", "end=2032-01"], 3, hard)
    else:
        said = job([from_tables(random_region(12, 5, seed=3))], 3)
    return said, by_numpy(*said)


def test_single_precision_in_numpy_is_nowhere_converted_to_double(known):
    (params, world, forcing, normals, layout, dt), wanted = known
    layout = replace(layout, precision="float32")
    forces = (forcing.at(period).cast("float32") for period in range(len(normals)))
    run = list(
        kernel.run(cast(params, "float32"), cast(world, "float32"), forces, normals.astype("float32"), layout, dt, decompose=True)
    )
    for moment in run:
        arrays = {**moment.world._asdict(), **moment.flows._asdict(), **dict(enumerate(moment.contributions.all))}
        assert {name: array.dtype for name, array in arrays.items() if array.dtype != np.float32} == {}
    found = recorded(world, run, normals.shape[2])
    worst = apart(found, wanted)
    assert max(worst.values()) < SINGLE, worst


def test_without_jax_it_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(SettingError, match="regional-influence\\[jax\\]"):
        library()


@needs_jax
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", EXACT), ("float32", SINGLE)])
def test_the_same_replicates_as_numpy(known, precision, tolerance):
    said, wanted = known
    found = compiled.trajectories(*said, precision)
    assert set(found) == set(RECORDED)
    for name, array in found.items():
        assert array.dtype == precision
        assert array.shape in (wanted[name].shape, (len(wanted[name]), 1, *wanted[name].shape[2:])), name
    worst = apart(found, wanted)
    assert max(worst.values()) < tolerance, worst


@needs_jax
def test_the_bits_of_a_replicate_do_not_depend_on_what_is_computed_with_it():
    """One chunk of 70 replicates, and shorter ones that begin elsewhere."""
    said = [SCENARIOS, "end=2026-01"]
    whole = compiled.trajectories(*job(said, 70), "float32", block=32)
    for start, stop in ((0, 7), (7, 8), (31, 70)):
        part = compiled.trajectories(*job(said, range(start, stop)), "float32", block=32)
        for name, array in part.items():
            expected = whole[name][:, start:stop] if whole[name].shape[1] > 1 else whole[name]
            assert np.array_equal(array, expected), name


@needs_jax
def test_only_the_names_asked_for_are_returned():
    said = job(["region=toy", "end=2024-01"], 2)
    every, one = compiled.trajectories(*said, "float64"), compiled.trajectories(*said, "float64", names=["effort"])
    assert list(one) == ["effort"]
    assert abs(one["effort"] - every["effort"]).max() < EXACT


@needs_jax
def test_precision_is_a_matter_of_the_call():
    said = job(["region=toy", "end=2023-01"], 1)
    compiled.trajectories(*said, "float64")
    assert library().numpy.zeros(1).dtype == np.float32, "the caller's JAX is as it was"


@needs_jax
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", EXACT), ("float32", SINGLE)])
def test_a_region_of_many_states(precision, tolerance):
    """Beyond `UNROLLED` actors a product is a matrix product instead of a written-out sum."""
    params, world, _, normals, layout, dt = job([from_tables(random_region(34, 2, seed=1))], 2)
    said = (params, world, shocks.Forcing({}, {}), normals[:6], layout, dt)
    assert max(apart(compiled.trajectories(*said, precision), by_numpy(*said)).values()) < tolerance


@needs_jax
@pytest.mark.parametrize("record", ["trajectories", "summaries"])
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", EXACT), ("float32", SINGLE)])
def test_a_whole_run_is_that_of_numpy(hard, record, precision, tolerance):
    said = [HARD[0], "shock=[],[everything]", "replicates=9", "end=2023-01", f"record={record}"]
    ours = simulate(expand([*said, "engine.backend=jax", f"engine.precision={precision}"], hard))
    theirs = simulate(expand(said, hard))
    for name in ("alignment", "effort", "tie"):
        np.testing.assert_allclose(ours[name].values, theirs[name].values, rtol=0, atol=tolerance)


@needs_jax
@pytest.mark.parametrize("record", ["trajectories", "summaries"])
def test_jobs_of_other_seeds_are_those_of_numpy(hard, record):
    """In one batch, also where their variants differ in nothing but the seed."""
    said = [HARD[0], "shock=[everything]", "shock.everything.probability=0.5", "seed=1,2", "replicates=9", "end=2023-01"]
    found = {}
    for backend in ("numpy", "jax"):
        (batch,) = expand_jobs([*said, f"record={record}", f"engine.backend={backend}"], hard)
        found[backend] = simulate(Plan(batch.variants, [0, 1]))["alignment"].values
    np.testing.assert_allclose(found["jax"], found["numpy"], rtol=0, atol=EXACT)
    assert abs(found["jax"][0] - found["jax"][1]).max() > 0.01


@needs_jax
def test_chunks_change_no_bit_of_compiled_runs(hard, monkeypatch):
    """However few replicates are computed together."""
    said = [HARD[0], "shock=[],[everything]", "replicates=5", "end=2022-07", "record=trajectories", "engine.backend=jax"]
    monkeypatch.setattr(ensemble, "CHUNK_BYTES", 1)
    whole = run_arrays(Plan(expand(said, hard)))
    for chunk in (1, 3):
        cut = run_arrays(Plan(expand([*said, f"engine.chunk={chunk}"], hard)))
        assert {name: array.tobytes() for name, array in cut.items()} == {name: array.tobytes() for name, array in whole.items()}


def test_a_decomposition_is_refused_where_it_cannot_be_computed():
    with pytest.raises(SettingError, match="the compiled kernel cannot record a decomposition"):
        expand(["region=toy", "engine.backend=jax", "record=decomposition"])
