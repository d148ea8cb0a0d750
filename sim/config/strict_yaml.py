"""The reader of config files: Hydra composes what it returns, and ambiguous YAML is refused.

YAML 1.1, Hydra and OmegaConf accept aliases, tags, interpolations and duplicate keys, and read `NO` as false and `010` as 8.
"""

import math
import re
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from sim.errors import SettingError
from sim.text import shown, unseen

SIZE_MAX = 1_000_000
"""Most bytes of a config file."""
DEPTH_MAX = 20
TRAPS = (
    (re.compile(r"(?i:yes|no|on|off|y|n|null|true|false)|~"), "YAML reads it as a switch or as nothing"),
    (re.compile(r"[-+]?0[0-9_]+"), "YAML reads it as an octal number"),
    (re.compile(r"[-+]?0[xXbBoO][0-9a-fA-F_]+"), "YAML reads it as a number in another base"),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-9_.]+)+"), "YAML reads it as a number in base 60"),
    (re.compile(r"[-+]?[0-9.]*[0-9]_[0-9_.]*"), "YAML drops the underscores"),
    (re.compile(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN)"), "it is not a finite number"),
)
INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
DIGITS_MAX = 19
"""Most digits of a whole number."""
NODES_MAX = 50_000
"""Most names, values, tables and lists of a config file."""
WRITTEN_MAX = 16_000_000
"""Most bytes of the settings in a results folder, which include those of every variant."""
WRITTEN_NODES_MAX = 1_000_000
"""Most names and values of these settings, where an alias counts as all that it repeats."""
PACKAGE = re.compile(r"^\s*#\s*@package\b(.*)$", re.MULTILINE)
"""A comment that moves the settings of a file to another place in the composed settings."""
SETTINGS = re.compile(r"^[ \t]*[^\s#]", re.MULTILINE)
"""The first line that is not a comment."""
WHOLE = "_global_"
"""The one package that is accepted: the settings of the whole run."""
HYDRAS = re.compile(r"\W*hydra(\W|$)")
"""Keys that Hydra reads as its own settings, or would read so on a command line."""
PLAIN = frozenset({"true", "false", "null"})
"""Unquoted words that are not text and are accepted."""
BREAKS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
"""Line breaks of YAML that most editors do not show."""


_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader; the one in C, ten times faster, where PyYAML has it."""


class _Loader(_Safe):
    """Scalars as in YAML 1.2: dates, `NO` and everything else that is not a number, true, false or null are text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as the class above declares it


