"""No weight changes.

Seen: the loss is the same to its last digit, epoch after epoch.

Measured: the trainable weights at successive looks, bit for bit, while the rate is
above zero; or, where only a history is known, `EPOCHS` epochs whose loss differs by
less than `SAME` of itself, which is the rounding of float32.

Silent: at a loss of zero, which has nothing left to change; at a rate of zero, as in
the first step of a warmup; and while gradients are still being accumulated.

Fix: `layer.trainable = True`, then `compile` again; a loss whose gradient exists (no
`argmax`, `round` or cast to integers); an output that can still change (a softmax over
one unit cannot).

Source: DeepLocalize (Wardat et al., 2021) asks for tensors that stay the same.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding

EPOCHS = 4
SAME = 1e-7
LOOKS = 4


def during(watch):
    """Compare weights from look to look, else losses from epoch to epoch."""
    losses = watch.losses
    moving = [s for s in watch.snapshots[1:] if s.rate is None or s.rate > 0]
    same = len(losses) >= EPOCHS and np.ptp(losses) <= SAME * abs(losses[0])
    still = len(moving) >= LOOKS and not any(s.moved for s in moving)
    if not still and not (same and _same_output(watch)):
        return None
    if (watch.last or 0) == 0:
        return None
    if still:
        evidence = f"no trainable weight has changed in {moving[-1].step} steps"
    else:
        evidence = (
            f"the loss is {losses[-1]:.6g} in {len(losses)} epochs, to all digits"
        )
    return Finding(
        name="nothing-trains",
        severity="error",
        where="all weights" if still else "loss",
        evidence=evidence,
        why="The loss does not depend on the weights, or their gradient is zero.",
        fix="layer.trainable = True before compile; no argmax, round or cast in a loss",
        confidence=0.95,
        numbers={"loss": float(watch.last)},
    )


def _same_output(watch):
    """Whether the loss of the fixed batch is the same at every look."""
    values = [s.loss for s in watch.looked]
    return len(values) < 2 or np.ptp(values) <= SAME * abs(values[0])
