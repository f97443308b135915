"""Hidden tanh or sigmoid layers at their bounds, or so many that no gradient arrives.

Seen: the loss hardly moves; the first layers' weights stay as they are.

Measured: the share of a hidden layer's outputs beyond 0.99 of a tanh's bounds (below
0.01 or above 0.99 for a sigmoid) on the fixed batch: more than `SATURATED`, while the
loss has not fallen by `FALLEN`.

Before training: the same share at the first weights, or `DEEP` such layers whose first
kernel has less than `GRADIENT` of the gradient of the last; both count where the
training does not succeed, and are an error where relus in their place learn better.

Silent: on the last layer, which should be sure; on gates of LSTM and GRU; when the loss
falls.

Fix: `activation="relu"`; inputs with a mean of 0 and a deviation of 1;
`kernel_initializer="glorot_uniform"`.

Source: half of the outputs is the threshold of DeepDiagnosis (Wardat et al., 2022).
"""

from keras_tricks.doctor.finding import Finding

NEEDS_BATCH = True
SATURATED = 0.5
FALLEN = 0.1
DEEP = 3
GRADIENT = 1e-3
STEPS = 30


def before(evidence):
    """Look at tanh and sigmoid layers at the first weights, and try others."""
    if evidence.graph is None:
        return None
    layers = [
        layer
        for layer in evidence.graph.hidden
        if layer.activation in ("sigmoid", "tanh") and not layer.is_recurrent
    ]
    found = layers and (_full(evidence, layers) or _faded(evidence, layers))
    if not found or not evidence.sick:
        return None
    where, said, numbers = found
    run = evidence.trial(repairs=tuple({*evidence.repairs, "squash"}))
    cured = evidence.cures(run)
    return Finding(
        name="hidden-saturating",
        severity="error" if cured else "warning",
        where=where,
        evidence=said,
        why="At its bounds the function is flat, and no gradient passes.",
        fix='activation="relu", and inputs of mean 0 and deviation 1',
        tried=evidence.tried("relus in their place", run) if cured else "",
        confidence=0.75 if cured else 0.45,
        numbers=numbers,
    )


def _full(evidence, layers):
    signals = [evidence.start.signal(layer.name) for layer in layers]
    worst = max(signals, key=lambda signal: signal.saturated)
    if worst.saturated <= SATURATED:
        return None
    said = f"{worst.saturated:.0%} of its outputs are at a bound before training begins"
    return f"layer {worst.name}", said, {"saturated": worst.saturated}


def _faded(evidence, layers):
    names = {layer.layer.path for layer in layers}
    kernels = [
        gradient
        for gradient in evidence.start.gradients
        if gradient.path.endswith("kernel") and gradient.weight_norm > 0
    ]
    if len(names) < DEEP or len(kernels) < 2:
        return None
    sizes = [gradient.norm / gradient.weight_norm for gradient in kernels]
    if not sizes[0] < GRADIENT * sizes[-1]:
        return None
    said = (
        f"gradient over weight is {sizes[0]:.2g} at the first and {sizes[-1]:.2g} at "
        "the last layer"
    )
    numbers = {"first": sizes[0], "last": sizes[-1]}
    return f"{len(names)} tanh or sigmoid layers", said, numbers


def during(watch):
    """Look at the worst layer of the last look."""
    shares = watch.looked[-1].saturated
    if not shares or watch.fallen is None or len(watch.course) < STEPS:
        return None
    layer = max(shares, key=shares.get)
    if shares[layer] < SATURATED or watch.fallen > FALLEN:
        return None
    stuck = watch.fallen < 0.05 and (watch.share or 0) >= 0.3
    return Finding(
        name="hidden-saturating",
        severity="error" if stuck else "warning",
        where=f"layer {layer}",
        evidence=f"{100 * shares[layer]:.0f} % of its outputs are at a bound; "
        f"{100 * max(watch.fallen, 0):.0f} % of the loss is gone",
        why="At its bounds the function is flat, and no gradient passes.",
        fix='activation="relu" there',
        confidence=0.7,
        numbers={"saturated": shares[layer]},
    )
