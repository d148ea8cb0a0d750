"""One pass over a YAML file before Hydra reads it: refuses what YAML 1.1 would read as something else than it looks.

Hydra and OmegaConf accept aliases, tags, interpolations and duplicate keys, and read `NO` as false and `010` as 8.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from sim.refusal import SettingError

SIZE_MAX = 1_000_000
"""Bytes of a config file."""
DEPTH_MAX = 20
TRAPS = (
    (re.compile(r"(?i:yes|no|on|off|y|n|null|true|false)|~"), "YAML reads it as a switch or as nothing"),
    (re.compile(r"[-+]?0[0-9_]+"), "YAML reads it as an octal number"),
    (re.compile(r"[-+]?0[xXbBoO][0-9a-fA-F_]+"), "YAML reads it as a number in another base"),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-9_.]+)+"), "YAML reads it as a number in base 60"),
    (re.compile(r"[-+]?[0-9.]*[0-9]_[0-9_.]*"), "YAML drops the underscores"),
    (re.compile(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN)"), "it is no finite number"),
)
PACKAGE = re.compile(r"\s*#\s*@package\b(.*)")
"""A comment in which Hydra reads that the file's settings belong elsewhere."""
WHOLE = "_global_"
"""The one place elsewhere: the settings of the whole run."""
HYDRAS = re.compile(r"\W*hydra(\W|$)")
"""Keys in which Hydra reads settings of its own, or would if it took them as it takes words of a command."""
PLAIN = frozenset({"true", "false", "null"})
"""Words that mean what they say."""


def check_file(path: Path) -> None:
    """Refuse a YAML file that holds a trap; the message names file, line and key."""
    try:
        raw = path.read_bytes()
        if len(raw) > SIZE_MAX:
            raise SettingError("file", f"{len(raw)} bytes", f"at most {SIZE_MAX}", where=str(path))
        text = raw.decode("utf-8-sig")
        _check_package(text, str(path))
        _check_events(yaml.parse(text, Loader=_Loader), str(path))
    except (yaml.YAMLError, RecursionError) as error:
        raise SettingError(_line(error), "is no YAML: " + _reason(error), where=str(path)) from None
    except UnicodeDecodeError:
        raise SettingError("file", "is not text in UTF-8", where=str(path)) from None


def read_file(path: Path) -> Any:
    """The plain content of a YAML file, refused as by `check_file`; a file is read once while it does not change."""
    stamp = path.stat()
    return _read(path, stamp.st_mtime_ns, stamp.st_size)[0]


def is_whole(path: Path) -> bool:
    """Whether a file says, before its settings, that they are those of the whole run; refused as by `check_file`."""
    stamp = path.stat()
    return _read(path, stamp.st_mtime_ns, stamp.st_size)[1]


@lru_cache(maxsize=512)
def _read(path: Path, changed: int, size: int) -> tuple[Any, bool]:
    check_file(path)
    text = path.read_text("utf-8-sig")
    loaded = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe one, in C
    return loaded, any(PACKAGE.match(line) for line in text.splitlines())


_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader; in C, ten times faster, where PyYAML was built with it."""


class _Loader(_Safe):
    """Reads as people write: 1e-3 is a number, and 2025-08-08 is the text that dates are in this project."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in known if not tag.endswith(":timestamp")]
    for letter, known in _Safe.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"), list("-+.0123456789")
)


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}" if mark else "file"


def _reason(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]


def _check_package(text: str, where: str) -> None:
    """Refuse a comment that puts the file's settings elsewhere than into the whole run, or says so after they have begun."""
    settings = False
    for line in text.splitlines():
        said = PACKAGE.match(line)
        if said and (said[1].strip() != WHOLE or settings):
            wrong = f"@package {said[1].strip()} is not read" + (" after settings" if settings else "")
            raise SettingError("file", wrong, f"@package {WHOLE} in the first lines, or none", where=where)
        settings = settings or bool(line.strip() and not line.lstrip().startswith("#"))


def _check_events(events: Iterator[yaml.Event], where: str) -> None:
    """Walk the events of one document, keeping the path of keys down to the value at hand."""
    stack: list[_Level] = []
    documents = 0
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else 0
        place = ".".join(level.key for level in stack if level.key) or "file"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SettingError(place, f"line {line}: anchors and aliases are not read", "the value itself", where=where)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise SettingError("file", f"line {line}: a second document begins", "one document a file", where=where)
        elif documents and not stack and isinstance(event, yaml.SequenceStartEvent | yaml.ScalarEvent):
            raise SettingError("file", f"line {line}: is no table", "name: value", where=where)
        tag = getattr(event, "tag", None)
        if tag:
            raise SettingError(place, f"line {line}: tag {tag} is not read", "a plain value", where=where)
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(stack) >= DEPTH_MAX:
                raise SettingError(place, f"line {line}: too deep", f"{DEPTH_MAX} levels", where=where)
            if stack and stack[-1].wants_key:
                raise SettingError(place, f"line {line}: a key must be one word", where=where)
            stack.append(_Level(isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            stack.pop()
            if stack:
                stack[-1].value_read()
        elif isinstance(event, yaml.ScalarEvent):
            _check_scalar(event, stack, place, line, where)
    if not documents:
        raise SettingError("file", "is empty", "name: value", where=where)


class _Level:
    """One mapping or list that is being read: its keys so far, and the key whose value comes next."""

    def __init__(self, mapping: bool) -> None:
        self.mapping, self.key, self.seen = mapping, "", set[str]()
        self.wants_key = mapping

    def value_read(self) -> None:
        self.wants_key = self.mapping


def _check_scalar(event: yaml.ScalarEvent, stack: list[_Level], place: str, line: int, where: str) -> None:
    value, level = str(event.value), stack[-1] if stack else None
    if "${" in value:
        raise SettingError(place, f"line {line}: interpolation {value!r} is not read", "the value itself", where=where)
    plain = not event.style
    reason = next((why for pattern, why in TRAPS if pattern.fullmatch(value)), "") if plain and value not in PLAIN else ""
    if reason:
        raise SettingError(
            place, f"line {line}: {value} is ambiguous: {reason}", f"'{value}' in quotes, or another value", where=where
        )
    if level is None or not level.wants_key:
        if plain and not value:
            raise SettingError(place, f"line {line}: has no value", "a value, or '' for an empty text", where=where)
        if level:
            level.value_read()
        return
    here = ".".join([*(other.key for other in stack[:-1] if other.key), value])
    if value in level.seen:
        raise SettingError(here, f"line {line}: the key stands twice", "each key once", where=where)
    if plain and value in PLAIN:
        raise SettingError(here, f"line {line}: {value} is no name", where=where)
    if HYDRAS.match(value) or value.startswith("_") or value == "<<":
        raise SettingError(here, f"line {line}: the key {value!r} is not read here", "settings of this project", where=where)
    level.seen.add(value)
    level.key, level.wants_key = value, False
