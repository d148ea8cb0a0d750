"""What figures say in words: names of actors and variants, keys of shocks, what an axis measures, where the numbers come from."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from sim.arrays import Array
from sim.names import BLOC, QUANTITIES, REPLICATE, STATE, VARIANT, several
from sim.panels import MARKS_MAX, Mark
from sim.sheet import MINUS

BAND, INTERVAL = "5-95 % of worlds (spread of runs)", "95 % interval of the mean"
SINGLE = "a single world: no band and no interval"
COLUMNS, PAGES = 6, 4
"""Variants on one sheet of effects, and sheets at most: sheets that cannot show all variants say so."""


class Page(NamedTuple):
    """The variants that one sheet of effects shows: their places, labels and words for people; and the sheet's title."""

    at: list[int]
    labels: list[str]
    columns: list[str]
    title: str


def names(ds: xr.Dataset, dim: str) -> list[str]:
    """The names on an axis or of a coordinate, as in files."""
    return [str(name) for name in np.atleast_1d(ds[dim].values)]


def state_words(ds: xr.Dataset) -> list[str]:
    """What people call the states."""
    return names(ds, f"{STATE}_label")


def bloc_words(ds: xr.Dataset) -> list[str]:
    """What people call the blocs."""
    return names(ds, f"{BLOC}_label")


def variant_words(ds: xr.Dataset) -> list[str]:
    """The variants' labels with their scenarios called as people call them; as they are where that would make two alike."""
    labels = names(ds, VARIANT)
    scenarios = zip(labels, names(ds, "scenario"), names(ds, "scenario_label"), strict=True)
    words = [word + label.removeprefix(name) if label.startswith(name) else label for label, name, word in scenarios]
    return words if len(set(words)) == len(words) else labels


def worlds(ds: xr.Dataset) -> int:
    """How many worlds each variant has."""
    return ds.sizes.get(REPLICATE, int(ds.attrs["replicates"]))


def measure(variable: str, difference: bool = False) -> str:
    """What an axis measures, with its unit."""
    quantity = QUANTITIES[variable]
    unit = f"{MINUS}1 against to 1 with" if variable == "alignment" else quantity.unit
    return ("difference in " if difference else "") + f"{quantity.label.lower()} ({unit})"


def marks(runs: Sequence[xr.Dataset], variants: Sequence[str], state: str = "", apart: bool = False) -> list[Mark]:
    """The shocks of some variants by date; a shock has the same number in all figures of a run.

    With `state` only those that name it or no state; with `apart` only those that a variant and its reference do not share.
    """
    tables = [table for ds in runs for table in json.loads(ds.attrs["shocks"]).items()]
    found = [
        (variant, _drawn(shock), not state or not shock["states"] or state in shock["states"])
        for variant, table in tables
        for shock in table
    ]
    shown = {shock for variant, shock, concerns in found if variant in variants and concerns}
    if apart:
        references = dict(zip(names(runs[0], VARIANT), names(runs[0], "reference"), strict=True))
        pairs = [(variant, references[variant]) for variant in variants if references[variant] != variant]
        of = {variant: {shock for other, shock, _ in found if other == variant} for pair in pairs for variant in pair}
        shown = set().union(*(of[variant] ^ of[reference] for variant, reference in pairs))
    numbered = enumerate(sorted({shock for _, shock, _ in found}), start=1)
    return [
        Mark(number, label, [np.datetime64(day) for day in days], tuple(np.datetime64(day) for day in ends))
        for number, (days, label, ends) in numbered
        if (days, label, ends) in shown
    ]


def _drawn(shock: Mapping[str, Any]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """What is drawn of a shock: its dates, its name and when it may end."""
    return tuple(shock["dates"]), shock["label"], tuple(shock["ends"])


def key(shocks: Sequence[Mark], times: Array) -> str:
    """The names and months of numbered marks on one line; of too many only how many they are."""
    if len(shocks) > MARKS_MAX:
        return f"{len(shocks)} shocks, marked at the foot of the panels; the timeline names them."
    entries = listed(shocks, times, ends=True)
    bar = ". Bar at the top of a panel: when the end may be." if any(mark.ends for mark in shocks) else ""
    return f"Shocks: {'; '.join(entries)}{bar}" if entries else "No shocks."


def listed(shocks: Sequence[Mark], times: Array, ends: bool = False) -> list[str]:
    """The number, name and months of each mark, with `ends` also those between which its end is drawn."""
    entries = []
    for mark in shocks:
        months = list(dict.fromkeys(str(day)[:7] for day in mark.dates))
        when = " to ".join(dict.fromkeys([*months[:1], *months[-1:]]))
        when += ", ends between {} and {}".format(*(str(day)[:7] for day in mark.ends)) if mark.ends and ends else ""
        inside = any(times[0] <= day <= times[-1] for day in mark.dates)
        entries.append(f"{mark.number} {mark.label} ({when}{'' if inside else ', outside this time'})")
    return entries


def foot(runs: Sequence[xr.Dataset], notes: Sequence[str]) -> str:
    """What is drawn, then where it comes from."""
    origins = []
    for ds in runs:
        number, study, settings = worlds(ds), ds.attrs.get("study", ""), str(ds.attrs.get("settings_hash", ""))
        parts = [f"study {study}"] if study else []
        parts += [f"{several(number, 'world')} of each variant", f"seed {ds.attrs['seed']}"]
        origins.append(", ".join(parts + ([f"settings {settings[:8]}"] if settings else [])))
    origin = "; ".join(dict.fromkeys(origins))
    return f"{'; '.join(notes)}. {origin[0].upper()}{origin[1:]}. A scenario, not a forecast."


def pages(differences: xr.Dataset) -> tuple[list[Page], list[str]]:
    """The sheets for all variants that have a reference, and what their feet say of variants that are left out."""
    labels, words = names(differences, VARIANT), variant_words(differences)
    references = names(differences, "reference")
    apart = [at for at, label in enumerate(labels) if label != references[at]]
    called = dict(zip(labels, words, strict=True))
    against = {called.get(references[at], references[at]) for at in apart}
    other = against.pop() if len(against) == 1 else "each variant's own reference"
    return pages_of(differences, apart, f"effect against {other}")


def pages_of(ds: xr.Dataset, chosen: Sequence[int], title: str) -> tuple[list[Page], list[str]]:
    """The sheets for some variants, and what their feet say of variants that are left out."""
    labels, words = names(ds, VARIANT), variant_words(ds)
    groups = [chosen[start : start + COLUMNS] for start in range(0, len(chosen), COLUMNS)][:PAGES]
    sheets = []
    for number, group in enumerate(groups, start=1):
        place = f" ({number} of {len(groups)})" if len(groups) > 1 else ""
        head = f"{ds.attrs['region_label']}: {title}{place}"
        sheets.append(Page(list(group), [labels[at] for at in group], [words[at] for at in group], head))
    left_out = len(chosen) - COLUMNS * PAGES
    return sheets, [f"{left_out} of {len(chosen)} variants are not drawn: choose among them"] if left_out > 0 else []


def named(shocks: Sequence[Mark], times: Array) -> dict[str, Any]:
    """The shocks of a sheet in its words: on a line above the panels while they are few, else as a list below."""
    entries = listed(shocks, times)
    return {"entries": entries} if len(entries) > MARKS_MAX else {"key": key(shocks, times)}
