"""Measures and statistics: pure functions of recorded arrays. None of them simulates.

The measures of a region take arrays whose last axes are actors, (..., state, bloc), (..., state, peer) or (..., bloc, rival), and
leave the leading ones (replicates, instants) as they are. Rivalry is fixed over a run (at the opening, unless the region file gives
other relations), so that a measure changes with the states' choices alone.
"""

import numpy as np

Array = np.ndarray

HOLD_YEARS = 1.0
"""How long a state must stay closest to another bloc to count as realigned."""

STATISTICS = ("mean", "sd", "q05", "q50", "q95")
QUANTILES = (0.05, 0.50, 0.95)
ENDS, FEW = 13, 20
"""Up to 13 replicates the 5 and 95 % quantiles are the minimum and maximum; below 20 they lie next to these."""


def spread(replicates: Array, axis: int = 1) -> Array:
    """Mean, standard deviation and 5, 50 and 95 % quantiles over replicates, with the statistic as the first axis.

    Quantiles are median-unbiased (type 8 of Hyndman & Fan 1996): of n replicates in ascending order the 5 % quantile is at position
    0.05 (n + 1/3) + 1/3, counted from 1. Up to 13 replicates that is before the first, so q05 is the minimum and q95 the maximum;
    with 20 replicates it is a third of the way from the first to the second.

    >>> spread(np.array([[1.0, 2.0, 3.0]]))[:, 0]
    array([2., 1., 1., 2., 3.])
    >>> spread(np.arange(13.0)[None])[2:, 0].round(2)
    array([ 0.,  6., 12.])
    >>> spread(np.arange(14.0)[None])[2:, 0].round(2)
    array([ 0.05,  6.5 , 12.95])
    >>> spread(np.full((1, 10), 0.36))[:2, 0]
    array([0.36, 0.  ])
    """
    if replicates.shape[axis] > 1 and replicates.strides[axis] == 0:
        one = np.take(replicates, 0, axis=axis)
        return np.stack([one, one - one, one, one, one])
    return spread_in_place(np.array(np.moveaxis(replicates, axis, -1), order="C"))


def spread_in_place(ordered: Array) -> Array:
    """`spread` over replicates along the last axis of an array in C order, which is sorted in place."""
    ordered.sort(axis=-1)
    number = ordered.shape[-1]
    certain = ordered[..., 0] == ordered[..., -1]  # all replicates equal: the value itself, without rounding errors of a sum
    mean = np.where(certain, ordered[..., 0], ordered.mean(axis=-1))
    sd = np.where(certain, 0.0, ordered.std(axis=-1, ddof=1)) if number > 1 else mean - mean
    return np.stack([mean, sd, *(_quantile(ordered, share) for share in QUANTILES)])


def _quantile(ordered: Array, share: float) -> Array:
    """A quantile of values in ascending order along the last axis, with linear interpolation between neighbours.

    Median-unbiased (type 8), so that quantiles of parts of a sample average to about those of the full sample.
    Source: Hyndman & Fan 1996, definition 8.
    """
    number = ordered.shape[-1]
    place = min(max(share * (number + 1 / 3) - 2 / 3, 0.0), number - 1.0)
    below = int(place)
    above = min(below + 1, number - 1)
    return ordered[..., below] + (place - below) * (ordered[..., above] - ordered[..., below])


def half_interval(sd: Array, number: int) -> Array:
    """Half the width of the 95 % confidence interval of a mean over independent replicates (Student's t); NaN for one replicate.

    >>> half_interval(np.array([1.0]), 4).round(3)
    array([1.591])
    """
    return _student(number - 1) * sd / np.sqrt(number) if number > 1 else np.full_like(sd, np.nan)


def welch(one: Array, other: Array, axis: int = 1) -> tuple[Array, Array]:
    """The mean difference of two independent samples of replicates, other less one, and half the width of its 95 % interval.

    Source: Welch 1947, with Satterthwaite's degrees of freedom.
    """
    mean = other.mean(axis=axis) - one.mean(axis=axis)
    sizes = one.shape[axis], other.shape[axis]
    if min(sizes) < 2:
        return mean, np.full_like(mean, np.nan)
    parts = [sample.var(axis=axis, ddof=1) / size for sample, size in zip((one, other), sizes, strict=True)]
    total, below = parts[0] + parts[1], sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    freedom = np.divide(total**2, below, out=np.ones_like(total), where=below > 0)
    return mean, _student(freedom) * np.sqrt(total)


def _student(freedom: Array | int) -> Array:
    """The 97.5 % point of Student's t."""
    from scipy.special import stdtrit

    return stdtrit(freedom, 0.975)


# Measures of a region at an instant -----------------------------------------------------------------------------------------


def standing(alignment: Array) -> Array:
    """The positive part of an alignment, in [0, 1): 0 where the state is neutral to the bloc or against it."""
    return np.maximum(0.0, alignment)


