"""Figures: a Dataset in, a Matplotlib Figure out. Nothing here simulates, and no setting of Matplotlib outlives a call.

A figure is a sheet of panels (`sim.sheet`) with its words (`sim.captions`). A bloc has the region's colour everywhere; the foot
of each sheet names its bands, its worlds and its seed. `$`, `_` and the like in a label are only letters.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sim import captions, results
from sim.arrays import Array
from sim.captions import BAND, INTERVAL, SINGLE, names
from sim.names import BLOC, PERIOD, QUANTITIES, STATE, STATE_BLOC, TIME, VARIANT
from sim.refusal import SettingError, demand_known
from sim.sheet import (
    DASHES,
    GREY,
    INK,
    LEVELS,
    MINUS,
    WIDTH,
    fit,
    forest,
    frame,
    limits_of,
    line,
    name_ends,
    name_rows,
    number_marks,
    sheet,
    styled,
    ticks,
    write,
)

DPI = 180
HALF = results.HALF_WIDTH


@styled
def plot_trajectories(ds: xr.Dataset, variant: str, variable: str = "alignment") -> Figure:
    """How every state stands with every bloc over time, in one variant.

    One panel per state (rows) and bloc (columns): the mean of the worlds as a line, 5-95 % of the worlds as a band, the opening
    level dotted. The vertical axis, in the variable's unit, spans all variants of `ds`, so that their figures can be laid side by
    side. Shocks are numbered vertical marks at their dates, named above the panels.

    Parameters
    ----------
    ds : xarray.Dataset
        Results of `sim.simulate`, or their summary from `sim.results.summarise`.
    variant : str
        One of the labels on the axis `variant`.
    variable : str
        A stock or flow of a state and a bloc.

    Raises
    ------
    SettingError
        Where there is no such variant or variable.
    """
    demand_known("variant", variant, names(ds, VARIANT), "variant")
    moments, times = _moments(ds, variable)
    at, shocks, single = names(ds, VARIANT).index(variant), captions.marks([ds], [variant]), captions.worlds(ds) == 1
    limits = limits_of(*(moments[name] for name in ("mean", "q05", "q95")))
    notes = ["Line: mean of the worlds", SINGLE if single else f"band: {BAND}", "dotted: level at the opening"]
    figure, panels = sheet(
        captions.state_words(ds),
        captions.bloc_words(ds),
        f"{ds.attrs['region_label']}: {captions.variant_words(ds)[at]}",
        captions.foot([ds], notes),
        key=captions.key(shocks, times),
        measure=captions.measure(variable),
    )
    for (row, column), ax in np.ndenumerate(panels):
        mean, low, high = (moments[name][at, :, row, column] for name in ("mean", "q05", "q95"))
        frame(ax, times, limits, shocks, numbered=row == 0)
        ax.axhline(mean[0], color=GREY, linewidth=0.7, linestyle=":", zorder=1.5, gid="opening")
        line(ax, times, mean, names(ds, "bloc_colour")[column], names(ds, BLOC)[column], None if single else (low, high))
    return figure


@styled
def plot_timeline(ds: xr.Dataset, variant: str) -> Figure:
    """One variant on one page: how each state stands with every bloc over time, and the shocks that name it.

    One panel per state: a line per bloc, the mean of the worlds. Above the lines stand the numbers of the shocks that name the
    state or no state, at their first dates; the list below the panels names all shocks.

    Parameters
    ----------
    ds : xarray.Dataset
        Results of `sim.simulate`, or their summary.
    variant : str
        One of the labels on the axis `variant`.

    Raises
    ------
    SettingError
        Where there is no such variant.
    """
    demand_known("variant", variant, names(ds, VARIANT), "variant")
    moments, times = _moments(ds, "alignment")
    at, mean = names(ds, VARIANT).index(variant), moments["mean"]
    low, high = limits_of(mean[at])
    step = 0.07 * (high - low)
    words, colours = captions.bloc_words(ds), names(ds, "bloc_colour")
    dashes = [DASHES[bloc % len(DASHES)] for bloc in range(len(words))]
    notes = [
        "Line: mean of the worlds",
        SINGLE if captions.worlds(ds) == 1 else "without bands",
        "number: first date of a shock that names the state, or no state; the list names all shocks",
    ]
    figure, panels = sheet(
        captions.state_words(ds),
        [""],
        f"{ds.attrs['region_label']}: {captions.variant_words(ds)[at]}",
        captions.foot([ds], notes),
        measure=captions.measure("alignment"),
        legend=list(zip(words, colours, dashes, strict=True)),
        height=2.1,
        gap=0.9,
        widest=WIDTH,
        entries=captions.listed(captions.marks([ds], [variant]), times),
    )
    for row, ax in enumerate(panels[:, 0]):
        frame(ax, times, (low, high + LEVELS * step), [], numbered=False)
        ax.set_yticks(*ticks((low, high), 6, signed=False))
        number_marks(ax, times, captions.marks([ds], [variant], names(ds, STATE)[row]), high, step)
        for bloc, name in enumerate(names(ds, BLOC)):
            line(ax, times, mean[at, :, row, bloc], colours[bloc], name, None, dashes[bloc])
        name_ends(ax, mean[at, -1, row], words, (low, high + LEVELS * step), near=True)
    return figure


@styled
def plot_effects(differences: xr.Dataset, variable: str = "alignment") -> list[Figure]:
    """What each variant changes against its reference, on the same luck, over time.

    One panel per state (rows) and variant (columns, six a sheet); in it a line per bloc, the mean paired difference in the
    variable's unit, with the 95 % interval of the mean as a band, and a thin line at zero. Lines that end away from zero are
    named there. All sheets share one vertical axis.

    Parameters
    ----------
    differences : xarray.Dataset
        As `sim.results.differences` gives them.
    variable : str
        A stock or flow of a state and a bloc.

    Returns
    -------
    list of Figure
        A sheet for every six variants, four at most (then the sheets say how many variants are not drawn); empty where every
        variant is its own reference.

    Raises
    ------
    SettingError
        Where there is no such variable.
    """
    moments, times = _moments(differences, variable)
    pages, notes = captions.pages(differences)
    shown = [at for page in pages for at in page.at]
    single, half = captions.worlds(differences) == 1, np.nan_to_num(moments[HALF])
    low, high = moments["mean"] - half, moments["mean"] + half
    limits = limits_of(low[shown], high[shown], np.zeros(1))
    notes = ["Line: mean paired difference over the worlds", SINGLE if single else f"band: {INTERVAL}", *notes]
    words, colours = captions.bloc_words(differences), names(differences, "bloc_colour")
    dashes = [DASHES[bloc % len(DASHES)] for bloc in range(len(words))]
    figures = []
    for page in pages:
        figure, panels = sheet(
            captions.state_words(differences),
            page.columns,
            page.title,
            captions.foot([differences], notes),
            key=captions.key(captions.marks([differences], page.labels, apart=True), times),
            measure=captions.measure(variable, difference=True),
            legend=list(zip(words, colours, dashes, strict=True)),
            gap=0.6,
        )
        for (row, column), ax in np.ndenumerate(panels):
            at, shocks = page.at[column], captions.marks([differences], [page.labels[column]], apart=True)
            frame(ax, times, limits, shocks, numbered=row == 0, signed=True)
            for bloc, name in enumerate(names(differences, BLOC)):
                mean, below, above = (values[at, :, row, bloc] for values in (moments["mean"], low, high))
                line(ax, times, mean, colours[bloc], name, None if single else (below, above), dashes[bloc])
            name_ends(ax, moments["mean"][at, -1, row], words, limits)
        figures.append(figure)
    return figures


@styled
def plot_final_effects(differences: xr.Dataset, variable: str = "alignment") -> list[Figure]:
    """What each variant has changed at the last instant: which shock does what to whom.

    One panel per variant (six a sheet); in it a row per state and bloc, grouped by state, the greatest effect of any variant first.
    The dot is the mean paired difference in the variable's unit, the thick bar its 95 % interval, the thin bar 5-95 % of the
    worlds; a hollow dot has zero inside the interval.

    Parameters, returns and errors as of `plot_effects`.
    """
    moments, times = _moments(differences, variable)
    last = {name: values[:, -1] for name, values in moments.items()}
    pages, notes = captions.pages(differences)
    shown = [at for page in pages for at in page.at]
    if not shown:
        return []
    limits = limits_of(*(last[name][shown] for name in ("mean", "q05", "q95")), np.zeros(1))
    bars = f"thick bar: {INTERVAL}, hollow dot where it holds zero; thin bar: {BAND}"
    bars = SINGLE if captions.worlds(differences) == 1 else bars
    notes = ["Dot: mean paired difference over the worlds at the last instant", bars, *notes]
    ranked = np.argsort(-np.abs(last["mean"][shown]).max(axis=0), axis=1, kind="stable")
    figures = []
    for page in pages:
        figure, panels = sheet(
            [""],
            page.columns,
            page.title,
            captions.foot([differences], notes),
            below=f"{captions.measure(variable, difference=True)}, {str(times[-1])[:7]}",
            height=0.155 * (ranked.size + len(ranked)) + 0.1,
            gap=0.14,
            left=1.35,
        )
        for at, ax in zip(page.at, panels[0], strict=True):
            effects = {name: values[at] for name, values in last.items()}
            forest(ax, effects, ranked, limits, names(differences, "bloc_colour"))
        name_rows(panels[0, 0], ranked, captions.state_words(differences), captions.bloc_words(differences))
        figures.append(figure)
    return figures


@styled
def plot_measures(ds: xr.Dataset) -> list[Figure]:
    """What the region as a whole comes to in each variant: who has influence, who hedges, and how divided the region is.

    One panel per variant (columns, six a sheet) and measure (rows): shares of influence of the blocs, hedging of the states, and
    polarisation, balance of triads and bridge index of the region (`sim.measures` defines them). Lines are means of the worlds,
    bands, in the lowest row, 5-95 % of them; each row has one vertical axis on all sheets.

    Parameters
    ----------
    ds : xarray.Dataset
        Results with their measures (`sim.measuring.measured`), or their summary.

    Returns
    -------
    list of Figure
        A sheet for every six variants, four at most (then the sheets say how many variants are not drawn).

    Raises
    ------
    SettingError
        Where the measures are missing.
    """
    for name in (name for row in MEASURE_ROWS for name in row.variables):
        demand_known("variable", name, [str(variable) for variable in ds.data_vars], "variable of these results")
    folded, labels = results.summarise(ds[[name for row in MEASURE_ROWS for name in row.variables]]), names(ds, VARIANT)
    rows = [_measure_lines(folded, row) for row in MEASURE_ROWS]
    single = captions.worlds(ds) == 1
    groups = [list(range(len(labels)))[at : at + captions.COLUMNS] for at in range(0, len(labels), captions.COLUMNS)]
    left_out = len(labels) - captions.COLUMNS * captions.PAGES
    notes = ["Line: mean of the worlds", SINGLE if single else f"band, in the lowest row: {BAND}"]
    notes += [f"{left_out} of {len(labels)} variants are not drawn: choose among them"] if left_out > 0 else []
    figures = []
    for number, group in enumerate(groups[: captions.PAGES], start=1):
        place = f" ({number} of {len(groups)})" if len(groups) > 1 else ""
        shown = [labels[at] for at in group]
        figure, panels = sheet(
            [row.title for row in MEASURE_ROWS],
            [captions.variant_words(ds)[at] for at in group],
            f"{ds.attrs['region_label']}: the region as a whole{place}",
            captions.foot([ds], notes),
            key=captions.key(captions.marks([ds], shown), ds[TIME].values),
            gap=0.72,
        )
        for (row, column), ax in np.ndenumerate(panels):
            lines, kind = rows[row], MEASURE_ROWS[row]
            frame(ax, ds[TIME].values, lines.limits, captions.marks([ds], [shown[column]]), numbered=row == 0, signed=False)
            for at, word in enumerate(lines.words):
                series = lines.moments[at]
                mean, low, high = (series[name][group[column]] for name in ("mean", "q05", "q95"))
                times = ds[PERIOD if len(mean) < ds.sizes[TIME] else TIME].values
                band = None if single or not kind.banded else (low, high)
                line(ax, times, mean, lines.colours[at], word, band, DASHES[at % len(DASHES)])
            ends = np.array([series["mean"][group[column], -1] for series in lines.moments])
            name_ends(ax, ends, lines.words, lines.limits, letters=13, near=True)
        figures.append(figure)
    return figures


class MeasureRow(NamedTuple):
    """A row of the figure of measures: what it is called, the variables whose lines it holds, and whether they have bands."""

    title: str
    variables: tuple[str, ...]
    banded: bool


class MeasureLines(NamedTuple):
    """The lines of a row: for each its words, colour and moments by name, of axes (variant, time); and the row's limits."""

    words: list[str]
    colours: list[str]
    moments: list[dict[str, Array]]
    limits: tuple[float, float]


