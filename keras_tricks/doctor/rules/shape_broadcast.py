"""The loss compares an output with a target of another size, by broadcasting.

Seen: the network predicts the mean; several outputs that say the same; a sequence where
one value is wanted.

Measured: the number of output values of a row against that of its target, for losses
that compare values one by one.

Silent: on class ids, on losses of the user's own, and where shapes only differ by axes
of size 1, which Keras takes care of.

Fix: `Dense(columns of y)`; `return_sequences=False` or `Flatten()` before the head.

Source: NumPy's rules let (batch, 1) meet (batch, k): each pair is compared.
"""

import math

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.heads import heads_of


def before(evidence):
    """Compare sizes of outputs and targets."""
    for index, (head, task) in enumerate(heads_of(evidence)):
        loss = head.loss
        if loss is None or loss.kind == "custom" or "sparse" in loss.name:
            continue
        if task.form == "ids" and task.kind == "multiclass":
            continue
        output, target = head.shape, task.target.shape
        if None in output[1:]:
            output = evidence.start.output[index].shape
        sizes = math.prod(output[1:]), math.prod(target[1:])
        if sizes[0] == sizes[1] or not _broadcasts(output[1:], target[1:]):
            continue
        # A cross-entropy of Keras refuses to broadcast: `fit` ends with an error.
        smaller = sizes[0] < sizes[1] or loss.is_crossentropy
        return Finding(
            name="shape-broadcast",
            severity="error" if smaller or evidence.sick else "warning",
            where=head.name,
            evidence=f"output {(None, *output[1:])}, target {(None, *target[1:])}",
            why="Every value is compared with several: the best output is their mean."
            if smaller
            else "Several outputs are taught the same value.",
            fix=f"Dense({target[-1] if len(target) > 1 else 1}) with output shape "
            f"{(None, *target[1:])}",
            confidence=0.9,
        )
    return None


def _broadcasts(output, target):
    output, target = list(output), list(target)
    for short, long in ((output, target), (target, output)):
        while len(short) < len(long):
            if long[-1] == 1:
                long.pop()
            else:
                short.append(1)
    return all(1 in (a, b) or a == b for a, b in zip(output, target, strict=True))
