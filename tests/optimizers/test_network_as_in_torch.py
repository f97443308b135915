"""10,000 steps of a convolutional network, here and in PyTorch."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

import keras_tricks as kt

STEPS = 10_000
BATCH = 8
# Tanh and small rates: with ReLU and five times the rate the training is chaotic, and
# a difference of 1e-16 after 300 steps is one of 1e-5 after 2,000.


@pytest.fixture
def float64():
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")


def pictures():
    images, labels = kt.datasets.birds(64, num_species=5, image_size=16)
    return images / 127.5 - 1.0, labels


def build_network():
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, activation="tanh")(inputs)
    x = keras.layers.Conv2D(6, 3, activation="tanh")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(5)(x))


def train_here(model, optimizer, images, labels):
    tf = pytest.importorskip("tensorflow")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    images, labels = tf.constant(images), tf.constant(labels, "int32")
    optimizer.build(model.trainable_variables)

    @tf.function
    def train():
        for step in tf.range(STEPS):
            at = (step * BATCH) % 64
            with tf.GradientTape() as tape:
                value = loss(labels[at : at + BATCH], model(images[at : at + BATCH]))
            gradients = tape.gradient(value, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
        return value

    value = float(train())
    return value, model.get_weights()


def train_in_torch(weights, make, rates, images, labels):
    torch = pytest.importorskip("torch")
    parameters = [
        torch.tensor(w.transpose(3, 2, 0, 1) if w.ndim == 4 else w, requires_grad=True)
        for w in weights
    ]
    images = torch.tensor(images.transpose(0, 3, 1, 2))
    labels = torch.tensor(labels, dtype=torch.long)
    optimizer = make(torch, parameters)
    conv2d = torch.nn.functional.conv2d
    for step, rate in enumerate(rates):
        for group in optimizer.param_groups:
            group["lr"] = rate
        at = step * BATCH % 64
        k1, b1, k2, b2, k3, b3 = parameters
        x = torch.tanh(conv2d(images[at : at + BATCH], k1, b1, stride=2))
        x = torch.tanh(conv2d(x, k2, b2)).mean((2, 3))
        loss = torch.nn.functional.cross_entropy(x @ k3 + b3, labels[at : at + BATCH])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = [p.detach().numpy() for p in parameters]
    return loss.item(), [w.transpose(2, 3, 1, 0) if w.ndim == 4 else w for w in found]


def torch_sgd(nesterov):
    def make(torch, parameters):
        return torch.optim.SGD(
            parameters, 0.1, momentum=0.9, nesterov=nesterov, weight_decay=5e-4
        )

    return make


def torch_adamw_without_biases(torch, parameters):
    kernels = {"params": parameters[::2], "weight_decay": 0.05}
    biases = {"params": parameters[1::2], "weight_decay": 0.0}
    return torch.optim.AdamW([kernels, biases])


CASES = {
    "SGD": (
        lambda rate: kt.optimizers.SGD(rate, momentum=0.9, weight_decay=5e-4),
        torch_sgd(nesterov=False),
        2e-3,
    ),
    "SGD, Nesterov": (
        lambda rate: kt.optimizers.SGD(
            rate, momentum=0.9, nesterov=True, weight_decay=5e-4
        ),
        torch_sgd(nesterov=True),
        2e-3,
    ),
    "AdamW": (
        lambda rate: kt.optimizers.AdamW(
            rate, epsilon=1e-8, weight_decay=kt.optimizers.WeightDecay(0.05)
        ),
        torch_adamw_without_biases,
        1e-3,
    ),
}


@pytest.mark.slow
@pytest.mark.reference
@pytest.mark.parametrize("case", CASES)
def test_weights_after_10000_steps_are_those_of_torch(case, float64):
    here, there, peak = CASES[case]
    images, labels = pictures()
    model = build_network()
    schedule = kt.schedules.WarmupCosine(peak, STEPS, STEPS // 20, end=peak / 100)
    rates = np.asarray(schedule(np.arange(STEPS)), "float64").tolist()
    start = model.get_weights()
    expected = train_in_torch(start, there, rates, images, labels)
    found = train_here(model, here(schedule), images, labels)
    assert found[0] == pytest.approx(expected[0], abs=1e-6)
    for mine, theirs, first in zip(found[1], expected[1], start, strict=True):
        assert np.abs(theirs - first).max() > 0.1
        assert_allclose(mine, theirs, atol=1e-6, rtol=0)
