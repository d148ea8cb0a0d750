"""What a run says of itself on the screen: before it starts, and what it came to."""

import xarray as xr

from sim import results, tables
from sim.legible import LABEL_MAX, cut
from sim.names import several
from sim.plans import Plan

SHOWN = 4
"""Variants that a line names."""


def describe(plan: Plan) -> list[str]:
    """What is about to run, and whether its opening is stable where that is soon known, as lines of text."""
    config, window = plan.config, plan.window
    label = cut(config.region.label, LABEL_MAX)
    lines = [
        f"{label}, {window.instants[0]:%Y-%m} to {window.instants[-1]:%Y-%m}, {several(window.periods, 'period')}: "
        f"{several(len(plan.variants), 'variant')} of {several(config.replicates, 'world')}, seed {config.seed}, "
        f"keep={plan.keep.value}"
    ]
    if plan.refused:
        lines.append(f"{several(plan.refused, 'draw')} left out: the opening cannot be at rest")
    return lines + (margin_lines(plan) if plan.margins_are_quick else ["stability margins are worked out with the results"])


def margin_lines(plan: Plan) -> list[str]:
    """Whether the opening is stable, as lines of text."""
    unstable = [cut(variant.label, LABEL_MAX) for variant, margin in zip(plan.variants, plan.margins, strict=True) if margin < 0]
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
