"""What a run prints: what is about to be simulated, notes and warnings, and its results in short."""

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
    """What is about to run, as lines of text, with the stability of its opening if that is quick to compute."""
    config, window = plan.config, plan.window
    label = cut(config.region.label, LABEL_MAX)
    lines = [
        f"{label}, {month(window.start)} to {month(window.end)}, {several(window.periods, 'period')}: "
        f"{several(len(plan.variants), 'variant')} of {several(config.replicates, 'replicate')}, seed {config.seed}, "
        f"record={plan.record.value}"
    ]
    lines += notes(plan.variants)
    if plan.refused:
        lines.append(f"{several(plan.refused, 'draw')} left out: the opening cannot be a no-shock equilibrium")
    lines += counterpart_lines(plan)
    return lines + (margin_lines(plan) if plan.margins_are_quick else ["stability margins are computed with the results"])


def notes(variants: Sequence[Variant]) -> list[str]:
    """Warnings about a run, as lines of text: few replicates, and settings that can have no effect."""
    return few_lines(variants[0].config.replicates) + idle.lines(variants)


def counterpart_lines(plan: Plan) -> list[str]:
    """Variants without a counterpart in the reference scenario, so that their effects are also those of other values."""
    pairs = [(variant, plan.variants[index]) for variant, index in zip(plan.variants, plan.references, strict=True)]
    if plan.config.reference in {name for _, to in pairs for name in (to.label, label_of(to))}:
        return []
    alone = [f"{one.label} against {to.label}" for one, to in pairs if _scenario(one) != _scenario(to) and apart(one) != apart(to)]
    shown = "; ".join(alone[:SHOWN]) + (f" and {len(alone) - SHOWN} more" if len(alone) > SHOWN else "")
    note = "effects of more than the scenario, as the reference scenario has no variant with the same other values"
    return [f"{note}: {shown}"] if alone else []


def _scenario(variant: Variant) -> object:
    return variant.coordinates["scenario"]


def few_lines(replicates: int) -> list[str]:
    """A warning if variants have too few replicates to show a spread, as lines of text."""
    if replicates >= FEW:
        return []
    ends = (
        "the value of that replicate"
        if replicates == 1
        else "the least and the greatest value"
        if replicates <= ENDS
        else "close to the least and the greatest value"
    )
    quantiles = f"5 and 95 % quantiles over {several(replicates, 'replicate')}"
    return [f"{quantiles} are {ends}: replicates={FEW} or more show a spread"]


def margin_lines(plan: Plan) -> list[str]:
    """Whether the opening is stable, as lines of text."""
    unstable = [cut(variant.label, LABEL_MAX) for variant, margin in zip(plan.variants, plan.margins, strict=True) if margin < 0]
    low, high = float(plan.margins.min()), float(plan.margins.max())
    lines = [f"stability margin {low:.4g}" + (f" to {high:.4g}" if high - low > abs(low) * 1e-3 else "") + " (above 0: stable)"]
    if unstable:
        shown = "; ".join(unstable[:SHOWN]) + (f" and {len(unstable) - SHOWN} more" if len(unstable) > SHOWN else "")
        lines.append(f"negative, so small disturbances grow and there are several stable equilibria: {shown}")
    return lines


def against(ds: xr.Dataset) -> str:
    """The references of the variants as text for a message; empty if there is one variant only."""
    if ds.sizes["variant"] == 1:
        return ""
    return f", compared with {tables.references_named([str(name) for name in ds['reference'].values])}"


def effects_lines(ds: xr.Dataset) -> list[str]:
    """The paired effects on alignment at the last instant as lines of text; none if there is one variant only."""
    if ds.sizes["variant"] == 1:
        return []
    return tables.effects_lines(dataset.differences(ds, ("alignment",)))


def tell_replaced(options: Any) -> None:
    """Print which config files of the user take precedence over shipped ones; with --cfg on stderr, apart from the settings."""
    say(*folders(options.config_dir).replaced_lines(), wrong=bool(options.cfg))


def show(variants: Sequence[Any]) -> int:
    """Print the composed settings of some variants, each once."""
    shown = {id(variant.settings): variant for variant in variants}
    for variant in shown.values():
        if len(shown) > 1:
            say(f"--- # {variant.label}")
        say(*yaml_text(variant.settings).splitlines())
    return GOOD
