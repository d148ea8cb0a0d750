"""Dated shocks turned into forcing and impulses, by target; their random draws are keyed by seed, shock and replicate."""

import functools
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sim.arrays import Array, replicates_last
from sim.config.dates import Window, dates
from sim.config.overlays import Configs, light
from sim.config.schema import Config, Effect, Shock, ShockKind, members
from sim.names import BLOC, PEER, QUANTITIES, RIVAL, STATE, WEIGHT_OF
from sim.science import noise
from sim.science.layout import Layout
from sim.science.state import Forces


@dataclass(frozen=True)
class ForcingTerm:
    """One effect of a shock over all variants: what it adds to its target is its course times its pattern."""

    name: str
    """The shock and the effect, as in `peace_deal.tie`."""
    course: Array
    """Its shape over time, (1 or variant, 1 or replicate, period)."""
    pattern: Array
    """Its size where it acts and 0 elsewhere, (variant, 1, ...) with the two axes of the target last."""
    drawn: bool
    """Whether its course depends on random draws, which differ between replicates."""

    @property
    def shock(self) -> str:
        """The shock that the effect belongs to."""
        return self.name.partition(".")[0]

    def at(self, period: int) -> Array:
        """What it adds in a period, with the two axes of the target last."""
        return self.course[..., period, None, None] * self.pattern


@dataclass(frozen=True)
class Forcing:
    """All effects of shocks, by target: lasting ones on the targets of stocks and on parameters, and impulses to stocks."""

    lasting: dict[str, tuple[ForcingTerm, ...]]
    impulses: dict[str, tuple[ForcingTerm, ...]]

    def at(self, period: int) -> Forces:
        """The sums over effects in one period; impulses of other periods are left out."""
        lasting = {name: _sum(term.at(period) for term in terms) for name, terms in self.lasting.items()}
        active = {name: [term for term in terms if term.course[..., period].any()] for name, terms in self.impulses.items()}
        impulses = {name: _sum(term.at(period) for term in terms) for name, terms in active.items() if terms}
        moving = active.get("disposition", [])
        by_shock = ([term.at(period) for term in moving if term.shock == shock] for shock in self.impulse_shocks)
        # + 0.0: a replicate in which the shock does not happen gets 0.0 and never -0.0, whatever is computed with it
        return Forces(lasting, impulses, tuple(_sum(arrays) + 0.0 if arrays else 0.0 for arrays in by_shock))

    @property
    def impulse_shocks(self) -> list[str]:
        """The names of shocks with an impulse on dispositions, in the order of the settings."""
        return list(dict.fromkeys(term.shock for term in self.impulses.get("disposition", ())))


def _sum(arrays: Iterable[Array]) -> Array:
    return replicates_last(functools.reduce(operator.add, arrays))


def impulse_shocks(configs: Sequence[Config]) -> list[str]:
    """The shocks of some variants with an impulse on dispositions, in the order of `Forcing.impulse_shocks`."""
    bases = light(configs).wholes
    found = [(name, effect) for config in bases for name, shock in config.shock.items() for effect in shock.effects.values()]
    names = (name for name, effect in found if effect.kind is ShockKind.impulse and effect.target == "disposition")
    return list(dict.fromkeys(names))


Holders = dict[int, tuple[Shock, Effect]]
"""One effect, with its shock, by the number of each base config that has it."""


def draw(configs: Sequence[Config], layout: Layout, replicates: range) -> Forcing:
    """The forcing of all variants over some replicates; a shock has the same random draws in every variant of one seed."""
    variants = light(configs)
    found: dict[tuple[str, str], Holders] = {}
    for base, config in enumerate(variants.wholes):
        for shock_name, shock in config.shock.items():
            for effect_name, effect in shock.effects.items():
                found.setdefault((shock_name, effect_name), {})[base] = (shock, effect)
    lasting: dict[str, list[ForcingTerm]] = {}
    impulses: dict[str, list[ForcingTerm]] = {}
    for (shock_name, effect_name), bases in found.items():
        by_target: dict[tuple[bool, str], Holders] = {}
        for base, (shock, effect) in bases.items():
            by_target.setdefault((effect.kind is ShockKind.impulse, effect.target), {})[base] = (shock, effect)
        for (impulse, target), holders in by_target.items():
            term = _term(shock_name, effect_name, holders, variants, layout, replicates)
            (impulses if impulse else lasting).setdefault(target, []).append(term)
    return Forcing(*({name: tuple(terms) for name, terms in table.items()} for table in (lasting, impulses)))


