"""Measures speed and memory for docs/bench.md and docs/guide.md: medians of several rounds, ratios within each of them.

python -m experiments.bench            everything, some ten minutes; writes docs/bench.md and the table of docs/guide.md
python -m experiments.bench PART ...   some of the parts, printed only
python -m experiments.bench gpu        where JAX computes on a GPU; writes docs/bench_gpu.md
python -m experiments.bench --quick    everything small, printed only
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from experiments.bench import ceilings, engine, gpu, page, storage
from sim.results.software import installed_version

GPU = "gpu"
PARTS: dict[str, Callable[[bool], Any]] = {
    "engine": engine.contenders,
    "ceilings": lambda quick: ceilings.floors(),
    "worlds": engine.over_worlds,
    "actors": lambda quick: engine.over_actors(ceilings.asked, quick),
    "storage": lambda quick: {"runs": storage.storage(quick), "disk": storage.disk_bytes_a_second()},
    "jobs": storage.jobs,
    "commands": storage.commands,
    GPU: gpu.rates,
}


def machine() -> dict[str, object]:
    """The machine and versions that the figures were measured with, and its load before."""
    model = Path("/proc/cpuinfo").read_text().partition("model name")[2].partition("\n")[0]
    versions = {name: installed_version(name) for name in ("numpy", "mesa", "jax")}
    return {
        "processor": model.strip("\t: ") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory, GB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "Python": platform.python_version(),
        **versions,
        "JAX computes on": engine.device(),
        "date": datetime.now(UTC).date().isoformat(),
        "load before (1, 5, 15 minutes)": ", ".join(f"{value:.1f}" for value in os.getloadavg()),
    }


def main() -> None:
    """Measure the parts that are named, or all but `gpu`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds")
    options = parser.parse_args()
    found: dict[str, Any] = {"machine": machine()}
    for name in options.parts or [name for name in PARTS if name != GPU]:
        start = time.perf_counter()
        found[name] = PARTS[name](options.quick)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    print(json.dumps(found, indent=1, default=float))
    if not options.parts and not options.quick:
        page.write(found)
    if options.parts == [GPU] and found[GPU] and not options.quick:
        gpu.write(found["machine"], found[GPU])


if __name__ == "__main__":
    main()
