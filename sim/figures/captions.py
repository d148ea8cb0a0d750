"""What figures say in words: names of actors and variants, keys of shocks, what an axis measures, where the numbers come from."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from sim.arrays import Array
from sim.figures.panels import MARKS_MAX, Interval, Mark, overlaps
from sim.figures.sheet import MINUS, fit
from sim.names import BLOC, MEASURED_RELATIONS, QUANTITIES, SIDELESS, VARIANT, several
from sim.results.labels import bloc_labels, names, replicates_of, shock_labels, variant_labels
from sim.science.measures import ENDS, FEW

INTERVAL = "95 % interval of the mean"
LISTED = 80
"""Letters of a shock's label in a list."""
SINGLE = "a single world: no band and no interval"
COLUMNS, PAGES = 6, 4
"""Variants on one sheet of effects, and sheets at most: sheets that cannot show all variants say so."""


class Page(NamedTuple):
    """The variants that one sheet of effects shows: their places, labels and words for people; and the sheet's title."""

    at: list[int]
    labels: list[str]
    columns: list[str]
    title: str


def band(number: int) -> str:
    """What a band of so many worlds is; of few it holds next to all of them.

    >>> band(200), band(5)
    ('5-95 % of worlds (spread of runs)', '5-95 % of worlds (spread of runs), of only 5: from the least to the greatest')
    """
    few = f", of only {number}: " + ("from" if number <= ENDS else "nearly from") + " the least to the greatest"
    return "5-95 % of worlds (spread of runs)" + (few if number < FEW else "")


def measure(variable: str, difference: bool = False) -> str:
    """What an axis measures, with its unit."""
    quantity = QUANTITIES[variable]
    unit = f"{MINUS}1 against to 1 with" if variable == "alignment" else quantity.unit
    return ("difference in " if difference else "") + f"{quantity.label.lower()} ({unit})"


def marks(
    runs: Sequence[xr.Dataset], variants: Sequence[str], state: str = "", apart: bool = False, shared: bool = False
) -> list[Mark]:
    """The shocks of some variants by date; a shock has the same number in all figures of a run.

    With `state` only those that name it or no state; with `apart` only those that a variant and its reference do not share, with
    `shared` only those that all variants of the runs share.
    """
    tables, words = [table for ds in runs for table in json.loads(ds.attrs["shocks"]).items()], shock_labels(runs)
    found = [
        (variant, _drawn(shock, words), not state or not shock["states"] or state in shock["states"])
        for variant, table in tables
        for shock in table
    ]
    shown = {shock for variant, shock, concerns in found if variant in variants and concerns}
    if apart:
        references = dict(zip(names(runs[0], VARIANT), names(runs[0], "reference"), strict=True))
        pairs = [(variant, references[variant]) for variant in variants if references[variant] != variant]
        of = {variant: {shock for other, shock, _ in found if other == variant} for pair in pairs for variant in pair}
        shown = set().union(*(of[variant] ^ of[reference] for variant, reference in pairs))
    if shared:
        shown = set.intersection(*({shock for other, shock, _ in found if other == variant} for variant, _ in tables))
    numbered = enumerate(sorted({shock for _, shock, _ in found}), start=1)
    return [_mark(number, *shock) for number, shock in numbered if shock in shown]


Days = tuple[tuple[str, str], ...]


def _drawn(shock: Mapping[str, Any], words: Mapping[tuple[str, str], str]) -> tuple[Days, str, Days, float]:
    """What is drawn of a shock: when it begins, its name, when it may end, and how probable it is."""
    begins, ends = (tuple((first, last) for first, last in shock[name]) for name in ("begins", "ends"))
    return begins, words[shock["name"], shock["label"]], ends, shock["probability"]


def _mark(number: int, begins: Days, label: str, ends: Days, probability: float) -> Mark:
    first, last = (tuple((np.datetime64(one), np.datetime64(other)) for one, other in said) for said in (begins, ends))
    return Mark(number, label, first, last, probability)


