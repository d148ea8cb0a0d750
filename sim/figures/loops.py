"""Figures of the feedback in a region: its stocks and loops, and the long-run responses to lasting forcing.

The arcs and numbers come from `sim.analysis.loops` and `sim.science.loops`; the positions of the stocks on the page are set here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from sim.figures.panels import ticks
from sim.figures.sheet import FAINT, GREY, INK, LINE, MINUS, brief, styled, wrap, write
from sim.names import BLOC, QUANTITIES, STATE

if TYPE_CHECKING:
    from sim.science.loops import Loop

PLACES = {
    "relation": (1.9, 5.0),
    "readiness": (0.85, 3.75),
    "credibility": (0.85, 2.3),
    "strain_war": (0.95, 0.4),
    "strain_home": (4.2, 0.4),
    "alignment": (5.1, 3.0),
    "legacy": (7.4, 0.9),
    "access": (8.6, 3.1),
    "tie": (7.3, 5.0),
    "road": (9.5, 5.0),
}
"""The position of each stock, in inches."""
PAGE = (10.3, 5.95)
"""Width and height of the area with the stocks, in inches."""
BOX = (1.3, 0.44)
RAISES, LOWERS, EITHER = "#0072B2", "#D55E00", GREY
"""Colours of arcs that raise, that lower, and that do either; dashes and signs repeat this for grey print."""
CLEAR = 0.8
"""An arc has a sign if its `direction` (`sim.analysis.loops.picture`) is at least this far from 0."""
CARRIES = 0.3
"""A mechanism carries an arc if at least this share of the gain is lost without it."""
SHOWN, TWINS = 0.05, 0.01
"""A forcing is shown if some response reaches the first number, and differs from those of rows above by at least the second."""
BLANK = 0.005
"""Smaller responses are left blank."""


class Pen(NamedTuple):
    """How an arc is drawn: colour, dash and sign."""

    colour: str
    dash: Any
    sign: str


def pen(direction: float) -> Pen:
    """How an arc of a direction is drawn.

    >>> pen(-0.9).sign == MINUS
    True
    """
    if direction >= CLEAR:
        return Pen(RAISES, "-", "+")
    return Pen(LOWERS, (0, (4, 1.6)), MINUS) if direction <= -CLEAR else Pen(EITHER, (0, (1.2, 1.2)), "±")


def carriers(picture: xr.Dataset, target: str, source: str, kin: str, side: str) -> list[str]:
    """The mechanisms that carry an arc, the greatest first; none if it does not depend on one."""
    lost = 1.0 - picture["without"].sel(target=target, source=source, kin=kin, side=side).values
    names = picture["mechanism"].values
    return [str(names[at]) for at in np.argsort(-lost, kind="stable") if lost[at] >= CARRIES]


def number(value: float) -> str:
    """A number with its sign, to two places or to its first digit that is not 0."""
    text = f"{value:+.2f}" if abs(value) >= BLANK else f"{value:+.1g}"
    return text.replace("-", MINUS)


@styled
def plot_loops(picture: xr.Dataset, loops: Sequence["Loop"], title: str, side: str = "below") -> Figure:
    """Stocks as boxes, effects between stocks as arcs, and the feedback loops that they form.

    The number at an arc is the gain with its sign, the text below it names the mechanisms that carry it; further lines are the
    gains of the same stock of other blocs or states. Width grows with gain; blue solid arcs raise, red dashed ones lower, grey
    dotted ones do either.

    Parameters
    ----------
    picture : xarray.Dataset
        As `sim.analysis.loops.picture` gives it.
    loops : sequence of Loop
        As `sim.science.loops.loops` gives them for the same side.
    title : str
        The title of the figure.
    side : str
        Which side of the opening is drawn.
    """
    foot = wrap(
        "Gain: the rise of a stock's target (for alignment: of its anchor) for a lasting increase of the other stock by 1, all else"
        f" equal, mean over the numbers reached; every stock just {side} its opening. Names at arcs: the mechanisms without which"
        f" at least {CARRIES:.0%} of the gain is lost. Quantities within a period (pressure, effort, threat, traffic) are part of"
        " the arcs.",
        PAGE[0] - 0.3,
        6.5,
    )
    listed = [_loop_line(number_of, loop) for number_of, loop in zip(_tags(loops), loops, strict=True)]
    rows = -(-len(listed) // 2)
    above, below = 0.55, 0.2 + rows * 7.5 * LINE + 0.2 + len(foot) * 6.5 * LINE
    tall = above + PAGE[1] + below
    figure = Figure(figsize=(PAGE[0], tall))
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0, below / tall, 1, PAGE[1] / tall))
    ax.set_xlim(0, PAGE[0])
    ax.set_ylim(0, PAGE[1])
    ax.set_axis_off()
    for target in picture["target"].values:
        for source in picture["source"].values:
            _draw_arc(ax, picture, str(target), str(source), side)
    for name, place in PLACES.items():
        _draw_box(ax, name, place)
    _draw_tags(ax, loops)
    write(figure, 0.15 / PAGE[0], 1 - 0.12 / tall, title, size=11, weight="bold", va="top")
    legend = [("raises", 1.0), ("lowers", -1.0), ("either, by actor", 0.0)]
    for at, (word, direction) in enumerate(legend):
        drawn, x = pen(direction), 0.15 + 1.75 * at
        ax.plot([x, x + 0.4], [PAGE[1] + 0.1] * 2, color=drawn.colour, linestyle=drawn.dash, linewidth=2, clip_on=False)
        write(ax, x + 0.48, PAGE[1] + 0.1, f"{drawn.sign}  {word}", size=7, va="center")
    write(ax, 0.15 + 1.75 * 3, PAGE[1] + 0.1, "R  loop that reinforces     B  loop that balances", size=7, va="center")
    for at, words in enumerate(listed):
        x, y = 0.15 + (at // rows) * PAGE[0] / 2, below - 0.1 - (at % rows) * 7.5 * LINE
        write(figure, x / PAGE[0], y / tall, words, size=7, va="top")
    write(figure, 0.15 / PAGE[0], 0.08 / tall, "\n".join(foot), size=6.5, color=GREY, va="bottom", linespacing=1.15)
    return figure


def _tags(loops: Sequence["Loop"]) -> list[str]:
    """Tags of loops: R1, R2, ... reinforcing, B1, ... balancing; ±1, ... of loops without a clear sign."""
    count: dict[str, int] = {}
    tags = []
    for loop in loops:
        kind = {"+": "R", MINUS: "B"}.get(pen(loop.direction).sign, "±")
        count[kind] = count.get(kind, 0) + 1
        tags.append(f"{kind}{count[kind]}")
    return tags


def way(loop: "Loop") -> str:
    """A loop as text: its stocks in order."""
    stops = [QUANTITIES[name].label for name in loop.stocks]
    if loop.kin:
        return f"{stops[0]} → that of {loop.kin.replace('both', 'state and bloc').replace('other', 'another')} → back"
    return " → ".join([*stops, "back"]) if len(stops) > 1 else f"{stops[0]} → itself"


def _loop_line(tag: str, loop: "Loop") -> str:
    return f"{tag}   {way(loop)}: {number(loop.gain)}"


def _draw_box(ax: Axes, name: str, place: tuple[float, float]) -> None:
    wide, tall = BOX
    x, y = place[0] - wide / 2, place[1] - tall / 2
    ax.add_patch(FancyBboxPatch((x, y), wide, tall, "round,pad=0,rounding_size=0.08", fc="#f4f4f4", ec=INK, lw=0.9, zorder=4))
    write(ax, place[0], place[1] + 0.06, QUANTITIES[name].label, size=8, weight="bold", ha="center", va="center", zorder=5)
    write(ax, place[0], place[1] - 0.11, ", ".join(QUANTITIES[name].dims), size=6, color=GREY, ha="center", va="center", zorder=5)


BEND = 0.16
"""How far an arc bends outwards, so that the arcs in both directions between two stocks do not overlap."""

ALONG = 0.3
"""How far along an arc its text is, as a share."""


def _draw_arc(ax: Axes, picture: xr.Dataset, target: str, source: str, side: str) -> None:
    """Draw the arc from one stock to another, or the ring at one stock, with its text."""
    here = picture.sel(target=target, source=source, side=side)
    gain = {str(kin): float(here["gain"].sel(kin=kin)) for kin in picture["kin"].values}
    if not any(gain.values()):
        return
    own = pen(float(here["direction"].sel(kin="own")))
    gains = [_gain_words(own, gain["own"])] if gain["own"] else []
    for kin in ("other bloc", "other state"):
        if gain[kin] >= BLANK:
            gains.append(f"{kin}s {_gain_words(pen(float(here['direction'].sel(kin=kin))), gain[kin])}")
    words = ", ".join(name.replace("_", " ") for name in carriers(picture, target, source, "own", side))
    width = 0.8 + 4.5 * min(max(gain.values()), 1.0) ** 0.5
    style = {"color": own.colour, "linestyle": own.dash, "linewidth": width, "zorder": 2}
    x, y = _stroke(ax, target, source, style)
    ax.text(
        x, y, "\n".join([*gains, *([words] if words else [])]), size=6.5, ha="center", va="center", color=INK,
        linespacing=1.1, zorder=6, bbox={"fc": "white", "ec": "none", "pad": 0.8, "alpha": 0.9}, parse_math=False,
    )  # fmt: skip


def _gain_words(drawn: Pen, gain: float) -> str:
    return drawn.sign + number(gain).removeprefix("+")


def _stroke(ax: Axes, target: str, source: str, style: dict[str, Any]) -> tuple[float, float]:
    """Draw an arrow between two boxes, or a ring at one; returns the position of its text."""
    (x0, y0), (x1, y1) = PLACES[source], PLACES[target]
    arrow = {"arrowstyle": "-|>,head_length=4,head_width=2.4", "shrinkA": 0, "shrinkB": 1}
    if target == source:
        up = y0 > PAGE[1] / 2
        level = y0 + (BOX[1] / 2 if up else -BOX[1] / 2)
        begin, end, turn = (x0 - 0.28, level), (x0 + 0.28, level), -1.5 if up else 1.5
        ax.add_patch(FancyArrowPatch(begin, end, connectionstyle=f"arc3,rad={turn}", **arrow, **style))
        return x0 - 0.75, level + (0.42 if up else -0.42)
    dx, dy = x1 - x0, y1 - y0
    bend = (x0 + x1) / 2 + BEND * dy, (y0 + y1) / 2 - BEND * dx
    begin, end = _leave((x0, y0), bend), _leave((x1, y1), bend)
    reach = end[0] - begin[0], end[1] - begin[1]
    ax.add_patch(FancyArrowPatch(begin, end, connectionstyle=f"arc3,rad={BEND}", **arrow, **style))
    swing = 2 * ALONG * (1 - ALONG) * BEND
    return begin[0] + ALONG * reach[0] + swing * reach[1], begin[1] + ALONG * reach[1] - swing * reach[0]


def _leave(box: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """The point where the line from the centre of a box to another point leaves the box."""
    dx, dy = towards[0] - box[0], towards[1] - box[1]
    share = min(BOX[0] / 2 / max(abs(dx), 1e-9), BOX[1] / 2 / max(abs(dy), 1e-9))
    return box[0] + share * dx, box[1] + share * dy


def _draw_tags(ax: Axes, loops: Sequence["Loop"]) -> None:
    """Write the tag of each loop of several stocks in its middle."""
    for tag, loop in zip(_tags(loops), loops, strict=True):
        if len(loop.stocks) > 1:
            x, y = np.mean([PLACES[name] for name in loop.stocks], axis=0)
            style = {"boxstyle": "circle,pad=0.25", "fc": "white", "ec": GREY, "lw": 0.7}
            ax.text(x, y, tag, size=7, weight="bold", ha="center", va="center", zorder=7, bbox=style)


# Responses ------------------------------------------------------------------------------------------------------------------


@styled
def plot_responses(responses: xr.DataArray, draws: xr.DataArray, labels: dict[str, str], title: str, foot: str) -> Figure:
    """The long-run responses to lasting forcing as a matrix (rows: forcings, columns: alignments), and their uncertainty.

    A cell is the long-run rise of an alignment for a lasting forcing of 1, at the shipped numbers; bold if the 5-95 % quantiles
    over draws have one sign, else grey; blank below 0.005. On the right is the greatest response of each row: at the shipped
    numbers as a dot, its 5-95 % quantiles over draws as a line.

    Parameters
    ----------
    responses : xarray.DataArray
        (forcing, state, bloc), at the shipped numbers, as `sim.analysis.loops.responses` gives them for one variant.
    draws : xarray.DataArray
        (variant, forcing, state, bloc), over draws.
    labels : dict
        The labels of states and blocs, by name.
    title, foot : str
        The title, and the text below the figure.
    """
    shown, _ = chosen(responses)
    value = responses.sel(forcing=shown).values
    low, high = np.quantile(draws.sel(forcing=shown).values, [0.05, 0.95], axis=0)
    states, blocs = (list(map(str, responses[dim].values)) for dim in (STATE, BLOC))
    cell, row, left, right, above = 0.325, 0.235, 1.95, 2.3, 1.15
    columns, lines = len(states) * len(blocs), wrap(foot, PAGE[0] - 0.6, 6.5)
    below = 0.42 + len(lines) * 6.5 * LINE
    total, tall = left + columns * cell + right, above + len(shown) * row + below
    figure = Figure(figsize=(total, tall))
    FigureCanvasAgg(figure)
    grid = figure.add_axes((left / total, below / tall, columns * cell / total, len(shown) * row / tall))
    flat, sure = value.reshape(len(shown), -1), ((low > 0) | (high < 0)).reshape(len(shown), -1)
    grid.imshow(np.sign(flat) * abs(flat) ** 0.5, cmap="PuOr_r", vmin=-2, vmax=2, aspect="auto")
    grid.tick_params(length=0, labelsize=7)
    grid.set_yticks(range(len(shown)), [push_words(term, labels) for term in shown], parse_math=False)
    grid.set_xticks([])
    grid.set_xlim(-0.5, columns - 0.5)
    for spine in grid.spines.values():
        spine.set_visible(False)
    for (at, column), number_of in np.ndenumerate(flat):
        if abs(number_of) >= BLANK:
            style = {"weight": "bold", "color": INK} if sure[at, column] else {"color": GREY}
            write(grid, column, at, number(number_of), size=5.4, ha="center", va="center", **style)
    short = brief([labels[bloc] for bloc in blocs], 12)
    for column in range(columns):
        state, bloc = divmod(column, len(blocs))
        write(grid, column, -0.65, short[bloc], size=6.5, rotation=90, ha="center", va="bottom")
        if bloc == 0:
            write(grid, column + len(blocs) / 2 - 0.5, -2.9, labels[states[state]], size=8, weight="bold", ha="center", va="bottom")
            if column:
                grid.axvline(column - 0.5, color="white", linewidth=3)
    _draw_bands(figure, (total - right + 0.15, below, 1.05, len(shown) * row), flat, low, high, (states, blocs), labels)
    write(figure, 0.15 / total, 1 - 0.12 / tall, title, size=11, weight="bold", va="top")
    write(figure, 0.15 / total, 0.08 / tall, "\n".join(lines), size=6.5, color=GREY, va="bottom", linespacing=1.15)
    return figure


def _draw_bands(
    figure: Figure, box: tuple[float, ...], flat: Any, low: Any, high: Any, actors: Any, labels: dict[str, str]
) -> None:
    """Draw the greatest response of each row with its band, right of the matrix."""
    total, tall = figure.get_size_inches()
    ax = figure.add_axes((box[0] / total, box[1] / tall, box[2] / total, box[3] / tall))
    ends = []
    states, blocs = (brief([labels[name] for name in names], letters) for names, letters in zip(actors, (10, 8), strict=True))
    for at, values in enumerate(flat):
        best = int(np.argmax(abs(values)))
        state, bloc = divmod(best, len(blocs))
        band = [bound[at, state, bloc] for bound in (low, high)]
        ends += [*band, values[best]]
        ax.plot(band, [at, at], color=GREY, linewidth=2.4, solid_capstyle="butt")
        ax.plot([values[best]], [at], marker="o", color=INK, markersize=3.2, linestyle="")
        write(ax, 1.04, at, f"{states[state]}, {blocs[bloc]}", size=6, va="center", transform=ax.get_yaxis_transform())
    ax.set_ylim(len(flat) - 0.5, -0.5)
    ax.set_yticks([])
    limits = min(ends) - 0.06, max(ends) + 0.06
    ax.set_xlim(*limits)
    ax.set_xticks(*ticks(limits, 3, True))
    ax.tick_params(length=2.5, pad=2, labelsize=6.5)
    ax.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
    ax.spines["left"].set_visible(False)
    write(ax, 0.0, -0.65, "Greatest response,\n5-95 % of draws", size=6.5, va="bottom", transform=ax.get_yaxis_transform())


def chosen(responses: xr.DataArray) -> tuple[list[str], list[str]]:
    """The forcings that get a row, and those left out because their responses equal those of a row above (`SHOWN`, `TWINS`)."""
    shown: list[str] = []
    twins: list[str] = []
    for term in map(str, responses["forcing"].values):
        row = responses.sel(forcing=term).values
        if abs(row).max() >= SHOWN:
            same = any(abs(row - responses.sel(forcing=other).values).max() < TWINS for other in shown)
            (twins if same else shown).append(term)
    return shown, twins


def push_words(term: str, labels: dict[str, str]) -> str:
    """The label of a forcing.

    >>> push_words("strain_war russia", {"russia": "Russia"})
    'Strain by war: Russia'
    """
    stock, *actors = term.split(" ")
    word = "Anchor" if stock == "alignment" else QUANTITIES[stock].label
    short = dict(zip(labels, brief(list(labels.values()), 10), strict=True))
    return f"{word}: {', '.join(short[name] for name in actors)}" if actors else f"{word}, of the same two"
