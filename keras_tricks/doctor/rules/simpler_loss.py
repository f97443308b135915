"""The loss is the obstacle: a simpler one is learnt.

Seen: a loss of one's own, or a composite one, that does not fall.

Measured: the loss is none of Keras's, the planned training does not succeed on a copy,
and does with the plain loss of the task: mean squared error for values, cross-entropy
for classes.

Silent: on Keras's losses (see loss-mismatch), with several outputs, and where the
training succeeds.

Fix: `loss="mean_squared_error"` first, and back to the other when that learns.

Source: "try simplifying it to L1 or L2" is in every list of checks; so in *37 Reasons
why your Neural Network is not working* (Ivanov, 2017).
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.repair import task_loss

LATE = True


def before(evidence):
    """Repeat a training that fails with the plain loss of its task."""
    if len(evidence.tasks) != 1 or evidence.tasks[0].kind == "unknown":
        return None
    loss = evidence.losses[0]
    if loss is None or loss.kind != "custom" or not evidence.sick:
        return None
    run = evidence.trial(repairs=("loss",))
    if not evidence.cures(run, evidence.rehearsal):
        return None
    plain = task_loss(evidence.tasks[0])
    return Finding(
        name="simpler-loss",
        severity="error",
        where=f"loss {loss.name}",
        evidence=f"with {loss.name} the score came to {evidence.rehearsal.score:.2f}",
        why="What the loss asks for is harder to find than what the task needs.",
        fix=f"loss={plain!r}",
        tried=evidence.tried(plain, run, evidence.rehearsal),
        confidence=0.8,
        numbers={"score": evidence.rehearsal.score, "score of the other": run.score},
    )
