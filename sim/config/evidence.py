"""The plausible range of every number, numbers outside it, and the largest change that an effect can make."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sim.config.known import demand_number
from sim.config.nested import Where
from sim.config.region import BLOC_NUMBERS, BLOC_TABLES, PAIR_TABLES, STATE_NUMBERS, STATE_TABLES
from sim.errors import SettingError
from sim.names import MECHANISMS, QUANTITIES, SCALARS, WEIGHT, Quantity

SAMPLED_GROUPS = ("region", "dynamics")
BESIDE = ("evidence", "name", "label", "as_of")
"""Entries of a region or dynamics file that are not numbers of the model."""


def numbers(tables: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """Every number in nested tables with its path, text and lists left out."""
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from numbers(value, (*path, name))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*path, name), float(value)


def evidence_row(path: tuple[str, ...], evidence: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The most specific pattern that matches a path: the one with the fewest stars; of two, the one with the later star.

    >>> evidence_row(("states", "armenia", "speed"), {"states.*.speed": {}, "states.armenia.speed": {}})
    'states.armenia.speed'
    """
    patterns = (".".join("*" if star else word for word, star in zip(path, stars, strict=True)) for stars in _stars(len(path)))
    return next((pattern for pattern in patterns if pattern in evidence), None)


@cache
def _stars(length: int) -> list[tuple[bool, ...]]:
    """The positions of stars in patterns that match a path of this many names, the most specific pattern first."""
    return sorted(itertools.product((False, True), repeat=length), key=lambda stars: (sum(stars), stars))


def quantity_at(path: Sequence[str]) -> Quantity | None:
    """The quantity of a number of region or dynamics, by its path in the composed settings; None where there is none.

    >>> quantity_at(("region", "states", "armenia", "access", "russia")).unit
    'share of trade'
    """
    match tuple(path):
        case ("dynamics", name):
            return WEIGHT if name in MECHANISMS else QUANTITIES[name] if name in SCALARS else None
        case ("region", "states", _, name, *bloc):
            return QUANTITIES.get((STATE_TABLES if bloc else STATE_NUMBERS).get(name, ""))
        case ("region", "blocs", _, name, *state):
            return QUANTITIES.get((BLOC_TABLES if state else BLOC_NUMBERS).get(name, ""))
        case ("region", "routes", _, "permit"):
            return QUANTITIES["permit"]
        case ("region", table, _, _) if table in PAIR_TABLES:
            return QUANTITIES[PAIR_TABLES[table][0]]
    return None


def ranges(settings: Mapping[str, Any]) -> dict[tuple[str, ...], tuple[float, float]]:
    """The plausible range of every number of a variant, by its path.

    Raises
    ------
    SettingError
        Where a number has no row of evidence, or a row exceeds the range of its quantity.
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


# Numbers that do not fit ----------------------------------------------------------------------------------------------------


class Misfit(NamedTuple):
    """A number outside its plausible range or larger than any change of its target: its path, what is wrong, what is allowed."""

    path: Where
    wrong: str
    allowed: str

    @property
    def key(self) -> str:
        """Its dotted path."""
        return ".".join(self.path)


def span(quantity: Quantity) -> float:
    """The largest possible change of a quantity: from one end of its range to the other.

    >>> span(QUANTITIES["tie"]), span(QUANTITIES["access"])
    (2.0, inf)
    """
    return float(quantity.high - quantity.low)


def misfits(settings: Mapping[str, Any]) -> Iterator[Misfit]:
    """The numbers of composed settings outside their plausible range, or larger than any change of their target."""
    for group in SAMPLED_GROUPS:
        tables = {name: value for name, value in settings[group].items() if name not in BESIDE}
        for path, value in numbers(tables):
            yield from misfit(settings, (group, *path), value)
    for shock, content in settings["shock"].items():
        for name, effect in content["effects"].items():
            path = ("shock", shock, "effects", name)
            yield from misfit(settings, (*path, "size"), effect["size"])
            most = span(QUANTITIES[effect["target"]])
            if max(map(abs, effect["range"])) > most:
                low, high = effect["range"]
                yield Misfit((*path, "range"), f"[{low:g}, {high:g}] allows more than the target can change", _most(effect))


def demand_fit(settings: Mapping[str, Any], overridden: Sequence[Where]) -> list[Misfit]:
    """The misfits of composed settings; a size, or a range that is drawn from, is refused unless an override sets it.

    `overridden` are the paths that overrides of the command set.
    """
    found = list(misfits(settings))
    for one in found:
        if one.path[-1] == "range" and settings["sample"] != "ranges":
            continue
        related = [(*one.path[:-1], word) for word in ("size", "range", "target")]
        if one.path[0] == "shock" and not any(path[: len(key)] == key for key in overridden for path in related):
            raise SettingError(one.key, one.wrong, one.allowed)
    return found


def misfit(settings: Mapping[str, Any], path: Where, value: float) -> Iterator[Misfit]:
    """What is wrong with one number at a path of settings, if anything; weights of mechanisms are choices and are not checked."""
    if path[0] == "shock":
        if path[2:3] != ("effects",) or path[4:] != ("size",):
            return
        effect = settings["shock"][path[1]]["effects"][path[3]]
        (low, high), most = effect["range"], span(QUANTITIES[effect["target"]])
        if abs(value) > most:
            yield Misfit(path, f"{value:g} is more than the target can change", _most(effect))
        elif not low <= value <= high:
            yield Misfit(path, f"{value:g} is outside its own range", f"[{low:g}, {high:g}], or another range for this effect")
        return
    group, evidence = path[0], settings[path[0]].get("evidence") or {}
    row = evidence_row(path[1:], evidence)
    chosen = group == "dynamics" and path[1] in MECHANISMS
    if row is not None and not chosen and not evidence[row]["low"] <= value <= evidence[row]["high"]:
        allowed = f"[{evidence[row]['low']:g}, {evidence[row]['high']:g}], or another row {group}.evidence.{row}"
        yield Misfit(path, f"{value:g} is outside its plausible range", allowed)


def _most(effect: Mapping[str, Any]) -> str:
    quantity = QUANTITIES[effect["target"]]
    return f"at most {span(quantity):g} either way: {quantity.name} lies in {quantity.allowed}"
