"""From variants to a labelled Dataset: the one path that commands, notebooks and tests share."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sim import ensemble, results, shocks, stability, workers
from sim import keep as keeping
from sim.arrays import Array
from sim.config import NO_SHOCK, Backend, Keep, Shock, Variant, demand_one_run, members
from sim.designs import Variants
from sim.ensemble import Job
from sim.layout import Layout
from sim.making import versions
from sim.measures import HOLD_YEARS, STATISTICS
from sim.names import (
    BLOC,
    BUFFERS,
    DIFFERENCE,
    DRAWN,
    MEASURED_RELATIONS,
    MOVE,
    OUTCOMES,
    PEER,
    PERIOD,
    RECORDED,
    REPLICATE,
    RIVAL,
    SHOWN,
    STATE,
    TIME,
    VARIANT,
    part_names,
)
from sim.overlays import Configs, light
from sim.params import Params, World, shared, some_of, stack
from sim.periods import dates
from sim.refusal import SettingError, demand_known
from sim.settings import HASH_LETTERS, fingerprint
from sim.turning import library

BASELINE = "baseline"


class Plan:
    """A run that can be computed: variants that can stand, stacked, with their references and stability margins.

    Attributes
    ----------
    variants, configs : sequence
        The variants, and their configs as `sim.overlays.Configs`.
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
        self.keep = keeping.settle(self.config.keep, layout, len(variants), self.config.replicates, window.periods)

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
    """For each variant the one it is set against: same swept values, the scenario or label that `wanted` names.

    Empty: the baseline, or where no other scenario stands beside it the first variant.
    """
    labels = [variant.label for variant in variants]
    scenarios = [str(variant.coordinates.get("scenario", "")) for variant in variants]
    if wanted in labels:
        return [labels.index(wanted)] * len(variants)
    if wanted:
        demand_known("reference", wanted, dict.fromkeys([*scenarios, *labels]), "scenario or variant")
    scenario = wanted or next((name for name in (BASELINE, NO_SHOCK) if name in scenarios), "")
    if not scenario or set(scenarios) == {scenario}:
        return [0] * len(variants)
    at = {_apart(variants[index]): index for index in range(len(variants)) if scenarios[index] == scenario}
    first = min(at.values())
    return [at.get(_apart(variant), first) for variant in variants]


def _apart(variant: Variant) -> str:
    return json.dumps({name: value for name, value in variant.coordinates.items() if name != "scenario"}, default=str)


def simulate(variants: Sequence[Variant] | Plan) -> xr.Dataset:
    """Run all variants on the same luck.

    Parameters
    ----------
    variants : sequence of Variant
        As `sim.compose.expand` gives them; or a `Plan` of them.

    Returns
    -------
    xarray.Dataset
        With dims variant, replicate (statistic where only summaries are kept), time (instants, stocks) or period (flows), and
        those of the actors; units and labels in the attributes.

    Raises
    ------
    SettingError
        Where a variant cannot be run.
    """
    plan = variants if isinstance(variants, Plan) else Plan(variants)
    return results.label(run_arrays(plan), words(plan))


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
        keep=plan.keep,
        backend=plan.config.engine.backend,
        hold=round(HOLD_YEARS * plan.config.periods_per_year),
        labels=tuple(variant.label for variant in plan.variants),
    )


def run_arrays(plan: Plan) -> dict[str, Array]:
    """The recorded arrays of a plan, (variant, replicate or statistic, time or period, ...)."""
    job, engine = job_of(plan), plan.config.engine
    alone = engine.workers <= 1 and not engine.cluster and plan.keep is not Keep.summaries
    cut = ensemble.tasks(job, engine.chunk or (job.replicates if alone else 0))
    pieces = workers.compute(job, cut, max(1, engine.workers), cluster=engine.cluster)
    return results.joined(pieces, plan.keep is Keep.summaries, len(job.labels), job.replicates)


