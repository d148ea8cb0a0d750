"""Array operations of the rules: the array library in use, sums over actors, and the memory layout of many replicates.

A stack is (variant, replicate, ..., ...), but variants and replicates are innermost in memory, so that each operation runs along
them. Sums over actors follow the actors' order: the bits of a replicate do not depend on how many others are computed with it.
"""

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = np.ndarray


def namespace(array: Array) -> Any:
    """The array library of an array, with the functions of the array API standard."""
    return array.__array_namespace__()


def product(left: Array, right: Array) -> Array:
    """Multiply small matrices in the last two axes: every sum over actors that is a matrix product is computed here.

    The matrices of each replicate are multiplied separately and in one memory layout, however many others there are. Compiled
    arrays are summed actor by actor, which the compiler fuses with the operations around it.
    """
    if not (isinstance(left, np.ndarray) and isinstance(right, np.ndarray)):
        return _compiled_product(left, right)
    joined = np.matmul(np.ascontiguousarray(left), np.ascontiguousarray(right))
    return replicates_last(joined) if joined.ndim == 4 else joined


UNROLLED = 32
"""Up to this many actors a compiled product is written out as a sum."""


def _compiled_product(left: Array, right: Array) -> Array:
    if left.shape[-1] > UNROLLED:
        xp = namespace(right if isinstance(left, np.ndarray) else left)
        return xp.matmul(left, right, precision="highest")  # otherwise GPUs may round factors to 10 bits
    terms = [left[..., :, at : at + 1] * right[..., at : at + 1, :] for at in range(left.shape[-1])]
    return functools.reduce(operator.add, terms)


def total(values: Array, axis: int) -> Array:
    """The sum over one of the last two axes, which is retained with length 1."""
    return values.sum(axis=axis, keepdims=True) if values.ndim == 2 else _joined(values, axis, operator.iadd)


def joint(values: Array, axis: int) -> Array:
    """The product over one of the last two axes, which is retained with length 1."""
    return values.prod(axis=axis, keepdims=True) if values.ndim == 2 else _joined(values, axis, operator.imul)


def _joined(values: Array, axis: int, join: Callable[[Array, Array], Array]) -> Array:
    slices = [values[..., at : at + 1] if axis == -1 else values[..., at : at + 1, :] for at in range(values.shape[axis])]
    return functools.reduce(join, slices[1:], 1 * slices[0])


def placed(values: Mapping[tuple[int, int], Array], rows: int, columns: int, none: Array) -> Array:
    """A matrix in the last two axes from the numbers of single pairs, each an array over replicates; `none` elsewhere.

    >>> placed({(0, 1): np.array([5.0, 6.0])}, 1, 2, np.zeros(2)).tolist()
    [[[0.0, 5.0]], [[0.0, 6.0]]]
    """
    if isinstance(none, np.ndarray | np.generic):
        shape = np.broadcast_shapes(none.shape, *(array.shape for array in values.values()))
        matrix = np.empty((rows, columns, *shape), none.dtype)
        matrix[...] = none
        for pair, array in values.items():
            matrix[pair] = array
        return matrix.transpose(*range(2, matrix.ndim), 0, 1)
    stack = namespace(none).stack
    return stack([stack([values.get((i, j), none) for j in range(columns)], axis=-1) for i in range(rows)], axis=-2)


def positive(value: Array) -> Array:
    """The positive part, 0 where the value is negative."""
    return namespace(value).maximum(value, 0.0)


def share_of(part: Array, whole: Array) -> Array:
    """The part over the whole, 0 where the whole is 0."""
    xp = namespace(part)
    return xp.where(whole > 0, part / xp.where(whole > 0, whole, 1.0), 0.0)


def replicates_last(array: Array) -> Array:
    """The same stack, (variant, replicate, ...), with variants and replicates innermost in memory.

    >>> replicates_last(np.zeros((2, 5, 3, 6))).strides
    (40, 8, 480, 80)
    """
    axes = tuple(range(array.ndim))
    return np.ascontiguousarray(array.transpose(*axes[2:], 0, 1)).transpose(-2, -1, *axes[:-2])
