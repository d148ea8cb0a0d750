"""Attacks: code and environment through config files, paths out of folders; `trust.py` runs them.

Each probe of `probes.py` is given to `sim` and to `experiments/run.py`; the files around it are compared before and after.
"""

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from experiments import run
from experiments.reliability import probes
from experiments.reliability.faults import Finding, tree
from experiments.reliability.probes import Probe
from sim.commands import cli, identity, writing
from sim.compose.expand import expand
from sim.engine.plan import Plan
from sim.errors import SettingError
from sim.figures import files as drawing
from sim.results import manifest, reading

REFUSED = (2, 4)
"""Exit codes of bad input and of damaged results."""
TOY = ("region=toy", "replicates=2", "end=2022-03")


class Said(NamedTuple):
    """The exit code of a command and all of its output."""

    code: int
    screen: str


def called(program: str, argv: Sequence[str]) -> Said:
    """Run one of the two programs in this process and folder."""
    screen = io.StringIO()
    code: Any = 0
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        try:
            if program == "sim":
                code = cli.run_command(argv)
            else:
                with mock.patch.object(sys, "argv", ["run.py", *argv]):
                    run.run()
        except SystemExit as ended:
            code = ended.code
        except Exception as error:
            screen.write(f"Traceback: {error!r}")
            code = 1
    return Said(int(code or 0), screen.getvalue())


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """A context in the folder where commands are called, with the canary in the environment."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(folder), mock.patch.dict(os.environ, {probes.CANARY_VARIABLE: probes.CANARY}):
        yield


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write the files of a user's folder; returns the folder."""
    for path, text in files.items():
        at = folder / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(text.encode())
    return folder


def attempts(here: Path, tried: Sequence[Probe], every: int = 1) -> tuple[int, list[str]]:
    """The number of commands, and those that were not refused with a message, changed a file, or printed the canary."""
    wrong, count = [], 0
    for number, probe in enumerate(tried[::every]):
        place = here / str(number)
        write(place / "mine", probe.files)
        with inside(place / "called"):
            before = tree(place)
            for program in ("sim", "run.py"):
                own = ["--config-dir", "../mine"] if probe.files else []
                verb = ["sweep"] if program == "sim" else []
                said = called(program, [*verb, *TOY, *probe.said, *own])
                count += 1
                if not _in_words(said, probe) or tree(place) != before:
                    wrong.append(f"{program} {probe}: {said}")
        shutil.rmtree(place)
    return count, wrong


def _in_words(said: Said, probe: Probe) -> bool:
    """Whether a command was refused with a message that names the file and does not print the canary."""
    named = not probe.files or "other.txt" in probe.files or "/mine/" in said.screen
    return said.code in REFUSED and named and "Traceback" not in said.screen and probes.CANARY not in said.screen


def code(here: Path, every: int = 1) -> Finding:
    """Every probe that would run code, with both programs."""
    tried = probes.code_probes()
    count, wrong = attempts(here, tried, every)
    return Finding(
        f"{len(tried[::every])} payloads, {count:,} commands of `sim` and `experiments/run.py`: {len(wrong)} ran", len(wrong)
    )


def reads(here: Path, every: int = 1) -> Finding:
    """Every probe that would read the environment or a file, with both programs."""
    tried = probes.reading_probes()
    count, wrong = attempts(here, tried, every)
    return Finding(f"{len(tried[::every])} payloads, {count:,} commands: {len(wrong)} read", len(wrong))


def literal(here: Path) -> Finding:
    """Texts that are variables in other programs stay text: no output of either program has the canary."""
    probe, leaks, files = probes.literal_probe(), 0, 0
    write(here / "mine", probe.files)
    with inside(here / "called"):
        for program, verb in (("sim", ["sweep"]), ("run.py", [])):
            said = called(program, [*verb, *TOY, *probe.said, "--config-dir", "../mine"])
            leaks += said.code != 0 or probes.CANARY in said.screen
    for path in (here / "called").rglob("*"):
        if path.is_file():
            files += 1
            leaks += probes.CANARY.encode() in path.read_bytes()
    texts = f"{len(probes.LITERAL)} texts that other programs expand"
    return Finding(f"{texts}: 0 expanded in {files} files and on the screen" if not leaks else f"{texts}: {leaks} leaks", leaks)


def names(here: Path, every: int = 1) -> Finding:
    """Paths out of folders in names, lists of defaults, settings of files, and in texts that become file names."""
    tried = [*probes.naming_probes(), *probes.setting_probes()]
    count, wrong = attempts(here, tried, every)
    bad = [way for way in probes.WAYS if not _stays(drawing.file_word(way))]
    said = f"{len(tried[::every]) + len(probes.WAYS)} ways in names and files, {count:,} commands: {len(wrong) + len(bad)} led out"
    return Finding(said, len(wrong) + len(bad))


