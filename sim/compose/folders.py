"""Where config files are looked for: the user's own folder, then the shipped one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sim.compose.groups import GROUPS, entries_of, is_name
from sim.config import places
from sim.config.strict_yaml import is_whole, read_file
from sim.config.suggest import likely
from sim.errors import SettingError
from sim.home import PACKAGE

HYDRA = "hydra"
"""The folder of Hydra's own settings, which config files cannot set."""
MAIN = "config"
"""The main file of a composition, always the shipped one; a results folder has a file of that name too."""
NEAR = 0.65
"""The similarity from which a folder's name counts as a misspelt group: plurals and typing errors do, `docs` does not."""


def config_folder() -> Path:
    """The folder of the shipped configs: next to the package in a checkout, inside it in an installation."""
    inside = PACKAGE / "_configs"
    return inside if inside.is_dir() else PACKAGE.parent / "configs"


@dataclass(frozen=True)
class Folders:
    """Where config files are looked for: the user's own folder, then the shipped one."""

    user: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """The folders in the order of search."""
        return [*([self.user] if self.user else []), config_folder()]

    def options(self, group: str) -> list[str]:
        """The names of the files in a group."""
        return sorted({file.stem for folder in self.paths for file in (folder / group).glob("*.yaml") if is_name(file.stem)})

    def replacing(self) -> list[str]:
        """The user's files that take precedence over a shipped file of their name, as `group/name.yaml`."""
        shipped, user = config_folder(), self.user
        found = [f"{group}/{file.name}" for group in GROUPS for file in (user / group).glob("*.yaml")] if user else []
        return sorted(name for name in found if (shipped / name).is_file())

    def replaced_lines(self) -> list[str]:
        """A line for the screen for each of these files."""
        return [f"configs: your {name} takes precedence over the shipped one" for name in self.replacing()]

    def file(self, group: str, name: str) -> Path | None:
        """The file of a name in a group, or None; the user's takes precedence over a shipped one."""
        found = [folder / group / f"{name}.yaml" for folder in self.paths]
        return next((file for file in found if file.is_file()), None) if group in GROUPS and is_name(name) else None

    def is_own(self, file: Path) -> bool:
        """Whether a file is one of the user's."""
        return self.user is not None and self.user in file.parents

    def picking(self, word: str) -> str:
        """The override that selects the file of some name, as study=headline; empty where there is none."""
        found = [group for group in ("scenario", "study", "region", "dynamics") if self.file(group, word)]
        return f"{found[0]}={word}" if found else ""

    def unread(self, group: str, name: str) -> str:
        """A user's file that would be in a group if it ended in `.yaml`; empty where there is none."""
        folder = self.user / group if self.user else None
        files = sorted(folder.iterdir()) if folder and folder.is_dir() else []
        return next(
            (str(file) for file in files if name in (file.name.partition(".")[0], file.name) and file.suffix != ".yaml"), ""
        )

    def called(self, file: Path) -> str:
        """The name of a file in messages: a user's file by its path, a shipped one as `group/name.yaml`."""
        return str(file) if self.is_own(file) else f"{file.parent.name}/{file.name}"


def folders(config_dir: str | Path | None) -> Folders:
    """The folders to search; every file in the user's folder is checked first.

    Raises
    ------
    SettingError
        Where it is not a folder, has none of the folders of config files, or has a config file that would not be read.
    """
    if config_dir is None:
        return Folders()
    places.demand_path("--config-dir", str(config_dir))
    user = Path(os.path.realpath(config_dir))
    above = next((str(folder.parent) for folder in (user, *user.parents) if folder.name in GROUPS and folder.is_dir()), "")
    if not user.is_dir():
        near = above or likely(
            user.name, [path.name for path in user.parent.iterdir() if path.is_dir()] if user.parent.is_dir() else []
        )
        raise SettingError(
            "--config-dir", f"{config_dir} is not a folder", "a folder with region/, shock/, scenario/ ... files", near
        )
    if not any((user / group).is_dir() for group in GROUPS):
        raise SettingError("--config-dir", f"{config_dir} has none of the folders of config files", ", ".join(GROUPS), above)
    _demand_read(user)
    for file in sorted(user.glob("*/*.yaml")):
        if file.parent.name in GROUPS and not file.name.startswith("."):
            read_checked(file, file.parent.name, own=True)
    return Folders(user)


def read_checked(file: Path, group: str, own: bool) -> Mapping[str, object]:
    """The content of a config file of a group, checked: ambiguous YAML, lists of defaults, places.

    A user's `own` file may not set where a run writes or connects to, nor choose the engine: only the command line may.
    """
    if own and not (file.is_file() and Path(os.path.realpath(file)).is_relative_to(file.parent.parent)):
        raise SettingError("--config-dir", "is not a file in that folder", "plain files, no links out of it", where=str(file))
    content = read_file(file)
    entries = entries_of(content, group, file)
    if own:
        places.demand_none_in(content, group, is_whole(file), file)
        engine = next((entry.names[0] for entry in entries if entry.group == places.ENGINE != group), "")
        if engine:
            raise SettingError("defaults.engine", "is not set by a file", f"engine={engine} on the command line", where=str(file))
    return content


def _demand_read(user: Path) -> None:
    """Refuse config files in places where none is read, so that nothing is left out silently."""
    allowed = "/, ".join(GROUPS) + "/ with .yaml files"
    for file in _yaml_files(user):
        why = ": a command sets the whole run, or a file of study/" if file.stem == MAIN else " here"
        raise SettingError("--config-dir", f"is not read{why}", allowed, where=str(file))
    for folder in sorted(path for path in user.iterdir() if path.is_dir()):
        files = _yaml_files(folder)
        if folder.name in GROUPS:
            _demand_group(folder, files, user)
        elif folder.name.lower() == HYDRA:
            wrong = "is not read: Hydra's own settings belong on the command line"
            raise SettingError("--config-dir", wrong, allowed, where=str(folder))
        elif any(file.stem != MAIN for file in files) and (meant := likely(folder.name.lower(), GROUPS, NEAR)):
            raise SettingError("--config-dir", "is not read", allowed, f"{meant}/", str(folder))


def _demand_group(folder: Path, files: list[Path], user: Path) -> None:
    if not Path(os.path.realpath(folder)).is_relative_to(user):
        raise SettingError("--config-dir", "leads out of that folder", "plain folders and files", where=str(folder))
    for file in files:
        if file.suffix != ".yaml":
            raise SettingError("--config-dir", "is not read", "files that end in .yaml", f"{file.stem}.yaml", str(file))
        if not is_name(file.stem):
            raise SettingError("--config-dir", "cannot be named in a command", "letters, digits, _, - and .", where=str(file))
    for below in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        for file in _yaml_files(below):
            raise SettingError("--config-dir", "is not read", f"{folder.name}/{file.name}", where=str(file))


def _yaml_files(folder: Path) -> list[Path]:
    """The files directly in a folder whose names end as those of YAML do, without hidden files."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in (".yaml", ".yml") and not file.name.startswith("."))