def of_instant(
    alignment: Array, tie: Array, relation: Array, opening: Array, rivalry: Array, courted: Array, buffer: Array
) -> dict[str, Array]:
    """All measures of one instant, by name; `opening` is the alignment at the opening, `rivalry` is fixed over the run."""
    return {
        "influence": influence(alignment),
        "sphere": sphere(alignment, rivalry, buffer),
        "hedging": hedging(alignment, rivalry),
        "realigned": realigned(alignment, opening, rivalry, courted),
        "similarity": similarity(alignment, courted),
        "polarisation": polarisation(alignment, rivalry, courted),
        "balance": balance(tie, alignment, relation),
    }


def influence(alignment: Array) -> Array:
    """Each bloc's share of all positive alignment in the region, (..., bloc) in [0, 1]; 0 where no alignment is positive.

    Source: ours; influence is what is achieved, not what is spent.

    >>> influence(np.array([[0.6, 0.2], [0.0, -0.5]]))
    array([0.75, 0.25])
    """
    held = standing(alignment).sum(axis=-2)
    total = held.sum(axis=-1, keepdims=True)
    return np.divide(held, total, out=np.zeros_like(held), where=total > 0)


def hedging(alignment: Array, rivalry: Array) -> Array:
    """How far each state is aligned with rivals at once, (..., state) in [0, 1]; 0 for one aligned with one side only.

    The mean over pairs of rivals, weighted by the fixed rivalry, of the geometric mean of the positive alignments with both.
    Source: ours, after the first element of Kuik 2021, not taking sides; counter-measures and fall-back are not measured.

    >>> hedging(np.array([[0.5, 0.5], [0.9, -0.9]]), np.array([[0.0, 0.4], [0.4, 0.0]]))
    array([0.5, 0. ])
    """
    root = np.sqrt(standing(alignment))
    total = rivalry.sum(axis=(-2, -1))[..., None]
    both = (np.matmul(root, rivalry) * root).sum(axis=-1)
    return np.divide(both, total, out=np.zeros_like(both), where=total > 0)


