"""The text of figures: keys of shocks, axis labels, bands and intervals, titles of sheets, and the source of the numbers."""

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
"""Maximal length of a shock's label in a list."""
SINGLE = "a single replicate: no band and no interval"
COLUMNS, PAGES = 6, 4
"""Variants on one sheet, and the maximal number of sheets; the foot states how many variants are not drawn."""


class Page(NamedTuple):
    """The variants that one sheet shows: their indices, labels and column titles; and the sheet's title."""

    at: list[int]
    labels: list[str]
    columns: list[str]
    title: str


def band(number: int) -> str:
    """What a band over so many replicates shows, with a note if they are few.

    >>> band(200), band(5)
    ('5-95 % of replicates (spread)', '5-95 % of replicates (spread), of only 5: from the least to the greatest')
    """
    few = f", of only {number}: " + ("from" if number <= ENDS else "nearly from") + " the least to the greatest"
    return "5-95 % of replicates (spread)" + (few if number < FEW else "")


def measure(variable: str, difference: bool = False) -> str:
    """The label of an axis: the variable, or differences of it, with the unit."""
    quantity = QUANTITIES[variable]
    unit = f"{MINUS}1 against to 1 with" if variable == "alignment" else quantity.unit
    return ("difference in " if difference else "") + f"{quantity.label.lower()} ({unit})"


def marks(
    runs: Sequence[xr.Dataset], variants: Sequence[str], state: str = "", apart: bool = False, shared: bool = False
) -> list[Mark]:
    """The shocks of some variants by date; a shock has the same number in all figures of a run.

    With `state` only those that name it or no state; with `apart` only those that a variant and its reference do not share; with
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
    """What figures show of a shock: when it begins, its label, when it may end, and its probability."""
    begins, ends = (tuple((first, last) for first, last in shock[name]) for name in ("begins", "ends"))
    return begins, words[shock["name"], shock["label"]], ends, shock["probability"]


def _mark(number: int, begins: Days, label: str, ends: Days, probability: float) -> Mark:
    first, last = (tuple((np.datetime64(one), np.datetime64(other)) for one, other in days) for days in (begins, ends))
    return Mark(number, label, first, last, probability)


def key(shocks: Sequence[Mark], times: Array) -> str:
    """The names and months of numbered marks on one line; if they are too many, only their number."""
    if len(shocks) > MARKS_MAX:
        bar = ", as bars where the date is random" if any(mark.drawn_begins for mark in shocks) else ""
        return f"{len(shocks)} shocks, marked at the foot of the panels{bar}; the timeline names them."
    return " ".join([f"Shocks: {'; '.join(listed(shocks, times))}.", bar_words(shocks)]).strip() if shocks else "No shocks."


def bar_words(shocks: Sequence[Mark]) -> str:
    """The explanation of the bars of marks; empty if no mark has one."""
    return (
        "Bar at the top of a panel: when a shock may begin or end."
        if any(mark.drawn_begins or mark.ends for mark in shocks)
        else ""
    )


def listed(shocks: Sequence[Mark], times: Array) -> list[str]:
    """The number, name and months of each mark, and its probability if that is not 1."""
    return [f"{mark.number} {fit(mark.label, LISTED)} ({', '.join(_when(mark, times))})" for mark in shocks]


def _when(mark: Mark, times: Array) -> list[str]:
    months = [str(day)[:7] for day in mark.dates]
    begins = [" to ".join(dict.fromkeys([*months[:1], *months[-1:]]))] if months else []
    begins += [f"between {_months(interval)}" for interval in mark.drawn_begins]
    texts = [" and ".join(dict.fromkeys(begins)), *dict.fromkeys(f"ends between {_months(interval)}" for interval in mark.ends)]
    texts += [f"probability {mark.probability:g}"] if mark.probability < 1 else []
    return texts + ([] if any(overlaps(interval, (times[0], times[-1])) for interval in mark.begins) else ["outside this time"])


def _months(interval: Interval) -> str:
    return " and ".join(str(day)[:7] for day in interval)


def foot(runs: Sequence[xr.Dataset], notes: Sequence[str]) -> str:
    """The foot of a sheet: the notes, then study, number of replicates, seed and settings of each run."""
    origins = []
    for ds in runs:
        number, study, settings = replicates_of(ds), ds.attrs.get("study", ""), str(ds.attrs.get("settings_hash", ""))
        texts = [f"study {study}"] if study else []
        texts += [f"{several(number, 'replicate')} of each variant", f"seed {ds.attrs['seed']}"]
        origins.append(", ".join(texts + ([f"settings {settings[:8]}"] if settings else [])))
    origin = "; ".join(dict.fromkeys(origins))
    return f"{'; '.join(notes)}. {origin[0].upper()}{origin[1:]}. A scenario, not a forecast."


def rivals(ds: xr.Dataset) -> list[str]:
    """Notes on the rivalries by which measures weight alignments: whether the region file gives them, and blocs without rivals."""
    called = dict(zip(names(ds, BLOC), bloc_labels(ds), strict=True))
    alone = [called[name] for name in str(ds["hedging"].attrs.get(SIDELESS, "")).split(", ") if name in called]
    given = ["rivalries are those that the region file gives for measures"] if MEASURED_RELATIONS in ds.coords else []
    return given + ([f"no rival, so no side in hedging and polarisation: {', '.join(alone)}"] if alone else [])


def pages(differences: xr.Dataset) -> tuple[list[Page], list[str]]:
    """The sheets for all variants with another variant as reference, and a note on variants that are left out."""
    labels, words = names(differences, VARIANT), variant_labels(differences)
    references = names(differences, "reference")
    apart = [at for at, label in enumerate(labels) if label != references[at]]
    called = dict(zip(labels, words, strict=True))
    against = {called.get(references[at], references[at]) for at in apart}
    other = against.pop() if len(against) == 1 else "each variant's own reference"
    return pages_of(differences, apart, f"effect against {other}")


def pages_of(ds: xr.Dataset, chosen: Sequence[int], title: str) -> tuple[list[Page], list[str]]:
    """The sheets for some variants, and a note on variants that are left out."""
    labels, words = names(ds, VARIANT), variant_labels(ds)
    groups = [chosen[start : start + COLUMNS] for start in range(0, len(chosen), COLUMNS)][:PAGES]
    sheets = []
    for number, group in enumerate(groups, start=1):
        place = f" ({number} of {len(groups)})" if len(groups) > 1 else ""
        head = f"{ds.attrs['region_label']}: {title}{place}"
        sheets.append(Page(list(group), [labels[at] for at in group], [words[at] for at in group], head))
    left_out = len(chosen) - COLUMNS * PAGES
    return sheets, [f"{left_out} of {len(chosen)} variants are not drawn: select fewer variants"] if left_out > 0 else []


def named(shocks: Sequence[Mark], times: Array) -> dict[str, Any]:
    """The names of the shocks of a sheet as arguments of `sheet`: a line above the panels if they are few, else a list below."""
    entries = listed(shocks, times)
    return {"entries": entries, "key": bar_words(shocks)} if len(entries) > MARKS_MAX else {"key": key(shocks, times)}
