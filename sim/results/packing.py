"""Arrays as the bytes of an `.npz` file and back: reproducible byte for byte, and checked before they are read.

With common random numbers, the replicates of several variants are identical until a shock makes a difference, and many values
never change: where an array repeats its rows (the last axis, in a chunk the replicates), each distinct row is stored once, and
`NAME.rows` holds the index of each row. With NumPy alone: `arrays["NAME"][arrays["NAME.rows"]]`.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

import numpy as np

from sim.arrays import Array
from sim.results.chunks import NOTHING

ROWS = ".rows"
ROW_BYTES = 64
"""The shortest row in bytes for which repeated rows are looked for: shorter ones cost more time than they save space."""
MIXED = 0x9E3779B97F4A7C15
"""An odd number whose powers weight the numbers of a row in its hash."""
WORTH = 0.75
"""The largest share of distinct rows for which each is stored once."""
LOOK, LOOKS, HOPELESS = 512, 64, 0.95
"""Length and number of the blocks of rows that are sampled first, and the share of distinct rows in them that ends the search."""
TOGETHER = 2**20
"""Bytes of rows that are compared or written at once."""
HEADER_BYTES = 10_000
"""An upper bound of the size of an array's header."""


class Form(NamedTuple):
    """The shape and type that an array must have to be read."""

    shape: tuple[int, ...]
    kind: str
    """`f` for floating-point numbers, `i` for whole ones."""
    narrow: bool = False
    """Whether the last axis may have length 1, with one value for all replicates."""
    gaps: bool = False
    """Whether values may be missing (not a number)."""


