"""What the words of a results folder must say to be read: of a run or a batch of jobs, of one job, of all jobs, of a comparison.

A seal only says that words are as somebody wrote them; here they are read as what they must be, before anything is made of them.
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
from sim.results.chunks import Task, segments, uncovered
from sim.results.packing import Form
from sim.science.measures import STATISTICS

AS_WRITTEN = "words as they were written"
STRUCK = "impulse."
"""What the name of a part begins with that a shock strikes."""
DRAW = re.compile(r", draw=\d+$")
"""What the label of a variant ends in where numbers are drawn."""
BATCH = re.compile(r"\.\./batches/\d+")
"""Where the data of a job lie, from its folder."""
JOB_NAME = re.compile(r"\d+_[^/\\\x00]*")
COLUMNS: dict[str, dict[str, Callable[[Any], bool]]] = {
    VARIANT: dict.fromkeys(("scenario_label", "reference", BUFFERS, DRAWN), lambda value: isinstance(value, str))
    | {"stability_margin": lambda value: isinstance(value, int | float) and not isinstance(value, bool)},
    STATE: {"state_label": lambda value: isinstance(value, str)},
    BLOC: dict.fromkeys(("bloc_label", "bloc_colour"), lambda value: isinstance(value, str)),
}
"""What must stand beside a coordinate, and what each entry must be."""
TEXTS = ("title", "region", "region_label", "study", "outcome", "record", "provenance")


class _WrongError(ValueError):
    """What is wrong with some words, in words."""


def demand_words(path: Path, words: Mapping[str, Any], job: bool = False) -> None:
    """Refuse words that are none of a results folder, or that do not hold together; `job`: those of one job among several.

    Raises
    ------
    DamageError
        With what is wrong.
    """
    try:
        if job:
            _demand_job(words)
        elif "chunks" in words:
            _demand_run(words)
        else:
            _demand_settings(words)
            jobs = words.get("jobs", [])
            _demand(_names(jobs) and all(map(JOB_NAME.fullmatch, jobs)), "jobs are no list of names")
            if jobs:
                _demand_provenance(words["attributes"])
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        wrong = str(error) if isinstance(error, _WrongError) else "is not what such a file says"
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
    """Whether this is the first and last of some of so many things, [first, last)."""
    return isinstance(value, list) and len(value) == 2 and all(map(_whole, value)) and 0 <= value[0] < value[1] <= most


def _demand_settings(words: Mapping[str, Any]) -> None:
    settings = words["settings"]
    _demand(isinstance(settings, dict), "settings are no table")
    _demand(isinstance(settings["shared"], dict) and isinstance(settings["variants"], dict), "settings are no tables")
    _demand(all(isinstance(own, dict) for own in settings["variants"].values()), "settings of variants are no tables")


# A run ----------------------------------------------------------------------------------------------------------------------


def _demand_run(words: Mapping[str, Any]) -> None:
    """Refuse words of a run, or of jobs that were computed together, that do not hold together."""
    _demand_settings(words)
    coordinates = words["coordinates"]
    sizes = _demand_coordinates(coordinates)
    worlds = STATISTIC not in coordinates
    parts = (*RECORDED, MOVE) if words["variables"][-1:] == [MOVE] else RECORDED
    wanted = list(parts) if worlds else [*(name + end for name in SHOWN for end in ("", DIFFERENCE)), *OUTCOMES]
    _demand(words["variables"] == wanted, "variables are not those of a run")
    _demand(isinstance(words.get("place", ""), str), "place is no text")
    cuts = words["chunks"]
    _demand(all(_pair(cut[:2], sizes[VARIANT]) and _pair(cut[2:], sizes[REPLICATE]) for cut in cuts), "chunks are none of the run")
    wrong = uncovered([Task((cut[0], cut[1]), (cut[2], cut[3])) for cut in cuts], sizes[VARIANT], sizes[REPLICATE])
    _demand(not wrong, f"chunks {wrong}")
    _demand_columns(words["beside"], coordinates, words["variables"])
    _demand_attributes(words, coordinates, worlds)
    labels = dict.fromkeys(DRAW.sub("", label) for label in coordinates[VARIANT])
    _demand(list(labels) == list(words["settings"]["variants"]), "variants are not those of the settings")
    for axis, table in ((STATE, "states"), (BLOC, "blocs")):
        _demand(_in_order(coordinates[axis], f"region.{table}.", words["settings"]["shared"]), f"{axis} is not as in the settings")
    _demand(words["settings_hash"] == fingerprint(words["settings"]), "settings_hash is not that of the settings")
    if "jobs" in words:
        shares = sorted(words["jobs"].values())
        _demand(all(_pair(share, sizes[VARIANT]) for share in shares), "jobs have no variants")
        _demand(all(JOB_NAME.fullmatch(name) for name in words["jobs"]), "jobs have no names of jobs")
        ends = [0, *(last for _, last in shares)]
        _demand([first for first, _ in shares] == ends[:-1] and ends[-1] == sizes[VARIANT], "jobs do not share out the variants")


def _in_order(names: Sequence[str], path: str, shared: Iterable[str]) -> bool:
    """Whether names stand as they do in the settings that all variants share, in which a key is its dotted path."""
    keys = [key for key in shared if key.startswith(path)]
    first = [next((at for at, key in enumerate(keys) if key.startswith(f"{path}{name}.")), -1) for name in names]
    known = [at for at in first if at >= 0]
    return known == sorted(known) and (not keys or len(known) == len(names))


def _demand_coordinates(coordinates: Mapping[str, Any]) -> dict[str, int]:
    """Refuse axes that are none of a run; how long each is."""
    axes = {VARIANT, REPLICATE, TIME, PERIOD, CONTRIBUTION, STATE, PEER, BLOC, RIVAL}
    _demand(coordinates.keys() - {STATISTIC} == axes, "coordinates are not those of a run")
    for name in (VARIANT, CONTRIBUTION, STATE, BLOC):
        _demand(_names(coordinates[name]), f"{name} is no list of names")
    _demand(coordinates[PEER] == coordinates[STATE] and coordinates[RIVAL] == coordinates[BLOC], "peers or rivals are others")
    _demand(coordinates[VARIANT] and coordinates[REPLICATE], "no world is named")
    _demand(coordinates[REPLICATE] == list(range(len(coordinates[REPLICATE]))), "replicates are not counted from 0")
    _demand(not any(map(_is_bool, coordinates[REPLICATE])), "replicates are no numbers")
    _demand(coordinates.get(STATISTIC, list(STATISTICS)) == list(STATISTICS), "statistics are others")
    days = [date.fromisoformat(day) for day in coordinates[TIME]]
    _demand(days and all(one < other for one, other in itertools.pairwise(days)), "instants do not follow each other")
    _demand(coordinates[PERIOD] == coordinates[TIME][:-1], "periods do not begin at the instants")
    struck = [name.removeprefix(STRUCK) for name in coordinates[CONTRIBUTION] if name.startswith(STRUCK)]
    _demand(coordinates[CONTRIBUTION] == contribution_names(struck), "parts are not those of a move")
    return {name: len(values) for name, values in coordinates.items()}


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _demand_columns(beside: Mapping[str, Any], coordinates: Mapping[str, Any], variables: Sequence[str]) -> None:
    """Refuse what stands beside the coordinates where it is not as long as they are, or not what is needed."""
    _demand(beside.keys() == COLUMNS.keys(), "beside are not the coordinates of a run")
    for dim, columns in beside.items():
        _demand(COLUMNS[dim].keys() <= columns.keys(), f"beside {dim} something is missing")
        for name, values in columns.items():
            _demand(name not in {*variables, *coordinates}, f"beside {dim} stands a name of an axis or a variable")
            _demand(isinstance(values, list) and len(values) == len(coordinates[dim]), f"{name} is not as long as {dim}")
            plain = COLUMNS[dim].get(name, lambda value: isinstance(value, str | int | float))
            _demand(all(map(plain, values)), f"{name} is not what it is of a {dim}")
    _demand(set(beside[VARIANT]["reference"]) <= set(coordinates[VARIANT]), "a reference is no variant")
    for text in beside[VARIANT][BUFFERS]:
        _demand_pairs(json.loads(text), coordinates, BUFFERS)


def _demand_pairs(pairs: Iterable[Any], coordinates: Mapping[str, Any], name: str) -> None:
    """Refuse pairs of a state and a bloc that are none."""
    for state, bloc in pairs:
        _demand(state in coordinates[STATE] and bloc in coordinates[BLOC], f"{name} name no state and bloc")


def _demand_attributes(words: Mapping[str, Any], coordinates: Mapping[str, Any], worlds: bool) -> None:
    """Refuse attributes that are missing, of another kind, or that contradict the coordinates."""
    said, beside = words["attributes"], words["beside"][VARIANT]
    _demand(all(isinstance(value, str | int | float) for value in said.values()), "attributes are no plain values")
    _demand(all(isinstance(said[name], str) for name in TEXTS), "attributes are not those of a run")
    _demand(all(_whole(said[name]) for name in ("replicates", "periods_per_year", "refused_draws")), "attributes are no numbers")
    _demand(said["replicates"] == len(coordinates[REPLICATE]), "replicates are not as many as are named")
    _demand(_whole(said.get("seed", 0)), "seed is no number")
    kept = Record.summaries if not worlds else Record.decomposition if words["variables"][-1] == MOVE else Record.trajectories
    _demand(said["record"] == kept.value, "record is not what was recorded")
    _demand(said["settings_hash"] == words["settings_hash"], "settings_hash is said in two ways")
    variable, *actors = said["outcome"].split(".")
    dims = quantity_of(variable).dims
    known = variable in SHOWN and len(actors) == len(dims)
    _demand(known and all(name in coordinates[dim] for name, dim in zip(actors, dims, strict=True)), "outcome names nothing")
    _demand_pairs(json.loads(said["same_as"]), coordinates, "same_as")
    _demand(set(json.loads(said["swept"])) <= beside.keys(), "swept names no column")
    _demand(json.loads(said["shocks"]).keys() == {*coordinates[VARIANT]}, "shocks are not those of the variants")
    _demand(json.loads(said[DRAWN]).keys() >= {*beside[DRAWN]} - {""}, "drawn names no table")
    _demand_provenance(said)


def _demand_provenance(said: Mapping[str, Any]) -> None:
    came = json.loads(said["provenance"])
    _demand(_texts(came["overrides"]) and isinstance(came["config_dir"], str), "provenance is not that of a run")
    _demand(isinstance(came["commit"], str) and isinstance(came["versions"], dict), "provenance is not that of a run")
    _demand(_texts(list(came["versions"].values())), "versions are no texts")


def _texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(text, str) for text in values)


# A job ----------------------------------------------------------------------------------------------------------------------


def _demand_job(words: Mapping[str, Any]) -> None:
    """Refuse words of one job that are none."""
    _demand(BATCH.fullmatch(words["batch"]), "batch is no batch beside it")
    _demand(JOB_NAME.fullmatch(words["job"]) and isinstance(words["label"], str), "the job has no name")
    _demand(_pair(words["variants"], 10**9), "variants are none")
    parts = words["parts"]
    _demand(isinstance(parts, list) and all(_whole(part) and part >= 0 for part in parts), "parts are no numbers")
    _demand(all(one < other for one, other in itertools.pairwise(parts)), "parts do not follow each other")
    said = words["attributes"]
    _demand(isinstance(said["title"], str) and _whole(said["seed"]) and _whole(said["refused_draws"]), "attributes are others")


def demand_share(path: Path, batch: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    """Refuse the words of a job that are no share of its batch.

    Raises
    ------
    DamageError
        Where the batch gives it other variants, or they are called otherwise.
    """
    labels = batch["coordinates"][VARIANT][slice(*job["variants"])]
    good = batch.get("jobs", {}).get(job["job"]) == job["variants"]
    good &= {DRAW.sub("", label) for label in labels} == {job["label"]}
    good &= max(job["parts"], default=-1) < len(batch["coordinates"][CONTRIBUTION])
    if not good:
        raise DamageError(str(path), f"is no share of {job['batch']}", AS_WRITTEN)


# Arrays ---------------------------------------------------------------------------------------------------------------------


def quantity_of(variable: str) -> Quantity:
    """The quantity that a recorded variable holds, itself or as a difference."""
    return QUANTITIES[variable.removesuffix(DIFFERENCE)]


def dims_of(variable: str, worlds: bool) -> tuple[str, ...]:
    """The dimensions of a recorded variable."""
    if variable in OUTCOMES:
        return (VARIANT, REPLICATE, *OUTCOMES[variable])
    lead = (VARIANT, REPLICATE if worlds else STATISTIC)
    if variable == MOVE:
        return (*lead, PERIOD, CONTRIBUTION, STATE, BLOC)
    quantity = quantity_of(variable)
    return (*lead, PERIOD if quantity.per_period else TIME, *quantity.dims)


def forms_of(words: Mapping[str, Any], task: Task) -> dict[str, Form]:
    """What each array of a chunk must be, from what the words of its run say."""
    sizes = {name: len(values) for name, values in words["coordinates"].items()}
    worlds, alone = STATISTIC not in sizes, len(segments(sizes[REPLICATE])) == 1
    wide, high = task.variants[1] - task.variants[0], task.replicates[1] - task.replicates[0]
    forms = {}
    for name in words["variables"]:
        inner = tuple(sizes[dim] for dim in dims_of(name, worlds)[2:])
        if name in OUTCOMES:
            forms[name] = Form((*inner, wide, high), "f" if name == FINAL else "i")
        elif worlds:
            forms[name] = Form((*inner, wide, high), "f", narrow=True)
        else:
            gaps = name.removesuffix(DIFFERENCE) not in RECORDED
            forms[name] = Form((sizes[STATISTIC], *inner, wide), "f" if alone else "i", gaps=gaps)
    return forms