UNIFORMS = 2
"""Uniform draws of a shock and replicate: whether it happens, and how late its dates fall in their intervals."""
NO_UNIFORMS = np.zeros((1, UNIFORMS))
"""Placeholders for a shock without random draws."""


def _term(shock_name: str, effect_name: str, holders: Holders, configs: Configs, layout: Layout, replicates: range) -> ForcingTerm:
    """One effect over all variants: where it acts and how strongly in each, and when in each replicate."""
    name, window = f"{shock_name}.{effect_name}", configs.wholes[0].window
    target = next(iter(holders.values()))[1].target
    nowhere = np.zeros(plane(QUANTITIES[target].dims, layout))
    count = range(len(configs.wholes))
    where = np.stack([_where(holders[base][1], layout) if base in holders else nowhere for base in count])
    size = configs.numbers(("shock", shock_name, "effects", effect_name, "size"))
    if target in WEIGHT_OF:
        size = configs.numbers(("dynamics", WEIGHT_OF[target])) * size
    pattern = (size[:, None, None] * where[configs.whole])[:, None]
    seeds = {base: configs.wholes[base].seed for base, held in holders.items() if _is_drawn(*held)}
    uniforms = {seed: noise.uniforms(seed, f"shock {shock_name}", replicates, UNIFORMS) for seed in dict.fromkeys(seeds.values())}
    by_timing: dict[str, Array] = {}
    courses = {}
    for base, (shock, effect) in holders.items():
        timing = repr((seeds.get(base), *_timing(shock, effect)))
        if timing not in by_timing:
            by_timing[timing] = _course(shock, effect, window, uniforms[seeds[base]] if base in seeds else NO_UNIFORMS)
        courses[base] = by_timing[timing]
    if len(by_timing) == 1:
        return ForcingTerm(name, next(iter(by_timing.values()))[None], pattern, bool(seeds))
    wide = max(course.shape[0] for course in courses.values())
    none = np.zeros((wide, window.periods))
    course = np.stack([np.broadcast_to(courses.get(base, none), none.shape) for base in count])[configs.whole]
    return ForcingTerm(name, course, pattern, bool(seeds))


def _timing(shock: Shock, effect: Effect) -> tuple[object, ...]:
    """The settings on which the course of an effect depends."""
    return shock.probability, effect.kind, effect.date, effect.until, effect.duration, effect.half_life


def _is_drawn(shock: Shock, effect: Effect) -> bool:
    """Whether the course of an effect depends on random draws: whether its shock happens, or when."""
    intervals = (dates("date", value) for value in (effect.date, effect.until) if value is not None)
    return shock.probability < 1 or any(first != last for first, last in intervals)


def plane(dims: tuple[str, ...], layout: Layout) -> tuple[int, int]:
    """The shape of a quantity as a matrix: two axes as they are, a number per state as a column, per bloc or route as a row."""
    size = {dim: len(layout.names(dim)) for dim in dims}
    if len(dims) == 2:
        return size[dims[0]], size[dims[1]]
    return (size[STATE], 1) if dims == (STATE,) else (1, size[dims[0]])


def _where(effect: Effect, layout: Layout) -> Array:
    """1 where an effect acts, 0 elsewhere; pairs of a symmetric target both ways; joined and fixed pairs left out."""
    quantity = QUANTITIES[effect.target]
    chosen = []
    for dim in quantity.dims:
        names, wanted = layout.names(dim), members(effect.who[dim])
        chosen.append(np.array([name in wanted or "*" in wanted for name in names], dtype=float))
    where = np.outer(*chosen) if len(chosen) == 2 else chosen[0].reshape(plane(quantity.dims, layout))
    if quantity.symmetric:
        where = np.maximum(where, where.T)
    if quantity.dims in ((STATE, PEER), (BLOC, RIVAL)):
        where = where * (1.0 - np.eye(len(where)))
    if effect.target in ("disposition", "priority"):
        where = where * layout.free
    elif quantity.dims == (STATE, BLOC):
        where = where * layout.courted
    return where


