"""Whether docs/record.md has every event of a timeline.

    python experiments/record.py DATA_FOLDER

The folder holds `timeline.csv`, of columns date and description among others; it is not in the repository.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent / "docs" / "record.md"


def missing(timeline: Path) -> list[str]:
    """The events of a timeline for which the record has no row."""
    told = Counter(re.findall(r"^\| (\d{4}-\d\d-\d\d) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    lost = []
    with timeline.open(encoding="utf-8", newline="") as file:
        for event in csv.DictReader(file):
            told[event["date"]] -= 1
            if told[event["date"]] < 0:
                lost.append(f"{event['date']} {event['description']}")
    return lost


def main(argv: Sequence[str]) -> int:
    """Print what is missing; the exit status is 1 where anything is."""
    if len(argv) != 1 or not (Path(argv[0]) / "timeline.csv").is_file():
        print("usage: python experiments/record.py DATA_FOLDER (with timeline.csv)", file=sys.stderr)
        return 2
    lost = missing(Path(argv[0]) / "timeline.csv")
    print("\n".join(lost) or "every event has a row")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
