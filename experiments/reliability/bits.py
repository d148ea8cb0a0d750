"""Tests that results are bit-identical however a sweep is cut, extended or enlarged; `trust.py` runs them.

Each function tests one row of `docs/trust.md` and returns how often it was tested, and the number of failures.
"""

import hashlib
import itertools
import multiprocessing
import random
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from experiments.regions import random_region
from experiments.reliability import faults
from experiments.reliability.faults import OUT, Finding
from sim.arrays import Array
from sim.compose.expand import expand, from_tables
from sim.compose.folders import Folders, config_folder
from sim.config import evidence
from sim.config.schema import Record
from sim.engine import ensemble, workers
from sim.engine.plan import Plan, job_of
from sim.engine.runs import run_arrays
from sim.errors import SettingError
from sim.names import FLOWS, QUANTITIES, RECORDED, STORED_STOCKS
from sim.results.chunking import joined
from sim.science import noise
from sim.science.shocks import first_instant

CHUNKS = (1, 7, 64, 500, 0)
"""Replicates of a chunk; 0 for all."""
REGION = "south_caucasus_1994"
SLACK = 1e-12


def _hash(arrays: Mapping[str, Array]) -> str:
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()


def cuts(backend: str, record: str, replicates: int, many: Sequence[int] = (1, 2, 4), chunks: Sequence[int] = CHUNKS) -> Finding:
    """One run with several numbers of workers, sizes of chunk, orders and start methods of processes: all results have one hash."""
    said = ["region=toy", "dynamics.vigilance=0.5,1", f"replicates={replicates}", "end=2022-04", f"record={record}"]
    plan = Plan(expand([*said, f"engine.backend={backend}"]))
    job, hashes, tried, real = job_of(plan), set(), 0, multiprocessing.get_context
    for number, chunk, method in itertools.product(many, chunks, ("spawn", "fork")):
        if method == "fork" and (number == 1 or backend == "jax"):  # JAX has threads, which a fork does not survive
            continue
        tasks = ensemble.tasks(job, chunk)
        random.Random(tried).shuffle(tasks)
        with mock.patch.object(multiprocessing, "get_context", lambda _, method=method: real(method)):
            pieces = list(workers.compute(job, tasks, number))
        hashes.add(_hash(joined(pieces, plan.record is Record.summaries, len(job.labels), replicates)))
        tried += 1
    return Finding(f"{backend}, record={record}: {tried} combinations, {len(hashes)} hash", len(hashes) - 1)


def _same(one: Mapping[str, Array], other: Mapping[str, Array], rows: Any = slice(None)) -> int:
    """The number of bytes that differ between two sets of variables."""
    return sum(int((one[name].view(np.uint8) != np.ascontiguousarray(other[name][rows]).view(np.uint8)).sum()) for name in one)


def _arrays(said: Sequence[str], folder: Path | None = None) -> tuple[list[str], dict[str, Array]]:
    plan = Plan(expand(said, folder))
    return [variant.label for variant in plan.variants], {
        name: np.ascontiguousarray(array) for name, array in run_arrays(plan).items()
    }


def additions(here: Path, few: int, many: int, end: str) -> Finding:
    """More replicates, another scenario, another order, another file name: the earlier replicates are the same to the byte."""
    base = [f"end={end}", "record=trajectories"]
    _, old = _arrays([*base, f"replicates={few}", "scenario=baseline,peace_deal"])
    wrong, total = 0, sum(array.nbytes for array in old.values())
    _, more = _arrays([*base, f"replicates={many}", "scenario=baseline,peace_deal"])
    wrong += _same(old, more, (slice(None), slice(0, few)))
    (here / "scenario").mkdir(parents=True)
    shutil.copy(config_folder() / "scenario" / "peace_deal.yaml", here / "scenario" / "renamed.yaml")
    text = (here / "scenario" / "renamed.yaml").read_text("utf-8").replace("name: peace_deal", "name: renamed")
    (here / "scenario" / "renamed.yaml").write_text(text, "utf-8")
    for scenarios in ("baseline,ukraine_war,peace_deal", "peace_deal,baseline", "baseline,renamed"):
        labels, found = _arrays([*base, f"replicates={few}", f"scenario={scenarios}"], here)
        wrong += _same(old, found, [labels.index("baseline"), next(labels.index(name) for name in NAMES if name in labels)])
    return Finding(
        f"{few} to {many:,} replicates, a scenario added, reordered, its file renamed: {wrong} of {total:,} bytes differ", wrong
    )


NAMES = ("peace_deal", "renamed")


