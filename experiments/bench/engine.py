"""Speed of the engine: the same replicates of the whole model computed by every implementation, and how cost grows.

One workload: a made-up region, 360 months, 16 variants on common random numbers, each with its own vigilance and all but one with
a shock. Every implementation draws the noise that it needs, once for all variants.
"""

import json
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from experiments.bench.plain_agents import PlainRegion
from experiments.regions import random_region
from sim.abm.model import RegionModel
from sim.arrays import Array
from sim.compose.expand import from_tables
from sim.config.schema import Backend
from sim.engine import ensemble
from sim.engine.plan import Plan, job_of
from sim.names import QUANTITIES
from sim.results.chunking import Task
from sim.science import shocks
from sim.science.kernel import Moment
from sim.science.state import World, cast

SIZES = ((3, 6), (20, 8))
"""States and blocs."""
REPLICATES = {
    ((3, 6), "nothing"): {"numpy": 128, "jax": 128},
    ((20, 8), "nothing"): {"numpy": 20, "jax": 64},
    ((3, 6), "all"): {"numpy": 64, "jax": 64},
    ((20, 8), "all"): {"numpy": 6, "jax": 6},
}
"""By size and by what is recorded, the replicates that each process computes: about a second's, and at most some 700 MB."""
VARIANTS, END, MONTHS = 16, "2052-01", 360
ROUNDS = 5


def workload(states: int, blocs: int, replicates: int, **settings: Any) -> Plan:
    """The plan of the workload; `settings` as in config.yaml, `engine` and `variants` among them."""
    tables, count = random_region(states, blocs), settings.pop("variants", VARIANTS)
    courted, courts = list(tables["region"]["states"]), list(tables["region"]["blocs"])
    tables = {**tables, "replicates": replicates, "record": "trajectories", "end": END, **settings}
    tables["engine"] = {**random_region(2, 2)["engine"], **settings.get("engine", {})}
    variants = []
    for number in range(count):
        size = 0.02 * number
        effects = {
            "tie": {"target": "tie", "who": {"state": courted[0], "peer": courted[1]}, "kind": "step", "size": size},
            "trade": {"target": "access", "who": {"state": courted[0], "bloc": courts[0]}, "kind": "step", "size": size / 4},
            "strain": {"target": "strain_war", "who": {"bloc": courts[1]}, "kind": "step", "size": size},
            "trust": {"target": "credibility", "who": {"state": "*", "bloc": courts[1]}, "kind": "impulse", "size": -size},
        }
        common = {"date": "2022-07-01", "range": [-0.5, 0.5], "source": "made up"}
        dated = {name: {**common, "unit": QUANTITIES[str(effect["target"])].unit, **effect} for name, effect in effects.items()}
        shock = {"forcing": {"label": "Forcing", "effects": dated}} if number else {}
        dynamics = {**tables["dynamics"], "vigilance": 0.5 + number / count}
        variant = from_tables({**tables, "shock": shock, "dynamics": dynamics})
        variants.append(replace(variant, label=f"v{number}", coordinates={"number": number}))
    return Plan(variants, [0] * count)


class Nothing:
    """A recorder that records nothing."""

    def open(self, world: World) -> None:
        """Take the opening instant."""

    def take(self, moment: Moment) -> None:
        """Take a period."""


def stretch(job: ensemble.Job, low: int, high: int, recorded: str) -> None:
    """Compute some replicates of all variants; record `all` arrays in memory until they are done, or `nothing`."""
    ensemble._luck.cache_clear()
    variants = range(len(job.references))
    if recorded == "all":
        ensemble.run_task(job, Task((0, len(variants)), (low, high)))
    elif job.backend is Backend.jax:
        compiled(job, range(low, high))
    else:
        for some, replicates in ensemble._blocks(job, variants, low, high):
            ensemble._record(job, Nothing(), some, replicates)


