"""The kernel compiled by JAX: trajectories of many replicates, by the same rules and on given random draws."""

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim.arrays import Array
from sim.engine.recorders import plain
from sim.engine.tracing import blocks, library, turn, turned
from sim.names import FLOWS, RECORDED
from sim.science import kernel
from sim.science.layout import Layout
from sim.science.shocks import Forcing, ForcingTerm
from sim.science.state import Forces, Params, World

COMPILER_OPTIONS = {"xla_disable_hlo_passes": "cse_barrier_expander"}
"""Otherwise XLA drops the barriers of `sim.engine.tracing` before fusing, and computes a contest's weights again for each rival."""
BLOCK = 64
"""Replicates computed together: arrays of a small region then fit in the cache, and operations fill vector registers."""


def trajectories(
    params: Params,
    world: World,
    forcing: Forcing,
    normals: Array,
    layout: Layout,
    dt: float,
    precision: str = "float32",
    names: Sequence[str] = RECORDED,
    block: int = BLOCK,
) -> dict[str, Array]:
    """The recorded arrays of all variants and replicates.

    Replicates are computed in blocks of `block`. The last block is padded with copies of its last replicate, which are cut off
    again: one shape is compiled for any number of replicates, and the bits of one do not depend on how many are computed with it.

    Parameters
    ----------
    params, world : Params, World
        Constants and opening stocks, (variant or 1, 1, ..., ...); fields equal in all variants are best given once (`shared`).
    forcing : Forcing
        The effects of shocks, over the same replicates as `normals`.
    normals : array
        Standard normal draws, (period, variant or 1, replicate, state, bloc).
    layout : Layout
        The names along the axes, and how actors are joined.
    dt : float
        Length of a period in years.
    precision : {"float32", "float64"}
        The floating-point type of computation and results.
    names : sequence of str
        The stocks and flows to return; what none of them depends on is not computed.
    block : int
        Replicates computed together.

    Returns
    -------
    dict of str to array
        (variant, replicate or 1, time or period, ...); one replicate where no random draw enters. In memory the variants and
        replicates are innermost.

    Raises
    ------
    SettingError
        Where JAX is not installed.
    """
    jax, widths = library(), [len(field) for field in (*params, *world, *_patterns(forcing))]
    variants = max(*widths, normals.shape[1])
    constants = Params(*(_cast(turn(field), precision) for field in params))
    opening = World(*(_cast(turn(field), precision) for field in world))
    found = []
    with jax.enable_x64(precision == "float64"):
        compiled = _compiled(replace(layout, precision=precision), dt, tuple(names))
        for chosen in blocks(normals.shape[2], block):
            filled = functools.partial(_filled, chosen=chosen, block=block)
            terms = [_terms(table, precision, filled) for table in (forcing.lasting, forcing.impulses)]
            drawn = _lengthened(filled(normals.transpose(0, 3, 4, 1, 2)), precision)
            recorded = compiled(constants, opening, *terms, drawn)
            found.append({name: np.asarray(array)[..., : chosen.stop - chosen.start] for name, array in recorded.items()})
    return {name: _recorded(name, [each[name] for each in found], variants) for name in names}


def _patterns(forcing: Forcing) -> list[Array]:
    return [term.pattern for table in (forcing.lasting, forcing.impulses) for terms in table.values() for term in terms]


def _cast(array: Array, precision: str) -> Array:
    return np.ascontiguousarray(array, dtype=precision)


def _lengthened(array: Array, precision: str) -> Array:
    """Inputs per period, with the last one repeated: each step gives the stocks at its start, the extra one those at the end."""
    return _cast(np.concatenate([array, array[-1:]]), precision)


def _filled(array: Array, chosen: slice, block: int) -> Array:
    """A block of an array's last axis, the replicates, padded with copies of its last."""
    part = array[..., chosen]
    return np.concatenate([part, np.repeat(part[..., -1:], block - part.shape[-1], axis=-1)], axis=-1)


