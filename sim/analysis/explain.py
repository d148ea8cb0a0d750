"""What moved whom: the parts of recorded moves, added up over a stretch of time or told month by month."""

import json
from collections.abc import Mapping

import numpy as np
import xarray as xr

from sim.analysis.compare import recording_command
from sim.arrays import Array
from sim.config.known import demand_known
from sim.config.near_dates import near_date
from sim.errors import SettingError
from sim.names import BLOC, CONTRIBUTION, CONTRIBUTIONS, MOVE, PERIOD, REPLICATE, STATE, STATISTIC, TIME, VARIANT, several
from sim.results.dataset import HALF_WIDTH
from sim.results.labels import shock_labels, variant_labels
from sim.science.measures import STATISTICS, half_interval, spread

WHOLE = "whole"
"""The row that holds the sum of all parts."""
CHANGE, EFFECT = "change", "effect"
KIND = "kind"
TOLD = 2
"""Reasons that a line of the narrative names."""
SMALLEST = 5e-5
"""A month in which nothing moves by more is told as quiet."""


def explain(ds: xr.Dataset, variant: str, state: str, bloc: str, since: str = "", until: str = "") -> xr.Dataset:
    """The change of one alignment over a stretch of time, split into its parts, and the effect against the reference.

    Parameters
    ----------
    ds : xarray.Dataset
        Results with record=decomposition.
    variant, state, bloc : str
        Whose alignment with whom, in which variant.
    since, until : str
        Instants, as 2025-08; empty for the first and the last.

    Returns
    -------
    xarray.Dataset
        `alignment`, axes (kind, contribution, time, statistic): what each part, and last their sum `whole`, has added to the alignment between
        `since` and each instant up to `until`. Kinds: `change` in the variant, and, where it has another variant for reference,
        `effect`, the paired difference of the changes. Statistics over worlds: mean, sd, quantiles, and half_width, half the 95 %
        interval of the mean. Attribute `residual`: the greatest difference between the sum of parts and the recorded change.

    Raises
    ------
    SettingError
        Where parts were not kept, or a name or instant is not in the results.
    """
    demand_contributions(ds)
    labels = [str(label) for label in ds[VARIANT].values]
    demand_known("variant", variant, labels, "variant")
    for dim, name in ((STATE, state), (BLOC, bloc)):
        demand_known(dim, name, dict(zip(map(str, ds[dim].values), map(str, ds[f"{dim}_label"].values), strict=True)), dim)
    first, last = interval(ds, since, until)
    at = labels.index(variant)
    to = labels.index(str(ds["reference"].values[at]))
    parts = [str(part) for part in ds[CONTRIBUTION].values]
    sums = {index: _sums(ds, index, state, bloc, first, last) for index in {at, to}}
    kinds = {CHANGE: sums[at]} | ({EFFECT: sums[at] - sums[to]} if to != at else {})
    recorded = ds["alignment"].isel({VARIANT: at, TIME: slice(first, last + 1)}).sel({STATE: state, BLOC: bloc}).values
    residual = float(np.abs(sums[at][-1].T - (recorded - recorded[:, :1])).max())
    number = ds.sizes[REPLICATE]
    folded = []
    for worlds in kinds.values():
        moments = spread(worlds, axis=2)
        folded.append(np.concatenate([moments, half_interval(moments[list(STATISTICS).index("sd")], number)[None]]))
    return xr.Dataset(
        {"alignment": ((KIND, CONTRIBUTION, TIME, STATISTIC), np.moveaxis(np.stack(folded), 1, -1), {"units": "alignment"})},
        {
            KIND: list(kinds),
            "contribution": [*parts, WHOLE],
            "contribution_label": ("contribution", [contribution_label(ds, part) for part in parts] + ["Whole change"]),
            TIME: ds[TIME].values[first : last + 1],
            STATISTIC: [*STATISTICS, HALF_WIDTH],
        },
        {
            **ds.attrs,
            "variant": variant,
            "against": labels[to] if to != at else "",
            "state": state,
            "bloc": bloc,
            "state_label": _label(ds, STATE, state),
            "bloc_label": _label(ds, BLOC, bloc),
            "bloc_colour": str(ds["bloc_colour"].sel({BLOC: bloc}).item()),
            "variant_label": variant_labels(ds)[at],
            "residual": residual,
        },
    )


