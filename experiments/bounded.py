"""Show that the feedback loops are bounded: everything drawn at once for fifty years, and the range that each number reached.

    python -m experiments.bounded [draws]     (writes docs/bounded.md; 10000 draws take a quarter of an hour)

Each draw takes every number of the region and the dynamics and the size of every effect from its plausible range, with noise,
and includes all shipped shocks that compose with the region. Draws with an unstable opening run as well.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sim.arrays import Array
from sim.compose.expand import expand
from sim.compose.folders import Folders
from sim.config.dates import dates, read_date
from sim.engine.plan import Plan
from sim.engine.runs import run_arrays
from sim.names import QUANTITIES, RECORDED

DOCUMENT = Path(__file__).parent.parent / "docs" / "bounded.md"
DRAWS, BATCH, YEARS = 10_000, 250, 50
"""Draws of the region of the historical record, how many run at once, and the years that they run."""
RECORD = "south_caucasus_1994"
REGIONS = {RECORD: 1.0, "south_caucasus": 0.2, "black_sea": 0.05}
"""For each region how many draws it has, as a share of the first one's."""
SLACK = 1e-12
"""How far rounding may take a number past the end of its range."""


@dataclass
class Found:
    """The results of the draws of a region."""

    shocks: int
    draws: int = 0
    refused: int = 0
    margins: list[float] = field(default_factory=list)
    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)
    outside: dict[str, int] = field(default_factory=dict)
    """For each quantity that left its range or was not a number, the number of draws in which it did."""

    @property
    def unstable(self) -> float:
        """The share of the draws that can open at rest whose margin is negative."""
        return float((np.array(self.margins) < 0).mean())


def shocks_of(opening: str) -> list[str]:
    """The shipped shocks whose effects all begin after an opening: those that compose with a region of that date."""
    every = expand([f"region={RECORD}", f"shock=[{','.join(Folders().options('shock'))}]"])[0].config.shock
    firsts = {name: [dates(name, effect.date)[0] for effect in shock.effects.values()] for name, shock in every.items()}
    return [name for name, found in firsts.items() if min(found) >= read_date(opening)]


def find(region: str, draws: int = DRAWS, years: int = YEARS) -> Found:
    """Run the draws of a region in batches, each with a seed of its own, and collect the range of every quantity."""
    opening = expand([f"region={region}"])[0].config.region.as_of
    shocks = shocks_of(opening)
    until = f"{int(opening[:4]) + years}{opening[4:]}"
    overrides = [
        f"region={region}",
        f"shock=[{','.join(shocks)}]",
        f"end={until}",
        "sample=ranges",
        "replicates=1",
        "record=trajectories",
    ]
    found = Found(len(shocks))
    for seed, at in enumerate(range(0, draws, BATCH)):
        number = min(BATCH, draws - at)
        plan = Plan(expand([*overrides, f"draws={number}", f"seed={seed}"]))
        take(found, run_arrays(plan))
        found.draws += number
        found.refused += plan.refused
        found.margins += plan.margins.tolist()
        if sys.stderr.isatty():
            print(f"\r{region}: {found.draws} of {draws}", end="", file=sys.stderr, flush=True)
    return found


def take(found: Found, arrays: Mapping[str, Array]) -> None:
    """Add the arrays of some replicates, each of axes (draw, ...)."""
    for name in RECORDED:
        array, quantity = arrays[name], QUANTITIES[name]
        if not array.size:
            continue
        found.low[name] = min(found.low.get(name, np.inf), float(array.min()))
        found.high[name] = max(found.high.get(name, -np.inf), float(array.max()))
        inside = (array >= quantity.low - SLACK) & (array <= quantity.high + SLACK)
        left = (~inside).any(axis=tuple(range(1, array.ndim)))
        found.outside[name] = found.outside.get(name, 0) + int(left.sum())


def document(found: Mapping[str, Found], years: int) -> str:
    """The text of the page."""
    lines = [
        "# Bounded",
        "",
        "The feedback loops do not run away. Made by `python -m experiments.bounded`; no number here is written by hand.",
        "",
        "Each draw takes every number of region and dynamics and the size of every effect from its plausible range, with noise,",
        f"and lets all shipped shocks that compose with the region happen together, for {years} years. A draw is refused where its",
        "opening cannot be at rest, and unstable where its margin (`sim/science/stability.py`) is negative: there a small",
        "disturbance grows until the ends of alignments and shares stop it. Unstable draws run too.",
        "",
        "| region | shocks at once | draws | refused | unstable | least margin | left a range or was not a number |",
        "|---|---|---|---|---|---|---|",
    ]
    for region, result in found.items():
        left = ", ".join(f"{name} in {number}" for name, number in result.outside.items() if number) or "none"
        share = f"{result.unstable:.2%} ({sum(margin < 0 for margin in result.margins)})"
        margin = min(result.margins)
        lines.append(f"| {region} | {result.shocks} | {result.draws} | {result.refused} | {share} | {margin:.5f} | {left} |")
    lines += [
        "",
        "The margin is that of one month, of the stocks that others act on.",
        "Alignments written as 1.000 stay short of 1: with every shock at once the pull on a state can exceed what its anchor",
        "balances at any score, and its disposition continues to rise while the score nears the end.",
        "",
        "## How far each number went",
        "",
        "| number | allowed | " + " | ".join(found) + " |",
        "|---" * (len(found) + 2) + "|",
    ]
    for name in RECORDED:
        went = [f"{result.low[name]:.3f} to {result.high[name]:.3f}" if name in result.low else "-" for result in found.values()]
        lines.append(f"| {name.replace('_', ' ')} | {QUANTITIES[name].allowed} | " + " | ".join(went) + " |")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> int:
    """Write the page; an argument is the number of draws of the first region."""
    if len(argv) > 1 or not all(word.isdigit() and int(word) > 0 for word in argv):
        print("usage: python -m experiments.bounded [draws]", file=sys.stderr)
        return 2
    draws = int(argv[0]) if argv else DRAWS
    found = {region: find(region, max(1, round(share * draws))) for region, share in REGIONS.items()}
    DOCUMENT.write_text(document(found, YEARS), encoding="utf-8")
    print(f"written: {DOCUMENT.name}")
    return int(any(number for result in found.values() for number in result.outside.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
