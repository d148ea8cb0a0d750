"""The facts table: the article's claims tested in the model, how robust their signs are, and which mechanism carries them.

    python -m experiments.evidence.facts [draws]     (writes docs/facts.md; 500 draws take some minutes)

Each row of `claims.py` is an effect, a sum over runs with and without shocks on common random numbers. It is measured at the
shipped numbers over 200 replicates; its sign is counted over draws of all plausible ranges, without noise; and both are computed
again with each mechanism off.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from experiments.evidence.claims import ROWS, SETTINGS, WAR, Row
from experiments.evidence.facts_page import DOCUMENT, SURE, Found, document
from sim.arrays import Array
from sim.compose.expand import expand
from sim.config.schema import Variant
from sim.engine.runs import simulate
from sim.names import MECHANISMS, MOVE, PERIOD, TIME
from sim.results.derived import measured
from sim.science.measures import half_interval

DRAWS, REPLICATES, ABLATION_SHARE = 500, 200, 0.4
"""Draws, replicates at the shipped numbers, and the share of the draws that the ablation takes."""
BATCH = 600
"""Replicates that are simulated together: more would not fit into memory."""
MOVERS = 3
"""Drawn numbers that are named as moving an effect most."""


Effects = dict[Row, dict[int, float]]
"""The effect of each row in each draw whose opening is stable."""


def groups(rows: Sequence[Row] = ROWS) -> dict[tuple[str, str], list[Row]]:
    """Rows that the same runs test: by opening and by what is recorded."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[row.opening, row.record].append(row)
    return dict(found)


def variants(rows: Sequence[Row], said: Sequence[str] = ()) -> list[list[Variant]]:
    """For each draw, or for the one set of numbers, a variant for each set of shocks that some rows of one opening need."""
    sets = dict.fromkeys(subset for row in rows for subset in row.worlds)
    shocks = dict.fromkeys(word.split("-")[0] for subset in sets for word in subset)
    settings = [word for word in SETTINGS[rows[0].opening] if not word.startswith("shock.") or word.split(".")[1] in shocks]
    keys = {word.partition("=")[0] for word in said}
    settings = [word for word in settings if word.partition("=")[0] not in keys]
    base = expand([f"shock=[{','.join(shocks)}]", *settings, f"record={rows[0].record}", *said])
    return [[_with(variant, subset) for subset in sets] for variant in base]


def _simulated(rows: Sequence[Row], some: Sequence[Variant]) -> xr.Dataset:
    """The results of some variants, with their measures where a row reads one."""
    ds = simulate(some)
    return ds if all(row.variable in ds for row in rows) else measured(ds)


def _with(variant: Variant, subset: Sequence[str]) -> Variant:
    """A variant with some of its shocks only, and of these some effects left out."""
    shocks = {}
    for word in subset:
        name, *left_out = word.split("-")
        shock = variant.config.shock[name]
        shocks[name] = replace(shock, effects={key: effect for key, effect in shock.effects.items() if key not in left_out})
        if len(shock.effects) - len(shocks[name].effects) != len(left_out):
            raise KeyError(word)
    return replace(
        variant,
        config=replace(variant.config, shock=shocks),
        label=f"{variant.label}: {name_of(subset)}",
        coordinates=variant.coordinates | {"scenario": name_of(subset)},
    )


def name_of(shocks: Sequence[str]) -> str:
    """A set of shocks as a scenario's name."""
    return "+".join(shocks) or "none"


def effects(row: Row, ds: xr.Dataset) -> Array:
    """The effect of a row, (draw, replicate)."""
    parts = [coefficient * _at(row, ds, shocks) for coefficient, shocks in row.terms]
    return sum(parts[1:], parts[0])


def level(row: Row, ds: xr.Dataset) -> float:
    """The mean of a row's number in the runs without its shock; NaN for a contribution to a move."""
    return np.nan if row.variable == MOVE else float(_at(row, ds, row.terms[-1][1]).mean())


def _at(row: Row, ds: xr.Dataset, shocks: Sequence[str]) -> Array:
    """A row's number with some shocks at the time at which it is read, (draw, replicate)."""
    values = ds[row.variable].isel(variant=_stable(ds, shocks)).sel(row.who)
    times = ds[PERIOD if PERIOD in values.dims else TIME].values
    values = values.values
    if row.variable == MOVE:
        return values.sum(axis=-1)
    if not row.at_war_end:
        return values[..., -1 if not row.at else int(np.searchsorted(times, np.datetime64(row.at)))]
    strained = ds["strain_war"].isel(variant=_stable(ds, (WAR,))).sel(bloc="russia").values.argmax(axis=-1)
    last = np.minimum(strained, values.shape[-1] - 1)
    return np.take_along_axis(values, last[..., None], axis=-1)[..., 0]


