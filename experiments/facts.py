"""The facts table: what the article's claims come to in the model, how sure their signs are, and which mechanism carries them.

    python experiments/facts.py [draws]     (writes docs/facts.md; 500 draws take some minutes)

Each row is an effect, a sum of worlds with and without shocks on the same luck. It is measured at the shipped numbers over 200
worlds; its sign is counted over draws of all plausible ranges, luck off; and both are asked again with each mechanism off.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import xarray as xr

from sim.arrays import Array
from sim.compose import expand
from sim.measures import half_interval
from sim.measuring import measured
from sim.names import MECHANISMS, QUANTITIES
from sim.results import MOVE
from sim.simulate import simulate

DOCUMENT = Path(__file__).parent.parent / "docs" / "facts.md"
DRAWS, REPLICATES, ABLATION_SHARE = 500, 200, 0.4
"""Draws, worlds at the shipped numbers, and the share of the draws that the ablation takes."""
HOLDS = 0.9
"""Share of draws in which a sign must hold."""
CARRIED = 0.5
"""A mechanism carries a claim where the effect without it is less than this share of the whole, or of the other sign."""
PEACE, TRADE, WAR = "peace_deal", "trade_opening", "ukraine_war"
SINCE_1994 = ("region=south_caucasus_1994", "end=2022-01")

Terms = tuple[tuple[int, tuple[str, ...]], ...]


def effect_of(*shocks: str, among: Sequence[str] = ()) -> Terms:
    """The worlds with some shocks less those without, others happening in both."""
    return ((1, (*among, *shocks)), (-1, tuple(among)))


@dataclass(frozen=True, eq=False)
class Row:
    """One claim: whose it is, what worlds show it, on which number, with which sign."""

    system: str
    claim: str
    whose: str
    kind: str
    """direct: the shock moves the number or an identity of it; derived; open; null."""
    terms: Terms
    variable: str
    who: dict[str, str]
    sign: int
    said: tuple[str, ...] = ()
    """What else is set: region, window, numbers."""
    at_war_end: bool = False

    @property
    def worlds(self) -> tuple[tuple[str, ...], ...]:
        """The sets of shocks that the row needs, the first without repetition."""
        return tuple(dict.fromkeys(shocks for _, shocks in self.terms))


@dataclass
class Found:
    """What a row came to."""

    mean: float = np.nan
    half: float = np.nan
    share: float = np.nan
    without: dict[str, tuple[float, float]] = field(default_factory=dict)
    """For each mechanism the effect without it as a share of the whole, and the share of draws in which the sign holds."""


Number = tuple[str, dict[str, str]]


def of(variable: str, *actors: str) -> Number:
    """A number, and the actors whose it is in the order of its axes."""
    return variable, dict(zip(QUANTITIES[variable].dims, actors, strict=True))


def _rows() -> Iterator[Row]:
    def system(name: str, terms: Terms, *said: str, at_war_end: bool = False):
        def row(claim: str, whose: str, kind: str, number: Number, sign: int) -> Row:
            return Row(name, claim, whose, kind, terms, *number, sign, said, at_war_end)

        return row

    armenia, azerbaijan, georgia = "armenia", "azerbaijan", "georgia"
    row = system("Peace of 2025", effect_of(PEACE))
    yield row("threat to Armenia falls", "article", "direct", of("threat", armenia, "russia"), -1)
    yield row("threat to Azerbaijan falls", "article", "direct", of("threat", azerbaijan, "russia"), -1)
    yield row("Armenia and Turkey thaw", "article", "derived", of("alignment", armenia, "turkey"), 1)
    yield row("Armenia leans less on Russia", "ours", "derived", of("alignment", armenia, "russia"), -1)
    row = system("War in Ukraine", effect_of(WAR), at_war_end=True)
    yield row("Russia's effort in Armenia falls", "article", "direct", of("effort", armenia, "russia"), -1)
    yield row("Armenia leaves Russia", "article", "derived", of("alignment", armenia, "russia"), -1)
    yield row("Armenia nears NATO", "article", "derived", of("alignment", armenia, "nato"), 1)
    yield row("Armenia nears the EU", "article", "derived", of("alignment", armenia, "eu"), 1)
    yield row("Azerbaijan leaves Russia", "article", "derived", of("alignment", azerbaijan, "russia"), -1)
    yield row("Georgia leaves Russia", "article", "derived", of("alignment", georgia, "russia"), -1)
    row = system("Transit and fuel train", effect_of(TRADE))
    yield row("Armenia depends less on Russia", "article", "derived", of("dependence", armenia, "russia"), -1)
    yield row("trade mends the tie with Azerbaijan", "article", "derived", of("tie", armenia, azerbaijan), 1)
    yield row("Georgia gains", "ours", "open", of("dependence", georgia, "russia"), -1)
    row = system("Transit and fuel train", ((1, (PEACE, TRADE)), (-1, (PEACE,)), (-1, (TRADE,)), (1, ())))
    yield row("the same transit moves more with peace", "article", "derived", of("traffic", armenia, azerbaijan), 1)
    row = system("Energy corridor", effect_of("energy_corridor"), *SINCE_1994)
    yield row("the EU's effort in Azerbaijan rises", "article", "direct", of("effort", azerbaijan, "eu"), 1)
    yield row("Azerbaijan depends more on the EU", "article", "derived", of("dependence", azerbaijan, "eu"), 1)
    yield row("Azerbaijan nears the EU", "article", "derived", of("alignment", azerbaijan, "eu"), 1)
    yield row("Georgia nears the EU", "article", "derived", of("alignment", georgia, "eu"), 1)
    row = system("NATO's programmes", effect_of("programmes_for_azerbaijan"))
    yield row("readiness outlives the programme", "article", "direct", of("readiness", azerbaijan, "nato"), 1)
    yield row("NATO's share of protection rises", "article", "derived", of("protection", azerbaijan, "nato"), 1)
    yield row("Azerbaijan nears NATO", "article", "derived", of("alignment", azerbaijan, "nato"), 1)
    row = system("Exercise near the border", effect_of("border_exercises"), "end=2027-02")
    yield row("Russia answers in Georgia", "article", "derived", of("effort", georgia, "russia"), 1)
    yield row("Georgia and NATO a year later", "ours", "open", of("alignment", georgia, "nato"), 1)
    row = system("Exercise near the border", effect_of("noble_partner", among=("crimea_2014",)), *SINCE_1994[:1], "end=2019-08")
    yield row("Russia answers in 2018, in the record since 1994", "ours", "derived", of("effort", georgia, "russia"), 1)
    calm = tuple(f"shock.war_2008.effects.{name}.size=0" for name in ("grievance", "relations_cut"))
    row = system("War of 2008", effect_of("war_2008"), *SINCE_1994)
    yield row("Georgia leaves Russia", "article", "direct", of("alignment", georgia, "russia"), -1)
    row = system("War of 2008", effect_of("war_2008"), *SINCE_1994, *calm)
    yield row("the same, its grievance left out", "article", "derived", of("alignment", georgia, "russia"), -1)
    yield row("Georgia nears NATO, the grievance left out", "ours", "derived", of("alignment", georgia, "nato"), 1)
    calm = tuple(f"shock.{name}.effects.betrayal.size=0" for name in ("karabakh_2020", "karabakh_2023"))
    lost, until = effect_of("karabakh_2020", "karabakh_2023"), ("region=south_caucasus_1994", "end=2026-07")
    row = system("Karabakh 2020 and 2023", lost, *until)
    yield row("Armenia leaves Russia", "article", "direct", of("alignment", armenia, "russia"), -1)
    row = system("Karabakh 2020 and 2023", lost, *until, *calm)
    yield row("the same, its grievance left out", "article", "derived", of("alignment", armenia, "russia"), -1)
    yield row("Armenia nears NATO", "article", "derived", of("alignment", armenia, "nato"), 1)
    row = system("Turkey as channel", effect_of("channel_closed"))
    yield row("without it NATO protects Azerbaijan less", "article", "derived", of("protection", azerbaijan, "nato"), -1)
    yield row("and stands lower there", "article", "derived", of("alignment", azerbaijan, "nato"), -1)
    row = system("Balanced diplomacy", effect_of("balanced_diplomacy"))
    yield row("Armenia hedges more", "article", "derived", of("hedging", armenia), 1)
    yield row("Azerbaijan hedges more", "article", "derived", of("hedging", azerbaijan), 1)
    row = system("Black Sea", effect_of(WAR), f"shock.{WAR}.effects.drain.size=0", "keep=parts")
    for state, name in ((armenia, "Armenia"), (azerbaijan, "Azerbaijan")):
        cost = "move", {"part": "exclusivity", "state": state, "bloc": "russia"}
        yield row(f"rivalry since 2022 makes standing with both dearer for {name}", "article", "derived", cost, -1)
        yield row(f"so {name} hedges less", "ours", "derived", of("hedging", state), -1)
    row = system("Black Sea", effect_of("black_sea_incident"), "end=2029-01")
    yield row("an incident makes Armenia hedge less", "ours", "open", of("hedging", armenia), -1)
    row = system("North Caucasus", effect_of(WAR))
    yield row("losing the South Caucasus strains Russia at home", "article", "derived", of("strain_home", "russia"), 1)
    row = system("Joint exercises", effect_of("joint_exercises"), "shock.joint_exercises.probability=1")
    yield row("from chessboard to bridge", "article", "derived", of("bridge"), 1)
    row = system("NATO's statement", effect_of("nato_statement"))
    yield row("words alone move nothing", "article", "null", of("alignment", armenia, "nato"), 0)


ROWS = tuple(_rows())


def groups(rows: Sequence[Row] = ROWS) -> dict[tuple[tuple[str, ...], tuple[str, ...]], list[Row]]:
    """Rows that the same worlds answer: by what is set and the shocks that take part."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Row]] = {}
    for row in rows:
        shocks = tuple(dict.fromkeys(name for shocks in row.worlds for name in shocks))
        found.setdefault((row.said, shocks), []).append(row)
    return found


