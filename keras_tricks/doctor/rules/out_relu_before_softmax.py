"""A relu on the scores that go into a softmax.

Seen: learning is slow, or the loss stays at log(classes) where all scores are 0.

Measured: relu directly before softmax (a dropout may lie between) after the last
weights, or a relu head under a loss with `from_logits=True`.

Silent: on relu of hidden layers, which have weights after them.

Fix: `Dense(classes, activation="softmax")`.

Source: a score below 0 gives no gradient, so a class that starts low for all samples
cannot rise.
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.heads import heads_of

RELUS = ("relu", "relu6")


def before(evidence):
    """Look for a relu whose output goes into a softmax or sigmoid."""
    for head, _task in heads_of(evidence):
        chain = list(head.activation)
        if head.loss is not None and head.loss.from_logits:
            chain.append(head.loss.name)
        if not set(RELUS) & set(chain[:-1]):
            continue
        return Finding(
            name="out-relu-before-softmax",
            severity="error" if evidence.sick else "warning",
            where=head.name,
            evidence=" then ".join(chain),
            why="A relu cuts scores at 0: a class whose score is below it gets no "
            "gradient.",
            fix=f"Dense({head.units}, activation='softmax')",
            confidence=0.85,
        )
    return None
