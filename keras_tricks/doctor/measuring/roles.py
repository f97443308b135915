"""What a layer or an operation does to the signal."""

import math
import re

import keras

LINEAR = "linear"
# Activations whose derivative is nearly zero on both sides.
SATURATING = {"sigmoid", "tanh", "hard_sigmoid", "hard_tanh", "softsign"}
RELU_LIKE = {"relu", "relu6"}
# Layers and operations that keep what a linear layer means: they move, sum, scale or
# shift values. Max pooling is among them since it is no activation on its own.
_PASSING = {
    "Add", "Average", "AveragePool", "BroadcastTo", "Cast", "CenterCrop", "Concatenate",
    "Cropping1D", "Cropping2D", "Cropping3D", "Divide", "ExpandDims", "Flatten",
    "GetItem", "Identity", "InputLayer", "Masking", "MaxPool", "Mean", "Moveaxis",
    "Negative", "Pad", "Permute", "RepeatVector", "Repeat", "Rescaling", "Reshape",
    "Resizing", "Split", "Squeeze", "Stack", "Subtract", "Sum", "Swapaxes", "Transpose",
    "TrueDivide", "Unstack", "UpSampling1D", "UpSampling2D", "UpSampling3D",
    "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "ActivityRegularization",
    "StopGradient", "Multiply",
}  # fmt: skip
_RESHAPING = {"Flatten", "Permute", "Reshape", "Transpose", "Moveaxis", "Swapaxes"}
_SUMMING = {"Add", "Average", "Subtract", "Concatenate"}
_ACTIVATIONS = {
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid",
    "hard_silu", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax",
    "mish", "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink",
    "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax",
    "squareplus", "tanh", "tanh_shrink", "threshold", "exp",
}  # fmt: skip
_OTHER_NAMES = {
    "re_lu": "relu", "p_re_lu": "prelu", "leaky_re_lu": "leaky_relu",
    "exp": "exponential", "hard_swish": "hard_silu", "swish": "silu",
    "softmax_v2": "softmax", "log_softmax_v2": "log_softmax",
}  # fmt: skip


def kind_of(operation):
    """Return the name of the nearest class of Keras; of the layer inside a wrapper."""
    operation = unwrapped(operation)
    for cls in type(operation).__mro__:
        if cls is getattr(keras.layers, cls.__name__, None):
            return cls.__name__
    return type(operation).__name__


def unwrapped(operation):
    """Return the layer in a wrapper such as TimeDistributed."""
    while isinstance(operation, keras.layers.Wrapper) and not is_recurrent(operation):
        operation = operation.layer
    return operation


def is_opaque(operation):
    """Whether it computes in code of the user's own."""
    operation = unwrapped(operation)
    if isinstance(operation, keras.layers.Lambda | keras.Model):
        return True
    if not isinstance(operation, keras.layers.Layer):
        return False
    for cls in type(operation).__mro__:
        if cls is getattr(keras.layers, cls.__name__, None):
            return cls is keras.layers.Layer
        if "call" in vars(cls):
            return True
    return True


def is_recurrent(operation):
    """Whether it is a recurrent layer."""
    return isinstance(operation, keras.layers.RNN | keras.layers.Bidirectional)


def is_normalization(operation):
    """Whether it sets mean or variance: batch, layer, group normalization and so on."""
    return kind_of(operation).endswith("Normalization")


def is_dropout(operation):
    """Whether it drops or disturbs values in training only."""
    kind = kind_of(operation)
    return "Dropout" in kind or kind == "GaussianNoise"


def is_reshaping(operation):
    """Whether it moves values without changing them."""
    return kind_of(operation) in _RESHAPING


def is_sum(operation, inputs):
    """Whether it joins branches, as the addition at the end of a residual block."""
    return len(inputs) > 1 and kind_of(operation) in _SUMMING


def passes(operation, inputs):
    """Whether the signal goes through without a non-linearity."""
    kind = kind_of(operation)
    if is_opaque(operation):
        return False
    if kind in ("Multiply", "Divide", "TrueDivide"):
        return len(inputs) == 1
    known = kind in _PASSING or is_normalization(operation) or is_dropout(operation)
    return known or "Pooling" in kind or kind.startswith("Random")


def activation_of(operation):
    """Return the name of the activation that a layer or operation applies.

    Returns:
        A name in snake case; `"linear"` for none; `None` for something that is neither
        an activation nor has one; `"unknown"` for code of the user's own.
    """
    layer = unwrapped(operation)
    if is_recurrent(layer):
        layer = getattr(layer, "forward_layer", layer)
        function = getattr(layer, "activation", getattr(layer, "cell", None))
        return _name(getattr(function, "activation", function))
    if is_opaque(layer):
        return "unknown"
    if hasattr(layer, "activation"):
        return _name(layer.activation)
    return _own_name(kind_of(layer))


def softmax_size(operation, shape):
    """Return the number of values that share a softmax whose output has this shape."""
    axis = getattr(unwrapped(operation), "axis", -1)
    axes = axis if isinstance(axis, list | tuple) else [-1 if axis is None else axis]
    sizes = [shape[axis] for axis in axes]
    return None if None in sizes else math.prod(sizes)


def _name(function):
    if function is None:
        return LINEAR
    if isinstance(function, keras.layers.Layer):
        return _own_name(kind_of(function)) or "unknown"
    name = getattr(function, "__name__", type(function).__name__)
    name = _OTHER_NAMES.get(name, name)
    return name if name in _ACTIVATIONS else "unknown"


def _own_name(kind):
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
    name = _OTHER_NAMES.get(name, name)
    return name if name in _ACTIVATIONS else None