def polarisation(alignment: Array, rivalry: Array, courted: Array) -> Array:
    """How far rivals divide the region, (...) in [0, 1]: 0 where all states are aligned alike, 1 where two halves are opposed.

    A state's side between two rivals is half the difference of its alignments with them. The mean distance of sides over pairs of
    states, as a share of the greatest possible, is averaged over pairs of rivals, weighted by the fixed rivalry; a state that is
    one of the two is left out. Source: ours, after the alienation of Esteban & Ray 1994, identification left out.

    >>> float(polarisation(np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]]), np.ones((2, 2))))
    1.0
    """
    total, weights = np.zeros(alignment.shape[:-2]), np.zeros(alignment.shape[:-2])
    for one, other in zip(*np.triu_indices(alignment.shape[-1], 1), strict=True):
        weight = rivalry[..., one, other]
        members = np.flatnonzero(courted[:, one] * courted[:, other])
        if len(members) < 2 or not np.any(weight):
            continue
        side = np.sort((alignment[..., members, one] - alignment[..., members, other]) / 2.0, axis=-1)
        rank = 2.0 * np.arange(len(members)) - len(members) + 1.0
        most = 2.0 * (len(members) // 2) * (len(members) - len(members) // 2)
        total, weights = total + weight * (side @ rank) / most, weights + weight
    return np.divide(total, weights, out=np.zeros_like(total), where=weights > 0)


def sphere(alignment: Array, rivalry: Array, buffer: Array) -> Array:
    """The strength of each bloc's sphere of influence over its buffer states, (..., bloc) in [0, 1]; NaN without a buffer.

    The mean over those states of the positive alignment with the bloc times 1 less the largest positive alignment with a rival,
    weighted by rivalry. Source: ours; a sphere is predominance and the exclusion of others (after Keal 1983).

    >>> sphere(np.array([[0.8, 0.5]]), np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0, 0.0]]))
    array([0.4, nan])
    """
    stands = standing(alignment)
    denied = 1.0 - np.stack([(stands * rivalry[..., None, bloc, :]).max(axis=-1) for bloc in range(alignment.shape[-1])], axis=-1)
    count = buffer.sum(axis=-2)
    held = (buffer * stands * denied).sum(axis=-2)
    return np.divide(held, count, out=np.full(held.shape, np.nan), where=np.broadcast_to(count > 0, held.shape))


def similarity(alignment: Array, courted: Array) -> Array:
    """Similarity of two states' alignments, (..., state, peer) in [-1, 1]; 1 where they are equal for every bloc that courts both.

    S with equal weights over blocs and the absolute distance. Source: Signorino & Ritter 1999.

    >>> similarity(np.array([[1.0, -1.0], [0.0, -1.0]]), np.ones((2, 2)))
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    states = alignment.shape[-2]
    found = np.ones((*alignment.shape[:-1], states))
    for one, other in zip(*np.triu_indices(states, 1), strict=True):
        both = courted[one] * courted[other]
        apart = (both * np.abs(alignment[..., one, :] - alignment[..., other, :])).sum(axis=-1)
        found[..., one, other] = found[..., other, one] = 1.0 - apart / max(both.sum(), 1.0)
    return found


def balance(tie: Array, alignment: Array, relation: Array) -> Array:
    """Structural balance of the region, (...) in [-1, 1]: the signed weight of all triads of actors over their absolute weight.

    Triads connect states by ties, states and blocs by alignments, blocs by relations; 1 is balance in the sense of Heider 1946
    (friends of friends are friends), -1 the opposite, 0 where there is no triad. The share of frustrated weight is
    (1 - balance) / 2. Source: Cartwright & Harary 1956, in the weighted form tr(M^3) / tr(|M|^3); that regions tend to balance is
    not claimed (Doreian & Mrvar 2015).

    >>> float(balance(np.array([[0.0, -1.0], [-1.0, 0.0]]), np.array([[1.0], [-1.0]]), np.zeros((1, 1))))
    1.0
    """
    tie, relation = (symmetric * (1.0 - np.eye(symmetric.shape[-1])) for symmetric in (_both_ways(tie), _both_ways(relation)))
    lead = np.broadcast_shapes(*(array.shape[:-2] for array in (tie, alignment, relation)))
    states, blocs = alignment.shape[-2:]
    graph = np.zeros((*lead, states + blocs, states + blocs))
    graph[..., :states, :states], graph[..., states:, states:] = tie, relation
    graph[..., :states, states:], graph[..., states:, :states] = alignment, alignment.swapaxes(-1, -2)
    signed, weight = (((matrix @ matrix) * matrix).sum(axis=(-2, -1)) for matrix in (graph, np.abs(graph)))
    return np.divide(signed, weight, out=np.zeros_like(signed), where=weight > 0)


def _both_ways(directed: Array) -> Array:
    return (directed + directed.swapaxes(-1, -2)) / 2.0


def bridge(tie: Array, traffic: Array, hedging: Array, polarisation: Array) -> Array:
    """The bridge index, (...), from chessboard (-1) to bridge (1): what connects the region less how far rivals divide it.

    The mean of three shares (friendly ties (1 + s) / 2 and traffic over pairs of states, hedging over states) less polarisation.
    Source: ours, after the article's metaphor.

    >>> float(bridge(np.ones((2, 2)), np.ones((2, 2)), np.ones(2), np.array(0.0)))
    1.0
    """
    pairs = np.triu_indices(tie.shape[-1], 1)
    friendly, flowing = ((1.0 + _both_ways(tie)) / 2.0)[..., *pairs], traffic[..., *pairs]
    joined = [values.sum(axis=-1) / max(values.shape[-1], 1) for values in (friendly, flowing, hedging)]
    return sum(joined[1:], joined[0]) / 3.0 - polarisation


def realigned(alignment: Array, opening: Array, rivalry: Array, courted: Array) -> Array:
    """1 where the bloc with which a state is most aligned is a rival of the one at the opening, else 0, (..., state).

    Source: ours; a move from a bloc to its friend (from the EU to NATO) is not a realignment.

    >>> realigned(np.array([[0.4, 0.5]]), np.array([[0.6, 0.1]]), np.array([[0.0, 0.2], [0.2, 0.0]]), np.ones((1, 2)))
    array([1.])
    """
    closest, before = (np.where(courted > 0, array, -np.inf).argmax(axis=-1) for array in (alignment, opening))
    hostile = np.eye(alignment.shape[-1])[before] @ rivalry
    shape = np.broadcast_shapes(closest.shape, hostile.shape[:-1])
    closest, hostile = np.broadcast_to(closest, shape), np.broadcast_to(hostile, (*shape, hostile.shape[-1]))
    return (np.take_along_axis(hostile, closest[..., None], axis=-1)[..., 0] > 0).astype(float)


def realignment(realigned: Array, hold: int) -> Array:
    """The first instant from which a state stays realigned (see `realigned`) for `hold` periods more, or -1 where there is none.

    Parameters
    ----------
    realigned : array
        0 or 1, (..., time, state).
    hold : int
        Further periods that it must last; an instant with fewer periods left before the end does not count.

    Returns
    -------
    array
        Index of the instant, (..., state).

    >>> realignment(np.array([0, 1, 0, 1, 1, 1.0])[:, None], hold=2)
    array([3])
    """
    instants = realigned.shape[-2]
    if instants <= hold:
        return np.full((*realigned.shape[:-2], realigned.shape[-1]), -1)
    summed = np.concatenate([np.zeros_like(realigned[..., :1, :]), realigned.cumsum(axis=-2)], axis=-2)
    stays = summed[..., hold + 1 :, :] - summed[..., : instants - hold, :] > hold + 0.5
    return np.where(stays.any(axis=-2), stays.argmax(axis=-2), -1)
