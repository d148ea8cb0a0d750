"""Settings as flat tables: which of them decide the data of a run, their hash, and how two runs differ."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sim.home import PACKAGE

Tables = Mapping[str, Any]
Where = tuple[str, ...]
ANY = "*"
"""Any one name in a path: of an actor, route, shock, effect or row of evidence."""
EFFECT = ("shock", ANY, "effects", ANY)
NOT_DATA: tuple[Where, ...] = (
    ("out",),
    *(("engine", name) for name in ("name", "workers", "chunk", "cluster", "chunks", "part")),
    ("region", "evidence"),
    ("dynamics", "evidence"),
    *((*EFFECT, name) for name in ("range", "unit", "source")),
)
"""Settings that change no number of a run, with all below them: where results are written, how they are computed, and evidence."""
WHY = tuple((group, "evidence", ANY, name) for group in ("region", "dynamics") for name in ("unit", "source")) + tuple(
    (*EFFECT, name) for name in ("unit", "source")
)
"""The evidence that changes no number even where a run draws from plausible ranges."""
NAMED: tuple[Where, ...] = (
    *(("region", group) for group in ("states", "blocs", "routes")),
    ("shock",),
    EFFECT[:3],
)
"""Tables in which the order of names matters: for figures, and for the last bit of sums."""


def leaves(value: object, path: Where = ()) -> Iterator[tuple[Where, Any]]:
    """Every leaf of nested tables with its path; lists are leaves, and so are empty tables."""
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from leaves(item, (*path, str(name)))
    else:
        yield path, value


def matches(path: Where, pattern: Where) -> bool:
    """Whether a path matches a pattern or is below one that does.

    >>> matches(("shock", "out", "effects", "unit", "unit"), (*EFFECT, "unit"))
    True
    >>> matches(("shock", "unit", "effects", "out", "size"), (*EFFECT, "unit"))
    False
    """
    return len(path) >= len(pattern) and all(word in (ANY, name) for word, name in zip(pattern, path, strict=False))


def data_settings(settings: Tables) -> dict[str, Any]:
    """The flat settings that decide a run's numbers and figures, by dotted path; a table of names also gives their order.

    >>> data_settings({"out": "x", "region": {"states": {"out": {"speed": 1}}}})
    {'region.states.out.speed': 1, 'region.states': ['out']}
    """
    left_out = [place for place in NOT_DATA if place[0] in ("out", "engine")] + list(WHY) if draws(settings) else NOT_DATA
    found = {".".join(path): value for path, value in leaves(settings) if not any(matches(path, place) for place in left_out)}
    return found | {".".join(path): list(table) for path, table in _named(settings)}


def draws(settings: Tables) -> bool:
    """Whether a run draws its numbers from their plausible ranges."""
    return settings.get("sample") == "ranges"


def in_order(settings: Tables, flat: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings with the names of their tables in the order that flat settings (`data_settings`) give."""

    def ordered(tables: Tables, path: Where) -> dict[str, Any]:
        names = flat.get(".".join(path))
        order = dict.fromkeys([*(name for name in names if name in tables), *tables]) if isinstance(names, list) else tables
        return {name: ordered(tables[name], (*path, name)) if isinstance(tables[name], Mapping) else tables[name] for name in order}

    return ordered(settings, ())


def _named(settings: Tables) -> Iterator[tuple[Where, Tables]]:
    for pattern in NAMED:
        yield from _tables_at(settings, pattern, ())


def _tables_at(tables: object, pattern: Where, path: Where) -> Iterator[tuple[Where, Tables]]:
    """The tables at the paths that a pattern matches, with their paths."""
    if not isinstance(tables, Mapping):
        return
    if not pattern:
        yield path, tables
        return
    word, *rest = pattern
    for name in tables if word == ANY else [word] if word in tables else []:
        yield from _tables_at(tables[name], tuple(rest), (*path, name))


NUMBERS = {
    "": ("names", "arrays"),
    "config": ("nested", "dates", "region", "schema", "overlays", "evidence"),
    "science": ("rules", "roads", "measures", "layout", "state", "params", "noise", "shocks", "kernel", "stability"),
    "engine": ("tracing", "recorders", "folding", "compiled", "job", "ensemble", "plan", "runs"),
    "results": ("chunking",),
    "compose": ("sampling", "designs"),
}
"""The modules that compute the numbers of a run, by package."""


@lru_cache(maxsize=1)
def code_hash() -> str:
    """A hash of the code that computes the numbers of a run.

    After any change of that code, even of a comment, earlier folders are not continued: whether it affects numbers is unknown.
    """
    found = hashlib.sha256()
    for package, names in NUMBERS.items():
        for name in names:
            content = (PACKAGE / package / f"{name}.py").read_bytes()
            found.update(f"{package}.{name} ".encode() + hashlib.sha256(content).digest())
    return found.hexdigest()[:HASH_LETTERS]


HASH_LETTERS = 12


def shared_and_own(tables: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The settings that all variants share, and those that differ, for each variant."""
    first = tables[0]
    shared = {key: value for key, value in first.items() if all(key in table and table[key] == value for table in tables)}
    return shared, [{key: value for key, value in table.items() if key not in shared} for table in tables]


def fingerprint(content: object) -> str:
    """The SHA-256 of plain content, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The keys whose values differ, with both values; None where a side has no such key."""
    keys = dict.fromkeys([*first, *second])
    return [(key, first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)]


def flat_settings(settings: Tables) -> dict[str, Any]:
    """The settings of a results folder (`sim.commands.identity.settings_of`) as one flat table."""
    table = {name: settings[name] for name in ("version", "code", "order") if name in settings} | settings["shared"]
    own = {label: {"variant": "yes"} | rest for label, rest in settings["variants"].items()}
    for label, reference in settings.get("against", {}).items():
        own[label] = own[label] | {"set against": reference}
    return table | {f"{label}: {key}": value for label, rest in own.items() for key, value in rest.items()}


def common_and_rest(tables: Sequence[Tables]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What nested tables have in common, and the rest of each."""
    first = tables[0]
    common: dict[str, Any] = {}
    rests: list[dict[str, Any]] = [dict(table) for table in tables]
    for key, value in first.items():
        if not all(key in table for table in tables):
            continue
        if all(table[key] == value for table in tables):
            common[key] = value
            for rest in rests:
                del rest[key]
        elif all(isinstance(table[key], Mapping) for table in tables):
            inner, inner_rests = common_and_rest([table[key] for table in tables])
            if inner:
                common[key] = inner
                for rest, inner_rest in zip(rests, inner_rests, strict=True):
                    rest[key] = inner_rest
    return common, rests
