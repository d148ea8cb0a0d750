"""Comparison of two results: which replicates are pairs, and what differs between them, without simulating."""

import json
import shlex
from collections.abc import Sequence

import numpy as np
import xarray as xr

from sim.analysis.tables import SAMPLES, swept
from sim.errors import SettingError
from sim.names import BLOC, DRAWN, PERIOD, REPLICATE, SHOWN, STATE, STATISTIC, TIME, VARIANT
from sim.results.dataset import HALF_WIDTH
from sim.results.derived import measured
from sim.science.measures import STATISTICS, half_interval, spread, welch
from sim.text import LABEL_MAX, cut

PAIRED = "paired"
LABELS = 6
"""How many names of actors a message lists."""


def common_variants(first: xr.Dataset, second: xr.Dataset, names: Sequence[str]) -> list[tuple[str, str]]:
    """The variants of two results that are compared, as pairs of labels: those with equal labels, or the only one of each."""
    ours, theirs = ([str(label) for label in ds[VARIANT].values] for ds in (first, second))
    same = [(label, label) for label in ours if label in theirs]
    if not same and len(ours) == len(theirs) == 1:
        same = [(ours[0], theirs[0])]
    if not same:
        raise SettingError(
            f"{names[0]} and {names[1]}",
            "have no variant label in common",
            f"{_few(ours)} there, {_few(theirs)} here; single runs may have different labels",
        )
    _demand_one_draw(first, second, same, names)
    return same


