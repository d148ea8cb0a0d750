"""Designs of experiments: how swept settings combine into variants, and the variants of a design, built on demand."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, overload

import numpy as np

from sim.compose.overrides import Axis, Tables
from sim.compose.sampling import uniforms
from sim.config.evidence import Misfit, quantity_at
from sim.config.fingerprint import HASH_LETTERS, data_settings
from sim.config.known import demand_number
from sim.config.nested import copied, put
from sim.config.overlays import OWN, Array, Configs, Overlay, Where
from sim.config.region import DIRECTED, PAIR_TABLES
from sim.config.schema import Config, Design, Sample, Variant
from sim.errors import SettingError

GRID_MAX = 100_000
"""Most combinations of swept values in one run."""
Combination = dict[str, Any]
"""One value for each swept key."""
Between = tuple[Where, float, float]
"""The path of a number and the two ends between which it is drawn."""


def combinations(axes: Sequence[Axis], design: Design) -> list[Combination]:
    """The combinations of swept values: all of them, the last key fastest; with zip the first of each, the second of each, ...

    Raises
    ------
    SettingError
        Where there are too many, or zip finds lists of different lengths.
    """
    swept = [axis for axis in axes if len(axis.choices) > 1]
    text = " ".join(axis.text for axis in swept)
    if design is Design.zip:
        lengths = list(dict.fromkeys(len(axis.choices) for axis in swept))
        if len(lengths) > 1:
            raise SettingError(
                "design", f"zip needs lists of one length, not {' and '.join(map(str, lengths))}", "grid", where=text
            )
        rows: Iterator[tuple[Any, ...]] = zip(*(axis.choices for axis in swept), strict=True) if swept else iter([()])
        number = max(lengths, default=1)
    else:
        rows, number = itertools.product(*(axis.choices for axis in swept)), math.prod(len(axis.choices) for axis in swept)
    if number > GRID_MAX:
        raise SettingError(text, f"make {number} variants", f"at most {GRID_MAX}")
    return [dict(zip((axis.key for axis in swept), row, strict=True)) for row in rows]


def is_light(axis: Axis, axes: Sequence[Axis]) -> bool:
    """Whether the values of a key can be set on a base config as an overlay, so that none of them needs a config of its own.

    This holds for every number of region and dynamics and the size of an effect, unless another override sets a table above it.
    """
    if axis.group or axis.delete or any(axis.key.startswith(other.key + ".") for other in axes if not other.group):
        return False
    if not all(isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) for value in axis.choices):
        return False
    return _is_size(axis.path) or quantity_at(axis.path) is not None


def _is_size(path: Where) -> bool:
    return len(path) == 5 and (path[0], path[2], path[4]) == ("shock", "effects", "size")


def demand_values(axis: Axis) -> None:
    """Refuse a value or an end of an interval outside the range of the quantity."""
    quantity = quantity_at(axis.path)
    for value in axis.interval or axis.choices:
        try:
            if quantity:
                demand_number(axis.key, value, quantity)
        except SettingError as error:
            raise SettingError(error.key, error.wrong, error.allowed, error.meant, axis.place) from None


def demand_drawable(axis: Axis) -> None:
    """Refuse an interval for a key that is not a number of the model."""
    if not (_is_size(axis.path) or quantity_at(axis.path) or axis.path[0] == "shock"):
        raise SettingError(
            axis.key, "cannot be drawn from an interval", "a number of region, dynamics or a shock", where=axis.place
        )


def demand_one_way(axis: Axis, settings: Tables) -> None:
    """Refuse to vary one direction of a pair that the settings give in both directions, where both must be equal."""
    match axis.path:
        case ("region", table, one, other) if table in PAIR_TABLES and PAIR_TABLES[table][0] not in DIRECTED:
            if one in settings["region"][table].get(other, {}):
                raise SettingError(
                    axis.key, "the file gives this pair both ways", "one number: it holds both ways", where=axis.place
                )


@dataclass(frozen=True, eq=False)
class Whole:
    """A base config with its settings, and the ends between which its numbers are drawn, by path."""

    config: Config
    settings: Tables
    between: Mapping[Where, tuple[float, float]]
    misfits: Sequence[Misfit] = ()
    """The numbers outside their plausible range."""


@dataclass(frozen=True, eq=False)
class Point:
    """One combination of swept settings; with draws, each draw of it is a variant.

    Attributes
    ----------
    label : str
        The label of the combination.
    coordinates : mapping
        The values in which it differs from other points.
    whole : Whole
        Its base config, shared with other points.
    own : mapping
        The numbers that it sets on the base config, by path.
    """

    label: str
    coordinates: Mapping[str, object]
    whole: Whole
    own: Mapping[Where, object]

    @cached_property
    def settings(self) -> Tables:
        """The composed settings of this point as plain tables (a copy)."""
        tables = copied(self.whole.settings)
        for path, value in self.own.items():
            put(tables, path, value)
        return tables


class _Light(Variant):
    """A variant of a design whose config and settings are built on first access."""

    def __getattr__(self, name: str) -> Any:
        if name not in ("config", "settings", "drawn") or "_of" not in self.__dict__:
            raise AttributeError(name)
        variants, index = self.__dict__["_of"]
        point = variants.points[variants.point[index]]
        match name:
            case "config":
                made = variants.configs[index]
            case "settings":
                made = point.settings
            case _:
                made = variants.hashes(point)
        self.__dict__[name] = made
        return made


@dataclass(frozen=True, eq=False)
class Variants(Sequence[Variant]):
    """The variants of a design; indexing builds one on demand.

    Attributes
    ----------
    configs : Configs
        Their configs.
    points : sequence of Point
        The combinations of swept settings.
    point : array
        For each variant the index of its point, (variant,).
    draw : array or None
        For each variant the index of its draw, (variant,); None where nothing is drawn.
    intervals : mapping
        The values of keys that are drawn from an interval, by the name of the coordinate, (draw,).
    drawn : mapping
        The values of all drawn numbers, by path and the two ends, (draw,).
    overrides, config_dir
        As of `Variant`.
    """

    configs: Configs
    points: Sequence[Point]
    point: Array
    draw: Array | None
    intervals: Mapping[str, Array]
    drawn: Mapping[Between, Array]
    overrides: tuple[str, ...]
    config_dir: str

    def __len__(self) -> int:
        return len(self.point)

    @overload
    def __getitem__(self, index: int) -> Variant: ...
    @overload
    def __getitem__(self, index: slice) -> "Variants": ...
    def __getitem__(self, index: int | slice) -> "Variant | Variants":
        if isinstance(index, slice):
            return self.select(range(len(self))[index])
        point = self.points[self.point[index]]
        label, coordinates = point.label, dict(point.coordinates)
        if self.draw is not None:
            draw = int(self.draw[index])
            coordinates |= {name: float(values[draw]) for name, values in self.intervals.items()} | {"draw": draw}
            label = f"{label}, draw={draw}"
        variant = _Light.__new__(_Light)
        variant.__dict__ |= {
            "label": label,
            "coordinates": coordinates,
            "overrides": self.overrides,
            "config_dir": self.config_dir,
            "_of": (self, index),
        }
        return variant

    def select(self, indices: Sequence[int] | Array) -> "Variants":
        """Some of the variants, in the order given."""
        at = np.asarray(indices, dtype=int)
        draw = None if self.draw is None else self.draw[at]
        return replace(self, configs=self.configs.select(at), point=self.point[at], draw=draw)

    @cached_property
    def numbers(self) -> Mapping[str, Array]:
        """The values of all drawn numbers, by dotted path, (draw,); with a count where points have different ends."""
        return _named(self.drawn)

    def hashes(self, point: Point) -> dict[str, str]:
        """For each number that a point draws, by dotted path, a hash of its values in all draws."""
        whole = point.whole
        if id(whole) not in self._hashes:
            own = ((".".join(path), self.drawn[path, low, high]) for path, (low, high) in whole.between.items())
            self._hashes[id(whole)] = {path: sha256(values.tobytes()).hexdigest()[:HASH_LETTERS] for path, values in own}
        return self._hashes[id(whole)]

    @cached_property
    def _hashes(self) -> dict[int, dict[str, str]]:
        return {}

    def flat_settings(self) -> dict[str, dict[str, Any]]:
        """The flat settings that decide the numbers of each point, by its label."""
        wholes = {id(point.whole): point.whole for point in self.points}
        tables = {name: data_settings(whole.settings) for name, whole in wholes.items()}
        own = ({".".join(path): value for path, value in point.own.items()} for point in self.points)
        return {point.label: tables[id(point.whole)] | values for point, values in zip(self.points, own, strict=True)}


def assemble(points: Sequence[Point], intervals: Mapping[str, Axis], overrides: tuple[str, ...], config_dir: str) -> Variants:
    """The variants of some points: each point with every draw where numbers are drawn.

    `intervals` are the keys that the command draws from an interval, by the name of the coordinate.
    """
    wholes = {id(point.whole): point.whole for point in points}
    first = next(iter(wholes.values())).config
    drawn = bool(intervals) or first.sample is Sample.ranges
    draws = first.draws if drawn else 1
    point, draw = np.repeat(np.arange(len(points)), draws), np.tile(np.arange(draws), len(points))
    whole = np.array([list(wholes).index(id(one.whole)) for one in points])[point]
    overlays = [Overlay(path, np.array([one.own[path] for one in points], dtype=float), point) for path in points[0].own]
    values: dict[Between, Array] = {}
    if drawn:
        ends = _ends(list(wholes.values()))
        values = _drawn(first, ends)
        overlays += _overlays(values, ends, whole, draw)
    configs = Configs([one.config for one in wholes.values()], whole, tuple(overlays))
    costly = [axis.path for axis in intervals.values() if not _is_size(axis.path) and quantity_at(axis.path) is None]
    return Variants(
        configs=_made_whole(configs, costly) if costly else configs,
        points=points,
        point=point,
        draw=draw if drawn else None,
        intervals={name: _named(values)[axis.key] for name, axis in intervals.items()},
        drawn=values,
        overrides=overrides,
        config_dir=config_dir,
    )


def _ends(wholes: Sequence[Whole]) -> dict[Between, tuple[int, ...]]:
    """The indices of the base configs that draw a number between the same two ends."""
    ends: dict[Between, tuple[int, ...]] = {}
    for index, one in enumerate(wholes):
        for path, (low, high) in one.between.items():
            ends[path, low, high] = (*ends.get((path, low, high), ()), index)
    return ends


def _drawn(config: Config, ends: Iterable[Between]) -> dict[Between, Array]:
    """The drawn numbers, (draw,); points with the same ends share their draws."""
    uniform = uniforms(config.design, config.seed, config.draws, dict.fromkeys(path for path, _, _ in ends))
    return {(path, low, high): low + (high - low) * uniform[path] for path, low, high in ends}


def _overlays(values: Mapping[Between, Array], ends: Mapping[Between, tuple[int, ...]], whole: Array, draw: Array) -> list[Overlay]:
    """Drawn numbers as overlays, given for each variant the index of its base config and of its draw."""
    rows = {holders: np.where(np.isin(whole, holders), draw, OWN) for holders in set(ends.values())}
    return [Overlay(between[0], values[between], rows[holders]) for between, holders in ends.items()]


def _named(drawn: Mapping[Between, Array]) -> dict[str, Array]:
    """Drawn numbers by dotted path; the second, third, ... pair of ends of a path gets its number in brackets."""
    named: dict[str, Array] = {}
    times: dict[str, int] = {}
    for (path, _, _), values in drawn.items():
        name = ".".join(path)
        times[name] = times.get(name, 0) + 1
        named[name if times[name] == 1 else f"{name} ({times[name]})"] = values
    return named


def _made_whole(configs: Configs, costly: Sequence[Where]) -> Configs:
    """The same configs with some overlays built into base configs: numbers that change the course of a shock."""
    setting = [overlay for overlay in configs.overlays if overlay.path in costly]
    rest = tuple(overlay for overlay in configs.overlays if overlay.path not in costly)
    made = Configs(configs.wholes, configs.whole, tuple(setting))
    return Configs(list(made), np.arange(len(made)), rest)
