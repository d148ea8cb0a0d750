"""`sim compare`: reads one results folder or two, and writes figures and tables of what differs."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from sim import drawing, holding, manifest, outputs, places, receipts, results, tables
from sim.comparison import PAIRED, common_variants, compare
from sim.making import PROJECT, installed_version
from sim.measuring import measured
from sim.refusal import SettingError
from sim.settings import differing, fingerprint, flat_settings

EFFECTS, DIFFERENCES, SETTINGS = "effects.csv", "differences.csv", "settings.csv"
SHOWN_SETTINGS = 8
Tell = Callable[[str], None]


def write_comparison(folders: Sequence[Path], out: Path | None, tell: Tell) -> Path:
    """Compare one folder's variants with their reference, or two folders; the folder that holds what was written."""
    places.demand_new("out", str(out or ""))
    manifests = [manifest.read_manifest(folder) for folder in folders]
    asked = {
        "version": installed_version(PROJECT),
        "shared": {
            f"{place} folder": _hash(words, at) for place, words, at in zip(("first", "second"), manifests, folders, strict=False)
        },
        "variants": {},
    }
    into = out or Path(outputs.OUTPUTS) / f"compare-{fingerprint(asked)[: outputs.HASH_LETTERS]}"
    if into.resolve() in [folder.resolve() for folder in folders]:
        raise SettingError("out", "is one of the folders that are compared", "a new folder", where=f"out={into}")
    there = holding.complete(into, asked) and not receipts.wrong(into)
    holding.clear_killed(into.parent, into.name)
    opened = [results.open_results(folder) for folder in folders]
    if len(folders) == 1:
        _of_one(opened[0], folders[0], None if there else into, asked, tell)
    else:
        _of_two(opened, folders, manifests, None if there else into, asked, tell)
    if there:
        tell(f"already complete: {into}")
    return into


def _hash(words: dict[str, Any], folder: Path) -> str:
    results.demand_run(folder, words)
    return str(words["settings_hash"])


def _of_one(ds: xr.Dataset, folder: Path, into: Path | None, asked: dict[str, Any], tell: Tell) -> None:
    effects = results.differences(measured(ds))
    lines = tables.effects_lines(effects)
    if not lines:
        raise SettingError(
            str(folder), "holds no variant with another to set it against", "two folders, or a sweep of scenarios or numbers"
        )
    if into:
        with holding.answered(into, asked) as draft:
            tables.write_long(effects, draft / EFFECTS)
            (draft / drawing.FIGURES).mkdir()
            drawing.draw_effects(draft / drawing.FIGURES, effects)
    for line in lines:
        tell(line)


def _of_two(
    opened: Sequence[xr.Dataset],
    folders: Sequence[Path],
    manifests: Sequence[dict[str, Any]],
    into: Path | None,
    asked: dict[str, Any],
    tell: Tell,
) -> None:
    names = [str(folder) for folder in folders]
    first, second = opened
    difference = compare(first, second, names)
    rows = differing(*(_settings_of(words, len(ds["variant"])) for words, ds in zip(manifests, opened, strict=True)))
    for line in tables.settings_lines(rows, names, SHOWN_SETTINGS):
        tell(line)
    if into:
        with holding.answered(into, asked) as draft:
            tables.write_long(difference, draft / DIFFERENCES)
            _write_settings(draft / SETTINGS, rows)
            _draw_two(draft / drawing.FIGURES, opened, difference, names)
    for line in tables.difference_lines(difference, names, paired=bool(difference.attrs[PAIRED])):
        tell(line)


def _settings_of(words: dict[str, Any], variants: int) -> dict[str, Any]:
    """The flat settings of a folder; those of a single variant without its name, so that two runs can be laid side by side."""
    settings = words["settings"]
    if variants == 1:
        settings = {**settings, "variants": {}}
    return flat_settings(settings)


def _write_settings(path: Path, rows: Sequence[tuple[str, Any, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["setting", "first", "second"])
        writer.writerows(
            [tables.cell(key), *("" if value is None else tables.cell(value) for value in pair)] for key, *pair in rows
        )


def _draw_two(folder: Path, opened: Sequence[xr.Dataset], difference: xr.Dataset, names: Sequence[str]) -> None:
    from sim import contrasts
    from sim.sheet import save

    folder.mkdir()
    first, second = (results.summarise(ds) for ds in opened)
    pairs = common_variants(first, second, names)[: drawing.PAGE]
    short = [Path(name).name for name in names]
    called = (short[0], short[1]) if short[0] != short[1] else (names[0], names[1])
    for index, (one, other) in enumerate(pairs):
        name = "comparison" if len(pairs) == 1 else f"comparison_{index:02d}_{drawing.file_word(one)}"
        figure = contrasts.plot_comparison(
            first.sel(variant=one),
            second.sel(variant=other),
            difference.sel(variant=one),
            called,
        )
        save(figure, folder / f"{name}.png")
