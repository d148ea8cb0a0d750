"""Tables of paired differences and summaries: long and tidy for files, short for the screen."""

import csv
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sim import interrupts
from sim import text as legible
from sim.names import BLOC, PEER, PERIOD, QUANTITIES, RIVAL, SHOWN, STATE, STATISTIC, TIME, VARIANT, several
from sim.text import LABEL_MAX, cut

AXES = (STATE, PEER, BLOC, RIVAL)
"""The actor axes, in the order of the table's columns."""
MIRRORED = frozenset({"road", "relation", "traffic", "similarity"})
"""Variables that are symmetric in their two actors."""
SAMPLES = "samples"
"""The attribute of a comparison of unpaired samples that holds the number of replicates of each."""
FORMULAS = frozenset("=@+-\uff1d\uff20\uff0b\uff0d\u2212")
"""The characters with which formulas begin in spreadsheets, also in their full-width forms."""
REFERENCES = 2
"""How many references a heading names."""
SHOWN_COLUMNS = 6
"""How many variants a printed table has; the files have them all."""


def swept(ds: xr.Dataset) -> list[str]:
    """The names of the swept settings, which are coordinates of the variants."""
    return [str(name) for name in json.loads(ds.attrs["swept"])]


def write_long(summary: xr.Dataset, path: Path) -> None:
    """Write the long table of a Dataset (variant, statistic, ...): a row per variant, variable, actors and time.

    Columns: variant, scenario, state, peer, bloc, rival, time, variable, unit, the statistics, n, then one per swept key. A
    symmetric pair has one row; a flow has the time of the start of its period; n of two unpaired samples has both sizes, '5 and 2'.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header(summary))
        for rows in rows_of_variants(summary):
            writer.writerows(rows)


def replicates(summary: xr.Dataset) -> int | str:
    """Over how many replicates a table is; for two unpaired samples, the size of each as text."""
    return summary.attrs.get(SAMPLES, int(summary.attrs["replicates"]))


def header(summary: xr.Dataset) -> list[str]:
    """The columns of the long table."""
    statistics = [str(name) for name in summary[STATISTIC].values]
    return [VARIANT, "scenario", *AXES, TIME, "variable", "unit", *statistics, "n", *swept(summary)]


def rows_of_variants(summary: xr.Dataset) -> Iterator[list[list[Any]]]:
    """The rows of the long table, variant by variant."""
    beside = [summary[name].values for name in (VARIANT, "scenario", *swept(summary))]
    variables = {name: (_words(summary, name), summary[name].values) for name in SHOWN if name in summary}
    for index in range(summary.sizes[VARIANT]):
        interrupts.check()
        label, scenario, *own = (cell(values[index]) for values in beside)
        tail = [replicates(summary), *own]
        yield [
            [label, scenario, *row, *tail]
            for name, (words, values) in variables.items()
            for row in _rows(name, *words, values[index])
        ]


def _words(summary: xr.Dataset, name: str) -> tuple[list[str], list[list[str]]]:
    """The dates of a variable as text, and the names along its actor axes."""
    quantity = QUANTITIES[name]
    moments = summary[PERIOD if quantity.per_period else TIME].values.astype("datetime64[D]").astype(str)
    return list(moments), [[str(word) for word in summary[dim].values] for dim in quantity.dims]


def _rows(name: str, moments: Sequence[str], words: Sequence[Sequence[str]], values: np.ndarray) -> list[list[str]]:
    quantity, rows = QUANTITIES[name], []
    for index in itertools.product(*(range(len(names)) for names in words)):
        if name in MIRRORED and index[0] >= index[1]:
            continue
        who = dict(zip(quantity.dims, (names[at] for names, at in zip(words, index, strict=True)), strict=True))
        cells = [who.get(dim, "") for dim in AXES]
        series = values[(slice(None), slice(None), *index)].T
        if np.isnan(series).all():
            continue
        rows += [
            [*cells, moment, name, quantity.unit, *(format(number, ".10g") for number in numbers)]
            for moment, numbers in zip(moments, series.tolist(), strict=True)
        ]
    return rows


def cell(value: Any) -> str:
    """A value as text on one line, of visible characters, that no spreadsheet reads as a formula.

    >>> cell("=1+1"), cell(0.5), cell("-0.5"), cell("")
    ("'=1+1", '0.5', '-0.5', '')
    """
    text = f"{value:.12g}" if isinstance(value, float) else legible.shown(value)
    return "'" + text if (text.lstrip()[:1] or "x") in FORMULAS and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip()


def effects_lines(effects: xr.Dataset, variable: str = "alignment") -> list[str]:
    """Paired effects at the last instant as lines of text: a row per state and bloc, a column per variant.

    `effects` are those of `sim.results.dataset.differences`. A variant that is its own reference is left out.
    """
    labels = [str(label) for label in effects[VARIANT].values]
    against = [str(label) for label in effects["reference"].values]
    others = [index for index, label in enumerate(labels) if label != against[index]]
    shown = others[:SHOWN_COLUMNS]
    if not shown:
        return []
    named = references_named([cut(against[index], LABEL_MAX) for index in shown])
    return _table(effects, variable, f"effect on {variable}", f"against {named} on common random numbers", shown, len(others))


def references_named(labels: Sequence[str]) -> str:
    """The references of variants as a short text."""
    names = list(dict.fromkeys(labels))
    return " and ".join(names) if len(names) <= REFERENCES else f"{names[0]} and {len(names) - 1} others of the same other values"


def difference_lines(difference: xr.Dataset, names: Sequence[str], paired: bool, variable: str = "alignment") -> list[str]:
    """The difference of two results at the last instant, from `sim.analysis.compare.compare`, as lines of text."""
    count = difference.sizes[VARIANT]
    pairing = "on common random numbers" if paired else "NOT on common random numbers, so the replicates are no pairs"
    about = f"{names[1]} less {names[0]}, {pairing}"
    return _table(difference, variable, f"difference in {variable}", about, list(range(min(count, SHOWN_COLUMNS))), count)


def _table(ds: xr.Dataset, variable: str, what: str, about: str, shown: Sequence[int], count: int) -> list[str]:
    last, labels = ds[variable].isel(time=-1), [cut(str(label), LABEL_MAX) for label in ds[VARIANT].values]
    width = max([18, *(len(labels[index]) + 2 for index in shown)])
    lines = [
        f"{what} at {str(last[TIME].values)[:7]} {about}: mean ± half its 95 % interval, {several(replicates(ds), 'replicate')}",
        " " * 24 + "".join(f"{labels[index]:>{width}}" for index in shown),
    ]
    for state, bloc in itertools.product(range(last.sizes[STATE]), range(last.sizes[BLOC])):
        row = last.isel(state=state, bloc=bloc)
        cells = [interval(row.isel(variant=index)) for index in shown]
        lead = f"{cut(row['state_label'].item(), LABEL_MAX) if bloc == 0 else '':<14}{row[BLOC].item():<10}"
        lines.append(lead + "".join(f"{text:>{width}}" for text in cells))
    if count > len(shown):
        lines.append(f"({count - len(shown)} more variants are in the files)")
    return lines


def interval(values: xr.DataArray) -> str:
    """A mean and half its 95 % interval as text."""
    mean, half = (float(values.sel(statistic=name)) for name in ("mean", "half_width"))
    return f"{mean:+.4f}" + (f" ± {half:.4f}" if math.isfinite(half) else "")


def settings_lines(rows: Sequence[tuple[str, Any, Any]], names: Sequence[str], most: int) -> list[str]:
    """Settings that differ between two runs, at most `most` of them, as lines of text."""
    lines = [f"{several(len(rows), 'setting')} differ{'s' * (len(rows) == 1)} between {names[0]} and {names[1]}"]
    lines += [f"  {key}: {'-' if one is None else one} | {'-' if other is None else other}" for key, one, other in rows[:most]]
    return lines + ([f"  ({len(rows) - most} more are in the file)"] if len(rows) > most else [])
