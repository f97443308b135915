"""The loss falls without bound.

Seen: the loss is negative, and more so with every epoch, while metrics get worse.

Measured: before training, the loss of the targets themselves as output against that of
shuffled ones: the first must be lower, by `MARGIN` of it. During training, a loss that
cannot be negative (errors, cross-entropies and hinges of Keras) and is; or any other
that is below `BOUND` times the size of its first value and whose last quarter of epochs
fell at least half as far as the quarter before.

Silent: on losses that are negative by nature and settle: a cosine similarity, a
likelihood of densities, a reward.

Fix: `loss = -similarity` or `1 - similarity`, not the other way round; for a
cross-entropy below zero, targets within 0 and 1 (`y / y.max()`, or class ids with
`sparse_categorical_crossentropy`).

Source: TheDeepChecker (Braiek and Khomh, 2022) wants a loss lowest at the target.
"""

import math

import keras

from keras_tricks.doctor.finding import Finding

BOUND = 10
MARGIN = 0.01
NEVER_NEGATIVE = ("_error", "crossentropy", "hinge", "huber", "log_cosh", "mse", "mae")


def before(evidence):
    """Ask the loss which it likes better, right outputs or wrong ones."""
    kinds = {loss.kind for loss in evidence.losses if loss is not None}
    known = any(task.kind != "unknown" for task in evidence.tasks)
    if "custom" not in kinds and not _negative_weights(evidence.model):
        return None
    order = evidence.start.order if known else None
    if order is None or not all(map(math.isfinite, order)):
        return None
    right, wrong = order
    if not right > wrong + MARGIN * max(abs(right), abs(wrong)):
        return None
    return Finding(
        name="loss-sign",
        severity="error",
        where="loss",
        evidence=f"the targets as output have a loss of {right:.4g}, shuffled targets "
        f"one of {wrong:.4g}",
        why="Training moves the output away from the targets.",
        fix="loss = -loss",
        confidence=0.95,
        numbers={"right": right, "wrong": wrong},
    )


def _negative_weights(model):
    try:
        weights = (model.get_compile_config() or {}).get("loss_weights")
    except (AttributeError, TypeError, ValueError):
        return False
    leaves = keras.tree.flatten(weights) if weights else []
    return any(weight is not None and weight < 0 for weight in leaves)


def during(watch):
    """Look for a loss below zero that keeps falling."""
    losses = watch.losses
    if len(losses) < 2 or losses[-1] >= 0:
        return None
    name = (watch.facts.get("loss") or "").lower()
    # What `add_loss` adds may be negative.
    data = [look.loss - look.penalty for look in watch.looked[-1:]] or [losses[-1]]
    wrong = name.endswith(NEVER_NEGATIVE) and data[0] < 0
    if wrong:
        evidence = f"{name} is {losses[-1]:.4g} and cannot be negative"
    else:
        quarter = len(losses) // 4
        if quarter < 1 or losses[-1] > -BOUND * abs(losses[0]):
            return None
        late = losses[-1 - quarter] - losses[-1]
        early = losses[-1 - 2 * quarter] - losses[-1 - quarter]
        if late <= 0 or late < 0.5 * early:
            return None
        evidence = (
            f"the loss went from {losses[0]:.4g} to {losses[-1]:.4g}, by {late:.3g} in "
            f"the last {quarter} epochs"
        )
    return Finding(
        name="loss-sign",
        severity="error",
        where="loss",
        evidence=evidence,
        why="A loss without a lowest value drives the output away for ever.",
        fix="targets between 0 and 1" if wrong else "loss = -loss",
        confidence=0.9 if wrong else 0.7,
        numbers={"loss": float(losses[-1])},
    )