def compiled(job: ensemble.Job, replicates: range, block: int = 0) -> dict[str, Array]:
    """All variants by JAX, with the alignments returned: of a run that returns nothing JAX computes nothing.

    `block` is the number of replicates computed at once; 0 is that of a run.
    """
    from sim.engine.compiled import BLOCK, trajectories

    precision = job.layout.precision
    params, world = cast(job.params, precision), cast(job.world, precision)
    normals = ensemble.normals_of(job, range(len(job.references)), replicates)
    forcing = shocks.draw(job.configs, job.layout, replicates)
    given = params, world, forcing, normals, job.layout, job.window.dt, precision
    return trajectories(*given, ("alignment",), block or BLOCK)


def plain_agents(plan: Plan, recorded: str) -> None:
    """One replicate by Mesa agents on plain floats, random draws included."""
    region, history = PlainRegion(plan.variants[-1].config), []
    for _ in range(plan.window.periods):
        region.step()
        if recorded == "all":
            held = [[list(getattr(agent, name)) for agent in region.states] for name in OWN]
            history.append((held, [list(bloc.relation) for bloc in region.blocs], region.strain, region.effort, region.traffic))


OWN = ("alignment", "legacy", "tie", "credibility", "access", "road", "readiness", "threat", "protection", "dependence")
"""The attributes of a plain state that are recorded."""


def mesa_model(plan: Plan, recorded: str) -> None:
    """One replicate by `RegionModel`; its collector is off, though its agents record the contributions to their moves."""
    model, history = RegionModel(plan.variants[-1].config), []
    model.collector.collect = lambda model: None
    for _ in range(plan.window.periods):
        model.step()
        if recorded == "all":
            stocks = [{name: array.copy() for name, array in agent.stocks.items()} for agent in [*model.states, *model.blocs]]
            history.append((stocks, [dict(state.flows) for state in model.states], model.effort, model.traffic))


def engine_ways() -> dict[str, tuple[dict[str, str], int]]:
    """Settings of the engine and number of processes, by the name of the implementation."""
    backends = ["numpy", *(["jax"] if find_spec("jax") else [])]
    names = {"numpy": "NumPy", "jax": "JAX"}
    return {
        f"{names[backend]} {precision}, {'one process' if processes == 1 else 'two processes'}": (
            {"backend": backend, "precision": precision},
            processes,
        )
        for backend in backends
        for precision in ("float64", "float32")
        for processes in (1, 2)
    }


@contextmanager
def pools(count: int) -> Iterator[list[ProcessPoolExecutor]]:
    """Pools of one process each, so that every process is started before the timing and gets its own share."""
    found = [ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) for _ in range(count)]
    try:
        yield found
    finally:
        for pool in found:
            pool.shutdown()


def together(workers: list[ProcessPoolExecutor], job: ensemble.Job, replicates: int, recorded: str) -> None:
    """Compute the replicates in as many equal shares as there are workers."""
    edges = [round(part * replicates / len(workers)) for part in range(len(workers) + 1)]
    waiting = [pool.submit(stretch, job, edges[at], edges[at + 1], recorded) for at, pool in enumerate(workers)]
    for done in waiting:
        done.result()


