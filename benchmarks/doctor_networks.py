"""Networks that take their parts from a program, up to the head."""

import itertools

import keras
from keras import layers


def normed(p):
    norm = [layers.BatchNormalization(momentum=p.momentum)] if p.norm else []
    drop = [layers.Dropout(p.dropout)] if p.dropout else []
    return norm, drop


def weights(p):
    return {
        "use_bias": p.bias,
        "kernel_initializer": p.initializer(),
        "bias_initializer": p.bias_initializer,
        "kernel_regularizer": p.penalty() if p.penalty else None,
    }


def scaled(p, units):
    return max(1, round(p.width * units))


def joined(lists):
    return list(itertools.chain.from_iterable(lists))


def dense(p, units):
    norm, drop = normed(p)
    if norm:
        last = [*norm, layers.Activation(p.activation), *drop]
        return [layers.Dense(scaled(p, units), **weights(p)), *last]
    return [layers.Dense(scaled(p, units), p.activation, **weights(p)), *drop]


def mlp(*widths):
    def body(p):
        return joined(dense(p, w) for w in (*widths, *[widths[-1]] * p.deeper))

    return body


def conv(p, filters, strides=1, kind=layers.Conv2D):
    made = kind(scaled(p, filters), 3, strides, padding="same", **weights(p))
    norm, _ = normed(p)
    return [made, *norm, layers.Activation(p.activation)]


def through(x, *lists):
    for layer in joined(lists):
        x = layer(x)
    return x


def cnn(p):
    convs = [conv(p, 8), [layers.MaxPooling2D()], conv(p, 16), [layers.MaxPooling2D()]]
    deep = [conv(p, 16) for _ in range(p.deeper)]
    return joined([*convs, *deep, [layers.Flatten()], dense(p, 32)])


def resnet(p, x):
    x = through(layers.Rescaling(1 / 127.5, -1)(x), conv(p, 8, 2))
    for filters, strides in ((8, 1), (16, 2), (16, 1), *[(16, 1)] * p.deeper):
        y = through(x, conv(p, filters, strides), conv(p, filters)[:-1])
        if strides > 1:
            x = through(x, conv(p, filters, strides)[:-1])
        x = layers.Activation(p.activation)(layers.Add()([x, y]))
    return layers.GlobalAveragePooling2D()(x)


def series(p):
    steps = [conv(p, 16, kind=layers.Conv1D), [layers.MaxPooling1D()]]
    steps += [conv(p, 32, kind=layers.Conv1D) for _ in range(1 + p.deeper)]
    return joined([*steps, [layers.GlobalAveragePooling1D()]])


def recurrent(p):
    return [
        layers.Embedding(p.tokens_in, scaled(p, 16)),
        layers.GRU(scaled(p, 16), kernel_initializer=p.initializer()),
        *dense(p, 16),
    ]


def transformer(p, x):
    place = keras.ops.arange(x.shape[1])
    x = layers.Embedding(p.tokens_in, 16)(x) + layers.Embedding(x.shape[1], 16)(place)
    for _ in range(1 + p.deeper):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 8)(y, y)
        y = layers.Dense(32, p.activation, **weights(p))(layers.LayerNormalization()(x))
        x = x + layers.Dense(16, **weights(p))(y)
    return layers.GlobalAveragePooling1D()(x)


def two_towers(p, x):
    towers = [through(part, dense(p, 32)) for part in x]
    return through(layers.Concatenate()(towers), mlp(32, 32)(p))


def bottleneck(p):
    return [*dense(p, 64), layers.Dense(8, **weights(p)), *dense(p, 64)]


def code(p):
    """An autoencoder with a linear code."""
    return [*dense(p, 32), layers.Dense(scaled(p, 8), **weights(p)), *dense(p, 32)]


class Classifier(keras.Model):
    """A model that is only a list of layers and a loop."""

    def __init__(self, stack):
        super().__init__()
        self.stack = stack

    def call(self, x, training=False):
        for layer in self.stack:
            dropout = isinstance(layer, layers.Dropout | layers.BatchNormalization)
            x = layer(x, training=training) if dropout else layer(x)
        return x
