"""Write the page on how the region works: its stocks and loops, and the long-run response to a lasting forcing.

    python -m experiments.how_it_works [draws]     (writes docs/how_it_works.md and its two figures; 500 draws take a minute)

Everything is read from the slopes of the one-period map at the opening (`sim.science.loops`); the bands are over draws of all
plausible ranges whose opening is stable.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from sim.analysis.loops import picture, responses
from sim.arrays import Array
from sim.compose.expand import expand
from sim.config.schema import Config
from sim.engine.plan import Plan
from sim.figures import loops as diagram
from sim.figures.sheet import save
from sim.names import QUANTITIES
from sim.science.loops import KINS, SIDES, Gains, Loop, gains, loops, one
from sim.science.params import stack
from sim.science.state import Params, World

DOCS = Path(__file__).parent.parent / "docs"
DRAWS = 500
SIDE = "below"
"""The side of the opening that figures show: where buffers are lost and leaving costs."""
LEAST = 0.001
"""Loops of less gain are not listed."""


def at_opening(config: Config) -> dict[str, Gains]:
    """The gains of a region at its shipped numbers, on each side of the opening."""
    layout, params, world = stack([config])
    return {name: gains(params, world, layout, config.window.dt, side) for name, side in SIDES.items()}


def stable(draws: int) -> tuple[Plan, Params, World]:
    """The plan of draws of all plausible ranges, with the parameters and stocks of those that are stable."""
    plan = Plan(expand(["sample=ranges", f"draws={draws}"]))
    chosen = np.flatnonzero(plan.margins > 0)
    drawn = Params(*(field[chosen] if len(field) > 1 else field for field in plan.params))
    return plan, drawn, World(*(field[chosen] for field in plan.world))


def bands(plan: Plan, params: Params, world: World) -> dict[tuple[tuple[str, ...], str], Array]:
    """The gain of each loop in each draw, 0 where it has none."""
    found: dict[tuple[tuple[str, ...], str], Array] = {}
    number = len(world.alignment)
    for draw in range(number):
        for loop in loops(gains(*one(params, world, draw), plan.layout, plan.window.dt, SIDES[SIDE])):
            found.setdefault((loop.stocks, loop.kin), np.zeros(number))[draw] = loop.gain
    return found


def loop_table(sides: dict[str, Gains], drawn: dict[tuple[tuple[str, ...], str], Array]) -> list[str]:
    """A row for each loop of at least the gain `LEAST`."""
    other = {(loop.stocks, loop.kin): loop.gain for loop in loops(sides["above"])}
    lines = ["| loop | kind | below | above | 5-95 % of draws | sign holds |", "|---|---|---|---|---|---|"]
    for loop in told(loops(sides[SIDE])):
        key = loop.stocks, loop.kin
        low, high = np.quantile(drawn[key], [0.05, 0.95])
        kind = {"+": "reinforcing", diagram.MINUS: "balancing"}.get(diagram.pen(loop.direction).sign, "either")
        holds = float((np.sign(drawn[key]) == np.sign(loop.gain)).mean())
        cells = [diagram.way(loop), kind, f"{loop.gain:+.4f}", f"{other.get(key, 0.0):+.4f}", f"{low:+.4f} to {high:+.4f}"]
        lines.append(row([*cells, f"{holds:.2f}"]))
    return lines


def told(found: Sequence[Loop]) -> list[Loop]:
    """The loops of at least the gain `LEAST`."""
    return [loop for loop in found if abs(loop.gain) >= LEAST]


def arc_table(drawn: xr.Dataset) -> list[str]:
    """A row for each arc between stocks and kin of actors."""
    lines = ["| from | to | whose | below | above | carried by |", "|---|---|---|---|---|---|"]
    for source in map(str, drawn["source"].values):
        for target in map(str, drawn["target"].values):
            for kin in KINS:
                here = drawn.sel(source=source, target=target, kin=kin)
                if not here["gain"].values.any():
                    continue
                gains_of_sides = [_signed(here.sel(side=side)) for side in SIDES]
                by = ", ".join(diagram.carriers(drawn, target, source, kin, SIDE)) or "always on"
                lines.append(row([QUANTITIES[source].label, QUANTITIES[target].label, kin, *gains_of_sides, by]))
    return lines


def _signed(arc: xr.Dataset) -> str:
    gain = float(arc["gain"])
    return f"{diagram.pen(float(arc['direction'])).sign}{gain:.4f}" if gain else "0"


def response_table(shipped: dict[str, xr.DataArray], drawn: xr.DataArray, labels: dict[str, str]) -> list[str]:
    """A row for each forcing of the figure: its greatest response, on both sides, with its band."""
    lines = [
        "| lasting forcing of one unit on | greatest response | below | above | sides | 5-95 % of draws | sign holds |",
        "|---|---|---|---|---|---|---|",
    ]
    for term in diagram.chosen(shipped[SIDE])[0]:
        values = {name: table.sel(forcing=term).values for name, table in shipped.items()}
        at = np.unravel_index(abs(values[SIDE]).argmax(), values[SIDE].shape)
        who = [labels[str(shipped[SIDE][dim].values[place])] for dim, place in zip(("state", "bloc"), at, strict=True)]
        band = drawn.sel(forcing=term).values[:, *at]
        low, high = np.quantile(band, [0.05, 0.95])
        cells = [diagram.push_words(term, labels), ", ".join(who), *(f"{values[name][at]:+.3f}" for name in SIDES)]
        holds = float((np.sign(band) == np.sign(values[SIDE][at])).mean())
        gap = float(abs(values["above"] - values["below"]).max())
        lines.append(row([*cells, f"{gap:.3f}", f"{low:+.3f} to {high:+.3f}", f"{holds:.2f}"]))
    return lines


def row(cells: Sequence[str]) -> str:
    """A row of a table."""
    return "| " + " | ".join(cells) + " |"


def document(label: str, drawn: xr.Dataset, tables: dict[str, list[str]], counts: tuple[int, int, int]) -> str:
    """The page; `counts` are the numbers of stable draws, of all draws, and of those that could not be at rest."""
    stable_draws, draws, refused = counts
    trust = float(drawn["gain"].sel(side=SIDE, target="alignment", source="credibility", kin="own"))
    still = [
        QUANTITIES[name].label.lower() for name in map(str, drawn["target"].values) if not drawn["gain"].sel(target=name).any()
    ]
    lines = [
        "# How the region works",
        "",
        "Made by `python -m experiments.how_it_works` from the code, at the opening of the shipped region; no arc, sign or number",
        "here is written by hand.",
        "",
        f"![Stocks and loops of the region {label}](loops.png)",
        "",
        "## How to read it",
        "",
        "- A box is a stock; an arc means that one moves the target of another. The number is the **gain**: how far the target",
        f"  rises for a lasting unit of the other, all else fixed. Alignments are counted by their anchor: {trust:.2f} from",
        f"  credibility means that a patron trusted by 0.1 more has the effect of a standing preference {0.1 * trust:.3f} higher.",
        "- All stocks are shares or scores whose ranges span 1 or 2, so gains can be compared with each other; trade access is a",
        "  share of trade, and a unit of it is all trade there is.",
        "- A **loop** reinforces or balances by the product of the signs along it. Its gain is the share of a unit that returns",
        "  once it has gone round; all rounds of all loops together are in the responses below.",
        f"- No arc enters {', '.join(still)}: at the shipped numbers only shocks move them.",
        "- Effort, pressure, threat and traffic arise and end within a period and lie inside the arcs: a strained bloc spends",
        "  less, so it protects less; the blocs' response to each other (vigilance) is among the arcs from alignment to alignment.",
        "- **Kinks.** Some rules act on one side only: leaving costs and a lost buffer strains, coming nearer does neither.",
        f"  Figures show the side {SIDE} the opening, where both act: every stock a little less than at rest. Tables give both.",
        "",
        "## Loops",
        "",
        f"Mean over the numbers that the loop returns to; bands over {stable_draws} stable draws of {draws}",
        f"({refused} could not be at rest), {SIDE} the opening.",
        "",
        *tables["loops"],
        "",
        "## The response to a lasting forcing",
        "",
        "With T the matrix of direct gains the response is (1 - T)^-1, the same as (1 - J)^-1 of the one-period map J times what a",
        "forcing adds in a period: the forcing, and what returns after one round, two and so on. It holds for small forcings near",
        "the opening.",
        "",
        "![The response of each alignment to a lasting forcing of each stock](responses.png)",
        "",
        "Sides: by how much the response on the two sides of the opening differs at most, over all alignments. A forcing that",
        "raises some alignments and lowers others meets one side here and the other there.",
        "",
        *tables["responses"],
        "",
        "## Every arc",
        "",
        "Whose: own, of the same actors; another bloc's, another state's, or both. ±: raises some and lowers others; the gain adds",
        f"up absolute values. Carried by: the mechanisms without which at least {diagram.CARRIES:.0%} of the gain is lost.",
        "",
        *tables["arcs"],
    ]
    return "\n".join(lines) + "\n"


def write(draws: int, folder: Path = DOCS) -> None:
    """Write the page and its figures."""
    config = expand()[0].config
    region, sides, drawn = config.region, at_opening(config), picture(config)
    layout, params, world = stack([config])
    labels = {name: actor.label for name, actor in [*region.states.items(), *region.blocs.items()]}
    shipped = {name: responses(params, world, layout, config.window.dt, side)[0] for name, side in SIDES.items()}
    plan, some, stocks = stable(draws)
    over = responses(some, stocks, layout, config.window.dt, SIDES[SIDE])
    found = told(loops(sides[SIDE]))
    save(diagram.plot_loops(drawn, found, f"{region.label}: stocks and loops at the opening", SIDE), folder / "loops.png")
    twins = ", ".join(diagram.push_words(term, labels) for term in diagram.chosen(shipped[SIDE])[1])
    foot = (
        "Cell: the rise of an alignment in the long run for a lasting forcing of one unit on the target of the row; for stocks of a"
        f" state and a bloc on that of the same two. At the shipped numbers, every stock just {SIDE} its opening. Bold: 5-95 % of"
        f" {over.sizes['variant']} stable draws have one sign; blank: below {diagram.BLANK}. Left out: forcings below"
        f" {diagram.SHOWN} throughout, and those with nearly the same responses as one shown ({twins})."
    )
    title = f"{region.label}: the response of each alignment to a lasting forcing"
    save(diagram.plot_responses(shipped[SIDE], over, labels, title, foot), folder / "responses.png")
    tables = {
        "loops": loop_table(sides, bands(plan, some, stocks)),
        "responses": response_table(shipped, over, labels),
        "arcs": arc_table(drawn),
    }
    text = document(region.label, drawn, tables, (over.sizes["variant"], draws, plan.refused))
    (folder / "how_it_works.md").write_text(text, encoding="utf-8")


def main(argv: Sequence[str]) -> int:
    """Write the page; an argument is the number of draws."""
    if len(argv) > 1 or not all(word.isdigit() and int(word) > 0 for word in argv):
        print("usage: python -m experiments.how_it_works [draws]", file=sys.stderr)
        return 2
    write(int(argv[0]) if argv else DRAWS)
    print("written: how_it_works.md, loops.png, responses.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
