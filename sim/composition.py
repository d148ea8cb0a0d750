"""What Hydra makes of the files for one choice of groups, with every file that takes part checked first."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sim import places, stopping
from sim.folders import HYDRA, MAIN, Folders, config_folder, read_checked
from sim.groups import GROUPS, named_by
from sim.overrides import CHOICES, Tables
from sim.refusal import SettingError, likely
from sim.sources import HYDRA_VERSION_BASE, search_path
from sim.strict import read_file


def loader_over(where: Folders) -> ConfigLoader:
    """Hydra's composer over the folders in their order of search; it leaves Hydra's own state in this process alone."""
    version.setbase(HYDRA_VERSION_BASE)
    return ConfigLoaderImpl(search_path(where))


def hydra_word(choice: object) -> str:
    """A choice of a group in Hydra's grammar."""
    return "[" + ",".join(map(str, choice)) + "]" if isinstance(choice, list) else str(choice)


def composition(picks: Sequence[str], where: Folders) -> Tables:
    """What Hydra makes of the files for one choice of groups; every file that takes part is checked first."""
    stopping.check()
    taken = _taken(picks, where)
    files = [config_folder() / f"{MAIN}.yaml", *(where.file(group, name) for group, names in taken.items() for name in names)]
    stamps = tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files if file)
    try:
        composed = _hydra(tuple(picks), where, stamps)
    except (HydraException, OmegaConfBaseException, AssertionError, ValueError) as error:  # Hydra's own words for lists of defaults
        raise _explain(error, picks) from None
    except RecursionError:
        raise SettingError(" ".join(picks), "the lists of defaults of its files lead back to themselves", "no circle") from None
    _demand_said(composed.get(places.ENGINE), taken[places.ENGINE], where)
    tables: Tables = {**composed, "shock": composed.get("shock") or {}, CHOICES: taken}
    for name in tables["shock"]:
        if name not in taken["shock"]:
            files = ", ".join(f"shock/{file}.yaml" for file in taken["shock"] if file not in tables["shock"])
            raise SettingError(f"shock.{name}", "the key of a shock is its file's own name", where=files or "shock")
    return tables


@lru_cache(maxsize=128)
def _hydra(picks: tuple[str, ...], where: Folders, stamps: tuple[tuple[Path, int, int], ...]) -> Tables:
    """Hydra's composition, made once in a process while none of the files that take part changes; only to be copied."""
    composed = loader_over(where).load_configuration(MAIN, list(picks), RunMode.RUN, from_shell=False)
    plain = OmegaConf.to_container(composed, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items() if key != HYDRA}


def _taken(picks: Sequence[str], where: Folders) -> dict[str, list[str]]:
    """The files that take part, by group: those that were picked and those that the lists of defaults name. Each is checked."""
    main = config_folder() / f"{MAIN}.yaml"
    picked = {
        group: names.strip("[]").split(",") if names.strip("[]") else [] for group, _, names in (p.partition("=") for p in picks)
    }
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    waiting = [(group, name) for group, names in (named_by(read_file(main), "", main) | picked).items() for name in names]
    while waiting:
        group, name = waiting.pop(0)
        file = where.file(group, name)
        if name in found[group] or file is None:
            continue
        found[group].append(name)
        named = named_by(read_checked(file, group, where.is_own(file)), group, file)
        _demand_there(named, file, where)
        waiting += [(other, one) for other, names in named.items() if other == group or other not in picked for one in names]
    return found


def _demand_there(named: Mapping[str, list[str]], file: Path, where: Folders) -> None:
    """Refuse a list of defaults that names files which are not there."""
    for group, names in named.items():
        options = where.options(group)
        for name in names:
            if name not in options:
                wrong = f"no {group} is called {name!r}"
                raise SettingError(f"defaults.{group}", wrong, ", ".join(options), likely(name, options), str(file))


def _demand_said(engine: object, taken: Sequence[str], where: Folders) -> None:
    """Refuse a user's engine that takes from a shipped one what only the command line says."""
    for name in taken:
        file = where.file(places.ENGINE, name)
        if file and where.is_own(file) and isinstance(engine, Mapping):
            places.demand_none_in({places.ENGINE: engine}, places.ENGINE, True, file)


def _explain(error: Exception, picks: Sequence[str]) -> SettingError:
    """A `SettingError` for what Hydra refused."""
    return SettingError(" ".join(picks) or "config.yaml", "cannot be composed: " + str(error).splitlines()[0])