def _sums(ds: xr.Dataset, variant: int, state: str, bloc: str, first: int, last: int) -> Array:
    """What each part and their sum have added since the first instant, (part, time, replicate)."""
    move = ds[MOVE].isel({VARIANT: variant, PERIOD: slice(first, last)}).sel({STATE: state, BLOC: bloc})
    added = move.transpose(CONTRIBUTION, PERIOD, REPLICATE).values.cumsum(axis=1)
    added = np.concatenate([np.zeros_like(added[:, :1]), added], axis=1)
    return np.concatenate([added, added.sum(axis=0, keepdims=True)])


def demand_contributions(ds: xr.Dataset) -> None:
    """Refuse results that lack the parts of moves; the message says how to keep them."""
    if MOVE not in ds:
        raise SettingError("results", "hold no parts of moves", recording_command(ds, "decomposition"))


def interval(ds: xr.Dataset, since: str, until: str) -> tuple[int, int]:
    """The indices of the first and the last instant of a stretch of time."""
    days = [str(day)[:10] for day in ds[TIME].values]
    found = []
    for key, said, default in (("from", since, days[0]), ("to", until, days[-1])):
        at = [index for index, day in enumerate(days) if day.startswith(said or default)]
        if not at or (said and len(said) < len("2025-08")):
            near = near_date(said)
            meant = near if near != said and any(day.startswith(near or "-") for day in days) else ""
            wrong = f"{said!r} is no instant of the results"
            raise SettingError(key, wrong, f"{days[0][:7]} to {days[-1][:7]}", meant, f"{key}={said}")
        found.append(at[0])
    if found[0] >= found[1]:
        raise SettingError("to", f"{until or days[-1]} is not after {since or days[0]}", "a later instant", where=f"to={until}")
    return found[0], found[1]


def dates(moments: Array) -> list[str]:
    """Instants or periods as text: their months, or their days where a month has several."""
    days = [str(day)[:10] for day in moments]
    months = [day[:7] for day in days]
    return months if len(set(months)) == len(months) else days


def contribution_label(ds: xr.Dataset, part: str) -> str:
    """What a figure calls a part; a shock by its label."""
    kind, _, shock = part.partition(".")
    return f"Shock: {_shock_labels(ds).get(shock, shock)}" if shock else CONTRIBUTIONS[kind].label


def _shock_labels(ds: xr.Dataset) -> dict[str, str]:
    return {name: word for (name, _), word in shock_labels([ds]).items()}


def _label(ds: xr.Dataset, dim: str, name: str) -> str:
    return str(ds[f"{dim}_label"].sel({dim: name}).item())


# In words -------------------------------------------------------------------------------------------------------------------


def narrative(ds: xr.Dataset, variant: str, world: int | None = None) -> list[str]:
    """What moved whom most, period by period.

    Where the variant has another for reference, paired differences of moves on the same luck are told: what the shocks moved. A
    run without a reference holds what moves by chance and the answers to that, as its first line says.

    Parameters
    ----------
    ds : xarray.Dataset
        Results with record=decomposition.
    variant : str
        One of its variants.
    world : int, optional
        A replicate; by default the mean of all worlds is told.

    Returns
    -------
    list of str
        What is told; then a line for each shock where it begins, with whom it names, and one for each period: the alignment that
        was moved most, and its two greatest parts; where a shock begins that the reference lacks, the alignment whose move changed
        most since the period before. Periods on end in which nothing moves share a line.

    Raises
    ------
    SettingError
        Where parts were not kept, or there is no such variant or world.
    """
    demand_contributions(ds)
    labels = [str(label) for label in ds[VARIANT].values]
    demand_known("variant", variant, labels, "variant")
    if world is not None and world not in ds[REPLICATE].values:
        raise SettingError("world", f"{world} is not in the results", f"0 to {ds.sizes[REPLICATE] - 1}", where=f"world={world}")
    at = labels.index(variant)
    to = labels.index(str(ds["reference"].values[at]))
    values = _moves(ds, at, world)
    values = values - _moves(ds, to, world) if to != at else values
    told = f"the mean of {several(ds.sizes[REPLICATE], 'world')}" if world is None else f"world {world}"
    against = f" less {labels[to]} on the same luck, in {told}: what the shocks moved most"
    alone = (
        f" in {told}: what moved most, by shocks, by chance and in answer to chance (a reference on the same luck takes chance off)"
    )
    lines, quiet = [variant + (against if to != at else alone)], list[str]()
    begins = _beginnings(ds, variant, labels[to] if to != at else "")
    before = np.zeros_like(values[0])
    for period, month in enumerate(dates(ds[PERIOD].values)):
        begun = begins.get(period, [])
        turns = any(own for _, own in begun)
        said = (_changed(ds, values[period], before) if turns else "") or _told(ds, values[period])
        before = values[period]
        if said or begun:
            lines += _still(quiet)
            quiet = []
        lines += [f"{month}  {words}" for words, _ in begun]
        if said:
            lines.append(f"{month}  {said}")
        else:
            quiet.append(month)
    return lines + _still(quiet)


