"""Figures of one run: a Dataset in, a Matplotlib Figure out. Nothing is simulated, and Matplotlib's settings stay as they were.

A figure is a sheet of panels (`sim.figures.sheet`, `panels`) with its text (`captions`). A bloc has the region's colour
everywhere; the foot of each sheet explains its bands and states replicates and seed. `$` and `_` in a label are plain letters.
"""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sim.analysis.statistics import moments_of
from sim.config.known import demand_known
from sim.figures import captions, measures
from sim.figures.captions import INTERVAL, SINGLE
from sim.figures.panels import LEVELS, frame, limits_of, line, name_ends, number_marks, ticks
from sim.figures.sheet import DASHES, GREY, INK, MINUS, WIDTH, brief, sheet, styled, write
from sim.names import BLOC, MEASURES, PERIOD, STATE, TIME, VARIANT
from sim.results import dataset
from sim.results.labels import bloc_labels, names, replicates_of, state_labels, variant_labels

HALF = dataset.HALF_WIDTH


@styled
def plot_trajectories(ds: xr.Dataset, variant: str, variable: str = "alignment") -> Figure:
    """A variable, by default the alignment, of every state with every bloc over time, in one variant.

    One panel per state (rows) and bloc (columns): the mean over replicates as a line, the 5-95 % quantiles as a band, the opening
    level dotted. The vertical axis, in the variable's unit, is the same for all variants of `ds`, so that their figures can be
    compared. Shocks are numbered vertical marks at their dates, named above the panels.

    Parameters
    ----------
    ds : xarray.Dataset
        Results of `sim.engine.runs`, or their summary from `sim.results.dataset.summarise`.
    variant : str
        One of the labels on the axis `variant`.
    variable : str
        A stock or flow of a state and a bloc.

    Raises
    ------
    SettingError
        If there is no such variant or variable.
    """
    demand_known("variant", variant, names(ds, VARIANT), "variant")
    moments, times = moments_of(ds, variable)
    at, shocks, single = names(ds, VARIANT).index(variant), captions.marks([ds], [variant]), replicates_of(ds) == 1
    limits = limits_of(*(moments[name] for name in ("mean", "q05", "q95")))
    notes = [
        "Line: mean over replicates",
        SINGLE if single else f"band: {captions.band(replicates_of(ds))}",
        "dotted: level at the opening",
    ]
    figure, panels = sheet(
        state_labels(ds),
        bloc_labels(ds),
        f"{ds.attrs['region_label']}: {variant_labels(ds)[at]}",
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
    """One variant on one page: the alignment of each state with every bloc over time, and the shocks that name the state.

    One panel per state: a line per bloc, the mean over replicates. Above the lines are the numbers of the shocks that name the
    state or no state, at their first dates; the list below the panels names all shocks.

    Parameters
    ----------
    ds : xarray.Dataset
        Results of `sim.engine.runs`, or their summary.
    variant : str
        One of the labels on the axis `variant`.

    Raises
    ------
    SettingError
        If there is no such variant.
    """
    demand_known("variant", variant, names(ds, VARIANT), "variant")
    moments, times = moments_of(ds, "alignment")
    at, mean = names(ds, VARIANT).index(variant), moments["mean"]
    low, high = limits_of(mean[at])
    step = 0.07 * (high - low)
    words, colours = bloc_labels(ds), names(ds, "bloc_colour")
    dashes, shocks = [DASHES[bloc % len(DASHES)] for bloc in range(len(words))], captions.marks([ds], [variant])
    notes = [
        "Line: mean over replicates",
        SINGLE if replicates_of(ds) == 1 else "without bands",
        "number: first date of a shock that names the state, or no state; the list names all shocks",
        *(["bar next to it: until when it may begin"] if any(mark.drawn_begins for mark in shocks) else []),
    ]
    figure, panels = sheet(
        state_labels(ds),
        [""],
        f"{ds.attrs['region_label']}: {variant_labels(ds)[at]}",
        captions.foot([ds], notes),
        measure=captions.measure("alignment"),
        legend=list(zip(words, colours, dashes, strict=True)),
        height=2.1,
        gap=0.9,
        widest=WIDTH,
        entries=captions.listed(shocks, times),
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
def plot_measures(ds: xr.Dataset) -> list[Figure]:
    """The measures of the region over time in each variant.

    One panel per variant (columns, six a sheet) and measure (rows): shares of influence and strength of the spheres of the blocs,
    hedging and realignment of the states, similarity of pairs of states; in the lowest row polarisation, balance of triads and
    bridge index of the region (`sim.names.MEASURES`, defined in `sim.science.measures`). A row without lines is left out; of many
    pairs those that change most are drawn. Lines are means over replicates, for realignment the share of replicates in which a
    state is realigned; bands, in the lowest row, are 5-95 % quantiles. Each row has one vertical axis on all sheets.

    Parameters
    ----------
    ds : xarray.Dataset
        Results with their measures (`sim.results.derived.measured`), or their summary.

    Returns
    -------
    list of Figure
        A sheet for every six variants, four at most (then the sheets state how many variants are not drawn).

    Raises
    ------
    SettingError
        If the measures are missing.
    """
    for name in MEASURES:
        demand_known("variable", name, [str(variable) for variable in ds.data_vars], "variable of these results")
    folded, labels = dataset.summarise(ds[list(MEASURES)]), names(ds, VARIANT)
    kinds, rows = zip(*((kind, lines) for kind in measures.ROWS if (lines := measures.lines_of(folded, kind)).words), strict=True)
    single = replicates_of(ds) == 1
    pages, notes = captions.pages_of(ds, range(len(labels)), "the region as a whole")
    realigned = "realigned: share of replicates in which a state is closest to a rival of the bloc that it was closest to at first"
    band = SINGLE if single else f"band, in the lowest row: {captions.band(replicates_of(ds))}"
    notes = ["Line: mean over replicates", realigned, *measures.crowded(folded), band, *captions.rivals(ds), *notes]
    figures = []
    for page in pages:
        group, shown = page.at, page.labels
        figure, panels = sheet(
            [kind.title for kind in kinds],
            page.columns,
            page.title,
            captions.foot([ds], notes),
            key=captions.key(captions.marks([ds], shown), ds[TIME].values),
            measure=measures.margin(),
            gap=0.72,
        )
        for (row, column), ax in np.ndenumerate(panels):
            lines, kind = rows[row], kinds[row]
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


@styled
def plot_explanation(explained: xr.Dataset) -> Figure:
    """What moved a state's alignment with a bloc: a panel for the whole change, and one for each contribution that is not zero.

    Lines are means over replicates of what a contribution has added since the first instant, in the bloc's colour; bands are 5-95 %
    quantiles. The contributions sum to the whole change exactly. If the reference of the variant is another variant, the dashed
    line is the effect, the mean paired difference, with its 95 % interval. All panels share one vertical axis.

    Parameters
    ----------
    explained : xarray.Dataset
        As `sim.analysis.explain.explain` gives it.
    """
    table = {name: explained["alignment"].sel(statistic=name) for name in names(explained, "statistic")}
    times, single = explained[TIME].values, replicates_of(explained) == 1
    mean, half = table["mean"].values, np.nan_to_num(table[HALF].values)
    moving = [at for at in range(explained.sizes["contribution"] - 1) if np.abs(mean[:, at]).max() > 0]
    shown = [explained.sizes["contribution"] - 1, *moving]
    still = [word for at, word in enumerate(names(explained, "contribution_label")[:-1]) if at not in moving]
    columns = min(CONTRIBUTION_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    bands = [table[name].values[0, shown] for name in ("q05", "q95")]
    limits = limits_of(*bands, *(mean[1:, shown] + sign * half[1:, shown] for sign in (-1, 1)), mean[:, shown], np.zeros(1))
    notes = [
        "Line: mean over replicates, since the first instant",
        SINGLE if single else f"band: {captions.band(replicates_of(explained))}",
    ]
    against = explained.attrs["against"]
    notes += [f"dashed: effect against {against} on common random numbers, with its {INTERVAL}"] if against else []
    notes += ["the contributions sum to the whole change exactly"]
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
    colour, words = explained.attrs["bloc_colour"], brief(names(explained, "contribution_label"), 26)
    for at, ax in enumerate(panels.ravel()):
        if at >= len(shown):
            ax.set_axis_off()
            continue
        contribution = shown[at]
        frame(ax, times, limits, marks, numbered=at < columns, signed=True)
        line(ax, times, mean[0, contribution], colour, "change", None if single else (bands[0][at], bands[1][at]))
        if against:
            effect, reach = mean[1, contribution], half[1, contribution]
            line(ax, times, effect, INK, "effect", None if single else (effect - reach, effect + reach), "--")
        ax.tick_params(labelbottom=at + columns >= len(shown))
        end = float(mean[0, contribution, -1])
        place = (end - limits[0]) / (limits[1] - limits[0])
        write(ax, 1.02, place, f"{end:+.3f}".replace("-", MINUS), size=6, va="center", transform=ax.transAxes)
        weight = "bold" if at == 0 else "normal"
        write(ax, 0.03, 0.96, words[contribution], size=7, weight=weight, va="top", transform=ax.transAxes)
    return figure


CONTRIBUTION_COLUMNS = 5
"""Panels in a row of an explanation."""
