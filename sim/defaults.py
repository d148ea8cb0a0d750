"""Lists of defaults: which other files a config file brings in. An entry that Hydra could not follow is refused, with its file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    """What one line of a list names; the group of `_self_` is empty."""

    group: str
    names: Sequence[str] = ()
    override: bool = False


@dataclass
class Taken:
    """The files that take part in a composition."""

    where: Folders
    picked: Mapping[str, Sequence[str]]
    """What a command names, by group; it takes the place of what files name."""
    choices: dict[str, list[str]] = field(default_factory=lambda: {group: [] for group in GROUPS})
    """The names of the files, by group, in that order."""
    order: list[tuple[str, Path]] = field(default_factory=list)
    """The files with their groups, in the order in which they are laid over each other."""
    overrides: dict[str, Sequence[str]] = field(default_factory=dict)
    """What files want instead of what `config.yaml` names, the outermost first."""

    def bring(self, group: str, names: Sequence[str], by: tuple[Path, ...]) -> None:
        """Take files and what their lists of defaults name; `by` are those that brought them in, the outermost first."""
        for name in names:
            file = self.where.file(group, name)
            if file is None:
                continue
            place = str(by[-1]) if by else ""
            if file in by:
                raise SettingError(f"defaults.{group}", f"{name} leads back to itself", "no circle", where=place)
            if name in self.choices[group]:
                raise SettingError(f"defaults.{group}", f"{name} is brought in twice", "each file once", where=place)
            self.follow(file, group, (*by, file))

    def follow(self, file: Path, group: str, by: tuple[Path, ...]) -> None:
        """Take what a file's list of defaults names, and the file itself in its place among them."""
        entries = list(_entries(file, group, self.where))
        for entry in entries:
            if entry.override:
                self.overrides.setdefault(entry.group, entry.names)
        for entry in entries:
            if not entry.group:
                self.order.append((group, file))
                self.choices.get(group, []).append(file.stem)
            elif entry.group == MANY != group and MANY in self.picked:
                self.bring(MANY, () if self.choices[MANY] else self.picked[MANY], ())
            elif not entry.override:
                picked = {} if group else self.picked
                self.bring(entry.group, picked.get(entry.group, entry.names), by)


def taken(picks: Sequence[str], where: Folders) -> Taken:
    """The files that take part: those that were picked and those that lists of defaults name. Each is read and checked."""
    picked = {
        group: names.strip("[]").split(",") if names.strip("[]") else [] for group, _, names in (p.partition("=") for p in picks)
    }
    found = _taken(picked, where)
    wanted = {group: list(names) for group, names in found.overrides.items() if group not in picked}
    return _taken(wanted | picked, where) if wanted else found


def _taken(picked: Mapping[str, Sequence[str]], where: Folders) -> Taken:
    found = Taken(where, picked)
    found.follow(config_folder() / f"{MAIN}.yaml", "", ())
    if not found.choices[MANY]:
        found.bring(MANY, picked.get(MANY, ()), ())
    return found


def _entries(file: Path, group: str, where: Folders) -> Iterator[_Entry]:
    """What a file's list of defaults names, one entry a line; a file stands last where its list does not say."""
    table = read_file(file)
    for name in table if "defaults" not in table else ():
        if likely(name, ["defaults"], 0.8):
            raise SettingError(name, "no such setting", "settings of this project", "defaults", str(file))
    lines = table.get("defaults", [])
    if not isinstance(lines, list):
        raise SettingError("defaults", f"{lines!r} is no list", "a list, as in [reference]", where=str(file))
    if lines.count(SELF) > 1:
        raise SettingError("defaults", f"{SELF} stands twice", "once", where=str(file))
    for line in lines if SELF in lines else [*lines, SELF]:
        if line == SELF:
            yield _Entry("")
            continue
        pair = line if isinstance(line, Mapping) else {f"/{group}" if group else "": line}
        if len(pair) != 1:
            raise SettingError("defaults", f"{line!r} is no entry", FORMS, where=str(file))
        [(key, names)] = pair.items()
        one = _group_of(str(key), file, main=not group, own=group)
        yield _Entry(one, _names_of(one, names, file, where), override=str(key).startswith("override "))


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
