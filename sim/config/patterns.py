"""Checks of evidence: every row is complete, and its pattern matches a number (one that matches none would have no effect)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from sim.config.region import BLOC_NUMBERS, BLOC_TABLES, PAIR_TABLES, STATE_NUMBERS, STATE_TABLES, Evidence, Region, called
from sim.config.suggest import likely
from sim.errors import SettingError

Form = Sequence[Iterable[str]]
"""The names that are allowed at each level of a pattern of evidence."""


def _check_pattern(key: str, pattern: str, forms: Sequence[Form]) -> None:
    """Refuse a pattern that matches no number: its row would have no effect."""
    words, furthest = pattern.split("."), (0, [*forms[0][0]])
    for form in forms:
        known = [list(level) for level in form]
        depth = next((at for at, word in enumerate(words) if at >= len(known) or word not in ("*", *known[at])), len(words))
        if depth == len(words) == len(known):
            return
        left = known[depth] if depth < len(known) else []
        furthest = max(furthest, (depth, left), key=lambda one: one[0])
    depth, left = furthest
    unknown = words[depth] if depth < len(words) else ""
    near = likely(unknown, left) if unknown else ""
    meant = ".".join([key, *words[:depth], near, *words[depth + 1 :]]) if near else ""
    raise SettingError(f"{key}.{pattern}", "matches no number", ", ".join(left), meant)


def forms_of(region: Region) -> list[Form]:
    """The forms of patterns in a region's evidence."""
    states, blocs = called(region.states), called(region.blocs)
    pairs = ((table, states if side == "states" else blocs) for table, (_, side) in PAIR_TABLES.items())
    return [
        (["states"], states, STATE_NUMBERS),
        (["states"], states, STATE_TABLES, blocs),
        (["blocs"], blocs, BLOC_NUMBERS),
        (["blocs"], blocs, BLOC_TABLES, states),
        (["routes"], called(region.routes), ["permit"]),
        *(([table], names, names) for table, names in pairs),
    ]


def check_evidence(key: str, evidence: object, forms: Sequence[Form]) -> None:
    """Refuse a table of evidence with an incomplete row, or a row that matches no number."""
    if not isinstance(evidence, Mapping):
        raise SettingError(key, "is not a table", "rows of {low, high, unit, source}")
    for pattern, row in evidence.items():
        place = f"{key}.{pattern}"
        _check_pattern(key, str(pattern), forms)
        wanted = [entry.name for entry in fields(Evidence)]
        if not isinstance(row, Mapping):
            raise SettingError(place, "is not a row of evidence", "{low, high, unit, source}")
        for name in row:
            if name not in wanted:
                raise SettingError(f"{place}.{name}", "no such setting", ", ".join(wanted), likely(str(name), wanted))
        if len(row) < len(wanted):
            raise SettingError(place, "is not a row of evidence", "{low, high, unit, source}")
        if not all(type(row[end]) in (int, float) and math.isfinite(row[end]) for end in ("low", "high")):
            raise SettingError(place, "has no finite low and high", "two numbers")
        if row["low"] > row["high"]:
            raise SettingError(place, f"low {row['low']:g} is above high {row['high']:g}", "low <= high")
        if not str(row["source"]).strip():
            raise SettingError(f"{place}.source", "is empty", "a source, or 'judgement'")