def _demand_one_draw(first: xr.Dataset, second: xr.Dataset, pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> None:
    """Raise `SettingError` if a draw of numbers has other values on the other side; a number drawn on one side only may differ."""
    tables = [json.loads(ds.attrs[DRAWN]) for ds in (first, second)]
    used = [ds[DRAWN].sel({VARIANT: [pair[side] for pair in pairs]}).values for side, ds in enumerate((first, second))]
    for one, other in dict.fromkeys(zip(*used, strict=True)):
        ours, theirs = (table.get(str(name), {}) for table, name in zip(tables, (one, other), strict=True))
        apart = [path for path in ours if theirs.get(path, ours[path]) != ours[path]]
        if apart:
            wrong = f"have draws of the same number with other values, of {_few(apart)}"
            raise SettingError(
                f"{names[0]} and {names[1]}", wrong, "the same design, draws, seed and ranges, so that draw k is the same in both"
            )


def _few(labels: Sequence[str]) -> str:
    return "; ".join(labels[:3]) + (" ..." if len(labels) > 3 else "")


def share_random_draws(first: xr.Dataset, second: xr.Dataset) -> bool:
    """Whether replicate k of both has the same random draws: the same seed, actors, first instant and length of the period."""
    return (
        first.attrs["seed"] == second.attrs["seed"]
        and set(first[STATE].values) == set(second[STATE].values)
        and set(first[BLOC].values) == set(second[BLOC].values)
        and bool(np.array_equal(first[TIME].values[:2], second[TIME].values[:2]))
    )


def compare(first: xr.Dataset, second: xr.Dataset, names: Sequence[str] = ("first", "second")) -> xr.Dataset:
    """Second less first for each common variant, over paired replicates, at the instants that both have.

    Parameters
    ----------
    first, second : xarray.Dataset
        Results with every replicate recorded.
    names : sequence of str
        What to call them in a message.

    Returns
    -------
    xarray.Dataset
        Dims variant, statistic (mean, sd, quantiles, half_width: half the 95 % interval of the mean), time or period, actors.
        Attribute `paired` is 1 if both used common random numbers: then replicate k is compared with replicate k. Else they are
        two independent samples of all their replicates (attribute `samples`), without quantiles and with Welch's interval.

    Raises
    ------
    SettingError
        If the two share no variant, actor or instant, or only summaries were recorded.
    """
    for ds, name in zip((first, second), names, strict=True):
        if STATISTIC in ds.dims:
            wrong = "holds summaries only, and pairs need every replicate"
            raise SettingError(name, wrong, recording_command(ds, "trajectories"))
    _demand_related(first, second, names)
    pairs = common_variants(first, second, names)
    paired = share_random_draws(first, second)
    first, second = measured(first), measured(second)
    first, second = _shared(first, second, names)
    ours, theirs = (ds.sel({VARIANT: [pair[side] for pair in pairs]}) for side, ds in enumerate((first, second)))
    number = min(ours.sizes[REPLICATE], theirs.sizes[REPLICATE])
    variables = {}
    for name in SHOWN:
        one, other = ours[name], theirs[name].transpose(*ours[name].dims)
        folded = _paired(one.values[:, :number], other.values[:, :number]) if paired else _independent(one.values, other.values)
        variables[name] = ((VARIANT, STATISTIC, *one.dims[2:]), np.moveaxis(folded, 0, 1), one.attrs)
    coordinates = {
        name: coord for name, coord in ours.coords.items() if REPLICATE not in coord.dims and "contribution" not in coord.dims
    }
    attributes = {**ours.attrs, "swept": json.dumps([name for name in swept(ours) if name in coordinates])}
    sizes = [] if paired else [ds.sizes[REPLICATE] for ds in (ours, theirs)]
    attributes |= {PAIRED: int(paired), "replicates": number} | ({SAMPLES: " and ".join(map(str, sizes))} if sizes else {})
    return xr.Dataset(variables, coordinates, attributes).assign_coords({STATISTIC: [*STATISTICS, HALF_WIDTH]})


def recording_command(ds: xr.Dataset, record: str) -> str:
    """The command that would record what is missing, as text for a message; for results of a job, that of all jobs."""
    from sim.compose.folders import Folders
    from sim.compose.overrides import parse

    provenance = json.loads(ds.attrs["provenance"])
    overrides = [text for text in provenance["overrides"] if not text.startswith(("record=", "out="))]
    points = len({label.partition(", draw=")[0] for label in ds[VARIANT].values.tolist()})
    jobs = points == 1 and any(len(axis.choices) > 1 for axis in parse(overrides, Folders()))
    folder = ["--config-dir", provenance["config_dir"]] if provenance["config_dir"] else []
    verb = ["run", "-m"] if jobs else ["sweep" if points > 1 else "run"]
    return shlex.join(["sim", *verb, *overrides, f"record={record}", *folder]) + " records them"


def _shared(first: xr.Dataset, second: xr.Dataset, names: Sequence[str]) -> tuple[xr.Dataset, xr.Dataset]:
    """Both results at the instants and actors that they share, in the order of the first."""
    common = {}
    for dim in (STATE, "peer", BLOC, "rival", TIME, PERIOD):
        other = set(second[dim].values.tolist())
        common[dim] = [value for value in first[dim].values if np.asarray(value).tolist() in other]
        if not common[dim] and first.sizes[dim]:
            raise SettingError(f"{names[0]} and {names[1]}", f"have no {dim} in common", "results of one region and time")
    return first.sel(common), second.sel(common)


def _demand_related(first: xr.Dataset, second: xr.Dataset, names: Sequence[str]) -> None:
    """Raise `SettingError` for results that share no state, bloc or instant; the message lists what each has."""
    missing = []
    for dim, plural in ((STATE, "states"), (BLOC, "blocs"), (TIME, "instants")):
        ours, theirs = ([str(value)[:10] if dim == TIME else str(value) for value in ds[dim].values] for ds in (first, second))
        if not set(ours) & set(theirs):
            spans = [f"{own[0]} to {own[-1]}" if dim == TIME else ", ".join(own[:LABELS]) for own in (ours, theirs)]
            missing.append(f"no {plural} in common ({spans[0]}; {spans[1]})")
    if missing:
        regions = " and ".join(dict.fromkeys(str(ds.attrs["region_label"]) for ds in (first, second)))
        wrong = f"are of {cut(regions, LABEL_MAX)}: {'; '.join(missing)}"
        raise SettingError(f"{names[0]} and {names[1]}", wrong, "two runs of one region over times that overlap")


def _paired(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Statistics of the paired differences, replicate by replicate; the statistic is the first axis."""
    number = one.shape[1]
    folded = spread(other - one, axis=1)
    sd = folded[list(STATISTICS).index("sd")]
    return np.concatenate([folded, half_interval(sd, number)[None]])


def _independent(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The mean difference of two independent samples with its Welch interval; statistics that need pairs are NaN."""
    mean, half = welch(one, other)
    empty = np.full_like(mean, np.nan)
    return np.stack([mean, *[empty] * (len(STATISTICS) - 1), half])
