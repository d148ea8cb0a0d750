"""The folder of results: made whole or not at all, recognised when it is there, never overwritten."""

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from sim import results, tables
from sim.chunks import Task
from sim.config import Variant
from sim.designs import Variants
from sim.ensemble import Job, compute, tasks, workers_of
from sim.making import PROJECT, installed_version, versions
from sim.measuring import measured
from sim.names import several
from sim.refusal import DamageError, RoomError, SettingError
from sim.remote import place_of
from sim.settings import code_hash, data_settings, differing, fingerprint, flat_settings, shared_and_own
from sim.simulate import Plan, job_of, words
from sim.store import CHUNKS, Store, hold

OUTPUTS = "outputs"
HASH_LETTERS = 8
PLACE_LETTERS = 16
SHOWN = 4
"""Differences that a refusal shows."""
PAGE = 12
"""Variants that get a figure of trajectories of their own; every one of them is in the tables."""
CONFIG, SUMMARY, DRAWS, FIGURES = "config.yaml", "summary.csv", "draws.csv", "figures"


def settings_of(variants: Sequence[Variant]) -> dict[str, Any]:
    """What decides the numbers of a run: the settings that its variants share and each one's own, the version and the code."""
    if isinstance(variants, Variants):
        return settings_said(variants.flat_settings())
    named = {id(variant.settings): variant for variant in variants}.values()
    return settings_said({label_of(variant): data_settings(variant.settings) for variant in named})


