"""What a run says of itself on the screen: before it starts, and what it came to."""

from collections.abc import Sequence
from typing import Any

import xarray as xr

from sim.analysis import tables
from sim.commands.codes import GOOD
from sim.compose import notes as idle
from sim.compose.folders import folders
from sim.config.dates import month
from sim.config.schema import Variant
from sim.config.strict_yaml import yaml_text
from sim.engine.plan import Plan, apart, label_of
from sim.names import several
from sim.results import dataset
from sim.science.measures import ENDS, FEW
from sim.text import LABEL_MAX, cut, say

SHOWN = 4
"""Variants that a line names."""


def describe(plan: Plan) -> list[str]:
    """What is about to run, and whether its opening is stable where that is soon known, as lines of text."""
    config, window = plan.config, plan.window
    label = cut(config.region.label, LABEL_MAX)
    lines = [
        f"{label}, {month(window.start)} to {month(window.end)}, {several(window.periods, 'period')}: "
        f"{several(len(plan.variants), 'variant')} of {several(config.replicates, 'world')}, seed {config.seed}, "
        f"record={plan.record.value}"
    ]
    lines += notes(plan.variants)
    if plan.refused:
        lines.append(f"{several(plan.refused, 'draw')} left out: the opening cannot be at rest")
    lines += fellow_lines(plan)
    return lines + (margin_lines(plan) if plan.margins_are_quick else ["stability margins are worked out with the results"])


def notes(variants: Sequence[Variant]) -> list[str]:
    """What to beware of in a run, as lines of text: few worlds, and what cannot act or does not fit."""
    return few_lines(variants[0].config.replicates) + idle.lines(variants)


def fellow_lines(plan: Plan) -> list[str]:
    """Which variants have no fellow in the scenario of reference, so that their effects are of other values too."""
    pairs = [(variant, plan.variants[index]) for variant, index in zip(plan.variants, plan.references, strict=True)]
    if plan.config.reference in {name for _, to in pairs for name in (to.label, label_of(to))}:
        return []
    alone = [f"{one.label} against {to.label}" for one, to in pairs if _scenario(one) != _scenario(to) and apart(one) != apart(to)]
    shown = "; ".join(alone[:SHOWN]) + (f" and {len(alone) - SHOWN} more" if len(alone) > SHOWN else "")
    said = "effects of more than the scenario, as that of reference has no variant of the same other values"
    return [f"{said}: {shown}"] if alone else []


def _scenario(variant: Variant) -> object:
    return variant.coordinates["scenario"]


def few_lines(worlds: int) -> list[str]:
    """What to beware of where a variant has few worlds, as lines of text."""
    if worlds >= FEW:
        return []
    ends = "that world itself" if worlds == 1 else "the least and the greatest" if worlds <= ENDS else "next to the ends"
    return [f"5 and 95 % of {several(worlds, 'world')} are {ends}: replicates={FEW} or more show a spread"]


def margin_lines(plan: Plan) -> list[str]:
    """Whether the opening is stable, as lines of text."""
    unstable = [cut(variant.label, LABEL_MAX) for variant, margin in zip(plan.variants, plan.margins, strict=True) if margin < 0]
    low, high = float(plan.margins.min()), float(plan.margins.max())
    lines = [f"stability margin {low:.4g}" + (f" to {high:.4g}" if high - low > abs(low) * 1e-3 else "") + " (above 0: stable)"]
    if unstable:
        shown = "; ".join(unstable[:SHOWN]) + (f" and {len(unstable) - SHOWN} more" if len(unstable) > SHOWN else "")
        lines.append(f"negative, so there are several stable worlds and history decides: {shown}")
    return lines


def against(ds: xr.Dataset) -> str:
    """What the variants of results are set against, in words; nothing where there is one variant."""
    if ds.sizes["variant"] == 1:
        return ""
    return f", set against {tables.references_named([str(name) for name in ds['reference'].values])}"


def effects_lines(ds: xr.Dataset) -> list[str]:
    """The paired effects on alignment at the last instant as lines of text; nothing where there is one variant."""
    if ds.sizes["variant"] == 1:
        return []
    return tables.effects_lines(dataset.differences(ds, ("alignment",)))


def tell_replaced(options: Any) -> None:
    """Name the user's files that stand before shipped ones; beside settings that are printed, not among them."""
    say(*folders(options.config_dir).replaced_lines(), wrong=bool(options.cfg))


def show(variants: Sequence[Any]) -> int:
    """Print the composed settings of some variants, each once."""
    shown = {id(variant.settings): variant for variant in variants}
    for variant in shown.values():
        if len(shown) > 1:
            say(f"--- # {variant.label}")
        say(*yaml_text(variant.settings).splitlines())
    return GOOD
