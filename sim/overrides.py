"""Overrides in Hydra's grammar: read into axes of choices, named as coordinates, set on plain tables."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, IntervalSweep, Override, QuotedString, RangeSweep
from hydra.errors import HydraException
from hydra.grammar.gen.OverrideLexer import CommonTokenStream, InputStream, OverrideLexer
from hydra.grammar.gen.OverrideParser import OverrideParser

from sim.folders import GROUPS, Folders
from sim.names import RESERVED
from sim.nested import merged
from sim.refusal import SettingError, likely
from sim.region import BLOC_TABLES, PAIR_TABLES, STATE_TABLES
from sim.settings import leaves

Tables = dict[str, Any]
VALUES_MAX = 100_000
"""Values of one override."""
CHOICES = "_choices"
"""Where the composed tables keep which file each group took, until they are typed."""


@dataclass(frozen=True)
class Axis:
    """One override: its key, the choices it takes (one unless it is swept), and the words that said so."""

    key: str
    choices: tuple[Any, ...]
    group: bool
    said: str
    delete: bool = False
    interval: tuple[float, float] | None = None
    """The two ends between which the key is drawn; its one choice is then the lower."""

    @property
    def swept(self) -> bool:
        """Whether it makes variants."""
        return len(self.choices) > 1 or self.interval is not None

    @property
    def path(self) -> tuple[str, ...]:
        """The words of its key."""
        return tuple(self.key.split("."))

    @property
    def leaves(self) -> list[tuple[str, ...]]:
        """The paths of the settings that it sets: its own, or those in the tables that it gives."""
        if self.group:
            return [(f"{self.key}=",)]
        return list(dict.fromkeys(path for choice in self.choices for path, _ in leaves(choice, self.path)))

    def crosses(self, other: "Axis") -> bool:
        """Whether both set something that is, or lies below, what the other sets."""
        return any(one[: len(two)] == two or two[: len(one)] == one for one in self.leaves for two in other.leaves)


def parse(overrides: Sequence[str], where: Folders) -> list[Axis]:
    """The overrides of a command, in Hydra's grammar, in its order; tables for one key are merged in it.

    Raises
    ------
    SettingError
        Where one cannot be read, or something that is no table is said twice.
    """
    if isinstance(overrides, str):
        raise SettingError(overrides, "is one text", "a list of them, as in ['scenario=peace_deal']")
    axes: list[Axis] = []
    for said in overrides:
        if "${" in said:
            raise SettingError(said, "interpolation is not read", "the value itself")
        try:
            parsed = OverridesParser.create().parse_override(said)
        except HydraException as error:
            raise SettingError(said, "cannot be read: " + str(error).splitlines()[0], "key=value, key=a,b, 'shock=[a,b]'") from None
        axes.append(_axis(parsed, said, where))
    _demand_once(axes)
    return axes


def _demand_once(axes: Sequence[Axis]) -> None:
    """Refuse what is said twice: which of the two counts would be the order's secret."""
    seen: dict[tuple[str, ...], Axis] = {}
    above: dict[tuple[str, ...], Axis] = {}
    for axis in axes:
        twice = next(_twice_in_tables(axis.said), "")
        if twice:
            raise SettingError(axis.key, f"{twice} stands twice in one table", "each name once", where=axis.said)
        for path in axis.leaves:
            higher = [path[:at] for at in range(1, len(path) + 1)]
            other = above.get(path) or next((seen[at] for at in higher if at in seen and not _cleared(seen[at], path)), None)
            if other:
                said = f"{other.said} and {axis.said}"
                which = ".".join(path).removeprefix(axis.key).removesuffix("=").lstrip(".")
                wrong = f"{which} is said twice" if which else "is said twice"
                raise SettingError(axis.key, wrong, "each setting once; tables are merged", where=said)
        seen |= dict.fromkeys(axis.leaves, axis)
        above |= {path[:at]: axis for path in axis.leaves for at in range(1, len(path))}


def _cleared(axis: Axis, path: tuple[str, ...]) -> bool:
    """Whether an override takes out the table that a later one fills anew."""
    return axis.delete and len(axis.path) < len(path)


