"""Faults of the network and its loss."""

import keras
from doctor_fault import CLASSES, Faults, dense, flat, kind, one_unit
from doctor_programs import CCE, SCCE
from keras import initializers, ops

FAULTS = Faults()
fault, parts = FAULTS.fault, FAULTS.parts


# The head and the loss.

parts("softmax of one unit", "out-softmax-1unit", one_unit, head=("softmax",))
parts("sigmoids, CE", "out-sigmoid-multiclass", kind(*CLASSES), head=("sigmoid",))
parts(
    "sigmoids, BCE",
    "out-sigmoid-multiclass loss-mismatch",
    kind("one-hot"),
    head=("sigmoid",),
    loss="binary_crossentropy",
)
parts(
    "softmax for tags",
    "out-multilabel-softmax loss-mismatch",
    kind("multilabel"),
    head=("softmax",),
    loss=CCE,
)
parts(
    "softmax for tags, BCE",
    "out-multilabel-softmax",
    kind("multilabel"),
    head=("softmax",),
)


@fault("raw scores", "out-missing-prob", kind("ids", "one-hot", "binary", "multilabel"))
def raw_scores(p):
    loss = CCE if p.kind == "one-hot" else p.loss
    return p.but(head=(), loss=loss)


@fault("relu, CE", "out-missing-prob out-relu-before-softmax", kind(*CLASSES))
def relu_head(p):
    return p.but(head=("relu",), loss=CCE if p.kind == "one-hot" else SCCE)


@fault("relu, BCE", "out-missing-prob out-range out-relu-before-softmax", one_unit)
def relu_binary(p):
    return p.but(head=("relu",))


@fault("softmax twice", "out-double-softmax", kind(*CLASSES))
def softmax_twice(p):
    return p.but(head=("softmax", "softmax"), loss=CCE if p.kind == "one-hot" else SCCE)


@fault("relu before softmax", "out-relu-before-softmax", kind(*CLASSES))
def relu_then_softmax(p):
    return p.but(head=("relu", "softmax"), loss=CCE if p.kind == "one-hot" else SCCE)


@fault("relu before sigmoid", "out-relu-before-softmax out-range", one_unit)
def relu_then_sigmoid(p):
    return p.but(head=("relu", "sigmoid"))


for name in ("relu", "sigmoid", "tanh", "softmax"):
    parts(
        f"{name} for values",
        "out-range" + (" out-softmax-1unit loss-mismatch" if name == "softmax" else ""),
        lambda p: p.kind in ("values", "same") and not p.head,
        head=(name,),
    )

parts("tanh for 0 and 1", "out-range out-missing-prob", one_unit, head=("tanh",))
fault("too few units", "out-units label-corrupt", kind("ids"))(
    lambda p: p.but(units=p.units - 1)
)
fault("spare units", "out-units", kind("ids"))(lambda p: p.but(units=10 * p.units))
parts(
    "one unit for classes",
    "out-units loss-mismatch out-range out-sigmoid-multiclass label-corrupt",
    kind("ids"),
    units=1,
    head=("sigmoid",),
    loss="binary_crossentropy",
)
for name in ("mse", "mae", "hinge", "poisson"):
    parts(f"{name} for classes", "loss-mismatch", kind("one-hot"), loss=name)
    parts(f"{name} for two classes", "loss-mismatch", one_unit, loss=name)
parts(
    "mse of raw class numbers",
    "loss-mismatch out-units",
    kind("ids"),
    units=1,
    head=(),
    loss="mse",
)
parts(
    "BCE for values",
    "loss-mismatch out-missing-prob out-range",
    kind("values"),
    loss="binary_crossentropy",
)
parts("poisson for values", "loss-mismatch out-range", kind("values"), loss="poisson")
parts(
    "MSLE for values",
    "loss-mismatch out-range",
    kind("values"),
    loss="mean_squared_logarithmic_error",
)


