"""The config files that Hydra sees: checked files of the groups, and nothing else."""

from pathlib import Path

from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from sim.compose.folders import MAIN, Folders, config_folder, read_checked
from sim.compose.groups import GROUPS
from sim.config.strict_yaml import WHOLE, is_whole

HYDRA_VERSION_BASE = "1.3"
USER, MAIN_FOLDER = "user", "main"
"""Hydra's names for the user's folder and the shipped one."""


class Checked(ConfigSource):
    """A folder of config files for Hydra, read by `sim.compose.folders.read_checked`; paths cannot leave the folder."""

    @staticmethod
    def scheme() -> str:
        """The scheme of its paths."""
        return "checked"

    def _file(self, config_path: str) -> tuple[str, Path] | None:
        """The group and the file of a path in Hydra's form; the main file is the shipped one."""
        group, _, name = config_path.removesuffix(".yaml").rpartition("/")
        folder = Path(self.path)
        if not group:
            return ("", folder / f"{MAIN}.yaml") if name == MAIN and folder == config_folder() else None
        found = Folders(folder).file(group, name)
        return (group, found) if found and folder in found.parents else None

    def load_config(self, config_path: str) -> ConfigResult:
        """The content of a file, checked."""
        group, file = self._file(config_path) or ("", Path(self.path) / config_path)
        content = dict(read_checked(file, group, own=self.provider == USER))
        header: dict[str, str | None] = {"package": WHOLE if is_whole(file) else None}
        return ConfigResult(self.provider, self.full_path(), OmegaConf.create(content), header)

    def available(self) -> bool:
        """Whether the folder exists."""
        return Path(self.path).is_dir()

    def is_group(self, config_path: str) -> bool:
        """Whether a path is a group that the folder has."""
        return not config_path or (config_path in GROUPS and (Path(self.path) / config_path).is_dir())

    def is_config(self, config_path: str) -> bool:
        """Whether a path is a file of a group, or the main one."""
        return self._file(config_path) is not None

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """The groups of the folder, or the files of a group."""
        found: set[str] = set()
        if not config_path and results_filter != ObjectType.CONFIG:
            found |= {group for group in GROUPS if self.is_group(group)}
        if config_path in GROUPS and results_filter != ObjectType.GROUP:
            found |= {file.stem for file in (Path(self.path) / config_path).glob("*.yaml")}
        return sorted(found)


def add_folders(search: ConfigSearchPath, where: Folders) -> None:
    """Append the folders of config files to Hydra's search path, in order."""
    SourcesRegistry.instance().register(Checked)
    for folder in where.paths:
        search.append(USER if folder == where.user else MAIN_FOLDER, f"{Checked.scheme()}://{folder}")


def search_path(where: Folders) -> ConfigSearchPath:
    """Hydra's search path: its own package, then the folders."""
    Plugins.instance()  # registers the sources that Hydra itself needs
    search = ConfigSearchPathImpl()
    search.append("hydra", "pkg://hydra.conf")
    add_folders(search, where)
    search.append("schema", "structured://")
    return search
