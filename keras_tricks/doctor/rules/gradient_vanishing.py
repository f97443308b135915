"""The gradient does not reach the first layers.

Seen: the loss stays where it is; the last layers learn, the first do not.

Measured: the norm of each kernel's gradient by that of the kernel, on the fixed batch:
that of the first is below `RATIO` of that of the last, or all are below `NOTHING`,
while the loss has not fallen by `FALLEN`.

Silent: while the loss falls, whatever the ratio (transformers and residual networks
learn with uneven gradients); with fewer than 3 kernels; below `STEPS` steps.

Fix: `activation="relu"`, `kernel_initializer="he_normal"`, a
`keras.layers.BatchNormalization()` after each layer, or residual connections.

Source: AUTOTRAINER (Zhang et al., 2021) takes 1e-3; healthy networks go below.
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.watching.watch import is_kernel

NEEDS_BATCH = True
SYMPTOM = True
RATIO = 1e-4
NOTHING = 1e-8
FALLEN = 0.05
STEPS = 30


def during(watch):
    """Compare the first kernel's gradient with the last's."""
    last = watch.looked[-1]
    sizes = {
        name: norm / last.weights[name]
        for name, norm in last.gradients.items()
        if is_kernel(name) and last.weights[name] > 0
    }
    stuck = watch.fallen is not None and watch.fallen < FALLEN
    if len(sizes) < 3 or not stuck or len(watch.course) < STEPS:
        return None
    names = list(sizes)
    first, final = sizes[names[0]], sizes[names[-1]]
    gone = max(sizes.values()) < NOTHING
    if not gone and not first < RATIO * final:
        return None
    return Finding(
        name="gradient-vanishing",
        severity="error" if (watch.share or 0) >= 0.3 else "warning",
        where="all layers" if gone else f"{names[0]} to {names[-1]}",
        evidence=f"gradient by weight is {first:.1g} in the first kernel and "
        f"{final:.1g} in the last; the loss was {watch.first:.4g} and is "
        f"{watch.last:.4g}",
        why="A layer without a gradient stays as random as it began.",
        fix='activation="relu", kernel_initializer="he_normal", BatchNormalization()',
        confidence=0.6,
        numbers={"first": first, "last": final},
    )