def reaches(effect: Effect, layout: Layout) -> bool:
    """Whether an effect acts on any actor: not where all pairs that it names are joined, fixed or of an actor with itself."""
    return bool(_where(effect, layout).any())


def _course(shock: Shock, effect: Effect, window: Window, uniforms: Array) -> Array:
    """The mean of an effect's shape over each period, (1 or replicate, period); 1 in its own period for an impulse."""
    happens, late = uniforms[:, :1] < shock.probability, uniforms[:, 1:]
    begin = _moment(effect.date, window, late)
    if effect.kind is ShockKind.impulse:
        period = np.floor(begin / window.dt + ROUNDING)
        course = (np.arange(window.periods) == period).astype(float)
    else:
        edges = np.arange(window.periods + 1) * window.dt
        course = np.diff(_integral(effect, edges, begin, window, late), axis=-1) / window.dt
    return course if shock.probability >= 1 else course * happens


ROUNDING = 1e-9
"""Tolerance, in periods: a date that falls on an instant belongs to the period after it, whatever the rounding."""


def _moment(value: object, window: Window, late: Array) -> Array:
    """Years from the start to a date, or to a random date in its interval, (1 or replicate, 1)."""
    first, last = _ends(value, window)
    return np.array([[first]]) if first == last else first + (last - first) * late


def _integral(effect: Effect, at: Array, begin: Array, window: Window, late: Array) -> Array:
    """The integral of an effect's shape from its beginning to each moment, in years."""
    since = np.maximum(at - begin, 0.0)
    if effect.kind is ShockKind.step:
        return since
    if effect.kind is ShockKind.decay:
        rate = np.log(2.0) / (effect.half_life or np.inf)
        return -np.expm1(-rate * since) / rate
    length = np.array(effect.duration) if effect.until is None else _moment(effect.until, window, late) - begin
    inside = np.minimum(since, length)
    if effect.kind is ShockKind.pulse:
        return inside
    return inside**2 / (2.0 * length) + (since - inside)


def first_instant(shock: Shock, window: Window) -> int:
    """The instant at which a shock's first period starts: up to it, replicates with and without the shock are equal."""
    return min(
        int(np.floor(window.years(dates("date", effect.date)[0]) / window.dt + ROUNDING)) for effect in shock.effects.values()
    )


def acting(shock: Shock, effect: Effect, window: Window) -> float:
    """The probability that an effect has a course other than zero in the window, given that its shock happens.

    Where no date is random it is 0 or 1. A step, ramp or decay that began before the window acts in it, a pulse while it lasts.
    """
    begins = _ends(effect.date, window)
    if effect.kind is ShockKind.pulse and effect.until is not None:
        ends = _ends(effect.until, window)
    else:
        lasts = {ShockKind.impulse: 2 * ROUNDING * window.dt, ShockKind.pulse: effect.duration}.get(effect.kind, np.inf)
        ends = (begins[0] + (lasts or 0.0), begins[1] + (lasts or 0.0))
    begun = _share_below(begins, (window.periods - ROUNDING) * window.dt)
    over = _share_below(ends, ROUNDING * window.dt)
    return max(begun - over, 0.0)


def _ends(value: object, window: Window) -> tuple[float, float]:
    """Years from the start to a date, or to both ends of its interval."""
    first, last = dates("date", value)
    return window.years(first), window.years(last)


def _share_below(ends: tuple[float, float], limit: float) -> float:
    """The share of a uniform distribution between two ends that lies below a limit."""
    low, high = ends
    return float(low < limit) if low == high else min(max((limit - low) / (high - low), 0.0), 1.0)
