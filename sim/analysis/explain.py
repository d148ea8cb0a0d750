"""What moved whom: recorded contributions to changes of alignment, summed over an interval of time or narrated by month."""

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
"""The name of the row that holds the sum of all contributions."""
CHANGE, EFFECT = "change", "effect"
KIND = "kind"
REASONS = 2
"""How many contributions a line of the narrative names."""
SMALLEST = 5e-5
"""Changes of alignment up to this size count as none in the narrative."""


def explain(ds: xr.Dataset, variant: str, state: str, bloc: str, since: str = "", until: str = "") -> xr.Dataset:
    """The change of one alignment over an interval of time, split into contributions, and the paired effect of the variant.

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
        `alignment`, axes (kind, contribution, time, statistic): what each contribution, and last their sum `whole`, has added to
        the alignment between `since` and each instant up to `until`. Kinds: `change` in the variant, and, if its reference is
        another variant, `effect`, the paired difference of the changes. Statistics over replicates: mean, sd, quantiles, and
        half_width, half the 95 % interval of the mean. Attribute `residual`: the largest absolute difference between the sum of
        the contributions and the recorded change.

    Raises
    ------
    SettingError
        If contributions were not recorded, or a name or instant is not in the results.
    """
    demand_contributions(ds)
    labels = [str(label) for label in ds[VARIANT].values]
    demand_known("variant", variant, labels, "variant")
    for dim, name in ((STATE, state), (BLOC, bloc)):
        demand_known(dim, name, dict(zip(map(str, ds[dim].values), map(str, ds[f"{dim}_label"].values), strict=True)), dim)
    first, last = interval(ds, since, until)
    at = labels.index(variant)
    to = labels.index(str(ds["reference"].values[at]))
    contributions = [str(name) for name in ds[CONTRIBUTION].values]
    sums = {index: _sums(ds, index, state, bloc, first, last) for index in {at, to}}
    kinds = {CHANGE: sums[at]} | ({EFFECT: sums[at] - sums[to]} if to != at else {})
    recorded = ds["alignment"].isel({VARIANT: at, TIME: slice(first, last + 1)}).sel({STATE: state, BLOC: bloc}).values
    residual = float(np.abs(sums[at][-1].T - (recorded - recorded[:, :1])).max())
    number = ds.sizes[REPLICATE]
    folded = []
    for values in kinds.values():
        moments = spread(values, axis=2)
        folded.append(np.concatenate([moments, half_interval(moments[list(STATISTICS).index("sd")], number)[None]]))
    return xr.Dataset(
        {"alignment": ((KIND, CONTRIBUTION, TIME, STATISTIC), np.moveaxis(np.stack(folded), 1, -1), {"units": "alignment"})},
        {
            KIND: list(kinds),
            "contribution": [*contributions, WHOLE],
            "contribution_label": ("contribution", [contribution_label(ds, name) for name in contributions] + ["Whole change"]),
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
    """What each contribution and their sum have added since the first instant, (contribution, time, replicate)."""
    move = ds[MOVE].isel({VARIANT: variant, PERIOD: slice(first, last)}).sel({STATE: state, BLOC: bloc})
    added = move.transpose(CONTRIBUTION, PERIOD, REPLICATE).values.cumsum(axis=1)
    added = np.concatenate([np.zeros_like(added[:, :1]), added], axis=1)
    return np.concatenate([added, added.sum(axis=0, keepdims=True)])


def demand_contributions(ds: xr.Dataset) -> None:
    """Raise `SettingError` for results without contributions; the message gives the command that records them."""
    if MOVE not in ds:
        raise SettingError("results", "hold no contributions to moves", recording_command(ds, "decomposition"))


def interval(ds: xr.Dataset, since: str, until: str) -> tuple[int, int]:
    """The indices of the first and the last instant of an interval of time; empty texts mean those of the results."""
    days = [str(day)[:10] for day in ds[TIME].values]
    found = []
    for key, asked, default in (("from", since, days[0]), ("to", until, days[-1])):
        at = [index for index, day in enumerate(days) if day.startswith(asked or default)]
        if not at or (asked and len(asked) < len("2025-08")):
            near = near_date(asked)
            meant = near if near != asked and any(day.startswith(near or "-") for day in days) else ""
            wrong = f"{asked!r} is no instant of the results"
            raise SettingError(key, wrong, f"{days[0][:7]} to {days[-1][:7]}", meant, f"{key}={asked}")
        found.append(at[0])
    if found[0] >= found[1]:
        raise SettingError("to", f"{until or days[-1]} is not after {since or days[0]}", "a later instant", where=f"to={until}")
    return found[0], found[1]


def dates(moments: Array) -> list[str]:
    """Instants or periods as text: months, or days if a month has several of them."""
    days = [str(day)[:10] for day in moments]
    months = [day[:7] for day in days]
    return months if len(set(months)) == len(months) else days


def contribution_label(ds: xr.Dataset, contribution: str) -> str:
    """The label of a contribution in tables and figures; for the impulse of a shock, with the shock's label."""
    kind, _, shock = contribution.partition(".")
    return f"Shock: {_shock_labels(ds).get(shock, shock)}" if shock else CONTRIBUTIONS[kind].label


def _shock_labels(ds: xr.Dataset) -> dict[str, str]:
    return {name: word for (name, _), word in shock_labels([ds]).items()}


def _label(ds: xr.Dataset, dim: str, name: str) -> str:
    return str(ds[f"{dim}_label"].sel({dim: name}).item())


# Narrative ------------------------------------------------------------------------------------------------------------------


def narrative(ds: xr.Dataset, variant: str, replicate: int | None = None) -> list[str]:
    """What moved whom most, period by period, as lines of text.

    If the reference of the variant is another variant, the narrative is of paired differences on common random numbers: what the
    shocks moved. Without such a reference it includes what random draws move and the response to that, as its first line says.

    Parameters
    ----------
    ds : xarray.Dataset
        Results with record=decomposition.
    variant : str
        One of its variants.
    replicate : int, optional
        The replicate to narrate; by default the mean of all replicates.

    Returns
    -------
    list of str
        First what the narrative is of. Then, in order of time, a line for each shock that begins, with the actors that it names,
        and one for each period: the alignment that moved most, and its two largest contributions; in periods in which a shock
        begins that the reference lacks, the alignment whose move changed most since the period before. Consecutive periods in
        which nothing moves share a line.

    Raises
    ------
    SettingError
        If contributions were not recorded, or there is no such variant or replicate.
    """
    demand_contributions(ds)
    labels = [str(label) for label in ds[VARIANT].values]
    demand_known("variant", variant, labels, "variant")
    if replicate is not None and replicate not in ds[REPLICATE].values:
        wrong, allowed = f"{replicate} is not in the results", f"0 to {ds.sizes[REPLICATE] - 1}"
        raise SettingError("replicate", wrong, allowed, where=f"replicate={replicate}")
    at = labels.index(variant)
    to = labels.index(str(ds["reference"].values[at]))
    values = _moves(ds, at, replicate)
    values = values - _moves(ds, to, replicate) if to != at else values
    basis = f"the mean of {several(ds.sizes[REPLICATE], 'replicate')}" if replicate is None else f"replicate {replicate}"
    against = f" less {labels[to]} on common random numbers, in {basis}: what the shocks moved most"
    alone = (
        f" in {basis}: what moved most, through shocks, through random draws and in response to these"
        " (a reference on common random numbers removes the random draws)"
    )
    lines, quiet = [variant + (against if to != at else alone)], list[str]()
    begins = _beginnings(ds, variant, labels[to] if to != at else "")
    before = np.zeros_like(values[0])
    for period, month in enumerate(dates(ds[PERIOD].values)):
        begun = begins.get(period, [])
        turns = any(own for _, own in begun)
        sentence = (_changed(ds, values[period], before) if turns else "") or _moved(ds, values[period])
        before = values[period]
        if sentence or begun:
            lines += _quiet(quiet)
            quiet = []
        lines += [f"{month}  {beginning}" for beginning, _ in begun]
        if sentence:
            lines.append(f"{month}  {sentence}")
        else:
            quiet.append(month)
    return lines + _quiet(quiet)


def _quiet(months: list[str]) -> list[str]:
    """The line for consecutive periods in which nothing moves; no line if there are no such periods."""
    return [f"{' to '.join(dict.fromkeys([months[0], months[-1]]))}  Nothing moves."] if months else []


def _moves(ds: xr.Dataset, variant: int, replicate: int | None) -> Array:
    """The contributions to all moves, in one replicate or on average, (period, contribution, state, bloc)."""
    moves = ds[MOVE].isel({VARIANT: variant})
    moves = moves.mean(REPLICATE) if replicate is None else moves.sel({REPLICATE: replicate})
    return moves.transpose(PERIOD, CONTRIBUTION, STATE, BLOC).values


def _beginnings(ds: xr.Dataset, variant: str, reference: str) -> Mapping[int, list[tuple[str, bool]]]:
    """By period, a sentence for each shock that begins or may first begin in it, and whether the reference lacks that shock."""
    instants, shocks, labels = ds[TIME].values, json.loads(ds.attrs["shocks"]), shock_labels([ds])
    found: dict[int, list[tuple[str, bool]]] = {}
    for shock in shocks[variant]:
        own = shock not in shocks.get(reference, [])
        first, last = shock["begins"][0]
        names = [_label(ds, dim, name) for dim in (STATE, BLOC) for name in shock[f"{dim}s"] if name in ds[dim].values]
        sentence = f"{labels[shock['name'], shock['label']]} {'begins' if first == last else f'may begin, until {last[:7]}'}"
        sentence += f", with probability {shock['probability']:g}" if shock["probability"] < 1 else ""
        sentence += f" ({', '.join(names)})" if names else ""
        period = int(np.searchsorted(instants, np.datetime64(first), side="right")) - 1
        found.setdefault(max(period, 0), []).append((f"{sentence}{'' if own else ', in both'}.", own))
    return found


def _moved(ds: xr.Dataset, moves: Array) -> str:
    """A sentence for the largest of a period's moves, given (contribution, state, bloc); empty if nothing moves."""
    state, bloc, moved = _greatest(moves)
    if abs(moved) < SMALLEST:
        return ""
    way = "towards" if moved > 0 else "away from"
    return f"{_who(ds, state)} moves {way} {_whom(ds, bloc)} by {abs(moved):.4f}: {_reasons(ds, moves[:, state, bloc])}."


def _changed(ds: xr.Dataset, moves: Array, before: Array) -> str:
    """A sentence for the move that changed most since the period before; empty if none changes."""
    state, bloc, changed = _greatest(moves - before)
    if abs(changed) < SMALLEST:
        return ""
    one, other = (float(values[:, state, bloc].sum()) for values in (before, moves))
    pair = f"{_who(ds, state)} towards {_whom(ds, bloc)}"
    reasons = _reasons(ds, (moves - before)[:, state, bloc])
    return f"Changed most since the period before: {pair}, from {_signed(one)} to {_signed(other)} a period: {reasons}."


def _greatest(moves: Array) -> tuple[int, int, float]:
    """The indices of the state and the bloc with the largest absolute sum of contributions, and that sum."""
    whole = moves.sum(axis=0)
    state, bloc = (int(index) for index in np.unravel_index(np.abs(whole).argmax(), whole.shape))
    return state, bloc, float(whole[state, bloc])


def _reasons(ds: xr.Dataset, contributions: Array) -> str:
    """The largest contributions to one move, as text."""
    order = np.argsort(-np.abs(contributions), kind="stable")[:REASONS]
    named = [index for index in order if abs(contributions[index]) >= SMALLEST or index == order[0]]
    return "; ".join(
        f"{_reason(ds, str(ds[CONTRIBUTION].values[index]))} {_signed(float(contributions[index]))}" for index in named
    )


def _signed(number: float) -> str:
    return f"{round(number, 4) + 0.0:+.4f}"


def _who(ds: xr.Dataset, state: int) -> str:
    return str(ds[f"{STATE}_label"].values[state])


def _whom(ds: xr.Dataset, bloc: int) -> str:
    return str(ds[f"{BLOC}_label"].values[bloc]).split(" (")[0]


def _reason(ds: xr.Dataset, contribution: str) -> str:
    shock = contribution.partition(".")[2]
    return _shock_labels(ds).get(shock, shock) if shock else CONTRIBUTIONS[contribution].reason
