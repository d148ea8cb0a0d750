"""Figures that compare variants or runs: side by side, as paired effects, or in the same panels.

Datasets in, Matplotlib Figures out, with the conventions of `sim.figures.run`.
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
    """The variants next to each other: the alignment of each state with every bloc over time, and its spread at the end.

    One panel per state (rows) and variant (columns, six a sheet); in it a line per bloc, the mean over replicates, and after the
    last instant a dot at its end with the 5-95 % quantiles as a bar. Thin grey lines are the means of the variant's reference. All
    sheets share one vertical axis. Marks are the shocks that a variant and its reference do not share; short marks at the foot of
    the panels are those that all variants share: the foot of the sheet counts them and, if they are few, names them.

    Parameters
    ----------
    ds : xarray.Dataset
        Results of `sim.engine.runs`, or their summary.

    Returns
    -------
    list of Figure
        A sheet for every six variants, four at most (then the sheets state how many variants are not drawn).
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
    notes = ["Line: mean over replicates", ends, "grey: means of its reference", *common, *notes]
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
    """The paired effect of each variant against its reference, on common random numbers, over time.

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
        A sheet for every six variants, four at most (then the sheets state how many variants are not drawn); empty if every
        variant is its own reference.

    Raises
    ------
    SettingError
        If there is no such variable.
    """
    moments, times = moments_of(differences, variable)
    pages, notes = captions.pages(differences)
    shown = [at for page in pages for at in page.at]
    single, half = replicates_of(differences) == 1, np.nan_to_num(moments[HALF])
    low, high = moments["mean"] - half, moments["mean"] + half
    limits = limits_of(low[shown], high[shown], np.zeros(1))
    notes = ["Line: mean paired difference over replicates", SINGLE if single else f"band: {INTERVAL}", *notes]
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
    """The paired effect of each variant at the last instant.

    One panel per variant (six a sheet); in it a row per state and bloc, grouped by state, the greatest effect of any variant first.
    The dot is the mean paired difference in the variable's unit, the thick bar its 95 % interval, the thin bar its 5-95 %
    quantiles over replicates; the dot is hollow if the interval includes zero.

    Parameters, returns and errors as of `plot_effects`.
    """
    moments, times = moments_of(differences, variable)
    last = {name: values[:, -1] for name, values in moments.items()}
    pages, notes = captions.pages(differences)
    shown = [at for page in pages for at in page.at]
    if not shown:
        return []
    limits = limits_of(*(last[name][shown] for name in ("mean", "q05", "q95")), np.zeros(1))
    bars = f"thick bar: {INTERVAL}, hollow dot if it includes zero; thin bar: {captions.band(replicates_of(differences))}"
    bars = SINGLE if replicates_of(differences) == 1 else bars
    notes = ["Dot: mean paired difference over replicates at the last instant", bars, *notes]
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
    """Two runs in the same panels, and their difference.

    Two panels per state (rows) and bloc (columns) of `difference`. Above: the mean over replicates of the first (solid) and the
    second run (dashed) with the 5-95 % quantiles as bands. Below: the mean difference, second less first, with the 95 % interval
    of the mean, and a line at zero. Axes in the variable's unit, one for all panels above and one for all below. Marks are the
    shocks of either run.

    Parameters
    ----------
    first, second : xarray.Dataset
        Results or summaries of one variant each, on an axis of its own or without.
    difference : xarray.Dataset
        What `sim.analysis.compare.compare` gives, of one variant.
    called : sequence of str
        Names of the two runs.
    variable : str
        A stock or flow of a state and a bloc.

    Raises
    ------
    SettingError
        If a Dataset has several variants or lacks an actor of `difference`, or there is no such variable.
    """
    first, second, difference = (one_variant(ds, difference) for ds in (first, second, difference))
    runs = [moments_of(run, variable) for run in (first, second)]
    apart, instants = moments_of(difference, variable)
    shocks = captions.marks([first, second], [label for run in (first, second) for label in names(run, VARIANT)])
    single, half = replicates_of(difference) == 1, np.nan_to_num(apart[HALF])
    over = limits_of(*(moments[name] for moments, _ in runs for name in ("mean", "q05", "q95")))
    under = limits_of(apart["mean"] - half, apart["mean"] + half, np.zeros(1))
    pairs = "mean paired difference" if difference.attrs.get("paired", 1) else "difference of the means of unpaired replicates"
    bands = SINGLE if single else f"bands above: {captions.band(min(map(replicates_of, (first, second))))}; bands below: {INTERVAL}"
    words = {word for run in (first, second) for word in variant_labels(run)}
    shared = f", {words.pop()}" if len(words) == 1 else ""
    notes = ["Lines above: mean over replicates", f"lines below: {pairs}, {fit(called[1])} less {fit(called[0])}", bands]
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
