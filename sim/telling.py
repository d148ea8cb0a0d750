"""What a run says of itself on the screen: before it starts, and what it came to."""

import xarray as xr

from sim import idle, results, tables
from sim.names import several
from sim.periods import month
from sim.plans import Plan

SHOWN = 4
"""Variants that a line names."""


def describe(plan: Plan) -> list[str]:
    """What is about to run, and whether its opening is stable where that is soon known, as lines of text."""
    config, window = plan.config, plan.window
    lines = [
        f"{config.region.label}, {month(window.start)} to {month(window.end)}, {several(window.periods, 'period')}: "
        f"{several(len(plan.variants), 'variant')} of {several(config.replicates, 'world')}, seed {config.seed}, "
        f"keep={plan.keep.value}"
    ]
    lines += idle.lines(plan.variants)
    if plan.refused:
        lines.append(f"{several(plan.refused, 'draw')} left out: the opening cannot be at rest")
    return lines + (margin_lines(plan) if plan.margins_are_quick else ["stability margins are worked out with the results"])


def margin_lines(plan: Plan) -> list[str]:
    """Whether the opening is stable, as lines of text."""
    unstable = [variant.label for variant, margin in zip(plan.variants, plan.margins, strict=True) if margin < 0]
    low, high = float(plan.margins.min()), float(plan.margins.max())
    lines = [f"stability margin {low:.4g}" + (f" to {high:.4g}" if high - low > abs(low) * 1e-3 else "") + " (above 0: stable)"]
    if unstable:
        shown = "; ".join(unstable[:SHOWN]) + (f" and {len(unstable) - SHOWN} more" if len(unstable) > SHOWN else "")
        lines.append(f"negative, so there are several stable worlds and history decides: {shown}")
    return lines


def effects_lines(ds: xr.Dataset) -> list[str]:
    """The paired effects on alignment at the last instant as lines of text; nothing where there is one variant."""
    if ds.sizes["variant"] == 1:
        return []
    return tables.effects_lines(results.differences(ds, ("alignment",)))
