"""First weights far too large or too small for the number of inputs.

Seen: a first loss in the hundreds, or outputs that are all alike; long starts.

Measured: the variance of each hidden and head kernel: above `LARGE` times that of He
(2 / fan_in), or below `SMALL` times that of Glorot (2 / (fan_in + fan_out)). It is an
error where a copy with weights of the right scale learns clearly better, and a warning
where the first loss is above `LOSS` times that of the best constant as well.

Silent: where the network learns, as pretrained ones do; on embeddings and recurrent
kernels; on zeros, which are a choice for the head.

Fix: `kernel_initializer="he_normal"` before a relu, else `"glorot_uniform"`.

Source: Glorot and Bengio, 2010; He et al., 2015. A factor of 16 in variance is 4 in
size, which three layers make 64.
"""

import keras
import numpy as np

from keras_tricks.doctor.finding import Finding

LARGE = 16
SMALL = 1 / 16
LOSS = 3
ONE_SIGN = 4


def before(evidence):
    """Look for kernels out of scale and try others."""
    if evidence.graph is None:
        return None
    odd = [x for x in map(_scale, evidence.graph.weighted) if x is not None]
    if not odd or not evidence.sick:
        return None
    run = evidence.trial(weights="fresh", repairs=tuple(evidence.repairs))
    cured = evidence.cures(run)
    start = evidence.start
    high = bool(start.chance) and start.loss > LOSS * abs(start.chance) + 1
    if not cured and not (high and odd[0][1] > 1):
        return None
    layer, ratio = max(odd, key=lambda pair: abs(np.log(pair[1])))
    return Finding(
        name="init-scale",
        severity="error" if cured else "warning",
        where=", ".join(layer.name for layer, _ in odd[:3]),
        evidence=f"the weights of {layer.name} have {ratio:.3g} times the variance "
        f"that {layer.fan_in} inputs ask for; first loss {start.loss:.3g}",
        why="Layer by layer the signal grows or shrinks by that factor.",
        fix=f'kernel_initializer="{_initializer(layer)}"',
        tried=evidence.tried("weights of the right scale", run) if cured else "",
        confidence=0.75 if cured else 0.45,
        numbers={"ratio": ratio},
    )


def _scale(layer):
    """Return `(layer, ratio)` of a layer out of scale, else None."""
    kernel = getattr(layer.layer, "kernel", None)
    if kernel is None or layer.fan_in is None or layer.is_opaque:
        return None
    variance = float(np.var(keras.ops.convert_to_numpy(kernel)))
    fan_out = layer.units or layer.fan_in
    large = variance * layer.fan_in / 2
    small = variance * (layer.fan_in + fan_out) / 2
    if large > LARGE:
        return layer, large
    # Weights of one sign add up, whatever their variance.
    mean = float(np.mean(keras.ops.convert_to_numpy(kernel)))
    if abs(mean) * layer.fan_in > ONE_SIGN and mean**2 > variance:
        return layer, (variance + mean**2) * layer.fan_in / 2
    return (layer, small) if 0 < small < SMALL else None


def _initializer(layer):
    return "he_normal" if "lu" in (layer.activation or "") else "glorot_uniform"
