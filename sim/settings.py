"""Settings as flat tables: what makes two runs the same data, a hash of it, and where two differ."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

Tables = Mapping[str, Any]
NOT_DATA = frozenset({"out", "evidence", "range", "unit", "source"}) | {
    f"engine.{name}" for name in ("name", "workers", "chunk", "cluster", "chunks", "part")
}
"""Entries that change where results lie, or say why a number is what it is, but no number of a run."""
RANGES = frozenset({"evidence", "range"})
"""Entries that change numbers where a run draws from them."""


def flatten(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of nested tables with its dotted path; lists are leaves.

    >>> dict(flatten({"a": {"b": 1}, "c": [2]}))
    {'a.b': 1, 'c': [2]}
    """
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from flatten(item, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


def data_settings(settings: Tables) -> dict[str, Any]:
    """The flat settings that decide a run's numbers and figures."""
    left_out = NOT_DATA - RANGES if settings.get("sample") == "ranges" else NOT_DATA
    return {key: value for key, value in flatten(settings) if not left_out & {key, *key.split(".")}}


NUMBERS = (
    *(
        "names",
        "arrays",
        "nested",
        "rules",
        "roads",
        "measures",
        "turning",
        "periods",
        "region",
        "config",
        "layout",
        "overlays",
        "params",
    ),
    *("noise", "shocks", "kernel", "chunks", "keep", "folding", "accelerated", "ensemble", "stability"),
    *("evidence", "sampling", "designs"),
    *("plans", "simulate"),
)
"""The modules that make the numbers of a run."""


@lru_cache(maxsize=1)
def code_hash() -> str:
    """A hash of the code that makes the numbers of a run: two runs of one making have the same.

    Where that code was changed, a comment will do, a folder of before is not gone on with: what changes numbers cannot be told.
    """
    here = Path(__file__).parent
    found = hashlib.sha256()
    for name in NUMBERS:
        found.update(f"{name} ".encode() + hashlib.sha256((here / f"{name}.py").read_bytes()).digest())
    return found.hexdigest()[:HASH_LETTERS]


HASH_LETTERS = 12


def shared_and_own(tables: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The settings that all variants share, and what each has of its own."""
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
    """What a results folder says of its settings (`sim.outputs.settings_of`) as one flat table."""
    table = {name: settings[name] for name in ("version", "code") if name in settings} | settings["shared"]
    own = settings["variants"].items()
    return table | {f"{label}: {key}": value for label, rest in own for key, value in ({"variant": "yes"} | rest).items()}


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
