"""A softmax over a single unit: the output is 1 whatever the input.

Seen: accuracy is the share of one class from the first epoch on; all predictions are 1;
the loss is constant, or falls to 0 on TensorFlow, which computes it from the logits.

Measured: the number of values that share each softmax of the head, along its axis.

Silent: never, such a head is always wrong.

Fix: `Dense(1, activation="sigmoid")` with `binary_crossentropy`, or one unit per class.

Source: `exp(z) / exp(z)` is 1. Stack Overflow has the question many times over.
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.heads import heads_of


def before(evidence):
    """Look for a softmax that one value has for itself."""
    for head, task in heads_of(evidence):
        if 1 not in head.softmax_sizes:
            continue
        unit = 'Dense(1, activation="sigmoid")'
        values = task.kind == "regression"
        return Finding(
            name="out-softmax-1unit",
            severity="error",
            where=head.name,
            evidence=f"softmax over 1 unit, output shape {head.shape}",
            why="A softmax divides by the sum of its units: of one, it makes 1 always.",
            fix="Dense(1)" if values else f"{unit} with loss='binary_crossentropy'",
            confidence=1.0,
        )
    return None
