"""Overrides in Hydra's grammar: parsed into axes, named as coordinates of variants, set on plain tables."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, Override, QuotedString, RangeSweep, Sweep
from hydra.errors import HydraException

from sim.compose.folders import HYDRA, Folders
from sim.compose.groups import GROUPS, is_name
from sim.compose.repeats import demand_once
from sim.config import places
from sim.config.fingerprint import leaves
from sim.config.nested import merged
from sim.config.region import BLOC_TABLES, PAIR_TABLES, STATE_TABLES
from sim.config.suggest import likely
from sim.errors import SettingError
from sim.names import RESERVED
from sim.text import shown, unseen

Tables = dict[str, Any]
EXAMPLES = "key=value, key=a,b, 'shock=[a,b]'"
LETTERS_MAX, DEPTH_MAX = 20_000, 20
"""Most characters of one override, and the deepest nesting of its brackets."""
OVERRIDES_MAX = 1_000
"""Most overrides of one command."""
VALUES_MAX = 100_000
"""Most values of one override."""
SEARCH = f"{HYDRA}.searchpath"
CHOICES = "_choices"
"""The key of composed tables for the files chosen in each group; removed before the settings are typed."""


@dataclass(frozen=True)
class Axis:
    """One override: its key, its values (one unless it is swept), and its text."""

    key: str
    choices: tuple[Any, ...]
    group: bool
    text: str
    delete: bool = False
    interval: tuple[float, float] | None = None
    """The two ends between which the key is drawn; `choices` then has the lower end only."""
    file: str = ""
    """The file of the study that has this axis; empty for an override of the command."""

    @property
    def place(self) -> str:
        """Where it was given, for messages."""
        return f"{self.file}: study.axes" if self.file else self.text

    @property
    def swept(self) -> bool:
        """Whether it has several values or an interval, so that it creates variants."""
        return len(self.choices) > 1 or self.interval is not None

    @property
    def path(self) -> tuple[str, ...]:
        """The parts of its key."""
        return tuple(self.key.split("."))

    @property
    def leaves(self) -> list[tuple[str, ...]]:
        """The paths of the settings that it sets: its key, or the entries of the tables that it gives."""
        if self.group:
            return [(f"{self.key}=",)]
        return list(dict.fromkeys(path for choice in self.choices for path, _ in leaves(choice, self.path)))

    def crosses(self, other: "Axis") -> bool:
        """Whether one sets the same setting as the other, or one above or below it."""
        return any(one[: len(two)] == two or two[: len(one)] == one for one in self.leaves for two in other.leaves)


def parse(overrides: Sequence[str], where: Folders) -> list[Axis]:
    """Parse the overrides of a command in order; tables for one key are merged in that order.

    Raises
    ------
    SettingError
        Where one cannot be parsed, or a setting that is not a table is given twice.
    """
    if isinstance(overrides, str):
        raise SettingError(overrides, "is a single text", "a list of them, as in ['scenario=peace_deal']")
    if len(overrides) > OVERRIDES_MAX:
        raise SettingError(f"{overrides[0]} ...", f"is one of {len(overrides)} overrides", f"at most {OVERRIDES_MAX}")
    axes: list[Axis] = []
    for text in overrides:
        if "${" in text:
            raise SettingError(text, "interpolation is not read", "the value itself")
        axes.append(_axis(_parsed(text), text, where))
    demand_once(axes)
    return axes


def _parsed(text: str) -> Override:
    """One override, parsed by Hydra."""
    if not isinstance(text, str):
        raise SettingError(repr(text), "is not text", "key=value")
    if len(text) > LETTERS_MAX:
        raise SettingError(f"{text[:40]}...", f"has {len(text)} letters", f"at most {LETTERS_MAX}; a file of study/ takes more")
    if hidden := unseen(text):
        key = text.partition("=")[0]
        raise SettingError(key, f"contains an invisible character ({shown(hidden[0])})", "text on one line", where=text)
    nested = max(itertools.accumulate(letter in "[{(" or -(letter in "]})") for letter in text), default=0)
    if nested > DEPTH_MAX:
        raise SettingError(text, "is too deep", f"{DEPTH_MAX} levels of brackets")
    try:
        return OverridesParser.create().parse_override(text)
    except (HydraException, ValueError) as error:
        key, _, value = text.partition("=")
        foreign = not value.isascii() and not any(quote in value for quote in "'\"")
        meant = f"""'{key}="{value}"'""" if foreign and not set(value) & set(",[]{}()\\") else ""
        allowed = (
            """text in quotes where it has other than Latin letters and digits, as in 'key="Հայաստան"'""" if foreign else EXAMPLES
        )
        raise SettingError(text, "cannot be read: " + str(error).splitlines()[0], allowed, meant) from None


def _is_hydras(key: str) -> bool:
    return key.split(".")[0].split("/")[0] == HYDRA


def is_hydras(text: str, where: Folders) -> bool:
    """Whether an override is one of Hydra's own, in a Hydra application; refused where it would include unchecked files."""
    parsed = _parsed(text)
    key = parsed.key_or_group
    if not _is_hydras(key):
        if "/" in key or parsed.package is not None:
            raise SettingError(text, "is neither a setting nor a group of config files", ", ".join(GROUPS))
        if key == places.OUT:
            raise SettingError(text, "is Hydra's own here", "hydra.run.dir=DIR, with -m hydra.sweep.dir=DIR")
        for axis in parse([text], where) if key in GROUPS or "${" in text else []:
            demand_files(axis, where)
        return False
    if key in (HYDRA, SEARCH) or parsed.package is not None:
        raise SettingError(text, "would include files that are not checked", "--config-dir DIR")
    wrong = [word for word in _words(parsed.value()) if "/" in key and not is_name(word)]
    if wrong:
        raise SettingError(text, f"{wrong[0]!r} is not the name of a file", "one that Hydra or a plugin provides")
    return True


