"""What we look at: pure functions of recorded arrays, beside the rules. None of them simulates."""

import numpy as np

Array = np.ndarray

STATISTICS = ("mean", "sd", "q05", "q50", "q95")
QUANTILES = (0.05, 0.50, 0.95)
Z_95 = 1.959963984540054
"""The 97.5 % point of the standard normal."""


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


def student_t(freedom: int) -> float:
    """The 97.5 % point of Student's t: a Cornish-Fisher series, right to 0.1 % from 4 degrees of freedom on.

    Source: Abramowitz & Stegun 1964, 26.7.5.

    >>> round(student_t(10), 2)
    2.23
    """
    z, n = Z_95, float(freedom)
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4)
    )
