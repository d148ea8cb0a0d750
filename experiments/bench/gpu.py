"""Speed of the compiled kernel where JAX computes on a GPU: by how many replicates it computes at once, compared with NumPy.

Rounds include both: the kernel alone, with noise and constants on the GPU already and nothing copied back; and the whole run, with
the random draws, and the alignments copied back to memory.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from experiments.bench.engine import MONTHS, VARIANTS, compiled, ratio, rounds_of, stretch, workload
from sim.engine import compiled as accelerated
from sim.engine import ensemble
from sim.engine.plan import job_of
from sim.engine.tracing import library

DOCUMENT = Path(__file__).parents[2] / "docs" / "bench_gpu.md"
ROUNDS = 3
BLOCKS = {(3, 6): (64, 256, 1024, 4096), (20, 8): (64, 256, 1024)}
"""Replicates computed at once, by states and blocs."""
BESIDE = {(3, 6): 64, (20, 8): 8}
"""Replicates that NumPy computes."""


def prepared(size: tuple[int, int], precision: str, block: int) -> tuple[Callable[[], object], Callable[[], dict[str, Any]]]:
    """Two calls: the kernel on arrays that are on the GPU, and the whole run from random draws to alignments in memory."""
    jax = library()
    job = job_of(workload(*size, block, engine={"backend": "jax", "precision": precision}))
    held: dict[str, Any] = {}
    real = accelerated._compiled

    def noting(*settings: Any) -> Callable[..., Any]:
        kernel = real(*settings)

        def call(*given: Any) -> Any:
            held.update(kernel=kernel, given=given)
            return kernel(*given)

        return call

    def whole() -> dict[str, Any]:
        ensemble._luck.cache_clear()
        return compiled(job, range(block), block)

    accelerated._compiled = noting
    with jax.enable_x64(precision == "float64"):
        whole()
        given = jax.device_put(held["given"])
    accelerated._compiled = real

    def alone() -> None:
        with jax.enable_x64(precision == "float64"):
            jax.block_until_ready(held["kernel"](*given))

    return alone, whole


def worst(size: tuple[int, int], precision: str, replicates: int = 64) -> float:
    """The largest difference of an alignment from that of NumPy in double precision, over all replicates and months."""
    found = prepared(size, precision, replicates)[1]()["alignment"]
    job = job_of(workload(*size, replicates))
    expected = ensemble.run_task(job, ensemble.tasks(job, replicates)[0])["alignment"].transpose(3, 4, 0, 1, 2)
    return float(abs(found - expected).max())


def rates(quick: bool) -> dict[str, Any]:
    """Steps a second by size, precision and block, and of NumPy; empty where JAX computes on the processor."""
    jax = library()
    if jax.default_backend() == "cpu":
        return {}
    found: dict[str, Any] = {}
    for size, blocks in BLOCKS.items():
        for precision in ("float32", "float64"):
            job = job_of(workload(*size, BESIDE[size], engine={"precision": precision}))
            ways: dict[str, tuple[Callable[[], object], int]] = {
                "NumPy": (partial(stretch, job, 0, BESIDE[size], "nothing"), BESIDE[size] * VARIANTS * MONTHS)
            }
            starts = {}
            for block in blocks[:2] if quick else blocks:
                start = time.perf_counter()
                alone, whole = prepared(size, precision, block)
                starts[block] = time.perf_counter() - start
                ways[f"kernel, {block}"] = alone, block * VARIANTS * MONTHS
                ways[f"whole, {block}"] = whole, block * VARIANTS * MONTHS
            measured = rounds_of(ways, 1 if quick else ROUNDS)
            found[f"{size[0]} x {size[1]}, {precision}"] = {
                "rates": {
                    name: {"rate": statistics.median(values), "times": ratio(measured, name, "NumPy")}
                    for name, values in measured.items()
                },
                "starts": starts,
                "worst": worst(size, precision),
            }
            print(found, flush=True)
    return found


def write(machine: dict[str, Any], found: dict[str, Any]) -> None:
    """Write the page of speed on a GPU."""
    from experiments.bench.page import number, table

    lines = [
        "# Speed on a GPU",
        "",
        "Made by `python -m experiments.bench gpu` on a machine that has one; no number here is written by hand. The",
        "workload is that of [bench.md](bench.md): 360 months, 16 variants on common random numbers. Steps are replicate-steps a",
        f"second, medians of {ROUNDS} rounds. The kernel alone has its noise on the GPU and leaves the alignments there. The",
        "whole run draws the noise on one core and copies all alignments back, which takes most of its time. NumPy is",
        "one process on the same machine; a ratio is the median of ratios within a round. A run computes",
        f"{accelerated.BLOCK} replicates at once, as in the first row, and copies back all stocks and flows; the other rows are",
        "what the kernel can reach.",
        "",
        *table(["", ""], [[name, value] for name, value in machine.items()]),
        "",
    ]
    for title, part in found.items():
        rates = part["rates"]
        blocks = list(part["starts"])
        rows: list[list[object]] = [["NumPy", rates["NumPy"]["rate"], 1, "", "", ""]]
        for block in blocks:
            alone, whole = rates[f"kernel, {block}"], rates[f"whole, {block}"]
            rows.append([block, alone["rate"], alone["times"], whole["rate"], whole["times"], f"{part['starts'][block]:.1f}"])
        head = ["replicates at once", "kernel", "times NumPy", "whole run", "times NumPy", "seconds of the first call"]
        lines += [f"## {title}", "", *table(head, rows), ""]
        text = f"No alignment of 64 replicates differs from that of NumPy in double precision by more than {number(part['worst'])}."
        lines += [text, ""]
    DOCUMENT.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
