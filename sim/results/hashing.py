"""One hash of the data of a run, independent of its division into chunks."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.arrays import Array
from sim.names import OUTCOMES, REPLICATE, STATISTIC, VARIANT
from sim.results import reading
from sim.results.chunking import Task, lead


def of_data(folder: Path, metadata: Mapping[str, Any]) -> str:
    """One SHA-256 of the data of a run.

    It is the hash of, for each variable in the order of names: its name, type and shape, then the SHA-256 of the numbers of each
    variant and replicate (for statistics, of each variant), in C order of the axes of the Dataset, little-endian.
    """
    found: dict[str, Array] = {}
    whole = hashlib.sha256()
    sizes = len(metadata["coordinates"][VARIANT]), len(metadata["coordinates"][REPLICATE])
    heads: dict[str, str] = {}
    for task, arrays in _replicates_first(folder, metadata):
        (first, last), (low, high) = task
        for name, array in arrays.items():
            by_replicate = name in OUTCOMES or STATISTIC not in metadata["coordinates"]
            count = sizes[1] if by_replicate else 1
            held = found.setdefault(name, np.zeros((sizes[0], count, 32), np.uint8))
            array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            digests = np.array([[list(hashlib.sha256(one).digest()) for one in variant] for variant in array], np.uint8)
            held[first:last, slice(low, high) if by_replicate else slice(None)] = digests
            heads[name] = f"{name} {array.dtype.str} {(sizes[0], count, *array.shape[2:])}\n"
    for name in sorted(found):
        whole.update(heads[name].encode() + found[name].tobytes())
    return whole.hexdigest()


def _replicates_first(folder: Path, metadata: Mapping[str, Any]) -> Iterator[tuple[Task, dict[str, Array]]]:
    """Chunks of a run with arrays (variant, replicate or 1, ...): one by one, but summaries all at once."""
    if STATISTIC not in metadata["coordinates"]:
        for task, arrays in reading.pieces_of(folder, metadata):
            yield task, {name: lead(array, 2) for name, array in arrays.items()}
        return
    ds = reading.read_run(folder, metadata)
    arrays = {str(name): ds[name].values if name in OUTCOMES else ds[name].values[:, None] for name in ds.data_vars}
    yield Task((0, ds.sizes[VARIANT]), (0, len(metadata["coordinates"][REPLICATE]))), arrays
