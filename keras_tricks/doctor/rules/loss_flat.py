"""The loss has no gradient.

Seen: the loss is the same to its last digit, epoch after epoch.

Measured: the gradient of the loss with respect to the output, for a loss of the user's
own: zero everywhere, or not a number.

Silent: on the losses of Keras, which have one, and on a loss that is 0 already.

Fix: a loss without `argmax`, `round`, comparisons or casts to integers on the way.

Source: steps have slope 0; a derivative like that of a square root at 0 is infinite.
"""

import math

from keras_tricks.doctor.finding import Finding


def before(evidence):
    """Look at the slope of the loss at the first outputs."""
    losses = [loss for loss in evidence.losses if loss is not None]
    if not any(loss.kind == "custom" for loss in losses):
        return None
    start = evidence.start
    slopes = start.output_gradients
    if not slopes or not math.isfinite(start.loss) or start.loss == 0:
        return None
    flat = all(slope == 0 for slope in slopes)
    if not flat and all(map(math.isfinite, slopes)):
        return None
    found = "0" if flat else "not a number"
    return Finding(
        name="loss-flat",
        severity="error",
        where="loss " + ", ".join(loss.name for loss in losses),
        evidence=f"the loss is {start.loss:.4g}; its gradient on the output is {found}",
        why="Without a slope no weight knows which way to go.",
        fix="no argmax, round, comparison or integer cast of y_pred in the loss",
        confidence=0.95,
    )
