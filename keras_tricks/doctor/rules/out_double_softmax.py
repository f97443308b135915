"""Probabilities are squashed twice.

Seen: the loss falls slowly and stops well above 0; predictions stay timid.

Measured: two softmaxes (or sigmoid and softmax) after the last weights, or a softmax or
sigmoid under a loss with `from_logits=True`, which applies it again.

Silent: on `log_softmax`, whose softmax is the same again, and on logits.

Fix: leave one of them out, as `Dense(classes)` with `from_logits=True`.

Source: with C classes a second softmax cannot give the right one more than
e / (e + C - 1), so the loss stays above log(1 + (C - 1) / e). TensorFlow finds the
logits below a softmax with `from_logits=True` and warns; JAX and PyTorch do not.
"""

import math

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.heads import heads_of

SQUASHING = ("softmax", "sigmoid")


def before(evidence):
    """Count what squashes the scores on the way into the loss."""
    for head, _task in heads_of(evidence):
        chain = [name for name in head.activation if name in SQUASHING]
        inside = head.loss is not None and head.loss.from_logits
        if inside:
            chain.append(f"{head.loss.name}(from_logits=True)")
        if len(chain) < 2 or head.activation[-1:] not in (["softmax"], ["sigmoid"]):
            continue
        floor = math.log(1 + (head.units - 1) / math.e)
        softmaxes = chain.count("softmax") + (inside and "categorical" in chain[-1]) > 1
        limit = f"; its loss cannot fall below {floor:.2f}" if softmaxes else ""
        return Finding(
            name="out-double-softmax",
            severity="error" if evidence.sick else "warning",
            where=head.name,
            evidence=" then ".join(chain) + limit,
            why="What comes in lies between 0 and 1, so no class can get far ahead.",
            fix="from_logits=False" if inside else f"one {chain[-1]} only",
            confidence=0.85,
            numbers={"floor": floor} if softmaxes else {},
        )
    return None
