"""Small results of earlier versions under tests/fixtures/, which every later version must open, or refuse with a reason; row R18.

python -m experiments.reliability.upgrades keep NAME writes the fixture of this version; NAME is the number of a release.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

import numpy as np

from experiments.reliability.faults import Finding, here_command
from sim.errors import SettingError
from sim.results import manifest, reading

ROOT = Path(__file__).parents[2]

FIXTURES = ROOT / "tests" / "fixtures"
FOLDER, WORDS = "results", "format.txt"
RUN = ["sweep", "region=toy", "dynamics.vigilance=0.5,1", "replicates=2", "end=2022-02", "record=trajectories", f"out={FOLDER}"]
LAST = "last.csv"
"""The alignments at the last instant, as plain text: a row for each variant and replicate."""
LINES = 6
"""The most lines of a message."""


def keep(name: str) -> Path:
    """Write the fixture of this version."""
    place = FIXTURES / name
    with tempfile.TemporaryDirectory() as here, chdir(here):
        code, told = here_command(Path(here), RUN)
        assert code == 0, told
        shutil.rmtree(Path(here) / FOLDER / "figures")
        place.mkdir(parents=True)
        shutil.copytree(Path(here) / FOLDER, place / FOLDER)
    last = reading.open_results(place / FOLDER)["alignment"].isel(time=-1).values
    np.savetxt(place / LAST, last.reshape(last.shape[0] * last.shape[1], -1), delimiter=",", fmt="%.17g")
    (place / WORDS).write_text(f"{manifest.FORMAT}\n", encoding="utf-8")
    return place


def kept() -> list[Path]:
    """The folders of all fixtures."""
    return sorted(path.parent for path in FIXTURES.glob(f"*/{WORDS}"))


def opened(place: Path) -> str:
    """How a fixture opens: empty with its numbers, 'explained' where it is refused with a reason; else the failure."""
    form = int((place / WORDS).read_text("utf-8"))
    try:
        ds = reading.open_results(place / FOLDER)
    except SettingError as error:
        said = str(error)
        whole = f"format {form}" in said and "make it again" in said and len(said.splitlines()) <= LINES
        return "explained" if form != manifest.FORMAT and whole else f"said {said}"
    last = ds["alignment"].isel(time=-1).values
    same = np.array_equal(last.reshape(last.shape[0] * last.shape[1], -1), np.loadtxt(place / LAST, delimiter=","))
    return "" if same else "other numbers"


def fixtures(_here: Path) -> Finding:
    """Every fixture opens with its numbers, or is refused with a reason."""
    how = [opened(place) for place in kept()]
    wrong = sum(one not in ("", "explained") for one in how)
    found = f"{how.count('')} open with their numbers, {how.count('explained')} are refused with a reason"
    told = f"{len(how)} folders of earlier versions: {found}"
    return Finding(told, wrong + (not how))


def main(argv: Sequence[str]) -> int:
    """Write the fixture of this version."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("verb", choices=["keep"])
    parser.add_argument("name")
    print(keep(parser.parse_args(argv).name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