def worlds(said: Sequence[str], shocks: Sequence[str], rows: Sequence[Row]) -> xr.Dataset:
    """The worlds of some rows: each set of shocks, in every draw or replicate that `said` asks for, on the same luck."""
    base = expand([f"shock=[{','.join(shocks)}]", *said])
    sets = dict.fromkeys(subset for row in rows for subset in row.worlds)
    variants = [
        replace(
            variant,
            config=replace(variant.config, shock={name: variant.config.shock[name] for name in subset}),
            label=f"{variant.label}: {name_of(subset)}",
            coordinates=variant.coordinates | {"scenario": name_of(subset)},
        )
        for subset in sets
        for variant in base
    ]
    return measured(simulate(variants))


def name_of(shocks: Sequence[str]) -> str:
    """A set of shocks as a scenario's name."""
    return "+".join(shocks) or "none"


def effects(row: Row, ds: xr.Dataset, draws: set[int] | None = None) -> Array:
    """The effect of a row in each replicate, or in each of some draws."""
    ds = ds if draws is None else ds.isel(variant=np.flatnonzero(np.isin(ds["draw"].values, list(draws))))
    parts = [coefficient * _at(row, ds, shocks) for coefficient, shocks in row.terms]
    return sum(parts[1:], parts[0]).reshape(-1)


