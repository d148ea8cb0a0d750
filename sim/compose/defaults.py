"""Lists of defaults: the other files that a config file includes. Invalid entries are refused, with the file that has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sim.compose.folders import MAIN, Folders, config_folder, read_checked
from sim.compose.groups import GROUPS, LISTED, Entry, entries_of
from sim.config.strict_yaml import read_file
from sim.config.suggest import likely
from sim.errors import SettingError


@dataclass
class Taken:
    """The files of a composition."""

    where: Folders
    picked: Mapping[str, Sequence[str]]
    """The files that a command names, by group; they replace those that files name."""
    choices: dict[str, list[str]] = field(default_factory=lambda: {group: [] for group in GROUPS})
    """The names of the included files, by group, in the order of inclusion."""
    order: list[tuple[str, Path]] = field(default_factory=list)
    """The files with their groups, in the order of merging: later ones override earlier ones."""
    overrides: dict[str, Sequence[str]] = field(default_factory=dict)
    """The files that lists of defaults name instead of those in `config.yaml`, by group, from the outermost list."""

    def include(self, group: str, names: Sequence[str], by: tuple[Path, ...]) -> None:
        """Include files and what their lists of defaults name; `by` are the files that include them, the outermost first."""
        for name in names:
            file = self.where.file(group, name)
            if file is None:
                continue
            place = str(by[-1]) if by else ""
            if file in by:
                raise SettingError(f"defaults.{group}", f"{name} includes itself", "no circular lists", where=place)
            if name in self.choices[group]:
                raise SettingError(f"defaults.{group}", f"{name} is included twice", "each file once", where=place)
            self.follow(file, group, (*by, file))

    def follow(self, file: Path, group: str, by: tuple[Path, ...]) -> None:
        """Include what a file's list of defaults names, and the file itself at its place in that list."""
        content = read_checked(file, group, own=True) if self.where.is_own(file) else read_file(file)
        entries = entries_of(content, group, file)
        for entry in entries:
            _demand_there(entry, file, self.where)
            if entry.override:
                self.overrides.setdefault(entry.group, entry.names)
        for entry in entries:
            if not entry.group:
                self.order.append((group, file))
                self.choices.get(group, []).append(file.stem)
            elif entry.group == LISTED != group and LISTED in self.picked:
                self.include(LISTED, () if self.choices[LISTED] else self.picked[LISTED], ())
            elif not entry.override:
                picked = {} if group else self.picked
                self.include(entry.group, picked.get(entry.group, entry.names), by)


def taken(picks: Sequence[str], where: Folders) -> Taken:
    """The files of a composition: those that were picked and those that lists of defaults name. Each is read and checked."""
    picked = {
        group: names.strip("[]").split(",") if names.strip("[]") else [] for group, _, names in (p.partition("=") for p in picks)
    }
    found = _taken(picked, where)
    wanted = {group: list(names) for group, names in found.overrides.items() if group not in picked}
    return _taken(wanted | picked, where) if wanted else found


def _taken(picked: Mapping[str, Sequence[str]], where: Folders) -> Taken:
    found = Taken(where, picked)
    found.follow(config_folder() / f"{MAIN}.yaml", "", ())
    if not found.choices[LISTED]:
        found.include(LISTED, picked.get(LISTED, ()), ())
    return found


def _demand_there(entry: Entry, file: Path, where: Folders) -> None:
    """Refuse an entry that names a file that does not exist."""
    options = where.options(entry.group) if entry.group else []
    for name in entry.names:
        if name not in options:
            wrong = f"no {entry.group} is called {name!r}"
            raise SettingError(f"defaults.{entry.group}", wrong, ", ".join(options), likely(name, options), str(file))
