"""Where config files are looked for: the user's own folder, then the shipped one."""

from dataclasses import dataclass
from pathlib import Path

from sim.refusal import SettingError, likely
from sim.strict import read_file

HYDRA_VERSION_BASE = "1.3"
GROUPS = ("region", "dynamics", "scenario", "shock", "study", "engine")
"""The folders of configs/, each a kind of choice."""

MAIN = "config"
"""The file that a composition begins with, always the shipped one; a folder of results has one of that name too."""
NEAR = 0.65
"""How near a folder's name is to that of a group to be meant as one: plurals and slips are, `docs` and `sources` are not."""


def config_folder() -> Path:
    """The folder of the shipped configs: beside the package in a checkout, inside it in an installation."""
    inside = Path(__file__).parent / "_configs"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "configs"


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
        return sorted({file.stem for folder in self.paths for file in (folder / group).glob("*.yaml")})

    def own(self) -> list[str]:
        """The user's own files, as `group/name.yaml`."""
        return (
            sorted(f"{group}/{file.name}" for group in GROUPS for file in (self.user / group).glob("*.yaml")) if self.user else []
        )

    def file(self, group: str, name: str) -> Path | None:
        """The file of a group's option; the user's own stands before a shipped one."""
        found = [folder / group / f"{name}.yaml" for folder in self.paths]
        return next((file for file in found if file.is_file()), None)

    def unread(self, group: str, name: str) -> str:
        """A file of the user's own that would be a group's option if it ended in `.yaml`; empty where there is none."""
        folder = self.user / group if self.user else None
        files = sorted(folder.iterdir()) if folder and folder.is_dir() else []
        return next((str(file) for file in files if name in (file.name.partition(".")[0], file.name) and file.suffix != ".yaml"), "")

    def called(self, file: Path) -> str:
        """A file as messages name it: the user's own by its path, a shipped one as `group/name.yaml`."""
        return str(file) if self.user and self.user in file.parents else f"{file.parent.name}/{file.name}"


def folders(config_dir: str | Path | None) -> Folders:
    """The folders to search, every file in the user's own checked first.

    Raises
    ------
    SettingError
        Where it is no folder, holds nothing that is read, or something that looks like a config file and would not be read.
    """
    if config_dir is None:
        return Folders()
    user = Path(config_dir).resolve()
    above = next((str(folder.parent) for folder in (user, *user.parents) if folder.name in GROUPS and folder.is_dir()), "")
    if not user.is_dir():
        near = above or likely(user.name, [path.name for path in user.parent.iterdir() if path.is_dir()] if user.parent.is_dir() else [])
        raise SettingError("--config-dir", f"{config_dir} is no folder", "a folder with region/, shock/, scenario/ ... files", near)
    if not any((user / group).is_dir() for group in GROUPS):
        raise SettingError("--config-dir", f"{config_dir} holds none of the folders that are read", ", ".join(GROUPS), above)
    _demand_read(user)
    for file in sorted(user.glob("*/*.yaml")):
        if file.parent.name in GROUPS:
            read_file(file)
    return Folders(user)


def _demand_read(user: Path) -> None:
    """Refuse what looks like a config file and stands where none is read, so that nothing is left out silently."""
    allowed = "/, ".join(GROUPS) + "/ with .yaml files"
    for file in _yaml_files(user):
        why = ": a command sets the whole run, or a file of study/" if file.stem == MAIN else " here"
        raise SettingError("--config-dir", f"is not read{why}", allowed, where=str(file))
    for folder in sorted(path for path in user.iterdir() if path.is_dir()):
        files = _yaml_files(folder)
        if folder.name in GROUPS:
            for file in files:
                if file.suffix != ".yaml":
                    raise SettingError("--config-dir", "is not read", "files that end in .yaml", f"{file.stem}.yaml", str(file))
        elif any(file.stem != MAIN for file in files) and (meant := likely(folder.name.lower(), GROUPS, NEAR)):
            raise SettingError("--config-dir", "is not read", allowed, f"{meant}/", str(folder))


def _yaml_files(folder: Path) -> list[Path]:
    """The files straight in a folder that look like YAML, hidden ones left out."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in (".yaml", ".yml") and not file.name.startswith("."))