def _twice_in_tables(said: str) -> Iterator[str]:
    """Names that stand twice in one of the tables `{name: value}` of an override, of which Hydra would take the last."""
    if "{" not in said:
        return
    waiting = [OverrideParser(CommonTokenStream(OverrideLexer(InputStream(said)))).override()]
    while waiting:
        node = waiting.pop()
        if isinstance(node, OverrideParser.DictContainerContext):
            names = [pair.getChild(0).getText().strip("'\"") for pair in node.dictKeyValuePair()]
            yield from (name for name in dict.fromkeys(names) if names.count(name) > 1)
        waiting += getattr(node, "children", None) or ()


def _axis(parsed: Override, said: str, where: Folders) -> Axis:
    key = parsed.key_or_group
    if key.split(".")[0].split("/")[0] == "hydra" or parsed.package is not None:
        raise SettingError(said, "Hydra's own settings are not read here", "python experiments/run.py takes them")
    group = key in GROUPS
    if parsed.is_delete():
        if group:
            raise SettingError(said, f"{key} cannot be left out", "shock=[] for no shocks" if key == "shock" else f"another {key}")
        return Axis(key, (None,), False, said, delete=True)
    value = parsed.value()
    if isinstance(value, Glob):
        if not group:
            raise SettingError(said, f"{key} is no group of files", ", ".join(GROUPS))
        choices = tuple(value.filter(where.options(key)))
        said = f"{key}={','.join(choices)}" if choices else said  # what a run says of itself holds without the folders
    elif isinstance(value, IntervalSweep):
        return _interval(key, value, group, said)
    elif parsed.is_sweep_override():
        if isinstance(value, RangeSweep):
            _demand_steps(value, said)
        choices = tuple(_bare(choice) for choice in parsed.sweep_iterator(lambda element: element))
    else:
        choices = (_bare(value),)
    if not choices:
        raise SettingError(said, "names no value at all", "one or more")
    return Axis(key, choices, group, said)


def _interval(key: str, value: IntervalSweep, group: bool, said: str) -> Axis:
    if group:
        raise SettingError(said, f"{key} is no number", f"{key}=a,b")
    if value.tags or not isinstance(value.start, float) or not isinstance(value.end, float):
        raise SettingError(said, "is no interval between two ends", f"{key}=interval(low,high)")
    low, high = value.start, value.end
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise SettingError(said, f"{low:g} to {high:g} is no interval", "interval(low,high) with low < high, both finite")
    return Axis(key, (low,), False, said, interval=(low, high))


def _demand_steps(value: RangeSweep, said: str) -> None:
    """Refuse a range that Hydra would count for ever or not at all."""
    start, stop, step = (float(number) if number is not None else 0.0 for number in (value.start, value.stop, value.step))
    if step == 0 or not all(map(math.isfinite, (start, stop, step))):
        raise SettingError(said, "cannot be read: a range needs finite numbers and a step that is not 0", "range(low,high,step)")
    if (stop - start) / step > VALUES_MAX:
        raise SettingError(said, f"names {(stop - start) / step:.0f} values", f"at most {VALUES_MAX}")


def _bare(value: Any) -> Any:
    """An override's value as plain data."""
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if isinstance(value, dict):
        return {str(_bare(name)): _bare(item) for name, item in value.items()}
    return value


def demand_files(axis: Axis, where: Folders) -> None:
    """Refuse a choice of a group that no file of the folders is named after."""
    options = where.options(axis.key)
    for choice in axis.choices:
        names = choice if isinstance(choice, list) else [choice]
        for name in names:
            if name not in options:
                raise SettingError(
                    axis.key, f"no {axis.key} is called {name!r}", ", ".join(options), likely(str(name), options), where=axis.said
                )
            if names.count(name) > 1:
                raise SettingError(axis.key, f"{name} stands twice", "each name once", where=axis.said)
        if (axis.key == "shock") != isinstance(choice, list):
            raise SettingError(
                axis.key, f"{choice!r} is {'no' if axis.key == 'shock' else 'a'} list", _example(axis), where=axis.said
            )


def _example(axis: Axis) -> str:
    return f"'shock=[{axis.choices[0]}]'" if axis.key == "shock" else f"{axis.key}=NAME"