def key(shocks: Sequence[Mark], times: Array) -> str:
    """The names and months of numbered marks on one line; of too many only how many they are."""
    if len(shocks) > MARKS_MAX:
        bar = ", as bars where the date is drawn" if any(mark.drawn_begins for mark in shocks) else ""
        return f"{len(shocks)} shocks, marked at the foot of the panels{bar}; the timeline names them."
    return " ".join([f"Shocks: {'; '.join(listed(shocks, times))}.", bar_words(shocks)]).strip() if shocks else "No shocks."


def bar_words(shocks: Sequence[Mark]) -> str:
    """What the bars of some marks stand for; empty where none has one."""
    return (
        "Bar at the top of a panel: when a shock may begin or end."
        if any(mark.drawn_begins or mark.ends for mark in shocks)
        else ""
    )


def listed(shocks: Sequence[Mark], times: Array) -> list[str]:
    """The number, name and months of each mark, and its probability where that is not 1."""
    return [f"{mark.number} {fit(mark.label, LISTED)} ({', '.join(_when(mark, times))})" for mark in shocks]


def _when(mark: Mark, times: Array) -> list[str]:
    months = [str(day)[:7] for day in mark.dates]
    begins = [" to ".join(dict.fromkeys([*months[:1], *months[-1:]]))] if months else []
    begins += [f"between {_months(interval)}" for interval in mark.drawn_begins]
    said = [" and ".join(dict.fromkeys(begins)), *dict.fromkeys(f"ends between {_months(interval)}" for interval in mark.ends)]
    said += [f"probability {mark.probability:g}"] if mark.probability < 1 else []
    return said + ([] if any(overlaps(interval, (times[0], times[-1])) for interval in mark.begins) else ["outside this time"])


def _months(interval: Interval) -> str:
    return " and ".join(str(day)[:7] for day in interval)


def foot(runs: Sequence[xr.Dataset], notes: Sequence[str]) -> str:
    """What is drawn, then where it comes from."""
    origins = []
    for ds in runs:
        number, study, settings = replicates_of(ds), ds.attrs.get("study", ""), str(ds.attrs.get("settings_hash", ""))
        parts = [f"study {study}"] if study else []
        parts += [f"{several(number, 'world')} of each variant", f"seed {ds.attrs['seed']}"]
        origins.append(", ".join(parts + ([f"settings {settings[:8]}"] if settings else [])))
    origin = "; ".join(dict.fromkeys(origins))
    return f"{'; '.join(notes)}. {origin[0].upper()}{origin[1:]}. A scenario, not a forecast."


def rivals(ds: xr.Dataset) -> list[str]:
    """What a foot says of the rivalries by which measures weigh standing: whether they are the opening's, and who has none."""
    called = dict(zip(names(ds, BLOC), bloc_labels(ds), strict=True))
    alone = [called[name] for name in str(ds["hedging"].attrs.get(SIDELESS, "")).split(", ") if name in called]
    said = ["rivalries are those that the region file gives measures"] if MEASURED_RELATIONS in ds.coords else []
    return said + ([f"no rival, so no side in hedging and polarisation: {', '.join(alone)}"] if alone else [])


def pages(differences: xr.Dataset) -> tuple[list[Page], list[str]]:
    """The sheets for all variants that have a reference, and what their feet say of variants that are left out."""
    labels, words = names(differences, VARIANT), variant_labels(differences)
    references = names(differences, "reference")
    apart = [at for at, label in enumerate(labels) if label != references[at]]
    called = dict(zip(labels, words, strict=True))
    against = {called.get(references[at], references[at]) for at in apart}
    other = against.pop() if len(against) == 1 else "each variant's own reference"
    return pages_of(differences, apart, f"effect against {other}")


def pages_of(ds: xr.Dataset, chosen: Sequence[int], title: str) -> tuple[list[Page], list[str]]:
    """The sheets for some variants, and what their feet say of variants that are left out."""
    labels, words = names(ds, VARIANT), variant_labels(ds)
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
    return {"entries": entries, "key": bar_words(shocks)} if len(entries) > MARKS_MAX else {"key": key(shocks, times)}
