"""Nothing can be trained, or the loss does not reach some of the weights.

Seen: the loss is constant, or part of the network stays as it was.

Measured: whether there are trainable weights; for subclassed models, which of them have
a gradient of exactly 0, all variables of a layer together.

Silent: on layers frozen beside others, as in fine-tuning; on layers whose signal is
dead, which is another sickness.

Fix: `layer.trainable = True`, then `compile` again; use the layer's output.

Source: Keras skips variables without a gradient with a warning only.
"""

from keras_tricks.doctor.finding import Finding

# What this brings about is not said again.
EXPLAINS = {"lr-low", "optimizer-default", "too-few-epochs"}


def before(evidence):
    """Look for weights that no step would change."""
    model = evidence.model
    if not model.weights:
        return None
    if not model.trainable_weights:
        return _finding(
            "error", "model", f"0 of {len(model.weights)} weights are trainable", 1.0
        )
    if evidence.graph is not None:
        return None
    norms = {}
    for gradient in evidence.start.gradients:
        layer = gradient.path.rpartition("/")[0]
        norms[layer] = norms.get(layer, 0.0) + gradient.norm
    idle = [layer for layer, norm in norms.items() if norm == 0]
    if not idle or len(idle) == len(norms):
        return None
    return _finding(
        "warning", ", ".join(idle[:3]), f"{len(idle)} layers have a gradient of 0", 0.5
    )


def _finding(severity, where, said, confidence):
    return Finding(
        name="frozen-weights",
        severity=severity,
        where=where,
        evidence=said,
        why="Weights without a gradient stay as they are.",
        fix="layer.trainable = True, then model.compile(...) again",
        confidence=confidence,
    )
