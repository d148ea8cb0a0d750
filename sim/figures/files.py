"""The figure files of a results folder; `sim figures` draws them again from its chunks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from sim.results import dataset, manifest, reading, receipts
from sim.results.derived import measured
from sim.results.locks import hold

FIGURES = "figures"
WORD_BYTES = 120
PAGE = 12
"""How many variants get a figure of trajectories of their own; the tables have all variants."""


def draw_anew(folder: Path) -> list[str]:
    """Draw the figures of a complete run, or of one job among several, from its chunks; returns their paths in the folder.

    Raises
    ------
    SettingError
        If the folder holds no complete run, another process has locked it, or a file of somebody else is at the path of a figure.
    DamageError
        If it is not as it was written.
    """
    words = manifest.read_manifest(folder)
    reading.demand_run(folder, words)
    with hold(folder):
        ds = measured(reading.open_results(folder))
        with receipts.drafted(folder, f"{FIGURES}/") as draft:
            draw_figures(draft / FIGURES, ds, dataset.summarise(ds))
        receipts.close(folder, receipts.read(folder / receipts.COMPLETE))
    return [name for name in receipts.listed(folder) if name.startswith(f"{FIGURES}/")]


def draw_figures(folder: Path, ds: xr.Dataset, summary: xr.Dataset) -> None:
    """Draw the figures of a run: trajectories of each variant, measures, and, of several variants, comparisons and effects."""
    from sim.figures import captions, compare, run
    from sim.figures.panels import MARKS_MAX
    from sim.figures.sheet import save

    folder.mkdir()
    labels = [str(label) for label in ds["variant"].values]
    for index, label in enumerate(labels[:PAGE]):
        suffix = "" if len(labels) == 1 else f"_{index:02d}_{file_word(label)}"
        save(run.plot_trajectories(summary, label), folder / f"trajectories{suffix}.png")
        if len(captions.marks([ds], [label])) > MARKS_MAX:
            save(run.plot_timeline(summary, label), folder / f"timeline{suffix}.png")
    _save_pages(folder, "measures", run.plot_measures(summary))
    if len(labels) > 1:
        _save_pages(folder, "side_by_side", compare.plot_side_by_side(summary))
        draw_effects(folder, dataset.differences(ds, ("alignment",)))


def draw_effects(folder: Path, effects: xr.Dataset) -> None:
    """Draw the paired effects over time and at the end, on as many pages as they need."""
    from sim.figures import compare

    _save_pages(folder, "effects", compare.plot_effects(effects))
    _save_pages(folder, "final_effects", compare.plot_final_effects(effects))


def _save_pages(folder: Path, name: str, figures: Sequence[Any]) -> None:
    from sim.figures.sheet import save

    for page, figure in enumerate(figures, start=1):
        save(figure, folder / (f"{name}.png" if page == 1 else f"{name}_{page}.png"))


def file_word(label: str) -> str:
    """A label as part of a file name, cut to what file systems take.

    >>> file_word("peace_deal, vigilance=0.5")
    'peace_deal_vigilance_0.5'
    """
    kept = "".join(letter if letter.isalnum() or letter in "._-" else " " for letter in label)
    return "_".join(kept.split())[:60].encode()[:WORD_BYTES].decode(errors="ignore")
