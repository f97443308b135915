"""What every layer returns while a model computes."""

import contextlib

import keras

# Their inner layers compute inside a loop, out of which no value can be taken.
LOOPS = (keras.layers.RNN, keras.layers.TimeDistributed)


@contextlib.contextmanager
def recorded(model):
    """Note the outputs of a model's layers, whatever calls them.

    Yields:
        A list that fills with `(layer, inputs, outputs)`, in the order in which the
        layers finish; a layer that is called twice is in it twice.
    """
    record, kept = [], []
    try:
        for layer in layers_of(model):
            attributes = vars(layer)
            kept.append((attributes, attributes.get("call")))
            # Past Keras's `__setattr__`, which would track it.
            attributes["call"] = _recording(layer, layer.call, record)
        yield record
    finally:
        for attributes, call in kept:
            del attributes["call"]
            if call is not None:
                attributes["call"] = call


def layers_of(model):
    """Return the layers that compute something, models apart, each once."""
    seen = {}
    _walk(model, seen)
    return [layer for layer in seen.values() if not isinstance(layer, keras.Model)]


def _walk(layer, seen):
    seen[id(layer)] = layer
    if isinstance(layer, LOOPS):
        return
    # Only a model has a public list of its layers. Every layer has what it tracks, in
    # whatever container it was put, in lists among its attributes.
    for value in list(vars(layer).values()):
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, keras.Layer) and id(item) not in seen:
                _walk(item, seen)


def _recording(layer, call, record):
    def recording(*args, **kwargs):
        outputs = call(*args, **kwargs)
        record.append((layer, args, outputs))
        return outputs

    return recording