MEASURE_ROWS = (
    MeasureRow("Share of influence", ("influence",), banded=False),
    MeasureRow("Hedging", ("hedging",), banded=False),
    MeasureRow("Region", ("polarisation", "balance", "bridge"), banded=True),
)
STATE_INKS = ("#1b1b1b", "#6f6f6f", "#a9a9a9")


def _measure_lines(folded: xr.Dataset, row: MeasureRow) -> MeasureLines:
    statistics = names(folded, results.STATISTIC)
    words, colours, moments = [], [], []
    for variable in row.variables:
        values = folded[variable]
        dims = QUANTITIES[variable].dims
        for at in range(values.sizes[dims[0]] if dims else 1):
            series = values.isel({dims[0]: at}) if dims else values
            moments.append({name: series.values[:, index] for index, name in enumerate(statistics)})
            words.append(names(folded, f"{dims[0]}_label")[at] if dims else QUANTITIES[variable].label.split(" of ")[0])
            colours.append(names(folded, "bloc_colour")[at] if dims == (BLOC,) else STATE_INKS[(len(words) - 1) % len(STATE_INKS)])
    shown = ("mean", "q05", "q95") if row.banded else ("mean",)
    return MeasureLines(words, colours, moments, limits_of(*(series[name] for series in moments for name in shown)))


