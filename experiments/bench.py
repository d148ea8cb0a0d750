"""What the README says of speed and memory, measured here: medians of several runs, most as ratios within this one run.

python experiments/bench.py
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

REPEATS = 5
HEADLINE = ["study=headline"]


def seconds(action: Callable[[], object], repeats: int = REPEATS) -> float:
    """The median seconds of an action."""
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def command(*argv: str) -> Callable[[], object]:
    """The `sim` command as a process of its own, in an empty folder."""

    def call() -> None:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "sim", *argv], cwd=folder, check=True, capture_output=True)

    return call


def first_simulation() -> float:
    """Seconds from the headline's configs to its Dataset, the first time in a process: nothing is composed yet."""
    code = (
        "import time; from sim.compose import expand; from sim.simulate import simulate; start = time.perf_counter();"
        f"simulate(expand({HEADLINE})); print(time.perf_counter() - start)"
    )
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def simulation() -> dict[str, float]:
    """Seconds of the headline study's simulation, and steps per second of the kernel and of the Mesa face."""
    from sim.compose import expand
    from sim.model import RegionModel
    from sim.simulate import Plan, run_arrays

    variants = expand(HEADLINE)
    plan = Plan(variants)
    steps = plan.window.periods * plan.config.replicates * len(variants)
    kernel = seconds(lambda: run_arrays(plan))
    hardest = max((variant.config for variant in variants), key=lambda config: len(config.shock))
    mesa = seconds(lambda: RegionModel(hardest).run(), repeats=3)
    return {
        "headline_simulation_seconds": statistics.median(first_simulation() for _ in range(REPEATS)),
        "kernel_steps_per_second": steps / kernel,
        "mesa_steps_per_second": plan.window.periods / mesa,
        "kernel_against_mesa": (steps / kernel) / (plan.window.periods / mesa),
    }


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


def start_seconds(said: list[str]) -> float:
    """Seconds from overrides to the first step of the kernel, in a process that has composed nothing but the toy region."""
    code = (
        "import time; from sim import kernel; from sim.compose import expand; from sim.simulate import Plan, run_arrays\n"
        "class Begun(Exception): pass\n"
        "def begin(*_): raise Begun\n"
        "expand(['region=toy']); kernel.step = begin; start = time.perf_counter()\n"
        f"try: run_arrays(Plan(expand({[*said, 'replicates=1']})))\n"
        "except Begun: print(time.perf_counter() - start)"
    )
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def starts() -> dict[str, float]:
    """How long each design of a thousand variants takes until it computes."""
    return {
        f"start_of_1000_{name}_seconds": statistics.median(start_seconds(said) for _ in range(REPEATS))
        for name, said in THOUSAND.items()
    }


def peak_megabytes() -> float:
    """The peak memory of the whole headline command, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        code = f"import sys, resource; from sim.cli import run_command; run_command({['sweep', *HEADLINE]!r});"
        code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
        found = subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True)
    return int(found.stderr.split()[-1]) / 1024


def main() -> None:
    """Print every figure, with what they were measured on."""
    figures: dict[str, object] = {
        "python": sys.version.split()[0],
        "cores": len(os.sched_getaffinity(0)),
        "sim_help_seconds": seconds(command("--help")),
        "sim_run_help_seconds": seconds(command("run", "--help")),
        "headline_command_seconds": seconds(command("sweep", *HEADLINE), repeats=3),
        "headline_command_peak_megabytes": peak_megabytes(),
        **simulation(),
        **starts(),
    }
    print(json.dumps({name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}, indent=1))


if __name__ == "__main__":
    main()
