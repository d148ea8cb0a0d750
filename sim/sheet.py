"""The paper that figures are drawn on: sheets of panels, time axes with marks of shocks, lines with bands, rows of effects.

Arrays and words in, Matplotlib out. Nothing here knows a Dataset or computes a result; `sim.plots` does the reading.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

Array = np.ndarray
Dash = Any
"""A line style of Matplotlib: a word, or an offset with lengths on and off."""

INK, GREY, LIGHT, FAINT = "#222222", "#666666", "#a4a4a4", "#d8d8d8"
STYLE: dict[Any, Any] = {
    **dict.fromkeys(["axes.facecolor", "figure.facecolor", "savefig.facecolor"], "white"),
    **dict.fromkeys(["axes.spines.top", "axes.spines.right", "axes.grid", "text.usetex"], False),
    **dict.fromkeys(["text.color", "xtick.labelcolor", "ytick.labelcolor"], INK),
    **dict.fromkeys(["axes.edgecolor", "xtick.color", "ytick.color"], GREY),
    "axes.linewidth": 0.6,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "savefig.bbox": None,
}
styled = matplotlib.rc_context(STYLE)
"""Decorates what draws: the style holds inside, and Matplotlib's settings are as before afterwards."""
MINUS = "\N{MINUS SIGN}"
_ON_OFF = ((4, 1.4), (1, 1.1), (5, 1.3, 1, 1.3), (9, 2), (3, 1.1, 1, 1.1, 1, 1.1), (2, 2), (7, 1, 3, 1), (1, 2.5), (10, 1, 1, 1))
DASHES: tuple[Dash, ...] = ("-", *((0, pattern) for pattern in _ON_OFF))
"""Line styles by a bloc's place in the results, so that the lines of one panel also differ in grey print."""
BOLD = 1.15
"""How much wider bold letters are."""
WIDTH, NARROW, WIDE = 10.3, 1.25, 4.8
"""Inches that the panels of a sheet share, and the least and greatest width of one."""
LETTER = 0.6 / 72
"""Width of a letter of one point, in inches: a little more than the average of DejaVu Sans."""
LINE = 1.3 / 72
"""Height of a line of one point, in inches."""
LISTS = 3
"""Columns of a list below the panels."""
MARKS_MAX = 10
"""Shocks that are numbered above panels; more are short marks at the foot, and the timeline names them."""
LEVELS = 4
"""Heights on which the numbers of a timeline's shocks stand, so that near ones do not meet."""
YEAR_STEPS = (1, 2, 3, 5, 10, 20, 50)
GAP_MARKS, NAMED = 0.055, 0.1
"""Shares of a panel: between the numbers of marks, and from zero on which a line is named."""
GAP_ENDS = 0.12
"""Inches between the names of lines."""


class Mark(NamedTuple):
    """A shock as figures show it; the number is that of the whole run, in the order of dates."""

    number: int
    label: str
    dates: list[np.datetime64]


# Words ----------------------------------------------------------------------------------------------------------------------


def fit(words: str, letters: int = 36) -> str:
    """Words on one line, cut where they are too long.

    >>> fit("Organisation of the Black Sea", 14)
    'Organisation…'
    """
    line = " ".join(words.split())
    return line if len(line) <= letters else line[: letters - 1].rstrip() + "…"


def brief(words: Sequence[str], letters: int) -> list[str]:
    """Names that fit: what stands in brackets goes first, unless that makes two alike.

    >>> brief(["NATO (and allies)", "EU"], 10)
    ['NATO', 'EU']
    """
    bare = [fit(word if len(word) <= letters else word.split(" (")[0], letters) for word in words]
    return bare if len(set(bare)) == len(words) else [fit(word, letters) for word in words]


def wrap(words: str, inches: float, points: float, lines: int | None = None) -> list[str]:
    """Words in lines of a width; the last of `lines` is cut."""
    letters = max(6, int(inches / (points * LETTER)))
    return textwrap.wrap(words, letters, max_lines=lines, placeholder="…")


def write(on: Axes | Figure, x: float, y: float, words: str, **style: Any) -> None:
    """Write words as they are: no `$` of theirs starts a formula."""
    on.text(x, y, words, parse_math=False, **style)


# Sheets ---------------------------------------------------------------------------------------------------------------------


