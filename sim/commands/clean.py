"""`sim clean`: removes from a results folder what the same command can make again, and nothing that its receipts do not list."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sim.commands import identity
from sim.commands.codes import GOOD
from sim.errors import DamageError, SettingError
from sim.figures import files as drawing
from sim.names import several
from sim.results import lifecycle, manifest, reading, receipts
from sim.results.chunk_store import CHUNKS
from sim.results.locks import hold
from sim.text import say

MB = 1e6


def command(options: Any) -> int:
    """Run `sim clean` with the parsed arguments and return the exit code."""
    say(*clean(Path(options.folder), options.tables, options.dry_run))
    return GOOD


def clean(folder: Path, tables: bool, dry: bool) -> list[str]:
    """Remove the chunks of a run or of several jobs, with `tables` also its tables and figures; returns a report as lines of text.

    The metadata, `config.yaml` and all files that differ from the receipts stay. With `dry`, nothing is removed.

    Raises
    ------
    SettingError
        If the folder is not one of a run or of all jobs, its chunks are in another place, or another process has locked it.
    """
    metadata = manifest.read_manifest(folder)
    _demand_own(folder, metadata)
    runs = manifest.batches_of(folder) if "chunks" not in metadata else [folder]
    with ExitStack() as held:
        for at in dict.fromkeys([folder, *runs]):
            held.enter_context(hold(at))
        chunks = [pair for at in runs for pair in _chunks(at)]
        tabled = [at for at in (folder, *(folder / name for name in metadata.get("jobs", []))) if at.is_dir()] if tables else []
        changed = {at: receipts.wrong(at) for at in tabled}
        spared = {at: {identity.CONFIG, *changed[at], *(_drawn(at) if "jobs" in metadata else ())} for at in tabled}
        files = {at: [name for name in receipts.listed(at) if name not in spared[at]] for at in tabled}
        gone = [at / name for at, names in files.items() for name in names]
        left = [f"left as it is: {at / name} {how}" for at in tabled for name, how in changed[at].items() if how == "has changed"]
        lines = [*_listed(folder, "chunks", chunks), *_listed(folder, "tables and figures", gone), *left]
        if not chunks and not gone:
            return [*lines, f"{folder}: nothing to remove"]
        size = sum(path.stat().st_size for path in (*chunks, *gone)) / MB
        if not dry:
            _remove(dict.fromkeys([folder, *runs, *tabled]), chunks, files)
    return [
        *lines,
        f"{'would free' if dry else 'freed'} {size:,.1f} MB; to make it again: sim {lifecycle.command(folder, metadata)}",
    ]


def _drawn(folder: Path) -> list[str]:
    """The figures that `sim figures` drew for a job; they stay, because the command of the jobs does not draw figures."""
    return [name for name in receipts.listed(folder) if name.startswith(f"{drawing.FIGURES}/")]


def _demand_own(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Raise `SettingError` for a folder whose chunks belong to other jobs too, or that has none."""
    if "share" in metadata or ("jobs" in metadata and "chunks" in metadata):
        whole = folder.parent if "share" in metadata else manifest.jobs_of(folder)
        raise SettingError(str(folder), "shares its chunks with other jobs", f"the folder of all jobs: {whole}")
    if "jobs" not in metadata:
        reading.demand_data(folder, metadata)


def _chunks(folder: Path) -> Iterator[Path]:
    """The chunk files of a run that have a receipt, each followed by that receipt."""
    metadata = manifest.unsealed(folder / manifest.MANIFEST)
    _demand_place(folder, metadata)
    store = manifest.store_of(folder, metadata)
    for task in manifest.tasks_of(metadata):
        if store.sha256(task):
            for path in (folder / CHUNKS / store.path(task).name, folder / CHUNKS / store.receipt(task).name):
                if path.is_file() and not path.is_symlink():
                    yield path


def _demand_place(folder: Path, metadata: Mapping[str, Any]) -> None:
    if "place" in metadata:
        wrong = f"has its chunks in {metadata['place']}, and nothing outside a folder is removed"
        raise SettingError(str(folder), wrong, "a folder that holds its chunks")
    if (folder / CHUNKS).is_symlink():
        raise DamageError(str(folder / CHUNKS), "is a link to elsewhere", "a folder as it was written")


def _listed(folder: Path, what: str, paths: Sequence[Path]) -> list[str]:
    size = sum(path.stat().st_size for path in paths) / MB
    return [f"{folder}: {what}, {several(len(paths), 'file')}, {size:,.1f} MB"] if paths else []


def _remove(folders: Iterable[Path], chunks: Sequence[Path], files: Mapping[Path, Sequence[str]]) -> None:
    """Remove files from folders; first the receipts of the folders are marked as incomplete."""
    for at in folders:
        receipts.reopen(at)
    for path in chunks:
        path.unlink()
    for at in folders:
        receipts.drop(at, files.get(at, []))
        lifecycle.remove_empty([at / CHUNKS])
