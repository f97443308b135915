"""Short trainings at a few rates: dearer than a sweep, and closer to the truth."""

import math

import numpy as np

WARMUP = 0.1
TRAININGS = 2  # one says more about its own batches than about the rate
PATIENCE = 2  # one rise may be noise


def score(train, batches, rate, steps):
    """Return the loss at the end of a short training with warmup and cosine.

    The mean of the last fifth, where the rate is low: what a high rate only shakes up
    is settled by then. The mean of two trainings, one on the batches after those of
    the other. Infinite if one does not get there.
    """
    progress = np.arange(1, steps + 1) / steps
    cosine = np.cos(np.pi / 2 * np.maximum(progress - WARMUP, 0) / (1 - WARMUP)) ** 2
    rates = rate * np.minimum(progress / WARMUP, cosine)
    ends = []
    for _ in range(TRAININGS):
        losses = train(batches, rates)
        if len(losses) < steps:
            return math.inf
        ends.append(np.mean(losses[-math.ceil(steps / 5) :]))
    return float(np.mean(ends))


def descend(score_of, guess, start, end):
    """Go from a rate by factors of 2, up and down, until the score rises twice.

    Returns:
        `{rate: score}` of all rates tried.
    """
    scores = {0: score_of(guess)}
    best = 0
    for direction in (1, -1):
        power, rises = best + direction, 0
        while rises < PATIENCE and start <= guess * 2.0**power <= end:
            if power not in scores:
                scores[power] = score_of(guess * 2.0**power)
            # Alike, as two infinite ones, means lower.
            if (scores[power], power) < (scores[best], best):
                best, rises = power, 0
            else:
                rises += 1
            power += direction
    return {guess * 2.0**power: scores[power] for power in sorted(scores)}


def vertex(scores):
    """Return the rate at the vertex of the parabola through the best and its two sides.

    On the logarithmic axis, where the rates are evenly spaced; the best itself, if one
    side was not tried or is infinite.
    """
    rates, values = list(scores), list(scores.values())
    best = int(np.argmin(values))
    sides = values[max(best - 1, 0) : best + 2]
    if len(sides) < 3 or not all(map(math.isfinite, sides)):
        return rates[best]
    left, middle, right = sides
    curvature = left - 2 * middle + right
    offset = (left - right) / (2 * curvature) if curvature > 0 else 0.0
    return rates[best] * 2.0**offset
