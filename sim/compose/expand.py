"""From YAML and overrides to typed, checked variants.

The files are composed once for each distinct choice of groups; plain overrides are then set on copies, and numbers that vary are
set on a few base configs.
"""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sim.compose.designs import (
    Combination,
    Point,
    Variants,
    Whole,
    assemble,
    combinations,
    demand_drawable,
    demand_one_way,
    demand_values,
    is_light,
)
from sim.compose.folders import Folders, folders
from sim.compose.hydra_config import composition, hydra_word
from sim.compose.overrides import CHOICES, Axis, Tables, coordinate_names, demand_files, parse, put_value
from sim.compose.placing import placed
from sim.config import places
from sim.config.checks import check, check_run
from sim.config.evidence import SAMPLED_GROUPS, demand_fit, ranges
from sim.config.nested import copied, texts
from sim.config.overlays import Where, with_numbers
from sim.config.schema import NO_SHOCK, RUN_KEYS, Config, Design, Sample, Study, Variant, demand_one_run
from sim.config.strict_yaml import read_file
from sim.config.typed import build
from sim.errors import SettingError
from sim.science.layout import layout_of


def expand(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> Variants:
    """All variants that a list of overrides describes; the axes of a study come first.

    Parameters
    ----------
    overrides : sequence of str
        Hydra's grammar: `scenario=baseline,peace_deal`, `dynamics.vigilance=0.5,1`, `'shock=[a,b]'`, `seed=range(1,4)`,
        `dynamics.vigilance=interval(0,2)`. The setting `design` is how swept values combine and how numbers are drawn.
    config_dir : path, optional
        The user's own folder of `region/`, `shock/`, `scenario/`, `dynamics/`, `study/` files.

    Returns
    -------
    Variants
        A sequence of `Variant`, each built on demand; draws vary fastest, then the last swept key.

    Raises
    ------
    SettingError
        Where a name, type or value is invalid.

    >>> [variant.label for variant in expand(["region=toy", "dynamics.vigilance=0.5,1"])]
    ['baseline, vigilance=0.5', 'baseline, vigilance=1']
    """
    axes, where = _axes(overrides, config_dir, together=True)
    cache: dict[str, Tables] = {}
    points = _points(axes, _combinations(axes, where, cache), where, cache)
    first_of: dict[int, Point] = {}
    for point in points:
        first_of.setdefault(id(point.whole), point)
    demand_one_run([point.whole.config for point in first_of.values()], [point.label for point in first_of.values()])
    return _gathered(points, axes, where)


def expand_one(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> Variants:
    """The one variant that a list of overrides describes, as from `expand`; refused where it describes several combinations."""
    variants = expand(overrides, config_dir)
    if len(variants.points) > 1:
        several = f"makes {len(variants.points)} variants"
        raise SettingError(" ".join(overrides), several, "sim sweep (one folder), or sim run -m (a folder each)")
    return variants


class Batch(NamedTuple):
    """Jobs that share the settings of a whole run and are computed together: each is one point of `variants`."""

    variants: Variants
    numbers: list[int]
    """For each point the number of its job in the command."""


def expand_jobs(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> list[Batch]:
    """The same combinations as jobs, each as if it ran alone; settings of the whole run may be swept too (`seed=1,2,3`).

    Parameters and errors as for `expand`. Jobs that could be variants of one run form a batch.
    """
    axes, where = _axes(overrides, config_dir, together=False)
    cache: dict[str, Tables] = {}
    points = _points(axes, _combinations(axes, where, cache), where, cache)
    alike = {name: _batch_of(whole) for name, whole in {id(point.whole): point.whole for point in points}.items()}
    batches: dict[str, list[int]] = {}
    for number, point in enumerate(points):
        batches.setdefault(alike[id(point.whole)], []).append(number)
    return [Batch(_gathered([points[number] for number in own], axes, where), own) for own in batches.values()]


def _batch_of(whole: Whole) -> str:
    """A key that the jobs of a batch share: actors and settings of the whole run, without the seed where no settings are drawn."""
    settings = whole.config.whole_run
    if not whole.between:
        del settings["seed"]
    return repr((layout_of(whole.config.region), settings))


def _axes(overrides: Sequence[str], config_dir: str | Path | None, together: bool) -> tuple[list[Axis], Folders]:
    """The overrides of a command and its study, each checked on its own."""
    where = folders(config_dir)
    axes = with_study(parse(overrides, where), where)
    for axis in axes:
        if axis.group:
            demand_files(axis, where)
        whole_run = axis.key == "study" or (axis.key in RUN_KEYS and (together or axis.interval))
        if axis.swept and whole_run:
            raise SettingError(
                axis.key, "belongs to the whole run and cannot be swept in it", "sim run -m: a job each", where=axis.place
            )
        if axis.interval:
            demand_drawable(axis)
        if axis.swept and is_light(axis, axes):
            demand_values(axis)
    return axes, where


def _combinations(axes: Sequence[Axis], where: Folders, cache: dict[str, Tables]) -> list[Combination]:
    """The combinations of swept values, by the design that the first of them sets."""
    first = [replace(axis, choices=axis.choices[:1]) for axis in axes]
    settings = _settings(first, where, cache)
    try:
        design = build(Design, settings.get("design"), "design")
    except SettingError as error:
        raise placed(error, first, settings[CHOICES], where) from None
    return combinations(axes, design)


def _points(axes: Sequence[Axis], rows: Sequence[Combination], where: Folders, cache: dict[str, Tables]) -> list[Point]:
    """The points of some combinations; those that differ in light numbers only share a base config."""
    light = {axis.key: axis for axis in axes if axis.swept and is_light(axis, axes)}
    names = coordinate_names([axis.key for axis in axes if axis.swept])
    wholes: dict[str, Whole] = {}
    points = []
    for row in rows:
        picked = {key: value for key, value in row.items() if key not in light}
        name = json.dumps(picked)
        if name not in wholes:
            like = json.dumps({key: value for key, value in picked.items() if key not in COUNTS})
            counts = {key: value for key, value in picked.items() if key in COUNTS}
            wholes[name] = _counted(wholes.get(like), counts) or _whole_with(picked, axes, where, cache)
            wholes.setdefault(like, wholes[name])
            for axis in light.values():
                demand_one_way(axis, wholes[name].settings)
        own = {axis.path: row[key] for key, axis in light.items() if key in row}
        points.append(_point(wholes[name], {names[key]: _word(value) for key, value in row.items()}, own))
    _demand_apart(points, " ".join(axis.place for axis in axes if axis.swept))
    return points


COUNTS = ("seed", "replicates")
"""Settings of the whole run on which no other check of a config depends."""


def _counted(like: Whole | None, counts: Mapping[str, Any]) -> Whole | None:
    """A checked base config with other counts, without building it anew; None where there is none or a count is invalid."""
    if like is None or not all(type(value) is int for value in counts.values()):
        return None
    config = replace(like.config, **counts)
    try:
        check_run(config)
    except SettingError:
        return None
    return replace(like, config=config, settings={**like.settings, **counts})


def _whole_with(picked: Mapping[str, object], axes: Sequence[Axis], where: Folders, cache: dict[str, Tables]) -> Whole:
    chosen = [replace(axis, choices=(picked[axis.key],)) if axis.swept and axis.key in picked else axis for axis in axes]
    chosen = [replace(axis, choices=axis.choices[:1]) for axis in chosen]
    return whole_of(_settings(chosen, where, cache), chosen, where)


def _gathered(points: Sequence[Point], axes: Sequence[Axis], where: Folders) -> Variants:
    """The variants of points that share the settings of a whole run."""
    names = coordinate_names([axis.key for axis in axes if axis.swept])
    intervals = {names[axis.key]: axis for axis in axes if axis.interval}
    return assemble(points, intervals, tuple(axis.text for axis in axes), str(where.user or ""))


def _point(whole: Whole, apart: Mapping[str, object], own: Mapping[Where, object]) -> Point:
    scenario = whole.config.scenario.name
    coordinates = {"scenario": scenario} | {name: value for name, value in apart.items() if name not in ("scenario", "shock")}
    label = ", ".join([scenario, *(f"{name}={value}" for name, value in coordinates.items() if name != "scenario")])
    return Point(label, coordinates, whole, own)


def _demand_apart(points: Sequence[Point], where: str) -> None:
    """Refuse a point that occurs twice, also where its numbers are only written differently (1 and 1.0)."""
    seen: dict[object, str] = {}
    for point in points:
        values = tuple(value if isinstance(value, Hashable) else json.dumps(value) for value in point.coordinates.values())
        for same in (point.label, values):
            if same in seen:
                wrong = f"{point.label!r} is given twice" if seen[same] == point.label else f"{point.label!r} equals {seen[same]!r}"
                raise SettingError("variants", wrong, "each value once", where=where)
            seen[same] = point.label


def with_study(axes: list[Axis], where: Folders) -> list[Axis]:
    """The overrides with the study's axes before them, except axes that the command sets itself."""
    study = next((axis for axis in axes if axis.key == "study"), None)
    if study is None or study.swept:
        return axes
    demand_files(study, where)
    file = where.file("study", str(study.choices[0]))
    try:
        wanted = build(Study, read_file(file).get("study", {}) if file else {}, "study").axes
        own = parse([f"{key}={values}" for key, values in wanted.items()], where)
    except SettingError as error:
        raise SettingError(error.key, error.wrong, error.allowed, error.meant, str(file)) from None
    for axis in own:
        if file and where.is_own(file):
            places.demand_no_place(axis.path, file)
    if any(axis.key == "shock" for axis in axes):
        own = [axis for axis in own if axis.key != "scenario"]
    return [replace(axis, file=str(file)) for axis in own if not any(axis.crosses(other) for other in axes)] + axes


def _word(value: object) -> object:
    return "+".join(map(str, value)) or "none" if isinstance(value, list) else value


def _settings(chosen: Sequence[Axis], where: Folders, cache: dict[str, Tables]) -> Tables:
    """The composed files as plain tables, with the plain overrides set on them."""
    picks = [f"{axis.key}={hydra_word(axis.choices[0])}" for axis in chosen if axis.group]
    name = json.dumps(sorted(picks))
    if name not in cache:
        cache[name] = composition(picks, where)
    settings = copied(cache[name])
    for axis in chosen:
        if not axis.group:
            put_value(settings, axis)
    return settings


def whole_of(settings: Tables, chosen: Sequence[Axis], where: Folders) -> Whole:
    """The checked base config of composed settings, with the ends between which its numbers are drawn."""
    choices: dict[str, list[str]] = settings.pop(CHOICES)
    if any(axis.key == "shock" or (axis.delete and _is_a_shock(axis.key)) for axis in chosen):
        name = "+".join(settings["shock"]) or NO_SHOCK
        settings["scenario"] = {
            "name": name,
            "label": " + ".join(_label(shock) for shock in settings["shock"].values()) or "No shock",
        }
    try:
        config = build(Config, settings)
        check(config)
        for axis in chosen:
            if axis.interval:
                check(with_numbers(config, {axis.path: axis.interval[1]}))
        beyond = demand_fit(settings, [axis.path for axis in chosen if not axis.group])
    except SettingError as error:
        raise placed(error, chosen, choices, where) from None
    between = {axis.path: axis.interval for axis in chosen if axis.interval}
    for axis in chosen:
        if axis.interval:
            put_value(settings, replace(axis, choices=(axis.text.partition("=")[2],)))
    if config.sample is Sample.ranges:
        overridden = [axis.path for axis in chosen if len(axis.path) > 1]
        plausible = ranges(settings).items()
        between = {path: ends for path, ends in plausible if not any(path[: len(key)] == key for key in overridden)} | between
        config = with_numbers(config, {(group, "evidence"): {} for group in SAMPLED_GROUPS})
    return Whole(config, settings, between, beyond)


def _is_a_shock(key: str) -> bool:
    return key.startswith("shock.") and key.count(".") == 1


def _label(shock: object) -> str:
    return str(shock.get("label", "")) if isinstance(shock, Mapping) else ""


def from_tables(tables: object, overrides: Sequence[str] = ()) -> Variant:
    """One variant from settings composed by a Hydra application, and the overrides that they were composed with."""
    if not isinstance(tables, Mapping):
        raise SettingError("config", "is not a table", "the composed settings")
    if any("${" in text for text in texts(tables)):
        raise SettingError("config", "interpolation is not read", "the value itself")
    where = Folders()
    chosen = parse(overrides, where)
    settings = {**tables, "shock": tables.get("shock") or {}, CHOICES: {}}
    apart = {name: _word(axis.choices[0]) for axis in chosen for name in coordinate_names([axis.key]).values()}
    point = _point(whole_of(settings, chosen, where), apart, {})
    given = tuple(axis.text for axis in chosen)
    return Variant(point.whole.config, point.label, dict(point.coordinates), point.whole.settings, given)