Terms = dict[str, tuple[list[Array], list[Array]]]
"""For each target two lists. First the sum of effects that all replicates share, (period, ..., ..., variant, 1), if any, then the
courses of those with random draws, (period, variant or 1, replicate); second the patterns of the latter, (..., ..., variant, 1)."""


def _terms(table: dict[str, tuple[ForcingTerm, ...]], precision: str, fill: Callable[[Array], Array]) -> Terms:
    """The effects on each target; those that all replicates share are summed in double precision, so that two that cancel do."""
    found = {}
    for name, terms in table.items():
        shared = [term for term in terms if not term.drawn]
        own = [term for term in terms if term.drawn]
        stacked = (term.course.transpose(2, 0, 1)[:, None, None] * turn(term.pattern) for term in shared)
        courses = [functools.reduce(operator.add, stacked)] if shared else []
        courses += [fill(term.course.transpose(2, 0, 1)) for term in own]
        found[name] = (
            [_lengthened(course, precision) for course in courses],
            [_cast(turn(term.pattern), precision) for term in own],
        )
    return found


def _recorded(name: str, blocks: Sequence[Array], variants: int) -> Array:
    """All blocks of a variable joined, (variant, replicate, time, ...), without the axis of length 1 that a row has as a matrix."""
    array = blocks[0] if len(blocks) == 1 or blocks[0].shape[-1] == 1 else np.concatenate(blocks, axis=-1)
    array = array[:-1] if name in FLOWS else array
    wide = np.broadcast_to(array, (*array.shape[:3], variants, array.shape[-1]))
    return plain(name, wide.transpose(3, 4, 0, 1, 2))


@functools.lru_cache(maxsize=16)
def _compiled(layout: Layout, dt: float, names: tuple[str, ...]) -> Any:
    """The compiled run. JAX compiles it again for each new set of shapes and targets of shocks, and caches the results."""
    jax = library()

    def moved(world: World, params: Params, opening: kernel.Opening, patterns: Any, courses: Any, normals: Array) -> Any:
        lasting, impulses = (
            {name: _sum(courses[name], patterns[name]) for name in courses}
            for courses, patterns in zip(courses, patterns, strict=True)
        )
        moment = kernel.step(world, params, opening, Forces(lasting, impulses, ()), normals, layout, dt)
        return moment.world, {name: getattr(moment.flows if name in FLOWS else world, name) for name in names}

    def run(params: Params, world: World, lasting: Terms, impulses: Terms, normals: Array) -> dict[str, Array]:
        opening = turned(lambda params, world: kernel.open_run(params, world, layout))(params, world)
        courses, patterns = (
            [{name: terms[part] for name, terms in table.items()} for table in (lasting, impulses)] for part in (0, 1)
        )

        def body(world: World, given: Any) -> Any:
            return turned(moved)(world, params, opening, patterns, *given)

        given = (courses, normals)
        start = _widened(world, lambda world: body(world, jax.tree.map(lambda array: array[0], given))[0])
        return jax.lax.scan(body, start, given)[1]

    return jax.jit(run, compiler_options=COMPILER_OPTIONS if jax.default_backend() == "cpu" else None)


def _sum(courses: Sequence[Array], patterns: Sequence[Array]) -> Array:
    """The sum of the effects on one target in a period."""
    shared = courses[: len(courses) - len(patterns)]
    own = (course[..., None, None] * at for course, at in zip(courses[len(shared) :], patterns, strict=True))
    return functools.reduce(operator.add, [*shared, *own])


def _widened(world: World, step: Callable[[World], World]) -> World:
    """The opening with each stock broadcast to its final shape, to which draws and shocks widen it over the first periods."""
    jax = library()
    while True:
        following = jax.eval_shape(step, world)
        shapes = [np.broadcast_shapes(now.shape, then.shape) for now, then in zip(world, following, strict=True)]
        if shapes == [stock.shape for stock in world]:
            return world
        world = World(*(jax.numpy.broadcast_to(stock, shape) for stock, shape in zip(world, shapes, strict=True)))
