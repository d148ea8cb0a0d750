"""The kinds of choice that config files make, and what a file may take from others by its list of defaults."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sim.config.suggest import likely
from sim.errors import SettingError

GROUPS = ("region", "dynamics", "scenario", "shock", "study", "engine")
"""The folders of configs/, each a kind of choice."""
LONE = ("region", "dynamics", "shock", "engine")
"""Groups whose files take others of their own group only; scenarios and studies choose among all."""
LISTED = "shock"
"""The group of which several files are taken."""
DEFAULTS, SELF, OVERRIDE = "defaults", "_self_", "override "
GRAMMAR = frozenset("/\\@:=,;'\"${}[]()*?#~+<>|& \t\n\r\0")
"""What paths, packages and Hydra's grammar are made of: none of it stands in a name."""


def is_name(word: object) -> bool:
    """Whether a word can be the name of a file of a group: no path, and nothing that Hydra reads as more than a name."""
    return isinstance(word, str) and word.isprintable() and not word.startswith(".") and word != "" and not GRAMMAR & set(word)


class Entry(NamedTuple):
    """What one line of a list of defaults names; `_self_` has no group."""

    group: str
    names: Sequence[str] = ()
    override: bool = False


def entries_of(content: Mapping[str, Any], group: str, file: Path) -> list[Entry]:
    """What a file's list of defaults names, line by line; `group` is the file's own, empty for the main one.

    A file stands last where its list does not say.

    Raises
    ------
    SettingError
        Where the list is none, or names something else than files of this project's groups: Hydra's own settings, packages, paths.
    """
    for name in content if DEFAULTS not in content else ():
        if likely(str(name), [DEFAULTS], 0.8):
            raise SettingError(str(name), "no such setting", "settings of this project", DEFAULTS, str(file))
    lines = content.get(DEFAULTS, [])
    if not isinstance(lines, list):
        raise _refused(file, "", f"{lines!r} is no list", "a list, as in [reference]")
    if lines.count(SELF) > 1:
        raise _refused(file, "", f"{SELF} stands twice", "once")
    return [_entry(line, group, file, f".{number}") for number, line in enumerate(lines if SELF in lines else [*lines, SELF])]


def _entry(line: object, group: str, file: Path, place: str) -> Entry:
    if line == SELF:
        return Entry("")
    inside = f"names of files in {group}/ without .yaml" if group else "no name alone"
    if isinstance(line, str) and group and is_name(line):
        return Entry(group, [line])
    if not isinstance(line, Mapping) or len(line) != 1:
        raise _refused(file, place, f"{line!r} is no entry", f"/GROUP: NAME; {inside}; or {SELF}")
    ((key, value),) = line.items()
    known = _group_of(str(key), group, file, place)
    names: list[Any] = value if isinstance(value, list) and known == LISTED else [value]
    for name in names:
        if not is_name(name):
            allowed = f"{key}: [NAME, ...]" if known == LISTED else f"{key}: NAME"
            raise _refused(file, f".{known}", f"{name!r} is no name of a file", allowed)
        if names.count(name) > 1:
            raise _refused(file, f".{known}", f"{name} stands twice", "each name once")
    return Entry(known, names, str(key).startswith(OVERRIDE))


def _group_of(key: str, own: str, file: Path, place: str) -> str:
    """The group of an entry, from its key as a file of a group writes it: `/shock`, `override /region`."""
    words = key.split()
    group = words[-1].lstrip("/") if words else ""
    if group not in GROUPS:
        options = [f"{'/' if own else ''}{name}" for name in GROUPS]
        raise _refused(file, place, f"{key!r} is no group that a file takes from", ", ".join(options), likely(f"/{group}", options))
    wanted = group if not own else f"/{group}" if group in (LISTED, own) else f"{OVERRIDE}/{group}"
    if own in LONE and group != own:
        raise _refused(
            file, f".{group}", f"a file of {own}/ takes no file of {group}/", f"/{own}: NAME; a scenario or study takes others"
        )
    if " ".join(words) != wanted:
        raise _refused(file, f".{group}", f"{key!r} is not read", f"{wanted}: NAME", wanted)
    return group


def _refused(file: Path, place: str, wrong: str, allowed: str, meant: str = "") -> SettingError:
    return SettingError(f"{DEFAULTS}{place}", wrong, allowed, meant, str(file))
