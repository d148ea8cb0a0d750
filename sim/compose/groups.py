"""Groups of config files, and which files of which groups a list of defaults may include."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sim.config.suggest import likely
from sim.errors import SettingError

GROUPS = ("region", "dynamics", "scenario", "shock", "study", "engine")
"""The groups of config files: the folders of configs/."""
LONE = ("region", "dynamics", "shock", "engine")
"""Groups whose files include files of their own group only; scenarios and studies include any."""
LISTED = "shock"
"""The group of which several files may be chosen."""
DEFAULTS, SELF, OVERRIDE = "defaults", "_self_", "override "
GRAMMAR = frozenset("/\\@:=,;'\"${}[]()*?#~+<>|& \t\n\r\0")
"""Characters of paths, packages and Hydra's grammar, which names may not contain."""


def is_name(word: object) -> bool:
    """Whether a text can be the name of a file of a group: not a path, and nothing with a meaning in Hydra's grammar."""
    return isinstance(word, str) and word.isprintable() and not word.startswith(".") and word != "" and not GRAMMAR & set(word)


class Entry(NamedTuple):
    """One entry of a list of defaults; `_self_` has an empty group."""

    group: str
    names: Sequence[str] = ()
    override: bool = False


def entries_of(content: Mapping[str, Any], group: str, file: Path) -> list[Entry]:
    """The entries of a file's list of defaults; `group` is the file's group, empty for the main file.

    Where the list lacks `_self_`, the file itself comes last.

    Raises
    ------
    SettingError
        Where it is not a list, or names something other than files of the groups: Hydra's own settings, packages, paths.
    """
    for name in content if DEFAULTS not in content else ():
        if likely(str(name), [DEFAULTS], 0.8):
            raise SettingError(str(name), "no such setting", "settings of this project", DEFAULTS, str(file))
    lines = content.get(DEFAULTS, [])
    if not isinstance(lines, list):
        raise _refused(file, "", f"{lines!r} is not a list", "a list, as in [reference]")
    if lines.count(SELF) > 1:
        raise _refused(file, "", f"{SELF} is given twice", "once")
    return [_entry(line, group, file, f".{number}") for number, line in enumerate(lines if SELF in lines else [*lines, SELF])]


def _entry(line: object, group: str, file: Path, place: str) -> Entry:
    if line == SELF:
        return Entry("")
    inside = f"names of files in {group}/ without .yaml" if group else "no name alone"
    if isinstance(line, str) and group and is_name(line):
        return Entry(group, [line])
    if not isinstance(line, Mapping) or len(line) != 1:
        raise _refused(file, place, f"{line!r} is not a valid entry", f"/GROUP: NAME; {inside}; or {SELF}")
    ((key, value),) = line.items()
    known = _group_of(str(key), group, file, place)
    names: list[Any] = value if isinstance(value, list) and known == LISTED else [value]
    for name in names:
        if not is_name(name):
            allowed = f"{key}: [NAME, ...]" if known == LISTED else f"{key}: NAME"
            raise _refused(file, f".{known}", f"{name!r} is not the name of a file", allowed)
        if names.count(name) > 1:
            raise _refused(file, f".{known}", f"{name} is given twice", "each name once")
    return Entry(known, names, str(key).startswith(OVERRIDE))


def _group_of(key: str, own: str, file: Path, place: str) -> str:
    """The group of an entry, from its key as a file of a group writes it: `/shock`, `override /region`."""
    words = key.split()
    group = words[-1].lstrip("/") if words else ""
    if group not in GROUPS:
        options = [f"{'/' if own else ''}{name}" for name in GROUPS]
        raise _refused(file, place, f"{key!r} is not a group of config files", ", ".join(options), likely(f"/{group}", options))
    wanted = group if not own else f"/{group}" if group in (LISTED, own) else f"{OVERRIDE}/{group}"
    if own in LONE and group != own:
        raise _refused(
            file,
            f".{group}",
            f"a file of {own}/ cannot include a file of {group}/",
            f"/{own}: NAME; only scenarios and studies include other groups",
        )
    if " ".join(words) != wanted:
        raise _refused(file, f".{group}", f"{key!r} is not read", f"{wanted}: NAME", wanted)
    return group


def _refused(file: Path, place: str, wrong: str, allowed: str, meant: str = "") -> SettingError:
    return SettingError(f"{DEFAULTS}{place}", wrong, allowed, meant, str(file))
