"""Draws of numbers between two ends, by design; and the plausible range of every number of region, dynamics and shocks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sim import noise
from sim.arrays import Array
from sim.config import Design
from sim.names import MECHANISMS, QUANTITIES, WEIGHT, Quantity
from sim.overlays import Where
from sim.refusal import SettingError, demand_number
from sim.region import BLOC_NUMBERS, BLOC_TABLES, PAIR_TABLES, STATE_NUMBERS, STATE_TABLES

SAMPLED_GROUPS = ("region", "dynamics")
BESIDE = ("evidence", "name", "label", "as_of")
"""Entries of a region or dynamics file that are no numbers of the model."""


def numbers(tables: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """Every number in nested tables with its path, text and lists left out."""
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from numbers(value, (*path, name))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*path, name), float(value)


def evidence_row(path: tuple[str, ...], evidence: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The most specific pattern that matches a path: the one with the fewest stars, the earliest word where they tie.

    >>> evidence_row(("states", "armenia", "speed"), {"states.*.speed": {}, "states.armenia.speed": {}})
    'states.armenia.speed'
    """
    matching = [pattern for pattern in evidence if _matches(pattern.split("."), path)]
    return min(matching, key=lambda pattern: _generality(pattern), default=None)


def _generality(pattern: str) -> tuple[int, list[bool]]:
    stars = [word == "*" for word in pattern.split(".")]
    return sum(stars), stars


def _matches(pattern: list[str], path: tuple[str, ...]) -> bool:
    return len(pattern) == len(path) and all(word in ("*", name) for word, name in zip(pattern, path, strict=True))


def quantity_at(path: Sequence[str]) -> Quantity | None:
    """The quantity that a number of a region or dynamics file is, by its path in the composed settings.

    >>> quantity_at(("region", "states", "armenia", "access", "russia")).unit
    'share of trade'
    """
    match tuple(path):
        case ("dynamics", name):
            return WEIGHT if name in MECHANISMS else QUANTITIES[name]
        case ("region", "states", _, name, *_):
            return QUANTITIES[STATE_NUMBERS.get(name) or STATE_TABLES[name]]
        case ("region", "blocs", _, name, *_):
            return QUANTITIES[BLOC_NUMBERS.get(name) or BLOC_TABLES[name]]
        case ("region", "routes", _, name):
            return QUANTITIES[name]
        case ("region", table, _, _):
            return QUANTITIES[PAIR_TABLES[table][0]]
    return None


def ranges(settings: Mapping[str, Any]) -> dict[tuple[str, ...], tuple[float, float]]:
    """The plausible range of every number of a variant, by its path.

    Raises
    ------
    SettingError
        Where a number has no row of evidence, or a row reaches beyond what the quantity can be.
    """
    found: dict[tuple[str, ...], tuple[float, float]] = {}
    for group in SAMPLED_GROUPS:
        tables = {name: value for name, value in settings[group].items() if name not in BESIDE}
        evidence = settings[group].get("evidence") or {}
        for path, value in numbers(tables):
            row = evidence_row(path, evidence)
            if row is None:
                raise SettingError(
                    f"{group}.{'.'.join(path)}", f"{value:g} has no row of evidence to draw from", f"a row in {group}.evidence"
                )
            quantity = quantity_at((group, *path))
            for end in ("low", "high"):
                if quantity:
                    demand_number(f"{group}.evidence.{row}.{end}", evidence[row][end], quantity)
            found[(group, *path)] = (float(evidence[row]["low"]), float(evidence[row]["high"]))
    for shock, content in settings["shock"].items():
        for name, effect in content["effects"].items():
            found[("shock", shock, "effects", name, "size")] = (float(effect["range"][0]), float(effect["range"][1]))
    return found


def uniforms(design: Design, seed: int, draws: int, paths: Iterable[Where]) -> dict[Where, Array]:
    """The draws in [0, 1) of numbers by their paths, each (draw,).

    Random and Latin draws of a number depend on the seed and its own path alone; Sobol points are of all numbers together,
    their dimensions in the alphabetical order of the dotted paths.

    Raises
    ------
    SettingError
        Where there are more numbers than Sobol sequences have dimensions.
    """
    names = {path: ".".join(path) for path in paths}
    if design is Design.sobol and names:
        if len(names) > SOBOL_MAX:
            raise SettingError(
                "design", f"{len(names)} numbers are drawn", f"at most {SOBOL_MAX} with sobol; latin takes any number"
            )
        points = noise.sobol(seed, draws, len(names))
        return {path: points[:, column] for column, path in enumerate(sorted(names, key=lambda path: names[path]))}
    if design is Design.latin:
        return {path: noise.strata(seed, f"latin {name}", draws) for path, name in names.items()}
    return {path: noise.sequence(seed, f"range {name}", draws) for path, name in names.items()}


SOBOL_MAX = 21201
"""Dimensions for which directions of Sobol sequences are published."""
