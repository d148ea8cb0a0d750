"""The content of a panel of a figure: time axes with marks of shocks, lines with bands, names of lines, rows of effects.

Arrays and texts in, Matplotlib out; no Dataset is read and no result computed here.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim.figures.sheet import FAINT, GREY, INK, LIGHT, MINUS, Dash, brief, write

Array = np.ndarray

MARKS_MAX = 10
"""Up to so many shocks are numbered above panels; more are short marks at the foot, and the timeline names them."""
LEVELS = 4
"""How many heights the numbers of a timeline's shocks can have, so that close ones do not overlap."""
FOOT, LEVEL = 0.04, 0.035
"""Height of marks at the foot as a share of a panel, and the distance of bars at the top in inches."""
YEAR_STEPS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
NAMED = 0.1
"""A line is named if its end is farther from zero than this share of the panel's height."""
GAP_MARKS, GAP_ENDS, GAP_YEARS = 0.13, 0.12, 0.9
"""Least distance in inches of the numbers of marks, of the names of lines, and of the years below a panel."""
BAR_STEP = 0.04
"""Distance of the bars after the end of a panel, as a share of its time."""
NUMBER_GAP = 0.016
"""Least distance of two numbers at the same height, as a share of a timeline's width."""


Interval = tuple[np.datetime64, np.datetime64]
"""The first and the last date between which each replicate draws one; both are equal if the date is not random."""


class Mark(NamedTuple):
    """A shock as figures show it: when its effects begin, and when they end if that is random.

    Shocks are numbered over the whole run, in the order of dates; `probability` is that of the shock happening.
    """

    number: int
    label: str
    begins: tuple[Interval, ...]
    ends: tuple[Interval, ...] = ()
    probability: float = 1.0

    @property
    def dates(self) -> list[np.datetime64]:
        """Dates at which effects begin in every replicate."""
        return [first for first, last in self.begins if first == last]

    @property
    def drawn_begins(self) -> list[Interval]:
        """Intervals of dates in which effects begin at random."""
        return [(first, last) for first, last in self.begins if first != last]


def limits_of(*arrays: Array) -> tuple[float, float]:
    """The limits of an axis for all values, with a margin of 5 %."""
    low = min((float(np.nanmin(array)) for array in arrays if array.size), default=0.0)
    high = max((float(np.nanmax(array)) for array in arrays if array.size), default=0.0)
    room = 0.05 * (high - low) if high - low > 1e-9 else 0.05
    return low - room, high + room


def ticks(limits: tuple[float, float], number: int, signed: bool) -> tuple[list[float], list[str]]:
    """Positions and labels of ticks at round values inside the limits."""
    places = [
        float(place)
        for place in MaxNLocator(number, steps=[1, 2, 2.5, 5, 10]).tick_values(*limits)
        if limits[0] <= place <= limits[1]
    ]
    return places, [("0" if abs(place) < 1e-12 else f"{place:{'+' if signed else ''}.6g}").replace("-", MINUS) for place in places]


def years(times: Array, most: int = 4) -> tuple[list[np.datetime64], list[str]]:
    """Positions and labels of at most `most` years on a time axis; its two ends as months if it has fewer than two."""
    first, last = times[0].astype("datetime64[D]"), times[-1].astype("datetime64[D]")
    start = int(str(first)[:4]) + (str(first)[5:] != "01-01")
    held = int(str(last)[:4]) - start + 1
    if held < 2:
        ends = [first] if first == last else [first, last]
        return ends, [str(end)[:7] for end in ends]
    step = next((step for step in YEAR_STEPS if held <= most * step), held)
    shown = range(start, start + held, step)
    labels = [f"{year:04d}" for year in shown]
    return [np.datetime64(f"{label}-01-01") for label in labels], labels


def frame(ax: Axes, times: Array, limits: tuple[float, float], marks: Sequence[Mark], numbered: bool, signed: bool = False) -> None:
    """Draw a panel's axes, its line at zero and the marks of the shocks in its time, with their numbers above if `numbered`.

    Bars at the top span the dates between which the random beginning or end of a shock lies.
    """
    first, last = times[0], times[-1]
    if first == last:
        first, last = first - np.timedelta64(15, "D"), last + np.timedelta64(15, "D")
    ax.set_xlim(first, last)
    ax.set_ylim(*limits)
    wide = _inches(ax)[0]
    places, labels = years(times, max(4, int(wide / GAP_YEARS)))
    ax.set_xticks(places, labels)
    if len(places) == 2 and places[0] == times[0]:  # months at both ends would overlap those of the next panel
        for label, side in zip(ax.get_xticklabels(), ("left", "right"), strict=False):  # only the lowest panels have labels
            label.set_horizontalalignment(side)
    ax.set_yticks(*ticks(limits, 6, signed))
    ax.axhline(0, color=GREY if signed else FAINT, linewidth=0.6, zorder=1, gid="zero")
    _mark_shocks(ax, (first, last), marks, numbered, short=len(marks) > MARKS_MAX)


