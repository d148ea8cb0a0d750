"""The facts table as a page: rows and their results in, Markdown out."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from experiments.evidence.claims import ORDER, Row
from sim.names import MECHANISMS, QUANTITIES

DOCUMENT = Path(__file__).parents[2] / "docs" / "facts.md"
HOLDS = 0.9
"""Share of draws in which a sign must hold."""
CARRIED = 0.5
"""A mechanism carries a claim where the effect without it is less than this share of the whole, or of the other sign."""
SURE = 2.0
"""Standard errors beyond which a share is distinguished from `HOLDS`, and a mean over draws from 0."""


@dataclass
class Found:
    """The results of a row."""

    mean: float = np.nan
    half: float = np.nan
    share: float = np.nan
    level: float = np.nan
    """The mean of the number in the replicates without the shock."""
    draws: int = 0
    """The number of draws over which the sign is counted."""
    without: dict[str, tuple[float, float]] = field(default_factory=dict)
    """For each mechanism the effect without it as a share of the whole, and the share of draws in which the sign holds.

    The first is NaN where the mean of the whole over the draws is not distinguishable from 0.
    """
    same_draws: float = np.nan
    """The share of draws in which the sign holds with all mechanisms on, among those of the ablation."""
    movers: list[tuple[str, float]] = field(default_factory=list)
    """The drawn numbers with the greatest rank correlation with the effect, and that correlation."""


def holds(found: Found) -> bool:
    """Whether a row's sign holds in enough draws."""
    return found.share >= HOLDS


def carried_by(row: Row, found: Found) -> list[str]:
    """The mechanisms without which the effect is less than half or of the other sign."""
    return [name for name, (part, _) in found.without.items() if row.kind != "null" and part < CARRIED]


def spoiled_by(found: Found) -> list[str]:
    """The mechanisms without which a sign that fails would hold, each with the share of the same draws in which it then holds."""
    least = found.same_draws + SURE * _error(found.same_draws, found.draws)
    return [f"{name} ({held:.2f})" for name, (_, held) in found.without.items() if held >= HOLDS and held > least]


def _error(share: float, draws: int) -> float:
    """The standard error of a share of draws."""
    return float(np.sqrt(share * (1.0 - share) / max(1, draws)))


def verdict(row: Row, found: Found) -> str:
    """`holds`, `**fails**` or `open`, and whether that is near the threshold."""
    if row.kind == "open":
        return "open"
    near = row.kind != "null" and abs(found.share - HOLDS) < SURE * _error(HOLDS, found.draws)
    return _word(holds(found)) + (", near the threshold" if near else "")


def _word(held: bool) -> str:
    return "holds" if held else "**fails**"


