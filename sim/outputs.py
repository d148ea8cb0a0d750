"""The folder of results: made whole or not at all, recognised when it is there, never overwritten."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml

from sim import plots, results
from sim.compose import Variant
from sim.config import Sample, SettingError
from sim.settings import data_settings, differing, fingerprint, shared_and_own
from sim.simulate import Plan, _version, simulate, words

OUTPUTS = "outputs"
HASH_LETTERS = 8
SHOWN = 4
"""Differences that a refusal shows."""
PAGE = 12
"""Variants that get a figure of trajectories of their own."""


def settings_of(variants: Sequence[Variant]) -> dict[str, Any]:
    """What decides the numbers of a run: the settings that its variants share and each one's own, and the version."""
    once = variants[0].config.sample is Sample.ranges
    kept = list({variant.coordinates["scenario"]: variant for variant in variants}.values()) if once else list(variants)
    shared, own = shared_and_own([data_settings(variant.settings) for variant in kept])
    return {
        "version": _version("regional-influence"),
        "shared": shared,
        "variants": {v.label: o for v, o in zip(kept, own, strict=True)},
    }


def folder_for(variants: Sequence[Variant], verb: str) -> Path:
    """The folder that a run writes: `out`, else outputs/<study or verb>-<8 of the settings' hash>."""
    config = variants[0].config
    if config.out:
        return Path(config.out)
    return Path(OUTPUTS) / f"{config.study.name or verb}-{fingerprint(settings_of(variants))[:HASH_LETTERS]}"


def complete(folder: Path, settings: dict[str, Any]) -> bool:
    """Whether the folder holds these very results; refused where it holds others, or anything else."""
    if not folder.exists():
        parent = next(parent for parent in folder.resolve().parents if parent.exists())
        if not parent.is_dir():
            raise SettingError("out", f"{parent} is no folder", "a folder that can be written", where=f"out={folder}")
        return False
    if not folder.is_dir() or not (folder / results.MANIFEST).is_file():
        if folder.is_dir() and not any(folder.iterdir()):
            return False
        raise SettingError(
            "out", "holds something that is no results folder; nothing was changed", "a new folder", where=f"out={folder}"
        )
    there = results.read_manifest(folder)["settings"]
    if there == settings:
        return True
    rows = differing(_flat(there), _flat(settings))
    shown = "; ".join(f"{key}: {_short(old)} there, {_short(new)} here" for key, old, new in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    raise SettingError(
        "out", f"holds results of other settings: {shown}{more}", "a new folder, or none for the default", where=f"out={folder}"
    )


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    table = {"version": settings["version"], **settings["shared"]}
    return table | {
        f"{label}: {key}": value for label, own in settings["variants"].items() for key, value in ({"variant": "yes"} | own).items()
    }


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) < 40 else text[:37] + "..."


@contextmanager
def whole(folder: Path):
    """A new folder that appears under its name only when everything in it is written."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        draft.chmod(0o755)
        yield draft
        if folder.is_dir():
            folder.rmdir()
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def write_run(folder: Path, plan: Plan, settings: dict[str, Any], tell: Callable[[str], None]) -> xr.Dataset:
    """Simulate a plan and write its folder: store, manifest, summary, resolved config and figures."""
    ds = simulate(plan)
    with whole(folder) as draft:
        fill_folder(draft, ds, plan, settings)
    tell(f"results: {folder}")
    return ds


def fill_folder(draft: Path, ds: xr.Dataset, plan: Plan, settings: dict[str, Any]) -> None:
    """Write everything that belongs into a results folder."""
    results.save(ds, draft, words(plan) | {"settings": settings, "settings_hash": fingerprint(settings)})
    summary = results.summarise(ds)
    results.write_summary(summary, draft / "summary.csv")
    resolved = {variant.label: variant.settings for variant in plan.variants[:PAGE]}
    (draft / "config.yaml").write_text(yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True, width=132), encoding="utf-8")
    draw_figures(draft / "figures", ds, summary)


def draw_figures(folder: Path, ds: xr.Dataset, summary: xr.Dataset) -> None:
    """Draw the figures of a run: trajectories of each variant, and the paired effects where there are others."""
    folder.mkdir()
    labels = [str(label) for label in ds["variant"].values]
    for index, label in enumerate(labels[:PAGE]):
        name = "trajectories" if len(labels) == 1 else f"trajectories_{index:02d}_{file_word(label)}"
        plots.save(plots.plot_trajectories(summary, label), folder / f"{name}.png")
    if len(labels) > 1:
        effects = results.differences(ds)
        for name, figures in (("effects", plots.plot_effects(effects)), ("final_effects", plots.plot_final_effects(effects))):
            for page, figure in enumerate(figures if isinstance(figures, list) else [figures]):
                plots.save(figure, folder / (f"{name}.png" if page == 0 else f"{name}_{page + 1}.png"))


def file_word(label: str) -> str:
    """A label as part of a file name.

    >>> file_word("peace_deal, vigilance=0.5")
    'peace_deal_vigilance_0.5'
    """
    kept = "".join(letter if letter.isalnum() or letter in "._-" else " " for letter in label)
    return "_".join(kept.split())[:60]


def effects_table(ds: xr.Dataset, variable: str = "alignment") -> list[str]:
    """The paired effects at the last instant as lines of text: a row per state and bloc, a column per variant."""
    effects = results.differences(ds)
    labels = [str(label) for label in effects["variant"].values]
    shown = [index for index, label in enumerate(labels) if label != str(effects["reference"].values[index])][:SHOWN_COLUMNS]
    if not shown:
        return []
    last = effects[variable].isel(time=-1)
    width = max(14, *(len(labels[index]) + 2 for index in shown))
    lines = [" " * 22 + "".join(f"{labels[index]:>{width}}" for index in shown)]
    for state in last["state"].values:
        for bloc in last["bloc"].values:
            cells = []
            for index in shown:
                mean, half = (
                    float(last.isel(variant=index).sel(state=state, bloc=bloc, statistic=name))
                    for name in ("mean", results.HALF_WIDTH)
                )
                cells.append(f"{mean:+.3f}" + (f" ±{half:.3f}" if np.isfinite(half) else ""))
            lines.append(f"{state!s:>12} {bloc!s:<9}" + "".join(f"{cell:>{width}}" for cell in cells))
    return lines


SHOWN_COLUMNS = 6
"""Variants that the printed table holds; the CSV holds them all."""
