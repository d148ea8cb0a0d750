"""From variants to a plan: what can run together, stacked, each with what it is set against."""

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
    """A run that can be computed: variants that can stand, stacked, with their references and stability margins.

    Attributes
    ----------
    variants, configs : sequence
        The variants, and their configs as `sim.config.overlays.Configs`.
    params, world, layout
        Constants and opening stocks over all variants, and who is where on the axes.
    config, window
        The settings of the whole run, as the first variant has them.
    references : list of int
        For each variant the one it is set against.
    keep : Keep
        What is kept.
    refused : int
        How many draws were left out, because some variant of theirs cannot be at rest or moves too fast.

    `against` says what each variant is set against, where that is known and none is left out.
    """

    def __init__(self, variants: Sequence[Variant], against: Sequence[int] = ()) -> None:
        if not len(variants):
            raise SettingError("variants", "there are none", "one or more")
        configs = variants.configs if isinstance(variants, Variants) else light([variant.config for variant in variants])
        if not isinstance(variants, Variants):
            demand_one_run(configs.wholes, [variant.label for variant in variants])
        layout, params, world = stack(configs)
        window, draws = configs[0].window, draws_of(variants)
        fallen: set[int] = set()
        for faults_of in (stability.refused, partial(stability.too_fast, dt=window.dt)):
            faults = faults_of(layout, params, world)
            if faults and draws is None:
                raise faults[min(faults)]
            if faults and draws is not None:
                fallen |= set(draws[list(faults)].tolist())
                stands = np.flatnonzero(~np.isin(draws, list(fallen)))
                if not len(stands):
                    raise SettingError("draws", "none can be at rest at the opening", "narrower ranges")
                variants, configs, draws = some(variants, stands), configs.select(stands), draws[stands]
                params, world = Params(*some_of(params, stands)), World(*some_of(world, stands))
        self.variants, self.configs = variants, configs
        self.params, self.world = params, world
        self.layout: Layout = layout
        self.refused = len(fallen)
        self.config, self.window = configs[0], window
        self.references = list(against) or references(variants, self.config.reference)
        self.record = recorders.settle(self.config.record, layout, len(variants), self.config.replicates, window.periods)

    @cached_property
    def margins(self) -> Array:
        """The stability margin of each variant, (variant,); worked out when first asked for, as many take longer than a start."""
        return stability.margins(self.params, self.world, self.layout, self.window.dt)

    @property
    def margins_are_quick(self) -> bool:
        """Whether the margins take less than about half a second, so that they can be told before a run."""
        return stability.effort(self.params, self.world, self.layout) <= stability.QUICK


def faults(variants: Sequence[Variant]) -> dict[int, SettingError]:
    """The variants that cannot be run, with the reason: not at rest at the opening, or too fast."""
    configs = variants.configs if isinstance(variants, Variants) else light([variant.config for variant in variants])
    layout, params, world = stack(configs)
    return stability.too_fast(layout, params, world, configs[0].window.dt) | stability.refused(layout, params, world)


def draws_of(variants: Sequence[Variant]) -> Array | None:
    """The number of each variant's draw; none where nothing was drawn."""
    if isinstance(variants, Variants):
        return variants.draw
    numbers = [variant.coordinates.get("draw") for variant in variants]
    return None if None in numbers else np.array(numbers)


def some(variants: Sequence[Variant], indices: Array) -> Sequence[Variant]:
    """Some of the variants, in the order given."""
    return variants.select(indices) if isinstance(variants, Variants) else [variants[index] for index in indices]


def references(variants: Sequence[Variant], wanted: str = "") -> list[int]:
    """For each variant the one it is set against: that of the same other values and draw in the scenario of reference.

    Parameters
    ----------
    variants : sequence of Variant
        All that stand beside each other.
    wanted : str
        A scenario, the label of one variant, or nothing: the baseline, else the first scenario. Where there is one scenario only,
        and where a label is said, all are set against one variant, or against its draw of the same number. A variant without a
        fellow in the scenario of reference is set against the first of that scenario.

    Returns
    -------
    list of int
        Places among the variants.

    Raises
    ------
    SettingError
        Where nothing is called what is wanted.
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
    fellow = {apart(variants[index]): index for index in own}
    return [fellow.get(apart(variant), first[draw]) for variant, draw in zip(variants, draws, strict=True)]


def apart(variant: Variant) -> str:
    """What sets a variant apart from others of its scenario."""
    return json.dumps({name: value for name, value in variant.coordinates.items() if name != "scenario"}, default=str)


def label_of(variant: Variant) -> str:
    """A variant's label without the number of its draw."""
    return variant.label.removesuffix(f", draw={variant.coordinates.get('draw')}")


def against(variants: Sequence[Variant]) -> dict[str, str]:
    """What the variants of a run are set against: for each by its label without its draw, the reference likewise."""
    wanted = variants[0].config.reference
    places = variants.point if isinstance(variants, Variants) else np.array([label_of(variant) for variant in variants])
    firsts = [variants[index] for index in sorted(np.unique(places, return_index=True)[1].tolist())]
    cells = [label_of(variant) for variant in firsts]
    if any(wanted.startswith(f"{cell}, draw=") for cell in cells):
        return dict.fromkeys(cells, wanted)
    return dict(zip(cells, (cells[to] for to in references(firsts, wanted)), strict=True))


def job_of(plan: Plan) -> Job:
    """What a worker needs of a plan.

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
