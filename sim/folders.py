"""Where config files are looked for: the shipped folder, then the user's own."""

from dataclasses import dataclass
from pathlib import Path

from sim.refusal import SettingError
from sim.strict import read_file

HYDRA_VERSION_BASE = "1.3"
GROUPS = ("region", "dynamics", "scenario", "shock", "study", "engine")
"""The folders of configs/, each a kind of choice."""


def config_folder() -> Path:
    """The folder of the shipped configs: beside the package in a checkout, inside it in an installation."""
    inside = Path(__file__).parent / "_configs"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "configs"


@dataclass(frozen=True)
class Folders:
    """Where config files are looked for: the shipped folder, then the user's own."""

    user: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """The folders in the order of search."""
        return [config_folder(), *([self.user] if self.user else [])]

    def options(self, group: str) -> list[str]:
        """The names of the files in a group."""
        return sorted({file.stem for folder in self.paths for file in (folder / group).glob("*.yaml")})

    def file(self, group: str, name: str) -> Path | None:
        """The file of a group's option; the user's own stands before a shipped one."""
        found = [folder / group / f"{name}.yaml" for folder in reversed(self.paths)]
        return next((file for file in found if file.is_file()), None)


def folders(config_dir: str | Path | None) -> Folders:
    """The folders to search, every file in the user's own checked first."""
    if config_dir is None:
        return Folders()
    user = Path(config_dir).resolve()
    if not user.is_dir():
        raise SettingError("--config-dir", f"{config_dir} is no folder", "a folder with region/, shock/, scenario/ ... files")
    if not any((user / group).is_dir() for group in GROUPS):
        raise SettingError("--config-dir", f"{config_dir} holds none of the folders that are read", ", ".join(GROUPS))
    for file in sorted(user.glob("*/*.yaml")):
        if file.parent.name in GROUPS:
            read_file(file)
    return Folders(user)
