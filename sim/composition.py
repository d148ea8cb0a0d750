"""What Hydra makes of the files for one choice of groups, with every file that takes part checked first."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.hydra import Hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sim import stopping
from sim.folders import GROUPS, HYDRA_VERSION_BASE, MAIN, Folders, config_folder
from sim.overrides import CHOICES, Tables
from sim.refusal import SettingError, likely
from sim.strict import read_file


@contextmanager
def hydra_over(where: Folders) -> Iterator[ConfigLoader]:
    """Hydra for a while, over the folders in their order of search; gives its loader.

    The user's folder is handed over as a path, not in Hydra's grammar (`hydra.searchpath`): that searches the shipped folder first,
    and reads letters of the path as its own.
    """
    with initialize_config_dir(str(config_folder()), version_base=HYDRA_VERSION_BASE):
        hydra = GlobalHydra.instance()
        if where.user:
            search = hydra.config_loader().get_search_path()
            search.prepend("user", str(where.user), "main")
            hydra.clear()
            Hydra.create_main_hydra2("sim", search)
        yield hydra.config_loader()


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
        raise _explain(error, picks, where) from None
    except RecursionError:
        raise SettingError(" ".join(picks), "the lists of defaults of its files lead back to themselves", "no circle") from None
    tables: Tables = {**composed, "shock": composed.get("shock") or {}, CHOICES: taken}
    for name in tables["shock"]:
        if name not in taken["shock"]:
            files = ", ".join(f"shock/{file}.yaml" for file in taken["shock"] if file not in tables["shock"])
            raise SettingError(f"shock.{name}", "the key of a shock is its file's own name", where=files or "shock")
    return tables


@lru_cache(maxsize=128)
def _hydra(picks: tuple[str, ...], where: Folders, stamps: tuple[tuple[Path, int, int], ...]) -> Tables:
    """Hydra's composition, made once in a process while none of the files that take part changes; only to be copied."""
    with hydra_over(where):
        plain = OmegaConf.to_container(hydra_compose(MAIN, overrides=list(picks)), resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _taken(picks: Sequence[str], where: Folders) -> dict[str, list[str]]:
    """The files that take part, by group: those that were picked and those that the lists of defaults name. Each is checked."""
    main = config_folder() / f"{MAIN}.yaml"
    picked = {
        group: names.strip("[]").split(",") if names.strip("[]") else [] for group, _, names in (p.partition("=") for p in picks)
    }
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    waiting = [(group, name) for group, names in (_defaults(main, "") | picked).items() for name in names]
    while waiting:
        group, name = waiting.pop(0)
        file = where.file(group, name)
        if group not in found or name in found[group] or file is None:
            continue
        found[group].append(name)
        named = _defaults(file, group)
        waiting += [(other, one) for other, names in named.items() if other == group or other not in picked for one in names]
    return found


def _defaults(file: Path, group: str) -> dict[str, list[str]]:
    """What a file's list of defaults names, by group."""
    entries = read_file(file).get("defaults", [])
    if not isinstance(entries, list):
        raise SettingError("defaults", f"{entries!r} is no list", "[...]", where=str(file))
    found: dict[str, list[str]] = {}
    for entry in entries:
        pair = next(iter(entry.items()), (group, "")) if isinstance(entry, Mapping) else (group, entry)
        key = str(pair[0]).removeprefix("override ").partition("@")[0].strip("/")
        found.setdefault(key, []).extend(map(str, pair[1] if isinstance(pair[1], list) else [pair[1]]))
    return found


def _explain(error: Exception, picks: Sequence[str], where: Folders) -> SettingError:
    """A `SettingError` for what Hydra refused: a file of defaults that names what is not there."""
    text = str(error)
    missing = getattr(error, "missing_cfg_file", None)
    if missing:
        group, _, name = str(missing).removesuffix(".yaml").strip("/").rpartition("/")
        options = where.options(group)
        return SettingError(
            f"defaults.{group}", f"no {group} is called {name!r}", ", ".join(options), likely(name, options), " ".join(picks)
        )
    return SettingError(" ".join(picks) or "config.yaml", "cannot be composed: " + text.splitlines()[0])
