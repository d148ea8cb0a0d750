"""Lists of defaults: which other files a config file brings in. An entry that Hydra could not follow is refused, with its file."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sim.folders import GROUPS, MAIN, Folders, config_folder
from sim.refusal import SettingError, likely
from sim.strict import read_file

SELF = "_self_"
FORMS = "names of files beside this one, /shock: [...], override /region: NAME and the like, and _self_"
MANY = "shock"
"""The one group of which a run takes several files."""


class _Entry(NamedTuple):
    """What one line of a list names, and which file says so."""

    group: str
    names: Sequence[str]
    by: tuple[Path, ...]
    """The file that says it, and those that brought that file in, the outermost first."""


def taken(picks: Sequence[str], where: Folders) -> dict[str, list[str]]:
    """The files that take part, by group: those that were picked and those that lists of defaults name. Each is read and checked."""
    picked = {
        group: names.strip("[]").split(",") if names.strip("[]") else [] for group, _, names in (p.partition("=") for p in picks)
    }
    main = config_folder() / f"{MAIN}.yaml"
    waiting = [entry for entry in _entries(main, "", (), where) if entry.group not in picked]
    waiting += [_Entry(group, names, ()) for group, names in picked.items()]
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    brought: dict[tuple[str, str], Path | None] = {}
    while waiting:
        group, names, by = waiting.pop(0)
        if len(by) > 1 and group not in (MANY, by[-1].parent.name):  # an override: it takes the place of what config.yaml names
            return taken([*picks, f"{group}={names[0]}"], where)
        for name in names:
            file = where.file(group, name)
            if file is None:
                continue
            _demand_once(group, name, file, by, brought)
            brought[group, name] = by[-1] if by else None
            found[group].append(name)
            own = _entries(file, group, by or (main,), where)
            waiting += [entry for entry in own if entry.group == group or entry.group not in picked]
    return found


def _demand_once(group: str, name: str, file: Path, by: Sequence[Path], brought: Mapping[tuple[str, str], Path | None]) -> None:
    if file in by:
        raise SettingError(f"defaults.{group}", f"{name} leads back to itself", "no circle", where=str(by[-1]))
    if (group, name) in brought:
        first = brought[group, name]
        said = f"{name} is brought in twice" + (f", also by {first}" if first and first not in by[-1:] else "")
        raise SettingError(f"defaults.{group}", said, "each file once", where=str(by[-1]) if by else "")


def _entries(file: Path, group: str, by: tuple[Path, ...], where: Folders) -> Iterator[_Entry]:
    """What a file's list of defaults names, one entry a line."""
    lines = read_file(file).get("defaults", [])
    if not isinstance(lines, list):
        raise SettingError("defaults", f"{lines!r} is no list", "a list, as in [reference]", where=str(file))
    if lines.count(SELF) > 1:
        raise SettingError("defaults", f"{SELF} stands twice", "once", where=str(file))
    for line in lines:
        if line == SELF:
            continue
        pair = line if isinstance(line, Mapping) else {f"/{group}" if group else "": line}
        if len(pair) != 1:
            raise SettingError("defaults", f"{line!r} is no entry", FORMS, where=str(file))
        [(key, names)] = pair.items()
        one = _group_of(str(key), file, main=not group, own=group)
        yield _Entry(one, _names_of(one, names, file, where), (*by, file))


def _group_of(key: str, file: Path, main: bool, own: str) -> str:
    """The group that an entry is of, from its key as written: `/shock`, `override /region`."""
    words = key.split()
    group = words[-1].lstrip("/") if words else ""
    wanted = group if main else f"/{group}" if group in (MANY, own) else f"override /{group}"
    if group not in GROUPS:
        near = likely(group, GROUPS)
        said = f"no group is called {group!r}" if group else "an entry names no group"
        raise SettingError("defaults", said, ", ".join(f"/{name}" for name in GROUPS), near and f"/{near}", str(file))
    if " ".join(words) != wanted:
        raise SettingError(f"defaults.{group}", f"{key!r} is not read", FORMS, wanted, str(file))
    return group


def _names_of(group: str, names: object, file: Path, where: Folders) -> list[str]:
    """The files of a group that an entry names; each must be there."""
    said, options = names if isinstance(names, list) else [names], where.options(group)
    if isinstance(names, list) and group != MANY:
        raise SettingError(f"defaults.{group}", f"{names!r} is a list", f"one name of {group}/", where=str(file))
    for name in said:
        if name not in options:
            meant = likely(str(name), options)
            raise SettingError(f"defaults.{group}", f"no {group} is called {name!r}", ", ".join(options), meant, str(file))
        if said.count(name) > 1:
            raise SettingError(f"defaults.{group}", f"{name} stands twice", "each name once", where=str(file))
    return [str(name) for name in said]
