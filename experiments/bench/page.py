"""The page of speed and memory: what was measured in one run of `bench.py`, Markdown out, and the table of docs/guide.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCUMENT, GUIDE = ROOT / "docs" / "bench.md", ROOT / "docs" / "guide.md"
TITLE = "## Performance\n"
NUMPY, NUMPY_TWO = "NumPy float64, one process", "NumPy float64, two processes"
SINGLE_TWO, JAX_TWO = "NumPy float32, two processes", "JAX float32, two processes"
PROCESSES = {"one process": 1, "two processes": 2}


def number(value: float) -> str:
    """A figure with three significant digits, as text."""
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(number(cell) if isinstance(cell, float) else str(cell) for cell in line) + " |" for line in lines]


def met(value: float, bound: float, least: bool = True) -> str:
    """`met` where a figure is within its bound, else `**missed**`."""
    return "met" if (value >= bound if least else value <= bound) else "**missed**"


def document(found: Mapping[str, Any]) -> str:
    """The page of all parts."""
    machine = found["machine"]
    lines = [
        "# Speed and memory",
        "",
        "Made by `make bench`; no number here is written by hand. Medians over rounds; ratios are medians of ratios",
        "within a round, in which all implementations run one after the other.",
        "",
        *table(["", ""], [[name, value] for name, value in machine.items()]),
        "",
        *_targets(found),
        *_ways(found["engine"]),
        *_floors(found["ceilings"], found["engine"]),
        *_replicates(found["worlds"]),
        *_actors(found["actors"]),
        *_storage(found["storage"]),
        *_commands(found["jobs"], found["commands"]),
    ]
    return "\n".join(lines) + "\n"


def _targets(found: Mapping[str, Any]) -> list[str]:
    """The table of aims: bound, figure, and whether it was met."""
    small, large = (found["engine"][f"{size}, nothing"] for size in ("3 x 6", "20 x 8"))
    rows: list[list[object]] = []

    def add(what: str, value: float, bound: float, least: bool = True, unit: str = "") -> None:
        sign = "at least" if least else "at most"
        shown = number(value) if number(value) != number(bound) else f"{value:.4g}"
        rows.append([what, f"{sign} {bound:g}{unit}", f"{shown}{unit}", met(value, bound, least)])

    for size, ways, bound in (("3 x 6", small, 120), ("20 x 8", large, 100)):
        add(f"NumPy float64, one process, times plain agents at {size}", ways[NUMPY]["plain"], bound)
        add(f"the same, times the Mesa model at {size}", ways[NUMPY]["face"], bound)
        add(f"two processes, times one at {size}", ways[NUMPY_TWO]["one"], 1.5)
        if JAX_TWO in ways:
            add(f"JAX float32, two cores, times NumPy float32, two processes at {size}", ways[JAX_TWO]["single"], 1.4)
            add(f"JAX float32, two cores, times the Mesa model at {size}", ways[JAX_TWO]["face"], 600)
    for size in ("3 x 6", "20 x 8"):
        for name in SHARES:
            if name in found["engine"][f"{size}, nothing"]:
                share = 100 * _share(found["ceilings"], found["engine"], size, name)
                add(f"share of the floor, {name} at {size}", share, 40 if name.startswith("JAX") else 25, unit=" %")
    cost = [row["microseconds"] for row in found["worlds"]]
    add(
        f"cost of a step, dearest against cheapest, {found['worlds'][0]['worlds']:,} to a million replicates",
        max(cost) / min(cost),
        1.15,
        False,
    )
    large_cost = [row["microseconds"] for row in found["worlds"] if row["worlds"] >= 1000]
    add("the same from 1,000 replicates on", max(large_cost) / min(large_cost), 1.15, False)
    add("peak memory at the most replicates, summaries over 12 months", found["worlds"][-1]["peak"], 500, False, " MB")
    add("growth of the peak over its last half", 100 * found["worlds"][-1]["growth"], 2, False, " %")
    for name, row in found["storage"]["runs"].items():
        add(f"what storing adds, {name}", 100 * row["overhead"], 10, False, " %")
    add("200 jobs of `sim run -m` that differ in a number", found["jobs"]["sim run -m"], 6, False, " s")
    add("the same, of a seed each", found["jobs"]["sim run -m over seeds"], 6, False, " s")
    return ["## Aims", "", *table(["aim", "bound", "found", ""], rows), ""]


RECORDED = {
    "nothing": "Agents and the kernel drop each period. JAX returns the alignments: of a run that returns nothing it\n"
    "computes nothing.",
    "all": "Every stock and flow of every period stays in memory: agents hold lists of their rows, the engine its arrays, which\n"
    "are touched for the first time as they are written.",
}


def _ways(engine: Mapping[str, Any]) -> list[str]:
    """The tables of all implementations that compute the same replicates."""
    lines = [
        "## The whole model in every implementation",
        "",
        "A made-up region, 360 months, 16 variants on common random numbers, each with its own vigilance and all but the first",
        "with a shock. Every time includes the random draws. Plain agents are Mesa agents on plain Python floats",
        "(`experiments/bench/plain_agents.py`), the Mesa model is `RegionModel` with its collector off; both run one replicate at",
        "a time. Processes are started before the timing.",
        "",
    ]
    for title, ways in engine.items():
        size, _, recorded = title.partition(", ")
        rows = [[name, way["rate"], way["plain"], way["face"], way["one"] if "two" in name else ""] for name, way in ways.items()]
        head = ["implementation", "replicate-steps a second", "times plain agents", "times the Mesa model", "times its one process"]
        lines += [f"### {size}, {recorded} recorded", "", RECORDED[recorded], "", *table(head, rows), ""]
    return lines


SHARES = (NUMPY, "NumPy float32, one process", "JAX float64, two processes", JAX_TWO)
"""Implementations whose share of the floor is reported."""


def _share(ceilings: Mapping[str, Any], engine: Mapping[str, Any], size: str, name: str) -> float:
    """The share of the floor's speed that an implementation reaches, on as many cores as it has processes."""
    floor = sum(ceilings[size]["floor"]["float32" if "float32" in name else "float64"].values())
    return engine[f"{size}, nothing"][name]["rate"] * floor / PROCESSES[name.partition(", ")[2]]


