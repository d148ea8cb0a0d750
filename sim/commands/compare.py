"""`sim compare`: reads one results folder or two, and writes figures and tables of what differs."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from sim.analysis import tables
from sim.analysis.compare import PAIRED, common_variants, compare
from sim.commands import identity
from sim.commands.codes import GOOD
from sim.config import places
from sim.config.fingerprint import differing, fingerprint, flat_settings
from sim.errors import SettingError
from sim.figures import files
from sim.names import several
from sim.results import dataset, lifecycle, manifest, reading, receipts
from sim.results.derived import measured
from sim.results.software import PROJECT, installed_version
from sim.text import say

EFFECTS, DIFFERENCES, SETTINGS = "effects.csv", "differences.csv", "settings.csv"
SHOWN_SETTINGS = 8
Tell = Callable[[str], None]


def command(options: Any) -> int:
    """Run `sim compare DIR` or `sim compare A B` with the parsed arguments and return the exit code."""
    words = options.folders
    out = [word.removeprefix("out=") for word in words if word.startswith("out=")]
    folders = [Path(word) for word in words if not word.startswith("out=")]
    if not 1 <= len(folders) <= 2 or len(out) > 1:
        raise SettingError(
            "arguments", f"{several(len(folders), 'folder')} and {len(out)} out=", "one folder or two, and at most one out="
        )

    into = write_comparison(folders, Path(out[0]) if out else None, tell=say)
    say(f"figures and tables: {into}")
    return GOOD


def write_comparison(folders: Sequence[Path], out: Path | None, tell: Tell) -> Path:
    """Compare one folder's variants with their reference, or two folders; returns the folder with the tables and figures."""
    places.demand_new("out", str(out or ""))
    manifests = [manifest.read_manifest(folder) for folder in folders]
    asked = {
        "version": installed_version(PROJECT),
        "shared": {
            f"{place} folder": _hash(metadata, at)
            for place, metadata, at in zip(("first", "second"), manifests, folders, strict=False)
        },
        "variants": {},
    }
    into = out or Path(identity.OUTPUTS) / f"compare-{fingerprint(asked)[: identity.HASH_LETTERS]}"
    if into.resolve() in [folder.resolve() for folder in folders]:
        raise SettingError("out", "is one of the folders that are compared", "a new folder", where=f"out={into}")
    there = lifecycle.complete(into, asked) and not receipts.wrong(into)
    lifecycle.clear_killed(into.parent, into.name)
    opened = [reading.open_results(folder) for folder in folders]
    if len(folders) == 1:
        _of_one(opened[0], folders[0], None if there else into, asked, tell)
    else:
        _of_two(opened, folders, manifests, None if there else into, asked, tell)
    if there:
        tell(f"already complete: {into}")
    return into


def _hash(metadata: dict[str, Any], folder: Path) -> str:
    reading.demand_run(folder, metadata)
    return str(metadata["settings_hash"])


def _of_one(ds: xr.Dataset, folder: Path, into: Path | None, asked: dict[str, Any], tell: Tell) -> None:
    effects = dataset.differences(measured(ds))
    lines = tables.effects_lines(effects)
    if not lines:
        raise SettingError(
            str(folder), "holds no variant with another to compare it with", "two folders, or a sweep of scenarios or numbers"
        )
    if into:
        with lifecycle.answered(into, asked) as draft:
            tables.write_long(effects, draft / EFFECTS)
            (draft / files.FIGURES).mkdir()
            files.draw_effects(draft / files.FIGURES, effects)
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
    rows = differing(*(_settings_of(metadata, len(ds["variant"])) for metadata, ds in zip(manifests, opened, strict=True)))
    for line in tables.settings_lines(rows, names, SHOWN_SETTINGS):
        tell(line)
    if into:
        with lifecycle.answered(into, asked) as draft:
            tables.write_long(difference, draft / DIFFERENCES)
            _write_settings(draft / SETTINGS, rows)
            _draw_two(draft / files.FIGURES, opened, difference, names)
    for line in tables.difference_lines(difference, names, paired=bool(difference.attrs[PAIRED])):
        tell(line)


def _settings_of(metadata: dict[str, Any], variants: int) -> dict[str, Any]:
    """The flat settings of a folder; those of a single variant without its name, so that two single runs can be compared."""
    settings = metadata["settings"]
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
    from sim.figures import compare as contrasts
    from sim.figures.sheet import save

    folder.mkdir()
    first, second = (dataset.summarise(ds) for ds in opened)
    pairs = common_variants(first, second, names)[: files.PAGE]
    short = [Path(name).name for name in names]
    called = (short[0], short[1]) if short[0] != short[1] else (names[0], names[1])
    for index, (one, other) in enumerate(pairs):
        name = "comparison" if len(pairs) == 1 else f"comparison_{index:02d}_{files.file_word(one)}"
        figure = contrasts.plot_comparison(
            first.sel(variant=one),
            second.sel(variant=other),
            difference.sel(variant=one),
            called,
        )
        save(figure, folder / f"{name}.png")
