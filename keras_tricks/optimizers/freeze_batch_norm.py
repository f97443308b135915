"""Keep the batch norms of given weights as they are."""

import warnings

import keras


def freeze_batch_norm(model: keras.Model) -> list[str]:
    """Run every batch norm of a model by its moving statistics, also in training.

    The layers get `trainable = False`: they normalize as at inference, and neither
    their statistics nor their `gamma` and `beta` change. Call it before `compile`, and
    on the part of the model that has given weights, not on new layers.

    Worth it when batches or the data set are small: statistics of a few pictures
    replace those of the large data set that the weights were trained for. `body(x,
    training=False)` does not do it in Keras 3.15.1: in a functional model `fit`
    overrides it.

    Args:
        model: A `keras.Model` or layer; layers inside layers are found.

    Returns:
        The names of the layers, a list of strings. Empty, with a warning, if there is
        none.

    Raises:
        TypeError: If `model` is no layer.

    Example:
        >>> norm = keras.layers.BatchNormalization(name="norm")
        >>> body = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), norm])
        >>> freeze_batch_norm(body)
        ['norm']

    Reference:
        `freeze_batch_norm_2d` of timm, `BnFreeze` of fastai.
    """
    if not isinstance(model, keras.Layer):
        raise TypeError(
            f"`model` must be a Keras model or layer. Received: model={model!r}."
        )
    norms = [
        layer
        for layer in _layers(model, {})
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for layer in norms:
        layer.trainable = False
    if not norms:
        warnings.warn(
            f"freeze_batch_norm: {model.name!r} has no batch norm. Are its layers "
            "built?",
            stacklevel=2,
        )
    return [layer.name for layer in norms]


def _layers(layer, seen):
    """Return a layer and all that it holds, each once."""
    seen[id(layer)] = layer
    # Only a model has a public list of its layers. Every layer has what it tracks, in
    # whatever container it was put, in lists among its attributes.
    for value in vars(layer).values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, keras.Layer) and id(item) not in seen:
                _layers(item, seen)
    return seen.values()