def pairs(replicates: int, shocks: Sequence[str] = ()) -> Finding:
    """Each shipped shock alone compared with none: the difference is exactly 0 in every replicate until the shock begins."""
    wrong, checked, moved, shocks = 0, 0, 0, shocks or Folders().options("shock")
    for name in shocks:
        plan = Plan(
            expand([f"region={REGION}", f"shock=[],[{name}]", "end=2037-01", f"replicates={replicates}", "record=trajectories"])
        )
        arrays = run_arrays(plan)
        first = min(first_instant(shock, plan.window) for shock in plan.configs[1].shock.values())
        for stock in (*STORED_STOCKS, *FLOWS):
            until = first + (stock not in FLOWS)
            before = arrays[stock][:, :, :until]
            wrong += int((before[1] - before[0] != 0).sum())
            checked += before[0].size
        moved += any((arrays[stock][1, :, first:] != arrays[stock][0, :, first:]).any() for stock in STORED_STOCKS)
    text = f"{len(shocks)} shocks alone ({moved} of them move a stock later), {checked:,} differences before their first step"
    return Finding(f"{text}, {wrong} not 0", wrong)


SCENARIOS = ("ukraine_war", "peace_deal", "trade_opening", "peace_and_trade", "all_three")


def variance_cut(replicates: int) -> Finding:
    """The ratio of the variance of an effect between independent replicates to that of the paired effect, on final alignments."""
    labels, arrays = _arrays([f"scenario=baseline,{','.join(SCENARIOS)}", f"replicates={replicates}", "record=trajectories"])
    ends, cut = arrays["alignment"][:, :, -1], {}
    for name in SCENARIOS:
        one, other = ends[labels.index(name)], ends[labels.index("baseline")]
        apart = one.var(axis=0, ddof=1) + other.var(axis=0, ddof=1)
        cut[name] = float(apart.sum() / (one - other).var(axis=0, ddof=1).sum())
    said = ", ".join(f"{name} {value:,.0f}" for name, value in cut.items())
    return Finding(f"variance of effects reduced by a factor of: {said}", sum(value < 10 for value in cut.values()))


def stray_draws(here: Path, replicates: int) -> Finding:
    """A shock with random date and occurrence, late in the run: nothing differs before it, or in replicates without it."""
    (here / "shock").mkdir(parents=True)
    (here / "shock" / "late.yaml").write_text(LATE, "utf-8")
    base = ["end=2030-01", f"replicates={replicates}", "record=trajectories"]
    _, without = _arrays([*base, "shock=[peace_deal]"], here)
    wrong, total = 0, 0
    for order in ("late,peace_deal", "peace_deal,late"):
        _, beside = _arrays([*base, f"shock=[{order}]"], here)
        struck = (beside["strain_war"] != without["strain_war"]).any(axis=(0, *range(2, beside["strain_war"].ndim)))
        for name in without:
            until = 12 * 7 + (name not in FLOWS)
            for part in ((slice(None), slice(None), slice(0, until)), (slice(None), ~struck)):
                wrong += _same({name: np.ascontiguousarray(without[name][part])}, {name: beside[name]}, part)
                total += without[name][part].nbytes
        wrong += not 0 < struck.sum() < replicates
    return Finding(f"a shock that draws twice, first and last in the list: {wrong} of {total:,} bytes differ", wrong)


LATE = """late:
  label: Late
  probability: 0.5
  effects:
    strain: {date: {from: "2029-02", to: "2029-10"}, kind: step, target: strain_war, who: {bloc: russia},
             size: 0.2, range: [0.1, 0.3], unit: share of means, source: judgement}
"""


def collisions(replicates: int) -> Finding:
    """The first draws of all streams and replicates of a sweep, and of seeds that simple schemes would mix up, are all distinct."""
    shocks = Folders().options("shock")
    plan = expand([f"region={REGION}", f"shock=[{','.join(shocks)}]", "end=2036-01", "sample=ranges", "draws=1"])
    numbers = [".".join(path) for path in evidence.ranges(plan[0].settings)]
    streams = [
        noise.LUCK,
        *(f"shock {name}" for name in shocks),
        *(f"{way} {name}" for way in ("range", "latin") for name in numbers),
    ]
    seeds = [0, 1, 2, 5, 2026, 2**31, 2**32, 2**32 + 1, 2**32 + 5]
    found, tried = set(), 0
    for seed, stream in itertools.product(seeds, streams):
        found |= {tuple(row) for row in noise.uniforms(seed, stream, range(2), 2).tolist()}
        tried += 2
    for replicate in (2**16, 2**32 - 1, 2**32, 2**32 + 1, 2**40, 2**63):
        found |= {tuple(row) for row in noise.uniforms(5, noise.LUCK, range(replicate, replicate + 1), 2).tolist()}
        tried += 1
    for first in range(0, replicates, 10_000):
        count = min(10_000, replicates - first)
        found |= {tuple(row) for row in noise.uniforms(7, noise.LUCK, range(first, first + count), 2).tolist()}
        tried += count
    return Finding(
        f"{tried:,} keys of {len(streams)} streams, {len(seeds)} seeds: {tried - len(found)} collisions", tried - len(found)
    )


