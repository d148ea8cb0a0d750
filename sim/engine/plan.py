"""From variants to a plan: the variants that can be run, stacked, each with its reference."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from sim.arrays import Array
from sim.compose.designs import Variants
from sim.config.known import demand_known
from sim.config.overlays import light
from sim.config.schema import NO_SHOCK, Backend, Variant, demand_one_run
from sim.engine import recorders as recorders
from sim.engine.job import Job
from sim.engine.tracing import library
from sim.errors import SettingError
from sim.science import stability
from sim.science.layout import Layout
from sim.science.measures import HOLD_YEARS
from sim.science.params import stack
from sim.science.state import Params, World, shared, some_of

BASELINE = "baseline"


class Plan:
    """A run that can be computed: variants that can be at rest, stacked, with their references and stability margins.

    Parameters
    ----------
    variants : sequence of Variant
        The variants of the run.
    against : sequence of int
        For each variant the position of its reference, where that is known and no draw is left out.

    Raises
    ------
    SettingError
        Where a variant cannot be at rest or moves too fast and nothing is drawn, or where no draw remains.

    Attributes
    ----------
    variants, configs : sequence
        The variants, and their configs as `sim.config.overlays.Configs`.
    params, world, layout
        Constants and opening stocks over all variants, and the names along the axes.
    config, window
        The settings that all variants share, as the first variant has them, and its time window.
    references : list of int
        For each variant the position of its reference.
    record : Record
        What is recorded.
    refused : int
        How many draws were left out, because a variant of theirs cannot be at rest or moves too fast.
    """

    def __init__(self, variants: Sequence[Variant], against: Sequence[int] = ()) -> None:
        if not len(variants):
            raise SettingError("variants", "there are none", "one or more")
        configs = variants.configs if isinstance(variants, Variants) else light([variant.config for variant in variants])
        if not isinstance(variants, Variants):
            demand_one_run(configs.wholes, [variant.label for variant in variants])
        layout, params, world = stack(configs)
        window, draws = configs[0].window, draws_of(variants)
        left_out: set[int] = set()
        for faults_of in (stability.refused, partial(stability.too_fast, dt=window.dt)):
            faults = faults_of(layout, params, world)
            if faults and draws is None:
                raise faults[min(faults)]
            if faults and draws is not None:
                left_out |= set(draws[list(faults)].tolist())
                remaining = np.flatnonzero(~np.isin(draws, list(left_out)))
                if not len(remaining):
                    raise SettingError("draws", "none can be at rest at the opening", "narrower ranges")
                variants, configs, draws = some(variants, remaining), configs.select(remaining), draws[remaining]
                params, world = Params(*some_of(params, remaining)), World(*some_of(world, remaining))
        self.variants, self.configs = variants, configs
        self.params, self.world = params, world
        self.layout: Layout = layout
        self.refused = len(left_out)
        self.config, self.window = configs[0], window
        self.references = list(against) or references(variants, self.config.reference)
        self.record = recorders.settle(self.config.record, layout, len(variants), self.config.replicates, window.periods)

    @cached_property
    def margins(self) -> Array:
        """The stability margin of each variant, (variant,); computed at first access, as many of them take seconds."""
        return stability.margins(self.params, self.world, self.layout, self.window.dt)

    @property
    def margins_are_quick(self) -> bool:
        """Whether the margins take less than about half a second, so that they can be reported before a run."""
        return stability.effort(self.params, self.world, self.layout) <= stability.QUICK


def faults(variants: Sequence[Variant]) -> dict[int, SettingError]:
    """The variants that cannot be run, with the reason: not at rest at the opening, or too fast."""
    configs = variants.configs if isinstance(variants, Variants) else light([variant.config for variant in variants])
    layout, params, world = stack(configs)
    return stability.too_fast(layout, params, world, configs[0].window.dt) | stability.refused(layout, params, world)


def draws_of(variants: Sequence[Variant]) -> Array | None:
    """The number of each variant's draw; None where some variant is not of a draw."""
    if isinstance(variants, Variants):
        return variants.draw
    numbers = [variant.coordinates.get("draw") for variant in variants]
    return None if None in numbers else np.array(numbers)


