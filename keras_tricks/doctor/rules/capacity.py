"""Too few units for the task.

Seen: the loss ends well above where it could, at every rate and however long.

Measured: a hidden layer of at most `NARROW` units; the planned training scores `POOR`
or less, and less than `SHARE` of what it does with 8 times the units, which come to
`GOOD`; `LONGER` times as many steps do not bring `MADE_UP` of that.

Silent: on autoencoders, whose middle is narrow by design; on fewer than `FEW` different
rows; and where a narrow network learns.

Fix: more units in that layer.

Source: Goodfellow et al., *Deep Learning*, 2016, section 11.4.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding

LATE = True
NARROW = 8
FEW = 20
POOR = 0.85
GOOD = 0.5
SHARE = 0.7
LONGER = 4.0
MADE_UP = 0.8


def before(evidence):
    """Repeat a poor training with 8 times the units."""
    graph = evidence.graph
    if graph is None or not graph.hidden or evidence.rehearsal is None:
        return None
    narrow = min(graph.hidden, key=lambda layer: layer.units or NARROW + 1)
    if (narrow.units or NARROW + 1) > NARROW or evidence.base.score > POOR:
        return None
    if not evidence.rehearsal.finished or evidence.tasks[0].autoencoder:
        return None
    if _is_toy(evidence.data):
        return None
    repairs = tuple({*evidence.repairs, "width"}) if evidence.lame else ("width",)
    run, slow = evidence.trial(repairs=repairs), evidence.change(longer=LONGER)
    if run is None or run.score < max(GOOD, evidence.base.score / SHARE):
        return None
    if slow is not None and slow.score > MADE_UP * run.score:
        return None
    return Finding(
        name="capacity",
        severity="error",
        where=f"layer {narrow.name}",
        evidence=f"{narrow.units} units; the planned training comes to a score of "
        f"{evidence.base.score:.2f}",
        why="What does not pass through these units cannot be learnt.",
        fix=f"{narrow.kind}({8 * narrow.units}, ...)",
        tried=evidence.tried("8 times the units", run),
        confidence=0.75,
        numbers={"units": narrow.units, "score": evidence.base.score},
    )


def _is_toy(data):
    return len(np.unique(data.inputs[0].reshape(data.rows, -1), axis=0)) < FEW
