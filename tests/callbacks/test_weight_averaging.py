import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

RNG = np.random.default_rng(0)
X = RNG.random((12, 5)).astype("float32")
Y = RNG.random((12, 2)).astype("float32")


def averaging(*arguments, **options):
    return kt.callbacks.WeightAveraging(*arguments, **options)


def network(**arguments):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(4),
            keras.layers.BatchNormalization(momentum=0.5),
            keras.layers.Dense(2),
        ]
    )
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, **arguments)
    model.compile(optimizer, "mse")
    return model


def fit(model, *callbacks, epochs=1, **options):
    options = {"batch_size": 4, "shuffle": False, "verbose": 0, **options}
    return model.fit(X, Y, epochs=epochs, callbacks=[*callbacks], **options).history


def weights(model):
    return [ops.convert_to_numpy(w).copy() for w in model.weights]


def assert_same(some, others, tolerance=0):
    for mine, theirs in zip(some, others, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance)


class Record(keras.callbacks.Callback):
    """Record the weights after each step and at the end of each epoch."""

    def on_train_begin(self, logs=None):
        self.steps, self.epochs = [], []

    def on_train_batch_end(self, batch, logs=None):
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        self.steps.append(weights(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(weights(self.model))


def average_of(steps, decays):
    average = steps[0]
    for step, d in zip(steps[1:], decays, strict=True):
        average = [d * a + (1 - d) * w for a, w in zip(average, step, strict=True)]
    return average


@pytest.mark.slow
def test_validation_callbacks_and_the_model_have_the_average_of_all_weights():
    model, plain, record = network(), network(), Record()
    callback = averaging(0.6)
    history = fit(model, callback, record, epochs=2, validation_data=(X, Y))
    fit(plain, epochs=2)
    growing = [1 - n ** (-2 / 3) for n in (2, 3, 4)]
    assert growing[2] > 0.6 > growing[1]
    expected = average_of(record.steps, [*growing[:2], 0.6, 0.6, 0.6])
    assert_same(weights(model), expected, 1e-6)
    assert_same(record.epochs[0], average_of(record.steps[:3], growing[:2]), 1e-6)
    assert_same(record.epochs[1], expected, 1e-6)
    loss = model.evaluate(X, Y, verbose=0)
    assert history["val_loss"][1] == pytest.approx(loss, rel=1e-5)
    assert_same(record.steps[-1], weights(plain))
    callback.swap()
    assert not callback.averaged
    assert_same(weights(model), weights(plain))


@pytest.mark.slow
def test_decay_zero_is_plain_training():
    model, plain = network(), network()
    fit(model, averaging(0.0, warmup=False), epochs=2)
    fit(plain, epochs=2)
    assert_same(weights(model), weights(plain))


@pytest.mark.parametrize("accumulated", [pytest.param(None, marks=pytest.mark.slow), 2])
def test_every_other_step_takes_the_decay_to_the_power_of_two(accumulated):
    model, record = network(gradient_accumulation_steps=accumulated), Record()
    batch_size = 2 if accumulated else 4
    callback = averaging(0.7, warmup=False, every=2)
    fit(model, callback, record, epochs=2, batch_size=batch_size)
    steps = record.steps[1::2] if accumulated else record.steps
    steps = [steps[n - 1] for n in (1, 2, 4, 6)]
    assert_same(weights(model), average_of(steps, [0.7, 0.49, 0.49]), 1e-6)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="one step only")
def test_steps_per_execution_are_that_many_steps():
    model, record = network(), Record()
    model.compile(keras.optimizers.SGD(0.1), "mse", steps_per_execution=2)
    fit(model, averaging(0.7, warmup=False), record, epochs=2)
    assert len(record.steps) == 4
    # Batches 2, 3, 5 and 6.
    expected = average_of(record.steps, [0.7, 0.49, 0.7])
    assert_same(weights(model), expected, 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 1])
def test_a_resumed_run_has_the_average_of_an_uninterrupted_one(tmp_path, first):
    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def callbacks():
        backup = keras.callbacks.BackupAndRestore(tmp_path)
        return [averaging(0.9), backup][:: -1 if first else 1]

    with pytest.raises(KeyboardInterrupt):
        fit(network(), *callbacks(), Kill(), epochs=3)
    model, expected = network(), network()
    assert len(fit(model, *callbacks(), epochs=3)["loss"]) == 1
    fit(expected, averaging(0.9), epochs=3)
    assert_same(weights(model), weights(expected), 1e-6)


def test_a_saved_model_has_the_average_and_loads_as_any_other(tmp_path):
    path = tmp_path / "model.keras"
    model, record = network(), Record()
    callback, saving = averaging(0.9), keras.callbacks.ModelCheckpoint(path)
    fit(model, callback, record, saving, epochs=2)
    loaded = keras.models.load_model(path)
    assert_same(weights(loaded), weights(model))
    for mine, theirs in zip(
        loaded.optimizer.variables, model.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(*map(ops.convert_to_numpy, (mine, theirs)))
    assert not hasattr(model.optimizer, "weight_averaging")


def test_the_raw_weights_survive_an_interrupted_validation():
    class Interrupt(keras.callbacks.Callback):
        def on_test_end(self, logs=None):
            raise KeyboardInterrupt

    model, plain, callback = network(), network(), averaging(0.9)
    with pytest.raises(KeyboardInterrupt):
        fit(model, callback, Interrupt(), validation_data=(X, Y))
    assert callback.averaged
    fit(plain)
    again = averaging(0.0)
    fit(model, again)
    fit(plain)
    assert_same(weights(model), weights(plain))


def test_an_interrupted_epoch_leaves_the_raw_weights_and_the_average():
    class Interrupt(Record):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            if batch == 1:
                raise KeyboardInterrupt

    model, callback, record = network(), averaging(0.5, warmup=False), Interrupt()
    with pytest.raises(KeyboardInterrupt):
        fit(model, callback, record)
    assert_same(weights(model), record.steps[-1])
    callback.swap()
    assert_same(weights(model), average_of(record.steps, [0.5]), 1e-6)


def test_each_fit_begins_an_average():
    model, callback, record = network(), averaging(0.5, warmup=False), Record()
    fit(model, callback)
    fit(model, callback, record)
    assert_same(weights(model), average_of(record.steps, [0.5, 0.5]), 1e-6)


def test_a_model_that_is_not_built_yet_is_averaged():
    keras.utils.set_random_seed(1)
    model, record = keras.Sequential([keras.layers.Dense(2)]), Record()
    model.compile("sgd", "mse")
    fit(model, averaging(0.5, warmup=False), record)
    assert_same(weights(model), average_of(record.steps, [0.5, 0.5]), 1e-6)


def test_evaluate_leaves_nothing_behind():
    model = network()
    before = weights(model)
    model.evaluate(X, Y, verbose=0, callbacks=[averaging()])
    assert not hasattr(model.optimizer, "weight_averaging")
    model.predict(X, verbose=0, callbacks=[averaging()])
    assert not hasattr(model.optimizer, "weight_averaging")
    assert_same(weights(model), before)


def test_what_cannot_work_is_refused():
    with pytest.raises(ValueError, match="`decay` must be between 0 and 1"):
        averaging(1.1)
    with pytest.raises(TypeError, match="`every` must be an integer"):
        averaging(every=0.5)
    with pytest.raises(ValueError, match="There is no average yet"):
        averaging().swap()
    model = network()
    model.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse")
    with pytest.raises(ValueError, match="would average twice"):
        fit(model, averaging())
    keras.config.set_dtype_policy("bfloat16")
    with pytest.raises(ValueError, match="a variable of dtype bfloat16"):
        fit(network(), averaging())


@pytest.mark.reference
@pytest.mark.parametrize("warmup", [True, False])
def test_equals_timm(timm, warmup):
    import torch

    model, record, callback = network(), Record(), averaging(0.7, warmup)
    fit(model, callback, record, epochs=3)
    holder = torch.nn.Module()
    for index, value in enumerate(record.steps[0]):
        # A batch norm's statistics are buffers.
        holder.register_buffer(f"w{index}", torch.zeros(value.shape))
    holder.register_parameter("p", torch.nn.Parameter(torch.zeros(1)))
    ema = timm.utils.ModelEmaV3(holder, decay=0.7, use_warmup=warmup)
    for step, values in enumerate(record.steps, 1):
        for index, value in enumerate(values):
            getattr(holder, f"w{index}").copy_(torch.from_numpy(value))
        ema.update(holder, step=step)
    expected = [getattr(ema.module, f"w{i}").numpy() for i in range(len(values))]
    assert_same(weights(model), expected, 1e-6)
    full = averaging(0.9999, warmup)
    ema = timm.utils.ModelEmaV3(holder, decay=0.9999, use_warmup=warmup)
    for step in (1, 2, 10, 100, 1000, 10**6, 10**7):
        assert full.decay_at(step) == pytest.approx(ema.get_decay(step), abs=1e-6)
