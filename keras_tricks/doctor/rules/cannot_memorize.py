"""The network cannot learn one sample by heart.

Seen: a loss that stays up whatever is changed.

Measured: where the planned training does not get anywhere on a copy (a score below
`POOR`) and no change that the other rules try helps, a copy is trained on one sample
with Adam until its loss is down to the lowest that any output could have, or until 300
steps are over. Not getting there is an error: a fault of the network, its loss or the
form of its targets, which no amount of data repairs.

Silent: where the training gets somewhere, or another rule's change cures it.

Fix: look at the label's form, `from_logits`, the last activation, frozen or dead
layers; `kt.callbacks.OverfitOneSample` repeats the check in `fit`.

Source: Karpathy, *A recipe for training neural networks*, 2019: "overfit one batch".
"""

from keras_tricks.doctor.finding import Finding

SYMPTOM = True
POOR = 0.3


def before(evidence):
    """Try one sample where nothing else helps."""
    if not evidence.seconds:
        return None
    run = evidence.rehearsal
    if run is not None and (run.score > POOR or evidence.best > run.score + 0.1):
        return None
    if evidence.data.not_finite or not evidence.data.targets:
        return None
    memory = evidence.memory
    if memory.passed:
        return None
    steps = len(memory.losses)
    return Finding(
        name="cannot-memorize",
        severity="error",
        where="model and loss",
        evidence=f"{steps} steps of Adam on one sample bring its loss from "
        f"{memory.losses[0]:.3g} to {memory.final:.3g}; {memory.floor:.3g} is possible"
        + (
            "" if memory.uses_input else ", and the output does not depend on the input"
        ),
        why="What one sample does not teach, many do not either.",
        fix="kt.callbacks.OverfitOneSample(x[0], y[0])  # after each change",
        confidence=0.6,
        numbers={"first": memory.losses[0], "last": memory.final},
    )