def limits(cases: int, seed: int = 1) -> Finding:
    """Made-up regions and runs at the limits of allowed settings."""
    draw = random.Random(seed)
    found = [limit_case(*(draw.choice(values) for values in LIMITS.values()), seed=draw.randrange(1000)) for _ in range(cases)]
    wrong = [said for said in found if said not in (RAN, REFUSED)]
    text = f"{cases:,} made-up regions and runs: {found.count(RAN):,} ran within all ranges, {found.count(REFUSED):,} were refused"
    return Finding("; ".join([text, *wrong[:1]]), len(wrong))


RAN, REFUSED = "ran", "refused"
LIMITS = {
    "states": (0, 1, 1, 1, 2, 2, 2, 3, 3, 7),
    "blocs": (0, 1, 1, 1, 2, 2, 2, 3, 3, 3),
    "periods": (0, 1, 1, 1, 2, 2, 2, 3, 3, 5),
    "replicates": (0, 1, 1, 1, 1, 1, 2, 2, 2, 3),
    "alignment": (*[None] * 10, -1.0, 1.0, -0.999, 0.999, -0.9, 0.9, 0.0, 1.0000001, -1.5, 1e308),
    "shock": (*[None] * 5, "within", "within", "within", "at the end", "after the end", "before"),
}
"""The values of a case: sizes, one alignment of the opening, when a shock begins."""


def limit_case(
    states: int, blocs: int, periods: int, replicates: int, alignment: float | None, shock: str | None, seed: int = 0
) -> str:
    """The outcome of one run: `RAN` with all numbers in range, `REFUSED` for a good reason, or a description of the failure."""
    reasons = [not states, not blocs, not periods, not replicates, alignment is not None and abs(alignment) >= 1]
    reasons += [shock in ("at the end", "after the end", "before")]
    try:
        arrays = _limit_run(states, blocs, periods, replicates, alignment, shock, seed)
    except SettingError as error:
        if any(reasons) or alignment is not None:  # an extreme alignment may have no anchor
            return REFUSED if len(str(error).splitlines()) <= 2 else f"a long refusal: {error}"
        return f"refused without a reason: {error}"
    if any(reasons):
        return f"not refused: {states} x {blocs}, {periods}, {replicates}, {alignment}, {shock}"
    for name in RECORDED:
        quantity, array = QUANTITIES[name], arrays[name]
        if not ((array >= quantity.low - SLACK) & (array <= quantity.high + SLACK)).all():
            return f"{name} leaves its range: {states} x {blocs}, {periods}, {replicates}, {alignment}, {shock}"
    return RAN


def _limit_run(
    states: int, blocs: int, periods: int, replicates: int, alignment: float | None, shock: str | None, seed: int
) -> dict[str, Array]:
    tables = random_region(states, blocs, seed) if states and blocs else _emptied(random_region(2, 2, seed), states, blocs)
    region = tables["region"]
    if alignment is not None and states and blocs:
        region["states"]["s000"]["alignment"]["b000"] = alignment
    year, month = divmod(periods, 12)
    tables |= {"end": f"{2022 + year}-{month + 1:02d}", "replicates": replicates, "record": "trajectories", "seed": seed}
    if shock and blocs:
        date = {"within": "2022-01-10", "at the end": tables["end"], "after the end": "2024-06-01", "before": "2021-12-01"}[shock]
        effect = {"date": date, "kind": "step", "target": "strain_war", "who": {"bloc": "b000"}, "size": 0.3, "range": [0.1, 0.5]}
        effects = {"one": effect | {"unit": QUANTITIES["strain_war"].unit, "source": "judgement"}}
        tables["shock"] = {"forcing": {"label": "Forcing", "probability": 1.0, "effects": effects}}
    return run_arrays(Plan([from_tables(tables)]))


def _emptied(tables: dict[str, Any], states: int, blocs: int) -> dict[str, Any]:
    region = tables["region"]
    return tables | {"region": region | ({} if states else {"states": {}}) | ({} if blocs else {"blocs": {}})}


def soak(here: Path, replicates: int) -> Finding:
    """A sweep of very many replicates, folded as they run: its peak memory, and the growth of the peak over the last half."""
    said = ["sweep", "region=toy", "scenario=baseline", f"replicates={replicates}", "end=2023-01", "record=summaries"]
    process, seen = faults.start(here, [*said, "engine.workers=1", f"out={OUT}"]), []
    assert process.stdout
    began = time.monotonic()
    while process.poll() is None:
        chunks = len(list((here / OUT / "chunks").glob("*.json")))
        seen.append((chunks, _resident(process.pid)))
        time.sleep(0.2)
    code, _ = faults.finish(process)
    peak = max(resident for _, resident in seen)
    all_of = max(chunks for chunks, _ in seen)
    half = [
        max((resident for chunks, resident in seen if low <= chunks < high), default=0)
        for low, high in ((1, all_of // 2), (all_of // 2, all_of))
    ]
    growth = half[1] / half[0] - 1
    took = time.monotonic() - began
    text = f"{replicates:,} replicates in {took:.0f} s: peak {peak / 1e6:.0f} MB, growth over the last half {growth:+.1%}"
    return Finding(text, (code != 0) + (peak > 500e6) + (growth > 0.02))


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")), 0)