def _still(months: list[str]) -> list[str]:
    """The line of periods on end in which nothing moves; none where there are none."""
    return [f"{' to '.join(dict.fromkeys([months[0], months[-1]]))}  Nothing moves."] if months else []


def _moves(ds: xr.Dataset, variant: int, world: int | None) -> Array:
    """The parts of all moves in a world or on average, (period, part, state, bloc)."""
    moves = ds[MOVE].isel({VARIANT: variant})
    moves = moves.mean(REPLICATE) if world is None else moves.sel({REPLICATE: world})
    return moves.transpose(PERIOD, CONTRIBUTION, STATE, BLOC).values


def _beginnings(ds: xr.Dataset, variant: str, reference: str) -> Mapping[int, list[tuple[str, bool]]]:
    """What is said of the shocks that begin, or may first begin, in each period, and whether the reference lacks them."""
    instants, shocks, labels = ds[TIME].values, json.loads(ds.attrs["shocks"]), shock_labels([ds])
    found: dict[int, list[tuple[str, bool]]] = {}
    for shock in shocks[variant]:
        own = shock not in shocks.get(reference, [])
        first, last = shock["begins"][0]
        names = [_label(ds, dim, name) for dim in (STATE, BLOC) for name in shock[f"{dim}s"] if name in ds[dim].values]
        said = f"{labels[shock['name'], shock['label']]} {'begins' if first == last else f'may begin, until {last[:7]}'}"
        said += f", with probability {shock['probability']:g}" if shock["probability"] < 1 else ""
        said += f" ({', '.join(names)})" if names else ""
        period = int(np.searchsorted(instants, np.datetime64(first), side="right")) - 1
        found.setdefault(max(period, 0), []).append((f"{said}{'' if own else ', in both'}.", own))
    return found


def _told(ds: xr.Dataset, moves: Array) -> str:
    """The greatest of a period's moves, (part, state, bloc), in words; empty where nothing moves."""
    state, bloc, moved = _greatest(moves)
    if abs(moved) < SMALLEST:
        return ""
    way = "towards" if moved > 0 else "away from"
    return f"{_who(ds, state)} moves {way} {_whom(ds, bloc)} by {abs(moved):.4f}: {_reasons(ds, moves[:, state, bloc])}."


def _changed(ds: xr.Dataset, moves: Array, before: Array) -> str:
    """The move that changed most since the period before, in words; empty where none changes."""
    state, bloc, changed = _greatest(moves - before)
    if abs(changed) < SMALLEST:
        return ""
    one, other = (float(values[:, state, bloc].sum()) for values in (before, moves))
    pair = f"{_who(ds, state)} towards {_whom(ds, bloc)}"
    reasons = _reasons(ds, (moves - before)[:, state, bloc])
    return f"Changed most since the period before: {pair}, from {_signed(one)} to {_signed(other)} a period: {reasons}."


def _greatest(moves: Array) -> tuple[int, int, float]:
    """The state and the bloc of the greatest sum of parts, and that sum."""
    whole = moves.sum(axis=0)
    state, bloc = (int(index) for index in np.unravel_index(np.abs(whole).argmax(), whole.shape))
    return state, bloc, float(whole[state, bloc])


def _reasons(ds: xr.Dataset, parts: Array) -> str:
    """The greatest of the parts of one move, in words."""
    order = np.argsort(-np.abs(parts), kind="stable")[:TOLD]
    told = [index for index in order if abs(parts[index]) >= SMALLEST or index == order[0]]
    return "; ".join(f"{_reason(ds, str(ds[CONTRIBUTION].values[index]))} {_signed(float(parts[index]))}" for index in told)


def _signed(number: float) -> str:
    return f"{round(number, 4) + 0.0:+.4f}"


def _who(ds: xr.Dataset, state: int) -> str:
    return str(ds[f"{STATE}_label"].values[state])


def _whom(ds: xr.Dataset, bloc: int) -> str:
    return str(ds[f"{BLOC}_label"].values[bloc]).split(" (")[0]


def _reason(ds: xr.Dataset, part: str) -> str:
    shock = part.partition(".")[2]
    return _shock_labels(ds).get(shock, shock) if shock else CONTRIBUTIONS[part].reason
