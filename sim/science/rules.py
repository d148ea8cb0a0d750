"""The mechanisms: pure functions on matrices in the plane of the last two axes, each with its source. Nothing here keeps time.

Shapes are those of `sim.names`: states run down, blocs run across, batch axes lead. A rule given one state's row, or one bloc's
column, answers for that actor alone. Arrays bring their own namespace (NumPy or another that follows the array API).
"""

import numpy as np  # noqa: F401 - for the examples

from sim.arrays import Array, joint, namespace, positive, product, share_of, total

# Blocs ---------------------------------------------------------------------------------------------------------------------


def total_strain(war: Array, home: Array) -> Array:
    """The share of a bloc's means that war and unrest at home tie down together.

    Source: ours, ODD.md element 2.
    """
    return 1.0 - (1.0 - war) * (1.0 - home)


def rivalry(relation: Array) -> Array:
    """How far two blocs are against each other, 0 between friends.

    Source: ours, ODD.md element 2.
    """
    return positive(-relation)


def friendship(relation: Array) -> Array:
    """How far two blocs are with each other, 0 between rivals.

    Source: ours, ODD.md element 2.
    """
    return positive(relation)


def budget(capability: Array, salience: Array, strain: Array) -> Array:
    """What a bloc can spend on the region in a period.

    Source: Bueno de Mesquita 1997 (capability times salience).
    """
    return capability * salience * (1.0 - strain)


def pressure(alignment: Array, rivalry: Array, courted: Array) -> Array:
    """How far a bloc's rivals have got in each state; `courted` is 0 for a state and bloc that are one actor.

    Source: Richardson 1960 (reaction to the other's standing).
    """
    return product(courted * (1.0 + alignment) / 2.0, rivalry)


def commit_effort(
    budget: Array, reserve: Array, priority: Array, vigilance: Array, pressure: Array, pressure_opening: Array
) -> Array:
    """Divide a bloc's budget among the states, more where its rivals have gained since the opening.

    `reserve` is the weight of the rest of the world, from which an answer can draw; at 0 the sum is fixed.
    Source: Grabisch, Mandel, Rusinowska & Tanimura 2018. Departs: blocs follow this rule, they do not optimise.
    """
    xp = namespace(pressure)
    weight = priority * xp.exp(vigilance * (pressure - pressure_opening))
    return budget * share_of((1.0 + reserve) * weight, reserve + total(weight, -2))


def coerce(coerciveness: Array, strain: Array, red_line: Array, alignment: Array) -> Array:
    """The threat that a bloc poses to a state that has left its red line.

    Source: ours, ODD.md element 7; Walt 1987 (offensive power and intention).
    """
    return coerciveness * (1.0 - strain) * positive(red_line - alignment)


# Security ------------------------------------------------------------------------------------------------------------------


def relative_power(capability: Array, peer_capability: Array) -> Array:
    """The peer's share of the two states' capability.

    Source: Hirshleifer 1989 (ratio form).
    """
    return peer_capability / (capability + peer_capability)


def safety_from_peers(proximity: Array, power: Array, tie: Array) -> Array:
    """The share of safety that hostile neighbours leave a state, as a column.

    Source: Walt 1987 (threat grows with power, nearness and hostility).
    """
    return joint(1.0 - proximity * power * positive(-tie), -1)


def perceive_threat(safety: Array, coercion: Array, external_threat: Array) -> Array:
    """The threat to a state from which each bloc could shelter it: no bloc shelters a state from itself.

    Source: Walt 1987; Sigurdsson & Bailes 2015 (shelter).
    """
    calm = (1.0 - coercion) * (1.0 - external_threat)
    return 1.0 - safety * joint(calm, -1) / calm


def project_force(military: Array, effort: Array, deterrence: Array, coercion: Array, rivalry: Array) -> Array:
    """What a bloc's effort is worth as force in a state, less what its rivals' coercion deters.

    Source: ours, ODD.md element 7.
    """
    return military * effort * positive(1.0 - product(deterrence * coercion, rivalry))


def reach(force: Array, relay: Array, friendship: Array, alignment: Array) -> Array:
    """A bloc's own force in a state and what comes through its friends that the state is aligned with.

    Source: ours, ODD.md element 7 (a channel, not spending).
    """
    return force + relay * product(positive(alignment) * force, friendship)