def _stays(word: str) -> bool:
    return "/" not in word and "\\" not in word and word.isprintable() and len(word.encode()) <= drawing.WORD_BYTES


# Results of strangers -------------------------------------------------------------------------------------------------------

LINKS = (".lock", ".draft", "manifest.json", "complete.json", "config.yaml", "summary.csv", "figures", "chunks", "batches")
LINKS_INSIDE = (
    "chunks/v000000-r000000000.npz",
    "chunks/v000000-r000000000.json",
    "chunks/.v000000-r000000000.npz.1",
    "figures/x.png",
)
FILES = ("file://{0}/away", "file://{1}/../away", "file://{1}x")
PLACES = (*FILES, "memory://away", "s3://bucket/x", "https://host.invalid/x", "../away")
HASHES = ("0123456789abcdef", "..", "0123456789ABCDEF", "")
BATCHES = ("../../away", "..", "/", "../batches/../../away", "batches/0", "../batches/x", "../batches/0/../../../away", 0, None)
JOBS = ("..", "../../away", "/etc", "", ".", "a/b", "x\0y")


def doors(here: Path, every: int = 1) -> Finding:
    """Results folders of a stranger that lead elsewhere, by links, locations of chunks or jobs: opened, inspected and continued."""
    variants = expand(RUN)
    with writing.simulated(here / "made", Plan(variants), {"settings": identity.settings_of(variants)}):
        (here / "made" / writing.FIGURES).mkdir()
    write(here / "away", {"kept.txt": "kept", "manifest.json": "{}", "chunks/kept.txt": "kept"})
    said = list(_stranger(here))[::every]
    wrong, count = [], 0
    for spoil in said:
        folder = here / "strange" / "out"
        shutil.copytree(here / "made", folder)
        spoil(folder)
        with inside(here / "strange" / "called"):
            before = tree(here / "away"), tree(here / "strange")
            for name, is_refused in acts(folder).items():
                count += 1
                if not is_refused() or (tree(here / "away"), tree(here / "strange")) != before:
                    wrong.append(f"{name}: {spoil}")
        shutil.rmtree(here / "strange")
    return Finding(f"{len(said)} folders of results that lead elsewhere, {count:,} commands: {len(wrong)} followed", len(wrong))


RUN = [*TOY, "record=decomposition", "dynamics.vigilance=0.5,1"]


def acts(folder: Path) -> dict[str, Callable[[], bool]]:
    """Actions on a folder of `RUN`, each returning whether it was refused; a folder that leads nowhere else is not refused."""
    commands = [
        ["status", str(folder)],
        ["verify", str(folder), "sample=0"],
        ["verify", str(folder), "--hash"],
        ["compare", str(folder)],
        ["explain", str(folder), "north", "east"],
        ["sweep", *RUN, f"out={folder}"],
        ["plan", *RUN, f"out={folder}"],
    ]
    return {" ".join(argv): partial(_refused, argv) for argv in commands} | {"open_results": partial(_not_opened, folder)}


def _refused(argv: Sequence[str]) -> bool:
    said = called("sim", argv)
    return said.code in REFUSED and "Traceback" not in said.screen


def _not_opened(folder: Path) -> bool:
    try:
        reading.open_results(folder)
    except SettingError:
        return True
    return False


def _stranger(here: Path) -> Iterator[Callable[[Path], None]]:
    """Functions that each corrupt a folder of results in one way."""
    for name in (*LINKS, *LINKS_INSIDE):
        for target in ("kept.txt", "chunks"):
            yield lambda folder, name=name, target=target: _link(folder / name, here / "away" / target)
    for place in PLACES:
        for own in HASHES:
            yield lambda folder, place=place, own=own: _reseal(folder, place=f"{place.format(here, folder)}/{own}")
    for batch in BATCHES:
        yield lambda folder, batch=batch: _share(folder, batch)
    for name in JOBS:
        yield lambda folder, name=name: _all_jobs(folder, name)


def _link(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _reseal(folder: Path, **said: object) -> None:
    """Change entries of the manifest, with a valid checksum."""
    words = json.loads((folder / manifest.MANIFEST).read_text("utf-8"))
    words = {key: value for key, value in (words | said).items() if value is not None and key != manifest.SEAL}
    (folder / manifest.MANIFEST).write_bytes(manifest.sealed(words))


def _all_jobs(folder: Path, name: str) -> None:
    """Make it a folder of several jobs, of which one has a name that leads elsewhere."""
    shutil.rmtree(folder / "chunks")
    _reseal(folder, jobs=[name], chunks=None)


def _share(folder: Path, batch: object) -> None:
    said = {
        "format": manifest.FORMAT,
        "job": "x",
        "label": "x",
        "batch": batch,
        "variants": [0, 1],
        "contributions": [],
        "attributes": {},
    }
    (folder / manifest.JOB).write_bytes(manifest.sealed(said))
