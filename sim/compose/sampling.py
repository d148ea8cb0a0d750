"""Draws of numbers between two ends, by the design of the experiment."""

from collections.abc import Iterable

from sim.arrays import Array
from sim.config.overlays import Where
from sim.config.schema import Design
from sim.errors import SettingError
from sim.science import noise


def uniforms(design: Design, seed: int, draws: int, paths: Iterable[Where]) -> dict[Where, Array]:
    """The draws in [0, 1) of numbers by their paths, each (draw,).

    Random and Latin draws of a number depend only on the seed and its own path; Sobol points are drawn for all numbers jointly,
    with dimensions in the alphabetical order of the dotted paths.

    Raises
    ------
    SettingError
        Where there are more numbers than Sobol sequences have dimensions.
    """
    names = {path: ".".join((*path[:-1], STREAMS.get(path[-1], path[-1]))) for path in paths}
    if design is Design.sobol and names:
        if len(names) > SOBOL_MAX:
            raise SettingError(
                "design", f"{len(names)} numbers are drawn", f"at most {SOBOL_MAX} with sobol; latin takes any number"
            )
        points = noise.sobol(seed, draws, len(names))
        return {path: points[:, column] for column, path in enumerate(sorted(names, key=lambda path: names[path]))}
    if design is Design.latin:
        return {path: noise.strata(seed, f"latin {name}", draws) for path, name in names.items()}
    return {path: noise.sequence(seed, f"range {name}", draws) for path, name in names.items()}


STREAMS = {"peer_influence": "company"}
"""The names of random streams of numbers that were renamed, so that their draws did not change."""
SOBOL_MAX = 21201
"""Dimensions for which directions of Sobol sequences are published."""
