"""Faults put into sweeps and their folders: kills, signals, full disks, damage, races; `experiments/trust.py` runs them.

Each function tries one row of `docs/trust.md` in a folder of its own and says how often, and how often it went wrong.
"""

import errno
import hashlib
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from sim import outputs, results
from sim.chunks import Task
from sim.compose import expand
from sim.refusal import SettingError
from sim.simulate import Plan
from sim.store import Store

ROOT = Path(__file__).parent.parent
OUT = "out"


class Finding(NamedTuple):
    """What was tried for a row, and how often it went wrong."""

    said: str
    wrong: int


def sweep(keep: str, replicates: int, *more: str) -> list[str]:
    """A sweep of two variants over a few months, cut into about twenty chunks."""
    said = ["region=toy", "dynamics.vigilance=0.5,1", f"replicates={replicates}", "end=2022-05", f"keep={keep}"]
    return ["sweep", *said, f"engine.chunk={max(1, replicates // 20)}", "engine.workers=2", f"out={OUT}", *more]


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


def workers(leader: int) -> list[int]:
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

WAYS = ("all", "parent", "worker", "end")


def kills(here: Path, number: int, keep: str, replicates: int, seed: int = 1) -> Finding:
    """A sweep killed at random moments, each folder a few times, then resumed: the same bytes, and no finished chunk made twice."""
    said, moments = sweep(keep, replicates), random.Random(seed)
    (here / "clean").mkdir()
    began = time.monotonic()
    assert finish(start(here / "clean", said))[0] == 0
    took = time.monotonic() - began
    wanted = tree(here / "clean" / OUT)
    chunks = sum(name.endswith(".npz") for name in wanted)
    wrong, struck, held = 0, 0, 0
    for index in range(-(-number // 4)):
        place = here / f"killed-{index}"
        place.mkdir()
        kept: dict[str, int] = {}
        for way in WAYS[: number - 4 * index]:
            process = start(place, said)
            struck += _kill(process, place / OUT, way, moments.uniform(0.25, 0.9) * took, chunks, moments)
            if way == "worker":
                finish(process)
            wrong += not gone(process.pid)
            process.communicate()
            now = finished(place / OUT)
            wrong += any(now.get(name) != when for name, when in kept.items())
            kept = now
            held += len(now)
        code, _ = finish(start(place, said))
        now = finished(place / OUT)
        wrong += any(now.get(name) != when for name, when in kept.items())
        wrong += code != 0 or tree(place / OUT) != wanted
        shutil.rmtree(place)
    shutil.rmtree(here / "clean")
    text = f"keep={keep}, {replicates:,} replicates: {struck} kills of {number} struck a living run, {held} chunks were found kept"
    return Finding(text, wrong)


def _kill(process: subprocess.Popen[str], folder: Path, way: str, after: float, chunks: int, moments: random.Random) -> bool:
    """Kill the whole command, its parent, a worker, or all while it writes its tables and figures; whether it was alive."""
    if way == "end":
        while process.poll() is None and len(finished(folder)) < chunks:
            time.sleep(0.01)
        after = moments.uniform(0, 0.5)
    time.sleep(after)
    if process.poll() is not None:
        return False
    if way in ("all", "end"):
        os.killpg(process.pid, signal.SIGKILL)
    elif way == "parent":
        process.kill()
    else:
        while process.poll() is None and not workers(process.pid):
            time.sleep(0.01)
        for pid in workers(process.pid)[:1]:
            os.kill(pid, signal.SIGKILL)
    return True


# R7 -------------------------------------------------------------------------------------------------------------------------


def signals(here: Path, number: int, replicates: int, seed: int = 1) -> Finding:
    """A sweep interrupted or asked to end, by the terminal to all its processes: exit code, time, one line, and it goes on."""
    said, moments = sweep("worlds", replicates), random.Random(seed)
    (here / "clean").mkdir()
    assert finish(start(here / "clean", said))[0] == 0
    wanted, wrong, slowest, tried = tree(here / "clean" / OUT), 0, 0.0, 0
    for index in range(number):
        place = here / f"stopped-{index}"
        place.mkdir()
        which, times = ((signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 2))[index % 3]
        process = start(place, said)
        assert process.stdout
        process.stdout.readline()
        time.sleep(moments.uniform(0, 1.5))
        if process.poll() is not None:
            continue
        tried += 1
        began = time.monotonic()
        for _ in range(times):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, which)
            time.sleep(0.1)
        code, told = finish(process)
        slowest = max(slowest, time.monotonic() - began)
        lines = told.splitlines()
        wrong += code not in (128 + which, 0)  # 0: it had just ended
        wrong += code != 0 and (len(lines) != 1 or f"To go on: python -m sim {said[0]}" not in told)
        wrong += not gone(process.pid)
        wrong += bool([path for path in place.rglob(".*") if path.name != ".lock"])
        wrong += finish(start(place, said))[0] != 0 or tree(place / OUT) != wanted
        shutil.rmtree(place)
    wrong += slowest > 2.0
    return Finding(f"{tried} stops (SIGINT, SIGTERM, SIGINT twice), the slowest in {slowest:.2f} s", wrong)


# R9 -------------------------------------------------------------------------------------------------------------------------


def full_disks(here: Path, limits: Sequence[int], replicates: int) -> Finding:
    """A quota on the size of files: one line that names the place, exit code 5, and the same command goes on without it."""
    said = sweep("worlds", replicates)
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
    return Finding(f"{len(limits)} limits on the size of a file, {needed} hit a chunk or manifest", wrong)


def failing_writes(here: Path, at_most: int) -> Finding:
    """Every sync and every rename of a run fails once, for want of room: exit code 5, and the same command goes on."""
    said = [word for word in sweep("worlds", 40) if not word.startswith("engine.workers")]
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


def _bound(call: Callable[..., Any]) -> Callable[..., Any]:
    def replace(self: Path, target: Path) -> Any:
        return call(self, target)

    return replace


def here_command(place: Path, said: Sequence[str]) -> tuple[int, str]:
    """Run a command in this process; its exit code and what it wrote to stderr."""
    from sim.cli import run_command

    before, told = Path.cwd(), io.StringIO()
    os.chdir(place)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(told):
            return run_command(said), told.getvalue()
    finally:
        os.chdir(before)


# R10 ------------------------------------------------------------------------------------------------------------------------


def damage(here: Path, number: int, keep: str, seed: int = 1, mend_every: int = 50) -> Finding:
    """Folders damaged at random: what opens is exactly what was written, or it is refused; their own command mends them."""
    said = [*sweep(keep, 40 if keep == "worlds" else 600), "engine.workers=1"]
    said = [word for word in said if not word.startswith("engine.chunk")] + [f"engine.chunk={10 if keep == 'worlds' else 256}"]
    for name, more in (("true", []), ("other", ["seed=7"])):
        (here / name).mkdir()
        assert here_command(here / name, [*said, *more])[0] == 0
    folder, other = here / "true" / OUT, here / "other" / OUT
    truth, wanted = results.open_results(folder), tree(folder)
    whole = {name: (folder / name).read_bytes() for name in wanted if name.endswith((".npz", ".json"))}
    chance, wrong, refused, mended = random.Random(seed), 0, 0, 0
    for index in range(number):
        for name, content in _damaged(whole, other, chance).items():
            (folder / name).write_bytes(content)
        try:
            found = results.open_results(folder)
            wrong += not _same(found, truth)
        except SettingError:
            refused += 1
        except Exception:
            wrong += 1
        if index % mend_every == 0:
            code, _ = here_command(here / "true", said)
            wrong += code != 0 or tree(folder) != wanted
            mended += 1
        for name, content in whole.items():
            (folder / name).write_bytes(content)
    text = f"keep={keep}: {number:,} mutations, {refused:,} refused, the others harmless; {mended} mended by their command"
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


class Deadly(Store):
    """A store in which some chunks end the process that puts them."""

    def put(self, task: Task, arrays: Any) -> None:
        """End the process, or put the chunk."""
        if task.replicates[0] in DEADLY:
            os._exit(1)
        super().put(task, arrays)


DEADLY = (16, 40)


def changed(here: Path) -> Finding:
    """The same folder with another seed, version or code: refused with what differs, and no byte of it changed."""
    said, wrong = [*sweep("worlds", 40), "engine.workers=1"], 0
    wrong += here_command(here, said)[0] != 0
    before = tree(here / OUT)
    for key, more, patch in (
        ("seed: 2026 there, 7 here", ["seed=7"], {}),
        ("version: ", [], {"installed_version": lambda _: "9.9"}),
        ("code: ", [], {"code_hash": lambda: "another"}),
    ):
        for unfinished in (False, True):
            if unfinished:
                (here / OUT / results.COMPLETE).rename(here / "aside")
            with ExitStack() as patched:
                for name, value in patch.items():
                    patched.enter_context(mock.patch.object(outputs, name, value))
                code, told = here_command(here, [*said, *more])
            wrong += code != 2 or key not in told
            if unfinished:
                (here / "aside").rename(here / OUT / results.COMPLETE)
            wrong += tree(here / OUT) != before
    return Finding("another seed, version, code; a finished and an unfinished folder", wrong)


# R13 ------------------------------------------------------------------------------------------------------------------------


def races(here: Path, number: int, seed: int = 1) -> Finding:
    """Two to four runners at once, some of other settings, some over a dead one's lock: one result, the others told at once."""
    said, chance, wrong, lost, late = [*sweep("worlds", 40), "engine.workers=1"], random.Random(seed), 0, 0, 0.0
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


def plan_of(said: Sequence[str], config_dir: Path | None = None) -> Plan:
    """The plan of the words of a command."""
    return Plan(expand([word for word in said if not word.startswith("out=")][1:], config_dir))


def receipts(folder: Path) -> dict[str, str]:
    """What the receipts of a folder say: the hash of each chunk."""
    return {path.name: json.loads(path.read_bytes())["sha256"] for path in sorted(folder.glob("chunks/*.json"))}
