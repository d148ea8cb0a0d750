"""Composition of config files for one choice of groups, with the result that Hydra gives; and Hydra's loader, for completion.

Files are parsed by `sim.config.strict_yaml` and merged here: Hydra's own composition takes a second, and its messages do not name
the file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_loader import ConfigLoader

from sim import interrupts
from sim.compose.defaults import Taken, taken
from sim.compose.folders import Folders
from sim.compose.overrides import CHOICES, Tables
from sim.compose.sources import HYDRA_VERSION_BASE, search_path
from sim.config import places
from sim.config.nested import merged
from sim.config.strict_yaml import is_whole, read_file
from sim.config.suggest import likely
from sim.errors import SettingError


def loader_over(where: Folders) -> ConfigLoader:
    """Hydra's loader for the folders in their order of search; `GlobalHydra` is not initialised."""
    version.setbase(HYDRA_VERSION_BASE)
    return ConfigLoaderImpl(search_path(where))


def hydra_word(choice: object) -> str:
    """A choice from a group in Hydra's grammar."""
    return "[" + ",".join(map(str, choice)) + "]" if isinstance(choice, list) else str(choice)


def composition(picks: Sequence[str], where: Folders) -> Tables:
    """The settings of one choice of groups: its files merged in the order of their lists of defaults."""
    interrupts.check()
    found = taken(picks, where)
    composed: Tables = {}
    for group, file in found.order:
        own = {name: value for name, value in read_file(file).items() if name != "defaults"}
        composed = merged(composed, own if is_whole(file) or not group else {group: own})
    tables: Tables = {**composed, "shock": composed.get("shock") or {}, CHOICES: found.choices}
    _demand_files(found, tables["shock"], where)
    _demand_no_places(composed.get(places.ENGINE), found.choices[places.ENGINE], where)
    return tables


def _demand_no_places(engine: object, names: Sequence[str], where: Folders) -> None:
    """Refuse a user's engine that includes from a shipped one what only the command line may set."""
    for name in names:
        file = where.file(places.ENGINE, name)
        if file and where.is_own(file) and isinstance(engine, Mapping):
            places.demand_none_in({places.ENGINE: engine}, places.ENGINE, True, file)


def _demand_files(found: Taken, shocks: object, where: Folders) -> None:
    """Refuse a shock whose file of the same name is not included."""
    for name in shocks if isinstance(shocks, Mapping) else ():
        if name not in found.choices["shock"]:
            group, holder = next((group, file) for group, file in reversed(found.order) if name in _shocks_of(group, file))
            wrong = "the key of a shock must be the name of its file" if group == "shock" else "no shock of that name is included"
            own = [holder.stem] if group == "shock" else found.choices["shock"]
            raise SettingError(f"shock.{name}", wrong, ", ".join(own) or "none", likely(name, own), where.called(holder))


def _shocks_of(group: str, file: Path) -> object:
    table = read_file(file)
    inside = table.get("shock") if is_whole(file) or not group else table if group == "shock" else {}
    return inside if isinstance(inside, Mapping) else {}
