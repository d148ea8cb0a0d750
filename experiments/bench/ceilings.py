"""The highest rates of the machine, the operations that the rules need, and so how fast they could run at most.

Operations are counted by running the rules themselves on arrays that count (`Counted`), divided by the replicates that were
stepped. The floor is the time that they take at the rates measured here, one after the other, without reading or writing arrays
in between: a fused kernel on one core could reach it.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from experiments.bench.engine import SIZES, workload
from sim.arrays import Array
from sim.engine.plan import Plan, job_of
from sim.science import kernel, noise, roads, rules, shocks
from sim.science.state import cast

REPEATS = 9
CACHED = 2**14
"""Elements of an array that stays in the first or second level of the cache."""
LARGE = 2**25
"""Elements of an array that stays in no cache."""
SQUARE = 1024
SMALL = "products 20x20x8"
KINDS = ("tanh", "exp", "power", "divide")
"""Operations with a rate of their own; all others are arithmetic or comparison."""


def best_seconds(action: Callable[[], object], inner: int = 1) -> float:
    """The least seconds of an action that is repeated `inner` times a round: a ceiling is the rate of an undisturbed machine."""
    took = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in range(inner):
            action()
        took.append((time.perf_counter() - start) / inner)
    return min(took)


def ceilings(precision: str) -> dict[str, float]:
    """Rates of one core a second: elements of each kind in the cache, normals, arithmetic of products, bytes of memory."""
    draw = np.random.default_rng(1)
    one, other, room = (draw.uniform(0.5, 1.5, CACHED).astype(precision) for _ in range(3))
    found = {}
    for kind in KINDS:
        given = (one, other) if kind in ("power", "divide") else (one,)
        found[kind] = CACHED / best_seconds(partial(getattr(np, kind), *given, out=room), 50)
    found["add, in cache"] = CACHED / best_seconds(lambda: np.add(one, other, out=room), 200)
    states, blocs = tuple(f"s{at:02}" for at in range(20)), tuple(f"b{at}" for at in range(8))
    found["normals"] = 32 * 60 * 160 / best_seconds(lambda: noise.normals(1, range(32), 60, states, blocs))
    left, right = (draw.uniform(-1, 1, (SQUARE, SQUARE)).astype(precision) for _ in range(2))
    found["large product"] = 2 * SQUARE**3 / best_seconds(lambda: left @ right)
    for shape in ((3, 3, 6), (3, 6, 6), (20, 20, 8), (20, 8, 8)):
        rows, inner, columns = shape
        first, second = np.ones((256, rows, inner), precision), np.ones((256, inner, columns), precision)
        flops = 2 * 256 * rows * inner * columns
        found[f"products {rows}x{inner}x{columns}"] = flops / best_seconds(lambda a=first, b=second: np.matmul(a, b), 20)
    source, target = np.ones(LARGE, precision), np.empty(LARGE, precision)
    found["write"] = target.nbytes / best_seconds(lambda: target.fill(1.0))
    found["copy"] = target.nbytes / best_seconds(lambda: np.copyto(target, source))
    return found


# Operations -----------------------------------------------------------------------------------------------------------------

COUNT: Counter[str] = Counter()


class Counted(np.ndarray):
    """An array that counts the elements that each operation on it computes."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Count, then compute."""
        plain = [_plain(value) for value in inputs]
        if "out" in options:
            options["out"] = tuple(_plain(value) for value in options["out"])
        found = getattr(ufunc, method)(*plain, **options)
        COUNT["passes"] += 1
        elements = np.size(plain[0]) if method == "reduce" else np.size(found)
        COUNT[ufunc.__name__ if ufunc.__name__ in KINDS else "arithmetic"] += elements * (2 if ufunc is np.clip else 1)
        return np.asarray(found).view(Counted)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """`np.where` counts as arithmetic; functions that only change the layout of arrays count nothing."""
        found = super().__array_function__(func, types, args, kwargs)
        if func is np.where:
            COUNT["arithmetic"] += found.size
        return found.view(Counted) if isinstance(found, np.ndarray) else found


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Counted) else value


def _counted(value: Any) -> Any:
    """The same value with arrays that count, also inside tuples and tables."""
    if isinstance(value, np.ndarray):
        return value.view(Counted)
    if isinstance(value, tuple):
        parts = [_counted(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return {name: _counted(part) for name, part in value.items()} if isinstance(value, dict) else value


@contextmanager
def counting() -> Iterator[None]:
    """Within it `product` is counted too, by its multiplications and additions, and `placed` returns arrays that count."""
    held = {(module, name): getattr(module, name) for module, name in ((rules, "product"), (roads, "product"), (roads, "placed"))}

    def product(left: Array, right: Array) -> Array:
        found = held[rules, "product"](_plain(left), _plain(right))
        COUNT["products"] += 2 * left.shape[-1] * found.size
        return found.view(Counted)

    def placed(*arguments: Any) -> Array:
        return held[roads, "placed"](*arguments).view(Counted)

    for module, name in held:
        setattr(module, name, product if name == "product" else placed)
    try:
        yield
    finally:
        for (module, name), real in held.items():
            setattr(module, name, real)


def operations(plan: Plan, replicates: int = 32) -> tuple[dict[str, float], int]:
    """Operations of a replicate-step by kind, normals drawn once for all variants; and the number of passes over arrays."""
    job, period = job_of(plan), plan.window.periods - 1
    layout, variants = job.layout, len(plan.variants)
    params, world = cast(job.params, layout.precision), cast(job.world, layout.precision)
    forces = shocks.draw(job.configs, layout, range(replicates)).at(period)
    normals = np.zeros((1, replicates, len(layout.states), len(layout.blocs)))
    opening = kernel.open_run(params, world, layout)
    for _ in range(2):  # after the first period every stock has its full shape
        moment = kernel.step(world, params, opening, forces, normals, layout, plan.window.dt)
        world = moment.world
    COUNT.clear()
    with counting():
        given = _counted((world, params, opening, forces, normals))
        kernel.step(*given, layout=layout, dt=plan.window.dt)
    total = variants * replicates
    found = {kind: number / total for kind, number in COUNT.items() if kind != "passes"}
    return found | {"normals": normals[0, 0].size / variants}, COUNT["passes"]


def floor_seconds(counted: dict[str, float], rates: dict[str, float]) -> dict[str, float]:
    """Seconds of a replicate-step by kind at the rates of one core, arithmetic and products at that of the best small product."""
    return {kind: number / rates[SMALL if kind in ("arithmetic", "products") else kind] for kind, number in counted.items()}


def floors() -> dict[str, Any]:
    """Ceilings by precision, and by size the operations of a replicate-step and the floor of its time."""
    rates = {precision: ceilings(precision) for precision in ("float64", "float32")}
    found: dict[str, Any] = {"ceilings": rates}
    for size in SIZES:
        counted, passes = operations(workload(*size, 1))
        floor = {precision: floor_seconds(counted, each) for precision, each in rates.items()}
        found[f"{size[0]} x {size[1]}"] = {"operations": counted, "floor": floor, "passes": passes}
    return found


def asked(plan: Plan) -> float:
    """The number of operations of a replicate-step, all kinds together."""
    return sum(operations(plan, 4)[0].values())
