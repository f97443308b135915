"""A loss that expects probabilities gets raw scores.

Seen: a loss that is huge, nan or constant; accuracy at chance.

Measured: a cross-entropy (or another loss of probabilities) with `from_logits=False`
over a head whose last activation can leave [0, 1]: none, relu, tanh and the like.
Where classes are learnt by a loss of values over raw scores and the network is shown
not to learn, this is said too, as a warning.

Silent: with `from_logits=True`; on activations that cannot be told, unless the outputs
themselves leave [0, 1]; on losses of the user's own.

Fix: `Dense(classes, activation="softmax")`, or `from_logits=True` in the loss.

Source: Keras clips outputs to [1e-7, 1 - 1e-7]: beyond it there is no gradient. The
categorical losses divide by the sum of the row first, which may be negative.
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.heads import heads_of

BOUNDED = {"sigmoid", "softmax", "hard_sigmoid", "sparsemax", "sparse_sigmoid"}
RAW = {"linear", "relu", "relu6", "leaky_relu", "elu"}


def before(evidence):
    """Compare the range of the head with what its loss takes."""
    for head, task in heads_of(evidence):
        loss = head.loss
        if loss is None or loss.from_logits or head.last in BOUNDED:
            continue
        if loss.kind == "probability":
            severity = "error" if evidence.sick else "warning"
            confidence = 0.9
        elif _scores_of_classes(head, task) and loss.kind == "value" and evidence.sick:
            severity, confidence = "warning", 0.4
        else:
            continue
        soft = "softmax" if head.units > 1 and task.kind != "multilabel" else "sigmoid"
        return Finding(
            name="out-missing-prob",
            severity=severity,
            where=head.name,
            evidence=f"{loss.name} gets {_said(head)} of {head.units} units",
            why="Scores below 0 and above 1 are no probabilities; clipped, they have "
            "no gradient.",
            fix=f"Dense({head.units}, activation='{soft}')",
            confidence=confidence,
        )
    return None


def _scores_of_classes(head, task):
    classes = task.kind == "multiclass" and task.form == "one-hot"
    return classes and head.units > 1 and head.last in RAW


def _said(head):
    return "raw scores" if head.last == "linear" else f"the {head.last}"
