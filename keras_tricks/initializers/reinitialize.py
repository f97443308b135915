"""Draw the weights of a built model anew."""

import math
import warnings

import keras
import numpy as np
from keras import ops

from keras_tricks._checks import check_integer
from keras_tricks.initializers.variance_scaling import variance_scaling

_TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_KERNELS = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    *_TRANSPOSED,
    *_DEPTHWISE,
    *_SEPARABLE,
)


def reinitialize(
    model: keras.Model, initializer=None, seed: int | None = None
) -> list[str]:
    """Give every weight of a built model a new start, in place.

    Kernels of dense, convolution, depthwise, separable, transposed and einsum layers
    are drawn from `initializer`; any other variable, say `beta`, from what its layer
    keeps as `beta_initializer`. Frozen weights are drawn too. Each variable has a draw
    of its own, also from an initializer with an integer seed.

    Fans are those of the computation: one output of a depthwise kernel
    `(height, width, channels, multiplier)` sees `height * width` inputs, where Keras
    3.15.1 counts `channels` times as many, and it takes the fans of a transposed
    kernel, `(height, width, out, in)`, one for the other. Groups count as in PyTorch:
    `fan_out` is taken over all of them.

    Seed states, quantized kernels and the statistics of `Normalization` stay, and so
    does the state of the optimizer: compile anew to start that over. Variables without
    an initializer are left alone, the trainable ones with a warning.

    Args:
        model: A built `keras.Model` or layer. Layers inside layers are covered, shared
            ones once.
        initializer: Keras initializer of the kernels, its name or config. None is
            `variance_scaling()`.
        seed: Optional integer, at least 0. The same seed gives the same weights.

    Returns:
        The paths of the variables that were drawn, a list of strings.

    Raises:
        TypeError: If `model` is no layer or `seed` no integer.
        ValueError: If the model is not built or has nothing to draw.

    Example:
        >>> head = keras.layers.Dense(2, name="head")
        >>> model = keras.Sequential([keras.Input((4,)), head], name="net")
        >>> reinitialize(model, seed=0)
        ['net/head/kernel', 'net/head/bias']

    Reference:
        [He et al., 2015](https://arxiv.org/abs/1502.01852), section 2.2.
    """
    _check_model(model)
    if seed is not None:
        check_integer("seed", seed)
        seed = int(seed)
    if initializer is None:
        initializer = variance_scaling()
    for_kernels = keras.initializers.get(initializer)
    generator = keras.random.SeedGenerator(seed)
    owners = dict(_owners(model, set()))
    drawn, left = [], []
    for variable in model.weights:
        layer = owners.get(id(variable))
        own = _initializer(layer, variable, for_kernels)
        if own is not None:
            variable.assign(_draw(_reseed(own, generator), layer, variable))
            drawn.append(variable.path)
        elif variable.trainable:
            left.append(variable.path)
    _report(drawn, left)
    return drawn


def _check_model(model):
    if not isinstance(model, keras.Layer):
        raise TypeError(
            f"`model` must be a Keras model or layer. Received: model={model!r}."
        )
    if not model.built:
        raise ValueError(
            "`model` must be built: call it on a batch or `model.build(input_shape)` "
            f"first. Received: model={model!r}."
        )


def _owners(layer, seen):
    """Yield the id of each variable with the innermost layer that holds it."""
    seen.add(id(layer))
    # Only a model has a public list of its layers. Every layer has what it tracks,
    # in whatever container it was put, in lists among its attributes.
    held = []
    for value in vars(layer).values():
        held.extend(value if isinstance(value, list) else [value])
    for item in held:
        if isinstance(item, keras.Layer) and id(item) not in seen:
            yield from _owners(item, seen)
    for item in held:
        if isinstance(item, keras.Variable) and id(item) not in seen:
            seen.add(id(item))
            yield id(item), layer


def _initializer(layer, variable, for_kernels):
    if not keras.backend.is_float_dtype(variable.dtype):
        return None
    if _is_kernel(layer, variable):
        return for_kernels
    # A recurrent layer keeps `recurrent_initializer` for its `recurrent_kernel`.
    for name in (variable.name, variable.name.removesuffix("_kernel")):
        own = getattr(layer, f"{name}_initializer", None)
        if own is not None:
            return keras.initializers.get(own)
    return None


def _is_kernel(layer, variable):
    names = ("kernel", "depthwise_kernel", "pointwise_kernel")
    return isinstance(layer, _KERNELS) and variable.name in names


def _reseed(initializer, generator):
    is_object = isinstance(initializer, keras.initializers.Initializer)
    config = initializer.get_config() if is_object else {}
    if "seed" not in config:
        return initializer
    return initializer.from_config({**config, "seed": generator})


def _draw(initializer, layer, variable):
    """Draw with the shape whose fans Keras counts right, return the variable's."""
    shape, dtype = tuple(variable.shape), variable.dtype
    if not _is_kernel(layer, variable):
        value = initializer(shape, dtype=dtype)
        return _open_forget_gate(value, layer, variable)
    if isinstance(layer, keras.layers.EinsumDense):
        return _draw_einsum(initializer, layer.equation, shape, dtype)
    *window, last_but_one, last = shape
    if isinstance(layer, _TRANSPOSED):
        value = initializer((*window, last, last_but_one), dtype=dtype)
        return ops.swapaxes(value, -1, -2)
    if isinstance(layer, _DEPTHWISE) or variable.name == "depthwise_kernel":
        value = initializer((*window, 1, last_but_one * last), dtype=dtype)
        return ops.reshape(value, shape)
    return initializer(shape, dtype=dtype)


def _draw_einsum(initializer, equation, shape, dtype):
    operands, output = equation.split("->")
    kernel = operands.split(",")[1]
    summed = [axis for axis, letter in enumerate(kernel) if letter not in output]
    order = summed + [axis for axis in range(len(kernel)) if axis not in summed]
    fan_in = math.prod(shape[axis] for axis in summed)
    value = initializer((fan_in, math.prod(shape) // fan_in), dtype=dtype)
    value = ops.reshape(value, [shape[axis] for axis in order])
    return ops.transpose(value, np.argsort(order).tolist())


def _open_forget_gate(value, layer, variable):
    # The layers add this one in `build`, out of sight of `bias_initializer`.
    if variable.name != "bias" or not getattr(layer, "unit_forget_bias", False):
        return value
    first, forget, *rest = ops.split(value, 4)
    return ops.concatenate([first, ops.ones_like(forget), *rest])


def _report(drawn, left):
    if not drawn:
        raise ValueError("`model` has no weights with an initializer to draw from.")
    if left:
        warnings.warn(
            "These trainable weights were left as they are, since their layers keep no "
            f"initializer for them: {', '.join(left)}.",
            stacklevel=3,
        )