def _at(row: Row, ds: xr.Dataset, shocks: Sequence[str]) -> Array:
    """A row's number with some shocks at the time at which it is read, (draw, replicate)."""
    chosen = ds.isel(variant=_stable(ds, shocks))
    values = chosen[row.variable].sel(row.who).values
    if row.variable == MOVE:
        return values.sum(axis=-1)
    if not row.at_war_end:
        return values[..., -1]
    strained = ds.isel(variant=_stable(ds, (WAR,)))["strain_war"].sel(bloc="russia").values.argmax(axis=-1)
    last = np.minimum(strained, values.shape[-1] - 1)
    return np.take_along_axis(values, last[..., None], axis=-1)[..., 0]


def _stable(ds: xr.Dataset, shocks: Sequence[str]) -> Array:
    """The variants with a set of shocks whose opening is stable."""
    return np.flatnonzero((ds["scenario"].values == name_of(shocks)) & (ds["stability_margin"].values > 0))


def stable_draws(ds: xr.Dataset) -> set[int]:
    """The draws whose opening can be at rest and is stable."""
    return set(ds["draw"].values[ds["stability_margin"].values > 0].tolist())


def quiet(said: Sequence[str]) -> list[str]:
    """Luck off in the region that is said."""
    region = expand([word for word in said if word.startswith("region=")])[0].config.region
    return [f"region.states.{state}.volatility=0" for state in region.states]


