"""All units of a layer start equal.

Seen: a wide layer does what one unit could; with zeros, nothing is learnt at all.

Measured: a hidden kernel whose columns are all the same, with equal biases.

Silent: on the head, where zeros are sound; on single units; on normalizations; on
zeros where branches are added, which start blocks as the identity. Where the network
learns all the same, as with zeros on a side branch, it is a note.

Fix: `kernel_initializer="glorot_uniform"`, or `"he_normal"` before a relu.

Source: equal units with equal outgoing weights get equal gradients, for ever. Zeros
pass neither signal nor gradient.
"""

import keras
import numpy as np

from keras_tricks.doctor.finding import Finding


def before(evidence):
    """Compare the columns of hidden kernels."""
    if evidence.graph is None:
        return None
    equal = [x for x in evidence.graph.hidden if _is_equal(x, evidence.graph)]
    if not equal:
        return None
    value = float(_array(equal[0].layer.kernel).ravel()[0])
    return Finding(
        name="init-symmetric",
        severity="error" if evidence.sick else "note",
        where=", ".join(layer.name for layer in equal[:3]),
        evidence=f"all {equal[0].units} units have the same weights ({value:.3g}, ...)",
        why="Equal units get equal gradients and stay one unit.",
        fix='kernel_initializer="glorot_uniform"',
        confidence=0.9,
        numbers={"layers": len(equal)},
    )


def _is_equal(layer, graph):
    kernel = getattr(layer.layer, "kernel", None)
    if kernel is None or kernel.shape[-1] < 2 or layer.is_recurrent:
        return False
    kernel = _array(kernel)
    if not kernel.any() and graph.has_residual:
        return False
    bias = getattr(layer.layer, "bias", None)
    same_bias = bias is None or np.ptp(_array(bias)) == 0
    return bool(np.ptp(kernel, axis=-1).max() == 0 and same_bias)


def _array(variable):
    return keras.ops.convert_to_numpy(variable)
