"""A depth through which the signal does not come.

Seen: the loss stays at that of the best constant; all samples get the same output.

Measured: a stack of `DEPTH` weight layers or more without residuals or normalization,
whose training does not succeed, and in which a number tells that the signal is lost:
the variance across rows falls below `SAME` of the signal, or its size changes by
`SIZE`, or the gradient of the first kernel is below `GRADIENT` of the last's, each in
relation to its weights. It is an error where weights scaled for depth (He) learn, or
where the planned training on a copy teaches nothing at all.

Silent: with residuals or normalization; on fewer layers; where the network learns; on
recurrent layers.

Fix: fewer layers; `BatchNormalization()` after each; or `Add()([x, block(x)])`.

Source: He et al., 2015 and 2016: with scaled weights 30 plain layers train, and beyond
them additions help. With weights of Glorot, relus halve the signal every two layers.
"""

from keras_tricks.doctor.finding import Finding

DEPTH = 8
SAME = 1e-4
SIZE = 100
GRADIENT = 1e-3


def before(evidence):
    """Follow signal and gradient through a plain stack."""
    graph = evidence.graph
    if graph is None or graph.depth < DEPTH or graph.has_residual:
        return None
    if graph.normalizations or any(layer.is_recurrent for layer in graph.layers):
        return None
    found = _lost(evidence)
    if found is None or not (evidence.sick or evidence.stuck):
        return None
    said, numbers = found
    run = evidence.trial(weights="fresh", repairs=tuple(evidence.repairs))
    cured = evidence.cures(run)
    return Finding(
        name="too-deep",
        severity="error" if cured or evidence.stuck else "warning",
        where=f"{graph.depth} layers",
        evidence=f"{graph.depth} layers without residuals or normalization: {said}",
        why="Each layer loses a share of the signal, and shares multiply.",
        fix="fewer layers, or BatchNormalization() after each",
        tried=evidence.tried("weights scaled for depth", run) if cured else "",
        confidence=0.7 if cured else 0.45,
        numbers=numbers | {"depth": graph.depth},
    )


def _lost(evidence):
    hidden = [evidence.start.signal(layer.name) for layer in evidence.graph.hidden]
    hidden = [signal for signal in hidden if signal is not None]
    first, last = hidden[0], hidden[-1]
    if last.same_rows < SAME <= first.same_rows:
        return (
            f"variance across rows {first.same_rows:.2g} → {last.same_rows:.2g} of the "
            "signal",
            {"same_rows": last.same_rows},
        )
    if first.std > 0 and not 1 / SIZE < last.std / first.std < SIZE:
        return (
            f"deviation {first.std:.2g} → {last.std:.2g}",
            {"first_std": first.std, "last_std": last.std},
        )
    kernels = [g for g in evidence.start.gradients if g.path.endswith("kernel")]
    sizes = [g.norm / g.weight_norm for g in kernels if g.weight_norm > 0]
    if len(sizes) > 1 and sizes[0] < GRADIENT * sizes[-1]:
        return (
            f"gradient over weight {sizes[0]:.2g} at the first and {sizes[-1]:.2g} at "
            "the last layer",
            {"first_gradient": sizes[0], "last_gradient": sizes[-1]},
        )
    return None