@fault("negative loss", "loss-sign", lambda p: p.kind != "two")
def negative_loss(p):
    right = keras.losses.get(p.loss)

    def loss(true, predicted):
        return -ops.mean(right(true, predicted))

    return p.but(loss=loss)


@fault("rounded outputs", "loss-flat", kind("binary", "values", "multilabel"))
def rounded(p):
    def loss(true, predicted):
        return ops.mean(ops.abs(ops.cast(true, "float32") - ops.round(predicted)))

    return p.but(loss=loss)


def summed(p):
    name = {
        "values": "MeanSquaredError",
        "same": "MeanSquaredError",
        "ids": "SparseCategoricalCrossentropy",
    }.get(p.kind, "BinaryCrossentropy")
    return getattr(keras.losses, name)(reduction="sum")


@fault(
    "loss summed, SGD",
    "loss-reduction lr-high",
    lambda p: p.kind in ("values", "same", "ids", "binary") and flat(p),
)
def summed_loss(p):
    momentum = {"momentum": 0.9}
    return p.but(loss=summed(p), optimizer="SGD", rate=0.05, options=momentum)


def over_the_batch(x):
    return ops.softmax(x, axis=0)


parts(
    "softmax over the batch",
    "batch-mixing out-missing-prob",
    kind(*CLASSES),
    certain=True,
    head=(over_the_batch,),
)


# The hidden layers.

parts("hidden linear", "hidden-linear", lambda p: not p.frozen, activation="linear")
parts("sigmoid hidden", "hidden-saturating", flat, activation="sigmoid")
parts(
    "six sigmoids", "hidden-saturating too-deep", flat, activation="sigmoid", deeper=5
)
parts("twenty tanh", "hidden-saturating too-deep", flat, activation="tanh", deeper=20)
parts(
    "large tanh",
    "hidden-saturating init-scale",
    flat,
    activation="tanh",
    initializer=lambda: initializers.RandomNormal(stddev=3.0),
)
for depth in (15, 40):
    parts(
        f"{depth} more layers",
        "too-deep hidden-dead-relu init-scale",
        lambda p: flat(p) or (p.picture and not p.norm),
        deeper=depth,
    )
parts(
    "bias -3",
    "hidden-dead-relu init-scale",
    lambda p: p.activation == "relu" and flat(p) and not p.frozen,
    bias_initializer=lambda shape, dtype=None: ops.full(shape, -3.0, dtype),
)
for name, share in (("one unit per layer", 0.0), ("width times 0.05", 0.05)):
    parts(
        name,
        "capacity",
        lambda p: not p.tokens and not p.frozen and p.rows > 100,
        width=share,
    )


@fault("no bias, targets + 5", "missing-bias target-scale", kind("values"))
def no_bias(p):
    return p.but(bias=False, targets=(lambda y: y + 5,), norm=False)


parts("no bias", "missing-bias", lambda p: dense(p) and not p.norm, bias=False)

for name, make in {
    "zeros": initializers.Zeros,
    "ones": initializers.Ones,
    "constant 0.1": lambda: initializers.Constant(0.1),
}.items():
    parts(
        f"kernels {name}",
        "init-symmetric init-scale" if name == "ones" else "init-symmetric",
        lambda p: not p.frozen and p.body.__name__ != "transformer",
        initializer=make,
        **({"head_initializer": make} if name == "zeros" else {}),
    )
for deviation in (1e-4, 1.0, 10.0):
    parts(
        f"kernels N(0, {deviation})",
        "init-scale hidden-dead-relu too-deep",
        lambda p: not p.frozen and not p.norm and not p.tokens,
        initializer=lambda deviation=deviation: initializers.RandomNormal(0, deviation),
    )
parts(
    "kernels U(0, 1)",
    "init-scale",
    lambda p: not p.frozen and not p.norm and not p.tokens,
    initializer=lambda: initializers.RandomUniform(0, 1),
)
parts(
    "all frozen", "nothing-trains frozen-weights", lambda p: p.rows > 100, frozen="all"
)
