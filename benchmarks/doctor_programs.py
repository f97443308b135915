"""Healthy training programs of many kinds, each a set of parts that can be broken."""

import dataclasses
import itertools
import math
from collections.abc import Callable

import doctor_data as data
import keras
import numpy as np
from keras import layers

HELD_OUT = 600  # rows


@dataclasses.dataclass(frozen=True)
class Program:
    """What is trained, on what, and how. A fault replaces one of the parts."""

    name: str
    data: Callable  # (rng, rows) -> x, y
    body: Callable  # program -> list of layers, or (program, input) -> features
    kind: str  # binary, ids, one-hot, multilabel, values, same, two
    units: int = 1
    head: tuple = ("sigmoid",)
    loss: object = "binary_crossentropy"
    optimizer: str = "Adam"
    rate: float = 1e-3
    options: dict = dataclasses.field(default_factory=dict)
    schedule: Callable | None = None  # (rate, steps) -> schedule
    batch_size: int = 32
    epochs: int = 10
    rows: int = 1200
    activation: str = "relu"
    initializer: Callable = keras.initializers.GlorotUniform
    head_initializer: Callable = keras.initializers.GlorotUniform
    bias: bool = True
    bias_initializer: str = "zeros"
    penalty: Callable | None = None
    norm: bool = False
    momentum: float = 0.9  # of batch normalization
    dropout: float = 0.0
    head_dropout: float = 0.0
    width: float = 1.0
    deeper: int = 0  # more hidden layers
    front: tuple = ()  # functions that make layers before the body
    frozen: str = ""  # "body" or "all"
    picture: bool = False
    tokens: bool = False
    in_model: bool = False  # the body scales the inputs
    feed: str = "arrays"  # or "dataset", "sequence"
    subclassed: bool = False
    fit: dict = dataclasses.field(default_factory=dict)
    validation: Callable | None = None  # (x, y, held_out_x, held_out_y) -> arguments
    inputs: tuple = ()  # (rng, x) -> x, of all rows
    targets: tuple = ()  # y -> y, of all rows
    training: tuple = ()  # (rng, x, y) -> x, y, of the training rows
    tokens_in: int = 200

    def but(self, **parts):
        return dataclasses.replace(self, **parts)


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


def cosine(rate, steps):
    return keras.optimizers.schedules.CosineDecay(rate, steps)


def held_out(x, y, held_out_x, held_out_y):
    return {"validation_data": (held_out_x, held_out_y)}


def zeros():
    return keras.initializers.Zeros()


SCCE, CCE = "sparse_categorical_crossentropy", "categorical_crossentropy"
CLASSES = {"kind": "ids", "head": ("softmax",), "loss": SCCE}
FROM_LOGITS = {"from_logits": True}
PICTURES = {**CLASSES, "units": 4, "picture": True}
VALUES = {"kind": "values", "head": (), "loss": "mse"}
TEXT = {"kind": "binary", "tokens": True}