def document(found: dict[Row, Found], draws: int, some: int, replicates: int) -> str:
    """The text of the page."""
    evidence = [row for row in found if row.evidence and row.kind == "derived"]
    holding = [row for row in evidence if holds(found[row])]
    systems = _systems(found)
    whole = [name for name, (held, asked) in systems.items() if held == asked > 0]
    fallen = [name for name, (held, asked) in systems.items() if held < asked]
    corrected = [row for row in evidence if row.first is not None and row.first < HOLDS and holds(found[row])]
    lines = [
        "# Facts",
        "",
        "The article's claims, tested in the model. Made by `python -m experiments.evidence.facts`; no number here is",
        "written by hand.",
        "",
        "- **Effect**: replicates with the shock less replicates without it, on common random numbers, at the shipped numbers:",
        f"  mean of {replicates} replicates ± half its 95 % interval, at the end of the run (of the war, where it is about the",
        "  war), or at the date given.",
        f"- **Sign**: the share of {draws} draws of all plausible ranges in which the effect has the sign, without noise,",
        f"  among draws whose opening is stable. A sign holds at {HOLDS:.2f}.",
        f"  Its standard error is {_error(HOLDS, draws):.3f} there; within two of it a verdict is marked as near the threshold.",
        "- **Of**: the mean of the number in the replicates without the shock, for comparison with the effect.",
        "- **Direct** rows check the implementation: the shock moves the number, or its inputs in the same period. Only",
        "  **derived** ones are evidence, **open** ones are reported, the **null** one is a control.",
        f"- **Carried by**: the mechanisms without which the mean effect, over {some} of the draws,",
        "  is less than half of itself or of the other sign; not computed where that mean is not distinguishable from 0.",
        "",
        f"Of {len(systems)} systems of the article {len(whole)} hold: each of their claims that is the article's and derived has",
        f"its sign. Failing: {', '.join(fallen) or 'none'}; the others have no derived claim. Of {len(evidence)} such",
        f"claims {len(holding)} hold; {len(corrected)} of these had failed when first run, before their shock was corrected:",
        f"as first written {len(holding) - len(corrected)} held.",
        "",
        "| system | claims that hold | verdict |",
        "|---|---|---|",
        *(
            f"| {name} | {held} of {asked} | {_word(held == asked) if asked else 'only direct rows or a control'} |"
            for name, (held, asked) in systems.items()
        ),
        "",
        "## Claim by claim",
        "",
        "| system | claim | whose, kind | number | effect | of | sign | verdict | carried by |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_line(row, result) for row, result in found.items()),
        "",
        "## What does not hold, and why",
        "",
    ]
    for row, result in found.items():
        if row.kind != "open" and not holds(result):
            lines += _discussion(row, result)
    lines += ["## What was corrected, and how far the result holds", ""]
    for row, result in found.items():
        if row.remark and holds(result):
            first = f"; {row.first:.2f} when first run" if row.first is not None else ""
            lines += [f"**{row.system}: {row.claim}** ({result.share:.2f}{first}). {row.remark}", ""]
    lines += [
        "## Without each mechanism",
        "",
        "The mean effect over the draws as a share of the whole one, and in brackets the share of draws in which the sign holds.",
        "",
        "| claim | " + " | ".join(MECHANISMS) + " |",
        "|---" * (len(MECHANISMS) + 1) + "|",
    ]
    for row, result in found.items():
        cells = [f"{part:.2f} ({held:.2f})" if np.isfinite(part) else "-" for part, held in result.without.values()]
        lines.append("| " + " | ".join([f"{row.system}: {row.claim}", *cells]) + " |")
    return "\n".join(lines) + "\n"


def _systems(found: dict[Row, Found]) -> dict[str, tuple[int, int]]:
    """For each system how many of the article's claims hold, and how many there are."""
    counted = {}
    for name in (name for name in ORDER if any(row.system == name for row in found)):
        rows = [row for row in found if row.system == name and row.evidence]
        counted[name] = (sum(holds(found[row]) for row in rows), len(rows))
    return counted


def _line(row: Row, found: Found) -> str:
    unit = QUANTITIES["alignment" if row.variable == "move" else row.variable].unit
    number = " ".join([row.variable.replace("_", " "), *row.who.values()])
    cells = [
        row.system,
        row.claim,
        f"{row.whose}, {row.kind}",
        f"{number} ({unit})" + (f", {row.at}" if row.at else ""),
        f"{found.mean:+.4f} ± {found.half:.4f}",
        f"{found.level:.4f}" if np.isfinite(found.level) else "-",
        f"{'+' if row.sign > 0 else '-' if row.sign < 0 else '0'} {found.share:.2f}",
        verdict(row, found),
        ", ".join(carried_by(row, found)) or "-",
    ]
    return "| " + " | ".join(cells) + " |"


def _discussion(row: Row, found: Found) -> list[str]:
    """The section on a row that fails: the share of draws, the mechanisms and numbers that decide it, and the remark."""
    spoilers = ", ".join(spoiled_by(found)) or "none alone"
    deciding = ", ".join(f"`{name}` ({value:+.2f})" for name, value in found.movers)
    return [
        f"### {row.system}: {row.claim}",
        "",
        f"{row.whose}, {row.kind}: the sign holds in {found.share:.2f} of the draws. Mechanisms without which it would hold:",
        f"{spoilers}.",
        f"The drawn numbers that move it most (rank correlation with the effect): {deciding}.",
        "",
        row.remark,
        "",
    ]
