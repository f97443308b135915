"""Learning rates read off the curve of a sweep.

The four suggestions are those of fastai 2.8 (`fastai/callback/schedule.py`). There, as
here, they get the *smoothed* losses, without the first tenth and the last five points.
"""

import numpy as np

BETA = 0.98
SLIDE_WIDTH = 15
SLIDE_THRESHOLD = 0.005
# Of curves of pure noise at most 2.1 % pass with 20 to 30 points, 0.9 % with 60 to 300
# (normal, Student t3, log-normal, exponential, uniform; 1500 curves of each and more).
ERRORS = 6
FEWEST = 15
WIDTH = 0.02  # of the points, to each side


def smooth(losses, beta=BETA):
    """Return the exponential average so far, free of its bias towards 0."""
    average, averages = 0.0, []
    for count, loss in enumerate(losses, 1):
        average = beta * average + (1 - beta) * loss
        averages.append(average / (1 - beta**count))
    return np.array(averages)


def has_diverged(losses):
    """Whether the smoothed loss is above four times its lowest.

    Written as a distance, since a loss may be negative.
    """
    smoothed = smooth(losses)
    lowest = smoothed.min()
    return bool(smoothed[-1] - lowest > 3 * abs(lowest))


def valley(rates, losses):
    """Return the rate halfway down the longest valley.

    A valley is a longest falling subsequence, and the point the middle of its second
    third.
    """
    lengths = []
    for index, loss in enumerate(losses):
        before = [lengths[i] for i in range(index) if losses[i] > loss]
        lengths.append(1 + max(before, default=0))
    end = int(np.argmax(lengths))
    length = lengths[end]
    # fastai takes the length as if all of its points were neighbours.
    return float(rates[max(end - length + length // 3 + length // 6, 0)])


def slide(rates, losses):
    """Return the rate left of which the slope hardly changes over 15 points."""
    if len(losses) <= SLIDE_WIDTH:
        return None
    slopes = np.gradient(losses)
    left = len(losses) - 1 - SLIDE_WIDTH
    answer = rates[left]
    while (
        left >= 0 and abs(slopes[left + SLIDE_WIDTH] - slopes[left]) > SLIDE_THRESHOLD
    ):
        answer = rates[left]
        left -= 1
    return float(answer)


def minimum(rates, losses):
    """Return a tenth of the rate at the lowest loss."""
    return float(rates[np.argmin(losses)]) / 10


def steep(rates, losses):
    """Return the rate where the loss falls fastest, over the logarithm of the rate."""
    return float(rates[np.argmin(np.diff(losses) / np.diff(np.log(rates)))])


def falls(losses):
    """Whether the loss falls below its beginning by more than its noise.

    The lowest mean over a tenth of the points counts.
    """
    return len(losses) >= FEWEST and bool(_means(losses).min() < fallen(losses))


def fallen(losses):
    """Return what is below the beginning of a curve by more than its noise.

    The beginning is the mean over the first tenth of the points, and the distance so
    many standard errors of such a mean.
    """
    means = _means(losses)
    width = len(losses) + 1 - len(means)
    # Noise before the loss diverges; second differences are blind to a slope.
    fall = losses[: means.argmin() + width]
    noise = np.sqrt(np.mean(np.diff(fall, 2) ** 2) / 6)
    return means[0] - ERRORS * noise / np.sqrt(width)


def _means(losses):
    width = max(len(losses) // 10, 3)
    return np.convolve(losses, np.ones(width) / width, "valid")


def suggestion(rates, losses):
    """Return the rate halfway between where the loss has fallen by half and its lowest.

    Halfway on the logarithmic axis, and on losses averaged to both sides, which do not
    lag. The first of the two is too low to train with, the second too high.
    """
    averages = smooth_to_both_sides(losses)
    lowest = int(np.argmin(averages))
    first = averages[: max(len(averages) // 10, 1)].mean()
    half = int(np.argmax(averages <= (first + averages[lowest]) / 2))
    return float(np.sqrt(rates[half] * rates[lowest]))


def smooth_to_both_sides(losses):
    """Return averages under a bell curve whose width is 2 % of the points."""
    points = np.arange(len(losses))
    distances = (points[:, None] - points) / (WIDTH * len(losses))
    weights = np.exp(-(distances**2) / 2)
    return weights @ losses / weights.sum(axis=1)
