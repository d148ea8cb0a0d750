"""Nested tables: entries by path, merging and copying. Lists in them are never changed in place."""

from collections.abc import Mapping, Sequence
from typing import Any

Where = tuple[str, ...]
"""The path of a number in the settings, as in ("region", "states", "armenia", "speed")."""


def entry(tables: Any, path: Sequence[str], absent: Any = None) -> Any:
    """The entry of nested tables or dataclasses at a path; `absent` where a table has no such name.

    >>> entry({"a": {"b": 1}}, ("a", "b")), entry({"a": {}}, ("a", "b"), 0)
    (1, 0)
    """
    at = tables
    for word in path:
        if not isinstance(at, Mapping):
            at = getattr(at, word)
        elif word in at:
            at = at[word]
        else:
            return absent
    return at


def put(tables: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set the entry at a path in place; the tables above it must exist."""
    entry(tables, path[:-1])[path[-1]] = value


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """New tables with the entries of both, those of `over` where both have one.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    """
    found = copied(under)
    for name, value in over.items():
        there = found.get(name)
        found[name] = merged(there if isinstance(there, Mapping) else {}, value) if isinstance(value, Mapping) else value
    return found


def copied(tables: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of nested tables.

    >>> tables = {"a": {"b": 1}}
    >>> copied(tables)["a"] is tables["a"]
    False
    """
    return {name: copied(value) if isinstance(value, Mapping) else value for name, value in tables.items()}


def texts(value: object) -> list[str]:
    """Every text in nested tables and lists."""
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []
