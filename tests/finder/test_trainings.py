import itertools
import random

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_tricks as kt
from keras_tricks.finder._trainings import trainings, twin_of

RATES = [1e-3, 2e-3, 4e-3, 8e-3, 16e-3]
ONES = np.ones((4, 1), "float32")


def output_itself(_, y_pred):
    """A loss with gradient 1: every step of SGD shows the rate that acted."""
    return ops.mean(y_pred, axis=-1)


def one_weight(optimizer="sgd", loss=output_itself, **arguments):
    layer = layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(optimizer, loss, jit_compile=False, **arguments)
    return model


def batches(*values):
    """Batches whose target is the given value."""
    return ((ONES, value * ONES, None) for value in values or itertools.repeat(0))


def losses_of(model, batches, rates, class_weight=None, stop=lambda losses: False):
    first = next(batches)
    with trainings(model, first, class_weight) as train:
        return train(itertools.chain([first], batches), rates, stop)


def one_minus_sum_of(rates):
    return 1 - np.append(0, np.cumsum(rates)[:-1])


@pytest.mark.slow
def test_each_rate_acts_once_and_its_loss_is_from_before():
    losses = losses_of(one_weight(keras.optimizers.SGD(0.5)), batches(), RATES)
    np.testing.assert_allclose(losses, one_minus_sum_of(RATES), rtol=1e-6)


def test_schedule_of_the_optimizer_is_replaced():
    schedule = kt.schedules.WarmupCosine(0.1, 3, 1)
    losses = losses_of(one_weight(keras.optimizers.SGD(schedule)), batches(), RATES)
    np.testing.assert_allclose(losses, one_minus_sum_of(RATES), rtol=1e-6)


def test_rate_belongs_to_its_point_when_loss_scaling_skips_steps():
    inner = keras.optimizers.SGD(0.5)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**127)
    # A gradient of 4 is infinite at this scale, which is halved for each skipped step.
    fours = ((4 * ONES, ONES, None) for _ in itertools.count())
    losses = losses_of(one_weight(optimizer), fours, RATES)
    acted = [0, 0, *RATES[2:]]
    np.testing.assert_allclose(losses, 4 * one_minus_sum_of(4 * np.array(acted)))


def test_loss_is_that_of_the_batch_and_not_a_running_mean():
    model = one_weight(loss="mse", steps_per_execution=2)
    losses = losses_of(model, batches(1, 2, 3, 4, 5), [1e-12] * 5)
    np.testing.assert_allclose(losses, [0, 1, 4, 9, 16])


def test_point_with_gradient_accumulation_is_the_mean_of_its_batches():
    optimizer = keras.optimizers.SGD(0.5, gradient_accumulation_steps=2)
    model = one_weight(optimizer, "mse")
    losses = losses_of(model, batches(1, 2, 3, 4), [1e-12] * 2)
    np.testing.assert_allclose(losses, [(0 + 1) / 2, (4 + 9) / 2])
    losses = losses_of(one_weight(optimizer), batches(), RATES)
    np.testing.assert_allclose(losses, one_minus_sum_of(RATES), rtol=1e-6)


def test_every_training_begins_anew():
    optimizer = keras.optimizers.SGD(0.5, momentum=0.9)
    with trainings(one_weight(optimizer), next(batches())) as train:
        first, second = (train(batches(), RATES) for _ in range(2))
    assert first == second
    assert first[-1] < first[0] == 1


def test_class_and_sample_weights_count():
    model = one_weight(loss="mse")
    weighted = ((ONES, 3 * ONES, 0.5 * ONES[:, 0]) for _ in itertools.count())
    assert losses_of(model, weighted, [1e-12]) == [2.0]
    assert losses_of(model, batches(3), [1e-12], {3: 0.25}) == [1.0]


def test_training_ends_when_told_or_when_the_loss_is_not_finite():
    model = one_weight(loss="mse")
    assert (
        len(losses_of(model, batches(), RATES, None, lambda found: len(found) == 2))
        == 2
    )
    assert losses_of(model, batches(1, 2, np.inf, 3), RATES[:4]) == [
        0,
        pytest.approx(1),
    ]
    assert losses_of(model, batches(np.nan), RATES) == []


class Draws(layers.Layer):
    """Draws from the generators that belong to no model."""

    def call(self, x):
        return x * (1 + 0 * (random.random() + np.random.rand()))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(8, "relu", kernel_regularizer="l2")
        self.dropout = layers.Dropout(0.5)
        self.head = layers.Dense(3)

    def call(self, x):
        return self.head(self.dropout(self.hidden(x)))


