"""Compare the historical record since 1994, run by its shocks, with the opening of 2022; or check the events of docs/record.md.

    python -m experiments.evidence.record                  (writes the last part of docs/record.md; a minute)
    python -m experiments.evidence.record DATA_FOLDER      (exit status 1 where an event of the folder's timeline has no row)

The folder holds `timeline.csv`, of columns date and description among others; it is not in the repository.
"""

import csv
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from sim.arrays import Array
from sim.compose.expand import expand
from sim.config.evidence import evidence_row
from sim.config.schema import Config
from sim.engine.runs import simulate

DOCUMENT = Path(__file__).parents[2] / "docs" / "record.md"
MARK = "<!-- below: experiments/evidence/record.py -->\n"
THEN, NOW = "2022-01", "2026-07"
REPLICATES = 200
LINE = 140
"""Characters of a line of the page."""
RUSSIA = ("nato", "eu")
"""Blocs whose relation with Russia is reported besides the tables."""


class Row(NamedTuple):
    """A number of the opening of 2022, and its value at the end of the historical record since 1994."""

    names: tuple[str, str]
    before: float
    file: float
    low: float
    high: float
    worlds: Array
    """The number in January 2022 in each replicate of the historical record, (replicate,)."""
    later: float
    """The mean of the historical record in July 2026."""
    outlook: float
    """The mean in July 2026 of the run that opens in 2022."""

    @property
    def mean(self) -> float:
        """The mean over replicates of the historical record in January 2022."""
        return float(self.worlds.mean())

    @property
    def inside(self) -> bool:
        """Whether the mean lies in the range of evidence."""
        return self.low <= self.mean <= self.high

    @property
    def share(self) -> float:
        """The share of replicates in the range of evidence."""
        return float(((self.worlds >= self.low) & (self.worlds <= self.high)).mean())


class Runs(NamedTuple):
    """The historical record since 1994, the run that opens in 2022, and two alternatives; all on common random numbers."""

    history: xr.Dataset
    outlook: xr.Dataset
    rivals: xr.Dataset
    """The record with the relations of NATO and the EU with Russia of the file of 2022 from 1994 on."""
    no_legacy: xr.Dataset
    """The record without the effect of legacy (`dynamics.legacy=0`)."""


def runs(replicates: int = REPLICATES) -> Runs:
    """Simulate all of them, with noise."""
    common = [f"replicates={replicates}", f"end={NOW}"]
    history = ["scenario=history", "start=1994-01", *common]
    relations = expand(["region=south_caucasus"])[0].config.region.relations
    rivals = [f"region.relations.{bloc}.russia={relations[bloc]['russia']}" for bloc in RUSSIA]
    rivals += [f"shock.crimea_2014.effects.{bloc}.size=0" for bloc in RUSSIA]
    commands = (history, ["scenario=outlook", *common], [*history, *rivals], [*history, "dynamics.legacy=0"])
    return Runs(*(simulate(expand(overrides)) for overrides in commands))


def rows(history: xr.Dataset, outlook: xr.Dataset) -> dict[str, list[Row]]:
    """Every alignment and every relation of the region of 2022, with its values in the historical record."""
    then, before = (expand([f"region={name}"])[0] for name in ("south_caucasus", "south_caucasus_1994"))
    found: dict[str, list[Row]] = {"alignment": [], "relation": []}
    for variable, pairs in (("alignment", _alignments(then.config)), ("relation", _relations(then.config))):
        opened = dict(_alignments(before.config) if variable == "alignment" else _relations(before.config))
        for (one, other), value in pairs:
            path = ("states", one, "alignment", other) if variable == "alignment" else ("relations", one, other)
            row = then.settings["region"]["evidence"][evidence_row(path, then.settings["region"]["evidence"])]
            series = history[variable].isel(variant=0).sel(_at(variable, one, other))
            mean = float(series.sel(time=NOW).mean())
            late = float(outlook[variable].isel(variant=0).sel(_at(variable, one, other)).sel(time=NOW).mean())
            values = np.atleast_1d(series.sel(time=THEN).values.squeeze())
            found[variable].append(Row((one, other), opened[one, other], value, row["low"], row["high"], values, mean, late))
    return found


def _alignments(config: Config) -> list[tuple[tuple[str, str], float]]:
    states = config.region.states.items()
    return [((name, bloc), value) for name, state in states for bloc, value in state.alignment.items()]


def _relations(config: Config) -> list[tuple[tuple[str, str], float]]:
    return [((one, other), value) for one, row in config.region.relations.items() for other, value in row.items()]


def _at(variable: str, one: str, other: str) -> dict[str, str]:
    return {"state": one, "bloc": other} if variable == "alignment" else {"bloc": one, "rival": other}


def error(found: Sequence[Row], guess: str) -> float:
    """Root mean square error of a guess at the file's numbers: the historical record's `mean`, or no change since `before`."""
    return float(np.sqrt(np.mean([(getattr(row, guess) - row.file) ** 2 for row in found])))


