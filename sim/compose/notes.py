"""Settings without effect in a run: effects of shocks outside its window or on nobody, numbers on which no variant depends."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sim.compose.designs import Variants
from sim.config.dates import Window, dates, month
from sim.config.evidence import misfit, quantity_at
from sim.config.nested import Where, entry
from sim.config.overlays import Configs
from sim.config.schema import Effect, Shock, ShockKind
from sim.names import MECHANISMS, QUANTITIES, several
from sim.science.layout import Layout, layout_of
from sim.science.shocks import acting, reaches

NEEDS = {
    **{"deterrence": "coercion", "red_line": "coercion", "transit_gain": "trade"},
    **{"security_weight": "contests", "threat_floor": "contests"},
}
"""Quantities that act through another mechanism than the one that multiplies them."""
RATES = {
    **{"tie": "tie_rate", "credibility": "credibility_rate", "access": "access_rate", "relation": "relation_rate"},
    **{"road_capacity": "road_rate", "strain_war": "strain_war_rate"},
}
"""The rate at which a stock follows its target, by what a lasting effect changes."""
NEVER = "never happens, as the probability of its shock is 0"
"""The reason where the user set the probability to 0: reported only for swept or drawn numbers of the effect."""
SHOWN = 8
"""Most lines on one subject; further ones are counted."""


class Idle(NamedTuple):
    """Why an effect of a shock does nothing, or nothing on some of its dates, in some of the variants that have it."""

    shock: str
    effect: str
    why: str
    partly: bool
    """Whether it has an effect on some of its possible dates."""
    within: int
    """The number of variants in which this holds."""
    holders: int
    """The number of variants that have the effect."""

    @property
    def everywhere(self) -> bool:
        """Whether it does nothing in any variant."""
        return not self.partly and self.within == self.holders

    def __str__(self) -> str:
        """The line for the screen."""
        some = f" (in {self.within:,} of {several(self.holders, 'variant')})" if self.within < self.holders else ""
        return f"effect {self.effect} of shock {self.shock} {self.why}{some}"


def lines(variants: Sequence[object]) -> list[str]:
    """Notes on some variants before they run, a line each; empty where every setting has an effect and is plausible."""
    if not isinstance(variants, Variants):
        return []
    found = [[str(one) for one in effects(variants.configs) if one.why != NEVER], _number_lines(variants), _misfit_lines(variants)]
    more = [[f"and {len(some) - SHOWN:,} more like these"] * (len(some) > SHOWN) for some in found]
    return [f"note: {line}" for some, rest in zip(found, more, strict=True) for line in [*some[:SHOWN], *rest]]


def effects(configs: Configs) -> list[Idle]:
    """The effects of shocks that do nothing, or nothing on some of their dates, in some of the variants that have them."""
    held = np.bincount(configs.whole, minlength=len(configs.wholes))
    on = {name: _anywhere(configs, name) for name in (*MECHANISMS, *RATES.values())}
    layout, varied = layout_of(configs.wholes[0].region), {overlay.path for overlay in configs.overlays}
    holders: dict[tuple[str, str], int] = {}
    counts: dict[tuple[str, str, str, bool], int] = {}
    for index in np.flatnonzero(held).tolist():
        config = configs.wholes[index]
        off = [weight for weight, acts in on.items() if not acts[index]]
        for shock_name, shock in config.shock.items():
            for name, effect in shock.effects.items():
                key = shock_name, name
                holders[key] = holders.get(key, 0) + int(held[index])
                fixed = ("shock", shock_name, "effects", name, "size") not in varied
                why, partly = _why_idle(shock, effect, config.window, layout, off, fixed)
                if why:
                    counts[*key, why, partly] = counts.get((*key, why, partly), 0) + int(held[index])
    return [Idle(*key, within, holders[key[:2]]) for key, within in counts.items()]


def _anywhere(configs: Configs, weight: str) -> np.ndarray:
    """For each base config whether a mechanism is on in some variant of it, (base config,)."""
    found = np.zeros(len(configs.wholes), dtype=bool)
    np.logical_or.at(found, configs.whole, configs.numbers(("dynamics", weight)) != 0)
    return found


def _why_idle(shock: Shock, effect: Effect, window: Window, layout: Layout, off: Sequence[str], fixed: bool) -> tuple[str, bool]:
    """Why an effect does nothing, and whether that holds on some of its dates only; empty where it always acts.

    `off` are the mechanisms and rates that are 0; `fixed` is true where its size is not varied.
    """
    share = acting(shock, effect, window)
    if shock.probability == 0:
        return NEVER, False
    if share < 1:
        first, last = dates("date", effect.date)
        when = f"{first} to {last}" if last > first else f"{first}"
        run = f"{when}, and the run goes from {month(window.start)} to {month(window.end)}"
        part = f" in {min(max(100 * (1 - share), 0.1), 99.9):.3g} % of its draws" if share else ""
        return f"lies outside the window{part}: {run}", share > 0
    if not reaches(effect, layout):
        return "acts on nobody, as its states are the blocs themselves (same_as) or their members (member_of)", False
    if effect.size == 0 and fixed:
        return "does nothing, as its size is 0", False
    needed = (*weights_of(effect.target), *([RATES.get(effect.target)] if effect.kind is not ShockKind.impulse else []))
    dead = next((name for name in needed if name in off), "")
    return (f"does nothing, as dynamics.{dead} is 0", False) if dead else ("", False)


def weights_of(quantity: str) -> list[str]:
    """The mechanisms that must all be on for a quantity to have an effect."""
    return [name for name in (QUANTITIES[quantity].weight, NEEDS.get(quantity, "")) if name]


def numbers(variants: Variants) -> dict[Where, str]:
    """The swept or drawn numbers on which no variant depends, by path, each with the reason."""
    configs = variants.configs
    off = {weight for weight in MECHANISMS if not _anywhere(configs, weight).any()}
    still: dict[tuple[str, str], list[Idle]] = {}
    for one in effects(configs):
        still.setdefault((one.shock, one.effect), []).append(one)
    found = {}
    for path in _varied(variants):
        match path:
            case ("shock", shock, "effects", effect, _):
                idle = [one for one in still.get((shock, effect), ()) if not one.partly]
                if idle and sum(one.within for one in idle) == idle[0].holders:
                    found[path] = f"effect {effect} of shock {shock} {idle[0].why.partition(':')[0]}"
            case ("region" | "dynamics", *_):
                dead = [weight for weight in _weights_at(path) if weight in off and path != ("dynamics", weight)]
                if dead:
                    found[path] = f"dynamics.{dead[0]} is 0"
    return found


def _weights_at(path: Where) -> list[str]:
    """The mechanisms that must all be on for a number of region or dynamics to have an effect."""
    if path[0] == "dynamics" and path[-1] in MECHANISMS:
        return [NEEDS[path[-1]]] if path[-1] in NEEDS else []
    quantity = quantity_at(path)
    return weights_of(quantity.name) if quantity else []


def _varied(variants: Variants) -> list[Where]:
    """The paths of all numbers in which variants differ."""
    return list(dict.fromkeys([overlay.path for overlay in variants.configs.overlays] + [path for path, _, _ in variants.drawn]))


def _number_lines(variants: Variants) -> list[str]:
    """The numbers on which no variant depends, a line for each reason."""
    why: dict[str, list[str]] = {}
    for path, reason in numbers(variants).items():
        why.setdefault(reason, []).append(".".join(path))
    return [f"no variant depends on {_few(paths)}: {reason}" for reason, paths in why.items()]


def _few(words: Sequence[str], most: int = 3) -> str:
    return ", ".join(words[:most]) + (f" and {len(words) - most:,} more" if len(words) > most else "")


def _misfit_lines(variants: Variants) -> list[str]:
    """The numbers outside their plausible range: those of base configs, and the ends of those that are varied."""
    wholes = list({id(point.whole): point.whole for point in variants.points}.values())
    varied = {path: (float(values.min()), float(values.max())) for path, values in _values(variants)}
    found = [one for whole in wholes for one in whole.misfits if one.path not in varied]
    for path, ends in varied.items():
        settings = next(whole.settings for whole in wholes if entry(whole.settings, path) is not None)
        found += [one for end in dict.fromkeys(ends) for one in misfit(settings, path, end)]
    return list(dict.fromkeys(f"{one.key}: {one.wrong}; allowed: {one.allowed}" for one in found))


def _values(variants: Variants) -> Iterator[tuple[Where, np.ndarray]]:
    """The values of each varied number, by path; of a drawn number its two ends."""
    ends = {path: np.array([low, high]) for path, low, high in variants.drawn}
    for overlay in variants.configs.overlays:
        yield overlay.path, ends.get(overlay.path, overlay.values)
