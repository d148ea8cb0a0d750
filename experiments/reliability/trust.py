"""Test the promises of docs/trust.md and count failures: python -m experiments.reliability.trust [R6 R10 ...] [--deep].

Without `--deep` a row is tested for some seconds and its result printed; with it as often as the page states, and `docs/trust.md`
is written, row by row (all of them: half an hour on two cores). The exit code is 1 where a test failed.
"""

import argparse
import importlib.util
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.reliability import bits, damage, faults, gate, offline, portability, stops, supply, upgrades, words
from experiments.reliability.faults import Finding
from sim.engine.metadata import commit
from sim.results.software import installed_version, versions

ROOT = Path(__file__).parents[2]

DOCUMENT = ROOT / "docs" / "trust.md"
LINE = re.compile(r"\| [RS]\d+ \|")
"""How the line of a row begins on the page: R for reliability, S for security."""
Try = Callable[[Path], Finding]


class Row(NamedTuple):
    """A promise, its tests that take seconds, those in depth, and the default tests that check it too."""

    promise: str
    fast: Sequence[Try]
    deep: Sequence[Try]
    tests: str


def _by_jax(*tries: Try) -> list[Try]:
    return list(tries) if importlib.util.find_spec("jax") else []


TESTS = "`test_trust.py`"
ROWS = {
    "R1": Row(
        "Results are bit-identical however a run is cut into chunks, whichever process computes them and in what order",
        [lambda _: bits.cuts("numpy", "trajectories", 20, many=(1,), chunks=(1, 7, 0))],
        [
            lambda _: bits.cuts("numpy", "trajectories", 500),
            lambda _: bits.cuts("numpy", "summaries", 1600),
            *_by_jax(
                lambda _: bits.cuts("jax", "trajectories", 500, many=(1, 2), chunks=(7, 64, 500, 0)),
                lambda _: bits.cuts("jax", "summaries", 1600, many=(1, 2), chunks=(1, 500, 0)),
            ),
        ],
        f"{TESTS}, `engine/test_ensemble.py`, `test_beyond.py`",
    ),
    "R2": Row(
        "Adding or reordering replicates or scenarios, or renaming files, leaves existing replicates unchanged",
        [],
        [lambda here: bits.additions(here, 100, 1000, "2027-01")],
        "`analysis/test_compare.py`",
    ),
    "R3": Row(
        "Variants share common random numbers: nothing differs until a shock begins; effects vary at least 10 times less",
        [lambda _: bits.variance_cut(20)],
        [lambda _: bits.pairs(5), lambda _: bits.variance_cut(500)],
        f"{TESTS}, `analysis/test_compare.py`",
    ),
    "R4": Row(
        "A shock with random draws, or a process added last, changes the draws of no other",
        [lambda here: bits.stray_draws(here, 10)],
        [lambda here: bits.stray_draws(here, 200)],
        f"{TESTS}, `analysis/test_compare.py`, `science/test_shocks.py`",
    ),
    "R5": Row(
        "No two streams, replicates or seeds share their draws",
        [lambda _: bits.collisions(1000)],
        [lambda _: bits.collisions(1_000_000)],
        f"{TESTS}, `science/test_noise.py`",
    ),
    "R6": Row(
        "Killed at any moment: the same command ends with the same bytes, and computes no finished chunk again",
        [lambda here: faults.kills(here, 1, "trajectories", 1000)],
        [
            lambda here: faults.kills(here, 28, "trajectories", 10_000),
            lambda here: faults.kills(here, 24, "summaries", 10_000, seed=2),
            lambda here: stops.stops(here, 60, ways=[way for way in stops.WAYS if not way.code]),
        ],
        TESTS,
    ),
    "R7": Row(
        "Ctrl-C (twice too), SIGTERM, SIGHUP in any phase: code 130, 143, 129 within 2 s, one line with the command that continues",
        [],
        [
            lambda here: faults.signals(here, 20, 10_000),
            lambda here: stops.stops(here, 40, seed=2, ways=[way for way in stops.WAYS if way.code]),
        ],
        "`commands/test_cli.py`, `test_stopping.py`",
    ),
    "R8": Row(
        "A power cut after any write, with or without unsynced data: only complete chunks count, and no wrong result opens",
        [lambda here: faults.power_cuts(here, 500, "trajectories", 0, every=19)],
        [lambda here: faults.power_cuts(here, 500, "trajectories", 20)],
        TESTS,
    ),
    "R9": Row(
        "A full disk, a quota, a folder that cannot be written: code 5, one message with the path, and the same command continues",
        [lambda here: faults.unwritable(here, ["begun"])],
        [
            lambda here: faults.full_disks(here, [0, 100, 1000, 5000, 20_000, 40_000, 52_000, 70_000], 400),
            lambda here: faults.failing_writes(here, 1000),
            faults.unwritable,
        ],
        f"{TESTS}, `commands/test_cli.py`",
    ),
    "R10": Row(
        "Flipped bits, truncated, swapped and foreign files: refused by name, never returned as results, repaired by the command",
        [lambda here: faults.damage(here, 40, "trajectories"), lambda here: damage.inconsistent(here, 60, "trajectories")],
        [
            lambda here: faults.damage(here, 5000, "trajectories", mend_every=250),
            lambda here: faults.damage(here, 5000, "summaries", seed=2, mend_every=250),
            lambda here: damage.inconsistent(here, 1000, "trajectories"),
            lambda here: damage.inconsistent(here, 1000, "summaries", seed=2),
        ],
        f"{TESTS}, `results/test_dataset.py`, `commands/test_verify.py`",
    ),
    "R11": Row(
        "A variant that fails stops no other: a table with seed, reason, command; code 3; the same command tries it again",
        [lambda here: faults.failing(here, 3, ["not finite"])],
        [lambda here: faults.failing(here, 100)],
        f"{TESTS}, `commands/test_jobs.py`",
    ),
    "R12": Row(
        "Other settings, version or code in the same folder: refused with the difference, nothing changed",
        [faults.changed],
        [faults.changed],
        f"{TESTS}, `commands/test_cli.py`",
    ),
    "R13": Row(
        "Several processes at one folder: one writes, the others are refused at once, the lock of a dead process is ignored",
        [lambda here: faults.races(here, 1)],
        [lambda here: faults.races(here, 50)],
        f"{TESTS}, `test_beyond.py`",
    ),
    "R14": Row(
        "Any content of a config file or an override: it is read, or refused in two lines that name file and key or line",
        [lambda here: words.files(here, 25), lambda here: words.overrides(here, 60)],
        [lambda here: words.files(here, 20_000), lambda here: words.overrides(here, 10_000)],
        f"{TESTS}, `test_words.py`, `commands/test_cli.py`",
    ),
    "R15": Row(
        "Values that YAML would convert are read as written, or refused; never changed silently",
        [lambda here: words.meanings(here, every=5)],
        [words.meanings],
        f"{TESTS}, `test_words.py`, `test_configs.py`",
    ),
    "R16": Row(
        "At the limits of allowed settings all numbers stay in their ranges; settings beyond them are refused in two lines",
        [lambda _: bits.limits(50)],
        [lambda _: bits.limits(5000)],
        f"{TESTS}, `test_bounded.py`",
    ),
    "R17": Row(
        "Versions of Python and packages: random draws are bit-identical, and results agree within 1e-12",
        [portability.golden],
        [portability.environments],
        f"{TESTS}, `science/test_noise.py`",
    ),
    "R18": Row(
        "Results of released versions and of earlier formats open unchanged or are refused with reason and remedy in one message",
        [upgrades.fixtures],
        [upgrades.fixtures],
        f"{TESTS}, `test_upgrades.py`",
    ),
    "R19": Row(
        "A million replicates in 500 MB: memory does not grow",
        [],
        [lambda here: bits.soak(here, 1_000_000)],
        "`engine/test_ensemble.py` (sums of segments)",
    ),
    "S1": Row(
        "A config file runs no code: Hydra's own settings, tags, packages and files elsewhere are refused before anything is run",
        [lambda here: gate.code(here, every=3)],
        [gate.code],
        f"{TESTS}, `test_gate.py`, `commands/test_cli.py`",
    ),
    "S2": Row(
        "A config file reads no environment and no other file: what would is refused, what only looks like it is plain text",
        [lambda here: gate.reads(here, every=3)],
        [gate.reads, gate.literal],
        f"{TESTS}, `test_gate.py`",
    ),
    "S3": Row(
        "Nothing leads out of the folders that a command names: no name, no setting of a file, no link, no results from elsewhere",
        [lambda here: gate.names(here, every=23), lambda here: gate.doors(here, every=6)],
        [gate.names, gate.doors],
        f"{TESTS}, `test_gate.py`, `test_beyond.py`",
    ),
    "S4": Row(
        "Short settings with large effects (aliases, depth, a gigabyte, 10^12 cells) are refused within 1 s and 200 MB; "
        "the settings of others' results within 10 s",
        [words.bombs, words.bombs_in_settings],
        [words.bombs, words.bombs_in_settings],
        f"{TESTS}, `test_words.py`",
    ),
    "S5": Row(
        "Labels inject nothing into tables, figures and the screen: no formula, no terminal escape, no reversed text direction",
        [words.labels_refused],
        [words.labels_refused, lambda here: words.outputs(here, len(words.LABELS))],
        f"{TESTS}, `test_words.py`",
    ),
    "S6": Row(
        "Labels of any script, symbols and length are drawn as written, and no entry of a legend is lost",
        [lambda _: words.figures(every=13)],
        [lambda _: words.figures()],
        f"{TESTS}, `test_words.py`, `figures/test_figures.py`",
    ),
    "S7": Row(
        "Everything works without a network, and nothing connects to one",
        [offline.inside],
        [offline.inside, offline.commands],
        f"{TESTS}, `test_network.py`, and all others, which run with the network refused",
    ),
    "S8": Row(
        "Eight direct dependencies at most, each justified; no pickle, eval, exec, shell or unsafe loader in our code",
        [supply.code],
        [supply.code, supply.bandit],
        f"{TESTS}, `test_supply.py`",
    ),
}
HEAD = """# Trust

The promises about sweeps, how often each was tested, and how often it failed. Made by
`python -m experiments.reliability.trust --deep`; no number here is written by hand. `experiments/reliability/` holds
the tests; a fast part of each row is in the default tests named in it.

| row | promise | tested, and found | failures | command | in the tests | code | software versions |
|---|---|---|---|---|---|---|---|
"""