def sheet(
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    foot: str,
    *,
    key: str = "",
    measure: str = "",
    below: str = "",
    legend: Sequence[tuple[str, str, Dash]] = (),
    gap: float = 0.2,
    height: float = 1.45,
    left: float = 1.08,
    widest: float = WIDE,
    entries: Sequence[str] = (),
) -> tuple[Figure, Any]:
    """A figure with named rows and columns of panels, and those panels as an array; lengths in inches.

    `entries` is a list that stands below the panels in columns.
    """
    wide = min(max(WIDTH / len(columns) - gap, NARROW), widest)
    total = left + len(columns) * (wide + gap) + 0.1
    heads = [wrap(word, wide + gap / 2, 8 * BOLD, lines=2) for word in columns]
    named = max(map(len, heads)) * 8 * LINE + 0.14
    upper = [(wrap(title, total - 0.3, 11 * BOLD, lines=2), 11, "bold"), (wrap(key, total - 0.3, 7), 7, "normal")]
    lengths = [0.6 + len(fit(word)) * 7 * LETTER for word, _, _ in legend]
    per_row = len(legend) if sum(lengths) < total - 0.3 else max(1, int((total - 0.3) / max(lengths)))
    above = 0.12 + sum(len(lines) * points * LINE + 0.05 for lines, points, _ in upper if lines)
    above += math.ceil(len(legend) / max(per_row, 1)) * 0.15 + named
    lower = wrap(foot, total - 0.3, 6.5)
    listed = math.ceil(len(entries) / LISTS)
    under = 0.32 + (0.18 if below else 0) + listed * 6.5 * LINE + (0.12 if listed else 0) + len(lower) * 6.5 * LINE + 0.08
    tall = above + len(rows) * (height + 0.12) - 0.12 + under
    figure = Figure(figsize=(total, tall))
    FigureCanvasAgg(figure)
    panels = np.empty((len(rows), len(columns)), dtype=object)
    for row, column in np.ndindex(panels.shape):
        x, y = left + column * (wide + gap), tall - above - row * (height + 0.12) - height
        panels[row, column] = ax = figure.add_axes((x / total, y / tall, wide / total, height / tall))
        ax.tick_params(length=2.5, pad=2, labelsize=6.5, labelleft=column == 0, labelbottom=row == len(rows) - 1)
    _write_margins(figure, panels, rows, heads, measure, below, left)
    cursor = tall - 0.12
    for lines, points, weight in upper:
        if lines:
            write(figure, 0.15 / total, cursor / tall, "\n".join(lines), size=points, weight=weight, va="top", linespacing=1.15)
            cursor -= len(lines) * points * LINE + 0.05
    _write_legend(figure, legend, cursor / tall, per_row)
    for at in range(LISTS if listed else 0):
        column = [fit(entry, int((total - 0.3) / LISTS / (6.5 * LETTER))) for entry in entries[at * listed : (at + 1) * listed]]
        x, y = 0.15 + at * (total - 0.3) / LISTS, 0.08 + len(lower) * 6.5 * LINE + 0.12 + listed * 6.5 * LINE
        write(figure, x / total, y / tall, "\n".join(column), size=6.5, va="top", linespacing=1.15)
    write(figure, 0.15 / total, 0.08 / tall, "\n".join(lower), size=6.5, color=GREY, va="bottom", linespacing=1.15)
    return figure, panels


def _write_margins(
    figure: Figure, panels: Any, rows: Sequence[str], heads: Sequence[list[str]], measure: str, below: str, left: float
) -> None:
    """Names of the rows and columns, and what the axes measure."""
    total, tall = figure.get_size_inches()
    for ax, lines in zip(panels[0], heads, strict=True):
        box = ax.get_position()
        write(
            figure, (box.x0 + box.x1) / 2, box.y1 + 0.14 / tall, "\n".join(lines), size=8, weight="bold", ha="center", va="bottom"
        )
    for ax, word in zip(panels[:, 0], rows, strict=True):
        box = ax.get_position()
        lines = "\n".join(wrap(word, box.height * tall, 8 * BOLD, lines=2))
        style = {"size": 8, "weight": "bold", "rotation": 90, "ha": "right", "va": "center", "ma": "center"}
        write(figure, (left - 0.5) / total, (box.y0 + box.y1) / 2, lines, **style)
    lowest, highest = panels[-1, 0].get_position(), panels[0, -1].get_position()
    fits = len(measure) * 7 * LETTER < (highest.y1 - lowest.y0) * tall + 0.2
    lines = measure if fits else measure.replace(" (", "\n(")
    write(figure, 0.13 / total, (lowest.y0 + highest.y1) / 2, lines, size=7, rotation=90, ha="left", va="center", ma="center")
    write(figure, (lowest.x0 + highest.x1) / 2, lowest.y0 - 0.36 / tall, below, size=7, ha="center", va="center")


