"""The kinds of choice that config files make, and what a file may take from others by its list of defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.refusal import SettingError, likely

GROUPS = ("region", "dynamics", "scenario", "shock", "study", "engine")
"""The folders of configs/, each a kind of choice."""
LISTED = "shock"
"""The group of which several files are taken."""
SELF = "_self_"
GRAMMAR = frozenset("/\\@:=,;'\"${}[]()*?#~+<>|& \t\n\r\0")
"""What paths, packages and Hydra's grammar are made of: none of it stands in a name."""


def is_name(word: object) -> bool:
    """Whether a word can be the name of a file of a group: no path, and nothing that Hydra reads as more than a name."""
    return isinstance(word, str) and word.isprintable() and not word.startswith(".") and word != "" and not GRAMMAR & set(word)


def named_by(content: Mapping[str, Any], group: str, file: Path) -> dict[str, list[str]]:
    """What a file's list of defaults names, by group; `group` is the file's own, empty for the main one.

    Raises
    ------
    SettingError
        Where the list is none, or names something else than files of this project's groups: Hydra's own settings, packages, paths.
    """
    entries = content.get("defaults", [])
    if not isinstance(entries, list):
        raise _refused(file, "", f"{entries!r} is no list", "[...]")
    found: dict[str, list[str]] = {}
    for number, entry in enumerate(entries):
        key, names = _entry(entry, group, file, number)
        found.setdefault(key, []).extend(names)
    return found


def _entry(entry: object, group: str, file: Path, number: int) -> tuple[str, list[str]]:
    """The group and the names of one entry."""
    place, inside = f".{number}", f"a file of {group}/ without .yaml" if group else "no name alone"
    if isinstance(entry, str):
        if entry != SELF and (not group or not is_name(entry)):
            raise _refused(file, place, f"{entry!r} is no name of a file", f"{inside}, or {SELF}")
        return group, [] if entry == SELF else [entry]
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise _refused(file, place, f"{entry!r} is no entry", f"/GROUP: NAME; {inside}; or {SELF}")
    ((key, value),) = entry.items()
    word = str(key).removeprefix("override ")
    known = word.removeprefix("/") if word.startswith("/") or not group else ""
    if known not in GROUPS:
        options = [f"{'/' if group else ''}{name}" for name in GROUPS]
        raise _refused(file, place, f"{key!r} is no group that a file takes from", ", ".join(options), likely(word, options))
    names: list[Any] = value if isinstance(value, list) and known == LISTED else [value]
    wrong = [name for name in names if not is_name(name)]
    if wrong:
        allowed = f"{key}: [NAME, ...]" if known == LISTED else f"{key}: NAME"
        raise _refused(file, f".{known}", f"{wrong[0]!r} is no name of a file", allowed)
    return known, names


def _refused(file: Path, place: str, wrong: str, allowed: str, meant: str = "") -> SettingError:
    return SettingError(f"defaults{place}", wrong, allowed, meant, str(file))
