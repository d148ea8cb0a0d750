"""The time that storing takes, that many jobs take, and that whole commands take."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from experiments.bench.engine import SHORT_END, ratio, rounds_of, workload
from sim.engine import ensemble, workers
from sim.engine.plan import Plan, job_of
from sim.engine.runs import run_arrays
from sim.results.chunk_store import Store

ROOT = Path(__file__).parents[2]
HEADLINE = ["study=headline"]
STORED: dict[str, dict[str, Any]] = {
    "trajectories, 3 x 6": {"states": 3, "blocs": 6, "replicates": 64},
    "trajectories, 20 x 8": {"states": 20, "blocs": 8, "replicates": 6},
    "summaries, 3 x 6": {"states": 3, "blocs": 6, "replicates": 2_000, "record": "summaries", "end": SHORT_END},
    "summaries, 20 x 8": {"states": 20, "blocs": 8, "replicates": 256, "record": "summaries", "end": SHORT_END},
}
"""Runs that are timed with a store and without."""


def stored(plan: Plan, folder: Path) -> None:
    """Compute a run chunk by chunk into a store, each chunk hashed and synced, as a command does; one process."""
    shutil.rmtree(folder, ignore_errors=True)
    job = job_of(plan)
    for _ in workers.compute(job, ensemble.tasks(job), store=Store(folder, "bench")):
        pass


def chunked(plan: Plan) -> None:
    """Compute the same chunks and drop each: the time that chunks take without the store."""
    job = job_of(plan)
    for _ in workers.compute(job, ensemble.tasks(job)):
        pass


def storage(quick: bool) -> dict[str, dict[str, float]]:
    """Steps a second in memory and stored, and the share of time that storing adds, one process."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in STORED.items():
            plan = workload(**{**settings, "replicates": settings["replicates"] // (4 if quick else 1)})
            steps = len(plan.variants) * plan.config.replicates * plan.window.periods
            ways: dict[str, tuple[Callable[[], object], int]] = {
                "in memory": (partial(run_arrays, plan), steps),
                "chunks dropped": (partial(chunked, plan), steps),
                "stored": (partial(stored, plan, Path(folder) / "run"), steps),
            }
            rates = rounds_of(ways, 1 if quick else 3)
            size = sum(file.stat().st_size for file in (Path(folder) / "run").rglob("*.npz"))
            found[name] = {way: statistics.median(values) for way, values in rates.items()} | {
                "overhead": ratio(rates, "in memory", "stored") - 1,
                "bytes a step": size / steps,
                "chunks": len(ensemble.tasks(job_of(plan))),
            }
    return found


def disk_bytes_a_second(size: int = 2**28) -> float:
    """How fast a large file of random bytes is written to the disk of temporary folders, synced; bytes a second."""
    content, took = os.urandom(2**20) * (size // 2**20), []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(3):
            start = time.perf_counter()
            with (Path(folder) / str(number)).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            took.append(time.perf_counter() - start)
    return size / statistics.median(took)


# Commands -------------------------------------------------------------------------------------------------------------------

JOBS, LAUNCHED = 200, 20
JOB = ["replicates=10"]


def swept(count: int) -> str:
    """The override of `count` jobs that differ in one number."""
    return "dynamics.vigilance=" + ",".join(f"{number / 100:g}" for number in range(count))


@contextmanager
def empty_folder() -> Iterator[str]:
    """A folder to work in."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


def command_seconds(argv: list[str], repeats: int = 3) -> float:
    """The median seconds of a Python command as a process of its own, in an empty folder."""
    took = []
    for _ in range(repeats):
        with empty_folder() as folder:
            start = time.perf_counter()
            subprocess.run([sys.executable, *argv], cwd=folder, check=True, capture_output=True)
            took.append(time.perf_counter() - start)
    return statistics.median(took)


def jobs(quick: bool) -> dict[str, float]:
    """Seconds of 200 jobs by `sim run -m`, and of fewer by Hydra's basic launcher, with an extrapolation to 200."""
    launcher = [str(ROOT / "experiments" / "run.py"), "-m", *JOB]
    ours = ["-m", "sim", "run", "-m", *JOB]
    one, some = (command_seconds([*launcher, swept(count)], 1) for count in (1, LAUNCHED))
    return {
        "sim run -m": command_seconds([*ours, swept(JOBS)], 1 if quick else 3),
        "sim run -m over seeds": command_seconds([*ours, f"seed=range(0,{JOBS})"], 1 if quick else 3),
        "launcher, one job": one,
        "launcher, some jobs": some,
        "launcher, all jobs": some + (JOBS - LAUNCHED) * (some - one) / (LAUNCHED - 1),
    }


def first_simulation() -> float:
    """Seconds from the headline's configs to its Dataset in a new process, in which nothing is composed yet."""
    code = (
        "import time; from sim.compose.expand import expand; from sim.engine.runs import simulate; start = time.perf_counter();"
        f"simulate(expand({HEADLINE})); print(time.perf_counter() - start)"
    )
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


THOUSAND = {
    "ranges": ["scenario=all_three", "sample=ranges", "draws=1000"],
    "latin": ["scenario=all_three", "sample=ranges", "draws=1000", "design=latin"],
    "sobol": [
        *("scenario=all_three", "draws=1000", "design=sobol", "dynamics.vigilance=interval(0,2)"),
        *("dynamics.relay=interval(0,1)", "region.states.armenia.speed=interval(0.3,0.6)"),
    ],
    "grid": ["scenario=all_three", "dynamics.vigilance=range(0,2,0.002)"],
}
"""Designs of a thousand variants."""


def start_seconds(overrides: list[str]) -> float:
    """Seconds from overrides to the first step of the kernel, in a process that has composed nothing but the toy region."""
    code = (
        "import time; from sim.science import kernel; from sim.compose.expand import expand\n"
        "from sim.engine.plan import Plan; from sim.engine.runs import run_arrays\n"
        "class Begun(BaseException): pass\n"
        "def begin(*_): raise Begun\n"
        "expand(['region=toy']); kernel.step = begin; start = time.perf_counter()\n"
        f"try: run_arrays(Plan(expand({[*overrides, 'replicates=1']})))\n"
        "except Begun: print(time.perf_counter() - start)"
    )
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def headline_peak() -> float:
    """The peak memory in megabytes of the whole headline command, in a process of its own."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from sim.commands.cli import run_command;"
    code += f"run_command({['sweep', *HEADLINE]!r});"
    code += "from experiments.bench.engine import peak_megabytes; print(peak_megabytes(), file=sys.stderr)"
    with empty_folder() as folder:
        found = subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True)
    return float(found.stderr.split()[-1])


def commands(quick: bool) -> dict[str, Any]:
    """Seconds of whole commands, the peak of the headline study, and the seconds until the first step of large designs."""
    repeats = 1 if quick else 3
    return {
        "sim --help": command_seconds(["-m", "sim", "--help"], 5),
        "sim run --help": command_seconds(["-m", "sim", "run", "--help"], 5),
        "headline": command_seconds(["-m", "sim", "sweep", *HEADLINE], repeats),
        "headline peak": headline_peak(),
        "headline simulation": statistics.median(first_simulation() for _ in range(repeats)),
        "starts": {name: statistics.median(start_seconds(given) for _ in range(repeats)) for name, given in THOUSAND.items()},
    }