def _stable(ds: xr.Dataset, shocks: Sequence[str]) -> Array:
    """The variants with a set of shocks whose opening is stable."""
    return np.flatnonzero((ds["scenario"].values == name_of(shocks)) & (ds["stability_margin"].values > 0))


def in_draws(rows: Sequence[Row], said: Sequence[str] = ()) -> Effects:
    """The effects of rows of one opening, without noise, in every draw of the overrides `said`."""
    region = expand([word for word in SETTINGS[rows[0].opening] if word.startswith("region=")])[0].config.region
    quiet = [f"region.states.{state}.volatility=0" for state in region.states]
    drawn = variants(rows, [*quiet, "replicates=1", "sample=ranges", *said])
    together = max(1, BATCH // len(drawn[0]))
    found: Effects = {row: {} for row in rows}
    for start in range(0, len(drawn), together):
        ds = _simulated(rows, [variant for draw in drawn[start : start + together] for variant in draw])
        draws = ds["draw"].values[_stable(ds, rows[0].worlds[0])].tolist()
        for row in rows:
            found[row] |= dict(zip(draws, effects(row, ds)[:, 0].tolist(), strict=True))
    return found


def numbers(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a config by their dotted names."""
    if is_dataclass(value):
        value = {one.name: getattr(value, one.name) for one in fields(value) if one.name not in ("evidence", "range")}
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)


def movers(found: dict[int, float], drawn: dict[int, dict[str, float]]) -> list[tuple[str, float]]:
    """The drawn numbers with the greatest rank correlation with an effect."""
    table = np.array([list(drawn[draw].values()) for draw in found])
    ranks = np.argsort(np.argsort(np.column_stack([table, list(found.values())]), axis=0), axis=0).astype(float)
    ranks -= ranks.mean(axis=0)
    ranks /= np.sqrt((ranks**2).sum(axis=0))
    names, together = list(drawn[next(iter(found))]), ranks[:, :-1].T @ ranks[:, -1]
    varied = [at for at in range(len(names)) if len(np.unique(table[:, at])) > len(table) // 2]
    return [(names[at], float(together[at])) for at in sorted(varied, key=lambda at: -abs(together[at]))[:MOVERS]]


def share(values: Array, sign: int) -> float:
    """The share of draws in which an effect has the sign; of a null effect, in which it is exactly 0."""
    return float((np.sign(values) == sign).mean())


def some_of(draws: int) -> int:
    """How many of the draws the ablation takes."""
    return max(2, round(ABLATION_SHARE * draws))


def find(draws: int = DRAWS, replicates: int = REPLICATES, rows: Sequence[Row] = ROWS) -> dict[Row, Found]:
    """The results of every row."""
    found = {row: Found() for row in rows}
    for (opening, record), asked in groups(rows).items():
        print(f"{opening}, {record}: {len(asked)} rows", file=sys.stderr, flush=True)
        one = _simulated(asked, variants(asked, [f"replicates={replicates}"])[0])
        drawn = in_draws(asked, [f"draws={draws}"])
        shocks = dict.fromkeys(word.split("-")[0] for row in asked for subset in row.worlds for word in subset)
        said = [*SETTINGS[opening][:1], f"shock=[{','.join(shocks)}]", "sample=ranges", f"draws={draws}"]
        named = {int(str(v.coordinates["draw"])): _numbers_of(v) for v in expand(said)}
        for row in asked:
            values = effects(row, one)
            found[row].mean = float(values.mean())
            found[row].half = float(half_interval(values.std(ddof=1), values.size))
            found[row].level = level(row, one)
            found[row].draws = len(drawn[row])
            found[row].share = share(np.array(list(drawn[row].values())), row.sign)
            found[row].movers = movers(drawn[row], named)
        for mechanism in MECHANISMS:
            off = in_draws(asked, [f"draws={some_of(draws)}", f"dynamics.{mechanism}=0"])
            for row in asked:
                common = off[row].keys() & drawn[row].keys()
                whole, values = (np.array([effect[row][draw] for draw in common]) for effect in (drawn, off))
                told_apart = abs(whole.mean()) > SURE * whole.std() / np.sqrt(len(whole))
                part = float(values.mean() / whole.mean()) if told_apart else np.nan
                found[row].without[mechanism] = (part, share(values, row.sign))
                found[row].same_draws = share(whole, row.sign)
    return found


def _numbers_of(variant: Variant) -> dict[str, float]:
    config = variant.config
    return dict(numbers({"region": config.region, "dynamics": config.dynamics, "shock": config.shock}))


def main(argv: Sequence[str]) -> int:
    """Write the page; an argument is the number of draws."""
    if len(argv) > 1 or not all(word.isdigit() for word in argv):
        print("usage: python -m experiments.evidence.facts [draws]", file=sys.stderr)
        return 2
    draws = int(argv[0]) if argv else DRAWS
    DOCUMENT.write_text(document(find(draws), draws, some_of(draws), REPLICATES), encoding="utf-8")
    print(f"written: {DOCUMENT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
