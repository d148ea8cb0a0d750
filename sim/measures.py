"""What we look at: pure functions of recorded arrays, beside the rules. None of them simulates."""

import numpy as np

Array = np.ndarray

STATISTICS = ("mean", "sd", "q05", "q50", "q95")
QUANTILES = (0.05, 0.50, 0.95)


def spread(worlds: Array, axis: int = 1) -> Array:
    """Mean, standard deviation and 5, 50 and 95 % quantiles over worlds, the statistic leading: the spread of runs.

    >>> spread(np.array([[1.0, 2.0, 3.0]]))[:, 0]
    array([2. , 1. , 1.1, 2. , 2.9])
    """
    if worlds.shape[axis] > 1 and worlds.strides[axis] == 0:
        one = np.take(worlds, 0, axis=axis)
        return np.stack([one, np.zeros_like(one), one, one, one])
    ordered = np.sort(np.moveaxis(worlds, axis, -1), axis=-1)
    number = ordered.shape[-1]
    mean = ordered.mean(axis=-1)
    sd = ordered.std(axis=-1, ddof=1) if number > 1 else np.zeros_like(mean)
    return np.stack([mean, sd, *(_quantile(ordered, share) for share in QUANTILES)])


def _quantile(ordered: Array, share: float) -> Array:
    """A quantile of values in rising order along the last axis, between neighbours by a straight line."""
    place = share * (ordered.shape[-1] - 1)
    below = int(place)
    above = min(below + 1, ordered.shape[-1] - 1)
    return ordered[..., below] + (place - below) * (ordered[..., above] - ordered[..., below])


def half_interval(sd: Array, number: int) -> Array:
    """Half the 95 % interval of a mean over independent worlds (Student's t); not a number where there is one world.

    >>> half_interval(np.array([1.0]), 4).round(3)
    array([1.591])
    """
    return _student(number - 1) * sd / np.sqrt(number) if number > 1 else np.full_like(sd, np.nan)


def welch(one: Array, other: Array, axis: int = 1) -> tuple[Array, Array]:
    """The mean difference of two independent samples of worlds, other less one, and half its 95 % interval.

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