def attempt(name: str, deep: bool) -> list[Finding]:
    """Test one row, each part in a temporary folder of its own."""
    found = []
    for each in ROWS[name].deep if deep else ROWS[name].fast:
        with tempfile.TemporaryDirectory() as here:
            found.append(each(Path(here)))
    return found


def write_row(name: str, found: Sequence[Finding]) -> None:
    """Write a row into the page; the others stay as they are."""
    text = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    rows = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if LINE.match(line)}
    used = versions()
    machine = f"python {used['python']}, numpy {used['numpy']}, jax {installed_version('jax')}; {used['processor']}"
    cells = [
        " <br> ".join(one.said for one in found),
        str(sum(one.wrong for one in found)),
        f"`python -m experiments.reliability.trust {name} --deep`",
    ]
    rows[name] = f"| {' | '.join([name, ROWS[name].promise, *cells, ROWS[name].tests, commit(), machine])} |"
    DOCUMENT.write_text(HEAD + "\n".join(rows[row] for row in ROWS if row in rows) + "\n", encoding="utf-8")


def main(argv: Sequence[str]) -> int:
    """Test the rows that are named, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--deep", action="store_true", help="as often as docs/trust.md states, and write the page")
    options = parser.parse_args(argv)
    wrong = 0
    for name in options.rows or ROWS:
        found = attempt(name, options.deep)
        wrong += sum(one.wrong for one in found)
        for one in found:
            print(f"{name}: {one.said}; failures: {one.wrong}", flush=True)
        if options.deep:
            write_row(name, found)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
