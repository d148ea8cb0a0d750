"""The metadata of a run, as plain values: the manifest of its results."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sim.config.dates import dates
from sim.config.fingerprint import HASH_LETTERS, fingerprint
from sim.config.overlays import Configs
from sim.config.schema import Record, Shock, Variant, members
from sim.engine.plan import Plan
from sim.home import PACKAGE
from sim.names import (
    BLOC,
    BUFFERS,
    CONTRIBUTION,
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
    STATISTIC,
    TIME,
    VARIANT,
    contribution_names,
)
from sim.results import manifest
from sim.results.software import versions
from sim.science import shocks
from sim.science.measures import STATISTICS


def metadata_of(plan: Plan) -> dict[str, Any]:
    """The metadata of a run, as plain values: names of variables, coordinates and attributes, which make up its manifest."""
    names = list(dict.fromkeys(name for variant in plan.variants for name in variant.coordinates))
    drawn, draws = drawn_numbers(plan.variants)
    return {
        "format": manifest.FORMAT,
        "variables": _variables(plan),
        "coordinates": {name: list(values) for name, values in _coordinates(plan).items()},
        "beside": _columns(plan, names, drawn),
        "attributes": _attributes(plan, names, draws),
    }


def _variables(plan: Plan) -> list[str]:
    """The names of the recorded variables."""
    if plan.record is Record.summaries:
        return [*(name + end for name in SHOWN for end in ("", DIFFERENCE)), *OUTCOMES]
    return [*RECORDED, *([MOVE] if plan.record is Record.decomposition else [])]


def _coordinates(plan: Plan) -> dict[str, Any]:
    """The values along each axis."""
    layout, instants = plan.layout, [day.isoformat() for day in plan.window.instants]
    found: dict[str, Any] = {VARIANT: [variant.label for variant in plan.variants]}
    found |= {REPLICATE: list(range(plan.config.replicates))}
    found |= {STATISTIC: list(STATISTICS)} if plan.record is Record.summaries else {}
    found |= {TIME: instants, PERIOD: instants[:-1], CONTRIBUTION: contribution_names(shocks.impulse_shocks(plan.configs))}
    return found | {STATE: layout.states, PEER: layout.states, BLOC: layout.blocs, RIVAL: layout.blocs}


def _columns(plan: Plan, names: Sequence[str], drawn: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What else is known along an axis: of each variant its swept values and reference, of each actor its label and colour."""
    region = plan.config.region
    variants = {name: [_plain(variant.coordinates.get(name, "")) for variant in plan.variants] for name in names} | {
        "scenario_label": [variant.config.scenario.label for variant in plan.variants],
        "reference": [plan.variants[index].label for index in plan.references],
        "stability_margin": plan.margins.tolist(),
        BUFFERS: buffers(plan.configs),
        DRAWN: drawn,
    }
    if any(config.region.measured_relations for config in plan.configs.wholes):
        tables = (variant.config.region.measured_relations for variant in plan.variants)
        variants[MEASURED_RELATIONS] = [json.dumps(table) for table in tables]
    blocs = region.blocs.values()
    return {
        VARIANT: variants,
        STATE: {"state_label": [state.label for state in region.states.values()]},
        BLOC: {"bloc_label": [bloc.label for bloc in blocs], "bloc_colour": [bloc.colour for bloc in blocs]},
    }


def _attributes(plan: Plan, names: Sequence[str], draws: dict[str, dict[str, str]]) -> dict[str, Any]:
    """What is known of the run as a whole."""
    config, layout, region = plan.config, plan.layout, plan.config.region
    scenarios = dict.fromkeys(variant.config.scenario.label for variant in plan.variants)
    seeds = {plan.configs.wholes[whole].seed for whole in plan.configs.whole}
    return {
        "title": config.study.question or f"{region.label}: {', '.join(scenarios)}",
        "region": region.name,
        "region_label": region.label,
        "study": config.study.name,
        **({"seed": config.seed} if len(seeds) == 1 else {}),
        "replicates": config.replicates,
        "periods_per_year": config.periods_per_year,
        "outcome": config.outcome or f"alignment.{layout.states[0]}.{layout.blocs[0]}",
        "record": plan.record.value,
        "refused_draws": plan.refused,
        "same_as": json.dumps([[layout.states[state], layout.blocs[bloc]] for state, bloc in layout.same_as]),
        "swept": json.dumps([name for name in names if name != "scenario"]),
        "shocks": json.dumps(_shocks(plan)),
        DRAWN: json.dumps(draws),
        "provenance": json.dumps(provenance(plan.variants)),
    }


def buffers(configs: Configs) -> list[str]:
    """The buffer states of each bloc, as a JSON list of [state, bloc] for each variant."""
    own = [config.region.blocs.items() for config in configs.wholes]
    held = [json.dumps([[state, name] for name, bloc in blocs for state in bloc.buffer]) for blocs in own]
    return [held[whole] for whole in configs.whole]


def drawn_numbers(variants: Sequence[Variant]) -> tuple[list[str], dict[str, dict[str, str]]]:
    """The drawn numbers of variants: for each variant the hash of its table, empty where none is drawn, and the tables by hash.

    A table gives, for the dotted path of each drawn number, a hash of its values in all draws.
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
    """For each variant the shocks that may happen in it, for figures: name, label, probability, dates, and actors named.

    `begins` are the intervals of dates in which its effects may begin, with equal ends where the date is not random; `ends` are
    those in which effects may end, where that is random.
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


def _intervals(values: Iterable[object]) -> list[tuple[str, str]]:
    """The distinct first and last dates of some dates or intervals of dates, in ascending order; None values are left out."""
    pairs = (dates("date", value) for value in values if value is not None)
    return sorted({(first.isoformat(), last.isoformat()) for first, last in pairs})


def _named(shock: Shock, dims: Sequence[str], known: Sequence[str]) -> list[str]:
    """The actors of some axes that a shock's effects name, in the order of the region file."""
    named = {name for effect in shock.effects.values() for dim in dims if dim in effect.who for name in members(effect.who[dim])}
    return [name for name in known if name in named or "*" in named]


def provenance(variants: Sequence[Variant]) -> dict[str, Any]:
    """The provenance of a run: overrides, folder of configs, software versions and commit."""
    config = variants[0].config
    overrides = dict.fromkeys(override for variant in variants for override in variant.overrides)
    return {
        "overrides": [override for override in overrides if not override.startswith("engine.part=")],
        "config_dir": variants[0].config_dir,
        "versions": versions(config.engine.backend.value),
        "commit": commit(),
    }


@lru_cache(maxsize=1)
def commit() -> str:
    """The commit of the checkout that this code is run from, with a + where files differ from it; empty outside a checkout."""
    root = PACKAGE.parent
    if not (root / ".git").exists():
        return ""
    try:
        found = subprocess.run(  # noqa: S603 - arguments are constants
            ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=12"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