@styled
def plot_comparison(
    first: xr.Dataset, second: xr.Dataset, difference: xr.Dataset, called: Sequence[str], variable: str = "alignment"
) -> Figure:
    """Two runs laid over each other, and what sets them apart.

    Two panels per state (rows) and bloc (columns) of `difference`. Above: the mean of the worlds of the first (solid) and the
    second run (dashed) with 5-95 % of the worlds as bands. Below: the mean difference, second less first, with its 95 % interval
    of the mean around a line at zero. Axes in the variable's unit, one for all panels above and one for all below. Marks stand
    for the shocks of either run.

    Parameters
    ----------
    first, second : xarray.Dataset
        Results or summaries of one variant each, on an axis of its own or without.
    difference : xarray.Dataset
        What `sim.comparison.compare` gives, of one variant.
    called : sequence of str
        What the two runs are called.
    variable : str
        A stock or flow of a state and a bloc.

    Raises
    ------
    SettingError
        Where a Dataset has several variants or lacks an actor of `difference`, or there is no such variable.
    """
    first, second, difference = (_one(ds, difference) for ds in (first, second, difference))
    runs = [_moments(run, variable) for run in (first, second)]
    apart, instants = _moments(difference, variable)
    shocks = captions.marks([first, second], [label for run in (first, second) for label in names(run, VARIANT)])
    single, half = captions.worlds(difference) == 1, np.nan_to_num(apart[HALF])
    over = limits_of(*(moments[name] for moments, _ in runs for name in ("mean", "q05", "q95")))
    under = limits_of(apart["mean"] - half, apart["mean"] + half, np.zeros(1))
    pairs = "mean paired difference" if difference.attrs.get("paired", 1) else "difference of the means of unpaired worlds"
    bands = SINGLE if single else f"bands above: {BAND}; bands below: {INTERVAL}"
    words = {word for run in (first, second) for word in captions.variant_words(run)}
    shared = f", {words.pop()}" if len(words) == 1 else ""
    notes = ["Lines above: mean of the worlds", f"lines below: {pairs}, {fit(called[1])} less {fit(called[0])}", bands]
    figure, panels = sheet(
        [row for word in captions.state_words(first) for row in (word, "difference")],
        captions.bloc_words(first),
        f"{first.attrs['region_label']}{shared}: {called[1]} against {called[0]}",
        captions.foot([first, second], notes),
        key=captions.key(shocks, runs[0][1]),
        measure=captions.measure(variable),
        legend=[(called[0], INK, DASHES[0]), (called[1], INK, DASHES[1])],
        height=1.0,
    )
    for (row, column), ax in np.ndenumerate(panels):
        at, colour, bloc = (0, slice(None), row // 2, column), names(first, "bloc_colour")[column], names(first, BLOC)[column]
        if row % 2:
            frame(ax, instants, under, shocks, numbered=False, signed=True)
            mean, reach = apart["mean"][at], half[at]
            line(ax, instants, mean, colour, bloc, None if single else (mean - reach, mean + reach))
            continue
        frame(ax, runs[0][1], over, shocks, numbered=row == 0)
        for (moments, times), dash in zip(runs, DASHES, strict=False):
            line(ax, times, moments["mean"][at], colour, bloc, None if single else (moments["q05"][at], moments["q95"][at]), dash)
    return figure


@styled
def plot_explanation(explained: xr.Dataset) -> Figure:
    """What moved a state's alignment with a bloc: a panel for the whole change and one for each part that is not zero throughout.

    Lines are means over worlds of what a part has added since the first instant, in the bloc's colour; bands
    hold 5-95 % of worlds. The parts add up to the whole exactly. Where the variant has another for reference the dashed line is
    the effect, the paired difference, with the 95 % interval of its mean. All panels share one vertical axis.

    Parameters
    ----------
    explained : xarray.Dataset
        As `sim.explanation.explain` gives it.
    """
    table = {name: explained["part"].sel(statistic=name) for name in names(explained, "statistic")}
    times, single = explained[TIME].values, captions.worlds(explained) == 1
    mean, half = table["mean"].values, np.nan_to_num(table[HALF].values)
    moving = [at for at in range(explained.sizes["piece"] - 1) if np.abs(mean[:, at]).max() > 0]
    shown = [explained.sizes["piece"] - 1, *moving]
    still = [word for at, word in enumerate(names(explained, "piece_label")[:-1]) if at not in moving]
    columns = min(PART_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    bands = [table[name].values[0, shown] for name in ("q05", "q95")]
    limits = limits_of(*bands, *(mean[1:, shown] + sign * half[1:, shown] for sign in (-1, 1)), mean[:, shown], np.zeros(1))
    notes = ["Line: mean of the worlds, since the first instant", SINGLE if single else f"band: {BAND}"]
    against = explained.attrs["against"]
    notes += [f"dashed: effect against {against} on the same luck, with its {INTERVAL}"] if against else []
    notes += ["the parts add up to the whole change exactly"]
    notes += [f"zero throughout: {', '.join(still).lower()}"] if still else []
    marks = captions.marks([explained], [explained.attrs["variant"]])
    figure, panels = sheet(
        [""] * rows,
        [""] * columns,
        f"{explained.attrs['state_label']} and {explained.attrs['bloc_label']}: what moved the alignment, "
        f"{explained.attrs['variant_label']}",
        captions.foot([explained], notes),
        key=captions.key(marks, times),
        measure=f"added to the alignment ({MINUS}1 against to 1 with)",
        height=1.2,
        gap=0.45,
    )
    colour = explained.attrs["bloc_colour"]
    for at, ax in enumerate(panels.ravel()):
        if at >= len(shown):
            ax.set_axis_off()
            continue
        piece = shown[at]
        frame(ax, times, limits, marks, numbered=at < columns, signed=True)
        line(ax, times, mean[0, piece], colour, "change", None if single else (bands[0][at], bands[1][at]))
        if against:
            reach = half[1, piece]
            line(
                ax, times, mean[1, piece], INK, "effect", None if single else (mean[1, piece] - reach, mean[1, piece] + reach), "--"
            )
        ax.tick_params(labelbottom=at + columns >= len(shown))
        end = float(mean[0, piece, -1])
        place = (end - limits[0]) / (limits[1] - limits[0])
        write(ax, 1.02, place, f"{end:+.3f}".replace("-", MINUS), size=6, va="center", transform=ax.transAxes)
        weight = "bold" if at == 0 else "normal"
        word = names(explained, "piece_label")[piece]
        write(ax, 0.03, 0.96, fit(word, 26), size=7, weight=weight, va="top", transform=ax.transAxes)
    return figure


PART_COLUMNS = 5
"""Panels in a row of an explanation."""


@styled
def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG for print (180 dpi); the bytes hold no date and no version."""
    figure.savefig(path, dpi=DPI, format="png", metadata={"Software": None})


def _moments(ds: xr.Dataset, variable: str) -> tuple[dict[str, Array], Array]:
    """Each statistic of a variable, of axes (variant, time or period, state, bloc), and the instants."""
    known = [name for name, quantity in QUANTITIES.items() if name in ds and quantity.dims == STATE_BLOC]
    demand_known("variable", variable, known, "stock or flow of a state and a bloc in these results")
    values = results.summarise(ds[[variable]])[variable].transpose(VARIANT, results.STATISTIC, ..., STATE, BLOC)
    statistics = [str(name) for name in values[results.STATISTIC].values]
    return {name: values.values[:, at] for at, name in enumerate(statistics)}, values[values.dims[2]].values


def _one(ds: xr.Dataset, like: xr.Dataset) -> xr.Dataset:
    """A Dataset of one variant, on an axis of its own, with the actors of another."""
    ds = ds if VARIANT in ds.dims else ds.expand_dims(VARIANT)
    if ds.sizes[VARIANT] != 1:
        raise SettingError(VARIANT, f"there are {ds.sizes[VARIANT]}", "one, as isel(variant=0) gives it")
    for dim in (STATE, BLOC):
        for name in names(like, dim):
            demand_known(dim, name, names(ds, dim), dim)
    return ds.sel({dim: like[dim].values for dim in (STATE, BLOC)})
