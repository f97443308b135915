"""Hidden layers without activation: the network is linear.

Seen: the loss rests where a linear fit would, with any number of layers and units.

Measured: hidden layers (dense and convolutional) after which no non-linearity comes
before the next weights, batch normalization and pooling aside. If the training does
not succeed, a copy with every cure made is trained with and without activations there:
without, `NEEDED` of the score or less is an error; nearly the same (`ALIKE`) is a
warning of little weight, and only where every hidden layer is linear.

Silent: where the network learns; on projections to less than half of the inputs, as
bottlenecks and latent codes; on branches that are added; on depthwise convolutions;
where attention, gates or layers of the user's own may be the non-linearity.

Fix: `Dense(64, activation="relu")`.

Source: a chain of matrix products is one matrix product.
"""

from keras_tricks.doctor.finding import Finding

NEEDED = 0.7
ALIKE = 0.95


def before(evidence):
    """Look for hidden layers without activation and whether that matters."""
    linear, all_linear = _linear(evidence.graph)
    if not linear or not evidence.sick:
        return None
    cure, without = evidence.cure, evidence.trial(**_without(evidence))
    severity, confidence, tried = "warning", 0.45, ""
    if cure is not None and without is not None and cure.score > 0.2:
        share = without.score / cure.score
        tried = (
            f"with everything else cured a copy scores {cure.score:.2f} with "
            f"activations and {without.score:.2f} without"
        )
        if share > ALIKE:
            if not all_linear or max(layer.units for layer in linear) == 1:
                return None
            confidence = 0.25
        if share <= NEEDED:
            severity, confidence = "error", 0.85
    names = ", ".join(layer.name for layer in linear[:3])
    kind = "every hidden layer is" if all_linear else f"{len(linear)} hidden layers are"
    return Finding(
        name="hidden-linear",
        severity=severity,
        where=names + (", ..." if len(linear) > 3 else ""),
        evidence=f"{kind} linear",
        why="Without a function that bends, layers together do what one could do.",
        fix=f'{linear[0].kind}({linear[0].units}, ..., activation="relu")',
        tried=tried,
        confidence=confidence,
    )


def _linear(graph):
    """Return the hidden layers without activation, and whether these are all."""
    if graph is None or any(layer.is_opaque for layer in graph.layers):
        return [], False
    hidden = [layer for layer in graph.hidden if not layer.kind.startswith("Depthwise")]
    linear = [layer for layer in hidden if layer.activation == "linear"]
    if linear and len(linear) == len(hidden):
        return linear, True
    if graph.has_residual or graph.normalizations:
        return [], False
    return [layer for layer in linear if not _is_projection(layer)], False


def _is_projection(layer):
    return layer.fan_in is not None and layer.units < layer.fan_in / 2


def _without(evidence):
    changes = evidence.cured()
    kept = tuple(name for name in changes["repairs"] if name != "hidden")
    return changes | {"repairs": kept}
