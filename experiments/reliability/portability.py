"""Whether other versions of Python and of packages give the same random draws and results: row R17 of `docs/trust.md`.

As a script it prints the hashes of draws of its own environment on stdout, and writes results to the file that is named.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.reliability.faults import Finding
from sim.compose.expand import expand
from sim.engine.plan import Plan
from sim.engine.runs import run_arrays
from sim.science import noise

ROOT = Path(__file__).parents[2]

GOLDEN = {
    "normals": "30d3791464352597fb1a2aa9e41afc4a8fa55ab1e70de13da98c01c06ee033a6",
    "uniforms": "dd1f8d3ca1908f1c201ffd7331f3af3b2bc3149d6e94a750d423018b9a59ff69",
    "sequence": "77c75add08d48b9484101a7a24b16dd1a46e582d40f1012d141f3269524a3ece",
    "strata": "d146d960836d4599ae2c2f97f4a49638ed9e5ed03484845ba7755e28b0db9ff8",
    "sobol": "a541409650b9d454e60730ab871235b617fbe66641aa3289578ebb471660f29b",
}
"""The expected SHA-256 of draws: those of another version or machine must be the same, or the release notes must report it."""
CLOSE = 1e-12
RUN = ["scenario=baseline,all_three", "replicates=5", "end=2028-01"]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
OLDEST, PINNED, NEWEST = "constraints-lowest.txt", "constraints.txt", os.devnull
TRIED = (("3.11", PINNED), ("3.11", OLDEST), ("3.12", PINNED), ("3.13", PINNED), ("3.13", NEWEST), ("3.14", NEWEST))
"""Versions of Python, each with the packages of a file of constraints; the others are compared with the first."""


def draws() -> dict[str, str]:
    """The hash of the numbers of each kind of draw."""
    made = {
        "normals": noise.normals(2026, range(20), 120, ("armenia", "georgia", "toy"), ("east", "west")),
        "uniforms": noise.uniforms(7, "shock peace_deal", range(200), 2),
        "sequence": noise.sequence(2026, "range region.states.armenia.speed", 1000),
        "strata": noise.strata(2026, "latin region.states.armenia.speed", 1000),
        "sobol": noise.sobol(2026, 128, 40),
    }
    return {name: hashlib.sha256(np.ascontiguousarray(array, "<f8").tobytes()).hexdigest() for name, array in made.items()}


def golden(_here: Path) -> Finding:
    """Compare the draws of this environment with the expected hashes."""
    found = draws()
    differ = [name for name, digest in found.items() if digest != GOLDEN[name]]
    return Finding(f"{len(found)} kinds of draws, {len(differ)} with another hash than expected", len(differ))


def environments(here: Path) -> Finding:
    """Test an environment for each installed version of Python, with pinned, oldest and newest packages."""
    wrong, told, first = 0, [], None
    for python, constraints in TRIED:
        name = f"{python} {'newest' if constraints == NEWEST else 'oldest' if constraints == OLDEST else 'pinned'}"
        program = _python(python)
        if program is None:
            told.append(f"{name}: no such Python on this machine")
            continue
        hashes, results = _made(here / name.replace(" ", "-"), program, constraints)
        differ = sum(digest != GOLDEN[kind] for kind, digest in hashes.items())
        if first is None:
            first = results
        apart, same = _apart(first, results)
        wrong += differ + (apart > CLOSE)
        told.append(f"{name}: {differ} of {len(hashes)} hashes of draws differ, results within {apart:.1g}, {same}")
    return Finding("; ".join(told), wrong)


def _python(version: str) -> str | None:
    """The program of a version of Python, from the search path or from pyenv."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    own = sorted(kept.glob(f"{version}.*/bin/python"))
    return str(own[-1]) if own else shutil.which(f"python{version}")


def _made(place: Path, program: str, constraints: str) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The hashes of draws and the results of a new environment."""
    subprocess.run([program, "-m", "venv", str(place)], check=True)
    python, environment = place / "bin" / "python", {**os.environ, "PYTHONPATH": str(ROOT)}
    named = constraints if constraints == NEWEST else str(ROOT / constraints)
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    quiet = ["--quiet", "--disable-pip-version-check", "--constraint", named]
    subprocess.run([str(python), "-m", "pip", "install", *quiet, *needs], check=True, capture_output=True)
    out = place / "results.npz"
    command = [str(python), "-m", "experiments.reliability.portability", str(out)]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    with np.load(out, allow_pickle=False) as arrays:
        return json.loads(said), {name: arrays[name] for name in arrays.files}


def _apart(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> tuple[float, str]:
    """The greatest difference between two results, and how many of their arrays are bit-identical."""
    assert one.keys() == other.keys()
    equal = sum(one[name].tobytes() == other[name].tobytes() for name in one)
    greatest = max(float(np.abs(one[name] - other[name]).max(initial=0.0)) for name in one)
    return greatest, f"{equal} of {len(one)} variables bit-identical"


if __name__ == "__main__":
    print(json.dumps(draws()))
    made: dict[str, Any] = dict(run_arrays(Plan(expand(RUN))))
    np.savez(sys.argv[1], **made)
