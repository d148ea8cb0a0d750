"""The layout of figures: sheets of panels with title, legend, list and foot, and how they are saved.

Texts in, Matplotlib out; no Dataset is read here. `sim.figures.panels` draws into the panels; `run` and `compare` read results.
"""

import math
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim import interrupts
from sim.text import cut, shown

Dash = Any
"""A line style of Matplotlib: its name, or an offset with lengths on and off."""

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
"""A decorator of functions that draw: they use the style, and Matplotlib's settings are restored afterwards."""
MINUS = "\N{MINUS SIGN}"
_ON_OFF = ((4, 1.4), (1, 1.1), (5, 1.3, 1, 1.3), (9, 2), (3, 1.1, 1, 1.1, 1, 1.1), (2, 2), (7, 1, 3, 1), (1, 2.5), (10, 1, 1, 1))
DASHES: tuple[Dash, ...] = ("-", *((0, pattern) for pattern in _ON_OFF))
"""Line styles by the index of a bloc, so that the lines of one panel also differ in grey print."""
BOLD = 1.15
"""The width of bold letters relative to normal ones."""
DPI = 180
"""Dots per inch of a saved figure."""
WIDTH, NARROW, WIDE = 10.3, 1.25, 4.8
"""Inches for all panels of a row, and the least and greatest width of one panel."""
LETTER = 0.6 / 72
"""Width of a letter per point of its size, in inches: a little more than the average of DejaVu Sans."""
LINE = 1.3 / 72
"""Height of a line per point of its size, in inches."""
LISTS = 3
"""Number of columns of the list below the panels."""


# Text -----------------------------------------------------------------------------------------------------------------------


def fit(words: str, letters: int = 36) -> str:
    """A text on one line, cut if it is too long.

    >>> fit("Organisation of the Black Sea", 14)
    'Organisation…'
    """
    return cut(" ".join(words.split()), letters)


def brief(words: Sequence[str], letters: int) -> list[str]:
    """Names of at most so many letters that stay different: without what is in brackets, cut in the middle, or with a number.

    >>> brief(["NATO (and allies)", "EU"], 10), brief(["League of the East", "League of the West"], 10)
    (['NATO', 'EU'], ['Leagu…East', 'Leagu…West'])
    """
    end = (letters - 1) // 2
    cuts = (
        [fit(word if len(word) <= letters else word.split(" (")[0], letters) for word in words],
        [fit(word, letters) for word in words],
        [word if len(word) <= letters else f"{word[: letters - 1 - end]}…{word[-end:]}" for word in words],
    )
    counted = [f"{fit(word, letters - len(str(at)) - 1)} {at}" for at, word in enumerate(words, start=1)]
    return next((cut for cut in cuts if len(set(cut)) == len(set(words))), counted)


def initials(words: Sequence[str], letters: int = 3) -> list[str]:
    """The first letters of names: as few as make them different, and at least so many.

    >>> initials(["Armenia", "Azerbaijan"]), initials(["Northland", "Northsea"])
    (['Arm', 'Aze'], ['Northl', 'Norths'])
    """
    longest = min(max(map(len, words), default=letters), 12)
    found = (short for n in range(letters, longest) if len(set(short := [word[:n] for word in words])) == len(words))
    return next(found, [fit(word, 12) for word in words])


def wrap(words: str, inches: float, points: float, lines: int | None = None) -> list[str]:
    """A text in lines of a width in inches, for letters of so many points; it is cut after `lines` lines."""
    letters = max(6, int(inches / (points * LETTER)))
    return textwrap.wrap(words, letters, max_lines=lines, placeholder="…")


def write(on: Axes | Figure, x: float, y: float, words: str, **style: Any) -> None:
    """Write a text literally: `$` starts no formula, and invisible characters are written as escapes."""
    on.text(x, y, "\n".join(map(shown, words.split("\n"))), parse_math=False, **style)


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
    lists = _columns(entries, (total - 0.3) / LISTS)
    listed = max(map(len, lists))
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
    for at, column in enumerate(lists if listed else []):
        x, y = 0.15 + at * (total - 0.3) / LISTS, 0.08 + len(lower) * 6.5 * LINE + 0.12 + listed * 6.5 * LINE
        write(figure, x / total, y / tall, "\n".join(column), size=6.5, va="top", linespacing=1.15)
    write(figure, 0.15 / total, 0.08 / tall, "\n".join(lower), size=6.5, color=GREY, va="bottom", linespacing=1.15)
    return figure, panels


def _columns(entries: Sequence[str], inches: float) -> list[list[str]]:
    """The lines of a list in columns of equal width and about equal length; an entry is not divided between columns."""
    wrapped = [wrap(entry, inches - 0.15, 6.5) for entry in entries]
    wrapped = [[lines[0], *(f"    {line}" for line in lines[1:])] for lines in wrapped]
    columns: list[list[str]] = [[] for _ in range(LISTS)]
    even = math.ceil(sum(map(len, wrapped)) / LISTS)
    at = 0
    for lines in wrapped:
        at += len(columns[at]) >= even
        columns[at] += lines
    return columns


def _write_margins(
    figure: Figure, panels: Any, rows: Sequence[str], heads: Sequence[list[str]], measure: str, below: str, left: float
) -> None:
    """Write the names of the rows and columns, and the labels of the axes."""
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
        text.set_text(shown(fit(word)))


@styled
def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG for print (180 dpi), without date and version, so that equal figures have equal bytes."""
    interrupts.check()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)  # Matplotlib draws a box instead
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support", category=UserWarning)
        figure.savefig(path, dpi=DPI, format="png", metadata={"Software": None})
