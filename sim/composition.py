"""What the files make for one choice of groups, as Hydra composes them; and Hydra over the same files, for its completion.

A file is parsed by our own reader alone, and laid over others here: Hydra's composition takes a second and its messages name no file.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra import initialize_config_dir
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf

from sim.defaults import Taken, taken
from sim.folders import HYDRA_VERSION_BASE, Folders, config_folder
from sim.nested import copied, merged
from sim.overrides import CHOICES, Tables
from sim.refusal import SettingError, likely
from sim.strict import GLOBAL, is_global, read_file


class _Checked(FileConfigSource):
    """A folder of config files for Hydra, read by `sim.strict`."""

    @staticmethod
    def scheme() -> str:
        """What its paths begin with."""
        return "checked"

    def load_config(self, config_path: str) -> ConfigResult:
        """One file as Hydra wants it."""
        file = Path(self.path, self._normalize_file_name(config_path))
        header = {"package": GLOBAL if is_global(file) else None}
        return ConfigResult(self.provider, self.full_path(), OmegaConf.create(copied(read_file(file))), header)


@contextmanager
def hydra_over(where: Folders) -> Iterator[ConfigLoader]:
    """Hydra for a while, over the folders in their order of search; gives its loader.

    Folders are handed over as paths, not in Hydra's grammar (`hydra.searchpath`): that searches the shipped folder first, and reads
    letters of the path as its own.
    """
    with initialize_config_dir(str(config_folder()), version_base=HYDRA_VERSION_BASE):
        hydra = GlobalHydra.instance()
        search = hydra.config_loader().get_search_path()
        SourcesRegistry.instance().register(_Checked)
        for element in search.get_path():
            if element.provider == "main":
                element.path = f"{_Checked.scheme()}://{config_folder()}"
        if where.user:
            search.prepend("user", f"{_Checked.scheme()}://{where.user}", "main")
        hydra.clear()
        Hydra.create_main_hydra2("sim", search)
        yield hydra.config_loader()


def hydra_word(choice: object) -> str:
    """A choice of a group in Hydra's grammar."""
    return "[" + ",".join(map(str, choice)) + "]" if isinstance(choice, list) else str(choice)


def composition(picks: Sequence[str], where: Folders) -> Tables:
    """The settings that the files make for one choice of groups, laid over each other in the order of their lists of defaults."""
    found = taken(picks, where)
    composed: Tables = {}
    for group, file in found.order:
        own = {name: value for name, value in read_file(file).items() if name != "defaults"}
        composed = merged(composed, own if is_global(file) or not group else {group: own})
    tables: Tables = {**composed, "shock": composed.get("shock") or {}, CHOICES: found.choices}
    _demand_files(found, tables["shock"], where)
    return tables


def _demand_files(found: Taken, shocks: object, where: Folders) -> None:
    """Refuse a shock that no file of its own name brought in."""
    for name in shocks if isinstance(shocks, Mapping) else ():
        if name not in found.choices["shock"]:
            group, holder = next((group, file) for group, file in reversed(found.order) if name in _shocks_of(group, file))
            wrong = "the key of a shock is its file's own name" if group == "shock" else "no shock of that name takes part"
            own = [holder.stem] if group == "shock" else found.choices["shock"]
            raise SettingError(f"shock.{name}", wrong, ", ".join(own) or "none", likely(name, own), where.called(holder))


def _shocks_of(group: str, file: Path) -> object:
    table = read_file(file)
    inside = table.get("shock") if is_global(file) or not group else table if group == "shock" else {}
    return inside if isinstance(inside, Mapping) else {}
