"""Checks of the metadata of a results folder: of a run or a batch of jobs, of one job, of all jobs, of a comparison.

The hash in a file only shows that it is as somebody wrote it; here its content is checked before it is used.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sim.config.fingerprint import fingerprint
from sim.config.schema import Record
from sim.errors import DamageError
from sim.names import (
    BLOC,
    BUFFERS,
    CONTRIBUTION,
    DIFFERENCE,
    DRAWN,
    FINAL,
    MOVE,
    OUTCOMES,
    PEER,
    PERIOD,
    QUANTITIES,
    RECORDED,
    REPLICATE,
    RIVAL,
    SHOWN,
    STATE,
    STATISTIC,
    TIME,
    VARIANT,
    Quantity,
    contribution_names,
)
from sim.results.chunking import Task, segments, uncovered
from sim.results.packing import Form
from sim.science.measures import STATISTICS

AS_WRITTEN = "metadata as they were written"
IMPULSE = "impulse."
"""The beginning of the names of contributions that are impulses of a shock."""
DRAW = re.compile(r", draw=\d+$")
"""The end of the label of a variant whose numbers are drawn."""
BATCH = re.compile(r"\.\./batches/\d+")
"""The path of a job's batch, relative to the job's folder."""
JOB_NAME = re.compile(r"\d+_[^/\\\x00]*")
COLUMNS: dict[str, dict[str, Callable[[Any], bool]]] = {
    VARIANT: dict.fromkeys(("scenario_label", "reference", BUFFERS, DRAWN), lambda value: isinstance(value, str))
    | {"stability_margin": lambda value: isinstance(value, int | float) and not isinstance(value, bool)},
    STATE: {"state_label": lambda value: isinstance(value, str)},
    BLOC: dict.fromkeys(("bloc_label", "bloc_colour"), lambda value: isinstance(value, str)),
}
"""The columns that must go with a coordinate, each with the check of its entries."""
TEXTS = ("title", "region", "region_label", "study", "outcome", "record", "provenance")


class _WrongError(ValueError):
    """What is wrong with some metadata, as text for a message."""


def demand_metadata(path: Path, metadata: Mapping[str, Any], job: bool = False) -> None:
    """Check that metadata are those of a results folder and consistent; with `job`, those of one job among several.

    Raises
    ------
    DamageError
        With what is wrong.
    """
    try:
        if job:
            _demand_job(metadata)
        elif "chunks" in metadata:
            _demand_run(metadata)
        else:
            _demand_settings(metadata)
            jobs = metadata.get("jobs", [])
            _demand(_names(jobs) and all(map(JOB_NAME.fullmatch, jobs)), "jobs are no list of names")
            if jobs:
                _demand_provenance(metadata["attributes"])
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        wrong = str(error) if isinstance(error, _WrongError) else "lacks entries of such a file, or has others"
        raise DamageError(str(path), wrong, AS_WRITTEN) from None


def _demand(good: object, wrong: str) -> None:
    if not good:
        raise _WrongError(wrong)


def _names(values: object) -> bool:
    """Whether this is a list of names, each of them once."""
    return isinstance(values, list) and all(isinstance(name, str) for name in values) and len(set(values)) == len(values)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _pair(value: object, most: int) -> bool:
    """Whether this is a range [first, last) within [0, most)."""
    return isinstance(value, list) and len(value) == 2 and all(map(_whole, value)) and 0 <= value[0] < value[1] <= most


def _demand_settings(metadata: Mapping[str, Any]) -> None:
    settings = metadata["settings"]
    _demand(isinstance(settings, dict), "settings are no table")
    _demand(isinstance(settings["shared"], dict) and isinstance(settings["variants"], dict), "settings are no tables")
    _demand(all(isinstance(own, dict) for own in settings["variants"].values()), "settings of variants are no tables")


# A run ----------------------------------------------------------------------------------------------------------------------


def _demand_run(metadata: Mapping[str, Any]) -> None:
    """Check the metadata of a run, or of jobs that were computed together."""
    _demand_settings(metadata)
    coordinates = metadata["coordinates"]
    sizes = _demand_coordinates(coordinates)
    by_replicate = STATISTIC not in coordinates
    recorded = (*RECORDED, MOVE) if metadata["variables"][-1:] == [MOVE] else RECORDED
    wanted = list(recorded) if by_replicate else [*(name + end for name in SHOWN for end in ("", DIFFERENCE)), *OUTCOMES]
    _demand(metadata["variables"] == wanted, "variables are not those of a run")
    _demand(isinstance(metadata.get("place", ""), str), "place is no text")
    cuts = metadata["chunks"]
    _demand(all(_pair(cut[:2], sizes[VARIANT]) and _pair(cut[2:], sizes[REPLICATE]) for cut in cuts), "chunks are none of the run")
    wrong = uncovered([Task((cut[0], cut[1]), (cut[2], cut[3])) for cut in cuts], sizes[VARIANT], sizes[REPLICATE])
    _demand(not wrong, f"chunks {wrong}")
    _demand_columns(metadata["beside"], coordinates, metadata["variables"])
    _demand_attributes(metadata, coordinates, by_replicate)
    labels = dict.fromkeys(DRAW.sub("", label) for label in coordinates[VARIANT])
    _demand(list(labels) == list(metadata["settings"]["variants"]), "variants are not those of the settings")
    for axis, table in ((STATE, "states"), (BLOC, "blocs")):
        _demand(
            _in_order(coordinates[axis], f"region.{table}.", metadata["settings"]["shared"]), f"{axis} is not as in the settings"
        )
    _demand(metadata["settings_hash"] == fingerprint(metadata["settings"]), "settings_hash is not that of the settings")
    if "jobs" in metadata:
        shares = sorted(metadata["jobs"].values())
        _demand(all(_pair(share, sizes[VARIANT]) for share in shares), "jobs have no variants")
        _demand(all(JOB_NAME.fullmatch(name) for name in metadata["jobs"]), "jobs have no names of jobs")
        ends = [0, *(last for _, last in shares)]
        _demand(
            [first for first, _ in shares] == ends[:-1] and ends[-1] == sizes[VARIANT], "the jobs do not have each variant once"
        )


def _in_order(names: Sequence[str], path: str, shared: Iterable[str]) -> bool:
    """Whether names are in the order of the settings that all variants share, whose keys are dotted paths."""
    keys = [key for key in shared if key.startswith(path)]
    first = [next((at for at, key in enumerate(keys) if key.startswith(f"{path}{name}.")), -1) for name in names]
    known = [at for at in first if at >= 0]
    return known == sorted(known) and (not keys or len(known) == len(names))


def _demand_coordinates(coordinates: Mapping[str, Any]) -> dict[str, int]:
    """Check the axes of a run; returns the length of each."""
    axes = {VARIANT, REPLICATE, TIME, PERIOD, CONTRIBUTION, STATE, PEER, BLOC, RIVAL}
    _demand(coordinates.keys() - {STATISTIC} == axes, "coordinates are not those of a run")
    for name in (VARIANT, CONTRIBUTION, STATE, BLOC):
        _demand(_names(coordinates[name]), f"{name} is no list of names")
    _demand(coordinates[PEER] == coordinates[STATE] and coordinates[RIVAL] == coordinates[BLOC], "peers or rivals are others")
    _demand(coordinates[VARIANT] and coordinates[REPLICATE], "there is no variant or no replicate")
    _demand(coordinates[REPLICATE] == list(range(len(coordinates[REPLICATE]))), "replicates are not counted from 0")
    _demand(not any(map(_is_bool, coordinates[REPLICATE])), "replicates are no numbers")
    _demand(coordinates.get(STATISTIC, list(STATISTICS)) == list(STATISTICS), "statistics are others")
    days = [date.fromisoformat(day) for day in coordinates[TIME]]
    _demand(days and all(one < other for one, other in itertools.pairwise(days)), "instants do not follow each other")
    _demand(coordinates[PERIOD] == coordinates[TIME][:-1], "periods do not begin at the instants")
    impulses = [name.removeprefix(IMPULSE) for name in coordinates[CONTRIBUTION] if name.startswith(IMPULSE)]
    _demand(coordinates[CONTRIBUTION] == contribution_names(impulses), "contributions are not those of a move")
    return {name: len(values) for name, values in coordinates.items()}


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _demand_columns(beside: Mapping[str, Any], coordinates: Mapping[str, Any], variables: Sequence[str]) -> None:
    """Check the columns that go with the coordinates: their names, lengths and entries."""
    _demand(beside.keys() == COLUMNS.keys(), "columns are not those of the coordinates of a run")
    for dim, columns in beside.items():
        _demand(COLUMNS[dim].keys() <= columns.keys(), f"a column of {dim} is missing")
        for name, values in columns.items():
            _demand(name not in {*variables, *coordinates}, f"a column of {dim} has the name of an axis or a variable")
            _demand(isinstance(values, list) and len(values) == len(coordinates[dim]), f"{name} is not as long as {dim}")
            plain = COLUMNS[dim].get(name, lambda value: isinstance(value, str | int | float))
            _demand(all(map(plain, values)), f"entries of {name} have another type than those of a {dim}")
    _demand(set(beside[VARIANT]["reference"]) <= set(coordinates[VARIANT]), "a reference is no variant")
    for text in beside[VARIANT][BUFFERS]:
        _demand_pairs(json.loads(text), coordinates, BUFFERS)


def _demand_pairs(pairs: Iterable[Any], coordinates: Mapping[str, Any], name: str) -> None:
    """Check pairs of a state and a bloc."""
    for state, bloc in pairs:
        _demand(state in coordinates[STATE] and bloc in coordinates[BLOC], f"{name} name no state and bloc")


def _demand_attributes(metadata: Mapping[str, Any], coordinates: Mapping[str, Any], by_replicate: bool) -> None:
    """Check that attributes are there, have their types and agree with the coordinates."""
    attributes, beside = metadata["attributes"], metadata["beside"][VARIANT]
    _demand(all(isinstance(value, str | int | float) for value in attributes.values()), "attributes are no plain values")
    _demand(all(isinstance(attributes[name], str) for name in TEXTS), "attributes are not those of a run")
    _demand(
        all(_whole(attributes[name]) for name in ("replicates", "periods_per_year", "refused_draws")), "attributes are no numbers"
    )
    _demand(attributes["replicates"] == len(coordinates[REPLICATE]), "replicates are not as many as are named")
    _demand(_whole(attributes.get("seed", 0)), "seed is no number")
    record = (
        Record.summaries if not by_replicate else Record.decomposition if metadata["variables"][-1] == MOVE else Record.trajectories
    )
    _demand(attributes["record"] == record.value, "record is not what was recorded")
    _demand(attributes["settings_hash"] == metadata["settings_hash"], "settings_hash has two different values")
    variable, *actors = attributes["outcome"].split(".")
    dims = quantity_of(variable).dims
    known = variable in SHOWN and len(actors) == len(dims)
    _demand(known and all(name in coordinates[dim] for name, dim in zip(actors, dims, strict=True)), "outcome names nothing")
    _demand_pairs(json.loads(attributes["same_as"]), coordinates, "same_as")
    _demand(set(json.loads(attributes["swept"])) <= beside.keys(), "swept names no column")
    _demand(json.loads(attributes["shocks"]).keys() == {*coordinates[VARIANT]}, "shocks are not those of the variants")
    _demand(json.loads(attributes[DRAWN]).keys() >= {*beside[DRAWN]} - {""}, "drawn names no table")
    _demand_provenance(attributes)


def _demand_provenance(attributes: Mapping[str, Any]) -> None:
    came = json.loads(attributes["provenance"])
    _demand(_texts(came["overrides"]) and isinstance(came["config_dir"], str), "provenance is not that of a run")
    _demand(isinstance(came["commit"], str) and isinstance(came["versions"], dict), "provenance is not that of a run")
    _demand(_texts(list(came["versions"].values())), "versions are no texts")


def _texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(text, str) for text in values)


# A job ----------------------------------------------------------------------------------------------------------------------


def _demand_job(metadata: Mapping[str, Any]) -> None:
    """Check the metadata of one job."""
    _demand(BATCH.fullmatch(metadata["batch"]), "batch is no path of a batch")
    _demand(JOB_NAME.fullmatch(metadata["job"]) and isinstance(metadata["label"], str), "the job has no name")
    _demand(_pair(metadata["variants"], 10**9), "variants are no range")
    own = metadata["contributions"]
    _demand(isinstance(own, list) and all(_whole(at) and at >= 0 for at in own), "parts are no numbers")
    _demand(all(one < other for one, other in itertools.pairwise(own)), "parts are not in rising order")
    attributes = metadata["attributes"]
    _demand(
        isinstance(attributes["title"], str) and _whole(attributes["seed"]) and _whole(attributes["refused_draws"]),
        "attributes are not those of a job",
    )


def demand_share(path: Path, batch: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    """Check that the metadata of a job are a share of its batch.

    Raises
    ------
    DamageError
        If the batch gives it other variants, or they have other labels.
    """
    labels = batch["coordinates"][VARIANT][slice(*job["variants"])]
    good = batch.get("jobs", {}).get(job["job"]) == job["variants"]
    good &= {DRAW.sub("", label) for label in labels} == {job["label"]}
    good &= max(job["contributions"], default=-1) < len(batch["coordinates"][CONTRIBUTION])
    if not good:
        raise DamageError(str(path), f"is no share of {job['batch']}", AS_WRITTEN)


# Arrays ---------------------------------------------------------------------------------------------------------------------


def quantity_of(variable: str) -> Quantity:
    """The quantity that a recorded variable holds, itself or as a difference."""
    return QUANTITIES[variable.removesuffix(DIFFERENCE)]


def dims_of(variable: str, by_replicate: bool) -> tuple[str, ...]:
    """The dimensions of a recorded variable."""
    if variable in OUTCOMES:
        return (VARIANT, REPLICATE, *OUTCOMES[variable])
    lead = (VARIANT, REPLICATE if by_replicate else STATISTIC)
    if variable == MOVE:
        return (*lead, PERIOD, CONTRIBUTION, STATE, BLOC)
    quantity = quantity_of(variable)
    return (*lead, PERIOD if quantity.per_period else TIME, *quantity.dims)


def forms_of(metadata: Mapping[str, Any], task: Task) -> dict[str, Form]:
    """The form that each array of a chunk must have, from the metadata of its run."""
    sizes = {name: len(values) for name, values in metadata["coordinates"].items()}
    by_replicate, alone = STATISTIC not in sizes, len(segments(sizes[REPLICATE])) == 1
    wide, high = task.variants[1] - task.variants[0], task.replicates[1] - task.replicates[0]
    forms = {}
    for name in metadata["variables"]:
        inner = tuple(sizes[dim] for dim in dims_of(name, by_replicate)[2:])
        if name in OUTCOMES:
            forms[name] = Form((*inner, wide, high), "f" if name == FINAL else "i")
        elif by_replicate:
            forms[name] = Form((*inner, wide, high), "f", narrow=True)
        else:
            gaps = name.removesuffix(DIFFERENCE) not in RECORDED
            forms[name] = Form((sizes[STATISTIC], *inner, wide), "f" if alone else "i", gaps=gaps)
    return forms
