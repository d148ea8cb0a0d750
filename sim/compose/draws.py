"""Reports of drawn numbers: the table `draws.csv`, and a line for the screen."""

import csv
from collections.abc import Sequence
from pathlib import Path

from sim.compose import notes
from sim.compose.designs import Variants
from sim.config.schema import Design, Variant

UNMET = " (no variant depends on it)"
"""Suffix of the column of a drawn number on which no variant depends."""


def write(path: Path, variants: Sequence[Variant]) -> None:
    """Write a row for each draw and a column for each number, by dotted path; no file where nothing was drawn.

    The column of a number on which no variant depends ends in `UNMET`.
    """
    if isinstance(variants, Variants) and variants.draw is not None:
        draws = sorted(set(variants.draw.tolist()))
        unmet = {".".join(path) for path in notes.numbers(variants)}
        names = [f"{name}{UNMET if name.partition(' (')[0] in unmet else ''}" for name in variants.numbers]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["draw", *names])
            writer.writerows([draw, *(float(values[draw]) for values in variants.numbers.values())] for draw in draws)


def lines(variants: Sequence[Variant]) -> list[str]:
    """A line with the number of drawn numbers, the draws and the design; empty where nothing is drawn."""
    numbers = getattr(variants, "numbers", {})
    if not numbers:
        return []
    config = variants[0].config
    drawn = {Design.latin: "a Latin hypercube", Design.sobol: "Sobol points"}.get(config.design, "independent draws")
    line = f"{len(numbers):,} {'number' if len(numbers) == 1 else 'numbers'} drawn {config.draws:,} times: {drawn}"
    uneven = config.design is Design.sobol and config.draws & (config.draws - 1)
    return [line + (f", balanced at powers of 2 only (draws={2 ** config.draws.bit_length()})" if uneven else "")]
