"""The loss is no longer a number.

Seen: the loss is printed as nan or inf, from the first step or in the middle.

Measured: the loss of every step. At the first that is not finite, one fixed batch is
followed through the network: the inputs, each layer's output, the loss, the gradients
from the loss backwards. If the weights are lost already, those of the last look are
taken. What comes first is named. Losses that grew to `GROWTH` times the first before
they were lost point to steps that are too large, a calm course to the data of one
batch.

Silent: while the loss is finite.

Fix: by place. Data: `x = x[np.isfinite(x).all(axis=1)]`. A layer or a loss with a log,
a root or a division: `ops.log(ops.maximum(x, 1e-7))`, `from_logits=True` without a last
softmax. Large steps: a tenth of the rate, or `clipnorm=1.0` in the optimizer.

Source: the places are those of Wardat et al., 2021 (DeepLocalize).
"""

import math

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.watching.trend import finite_head

GROWTH = 10
PLACES = {
    "input": ("{name} of the fixed batch", "drop or fill those rows of x", 0.95),
    "target": ("{name} of the fixed batch", "drop or fill those rows of y", 0.95),
    "layer": (
        "layer {name}",
        "in {name}: ops.maximum(..., 1e-7) before a log, a root or a division",
        0.9,
    ),
    "loss": (
        "loss",
        "from_logits=True without the last activation; in a loss of your own "
        "ops.log(ops.maximum(p, 1e-7))",
        0.9,
    ),
    "gradient": (
        "gradient of {name}",
        "ops.sqrt(ops.maximum(x, 1e-12)): a root has no slope at 0, nor a norm",
        0.9,
    ),
}


def during(watch):
    """Say where the first value that is not finite came from."""
    losses = watch.logs.get("loss", [])
    origin = watch.origin
    if origin is None and len(finite_head(losses)) == len(losses):
        return None
    before = f"the losses before were {_course(watch)}"
    place = origin.place if origin else "unknown"
    if origin is None:
        when = f"the loss of epoch {len(finite_head(losses)) + 1} is not finite"
    else:
        what = "the loss is" if origin.seen == "loss" else "weights are"
        when = f"{what} not finite after step {origin.step + 1}"
    if place in PLACES:
        where, fix, confidence = PLACES[place]
        seen = f"{when}; the first such value: {where.format(name=origin.name)}"
        evidence = f"{seen} ({origin.detail}); {before}"
        if origin.kept is not None:
            evidence += f"; seen with the weights after step {origin.kept}"
    else:
        where, evidence, confidence = "loss", f"{when}; {before}", 0.5
        fix = (
            "see lr-high: a tenth of the rate"
            if _grew(watch)
            else "np.isfinite(x).all() and np.isfinite(y).all() over all data"
        )
        if place == "weight":
            evidence += f"; {origin.detail} are lost, first {origin.name}"
        if place != "unknown" or watch.looked:
            evidence += "; the fixed batch itself is fine"
    name = origin.name if origin else ""
    return Finding(
        name="nan-loss",
        severity="error",
        where=where.format(name=name),
        evidence=evidence,
        why="One value that is not finite makes every weight so within one step.",
        fix=fix.format(name=name),
        confidence=confidence,
        numbers={"step": origin.step if origin else len(finite_head(losses))},
    )


def _grew(watch):
    tail = watch.course[-20:]
    return bool(watch.first and len(tail) and tail.max() > GROWTH * abs(watch.first))


def _course(watch):
    course = watch.course
    if not len(course):
        return "none: it was so from the begin"
    shown = ", ".join(f"{value:.4g}" for value in course[-3:])
    return shown + (", growing" if _grew(watch) and math.isfinite(course[-1]) else "")