def some(variants: Sequence[Variant], indices: Array) -> Sequence[Variant]:
    """Some of the variants, in the order given."""
    return variants.select(indices) if isinstance(variants, Variants) else [variants[index] for index in indices]


def references(variants: Sequence[Variant], wanted: str = "") -> list[int]:
    """For each variant the position of its reference: the variant of the reference scenario with the same values and draw.

    Parameters
    ----------
    variants : sequence of Variant
        All variants that are compared.
    wanted : str
        A scenario, the label of one variant, or empty: the baseline, else the first scenario. Where there is only one scenario, or
        where a label is given, all have one variant as reference, or its draw of the same number. A variant without a counterpart
        in the reference scenario has the first variant of that scenario as reference, of the same draw.

    Returns
    -------
    list of int
        Positions among the variants.

    Raises
    ------
    SettingError
        Where no scenario or variant is called `wanted`.
    """
    labels = [variant.label for variant in variants]
    if wanted in labels:
        return [labels.index(wanted)] * len(variants)
    cells = [label_of(variant) for variant in variants]
    scenarios = [str(variant.coordinates.get("scenario", "")) for variant in variants]
    if wanted:
        demand_known("reference", wanted, dict.fromkeys([*scenarios, *cells, *labels]), "scenario or variant")
    scenario = wanted or next((name for name in (BASELINE, NO_SHOCK) if name in scenarios), scenarios[0])
    draws = [variant.coordinates.get("draw") for variant in variants]
    if wanted in cells or set(scenarios) == {scenario}:
        one = wanted if wanted in cells else cells[0]
        at = {draws[index]: index for index, cell in enumerate(cells) if cell == one}
        return [at[draw] for draw in draws]
    own = [index for index, name in enumerate(scenarios) if name == scenario]
    first = {draws[index]: index for index in reversed(own)}
    counterpart = {apart(variants[index]): index for index in own}
    return [counterpart.get(apart(variant), first[draw]) for variant, draw in zip(variants, draws, strict=True)]


def apart(variant: Variant) -> str:
    """The coordinates that distinguish a variant from others of its scenario, as JSON."""
    return json.dumps({name: value for name, value in variant.coordinates.items() if name != "scenario"}, default=str)


def label_of(variant: Variant) -> str:
    """A variant's label without the number of its draw."""
    return variant.label.removesuffix(f", draw={variant.coordinates.get('draw')}")


def against(variants: Sequence[Variant]) -> dict[str, str]:
    """The references of a run: from the label of each variant, without its draw, to that of its reference."""
    wanted = variants[0].config.reference
    places = variants.point if isinstance(variants, Variants) else np.array([label_of(variant) for variant in variants])
    firsts = [variants[index] for index in sorted(np.unique(places, return_index=True)[1].tolist())]
    cells = [label_of(variant) for variant in firsts]
    if any(wanted.startswith(f"{cell}, draw=") for cell in cells):
        return dict.fromkeys(cells, wanted)
    return dict(zip(cells, (cells[to] for to in references(firsts, wanted)), strict=True))


def job_of(plan: Plan) -> Job:
    """The part of a plan that workers need.

    Raises
    ------
    SettingError
        Where its back end is not installed.
    """
    if plan.config.engine.backend is Backend.jax:
        library()
    return Job(
        params=shared(plan.params),
        world=shared(plan.world),
        layout=replace(plan.layout, precision=plan.config.engine.precision.value),
        configs=plan.configs,
        references=tuple(plan.references),
        window=plan.window,
        seeds=tuple(plan.configs.wholes[whole].seed for whole in plan.configs.whole),
        replicates=plan.config.replicates,
        record=plan.record,
        backend=plan.config.engine.backend,
        hold=round(HOLD_YEARS * plan.config.periods_per_year),
        labels=tuple(variant.label for variant in plan.variants),
    )
