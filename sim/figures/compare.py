"""Figures that set variants or runs against each other: side by side, by their effects, or one laid over another.

Datasets in, Matplotlib Figures out, with the habits of `sim.figures.run`.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sim.analysis.statistics import moments_of, one_variant
from sim.figures import captions
from sim.figures.captions import INTERVAL, SINGLE
from sim.figures.panels import MARKS_MAX, bars, forest, frame, limits_of, line, mark_foot, name_ends, name_rows
from sim.figures.sheet import DASHES, INK, LIGHT, fit, sheet, styled
from sim.names import BLOC, VARIANT
from sim.results import dataset
from sim.results.labels import bloc_labels, names, replicates_of, state_labels, variant_labels

HALF = dataset.HALF_WIDTH


@styled
def plot_side_by_side(ds: xr.Dataset) -> list[Figure]:
    """The variants next to each other: how each state stands with every bloc over time, and where the worlds end.

    One panel per state (rows) and variant (columns, six a sheet); in it a line per bloc, the mean of the worlds, and after the last
    instant a dot at its end with 5-95 % of the worlds as a bar. Where a variant has a reference, thin grey lines are the
    reference's means. All sheets share one vertical axis; marks stand for the shocks that set a variant apart, short ones at the
    foot of the panels for those that all variants share, which the foot of the sheet counts
    and, while they are few, names.

    Parameters
    ----------
    ds : xarray.Dataset
        Results of `sim.engine.runs`, or their summary.

    Returns
    -------
    list of Figure
        A sheet for every six variants, four at most (then the sheets say how many variants are not drawn).
    """
    moments, times = moments_of(ds, "alignment")
    labels, references = names(ds, VARIANT), names(ds, "reference")
    pages, notes = captions.pages_of(ds, range(len(labels)), "the variants side by side")
    shown = [at for page in pages for at in page.at]
    single, mean = replicates_of(ds) == 1, moments["mean"]
    limits = limits_of(mean[shown], *(moments[name][shown, -1] for name in ("q05", "q95")))
    ends = SINGLE if single else f"bar after the last instant: {captions.band(replicates_of(ds))}, its dot: their mean"
    shared = captions.marks([ds], labels, shared=True)
    called = "; ".join(captions.listed(shared, times)) if len(shared) <= MARKS_MAX else "the timeline of a variant names them"
    common = [f"short mark at the foot of a panel: a shock of all variants, {len(shared)} in all ({called})"] if shared else []
    notes = ["Line: mean of the worlds", ends, "grey: means of the variant that it is set against", *common, *notes]
    words, colours = bloc_labels(ds), names(ds, "bloc_colour")
    dashes = [DASHES[bloc % len(DASHES)] for bloc in range(len(words))]
    figures = []
    for page in pages:
        apart = captions.marks([ds], page.labels, apart=True)
        figure, panels = sheet(
            state_labels(ds),
            page.columns,
            page.title,
            captions.foot([ds], notes),
            measure=captions.measure("alignment"),
            legend=list(zip(words, colours, dashes, strict=True)),
            height=2.1,
            **captions.named(apart, times),
        )
        for (row, column), ax in np.ndenumerate(panels):
            at, label = page.at[column], page.labels[column]
            frame(ax, times, limits, captions.marks([ds], [label], apart=True), numbered=row == 0)
            mark_foot(ax, times, shared)
            if references[at] != label and references[at] in labels:
                other = mean[labels.index(references[at]), :, row]
                ax.plot(times, other, color=LIGHT, linewidth=0.7, zorder=1.5, gid="reference")
            for bloc, name in enumerate(names(ds, BLOC)):
                line(ax, times, mean[at, :, row, bloc], colours[bloc], name, None, dashes[bloc])
            band = None if single else (moments["q05"][at, -1, row], moments["q95"][at, -1, row])
            bars(ax, times, mean[at, -1, row], band, colours)
        figures.append(figure)
    return figures


@styled
def plot_effects(differences: xr.Dataset, variable: str = "alignment") -> list[Figure]:
    """What each variant changes against its reference, on the same luck, over time.

    One panel per state (rows) and variant (columns, six a sheet); in it a line per bloc, the mean paired difference in the
    variable's unit, with the 95 % interval of the mean as a band, and a thin line at zero. Lines that end away from zero are
    named there. All sheets share one vertical axis.

    Parameters
    ----------
    differences : xarray.Dataset
        As `sim.results.dataset.differences` gives them.
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
    moments, times = moments_of(differences, variable)
    pages, notes = captions.pages(differences)
    shown = [at for page in pages for at in page.at]
    single, half = replicates_of(differences) == 1, np.nan_to_num(moments[HALF])
    low, high = moments["mean"] - half, moments["mean"] + half
    limits = limits_of(low[shown], high[shown], np.zeros(1))
    notes = ["Line: mean paired difference over the worlds", SINGLE if single else f"band: {INTERVAL}", *notes]
    words, colours = bloc_labels(differences), names(differences, "bloc_colour")
    dashes = [DASHES[bloc % len(DASHES)] for bloc in range(len(words))]
    figures = []
    for page in pages:
        figure, panels = sheet(
            state_labels(differences),
            page.columns,
            page.title,
            captions.foot([differences], notes),
            **captions.named(captions.marks([differences], page.labels, apart=True), times),
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
    moments, times = moments_of(differences, variable)
    last = {name: values[:, -1] for name, values in moments.items()}
    pages, notes = captions.pages(differences)
    shown = [at for page in pages for at in page.at]
    if not shown:
        return []
    limits = limits_of(*(last[name][shown] for name in ("mean", "q05", "q95")), np.zeros(1))
    bars = f"thick bar: {INTERVAL}, hollow dot where it holds zero; thin bar: {captions.band(replicates_of(differences))}"
    bars = SINGLE if replicates_of(differences) == 1 else bars
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
        name_rows(panels[0, 0], ranked, state_labels(differences), bloc_labels(differences))
        figures.append(figure)
    return figures


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
        What `sim.analysis.compare.compare` gives, of one variant.
    called : sequence of str
        What the two runs are called.
    variable : str
        A stock or flow of a state and a bloc.

    Raises
    ------
    SettingError
        Where a Dataset has several variants or lacks an actor of `difference`, or there is no such variable.
    """
    first, second, difference = (one_variant(ds, difference) for ds in (first, second, difference))
    runs = [moments_of(run, variable) for run in (first, second)]
    apart, instants = moments_of(difference, variable)
    shocks = captions.marks([first, second], [label for run in (first, second) for label in names(run, VARIANT)])
    single, half = replicates_of(difference) == 1, np.nan_to_num(apart[HALF])
    over = limits_of(*(moments[name] for moments, _ in runs for name in ("mean", "q05", "q95")))
    under = limits_of(apart["mean"] - half, apart["mean"] + half, np.zeros(1))
    pairs = "mean paired difference" if difference.attrs.get("paired", 1) else "difference of the means of unpaired worlds"
    bands = SINGLE if single else f"bands above: {captions.band(min(map(replicates_of, (first, second))))}; bands below: {INTERVAL}"
    words = {word for run in (first, second) for word in variant_labels(run)}
    shared = f", {words.pop()}" if len(words) == 1 else ""
    notes = ["Lines above: mean of the worlds", f"lines below: {pairs}, {fit(called[1])} less {fit(called[0])}", bands]
    figure, panels = sheet(
        [row for word in state_labels(first) for row in (word, "difference")],
        bloc_labels(first),
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