def _words(value: Any) -> list[str]:
    """The texts in an override's value."""
    if isinstance(value, list | ChoiceSweep):
        return [word for item in (value if isinstance(value, list) else value.list) for word in _words(item)]
    return [] if value is None else [str(_bare(value))]


def _axis(parsed: Override, text: str, where: Folders) -> Axis:
    key = parsed.key_or_group
    if _is_hydras(key) or parsed.package is not None:
        raise SettingError(text, "Hydra's own settings are not read here", "python experiments/run.py takes them")
    group = key in GROUPS
    if parsed.is_delete():
        if group:
            raise SettingError(text, f"{key} cannot be left out", "shock=[] for no shocks" if key == "shock" else f"another {key}")
        return Axis(key, (None,), False, text, delete=True)
    value = parsed.value()
    if isinstance(value, Glob):
        if not group:
            raise SettingError(text, f"{key} is not a group of config files", ", ".join(GROUPS))
        choices = tuple(value.filter(where.options(key)))
        text = f"{key}={','.join(choices)}" if choices else text  # what a run records of itself must hold without these folders
    elif isinstance(value, IntervalSweep):
        return _interval(key, value, group, text)
    elif parsed.is_sweep_override():
        if isinstance(value, RangeSweep):
            _demand_steps(value, text)
        if getattr(value, "shuffle", False):
            raise SettingError(text, "is in a random order that no seed controls", "the values in the intended order")
        choices = tuple(_bare(choice) for choice in parsed.sweep_iterator(lambda element: element))
    else:
        choices = (_bare(value),)
    if not choices:
        raise SettingError(text, "has no value", "one or more")
    if any(isinstance(choice, Sweep | Glob) for choice in choices):
        raise SettingError(text, "has a sweep inside a list of values", f"{key}=a,b or one of range, choice and interval alone")
    return Axis(key, choices, group, text)


def _interval(key: str, value: IntervalSweep, group: bool, text: str) -> Axis:
    if group:
        raise SettingError(text, f"{key} is not a number", f"{key}=a,b")
    if value.tags or not isinstance(value.start, float) or not isinstance(value.end, float):
        raise SettingError(text, "is not an interval between two ends", f"{key}=interval(low,high)")
    low, high = value.start, value.end
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise SettingError(text, f"{low:g} to {high:g} is not an interval", "interval(low,high) with low < high, both finite")
    return Axis(key, (low,), False, text, interval=(low, high))


