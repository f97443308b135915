"""From a program to a compiled model, its data and its held-out score."""

import math

import keras
import numpy as np
from doctor_networks import Classifier, resnet, through, transformer, two_towers
from keras import layers

HELD_OUT = 600  # rows


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
