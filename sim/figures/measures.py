"""The rows of the figure of measures: which measures a row shows, and its lines."""

import itertools
from typing import NamedTuple

import numpy as np
import xarray as xr

from sim.analysis.tables import MIRRORED
from sim.arrays import Array
from sim.figures.panels import limits_of
from sim.figures.sheet import MINUS, initials
from sim.names import BLOC, MEASURES, QUANTITIES
from sim.results import dataset
from sim.results.labels import bloc_labels, names, state_labels

SHORT = {"sphere": "Sphere", "similarity": "Alike"}
"""Short titles of rows whose measure has a label longer than the margin."""
NOTED = {"share", "0 or 1", "S score", "index"}
"""Units that the margin of the figure explains."""
PAIRS = 6
"""The maximal number of pairs of actors that a row shows."""
STATE_INKS = ("#1b1b1b", "#6f6f6f", "#a9a9a9")


class Row(NamedTuple):
    """A row: its title, the variables whose lines it shows, and whether they have bands."""

    title: str
    variables: tuple[str, ...]
    banded: bool


class Lines(NamedTuple):
    """The lines of a row: for each its name, colour and statistics by name, (variant, time); and the limits of the row's axis."""

    words: list[str]
    colours: list[str]
    moments: list[dict[str, Array]]
    limits: tuple[float, float]


ROWS = (
    *(Row(SHORT.get(name, QUANTITIES[name].label), (name,), banded=False) for name in MEASURES if QUANTITIES[name].dims),
    Row("Region", tuple(name for name in MEASURES if not QUANTITIES[name].dims), banded=True),
)
"""A row for each measure of actors, and one for those of the region as a whole."""


def margin() -> str:
    """The label of the vertical axes."""
    others = (f"; {row.title.lower()}: {QUANTITIES[name].unit}" for row in ROWS for name in row.variables if not _is_noted(name))
    return f"share; likeness (S score), balance and bridge index from {MINUS}1 to 1" + "".join(others)


def _is_noted(name: str) -> bool:
    return QUANTITIES[name].unit in NOTED


def lines_of(folded: xr.Dataset, row: Row) -> Lines:
    """The lines of a row: one for each actor or pair that has the measure."""
    words, colours, moments = [], [], []
    for variable in row.variables:
        for word, colour, series in _series(folded, variable):
            values = {name: series.sel({dataset.STATISTIC: name}).values for name in names(folded, dataset.STATISTIC)}
            if np.isfinite(values["mean"]).any():
                words.append(word)
                colours.append(colour or STATE_INKS[(len(words) - 1) % len(STATE_INKS)])
                moments.append(values)
    shown = ("mean", "q05", "q95") if row.banded else ("mean",)
    if all(QUANTITIES[variable].whole for variable in row.variables):
        return Lines(words, colours, moments, limits_of(np.array([0.0, 1.0])))
    return Lines(words, colours, moments, limits_of(*(series[name] for series in moments for name in shown)))


def pairs_of(folded: xr.Dataset, variable: str) -> list[tuple[int, int]]:
    """The pairs of actors that have a measure, as indices on its axes; for a symmetric measure each pair once."""
    one, other = (range(folded.sizes[dim]) for dim in QUANTITIES[variable].dims)
    return list(itertools.combinations(one, 2) if variable in MIRRORED else itertools.product(one, other))


def crowded(folded: xr.Dataset) -> list[str]:
    """Notes on rows that do not show all their pairs."""
    counts = {row: len(pairs_of(folded, row.variables[0])) for row in ROWS if len(QUANTITIES[row.variables[0]].dims) == 2}
    return [
        f"{row.title.lower()}: the {PAIRS} of {count} pairs of {_pair_words(row.variables[0])} that change most"
        for row, count in counts.items()
        if count > PAIRS
    ]


def _pair_words(variable: str) -> str:
    one, other = QUANTITIES[variable].dims
    return f"{one}s" if variable in MIRRORED else f"{one} and {other}"


def _series(folded: xr.Dataset, variable: str) -> list[tuple[str, str, xr.DataArray]]:
    """A measure over time for each of its actors or pairs of them: its name, the colour of a bloc, its values."""
    values, dims = folded[variable], QUANTITIES[variable].dims
    if len(dims) == 2:
        short = [initials(_words(folded, dim)) for dim in dims]
        pairs = pairs_of(folded, variable)
        series = [values.isel(dict(zip(dims, pair, strict=True))) for pair in pairs]
        change = [float(np.ptp(one.sel({dataset.STATISTIC: "mean"}).values, axis=-1).max()) for one in series]
        chosen = sorted(np.argsort(change)[::-1][:PAIRS])
        return [("-".join(axis[at] for axis, at in zip(short, pairs[pair], strict=True)), "", series[pair]) for pair in chosen]
    if not dims:
        return [(QUANTITIES[variable].label.split(" of ")[0], "", values)]
    inks = names(folded, "bloc_colour") if dims == (BLOC,) else [""] * values.sizes[dims[0]]
    return [(word, inks[at], values.isel({dims[0]: at})) for at, word in enumerate(_words(folded, dims[0]))]


def _words(folded: xr.Dataset, dim: str) -> list[str]:
    """The labels of the actors of an axis."""
    return bloc_labels(folded) if dim in ("bloc", "rival") else state_labels(folded)
