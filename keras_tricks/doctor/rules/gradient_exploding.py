"""The gradient has grown beyond measure.

Seen: spikes of the loss, then nan.

Measured: the norm of the whole gradient on the fixed batch: `GROWTH` times the median
of the looks before, with a loss above the first; or not finite.

Silent: with fewer than `LOOKS` looks; while the loss falls, since gradients that start
near zero may grow much.

Fix: `clipnorm=1.0` in the optimizer, a lower rate; in recurrent networks fewer steps or
an LSTM.

Source: the factor is that of the survey of rules in TheDeepChecker (Braiek and Khomh,
2022), which takes 1e6 as the bound of the mean.
"""

import math

import numpy as np

from keras_tricks.doctor.finding import Finding

NEEDS_BATCH = True
SYMPTOM = True
GROWTH = 1e3
LOOKS = 4


def during(watch):
    """Compare the last gradient with those before."""
    norms = [s.gradient for s in watch.looked]
    if len(norms) < LOOKS or not all(map(math.isfinite, norms[:-1])):
        return None
    usual, last = float(np.median(norms[:-1])), watch.looked[-1]
    worse = last.train_loss > watch.looked[0].train_loss
    if math.isfinite(norms[-1]) and not (norms[-1] > GROWTH * usual and worse):
        return None
    if not math.isfinite(norms[-1]) and watch.origin is not None:
        return None
    name = max(last.gradients, key=lambda path: np.nan_to_num(last.gradients[path]))
    return Finding(
        name="gradient-exploding",
        severity="error" if worse else "warning",
        where=name,
        evidence=f"the gradient's norm is {norms[-1]:.2g} after {usual:.2g}; the loss "
        f"{last.train_loss:.4g} after {watch.looked[0].train_loss:.4g}",
        why="One such step undoes all that was learnt.",
        fix=f"clipnorm={max(usual, 1e-3):.1g} in the optimizer",
        confidence=0.7,
        numbers={"norm": norms[-1], "usual": usual},
    )