def share(values: Array, sign: int) -> float:
    """The share of draws in which an effect has the sign; of a null effect, in which it is exactly 0."""
    return float((np.sign(values) == sign).mean())


def some_of(draws: int) -> int:
    """How many of the draws the ablation takes."""
    return max(2, round(ABLATION_SHARE * draws))


def find(draws: int = DRAWS, replicates: int = REPLICATES, rows: Sequence[Row] = ROWS) -> dict[Row, Found]:
    """Everything that the table tells."""
    found = {row: Found() for row in rows}
    some = some_of(draws)
    for (said, shocks), asked in groups(rows).items():
        print(f"{', '.join(shocks)}: {len(asked)} rows", file=sys.stderr, flush=True)
        one = worlds([*said, f"replicates={replicates}"], shocks, asked)
        still = [*said, *quiet(said), "replicates=1", "sample=ranges"]
        drawn = worlds([*still, f"draws={draws}"], shocks, asked)
        for row in asked:
            values = effects(row, one)
            found[row].mean = float(values.mean())
            found[row].half = float(half_interval(values.std(ddof=1), len(values)))
            found[row].share = share(effects(row, drawn), row.sign)
        for mechanism in MECHANISMS:
            off = worlds([*still, f"draws={some}", f"dynamics.{mechanism}=0"], shocks, asked)
            for row in asked:
                common = stable_draws(off) & stable_draws(drawn)
                values, whole = effects(row, off, common), float(effects(row, drawn, common).mean())
                found[row].without[mechanism] = (float(values.mean()) / whole if whole else np.nan, share(values, row.sign))
    return found


def carried_by(row: Row, found: Found) -> list[str]:
    """The mechanisms without which the effect is less than half or of the other sign."""
    return [name for name, (part, _) in found.without.items() if row.kind != "null" and part < CARRIED]


def verdict(row: Row, found: Found) -> str:
    """Whether the sign holds."""
    if row.kind == "open":
        return "open"
    return "holds" if found.share >= HOLDS else "**fails**"


def document(found: dict[Row, Found], draws: int, replicates: int) -> str:
    """The page that the findings make."""
    derived = [row for row in found if row.kind == "derived" and row.whose == "article"]
    kept = [row for row in derived if found[row].share >= HOLDS]
    lines = [
        "# Facts",
        "",
        "What the article's claims come to in the model. Made by `python experiments/facts.py`; no number here is written by hand.",
        "",
        "- **Effect**: worlds with less worlds without, on the same luck, at the shipped numbers: mean of",
        f"  {replicates} worlds ± half its 95 % interval, at the end of the run (of the war, where it is about the war).",
        f"- **Sign**: the share of {draws} draws of all plausible ranges in which the effect has the sign, luck off,",
        f"  among draws whose opening is stable. A sign holds at {HOLDS:.2f}.",
        "- **Direct** rows test wiring, only **derived** ones are evidence, **open** ones are reported.",
        f"- **Carried by**: the mechanisms without which the mean effect, over {some_of(draws)} of the draws,",
        "  is less than half of itself or of the other sign.",
        "",
        f"Of {len(derived)} derived claims of the article {len(kept)} hold.",
        "",
        "| system | claim | whose, kind | number | effect | sign | verdict | carried by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row, result in found.items():
        unit = QUANTITIES["alignment" if row.variable == MOVE else row.variable].unit
        number = " ".join([row.variable.replace("_", " "), *row.who.values()])
        cells = [
            row.system,
            row.claim,
            f"{row.whose}, {row.kind}",
            f"{number} ({unit})",
            f"{result.mean:+.4f} ± {result.half:.4f}",
            f"{'+' if row.sign > 0 else '-' if row.sign < 0 else '0'} {result.share:.2f}",
            verdict(row, result),
            ", ".join(carried_by(row, result)) or "-",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
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


def main(argv: Sequence[str]) -> int:
    """Write the page; an argument is the number of draws."""
    if len(argv) > 1 or not all(word.isdigit() for word in argv):
        print("usage: python experiments/facts.py [draws]", file=sys.stderr)
        return 2
    draws = int(argv[0]) if argv else DRAWS
    text = document(find(draws), draws, REPLICATES)
    DOCUMENT.write_text(text, encoding="utf-8")
    print(f"written: {DOCUMENT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