class Written:
    """A file whose content is counted and hashed while it is written, so that no second copy of a chunk is in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.bytes, self.hash = file, 0, hashlib.sha256()

    def write(self, content: bytes) -> int:
        """Write some bytes; returns how many."""
        self.bytes += len(content)
        self.hash.update(content)
        return self.file.write(content)

    def flush(self) -> None:
        """Do nothing: the file is flushed when it is closed."""


def packed(arrays: Mapping[str, Array]) -> bytes:
    """Arrays as the bytes of an `.npz`, the same for the same arrays."""
    room = io.BytesIO()
    pack(arrays, room)
    return room.getvalue()


def pack(arrays: Mapping[str, Array], file: IO[bytes]) -> Written:
    """Write arrays as an `.npz` in one pass, without seeking."""
    written: Any = Written(file)
    with zipfile.ZipFile(written, "w") as parts:
        for name, array in arrays.items():
            found = _distinct(array)
            if found is None:
                with parts.open(f"{name}.npy", "w", force_zip64=True) as part:
                    np.lib.format.write_array(part, array, allow_pickle=False)
                continue
            first, rows = found
            with parts.open(f"{name}.npy", "w", force_zip64=True) as part:
                _write_rows(part, array.reshape(-1, array.shape[-1]), first)
            with parts.open(f"{name}{ROWS}.npy", "w", force_zip64=True) as part:
                np.lib.format.write_array(part, rows.reshape(array.shape[:-1]), allow_pickle=False)
    return written


def _distinct(array: Array) -> tuple[Array, Array] | None:
    """The index of the first of each distinct row, and for each row which distinct row it is; None if too few are repeated."""
    width = array.shape[-1] if array.ndim > 1 else 0
    if width * array.itemsize < ROW_BYTES or not array.flags.c_contiguous or not array.size:
        return None
    table, powers = array.reshape(-1, width).view(f"u{array.itemsize}"), np.cumprod(np.full(width, MIXED, np.uint64))
    blocks = [table[at : at + LOOK] @ powers for at in range(0, len(table), max(LOOK, len(table) // LOOKS))]
    if sum(len(np.unique(sums)) for sums in blocks) > HOPELESS * sum(map(len, blocks)):
        return None
    _, first, rows = np.unique(table @ powers, return_index=True, return_inverse=True)
    if len(first) > WORTH * len(rows):
        return None
    order = np.argsort(first)
    first, rows = first[order], np.argsort(order)[rows].astype(np.int32)
    step = max(1, TOGETHER // (width * array.itemsize))
    blocks_of_rows = (slice(at, at + step) for at in range(0, len(rows), step))
    return (first, rows) if all((table[block] == table[first[rows[block]]]).all() for block in blocks_of_rows) else None


def _write_rows(part: IO[bytes], table: Array, first: Array) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(table.dtype), "fortran_order": False, "shape": (len(first), table.shape[1])}
    np.lib.format.write_array_header_1_0(part, header)
    step = max(1, TOGETHER // (table.shape[1] * table.itemsize))
    for at in range(0, len(first), step):
        part.write(table[first[at : at + step]].tobytes())


def unpacked(content: bytes, forms: Mapping[str, Form] | None = None) -> dict[str, Array]:
    """The arrays of an `.npz`, each of its form in `forms`; the headers are checked before memory is allocated.

    Raises
    ------
    ValueError
        If it holds other names, shapes or types, values that are not finite, or indices of rows that are not there.
    """
    listed = list(_claims(content))
    claims = dict(listed)
    names = [name for name in claims if not name.endswith(ROWS)]
    if len(claims) < len(listed) or not {name.removesuffix(ROWS) for name in claims} <= set(names):
        raise ValueError("it holds something twice or in part")
    whole = {name: _whole(claims[name], claims.get(name + ROWS)) for name in names}
    if forms is not None:
        _demand(whole, forms)
    found = {}
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        for name in names:
            array = arrays[name]
            if forms is not None and not _is_sound(array, forms[name].gaps):
                raise ValueError(f"{name} is not finite somewhere")
            found[name] = _spread(array, arrays[name + ROWS]) if name + ROWS in claims else array
    return found


def _whole(table: tuple[tuple[int, ...], str], rows: tuple[tuple[int, ...], str] | None) -> tuple[tuple[int, ...], str]:
    """The shape and kind of an array, also of one whose distinct rows are stored once."""
    (shape, kind), (lead, index) = table, rows or ((), "i")
    if rows and (len(shape) != 2 or index != "i"):
        raise ValueError("an array with indices of rows is no table of rows")
    return ((*lead, *shape[1:]), kind) if rows else table


def _demand(whole: Mapping[str, tuple[tuple[int, ...], str]], forms: Mapping[str, Form]) -> None:
    """Raise `ValueError` for arrays that do not have the given forms."""
    if whole.keys() != forms.keys():
        raise ValueError("it holds other variables than its run")
    for name, form in forms.items():
        shape, kind = whole[name]
        if kind != form.kind or shape not in ({form.shape, (*form.shape[:-1], 1)} if form.narrow else {form.shape}):
            raise ValueError(f"{name} is {kind} {shape} and not {form.kind} {form.shape}")


def _claims(content: bytes) -> Iterator[tuple[str, tuple[tuple[int, ...], str]]]:
    """The shape and kind in the header of each array; `ValueError` if they need more or fewer bytes than are there."""
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        for part in parts.infolist():
            if part.compress_type != zipfile.ZIP_STORED or part.file_size > len(content):
                raise ValueError(f"{part.filename} is compressed or longer than the file")
            with parts.open(part) as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(file)
            size = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if dtype.kind not in "fi" or not part.file_size - HEADER_BYTES <= size <= part.file_size:
                raise ValueError(f"the header of {part.filename} does not match its content")
            yield part.filename.removesuffix(".npy"), (shape, dtype.kind if dtype.isnative and dtype.itemsize in (4, 8) else "?")


def _is_sound(array: Array, gaps: bool) -> bool:
    if array.dtype.kind == "i":
        return gaps or bool((array != NOTHING).all())
    return not np.isinf(array).any() if gaps else bool(np.isfinite(array).all())


def _spread(table: Array, rows: Array) -> Array:
    if rows.size and not 0 <= rows.min() <= rows.max() < len(table):
        raise ValueError("indices of rows are out of range")
    return table[rows]
