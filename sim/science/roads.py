"""Roads and routes: how much traffic they carry, and what access to markets it gives. Pure functions as in `sim.science.rules`."""

import itertools
from typing import NamedTuple

import numpy as np

from sim.arrays import Array, namespace, placed, product, share_of


class Path(NamedTuple):
    """The path of a route: positions of its two ends and of the states between them, in order."""

    one: int
    other: int
    via: tuple[int, ...]

    @property
    def legs(self) -> tuple[tuple[int, int], ...]:
        """The roads along the path, each as a pair of states."""
        stops = (self.one, *self.via, self.other)
        return tuple(itertools.pairwise(stops))


def willingness(tie: Array) -> Array:
    """The share of possible traffic that two states are willing to let through.

    Source: ours, ODD.md element 7.
    """
    return (1.0 + tie) / 2.0


def carry(permit: Array, road: Array, paths: tuple[Path, ...]) -> Array:
    """The traffic that each route could carry if both ends were willing: its permit times the roads along it, as a row (1, route).

    Source: ours, ODD.md element 7.
    """
    xp, carried = namespace(road), {}
    for index, path in enumerate(paths):
        open_share = permit[..., 0, index]
        for one, other in path.legs:
            open_share = open_share * road[..., one, other]
        carried[0, index] = open_share
    return placed(carried, 1, len(paths), xp.zeros(road.shape[:-2], dtype=road.dtype))


def best_carry(carried: Array, paths: tuple[Path, ...], states: int) -> Array:
    """What the best route between each two states could carry, (state, peer); 0 where none is named.

    Source: ours, ODD.md element 7.
    """
    xp, best = namespace(carried), {}
    for index, path in enumerate(paths):
        own, pair = carried[..., 0, index], (path.one, path.other)
        best[pair] = xp.maximum(best[pair], own) if pair in best else own
        best[pair[::-1]] = best[pair]
    return placed(best, states, states, xp.zeros(carried.shape[:-2], dtype=carried.dtype))


def flow(willingness: Array, best: Array) -> Array:
    """The traffic between two states: it needs a road and the willingness of both ends.

    Source: ours, ODD.md element 7.
    """
    return willingness * best


def gain_transit(carried: Array, best: Array, traffic_gain: Array, gateway: Array, paths: tuple[Path, ...]) -> Array:
    """The gain of access to markets, by transit, of the states between the ends of the best route of two others, (state, bloc).

    Source: ours, ODD.md element 7 (the shipped regions set the gain).
    """
    xp = namespace(gateway)
    total = xp.zeros_like(gateway)
    for index, path in enumerate(paths):
        rivals = [k for k, other in enumerate(paths) if {other.one, other.other} == {path.one, path.other}]
        top = best[..., path.one, path.other]
        equal = xp.astype(carried[..., 0, np.array(rivals)] == top[..., None], top.dtype).sum(axis=-1)
        inside = share_of(xp.astype((carried[..., 0, index] == top) & (top > 0), top.dtype), equal)
        market = gateway[..., path.one : path.one + 1, :] + gateway[..., path.other : path.other + 1, :]
        gain = (inside * traffic_gain[..., path.one, path.other])[..., None, None] * market
        for stop in path.via:
            total = total + gain * (xp.arange(gateway.shape[-2]) == stop)[:, None]
    return total


def gain_access(traffic_gain: Array, gateway: Array) -> Array:
    """The gain of access to each bloc's market by more traffic with each peer.

    Source: ours, ODD.md element 7.
    """
    return product(traffic_gain, gateway)


def access_target(access_opening: Array, courted: Array, opened: Array, transit_gain: Array, transit: Array) -> Array:
    """The access that traffic leads to: of the opening, with what roads (`opened`) and transit have added where it is courted.

    Source: ours, ODD.md element 7.
    """
    access = access_opening + opened + transit_gain * transit
    return access_opening + courted * (access - access_opening)


def road_target(road_capacity: Array, willingness: Array) -> Array:
    """The traffic that two states let through a road.

    Source: ours, ODD.md element 7.
    """
    return road_capacity * willingness