def convolutional():
    return keras.Sequential(
        [
            keras.Input((6, 5, 2)),
            Draws(),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(3, activity_regularizer="l1"),
        ]
    )


IMAGES = np.random.default_rng(0).normal(size=(8, 6, 5, 2)).astype("float32")
VECTORS = np.random.default_rng(1).normal(size=(8, 4)).astype("float32")
LABELS = np.arange(8) % 3


def numbers(variables):
    return [ops.convert_to_numpy(variable) for variable in variables]


def forever(x):
    while True:
        yield x[:4], LABELS[:4], None


def nothing(model, x):
    """Find no rate."""


def complete(model, x):
    assert len(losses_of(model, forever(x), RATES)) == 5


def interrupted(model, x):
    def interrupt(losses):
        if len(losses) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        losses_of(model, forever(x), RATES, None, interrupt)


def traces(build, x, optimizer, *finds):
    """Train from a fixed seed, each epoch after one of `finds`."""
    keras.utils.set_random_seed(3)
    keras.backend.clear_session(free_memory=False)
    model = build()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(), loss, metrics=["accuracy"], jit_compile=False)
    history = []
    for find in finds:
        known = model.optimizer, model.train_function, model.steps_per_execution
        find(model, x)
        left = model.optimizer, model.train_function, model.steps_per_execution
        assert all(a is b for a, b in zip(known, left, strict=True))
        history.append(model.fit(x, LABELS, batch_size=4, verbose=0).history)
    draws = [random.random(), np.random.rand()]
    draws.append(float(ops.convert_to_numpy(keras.random.uniform(()))))
    return {
        "variables": numbers(model.variables),
        "optimizer": numbers(model.optimizer.variables),
        "metrics": numbers(model.metrics_variables),
        "names": [metric.name for metric in model.metrics],
        "history": history,
        "draws": draws,
    }


def momentum():
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    return keras.optimizers.SGD(rate, momentum=0.9)


def average():
    return keras.optimizers.Adam(use_ema=True)


# Other backends build metrics and losses when they first train; building draws numbers.
FIRST = complete if keras.backend.backend() == "tensorflow" else nothing


@pytest.mark.parametrize(
    ("build", "x", "optimizer", "finds"),
    [
        (convolutional, IMAGES, momentum, [FIRST, interrupted]),
        pytest.param(
            *(Subclassed, VECTORS, average, [FIRST, complete]), marks=pytest.mark.slow
        ),
    ],
    ids=["convolutional", "subclassed and not built"],
)
def test_training_is_bit_for_bit_what_it_is_without_trainings(
    build, x, optimizer, finds
):
    without = traces(build, x, optimizer, *[nothing for _ in finds])
    np.testing.assert_equal(traces(build, x, optimizer, *finds), without)


def test_training_begins_with_the_momentum_that_the_optimizer_has():
    model = one_weight(keras.optimizers.SGD(0.1, momentum=0.9))
    model.train_on_batch(ONES, ONES)
    losses = losses_of(model, batches(), [1e-12] * 3)
    np.testing.assert_allclose(losses, [0.9, 0.81, 0.729], rtol=1e-5)


def test_twin_has_every_setting_and_value_but_the_rate():
    weight = keras.Variable([1.0, 2.0])
    inner = keras.optimizers.AdamW(0.25, weight_decay=0.3, global_clipnorm=7.0)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0)
    optimizer.build([weight])
    for number, variable in enumerate(optimizer.variables):
        if variable.name != "learning_rate":
            variable.assign(ops.full(variable.shape, number, variable.dtype))
    twin = twin_of(optimizer, [weight])
    twin.learning_rate = 0.25
    assert twin is not optimizer
    assert twin.get_config() == optimizer.get_config()
    np.testing.assert_equal(numbers(twin.variables), numbers(optimizer.variables))


def test_optimizer_with_several_rates_is_refused():
    class Several(keras.optimizers.SGD):
        def get_config(self):
            return {"name": "several"}

    with pytest.raises(TypeError, match="one learning rate"):
        losses_of(one_weight(Several()), batches(), RATES)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="has another train_step")
def test_training_step_without_a_loss_is_refused():
    class Silent(keras.Sequential):
        def train_step(self, *args):
            return {"other": ops.zeros(())}

    model = Silent([keras.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(ValueError, match=r"name 'loss'. Received: \['other'\]"):
        losses_of(model, batches(), RATES)
