"""Healthy training programs of many kinds, each a set of parts that can be broken."""

import dataclasses
from collections.abc import Callable

import doctor_data as data
import keras
from doctor_networks import (
    bottleneck,
    cnn,
    code,
    mlp,
    recurrent,
    resnet,
    series,
    transformer,
    two_towers,
)


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