def weigh_protection(credibility: Array, readiness_bonus: Array, readiness: Array, reach: Array, decisiveness: Array) -> Array:
    """What each bloc brings to the contest for a state's protection.

    Source: Tullock 1980; Hirshleifer 1989 (ratio form); Snyder 1984 (a patron must be believed).
    """
    return (credibility * (1.0 + readiness_bonus * readiness) * reach) ** decisiveness


def contest(weight: Array, outside: Array) -> Array:
    """The share of each contestant, `outside` being the weight of those not listed; 0 where nobody contests.

    Source: Tullock 1980 (ratio form).

    >>> contest(np.array([[3.0, 1.0]]), np.array([[0.0]]))
    array([[0.75, 0.25]])
    """
    return share_of(weight, total(weight, -1) + outside)


def outside_weight(outside: Array, weight_opening: Array) -> Array:
    """The weight of nobody that makes its opening share of the contest `outside`.

    Source: benchmark calibration, as in applied general equilibrium (ODD.md, element 5).
    """
    return outside / (1.0 - outside) * total(weight_opening, -1)


# Economy -------------------------------------------------------------------------------------------------------------------


def weigh_markets(access: Array, effort: Array, effort_opening: Array, economic: Array) -> Array:
    """What each bloc's market weighs for a state: access, times its effort against the opening's.

    Source: Hirschman 1945 (trade as influence).
    """
    xp = namespace(access)
    spent = effort_opening > 0
    return access * xp.where(spent, effort / xp.where(spent, effort_opening, 1.0), 1.0) ** economic


# The move of a state --------------------------------------------------------------------------------------------------------


def value_security(contests: Array, weight: Array, threat_floor: Array, threat: Array, protection: Array) -> Array:
    """What protection is worth to a state, more under threat.

    Source: Morrow 1991 (autonomy and security); Walt 1987.
    """
    return contests * (weight * (threat_floor + (1.0 - threat_floor) * threat) * protection)


def value_markets(contests: Array, security_weight: Array, dependence: Array) -> Array:
    """What a bloc's share of a state's markets is worth to it; `contests` is the weight of the mechanism.

    Source: Hirschman 1945 (trade as influence).
    """
    return contests * (1.0 - security_weight) * dependence


def side_cost(exclusivity: Array, alignment: Array, rivalry: Array) -> Array:
    """The pull away from a bloc of standing with its rivals (negative).

    Source: Cartwright & Harary 1956 (structural balance); Kuik 2021.
    """
    return -exclusivity * product(alignment, rivalry)


def follow_peers(
    peer_influence: Array, tie: Array, scale: Array, peer_alignment: Array, peer_courted: Array, alignment: Array
) -> Array:
    """The pull towards the alignments of friends and away from those of foes.

    `scale` is the sum of the state's absolute opening ties, 1 where it has none.
    Source: Altafini 2013 (signed Laplacian).
    """
    towards = product(tie, peer_courted * peer_alignment)
    return peer_influence * (towards - product(abs(tie), peer_courted) * alignment) / scale


def hold_anchor(stubbornness: Array, anchor: Array, alignment: Array) -> Array:
    """The pull back to a state's standing preference.

    Source: Friedkin & Johnsen 1990.
    """
    return stubbornness * (anchor - alignment)


def hold_legacy(stubbornness: Array, legacy: Array) -> Array:
    """The pull towards where lasting moves have shifted the standing preference.

    Source: ours, ODD.md element 7.
    """
    return stubbornness * legacy


def cost_of_exit(exit_cost: Array, readiness: Array, alignment_opening: Array, legacy: Array, alignment: Array) -> Array:
    """The pull back to a bloc with which a state has built its forces, once it leaves.

    Source: ours, ODD.md element 7.
    """
    return exit_cost * readiness * positive(alignment_opening + legacy - alignment)


def solve_anchor(alignment: Array, stubbornness: Array, side_cost: Array, peer_influence: Array, courted: Array) -> Array:
    """The anchor at which the opening is at rest, given its two other standing pulls; 0 where state and bloc are one actor.

    Source: benchmark calibration, as in applied general equilibrium (ODD.md, element 5).
    """
    xp = namespace(alignment)
    held = xp.where(courted > 0, stubbornness, 1.0)
    return courted * (alignment - (side_cost + peer_influence) / held)


