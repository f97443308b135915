"""Zero-gamma: let every residual block begin as its shortcut."""

import warnings

import keras

# Classes, of Keras and others, that give 0 for 0 and let a gradient through there. No
# ReLU: behind one a branch of zeros would never be trained.
_TRANSPARENT = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "GaussianDropout",
    "StochasticDepth",
    "DropPath",
    "Identity",
    "Multiply",  # by a gate: squeeze-and-excitation
)


def zero_gamma(model: keras.Model) -> list[str]:
    """Set gamma of the last batch normalization of each residual block to 0, in place.

    A block then begins as its shortcut and the network as a shallow one, which lets
    large learning rates pass: part of "ImageNet in 1 hour" and the default of timm
    (`zero_init_last`). Call it on fresh weights, before training.

    A block is a sum of branches, by `keras.layers.Add` or `+`, that come from one
    place. Its shortcut is the branch with the fewest layers, and has at most one with a
    kernel; each other branch gets zeros where it *ends* in batch normalization, with
    nothing after that but dropout, stochastic depth or a gate. So the blocks of
    `keras.applications.ResNet50` and `MobileNetV2` are found, 16 and 10. Those of
    `ResNet50V2` end in a convolution: there is nothing to set, and a warning. Blocks
    inside models inside the model are found too; frozen gammas stay.

    Args:
        model: Functional model, or a `Sequential` one that is built.

    Returns:
        The paths of the variables that were set to 0, a list of strings.

    Raises:
        TypeError: If `model` is no model.
        ValueError: If `model` has no graph, as a subclassed one.

    Example:
        >>> inputs = keras.Input((8, 8, 3))
        >>> x = keras.layers.Conv2D(3, 3, padding="same")(inputs)
        >>> x = keras.layers.BatchNormalization(name="last")(x)
        >>> model = keras.Model(inputs, keras.layers.ReLU()(inputs + x))
        >>> zero_gamma(model)
        ['last/gamma']

    Reference:
        [Goyal et al., 2017](https://arxiv.org/abs/1706.02677), section 5.1.
    """
    _check_graph(model)
    norms = {id(norm): norm for norm in _last_norms(model)}.values()
    gammas = [norm.gamma for norm in norms if norm.scale and norm.gamma.trainable]
    if not gammas:
        warnings.warn(
            "zero_gamma found nothing to set to 0: no residual block of the model ends "
            "in a trainable batch normalization. (ResNetV2's end in a convolution; a "
            "layer of your own shows no graph: give its last BatchNormalization "
            '`gamma_initializer="zeros"`.)',
            stacklevel=2,
        )
    for gamma in gammas:
        gamma.assign(keras.ops.zeros(gamma.shape))
    return [gamma.path for gamma in gammas]


def _check_graph(model):
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a Keras model. Received: model={model!r}.")
    if not getattr(model, "outputs", None):
        raise ValueError(
            "`model` must be functional, or Sequential and built: only their graph "
            "tells where a block ends. Call zero_gamma on the functional models inside "
            "it, or give the last BatchNormalization of each block "
            f'`gamma_initializer="zeros"`. Received: model={model!r}.'
        )


def _last_norms(model):
    """Yield the batch normalizations at the ends of residual branches."""
    for node in _nodes(model.outputs).values():
        if _is_graph(node.operation):
            yield from _last_norms(node.operation)
        elif type(node.operation).__name__ == "Add":  # the layer, and the operation `+`
            for branch in _residual_branches(node.input_tensors):
                ends = list(_ends(branch))
                if len(ends) == 1:  # two factors of 0 would have no gradient
                    yield ends[0]


def _residual_branches(branches):
    """Return the branches of a sum that are not its shortcut, none without one."""
    graphs = [_nodes([branch]) for branch in branches]
    common = set.intersection(*(set(graph) for graph in graphs))
    own = []  # the layers of a branch since the branches parted
    for graph in graphs:
        nodes = [node for key, node in graph.items() if key not in common]
        own.append([layer for node in nodes for layer in _layers(node.operation)])
    shortest = min(own, key=len)
    is_alone = sum(len(layers) == len(shortest) for layers in own) == 1
    if not common or not is_alone or sum(map(_has_kernel, shortest)) > 1:
        return []
    return [
        b for b, layers in zip(branches, own, strict=True) if layers is not shortest
    ]


def _ends(tensor):
    """Yield the batch normalizations that a tensor comes from."""
    node = _node(tensor)
    if isinstance(node.operation, keras.layers.BatchNormalization):
        yield node.operation
    elif _is_graph(node.operation):
        yield from _ends(node.operation.outputs[tensor._keras_history.tensor_index])
    elif type(node.operation).__name__ in _TRANSPARENT:
        for source in node.input_tensors:
            yield from _ends(source)


def _nodes(tensors):
    """Return by id the calls of layers that gave tensors, from the inputs on."""
    found, stack = {}, [_node(tensor) for tensor in tensors]
    while stack:
        waiting = [_node(tensor) for tensor in stack[-1].input_tensors]
        waiting = [node for node in waiting if id(node) not in found]
        if waiting:
            stack += waiting
        else:
            node = stack.pop()
            found[id(node)] = node
    return found


def _node(tensor):
    # Keras 3.15.1 has no public way from a tensor to the call that gave it where a
    # layer is called twice.
    operation, index, _ = tensor._keras_history
    return operation._inbound_nodes[index]


def _is_graph(operation):
    return isinstance(operation, keras.Model) and bool(
        getattr(operation, "outputs", None)
    )


def _layers(operation):
    """Return the layers that an operation is made of, itself if it is one."""
    if not _is_graph(operation):
        return [operation]
    nodes = _nodes(operation.outputs).values()
    return [layer for node in nodes for layer in _layers(node.operation)]


def _has_kernel(operation):
    weights = getattr(operation, "weights", [])
    return any(len(weight.shape) > 1 for weight in weights)
