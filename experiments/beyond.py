"""The plan of a thousand million replicates in docs/beyond.md: rates and sizes measured here, totals by multiplication.

python -m experiments.beyond     (one core, a minute or two; prints the table)
"""

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sim.commands.plan import duration, size
from sim.compose.expand import expand
from sim.engine.ensemble import tasks
from sim.engine.plan import Plan, job_of
from sim.engine.workers import do_task
from sim.names import OUTCOMES
from sim.results.chunk_store import Store
from sim.results.packing import unpacked

TOTAL, RUNS, CORES, REPEATS = 10**9, 1000, 1000, 3
REPLICATES = 1024
"""Replicates of the sample that is timed."""
ENDS = {"120 months": "2032-01", "360 months": "2052-01"}


@dataclass(frozen=True)
class Sample:
    """Time and size of one chunk of summaries."""

    variants: int
    periods: int
    chunks: int
    """Chunks of one run of the plan, cut by default."""
    seconds: float
    """Seconds of one core for the chunk, writing included."""
    per_chunk: int
    """Bytes of statistics, which do not grow with the number of replicates."""
    per_replicate: float
    """Bytes of the outcomes that are recorded for every replicate."""

    @property
    def rate(self) -> float:
        """Replicate-steps a second."""
        return self.variants * REPLICATES * self.periods / self.seconds


def sample(end: str) -> Sample:
    """Time and size of a chunk of the headline study with an end date."""
    overrides = ["study=headline", "record=summaries", f"end={end}"]
    plan = Plan(expand([*overrides, f"replicates={REPLICATES}"]))
    job = job_of(plan)
    (task,) = tasks(job, REPLICATES)
    took = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), "sample")
        for _ in range(REPEATS):
            start = time.process_time()
            do_task(job, task, store)
            took.append(time.process_time() - start)
        content = store.path(task).read_bytes()
    arrays = unpacked(content)
    outcomes = sum(arrays[name].nbytes for name in OUTCOMES)
    whole = job_of(Plan(expand([*overrides, f"replicates={TOTAL // RUNS // len(plan.variants)}"])))
    return Sample(
        variants=len(plan.variants),
        periods=plan.window.periods,
        chunks=len(tasks(whole)),
        seconds=statistics.median(took),
        per_chunk=len(content) - outcomes,
        per_replicate=outcomes / task.worlds,
    )


def rows(found: Sample) -> list[str]:
    """The cells of a column of the table."""
    core_seconds = TOTAL * found.periods / found.rate
    per_run = found.chunks * found.per_chunk + TOTAL / RUNS * found.per_replicate
    return [
        f"{found.rate:,.0f}",
        f"{core_seconds / 3600:,.0f}",
        duration(core_seconds / CORES),
        f"{RUNS * found.chunks:,}",
        duration(core_seconds / RUNS / found.chunks),
        size(round(per_run / found.chunks)),
        size(round(RUNS * per_run)),
        size(round(TOTAL * found.per_replicate)),
    ]


NAMES = [
    "steps a second on one core, writing included",
    "core-hours",
    f"wall time on {CORES:,} cores",
    "chunks",
    "one chunk takes",
    "size of one chunk",
    "size of all chunks",
    "of that, the outcomes of each replicate",
]


def main() -> None:
    """Print the table."""
    columns = [rows(sample(end)) for end in ENDS.values()]
    print("\n".join([f"| | {' | '.join(ENDS)} |", "|---|---|---|"]))
    print("\n".join(f"| {' | '.join(cells)} |" for cells in zip(NAMES, *columns, strict=True)))


if __name__ == "__main__":
    main()
