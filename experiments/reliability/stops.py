"""Stops of every kind, in every phase of every command: whatever struck, the same command ends with the same bytes.

Each command is stopped at random moments of its life, from the loading of its modules to its last write.
"""

import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from experiments.reliability.faults import OUT, ROOT, Finding, gone, sweep, tree, workers_of

SECONDS = 2.0
"""Within which a command ends that is asked to."""
NOISE = ("Traceback", "Exception ignored", "Error:", "Warning")
"""What a stopped command never says."""
TRACKER = re.compile(r"resource_tracker")
"""Lines of Python's own keeper of semaphores, a process that outlives a parent killed by SIGKILL and says what it cleans up."""


class Command(NamedTuple):
    """A command that is stopped: what it is given beside its arguments, and how to say it."""

    name: str
    said: Sequence[str]
    needs: Sequence[str] = ()


WHY = ["sweep", "region=toy", "dynamics.vigilance=0.5,1", "replicates=20", "end=2022-09", "record=decomposition", "out=why"]
COMMANDS = (
    Command("sweep, two workers", sweep("trajectories", 200, end="2023-01")),
    Command("sweep, summaries", sweep("summaries", 20_000, end="2022-04", workers=1)),
    Command("plan", ["plan", "sample=ranges", "draws=300", "scenario=baseline,all_three,ukraine_war,outlook,policy_steady"]),
    Command(
        "jobs", ["run", "-m", "region=toy", "end=2022-06", "seed=1,2", "dynamics.vigilance=0.5,1", "replicates=5", f"out={OUT}"]
    ),
    Command("compare", ["compare", "why"], WHY),
    Command("explain", ["explain", "why", "north", "east", "variant=baseline, vigilance=1"], WHY),
    Command("verify", ["verify", "why", "sample=2", "seed=1"], WHY),
)


class Way(NamedTuple):
    """A way to stop a command, and the code that it then ends with; None where nothing is promised of that."""

    name: str
    strike: Callable[["Running"], None]
    code: int | None


class Running:
    """A command under way, as a terminal or a pipe would start it: the leader of a session of its own."""

    def __init__(self, here: Path, said: Sequence[str], terminal: bool = False) -> None:
        self.master, inner = pty.openpty() if terminal else (-1, -1)
        streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout"), inner) if terminal else {"stdout": subprocess.PIPE}

        def ready() -> None:
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            if terminal:
                import fcntl
                import termios

                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-m", "sim", *said],
            cwd=here,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=ready,
            **streams,
        )
        if terminal:
            os.close(inner)

    def listens(self) -> bool:
        """Whether it has got as far as to note signals."""
        with suppress(OSError, IndexError, ValueError):
            text = (Path("/proc") / str(self.process.pid) / "status").read_text()
            return bool(int(text.split("SigCgt:")[1].split()[0], 16) >> (signal.SIGTERM - 1) & 1)
        return False

    def wait(self, seconds: float) -> None:
        """Let it work for a while, from when it listens on."""
        while self.process.poll() is None and not self.listens():
            time.sleep(0.002)
        until = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)

    def end(self) -> tuple[int, str]:
        """Its exit code and what it wrote to stderr."""
        if self.process.stdout and self.process.stdout.closed:
            self.process.stdout = None
        _, wrong = self.process.communicate(timeout=300)
        if self.master >= 0:
            with suppress(OSError):
                os.close(self.master)
        return self.process.returncode, wrong

    def send(self, number: int, times: int = 1) -> None:
        """Signal all its processes, as a terminal does."""
        for _ in range(times):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            time.sleep(0.05 * (times > 1))


def _kill_a_worker(running: Running) -> None:
    for pid in workers_of(running.process.pid)[:1]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _close_the_pipe(running: Running) -> None:
    assert running.process.stdout
    running.process.stdout.close()


