"""`sim plan`: how many variants, replicates and steps a command means, their disk space and time; nothing is written."""

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim.commands import identity, screen
from sim.commands.codes import GOOD
from sim.compose import draws
from sim.compose.expand import expand
from sim.config.dates import Window
from sim.config.schema import Record, Variant
from sim.engine import recorders as recorders
from sim.engine.plan import Plan
from sim.engine.runs import run_arrays
from sim.names import OUTCOMES, QUANTITIES, SHOWN, contribution_names, several
from sim.results import lifecycle
from sim.science import shocks, stability
from sim.science.measures import STATISTICS
from sim.science.state import Params, World, some_of
from sim.text import LABEL_MAX, cut, say

VARIANTS_SHOWN = 6
MARGINS_SHOWN = 30
CALIBRATION_STEPS = 20_000
"""Steps that are timed, all replicates together."""
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def command(options: Any) -> int:
    """Run `sim plan` with the parsed arguments and return the exit code."""
    variants = expand(options.overrides, options.config_dir)
    screen.tell_replaced(options)
    if options.cfg:
        return screen.show(variants)
    say(*lines(variants))
    return GOOD


def lines(variants: Sequence[Variant], verb: str = "sweep") -> list[str]:
    """What running some variants would take, as lines of text.

    Raises
    ------
    SettingError
        If they cannot be run.
    """
    folder = identity.folder_for(variants, verb)
    there = lifecycle.complete(folder, identity.settings_of(variants), variants[0].config.engine.chunks)
    plan = Plan(variants)
    count = len(plan.variants)
    replicates = count * plan.config.replicates
    steps = replicates * plan.window.periods
    rate = steps_per_second(plan)
    shown = [cut(variant.label, LABEL_MAX) for variant in plan.variants[:VARIANTS_SHOWN]]
    more = [f"and {count - len(shown):,} more"] if count > len(shown) else []
    disk = ", ".join(f"record={record.value} {size(number)}" for record, number in bytes_of(plan).items())
    return [
        *screen.describe(plan),
        *sampled_margins(plan),
        f"variants: {'; '.join([*shown, *more])}",
        *draws.lines(variants),
        f"{several(replicates, 'replicate')} in {several(count, 'variant')}, {several(steps, 'step')}; "
        f"on disk before compression: {disk}",
        f"about {duration(steps / rate)} to simulate, without figures and tables: {rate:,.0f} steps a second,"
        " timed on a few periods of this plan",
        f"folder: {folder}" + (" (already complete)" if there else ""),
        "nothing was run or written",
    ]


def sampled_margins(plan: Plan) -> list[str]:
    """The range of the stability margins of a sample of the variants, if computing those of all would take long."""
    if plan.margins_are_quick:
        return []
    some = np.unique(np.linspace(0, len(plan.variants) - 1, MARGINS_SHOWN).astype(int))
    params, world = Params(*some_of(plan.params, some)), World(*some_of(plan.world, some))
    margins = stability.margins(params, world, plan.layout, plan.window.dt)
    return [f"stability margin {margins.min():.4g} to {margins.max():.4g} in {len(some)} of the variants (above 0: stable)"]


def bytes_of(plan: Plan) -> dict[Record, int]:
    """Bytes of the arrays of a run for each value of `record`."""
    count, replicates, periods = len(plan.variants), plan.config.replicates, plan.window.periods
    contributions = len(contribution_names(shocks.impulse_shocks(plan.configs)))
    instants = {name: periods + (not QUANTITIES[name].per_period) for name in SHOWN}
    cells = sum(instants[name] * _size(plan, QUANTITIES[name].dims) for name in SHOWN)
    outcomes = sum(_size(plan, dims) for dims in OUTCOMES.values())
    return {
        Record.trajectories: recorders.estimate_bytes(plan.layout, count, replicates, periods),
        Record.decomposition: recorders.estimate_bytes(plan.layout, count, replicates, periods, contributions),
        Record.summaries: (2 * count * len(STATISTICS) * cells + count * replicates * outcomes) * recorders.BYTES,
    }


def _size(plan: Plan, dims: Sequence[str]) -> int:
    return int(np.prod([len(plan.layout.names(dim)) for dim in dims], dtype=int))


def size(number: int) -> str:
    """A number of bytes in the largest unit that fits.

    >>> size(1_500_000)
    '1.5 MB'
    """
    value, unit = float(number), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {UNITS[unit]}"


def duration(seconds: float) -> str:
    """A duration in the largest unit that fits.

    >>> duration(4000)
    '1.1 hours'
    """
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.2g} s"


def steps_per_second(plan: Plan) -> float:
    """Steps a second, all replicates together: the additional time of a few more periods in short runs with few replicates."""
    count = len(plan.variants)
    replicates = max(1, min(plan.config.replicates, CALIBRATION_STEPS // (4 * count)))
    periods = max(1, min(plan.window.periods, CALIBRATION_STEPS // (count * replicates)))
    short = copy.copy(plan)
    short.config = replace(plan.config, replicates=replicates)
    took = []
    for length in (1, 1, min(1 + periods, plan.window.periods)):
        short.window = Window(plan.window.start, plan.window.instant(length), plan.window.periods_per_year)
        start = time.perf_counter()
        run_arrays(short)
        took.append(time.perf_counter() - start)
    further = min(periods, plan.window.periods - 1)
    return count * replicates * further / max(took[2] - took[1], 1e-6) if further else count * replicates / took[1]