PROGRAMS = [
    Program("mlp-binary", data.clusters(10, 2), mlp(32, 32), "binary"),
    Program(
        "mlp-ids", data.clusters(12, 5, spread=0.9), mlp(64, 32), units=5, **CLASSES
    ),
    Program(
        "mlp-logits",
        data.one_hot(data.clusters(16, 6), 6),
        mlp(64, 64),
        "one-hot",
        units=6,
        head=(),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        validation=held_out,
    ),
    Program(
        "mlp-one-hot",
        data.one_hot(data.clusters(10, 4), 4),
        mlp(64, 32, 32),
        "one-hot",
        units=4,
        head=("softmax",),
        loss=CCE,
        batch_size=16,
        epochs=6,
    ),
    Program("cnn-shapes", data.shapes(), cnn, **PICTURES),
    Program(
        "resnet-255",
        data.shapes(16, 16, 3, 255),
        resnet,
        norm=True,
        epochs=6,
        in_model=True,
        rate=3e-3,
        **PICTURES,
    ),
    Program("regression", data.values(6), mlp(64, 64), **VALUES),
    Program(
        "regression-bn",
        data.values(8, noise=0.5),
        mlp(64, 64),
        norm=True,
        epochs=15,
        **VALUES,
    ),
    Program(
        "autoencoder",
        data.low_rank(24),
        code,
        "same",
        units=24,
        head=(),
        loss="mse",
        epochs=15,
    ),
    Program(
        "autoencoder-pixels",
        data.flat(data.shapes(12, 12, noise=0.03)),
        mlp(96, 48, 96),
        "same",
        units=144,
        epochs=20,
    ),
    Program("multilabel", data.tags(12, 6), mlp(64, 64), "multilabel", units=6),
    Program("gru-tokens", data.words(), recurrent, rate=3e-3, epochs=6, **TEXT),
    Program(
        "series-conv",
        data.waves(),
        series,
        units=4,
        rate=3e-3,
        **CLASSES,
    ),
    Program(
        "two-inputs", data.two_views(6), two_towers, "binary", epochs=15, batch_size=16
    ),
    Program(
        "two-outputs",
        data.class_and_value(8, 4),
        mlp(64, 64),
        "two",
        units=4,
        head=("softmax",),
        loss=(SCCE, "mse"),
        epochs=12,
    ),
    Program(
        "subclassed",
        data.clusters(10, 4),
        mlp(64, 32),
        units=4,
        subclassed=True,
        **CLASSES,
    ),
    Program(
        "dataset-fed",
        data.clusters(10, 3),
        mlp(64, 32),
        units=3,
        feed="dataset",
        **CLASSES,
    ),
    Program("sequence-fed", data.values(5), mlp(64, 64), feed="sequence", **VALUES),
    Program(
        "momentum-cosine",
        data.clusters(12, 4),
        mlp(64, 64),
        units=4,
        optimizer="SGD",
        rate=0.05,
        options={"momentum": 0.9},
        schedule=cosine,
        **CLASSES,
    ),
    Program(
        "regression-sgd",
        data.values(5, noise=0.6),
        mlp(64, 64),
        optimizer="SGD",
        rate=0.03,
        options={"momentum": 0.9},
        activation="tanh",
        epochs=15,
        fit={"validation_split": 0.1},
        **VALUES,
    ),
    Program(
        "class-weight",
        data.clusters(8, 2, shares=(0.92, 0.08)),
        mlp(32, 32),
        "binary",
        epochs=15,
        fit={"class_weight": {0: 1.0, 1: 11.5}},
    ),
    Program("transformer", data.words(), transformer, rate=3e-3, epochs=5, **TEXT),
    Program(
        "noisy-binary",  # classes overlap: no network gets far above 0.8
        data.clusters(6, 2, each=2, spread=1.5),
        mlp(32),
        "binary",
    ),
    # Healthy, but what looks odd to a rule of thumb.
    Program(
        "xor",  # four rows
        data.exclusive_or,
        mlp(8),
        "binary",
        rate=0.1,
        activation="tanh",
        rows=4,
        batch_size=4,
        epochs=100,
    ),
    Program(
        "rings-fast",  # Adam 0.01, and right on nearly all validation rows
        data.rings,
        mlp(16, 16),
        "binary",
        rate=0.01,
        activation="tanh",
        rows=400,
        epochs=20,
        validation=held_out,
    ),
    Program(
        "raw-pixels",  # 0 to 255 without scaling, higher than wide
        data.shapes(20, 14, 3, 255),
        cnn,
        initializer=keras.initializers.HeNormal,
        **PICTURES,
    ),
    Program(
        "sigmoid-mse",  # sigmoid units, squared error for classes
        data.clusters(6, 2, each=2, spread=0.4),
        mlp(32),
        "binary",
        activation="sigmoid",
        loss="mse",
        rate=0.01,
    ),
    Program(
        "no-bias-bn",  # no bias before batch norm, half of a wide layer dropped
        data.clusters(12, 4),
        mlp(256, 128),
        units=4,
        norm=True,
        bias=False,
        dropout=0.5,
        rate=3e-3,
        **CLASSES,
    ),
    Program(
        "full-batch",  # one step per epoch
        data.rings,
        mlp(32, 32),
        "binary",
        rate=0.02,
        rows=256,
        batch_size=256,
        epochs=60,
    ),
    Program(
        "frozen-body",  # random features that stay; the head starts at zero
        data.clusters(8, 3, spread=0.3),
        mlp(256),
        units=3,
        frozen="body",
        head_initializer=zeros,
        rate=3e-3,
        **CLASSES,
    ),
    Program(
        "bottleneck",  # a linear layer amid the network
        data.clusters(12, 5),
        bottleneck,
        units=5,
        epochs=12,
        **CLASSES,
    ),
]
PROGRAMS = {program.name: program for program in PROGRAMS}


def each(function, arrays):
    if isinstance(arrays, list):
        return [function(array) for array in arrays]
    return function(arrays)


def count(arrays):
    return len(arrays[0] if isinstance(arrays, list) else arrays)