def section(ran: Runs, labels: dict[str, str]) -> str:
    """The text of the part of the page that is computed."""
    found = rows(ran.history, ran.outlook)
    alignments, relations = found["alignment"], found["relation"]
    outside = [row for row in alignments if not row.inside]
    listed = "; ".join(f"{_name(row, labels)} {row.mean:.2f} against [{row.low:.2f}, {row.high:.2f}]" for row in outside)
    moved = [row for row in alignments if abs(row.file - row.before) >= 0.1]
    right = sum((row.mean - row.before) * (row.file - row.before) > 0 for row in moved)
    russia = {row.names[0]: row for row in relations if row.names[1] == "russia"}
    rivalry = " and ".join(
        f"{labels[name]}-Russia {_signed(russia[name].mean)} against {_signed(russia[name].file)} in the file" for name in RUSSIA
    )
    apart = sorted(alignments, key=lambda row: -abs(row.later - row.outlook))[:3]
    differ = ", ".join(f"{_name(row, labels)} {_signed(row.later)} and {_signed(row.outlook)}" for row in apart)
    otherwise = [
        ", ".join(
            _signed(float(ds["alignment"].isel(variant=0).sel(_at("alignment", *row.names)).sel(time=NOW).mean())) for row in apart
        )
        for ds in (ran.rivals, ran.no_legacy)
    ]
    setting = f"""`scenario=history` from the opening of 1994, {REPLICATES} replicates with noise, compared with the numbers of
        `configs/region/south_caucasus.yaml` for January 2022. The range is that of its evidence; inside is whether the mean
        lies in it, share the share of replicates that do. Nothing was fitted to these numbers, yet it is no test out of
        sample: the events were weighted with knowledge of their outcome, and the formal standing that shocks change is an
        input of the file's alignments."""
    errors = f"{error(alignments, 'mean'):.3f}, against {error(alignments, 'before'):.3f}"
    stands = f"""Alignments: root mean square error {errors} of the forecast that nothing changes after 1994. {len(outside)} of
        {len(alignments)} means lie outside the range: {listed or "none"}. Of {len(moved)} alignments that differ by 0.1 or more
        between the files, the historical record moves {right} in the right direction."""
    courts = f"""Relations of blocs: {error(relations, "mean"):.3f} against {error(relations, "before"):.3f}. Only shocks move them,
        and few do: {rivalry}. There is no rivalry with Russia in the historical record before 2014, and a weaker one than in
        the file from then to 2022, so exclusivity, vigilance and deterrence between the West and Russia have little effect
        in it: the historical record is no evidence for or against them."""
    since = f"""The last two columns are July 2026: the same run, and `scenario=outlook`, which opens at the file's numbers of 2022
        and has the same shocks since then. They differ most in {differ}. Weak rivalry is not the reason: with NATO's and the
        EU's relations with Russia of 2022 from 1994 on, the historical record ends at {otherwise[0]}; without the effect of
        legacy (`dynamics.legacy=0`) at {otherwise[1]}. Most events change legacy as steps, which add up and do not fade, so
        the errors of the historical record in 2022 persist. For levels after 2022 use the outlook, which starts from
        observed numbers; the historical record is for the direction of earlier changes and for the effect of a shock within
        them, not for a level."""
    table = [
        "| state | bloc | 1994 | 2022 | range | historical record 2022 | inside | share | historical record 2026 | outlook 2026 |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {labels[row.names[0]]} | {labels[row.names[1]]} | {_numbers(row)} | {row.share:.2f} | {_signed(row.later)} | "
            f"{_signed(row.outlook)} |"
            for row in alignments
        ),
    ]
    other = [
        "| bloc | rival | 1994 | 2022 | range | historical record 2022 | inside |",
        "|---|---|---|---|---|---|---|",
        *(f"| {labels[row.names[0]]} | {labels[row.names[1]]} | {_numbers(row)} |" for row in relations),
    ]
    head = [MARK + "## The historical record compared with the opening of 2022", *map(_filled, (setting, stands, courts, since))]
    return "\n\n".join([*head, "\n".join(table), "\n".join(other)]) + "\n"


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), LINE, break_on_hyphens=False)


def _name(row: Row, labels: dict[str, str]) -> str:
    return "-".join(labels[name] for name in row.names)


def _numbers(row: Row) -> str:
    inside = "yes" if row.inside else "no"
    return f"{_signed(row.before)} | {_signed(row.file)} | {row.low:.2f} to {row.high:.2f} | {_signed(row.mean)} | {inside}"


def _signed(value: float) -> str:
    """A number with its sign; without one where it is 0.

    >>> _signed(-0.001), _signed(0.456)
    ('0.00', '+0.46')
    """
    return f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"


def labels_of(config: Config) -> dict[str, str]:
    """The labels of the actors, without text in brackets."""
    actors: dict[str, Any] = {**config.region.states, **config.region.blocs}
    return {name: actor.label.partition(" (")[0] for name, actor in actors.items()}


def missing(timeline: Path) -> list[str]:
    """The events of a timeline for which the page has no row."""
    listed = Counter(re.findall(r"^\| (\d{4}-\d\d-\d\d) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    lost = []
    with timeline.open(encoding="utf-8", newline="") as file:
        for event in csv.DictReader(file):
            listed[event["date"]] -= 1
            if listed[event["date"]] < 0:
                lost.append(f"{event['date']} {event['description']}")
    return lost


def main(argv: Sequence[str]) -> int:
    """Write the part of the page; or print the events that are missing, with exit status 1 where there are any."""
    if not argv:
        text = DOCUMENT.read_text("utf-8").partition(MARK)[0].rstrip("\n") + "\n\n"
        labels = labels_of(expand(["region=south_caucasus"])[0].config)
        DOCUMENT.write_text(text + section(runs(), labels), "utf-8")
        return 0
    if len(argv) != 1 or not (Path(argv[0]) / "timeline.csv").is_file():
        print("usage: python -m experiments.evidence.record [DATA_FOLDER] (with timeline.csv)", file=sys.stderr)
        return 2
    lost = missing(Path(argv[0]) / "timeline.csv")
    print("\n".join(lost) or "every event has a row")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