def words(plan: Plan) -> dict[str, Any]:
    """Everything about a run that its arrays cannot say, as plain values: the manifest of its results."""
    config, layout, region = plan.config, plan.layout, plan.config.region
    instants = [day.isoformat() for day in plan.window.instants]
    strikers = shocks.strikers(plan.configs)
    worlds = plan.keep is not Keep.summaries
    labels = [state.label for state in region.states.values()]
    coordinates: dict[str, Any] = {VARIANT: [variant.label for variant in plan.variants]}
    coordinates |= {REPLICATE: list(range(config.replicates))} | ({} if worlds else {"statistic": list(STATISTICS)})
    coordinates |= {TIME: instants, PERIOD: instants[:-1], "part": part_names(strikers)}
    coordinates |= {STATE: layout.states, PEER: layout.states, BLOC: layout.blocs, RIVAL: layout.blocs}
    names = list(dict.fromkeys(name for variant in plan.variants for name in variant.coordinates))
    drawn, draws = drawn_numbers(plan.variants)
    beside: dict[str, dict[str, Any]] = {
        VARIANT: {name: [_plain(variant.coordinates.get(name, "")) for variant in plan.variants] for name in names}
        | {
            "scenario_label": [variant.config.scenario.label for variant in plan.variants],
            "reference": [plan.variants[index].label for index in plan.references],
            "stability_margin": plan.margins.tolist(),
            BUFFERS: buffers(plan.configs),
            DRAWN: drawn,
        },
        STATE: {"state_label": labels},
        BLOC: {
            "bloc_label": [bloc.label for bloc in region.blocs.values()],
            "bloc_colour": [bloc.colour for bloc in region.blocs.values()],
        },
    }
    if any(whole.region.measured_relations for whole in plan.configs.wholes):
        said = (variant.config.region.measured_relations for variant in plan.variants)
        beside[VARIANT][MEASURED_RELATIONS] = [json.dumps(table) for table in said]
    variables = list(RECORDED)
    if not worlds:
        variables = [*(name + end for name in SHOWN for end in ("", DIFFERENCE)), *OUTCOMES]
    elif plan.keep is Keep.parts:
        variables.append(MOVE)
    return {
        "format": results.FORMAT,
        "variables": variables,
        "coordinates": {name: list(values) for name, values in coordinates.items()},
        "beside": beside,
        "attributes": {
            "title": config.study.question or f"{region.label}: {', '.join(dict.fromkeys(_scenarios(plan)))}",
            "region": region.name,
            "region_label": region.label,
            "study": config.study.name,
            "seed": config.seed,
            "replicates": config.replicates,
            "periods_per_year": config.periods_per_year,
            "outcome": config.outcome or f"alignment.{layout.states[0]}.{layout.blocs[0]}",
            "keep": plan.keep.value,
            "refused_draws": plan.refused,
            "same_as": json.dumps([[layout.states[state], layout.blocs[bloc]] for state, bloc in layout.same_as]),
            "swept": json.dumps([name for name in names if name != "scenario"]),
            "shocks": json.dumps(_shocks(plan)),
            DRAWN: json.dumps(draws),
            "provenance": json.dumps(provenance(plan.variants)),
        },
    }


def _scenarios(plan: Plan) -> list[str]:
    return [variant.config.scenario.label for variant in plan.variants]


def buffers(configs: Configs) -> list[str]:
    """Which states each bloc holds for its buffer, as a JSON list of [state, bloc] for each variant."""
    own = [config.region.blocs.items() for config in configs.wholes]
    held = [json.dumps([[state, name] for name, bloc in blocs for state in bloc.buffer]) for blocs in own]
    return [held[whole] for whole in configs.whole]


def drawn_numbers(variants: Sequence[Variant]) -> tuple[list[str], dict[str, dict[str, str]]]:
    """What variants draw: for each the hash of its table, empty where nothing is drawn, and the tables by their hash.

    A table has the drawn numbers by their dotted path, each with a hash of its values in all draws.
    """
    names: dict[int, str] = {}
    tables: dict[str, dict[str, str]] = {}
    found = []
    for variant in variants:
        table = variant.drawn
        if id(table) not in names:
            names[id(table)] = fingerprint(table)[:HASH_LETTERS] if table else ""
            tables |= {names[id(table)]: dict(table)} if table else {}
        found.append(names[id(table)])
    return found, tables


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) else json.dumps(value)


def _shocks(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """For each variant the shocks that may happen in it, for figures: name, label, probability, when, and whom they name.

    `begins` are the intervals of dates in which its effects may begin, [date, date] where that is not drawn; `ends` are those in
    which effects may end, where that is drawn.
    """
    found, layout = {}, plan.layout
    for variant in plan.variants:
        found[variant.label] = [
            {
                "name": name,
                "label": shock.label,
                "probability": shock.probability,
                "begins": _intervals(effect.date for effect in shock.effects.values()),
                "ends": [until for until in _intervals(effect.until for effect in shock.effects.values()) if until[0] != until[1]],
                "states": _named(shock, (STATE, PEER), layout.states),
                "blocs": _named(shock, (BLOC, RIVAL), layout.blocs),
            }
            for name, shock in variant.config.shock.items()
            if shock.probability > 0
        ]
    return found


def _intervals(said: Iterable[object]) -> list[tuple[str, str]]:
    """The first and last date of each of some dates or intervals of dates, in rising order, each once; none of what is not set."""
    pairs = (dates("date", value) for value in said if value is not None)
    return sorted({(first.isoformat(), last.isoformat()) for first, last in pairs})


def _named(shock: Shock, dims: Sequence[str], known: Sequence[str]) -> list[str]:
    """The actors of some axes that a shock's effects name, in the order of the region file."""
    said = {name for effect in shock.effects.values() for dim in dims if dim in effect.who for name in members(effect.who[dim])}
    return [name for name in known if name in said or "*" in said]


def provenance(variants: Sequence[Variant]) -> dict[str, Any]:
    """Where a run came from: overrides, versions and commit."""
    config = variants[0].config
    overrides = (said for variant in variants for said in variant.overrides)
    return {
        "overrides": [said for said in dict.fromkeys(overrides) if not said.startswith("engine.part=")],
        "config_dir": variants[0].config_dir,
        "versions": versions(config.engine.backend.value),
        "commit": commit(),
    }


@lru_cache(maxsize=1)
def commit() -> str:
    """The commit of the checkout that runs, with a + where files differ from it; empty outside a checkout."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return ""
    try:
        found = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=12"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
