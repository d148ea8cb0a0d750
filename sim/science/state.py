"""The state of a run at an instant and what changes it: stocks (`World`), constants (`Params`), forcing and impulses (`Forces`)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from sim.arrays import Array, namespace, replicates_last, total


class World(NamedTuple):
    """All stocks at one instant, each (variant, replicate, ...) with its own two axes last."""

    disposition: Array
    alignment: Array
    legacy: Array
    tie: Array
    credibility: Array
    access: Array
    road: Array
    readiness: Array
    relation: Array
    strain_war: Array
    strain_home: Array


class Params(NamedTuple):
    """All constants, each already multiplied by the weight of its mechanism."""

    bloc_capability: Array
    salience: Array
    military: Array
    economic: Array
    vigilance: Array
    reserve: Array
    coerciveness: Array
    deterrence: Array
    relay: Array
    unrest: Array
    state_capability: Array
    speed: Array
    volatility: Array
    exclusivity: Array
    peer_influence: Array
    priority: Array
    stubbornness: Array
    red_line: Array
    gateway: Array
    external_threat: Array
    programme: Array
    buffer: Array
    credibility_target: Array
    proximity: Array
    road_capacity: Array
    relation_floor: Array
    calming: Array
    measured_relation: Array
    permit: Array
    decisiveness: Array
    outside: Array
    security_weight: Array
    threat_floor: Array
    doubt_strength: Array
    readiness_bonus: Array
    exit_cost_strength: Array
    trade_makes_peace: Array
    transit_gain: Array
    retention: Array
    learning: Array
    tie_rate: Array
    credibility_rate: Array
    access_rate: Array
    road_rate: Array
    readiness_rate_up: Array
    readiness_rate_down: Array
    relation_rate: Array
    strain_war_rate: Array
    strain_home_rate: Array
    contests: Array
    legacy_weight: Array
    anchor: Array


def some_of(fields: Iterable[Array], variants: Sequence[int] | Array) -> Iterator[Array]:
    """The fields of some variants; a field that is broadcast over variants stays so."""
    for field in fields:
        once = field.strides[0] == 0
        yield np.broadcast_to(field[:1], (len(variants), *field.shape[1:])) if once else field[variants]


Stack = TypeVar("Stack", Params, World)


def shared(stack: Stack) -> Stack:
    """The same constants or stocks with replicates contiguous in memory; a field equal in all variants is stored once."""
    fields = (field[:1] if (field == field[:1]).all() else field for field in stack)
    return type(stack)(*(replicates_last(field) for field in fields))


def cast(stack: Stack, precision: str) -> Stack:
    """The same constants or stocks in another floating-point precision, with the same memory layout."""
    return type(stack)(*(field.astype(precision) for field in stack))


def tie_scale(tie_opening: Array) -> Array:
    """The sum of a state's absolute opening ties, as a column; 1 where it has none."""
    hold = total(abs(tie_opening), -1)
    return namespace(hold).where(hold > 0, hold, 1.0)


class Forces(NamedTuple):
    """What shocks add in one period: forcing of targets and parameters, impulses to stocks at its end, impulses shock by shock."""

    lasting: dict[str, Array]
    impulses: dict[str, Array]
    impulses_by_shock: tuple[Array | float, ...]
    """What each shock adds to dispositions by impulse, in the order of `Forcing.impulse_shocks`."""

    def cast(self, precision: str) -> "Forces":
        """The same in another precision. Effects are summed in double precision before, so that two that cancel still do."""
        lasting, impulses = (
            {name: array.astype(precision) for name, array in table.items()} for table in (self.lasting, self.impulses)
        )
        by_shock = (impulse.astype(precision) if isinstance(impulse, Array) else impulse for impulse in self.impulses_by_shock)
        return Forces(lasting, impulses, tuple(by_shock))


NO_FORCES = Forces({}, {}, ())