def coordinate_names(keys: Sequence[str]) -> dict[str, str]:
    """For each swept key the shortest tail of its path that is no variable's name and no other key's tail.

    >>> coordinate_names(["dynamics.vigilance", "dynamics.readiness"])
    {'dynamics.vigilance': 'vigilance', 'dynamics.readiness': 'dynamics_readiness'}
    """
    taken = set(RESERVED)
    names: dict[str, str] = {}
    for key in keys:
        if key == "scenario":
            names[key] = key
            continue
        words = key.split(".")
        tails = ["_".join(words[-length:]) for length in range(1, len(words) + 1)]
        unique = [tail for tail in tails if sum(other.endswith(tail.replace("_", ".")) for other in keys) == 1]
        free = [tail for tail in unique or tails if tail not in taken]
        names[key] = (free or [tails[-1] + "_setting"])[0]
        taken.add(names[key])
    return names


def put_value(settings: Tables, axis: Axis) -> None:
    """Set one override on the tables; a name that no file gives is taken only where a table of names can grow."""
    *path, last = axis.key.split(".")
    _demand_given_side(settings, path, last, axis)
    at: Any = settings
    for depth, word in enumerate(path):
        if isinstance(at, dict) and word not in at and _may_be_left_out(path[: depth + 1]):
            at[word] = {}
        if not isinstance(at, Mapping) or word not in at or word == CHOICES:
            _no_such(axis, ".".join(path[:depth]), word, at)
        at = at[word]
    if isinstance(at, list):
        raise SettingError(axis.key, "an element of a list is not set by itself", f"{'.'.join(path)}=[...]", where=axis.said)
    if not isinstance(at, dict) or last == CHOICES or (last not in at and not _grows(path)):
        _no_such(axis, ".".join(path), last, at)
    if axis.delete:
        if last not in at:
            _no_such(axis, ".".join(path), last, at)
        del at[last]
    elif isinstance(at.get(last), dict) and isinstance(axis.choices[0], dict):
        if at[last] and not axis.choices[0]:
            raise SettingError(axis.key, "an empty table changes nothing", f"~{axis.key}.NAME leaves one out", where=axis.said)
        at[last] = merged(at[last], axis.choices[0])
    else:
        at[last] = axis.choices[0]


def _demand_given_side(settings: Tables, path: Sequence[str], last: str, axis: Axis) -> None:
    """Refuse the other side of a pair that the file gives once: it would turn one number for both ways into two."""
    if len(path) != 3 or path[0] != "region" or path[1] not in PAIR_TABLES:
        return
    table = settings.get("region", {}).get(path[1], {})
    if last not in table.get(path[2], {}) and path[2] in table.get(last, {}):
        given = ".".join([*path[:2], last, path[2]])
        raise SettingError(axis.key, "the file gives this pair the other way round", "one number for both ways", given, axis.said)


def _may_be_left_out(path: Sequence[str]) -> bool:
    """Whether a path leads to a table of numbers by actor, which a file may leave out."""
    match tuple(path):
        case ("region", "states", _, table):
            return table in STATE_TABLES
        case ("region", "blocs", _, table):
            return table in BLOC_TABLES
        case ("region", table) | ("region", table, _):
            return table in PAIR_TABLES
    return False


def _grows(path: Sequence[str]) -> bool:
    """Whether a table may take a name that its file leaves out: tables of numbers by actor, and optional settings of an effect."""
    actor = len(path) == 3 and path[0] == "region" and path[1] in ("states", "blocs")
    return actor or _may_be_left_out(path) or path[:1] == ["shock"]


def _no_such(axis: Axis, parent: str, word: str, at: object) -> None:
    known = [str(name) for name in at if name != CHOICES] if isinstance(at, Mapping) else []
    near = likely(word, known)
    if not near and not parent:
        near = likely(word, GROUPS)
    dotted = f"{parent}.{near}" if parent and near else near
    allowed = ", ".join(known) or "none"
    if parent == "shock":
        allowed += "; scenario= or 'shock=[...]' brings in others"
    raise SettingError(f"{parent}.{word}" if parent else word, "no such setting", allowed, dotted, axis.said)
