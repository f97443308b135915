"""The loss lies flat, and there is a sign that it will fall: wait.

Seen: the loss falls fast, then stays where it is for thousands of steps. A detector
may lie at a loss of eleven for hours and learn all the same.

Measured: over the last third of the steps done, the loss changed by less than `FLAT`
of itself. Signs of learning meanwhile, any of which is enough: a line through that
third falls by more than three standard errors; the weights go somewhere (the way from
look to look is longer than `STEADY` times that of a random walk whose steps are
remembered for ten, as momentum does); the gradient has grown by `GROWTH`; the rate is
still being warmed up.

Silent: without such a sign, at the end of the training, below `STEPS` steps, and when
less than `LEFT` of the first loss is left: that plateau is the goal.

Fix: nothing to change yet; give it as many epochs again. If it stays: a rate two to
three times higher, or a warmup to it.

Source: the story of such a plateau is common with single-shot detectors.
"""

import itertools

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.watching.trend import slope

FLAT = 0.02
STEADY = 2.0
GROWTH = 1.5
STEPS = 100
LEFT = 0.01


def during(watch):
    """Look for signs of learning while the loss is flat."""
    course = watch.course
    enough = len(watch.step_losses) >= STEPS or len(watch.losses) >= 9
    if watch.finished or not enough or not watch.first or watch.first <= 0:
        return None
    third = watch.curve[0][-7:]
    flat = abs(third[-2:].mean() / third[:2].mean() - 1) < FLAT
    if not flat or watch.last < LEFT * watch.first:
        return None
    signs = _signs(watch, course[-len(course) // 3 :])
    if not signs:
        return None
    return Finding(
        name="plateau",
        severity="note",
        where="loss",
        evidence=f"the loss has stayed near {watch.last:.4g} for a third of the steps, "
        f"but {' and '.join(signs)}",
        why="Flat is not dead: something is still being learnt below the noise.",
        fix="wait: as many epochs again, then a rate two to three times higher",
        confidence=0.5,
        numbers={"loss": watch.last},
    )


def _signs(watch, losses):
    """Return what says that the network is still learning, in words."""
    signs = []
    rise, sigmas = slope(losses)
    if sigmas < -3:
        fall = -rise * len(losses)
        signs.append(f"a line through it falls by {fall:.2g} ({-sigmas:.0f} sigma)")
    looks = watch.snapshots[-max(len(watch.snapshots) // 3, 2) :]
    ways = [
        (b.steadiness, b.step - a.step)
        for a, b in itertools.pairwise(looks)
        if b.steadiness and b.step - a.step > 40
    ]
    if ways:
        ratio = np.median([way / np.sqrt(10 / steps) for way, steps in ways])
        if ratio > STEADY:
            signs.append(f"the weights go {ratio:.1f} times as far as by chance")
    norms = [s.gradient for s in looks if s.gradients]
    if len(norms) > 1 and norms[-1] > GROWTH * norms[0] > 0:
        signs.append(f"the gradient has grown {norms[-1] / norms[0]:.1f} times")
    rates = [rate for rate in watch.rates if rate is not None]
    if len(rates) > 1 and rates[-1] > 1.01 * rates[-2]:
        signs.append("the rate is still being warmed up")
    return signs