def _demand_steps(value: RangeSweep, text: str) -> None:
    """Refuse a range with an infinite number of values or too many."""
    start, stop, step = (float(number) if number is not None else 0.0 for number in (value.start, value.stop, value.step))
    if step == 0 or not all(map(math.isfinite, (start, stop, step))):
        raise SettingError(text, "cannot be read: a range needs finite numbers and a step that is not 0", "range(low,high,step)")
    if (stop - start) / step > VALUES_MAX:
        raise SettingError(text, f"has {(stop - start) / step:.0f} values", f"at most {VALUES_MAX}")


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
    """Refuse a choice from a group for which there is no file."""
    options = where.options(axis.key)
    for choice in axis.choices:
        names = choice if isinstance(choice, list) else [choice]
        for name in names:
            if name not in options:
                other = where.unread(axis.key, str(name))
                wrong = f"no {axis.key} is called {name!r}" + (f": {other} is not read, only .yaml is" if other else "")
                meant = likely(str(name).partition(".")[0] if isinstance(name, str) else str(name), options)
                raise SettingError(axis.key, wrong, ", ".join(options), meant if not other else "", where=axis.place)
            if names.count(name) > 1:
                raise SettingError(axis.key, f"{name} is given twice", "each name once", where=axis.place)
        if (axis.key == "shock") != isinstance(choice, list):
            raise SettingError(
                axis.key, f"{choice!r} is {'not a' if axis.key == 'shock' else 'a'} list", _example(axis), where=axis.place
            )


def _example(axis: Axis) -> str:
    return f"'shock=[{axis.choices[0]}]'" if axis.key == "shock" else f"{axis.key}=NAME"


def coordinate_names(keys: Sequence[str]) -> dict[str, str]:
    """For each swept key the shortest unambiguous end of its path that is not the name of a variable of results.

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
    """Set one override on composed tables; new names are accepted only in tables that may grow."""
    *path, last = axis.key.split(".")
    for leaf in axis.leaves:
        _demand_given_side(settings, leaf, axis)
    at: Any = settings
    for depth, word in enumerate(path):
        if isinstance(at, dict) and word not in at and _may_be_left_out(path[: depth + 1]):
            at[word] = {}
        if not isinstance(at, Mapping) or word not in at or word == CHOICES:
            _no_such(axis, ".".join(path[:depth]), word, at)
        at = at[word]
    if isinstance(at, list):
        raise SettingError(axis.key, "an element of a list cannot be set by itself", f"{'.'.join(path)}=[...]", where=axis.place)
    if not isinstance(at, dict) or last == CHOICES or (last not in at and not _grows(path)):
        _no_such(axis, ".".join(path), last, at)
    if axis.delete:
        if last not in at:
            _no_such(axis, ".".join(path), last, at)
        del at[last]
    elif isinstance(at.get(last), dict) and isinstance(axis.choices[0], dict):
        if at[last] and not axis.choices[0]:
            raise SettingError(axis.key, "an empty table changes nothing", f"~{axis.key}.NAME leaves one out", where=axis.place)
        at[last] = merged(at[last], axis.choices[0])
    else:
        at[last] = axis.choices[0]


def _demand_given_side(settings: Tables, path: Sequence[str], axis: Axis) -> None:
    """Refuse the reverse direction of a pair that the file gives once: one number for both directions would become two."""
    if len(path) != 4 or path[0] != "region" or path[1] not in PAIR_TABLES:
        return
    table, one, other = settings.get("region", {}).get(path[1], {}), path[2], path[3]
    if other not in table.get(one, {}) and one in table.get(other, {}):
        given = ".".join([*path[:2], other, one])
        raise SettingError(axis.key, "the file gives this pair the other way round", "one number for both ways", given, axis.place)


def _may_be_left_out(path: Sequence[str]) -> bool:
    """Whether a path is that of a table of numbers by actor, which a file may omit."""
    match tuple(path):
        case ("region", "states", _, table):
            return table in STATE_TABLES
        case ("region", "blocs", _, table):
            return table in BLOC_TABLES
        case ("region", table) | ("region", table, _):
            return table in PAIR_TABLES
    return False


def _grows(path: Sequence[str]) -> bool:
    """Whether a table accepts names that its file omits: tables of numbers by actor, and optional settings of an effect."""
    actor = len(path) == 3 and path[0] == "region" and path[1] in ("states", "blocs")
    return actor or _may_be_left_out(path) or path[:1] == ["shock"]


def _label_of(table: object) -> str:
    return str(table.get("label", "")) if isinstance(table, Mapping) else ""


def _no_such(axis: Axis, parent: str, word: str, at: object) -> None:
    known = (
        {str(name): _label_of(item) or str(name) for name, item in at.items() if name != CHOICES} if isinstance(at, Mapping) else {}
    )
    near = likely(word, known)
    if not near and not parent:
        near = likely(word, GROUPS)
    dotted = f"{parent}.{near}" if parent and near else near
    allowed = ", ".join(known) or "none"
    if parent == "shock":
        allowed += "; scenario= or 'shock=[...]' includes others"
    raise SettingError(f"{parent}.{word}" if parent else word, "no such setting", allowed, dotted, axis.place)
