"""Config files as Hydra gets them: each is checked first, and what is no file of a group does not exist for it."""

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
"""How Hydra calls the user's folder, and that of the application."""


class Checked(ConfigSource):
    """A folder of config files of which Hydra sees what `sim.compose.folders.read_checked` has read: no path leads out of it."""

    @staticmethod
    def scheme() -> str:
        """How its paths begin."""
        return "checked"

    def _file(self, config_path: str) -> tuple[str, Path] | None:
        """The group and the file that a path of Hydra's means; the main file is the shipped one."""
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
        """Whether the folder is there."""
        return Path(self.path).is_dir()

    def is_group(self, config_path: str) -> bool:
        """Whether a path is one of the groups that the folder has."""
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
    """Put the folders of config files at the end of Hydra's path of search, in their order."""
    SourcesRegistry.instance().register(Checked)
    for folder in where.paths:
        search.append(USER if folder == where.user else MAIN_FOLDER, f"{Checked.scheme()}://{folder}")


def search_path(where: Folders) -> ConfigSearchPath:
    """Where Hydra looks for files: in its own package, then in the folders."""
    Plugins.instance()  # brings the kinds of sources that Hydra itself needs
    search = ConfigSearchPathImpl()
    search.append("hydra", "pkg://hydra.conf")
    add_folders(search, where)
    search.append("schema", "structured://")
    return search
