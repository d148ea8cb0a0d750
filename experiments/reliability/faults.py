"""Faults put into sweeps and their folders: kills, signals, full disks, damage, races; `trust.py` runs them.

Each function tries one row of `docs/trust.md` in a folder of its own and says how often, and how often it went wrong.
"""

import csv
import ctypes
import errno
import hashlib
import io
import itertools
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from sim.commands import identity
from sim.engine import workers
from sim.errors import SettingError
from sim.results import lifecycle, manifest, reading
from sim.results.chunks import Task, lead

ROOT = Path(__file__).parents[2]
OUT = "out"


class Finding(NamedTuple):
    """What was tried for a row, and how often it went wrong."""

    said: str
    wrong: int


def sweep(record: str, replicates: int, *more: str, chunks: int = 20, end: str = "2022-05", workers: int = 2) -> list[str]:
    """A sweep of two variants over a few months, cut into so many chunks."""
    said = ["region=toy", "dynamics.vigilance=0.5,1", f"replicates={replicates}", f"end={end}", f"record={record}"]
    return ["sweep", *said, f"engine.chunk={max(1, replicates // chunks)}", f"engine.workers={workers}", f"out={OUT}", *more]


def start(here: Path, said: Sequence[str], prepare: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """A command in a session of its own, as a terminal would start it."""

    def ready() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prepare:
            prepare()

    return subprocess.Popen(
        [sys.executable, "-m", "sim", *said],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=ready,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code of a command, and what it wrote to stderr."""
    _, wrong = process.communicate(timeout=300)
    return process.returncode, wrong


def tree(folder: Path) -> dict[str, str]:
    """The hash of every file in a folder, hidden ones too."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def group(leader: int) -> list[int]:
    """The processes of a command that are alive, workers too."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            state, _, of = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(of) == leader and state != "Z":
                found.append(int(entry.name))
    return found


def workers_of(leader: int) -> list[int]:
    """The worker processes of a command."""
    return [pid for pid in group(leader) if b"spawn_main" in _line_of(pid)]


def _line_of(pid: int) -> bytes:
    with suppress(OSError):
        return (Path("/proc") / str(pid) / "cmdline").read_bytes()
    return b""


def gone(leader: int, seconds: float = 5.0) -> bool:
    """Whether all processes of a command end in time."""
    until = time.monotonic() + seconds
    while group(leader) and time.monotonic() < until:
        time.sleep(0.02)
    return not group(leader)


def finished(folder: Path) -> dict[str, int]:
    """The chunks that are there with their receipts, and when each was written."""
    chunks = folder / "chunks"
    return {path.name: path.stat().st_mtime_ns for path in chunks.glob("v*.npz") if path.with_suffix(".json").exists()}


# R6 -------------------------------------------------------------------------------------------------------------------------

WAYS = (("all", "parent", "worker"), ("parent", "all", "end"))
"""How runs of one folder are killed, each after more chunks: the whole command, its parent, a worker, all amid the figures."""


def kills(here: Path, number: int, record: str, replicates: int, seed: int = 1) -> Finding:
    """A sweep killed at random moments until so many kills struck a living run, each folder a few times, then resumed."""
    said, moments = sweep(record, replicates, chunks=100, end="2023-01"), random.Random(seed)
    (here / "clean").mkdir()
    assert finish(start(here / "clean", said))[0] == 0
    wanted = tree(here / "clean" / OUT)
    chunks = sum(name.endswith(".npz") for name in wanted)
    bytes_wrong, lost, wrong, struck, folders, held, among, ways = 0, 0, 0, 0, 0, 0, 0, itertools.cycle(WAYS)
    while struck < number:
        place = here / f"killed-{folders}"
        place.mkdir()
        folders += 1
        kept: dict[str, int] = {}
        for way in next(ways)[: number - struck]:
            process = start(place, said)
            hit = _kill(process, place / OUT, way, moments.randrange(len(kept), chunks) if len(kept) < chunks else chunks, moments)
            struck += hit
            if way == "worker":
                finish(process)
            wrong += not gone(process.pid)
            process.communicate()
            now = finished(place / OUT)
            lost += sum(now.get(name) != when for name, when in kept.items())
            kept = now
            held += len(now)
            among += hit and 0 < len(now) < chunks
            if not hit or way == "worker":  # it has ended
                break
        code, _ = finish(start(place, said))
        now = finished(place / OUT)
        lost += sum(now.get(name) != when for name, when in kept.items())
        wrong += code != 0
        bytes_wrong += tree(place / OUT) != wanted
        shutil.rmtree(place)
    shutil.rmtree(here / "clean")
    text = f"record={record}, {replicates:,} replicates: {struck} kills struck a living run, {among} amid its {chunks} chunks"
    text += f"; {held:,} finished chunks were found again, {lost} lost or redone; {bytes_wrong} folders of other bytes"
    return Finding(text, wrong + lost + bytes_wrong)


def _kill(process: subprocess.Popen[str], folder: Path, way: str, chunks: int, moments: random.Random) -> bool:
    """Kill a command, in one way, a moment after so many chunks were there; whether it was alive."""
    if way == "end":
        while process.poll() is None and not any(folder.glob(".draft.*")):
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.5))
    else:
        while process.poll() is None and len(finished(folder)) < chunks:
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.05))
    if process.poll() is not None:
        return False
    if way in ("all", "end"):
        os.killpg(process.pid, signal.SIGKILL)
    elif way == "parent":
        process.kill()
    else:
        while process.poll() is None and not workers_of(process.pid):
            time.sleep(0.01)
        for pid in workers_of(process.pid)[:1]:
            os.kill(pid, signal.SIGKILL)
    return True


# R7 -------------------------------------------------------------------------------------------------------------------------


def signals(here: Path, number: int, replicates: int, seed: int = 1) -> Finding:
    """A sweep interrupted or asked to end, by the terminal to all its processes: exit code, time, one line, and it goes on."""
    said, moments = sweep("trajectories", replicates), random.Random(seed)
    (here / "clean").mkdir()
    assert finish(start(here / "clean", said))[0] == 0
    wanted, wrong, slowest, tried, index = tree(here / "clean" / OUT), 0, 0.0, 0, 0
    while tried < number:
        place = here / f"stopped-{index}"
        place.mkdir()
        which, times = ((signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 2))[tried % 3]
        index += 1
        process = start(place, said)
        assert process.stdout
        process.stdout.readline()
        time.sleep(moments.uniform(0, 1.5))
        began = time.monotonic()
        for _ in range(times):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, which)
            time.sleep(0.1)
        code, told = finish(process)
        if code != 0:  # else it had just ended
            tried += 1
            slowest = max(slowest, time.monotonic() - began)
            wrong += code != 128 + which
            wrong += len(told.splitlines()) != 1 or f"To continue: python -m sim {said[0]}" not in told
        wrong += not gone(process.pid)
        wrong += bool([path for path in place.rglob(".*") if path.name != ".lock"])
        wrong += finish(start(place, said))[0] != 0 or tree(place / OUT) != wanted
        shutil.rmtree(place)
    wrong += slowest > 2.0
    return Finding(f"{tried} stops of a living run (SIGINT, SIGTERM, SIGINT twice), the slowest in {slowest:.2f} s", wrong)


# R8 -------------------------------------------------------------------------------------------------------------------------

CUTS = ("all that was written", "without what was not synced", "half of what was not synced")
"""What a power cut leaves."""


class Writes:
    """What a run does to its folder, as it happens: files that are synced with what they then hold, renames, synced folders."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.done = folder, []
        self.real = os.fsync, Path.replace, os.link, Path.unlink

    def fsync(self, handle: int) -> None:
        """Note what a sync brings to the disk."""
        path = Path(f"/proc/self/fd/{handle}").resolve()
        if path.is_file():
            self.done += [("write", path, path.read_bytes()), ("sync", path, b"")]
        else:
            self.done.append(("list", path, b""))
        self.real[0](handle)

    def replace(self, path: Path, target: Path) -> Path:
        """Note a file, or a folder of files, that takes its place."""
        self.done.append(("rename", path.resolve(), bytes(target.resolve())))
        return self.real[1](path, target)

    def link(self, path: Path, target: Path) -> None:
        """Note a file that gets a second name."""
        self.real[2](path, target)
        self.done.append(("link", path.resolve(), bytes(Path(target).resolve())))

    def unlink(self, path: Path, missing_ok: bool = False) -> None:
        """Note a name that goes."""
        if path.exists():
            self.done.append(("unlink", path.parent.resolve() / path.name, b""))
        self.real[3](path, missing_ok)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """A stretch of time in which all of that is noted."""
        with (
            mock.patch("os.fsync", self.fsync),
            mock.patch.object(Path, "replace", lambda *paths: self.replace(*paths)),
            mock.patch("os.link", self.link),
            mock.patch.object(Path, "unlink", lambda path, missing_ok=False: self.unlink(path, missing_ok)),
        ):
            yield


def power_cuts(here: Path, least: int, record: str, resumed: int, every: int = 1) -> Finding:
    """Every prefix of the writes of a run, with and without what was not synced: what opens is the truth, what counts is whole."""
    said = [word for word in sweep(record, 40 if record == "trajectories" else 6000) if not word.startswith("engine.workers")]
    (here / "run").mkdir()
    writes = Writes(here / "run")
    with writes.noted():
        assert here_command(here / "run", said)[0] == 0
    folder = here / "run" / OUT
    wanted, truth = tree(folder), reading.open_results(folder)
    words = manifest.read_manifest(folder)
    points = [(cut, prefix) for cut in CUTS for prefix in range(len(writes.done) + 1)]
    assert len(points) >= least, len(points)
    points = points[::every]
    chance = random.Random(1)
    again = set(chance.sample(range(len(points)), resumed))
    wrong, whole, opened = 0, 0, 0
    for index, (cut, prefix) in enumerate(points):
        place = here / "cut"
        _replay(writes.done[:prefix], folder, place / OUT, cut)
        store = manifest.store_of(place / OUT, words)
        for task in manifest.tasks_of(words):
            if store.has(task):
                whole += 1
                wrong += store.path(task).read_bytes() != (folder / "chunks" / f"{task.name}.npz").read_bytes()
        if (place / OUT / manifest.COMPLETE).exists():
            opened += 1
            wrong += tree(place / OUT) != wanted or not _same(reading.open_results(place / OUT), truth)
        if index in again:
            wrong += here_command(place, said)[0] != 0 or tree(place / OUT) != wanted
        shutil.rmtree(place)
    text = f"{len(points)} points, {whole:,} chunks counted, {opened} finished folders; {resumed} of them gone on with"
    return Finding(f"record={record}: {text}", wrong)


class Kept:
    """A file in memory, and whether its content is on the disk."""

    def __init__(self, content: bytes) -> None:
        self.content, self.synced = content, False


def _replay(done: Sequence[tuple[str, Path, bytes]], folder: Path, into: Path, cut: str) -> None:
    """What a power cut leaves after some writes: names reach the disk when their folder is synced, content when the file is."""
    memory: dict[Path, Kept] = {}
    disk: dict[Path, Kept] = {}
    for what, path, content in done:
        if what == "write":
            memory[path] = Kept(content)
        elif what == "sync":
            memory[path].synced = True
        elif what == "rename":
            target = Path(os.fsdecode(content))
            for old in [old for old in memory if path in (old, *old.parents)]:
                memory[target / old.relative_to(path)] = memory.pop(old)
        elif what == "link":
            memory[Path(os.fsdecode(content))] = memory[path]
        elif what == "unlink":
            memory.pop(path, None)
        else:
            disk = {at: kept for at, kept in disk.items() if path not in at.parents}
            disk |= {at: kept for at, kept in memory.items() if path in at.parents}
    into.mkdir(parents=True)
    for path, kept in (disk if cut == CUTS[1] else memory).items():
        place = into / path.relative_to(folder.resolve())
        place.parent.mkdir(parents=True, exist_ok=True)
        left = {CUTS[0]: len(kept.content), CUTS[1]: 0, CUTS[2]: len(kept.content) // 2}[cut]
        place.write_bytes(kept.content if kept.synced else kept.content[:left])


# R9 -------------------------------------------------------------------------------------------------------------------------


def full_disks(here: Path, limits: Sequence[int], replicates: int) -> Finding:
    """A quota on the size of files: one line that names the place, exit code 5, and the same command goes on without it."""
    said = sweep("trajectories", replicates)
    (here / "clean").mkdir()
    assert finish(start(here / "clean", said))[0] == 0
    wanted, wrong, needed = tree(here / "clean" / OUT), 0, 0
    for limit in limits:
        place = here / f"limit-{limit}"
        place.mkdir()
        process = start(place, said, lambda size=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
        code, told = finish(process)
        wrong += code != 5 or len(told.splitlines()) != 1 or OUT not in told
        needed += "bytes needed" in told
        wrong += finish(start(place, said))[0] != 0 or tree(place / OUT) != wanted
        shutil.rmtree(place)
    return Finding(
        f"{len(limits)} limits on the size of a file, {needed} of them at a chunk or manifest, else at lock, tables, figures",
        wrong,
    )


def failing_writes(here: Path, at_most: int) -> Finding:
    """Every sync and every rename of a run fails once, for want of room: exit code 5, and the same command goes on."""
    said = [word for word in sweep("trajectories", 40) if not word.startswith("engine.workers")]
    wanted, wrong, failed = None, 0, 0
    for number in range(-1, at_most):
        place = here / f"write-{number}"
        place.mkdir()
        calls = iter(range(10**6))
        real = {"fsync": os.fsync, "replace": Path.replace}

        def failing(name: str, calls=calls, real=real, number=number) -> Callable[..., Any]:
            def call(*args: Any) -> Any:
                if next(calls) == number:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return real[name](*args)

            return call

        with mock.patch("os.fsync", failing("fsync")), mock.patch.object(Path, "replace", _bound(failing("replace"))):
            code, told = here_command(place, said)
        if wanted is None:
            wanted = tree(place / OUT)
            continue
        if code == 0:
            shutil.rmtree(place)
            break
        failed += 1
        wrong += code != 5 or len(told.splitlines()) != 1 or OUT not in told
        wrong += here_command(place, said)[0] != 0 or tree(place / OUT) != wanted
        shutil.rmtree(place)
    return Finding(f"each of {failed} syncs and renames failed once", wrong)


UNWRITABLE = ("above", "empty", "begun", "chunks", "unreadable")
"""What is shut: the folder above, a new one, one with a begun run, its chunks only, and one for reading too."""


def unwritable(here: Path, names: Sequence[str] = UNWRITABLE) -> Finding:
    """Folders that cannot be written or read: exit code 5, one message that names the place, and nothing changed."""
    wrong, said = 0, ["sweep", "region=toy", "dynamics.vigilance=0.5,1", "replicates=4", "end=2022-03", "engine.chunk=1"]
    (here / "good").mkdir()
    assert here_command(here / "good", [*said, f"out={OUT}"])[0] == 0
    for name in names:
        place = here / name
        shutil.copytree(here / "good" / OUT, place / OUT)
        target = place / OUT
        if name == "above":
            shutil.rmtree(target)
            shut = place
        elif name == "empty":
            shutil.rmtree(target)
            target.mkdir()
            shut = target
        else:
            (target / manifest.COMPLETE).unlink()
            next(target.glob("chunks/*.json")).unlink()
            shut = target / "chunks" if name == "chunks" else target
        before = tree(place)
        mode = shut.stat().st_mode
        shut.chmod(0 if name == "unreadable" else 0o500)
        process = start(here, [*said, f"out={target}"], _obey)
        code, told = finish(process)
        shut.chmod(mode)
        wrong += code != 5 or len(told.splitlines()) != 1 or str(target) not in told or "Traceback" in told
        wrong += tree(place) != before
        wrong += here_command(here, [*said, f"out={target}"])[0] != 0
    return Finding(f"{len(names)} folders that cannot be written: {', '.join(names)}", wrong)


def _obey() -> None:
    """Let modes of files hold for root too: without these capabilities it is an owner like any other."""
    if os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def _bound(call: Callable[..., Any]) -> Callable[..., Any]:
    def replace(self: Path, target: Path) -> Any:
        return call(self, target)

    return replace


def here_command(place: Path, said: Sequence[str]) -> tuple[int, str]:
    """Run a command in this process; its exit code and what it wrote to stderr."""
    from sim.commands.cli import run_command

    before, told = Path.cwd(), io.StringIO()
    os.chdir(place)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(told):
            return run_command(said), told.getvalue()
    finally:
        os.chdir(before)


# R10 ------------------------------------------------------------------------------------------------------------------------


def two_runs(here: Path, record: str, replicates: int, chunk: int) -> tuple[list[str], Path, Path]:
    """A command, its folder under `true`, and under `other` that of the same with another seed, to take wrong files from."""
    said = [word for word in sweep(record, replicates, workers=1) if not word.startswith("engine.chunk")] + [
        f"engine.chunk={chunk}"
    ]
    for name, more in (("true", []), ("other", ["seed=7"])):
        (here / name).mkdir()
        assert here_command(here / name, [*said, *more])[0] == 0
    return said, here / "true" / OUT, here / "other" / OUT


def damage(here: Path, number: int, record: str, seed: int = 1, mend_every: int = 50) -> Finding:
    """Folders damaged at random: what opens is exactly what was written, or it is refused; their own command mends them."""
    said, folder, other = two_runs(here, record, *((40, 10) if record == "trajectories" else (600, 256)))
    truth, wanted = reading.open_results(folder), tree(folder)
    whole = {name: (folder / name).read_bytes() for name in wanted if name.endswith((".npz", ".json"))}
    chance, wrong, refused, mended = random.Random(seed), 0, 0, 0
    for index in range(number):
        for name, content in _damaged(whole, other, chance).items():
            (folder / name).write_bytes(content)
        try:
            found = reading.open_results(folder)
            wrong += not _same(found, truth)
        except SettingError:
            refused += 1
        except Exception:
            wrong += 1
        if index % mend_every == 0:
            before, foreign = tree(folder), (folder / manifest.MANIFEST).read_bytes() == (other / manifest.MANIFEST).read_bytes()
            code, told = here_command(here / "true", said)
            if foreign:  # the words of another run, whole: R12, refused with the difference and left as it is
                wrong += code != 2 or "seed: 7 there, 2026 here" not in told or tree(folder) != before
            else:
                wrong += code != 0 or tree(folder) != wanted
                mended += 1
        for name, content in whole.items():
            (folder / name).write_bytes(content)
    text = f"record={record}: {number:,} mutations, {refused:,} refused, the others harmless; {mended} mended by their command"
    return Finding(text, wrong)


def _same(found: Any, truth: Any) -> bool:
    bits = all(found[name].values.tobytes() == truth[name].values.tobytes() for name in truth.data_vars)
    return bits and found.identical(truth)


def _damaged(whole: dict[str, bytes], other: Path, chance: random.Random) -> dict[str, bytes]:
    """One random damage: the files that it changes, with what they then hold."""
    name = chance.choice(sorted(whole))
    content, way = bytearray(whole[name]), chance.randrange(8)
    if way <= 2:
        for _ in range(chance.choice([1, 1, 1, 8])):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif way == 3:
        content = content[: chance.randrange(len(content))]
    elif way == 4:
        content = bytearray()
    elif way == 5:
        return {name: (other / name).read_bytes()}
    elif way == 6:
        first, second = (Path(chance.choice([path for path in sorted(whole) if path.endswith(".npz")])) for _ in range(2))
        pairs = [(first, second), (first.with_suffix(".json"), second.with_suffix(".json"))][: chance.choice([1, 2])]
        return {str(to): whole[str(of)] for pair in pairs for to, of in (pair, pair[::-1])}
    else:
        begin = chance.randrange(len(content))
        content[begin : begin + chance.randrange(1, 40)] = chance.randbytes(chance.randrange(40))
    return {name: bytes(content)}


# R11, R12 -------------------------------------------------------------------------------------------------------------------


WRONGS = ("exception", "not finite", "memory", "worker exit")
"""How a variant fails."""


def failing(here: Path, variants: int, wrongs: Sequence[str] = WRONGS) -> Finding:
    """One variant in a hundred fails in some worlds: the others finish, a table says which, the same command tries them again."""
    weights = [round(0.5 + at / variants, 6) for at in range(variants)]
    base = ["sweep", "region=toy", f"dynamics.vigilance={','.join(map(str, weights))}", "replicates=8", "end=2022-03"]
    said = [*base, "record=trajectories", "engine.chunk=4", "engine.workers=2", f"out={OUT}"]
    (here / "clean").mkdir()
    assert here_command(here / "clean", said)[0] == 0
    truth = reading.open_results(here / "clean" / OUT)
    bad = {int(at) for at in np.linspace(variants / 3, variants - 1, max(1, variants // 100)).astype(int)}
    labels = {str(truth["variant"].values[at]) for at in bad}
    honest, fork, wrong, good = workers.run_task, multiprocessing.get_context("fork"), 0, 0
    for way in wrongs:
        place = here / way.replace(" ", "-")
        place.mkdir()

        def run_task(job: Any, task: Task, way: str = way) -> Any:
            struck = sorted(bad & set(range(*task.variants))) if task.replicates[0] == 0 else []
            if struck and way == "exception":
                raise ZeroDivisionError("on purpose")
            if struck and way == "memory":
                raise MemoryError
            if struck and way == "worker exit":
                os._exit(1)
            arrays = honest(job, task)
            if struck:
                arrays["alignment"][-1, ..., [at - task.variants[0] for at in struck], :] = np.nan
            return arrays

        with (
            mock.patch.object(workers, "run_task", run_task),
            mock.patch.object(workers.multiprocessing, "get_context", lambda _: fork),
        ):
            code, told = here_command(place, said)
        with (place / OUT / lifecycle.FAILURES).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        wrong += code != 3 or len(told.splitlines()) > 2 or lifecycle.FAILURES not in told
        wrong += {row["variant"] for row in rows} != labels or len(rows) != len(labels)
        wrong += any((row["seed"], row["first_replicate"], row["last_replicate"]) != ("2026", "0", "3") for row in rows)
        wrong += any(not row["reason"] or not row["command"].startswith("sim sweep region=toy") for row in rows)
        words, kept = manifest.read_manifest(place / OUT), finished(place / OUT)
        for task in manifest.tasks_of(words):
            store = manifest.store_of(place / OUT, words)
            if store.has(task):
                there, at = store.get(task)["alignment"], (slice(*task.variants), slice(*task.replicates))
                wrong += lead(there, 2).tobytes() != truth["alignment"].values[at].tobytes()
                good += task.worlds
        wrong += good % (8 * variants - 4 * len(bad)) != 0  # all others are there
        wrong += here_command(place, said)[0] != 0 or (place / OUT / lifecycle.FAILURES).exists()
        now = finished(place / OUT)
        wrong += any(now.get(name) != when for name, when in kept.items())
        wrong += not _same(reading.open_results(place / OUT), truth)
        wrong += (place / OUT / identity.SUMMARY).read_bytes() != (here / "clean" / OUT / identity.SUMMARY).read_bytes()
    text = f"{len(bad)} of {variants} variants failed by {', '.join(wrongs)}; {good:,} worlds of the others, all as in a clean run"
    return Finding(text, wrong)


def changed(here: Path) -> Finding:
    """The same folder with another seed, version or code: refused with what differs, and no byte of it changed."""
    said, wrong = sweep("trajectories", 40, workers=1), 0
    wrong += here_command(here, said)[0] != 0
    before = tree(here / OUT)
    for key, more, patch in (
        ("seed: 2026 there, 7 here", ["seed=7"], {}),
        ("version: ", [], {"installed_version": lambda _: "9.9"}),
        ("code: ", [], {"code_hash": lambda: "another"}),
    ):
        for unfinished in (False, True):
            if unfinished:
                (here / OUT / manifest.COMPLETE).rename(here / "aside")
            with ExitStack() as patched:
                for name, value in patch.items():
                    patched.enter_context(mock.patch.object(identity, name, value))
                code, told = here_command(here, [*said, *more])
            wrong += code != 2 or key not in told
            if unfinished:
                (here / "aside").rename(here / OUT / manifest.COMPLETE)
            wrong += tree(here / OUT) != before
    return Finding("another seed, version, code; a finished and an unfinished folder", wrong)


# R13 ------------------------------------------------------------------------------------------------------------------------


def races(here: Path, number: int, seed: int = 1) -> Finding:
    """Two to four runners at once, some of other settings, some over a dead one's lock: one result, the others told at once."""
    said, chance, wrong, lost, late = sweep("trajectories", 40, workers=1), random.Random(seed), 0, 0, 0.0
    alone = {}
    for word in ("seed=2026", "seed=7"):
        (here / word).mkdir()
        wrong += here_command(here / word, [*said, word])[0] != 0
        alone[word] = tree(here / word / OUT)
    fork = multiprocessing.get_context("fork")
    for index in range(number):
        place = here / f"race-{index}"
        (place / OUT).mkdir(parents=True)
        if index % 3 == 0:
            (place / OUT / ".lock").write_text("process 4194303 on nowhere")
        several = chance.choice([2, 3, 4])
        words = ["seed=2026"] * several if index % 2 else [chance.choice(sorted(alone)) for _ in range(several)]
        gate, told = fork.Barrier(several), fork.SimpleQueue()
        runners = [fork.Process(target=_run, args=(place, [*said, word], chance.uniform(0, 0.2), gate, told)) for word in words]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join(60)
        found = [told.get() for _ in runners]
        losers = [entry for entry in found if entry[0] != 0]
        lost += len(losers)
        late = max([late, *(seconds for _, _, seconds in losers)])
        wrong += not any(code == 0 for code, _, _ in found)
        wrong += any(code != 2 or not ("is writing it" in text or "other settings" in text) for code, text, _ in losers)
        wrong += any("4194303" in text for _, text, _ in losers)
        wrong += tree(place / OUT) not in alone.values()
        shutil.rmtree(place)
    wrong += late > 5
    return Finding(f"{number} races, {lost} losers, the latest told after {late:.1f} s", wrong)


def _run(place: Path, said: list[str], wait: float, gate: Any, told: Any) -> None:
    gate.wait()
    time.sleep(wait)
    began = time.monotonic()
    code, text = here_command(place, said)
    told.put((code, text, time.monotonic() - began))