WAYS = (
    Way("SIGINT", lambda running: running.send(signal.SIGINT), 130),
    Way("SIGTERM", lambda running: running.send(signal.SIGTERM), 143),
    Way("SIGKILL of all", lambda running: running.send(signal.SIGKILL), None),
    Way("SIGINT twice", lambda running: running.send(signal.SIGINT, 2), 130),
    Way("SIGHUP", lambda running: running.send(signal.SIGHUP), 129),
    Way("SIGKILL of the parent", lambda running: running.process.kill(), None),
    Way("SIGTERM of the parent", lambda running: running.process.terminate(), 143),
    Way("terminal closed", lambda running: os.close(running.master), None),
    Way("pipe closed", _close_the_pipe, None),
    Way("SIGKILL of a worker", _kill_a_worker, None),
)


def stops(here: Path, number: int, seed: int = 1, ways: Sequence[Way] = WAYS, commands: Sequence[Command] = COMMANDS) -> Finding:
    """Stop living commands so many times, each in turn, in each way, at random moments; then give the same command."""
    moments, struck, wrong, slowest, tried = random.Random(seed), Counter[str](), [], 0.0, 0
    prepared = {command.name: _prepared(here, command) for command in commands}
    while sum(struck.values()) < number:
        way, command = ways[tried % len(ways)], commands[(tried + tried // len(ways)) % len(commands)]
        tried += 1
        before, wanted, seconds = prepared[command.name]
        place = here / f"stopped-{tried}"
        shutil.copytree(before, place)
        running = Running(place, command.said, terminal=way.name == "terminal closed")
        running.wait(moments.uniform(0, seconds))
        began = time.monotonic()
        living = running.process.poll() is None
        if living:
            way.strike(running)
        code, told = running.end()
        took = time.monotonic() - began
        if living and code != 0:  # else it had just ended
            struck[way.name] += 1
            if way.code is not None:
                slowest = max(slowest, took)
                wrong += _unkept(way, command, code, told, took, place)
            noisy = any(word in line for word in NOISE for line in told.splitlines() if not TRACKER.search(line))
            wrong += [f"{way.name}, {command.name}: said {told}"] * noisy
        wrong += [f"{way.name}, {command.name}: processes are left"] * (not gone(running.process.pid))
        code, told = Running(place, command.said).end()
        wrong += [f"{way.name}, {command.name}: then {code} {told}"] * (code != 0)
        differ = {name for name, content in tree(place).items() ^ wanted.items()}
        wrong += [f"{way.name}, {command.name}: other bytes in {sorted(differ)}"] * bool(differ)
        shutil.rmtree(place)
    for one in wrong:
        print(one, flush=True)
    shown = ", ".join(f"{name} {count}" for name, count in struck.items())
    asked = f"; of those asked to end the slowest took {slowest:.2f} s" if slowest else ""
    return Finding(f"{sum(struck.values())} stops of {len(commands)} living commands ({shown}){asked}", len(wrong))


def _prepared(here: Path, command: Command) -> tuple[Path, dict[str, str], float]:
    """A folder as a command finds it, what is there when it has ended, and how long that takes from when it listens."""
    before, after = here / f"before {command.name}", here / f"after {command.name}"
    before.mkdir()
    if command.needs:
        assert Running(before, command.needs).end()[0] == 0
    shutil.copytree(before, after)
    running = Running(after, command.said)
    running.wait(0)
    began = time.monotonic()
    code, told = running.end()
    assert code == 0, told
    return before, tree(after), time.monotonic() - began


def _unkept(way: Way, command: Command, code: int, told: str, took: float, place: Path) -> list[str]:
    """What was not kept of what is promised of a command that is asked to end."""
    found = [f"code {code}"] * (code != way.code) + [f"{took:.2f} s"] * (took > SECONDS)
    found += [f"said {told!r}"] * (len(told.splitlines()) != 1 or f"To continue: python -m sim {command.said[0]}" not in told)
    left = [str(path.relative_to(place)) for path in place.rglob(".*") if path.name != ".lock"]
    found += [f"left {left}"] * (bool(left) and "no unfinished files are left" in told)
    return [f"{way.name}, {command.name}: {one}" for one in found]
