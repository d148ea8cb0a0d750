"""Random draws keyed by (seed, named stream, replicate), never by scenario, so that all variants share them.

The key of a Philox generator is derived from seed and stream, its counter starts at the replicate: streams do not overlap, and
adding replicates, variants or streams leaves all other draws unchanged.
"""

import hashlib
from functools import lru_cache

import numpy as np

from sim.arrays import Array, replicates_last

LUCK = "luck of states"
"""The stream of the noise of alignments. The text is part of the key: another text would give other draws."""


def _generator(seed: int, stream: str, replicate: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=_key(seed, stream), counter=[0, 0, replicate, 0]))


@lru_cache
def _key(seed: int, stream: str) -> Array:
    return np.frombuffer(hashlib.sha256(f"{seed}:{stream}".encode()).digest()[:16], dtype="<u8")


def normals(seed: int, replicates: range, periods: int, states: tuple[str, ...], blocs: tuple[str, ...]) -> Array:
    """Standard normal draws for each state and bloc, (1, replicate, period, state, bloc), with replicates contiguous in memory.

    Drawn period by period and by names in alphabetical order: a longer run continues a shorter one, and the order in which a
    region file lists its actors does not matter.
    """
    drawn = np.empty((len(replicates), periods, len(states), len(blocs)))
    for index, replicate in enumerate(replicates):
        _generator(seed, LUCK, replicate).standard_normal(out=drawn[index])
    rows = np.argsort(np.argsort(np.array(states)))
    columns = np.argsort(np.argsort(np.array(blocs)))
    return replicates_last(drawn[None][..., rows[:, None], columns])


def uniforms(seed: int, stream: str, replicates: range, count: int) -> Array:
    """Uniform draws in [0, 1) of a named stream, (replicate, count)."""
    return np.array([_generator(seed, stream, replicate).random(count) for replicate in replicates]).reshape(-1, count)


def sequence(seed: int, stream: str, count: int) -> Array:
    """Uniform draws in [0, 1) of a named stream, equal for all replicates, (count,); a longer sequence continues a shorter one."""
    return _generator(seed, stream, 0).random(count)


def strata(seed: int, stream: str, count: int) -> Array:
    """Draws in [0, 1) of a named stream, one in each of `count` equal strata, in random order, (count,).

    One dimension of a Latin hypercube.
    Source: McKay, Beckman & Conover 1979.
    """
    generator = _generator(seed, stream, 0)
    return (generator.permutation(count) + generator.random(count)) / count


def sobol(seed: int, count: int, dimensions: int) -> Array:
    """The first points of a scrambled Sobol sequence, (count, dimensions); more points continue fewer, more dimensions do not.

    Balanced where `count` is a power of 2; the points are SciPy's.
    Source: Sobol 1967; Owen 1998; Joe & Kuo 2008.
    """
    from scipy.stats import qmc

    sequence = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(_key(seed, "sobol")))
    return sequence.random_base2(max(count - 1, 0).bit_length())[:count]
