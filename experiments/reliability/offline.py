"""Count network connections and name look-ups: in this process, and in every Python process of a command."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.reliability.faults import ROOT, Finding, here_command, sweep, tree
from experiments.reliability.sealing import sealed

WATCH = """
import os, sys

EVENTS = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"}

def heard(event, given):
    if event in EVENTS:
        with open(os.environ["HEARD"], "a") as file:
            file.write(f"{event} {given[-1]}\\n")

sys.addaudithook(heard)
"""
"""Code that every Python process of a command runs first: it logs attempts to use a network."""


WHY = ["region=toy", "dynamics.vigilance=0.5,1", "replicates=20", "end=2022-09", "record=decomposition", "out=why"]
COMMANDS = (
    ["sweep", *WHY, "engine.workers=2", "engine.chunk=5"],
    ["run", "-m", "region=toy", "seed=1,2", "end=2022-06", "replicates=5", "out=jobs"],
    ["compare", "why", "out=apart"],
    ["explain", "why", "north", "east", "variant=baseline, vigilance=1", "out=moved"],
    ["status", "why"],
    ["verify", "why", "seed=1"],
    ["plan", "region=toy", "sample=ranges", "draws=100"],
)


def inside(here: Path) -> Finding:
    """A sweep in this process with the network refused."""
    attempts: list[str] = []
    with sealed(attempts):
        code, told = here_command(here, sweep("trajectories", 4, end="2022-03", workers=1))
    return Finding(f"a sweep in one process: {len(attempts)} connections", len(attempts) + (code != 0) + bool(told))


def commands(here: Path, said: Sequence[Sequence[str]] = COMMANDS) -> Finding:
    """Commands whose Python processes log attempts to use a network, and the same commands without any network."""
    wrong, trees, cut, total = 0, [], _without_network(), 0
    for name, ahead in (("heard", []), ("cut", cut)):
        place = here / name
        heard, environment = watched(place)
        (place / "work").mkdir()
        for words in said:
            command = [*ahead, sys.executable, "-m", "sim", *words]
            found = subprocess.run(command, cwd=place / "work", env=environment, capture_output=True, text=True)
            wrong += found.returncode != 0
        told = heard.read_text().splitlines() if heard.exists() else []
        for line in told:
            print(line, flush=True)
        total += len(told)
        trees.append(tree(place / "work"))
    wrong += total + (trees[0] != trees[1])
    also = "the same bytes in a network namespace of its own, without any" if cut else "no namespace could be made here"
    return Finding(f"{len(said)} commands with all their processes: {total} connections and name look-ups; {also}", wrong)


def watched(place: Path) -> tuple[Path, dict[str, str]]:
    """The file in which Python processes log attempts to use a network, and the environment that makes them do so."""
    (place / "watch").mkdir(parents=True)
    (place / "watch" / "sitecustomize.py").write_text(WATCH)
    heard = place / "heard.txt"
    return heard, {**os.environ, "PYTHONPATH": f"{place / 'watch'}{os.pathsep}{ROOT}", "HEARD": str(heard)}


def _without_network() -> list[str]:
    """The words before a command that run it without a network; empty where the system does not allow that."""
    unshare = shutil.which("unshare")
    ahead = [unshare, "--net", "--map-root-user"] if unshare else []
    return ahead if ahead and subprocess.run([*ahead, "true"], capture_output=True).returncode == 0 else []
