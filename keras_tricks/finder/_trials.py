"""Short trainings at a few rates: dearer than a sweep, and closer to the truth."""

import math

import numpy as np

WARMUP = 0.1
TRAININGS = 3  # one says more about its own batches than about the rate
PATIENCE = 2  # one rise may be noise
REACH = 3


def score(train, batches, rate, steps):
    """Return the loss at the end of a short training with warmup and cosine.

    The mean of the last fifth, where the rate is low: what a high rate only shakes up
    is settled by then. The mean of three trainings, each on the batches after those of
    the one before. Infinite if one does not get there.
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
    """Return the rate at the vertex of a parabola, on the logarithmic axis.

    It is laid through the scores near the lowest: at most half as much again, and three
    factors of 2 away. If these are less than three, through the lowest and its sides.
    """
    rates, values = list(scores), np.array(list(scores.values()))
    best = int(np.argmin(values))
    powers = np.arange(len(values)) - best
    is_low = values <= values[best] + abs(values[best]) / 2
    chosen = is_low & (abs(powers) <= REACH)
    if chosen.sum() < 3:
        chosen = np.isfinite(values) & (abs(powers) <= 1)
    if chosen.sum() < 3:
        return rates[best]
    curvature, slope, _ = np.polyfit(powers[chosen], values[chosen], 2)
    if curvature <= 0:
        return rates[best]
    return rates[best] * 2.0 ** float(np.clip(-slope / (2 * curvature), -1, 1))