def settings_said(tables: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The same from the flat settings of each variant, by its label."""
    shared, own = shared_and_own(list(tables.values()))
    made = {"version": installed_version(PROJECT), "code": code_hash()}
    return made | {"shared": shared, "variants": dict(zip(tables, own, strict=True))}


def label_of(variant: Variant) -> str:
    """A variant's label without the number of its draw."""
    return variant.label.removesuffix(f", draw={variant.coordinates.get('draw')}")


def folder_for(variants: Sequence[Variant], verb: str) -> Path:
    """The folder that a run writes: `out`, else outputs/<study or verb>-<8 of the settings' hash>."""
    config = variants[0].config
    if config.out:
        return Path(config.out)
    return Path(OUTPUTS) / f"{config.study.name or verb}-{fingerprint(settings_of(variants))[:HASH_LETTERS]}"


def complete(folder: Path, settings: dict[str, Any]) -> bool:
    """Whether the folder holds these very results to the end, undamaged; refused where it holds others, or anything else.

    A run whose manifest is lost or damaged is known by what its chunks say.
    """
    said, chunks = f"out={folder}", Store(folder, fingerprint(settings))
    if not folder.exists():
        parent = next(parent for parent in folder.resolve().parents if parent.exists())
        if not parent.is_dir():
            raise SettingError("out", f"{parent} is no folder", "a folder that can be written", where=said)
        return False
    if not (folder / results.MANIFEST).is_file():
        if folder.resolve() == Path.cwd():
            raise SettingError("out", "is the folder that the command is called in", "a folder inside it, or another", where=said)
        if chunks.begun() or (folder.is_dir() and all(entry.name.startswith(".") for entry in folder.iterdir())):
            return False
        raise SettingError("out", "holds something that is no results folder; nothing was changed", "a new folder", where=said)
    try:
        there = results.read_manifest(folder)
    except DamageError:
        if chunks.begun():
            return False
        raise
    rows = differing(flat_settings(there["settings"]), flat_settings(settings))
    if not rows:
        return "chunks" not in there or results.is_complete(folder, there)
    shown = "; ".join(f"{key}: {_short(old)} there, {_short(new)} here" for key, old, new in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    raise SettingError(
        "out", f"holds results of other settings: {shown}{more}", "a new folder, or none for the default", where=said
    )


def _short(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) < 40 else text[:37] + "..."


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A new folder that appears under its name only when everything in it is written; else nothing is left."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        _remove_empty(missing)
        raise _no_room(folder, error) from None
    try:
        draft.chmod(0o755)
        yield draft
        if folder.is_dir():
            folder.rmdir()
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        _remove_empty(missing)
        raise


def _remove_empty(folders: Sequence[Path]) -> None:
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def write_run(folder: Path, plan: Plan, settings: dict[str, Any], watch: Callable[[int, int], None] | None = None) -> xr.Dataset:
    """Simulate a plan into its folder, chunk by chunk, then its tables and figures; what a stopped run has kept is not made again.

    Parameters
    ----------
    folder : path
        A new one, or one that `complete` has found to hold a part of this very run.
    plan, settings
        What to run, and what `settings_of` makes of it.
    watch : callable, optional
        Told of worlds done and worlds in all, after each chunk.

    Returns
    -------
    xarray.Dataset
        The results, with measures.

    Raises
    ------
    SettingError
        Where another process writes the folder, it cannot be written, or a variant cannot be computed.
    """
    with simulated(folder, plan, {"settings": settings}, watch) as said:
        ds = measured(results.read_run(folder, said))
        summary = results.summarise(ds)
        with drafted(folder) as draft:
            tables.write_long(summary, draft / SUMMARY)
            write_config(draft / CONFIG, plan.variants)
            write_draws(draft / DRAWS, plan.variants)
            draw_figures(draft / FIGURES, ds, summary)
    return ds


@contextmanager
def simulated(
    folder: Path, plan: Plan, more: dict[str, Any], watch: Callable[[int, int], None] | None = None
) -> Iterator[dict[str, Any]]:
    """The chunks of a run in a folder that this process holds; whole when what is done with them is done.

    `more` are words of the manifest beside those of the plan: its settings.
    """
    job = job_of(plan)
    with begun(folder, _words(plan, job, more["settings"]) | more):
        said = results.read_manifest(folder)
        cut = results.tasks_of(said)
        results.store_of(folder, said).sweep(cut)
        _fill(folder, said, plan, job, cut, watch)
        results.store_of(folder, said).sweep(cut)
        yield said
        results.write_complete(folder, said)


def write_part(folder: Path, plan: Plan, settings: dict[str, Any], watch: Callable[[int, int], None] | None = None) -> int:
    """Simulate the part of a plan's chunks that `engine.part` names, beside processes that do the others.

    Takes what `write_run` takes, which makes tables and figures when all parts are there.

    Returns
    -------
    int
        How many chunks the part has.
    """
    job, (number, parts) = job_of(plan), plan.config.engine.share or (1, 1)
    said = _words(plan, job, settings)
    with begun(folder, said, together=True):
        said = results.read_manifest(folder)
        own = results.tasks_of(said)[number - 1 :: parts]
        _fill(folder, said, plan, job, own, watch)
    return len(own)


def _words(plan: Plan, job: Job, settings: dict[str, Any]) -> dict[str, Any]:
    """What the manifest of a run says."""
    engine, run = plan.config.engine, fingerprint(settings)
    said = words(plan) | {"settings": settings, "settings_hash": run}
    said["attributes"] |= {"settings_hash": run}
    said["chunks"] = [[*task.variants, *task.replicates] for task in tasks(job, engine.chunk)]
    if engine.chunks:
        own = fingerprint([run, said["chunks"], versions()])  # so that no two runs share a place where their chunks differ
        said["place"] = f"{engine.chunks.rstrip('/')}/{own[:PLACE_LETTERS]}"
        place_of(said["place"]).exists()  # refused before anything is written, where it cannot be opened
    return said


def _fill(
    folder: Path, said: dict[str, Any], plan: Plan, job: Job, own: Sequence[Task], watch: Callable[[int, int], None] | None
) -> None:
    """Compute those of some chunks that are missing."""
    engine, store = plan.config.engine, results.store_of(folder.absolute(), said)
    todo = [task for task in own if not store.has(task)]
    total = sum(task.worlds for task in own)
    done = total - sum(task.worlds for task in todo)
    with closing(compute(job, todo, workers_of(job, todo, engine.workers), store, engine.cluster)) as computed:
        for task, _ in computed:
            done += task.worlds
            if watch:
                watch(done, total)


@contextmanager
def begun(folder: Path, said: dict[str, Any], together: bool = False) -> Iterator[None]:
    """A folder that this process holds and whose manifest stands; what was made for a run that kept nothing is removed again.

    Processes that hold it `together` compute parts of one run: the first writes the manifest, and none removes anything.
    """
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    store, kept = results.store_of(folder, said) if "chunks" in said else None, True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = hold(folder, together)
    except OSError as error:
        _remove_empty(missing)
        raise _no_room(folder, error) from None
    try:
        with lock:
            complete(folder, said["settings"])  # another may have written it since it was looked at
            if not together:
                for name in (results.MANIFEST, results.COMPLETE):
                    for draft in folder.glob(f".{name}.*"):
                        draft.unlink(missing_ok=True)
                (folder / results.COMPLETE).unlink(missing_ok=True)
            try:
                if not _has_manifest(folder):
                    results.write_manifest(folder, said, new=together)
                _demand_same_software(folder, said)
                yield
            except BaseException:
                if store and not together:
                    store.sweep()
                    kept = store.begun()
                elif not together:
                    kept = any(folder.glob(f"**/{CHUNKS}/*.json"))
                if not kept:
                    (folder / results.MANIFEST).unlink(missing_ok=True)
                    shutil.rmtree(folder / CHUNKS, ignore_errors=True)
                raise
    finally:
        if not kept:
            _remove_empty(missing)


def _has_manifest(folder: Path) -> bool:
    try:
        return bool(results.read_manifest(folder))
    except SettingError:
        return False


def _no_room(folder: Path, error: OSError) -> RoomError:
    return RoomError("out", f"cannot be written: {error.strerror}", "another folder", where=f"out={folder}")


def _demand_same_software(folder: Path, said: dict[str, Any]) -> None:
    """Refuse to go on with what other versions have begun: the numbers of one run are of one making."""
    there, here = (json.loads(found["attributes"]["provenance"])["versions"] for found in (results.read_manifest(folder), said))
    rows = differing(there, here)
    if rows:
        shown = "; ".join(f"{key} {old} there, {new} here" for key, old, new in rows)
        raise SettingError("out", f"was begun by other versions: {shown}", "those versions, or a new folder", where=f"out={folder}")


@contextmanager
def drafted(folder: Path) -> Iterator[Path]:
    """A draft inside a folder whose files take their places when all are written."""
    draft = folder / ".draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        for entry in draft.iterdir():
            place = folder / entry.name
            if place.is_dir():
                shutil.rmtree(place)
            entry.replace(place)
    except OSError as error:  # those of open files do not say where
        raise OSError(error.errno, error.strerror or str(error), error.filename or f"{folder} (tables and figures)") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def run_variant(variant: Variant, folder: Path) -> xr.Dataset:
    """Simulate one variant into a new folder, for programs that bring their own."""
    settings = settings_of([variant])
    if complete(folder, settings):
        return results.open_results(folder)
    return write_run(folder, Plan([variant]), settings)


def write_config(path: Path, variants: Sequence[Variant]) -> None:
    """The resolved settings of every variant, as `--cfg job` prints them; what all share stands once."""
    from sim.settings import common_and_rest

    named = {id(variant.settings): variant for variant in variants}.values()
    common, rest = common_and_rest([variant.settings for variant in named])
    content = {"shared": common, "variants": {label_of(variant): own for variant, own in zip(named, rest, strict=True)}}
    path.write_text(yaml_text(content), encoding="utf-8")


def yaml_text(content: object) -> str:
    """Plain settings as YAML; written in C, several times faster, where PyYAML was built with it."""
    return yaml.dump(content, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=132)


_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def write_draws(path: Path, variants: Sequence[Variant]) -> None:
    """What was drawn: a row for each draw, a column for each number by its dotted path; no file where nothing was drawn."""
    if isinstance(variants, Variants) and variants.draw is not None:
        draws = sorted(set(variants.draw.tolist()))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["draw", *variants.numbers])
            writer.writerows([draw, *(float(values[draw]) for values in variants.numbers.values())] for draw in draws)


def draw_figures(folder: Path, ds: xr.Dataset, summary: xr.Dataset) -> None:
    """Draw the figures of a run: trajectories of each variant, and the paired effects where there are others."""
    from sim import captions, contrasts, plots
    from sim.panels import MARKS_MAX
    from sim.sheet import save

    folder.mkdir()
    labels = [str(label) for label in ds["variant"].values]
    for index, label in enumerate(labels[:PAGE]):
        suffix = "" if len(labels) == 1 else f"_{index:02d}_{file_word(label)}"
        save(plots.plot_trajectories(summary, label), folder / f"trajectories{suffix}.png")
        if len(captions.marks([ds], [label])) > MARKS_MAX:
            save(plots.plot_timeline(summary, label), folder / f"timeline{suffix}.png")
    _save_pages(folder, "measures", plots.plot_measures(summary))
    if len(labels) > 1:
        _save_pages(folder, "side_by_side", contrasts.plot_side_by_side(summary))
        draw_effects(folder, results.differences(ds, ("alignment",)))


def draw_effects(folder: Path, effects: xr.Dataset) -> None:
    """Draw the paired effects over time and at the end, on as many pages as they need."""
    from sim import contrasts

    _save_pages(folder, "effects", contrasts.plot_effects(effects))
    _save_pages(folder, "final_effects", contrasts.plot_final_effects(effects))


def _save_pages(folder: Path, name: str, figures: Sequence[Any]) -> None:
    from sim.sheet import save

    for page, figure in enumerate(figures, start=1):
        save(figure, folder / (f"{name}.png" if page == 1 else f"{name}_{page}.png"))


def file_word(label: str) -> str:
    """A label as part of a file name.

    >>> file_word("peace_deal, vigilance=0.5")
    'peace_deal_vigilance_0.5'
    """
    kept = "".join(letter if letter.isalnum() or letter in "._-" else " " for letter in label)
    return "_".join(kept.split())[:60]


def write_manifest(folder: Path, asked: dict[str, Any]) -> None:
    """Write what a looking verb was asked, so that a second time is recognised."""
    results.write_manifest(folder, {"format": results.FORMAT, "settings": asked})


# What is told ---------------------------------------------------------------------------------------------------------------


def describe(plan: Plan) -> list[str]:
    """What is about to run, and whether its opening is stable where that is soon known, as lines of text."""
    config, window = plan.config, plan.window
    lines = [
        f"{config.region.label}, {window.instants[0]:%Y-%m} to {window.instants[-1]:%Y-%m}, {several(window.periods, 'period')}: "
        f"{several(len(plan.variants), 'variant')} of {several(config.replicates, 'world')}, seed {config.seed}, "
        f"keep={plan.keep.value}"
    ]
    if plan.refused:
        lines.append(f"{several(plan.refused, 'draw')} left out: the opening cannot be at rest")
    return lines + (margin_lines(plan) if plan.margins_are_quick else ["stability margins are worked out with the results"])


def margin_lines(plan: Plan) -> list[str]:
    """Whether the opening is stable, as lines of text."""
    unstable = [variant.label for variant, margin in zip(plan.variants, plan.margins, strict=True) if margin < 0]
    low, high = float(plan.margins.min()), float(plan.margins.max())
    lines = [f"stability margin {low:.4g}" + (f" to {high:.4g}" if high - low > abs(low) * 1e-3 else "") + " (above 0: stable)"]
    if unstable:
        shown = "; ".join(unstable[:SHOWN]) + (f" and {len(unstable) - SHOWN} more" if len(unstable) > SHOWN else "")
        lines.append(f"negative, so there are several stable worlds and history decides: {shown}")
    return lines


def effects_lines(ds: xr.Dataset) -> list[str]:
    """The paired effects on alignment at the last instant as lines of text; nothing where there is one variant."""
    if ds.sizes["variant"] == 1:
        return []
    return tables.effects_lines(results.differences(ds, ("alignment",)))
