"""What comes by chance: draws keyed by (seed, named stream, replicate), never by scenario, so that all variants share them.

The key of a Philox generator names seed and stream, its counter the replicate: streams never meet, and adding replicates, variants
or streams leaves the others' draws as they were.
"""

import hashlib

import numpy as np

from sim.arrays import Array, worlds_last

LUCK = "luck of states"


def _generator(seed: int, stream: str, replicate: int) -> np.random.Generator:
    words = hashlib.sha256(f"{seed}:{stream}".encode()).digest()[:16]
    key = np.frombuffer(words, dtype="<u8")
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, replicate, 0]))


def normals(seed: int, replicates: range, periods: int, states: tuple[str, ...], blocs: tuple[str, ...]) -> Array:
    """Standard normal luck of each state towards each bloc, (1, replicate, period, state, bloc), the worlds last in memory.

    Drawn period first and by the names in alphabetical order: a longer run continues a shorter one, and the order in which a
    region file lists its actors does not matter.
    """
    drawn = np.empty((len(replicates), periods, len(states), len(blocs)))
    for index, replicate in enumerate(replicates):
        _generator(seed, LUCK, replicate).standard_normal(out=drawn[index])
    rows = np.argsort(np.argsort(np.array(states)))
    columns = np.argsort(np.argsort(np.array(blocs)))
    return worlds_last(drawn[None][..., rows[:, None], columns])


def uniforms(seed: int, stream: str, replicates: range, count: int) -> Array:
    """Uniform draws in [0, 1) of a named stream, (replicate, count)."""
    return np.array([_generator(seed, stream, replicate).random(count) for replicate in replicates]).reshape(-1, count)


def sequence(seed: int, stream: str, count: int) -> Array:
    """Uniform draws in [0, 1) of a named stream that replicates do not enter, (count,); a longer one continues a shorter one."""
    return _generator(seed, stream, 0).random(count)
