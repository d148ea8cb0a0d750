"""A function of stacks of replicates, traced by JAX and evaluated with variants and replicates as the innermost axes.

XLA lays arrays out by the order of their axes, and a stack is (variant, replicate, ..., ...): its inner loops would run along a
handful of blocs. Here each operation of the trace is applied to the turned array (..., ..., variant, replicate) instead.
"""

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sim.errors import SettingError

ALIKE = frozenset(
    {"add", "sub", "mul", "div", "max", "min", "neg", "sign", "abs", "exp", "tanh", "integer_pow", "sqrt", "square", "select_n"}
    | {"gt", "ge", "lt", "le", "eq", "ne", "and", "or", "not", "convert_element_type", "copy", "clamp"}
)
"""Elementwise operations, to which the order of axes does not matter."""
REDUCTIONS = frozenset({"reduce_sum", "reduce_max", "reduce_min", "reduce_prod"})


def library() -> Any:
    """JAX, an optional dependency, set to allocate GPU memory on demand, so that processes can share a GPU.

    Raises
    ------
    SettingError
        Where JAX is not installed.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    try:
        return importlib.import_module("jax")
    except ModuleNotFoundError:
        raise SettingError("engine.backend", "JAX is not installed", "numpy, or pip install 'regional-influence[jax]'") from None


def order(rank: int) -> tuple[int, ...]:
    """The order of axes of a turned array: the two leading axes moved to the end; up to two axes stay as they are.

    >>> order(4)
    (2, 3, 0, 1)
    """
    return (*range(2, rank), 0, 1) if rank > 2 else tuple(range(rank))


def turn(array: Any) -> Any:
    """The same array with its two leading axes, variant and replicate, innermost."""
    return array.transpose(order(array.ndim))


def turn_back(array: Any) -> Any:
    """A turned array with variant and replicate leading again."""
    return array.transpose(np.argsort(order(array.ndim)))


def turned(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function from turned arrays to turned arrays; arguments and results may be nested."""
    jax = library()

    def call(*arguments: Any) -> Any:
        leaves, tree = jax.tree.flatten(arguments)
        shapes = [np.array(leaf.shape, int)[np.argsort(order(leaf.ndim))] for leaf in leaves]
        given = [jax.ShapeDtypeStruct(tuple(shape.tolist()), leaf.dtype) for shape, leaf in zip(shapes, leaves, strict=True)]
        trace, wanted = jax.make_jaxpr(function, return_shape=True)(*jax.tree.unflatten(tree, given))
        found = _evaluate(trace.jaxpr, [turn(jax.numpy.asarray(value)) for value in trace.consts], leaves)
        return jax.tree.unflatten(jax.tree.structure(wanted), found)

    return call


def _evaluate(trace: Any, constants: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    """Run a trace on turned arrays.

    An array that is sliced actor by actor, in sums over actors, is computed once before (an optimisation barrier): fused into the
    sum it would be computed again for each actor.
    """
    values = dict(zip((*trace.constvars, *trace.invars), (*constants, *arguments), strict=True))
    barred: set[Any] = set()

    def read(variables: Sequence[Any]) -> list[Any]:
        return [variable.val if hasattr(variable, "val") else values[variable] for variable in variables]

    for equation in trace.eqns:
        primitive, given = equation.primitive, equation.invars
        if primitive.name == "slice" and given[0] not in barred:
            barred.add(given[0])
            values[given[0]] = library().lax.optimization_barrier(values[given[0]])
        found = _apply(primitive, equation.params, read(given))
        values.update(zip(equation.outvars, found, strict=True))
    return read(trace.outvars)


def _apply(primitive: Any, params: dict[str, Any], given: list[Any]) -> list[Any]:
    """Apply one operation to turned arrays; an operation not known here is applied to arrays turned back."""
    jax, name = library(), primitive.name
    ranks = [np.ndim(value) for value in given]
    if name in ("jit", "pjit"):
        inner = params["jaxpr"]
        return _evaluate(inner.jaxpr, [turn(jax.numpy.asarray(value)) for value in inner.consts], given)
    if name in ALIKE:
        return [primitive.bind(*given, **params)]
    if name == "pow":
        return [_power(*given)]
    if name == "broadcast_in_dim":
        return [_broadcast(given[0], params["shape"], params["broadcast_dimensions"])]
    if name == "slice":
        chosen = [
            slice(*(params[key] and params[key][axis] for key in ("start_indices", "limit_indices", "strides")))
            for axis in order(ranks[0])
        ]
        return [given[0][tuple(chosen)]]
    if name == "concatenate":
        return [jax.numpy.concatenate(given, axis=_place(params["dimension"], ranks[0]))]
    if name == "stack":
        return [jax.numpy.stack(given, axis=_place(params["axis"], ranks[0] + 1))]
    if name == "transpose" and tuple(params["permutation"]) == (0, 1, 3, 2):
        return [given[0].transpose(1, 0, 2, 3)]
    axes = params.get("axes", params.get("dimensions", ()))
    if name in (*REDUCTIONS, "squeeze") and min(axes) >= 2:  # only axes of actors are reduced
        moved = {"dimensions" if name == "squeeze" else "axes": tuple(sorted(_place(axis, ranks[0]) for axis in axes))}
        return [primitive.bind(*given, **{**params, **moved})]
    found = primitive.bind(*(turn_back(value) if np.ndim(value) else value for value in given), **params)
    return [turn(value) for value in (found if primitive.multiple_results else [found])]


def _place(axis: int, rank: int) -> int:
    """The position of an axis in the turned array."""
    return order(rank).index(axis)


def _broadcast(value: Any, shape: Sequence[int], axes: Sequence[int]) -> Any:
    """A turned array broadcast to a wider turned shape; `axes` are the positions of its axes in the shape before turning."""
    jax, rank = library(), len(shape)
    places = [_place(axes[axis], rank) for axis in order(np.ndim(value))]
    value = jax.numpy.transpose(value, np.argsort(places)) if places else value
    return jax.lax.broadcast_in_dim(value, [shape[axis] for axis in order(rank)], sorted(places))


def _power(base: Any, exponent: Any) -> Any:
    """A non-negative number to a non-negative power, by exp and log, which are vectorised where the library's power is not."""
    xp = library().numpy
    above = base > 0
    found = xp.exp(exponent * xp.log(xp.where(above, base, 1.0)))
    return xp.where(above, found, xp.where(exponent > 0, 0.0, 1.0))


def blocks(count: int, size: int) -> Iterator[slice]:
    """Consecutive slices of length `size` that cover `count`; the last one may be shorter."""
    yield from (slice(start, min(start + size, count)) for start in range(0, count, size))