def _floors(ceilings: Mapping[str, Any], engine: Mapping[str, Any]) -> list[str]:
    """The rates of the machine, the operations of a step, the floor, and the share of it that is reached."""
    rates = ceilings["ceilings"]
    lines = [
        "## Ceilings and floor",
        "",
        "Rates of one core by NumPy, the best of several rounds: on arrays that stay in its cache, normals as the project",
        "draws them, products of many small matrices, memory as arrays of 32 M numbers that were touched before.",
        "",
    ]
    byte = ("write", "copy")
    rows = [
        [f"{name}, {'GB' if name in byte else 'GFLOP' if 'product' in name else 'M'}/s"]
        + [rates[precision][name] / (1e9 if name in byte or "product" in name else 1e6) for precision in rates]
        for name in rates["float64"]
    ]
    lines += [*table(["ceiling", *rates], rows), ""]
    lines += [
        "Operations of a replicate-step, counted by running the rules on arrays that count",
        "(`experiments/bench/ceilings.py`). Normals are shared by 16 variants. The floor is the sum of their times",
        "without overlap, arithmetic at the rate of the best small product.",
        "",
    ]
    for size in ("3 x 6", "20 x 8"):
        asked, floor = ceilings[size]["operations"], ceilings[size]["floor"]
        rows = [[kind, asked[kind], *(1e9 * floor[precision][kind] for precision in floor)] for kind in asked]
        sums = [sum(floor[precision].values()) for precision in floor]
        rows += [["all", sum(asked.values()), *(1e9 * value for value in sums)]]
        rows += [["steps a second on one core at the floor", "", *(1 / value for value in sums)]]
        shares = [
            [name, engine[f"{size}, nothing"][name]["rate"], f"{100 * _share(ceilings, engine, size, name):.0f} %"]
            for name in SHARES
            if name in engine[f"{size}, nothing"]
        ]
        lines += [f"### {size}", "", *table(["operation", "number", *(f"{precision}, ns" for precision in floor)], rows), ""]
        lines += [*table(["implementation", "replicate-steps a second", "share of the floor"], shares), ""]
    lines += [
        f"What limits NumPy: a step is {ceilings['3 x 6']['passes']} passes over whole arrays besides products and copies,",
        "each written before the next reads it, so that simple arithmetic runs at the rate of the outer cache and not of",
        "the registers; and products are transposed to lie matrix by matrix and back. JAX fuses the passes; it writes small",
        "products out as sums, which at 20 x 8 are 20 terms each, and NumPy draws the noise before the compiled code begins.",
        "One JAX process uses all cores for large arrays, so that a second process adds little there.",
        "",
    ]
    return lines


