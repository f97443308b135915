"""Arithmetic of noisy series."""

import numpy as np


def blocks(values, count=20):
    """Cut a series into at most `count` even blocks.

    Returns:
        `(means, errors)`: the mean of each block and the standard error of that mean.
        Blocks of fewer than 4 values share one error, from the second differences of
        the series: a trend does not count as noise there.
    """
    values = np.asarray(values, "float64")
    parts = np.array_split(values, min(count, len(values)))
    means = np.array([part.mean() for part in parts])
    if len(values) < 4 * count:
        size = len(values) / max(len(parts), 1)
        return means, np.full(len(parts), noise(values) / np.sqrt(max(size, 1)))
    errors = np.array([part.std(ddof=1) / np.sqrt(len(part)) for part in parts])
    return means, errors


def noise(values):
    """Estimate the standard deviation around a smooth course."""
    values = np.asarray(values, "float64")
    if len(values) < 3:
        return 0.0
    # A straight line has none; the variance of a - 2b + c is six times that of each.
    bends = values[:-2] - 2 * values[1:-1] + values[2:]
    return float(np.sqrt((bends**2).mean() / 6))


def slope(values):
    """Fit a line; return its fall or rise per item and how sure that is, in sigmas."""
    values = np.asarray(values, "float64")
    if len(values) < 4:
        return 0.0, 0.0
    x = np.arange(len(values)) - (len(values) - 1) / 2
    rise = float((x * values).sum() / (x * x).sum())
    rest = values - values.mean() - rise * x
    error = np.sqrt((rest**2).sum() / (len(values) - 2) / (x * x).sum())
    if error == 0:
        return rise, 0.0 if rise == 0 else np.sign(rise) * np.inf
    return rise, float(rise / error)


def smooth(values):
    """Replace each value by the median of it and its neighbours."""
    values = np.asarray(values, "float64")
    if len(values) < 3:
        return values
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)


def finite_head(values):
    """Return a series up to its first value that is not finite."""
    values = np.asarray(values, "float64")
    bad = np.flatnonzero(~np.isfinite(values))
    return values[: bad[0]] if len(bad) else values
