"""Short trainings at a few rates: dearer than a sweep, and closer to the truth."""

import math

import numpy as np

WARMUP = 0.1
PATIENCE = 2  # one rise may be noise


def score(train, batches, rate, steps):
    """Return the loss at the end of a short training with warmup and cosine.

    The mean of the last fifth, where the rate is low: what a high rate only shakes up
    is settled by then. Infinite if the training does not get there.
    """
    progress = np.arange(1, steps + 1) / steps
    cosine = np.cos(np.pi / 2 * np.maximum(progress - WARMUP, 0) / (1 - WARMUP)) ** 2
    losses = train(batches, rate * np.minimum(progress / WARMUP, cosine))
    if len(losses) < steps:
        return math.inf
    return float(np.mean(losses[-math.ceil(steps / 5) :]))


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