def _replicates(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """Cost and memory by the number of replicates."""
    shown = [[f"{row['worlds']:,}", row["microseconds"], row["peak"], f"{100 * row['growth']:.1f} %"] for row in rows]
    return [
        "## From a hundred replicates to a million",
        "",
        "3 x 6, 12 months, 4 variants, summaries folded while running and stored; one process of its own for each row. Medians",
        "of three rounds, in each of which every number of replicates is run once; the million is run in one round only.",
        "Growth is that of the peak over the second half of the chunks. A step of few replicates costs its calls and not its",
        "numbers: some 300 passes of the rules and as many of the measures, each of a microsecond or more however few the",
        "replicates. That is why 100 replicates miss the bound; a run of them takes seconds.",
        "",
        *table(["replicates", "microseconds a replicate-step", "peak, MB", "growth"], shown),
        "",
    ]


def _actors(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """How cost grows with states and blocs."""
    from math import log

    shown: list[list[object]] = []
    for before, row in zip([None, *rows], rows, strict=False):
        name = f"{row['states']:.0f} x {row['blocs']:.0f}"
        growth: list[object] = ["", ""]
        if before:
            wider = log(row["states"] * row["blocs"] / before["states"] / before["blocs"])
            growth = [log(row[key] / before[key]) / wider for key in ("microseconds", "operations")]
        shown.append([name, row["microseconds"], row["operations"], *growth])
    return [
        "## More states and blocs",
        "",
        "Four replicates of one variant, 12 months, nothing recorded. The exponents give how cost, and the operations that the",
        "rules require, grow with states times blocs from the row above; ties, roads and peer influence are between every two",
        "states, and so grow with their square.",
        "",
        *table(
            ["states x blocs", "microseconds a replicate-step", "operations", "exponent of cost", "exponent of operations"], shown
        ),
        "",
    ]


def _storage(found: Mapping[str, Any]) -> list[str]:
    """The time that storing adds."""
    rows = [
        [name, row["in memory"], row["stored"], f"{100 * row['overhead']:.0f} %", row["bytes a step"], row["chunks"]]
        for name, row in found["runs"].items()
    ]
    return [
        "## Storing",
        "",
        "One process, chunks of the default size, each hashed and synced; compared with the same run held in memory. 16",
        "variants; trajectories over 360 months, summaries over 12. A file of random bytes is written to this disk, synced, at",
        f"{found['disk'] / 1e9:.2g} GB/s.",
        "",
        *table(["run", "steps a second in memory", "stored", "added time", "bytes a step", "chunks"], rows),
        "",
        "Summaries are small. Where trajectories are recorded, the kernel produces bytes faster than a core hashes and the disk",
        "writes them: the time that storing adds is that of the bytes.",
        "",
    ]


def _commands(jobs: Mapping[str, float], commands: Mapping[str, Any]) -> list[str]:
    """The seconds of whole commands."""
    rows: list[list[object]] = [
        ["200 jobs of 10 replicates that differ in a number, `sim run -m`", jobs["sim run -m"]],
        ["200 jobs that differ in their seed, `sim run -m`", jobs["sim run -m over seeds"]],
        ["20 jobs by Hydra's basic launcher, `python experiments/run.py -m`", jobs["launcher, some jobs"]],
        ["200 jobs by it, scaled from 1 and 20", jobs["launcher, all jobs"]],
        ["`sim --help`", commands["sim --help"]],
        ["`sim run --help`", commands["sim run --help"]],
        ["`sim sweep study=headline`, whole", commands["headline"]],
        ["its simulation, from configs to the labelled Dataset", commands["headline simulation"]],
        *([f"1,000 variants until the first step: {name}", value] for name, value in commands["starts"].items()),
    ]
    peak = f"The headline command takes {number(commands['headline peak'])} MB at most."
    return ["## Whole commands", "", *table(["command", "seconds"], rows), "", peak]


def measured(found: Mapping[str, Any]) -> str:
    """The section of docs/guide.md."""
    machine, engine, commands = found["machine"], found["engine"], found["commands"]
    starts = commands["starts"]
    small, large = engine["3 x 6, nothing"], engine["20 x 8, nothing"]
    told = [
        ["`sim --help`, `sim run --help`", f"{commands['sim --help']:.2f} s"],
        [
            "the headline study: 6 variants of 200 replicates over 120 months, from configs to the labelled Dataset",
            f"{commands['headline simulation']:.1f} s",
        ],
        [
            "the whole command, with store, tables and figures",
            f"{commands['headline']:.0f} s, {commands['headline peak']:.0f} MB at most",
        ],
        [
            f"a design of 1,000 variants, from overrides to the first step: {', '.join(starts)}",
            f"{', '.join(f'{value:.1f}' for value in starts.values())} s",
        ],
        ["200 jobs of 10 replicates by `sim run -m`", f"{found['jobs']['sim run -m']:.1f} s"],
    ]
    for size, ways in (("3 states x 6 blocs", small), ("20 x 8", large)):
        for name in (NUMPY, NUMPY_TWO, JAX_TWO):
            if name in ways:
                way = ways[name]
                said = f"{number(way['rate'])}: {number(way['plain'])} and {number(way['face'])} times"
                told.append([f"replicate-steps a second at {size}, {name}; times plain Mesa agents, times our Mesa model", said])
    last = found["worlds"][-1]
    told.append([f"peak memory at {last['worlds']:,} replicates, summaries, 3 x 6 over 12 months", f"{last['peak']:.0f} MB"])
    text = (
        f"By `make bench` on {machine['cores']} cores of an {machine['processor']} with Python {machine['Python']}, medians;"
        " [bench.md](bench.md) has every figure\nand its target:\n"
    )
    return "\n".join([text, *table(["", ""], told)])


def write(found: Mapping[str, Any]) -> None:
    """Write the page, and the table of docs/guide.md."""
    DOCUMENT.write_text(document(found), encoding="utf-8")
    GUIDE.write_text(placed(GUIDE.read_text("utf-8"), measured(found)), encoding="utf-8")


def placed(text: str, section: str) -> str:
    """The text of docs/guide.md with a section under its title, in place of the one that is there."""
    before, title, rest = text.partition(TITLE)
    if not title:
        raise ValueError(f"docs/guide.md has no section {TITLE.strip()!r}")
    _, following, after = rest.partition("\n## ")
    return f"{before}{title}\n{section}\n{following}{after}"
