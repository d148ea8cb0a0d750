"""The kernel compiled by JAX: whole trajectories of many worlds, by the rules as they stand and on luck that is given."""

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

KEPT_APART = {"xla_disable_hlo_passes": "cse_barrier_expander"}
"""XLA else forgets before fusing which arrays are to be computed once, and computes a contest's weights again for each rival."""
BLOCK = 64
"""Replicates that are computed together: the arrays of a small region then stay in cache, and each fills whole vectors."""


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
    """The recorded arrays of all worlds.

    Replicates are computed `block` by block, the last one filled up with copies of its last replicate and cut again: one shape is
    compiled for any number of them, and a world's bits do not depend on how many others are asked for with it.

    Parameters
    ----------
    params, world : Params, World
        Constants and opening stocks, (variant or 1, 1, ..., ...); what all variants share best stands once (`shared`).
    forcing : Forcing
        What shocks bring to the same replicates as `luck`.
    luck : array
        Standard normal, (period, variant or 1, replicate, state, bloc).
    layout : Layout
        Who is where on the axes.
    dt : float
        Years of a period.
    precision : {"float32", "float64"}
        The kind of number computed with and returned.
    names : sequence of str
        The stocks and flows to return; what none of them needs is not computed.
    block : int
        Replicates computed together.

    Returns
    -------
    dict of str to array
        (variant, replicate or 1, time or period, ...), in memory with the worlds innermost; of one replicate where no luck reaches.

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
            pushed = [_terms(table, precision, filled) for table in (forcing.lasting, forcing.impulses)]
            drawn = _lengthened(filled(normals.transpose(0, 3, 4, 1, 2)), precision)
            kept = compiled(constants, opening, *pushed, drawn)
            found.append({name: np.asarray(array)[..., : chosen.stop - chosen.start] for name, array in kept.items()})
    return {name: _recorded(name, [each[name] for each in found], variants) for name in names}


def _patterns(forcing: Forcing) -> list[Array]:
    return [term.pattern for table in (forcing.lasting, forcing.impulses) for terms in table.values() for term in terms]


def _cast(array: Array, precision: str) -> Array:
    return np.ascontiguousarray(array, dtype=precision)


def _lengthened(array: Array, precision: str) -> Array:
    """What each period brings, and for one period more: each gives the stocks at its start, the last one those at the end."""
    return _cast(np.concatenate([array, array[-1:]]), precision)


def _filled(array: Array, chosen: slice, block: int) -> Array:
    """A block of an array's last axis, the replicates, filled up with its last."""
    part = array[..., chosen]
    return np.concatenate([part, np.repeat(part[..., -1:], block - part.shape[-1], axis=-1)], axis=-1)


Terms = dict[str, tuple[list[Array], list[Array]]]
"""For each target what all replicates share, added up, (period, ..., ..., variant, 1), and the courses of what comes by chance,
(period, variant or 1, replicate); beside them the patterns of those courses, (..., ..., variant, 1)."""


def _terms(table: dict[str, tuple[ForcingTerm, ...]], precision: str, fill: Callable[[Array], Array]) -> Terms:
    """What pushes each target, added up in double precision where it can be before the run, so that two that cancel still do."""
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


def _recorded(name: str, parts: Sequence[Array], variants: int) -> Array:
    """All blocks of a variable, (variant, replicate, time, ...), without the axis that a row has in the plane."""
    array = parts[0] if len(parts) == 1 or parts[0].shape[-1] == 1 else np.concatenate(parts, axis=-1)
    array = array[:-1] if name in FLOWS else array
    whole = np.broadcast_to(array, (*array.shape[:3], variants, array.shape[-1]))
    return plain(name, whole.transpose(3, 4, 0, 1, 2))


@functools.lru_cache(maxsize=16)
def _compiled(layout: Layout, dt: float, names: tuple[str, ...]) -> Any:
    """The compiled run; JAX compiles it again for other shapes and other kinds of shocks, and keeps each."""
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

    return jax.jit(run, compiler_options=KEPT_APART if jax.default_backend() == "cpu" else None)


def _sum(courses: Sequence[Array], patterns: Sequence[Array]) -> Array:
    """What the pushes on one target come to in a period."""
    shared = courses[: len(courses) - len(patterns)]
    own = (course[..., None, None] * at for course, at in zip(courses[len(shared) :], patterns, strict=True))
    return functools.reduce(operator.add, [*shared, *own])


def _widened(world: World, step: Callable[[World], World]) -> World:
    """The opening with each stock as wide as its periods will be: luck and shocks reach some through others, over some periods."""
    jax = library()
    while True:
        following = jax.eval_shape(step, world)
        shapes = [np.broadcast_shapes(now.shape, then.shape) for now, then in zip(world, following, strict=True)]
        if shapes == [stock.shape for stock in world]:
            return world
        world = World(*(jax.numpy.broadcast_to(stock, shape) for stock, shape in zip(world, shapes, strict=True)))
