"""From plain tables to the typed dataclasses of `sim.config.schema`; wrong types, missing and unknown settings are refused."""

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from sim.config.near_dates import near_date
from sim.config.suggest import likely
from sim.errors import SettingError

DATES = ("start", "end", "region.as_of")
"""Settings that are dates: a number there is likely a year without its month."""
KINDS = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}


def build(kind: type, data: object, key: str = "") -> Any:
    """A value of the wanted type from plain data, or a `SettingError` that names the key.

    >>> build(float, 1, "dynamics.vigilance")
    1.0
    """
    if kind is Any:
        return data
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = next(part for part in get_args(kind) if part is not type(None))
        return None if data is None else build(inner, data, key)
    if origin is dict:
        table = _table(data, key)
        return {name: build(get_args(kind)[1], value, f"{key}.{name}") for name, value in table.items()}
    if origin is list:
        if not isinstance(data, list | tuple):
            raise SettingError(key, f"{data!r} is not a list", "[...]")
        return [build(get_args(kind)[0], value, f"{key}.{index}") for index, value in enumerate(data)]
    if is_dataclass(kind):
        return _dataclass(kind, _table(data, key), key)
    if isinstance(kind, type) and issubclass(kind, Enum):
        names = [member.name for member in kind]
        if data not in names:
            raise SettingError(key, f"{data!r} is not known", ", ".join(names), likely(str(data), names))
        return kind[str(data)]
    return _plain(kind, data, key)


def _table(data: object, key: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise SettingError(key, f"{data!r} is not a table", "{name: value, ...}")
    for name in data:
        if not isinstance(name, str):
            raise SettingError(key, f"the name {name!r} is not text", "a name, in quotes if need be")
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _dataclass(kind: type, table: Mapping[str, object], key: str) -> Any:
    known, dot = {entry.name: entry for entry in fields(kind)}, f"{key}." if key else ""
    for name in table:
        if name not in known:
            raise SettingError(f"{dot}{name}", "no such setting", ", ".join(known), likely(name, known))
    hints = _hints(kind)
    for name, entry in known.items():
        if name not in table and entry.default is MISSING and entry.default_factory is MISSING:
            raise SettingError(f"{dot}{name}", "is missing", _type_name(hints[name]))
    return kind(**{name: build(hints[name], value, f"{dot}{name}") for name, value in table.items()})


def _type_name(kind: object) -> str:
    return KINDS.get(kind, "a table") if isinstance(kind, type) else "a table or list"


def _plain(kind: type, data: object, key: str) -> object:
    fits = isinstance(data, kind) and isinstance(data, bool) == (kind is bool)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not fits:
        near = near_date(str(data)) if key in DATES and (not isinstance(data, float) or len(str(data)) > 6) else ""
        if near:
            raise SettingError(key, f"{data!r} is not a date", "2025-08 or 2025-08-08", near)
        raise SettingError(key, f"{data!r} is {_mismatch(data)}", KINDS[kind])
    if isinstance(data, float) and not math.isfinite(data):
        raise SettingError(key, f"{data} is not finite", "a finite number")
    return data


def _mismatch(data: object) -> str:
    return f"not {'a number' if isinstance(data, str) else 'of the right type'}" if data is not None else "nothing"