def _write_legend(figure: Figure, entries: Sequence[tuple[str, str, Dash]], top: float, per_row: int) -> None:
    if not entries:
        return
    total = figure.get_size_inches()[0]
    handles = [Line2D([], [], color=colour, linestyle=dash, linewidth=1.5) for _, colour, dash in entries]
    shape = {
        "ncols": math.ceil(len(entries) / math.ceil(len(entries) / per_row)),
        "handlelength": 3.2,
        "columnspacing": 1.6,
        "labelspacing": 0.35,
    }
    place = {"loc": "upper left", "bbox_to_anchor": (0.15 / total, top), "borderaxespad": 0, "borderpad": 0}
    legend = figure.legend(handles, [" "] * len(entries), frameon=False, fontsize=7, **shape, **place)
    for text, (word, _, _) in zip(legend.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(fit(word))


# Panels over time -----------------------------------------------------------------------------------------------------------


def limits_of(*arrays: Array) -> tuple[float, float]:
    """Ends of an axis that holds all values, with a little room."""
    low = min((float(np.nanmin(array)) for array in arrays if array.size), default=0.0)
    high = max((float(np.nanmax(array)) for array in arrays if array.size), default=0.0)
    room = 0.05 * (high - low) if high - low > 1e-9 else 0.05
    return low - room, high + room


def ticks(limits: tuple[float, float], number: int, signed: bool) -> tuple[list[float], list[str]]:
    """Round values inside the limits, and how they are written."""
    places = [
        float(place)
        for place in MaxNLocator(number, steps=[1, 2, 2.5, 5, 10]).tick_values(*limits)
        if limits[0] <= place <= limits[1]
    ]
    return places, [("0" if abs(place) < 1e-12 else f"{place:{'+' if signed else ''}.6g}").replace("-", MINUS) for place in places]


def years(times: Array) -> tuple[list[np.datetime64], list[str]]:
    """Places and labels of a few years on a time axis; its two ends as months where it spans less than two new years."""
    first, last = times[0].astype("datetime64[D]"), times[-1].astype("datetime64[D]")
    start = int(str(first)[:4]) + (str(first)[5:] != "01-01")
    held = int(str(last)[:4]) - start + 1
    if held < 2:
        ends = [first] if first == last else [first, last]
        return ends, [str(end)[:7] for end in ends]
    step = next((step for step in YEAR_STEPS if held <= 4 * step), held)
    shown = range(start, start + held, step)
    return [np.datetime64(f"{year:04d}-01-01") for year in shown], [str(year) for year in shown]


def frame(ax: Axes, times: Array, limits: tuple[float, float], marks: Sequence[Mark], numbered: bool, signed: bool = False) -> None:
    """Set a panel's axes, its line at zero and the marks of shocks inside its time, their numbers above it where `numbered`."""
    first, last = times[0], times[-1]
    if first == last:
        first, last = first - np.timedelta64(15, "D"), last + np.timedelta64(15, "D")
    ax.set_xlim(first, last)
    ax.set_ylim(*limits)
    ax.set_xticks(*years(times))
    ax.set_yticks(*ticks(limits, 6, signed))
    ax.axhline(0, color=GREY if signed else FAINT, linewidth=0.6, zorder=1, gid="zero")
    right, crowded = -1.0, len(marks) > MARKS_MAX
    numbered = numbered and not crowded
    for mark in marks:
        inside = [day for day in mark.dates if first <= day <= last]
        for day in inside:
            style = {"color": LIGHT, "linewidth": 0.6, "zorder": 1, "gid": f"shock {mark.number}"}
            ax.axvline(day, ymax=0.04 if crowded else 1.0, **style)  # pyright: ignore[reportArgumentType]
        if inside and numbered:
            right = max(float((inside[0] - first) / (last - first)), right + GAP_MARKS)
            write(ax, right, 1.02, str(mark.number), size=6, color=GREY, ha="center", va="bottom", transform=ax.transAxes)


def number_marks(ax: Axes, times: Array, marks: Sequence[Mark], level: float, step: float) -> None:
    """Number shocks at their first dates above what a timeline's panel shows, near ones on different heights."""
    span, placed = times[-1] - times[0], [-1.0] * LEVELS
    for mark in marks:
        day = next((day for day in mark.dates if times[0] <= day <= times[-1]), None)
        if day is None:
            continue
        x = float((day - times[0]) / span)
        at = next((at for at in range(LEVELS) if x - placed[at] > NUMBER_GAP), int(np.argmin(placed)))
        placed[at] = x
        y = level + (at + 0.5) * step
        ax.plot([day, day], [ax.get_ylim()[0], y - 0.4 * step], color=FAINT, linewidth=0.6, zorder=0.5, gid=f"shock {mark.number}")
        write(ax, day, y, str(mark.number), size=6, color=INK, ha="center", va="center", clip_on=True)  # pyright: ignore[reportArgumentType]


NUMBER_GAP = 0.016
"""Share of a timeline's width between two numbers on one height."""


def line(ax: Axes, x: Array, y: Array, colour: str, name: str, band: tuple[Array, Array] | None, dash: Dash = "-") -> None:
    """Draw a mean in its bloc's colour, with its band where there is one."""
    if band is not None:
        ax.fill_between(x, *band, color=colour, alpha=0.22, linewidth=0, zorder=2, label=name)
    ax.plot(
        x, y, color=colour, linestyle=dash, linewidth=1.3, marker="o" if len(x) == 1 else "", markersize=3, zorder=3, label=name
    )


def name_ends(
    ax: Axes, ends: Array, words: Sequence[str], limits: tuple[float, float], letters: int = 10, near: bool = False
) -> None:
    """Name the lines that end away from zero, with `near` also the others, right of a panel and apart from each other."""
    low, high = limits
    named = (at for at, end in enumerate(ends) if near or abs(end) > NAMED * (high - low))
    places = {at: (float(ends[at]) - low) / (high - low) for at in named}
    order = sorted(places, key=places.__getitem__)
    gap = GAP_ENDS / (ax.get_position().height * ax.figure.get_figheight())  # pyright: ignore[reportAttributeAccessIssue]
    heights = [places[at] for at in order]
    for at in range(1, len(order)):
        heights[at] = max(heights[at], heights[at - 1] + gap)
    for at in range(len(order) - 1, -1, -1):
        heights[at] = min(heights[at], 1.0 if at == len(order) - 1 else heights[at + 1] - gap)
    names = brief(words, letters)
    for at, height in zip(order, heights, strict=True):
        write(ax, 1.02, height, names[at], size=6, color=INK, va="center", transform=ax.transAxes)


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
        ax.hlines(rows, low, high, color=drawn, linewidth=0.9, zorder=2, gid="worlds")
        ax.hlines(rows, mean - half, mean + half, color=drawn, linewidth=3.2, zorder=3, gid="interval")
    hollow = np.isfinite(half) & (np.abs(mean) <= half)
    faces = ["white" if empty else colour for empty, colour in zip(hollow, drawn, strict=True)]
    ax.scatter(mean, rows, s=11, c=faces, edgecolors=drawn, linewidths=0.9, zorder=4, gid="mean")


def name_rows(ax: Axes, ranked: Array, states: Sequence[str], blocs: Sequence[str]) -> None:
    """Name the rows of a forest left of its first panel."""
    style, names = {"transform": ax.get_yaxis_transform(), "ha": "right", "va": "center"}, brief(blocs, 19)
    for state, name in enumerate(states):
        write(ax, -0.03, state * (len(blocs) + 1), fit(name, 17), size=7.5, weight="bold", **style)
    for height, bloc in zip(_heights(ranked), ranked.ravel(), strict=True):
        write(ax, -0.03, height, names[int(bloc)], size=7, **style)


def _heights(ranked: Array) -> Array:
    """Where the rows stand: a row for each state's name, then one for each of its blocs."""
    states, blocs = ranked.shape
    return (np.arange(states)[:, None] * (blocs + 1) + 1 + np.arange(blocs)).ravel()
