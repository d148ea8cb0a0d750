"""What Hydra makes of the files for one choice of groups. It is given what our own reader read: no file is parsed twice."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sim.defaults import taken
from sim.folders import HYDRA_VERSION_BASE, MAIN, Folders, config_folder
from sim.nested import copied
from sim.overrides import CHOICES, Tables
from sim.refusal import SettingError
from sim.strict import GLOBAL, content_of, is_global, read_file


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
    """What Hydra makes of the files for one choice of groups; every file that takes part is checked first."""
    chosen = taken(picks, where)
    found = [where.file(group, name) for group, names in chosen.items() for name in names]
    files = [config_folder() / f"{MAIN}.yaml", *(file for file in found if file)]
    stamps = tuple((file, sha256(content_of(file)).hexdigest()) for file in files)
    try:
        composed = _hydra(tuple(picks), where, stamps)
    except (HydraException, OmegaConfBaseException, AssertionError, ValueError) as error:  # Hydra's own words for lists of defaults
        listed = [str(file) for file in files[1:] if "defaults" in read_file(file)]
        place = ", ".join([name for name in listed if where.user and name.startswith(str(where.user))] or listed)
        raise SettingError("defaults", "cannot be composed: " + str(error).splitlines()[0], where=place) from None
    tables: Tables = {**composed, "shock": composed.get("shock") or {}, CHOICES: chosen}
    for name in tables["shock"]:
        if name not in chosen["shock"]:
            files = ", ".join(f"shock/{file}.yaml" for file in chosen["shock"] if file not in tables["shock"])
            raise SettingError(f"shock.{name}", "the key of a shock is its file's own name", where=files or "shock")
    return tables


@lru_cache(maxsize=128)
def _hydra(picks: tuple[str, ...], where: Folders, stamps: tuple[tuple[Path, str], ...]) -> Tables:
    """Hydra's composition, made once in a process while none of the files that take part changes; only to be copied."""
    with hydra_over(where):
        plain = OmegaConf.to_container(hydra_compose(MAIN, overrides=list(picks)), resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
