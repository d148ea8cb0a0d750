"""From YAML and overrides to typed, checked variants: the one place where Hydra composes.

Hydra composes the files once for each distinct choice of groups; plain `key=value` overrides are then set on copies.
"""

import copy
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sim.checks import check
from sim.config import NO_SHOCK, RUN_KEYS, Config, Sample, Study, Variant
from sim.folders import GROUPS, HYDRA_VERSION_BASE, Folders, config_folder, folders
from sim.overrides import CHOICES, Axis, Tables, coordinate_names, demand_files, parse, put_value
from sim.refusal import SettingError, likely
from sim.sampling import sample
from sim.strict import read_file
from sim.typed import build

GRID_MAX = 100_000
"""Variants of one run."""


def expand(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> list[Variant]:
    """All variants that a list of overrides describes: the product of the swept keys, the study's axes first.

    Parameters
    ----------
    overrides : sequence of str
        In Hydra's grammar: `scenario=baseline,peace_deal`, `dynamics.vigilance=0.5,1`, `'shock=[a,b]'`, `seed=range(1,4)`.
    config_dir : path, optional
        The user's own folder of `region/`, `shock/`, `scenario/`, `dynamics/`, `study/` files.

    Raises
    ------
    SettingError
        Where a name, type or value cannot be used.

    >>> [variant.label for variant in expand(["region=toy", "dynamics.vigilance=0.5,1"])]
    ['baseline, vigilance=0.5', 'baseline, vigilance=1']
    """
    return _sampled(_one_run(_variants(overrides, config_dir, together=True)))


def expand_jobs(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> list[list[Variant]]:
    """The same product as jobs that run one by one; here the settings of a whole run may be swept too (`seed=1,2,3`).

    Parameters and errors as of `expand`. Each job is the list of its variants: one, or its draws with `sample=ranges`.
    """
    return [_sampled([variant]) for variant in _variants(overrides, config_dir, together=False)]


def _variants(overrides: Sequence[str], config_dir: str | Path | None, together: bool) -> list[Variant]:
    where = folders(config_dir)
    axes = with_study(parse(overrides, where), where)
    for axis in axes:
        if axis.group:
            demand_files(axis, where)
        if axis.swept and (axis.key == "study" or (together and axis.key in RUN_KEYS)):
            raise SettingError(
                axis.key, "belongs to the whole run and cannot be swept in it", "sim run -m: a job each", where=axis.said
            )
    swept = [axis for axis in axes if axis.swept]
    number = math.prod(len(axis.choices) for axis in swept)
    if number > GRID_MAX:
        raise SettingError(" ".join(axis.said for axis in swept), f"make {number} variants", f"at most {GRID_MAX}")
    names = coordinate_names([axis.key for axis in swept])
    cache: dict[str, Tables] = {}
    variants = []
    for choices in itertools.product(*(axis.choices for axis in axes)):
        chosen = [replace(axis, choices=(choice,)) for axis, choice in zip(axes, choices, strict=True)]
        settings = _settings(chosen, where, cache)
        apart = {names[axis.key]: _word(axis.choices[0]) for axis in chosen if axis.key in names}
        variants.append(replace(_variant(settings, chosen, apart, where), config_dir=str(config_dir or "")))
    seen: set[str] = set()
    for variant in variants:
        if variant.label in seen:
            raise SettingError("variants", f"{variant.label!r} stands twice", "each value once")
        seen.add(variant.label)
    return variants


def with_study(axes: list[Axis], where: Folders) -> list[Axis]:
    """The overrides with the study's axes before them, save those that the command sets itself."""
    study = next((axis for axis in axes if axis.key == "study"), None)
    if study is None or study.swept:
        return axes
    demand_files(study, where)
    file = where.file("study", str(study.choices[0]))
    table = read_file(file).get("study", {}) if file else {}
    try:
        wanted = build(Study, table, "study").axes
    except SettingError as error:
        raise SettingError(error.key, error.wrong, error.allowed, error.meant, str(file)) from None
    said = {axis.key for axis in axes} | ({"scenario"} if any(axis.key == "shock" for axis in axes) else set())
    return [axis for axis in parse([f"{key}={values}" for key, values in wanted.items()], where) if axis.key not in said] + axes


def _word(value: object) -> object:
    return "+".join(map(str, value)) or "none" if isinstance(value, list) else value


def _settings(chosen: Sequence[Axis], where: Folders, cache: dict[str, Tables]) -> Tables:
    """The composed files as plain tables, with the plain overrides set on them."""
    picks = [f"{axis.key}={_hydra_word(axis.choices[0])}" for axis in chosen if axis.group]
    name = json.dumps(sorted(picks))
    if name not in cache:
        cache[name] = _compose(picks, where)
    settings = copy.deepcopy(cache[name])
    for axis in chosen:
        if not axis.group:
            put_value(settings, axis)
    return settings


def _hydra_word(choice: object) -> str:
    return "[" + ",".join(map(str, choice)) + "]" if isinstance(choice, list) else str(choice)


def _compose(picks: Sequence[str], where: Folders) -> Tables:
    """What Hydra makes of the files for one choice of groups; every file that takes part is checked first."""
    taken = _taken(picks, where)
    files = [config_folder() / "config.yaml", *(where.file(group, name) for group, names in taken.items() for name in names)]
    stamps = tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files if file)
    try:
        composed = _hydra(tuple(picks), where, stamps)
    except (HydraException, OmegaConfBaseException, AssertionError, ValueError) as error:  # Hydra's own words for lists of defaults
        raise _explain(error, picks, where) from None
    tables: Tables = {**composed, "shock": composed.get("shock") or {}, CHOICES: taken}
    for name in tables["shock"]:
        if name not in taken["shock"]:
            files = ", ".join(f"shock/{file}.yaml" for file in taken["shock"] if file not in tables["shock"])
            raise SettingError(f"shock.{name}", "the key of a shock is its file's own name", where=files or "shock")
    return tables


@lru_cache(maxsize=128)
def _hydra(picks: tuple[str, ...], where: Folders, stamps: tuple[tuple[Path, int, int], ...]) -> Tables:
    """Hydra's composition, made once in a process while none of the files that take part changes; only to be copied."""
    search = [f"hydra.searchpath=[file://{where.user}]"] if where.user else []
    with initialize_config_dir(str(config_folder()), version_base=HYDRA_VERSION_BASE):
        plain = OmegaConf.to_container(hydra_compose("config", overrides=[*picks, *search]), resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _taken(picks: Sequence[str], where: Folders) -> dict[str, list[str]]:
    """The files that take part, by group: those that were picked and those that the lists of defaults name. Each is checked."""
    main = config_folder() / "config.yaml"
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


def _variant(settings: Tables, chosen: Sequence[Axis], apart: dict[str, object], where: Folders) -> Variant:
    choices: dict[str, list[str]] = settings.pop(CHOICES)
    if any(axis.key == "shock" or (axis.delete and _is_a_shock(axis.key)) for axis in chosen):
        name = "+".join(settings["shock"]) or NO_SHOCK
        settings["scenario"] = {
            "name": name,
            "label": " + ".join(_label(shock) for shock in settings["shock"].values()) or "No shock",
        }
    try:
        config = build(Config, settings)
        check(config)
    except SettingError as error:
        raise _place(error, chosen, choices, where) from None
    scenario = config.scenario.name
    apart = {"scenario": scenario} | {name: value for name, value in apart.items() if name not in ("scenario", "shock")}
    label = ", ".join([scenario, *(f"{name}={value}" for name, value in apart.items() if name != "scenario")])
    return Variant(config, label, apart, settings, tuple(axis.said for axis in chosen))


def _is_a_shock(key: str) -> bool:
    return key.startswith("shock.") and key.count(".") == 1


def _label(shock: object) -> str:
    return str(shock.get("label", "")) if isinstance(shock, Mapping) else ""


def _place(error: SettingError, chosen: Sequence[Axis], choices: Mapping[str, list[str]], where: Folders) -> SettingError:
    """The same error with the override or file that its key came from."""
    for axis in reversed(chosen):
        if not axis.group and (
            error.key == axis.key or error.key.startswith(axis.key + ".") or axis.key.startswith(error.key + ".")
        ):
            return SettingError(error.key, error.wrong, error.allowed, error.meant, axis.said)
    group, _, rest = error.key.partition(".")
    place = _file_with(group, choices, where)
    if group in GROUPS and choices.get(group):
        name = rest.split(".")[0] if group == "shock" else choices[group][0]
        place = f"{group}/{name}.yaml"
        user = where.user and where.file(group, name)
        if user and where.user in user.parents:
            place = str(user)
    return SettingError(error.key, error.wrong, error.allowed, error.meant, place)


def _file_with(key: str, choices: Mapping[str, list[str]], where: Folders) -> str:
    """The file that sets a key of the whole config: the last of those that take part, else config.yaml."""
    found = "config.yaml"
    for group, names in choices.items():
        for name in names:
            file = where.file(group, name)
            if file and key in read_file(file):
                found = str(file) if where.user and where.user in file.parents else f"{group}/{name}.yaml"
    return found


def _one_run(variants: list[Variant]) -> list[Variant]:
    """Refuse variants that differ in a setting of the whole run, as files of scenarios may."""
    first = variants[0]
    for variant in variants[1:]:
        if first.config.region.name != variant.config.region.name:
            regions = f"{first.label} has {first.config.region.name}, {variant.label} has {variant.config.region.name}"
            raise SettingError("region", regions, "one region for all: region=...")
        for key in RUN_KEYS:
            one, other = getattr(first.config, key), getattr(variant.config, key)
            if one != other:
                raise SettingError(key, f"{first.label} has {one}, {variant.label} has {other}", f"one value: {key}=...")
    return variants


def from_tables(tables: object, overrides: Sequence[str] = ()) -> Variant:
    """One variant from tables that Hydra has composed elsewhere (`@hydra.main`)."""
    if not isinstance(tables, Mapping):
        raise SettingError("config", "is no table", "the composed settings")
    if any("${" in text for text in _texts(tables)):
        raise SettingError("config", "interpolation is not read", "the value itself")
    where = Folders()
    chosen = [axis for axis in (_said(text, where) for text in overrides) if axis]
    settings = {**tables, "shock": tables.get("shock") or {}, CHOICES: {}}
    apart = {name: _word(axis.choices[0]) for axis in chosen for name in coordinate_names([axis.key]).values()}
    return _variant(settings, chosen, apart, where)


def _said(text: str, where: Folders) -> Axis | None:
    return next(iter(parse([text], where)), None)


def _texts(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _sampled(variants: list[Variant]) -> list[Variant]:
    if variants[0].config.sample is not Sample.ranges:
        return variants
    return [
        replace(variant, config=config, label=f"{variant.label}, draw={draw}", coordinates={**variant.coordinates, "draw": draw})
        for variant in variants
        for draw, config in sample(variant.config, variant.settings, variant.overrides)
    ]