def draw(p, seed):
    """Return the training rows and the held-out rows, with the faults of the data."""
    rng = np.random.default_rng([seed, *p.name.encode()])
    x, y = p.data(rng, p.rows + HELD_OUT)
    for change in p.inputs:
        x = each(lambda array, change=change: change(rng, array), x)
    y = x if p.kind == "same" else y
    for change in p.targets:
        y = each(change, y)
    train = [each(lambda array: array[: p.rows], part) for part in (x, y)]
    test = [each(lambda array: array[p.rows :], part) for part in (x, y)]
    for change in p.training:
        train = list(change(rng, *train))
    if p.kind == "same":
        train[1] = train[0]
    return train, test


def network(p, x):
    """Return the model, not compiled."""
    front = [make() for make in p.front]
    first, *others = [*p.head, None]
    head = [layers.Dense(p.units, first, kernel_initializer=p.head_initializer())]
    head = head if p.bias else [layers.Dense(p.units, first, use_bias=False)]
    head += [layers.Activation(name) for name in others if name]
    head += [layers.Dropout(p.head_dropout)] if p.head_dropout else []
    sequential = p.body not in (resnet, transformer, two_towers) and p.kind != "two"
    inputs = each(lambda array: keras.Input(array.shape[1:], dtype=array.dtype.name), x)
    if sequential:
        body = p.body(p)
        stack = [*front, *body, *head]
        model = (
            Classifier(stack) if p.subclassed else keras.Sequential([inputs, *stack])
        )
        if p.subclassed:
            model(x[:1])
    elif p.kind == "two":
        features = through(inputs, front, p.body(p))
        outputs = [through(features, head), layers.Dense(1)(features)]
        model = keras.Model(inputs, outputs)
    else:
        features = p.body(p, through(inputs, front))
        model = keras.Model(inputs, through(features, head))
    if p.frozen == "body":
        for layer in body:
            layer.trainable = False
    model.trainable = p.frozen != "all"
    return model


def program(p, seed):
    """Return the compiled model, x, y, the arguments of `fit` and the held-out rows."""
    (x, y), test = draw(p, seed)
    keras.utils.set_random_seed(seed)
    model = network(p, x)
    steps = p.epochs * math.ceil(count(x) / p.batch_size)
    rate = p.schedule(p.rate, steps) if p.schedule else p.rate
    optimizer = getattr(keras.optimizers, p.optimizer)(rate, **p.options)
    loss = list(p.loss) if isinstance(p.loss, tuple) else p.loss
    model.compile(optimizer, loss)
    fit = {"epochs": p.epochs, "batch_size": p.batch_size, **p.fit}
    if p.validation:
        fit |= p.validation(x, y, *test)
    if p.feed != "arrays":
        x, y = fed(p.feed, x, y, fit.pop("batch_size"), seed), None
    return model, x, y, fit, test


def fed(feed, x, y, batch_size, seed):
    if feed == "dataset":
        import tensorflow as tf

        rows = tf.data.Dataset.from_tensor_slices((x, y))
        return rows.shuffle(len(x), seed).batch(batch_size)
    return Batches(x, y, batch_size)


class Batches(keras.utils.PyDataset):
    """The rows in batches."""

    def __init__(self, x, y, size):
        super().__init__()
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return math.ceil(len(self.x) / self.size)

    def __getitem__(self, index):
        part = slice(index * self.size, (index + 1) * self.size)
        return self.x[part], self.y[part]


def score(p, model, x, y):
    """Return the held-out score of a model, in [0, 1]; 0 where it is not a number."""
    outputs = model.predict(x, batch_size=HELD_OUT, verbose=0)
    if p.kind == "two":
        return (right(p, outputs[0], y[0]) + explained(outputs[1], y[1])) / 2
    if p.kind in ("values", "same"):
        return explained(outputs, y)
    return right(p, outputs, y)


def explained(output, y):
    if not np.isfinite(output).all():
        return 0.0
    error = np.mean((output.reshape(y.shape) - y) ** 2) / np.mean((y - y.mean(0)) ** 2)
    return max(0.0, 1 - float(error))


def right(p, output, y):
    if not np.isfinite(output).all():
        return 0.0
    threshold = 0.0 if getattr(p.loss, "from_logits", False) else 0.5
    if p.kind == "multilabel":
        hit = ((output > threshold) * y).sum()
        return float(2 * hit / ((output > threshold).sum() + y.sum()))
    y = y.argmax(1) if p.kind == "one-hot" else np.reshape(y, -1)
    if output.shape[-1] == 1 and p.kind == "binary":
        guess = output[:, 0] > threshold
    else:
        guess = output.argmax(1) if output.shape[-1] > 1 else np.rint(output[:, 0])
    return float(np.mean([np.mean(guess[y == c] == c) for c in np.unique(y)]))
