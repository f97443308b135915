"""Independent sigmoids where classes exclude each other.

Seen: a high `binary_accuracy` and a poor choice of class; outputs that do not sum to 1.

Measured: a sigmoid on more than one unit, and targets of which each row has one class,
or sums to one.

Silent: on several labels per row, on linear heads whose loss applies the sigmoid, and,
where the network learns, on `binary_crossentropy`, which trains good classifiers too
(Wightman et al., 2021).

Fix: `Dense(classes, activation="softmax")` with `categorical_crossentropy`.

Source: with a categorical cross-entropy, TensorFlow takes the logits below the sigmoid
and so a softmax; JAX and PyTorch take the sigmoids, divided by their sum.
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.heads import heads_of


def before(evidence):
    """Compare the last activation with what the targets' rows sum to."""
    for head, task in heads_of(evidence):
        exclusive = task.kind in ("multiclass", "distribution")
        if head.last != "sigmoid" or head.units < 2 or not exclusive:
            continue
        if head.loss is None or head.loss.kind == "custom":
            continue
        categorical = "categorical" in head.loss.name
        gentle = "warning" if categorical else "note"
        return Finding(
            name="out-sigmoid-multiclass",
            severity="error" if evidence.sick else gentle,
            where=head.name,
            evidence=f"{head.units} sigmoids, loss {head.loss.name}, and targets whose "
            "rows sum to 1",
            why="Each sigmoid answers for itself: nothing makes one class win.",
            fix=f"activation='softmax' with loss='{_loss(task)}'",
            confidence=0.8 if categorical else 0.6,
        )
    return None


def _loss(task):
    sparse = "sparse_" if task.form == "ids" else ""
    return f"{sparse}categorical_crossentropy"