def realign(disposition: Array, speed: Array, pull: Array, dt: float, volatility: Array, noise: Array, impulse: Array) -> Array:
    """The disposition at the end of a period: drift, noise and the impulses of shocks.

    Source: ours, ODD.md element 7 (Euler-Maruyama step of a gradient ascent).
    """
    return disposition + speed * pull * dt + volatility * dt**0.5 * noise + impulse


# Slow stocks ---------------------------------------------------------------------------------------------------------------


def relax(stock: Array, target: Array, rate: Array, dt: float) -> Array:
    """A stock at the end of a period over which its target is constant: exact for any rate and period.

    Source: closed form of the linear differential equation dx/dt = rate (target - x).
    """
    xp = namespace(target)
    return target + (stock - target) * xp.exp(-rate * dt)


def sustainable_credibility(credibility_target: Array, doubt: Array, strain: Array, strain_opening: Array) -> Array:
    """The credibility that a patron of this strain can keep.

    Source: Snyder 1984 (abandonment).
    """
    return credibility_target * (1.0 - doubt * (strain - strain_opening))


def readiness_rate(target: Array, readiness: Array, programme: Array, rate_up: Array, rate_down: Array) -> Array:
    """How fast readiness moves: up by the programme's size, down slowly.

    Source: ours, ODD.md element 7.
    """
    xp = namespace(target)
    return xp.where(target >= readiness, rate_up * xp.where(programme > 0, programme, 1.0), rate_down)


def readiness_target(readiness_opening: Array, programme: Array) -> Array:
    """The readiness that a state is heading for: full while a programme trains it, else that of the opening.

    Source: ours, ODD.md element 7.
    """
    return namespace(programme).where(programme > 0, 1.0, readiness_opening)


def tie_target(tie_opening: Array, trade_makes_peace: Array, traffic_gain: Array) -> Array:
    """The tie that traffic leads to, `traffic_gain` being its rise since the opening.

    Source: ours, ODD.md element 7.
    """
    return tie_opening + trade_makes_peace * traffic_gain


def relation_target(relation_opening: Array, calming: Array, tie_rise: Array) -> Array:
    """The relation of two blocs that rising ties of the region lead to, `tie_rise` being the mean rise of its ties.

    Source: ours, ODD.md element 7.
    """
    return relation_opening + calming * tie_rise


def legacy_target(retention: Array, alignment: Array, alignment_opening: Array) -> Array:
    """The legacy that a lasting move leaves in the end.

    Source: ours, ODD.md element 7.
    """
    return retention * (alignment - alignment_opening)


def strain_from_buffer(unrest: Array, buffer: Array, alignment: Array, alignment_opening: Array) -> Array:
    """The strain at home of a bloc whose buffer states have left it, as a row.

    Source: ours, ODD.md element 7 (the article's North Caucasus).
    """
    lost = total(buffer * positive(alignment_opening - alignment), -2)
    return unrest * share_of(lost, total(buffer, -2))


def mean_rise(tie: Array, tie_opening: Array) -> Array:
    """The mean rise of all ties of the region since the opening, (1, 1).

    Source: ours, ODD.md element 7.
    """
    states = tie.shape[-1]
    pairs = max(states * (states - 1), 1)
    return total(total(tie - tie_opening, -1), -2) / pairs


def join_relations(relation: Array, joined: Array, courted: Array, alignment: Array) -> Array:
    """The relations of blocs, those of a bloc that is also a state being the mean of the alignments that say them.

    Source: ours, ODD.md element 2 (`same_as`).
    """
    xp = namespace(relation)
    said = product(joined, courted * alignment)
    count = product(joined, courted)
    total, number = said + said.swapaxes(-1, -2), count + count.swapaxes(-1, -2)
    return xp.where(number > 0, share_of(total, xp.broadcast_to(number, total.shape)), relation)


# Contributions to a move ---------------------------------------------------------------------------------------------------


def chord(disposition: Array, disposition_next: Array, alignment: Array, alignment_next: Array) -> Array:
    """The factor that turns contributions to the disposition's change into contributions to the alignment's, which then add up.

    Source: ours, ODD.md element 7 (the slope of the chord between both ends of the move).
    """
    xp = namespace(disposition)
    moved = disposition_next - disposition
    small = moved == 0
    return xp.where(small, 1.0 - alignment**2, (alignment_next - alignment) / xp.where(small, 1.0, moved))