def rounds_of(ways: Mapping[str, tuple[Callable[[], object], int]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Steps a second of each implementation in each round, one after another; a first round, not counted, warms them up."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, (action, steps) in ways.items():
            start = time.perf_counter()
            action()
            if turn:
                found[name].append(steps / (time.perf_counter() - start))
    return found


def ratio(found: Mapping[str, list[float]], one: str, other: str) -> float:
    """The median over rounds of the ratio of two implementations' speeds."""
    return statistics.median(mine / theirs for mine, theirs in zip(found[one], found[other], strict=True))


def contenders(quick: bool) -> dict[str, Any]:
    """Steps a second of every implementation, by size and by what is recorded, and the ratios that the page reports."""
    result: dict[str, Any] = {}
    with pools(2) as workers:
        for (size, recorded), replicates in REPLICATES.items():
            one = workload(*size, 1)
            ways: dict[str, tuple[Callable[[], object], int]] = {
                "plain agents": (partial(plain_agents, one, recorded), MONTHS),
                "Mesa model": (partial(mesa_model, one, recorded), MONTHS),
            }
            for name, (settings, processes) in engine_ways().items():
                count = replicates[settings["backend"]] * processes
                job = job_of(workload(*size, count, engine=settings))
                ways[name] = (partial(together, workers[:processes], job, count, recorded), VARIANTS * count * MONTHS)
            rates = rounds_of(ways, 1 if quick else ROUNDS)
            result[f"{size[0]} x {size[1]}, {recorded}"] = {
                name: {
                    "rate": statistics.median(values),
                    "plain": ratio(rates, name, "plain agents"),
                    "face": ratio(rates, name, "Mesa model"),
                    "one": ratio(rates, name, name.replace("two processes", "one process")),
                    "single": ratio(rates, name, "NumPy float32, two processes"),
                }
                for name, values in rates.items()
            }
    return result


# Replicates -----------------------------------------------------------------------------------------------------------------

WORLDS = (100, 1_000, 10_000, 100_000, 1_000_000)
ROOT = Path(__file__).parents[2]
PAIRED = 4
SHORT_END, SHORT_MONTHS = "2023-01", 12
MEMORY = """
import json, sys, tempfile, time
from pathlib import Path
sys.path.insert(0, {root!r})
from experiments.bench.engine import PAIRED, SHORT_END, peak_megabytes, workload
from sim.engine import ensemble, workers
from sim.engine.plan import job_of
from sim.results.chunk_store import Store
job = job_of(workload(3, 6, {worlds} // PAIRED, variants=PAIRED, end=SHORT_END, record="summaries"))
cut, took = ensemble.tasks(job), []
with tempfile.TemporaryDirectory() as folder:
    peaks = []
    for _ in range({repeats}):
        start = time.perf_counter()
        for _ in workers.compute(job, cut, store=Store(Path(folder), "bench")):
            peaks.append(peak_megabytes())
        took.append(time.perf_counter() - start)
print(json.dumps([took, peaks[(len(peaks) - 1) // 2], peaks[-1]]))
"""


def peak_megabytes() -> float:
    """The most memory that this process has had so far (that of `resource` counts what its parent had before it)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def over_worlds(quick: bool) -> list[dict[str, float]]:
    """Microseconds a replicate-step, and peak memory, from 100 replicates to a million, summaries stored; one process.

    Medians of rounds, in each of which every number of replicates is run once, the largest in the last round only.
    """
    sizes = WORLDS[:-2] if quick else WORLDS
    took: dict[int, list[float]] = {worlds: [] for worlds in sizes}
    peaks: dict[int, tuple[float, float]] = {}
    for turn in range(1 if quick else 3):
        for worlds in sizes if quick or turn == 2 else sizes[:-1]:
            code = MEMORY.format(root=str(ROOT), worlds=worlds, repeats=max(1, 20_000 // worlds))
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
            seconds, half, peak = json.loads(done.stdout)
            took[worlds].append(statistics.median(seconds))
            peaks[worlds] = peak, peak / half - 1
    return [
        {
            "worlds": worlds,
            "microseconds": 1e6 * statistics.median(seconds) / worlds / SHORT_MONTHS,
            "peak": peaks[worlds][0],
            "growth": peaks[worlds][1],
        }
        for worlds, seconds in took.items()
    ]


# Actors ---------------------------------------------------------------------------------------------------------------------

ACTORS = ((3, 6), (10, 8), (20, 8), (40, 10), (80, 10), (193, 10))
FEW = 4


def over_actors(counted: Callable[[Plan], float], quick: bool) -> list[dict[str, float]]:
    """Microseconds a replicate-step by states and blocs, few replicates of one variant, and the operations of the rules."""
    found = []
    for states, blocs in ACTORS[:3] if quick else ACTORS:
        plan = workload(states, blocs, FEW, variants=1, end=SHORT_END)
        job = job_of(plan)
        rates = rounds_of({"numpy": (partial(stretch, job, 0, FEW, "nothing"), FEW * SHORT_MONTHS)}, 3)["numpy"]
        operations = counted(plan)
        found.append({"states": states, "blocs": blocs, "microseconds": 1e6 / statistics.median(rates), "operations": operations})
    return found


def device() -> str:
    """The device that JAX computes on, or `not installed`."""
    if not find_spec("jax"):
        return "not installed"
    code = "import jax; print(jax.devices()[0].device_kind, jax.default_backend())"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