def _mark_shocks(ax: Axes, shown: Interval, marks: Sequence[Mark], numbered: bool, short: bool) -> None:
    """Draw the marks of shocks in the time shown: lines at fixed dates, bars at random ones; short marks are at the foot."""
    (wide, tall), right, taken = _inches(ax), -1.0, list[list[Interval]]()
    for mark in marks:
        for day in (day for day in mark.dates if shown[0] <= day <= shown[1]):
            style = {"color": LIGHT, "linewidth": 0.6, "zorder": 1, "gid": f"shock {mark.number}"}
            ax.axvline(day, ymax=FOOT if short else 1.0, **style)  # pyright: ignore[reportArgumentType]
        for interval in mark.drawn_begins if short else [*mark.drawn_begins, *mark.ends]:
            if overlaps(interval, shown):
                height = FOOT / 2 if short else 1.0 - _level(interval, taken) * LEVEL / tall
                style = {"color": LIGHT, "linewidth": 1.8, "solid_capstyle": "butt", "zorder": 1}
                ends = [_place(day, shown) for day in interval]
                gid = f"interval of shock {mark.number}"
                ax.plot(ends, [height, height], transform=ax.transAxes, clip_on=False, gid=gid, **style)  # pyright: ignore[reportArgumentType]
        inside = next((interval for interval in mark.begins if overlaps(interval, shown)), None)
        if inside and numbered and not short:
            right = max(_place(inside[0], shown), right + GAP_MARKS / wide)
            write(ax, right, 1.02, str(mark.number), size=6, color=GREY, ha="center", va="bottom", transform=ax.transAxes)


def mark_foot(ax: Axes, times: Array, marks: Sequence[Mark]) -> None:
    """Draw short marks of shocks at the foot of a panel, without numbers: lines at fixed dates, bars at random ones."""
    _mark_shocks(ax, (times[0], times[-1]), marks, numbered=False, short=True)


def _level(interval: Interval, taken: list[list[Interval]]) -> int:
    """The first level without an interval that overlaps this one; the interval is added to that level."""
    level = next((at for at, others in enumerate(taken) if not any(overlaps(interval, other) for other in others)), len(taken))
    taken[level : level + 1] = [[*(taken[level] if level < len(taken) else []), interval]]
    return level


def _place(day: np.datetime64, shown: Interval) -> float:
    """The position of a date in the time shown, from 0 to 1; dates outside are moved to the nearest end."""
    return float((min(max(day, shown[0]), shown[1]) - shown[0]) / (shown[1] - shown[0]))


def overlaps(one: Interval, other: Interval) -> bool:
    """Whether two intervals have a date in common."""
    return bool(one[0] <= other[1] and other[0] <= one[1])


def number_marks(ax: Axes, times: Array, marks: Sequence[Mark], level: float, step: float) -> None:
    """Write the numbers of shocks at their first dates above the lines of a timeline's panel, close ones at different heights.

    If that date is random, a bar next to the number spans the possible dates.
    """
    shown, placed = (times[0], times[-1]), [-1.0] * LEVELS
    for mark in marks:
        interval = next((interval for interval in mark.begins if overlaps(interval, shown)), None)
        if interval is None:
            continue
        x, end = (_place(day, shown) for day in interval)
        at = next((at for at in range(LEVELS) if x - placed[at] > NUMBER_GAP), int(np.argmin(placed)))
        placed[at] = end
        y, day = level + (at + 0.5) * step, max(interval[0], shown[0])
        style = {"color": FAINT, "linewidth": 0.6, "zorder": 0.5, "gid": f"shock {mark.number}"}
        if interval[0] == interval[1]:
            ax.plot([day, day], [ax.get_ylim()[0], y - 0.4 * step], **style)  # pyright: ignore[reportArgumentType]
        else:
            style |= {"color": LIGHT, "linewidth": 1.8, "solid_capstyle": "butt", "transform": ax.get_yaxis_transform()}
            ax.plot([x + 0.6 * NUMBER_GAP, max(x + 0.6 * NUMBER_GAP, end)], [y, y], **style)  # pyright: ignore[reportArgumentType]
        write(ax, day, y, str(mark.number), size=6, color=INK, ha="center", va="center", clip_on=True)  # pyright: ignore[reportArgumentType]


def line(ax: Axes, x: Array, y: Array, colour: str, name: str, band: tuple[Array, Array] | None, dash: Dash = "-") -> None:
    """Draw a mean as a line, with a band if one is given."""
    if band is not None:
        ax.fill_between(x, *band, color=colour, alpha=0.22, linewidth=0, zorder=2, label=name)
    ax.plot(
        x, y, color=colour, linestyle=dash, linewidth=1.3, marker="o" if len(x) == 1 else "", markersize=3, zorder=3, label=name
    )