for _tag, _pattern, _first in (
    ("bool", re.compile(r"(?:true|false)\Z"), "tf"),
    ("null", re.compile(r"null\Z"), "n"),
    ("int", re.compile(INTEGER.pattern + r"\Z"), "-+0123456789"),
    ("float", re.compile(NUMBER.pattern + r"\Z"), "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, list(_first))


def read_file(path: Path) -> Any:
    """The plain content of a YAML file; the same content is parsed only once.

    Raises
    ------
    SettingError
        Where it is invalid or ambiguous; the message names file, line and key.
    """
    return _read(str(path), _bytes(path))


def read_written(path: Path) -> Any:
    """The settings of a results folder as plain content; too many aliases and tags that create objects are refused.

    Raises
    ------
    SettingError
        Where it is not such a file; the message names it.
    """
    try:
        text = _bytes(path, WRITTEN_MAX).decode()
        _check_spread(yaml.parse(text, Loader=_Safe), str(path))
        return yaml.load(text, Loader=_Safe)  # noqa: S506 - a safe one, in C
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        raise SettingError("file", "is not valid YAML: " + _reason(error), where=str(path)) from None


def _check_spread(events: Iterator[yaml.Event], where: str) -> None:
    """Refuse content that is too deep, or too large once every alias is expanded."""
    open_anchors: list[str | None] = []
    sizes, anchored = [0], dict[str, int]()
    for event in events:
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.CollectionStartEvent):
            open_anchors.append(anchor)
            sizes.append(1)
            size = 0
        elif isinstance(event, yaml.CollectionEndEvent):
            size = sizes.pop()
            if anchor := open_anchors.pop():
                anchored[anchor] = size
        elif isinstance(event, yaml.AliasEvent):
            if anchor not in anchored:
                raise SettingError(f"alias {anchor}", "refers to nothing written before it", where=where)
            size = anchored[anchor]
        else:
            size = int(isinstance(event, yaml.ScalarEvent))
            if anchor:
                anchored[anchor] = size
        sizes[-1] += size
        if len(sizes) > DEPTH_MAX:
            raise SettingError("file", "is too deep", f"{DEPTH_MAX} levels", where=where)
        if sizes[-1] > WRITTEN_NODES_MAX:
            raise SettingError("file", f"holds more than {WRITTEN_NODES_MAX} names and values", "fewer", where=where)


def is_whole(path: Path) -> bool:
    """Whether a file's settings belong to the whole config, not to the group of its folder."""
    return bool(PACKAGE.search(_bytes(path).decode("utf-8-sig", "replace")))


def _bytes(path: Path, most: int = SIZE_MAX) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        raise SettingError("file", "is not a plain file", "a text file", where=str(path))
    with path.open("rb") as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise SettingError("file", f"has more than {most} bytes", f"at most {most}", where=str(path))
    return raw


@lru_cache(maxsize=512)
def _read(where: str, raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SettingError("file", f"line {line}: is not text in UTF-8", where=where) from None
    _check_text(text, where)
    try:
        _check_events(yaml.parse(text, Loader=_Loader), where)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe one, in C
    except (yaml.YAMLError, RecursionError) as error:
        raise SettingError(_line(error, text), "is not valid YAML: " + _reason(error), where=where) from None


def _check_text(text: str, where: str) -> None:
    """Refuse @package comments that are not accepted, and invisible line breaks."""
    begins = SETTINGS.search(text)
    for found in PACKAGE.finditer(text):
        late = begins is not None and begins.start() < found.start()
        if found[1].strip() != WHOLE or late:
            line = text.count("\n", 0, found.start(1)) + 1
            wrong = f"line {line}: @package {found[1].strip()} is not read" + (" after settings" if late else "")
            raise SettingError("file", wrong, f"@package {WHOLE} in the first lines, or none", where=where)
    hidden = BREAKS.search(text)
    if hidden:
        line = text.count("\n", 0, hidden.start()) + 1
        raise SettingError("file", f"line {line}: an invisible line break ({shown(hidden[0])})", "plain line ends", where=where)


def _line(error: Exception, text: str) -> str:
    mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
    if mark is None and position is None:
        return "file"
    return f"line {mark.line + 1}" if mark else f"line {text.count(chr(10), 0, position) + 1}"


def _reason(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]


def _check_events(events: Iterator[yaml.Event], where: str) -> None:
    """Check the events of one document, with the path of keys that leads to each value."""
    stack: list[_Level] = []
    documents = 0
    for number, event in enumerate(events):
        if number > NODES_MAX:
            raise SettingError("file", f"holds more than {NODES_MAX} names and values", "fewer", where=where)
        line = event.start_mark.line + 1 if event.start_mark else 0
        place = ".".join(level.key for level in stack if level.key) or "file"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SettingError(place, f"line {line}: anchors and aliases are not read", "the value itself", where=where)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise SettingError("file", f"line {line}: a second document begins", "one document a file", where=where)
        elif documents and not stack and isinstance(event, yaml.SequenceStartEvent | yaml.ScalarEvent):
            raise SettingError("file", f"line {line}: is not a table", "name: value", where=where)
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


def _trap(value: str) -> str:
    """Why an unquoted word is ambiguous; empty where it is not."""
    reason = next((why for pattern, why in TRAPS if pattern.fullmatch(value)), "")
    if reason or not NUMBER.fullmatch(value):
        return reason
    if INTEGER.fullmatch(value):
        return f"it has more than {DIGITS_MAX} digits" if len(value.lstrip("+-")) > DIGITS_MAX else ""
    number = float(value)
    if not math.isfinite(number):
        return "it is beyond the largest number"
    return "it would be read as 0" if number == 0 and re.search("[1-9]", re.split("[eE]", value)[0]) else ""


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
    if hidden := unseen(value):
        found = "a line break; >- joins lines into one" if hidden == "\n" else f"an invisible character ({shown(hidden[0])})"
        raise SettingError(place, f"line {line}: '{shown(value)[:60]}' contains {found}", "text on one line", where=where)
    if value == "???":
        raise SettingError(place, f"line {line}: ??? is not read", "the value itself", where=where)
    plain = not event.style
    reason = _trap(value) if plain and value not in PLAIN else ""
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
        raise SettingError(here, f"line {line}: the key is given twice", "each key once", where=where)
    if plain and (value in PLAIN or NUMBER.fullmatch(value)):
        raise SettingError(here, f"line {line}: {value} is not a valid name", "a word, or a name in quotes", where=where)
    if "." in value and len(stack) == 1:  # a dotted name would set a table that this file does not have
        raise SettingError(
            here, f"line {line}: {value} is not a valid name", f"{value.partition('.')[0]}, with a table below it", where=where
        )
    if HYDRAS.match(value) or value.startswith("_") or value == "<<":
        raise SettingError(here, f"line {line}: the key {value!r} is not read here", "settings of this project", where=where)
    level.seen.add(value)
    level.key, level.wants_key = value, False


def yaml_text(content: object) -> str:
    """Plain settings as YAML; by the dumper in C, several times faster, where PyYAML has it."""
    return yaml.dump(content, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=132)


_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