def name_ends(
    ax: Axes, ends: Array, words: Sequence[str], limits: tuple[float, float], letters: int = 10, near: bool = False
) -> None:
    """Write the names of lines right of a panel, without overlap: of those that end away from zero, with `near` of all lines."""
    low, high = limits
    named = (at for at, end in enumerate(ends) if near or abs(end) > NAMED * (high - low))
    places = {at: (float(ends[at]) - low) / (high - low) for at in named}
    order = sorted(places, key=places.__getitem__)
    heights = spread([places[at] for at in order], GAP_ENDS / _inches(ax)[1])
    names = brief(words, letters)
    for at, height in zip(order, heights, strict=True):
        write(ax, 1.02, height, names[at], size=6, color=INK, va="center", transform=ax.transAxes)


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Rising heights, moved as little as possible so that they are at least `gap` apart, at most 1 and, if they fit, at least 0.

    >>> [round(height, 3) for height in spread([0.1, 0.5, 0.5], 0.1)]
    [0.1, 0.45, 0.55]
    """
    groups: list[tuple[float, int]] = []
    for at, place in enumerate(places):
        groups.append((place - at * gap, 1))
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (one, many), (other, more) = groups.pop(-2), groups.pop()
            groups.append(((one * many + other * more) / (many + more), many + more))
    even = [mean for mean, many in groups for _ in range(many)]
    return [min(max(mean, 0.0) + at * gap, 1.0 - (len(places) - 1 - at) * gap) for at, mean in enumerate(even)]


def bars(ax: Axes, times: Array, mean: Array, band: tuple[Array, Array] | None, colours: Sequence[str]) -> None:
    """Draw the values at the last instant after it: for each bloc a dot at the mean and, if `band` is given, a bar."""
    span = times[-1] - times[0]
    for bloc, colour in enumerate(colours):
        x = times[-1] + (bloc + 1) * span * BAR_STEP
        if band is not None:
            ax.vlines(x, band[0][bloc], band[1][bloc], color=colour, linewidth=1.4, alpha=0.55, zorder=2, gid="replicates")
        ax.scatter([x], [mean[bloc]], s=7, color=colour, linewidths=0, zorder=3, gid="mean")
    ax.set_xlim(times[0], times[-1] + (len(colours) + 1) * span * BAR_STEP)


def _inches(ax: Axes) -> tuple[float, float]:
    """The width and height of a panel in inches."""
    box, (total, tall) = ax.get_position(), ax.figure.get_size_inches()  # pyright: ignore[reportAttributeAccessIssue]
    return box.width * total, box.height * tall


# Panels of rows -------------------------------------------------------------------------------------------------------------


def forest(ax: Axes, effects: Mapping[str, Array], ranked: Array, limits: tuple[float, float], colours: Sequence[str]) -> None:
    """Draw a row per pair: dot, thick bar, thin bar from `mean`, `half_width`, `q05` and `q95`, each of axes (state, bloc)."""
    states, blocs = ranked.shape
    rows = _heights(ranked)
    at = np.repeat(np.arange(states), blocs), ranked.ravel()
    mean, half, low, high = (effects[name][at] for name in ("mean", "half_width", "q05", "q95"))
    drawn = [str(colours[bloc]) for bloc in at[1]]
    ax.set_xlim(*limits)
    ax.set_ylim(states * (blocs + 1) - 0.4, -0.6)
    ax.set_xticks(*ticks(limits, 5, signed=True))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.hlines(rows, *limits, color=FAINT, linewidth=0.4, zorder=0)
    ax.axvline(0, color=GREY, linewidth=0.7, zorder=1, gid="zero")
    if np.isfinite(half).all():
        ax.hlines(rows, low, high, color=drawn, linewidth=0.9, zorder=2, gid="replicates")
        ax.hlines(rows, mean - half, mean + half, color=drawn, linewidth=3.2, zorder=3, gid="interval")
    hollow = np.isfinite(half) & (np.abs(mean) <= half)
    fills = ["white" if empty else colour for empty, colour in zip(hollow, drawn, strict=True)]
    ax.scatter(mean, rows, s=11, c=fills, edgecolors=drawn, linewidths=0.9, zorder=4, gid="mean")


def name_rows(ax: Axes, ranked: Array, states: Sequence[str], blocs: Sequence[str]) -> None:
    """Write the names of states and blocs left of the first panel of a forest plot."""
    style, names = {"transform": ax.get_yaxis_transform(), "ha": "right", "va": "center"}, brief(blocs, 19)
    for state, name in enumerate(brief(states, 17)):
        write(ax, -0.03, state * (len(blocs) + 1), name, size=7.5, weight="bold", **style)
    for height, bloc in zip(_heights(ranked), ranked.ravel(), strict=True):
        write(ax, -0.03, height, names[int(bloc)], size=7, **style)


def _heights(ranked: Array) -> Array:
    """The heights of the rows: for each state one row with its name, then one for each bloc."""
    states, blocs = ranked.shape
    return (np.arange(states)[:, None] * (blocs + 1) + 1 + np.arange(blocs)).ravel()
